-- Grain: one source, and figure by which its files say what an order comes to: how many orders, as
-- their newest file tells them, add up to it.
with

orders as (

    select * from {{ ref('int_order_totals') }}

),

final as (

    select
        source,
        told_as,
        count(*) as order_count,
        count(case when is_reconciled then 1 end) as reconciled_order_count
    from orders
    group by source, told_as

)

select * from final
