-- Grain: one order of an export that says itself what the order's lines add up to, as its newest
-- file tells it. Only orders of which something counts: a cancelled one may say what it likes.
with

lines as (

    select * from {{ ref('stg_export_lines') }}

),

deliveries as (

    select * from {{ ref('stg_deliveries') }}

),

orders as (

    select * from {{ ref('int_orders') }} where is_in_several_deliveries

),

replaced as (

    select * from {{ ref('int_order_versions') }} where is_replaced

),

summed as (

    select
        lines.load_id,
        lines.invoice_text,
        {{ capitals("concat_ws(' ', deliveries.source, lines.store)") }} as store,
        deliveries.source,
        deliveries.file_name,
        min(lines.row_number) as row_number,
        cast(sum(lines.told_amount) as {{ money_sum_type() }}) as told_amount,
        max(lines.told_as) as told_as,
        cast(sum(coalesce(lines.counted_amount, 0)) as {{ money_sum_type() }}) as counted_amount,
        max(case when lines.row_kind in ('sale', 'return', 'non_product') then 1 else 0 end) as counting
    from lines
    inner join deliveries on lines.load_id = deliveries.load_id
    group by
        lines.load_id,
        lines.invoice_text,
        {{ capitals("concat_ws(' ', deliveries.source, lines.store)") }},
        deliveries.source,
        deliveries.file_name

),

final as (

    select
        summed.source,
        summed.load_id,
        summed.file_name,
        summed.row_number,
        summed.invoice_text as invoice_no,
        summed.told_as,
        summed.told_amount,
        summed.counted_amount,
        abs(summed.counted_amount - summed.told_amount) < 0.005 as is_reconciled
    from summed
    left join orders
        on {{ code('summed.invoice_text') }} = orders.delivered_invoice_no and summed.store = orders.store
    left join replaced on orders.invoice_no = replaced.invoice_no and summed.load_id = replaced.load_id
    where summed.told_amount is not null and summed.counting = 1 and replaced.invoice_no is null

)

select * from final
