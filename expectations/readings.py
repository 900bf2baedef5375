"""What typing lost, guessed or took for nobody, file by file, before money is counted.

Belongs here: checks of staged lines against what their file said, with the line for the
settings that helps. Does not belong here: implausible values (:mod:`expectations.staging`),
columns that nothing reads (:mod:`expectations.unread_columns`), lines that could not be
split into fields (:mod:`expectations.raw`).
"""

from __future__ import annotations

from expectations.checks import ADVICE, TOLD, Check, finds_no_rows
from expectations.phrases import amount, counted, day, lines_of_text, literal, number, percent, shown, source_entry

LOST_VALUES_SHARE = 0.05
"""Above this share of a file's lines with a value that would not type, the file's number or date style was misread.

No line of the UCI history has such a value; a slip of a hand spoils one line in thousands.
"""

INCOMPLETE_SHARE = 0.05
"""A file that lacks a value on one line in twenty lacks it by rule: a formula, a product without a price, a footer."""

_DISCOUNT_LOST = "contains(coalesce(unreadable_reason, ''), 'discount \"')"
_AMOUNT_LOST = f"(is_unit_price_lost or {_DISCOUNT_LOST})"
_LOST = f"(is_quantity_lost or is_unit_price_lost or is_invoice_date_lost or {_DISCOUNT_LOST})"
# the currency of a line that is in another one than the shop's; null of others
_FOREIGN_CURRENCY = (
    "nullif(regexp_extract(unreadable_reason, 'the amount is in (.+), the shop counts in [A-Z]{3}$', 1), '')"
)

_DATE_ORDER = literal('date_order = "day_first"  # or "month_first"')
_DATE_FORMAT = literal('date_format = "%d.%m.%Y %H:%M"  # as its dates are written; "excel_serial" if they are numbers')
_DECIMAL_MARK = literal('decimal_mark = ","  # or "."')

_SAY_WHICH = (
    "Say which holds in regulars.toml; where only some files are written so, put date_order into their entry of "
    "[[landing.sources]]"
)


def values_survive(few_lines: int) -> Check:
    """No file lost so many values that its style must have been misread.

    Parameters
    ----------
    few_lines
        In a file of a few lines one slip is a large share; it takes more than these to stop the run.
    """
    return finds_no_rows(
        "values_survive_typing",
        _lost_values(f"lost > {LOST_VALUES_SHARE} * ledger.delivered_lines and lost > {few_lines}"),
        claim=f"no file has a value that would not type on over {LOST_VALUES_SHARE:.0%} of its lines and more than "
        f"{few_lines} lines",
        fault=f"values would not type on over {LOST_VALUES_SHARE:.0%} of the lines and more than {few_lines} lines",
        noun="files",
        reason="So many values lost mean that the file's decimal mark or date style was misread.",
        remedy="Correct the file and deliver it again under the same name, or say in regulars.toml how it is written",
    )


def lost_values_are_told(few_lines: int) -> Check:
    """Whatever was lost in fewer lines is told with its text: its money is in no figure, and not 0.00 either."""
    return finds_no_rows(
        "lost_values_are_told",
        _lost_values(f"not (lost > {LOST_VALUES_SHARE} * ledger.delivered_lines and lost > {few_lines})"),
        claim="every value that was delivered could be read",
        fault="values could not be read, and their lines are set aside with their text",
        noun="files",
        severity="warning",
        reason="Few lines are set aside without harm to the figures, but their amounts are unknown, not 0.00.",
        remedy="Correct the lines and deliver the file again under the same name",
    )


def _lost_values(condition: str) -> str:
    what = f"""
        concat_ws(', ',
            case when lost_amounts > 0 then {counted("lost_amounts", "amount")}
                || coalesce(' (as text: ' || {shown("amount_text")} || ')', '') end,
            case when lost_quantities > 0 then {counted("lost_quantities", "quantity", "quantities")} end,
            case when lost_dates > 0 then {counted("lost_dates", "date")} end
        )
    """
    entry = source_entry("source_mapping", "layout", "first_file_name", "alike_files")
    kind = """
        case
            -- nothing that could be typed tells which of two readings of a spoilt workbook holds
            when ledger.date_style_evidence like 'not read: %' and 2 * lost_dates >= lost then 'spoilt'
            when 2 * late_dates >= lost then 'late'
            when 2 * lost_dates >= lost then 'date'
            when regexp_matches(losses.problem, '"[^"]*[0-9][.,][0-9]') then 'mark'
        end
    """
    return f"""
        with losses as (
            select
                load_id,
                file_name,
                count(*) filter (where {_LOST}) as lost,
                count(*) filter (where {_AMOUNT_LOST}) as lost_amounts,
                count(*) filter (where is_quantity_lost) as lost_quantities,
                count(*) filter (where is_invoice_date_lost) as lost_dates,
                count(*) filter (where is_invoice_date_lost and contains(unreadable_reason, 'after the delivery'))
                    as late_dates,
                min(row_number) filter (where {_LOST}) as row_number,
                arg_min(unreadable_reason, row_number) filter (where {_LOST}) as problem,
                arg_min(delivered.amount_text, row_number) filter (where {_AMOUNT_LOST}) as amount_text
            from this_table as lines
            inner join staging.stg_delivered_text as delivered
                on lines.delivered_line_id = delivered.delivered_line_id
            where not is_readable
            group by load_id, file_name
            having count(*) filter (where {_LOST}) > 0
        ),
        known as (
            select
                losses.*,
                ledger.delivered_lines as lines,
                ledger.source_mapping,
                ledger.layout,
                ledger.date_style_evidence,
                {kind} as kind
            from losses
            inner join quality.load_ledger as ledger on losses.load_id = ledger.load_id
            where {condition}
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
            file_name || ': ' || {what} || ' on ' || {number("lost")} || ' of ' || {counted("lines", "line")}
            || ' (' || {percent("lost / lines")} || '), e.g. line ' || row_number || ': ' || problem
            || case when date_style_evidence like 'not read: %' and lost_dates > 0
                then '; dates were ' || date_style_evidence else '' end as {TOLD},
            case kind
                when 'late' then {lines_of_text(entry, _DATE_ORDER)}
                when 'date' then {lines_of_text(entry, _DATE_FORMAT)}
                when 'mark' then {lines_of_text(entry, _DECIMAL_MARK)}
            end as {ADVICE}
        from grouped
    """


def months_are_certain(few_lines: int) -> Check:
    """No file's months rest on a guess between day first and month first.

    Parameters
    ----------
    few_lines
        Lines in another month that are too few to change what is said of it; more stop the run.
    """
    return finds_no_rows(
        "months_are_certain",
        _guessed_months(f"> {few_lines}"),
        column="invoiced_at",
        claim=f"no file has more than {few_lines} lines whose month is a guess",
        fault="dates read as well with day and month exchanged, and nothing tells which holds",
        noun="files",
        reason="Sales in the wrong month move revenue, recency and segments, and nothing looks odd about them.",
        remedy=_SAY_WHICH,
    )


def few_months_are_uncertain(few_lines: int) -> Check:
    """The same of fewer lines, which are told and counted as they were read."""
    return finds_no_rows(
        "few_months_are_uncertain",
        _guessed_months(f"between 1 and {few_lines}"),
        column="invoiced_at",
        claim="no line's month is a guess",
        fault="dates read as well with day and month exchanged, and were guessed",
        noun="files",
        severity="warning",
        reason="A few lines may lie in another month than the one they count in.",
        remedy=_SAY_WHICH,
    )


def _guessed_months(lines: str) -> str:
    other = "make_date(year(invoiced_at), day(invoiced_at), month(invoiced_at))"
    return f"""
        with guessed as (
            select load_id, file_name, assumed_lines, delivered_lines, date_style
            from quality.load_ledger
            where status = 'loaded' and kind = 'transactions' and assumed_lines {lines}
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
                {shown("lines.invoice_date")} || ' in line ' || lines.row_number || ' was read as '
                || {day("invoiced_at")} || ' and may as well be ' || {day(other)} || '; ', ''
            ) || {number("assumed_lines")} || ' of ' || {counted("delivered_lines", "line")}
            || coalesce(', ' || {amount("lines.amount")} || ' in money,', '')
            || ' would fall in another month' as {TOLD},
            '[landing]' || chr(10) || 'date_order = "'
            || case when starts_with(date_style, 'month') then 'month_first"  # as now; or "day_first"'
                when starts_with(date_style, 'day') then 'day_first"  # as now; or "month_first"'
                else 'day_first"  # or "month_first"' end as {ADVICE}
        from guessed
        left join lines on guessed.load_id = lines.load_id
    """


def files_have_prices(few_lines: int) -> Check:
    """No file is without any price: its sales would count as gifts, or as nothing.

    Parameters
    ----------
    few_lines
        Files of at most so many lines may hold nothing but gifts; they are told.
    """
    return finds_no_rows(
        "files_have_prices",
        _files_without_price(f"> {few_lines}"),
        column="unit_price",
        claim="every file has a price on some line",
        fault="no line has a price",
        noun="files",
        reason="Formulas whose values were not stored, or another column than the price, look just so.",
        remedy="Where prices are formulas, open the file in a spreadsheet program, save it and deliver it again; where "
        "they stand in another column, map it as unit_price or line_amount under [[landing.sources]] in regulars.toml",
    )


def small_files_have_prices(few_lines: int) -> Check:
    """The same of files of a few lines."""
    return finds_no_rows(
        "small_files_have_prices",
        _files_without_price(f"between 1 and {few_lines}"),
        column="unit_price",
        claim="every small file has a price on some line",
        fault="no line of a small file has a price",
        noun="files",
        severity="warning",
        reason="A few lines may all be gifts, or prices may be formulas whose values were not stored.",
        remedy="If they should have prices, correct the file and deliver it again under the same name",
    )


def _files_without_price(lines: str) -> str:
    return f"""
        select
            file_name,
            count(*) as lines,
            file_name || ': the price is empty on ' || {number("count(*) filter (where unit_price is null)")}
            || ' and 0 on ' || {number("count(*) filter (where unit_price = 0)")} || ' of '
            || {counted("count(*)", "line")} as {TOLD}
        from this_table
        group by load_id, file_name
        having count(*) {lines}
            and not bool_or(
                coalesce(unit_price, 0) <> 0 or coalesce(signed_amount, 0) <> 0 or {_AMOUNT_LOST}
                or line_text is not null
            )
    """


def lines_are_complete() -> Check:
    """No file lacks a value that a line can't do without on many of its lines."""
    return finds_no_rows(
        "lines_are_complete",
        f"""
        select
            incomplete.file_name,
            row_number,
            incomplete_lines,
            ledger.delivered_lines as lines,
            incomplete.file_name || ': ' || {number("incomplete_lines")} || ' of '
            || {counted("ledger.delivered_lines", "line")} || ', e.g. line ' || row_number || ': ' || reason as {TOLD}
        from (
            select
                load_id,
                file_name,
                count(*) as incomplete_lines,
                min(row_number) as row_number,
                arg_min(unreadable_reason, row_number) as reason
            from this_table
            where not is_readable and line_text is null and not {_LOST} and {_FOREIGN_CURRENCY} is null
            group by load_id, file_name
        ) as incomplete
        inner join quality.load_ledger as ledger on incomplete.load_id = ledger.load_id
        where incomplete_lines > {INCOMPLETE_SHARE} * ledger.delivered_lines
        """,
        claim=f"no file lacks a value that a line needs on over {INCOMPLETE_SHARE:.0%} of its lines",
        fault=f"over {INCOMPLETE_SHARE:.0%} of a file's lines can't count",
        noun="files",
        severity="warning",
        reason="Their money is in no figure, and where it is missing nobody knows how much it is.",
        remedy="Fill in what is missing and deliver the file again under the same name; a value that stands in another "
        "column can be named under [[landing.sources]] in regulars.toml, and one that stands only on the first line "
        "of an order can be filled down",
    )


def amounts_are_in_the_shops_currency() -> Check:
    """No file tells amounts in another currency; they are never added to the shop's."""
    return finds_no_rows(
        "amounts_are_in_the_shops_currency",
        f"""
        select
            file_name,
            currencies,
            foreign_lines,
            file_name || ': '
            || case when foreign_lines = lines then 'set aside as a whole, its '
                else {number("foreign_lines")} || ' of its ' end
            || {counted("lines", "line")} || ' being in ' || currencies as {TOLD}
        from (
            select
                file_name,
                count(*) filter (where row_kind is null or row_kind not in ('not_a_sale', 'summary')) as lines,
                count({_FOREIGN_CURRENCY}) as foreign_lines,
                string_agg(distinct {_FOREIGN_CURRENCY}, ', ' order by {_FOREIGN_CURRENCY}) as currencies
            from this_table
            group by load_id, file_name
        ) as files
        where foreign_lines > 0
        """,
        claim="all amounts are in the shop's currency",
        fault="amounts are in another currency than the shop's, and were set aside",
        noun="files",
        severity="warning",
        reason="Amounts in two currencies add up to nonsense, so these sales are in no figure.",
        remedy="Deliver them in the shop's currency; shop.currency in regulars.toml says which one that is.",
    )


def ids_are_whole() -> Check:
    """No id was shortened by a spreadsheet: 7.12346E+12 stands for ten thousands of numbers."""
    parts = ", ".join(
        f"case when {lines} > 0 then '{what} on ' || {counted(lines, 'line')} || ', e.g. ' || {example} end"
        for what, lines, example in (
            ("the customer", "customer_lines", "customer"),
            ("the order", "order_lines", "invoice"),
            ("the product", "product_lines", "product"),
        )
    )
    return finds_no_rows(
        "ids_are_whole",
        f"""
        with shortened as (
            select
                delivered_line_id,
                load_id,
                file_name,
                customer_id_doubt is not distinct from 'shortened' as is_customer,
                is_invoice_no_shortened as is_order,
                is_stock_code_shortened as is_product
            from this_table
            where customer_id_doubt = 'shortened' or is_invoice_no_shortened or is_stock_code_shortened
        ),
        counted as (
            select
                shortened.file_name,
                count(*) filter (where is_customer) as customer_lines,
                min(trim(delivered.customer_id)) filter (where is_customer) as customer,
                count(*) filter (where is_order) as order_lines,
                min(trim(delivered.invoice)) filter (where is_order) as invoice,
                count(*) filter (where is_product) as product_lines,
                min(trim(delivered.stock_code)) filter (where is_product) as product
            from shortened
            inner join (
                select _line_id, customer_id, invoice, stock_code from raw.transactions
                union all
                select delivered_line_id, customer_text, invoice_text, stock_code_text from staging.stg_export_lines
            ) as delivered on shortened.delivered_line_id = delivered._line_id
            group by shortened.load_id, shortened.file_name
        )
        select
            file_name, customer_lines, order_lines, product_lines,
            file_name || ': ' || concat_ws('; ', {parts}) as {TOLD}
        from counted
        """,
        claim="no id was shortened by a spreadsheet",
        fault="a spreadsheet shortened ids, and which ones they were is lost",
        noun="files",
        severity="warning",
        reason="Many customers would become one. Such an id stands for nobody, and such a product for its description.",
        remedy="Export again and deliver the file without saving it in a spreadsheet program, or format the columns as "
        "text before the ids are pasted",
    )


def ids_are_ids() -> Check:
    """No customer is called TRUE or FALSE: that is the answer of a formula, or another column."""
    return finds_no_rows(
        "ids_are_ids",
        f"""
        select
            file_name,
            count(*) as lines,
            file_name || ': ' || {counted("count(*)", "line")} || ', the first is line ' || min(row_number) as {TOLD}
        from this_table
        where customer_id_doubt = 'not_an_id'
        group by load_id, file_name
        """,
        column="customer_id",
        claim="no customer is called TRUE or FALSE",
        fault="TRUE or FALSE stands in the place of a customer, and counts as nobody",
        noun="files",
        severity="warning",
        reason="It is the answer of a formula, or of a column that says whether there is a customer.",
        remedy="Name the column of the customer as customer_id under [[landing.sources]] in regulars.toml, or correct "
        "the file",
    )
