-- Grain: one kept return line, with the purchases that it takes back, if any were found.
with

returns as (

    select * from {{ ref('fct_invoice_lines') }} where line_type = 'return'

),

matches as (

    select * from {{ ref('fct_return_matches') }}

),

-- each order once, however many of its lines were taken back
reversed_orders as (

    select
        matches.return_line_id,
        sales.invoice_no,
        min(matches.sold_at) as sold_at,
        sum(matches.matched_amount) as matched_amount,
        min(matches.matched_by) as matched_by
    from matches
    inner join {{ ref('fct_invoice_lines') }} as sales on matches.sale_line_id = sales.line_id
    group by matches.return_line_id, sales.invoice_no

),

reversed as (

    select
        return_line_id,
        {{ dbt.listagg('invoice_no', "', '", 'order by invoice_no') }} as reversed_invoices,
        min(sold_at) as sold_at,
        sum(matched_amount) as matched_amount,
        min(matched_by) as matched_by
    from reversed_orders
    group by return_line_id

),

final as (

    select
        returns.line_id,
        returns.invoice_no,
        returns.customer_id,
        returns.stock_code,
        returns.country,
        returns.invoiced_at,
        returns.invoice_date,
        cast(-returns.quantity_units as {{ units_type() }}) as returned_units,
        returns.unit_price,
        cast(-returns.return_amount as {{ money_type() }}) as return_amount,
        cast(coalesce(reversed.matched_amount, 0) as {{ money_type() }}) as matched_amount,
        cast(-returns.return_amount - coalesce(reversed.matched_amount, 0) as {{ money_type() }}) as unmatched_amount,
        returns.is_matched as is_matched_in_full,
        reversed.matched_by,
        reversed.reversed_invoices,
        reversed.sold_at,
        cast({{ date_diff_days('reversed.sold_at', 'returns.invoice_date') }} as integer) as days_after_purchase
    from returns
    left join reversed on returns.line_id = reversed.return_line_id

)

select * from final
