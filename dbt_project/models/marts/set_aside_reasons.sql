-- Grain: one reason for which delivered lines were set aside, in words without the values of
-- single lines. Lines and amounts add up to those of row_accounting; customers must not be
-- summed over reasons.
with

lines as (

    select * from {{ ref('int_line_dispositions') }}

),

lines_set_aside as (

    select * from {{ ref('int_line_dispositions') }} where not is_kept

),

staged as (

    select * from {{ ref('stg_transactions') }}

),

delivered as (

    select * from {{ ref('stg_delivered_text') }}

),

dispositions as (

    select * from {{ ref('dispositions') }}

),

-- who has anything that counts is not lost with what does not; lines of nobody are one row
customers as (

    select
        customer_id,
        max(case when is_kept then 1 else 0 end) = 1 as has_kept_lines,
        count(*) as line_count,
        sum(abs(coalesce(signed_amount, 0))) as amount
    from lines
    group by customer_id

),

totals as (

    select
        sum(line_count) as line_count,
        sum(amount) as amount,
        count(customer_id) as customer_count
    from customers

),

-- the text of few lines is asked for, and looked up for these alone
told as (

    select
        lines.delivered_line_id,
        delivered.status_text,
        delivered.amount_text
    from lines_set_aside as lines
    inner join delivered on lines.delivered_line_id = delivered.delivered_line_id
    where lines.disposition = 'not_a_sale' or lines.signed_amount is null

),

set_aside as (

    select
        lines.disposition,
        lines.rule,
        case
            when lines.disposition = 'unreadable' then {{ without_values('staged.unreadable_reason') }}
            when lines.disposition = 'non_product'
                then 'No product, by code or name: ' || replace(lines.non_product_category, '_', ' ')
            when lines.disposition = 'not_a_sale'
                then coalesce(
                        'Status "' || {{ shortened(without_contacts('lower(told.status_text)'), 60) }} || '"',
                        dispositions.description
                    )
            when lines.rule = 'newer_version' then 'Order came again in a newer file, which counts in its place'
            when lines.rule = 'repeated_line' then 'Line equal in every field to one that was kept'
            else dispositions.description
        end as reason,
        lines.signed_amount,
        {{ without_contacts('told.amount_text') }} as amount_text,
        coalesce(lines.customer_id, staged.customer_id) as customer_id,
        case when not coalesce(customers.has_kept_lines, false) then coalesce(lines.customer_id, staged.customer_id) end
            as lost_customer_id,
        staged.file_name,
        staged.row_number
    from lines_set_aside as lines
    inner join staged on lines.delivered_line_id = staged.delivered_line_id
    left join told on lines.delivered_line_id = told.delivered_line_id
    left join dispositions on lines.disposition = dispositions.disposition
    left join customers on lines.customer_id = customers.customer_id

),

final as (

    select
        set_aside.disposition,
        set_aside.rule,
        set_aside.reason,
        count(*) as line_count,
        cast(sum(coalesce(set_aside.signed_amount, 0)) as {{ money_sum_type() }}) as amount,
        count(case when set_aside.signed_amount is null then 1 end) as lines_without_amount,
        min(case when set_aside.signed_amount is null then {{ shortened('set_aside.amount_text', 60) }} end)
            as example_amount_text,
        count(distinct set_aside.customer_id) as customer_count,
        count(distinct set_aside.lost_customer_id) as lost_customer_count,
        count(distinct set_aside.file_name) as file_count,
        min(set_aside.file_name) as example_file_name,
        {{ value_at_least('set_aside.row_number', 'set_aside.file_name', 'set_aside.row_number') }}
            as example_row_number,
        100 * cast(count(*) as double) / max(totals.line_count) as line_pct,
        case
            when max(totals.amount) > 0
                then 100 * cast(sum(abs(coalesce(set_aside.signed_amount, 0))) as double)
                    / cast(max(totals.amount) as double)
        end as amount_pct,
        case
            when max(totals.customer_count) > 0
                then 100 * cast(count(distinct set_aside.lost_customer_id) as double) / max(totals.customer_count)
        end as lost_customer_pct
    from set_aside
    cross join totals
    group by set_aside.disposition, set_aside.rule, set_aside.reason

)

select * from final
