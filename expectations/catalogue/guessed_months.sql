{# Files whose months rest on a guess between day first and month first, on as many lines as `extent` says. #}
{% set other = "make_date(year(invoiced_at), day(invoiced_at), month(invoiced_at))" %}
with guessed as (
    select load_id, file_name, assumed_lines, delivered_lines, date_style
    from quality.load_ledger
    where status = 'loaded' and kind = 'transactions' and assumed_lines {{ extent }}
),
lines as (
    select
        guessed.load_id,
        count(*) as lines,
        sum(abs(coalesce(staged.signed_amount, 0))) as amount,
        arg_min(delivered.date_text, delivered._line_id) as invoice_date,
        arg_min(delivered.invoiced_at, delivered._line_id) as invoiced_at,
        arg_min(delivered._row_number, delivered._line_id) as row_number
    from guessed
    inner join raw.sales_lines as delivered on guessed.load_id = delivered._load_id
    inner join this_table as staged on delivered._line_id = staged.delivered_line_id
    where day(delivered.invoiced_at) <= 12 and day(delivered.invoiced_at) <> month(delivered.invoiced_at)
    group by guessed.load_id
)
select
    guessed.file_name,
    lines.row_number,
    guessed.assumed_lines,
    guessed.file_name || ': ' || coalesce(
        {{ shown("lines.invoice_date") }} || ' in line ' || lines.row_number || ' was read as '
        || {{ day("invoiced_at") }} || ' and may as well be ' || {{ day(other) }} || '; ', ''
    ) || {{ number("assumed_lines") }} || ' of ' || {{ counted("delivered_lines", "line") }}
    || coalesce(', ' || {{ amount("lines.amount") }} || ' in money,', '')
    || ' would fall in another month' as told,
    '[landing]' || chr(10) || 'date_order = "'
    || case when starts_with(date_style, 'month') then 'month_first"  # as now; or "day_first"'
        when starts_with(date_style, 'day') then 'day_first"  # as now; or "month_first"'
        else 'day_first"  # or "month_first"' end as advice
from guessed
left join lines on guessed.load_id = lines.load_id
