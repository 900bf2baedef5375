{#
    How a table takes in what is new. Where a refresh finds all tables as an earlier one left them, under the same
    code and settings (warehouse/increments.py decides it, and passes the var `increments`), a model that says how
    is not made anew: the same SQL runs over those rows of what it reads that the news touches. So no model is
    written twice, and its compiled SQL is the whole of it. A model says so under `meta.increment` of its config,
    with tables named by schema and name:

    by, touched, reads
        Rows are made group by group: `touched` is a query of the groups that may differ, one column; `by` is the
        column that names a row's group; `reads` names for each table that the SQL is to see those groups of alone
        the column with the group. The SQL must make each group from rows of that group, of the tables under
        `reads`, and whatever else `touched` looks at.
    sums
        Rows are sums over the rows of the one table under `reads`, a list here: the columns named here add up, the
        first of them counts rows, and all others are what is summed by.
    compared
        The table is small and made anew; these columns of it, or `*`, are compared with what they were.

    Each leaves the rows that differ in `increments.<model>`: those that are gone and those that came. That is what
    `touched` of later models looks at, whatever of it they need: it holds for one refresh.
#}
{% macro changed_in_place(target, increment) -%}
    {%- if increment.compared -%}
        {{ return(made_anew_and_compared(target, increment.compared)) }}
    {%- endif -%}
    {%- call statement('main') -%}
        {{ summed_changes(target, increment) if increment.sums else regrouped_changes(target, increment) }}
    {%- endcall -%}
    {%- do persist_docs(target, model) -%}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{%- endmacro %}

{# Where the rows of a table that differ are told. #}
{% macro changes_of(name) -%}
    increments.{{ name }}
{%- endmacro %}

{# The SQL of this model with tables that it reads put for others. #}
{% macro sql_reading(tables) -%}
    {%- set read = namespace(sql=compiled_code) -%}
    {%- for name, instead in tables.items() -%}
        {%- set schema, table = name.split('.') -%}
        {%- set written = '"' ~ this.database ~ '"."' ~ schema ~ '"."' ~ table ~ '"' -%}
        {%- if written not in read.sql -%}
            {{ exceptions.raise_compiler_error(model.name ~ ' says that it reads ' ~ name ~ ', and its SQL does not') }}
        {%- endif -%}
        {%- set read.sql = read.sql | replace(written, instead) -%}
    {%- endfor -%}
    {{ return(read.sql) }}
{%- endmacro %}

{% macro regrouped_changes(target, increment) -%}
    {%- set name = model.name -%}
    {%- set by = increment.by -%}
    {%- set narrowed = {} -%}
    create or replace temp table touched_{{ name }} as
        select distinct touched.* from ({{ increment.touched }}) as touched (touched_by)
        where touched.touched_by is not null;
    {% for read, column in increment.reads.items() %}
        {%- set instead = 'narrowed_' ~ loop.index ~ '_' ~ name -%}
        {%- do narrowed.update({read: instead}) -%}
        create or replace temp table {{ instead }} as
            select * from {{ read }} where {{ column }} in (select touched_by from touched_{{ name }});
    {% endfor -%}
    create or replace temp table made_{{ name }} as select * from {{ target }} limit 0;
    insert into made_{{ name }} {{ get_column_names() }} ({{ get_select_subquery(sql_reading(narrowed)) }});
    {# what is made of other groups would double them #}
    select error('{{ name }} made rows of groups that it was not to touch') from made_{{ name }}
    where {{ by }} not in (select touched_by from touched_{{ name }});
    create or replace temp table former_{{ name }} as
        select * from {{ target }} where {{ by }} in (select touched_by from touched_{{ name }});
    {{ told_changes(name, 'from former_' ~ name, 'from made_' ~ name) }}
    delete from {{ target }} where {{ by }} in (select {{ by }} from {{ changes_of(name) }});
    insert into {{ target }}
        select * from made_{{ name }} where {{ by }} in (select {{ by }} from {{ changes_of(name) }});
    drop table touched_{{ name }};
    drop table made_{{ name }};
    drop table former_{{ name }};
    {%- for instead in narrowed.values() %}
    drop table {{ instead }};
    {%- endfor -%}
{%- endmacro %}

{% macro summed_changes(target, increment) -%}
    {%- set name = model.name -%}
    {%- set keys = model.columns.keys() | reject('in', increment.sums) | join(', ') -%}
    {%- set read = increment.reads | first -%}
    {%- set told = changes_of(read.split('.')[1]) -%}
    create or replace temp table former_{{ name }} as from {{ target }};
    create or replace temp table made_{{ name }} as
        select {{ keys }}
            {%- for column in increment.sums %}, sum(sign * {{ column }}) as {{ column }}{% endfor %}
        from (
            select 1 as sign, * from {{ target }}
            union all by name
            {%- for sign, which in ((1, 'not is_gone'), (-1, 'is_gone')) %}
            select {{ sign }} as sign, * from (
                {{ sql_reading({read: '(select * exclude (is_gone) from ' ~ told ~ ' where ' ~ which ~ ')'}) }}
            )
            {{ 'union all by name' if not loop.last }}
            {%- endfor %}
        )
        group by {{ keys }}
        having sum(sign * {{ increment.sums | first }}) > 0;
    delete from {{ target }};
    insert into {{ target }} by name from made_{{ name }};
    {{ told_changes(name, 'from former_' ~ name, 'from ' ~ target) }}
    drop table made_{{ name }};
    drop table former_{{ name }};
{%- endmacro %}

{% macro made_anew_and_compared(target, columns) -%}
    {%- set name = model.name -%}
    {%- set compared = columns if columns is string else columns | join(', ') -%}
    {%- call statement('main') -%}
        create or replace temp table former_{{ name }} as select {{ compared }} from {{ target }};
        drop table {{ target }};
        {{ create_table_as(False, target, compiled_code) }}
        {{ told_changes(name, 'from former_' ~ name, 'select ' ~ compared ~ ' from ' ~ target) }}
        drop table former_{{ name }};
    {%- endcall -%}
    {%- do persist_docs(target, model) -%}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{%- endmacro %}

{# Keeps the rows of either query that the other has not. #}
{% macro told_changes(name, former, made) -%}
    create or replace table {{ changes_of(name) }} as
        select *, true as is_gone from ({{ former }} except all {{ made }})
        union all
        select *, false as is_gone from ({{ made }} except all {{ former }});
{%- endmacro %}

{# Tables made by hand have taken in what others have not, which nobody could tell: the next refresh builds everything. #}
{% macro forget_what_was_built() -%}
    {%- if execute and var('increments') is none -%} drop table if exists increments.built {%- endif -%}
{%- endmacro %}
