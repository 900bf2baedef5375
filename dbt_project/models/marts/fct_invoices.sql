-- Grain: one row per invoice number with a kept line.
with

lines as (

    select * from {{ ref('fct_invoice_lines') }}

),

final as (

    select
        invoice_no,
        -- an invoice is one customer's and one country's; should a shop break that, the
        -- first in order stands for it, so that the result never depends on row order
        min(customer_id) as customer_id,
        min(country) as country,
        min(invoiced_at) as invoiced_at,
        min(invoice_date) as invoice_date,
        min(case when line_type = 'sale' then 0 else 1 end) = 1 as is_return,
        count(*) as line_count,
        cast(sum(quantity_units) as {{ units_sum_type() }}) as quantity_units,
        {{ measured('gross_revenue', 'lines') }} as gross_revenue,
        {{ measured('returned_revenue', 'lines') }} as returned_revenue,
        {{ measured('unmatched_return_revenue', 'lines') }} as unmatched_return_revenue,
        {{ measured('net_revenue', 'lines') }} as net_revenue,
        {{ measured('booked_return_revenue', 'lines') }} as booked_return_revenue
    from lines
    group by invoice_no

)

select * from final
