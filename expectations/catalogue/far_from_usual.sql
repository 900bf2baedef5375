{# Lines whose `figure` is above its limit and far above the middle line's: in rupiah a million is a small price.
   The middle is asked for only where a line is above the limit, because it costs more than all else here. #}
select file_name, row_number, {{ shown }}
from this_table
where is_readable
    and abs({{ figure }}) > {{ limit }}
    and abs({{ figure }}) > {{ times_the_middle }} * (
        select median(abs({{ figure }}))
        from this_table
        where is_readable and exists (select 1 from this_table where is_readable and abs({{ figure }}) > {{ limit }})
    )
