-- Grain: one identified customer and day with a purchase or a return. Sums over a
-- customer's days up to a date are what was known at its end: a return counts on the
-- day it was booked, so nothing here depends on later days. A return of what was
-- bought before the files begin counts on the day of the first purchase in them: before
-- it there is no customer to take it from.
with

parts as (

    select * from {{ ref('int_invoice_parts') }} where customer_id is not null

),

firsts as (

    select
        customer_id,
        min(invoice_date) as first_purchase_date
    from parts
    where line_type = 'sale'
    group by customer_id

),

purchases as (

    select
        customer_id,
        invoice_date as date,
        max(last_line_at) as last_purchase_at,
        count(distinct invoice_no) as invoice_count,
        sum(line_count) as line_count,
        sum(gross_revenue) as gross_revenue,
        0 as booked_return_revenue
    from parts
    where line_type = 'sale'
    group by customer_id, invoice_date

),

booked_returns as (

    select
        parts.customer_id,
        greatest(parts.invoice_date, firsts.first_purchase_date) as date,
        cast(null as timestamp) as last_purchase_at,
        0 as invoice_count,
        0 as line_count,
        0 as gross_revenue,
        -sum(parts.return_amount) as booked_return_revenue
    from parts
    inner join firsts on parts.customer_id = firsts.customer_id
    where parts.line_type = 'return'
    group by parts.customer_id, greatest(parts.invoice_date, firsts.first_purchase_date)

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
