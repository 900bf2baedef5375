{# A layer is a schema: `staging`, not `main_staging` as dbt would name it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
