{{ config(meta={'dagster': {'ref': {'name': 'countries'}}}) }}
-- A key that stands twice in a seed would double the lines that it describes.
{%- set keys = {
    'countries': 'upper(source_name)',
    'source_words': "meaning || ' ' || word",
    'dispositions': 'disposition',
    'non_product_codes': "kind || ' ' || pattern",
    'product_categories': 'keyword',
    'segment_playbook_texts': 'lower(segment_kind)',
    'segment_email_templates': 'lower(segment_kind)',
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
