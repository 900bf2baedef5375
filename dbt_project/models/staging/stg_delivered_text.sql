-- Grain: one row per delivered line, its fields as delivered. A view: it is read
-- only for the few lines that were set aside.
with

source as (

    select * from {{ source('raw', 'transactions') }}

),

renamed as (

    select
        _line_id as delivered_line_id,
        concat_ws(
            ' | ',
            coalesce(invoice, ''),
            coalesce(stock_code, ''),
            coalesce(description, ''),
            coalesce(quantity, ''),
            coalesce(invoice_date, ''),
            coalesce(unit_price, ''),
            coalesce(customer_id, ''),
            coalesce(country, ''),
            line_amount,
            discount_amount,
            currency,
            status,
            line_kind
        ) as fields_text,
        coalesce({{ blank_to_null('line_amount') }}, {{ blank_to_null('unit_price') }}) as amount_text,
        {{ stripped('status') }} as status_text
    from source

)

select * from renamed
