{#
    Before a table is made, dbt holds the columns of its SQL against its contract, for which the engine plans
    the SQL once more than it has to: half of what a small build costs. The same SQL has the same columns
    on any data, so the orchestrator, which builds what the tests have built, leaves that out. What a contract says
    of types, nulls and keys holds all the same: the table is declared by it.
#}
{% macro duckdb__get_assert_columns_equivalent(sql) -%}
    {%- if var('check_contracts') -%}
        {{ return(assert_columns_equivalent(sql)) }}
    {%- endif -%}
{%- endmacro %}
