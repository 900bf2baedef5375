-- Grain: one calendar month from the first identified purchase to the last day seen, also one
-- without sales. Customers must not be summed over months, new_customers may be. A month
-- that is over never changes: who is new or has bought once is told as of its end.
with

months as (

    select * from {{ ref('int_months') }}

),

customer_months as (

    select
        customer_id,
        month_start,
        month_start = first_month_start as is_first_month,
        purchase_days,
        invoice_count,
        gross_revenue,
        net_revenue_as_booked,
        sum(invoice_count) over (
            partition by customer_id order by month_start rows between unbounded preceding and current row
        ) as orders_so_far
    from {{ ref('int_customer_months') }}

),

bought as (

    select
        month_start as bought_month,
        count(case when purchase_days > 0 then 1 end) as customers,
        count(case when is_first_month then 1 end) as new_customers,
        count(case when is_first_month and orders_so_far = 1 then 1 end) as one_time_customers,
        -- a second order ends being a one-time customer, in this month or a later one
        count(
            case
                when not is_first_month and invoice_count > 0 and orders_so_far = invoice_count + 1 then 1
            end
        ) as second_time_customers,
        sum(case when is_first_month then gross_revenue else 0 end) as new_gross_revenue,
        sum(case when is_first_month then 0 else gross_revenue end) as existing_gross_revenue,
        sum(case when is_first_month then net_revenue_as_booked else 0 end) as new_net_revenue,
        sum(case when is_first_month then 0 else net_revenue_as_booked end) as existing_net_revenue
    from customer_months
    group by month_start

),

counted as (

    select
        months.month_start,
        months.is_complete_month,
        bought.*,
        sum(coalesce(bought.new_customers, 0)) over months_so_far as customers_so_far,
        sum(coalesce(bought.one_time_customers - bought.second_time_customers, 0)) over months_so_far
            as one_time_customers_so_far
    from months
    left join bought on months.month_start = bought.bought_month
    window months_so_far as (order by months.month_start rows between unbounded preceding and current row)

),

final as (

    select
        month_start,
        is_complete_month,
        coalesce(customers, 0) as customers,
        coalesce(new_customers, 0) as new_customers,
        coalesce(customers - new_customers, 0) as existing_customers,
        coalesce(one_time_customers, 0) as one_time_customers,
        cast(customers_so_far as bigint) as customers_so_far,
        cast(customers_so_far - one_time_customers_so_far as bigint) as returning_customers_so_far,
        cast(one_time_customers_so_far as bigint) as one_time_customers_so_far,
        cast(coalesce(new_gross_revenue, 0) as {{ money_sum_type() }}) as new_gross_revenue,
        cast(coalesce(existing_gross_revenue, 0) as {{ money_sum_type() }}) as existing_gross_revenue,
        cast(coalesce(new_net_revenue, 0) as {{ money_sum_type() }}) as new_net_revenue_as_booked,
        cast(coalesce(existing_net_revenue, 0) as {{ money_sum_type() }}) as existing_net_revenue_as_booked
    from counted

)

select * from final
