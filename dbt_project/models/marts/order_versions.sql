-- Grain: one order that came in several deliveries, and delivery: which of them tells what counts.
with

versions as (

    select * from {{ ref('int_order_versions') }}

),

deliveries as (

    select * from {{ ref('stg_deliveries') }}

),

final as (

    select
        versions.invoice_no,
        deliveries.source,
        deliveries.file_name,
        deliveries.delivered_at,
        versions.line_count,
        versions.amount,
        versions.load_id = versions.newest_load_id as is_newest,
        versions.is_as_newest,
        versions.is_replaced
    from versions
    left join deliveries on versions.load_id = deliveries.load_id

)

select * from final
