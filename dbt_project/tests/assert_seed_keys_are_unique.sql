{{ config(meta={'dagster': {'ref': {'name': 'countries'}}}) }}
-- A key that stands twice in a seed would double the lines that it describes.
{%- set keys = {
    'countries': 'upper(source_name)',
    'invoice_types': 'prefix',
    'dispositions': 'disposition',
    'non_product_codes': "kind || ' ' || pattern",
} %}
with

keys as (

    {% for seed, key in keys.items() -%}
    select
        '{{ seed }}' as seed,
        {{ key }} as seed_key
    from {{ ref(seed) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    seed,
    seed_key
from keys
group by seed, seed_key
having count(*) > 1 or seed_key is null
