-- Grain: one identified customer and day with a purchase, or with a return that could be
-- matched to one. Sums over a customer's days up to a date are what was known at its
-- end: a return counts on the day it was booked, so nothing here depends on later days.
with

sales as (

    select
        customer_id,
        invoice_no,
        invoice_date,
        invoiced_at,
        signed_amount,
        min(invoice_date) over (partition by customer_id, invoice_no) as first_invoice_date
    from {{ ref('int_line_dispositions') }}
    where is_kept and disposition = 'sale' and customer_id is not null

),

purchases as (

    select
        customer_id,
        invoice_date as date,
        max(invoiced_at) as last_purchase_at,
        -- an invoice that runs past midnight counts once, on its first day
        count(distinct case when invoice_date = first_invoice_date then invoice_no end) as invoice_count,
        count(*) as line_count,
        sum(signed_amount) as gross_revenue,
        0 as booked_return_revenue
    from sales
    group by customer_id, invoice_date

),

booked_returns as (

    select
        customer_id,
        cast(returned_at as date) as date,
        cast(null as timestamp) as last_purchase_at,
        0 as invoice_count,
        0 as line_count,
        0 as gross_revenue,
        sum(matched_amount) as booked_return_revenue
    from {{ ref('int_return_matches') }}
    group by customer_id, cast(returned_at as date)

),

customer_days as (

    select * from purchases
    union all
    select * from booked_returns

),

final as (

    select
        customer_id,
        date,
        max(last_purchase_at) is not null as is_purchase_day,
        max(last_purchase_at) as last_purchase_at,
        cast(sum(invoice_count) as integer) as invoice_count,
        cast(sum(line_count) as integer) as line_count,
        cast(sum(gross_revenue) as {{ money_sum_type() }}) as gross_revenue,
        cast(sum(booked_return_revenue) as {{ money_sum_type() }}) as booked_return_revenue,
        cast(sum(gross_revenue) - sum(booked_return_revenue) as {{ money_sum_type() }}) as net_revenue_as_booked
    from customer_days
    group by customer_id, date

)

select * from final
