-- Grain: one customer id as some line of sales has it, letter for letter. Private: beside the key that
-- everything published carries it holds what was delivered.
{{ config(meta={'increment': {
    'compared': ['delivered_customer_id', 'customer_id', 'customer_spelling', 'doubt'],
}}) }}
with

pseudonym_key as (

    select max(key) as secret from {{ source('raw', 'pseudonym_key') }}

),

words as (

    select word from {{ ref('source_words') }} where meaning = 'nobody'

),

-- Ids are judged once each, not once a line: there are hundreds of lines to a customer.
delivered as (

    select
        customer_id as delivered_customer_id,
        cast(null as boolean) as is_told_personal,
        cast(null as timestamp) as accepted_at,
        cast(null as timestamp) as refused_at
    from {{ source('raw', 'transactions') }}
    where customer_id is not null
    group by customer_id

    union all

    select
        customer_text as delivered_customer_id,
        max(customer_is_personal) as is_told_personal,
        -- an order without a time tells least
        max(case when accepts_marketing then coalesce(invoiced_at, timestamp '1900-01-01 00:00:00') end)
            as accepted_at,
        max(case when not accepts_marketing then coalesce(invoiced_at, timestamp '1900-01-01 00:00:00') end)
            as refused_at
    from {{ ref('stg_export_lines') }}
    where customer_text is not null
    group by customer_text

),

-- the same id may stand in files of several systems
ids as (

    select
        delivered_customer_id,
        {{ stripped('delivered_customer_id') }} as id_text,
        coalesce(max(is_told_personal), false) as is_told_personal,
        max(accepted_at) as accepted_at,
        max(refused_at) as refused_at
    from delivered
    group by delivered_customer_id

),

judged as (

    select
        ids.delivered_customer_id,
        ids.id_text,
        ids.is_told_personal,
        ids.accepted_at,
        ids.refused_at,
        {{ identifier('ids.id_text') }} as id_key,
        {{ customer_key('ids.id_text', 'ids.is_told_personal') }} as customer_key,
        {{ is_contact('ids.id_text') }} as is_contact,
        case
            when ids.id_text is null then null
            when {{ is_shortened_number('ids.id_text') }} then 'shortened'
            when lower(ids.id_text) in ('true', 'false') then 'not_an_id'
            when words.word is not null
                or {{ folded_word('ids.id_text') }} = ''
                or {{ fits_pattern('ids.id_text', "'-?0+([.,]0+)?|-1([.,]0+)?'") }}
                or {{ is_named_nobody(identifier('ids.id_text')) }} then 'placeholder'
        end as doubt
    from ids
    left join words on {{ folded_word('ids.id_text') }} = words.word

),

-- what some spelling or system tells of a customer holds for all of them; nothing in a shop of plain numbers
told as (

    select
        customer_key,
        max(is_told_personal) as is_personal,
        max(accepted_at) as accepted_at,
        max(refused_at) as refused_at
    from judged
    where is_told_personal or accepted_at is not null or refused_at is not null
    group by customer_key

),

customers as (

    select
        judged.*,
        judged.doubt is null
        and judged.id_text is not null
        and (judged.is_contact or coalesce(told.is_personal, false)) as is_personal,
        -- of two answers at one time the one that keeps the peace
        case
            when judged.doubt is not null then null
            when told.accepted_at > coalesce(told.refused_at, timestamp '1800-01-01 00:00:00') then true
            when told.refused_at is not null then false
        end as accepts_marketing
    from judged
    left join told on judged.customer_key = told.customer_key

),

final as (

    select
        customers.delivered_customer_id,
        customers.id_key,
        case
            when customers.doubt is not null then null
            when {{ wants_pseudonyms() }} and customers.is_personal
                then {{ pseudonym('pseudonym_key.secret', 'customers.customer_key') }}
            else customers.customer_key
        end as customer_id,
        -- an e-mail address has one spelling; of other ids it is kept, where it may be shown
        case
            when {{ wants_pseudonyms() }} and customers.is_personal then null
            when customers.doubt is null and not contains(customers.id_text, '@')
                then nullif(customers.id_text, customers.customer_key)
        end as customer_spelling,
        customers.doubt,
        customers.is_personal,
        case when customers.is_personal then customers.id_text end as contact,
        customers.accepts_marketing
    from customers
    cross join pseudonym_key

)

select * from final
