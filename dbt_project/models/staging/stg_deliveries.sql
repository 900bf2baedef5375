-- Grain: one row per delivery in force that holds sales.
with

source as (

    select * from {{ source('raw', 'deliveries') }}

),

renamed as (

    select
        _load_id as load_id,
        _file_name as file_name,
        _source as source,
        _layout as layout,
        _profile as set_profile,
        _prices_include_tax as prices_include_tax,
        _is_export as is_export,
        _tells_whole_orders as tells_whole_orders,
        _delivered_at as delivered_at,
        _loaded_at as loaded_at
    from source

)

select * from renamed
