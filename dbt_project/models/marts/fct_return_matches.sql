-- Grain: one row per return line and sale line that it reverses, wholly or in part.
with

matches as (

    select * from {{ ref('int_return_matches') }}

),

final as (

    select
        return_line_id,
        sale_line_id,
        customer_id,
        stock_code,
        unit_price,
        matched_units,
        matched_amount,
        sold_at,
        returned_at,
        is_exact_quantity,
        matched_by
    from matches

)

select * from final
