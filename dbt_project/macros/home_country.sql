{# The shop's own country under the name that all tables use. #}
{% macro home_country() -%}
    coalesce(
            (
                select known.country from {{ ref('countries') }} as known
                where upper(known.source_name) = upper({{ quoted(setting('home_country')) }})
            ),
            {{ quoted(setting('home_country')) }}
        )
{%- endmacro %}
