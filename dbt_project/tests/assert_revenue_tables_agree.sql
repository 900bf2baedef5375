{{ config(meta={'dagster': {'ref': {'name': 'fct_daily_revenue'}}}) }}
-- Lines, invoices, days, months and countries tell the same gross, returns and net, and
-- net is gross less both kinds of returns, row by row.
{%- set tables = ['fct_invoices', 'fct_daily_revenue', 'fct_monthly_revenue', 'fct_country_revenue'] %}
with

lines as (

    select
        coalesce(sum(gross_revenue), 0) as gross_revenue,
        coalesce(sum(returned_revenue), 0) as returned_revenue,
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(-sum(return_amount), 0) as booked_return_revenue
    from {{ ref('fct_invoice_lines') }}

),

totals as (

    {% for table in tables -%}
    select
        '{{ table }}' as table_name,
        coalesce(sum(gross_revenue), 0) as gross_revenue,
        coalesce(sum(returned_revenue), 0) as returned_revenue,
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(booked_return_revenue), 0) as booked_return_revenue,
        count(
            case when net_revenue <> gross_revenue - returned_revenue - unmatched_return_revenue then 1 end
        ) as inconsistent_rows
    from {{ ref(table) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select totals.*
from totals
cross join lines
where
    totals.gross_revenue <> lines.gross_revenue
    or totals.returned_revenue <> lines.returned_revenue
    or totals.net_revenue <> lines.net_revenue
    or totals.booked_return_revenue <> lines.booked_return_revenue
    or totals.inconsistent_rows > 0
