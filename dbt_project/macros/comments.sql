{#
    Descriptions as comments on a table and its columns, in one statement. dbt's own way asks the
    database twice which columns there are and comments in two more: 10 ms a model, and every
    refresh builds some sixty. Columns are those of the contract; a description of a column that is not
    there stops the build.
#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do comments.append('comment on ' ~ relation.type ~ ' ' ~ relation ~ ' is ' ~ quoted(model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() -%}
        {%- for name, column in model.columns.items() if column.description -%}
            {%- do comments.append('comment on column ' ~ relation ~ '.' ~ name ~ ' is ' ~ quoted(column.description)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if comments -%}
        {%- call statement('comments') -%} {{ comments | join(';\n') }} {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
