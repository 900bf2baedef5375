{% import 'readings.sql' as reading %}
select
    incomplete.file_name,
    row_number,
    incomplete_lines,
    ledger.delivered_lines as lines,
    incomplete.file_name || ': ' || {{ number("incomplete_lines") }} || ' of '
    || {{ counted("ledger.delivered_lines", "line") }} || ', e.g. line ' || row_number || ': ' || reason as told
from (
    select
        load_id,
        file_name,
        count(*) as incomplete_lines,
        min(row_number) as row_number,
        arg_min(unreadable_reason, row_number) as reason
    from this_table
    where not is_readable and line_text is null and not {{ reading.lost }} and {{ reading.foreign_currency }} is null
    group by load_id, file_name
) as incomplete
inner join quality.load_ledger as ledger on incomplete.load_id = ledger.load_id
where incomplete_lines > {{ incomplete_share }} * ledger.delivered_lines
