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

ids as (

    select * from {{ ref('stg_customer_ids') }}

),

versions as (

    select
        order_versions.load_id,
        order_versions.invoice_no,
        deliveries.file_name as newest_file_name
    from {{ ref('int_order_versions') }} as order_versions
    inner join {{ ref('stg_deliveries') }} as deliveries
        on order_versions.newest_load_id = deliveries.load_id
    where order_versions.is_replaced

),

reasons as (

    select * from {{ ref('dispositions') }}

),

-- What was delivered is told of few lines, and put together for these alone. The fields stand between
-- bars: in place of an id that is personal stands the one that is published.
told as (

    select
        set_aside.delivered_line_id,
        delivered.status_text,
        coalesce(
            delivered.shown_line_text,
            {{ without_contacts(
                "case when " ~ wants_pseudonyms() ~ " and ids.is_personal "
                ~ "then replace(delivered.fields_text, ' ' || ids.delivered_customer_id || ' |', "
                ~ "' ' || ids.customer_id || ' |') else delivered.fields_text end"
            ) }}
        ) as line_text
    from set_aside
    inner join delivered on set_aside.delivered_line_id = delivered.delivered_line_id
    left join ids on delivered.delivered_customer_id = ids.delivered_customer_id
    where set_aside.disposition in ('unreadable', 'not_a_sale')

),

final as (

    select
        set_aside.disposition,
        set_aside.rule,
        coalesce(
            staged.unreadable_reason,
            case
                when set_aside.disposition = 'non_product'
                    then 'Stock code ' || set_aside.stock_code || ' is no product: '
                        || replace(set_aside.non_product_category, '_', ' ')
                when set_aside.rule = 'newer_version'
                    then 'The order came again in ' || versions.newest_file_name
                        || ', which is newer and counts in its place'
                when set_aside.disposition = 'not_a_sale'
                    then coalesce(
                            'The status of the line is "'
                            || {{ shortened(without_contacts('told.status_text'), 60) }} || '"',
                            'By what its system says of the order, it was cancelled or never paid'
                        )
                when set_aside.rule = 'prefix_a'
                    then 'Numbers that begin with A are accounting adjustments in the profile of this source'
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
        coalesce(set_aside.customer_id, staged.customer_id) as customer_id,
        staged.country,
        staged.invoiced_at,
        set_aside.signed_amount,
        case
            when set_aside.disposition = 'unreadable' then {{ shortened('told.line_text', 1000) }}
        end as line_text
    from set_aside
    inner join staged on set_aside.delivered_line_id = staged.delivered_line_id
    left join told on set_aside.delivered_line_id = told.delivered_line_id
    left join versions on set_aside.invoice_no = versions.invoice_no and staged.load_id = versions.load_id
    left join reasons on set_aside.disposition = reasons.disposition

)

select * from final
