-- Grain: one row per delivered override of a customer's segment; a customer can be on many.
with

source as (

    select * from {{ source('raw', 'segment_overrides') }}

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
        told.id_text as delivered_id_text,
        {{ without_contacts(missing_to_null('segment')) }} as segment_name,
        {{ without_contacts(missing_to_null('reason')) }} as reason,
        {{ without_contacts(missing_to_null('author')) }} as author,

        -- times
        cast(expires_at as date) as expires_on,
        {{ missing_to_null('expires_on') }} as expires_on_text,

        -- what the reader said
        _problem as reader_problem,
        {{ without_contacts_in_line('_line_text') }} as line_text
    from told
    {%- if setting('customer_ids') == 'pseudonyms' %}
    left join known_ids on {{ identifier('told.id_text') }} = known_ids.id_key
    cross join pseudonym_key
    {%- endif %}

),

explained as (

    select
        *,
        coalesce(
            reader_problem,
            nullif(
                concat_ws(
                    '; ',
                    case when customer_id is null then 'customer is missing' end,
                    case when segment_name is null then 'segment is missing' end,
                    case when reason is null then 'reason is missing' end,
                    case when author is null then 'author is missing' end,
                    case
                        when expires_on is not null then null
                        when expires_on_text is null then 'expiry is missing: every override has a last day'
                        else 'expiry "' || {{ shortened('expires_on_text', 60) }} || '" cannot be read as a date'
                    end
                ),
                ''
            )
        ) as problem
    from typed

),

final as (

    select
        -- lineage
        delivered_line_id,
        load_id,
        file_name,
        sheet,
        row_number,

        -- keys
        customer_id,

        -- attributes: as delivered, unless that is personal
        case
            when customer_id = {{ identifier('delivered_id_text') }} then delivered_id_text
            else customer_id
        end as customer_spelling,
        segment_name,
        reason,
        author,

        -- times
        expires_on,

        -- flags and reasons
        problem is null as is_readable,
        {{ without_contacts('problem') }} as problem,
        line_text
    from explained

)

select * from final
