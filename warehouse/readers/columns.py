"""From the fields of a line to our columns, as SQL that every reader shares.

Belongs here: several headers for one column, a time beside its date, constants, and
blanks that take the value of the line above. Does not belong here: which header is which
column (:mod:`warehouse.readers.headers`), and getting fields out of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from warehouse.readers.layouts import FIELD_SEPARATOR, OTHER_COLUMN, Recognised, date_column_of

_BLANKS = "' \t\r\n\u00a0\u2007\u202f\u3000'"
"""What a field may be full of and still be blank."""


def column_expressions(recognised: Recognised, field: Callable[[int], str], *, split: str = "true") -> dict[str, str]:
    """Write the SQL for each of our columns that the file has.

    Parameters
    ----------
    field
        SQL of the field at a position; null where it is empty.
    split
        SQL condition for lines that have fields at all; constants hold for no others.
    """
    expressions = {
        column: _first_filled([field(position) for position in positions])
        for column, positions in recognised.columns.items()
    }
    if recognised.time:
        date = str(date_column_of(recognised.table))
        expressions[date] = _with_time(
            expressions[date], _first_filled([field(position) for position in recognised.time])
        )
    if recognised.other:
        fields = [field(position) for position in recognised.other]
        joined = f", chr({ord(FIELD_SEPARATOR)}), ".join(fields)
        # what stands on the first line of an order alone leaves most lines without any
        expressions[OTHER_COLUMN] = f"case when coalesce({', '.join(fields)}) is not null then concat({joined}) end"
    for column, value in recognised.constants.items():
        literal = "'" + value.replace("'", "''") + "'"
        expressions[column] = literal if split == "true" else f"case when {split} then {literal} end"
    return expressions


def filled_down(lines: str, shape: Sequence[str], recognised: Recognised) -> str:
    """Write the query in which blanks of some columns have the value of the line above.

    First the invoice takes it, then the other columns within one run of lines of the same
    invoice; a file without invoices is one run. A line that could not be split may have
    been the first of another invoice, so below it a blank invoice stays blank. Sheets
    don't fill one another.

    Parameters
    ----------
    lines
        Query for lines of the common shape, of any number of files.
    shape
        Their columns.
    """
    order = recognised.order_column
    fills_invoice = order in recognised.fill_down
    others = [column for column in recognised.fill_down if column != order]
    has_invoice = order in recognised.columns or order in recognised.constants
    invoice = _non_blank(order)
    if fills_invoice:
        invoice = (
            f"case when problem is null then last_value({invoice} ignore nulls) "
            "over (partition by file_id, sheet, damaged_above order by ordinal) end"
        )
    same_run = "trim(filled_invoice) is not distinct from trim(lag(filled_invoice) over above)"
    passed_on = {
        column: f"case when problem is null{' and filled_invoice is not null' if has_invoice else ''} "
        f"then last_value({_non_blank(column)} ignore nulls) over (partition by file_id, sheet, problem is null, run "
        f"order by ordinal) end"
        for column in others
    }
    selected = []
    for column in shape:
        if column == order and fills_invoice:
            selected.append(f"coalesce(filled_invoice, {order}) as {order}")
        elif column in passed_on:
            selected.append(f"coalesce({_non_blank(column)}, {passed_on[column]}, {column}) as {column}")
        else:
            selected.append(column)
    return f"""
        with marked as (
            select
                *,
                count(*) filter (where problem is not null) over (
                    partition by file_id, sheet order by ordinal rows unbounded preceding
                ) as damaged_above
            from ({lines})
        ),

        named as (
            select *, {invoice} as filled_invoice from marked
        ),

        bounded as (
            select *, if({same_run if has_invoice else "true"}, 0, 1) as starts_run
            from named
            window above as (partition by file_id, sheet, problem is null order by ordinal)
        ),

        numbered as (
            select
                *,
                sum(starts_run) over (
                    partition by file_id, sheet, problem is null order by ordinal rows unbounded preceding
                ) as run
            from bounded
        )

        select {", ".join(selected)} from numbered
    """


def _non_blank(text: str) -> str:
    return f"case when trim({text}, {_BLANKS}) != '' then {text} end"


def _first_filled(fields: Sequence[str]) -> str:
    if len(fields) == 1:
        return fields[0]
    return f"coalesce({', '.join(_non_blank(text) for text in fields[:-1])}, {fields[-1]})"


def _with_time(date: str, time: str) -> str:
    """Join a date and a clock time with one blank; a native cell brings a midnight, or a day zero, of its own."""
    clock = f"regexp_replace(trim({time}, {_BLANKS}), '^(1899-12-3[01]|1900-01-0[01]|1904-01-01)[ T]', '')"
    day = f"regexp_replace(trim({date}, {_BLANKS}), '[ T]00:00:00(\\.0+)?$', '')"
    return (
        f"case when {_non_blank(time)} is null then {date} when {_non_blank(date)} is not null "
        f"then {day} || ' ' || {clock} end"
    )
