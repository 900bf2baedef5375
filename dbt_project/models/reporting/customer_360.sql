-- Grain: one identified customer. Figures of purchases are null for a customer with
-- returns only.
with

customers as (

    select * from {{ ref('dim_customers') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

clusters as (

    select * from {{ source('ml', 'customer_segments') }}

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
        customers.age_years,
        customers.gender,
        customers.location,
        rfm.recency_days,
        rfm.frequency,
        rfm.monetary,
        rfm.monetary_gross,
        rfm.monetary_net,
        rfm.r_score,
        rfm.f_score,
        rfm.m_score,
        rfm.rfm_score,
        rfm.rfm_segment,
        cast(clusters.kmeans_label as integer) as kmeans_label,
        cast(clusters.cluster_id as integer) as cluster_id,
        clusters.segment_name,
        cast(clusters.distance as double) as cluster_distance,
        clusters.is_outlier_excluded
    from customers
    left join rfm on customers.customer_id = rfm.customer_id
    left join clusters on customers.customer_id = clusters.customer_id

)

select * from final
