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
        cast(sum(gross_revenue) as {{ money_sum_type() }}) as gross_revenue,
        cast(sum(returned_revenue) as {{ money_sum_type() }}) as returned_revenue,
        cast(-sum(case when line_type = 'return' then net_revenue else 0 end) as {{ money_sum_type() }})
            as unmatched_return_revenue,
        cast(sum(net_revenue) as {{ money_sum_type() }}) as net_revenue,
        cast(-sum(return_amount) as {{ money_sum_type() }}) as booked_return_revenue
    from lines
    group by invoice_no

)

select * from final
