{# Files without any price, of as many lines as `extent` says: their sales would count as gifts, or as nothing. #}
{% import 'readings.sql' as reading %}
select
    file_name,
    count(*) as lines,
    file_name || ': the price is empty on ' || {{ number("count(*) filter (where unit_price is null)") }}
    || ' and 0 on ' || {{ number("count(*) filter (where unit_price = 0)") }} || ' of '
    || {{ counted("count(*)", "line") }} as told
from this_table
group by load_id, file_name
having count(*) {{ extent }}
    and not bool_or(
        coalesce(unit_price, 0) <> 0 or coalesce(signed_amount, 0) <> 0 or {{ reading.amount_lost }}
        or line_text is not null
    )
