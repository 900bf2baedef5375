{{ config(meta={'dagster': {'ref': {'name': 'customer_rfm'}}}) }}
-- Months, cohorts and concentration tell of the same customers and the same
-- money as customer_rfm, to the penny.
with

customers as (

    select
        count(*) as customers,
        count(case when customer_type = 'one_time' then 1 end) as one_time_customers,
        coalesce(sum(monetary_gross), 0) as gross_revenue,
        coalesce(sum(monetary_net), 0) as net_revenue
    from {{ ref('customer_rfm') }}

),

cohorts as (

    select
        coalesce(sum(case when age_months = 0 then active_customers end), 0) as customers,
        coalesce(sum(case when age_months = 0 then cohort_customers end), 0) as cohort_customers,
        coalesce(sum(gross_revenue), 0) as gross_revenue,
        coalesce(sum(net_revenue_as_booked), 0) as net_revenue
    from {{ ref('cohort_retention') }}

),

last_ages as (

    select coalesce(sum(cumulative_net_revenue_as_booked), 0) as net_revenue
    from {{ ref('cohort_retention') }}
    where month_start = (select max(months.month_start) from {{ ref('int_months') }} as months)

),

months as (

    select
        coalesce(sum(new_customers), 0) as customers,
        coalesce(max(customers_so_far), 0) as customers_so_far,
        coalesce(sum(new_gross_revenue + existing_gross_revenue), 0) as gross_revenue,
        coalesce(sum(new_net_revenue_as_booked + existing_net_revenue_as_booked), 0) as net_revenue
    from {{ ref('fct_monthly_customers') }}

),

last_month as (

    select coalesce(max(one_time_customers_so_far), 0) as one_time_customers
    from {{ ref('fct_monthly_customers') }}
    where month_start = (select max(months.month_start) from {{ ref('int_months') }} as months)

),

concentration as (

    select
        coalesce(max(customers), 0) as customers,
        coalesce(max(net_revenue), 0) as net_revenue
    from {{ ref('revenue_concentration') }}
    where top_pct = 100

),

claims as (

    select
        'cohort_retention' as table_name,
        cohorts.customers = customers.customers
        and cohorts.cohort_customers = customers.customers
        and cohorts.gross_revenue = customers.gross_revenue
        and cohorts.net_revenue = customers.net_revenue
        and last_ages.net_revenue = customers.net_revenue as agrees
    from cohorts
    cross join last_ages
    cross join customers

    union all

    select
        'fct_monthly_customers' as table_name,
        months.customers = customers.customers
        and months.customers_so_far = customers.customers
        and last_month.one_time_customers = customers.one_time_customers
        and months.gross_revenue = customers.gross_revenue
        and months.net_revenue = customers.net_revenue as agrees
    from months
    cross join last_month
    cross join customers

    union all

    select
        'revenue_concentration' as table_name,
        concentration.customers = customers.customers
        and concentration.net_revenue = customers.net_revenue as agrees
    from concentration
    cross join customers

)

select * from claims
where not agrees
