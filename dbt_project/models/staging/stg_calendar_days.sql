-- Grain: one row per day and kind of what the calendar says of it.
with

source as (

    select * from {{ source('raw', 'calendar_days') }}

),

renamed as (

    select
        date,
        kind,
        name
    from source

)

select * from renamed
