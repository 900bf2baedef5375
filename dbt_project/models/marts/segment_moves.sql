-- Grain: one month end and pair of segments, a month before and now, also where both are the
-- same. Everyone who is somewhere now is counted once: customers add up to those of the
-- month in customer_rfm_monthly, and those who were somewhere before to the month before.
with

placed as (

    select
        customer_id,
        month_end,
        rfm_segment as to_segment,
        monetary,
        lag(rfm_segment) over (partition by customer_id order by month_end) as segment_before,
        lag(monetary) over (partition by customer_id order by month_end) as monetary_before
    from {{ ref('customer_rfm_monthly') }}

),

final as (

    select
        month_end,
        coalesce(segment_before, {{ new_customer_segment() }}) as from_segment,
        to_segment,
        count(*) as customers,
        cast(sum(monetary) as {{ money_sum_type() }}) as monetary,
        cast(sum(coalesce(monetary_before, 0)) as {{ money_sum_type() }}) as monetary_before,
        coalesce(segment_before, to_segment) <> to_segment as is_move
    from placed
    group by month_end, segment_before, to_segment

)

select * from final
