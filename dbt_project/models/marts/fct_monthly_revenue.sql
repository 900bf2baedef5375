-- Grain: one calendar month with a kept line. customer_count must not be summed over months.
with

lines as (

    select * from {{ ref('fct_invoice_lines') }}

),

final as (

    select
        {{ month_start('invoice_date') }} as month_start,
        count(distinct case when line_type = 'sale' then invoice_date end) as trading_days,
        min(invoice_date) as first_date,
        max(invoice_date) as last_date,
        {{ measures('lines', 'tables') }}
    from lines
    group by {{ month_start('invoice_date') }}

)

select * from final
