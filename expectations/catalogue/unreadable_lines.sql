{# Files with too many lines that can't be split into fields; `extent` says how many. #}
select
    _file_name as file_name,
    min(_row_number) filter (where _problem is not null) as row_number,
    count(_problem) as unreadable_lines,
    count(*) as lines,
    arg_min(_problem, _row_number) filter (where _problem is not null) as problem
from this_table
group by _load_id, _file_name
having count(_problem) > {{ unreadable_share }} * count(*) and count(_problem) {{ extent }}
