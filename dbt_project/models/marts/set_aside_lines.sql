-- Grain: one delivered line that was not kept. The only mart that tells which file a
-- line came from.
with

set_aside as (

    select * from {{ ref('int_line_dispositions') }} where not is_kept

),

staged as (

    select * from {{ ref('stg_transactions') }}

),

delivered as (

    select * from {{ ref('stg_delivered_text') }}

),

reasons as (

    select * from {{ ref('dispositions') }}

),

final as (

    select
        set_aside.delivered_line_id,
        set_aside.disposition,
        coalesce(
            staged.unreadable_reason,
            case
                when set_aside.disposition = 'non_product'
                    then 'Stock code ' || set_aside.stock_code || ' is no product: '
                        || replace(set_aside.non_product_category, '_', ' ')
            end,
            reasons.description
        ) as reason,
        staged.file_name,
        staged.sheet,
        staged.row_number,
        delivered.invoice_text,
        delivered.stock_code_text,
        delivered.description_text,
        delivered.quantity_text,
        delivered.invoice_date_text,
        delivered.unit_price_text,
        delivered.customer_id_text,
        delivered.country_text,
        set_aside.signed_amount,
        {{ shortened('staged.line_text', 1000) }} as line_text
    from set_aside
    inner join staged on set_aside.delivered_line_id = staged.delivered_line_id
    inner join delivered on set_aside.delivered_line_id = delivered.delivered_line_id
    left join reasons on set_aside.disposition = reasons.disposition

)

select * from final
