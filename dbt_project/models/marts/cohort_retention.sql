-- Grain: one month of first purchases and age in months, every age up to the last month
-- seen, also where nobody bought. Customers must not be summed over ages; money may be.
with

months as (

    select * from {{ ref('int_months') }}

),

customer_months as (

    select * from {{ ref('int_customer_months') }}

),

cohorts as (

    select
        first_month_start as cohort_month,
        count(*) as cohort_customers
    from customer_months
    where month_start = first_month_start
    group by first_month_start

),

ages as (

    select
        cohorts.cohort_month,
        cohorts.cohort_customers,
        months.month_start,
        months.is_complete_month
    from cohorts
    inner join months on cohorts.cohort_month <= months.month_start

),

bought as (

    select
        first_month_start as cohort_month,
        month_start,
        count(case when purchase_days > 0 then 1 end) as active_customers,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue_as_booked) as net_revenue
    from customer_months
    group by first_month_start, month_start

),

filled as (

    select
        ages.cohort_month,
        {{ date_diff_months('ages.cohort_month', 'ages.month_start') }} as age_months,
        ages.month_start,
        ages.is_complete_month,
        ages.cohort_customers,
        coalesce(bought.active_customers, 0) as active_customers,
        coalesce(bought.gross_revenue, 0) as gross_revenue,
        coalesce(bought.net_revenue, 0) as net_revenue
    from ages
    left join bought on ages.cohort_month = bought.cohort_month and ages.month_start = bought.month_start

),

final as (

    select
        cohort_month,
        age_months,
        month_start,
        is_complete_month,
        cohort_customers,
        active_customers,
        100 * cast(active_customers as double) / cohort_customers as retention_pct,
        cast(gross_revenue as {{ money_sum_type() }}) as gross_revenue,
        cast(net_revenue as {{ money_sum_type() }}) as net_revenue_as_booked,
        cast(sum(net_revenue) over (
            partition by cohort_month order by age_months rows between unbounded preceding and current row
        ) as {{ money_sum_type() }}) as cumulative_net_revenue_as_booked,
        {{ quotient_as_money('cast(net_revenue as double) / cohort_customers') }} as net_revenue_per_customer
    from filled

)

select * from final
