{# Values that would not type, file by file; `many` says whether they have to be so many that the file's
   style must have been misread. #}
{% import 'readings.sql' as reading %}
{% set what %}
    concat_ws(', ',
        case when lost_amounts > 0 then {{ counted("lost_amounts", "amount") }}
            || coalesce(' (as text: ' || {{ shown("amount_text") }} || ')', '') end,
        case when lost_quantities > 0 then {{ counted("lost_quantities", "quantity", "quantities") }} end,
        case when lost_dates > 0 then {{ counted("lost_dates", "date") }} end
    )
{% endset %}
{% set entry = source_entry("source_mapping", "layout", "first_file_name", "alike_files") %}
with losses as (
    select
        load_id,
        file_name,
        count(*) filter (where {{ reading.lost }}) as lost,
        count(*) filter (where {{ reading.amount_lost }}) as lost_amounts,
        count(*) filter (where is_quantity_lost) as lost_quantities,
        count(*) filter (where is_invoice_date_lost) as lost_dates,
        count(*) filter (where is_invoice_date_lost and contains(unreadable_reason, 'after the delivery'))
            as late_dates,
        -- what is set aside with them, as far as it could be read
        sum(signed_amount) filter (where {{ reading.lost }}) as lost_money,
        min(row_number) filter (where {{ reading.lost }}) as row_number,
        arg_min(unreadable_reason, row_number) filter (where {{ reading.lost }}) as problem,
        arg_min(delivered.amount_text, row_number) filter (where {{ reading.amount_lost }}) as amount_text
    from this_table as lines
    inner join staging.stg_delivered_text as delivered
        on lines.delivered_line_id = delivered.delivered_line_id
    where not is_readable
    group by load_id, file_name
    having count(*) filter (where {{ reading.lost }}) > 0
),
known as (
    select
        losses.*,
        ledger.delivered_lines as lines,
        ledger.source_mapping,
        ledger.layout,
        ledger.date_style_evidence,
        case
            -- nothing that could be typed tells which of two readings of a spoilt workbook holds
            when ledger.date_style_evidence like 'not read: %' and 2 * lost_dates >= lost then 'spoilt'
            when 2 * late_dates >= lost then 'late'
            when 2 * lost_dates >= lost and regexp_matches(losses.problem, 'date "[0-9]{1,4}"') then 'count'
            -- no one format is right for dates that most lines write otherwise
            when 2 * lost_dates >= lost and 2 * lost < ledger.delivered_lines then 'mixed'
            when 2 * lost_dates >= lost then 'date'
            when regexp_matches(losses.problem, '"[^"]*[0-9][.,][0-9]') then 'mark'
        end as kind
    from losses
    inner join quality.load_ledger as ledger on losses.load_id = ledger.load_id
    where (lost > {{ lost_values_share }} * ledger.delivered_lines and lost > {{ few_lines }}) = {{ many }}
),
-- files alike have one answer
grouped as (
    select
        *,
        min(file_name) over alike as first_file_name,
        count(*) over alike as alike_files
    from known
    window alike as (partition by source_mapping, layout, kind)
)
select
    file_name,
    row_number,
    lost as lines_with_lost_values,
    lines,
    problem,
    file_name || ': ' || {{ what }} || ' on ' || {{ number("lost") }} || ' of ' || {{ counted("lines", "line") }}
    || ' (' || {{ percent("lost / lines") }} || ')' || coalesce(' with ' || {{ amount("lost_money") }}, '')
    || ', e.g. line ' || row_number || ': ' || problem
    || case when date_style_evidence like 'not read: %' and lost_dates > 0
        then '; dates were ' || date_style_evidence else '' end
    || case when kind = 'count'
        then '; numbers that count days or weeks tell no date: put the date of each line in their place' else '' end
    || case when kind = 'mixed'
        then '; the other lines write their dates in another way: write all of them in one' else '' end
    || case when kind = 'mixed' and regexp_matches(problem, 'date "[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]')
        then '. Of a line that is written like this one, a day up to the 12th was taken for the month' else '' end
        as told,
    case kind
        when 'late' then {{ lines_of_text(entry, literal('date_order = "day_first"  # or "month_first"')) }}
        when 'date' then {{ lines_of_text(entry, literal('date_format = "%d.%m.%Y %H:%M"  # as its dates are written; "excel_serial" if they are numbers')) }}
        when 'mark' then {{ lines_of_text(entry, literal('decimal_mark = ","  # or "."')) }}
    end as advice
from grouped
