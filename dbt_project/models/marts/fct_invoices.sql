-- Grain: one row per invoice number with a kept line.
{%- set touched -%}
    with

    changed as (
        select invoice_no from increments.fct_invoice_lines
    ),

    -- a customer's orders are numbered, so all of them are touched
    customers as (
        select customer_id from increments.fct_invoice_lines
        union all
        select lines.customer_id
        from marts.fct_invoice_lines as lines
        where lines.invoice_no in (select changed.invoice_no from changed)
        union all
        select invoices.customer_id
        from marts.fct_invoices as invoices
        where invoices.invoice_no in (select changed.invoice_no from changed)
    )

    select invoice_no from changed
    union all
    select invoices.invoice_no
    from marts.fct_invoices as invoices
    where invoices.customer_id in (select customers.customer_id from customers)
{%- endset -%}
{{ config(meta={'increment': {
    'by': 'invoice_no',
    'touched': touched,
    'reads': {'marts.fct_invoice_lines': 'invoice_no'},
}}) }}
with

lines as (

    select * from {{ ref('fct_invoice_lines') }}

),

invoices as (

    select
        invoice_no,
        -- an invoice is one customer's and one country's; should a shop break that, the
        -- first in order stands for it, so that the result never depends on row order
        min(customer_id) as customer_id,
        min(country) as country,
        min(invoiced_at) as invoiced_at,
        min(invoice_date) as invoice_date,
        min(case when line_type = 'sale' then 0 else 1 end) = 1 as is_return,
        min(case when line_type = 'sale' then 0 else 1 end) = 0 and min(customer_id) is not null as is_customer_order,
        count(*) as line_count,
        cast(sum(quantity_units) as {{ units_sum_type() }}) as quantity_units,
        {{ measured('gross_revenue', 'lines') }} as gross_revenue,
        {{ measured('returned_revenue', 'lines') }} as returned_revenue,
        {{ measured('unmatched_return_revenue', 'lines') }} as unmatched_return_revenue,
        {{ measured('total_return_revenue', 'lines') }} as total_return_revenue,
        {{ measured('net_revenue', 'lines') }} as net_revenue,
        {{ measured('booked_return_revenue', 'lines') }} as booked_return_revenue,
        {{ measured('net_revenue_as_booked', 'lines') }} as net_revenue_as_booked
    from lines
    group by invoice_no

),

final as (

    select
        invoice_no,
        customer_id,
        country,
        invoiced_at,
        invoice_date,
        {{ month_start('invoice_date') }} as month_start,
        is_return,
        case when is_customer_order then row_number() over customer_orders end as order_number,
        case
            when is_customer_order
                then cast({{ date_diff_days('lag(invoice_date) over customer_orders', 'invoice_date') }} as integer)
        end as days_since_previous_order,
        line_count,
        quantity_units,
        gross_revenue,
        returned_revenue,
        unmatched_return_revenue,
        total_return_revenue,
        net_revenue,
        booked_return_revenue,
        net_revenue_as_booked
    from invoices
    window customer_orders as (
        partition by customer_id, is_customer_order order by invoiced_at, invoice_no
    )

)

select * from final
