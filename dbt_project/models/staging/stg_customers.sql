-- Grain: one row per delivered line of a customers file; a customer can be on many.
with

source as (

    select * from {{ source('raw', 'customers') }}

),
{%- if setting('customer_ids') == 'pseudonyms' %}

pseudonym_key as (

    select max(key) as secret from {{ source('raw', 'pseudonym_key') }}

),

-- a user name looks like any other id: the sales know which it is
known_ids as (

    select
        id_key,
        max(customer_id) as customer_id
    from {{ ref('stg_customer_ids') }}
    where is_personal
    group by id_key

),
{%- endif %}

told as (

    select
        *,
        {{ missing_to_null('customer_id') }} as id_text
    from source

),

typed as (

    select
        -- lineage
        _line_id as delivered_line_id,
        _load_id as load_id,
        _file_name as file_name,
        _sheet as sheet,
        _row_number as row_number,

        -- keys
        {{ published_customer_id('told.id_text', 'known_ids.customer_id', 'pseudonym_key.secret') }} as customer_id,

        -- attributes
        {{ units('age', "'.'") }} as delivered_age_years,
        {{ missing_to_null('age') }} as age_text,
        {{ without_contacts(missing_to_null('gender')) }} as gender,
        {{ without_contacts(missing_to_null('location')) }} as location,
        _problem as problem
    from told
    {%- if setting('customer_ids') == 'pseudonyms' %}
    left join known_ids on {{ identifier('told.id_text') }} = known_ids.id_key
    cross join pseudonym_key
    {%- endif %}

),

judged as (

    select
        *,
        coalesce(
            delivered_age_years between 0 and 150 and delivered_age_years = floor(delivered_age_years), false
        ) as is_age
    from typed

),

final as (

    select
        delivered_line_id,
        load_id,
        file_name,
        sheet,
        row_number,
        customer_id,
        case when is_age then cast(delivered_age_years as integer) end as age_years,
        gender,
        location,
        problem is null and customer_id is not null as is_readable,
        age_text is not null and not is_age as is_age_lost
    from judged

)

select * from final
