-- Grain: one row per row of eBay's orders report. Don't sum line_amount without row_kind: a summary is no line, it sums
-- up the items below it, and what nobody paid is among them. told_amount stands on one row of each sales record.
{%- set charges = [
    'electronic_waste_recycling_fee', 'mattress_recycling_fee', 'battery_recycling_fee', 'white_goods_disposal_tax',
    'tire_recycling_fee', 'additional_fee', 'ebay_collected_charges',
] %}
{%- set on_top = ['shipping_and_handling', 'seller_collected_tax', 'ebay_collected_tax'] %}
with

lines as (

    select * from {{ source('raw', 'ebay_orders') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

-- the German report writes -- where it has nothing to say
unsigned as (

    select
        *,
        {%- for column in on_top %}
        {{ without_sign('nullif(' ~ stripped(column) ~ ", '--')") }} as {{ column }}_figure,
        {%- endfor %}
        {{ without_sign('sold_for') }} as sold_for_figure,
        {{ without_sign('total_price') }} as total_price_figure
    from lines

),

typed as (

    select
        lines.*,
        nullif({{ capitals(stripped('lines.sales_record_number')) }}, '--') as record_text,
        nullif({{ capitals(stripped('lines.order_number')) }}, '--') as order_text,
        nullif({{ stripped('lines.buyer_username') }}, '--') as buyer_text,
        nullif({{ stripped('lines.ship_to_country') }}, '--') as country_text,
        nullif({{ stripped('lines.item_number') }}, '--') as item_text,
        nullif({{ stripped('lines.custom_label') }}, '--') as label_text,
        nullif({{ stripped('lines.item_title') }}, '--') as title_text,
        translate(nullif({{ stripped('lines.variation_details') }}, '--'), '[]', '') as variation_text,
        nullif({{ stripped('lines.sale_date') }}, '--') as sold_text,
        nullif({{ stripped('lines.paid_on_date') }}, '--') as paid_text,
        {{ units('lines.quantity', 'deliveries._line_amount_mark') }} as units,
        {%- for column in on_top %}
        case
            when lines.{{ column }}_figure is null then 0
            else {{ money('lines.' ~ column ~ '_figure', 'deliveries._line_amount_mark') }}
        end as {{ column }}_amount,
        {%- endfor %}
        {{ money('lines.sold_for_figure', 'deliveries._line_amount_mark') }} as price,
        {{ money('lines.total_price_figure', 'deliveries._line_amount_mark') }} as total_amount
    from unsigned as lines
    left join deliveries on lines._load_id = deliveries._load_id

),

keyed as (

    select
        *,
        coalesce(record_text, order_text) as record_key,
        -- what else may be in the total is known by its name alone
        concat_ws('', {{ charges | join(', ') }}) as charges_text
    from typed

),

-- One row per sales record: who bought and whether it is paid stand on one of its rows.
records as (

    select
        _load_id,
        record_key,
        max(order_text) as order_text,
        max(buyer_text) as buyer_text,
        max(country_text) as country_text,
        max({{ currency_of_amount('sold_for') }}) as currency_text,
        max(sold_text) as sold_text,
        min(invoiced_at) as invoiced_at,
        count(paid_text) > 0 as is_paid,
        count(item_text) > 0 as has_items,
        case
            when count(item_text) between 1 and count(*) - 1
                then {{ as_money('sum(case when item_text is null then price end)') }}
            when count(item_text) = 1 and count(*) = 1 and max(translate(charges_text, '123456789', '') = charges_text)
                then {{ as_money('sum(total_amount - shipping_and_handling_amount - seller_collected_tax_amount'
                    ~ " - case when lower(coalesce(ebay_collected_tax_included_in_total, '')) in ('no', 'nein') then 0"
                    ~ ' else ebay_collected_tax_amount end)') }}
        end as told_amount,
        coalesce(min(case when item_text is null then _line_id end), min(_line_id)) as told_line_id
    from keyed
    where record_key is not null
    group by _load_id, record_key

),

-- A summary whose items are missing is no order of nothing: it stays a line, of no product that is known.
matched as (

    select
        keyed.*,
        coalesce(keyed.order_text, records.order_text, keyed.record_text) as invoice_text,
        coalesce(keyed.buyer_text, records.buyer_text) as customer_text,
        coalesce(keyed.country_text, records.country_text) as country,
        coalesce({{ currency_of_amount('keyed.sold_for') }}, records.currency_text) as currency_text,
        coalesce(records.invoiced_at, keyed.invoiced_at) as order_at,
        coalesce(keyed.sold_text, records.sold_text) as invoice_date_text,
        coalesce(records.is_paid, keyed.paid_text is not null or keyed._problem is not null) as is_paid,
        keyed.item_text is null and coalesce(records.has_items, false) as is_summary,
        keyed.item_text is null and keyed.title_text is null and keyed.label_text is null as is_total,
        records.told_amount,
        coalesce(keyed._line_id = records.told_line_id, false) as is_telling
    from keyed
    left join records on keyed._load_id = records._load_id and keyed.record_key = records.record_key

),

valued as (

    select
        *,
        case
            when is_total then price
            when units < 0 or price < 0 then -{{ exact_product('abs(units)', 'abs(price)') }}
            else {{ exact_product('abs(units)', 'abs(price)') }}
        end as amount
    from matched

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
        sold_for as amount_text,
        invoice_date_text,

        -- keys and attributes
        invoice_text,
        {{ capitals('coalesce(label_text, item_text)') }} as stock_code_text,
        {{ name_with_variant('title_text', 'variation_text') }} as description,

        -- measures
        case when not is_paid and {{ stripped('quantity') }} is null then 0 else units end as quantity_units,
        case when not is_paid and {{ stripped('sold_for') }} is null then 0 else amount end as line_amount,
        null as tax_amount,

        -- of the order
        currency_text,
        null as status,
        null as line_kind,
        null as store,
        country,
        customer_text,
        true as customer_is_personal,
        null as accepts_marketing,
        order_at as invoiced_at,
        case
            when is_summary then 'summary'
            when not is_paid then 'not_a_sale'
            when amount < 0 then 'return'
            else 'sale'
        end as row_kind,

        -- what the file itself says
        case when told_amount is not null and not is_summary then amount end as counted_amount,
        case when is_telling then told_amount end as told_amount,
        case
            when is_telling and told_amount is not null
                then case
                        when is_summary then 'Sold For of the whole order'
                        else 'Total Price before postage and tax'
                    end
        end as told_as
    from valued

),

final as (

    {{ export_lines('judged') }}

)

select * from final
