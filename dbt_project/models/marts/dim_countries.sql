-- Grain: one country on a kept line, places that are no country too.
with

countries as (

    select distinct country from {{ ref('fct_invoice_lines') }}

),

codes as (

    select
        country,
        max(iso_alpha2) as iso_alpha2,
        max(iso_alpha3) as iso_alpha3
    from {{ ref('countries') }}
    group by country

),

final as (

    select
        countries.country,
        codes.iso_alpha2,
        codes.iso_alpha3,
        countries.country = {{ home_country() }} as is_home_country
    from countries
    left join codes on countries.country = codes.country

)

select * from final
