-- Grain: one month end and pair of segments, a month before and now, also where both are the
-- same. Everyone who is somewhere now is counted once: customers add up to those of the
-- month in customer_rfm_monthly, and those who were somewhere before to the month before.
with

placed as (

    select
        *,
        coalesce(rfm_segment_before, {{ new_customer_segment() }}) as from_segment
    from {{ ref('customer_rfm_monthly') }}

),

final as (

    select
        month_end,
        from_segment,
        rfm_segment as to_segment,
        count(*) as customers,
        count(case when moved_by = 'purchase' then 1 end) as customers_by_purchase,
        count(case when moved_by = 'silence' then 1 end) as customers_by_silence,
        count(case when moved_by = 'yardstick' then 1 end) as customers_by_yardstick,
        cast(sum(monetary) as {{ money_sum_type() }}) as monetary,
        cast(sum(coalesce(monetary_before, 0)) as {{ money_sum_type() }}) as monetary_before,
        rfm_segment_before is not null and rfm_segment_before <> rfm_segment as is_move
    from placed
    group by month_end, from_segment, rfm_segment_before, rfm_segment

)

select * from final
