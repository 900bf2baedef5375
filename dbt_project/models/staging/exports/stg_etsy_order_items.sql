-- Grain: one row per line of Etsy's sold order items; told_amount stands on one line of each order.
with

lines as (

    select * from {{ source('raw', 'etsy_order_items') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

typed as (

    select
        lines.*,
        {{ capitals(stripped('lines.order_id')) }} as invoice_text,
        {{ stripped('lines.buyer') }} as buyer_text,
        {{ stripped('lines.discount_amount') }} as discount_text,
        {{ units('lines.quantity', 'deliveries._line_amount_mark') }} as quantity_units,
        {{ money('lines.price', 'deliveries._line_amount_mark') }} as unit_price,
        {{ money('lines.item_total', 'deliveries._line_amount_mark') }} as item_amount,
        {{ money('lines.discount_amount', 'deliveries._line_amount_mark') }} as discount
    from lines
    left join deliveries on lines._load_id = deliveries._load_id

),

-- a discount that does not read is no discount of nothing: what its line brought is not known
readable as (

    select
        *,
        discount_text is not null and discount is null as is_discount_lost,
        case when discount_text is null or discount is not null then item_amount end as gross_amount,
        {{ exact_product('abs(quantity_units)', 'abs(unit_price)') }} as stated_amount
    from typed

),

-- Etsy writes the order's discount on the order's first row, and zero on the others.
orders as (

    select
        _load_id,
        invoice_text,
        {{ as_money('sum(discount)') }} as discount,
        {{ as_money('sum(case when gross_amount > 0 then gross_amount end)') }} as whole_amount,
        case
            when count(stated_amount) = count(*)
                then {{ as_money('sum(stated_amount) - coalesce(sum(discount), 0)') }}
        end as told_amount,
        min(_line_id) as first_line_id
    from readable
    where invoice_text is not null
    group by _load_id, invoice_text

),

-- windows only over orders with a discount, one in fourteen
shares as (

    select
        readable._line_id,
        {{ spread(
            'orders.discount', 'readable.gross_amount', 'orders.whole_amount',
            'readable._load_id, readable.invoice_text', 'readable._line_id'
        ) }} as discount_share
    from readable
    inner join orders on readable._load_id = orders._load_id and readable.invoice_text = orders.invoice_text
    where orders.discount <> 0

),

netted as (

    select
        readable.*,
        {{ as_money('readable.gross_amount - coalesce(shares.discount_share, 0)') }} as line_amount
    from readable
    left join shares on readable._line_id = shares._line_id

),

judged as (

    select
        -- lineage
        netted._line_id as delivered_line_id,
        false as is_derived,
        netted._load_id as load_id,
        netted._sheet as sheet,
        netted._row_number as row_number,
        netted._problem as problem,
        netted._line_text as line_text,

        -- as delivered
        netted.quantity as quantity_text,
        case when netted.is_discount_lost then netted.discount_amount else netted.item_total end as amount_text,
        netted.sale_date as invoice_date_text,

        -- Keys and attributes. Behind the first | of a name stand words for the search; variations
        -- stay out of it, because what buyers have engraved stands among them.
        netted.invoice_text,
        {{ capitals('coalesce(' ~ stripped('netted.sku') ~ ', ' ~ stripped('netted.listing_id') ~ ')') }}
            as stock_code_text,
        coalesce({{ stripped("split_part(netted.item_name, '|', 1)") }}, {{ stripped('netted.item_name') }})
            as description,

        -- measures
        netted.quantity_units,
        netted.line_amount,
        null as tax_amount,

        -- of the order: a buyer is 'Name (username)', a user name alone, or nobody
        {{ capitals(stripped('netted.currency')) }} as currency_text,
        null as status,
        null as line_kind,
        null as store,
        {{ stripped('netted.ship_country') }} as country,
        coalesce({{ in_last_parentheses('netted.buyer_text') }}, netted.buyer_text) as customer_text,
        true as customer_is_personal,
        null as accepts_marketing,
        netted.invoiced_at,
        case when netted.line_amount < 0 then 'return' else 'sale' end as row_kind,

        -- what the file itself says
        case when orders.told_amount is not null then netted.line_amount end as counted_amount,
        case when netted._line_id = orders.first_line_id then orders.told_amount end as told_amount,
        case
            when netted._line_id = orders.first_line_id and orders.told_amount is not null
                then 'Quantity × Price, less Discount Amount'
        end as told_as
    from netted
    left join orders on netted._load_id = orders._load_id and netted.invoice_text = orders.invoice_text

),

final as (

    {{ export_lines('judged') }}

)

select * from final
