-- Grain: one row per line of Square's items detail. Don't sum line_amount without row_kind: gift cards are among
-- them. told_amount stands on one line of each transaction.
with

lines as (

    select * from {{ source('raw', 'square_items') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

unsigned as (

    select
        *,
        {{ without_sign('gross_sales') }} as gross_figure,
        {{ without_sign('discounts') }} as discount_figure,
        {{ without_sign('net_sales') }} as net_figure,
        {{ without_sign('tax') }} as tax_figure
    from lines

),

typed as (

    select
        lines.*,
        {{ capitals(stripped('lines.transaction_id')) }} as invoice_text,
        {{ stripped('lines.sku') }} as sku_text,
        {{ stripped('lines.item') }} as item_name,
        {{ stripped('lines.price_point_name') }} as price_point,
        coalesce(lower({{ stripped('lines.event_type') }}) = 'refund', false) as is_refund,
        {{ units('lines.qty', 'deliveries._line_amount_mark') }} as units,
        {{ money('lines.gross_figure', 'deliveries._line_amount_mark') }} as gross,
        {{ money('lines.discount_figure', 'deliveries._line_amount_mark') }} as discount,
        {{ money('lines.net_figure', 'deliveries._line_amount_mark') }} as net,
        {{ money('lines.tax_figure', 'deliveries._line_amount_mark') }} as line_tax
    from unsigned as lines
    left join deliveries on lines._load_id = deliveries._load_id

),

-- A refund is negative throughout. The sign that its discount has was never seen, so that it is
-- taken off whichever it is.
signed as (

    select
        *,
        case when is_refund then -abs(units) else units end as quantity_units,
        case when is_refund then -abs(net) else net end as line_amount,
        case when is_refund then -abs(line_tax) else line_tax end as tax_amount,
        case
            when {{ stripped('discounts') }} is null then case when is_refund then -abs(gross) else gross end
            when is_refund then {{ as_money('abs(discount) - abs(gross)') }}
            else {{ as_money('gross + discount') }}
        end as stated_amount
    from typed

),

-- what each transaction comes to by gross sales and discounts, where all its lines tell them
transactions as (

    select
        _load_id,
        invoice_text,
        {{ as_money('sum(stated_amount)') }} as told_amount,
        min(_line_id) as first_line_id
    from signed
    where invoice_text is not null
    group by _load_id, invoice_text
    having count(stated_amount) = count(*)

),

judged as (

    select
        -- lineage
        signed._line_id as delivered_line_id,
        false as is_derived,
        signed._load_id as load_id,
        signed._sheet as sheet,
        signed._row_number as row_number,
        signed._problem as problem,
        signed._line_text as line_text,

        -- as delivered
        signed.qty as quantity_text,
        signed.net_sales as amount_text,
        {{ blank_to_null('signed.date') }} as invoice_date_text,

        -- keys and attributes: a product without a code is told by its name and price point
        signed.invoice_text,
        {{ capitals('coalesce(signed.sku_text, ' ~ name_with_variant('signed.item_name', 'signed.price_point') ~ ')') }}
            as stock_code_text,
        {{ name_with_variant('signed.item_name', 'signed.price_point') }} as description,

        -- measures
        signed.quantity_units,
        signed.line_amount,
        signed.tax_amount,

        -- of the transaction
        {{ currency_of_amount('signed.net_sales') }} as currency_text,
        null as status,
        {{ stripped('signed.event_type') }} as line_kind,
        null as store,
        -- the file names no country: a till stands where the shop is
        {{ quoted(setting('home_country')) }} as country,
        {{ stripped('signed.customer_id') }} as customer_text,
        false as customer_is_personal,
        null as accepts_marketing,
        signed.invoiced_at,
        case
            -- 'Physical Good', 'Custom Amount' and whatever else is sold; gift cards are paid with later
            when contains(lower(signed.itemization_type), 'gift') then 'non_product'
            when signed.is_refund or signed.line_amount < 0 then 'return'
            else 'sale'
        end as row_kind,

        -- what the file itself says
        case when transactions.told_amount is not null then signed.line_amount end as counted_amount,
        case when signed._line_id = transactions.first_line_id then transactions.told_amount end as told_amount,
        case when signed._line_id = transactions.first_line_id then 'Gross Sales and Discounts' end as told_as
    from signed
    left join transactions
        on signed._load_id = transactions._load_id
            and signed.invoice_text = transactions.invoice_text

),

final as (

    {{ export_lines('judged') }}

)

select * from final
