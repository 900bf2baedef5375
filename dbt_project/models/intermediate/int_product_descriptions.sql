-- Grain: one stock code on a readable line, products and non-products alike: what the shop
-- calls it and when it was sold.
with

lines as (

    select * from {{ ref('int_line_dispositions') }} where disposition not in ('unreadable', 'after_as_of')

),

by_description as (

    select
        stock_code,
        description,
        count(*) as line_count,
        count(case when disposition = 'sale' then 1 end) as sale_line_count,
        min(case when disposition = 'sale' then invoice_date end) as first_sold_date,
        max(case when disposition = 'sale' then invoice_date end) as last_sold_date
    from lines
    group by stock_code, description

),

-- what stands on sale lines counts first: other lines say "damaged" or "found again"
ranked_descriptions as (

    select
        *,
        row_number() over (
            partition by stock_code
            order by
                case when description is null then 1 else 0 end asc,
                sale_line_count desc,
                line_count desc,
                description asc
        ) as preference
    from by_description

),

final as (

    select
        stock_code,
        max(case when preference = 1 then description end) as description,
        min(first_sold_date) as first_sold_date,
        max(last_sold_date) as last_sold_date
    from ranked_descriptions
    group by stock_code

)

select * from final
