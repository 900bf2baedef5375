-- Grain: one identified customer and calendar month with a purchase, or with a return that
-- could be matched to one. Returns count in the month they were booked, so a month that is
-- over never changes.
with

days as (

    select
        *,
        min(date) over (partition by customer_id) as first_date
    from {{ ref('int_customer_days') }}

),

final as (

    select
        customer_id,
        {{ month_start('date') }} as month_start,
        {{ month_start('min(first_date)') }} as first_month_start,
        cast(count(case when is_purchase_day then 1 end) as integer) as purchase_days,
        min(case when is_purchase_day then date end) as first_purchase_date,
        max(case when is_purchase_day then date end) as last_purchase_date,
        max(last_purchase_at) as last_purchase_at,
        cast(sum(invoice_count) as integer) as invoice_count,
        cast(sum(line_count) as integer) as line_count,
        cast(sum(gross_revenue) as {{ money_sum_type() }}) as gross_revenue,
        cast(sum(net_revenue_as_booked) as {{ money_sum_type() }}) as net_revenue_as_booked
    from days
    group by customer_id, {{ month_start('date') }}

)

select * from final
