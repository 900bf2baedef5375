{# What the names of segments claim (var `segment_claims` of dbt_project.yml), so that no model states it again. #}

{# Whether the name in `segment` is true of the customer in the row; null where the name claims nothing. #}
{% macro is_as_named(segment) -%}
    case {{ segment }}
        {%- for names in var('segment_claims').values() %}
        {%- for name, told in names.items() %}
        when {{ quoted(name) }} then {{ told.holds }}
        {%- endfor %}
        {%- endfor %}
    end
{%- endmacro %}

{# The claims as rows: `segment_name`, `claim`. #}
{% macro claims_as_rows() -%}
    {%- for names in var('segment_claims').values() %}
    {%- set is_last_list = loop.last %}
    {%- for name, told in names.items() %}
    select {{ quoted(name) }} as segment_name, {{ quoted(told.claim) }} as claim
    {{- '' if is_last_list and loop.last else ' union all' }}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
