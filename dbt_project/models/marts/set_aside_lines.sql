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

        -- lineage
        staged.file_name,
        staged.sheet,
        staged.row_number,

        -- the line as it was understood
        staged.invoice_no,
        staged.stock_code,
        staged.description,
        staged.quantity_units,
        staged.unit_price,
        staged.customer_id,
        staged.country,
        staged.invoiced_at,
        set_aside.signed_amount,
        case
            when set_aside.disposition = 'unreadable'
                then {{ shortened('coalesce(staged.line_text, delivered.fields_text)', 1000) }}
        end as line_text
    from set_aside
    inner join staged on set_aside.delivered_line_id = staged.delivered_line_id
    inner join delivered on set_aside.delivered_line_id = delivered.delivered_line_id
    left join reasons on set_aside.disposition = reasons.disposition

)

select * from final
