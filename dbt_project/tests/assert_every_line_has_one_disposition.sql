{{ config(meta={'dagster': {'ref': {'name': 'int_line_dispositions'}}}) }}
-- Every delivered line is there once, no other is, and its disposition is a known one.
-- Lines are compared by number and sum of their ids: no join over the whole history.
with

delivered as (

    select
        count(*) as line_count,
        count(distinct delivered_line_id) as id_count,
        sum(cast(delivered_line_id as decimal(38, 0))) as id_sum
    from {{ ref('stg_transactions') }}

),

disposed as (

    select
        count(*) as line_count,
        count(distinct delivered_line_id) as id_count,
        sum(cast(delivered_line_id as decimal(38, 0))) as id_sum
    from {{ ref('int_line_dispositions') }}

),

unknown as (

    select count(*) as unknown_count
    from {{ ref('int_line_dispositions') }} as lines
    left join {{ ref('dispositions') }} as dispositions
        on lines.disposition = dispositions.disposition and lines.is_kept = dispositions.is_kept
    where dispositions.disposition is null

)

select
    delivered.line_count as delivered_lines,
    disposed.line_count as disposed_lines,
    disposed.id_count as disposed_ids,
    unknown.unknown_count
from delivered
cross join disposed
cross join unknown
where
    delivered.line_count <> disposed.line_count
    or disposed.line_count <> disposed.id_count
    or delivered.id_sum is distinct from disposed.id_sum
    or unknown.unknown_count > 0
