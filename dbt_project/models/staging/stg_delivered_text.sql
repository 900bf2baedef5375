-- Grain: one line of sales, its fields as delivered. A view: it is read only for the few
-- lines that were set aside.
with

lines as (

    select * from {{ source('raw', 'transactions') }}

),

exports as (

    select * from {{ ref('stg_export_lines') }}

),

texts as (

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
    from lines

    union all

    select
        delivered_line_id,
        concat_ws(
            ' | ',
            coalesce(invoice_text, ''),
            coalesce(stock_code_text, ''),
            coalesce(description, ''),
            coalesce(quantity_text, ''),
            coalesce(invoice_date_text, ''),
            coalesce(amount_text, ''),
            coalesce(customer_text, ''),
            coalesce(country, ''),
            currency_text,
            status,
            line_kind
        ) as fields_text,
        {{ blank_to_null('amount_text') }} as amount_text,
        status as status_text
    from exports

)

select * from texts
