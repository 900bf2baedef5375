{{ config(meta={'dagster': {'ref': {'name': 'customer_rfm_monthly'}}}) }}
-- A refresh as of the first day of a month says of the month end before just what
-- customer_rfm says, customer by customer. On other days there is nothing to compare.
with

today as (

    select * from {{ ref('customer_rfm') }}

),

month_end as (

    select * from {{ ref('customer_rfm_monthly') }}
    where snapshot_date = (select max(today.snapshot_date) from today)

),

compared as (

    select
        coalesce(today.customer_id, month_end.customer_id) as customer_id,
        today.rfm_score as score_today,
        month_end.rfm_score as score_of_month_end
    from today
    full outer join month_end on today.customer_id = month_end.customer_id
    where
        today.frequency is distinct from month_end.frequency
        or today.monetary_gross is distinct from month_end.monetary_gross
        or today.monetary_net is distinct from month_end.monetary_net
        {%- if setting('rfm_recency') == 'calendar' or as_of_date() is not none %}
        -- the hours of the last line make another recency of 24-hour days
        or today.recency_days is distinct from month_end.recency_days
        or today.rfm_segment is distinct from month_end.rfm_segment
        {%- endif %}

)

select compared.*
from compared
where exists (select 1 from month_end)
