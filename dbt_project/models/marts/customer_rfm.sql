-- Grain: one identified customer with at least one sale line. Scores are shares of
-- customers strictly worse, so equal values get equal scores whatever the row order.
with

parts as (

    select * from {{ ref('int_invoice_parts') }} where customer_id is not null

),

snapshot as (

    select * from {{ ref('int_snapshot') }}

),

customers as (

    select
        customer_id,
        min(case when line_type = 'sale' then first_line_at end) as first_purchase_at,
        max(case when line_type = 'sale' then last_line_at end) as last_purchase_at,
        {{ measured('invoices', 'parts') }} as invoice_count,
        {{ measured('sale_line_count', 'parts') }} as line_count,
        count(distinct case when line_type = 'sale' then invoice_date end) as purchase_days,
        min(case when line_type = 'sale' then invoice_date end) as first_purchase_date,
        max(case when line_type = 'sale' then invoice_date end) as last_purchase_date,
        {{ measured('gross_revenue', 'parts') }} as monetary_gross,
        -- what came back is taken back from its customer, whether its purchase was found or not
        {{ measured('net_revenue', 'parts') }} as monetary_net
    from parts
    group by customer_id
    having {{ measured('sale_line_count', 'parts') }} > 0

),

measured as (

    select
        customers.customer_id,
        {{ rfm_recency_days('customers.last_purchase_at', 'snapshot.snapshot_date', 'snapshot.snapshot_at') }}
            as recency_days,
        {{ rfm_frequency('customers.invoice_count', 'customers.line_count') }} as frequency,
        {{ rfm_monetary('customers.monetary_gross', 'customers.monetary_net') }} as monetary,
        customers.monetary_gross,
        customers.monetary_net,
        customers.invoice_count,
        customers.line_count,
        customers.purchase_days,
        {{ date_diff_days('customers.first_purchase_date', 'customers.last_purchase_date') }} as days_between_visits,
        {{ date_diff_days('customers.first_purchase_date', 'snapshot.snapshot_date') }} as days_known,
        customers.first_purchase_at,
        customers.last_purchase_at,
        snapshot.snapshot_date
    from customers
    cross join snapshot

),

shop as (

    select
        {{ shop_gap_days('purchase_days', 'days_between_visits', 'days_known') }} as shop_gap_days,
        max(days_known) as shop_known_days
    from measured

),

r_scores as (

    {{ rfm_recency_scores('measured', 'shop') }}

),

f_scores as (

    {{ rfm_frequency_scores('measured') }}

),

m_scores as (

    {{ rfm_monetary_scores('measured') }}

),

scored as (

    select
        measured.*,
        r_scores.score as r_score,
        f_scores.score as f_score,
        m_scores.score as m_score,
        r_scores.worse_pct as recency_rank_pct,
        f_scores.worse_pct as frequency_rank_pct,
        m_scores.worse_pct as monetary_rank_pct,
        {{ rfm_score('r_scores.score', 'f_scores.score', 'm_scores.score') }} as rfm_score,
        {{ expected_gap_days('measured.purchase_days', 'measured.days_between_visits', 'shop.shop_gap_days') }}
            as expected_gap_days
    from measured
    cross join shop
    inner join r_scores on measured.recency_days = r_scores.recency_days
    inner join f_scores on measured.frequency = f_scores.frequency
    inner join m_scores on measured.monetary = m_scores.monetary

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
        scored.rfm_score,
        {{ rfm_segment('segments.rfm_segment', 'scored.invoice_count') }} as rfm_segment,
        scored.recency_rank_pct,
        scored.frequency_rank_pct,
        scored.monetary_rank_pct,
        scored.invoice_count,
        scored.line_count,
        scored.purchase_days,
        scored.expected_gap_days,
        scored.recency_days / scored.expected_gap_days as silence_ratio,
        {{ is_slipping('scored.purchase_days', 'scored.recency_days / scored.expected_gap_days') }} as is_slipping,
        {{ customer_type('scored.invoice_count') }} as customer_type,
        {{ quotient_as_money('scored.monetary_net / scored.invoice_count') }} as order_value,
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
