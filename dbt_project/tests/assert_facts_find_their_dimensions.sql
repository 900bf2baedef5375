{{ config(meta={'dagster': {'ref': {'name': 'fct_invoice_lines'}}}) }}
-- Every code, customer and day on a fact line has a row in its dimension, and every
-- identified customer with a sale has scores.
with

lines as (

    select * from {{ ref('fct_invoice_lines') }}

),

orphans as (

    select
        'stock_code' as column_name,
        stock_code as orphan
    from (select distinct stock_code from lines) as used
    where stock_code not in (select products.stock_code from {{ ref('dim_products') }} as products)

    union all

    select
        'customer_id' as column_name,
        customer_id as orphan
    from (select distinct customer_id from lines where customer_id is not null) as used
    where customer_id not in (select customers.customer_id from {{ ref('dim_customers') }} as customers)

    union all

    select
        'invoice_date' as column_name,
        cast(invoice_date as {{ dbt.type_string() }}) as orphan
    from (select distinct invoice_date from lines) as used
    where invoice_date not in (select days.date from {{ ref('dim_dates') }} as days)

    union all

    select
        'customer_rfm' as column_name,
        customer_id as orphan
    from {{ ref('dim_customers') }}
    where
        has_purchases <> (customer_id in (select scores.customer_id from {{ ref('customer_rfm') }} as scores))

)

select * from orphans
