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
        gross_revenue,
        net_revenue_as_booked,
        sum(purchase_days) over (
            partition by customer_id order by month_start rows between unbounded preceding and current row
        ) as purchase_days_so_far
    from {{ ref('int_customer_months') }}

),

bought as (

    select
        month_start,
        count(case when purchase_days > 0 then 1 end) as customers,
        count(case when is_first_month then 1 end) as new_customers,
        count(case when is_first_month and purchase_days_so_far = 1 then 1 end) as one_time_customers,
        -- the second purchase day ends being a one-time customer, in this month or a later one
        count(
            case
                when not is_first_month and purchase_days > 0 and purchase_days_so_far = purchase_days + 1 then 1
            end
        ) as second_time_customers,
        sum(case when is_first_month then gross_revenue else 0 end) as new_gross_revenue,
        sum(case when is_first_month then 0 else gross_revenue end) as returning_gross_revenue,
        sum(case when is_first_month then net_revenue_as_booked else 0 end) as new_net_revenue,
        sum(case when is_first_month then 0 else net_revenue_as_booked end) as returning_net_revenue
    from customer_months
    group by month_start

),

final as (

    select
        months.month_start,
        months.is_complete_month,
        coalesce(bought.customers, 0) as customers,
        coalesce(bought.new_customers, 0) as new_customers,
        coalesce(bought.customers - bought.new_customers, 0) as returning_customers,
        coalesce(bought.one_time_customers, 0) as one_time_customers,
        cast(sum(coalesce(bought.new_customers, 0)) over months_so_far as bigint) as customers_so_far,
        cast(
            sum(coalesce(bought.one_time_customers - bought.second_time_customers, 0)) over months_so_far as bigint
        ) as one_time_customers_so_far,
        cast(coalesce(bought.new_gross_revenue, 0) as {{ money_sum_type() }}) as new_gross_revenue,
        cast(coalesce(bought.returning_gross_revenue, 0) as {{ money_sum_type() }}) as returning_gross_revenue,
        cast(coalesce(bought.new_net_revenue, 0) as {{ money_sum_type() }}) as new_net_revenue_as_booked,
        cast(coalesce(bought.returning_net_revenue, 0) as {{ money_sum_type() }}) as returning_net_revenue_as_booked
    from months
    left join bought on months.month_start = bought.month_start
    window months_so_far as (order by months.month_start rows between unbounded preceding and current row)

)

select * from final
