{{ config(meta={'dagster': {'ref': {'name': 'fct_return_matches'}}}) }}
-- No sale is reversed for more units than it sold, no return reverses more than it
-- brought back, both lines exist, and both are of one customer, product (but for a mistyped
-- code) and price, the sale first.
with

matches as (

    select * from {{ ref('fct_return_matches') }}

),

lines as (

    select * from {{ ref('fct_invoice_lines') }}

),

pairs as (

    select
        matches.return_line_id,
        matches.sale_line_id,
        matches.matched_units,
        coalesce(
            sales.line_type = 'sale'
            and returns.line_type = 'return'
            and sales.customer_id = returns.customer_id
            and sales.stock_code = matches.stock_code
            and (returns.stock_code = matches.stock_code) = (matches.matched_by = 'stock_code')
            and sales.unit_price = returns.unit_price
            and sales.invoiced_at <= returns.invoiced_at, false
        ) as is_sound,
        sales.quantity_units as sold_units,
        -returns.quantity_units as returned_units
    from matches
    left join lines as sales on matches.sale_line_id = sales.line_id
    left join lines as returns on matches.return_line_id = returns.line_id

),

judged as (

    select
        *,
        sum(matched_units) over (partition by sale_line_id) as reversed_units,
        sum(matched_units) over (partition by return_line_id) as placed_units
    from pairs

)

select * from judged
where not is_sound or reversed_units > sold_units or placed_units > returned_units
