{{ config(meta={'dagster': {'ref': {'name': 'segment_moves'}}}) }}
-- Playbooks, mails and colours are made for the segments of the seed; who was in none before is a
-- new customer, and there is no other place to come from.
with

used as (

    select rfm_segment from {{ ref('customer_rfm') }}
    union
    select to_segment as rfm_segment from {{ ref('segment_moves') }}
    union
    select from_segment as rfm_segment from {{ ref('segment_moves') }}
    where from_segment <> {{ new_customer_segment() }}

)

select * from used
where rfm_segment not in (select segments.rfm_segment from {{ ref('rfm_segments') }} as segments)
