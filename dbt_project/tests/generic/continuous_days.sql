{# Every day from the column's first to its last has exactly one row. #}
{% test continuous_days(model, column_name) %}
with

span as (

    select
        count(*) as row_count,
        count(distinct {{ column_name }}) as day_count,
        {{ date_diff_days('min(' ~ column_name ~ ')', 'max(' ~ column_name ~ ')') }} + 1 as expected_count
    from {{ model }}

)

select * from span
where row_count > 0 and (row_count <> expected_count or day_count <> expected_count)
{% endtest %}
