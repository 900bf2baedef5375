-- Grain: one way to write a country: a name or an ISO 3166-1 code, in capitals.
with

countries as (

    select * from {{ ref('countries') }}

),

spellings as (

    select
        {{ capitals('source_name') }} as name_key,
        country,
        1 as preference
    from countries

    union all

    select
        {{ capitals('iso_alpha2') }} as name_key,
        country,
        2 as preference
    from countries
    where iso_alpha2 is not null

    union all

    select
        {{ capitals('iso_alpha3') }} as name_key,
        country,
        3 as preference
    from countries
    where iso_alpha3 is not null

),

ranked as (

    select
        name_key,
        country,
        row_number() over (partition by name_key order by preference, country) as place
    from spellings

),

final as (

    select
        name_key,
        country
    from ranked
    where place = 1

)

select * from final
