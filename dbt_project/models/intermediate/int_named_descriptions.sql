-- Grain: one description, in capitals, that tells in any shop that a line is no product: gift cards,
-- postage, tips. Each is compared with each pattern once, when it is first delivered.
{%- set touched -%}
    select description
    from increments.int_code_descriptions
    group by description
    -- of others only the number of lines is another
    having min(is_gone) = max(is_gone)
{%- endset -%}
{{ config(meta={'increment': {
    'by': 'description',
    'touched': touched,
    'reads': {'intermediate.int_code_descriptions': 'description'},
}}) }}
with

called as (

    select description
    from {{ ref('int_code_descriptions') }}
    where description is not null
    group by description

),

final as (

    select
        description,
        {{ non_product_named('description') }} as category
    from called

)

select * from final where category is not null
