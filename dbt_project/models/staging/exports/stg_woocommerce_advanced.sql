-- Grain: one row per delivered row, and one per line item that was refunded. Nothing is dropped. Don't sum
-- line_amount without row_kind: orders that are no sale are among them, and rows that hold a coupon and no product.
with

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

-- each shop chooses its columns, and old versions fill those of the order on its first row alone
items as (

    select
        lines._line_id as line_id,
        lines._load_id as load_id,
        lines._sheet as sheet,
        lines._row_number as row_number,
        lines._problem as problem,
        lines._line_text as line_text,
        lines.quantity is null as is_net_of_refunds,
        coalesce(lines.quantity, lines.net_quantity) as quantity_text,
        coalesce(lines.line_amount, lines.item_cost) as amount_text,
        lines.refunded_amount as refund_text,
        {{ capitals(stripped('lines.order_number')) }} as invoice_text,
        {{ capitals('coalesce(' ~ stripped('lines.sku') ~ ', ' ~ stripped('lines.product_name') ~ ')') }}
            as stock_code_text,
        {{ blank_to_null('lines.product_name') }} as description,
        -- a coupon has a row of its own where an order has more of them than products
        lines._problem is null
        and coalesce(
            lines.quantity, lines.net_quantity, lines.item_cost, lines.line_amount, lines.sku, lines.product_name
        ) is null as is_without_item,
        {{ units('lines.quantity', 'deliveries._line_amount_mark') }} as sold_units,
        {{ units('lines.net_quantity', 'deliveries._line_amount_mark') }} as kept_units,
        {{ money('lines.item_cost', 'deliveries._line_amount_mark') }} as item_cost,
        {{ money('lines.line_amount', 'deliveries._line_amount_mark') }} as line_amount,
        abs({{ money('lines.refunded_amount', 'deliveries._line_amount_mark') }}) as refunded_amount,
        {{ blank_to_null('lines.line_amount') }} is null as has_no_line_amount,
        lines.ordered_at,
        lines.invoiced_at,
        {{ blank_to_null('lines.status') }} as status,
        {{ capitals(stripped('lines.currency')) }} as currency_text,
        coalesce({{ blank_to_null('lines.billing_country') }}, {{ blank_to_null('lines.shipping_country') }})
            as country,
        {{ blank_to_null('lines.email') }} as email,
        {{ blank_to_null('lines.phone') }} as phone,
        {{ money('lines.order_subtotal', 'deliveries._line_amount_mark') }} as order_subtotal,
        {{ money('lines.cart_discount', 'deliveries._line_amount_mark') }} as cart_discount,
        {{ money('lines.order_refund', 'deliveries._line_amount_mark') }} as order_refund
    from {{ source('raw', 'woocommerce_advanced') }} as lines
    left join deliveries on lines._load_id = deliveries._load_id

),

-- a unit's cost is rounded to the cent; where the line's own amount was exported, that is exact
valued as (

    select
        *,
        case
            when is_without_item then 0
            when is_net_of_refunds then kept_units
            else sold_units
        end as quantity_units,
        case
            when is_without_item then 0
            when is_net_of_refunds or has_no_line_amount
                then {{ exact_product('case when is_net_of_refunds then kept_units else sold_units end', 'item_cost') }}
            else line_amount
        end as amount
    from items

),

orders as (

    select
        load_id,
        invoice_text,
        min(line_id) as first_line_id,
        max(status) as status,
        max(currency_text) as currency_text,
        max(country) as country,
        max(email) as email,
        max(phone) as phone,
        max(ordered_at) as ordered_at,
        max(invoiced_at) as invoiced_at,
        max(order_subtotal) as order_subtotal,
        max(cart_discount) as cart_discount,
        max(order_refund) as order_refund,
        sum(amount) as amount,
        sum(quantity_units) as quantity_units
    from valued
    where invoice_text is not null
    group by load_id, invoice_text

),

judged_orders as (

    select
        *,
        {{ woocommerce_state_of_label('status') }} as state,
        -- without the refunds there is nothing to compare: quantities may be net of them, and lines left out
        case
            when coalesce(order_refund, 1) <> 0 then null
            -- half a cent a unit is what rounding of the units' cost does
            when abs(order_subtotal - cart_discount - amount) <= 0.005 * quantity_units then amount
            else order_subtotal - cart_discount
        end as told_amount
    from orders

),

-- refunded by its status is what is left of an order, though no line says so
refunded_items as (

    select
        valued.line_id,
        valued.quantity_units,
        valued.amount,
        valued.item_cost,
        valued.sold_units - valued.kept_units as returned_units,
        valued.refunded_amount,
        orders.state = 'refunded' or coalesce(valued.refunded_amount = valued.amount, false) as is_whole,
        -- units that the amount pays for, where that is what they cost
        case
            when valued.item_cost > 0 and valued.refunded_amount < valued.amount
                then floor(cast(valued.refunded_amount as double) / cast(valued.item_cost as double) + 0.001)
        end as paid_units
    from valued
    inner join judged_orders as orders
        on valued.load_id = orders.load_id and valued.invoice_text = orders.invoice_text
    where
        not valued.is_without_item
        and (
            orders.state = 'refunded' and valued.quantity_units > 0
            or orders.state = 'sold'
            and not valued.is_net_of_refunds
            and (valued.refunded_amount > 0 or valued.sold_units > valued.kept_units)
        )

),

counted_returns as (

    select
        *,
        case
            when is_whole then quantity_units
            when returned_units > 0 then returned_units
            when paid_units >= 1 and abs(refunded_amount - paid_units * item_cost) < 0.005 then paid_units
        end as units
    from refunded_items

),

returned as (

    select
        line_id,
        coalesce(units, 1) as quantity_units,
        case
            when is_whole then amount
            when refunded_amount > 0 then refunded_amount
            -- no amount was exported: the units that came back at what one cost
            else {{ exact_product('units', 'item_cost') }}
        end as line_amount,
        units is not null as names_product
    from counted_returns

),

sides as (

    select false as is_return

    union all

    select true as is_return

),

-- a line that came back stands here twice: as it was sold, and as it came back
copies as (

    select
        returned.line_id,
        returned.quantity_units,
        returned.line_amount,
        returned.names_product,
        sides.is_return
    from returned
    cross join sides

),

lines as (

    select
        valued.line_id,
        coalesce(copies.is_return, false) as is_return,
        coalesce(copies.is_return and not copies.names_product, false) as is_without_product,
        valued.is_without_item,
        valued.load_id,
        valued.sheet,
        valued.row_number,
        valued.problem,
        valued.line_text,
        valued.quantity_text,
        case when copies.is_return then valued.refund_text else valued.amount_text end as amount_text,
        coalesce(valued.ordered_at, orders.ordered_at) as invoice_date_text,
        valued.invoice_text,
        valued.stock_code_text,
        valued.description,
        case when copies.is_return then -copies.quantity_units else valued.quantity_units end as quantity_units,
        case when copies.is_return then -copies.line_amount else valued.amount end as line_amount,
        orders.currency_text,
        orders.status,
        orders.state,
        orders.country,
        coalesce(orders.email, {{ without_formula_guard('orders.phone') }}) as customer_text,
        coalesce(valued.invoiced_at, orders.invoiced_at) as invoiced_at,
        case when valued.line_id = orders.first_line_id then orders.told_amount end as told_amount
    from valued
    left join judged_orders as orders
        on valued.load_id = orders.load_id and valued.invoice_text = orders.invoice_text
    left join copies on valued.line_id = copies.line_id

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
        case when not is_without_product then stock_code_text end as stock_code_text,
        case when not is_without_product then description end as description,
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
        null as accepts_marketing,
        invoiced_at,
        case
            when is_return then 'return'
            when is_without_item then 'summary'
            when state = 'not_a_sale' then 'not_a_sale'
            else 'sale'
        end as row_kind,
        case when not is_return and not is_without_item then line_amount end as counted_amount,
        case when not is_return then told_amount end as told_amount,
        case
            when not is_return and told_amount is not null then 'Order Subtotal Amount less Cart Discount Amount'
        end as told_as
    from lines

),

final as (

    {{ export_lines('told') }}

)

select * from final
