-- Grain: one invoice, customer, country, day and kind of line, its kept lines added up. An invoice is of
-- one each, unless a shop breaks that. Whoever adds lines up by any of these reads this, a twentieth of
-- the rows. Sums are those of the lines in fct_invoice_lines; all measures may be summed.
{%- set touched -%}
    select invoice_no from increments.int_line_dispositions where is_kept
    union all
    select lines.invoice_no
    from intermediate.int_line_dispositions as lines
    where
        lines.line_id in (select matches.sale_line_id from increments.int_return_matches as matches)
        or lines.line_id in (select matches.return_line_id from increments.int_return_matches as matches)
{%- endset -%}
{{ config(meta={'increment': {
    'by': 'invoice_no',
    'touched': touched,
    'reads': {'intermediate.int_line_dispositions': 'invoice_no'},
}}) }}
with

kept as (

    select * from {{ ref('int_line_dispositions') }} where is_kept

),

-- asked for anew and not from `kept`: an engine that keeps what is read twice would keep every line
sales as (

    select * from {{ ref('int_line_dispositions') }} where disposition = 'sale'

),

returns as (

    select * from {{ ref('int_line_dispositions') }} where disposition = 'return'

),

matches as (

    select * from {{ ref('int_return_matches') }}

),

booked as (

    select
        invoice_no,
        customer_id,
        country,
        invoice_date,
        disposition as line_type,
        min(invoiced_at) as first_line_at,
        max(invoiced_at) as last_line_at,
        count(*) as line_count,
        sum(quantity_units) as quantity_units,
        sum(case when disposition = 'sale' then signed_amount else 0 end) as gross_revenue,
        sum(case when disposition = 'return' then signed_amount else 0 end) as return_amount,
        0 as returned_revenue,
        0 as matched_amount
    from kept
    group by invoice_no, customer_id, country, invoice_date, disposition

),

-- what of a sale came back, then or later
taken_back as (

    select
        sales.invoice_no,
        sales.customer_id,
        sales.country,
        sales.invoice_date,
        sales.disposition as line_type,
        cast(null as timestamp) as first_line_at,
        cast(null as timestamp) as last_line_at,
        0 as line_count,
        0 as quantity_units,
        0 as gross_revenue,
        0 as return_amount,
        matches.matched_amount as returned_revenue,
        0 as matched_amount
    from matches
    inner join sales on matches.sale_line_id = sales.line_id

),

-- what of a return was taken off the sale that it reverses
taken_off as (

    select
        returns.invoice_no,
        returns.customer_id,
        returns.country,
        returns.invoice_date,
        returns.disposition as line_type,
        cast(null as timestamp) as first_line_at,
        cast(null as timestamp) as last_line_at,
        0 as line_count,
        0 as quantity_units,
        0 as gross_revenue,
        0 as return_amount,
        0 as returned_revenue,
        matches.matched_amount
    from matches
    inner join returns on matches.return_line_id = returns.line_id

),

movements as (

    select * from booked
    union all
    select * from taken_back
    union all
    select * from taken_off

),

final as (

    select
        -- keys
        invoice_no,
        customer_id,
        country,
        invoice_date,
        line_type,

        -- times
        min(first_line_at) as first_line_at,
        max(last_line_at) as last_line_at,

        -- measures
        cast(sum(line_count) as bigint) as line_count,
        cast(sum(quantity_units) as {{ units_sum_type() }}) as quantity_units,
        cast(sum(gross_revenue) as {{ money_sum_type() }}) as gross_revenue,
        cast(sum(returned_revenue) as {{ money_sum_type() }}) as returned_revenue,
        cast(sum(return_amount) as {{ money_sum_type() }}) as return_amount,
        cast(
            sum(gross_revenue) + sum(return_amount) - sum(returned_revenue) + sum(matched_amount)
            as {{ money_sum_type() }}
        ) as net_revenue
    from movements
    group by invoice_no, customer_id, country, invoice_date, line_type

)

select * from final
