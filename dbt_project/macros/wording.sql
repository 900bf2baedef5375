{# Figures in sentences, written as warehouse/wording.py writes them, and templates that are filled with them. #}

{# A number as people read it: 12,345 or 12.3, zero or more. #}
{% macro grouped_number(value, decimals=0) -%}
    {{ return(adapter.dispatch('grouped_number')(value, decimals)) }}
{%- endmacro %}

{% macro duckdb__grouped_number(value, decimals) -%}
    format('{:,.{{ decimals }}f}', cast({{ value }} as double))
{%- endmacro %}

{% macro default__grouped_number(value, decimals) -%}
    format_number(cast({{ value }} as double), {{ decimals }})
{%- endmacro %}

{# An amount in the shop's currency; pence only where they matter. #}
{% macro amount_in_words(value) -%}
    {%- set size = 'abs(' ~ value ~ ')' -%}
    {%- set whole = grouped_number(size) -%}
    {%- set exact = grouped_number(size, setting('currency_decimals')) -%}
    case
        when {{ value }} < 0 and translate({{ exact }}, '0.,', '') <> '' then '−'
        else ''
    end || {{ quoted(setting('currency_symbol')) }} || case when {{ size }} < 100 then {{ exact }} else {{ whole }} end
{%- endmacro %}

{# A share of 0 to 100, or below where more came back than was sold. What is not all is never called 100%. #}
{% macro share_in_words(value) -%}
    {%- set size = 'abs(' ~ value ~ ')' -%}
    case
        when {{ size }} > 0 and {{ size }} < 0.1 then 'under 0.1%'
        when {{ value }} >= 99.95 and {{ value }} < 100 then 'over 99.9%'
        else
            case when {{ value }} < 0 then '−' else '' end
            || case
                when {{ size }} < 9.95 or ({{ value }} >= 99.5 and {{ value }} < 100) then {{ grouped_number(size, 1) }}
                else {{ grouped_number(size) }}
            end
            || '%'
    end
{%- endmacro %}

{#
    Methods that put customers into segments, with the column of customer_360 that has
    the segment. `audience` is RFM with the overrides of people on top.
#}
{% macro segment_methods() -%}
    {%- set methods = {
        'kmeans': 'kmeans_segment',
        'hierarchical': 'hierarchical_segment',
        'mixture': 'mixture_segment',
    } -%}
    {%- do methods.update(methods_with_playbooks()) -%}
    {{ return(methods) }}
{%- endmacro %}

{# Those of them whose segments people act on; clusters are for whoever looks into the division itself. #}
{% macro methods_with_playbooks() -%}
    {{ return({
        'rfm': 'rfm_segment',
        'audience': 'audience_segment',
        'slipping': 'slipping_segment',
    }) }}
{%- endmacro %}

{#
    What each placeholder of a template stands for, in columns of segment_playbooks. A
    figure that is missing has words of its own, so that no text is lost to a null.
#}
{% macro placeholders(any_category) -%}
    {%- set orders = 'order line' if setting('rfm_frequency') == 'lines' else 'order' -%}
    {{ return({
        'segment': "segment_name",
        'customers': grouped_number('customers') ~ " || case when customers = 1 then ' customer' else ' customers' end",
        'share_of_customers': share_in_words('customers_pct'),
        'money': amount_in_words('monetary_sum'),
        'share_of_revenue': "coalesce(" ~ share_in_words('monetary_pct') ~ ", 'an unknown share')",
        'recency_days': "case when recency_days_mean < 0.5 then 'less than a day' when recency_days_mean < 1.5 then '1 day' else "
            ~ grouped_number('recency_days_mean') ~ " || ' days' end",
        'orders': "case when " ~ grouped_number('frequency_mean', 1) ~ " = '1.0' then '1 " ~ orders ~ "' when frequency_mean < 9.95 then replace("
            ~ grouped_number('frequency_mean', 1) ~ ", '.0', '') || ' " ~ orders ~ "s' else " ~ grouped_number('frequency_mean') ~ " || ' " ~ orders ~ "s' end",
        'money_per_customer': amount_in_words('monetary_mean'),
        'order_value': "coalesce(" ~ amount_in_words('money_per_order') ~ ", 'an unknown amount')",
        'expected_value': "coalesce(" ~ amount_in_words('clv_mean') ~ ", 'an unknown amount')",
        'horizon_days': "coalesce(" ~ grouped_number('horizon_days') ~ " || ' days', 'months ahead')",
        'top_category': "coalesce(top_category, " ~ quoted(any_category) ~ ")",
        'currency': quoted(setting('currency')),
    }) }}
{%- endmacro %}

{# One column for each placeholder, named `_<placeholder>`; see `filled_in_columns`. #}
{% macro placeholder_columns(any_category) -%}
    {%- for name, words in placeholders(any_category).items() -%}
    {{ words }} as _{{ name }}{{ ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The texts of a seed's row `known`, each from its row `general` where it is blank. #}
{% macro template_columns(texts) -%}
    {%- for text in texts -%}
    coalesce({{ blank_to_null('known.' ~ text) }}, {{ blank_to_null('general.' ~ text) }}) as {{ text }}_template
        {{- ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# Those templates with every placeholder replaced by its column of `placeholder_columns`. #}
{% macro filled_in_columns(texts) -%}
    {%- for text in texts -%}
    {%- set filled = namespace(sql=text ~ '_template') -%}
    {%- for name in placeholders('') -%}
        {%- set filled.sql = "replace(" ~ filled.sql ~ ", '{" ~ name ~ "}', _" ~ name ~ ")" -%}
    {%- endfor -%}
    {{ filled.sql }} as {{ text }}{{ ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The row of the playbook seeds that serves every segment without one of its own. #}
{% macro any_other_kind() -%} * {%- endmacro %}
