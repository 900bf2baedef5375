-- Grain: one identified customer. Figures of purchases are null for a customer with
-- returns only.
with

customers as (

    select * from {{ ref('dim_customers') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

limits as (

    select * from {{ ref('slipping_limits') }}

),

rfm_by_month as (

    select
        customer_id,
        month_end,
        rfm_segment
    from {{ ref('customer_rfm_monthly') }}

),

category_shares as (

    select * from {{ ref('customer_category_shares') }}

),

clusters as (

    select * from {{ source('ml', 'customer_segments') }}

),

customer_values as (

    select * from {{ source('ml', 'customer_clv') }}

),

dealings as (

    select
        customer_id,
        count(case when is_return then 1 end) as return_count,
        {{ measured('returned_revenue', 'invoices') }} as returned_revenue,
        {{ measured('unmatched_return_revenue', 'invoices') }} as unmatched_return_revenue,
        {{ measured('total_return_revenue', 'invoices') }} as total_return_revenue
    from {{ ref('fct_invoices') }}
    where customer_id is not null
    group by customer_id

),

overrides as (

    select * from {{ ref('segment_overrides') }} where status = 'active'

),

last_month_end as (

    select max(month_end) as month_end from rfm_by_month

),

last_month as (

    select
        rfm_by_month.customer_id,
        rfm_by_month.rfm_segment
    from rfm_by_month
    inner join last_month_end on rfm_by_month.month_end = last_month_end.month_end

),

top_categories as (

    select
        customer_id,
        category,
        share_pct
    from category_shares
    where is_top_category

),

final as (

    select
        customers.customer_id,
        customers.country,
        customers.country_iso_alpha2,
        customers.is_home_country,
        customers.has_purchases,
        customers.first_purchase_at,
        customers.last_purchase_at,
        {{ month_start('customers.first_purchase_at') }} as cohort_month,
        customers.age_years,
        customers.gender,
        customers.location,
        rfm.customer_type,
        rfm.recency_days,
        rfm.frequency,
        rfm.invoice_count,
        rfm.line_count,
        rfm.purchase_days,
        rfm.monetary,
        rfm.monetary_gross,
        rfm.monetary_net,
        rfm.r_score,
        rfm.f_score,
        rfm.m_score,
        rfm.rfm_score,
        rfm.rfm_segment,
        rfm.recency_rank_pct,
        rfm.frequency_rank_pct,
        rfm.monetary_rank_pct,
        rfm.order_value,
        rfm.expected_gap_days,
        rfm.silence_ratio,
        rfm.is_slipping,
        {{ is_dormant('rfm.is_slipping', 'rfm.silence_ratio', 'limits.dormant_from_ratio') }} as is_dormant,
        case
            when {{ is_dormant('rfm.is_slipping', 'rfm.silence_ratio', 'limits.dormant_from_ratio') }} then 'Dormant'
            when rfm.is_slipping and rfm.m_score = 5 then 'Slipping, best fifth'
            when rfm.is_slipping then 'Slipping, others'
            when not rfm.is_slipping then 'Not slipping'
        end as slipping_segment,
        coalesce(dealings.return_count, 0) as return_count,
        cast(coalesce(dealings.returned_revenue, 0) as {{ money_sum_type() }}) as returned_revenue,
        cast(coalesce(dealings.unmatched_return_revenue, 0) as {{ money_sum_type() }}) as unmatched_return_revenue,
        cast(coalesce(dealings.total_return_revenue, 0) as {{ money_sum_type() }}) as total_return_revenue,
        last_month.rfm_segment as last_month_rfm_segment,
        cast(clusters.kmeans_label as integer) as kmeans_label,
        clusters.kmeans_segment,
        cast(clusters.hierarchical_label as integer) as hierarchical_label,
        clusters.hierarchical_segment,
        cast(clusters.mixture_label as integer) as mixture_label,
        clusters.mixture_segment,
        cast(clusters.mixture_probability as double) as mixture_probability,
        cast(clusters.distance as double) as cluster_distance,
        cast(clusters.stability as double) as stability,
        clusters.has_positive_monetary,
        clusters.is_outlier_excluded,
        coalesce(overrides.segment_name, rfm.rfm_segment) as audience_segment,
        overrides.customer_id is not null as is_overridden,
        overrides.reason as override_reason,
        overrides.author as override_author,
        overrides.expires_on as override_expires_on,
        customer_values.model as clv_model,
        cast(customer_values.horizon_days as integer) as clv_horizon_days,
        cast(customer_values.p_alive as double) as p_alive,
        cast(customer_values.expected_purchases as double) as expected_purchases,
        cast(customer_values.expected_purchases_low as double) as expected_purchases_low,
        cast(customer_values.expected_purchases_high as double) as expected_purchases_high,
        cast(customer_values.expected_purchase_value as double) as expected_purchase_value,
        cast(customer_values.clv as double) as clv,
        cast(customer_values.clv_low as double) as clv_low,
        cast(customer_values.clv_high as double) as clv_high,
        cast(customer_values.interval_pct as double) as clv_interval_pct,
        cast(rfm.monetary_net as double) + customer_values.clv as lifetime_value,
        top_categories.category as top_category,
        top_categories.share_pct as top_category_pct
    from customers
    left join rfm on customers.customer_id = rfm.customer_id
    left join limits on rfm.snapshot_date = limits.snapshot_date
    left join dealings on customers.customer_id = dealings.customer_id
    left join last_month on customers.customer_id = last_month.customer_id
    left join clusters on customers.customer_id = clusters.customer_id
    left join customer_values on customers.customer_id = customer_values.customer_id
    left join overrides on customers.customer_id = overrides.customer_id
    left join top_categories on customers.customer_id = top_categories.customer_id

)

select * from final
