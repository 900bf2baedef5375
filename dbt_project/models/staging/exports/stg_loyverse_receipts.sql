-- Grain: one row per line of Loyverse's receipts by item. Don't sum line_amount without row_kind: cancelled receipts
-- are among them. told_amount stands on one line of each receipt.
with

lines as (

    select * from {{ source('raw', 'loyverse_receipts') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

typed as (

    select
        lines.*,
        {{ capitals(stripped('lines.receipt_number')) }} as invoice_text,
        {{ stripped('lines.item') }} as item_name,
        {{ stripped('lines.variant') }} as variant_name,
        coalesce(lower({{ stripped('lines.receipt_type') }}) in ('refund', 'reembolso'), false) as is_refund,
        coalesce(lower({{ stripped('lines.status') }}) in ('cancelled', 'canceled', 'cancelado'), false)
            as is_cancelled,
        {{ units('lines.quantity', 'deliveries._line_amount_mark') }} as units,
        {{ money('lines.gross_sales', 'deliveries._line_amount_mark') }} as gross,
        {{ money('lines.discounts', 'deliveries._line_amount_mark') }} as discount,
        {{ money('lines.net_sales', 'deliveries._line_amount_mark') }} as net,
        {{ money('lines.taxes', 'deliveries._line_amount_mark') }} as line_tax
    from lines
    left join deliveries on lines._load_id = deliveries._load_id

),

-- A refund is negative throughout. The sign that its discount has was never seen, so that it is
-- taken off whichever it is.
signed as (

    select
        *,
        case when is_refund then -abs(units) else units end as signed_units,
        case when is_refund then -abs(net) else net end as signed_net,
        case when is_refund then -abs(line_tax) else line_tax end as tax_amount,
        case
            when {{ stripped('discounts') }} is null then case when is_refund then -abs(gross) else gross end
            when is_refund then {{ as_money('abs(discount) - abs(gross)') }}
            else {{ as_money('gross - discount') }}
        end as stated_amount
    from typed

),

-- what each receipt comes to by gross sales and discounts, where all its lines tell them
receipts as (

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
        signed.quantity as quantity_text,
        signed.net_sales as amount_text,
        signed.date as invoice_date_text,

        -- keys and attributes
        signed.invoice_text,
        {{ capitals(
            'coalesce(' ~ stripped('signed.sku') ~ ', ' ~ name_with_variant('signed.item_name', 'signed.variant_name') ~ ')'
        ) }} as stock_code_text,
        {{ name_with_variant('signed.item_name', 'signed.variant_name') }} as description,

        -- measures
        case
            when signed.is_cancelled and {{ stripped('signed.quantity') }} is null then 0
            else signed.signed_units
        end as quantity_units,
        case
            when signed.is_cancelled and {{ stripped('signed.net_sales') }} is null then 0
            else signed.signed_net
        end as line_amount,
        signed.tax_amount,

        -- of the receipt: a customer is named only where one was chosen at the till
        null as currency_text,
        {{ stripped('signed.status') }} as status,
        {{ stripped('signed.receipt_type') }} as line_kind,
        null as store,
        -- the file names no country: a till stands where the shop is
        {{ quoted(setting('home_country')) }} as country,
        coalesce({{ stripped('signed.customer_contacts') }}, {{ stripped('signed.customer_name') }}) as customer_text,
        true as customer_is_personal,
        null as accepts_marketing,
        signed.invoiced_at,
        case
            when signed.is_cancelled then 'not_a_sale'
            when signed.is_refund or signed.signed_net < 0 then 'return'
            else 'sale'
        end as row_kind,

        -- what the file itself says
        case when receipts.told_amount is not null then signed.signed_net end as counted_amount,
        case when signed._line_id = receipts.first_line_id then receipts.told_amount end as told_amount,
        case when signed._line_id = receipts.first_line_id then 'Gross sales less Discounts' end as told_as
    from signed
    left join receipts on signed._load_id = receipts._load_id and signed.invoice_text = receipts.invoice_text

),

final as (

    {{ export_lines('judged') }}

)

select * from final
