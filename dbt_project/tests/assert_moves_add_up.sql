{{ config(meta={'dagster': {'ref': {'name': 'segment_moves'}}}) }}
-- Everyone who was in a segment at one month end is in one at the next, with the money of
-- both; nobody appears without being new.
with

placed as (

    select
        month_end,
        rfm_segment,
        count(*) as customers,
        sum(monetary) as monetary
    from {{ ref('customer_rfm_monthly') }}
    group by month_end, rfm_segment

),

month_ends as (

    select
        month_end,
        lag(month_end) over (order by month_end) as month_end_before
    from (select distinct placed.month_end from placed) as known

),

arrived as (

    select
        month_end,
        to_segment as rfm_segment,
        sum(customers) as customers,
        sum(monetary) as monetary
    from {{ ref('segment_moves') }}
    group by month_end, to_segment

),

departed as (

    select
        month_ends.month_end_before as month_end,
        moves.from_segment as rfm_segment,
        sum(moves.customers) as customers,
        sum(moves.monetary_before) as monetary
    from {{ ref('segment_moves') }} as moves
    inner join month_ends on moves.month_end = month_ends.month_end
    where moves.from_segment <> {{ new_customer_segment() }}
    group by month_ends.month_end_before, moves.from_segment

),

compared as (

    select
        'arrived' as side,
        coalesce(placed.month_end, arrived.month_end) as month_end,
        coalesce(placed.rfm_segment, arrived.rfm_segment) as rfm_segment,
        placed.customers as customers_placed,
        arrived.customers as customers_moved,
        placed.monetary as monetary_placed,
        arrived.monetary as monetary_moved
    from placed
    full outer join arrived
        on placed.month_end = arrived.month_end and placed.rfm_segment = arrived.rfm_segment

    union all

    select
        'departed' as side,
        coalesce(placed.month_end, departed.month_end) as month_end,
        coalesce(placed.rfm_segment, departed.rfm_segment) as rfm_segment,
        placed.customers as customers_placed,
        departed.customers as customers_moved,
        placed.monetary as monetary_placed,
        departed.monetary as monetary_moved
    from (
        select known.*
        from placed as known
        where known.month_end < (select max(month_ends.month_end) from month_ends)
    ) as placed
    full outer join departed
        on placed.month_end = departed.month_end and placed.rfm_segment = departed.rfm_segment

)

select * from compared
where
    customers_placed is distinct from customers_moved
    or monetary_placed is distinct from monetary_moved
