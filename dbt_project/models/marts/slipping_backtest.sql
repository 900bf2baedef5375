-- Grain: one month end with 90 days after it, whether customers had a gap of their own, and a band of silence. A
-- customer is counted at each month end anew: counts add up within one, and over month ends only as chances to come
-- back. Who is where is known from customer_rfm_monthly, as of the month end alone.
{%- set observed_days = backtest_days() %}
{%- set came_back = 'visits.next_purchase_date < ' ~ days_after('tested.cutoff_date', observed_days) %}
with

tested as (

    select
        month_ends.customer_id,
        month_ends.month_end,
        month_ends.snapshot_date as cutoff_date,
        month_ends.purchase_days > 1 as has_own_gap,
        month_ends.is_slipping,
        month_ends.monetary,
        case
            {%- for one in silence_bands()[:-1] %}
            when month_ends.silence_ratio < {{ one.end }} then '{{ one.band }}'
            {%- endfor %}
            else '{{ silence_bands()[-1].band }}'
        end as silence_band
    from {{ ref('customer_rfm_monthly') }} as month_ends
    cross join {{ ref('int_snapshot') }} as snapshot
    where {{ days_after('month_ends.snapshot_date', observed_days) }} <= snapshot.snapshot_date

),

-- a month with a visit, until the next one
visits as (

    select
        customer_id,
        month_start,
        lead(month_start) over (partition by customer_id order by month_start) as next_month_start,
        lead(first_purchase_date) over (partition by customer_id order by month_start) as next_purchase_date
    from {{ ref('int_customer_months') }}
    where purchase_days > 0

),

final as (

    select
        tested.month_end,
        tested.cutoff_date,
        tested.has_own_gap,
        tested.silence_band,
        tested.is_slipping,
        count(*) as customers,
        count(case when {{ came_back }} then 1 end) as came_back_customers,
        100 * cast(count(case when {{ came_back }} then 1 end) as double) / count(*) as came_back_pct,
        cast(sum(tested.monetary) as {{ money_sum_type() }}) as monetary,
        cast(sum(case when {{ came_back }} then tested.monetary else 0 end) as {{ money_sum_type() }})
            as came_back_monetary
    from tested
    inner join visits
        on tested.customer_id = visits.customer_id
            and tested.month_end >= visits.month_start
            and (visits.next_month_start is null or tested.month_end < visits.next_month_start)
    group by
        tested.month_end,
        tested.cutoff_date,
        tested.has_own_gap,
        tested.silence_band,
        tested.is_slipping

)

select * from final
