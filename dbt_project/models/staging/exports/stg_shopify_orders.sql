-- Grain: one row per delivered line item, and one per line item that the order's refund is of. Nothing is
-- dropped. Don't sum line_amount without row_kind: tips, gift cards and orders that are no sale are among them.
with recursive

delivered as (

    select * from {{ source('raw', 'shopify_orders') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

items as (

    select
        delivered._line_id as line_id,
        delivered._load_id as load_id,
        delivered._sheet as sheet,
        delivered._row_number as row_number,
        delivered._problem as problem,
        delivered._line_text as line_text,
        delivered.quantity as quantity_text,
        delivered.unit_price as unit_price_text,
        delivered.line_discount as line_discount_text,
        delivered.created_at as invoice_date_text,
        upper({{ stripped('delivered.order_name') }}) as invoice_text,
        coalesce(upper({{ stripped('delivered.sku') }}), upper({{ stripped('delivered.product_name') }}))
            as stock_code_text,
        {{ stripped('delivered.product_name') }} as description,
        {{ units('delivered.quantity', 'deliveries._line_amount_mark') }} as quantity_units,
        {{ money('delivered.unit_price', 'deliveries._line_amount_mark') }} as unit_price,
        {{ money('delivered.line_discount', 'deliveries._line_amount_mark') }} as line_discount,
        delivered.invoiced_at,
        -- a tip is a line item in the total and not in the subtotal
        case
            when {{ stripped('delivered.sku') }} is null
                and not coalesce({{ flag('delivered.requires_shipping') }}, false)
                then {{ is_called_tip('delivered.product_name') }}
            else false
        end as is_tip,
        case
            when {{ flag('delivered.requires_shipping') }} = false and {{ flag('delivered.taxable') }} = false
                then coalesce({{ is_called_gift_card('delivered.product_name') }}, false)
            else false
        end as is_gift_card,

        -- of the order, on its first row
        delivered.email,
        delivered.phone,
        delivered.financial_status,
        delivered.cancelled_at,
        delivered.accepts_marketing,
        delivered.currency,
        delivered.shipping_country,
        delivered.billing_country,
        delivered.discount_amount as discount_text,
        delivered.refunded_amount as refund_text,
        {{ money('delivered.subtotal', 'deliveries._line_amount_mark') }} as subtotal,
        {{ money('delivered.shipping', 'deliveries._line_amount_mark') }} as shipping,
        {{ money('delivered.discount_amount', 'deliveries._line_amount_mark') }} as discount_amount,
        {{ money('delivered.refunded_amount', 'deliveries._line_amount_mark') }} as refunded_amount
    from delivered
    left join deliveries on delivered._load_id = deliveries._load_id

),

priced_items as (

    select
        *,
        {{ exact_product('quantity_units', 'unit_price') }} as gross_amount,
        case
            when {{ blank_to_null('line_discount_text') }} is null then 0
            else line_discount
        end as own_discount
    from items

),

-- one row an order; later rows leave blank what the first one tells
orders as (

    select
        load_id,
        invoice_text,
        min(line_id) as first_line_id,
        max({{ stripped('email') }}) as email,
        max({{ stripped('phone') }}) as phone,
        max({{ stripped('financial_status') }}) as status,
        max({{ stripped('cancelled_at') }}) as cancelled_at,
        max({{ stripped('accepts_marketing') }}) as accepts_marketing,
        max({{ stripped('currency') }}) as currency,
        max({{ stripped('shipping_country') }}) as shipping_country,
        max({{ stripped('billing_country') }}) as billing_country,
        max({{ stripped('discount_text') }}) as discount_text,
        max({{ stripped('refund_text') }}) as refund_text,
        max(invoiced_at) as invoiced_at,
        max(subtotal) as subtotal,
        max(shipping) as shipping,
        max(discount_amount) as discount_amount,
        max(refunded_amount) as refunded_amount,
        sum(case when not is_tip then gross_amount end) as gross_amount,
        sum(case when not is_tip then own_discount end) as own_discounts,
        sum(case when not is_tip and gross_amount > own_discount then gross_amount - own_discount end) as weight
    from priced_items
    where invoice_text is not null
    group by load_id, invoice_text

),

judged_orders as (

    select
        *,
        -- money that was kept or given back was paid: cancelled or not, that is a sale
        coalesce({{ folded_word('status') }} = 'voided', false)
        or cancelled_at is not null
        and coalesce({{ folded_word('status') }}, '')
        not in ('paid', 'partiallypaid', 'partiallyrefunded', 'refunded') as is_not_a_sale,
        coalesce({{ folded_word('status') }} = 'refunded', false) as is_refunded,
        coalesce({{ folded_word('status') }} = 'partiallyrefunded', false) as is_partially_refunded,
        discount_text is not null and discount_amount is null as is_discount_lost,
        -- discounts by a code stand on the order alone, automatic ones on the lines as well
        case
            when discount_amount is null then 0
            -- more on the lines than on the order: the subtotal tells which of them holds
            when discount_amount < own_discounts
                then case when gross_amount - discount_amount = subtotal then discount_amount - own_discounts else 0 end
            -- the code made the shipping free, and nothing else
            when gross_amount - own_discounts = subtotal then 0
            when discount_amount - own_discounts > shipping
                and gross_amount - discount_amount + shipping = subtotal
                then discount_amount - own_discounts - shipping
            else least(discount_amount - own_discounts, weight)
        end as amount_to_spread
    from orders

),

discounted_items as (

    select
        items.line_id,
        {{ spread(
            'orders.amount_to_spread',
            'case when not items.is_tip then items.gross_amount - items.own_discount end',
            'orders.weight',
            'items.load_id, items.invoice_text',
            'items.line_id'
        ) }} as share_of_discount
    from priced_items as items
    inner join judged_orders as orders
        on items.load_id = orders.load_id and items.invoice_text = orders.invoice_text
    where orders.amount_to_spread <> 0

),

sold as (

    select
        items.line_id,
        items.load_id,
        items.sheet,
        items.row_number,
        items.problem,
        items.line_text,
        items.quantity_text,
        case
            when items.gross_amount is null then items.unit_price_text
            when items.own_discount is null then items.line_discount_text
            when orders.is_discount_lost then orders.discount_text
            else items.unit_price_text
        end as amount_text,
        items.invoice_date_text,
        items.invoice_text,
        items.stock_code_text,
        items.description,
        items.quantity_units,
        case
            when not coalesce(orders.is_discount_lost, false)
                then items.gross_amount - items.own_discount - coalesce(discounted_items.share_of_discount, 0)
        end as line_amount,
        upper(orders.currency) as currency_text,
        orders.status,
        coalesce(orders.shipping_country, orders.billing_country) as country,
        coalesce(orders.email, {{ without_formula_guard('orders.phone') }}) as customer_text,
        {{ flag('orders.accepts_marketing') }} as accepts_marketing,
        coalesce(items.invoiced_at, orders.invoiced_at) as invoiced_at,
        case
            when orders.is_not_a_sale then 'not_a_sale'
            when items.is_tip or items.is_gift_card then 'non_product'
            else 'sale'
        end as row_kind,
        not items.is_tip as is_in_subtotal,
        case when items.line_id = orders.first_line_id then orders.subtotal end as told_amount,
        orders.is_refunded,
        orders.refund_text,
        orders.refunded_amount,
        not orders.is_refunded
        and (orders.refunded_amount > 0 or orders.refunded_amount is null and orders.refund_text is not null)
        or orders.is_partially_refunded and orders.refunded_amount is null as is_refunded_in_part
    from priced_items as items
    left join judged_orders as orders
        on items.load_id = orders.load_id and items.invoice_text = orders.invoice_text
    left join discounted_items on items.line_id = discounted_items.line_id

),

-- a refund is one figure of the order; what it gives back of shipping and taxes is no amount of a line
partly_refunded as (

    select
        load_id,
        invoice_text,
        line_id,
        stock_code_text as product,
        quantity_units,
        line_amount,
        refunded_amount,
        case
            when refunded_amount > sum(line_amount) over (partition by load_id, invoice_text)
                then sum(line_amount) over (partition by load_id, invoice_text)
            else refunded_amount
        end as refund_amount
    from sold
    where row_kind = 'sale' and is_refunded_in_part

),

{{ returned_units('partly_refunded') }},

refunded_orders as (

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
        stock_code_text,
        description,
        -quantity_units as quantity_units,
        -line_amount as line_amount
    from sold
    where row_kind = 'sale' and is_refunded

    union all

    select
        sold.line_id,
        sold.stock_code_text,
        sold.description,
        -returned_units.units as quantity_units,
        -returned_units.amount as line_amount
    from returned_units
    inner join sold on returned_units.line_id = sold.line_id

    union all

    -- nothing tells what it is of: a return without a product. A refund that can't be read goes the same way,
    -- without an amount, so that it is told
    select
        orders.line_id,
        null as stock_code_text,
        null as description,
        -1 as quantity_units,
        -orders.refund_amount as line_amount
    from refunded_orders as orders
    left join only_choices
        on orders.load_id = only_choices.load_id and orders.invoice_text = only_choices.invoice_text
    where only_choices.path is null and coalesce(orders.refund_amount, 1) > 0

),

told as (

    select
        line_id as delivered_line_id,
        false as is_derived,
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
        customer_text,
        true as customer_is_personal,
        accepts_marketing,
        invoiced_at,
        row_kind,
        case when is_in_subtotal then line_amount end as counted_amount,
        told_amount,
        case when told_amount is not null then 'Subtotal' end as told_as
    from sold

    union all

    select
        {{ refund_line_id('sold.line_id') }} as delivered_line_id,
        true as is_derived,
        sold.load_id,
        sold.sheet,
        sold.row_number,
        null as problem,
        null as line_text,
        sold.quantity_text,
        sold.refund_text as amount_text,
        sold.invoice_date_text,
        sold.invoice_text,
        returned.stock_code_text,
        returned.description,
        returned.quantity_units,
        returned.line_amount,
        null as tax_amount,
        sold.currency_text,
        sold.status,
        null as line_kind,
        null as store,
        sold.country,
        sold.customer_text,
        true as customer_is_personal,
        sold.accepts_marketing,
        sold.invoiced_at,
        'return' as row_kind,
        null as counted_amount,
        null as told_amount,
        null as told_as
    from returned
    inner join sold on returned.line_id = sold.line_id

),

final as (

    {{ export_lines('told') }}

)

select * from final
