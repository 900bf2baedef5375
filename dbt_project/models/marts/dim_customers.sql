-- Grain: one identified customer on a readable line, also one with returns only.
with

lines as (

    select * from {{ ref('int_line_dispositions') }}
    where disposition not in ('unreadable', 'after_as_of') and customer_id is not null

),

by_country as (

    select
        customer_id,
        country,
        sum(case when disposition = 'sale' then signed_amount else 0 end) as gross_revenue,
        count(*) as line_count,
        count(case when disposition = 'sale' then 1 end) as sale_line_count,
        min(case when disposition = 'sale' then invoiced_at end) as first_purchase_at,
        max(case when disposition = 'sale' then invoiced_at end) as last_purchase_at
    from lines
    group by customer_id, country

),

ranked_countries as (

    select
        *,
        row_number() over (
            partition by customer_id
            -- a country that is known outbids one that is not, whatever was bought there
            order by
                case when country = 'Unspecified' then 1 else 0 end asc,
                gross_revenue desc,
                line_count desc,
                country asc
        ) as preference
    from by_country

),

customers as (

    select
        customer_id,
        max(case when preference = 1 then country end) as country,
        sum(sale_line_count) > 0 as has_purchases,
        min(first_purchase_at) as first_purchase_at,
        max(last_purchase_at) as last_purchase_at
    from ranked_countries
    group by customer_id

),

-- several deliveries may tell of a customer: the last file by name counts, in it the last row
ranked_details as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by file_name desc, coalesce(sheet, '') desc, row_number desc, delivered_line_id desc
        ) as preference
    from {{ ref('stg_customers') }}
    where is_readable

),

country_codes as (

    select
        country,
        max(iso_alpha2) as iso_alpha2,
        max(iso_alpha3) as iso_alpha3
    from {{ ref('countries') }}
    group by country

),

final as (

    select
        customers.customer_id,
        customers.country,
        country_codes.iso_alpha2 as country_iso_alpha2,
        country_codes.iso_alpha3 as country_iso_alpha3,
        customers.country = {{ home_country() }} as is_home_country,
        customers.has_purchases,
        customers.first_purchase_at,
        customers.last_purchase_at,
        ranked_details.age_years,
        ranked_details.gender,
        ranked_details.location
    from customers
    left join ranked_details
        on lower(customers.customer_id) = ranked_details.customer_id and ranked_details.preference = 1
    left join country_codes on customers.country = country_codes.country

)

select * from final
