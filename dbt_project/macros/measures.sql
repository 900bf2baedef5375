{#
    Columns from the register of measures (vars of dbt_project.yml), so that no model states an aggregate that
    pages, API and report show as well.

    Two views of returns stand side by side in the revenue tables: taken off the sale they reverse
    (returned_revenue; what could not be matched is unmatched_return_revenue), or booked on the day they came
    (booked_return_revenue). Both add up to the same net over all time; only the booked view never changes a day
    that is past.
#}

{#
    One measure over rows of `lines`, `invoices` or `customers`; or of `parts`, which are lines added up (int_invoice_parts): the
    same, unless it counts lines.
#}
{% macro measured(key, rows) -%}
    {%- set measure = var('measures')[key] -%}
    {%- set declared = measure.get('parts', measure.lines) if rows == 'parts' else measure[rows] -%}
    {%- set expression = adapter.dispatch('with_quotients')(declared) -%}
    {%- if measure.unit == 'count' -%}
        {{ expression }}
    {%- elif measure.unit == 'units' -%}
        cast({{ expression }} as {{ units_sum_type() }})
    {%- elif measure.unit == 'money' and 'adds_up' in measure -%}
        cast({{ expression }} as {{ money_sum_type() }})
    {%- else -%}
        cast({{ expression }} as double)
    {%- endif -%}
{%- endmacro %}

{# A declared expression whose means and quotients are floating-point numbers, as DuckDB makes them of decimals. #}
{% macro duckdb__with_quotients(expression) -%}
    {{ return(expression) }}
{%- endmacro %}

{# Spark gives six decimals to a quotient of decimals, and two or four more to their mean. #}
{% macro default__with_quotients(expression) -%}
    {{ return(expression | replace('avg(', 'avg(1D * ') | replace(' / ', ' * 1D / ')) }}
{%- endmacro %}

{# Every measure of one place over rows, each under its name. Shares are `measure_shares`. #}
{% macro measures(rows, shown) -%}
    {%- for key, measure in var('measures').items() if shown in measure.get('shown', []) and ('lines' if rows == 'parts' else rows) in measure -%}
        {{ measured(key, rows) }} as {{ measure.get('column', key) if shown == 'tables' else key }}
        {{- '' if loop.last else ',\n        ' -}}
    {%- endfor -%}
{%- endmacro %}

{# Every share of one place, over groups with a column of the measure that it is a part of. #}
{% macro measure_shares(shown, within) -%}
    {%- for key, measure in var('measures').items() if shown in measure.get('shown', []) and 'share_of' in measure -%}
        {%- set sum = 'sum(' ~ measure.share_of ~ ') over (partition by ' ~ within ~ ')' -%}
        case
            when {{ sum }} > 0 then 100 * cast({{ measure.share_of }} as double) / cast({{ sum }} as double)
        end as {{ key }}
        {{- '' if loop.last else ',\n        ' -}}
    {%- endfor -%}
{%- endmacro %}
