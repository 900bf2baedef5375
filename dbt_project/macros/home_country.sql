{# The shop's own country under the name that all tables use. #}
{% macro home_country() -%}
    coalesce(
            (
                select known.country from {{ ref('countries') }} as known
                where {{ capitals('known.source_name') }} = {{ capitals(quoted(setting('home_country'))) }}
            ),
            {{ quoted(setting('home_country')) }}
        )
{%- endmacro %}
