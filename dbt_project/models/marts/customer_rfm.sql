-- Grain: one identified customer with at least one sale line. Scores are shares of
-- customers strictly worse, so equal values get equal scores whatever the row order.
with

sales as (

    select * from {{ ref('fct_invoice_lines') }}
    where line_type = 'sale' and customer_id is not null

),

snapshot as (

    select * from {{ ref('int_snapshot') }}

),

customers as (

    select
        customer_id,
        min(invoiced_at) as first_purchase_at,
        max(invoiced_at) as last_purchase_at,
        count(distinct invoice_no) as invoice_count,
        count(*) as line_count,
        cast(sum(gross_revenue) as {{ money_sum_type() }}) as monetary_gross,
        cast(sum(net_revenue) as {{ money_sum_type() }}) as monetary_net
    from sales
    group by customer_id

),

measured as (

    select
        customers.customer_id,
        cast(
            {%- if setting('rfm_recency') == 'calendar' %}
            {{ date_diff_days('customers.last_purchase_at', 'snapshot.snapshot_date') }}
            {%- else %}
            {{ elapsed_days('customers.last_purchase_at', 'snapshot.snapshot_at') }}
            {%- endif %} as integer
        ) as recency_days,
        cast(
            {%- if setting('rfm_frequency') == 'invoices' %}
            customers.invoice_count
            {%- else %}
            customers.line_count
            {%- endif %} as integer
        ) as frequency,
        {%- if setting('rfm_monetary') == 'net' %}
        customers.monetary_net as monetary,
        {%- else %}
        customers.monetary_gross as monetary,
        {%- endif %}
        customers.monetary_gross,
        customers.monetary_net,
        customers.invoice_count,
        customers.line_count,
        customers.first_purchase_at,
        customers.last_purchase_at,
        snapshot.snapshot_date
    from customers
    cross join snapshot

),

compared as (

    select
        *,
        rank() over (order by recency_days desc) - 1 as less_recent_customers,
        rank() over (order by frequency) - 1 as less_frequent_customers,
        rank() over (order by monetary) - 1 as less_spending_customers,
        count(*) over () as customer_count
    from measured

),

scored as (

    select
        *,
        1 + cast(floor(cast(5 * less_recent_customers as double) / customer_count) as integer) as r_score,
        1 + cast(floor(cast(5 * less_frequent_customers as double) / customer_count) as integer) as f_score,
        1 + cast(floor(cast(5 * less_spending_customers as double) / customer_count) as integer) as m_score
    from compared

),

final as (

    select
        scored.customer_id,
        scored.recency_days,
        scored.frequency,
        scored.monetary,
        scored.monetary_gross,
        scored.monetary_net,
        scored.r_score,
        scored.f_score,
        scored.m_score,
        cast(scored.r_score as {{ dbt.type_string() }})
        || cast(scored.f_score as {{ dbt.type_string() }})
        || cast(scored.m_score as {{ dbt.type_string() }}) as rfm_score,
        segments.rfm_segment,
        scored.invoice_count,
        scored.line_count,
        scored.first_purchase_at,
        scored.last_purchase_at,
        scored.snapshot_date
    from scored
    left join {{ ref('rfm_segments') }} as segments
        on scored.r_score = segments.r_score
            and scored.f_score = segments.f_score
            and scored.m_score = segments.m_score

)

select * from final
