-- Grain: one kept sale or return line. net_revenue adds up to the signed amount of all
-- kept lines; gross_revenue and return_amount must not be netted against each other
-- once more.
-- line_id is unique (tested), not a primary key: an index on every line costs memory
-- in proportion to the history.
{%- set touched -%}
    select line_id from increments.int_line_dispositions where is_kept
    union all
    select sale_line_id as line_id from increments.int_return_matches
    union all
    select return_line_id as line_id from increments.int_return_matches
{%- endset -%}
{{ config(meta={'increment': {
    'by': 'line_id',
    'touched': touched,
    'reads': {'intermediate.int_line_dispositions': 'line_id'},
}}) }}
with

kept as (

    select * from {{ ref('int_line_dispositions') }} where is_kept

),

matches as (

    select * from {{ ref('int_return_matches') }}

),

returned_of_sales as (

    select
        sale_line_id,
        sum(matched_units) as returned_quantity,
        sum(matched_amount) as returned_revenue
    from matches
    group by sale_line_id

),

ranked_matches as (

    select
        return_line_id,
        sale_line_id,
        matched_units,
        matched_amount,
        row_number() over (
            partition by return_line_id order by matched_units desc, sold_at desc, sale_line_id asc
        ) as preference
    from matches

),

matched_of_returns as (

    select
        return_line_id,
        sum(matched_units) as matched_quantity,
        sum(matched_amount) as matched_amount,
        max(case when preference = 1 then sale_line_id end) as reversed_line_id
    from ranked_matches
    group by return_line_id

),

final as (

    select
        -- keys
        kept.line_id,
        kept.invoice_no,
        kept.stock_code,
        kept.customer_id,

        -- attributes
        kept.disposition as line_type,
        kept.country,

        -- times
        kept.invoiced_at,
        kept.invoice_date,

        -- measures
        kept.quantity_units,
        kept.unit_price,
        cast(case when kept.disposition = 'sale' then kept.signed_amount else 0 end as {{ money_type() }})
            as gross_revenue,
        cast(coalesce(returned_of_sales.returned_quantity, 0) as {{ units_type() }}) as returned_quantity,
        cast(coalesce(returned_of_sales.returned_revenue, 0) as {{ money_type() }}) as returned_revenue,
        cast(case when kept.disposition = 'return' then kept.signed_amount else 0 end as {{ money_type() }})
            as return_amount,
        cast(coalesce(matched_of_returns.matched_quantity, 0) as {{ units_type() }}) as matched_quantity,
        matched_of_returns.reversed_line_id,
        case
            when kept.disposition = 'return'
                then coalesce(matched_of_returns.matched_quantity, 0) = -kept.quantity_units
        end as is_matched,
        cast(
            kept.signed_amount
            - coalesce(returned_of_sales.returned_revenue, 0)
            + coalesce(matched_of_returns.matched_amount, 0) as {{ money_type() }}
        ) as net_revenue
    from kept
    left join returned_of_sales on kept.line_id = returned_of_sales.sale_line_id
    left join matched_of_returns on kept.line_id = matched_of_returns.return_line_id

)

select * from final
