-- Grain: one calendar month, from the first identified purchase to the last day seen.
with

snapshot as (

    select
        first_date,
        snapshot_date,
        unfinished_date,
        {%- if as_of_date() is not none or setting('rfm_snapshot') == 'day_after_last' %}
        cast({{ days_after('snapshot_date', -1) }} as date) as last_date_seen
        {%- else %}
        snapshot_date as last_date_seen
        {%- endif %}
    from {{ ref('int_snapshot') }}

),

first_purchase as (

    select min(date) as first_purchase_date
    from {{ ref('int_customer_days') }}
    where is_purchase_day

),

span as (

    select
        {{ month_start('first_purchase.first_purchase_date') }} as first_month,
        {{ month_start('snapshot.last_date_seen') }} as last_month
    from first_purchase
    cross join snapshot

),

months as (

    {{ every_month('first_month', 'last_month', 'span') }}

),

bounded as (

    select
        month_start,
        {{ months_after('month_start', 1) }} as next_month_start
    from months

),

final as (

    select
        bounded.month_start,
        cast({{ days_after('bounded.next_month_start', -1) }} as date) as month_end,
        bounded.next_month_start,
        bounded.next_month_start <= snapshot.snapshot_date as is_month_over,
        {{ is_complete_period('bounded.month_start', 'bounded.next_month_start') }} as is_complete_month
    from bounded
    cross join snapshot

)

select * from final
