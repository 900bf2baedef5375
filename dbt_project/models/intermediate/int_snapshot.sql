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

final as (

    select
        first_date,
        last_line_at,
        {%- if as_of is not none %}
        cast({{ as_of }} as timestamp) as snapshot_at,
        {{ as_of }} as snapshot_date
        {%- elif setting('rfm_snapshot') == 'day_after_last' %}
        {{ days_after('last_line_at', 1) }} as snapshot_at,
        cast({{ days_after('last_line_at', 1) }} as date) as snapshot_date
        {%- else %}
        last_line_at as snapshot_at,
        cast(last_line_at as date) as snapshot_date
        {%- endif %}
    from history

)

select * from final
