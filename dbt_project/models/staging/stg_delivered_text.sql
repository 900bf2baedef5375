-- Grain: one row per delivered line, its fields as delivered. A view: it is read
-- only for the few lines that were set aside.
with

source as (

    select * from {{ source('raw', 'transactions') }}

),

renamed as (

    select
        _line_id as delivered_line_id,
        invoice as invoice_text,
        stock_code as stock_code_text,
        description as description_text,
        quantity as quantity_text,
        invoice_date as invoice_date_text,
        unit_price as unit_price_text,
        customer_id as customer_id_text,
        country as country_text
    from source

)

select * from renamed
