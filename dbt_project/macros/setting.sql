{#
    The value of a setting, checked. A typo in a var must stop the build: silently
    falling into an `else` would publish figures that nobody asked for.
#}
{% macro setting(name) -%}
    {%- set allowed = {
        'exact_duplicates': ['by_profile', 'drop', 'overlap', 'keep'],
        'exclude_non_product': [true, false],
        'is_currency_said': [true, false],
        'has_order_discounts': [true, false],
        'require_positive_price': [true, false],
        'rfm_monetary': ['net', 'gross'],
        'rfm_frequency': ['invoices', 'lines'],
        'rfm_snapshot': ['day_after_last', 'last'],
        'rfm_recency': ['calendar', 'elapsed'],
        'customer_ids': ['pseudonyms', 'plain'],
    } -%}
    {%- set value = var(name) -%}
    {%- if name in allowed and value not in allowed[name] -%}
        {{ exceptions.raise_compiler_error(
            "var " ~ name ~ " is '" ~ value ~ "'; allowed are " ~ allowed[name] | join(', ')
        ) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{# The as-of date as an SQL date, or none when all lines are seen. #}
{% macro as_of_date() -%}
    {%- set value = var('as_of_date', none) -%}
    {%- if value is none or value | string | trim == '' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', value | string) -%}
        {{ exceptions.raise_compiler_error("var as_of_date is '" ~ value ~ "'; expected YYYY-MM-DD") }}
    {%- endif -%}
    {{ return("cast('" ~ value ~ "' as date)") }}
{%- endmacro %}

{# A setting's text as an SQL literal. #}
{% macro quoted(text) -%}
    {{ return(adapter.dispatch('quoted')(text)) }}
{%- endmacro %}

{% macro duckdb__quoted(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}

{% macro default__quoted(text) -%}
    '{{ text | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}

{# Whether the settings call a code a product, whatever the seeds say; * stands for any characters. #}
{% macro is_product_code(code) -%}
    {%- set patterns = var('product_codes', []) -%}
    {%- if patterns | length == 0 -%}
    false
    {%- else -%}
    (
        {%- for pattern in patterns -%}
        {%- set escaped = modules.re.escape(pattern | upper).replace('\\*', '.*') -%}
        {{ fits_pattern(code, quoted(escaped)) }}{{ ' or ' if not loop.last }}
        {%- endfor -%}
    )
    {%- endif -%}
{%- endmacro %}

{# Whether the settings say of an id that it stands for nobody, such as the customer that a till books by default. #}
{% macro is_named_nobody(id) -%}
    {%- set ids = var('nobody', []) -%}
    {%- if ids | length == 0 -%}
    false
    {%- else -%}
    {{ id }} in (
        {%- for one in ids -%} {{ quoted(one | string | lower | trim) }}{{ ', ' if not loop.last }} {%- endfor -%}
    )
    {%- endif -%}
{%- endmacro %}
