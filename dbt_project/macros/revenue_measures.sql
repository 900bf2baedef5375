{#
    The measures that all revenue tables share, over rows of fct_invoice_lines. Two
    views of returns stand side by side: taken off the sale they reverse
    (returned_revenue; what could not be matched is unmatched_return_revenue, both
    together total_return_revenue), or booked on the day they came
    (booked_return_revenue). Both add up to the same net over all time; only the booked
    view never changes a day that is past.
#}
{% macro revenue_measures() -%}
    count(distinct case when line_type = 'sale' then invoice_no end) as invoice_count,
        count(distinct case when line_type = 'sale' then customer_id end) as customer_count,
        count(case when line_type = 'sale' then 1 end) as sale_line_count,
        count(case when line_type = 'return' then 1 end) as return_line_count,
        cast(sum(case when line_type = 'sale' then quantity_units else 0 end) as {{ units_sum_type() }}) as sold_units,
        {{ money_measures() }}
{%- endmacro %}

{# Those of them that are money. #}
{% macro money_measures() -%}
    cast(sum(gross_revenue) as {{ money_sum_type() }}) as gross_revenue,
        cast(sum(returned_revenue) as {{ money_sum_type() }}) as returned_revenue,
        cast(-sum(case when line_type = 'return' then net_revenue else 0 end) as {{ money_sum_type() }})
            as unmatched_return_revenue,
        cast(sum(gross_revenue) - sum(net_revenue) as {{ money_sum_type() }}) as total_return_revenue,
        cast(sum(net_revenue) as {{ money_sum_type() }}) as net_revenue,
        cast(-sum(return_amount) as {{ money_sum_type() }}) as booked_return_revenue,
        cast(sum(gross_revenue) + sum(return_amount) as {{ money_sum_type() }}) as net_revenue_as_booked
{%- endmacro %}

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
