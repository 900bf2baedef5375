-- Grain: one row per delivered line item, and one per line item that was refunded. Nothing is dropped.
-- Don't sum line_amount without row_kind: orders that are no sale are among them.
with

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

-- the columns of the order stand on every row
items as (

    select
        lines._line_id as line_id,
        lines._load_id as load_id,
        lines._sheet as sheet,
        lines._row_number as row_number,
        lines._problem as problem,
        lines._line_text as line_text,
        lines.item_quantity as quantity_text,
        lines.item_total as amount_text,
        lines.refunded_amount as refund_text,
        lines.ordered_at as invoice_date_text,
        {{ capitals(
            'coalesce(' ~ stripped(without_formula_guard('lines.order_number')) ~ ', ' ~ stripped('lines.order_id') ~ ')'
        ) }} as invoice_text,
        -- a product that was deleted has neither code nor number
        {{ capitals(
            'coalesce(nullif(' ~ stripped(without_formula_guard('lines.item_sku')) ~ ", 'unknown_product'), nullif("
            ~ stripped('lines.item_product_id') ~ ", '0'), " ~ stripped(without_formula_guard('lines.item_name')) ~ ')'
        ) }} as stock_code_text,
        {{ blank_to_null(without_formula_guard('lines.item_name')) }} as description,
        {{ units('lines.item_quantity', 'deliveries._line_amount_mark') }} as quantity_units,
        {{ money('lines.item_total', 'deliveries._line_amount_mark') }} as line_amount,
        {{ money('lines.item_total_tax', 'deliveries._line_amount_mark') }} as tax_amount,
        abs({{ units('lines.refunded_quantity', 'deliveries._line_amount_mark') }}) as refunded_units,
        abs({{ money('lines.refunded_amount', 'deliveries._line_amount_mark') }}) as refunded_amount,
        {{ capitals(stripped('lines.currency')) }} as currency_text,
        {{ blank_to_null('lines.status') }} as status,
        {{ woocommerce_state('lines.status') }} as state,
        coalesce({{ blank_to_null('lines.billing_country') }}, {{ blank_to_null('lines.shipping_country') }})
            as country,
        {{ blank_to_null(without_formula_guard('lines.billing_email')) }} as email,
        nullif({{ blank_to_null('lines.customer_id') }}, '0') as customer_id,
        lines.invoiced_at,
        {{ money('lines.order_total', 'deliveries._line_amount_mark') }} as order_total,
        {{ money('lines.refunded_total', 'deliveries._line_amount_mark') }} as refunded_total,
        {{ money('lines.shipping_total', 'deliveries._line_amount_mark') }} as shipping_total,
        {{ money('lines.fee_total', 'deliveries._line_amount_mark') }} as fee_total,
        {{ money('lines.tax_total', 'deliveries._line_amount_mark') }} as tax_total
    from {{ source('raw', 'woocommerce_items') }} as lines
    left join deliveries on lines._load_id = deliveries._load_id

),

orders as (

    select
        load_id,
        invoice_text,
        min(line_id) as first_line_id,
        sum(line_amount) as line_amount,
        coalesce(sum(refunded_amount), 0) as refunded_on_lines,
        coalesce(sum(refunded_units), 0) as refunded_units,
        max(order_total) as order_total,
        max(refunded_total) as refunded_total,
        max(tax_total) as tax_total
    from items
    where invoice_text is not null
    group by load_id, invoice_text

),

refunded_items as (

    select
        items.line_id,
        items.quantity_units,
        items.line_amount,
        items.refunded_units,
        items.refunded_amount,
        -- refunded by its status: the whole order, though no line says so
        items.state = 'refunded'
        and (orders.refunded_on_lines = 0 or coalesce(orders.refunded_total >= orders.order_total, false)) as is_whole,
        -- part of the money and no line: it is taken off the products, without the tax in it
        case
            when items.state = 'sold'
                and orders.refunded_on_lines = 0
                and orders.refunded_units = 0
                and orders.refunded_total > 0
                and orders.order_total > 0
                and orders.line_amount > 0
                and items.line_id = orders.first_line_id
                then least(
                        {{ share_in_cents(
                            'orders.refunded_total',
                            '(orders.order_total - coalesce(orders.tax_total, 0))',
                            'orders.order_total'
                        ) }},
                        orders.line_amount
                    )
        end as share_of_refund
    from items
    inner join orders on items.load_id = orders.load_id and items.invoice_text = orders.invoice_text
    where
        items.state = 'refunded'
        or items.state = 'sold'
        and (items.refunded_units <> 0 or items.refunded_amount <> 0 or orders.refunded_total > 0)

),

returned as (

    select
        line_id,
        case
            when is_whole then quantity_units
            when share_of_refund is not null then 1
            else coalesce(refunded_units, 0)
        end as quantity_units,
        case
            when is_whole then line_amount
            when share_of_refund is not null then share_of_refund
            else coalesce(refunded_amount, 0)
        end as line_amount,
        share_of_refund is null as names_product
    from refunded_items
    where is_whole or share_of_refund > 0 or refunded_units > 0 or refunded_amount > 0

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
        items.*,
        coalesce(copies.is_return, false) as is_return,
        coalesce(copies.is_return and not copies.names_product, false) as is_without_product,
        copies.quantity_units as returned_units,
        copies.line_amount as returned_amount,
        orders.first_line_id
    from items
    left join orders on items.load_id = orders.load_id and items.invoice_text = orders.invoice_text
    left join copies on items.line_id = copies.line_id

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
        case when is_return then refund_text else amount_text end as amount_text,
        invoice_date_text,
        invoice_text,
        case when not is_without_product then stock_code_text end as stock_code_text,
        case when not is_without_product then description end as description,
        case when is_return then -returned_units else quantity_units end as quantity_units,
        case when is_return then -returned_amount else line_amount end as line_amount,
        case when not is_return then tax_amount end as tax_amount,
        currency_text,
        status,
        null as line_kind,
        null as store,
        country,
        coalesce(email, customer_id) as customer_text,
        -- guests have no number in the shop, and everybody an address
        email is not null as customer_is_personal,
        null as accepts_marketing,
        invoiced_at,
        case
            when is_return then 'return'
            when state = 'not_a_sale' then 'not_a_sale'
            else 'sale'
        end as row_kind,
        case when not is_return then line_amount end as counted_amount,
        case
            when not is_return and line_id = first_line_id then order_total - shipping_total - fee_total - tax_total
        end as told_amount,
        case
            when not is_return
                and line_id = first_line_id
                and order_total - shipping_total - fee_total - tax_total is not null
                then 'order_total less shipping, fees and tax'
        end as told_as
    from lines

),

final as (

    {{ export_lines('told') }}

)

select * from final
