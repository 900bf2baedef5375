{{ config(meta={'dagster': {'ref': {'name': 'segment_overrides'}}}) }}
-- Each delivered override is told of once, whether it counts or not.
with

delivered as (

    select
        file_name,
        coalesce(sheet, '') as sheet,
        row_number,
        count(*) as row_count
    from {{ ref('stg_segment_overrides') }}
    group by file_name, coalesce(sheet, ''), row_number

),

told as (

    select
        file_name,
        coalesce(sheet, '') as sheet,
        row_number,
        count(*) as row_count
    from {{ ref('segment_overrides') }}
    group by file_name, coalesce(sheet, ''), row_number

)

select
    coalesce(delivered.file_name, told.file_name) as file_name,
    coalesce(delivered.sheet, told.sheet) as sheet,
    coalesce(delivered.row_number, told.row_number) as row_number,
    delivered.row_count as delivered_rows,
    told.row_count as told_rows
from delivered
full join told
    on delivered.file_name = told.file_name
        and delivered.sheet = told.sheet
        and delivered.row_number = told.row_number
where coalesce(delivered.row_count, 0) <> coalesce(told.row_count, 0) or told.row_count > 1
