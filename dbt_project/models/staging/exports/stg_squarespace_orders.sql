-- Grain: one row per delivered line item, and one per line item that the order's refund is of. Nothing is
-- dropped. Don't sum line_amount without row_kind: gift cards and orders that are no sale are among them.
with recursive

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

-- what sums are made of, and no texts: an engine keeps a copy of what several steps ask for
amounts as (

    select
        lines._line_id as line_id,
        lines._load_id as load_id,
        {{ capitals(stripped('lines.order_id')) }} as invoice_text,
        -- 'Sticker' in red is another product than in blue
        case
            when {{ blank_to_null('lines.variant') }} is null then {{ blank_to_null('lines.product_name') }}
            else concat_ws(' ', {{ blank_to_null('lines.product_name') }}, {{ blank_to_null('lines.variant') }})
        end as description,
        {{ stripped('lines.sku') }} as sku,
        {{ units('lines.quantity', 'deliveries._line_amount_mark') }} as quantity_units,
        {{ exact_product(
            units('lines.quantity', 'deliveries._line_amount_mark'),
            money('lines.unit_price', 'deliveries._line_amount_mark')
        ) }} as gross_amount,
        case
            when {{ flag('lines.requires_shipping') }} = false and {{ flag('lines.taxable') }} = false
                then coalesce({{ is_called_gift_card('lines.product_name') }}, false)
            else false
        end as is_gift_card,
        -- on one row of an order, its first unless somebody has sorted the file
        coalesce(
            lines.financial_status, lines.currency, lines.subtotal, lines.total, lines.discount_amount,
            lines.refunded_amount, lines.cancelled_at, lines.created_at, lines.email
        ) is not null as tells_of_order
    from {{ source('raw', 'squarespace_orders') }} as lines
    left join deliveries on lines._load_id = deliveries._load_id

),

order_amounts as (

    select
        load_id,
        invoice_text,
        coalesce(min(case when tells_of_order then line_id end), min(line_id)) as first_line_id,
        sum(gross_amount) as gross_amount,
        sum(case when gross_amount > 0 then gross_amount end) as weight
    from amounts
    where invoice_text is not null
    group by load_id, invoice_text

),

orders as (

    select
        amounts.*,
        {{ blank_to_null('lines.email') }} as email,
        {{ blank_to_null('lines.phone') }} as phone,
        {{ blank_to_null('lines.financial_status') }} as status,
        lower(replace({{ trimmed('lines.financial_status') }}, ' ', '_')) as status_word,
        {{ blank_to_null('lines.cancelled_at') }} as cancelled_at,
        {{ capitals(stripped('lines.currency')) }} as currency_text,
        coalesce({{ blank_to_null('lines.shipping_country') }}, {{ blank_to_null('lines.billing_country') }})
            as country,
        {{ blank_to_null('lines.discount_amount') }} as discount_text,
        {{ blank_to_null('lines.refunded_amount') }} as refund_text,
        lines.created_at,
        lines.invoiced_at,
        {{ money('lines.subtotal', 'deliveries._line_amount_mark') }} as subtotal,
        {{ money('lines.total', 'deliveries._line_amount_mark') }} as total,
        coalesce({{ money('lines.shipping', 'deliveries._line_amount_mark') }}, 0) as shipping,
        coalesce({{ money('lines.taxes', 'deliveries._line_amount_mark') }}, 0) as taxes,
        {{ money('lines.discount_amount', 'deliveries._line_amount_mark') }} as discount_amount,
        {{ money('lines.refunded_amount', 'deliveries._line_amount_mark') }} as delivered_refund
    from order_amounts as amounts
    inner join {{ source('raw', 'squarespace_orders') }} as lines on amounts.first_line_id = lines._line_id
    left join deliveries on amounts.load_id = deliveries._load_id

),

-- the subtotal stands before or after the discount, and which of them shows in the total; with taxes on
-- top first, then with taxes in the prices
settled_orders as (

    select
        *,
        case
            when coalesce(discount_amount, 0) = 0 then true
            when subtotal + shipping + taxes = total then true
            when subtotal - discount_amount + shipping + taxes = total then false
            when subtotal + shipping = total then true
            when subtotal - discount_amount + shipping = total then false
            -- no total that fits: the goods tell
            else subtotal <> gross_amount
        end as is_subtotal_discounted
    from orders

),

discounted_orders as (

    select
        *,
        case
            when discount_amount is null or is_subtotal_discounted then subtotal
            else subtotal - discount_amount
        end as told_amount
    from settled_orders

),

-- where tax comes on top of the prices it is in what is given back as well, at the rate of the whole order, or of
-- its goods alone where shipping bears none
netted_orders as (

    select
        *,
        case
            when taxes > 0 and told_amount + shipping > 0 and total >= told_amount + shipping + taxes
                then {{ share_in_cents(
                    'delivered_refund', '(told_amount + shipping)', '(told_amount + shipping + taxes)'
                ) }}
            else delivered_refund
        end as refunded_amount,
        case
            when taxes > 0 and told_amount > 0 and shipping > 0 and total >= told_amount + shipping + taxes
                then {{ share_in_cents('delivered_refund', 'told_amount', '(told_amount + taxes)') }}
        end as refund_if_shipping_is_untaxed
    from discounted_orders

),

judged_orders as (

    select
        *,
        coalesce(status_word in ('voided', 'canceled', 'cancelled'), false)
        or cancelled_at is not null
        and coalesce(status_word, '') not in ('refunded', 'partially_refunded') as is_not_a_sale,
        coalesce(status_word = 'refunded', false) as is_refunded,
        case
            when status_word = 'refunded' then false
            when refunded_amount is null
                then refund_text is not null or coalesce(status_word = 'partially_refunded', false)
            else refunded_amount > 0
        end as is_refunded_in_part,
        discount_text is not null and discount_amount is null as is_discount_lost,
        case
            when discount_amount is null then 0
            -- a discount that has not lowered the subtotal: the shipping is free
            when is_subtotal_discounted and gross_amount = subtotal then 0
            else least(discount_amount, weight)
        end as amount_to_spread,
        case
            when discount_amount is null or is_subtotal_discounted then 'Subtotal'
            else 'Subtotal less Discount Amount'
        end as told_as
    from netted_orders

),

shares as (

    select
        amounts.line_id,
        {{ spread(
            'orders.amount_to_spread',
            'amounts.gross_amount',
            'orders.weight',
            'amounts.load_id, amounts.invoice_text',
            'amounts.line_id'
        ) }} as share_of_discount
    from amounts
    inner join judged_orders as orders
        on amounts.load_id = orders.load_id and amounts.invoice_text = orders.invoice_text
    where orders.amount_to_spread <> 0

),

refunded_lines as (

    select
        amounts.line_id,
        amounts.load_id,
        amounts.invoice_text,
        {{ capitals('coalesce(amounts.sku, amounts.description)') }} as product,
        amounts.quantity_units,
        amounts.gross_amount - coalesce(shares.share_of_discount, 0) as line_amount,
        orders.refunded_amount,
        orders.refund_if_shipping_is_untaxed,
        orders.is_refunded
    from amounts
    inner join judged_orders as orders
        on amounts.load_id = orders.load_id and amounts.invoice_text = orders.invoice_text
    left join shares on amounts.line_id = shares.line_id
    where
        (orders.is_refunded or orders.is_refunded_in_part)
        and not orders.is_not_a_sale
        and not orders.is_discount_lost
        and not amounts.is_gift_card

),

settled_refunds as (

    select
        *,
        {{ settled_refund('refunded_amount', 'refund_if_shipping_is_untaxed') }} as settled_refund
    from refunded_lines
    where not is_refunded

),

-- what a refund gives back of shipping and taxes is no amount of a line
partly_refunded as (

    select
        load_id,
        invoice_text,
        line_id,
        product,
        quantity_units,
        line_amount,
        case
            when settled_refund > sum(line_amount) over (partition by load_id, invoice_text)
                then sum(line_amount) over (partition by load_id, invoice_text)
            else settled_refund
        end as refund_amount
    from settled_refunds

),

{{ returned_units('partly_refunded') }},

partly_refunded_orders as (

    select
        load_id,
        invoice_text,
        min(line_id) as line_id,
        max(refund_amount) as refund_amount
    from partly_refunded
    group by load_id, invoice_text

),

returned as (

    select
        line_id,
        quantity_units,
        line_amount,
        true as names_product
    from refunded_lines
    where is_refunded

    union all

    select
        line_id,
        units as quantity_units,
        amount as line_amount,
        true as names_product
    from returned_units

    union all

    -- nothing tells which units: a return without a product. A refund that can't be read goes the same
    -- way, without an amount, so that it is told
    select
        orders.line_id,
        1 as quantity_units,
        orders.refund_amount as line_amount,
        false as names_product
    from partly_refunded_orders as orders
    where {{ is_refund_of_unknown_units('orders') }}

),

-- A line that came back stands twice: as it was sold, and as it came back. Twice only after the join to what came
-- back: DuckDB expects that to be many rows, and of more than there are lines it would keep the lines for the join.
sides as (

    select
        false as came_back,
        false as is_return

    union all

    select
        true as came_back,
        false as is_return

    union all

    select
        true as came_back,
        true as is_return

),

lines as (

    select
        delivered._line_id as line_id,
        sides.is_return,
        delivered._load_id as load_id,
        delivered._sheet as sheet,
        delivered._row_number as row_number,
        delivered._problem as problem,
        delivered._line_text as line_text,
        delivered.quantity as quantity_text,
        case
            when sides.is_return then orders.refund_text
            when amounts.gross_amount is null then delivered.unit_price
            when orders.is_discount_lost then orders.discount_text
            else delivered.unit_price
        end as amount_text,
        coalesce(delivered.created_at, orders.created_at) as invoice_date_text,
        amounts.invoice_text,
        case
            when not coalesce(sides.is_return and not returned.names_product, false)
                then {{ capitals('coalesce(amounts.sku, amounts.description)') }}
        end as stock_code_text,
        case
            when not coalesce(sides.is_return and not returned.names_product, false)
                then amounts.description
        end as description,
        case when sides.is_return then -returned.quantity_units else amounts.quantity_units end as quantity_units,
        case
            when sides.is_return then -returned.line_amount
            when orders.is_discount_lost then null
            else amounts.gross_amount - coalesce(shares.share_of_discount, 0)
        end as line_amount,
        orders.currency_text,
        case
            -- paid or pending says nothing of it
            when orders.is_not_a_sale and orders.cancelled_at is not null
                then concat_ws(', ', orders.status, 'cancelled')
            else orders.status
        end as status,
        orders.country,
        coalesce(
            orders.email,
            orders.phone,
            {{ blank_to_null('delivered.email') }},
            {{ blank_to_null('delivered.phone') }}
        ) as customer_text,
        coalesce(delivered.invoiced_at, orders.invoiced_at) as invoiced_at,
        case
            when sides.is_return then 'return'
            when orders.is_not_a_sale then 'not_a_sale'
            when amounts.is_gift_card then 'non_product'
            else 'sale'
        end as row_kind,
        case when delivered._line_id = orders.first_line_id then orders.told_amount end as told_amount,
        orders.told_as
    from {{ source('raw', 'squarespace_orders') }} as delivered
    inner join amounts on delivered._line_id = amounts.line_id
    left join judged_orders as orders
        on amounts.load_id = orders.load_id and amounts.invoice_text = orders.invoice_text
    left join shares on delivered._line_id = shares.line_id
    left join returned on delivered._line_id = returned.line_id
    inner join sides on (returned.line_id is not null) = sides.came_back

),

told as (

    select
        case when is_return then {{ refund_line_id('line_id') }} else line_id end as delivered_line_id,
        is_return as is_derived,
        load_id,
        sheet,
        row_number,
        problem,
        line_text,
        quantity_text,
        amount_text,
        invoice_date_text,
        invoice_text,
        stock_code_text,
        description,
        quantity_units,
        line_amount,
        null as tax_amount,
        currency_text,
        status,
        null as line_kind,
        null as store,
        country,
        {{ without_formula_guard('customer_text') }} as customer_text,
        true as customer_is_personal,
        null as accepts_marketing,
        invoiced_at,
        row_kind,
        case when not is_return then line_amount end as counted_amount,
        case when not is_return then told_amount end as told_amount,
        case when not is_return and told_amount is not null then told_as end as told_as
    from lines

),

final as (

    {{ export_lines('told') }}

)

select * from final
