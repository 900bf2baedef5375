-- Grain: one row per line of Amazon's report of all orders. Don't sum line_amount without row_kind: what was cancelled
-- keeps its price. The report has no other figure that its lines must add up to.
with

lines as (

    select * from {{ source('raw', 'amazon_orders') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

typed as (

    select
        lines.*,
        lines._problem is null and {{ stripped('lines.item_price') }} is null as is_without_price,
        {{ stripped('lines.item_promotion_discount') }} as discount_text,
        lower({{ stripped('lines.item_status') }}) as item_status_word,
        lower({{ stripped('lines.order_status') }}) as order_status_word,
        {{ units('lines.quantity', 'deliveries._line_amount_mark') }} as units,
        {{ money('lines.item_price', 'deliveries._line_amount_mark') }} as price,
        {{ money('lines.item_promotion_discount', 'deliveries._line_amount_mark') }} as discount,
        {{ money('lines.item_tax', 'deliveries._line_amount_mark') }} as tax_amount
    from lines
    left join deliveries on lines._load_id = deliveries._load_id

),

-- An item may be cancelled in an order that was shipped, and a cancelled one keeps its price. What
-- has no price yet comes again with it under the same order number.
kinds as (

    select
        *,
        case
            when item_status_word in ('cancelled', 'canceled') then 'not_a_sale'
            when order_status_word in ('cancelled', 'canceled', 'pending') then 'not_a_sale'
            when units = 0 or is_without_price then 'not_a_sale'
            -- sent from Amazon's stock for an order of another shop
            when {{ starts_with(stripped('lower(sales_channel)'), "'non-amazon'") }} then 'not_a_sale'
            when price < 0 then 'return'
            else 'sale'
        end as row_kind
    from typed

),

judged as (

    select
        -- lineage
        _line_id as delivered_line_id,
        false as is_derived,
        _load_id as load_id,
        _sheet as sheet,
        _row_number as row_number,
        _problem as problem,
        _line_text as line_text,

        -- as delivered
        quantity as quantity_text,
        case
            when row_kind = 'not_a_sale' then null
            when discount_text is not null and discount is null then item_promotion_discount
            else item_price
        end as amount_text,
        purchase_date as invoice_date_text,

        -- keys and attributes
        {{ capitals(stripped('amazon_order_id')) }} as invoice_text,
        {{ capitals('coalesce(' ~ stripped('sku') ~ ', ' ~ stripped('asin') ~ ')') }} as stock_code_text,
        {{ stripped('product_name') }} as description,

        -- measures: prices and discounts are the whole line's
        case when {{ stripped('quantity') }} is null and is_without_price then 0 else units end as quantity_units,
        -- a price stays on what was cancelled, in whatever currency: no money came in
        case
            when row_kind = 'not_a_sale' then null
            when discount_text is null then price
            else {{ as_money('price - abs(discount)') }}
        end as line_amount,
        tax_amount,

        -- of the order
        {{ capitals(stripped('currency')) }} as currency_text,
        case
            when item_status_word is null or order_status_word in ('cancelled', 'canceled', 'pending')
                then {{ stripped('order_status') }}
            else {{ stripped('item_status') }}
        end as status,
        null as line_kind,
        null as store,
        {{ stripped('ship_country') }} as country,
        null as customer_text,
        false as customer_is_personal,
        null as accepts_marketing,
        invoiced_at,
        row_kind,

        -- what the file itself says
        null as counted_amount,
        null as told_amount,
        null as told_as
    from kinds

),

final as (

    {{ export_lines('judged') }}

)

select * from final
