{#
    How Spark makes tables, views and seeds. Each refresh hands Spark an empty catalogue with what it is to read
    (warehouse/spark.py), so there is nothing to replace, to rename or to look for; keys, rules and comments are for the
    DuckDB file that takes the tables in (macros/materializations.sql).

    A table has the types of its contract here as well: engines do not agree on what a sum or a quotient is.
#}
{% materialization table, adapter='spark', supported_languages=['sql'] %}
    {{ return(made_on_spark()) }}
{% endmaterialization %}

{# A table here as well: Spark puts what views are made by together before it plans, and gets lost in it. #}
{% materialization view, adapter='spark', supported_languages=['sql'] %}
    {{ return(made_on_spark()) }}
{% endmaterialization %}

{% macro made_on_spark() -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set kept = [] -%}
    {%- set sql = sql_with_kept_steps(compiled_code, kept) -%}
    {%- call statement('main') -%}
        create table {{ target }} using parquet as
        {{ typed_by_contract(sql) }}
    {%- endcall -%}
    {%- for table in kept %}
        {%- call statement('step') -%} drop table {{ table }} {%- endcall -%}
    {%- endfor -%}
    {{ return({'relations': [target]}) }}
{%- endmacro %}

{# dbt's own way puts values between apostrophes as they are, and stops at the first `d'Ivoire`. #}
{% materialization seed, adapter='spark' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set rows = load_agate_table() -%}
    {%- do store_result('agate_table', response='OK', agate_table=rows) -%}
    {%- set types = config.get('column_types', {}) -%}
    {%- call statement('main') -%}
        create table {{ target }} using parquet as
        select
            {%- for column in rows.column_names %}
            cast({{ column }} as {{ spark_type(types[column]) }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from values
            {%- for row in rows.rows %}
            (
                {%- for value in row -%}
                    {{ 'null' if value is none else quoted(value) }}{{ ', ' if not loop.last }}
                {%- endfor -%}
            ){{ ',' if not loop.last }}
            {%- endfor %}
            as delivered ({{ rows.column_names | join(', ') }})
    {%- endcall -%}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# The SQL of a model with its columns in the types of its contract. #}
{% macro typed_by_contract(sql) -%}
    {%- if not config.get('contract').enforced -%}
        {{ return(sql) }}
    {%- endif -%}
    select
        {%- for name, column in model.columns.items() %}
        cast({{ name }} as {{ spark_type(column.data_type) }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ sql }}
    ) as made
{%- endmacro %}

{# Spark's word for a type of a contract; a uuid is its text. #}
{% macro spark_type(data_type) -%}
    {%- set words = {'varchar': 'string', 'text': 'string', 'uuid': 'string', 'hugeint': 'decimal(38, 0)', 'varchar[]': 'array<string>'} -%}
    {{ return(words.get(data_type | lower, data_type)) }}
{%- endmacro %}

{#
    The SQL of a model once those of its steps are made as tables that several others read, or that read themselves;
    `kept` gets their names. Spark puts a step's query in place of its name wherever that is read, and once more
    wherever that is read in turn: one export with six lines was planned for four minutes. And it refuses recursion
    under a window. Steps are found by how models are written: `name as (` and `)` on lines of their own, a blank line
    behind. One that only names a table is left in.
#}
{% macro sql_with_kept_steps(sql, kept) -%}
    {%- set pattern = '(?ms)^( *)([a-z0-9_]+) as [(]\n(.*?)^\\1[)],?(?= *\n *\n| *\\Z)' -%}
    {%- set found = modules.re.findall(pattern, sql) -%}
    {%- if not found -%}
        {{ return(sql) }}
    {%- endif -%}
    {%- set end = modules.re.split(pattern, sql) | last -%}
    {%- set written = [] -%}
    {%- for _, name, query in found -%}
        {%- set readers = namespace(count=reads_of(name, end)) -%}
        {%- for _, reader, reading in found[loop.index:] -%}
            {# what reads itself is run for each level #}
            {%- set times = 2 if reads_of(reader, reading) else 1 -%}
            {%- set readers.count = readers.count + times * reads_of(name, reading) -%}
        {%- endfor -%}
        {%- set table = 'steps.' ~ this.identifier ~ '__' ~ name -%}
        {%- if reads_of(name, query) -%}
            {%- set levels = levels_of(name, query, table, written) -%}
            {%- do kept.extend(levels) -%}
            {%- do written.append(name ~ ' as (select * from ' ~ levels | join(' union all select * from ') ~ ')') -%}
        {%- elif readers.count > 1 and not modules.re.match('^[ \n]*select [*] from [^ \n]+[ \n]*$', query) -%}
            {%- call statement('step') -%}
                create table {{ table }} using parquet as with {{ written | join(', ') }} {{ ',' if written }}
                {{ name }} as ({{ query }}) select * from {{ name }}
            {%- endcall -%}
            {%- do kept.append(table) -%}
            {%- do written.append(name ~ ' as (select * from ' ~ table ~ ')') -%}
        {%- else -%}
            {%- do written.append(name ~ ' as (' ~ query ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('with ' ~ written | join(', ') ~ end) }}
{%- endmacro %}

{# How often some SQL reads a step. #}
{% macro reads_of(step, sql) -%}
    {{ return(modules.re.findall('(?:from|join)[ \n]+' ~ step ~ '(?![a-z0-9_.])', sql) | length) }}
{%- endmacro %}

{#
    A recursive step as one table for each level: what stands before its `union all`, then what stands behind it over the
    level before, until that has no row. The names of the tables, the last of which is empty.
#}
{% macro levels_of(step, query, table, written) -%}
    {%- set first, next = modules.re.split('\n *union all *\n', query, maxsplit=1) -%}
    {%- set before = written | join(', ') ~ (', ' if written else '') -%}
    {%- set levels = [table ~ '_0'] -%}
    {%- call statement('level') -%}
        create table {{ levels[0] }} using parquet as {{ 'with ' ~ written | join(', ') if written }} {{ first }}
    {%- endcall -%}
    {%- set last = namespace(rows=1) -%}
    {%- for level in range(1, 10000) if last.rows -%}
        {%- call statement('level') -%}
            create table {{ table }}_{{ level }} using parquet as
            with {{ before }}{{ step }} as (select * from {{ levels[-1] }}) {{ next }}
        {%- endcall -%}
        {%- do levels.append(table ~ '_' ~ level) -%}
        {%- set last.rows = run_query('select 1 from ' ~ levels[-1] ~ ' limit 1').rows | length -%}
    {%- endfor -%}
    {%- if last.rows -%}
        {{ exceptions.raise_compiler_error(step ~ ' of ' ~ this.identifier ~ ' goes on for more than 10,000 levels') }}
    {%- endif -%}
    {{ return(levels) }}
{%- endmacro %}

{# dbt's own for Spark forgets the order, and makes an empty text of no rows. #}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    listagg({{ measure }}, {{ delimiter_text }}) {% if order_by_clause %}within group ({{ order_by_clause }}){% endif %}
{%- endmacro %}
