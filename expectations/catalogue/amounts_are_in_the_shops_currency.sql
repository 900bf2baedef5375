{% import 'readings.sql' as reading %}
select
    file_name,
    currencies,
    foreign_lines,
    file_name || ': '
    || case when foreign_lines = lines then 'set aside as a whole, its '
        else {{ number("foreign_lines") }} || ' of its ' end
    || {{ counted("lines", "line") }} || ' being in ' || currencies as told
from (
    select
        file_name,
        count(*) filter (where row_kind is null or row_kind not in ('not_a_sale', 'summary')) as lines,
        count({{ reading.foreign_currency }}) as foreign_lines,
        string_agg(distinct {{ reading.foreign_currency }}, ', ' order by {{ reading.foreign_currency }}) as currencies
    from this_table
    group by load_id, file_name
) as files
where foreign_lines > 0
