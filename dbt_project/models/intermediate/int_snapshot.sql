-- Grain: one row: the days that the history covers, and the moment from which recency is counted. No row when no
-- line was kept.
{%- set as_of = as_of_date() %}
with

kept as (

    select
        invoiced_at,
        invoice_date
    from {{ ref('int_line_dispositions') }}
    where is_kept

),

history as (

    select
        min(invoice_date) as first_date,
        max(invoiced_at) as last_line_at
    from kept
    having count(*) > 0

),

-- minutes from midnight to each day's last line, the latest day first
ends_of_days as (

    select
        invoice_date,
        max({{ minute_of_day('invoiced_at') }}) as last_minute,
        row_number() over (order by invoice_date desc) as days_back
    from kept
    group by invoice_date

),

-- A day that ends an hour before each of the 28 before it did is not over: the files were made in the middle of it. Of
-- 843 earlier days of the public data and the made-up history, one would have been taken for such a day.
unfinished as (

    select max(case when days_back = 1 then invoice_date end) as unfinished_date
    from ends_of_days
    where days_back <= {{ days_to_compare_the_last_with() }} + 1
    having
        count(*) = {{ days_to_compare_the_last_with() }} + 1
        and max(case when days_back = 1 then last_minute end) + 60 < min(case when days_back > 1 then last_minute end)

),

final as (

    select
        history.first_date,
        history.last_line_at,
        {%- if as_of is not none %}
        cast({{ as_of }} as timestamp) as snapshot_at,
        {{ as_of }} as snapshot_date
        {%- elif setting('rfm_snapshot') == 'day_after_last' %}
        {{ days_after('history.last_line_at', 1) }} as snapshot_at,
        cast({{ days_after('history.last_line_at', 1) }} as date) as snapshot_date
        {%- else %}
        history.last_line_at as snapshot_at,
        cast(history.last_line_at as date) as snapshot_date
        {%- endif %},
        -- the as-of date cuts at midnight, between whole days
        {{ 'unfinished.unfinished_date' if as_of is none else 'cast(null as date)' }} as unfinished_date
    from history
    left join unfinished on 1 = 1

)

select * from final
