{#
    How DuckDB makes a table and a view: dropped and made anew in one transaction, so that readers on this
    connection and a failure find the old one whole. dbt's own way, which has to serve engines that can't,
    makes another one beside it, renames both and drops the old one in a transaction of its own: nearly twice
    the statements, and every refresh builds some sixty models. Contract, keys and documentation are made
    as ever; hooks, indexes and grants, which no model here has, are not. Where a refresh builds what is new
    alone, a table that says how takes in its changes instead (macros/increments.sql).
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set increment = model.config.meta.get('increment') -%}
    {%- if increment and var('increments') and existing is not none and not should_full_refresh() -%}
        {{ return(changed_in_place(target, increment)) }}
    {%- endif -%}
    {{ return(made_anew(target)) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
    {{ return(made_anew(this.incorporate(type='view'))) }}
{% endmaterialization %}

{#
    What a table is filled from: its SQL, or the rows that Spark has made by it. Those meet the contract, and all that
    holds for a table, on their way in.
#}
{% macro rows_of(target) -%}
    {%- if var('made_by_spark') is none -%}
        {{ return(compiled_code) }}
    {%- endif -%}
    select * from read_parquet({{ quoted(var('made_by_spark') ~ '/' ~ target.schema ~ '/' ~ target.identifier ~ '/*.parquet') }})
{%- endmacro %}

{% macro made_anew(target) -%}
    {%- if pre_hooks or post_hooks or config.get('indexes') -%}
        {{ exceptions.raise_compiler_error('macros/materializations.sql makes neither hooks nor indexes') }}
    {%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- call statement('main') -%}
        {%- if existing is not none %}drop {{ existing.type }} {{ existing }};{% endif %}
        {%- if target.is_view %}
            {{ create_view_as(target, compiled_code) }}
        {%- else %}
            {{ create_table_as(False, target, rows_of(target)) }}
        {%- endif %}
    {%- endcall -%}
    {%- do persist_docs(target, model) -%}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{%- endmacro %}
