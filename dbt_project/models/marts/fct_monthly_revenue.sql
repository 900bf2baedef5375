-- Grain: one calendar month with a kept line. customer_count must not be summed over months.
with

parts as (

    select
        *,
        {{ month_start('invoice_date') }} as month_start
    from {{ ref('int_invoice_parts') }}

),

snapshot as (

    select * from {{ ref('int_snapshot') }}

),

final as (

    select
        parts.month_start,
        {{ is_complete_period('parts.month_start', months_after('parts.month_start', 1)) }} as is_complete_month,
        count(distinct case when parts.line_type = 'sale' then parts.invoice_date end) as trading_days,
        min(parts.invoice_date) as first_date,
        max(parts.invoice_date) as last_date,
        {{ measures('parts', 'tables') }}
    from parts
    cross join snapshot
    group by parts.month_start, snapshot.first_date, snapshot.snapshot_date, snapshot.unfinished_date

)

select * from final
