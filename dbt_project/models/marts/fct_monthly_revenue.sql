-- Grain: one calendar month with a kept line. customer_count must not be summed over months.
with

lines as (

    select
        *,
        {{ month_start('invoice_date') }} as month_start
    from {{ ref('fct_invoice_lines') }}

),

snapshot as (

    select * from {{ ref('int_snapshot') }}

),

final as (

    select
        lines.month_start,
        {{ is_complete_period('lines.month_start', months_after('lines.month_start', 1)) }} as is_complete_month,
        count(distinct case when lines.line_type = 'sale' then lines.invoice_date end) as trading_days,
        min(lines.invoice_date) as first_date,
        max(lines.invoice_date) as last_date,
        {{ measures('lines', 'tables') }}
    from lines
    cross join snapshot
    group by lines.month_start, snapshot.first_date, snapshot.snapshot_date, snapshot.unfinished_date

)

select * from final
