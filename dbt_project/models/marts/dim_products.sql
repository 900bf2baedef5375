-- Grain: one stock code on a readable line, products and non-products alike.
with

products as (

    select * from {{ ref('int_product_descriptions') }}

),

-- a code that is a product at one source is one
stock_codes as (

    select
        stock_code,
        max(case when is_product then 1 else 0 end) = 1 as is_product,
        case when max(case when is_product then 1 else 0 end) = 0 then min(non_product_category) end
            as non_product_category
    from {{ ref('int_stock_codes') }}
    group by stock_code

),

final as (

    select
        products.stock_code,
        products.description,
        stock_codes.is_product,
        stock_codes.non_product_category,
        coalesce(categories.category, {{ uncategorised() }}) as category,
        products.first_sold_date,
        products.last_sold_date
    from products
    inner join stock_codes on products.stock_code = stock_codes.stock_code
    left join {{ ref('int_product_categories') }} as categories
        on products.stock_code = categories.stock_code and stock_codes.is_product

)

select * from final
