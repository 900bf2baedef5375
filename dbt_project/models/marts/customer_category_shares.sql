-- Grain: one identified customer and category of products bought. Money adds up to the
-- customer's in customer_rfm. Shares are of what the customer kept: by what was ordered,
-- one cancelled order of a wholesaler decides what a whole segment seems to like.
with

products as (

    select
        stock_code,
        category
    from {{ ref('dim_products') }}

),

-- customers with returns only bought of no category
customers as (

    select customer_id from {{ ref('customer_rfm') }}

),

spent as (

    select
        lines.customer_id,
        products.category,
        sum(lines.gross_revenue) as gross_revenue,
        sum(lines.net_revenue) as net_revenue
    from {{ ref('fct_invoice_lines') }} as lines
    inner join products on lines.stock_code = products.stock_code
    inner join customers on lines.customer_id = customers.customer_id
    group by lines.customer_id, products.category

),

compared as (

    select
        *,
        -- more may come back of a category than was seen bought; nobody keeps less than nothing
        greatest(net_revenue, 0) as kept_revenue,
        sum(greatest(net_revenue, 0)) over (partition by customer_id) as customer_kept_revenue,
        row_number() over (
            partition by customer_id order by net_revenue desc, gross_revenue desc, category asc
        ) as preference
    from spent

),

final as (

    select
        customer_id,
        category,
        cast(gross_revenue as {{ money_sum_type() }}) as gross_revenue,
        cast(net_revenue as {{ money_sum_type() }}) as net_revenue,
        cast(kept_revenue as {{ money_sum_type() }}) as kept_revenue,
        case
            when customer_kept_revenue > 0
                then 100 * cast(kept_revenue as double) / cast(customer_kept_revenue as double)
        end as share_pct,
        preference = 1 as is_top_category
    from compared

)

select * from final
