-- Grain: one line that an export of a shop system tells of: most rows are one, a row with a refund is two.
-- What each system's money means is decided in its own model (exports/); here they only come together,
-- those of the systems whose files are there.
{{ config(meta={'increment': {'compared': '*'}}) }}
with

lines as (
    {% for format in var('export_formats') %}
    select * from {{ ref('stg_' ~ format) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ no_export_lines() }}
    {% endfor %}
)

select * from lines
