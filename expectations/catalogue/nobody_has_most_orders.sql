{# A customer with so many orders that it must be the one that a till writes where nobody is named. #}
select
    first.customer_id,
    first.invoice_count as orders,
    'customer ' || first.customer_id || ' has ' || {{ number("first.invoice_count") }} || ' of '
    || {{ counted("all_orders", "order") }} || ' (' || {{ percent("first.invoice_count / all_orders") }}
    || ') with ' || {{ amount("first.monetary_net") }} || ', the next customer '
    || {{ number("next_orders") }} as told
from (
    select
        customer_id,
        invoice_count,
        monetary_net,
        row_number() over (order by invoice_count desc, customer_id asc) as place,
        coalesce(lead(invoice_count) over (order by invoice_count desc, customer_id asc), 0) as next_orders,
        sum(invoice_count) over () as all_orders
    from this_table
) as first
where place = 1
    and invoice_count >= {{ default_customer_orders }}
    and invoice_count > {{ default_customer_share }} * all_orders
    and invoice_count > {{ default_customer_times }} * next_orders
