-- Grain: one calendar day with a kept line. Days on which nothing happened have no row;
-- dim_dates has every day. invoice_count and customer_count must not be summed over days.
with

parts as (

    select * from {{ ref('int_invoice_parts') }}

),

final as (

    select
        invoice_date as date,
        max(case when line_type = 'sale' then 1 else 0 end) = 1 as is_trading_day,
        {{ measures('parts', 'tables') }}
    from parts
    group by invoice_date

)

select * from final
