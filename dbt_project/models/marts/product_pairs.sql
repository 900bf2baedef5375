-- Grain: one pair of products bought together, the first by stock code first. Each of its
-- figures is over the same invoices; nothing must be summed over pairs.
with

-- what came back in full was not bought in the end
bought as (

    select distinct
        lines.invoice_no,
        lines.stock_code
    from {{ ref('fct_invoice_lines') }} as lines
    inner join {{ ref('dim_products') }} as products on lines.stock_code = products.stock_code
    where
        lines.line_type = 'sale'
        and (lines.returned_quantity < lines.quantity_units or lines.quantity_units = 0)
        and products.is_product

),

baskets as (

    select
        invoice_no,
        row_number() over (order by invoice_no) as basket_number
    from bought
    group by invoice_no

),

basket_count as (

    select count(*) as invoice_count from baskets

),

products as (

    select
        stock_code,
        count(*) as invoices,
        row_number() over (order by stock_code) as product_number
    from bought
    group by stock_code

),

-- A pair is on no more invoices than either product (Agrawal and Srikant, VLDB 1994), so that nothing is lost here.
-- With m products on an invoice on average, at most 100 m / min_support_pct products are left, whatever the range, and
-- no invoice, however long, has more pairs than these.
frequent_products as (

    select products.*
    from products
    cross join basket_count
    where {{ is_frequent('products.invoices', 'basket_count.invoice_count') }}

),

-- numbers for codes: the join below compares each invoice with itself
contents as (

    select
        baskets.basket_number,
        frequent_products.product_number
    from bought
    inner join baskets on bought.invoice_no = baskets.invoice_no
    inner join frequent_products on bought.stock_code = frequent_products.stock_code

),

pairs as (

    select
        one.product_number as product_number_a,
        other.product_number as product_number_b,
        count(*) as invoices_together
    from contents as one
    inner join contents as other
        on one.basket_number = other.basket_number and one.product_number < other.product_number
    group by one.product_number, other.product_number

),

final as (

    select
        a.stock_code as stock_code_a,
        b.stock_code as stock_code_b,
        pairs.invoices_together,
        a.invoices as invoices_a,
        b.invoices as invoices_b,
        basket_count.invoice_count,
        100 * cast(pairs.invoices_together as double) / basket_count.invoice_count as support_pct,
        100 * cast(pairs.invoices_together as double) / a.invoices as confidence_a_to_b_pct,
        100 * cast(pairs.invoices_together as double) / b.invoices as confidence_b_to_a_pct,
        -- how many times as often as if the two had nothing to do with each other
        cast(pairs.invoices_together as double) * basket_count.invoice_count
        / (cast(a.invoices as double) * b.invoices) as lift
    from pairs
    inner join frequent_products as a on pairs.product_number_a = a.product_number
    inner join frequent_products as b on pairs.product_number_b = b.product_number
    cross join basket_count
    where {{ is_frequent('pairs.invoices_together', 'basket_count.invoice_count') }}

)

select * from final
