-- Grain: one line of sales, its fields as delivered. A view: it is read only for the few
-- lines that were set aside. Private but for shown_line_text.
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
        customer_id as delivered_customer_id,
        {{ without_contacts_in_line('_line_text') }} as shown_line_text,
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
        customer_text as delivered_customer_id,
        {%- if setting('customer_ids') == 'plain' %}
        line_text as shown_line_text,
        {%- else %}
        -- a row of an export that could not be split holds names and addresses, and nothing tells where
        case when line_text is not null then '(not shown, since it may name the customer)' end as shown_line_text,
        {%- endif %}
        {{ blank_to_null('amount_text') }} as amount_text,
        status as status_text
    from exports

)

select * from texts
