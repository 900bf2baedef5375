{# Ids that a spreadsheet shortened: 7.12346E+12 stands for ten thousands of numbers. #}
with shortened as (
    select
        delivered_line_id,
        load_id,
        file_name,
        customer_id_doubt is not distinct from 'shortened' as is_customer,
        is_invoice_no_shortened as is_order,
        is_stock_code_shortened as is_product
    from this_table
    where customer_id_doubt = 'shortened' or is_invoice_no_shortened or is_stock_code_shortened
),
counted as (
    select
        shortened.file_name,
        count(*) filter (where is_customer) as customer_lines,
        min(trim(delivered.customer_id)) filter (where is_customer) as customer,
        count(*) filter (where is_order) as order_lines,
        min(trim(delivered.invoice)) filter (where is_order) as invoice,
        count(*) filter (where is_product) as product_lines,
        min(trim(delivered.stock_code)) filter (where is_product) as product
    from shortened
    inner join (
        select _line_id, customer_id, invoice, stock_code from raw.transactions
        union all
        select delivered_line_id, customer_text, invoice_text, stock_code_text from staging.stg_export_lines
    ) as delivered on shortened.delivered_line_id = delivered._line_id
    group by shortened.load_id, shortened.file_name
)
select
    file_name, customer_lines, order_lines, product_lines,
    file_name || ': ' || concat_ws('; ',
        {% for what, lines, example in (
            ("customer", "customer_lines", "customer"),
            ("order", "order_lines", "invoice"),
            ("product", "product_lines", "product"),
        ) %}
        case when {{ lines }} > 0 then 'the {{ what }} on ' || {{ counted(lines, "line") }}
            || ', e.g. ' || {{ example }} end{{ "," if not loop.last }}
        {% endfor %}
    ) as told
from counted
