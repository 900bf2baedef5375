-- Grain: one share of customers, those who spend most. A wider share holds the narrower
-- ones, so nothing must be summed.
{%- set shares = [1, 5, 10, 20, 50, 100] %}
with

ranked as (

    select
        monetary_net,
        row_number() over (order by monetary_net desc, customer_id asc) as spending_rank,
        count(*) over () as customer_count,
        sum(monetary_net) over () as total_net_revenue
    from {{ ref('customer_rfm') }}

),

shares as (

    {% for share in shares -%}
    select {{ share }} as top_pct
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (

    select
        shares.top_pct,
        count(*) as customers,
        cast(sum(ranked.monetary_net) as {{ money_sum_type() }}) as net_revenue,
        min(ranked.monetary_net) as lowest_net_revenue,
        case
            when max(ranked.total_net_revenue) > 0
                then 100 * cast(sum(ranked.monetary_net) as double) / cast(max(ranked.total_net_revenue) as double)
        end as share_pct
    from shares
    inner join ranked
        on ranked.spending_rank <= ceil(cast(ranked.customer_count * shares.top_pct as double) / 100)
    group by shares.top_pct

)

select * from final
