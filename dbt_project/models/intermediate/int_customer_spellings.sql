-- Grain: one customer whose id is written with capitals somewhere: how most lines write it.
{{ config(meta={'increment': {
    'by': 'customer_key',
    'touched': 'select customer_id from increments.stg_transactions',
    'reads': {'staging.stg_transactions': 'customer_id'},
}}) }}
with

lines as (

    select * from {{ ref('stg_transactions') }} where is_readable

),

spelt_otherwise as (

    select customer_id
    from lines
    where customer_spelling is not null
    group by customer_id

),

spellings as (

    select
        lines.customer_id,
        coalesce(lines.customer_spelling, lines.customer_id) as spelling,
        count(*) as line_count
    from lines
    inner join spelt_otherwise on lines.customer_id = spelt_otherwise.customer_id
    group by lines.customer_id, coalesce(lines.customer_spelling, lines.customer_id)

),

-- blanks and float zeros are no spelling: those are gone from the key
ranked as (

    select
        customer_id as customer_key,
        spelling,
        row_number() over (
            partition by customer_id
            order by
                case when lower(spelling) = customer_id then 0 else 1 end asc,
                line_count desc,
                spelling asc
        ) as place
    from spellings

),

final as (

    select
        customer_key,
        case when lower(spelling) = customer_key then spelling else customer_key end as customer_id
    from ranked
    where place = 1

)

select * from final
