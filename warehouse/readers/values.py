"""How a file writes dates and decimals, decided from all its values.

Belongs here: the known date styles, the evidence for each in a file, the choice, and
the parsed dates. Does not belong here: typing the other columns (staging does) and
judging whether a date makes sense.

One style holds for a whole file, never one per row: ``02/01/2011`` alone means
nothing, beside ``13/01/2011`` it means 2 January.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from warehouse.readers.errors import UnreadableFileError, first_line
from warehouse.readers.file_styles import FileHints, ValueStyles
from warehouse.readers.layouts import DATE_COLUMNS
from warehouse.readers.staging import Staging

__all__ = ["FileHints", "ValueStyles", "check_date_format", "decide_styles"]

# day, month and year in any order, then perhaps a time, AM or PM, and a UTC offset
_DATE_PATTERN = (
    r"^\s*(\d{1,4})([-/. ])(\d{1,2}|\p{L}{3,9}\.?)([-/. ])(\d{1,4})"
    r"(?:(?:\s+|[Tt]|,\s*)(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?"
    r"\s*([AaPp])?\.?(?:[Mm]\.?)?\s*([Zz]|UTC|[+-]\d{2}:?\d{2})?)?\s*$"
)
_COMPACT_PATTERN = r"^\s*(\d{4})(\d{2})(\d{2})(?:[ T]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?\s*$"
_ISO_DATE_IN_NAME = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")


@dataclass(frozen=True)
class DateStyle:
    """One way to write dates: the shape it has, and which reading of that shape it is."""

    name: str
    shape: str
    reading: str
    """Column of the readings table: ``only``, ``month_first`` or ``day_first``."""


# In the order in which a tie is broken: what can be read one way only comes first, and
# month first comes before day first with slashes, as spreadsheets write them.
DATE_STYLES = (
    DateStyle("year-month-day", "year_first", "only"),
    DateStyle("yearmonthday", "compact", "only"),
    DateStyle("day-Mon-year", "named_month", "only"),
    DateStyle("month/day/year", "slash", "month_first"),
    DateStyle("day/month/year", "slash", "day_first"),
    DateStyle("day.month.year", "dot", "day_first"),
    DateStyle("day-month-year", "dash", "day_first"),
    DateStyle("month-day-year", "dash", "month_first"),
)


@dataclass(frozen=True)
class _Count:
    """How one reading of one shape fares in one file."""

    style: DateStyle
    lines: int
    first_date: date
    last_date: date

    @property
    def span_days(self) -> int:
        return (self.last_date - self.first_date).days


def decide_styles(staging: Staging, files: Mapping[int, FileHints], dates_table: str) -> dict[int, ValueStyles]:
    """Decide date style and decimal mark of each file, and read its dates.

    Creates the temporary table ``dates_table`` (``file_id, text, read_at``): one row for
    each distinct date text of a file, to be joined on file and text.

    Parameters
    ----------
    files
        Hints by ``file_id``, for files of a kind that has dates; only transactions have prices.
    """
    styles = {file_id: ValueStyles() for file_id in files}
    _decide_decimal_marks(staging, files, styles)
    _read_dates(staging, files, styles, dates_table)
    return styles


def _decide_decimal_marks(staging: Staging, files: Mapping[int, FileHints], styles: dict[int, ValueStyles]) -> None:
    lines = staging.lines("transactions")
    found = staging.con.execute(
        rf"""
        with numbers as (
            select file_id, unit_price as text, count(*) as lines
            from ({lines}) where unit_price is not null group by file_id, unit_price
            union all
            select file_id, quantity, count(*)
            from ({lines}) where contains(quantity, ',') or contains(quantity, '.') group by file_id, quantity
        ),

        bare as (
            select file_id, lines, regexp_replace(text, '[^0-9.,]', '', 'g') as text from numbers
        )

        select
            file_id,
            -- the last mark of two is the decimal one; a mark before exactly three digits may group thousands
            sum(lines) filter (where regexp_matches(text, '^[0-9.]*,(\d{{0,2}}|\d{{4,}})$')
                or regexp_matches(text, '\..*,\d*$')) as comma_lines,
            sum(lines) filter (where regexp_matches(text, '^[0-9,]*\.(\d{{0,2}}|\d{{4,}})$')
                or regexp_matches(text, ',.*\.\d*$')) as point_lines,
            sum(lines) filter (where regexp_matches(text, '^\d{{1,3}},\d{{3}}$')) as open_comma_lines,
            min(text) filter (where regexp_matches(text, '^\d{{1,3}},\d{{3}}$')) as open_comma_example
        from bare
        group by file_id
        """
    ).fetchall()
    for file_id, comma, point, open_comma, example in found:
        style, hints = styles[file_id], files[file_id]
        comma, point = comma or 0, point or 0
        if hints.decimal_mark is not None:
            style.decimal_mark = hints.decimal_mark
        elif comma != point:
            style.decimal_mark = "," if comma > point else "."
        elif open_comma and hints.delimiter == ";":
            style.decimal_mark = ","
            style.notes.append(f"numbers such as {example} were read with a decimal comma, as ';' separates fields")
        if comma and point and hints.decimal_mark is None:
            style.notes.append(
                f"decimal marks are mixed: {comma:,} numbers have a comma, {point:,} a point; "
                f"'{style.decimal_mark}' was taken for the whole file"
            )


def _read_dates(
    staging: Staging, files: Mapping[int, FileHints], styles: dict[int, ValueStyles], dates_table: str
) -> None:
    con = staging.con
    readings = staging.new_name()
    con.execute(_readings_sql(readings, _date_texts(staging, files)))
    staging.keep_track("table", readings)
    counts, totals = _count_readings(con, readings)
    chosen: dict[int, DateStyle] = {}
    for file_id, lines in totals.items():
        hints, style = files[file_id], styles[file_id]
        if hints.date_format is not None:
            style.date_style = hints.date_format
            style.date_style_evidence = "set under landing.sources"
            continue
        best = _choose(counts.get(file_id, []), lines, hints, style)
        if best is not None:
            chosen[file_id] = best
            style.date_style = best.name
    con.execute(f"create temp table {dates_table} (file_id integer, text varchar, read_at timestamp)")
    staging.keep_track("table", dates_table)
    _write_chosen(con, readings, dates_table, chosen)
    for file_id, hints in files.items():
        if hints.date_format is not None and file_id in totals:
            _write_by_format(con, readings, dates_table, file_id, hints.date_format)
    _note_results(con, readings, dates_table, styles)


def _date_texts(staging: Staging, files: Mapping[int, FileHints]) -> str:
    """All date texts as delivered, ``file_id, text``, of the kinds that the files have."""
    kinds = {hints.kind for hints in files.values()} or {"transactions"}
    return " union all ".join(
        f"select file_id, {column} as text from ({staging.lines(kind)}) where {column} is not null"
        for kind, column in DATE_COLUMNS.items()
        if kind in kinds
    )


def _readings_sql(table: str, dates: str) -> str:
    """Each distinct date text of each file, in every way it can be read."""
    return rf"""
        create temp table {table} as
        with

        texts as (
            select file_id, text, count(*) as lines from ({dates}) group by file_id, text
        ),

        split as (
            select
                file_id,
                text,
                lines,
                regexp_extract(text, '{_DATE_PATTERN}',
                    ['a', 'mark', 'b', 'mark2', 'c', 'hour', 'minute', 'second', 'fraction', 'half', 'zone']) as p,
                regexp_extract(text, '{_COMPACT_PATTERN}', ['y', 'm', 'd', 'hour', 'minute', 'second']) as k
            from texts
        ),

        shaped as (
            select
                *,
                case
                    when k.y != '' then 'compact'
                    when p.a = '' or p.mark != p.mark2 then null
                    when length(p.a) = 4 and regexp_matches(p.b, '^\d+$') and length(p.c) <= 2 then 'year_first'
                    when length(p.a) > 2 or length(p.c) not in (2, 4) then null
                    when not regexp_matches(p.b, '^\d+$') then 'named_month'
                    when p.mark = '/' then 'slash'
                    when p.mark = '.' then 'dot'
                    when p.mark = '-' then 'dash'
                end as shape,
                -- 2-digit years as strptime has it: 69 to 99 are the last century
                case
                    when length(p.c) = 4 then p.c
                    when try_cast(p.c as integer) >= 69 then '19' || p.c
                    else '20' || p.c
                end as year,
                list_position(
                    ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
                    lower(left(p.b, 3))
                )::varchar as named_month,
                case
                    when p.hour = '' then '00:00:00'
                    when p.half = '' then p.hour || ':' || p.minute || ':' || if(p.second = '', '00', p.second)
                    when try_cast(p.hour as integer) not between 1 and 12 then null
                    else (try_cast(p.hour as integer) % 12 + if(lower(p.half) = 'p', 12, 0)) || ':' || p.minute || ':'
                        || if(p.second = '', '00', p.second)
                end || if(p.fraction = '', '', '.' || left(p.fraction, 6)) as clock
            from split
        )

        select
            file_id,
            text,
            lines,
            shape,
            p.zone != '' as has_zone,
            case shape
                when 'year_first' then try_cast(p.a || '-' || p.b || '-' || p.c || ' ' || clock as timestamp)
                when 'named_month' then try_cast(year || '-' || named_month || '-' || p.a || ' ' || clock as timestamp)
                when 'compact' then try_cast(k.y || '-' || k.m || '-' || k.d || ' '
                    || if(k.hour = '', '00', k.hour) || ':' || if(k.minute = '', '00', k.minute) || ':'
                    || if(k.second = '', '00', k.second) as timestamp)
            end as only_at,
            case when shape in ('slash', 'dash')
                then try_cast(year || '-' || p.a || '-' || p.b || ' ' || clock as timestamp) end as month_first_at,
            case when shape in ('slash', 'dash', 'dot')
                then try_cast(year || '-' || p.b || '-' || p.a || ' ' || clock as timestamp) end as day_first_at
        from shaped
    """


def _count_readings(con: duckdb.DuckDBPyConnection, readings: str) -> tuple[dict[int, list[_Count]], dict[int, int]]:
    """How each style fares in each file, and how many dates a file has."""
    rows = con.execute(
        f"""
        select file_id, shape, reading, sum(lines), min(read_at)::date, max(read_at)::date
        from (
            select file_id, shape, lines, 'only' as reading, only_at as read_at from {readings}
            union all
            select file_id, shape, lines, 'month_first', month_first_at from {readings}
            union all
            select file_id, shape, lines, 'day_first', day_first_at from {readings}
        )
        where read_at is not null
        group by file_id, shape, reading
        """
    ).fetchall()
    by_key = {(style.shape, style.reading): style for style in DATE_STYLES}
    counts: dict[int, list[_Count]] = {}
    for file_id, shape, reading, lines, first, last in rows:
        counts.setdefault(file_id, []).append(_Count(by_key[shape, reading], int(lines), first, last))
    for found in counts.values():
        found.sort(key=lambda count: (-count.lines, DATE_STYLES.index(count.style)))
    totals = con.execute(f"select file_id, sum(lines) from {readings} group by file_id").fetchall()
    return counts, {file_id: int(lines) for file_id, lines in totals}


def _choose(counts: list[_Count], total: int, hints: FileHints, style: ValueStyles) -> DateStyle | None:
    """Pick the style that reads most values; say on what evidence.

    Ties between month first and day first go to the reading that spans fewer days,
    then to the one that holds a date in the file's name, then to month first with
    slashes and day first with dashes. The first two hold for sales, which lie close
    together and near the day of their file; expiries do neither.
    """
    if not counts:
        return None
    best = counts[0]
    share = f"{best.style.name} reads {best.lines:,} of {total:,} dates"
    rival = next((c for c in counts[1:] if c.style.shape == best.style.shape), None)
    if rival is None:
        style.date_style_evidence = share
        return best.style
    if rival.lines < best.lines:
        style.date_style_evidence = f"{share}, {rival.style.name} {rival.lines:,}"
        return best.style
    if (rival.first_date, rival.last_date) == (best.first_date, best.last_date) and best.span_days == 0:
        style.date_style_evidence = f"{share}; {rival.style.name} gives the same date"
        return best.style
    is_sold_then = hints.kind == "transactions"
    if is_sold_then and rival.span_days != best.span_days:
        best, rival = sorted((best, rival), key=lambda count: count.span_days)
        style.date_style_evidence = (
            f"both orders read {best.lines:,} of {total:,} dates; {best.style.name} keeps them within "
            f"{best.span_days + 1:,} days, {rival.style.name} spreads them over {rival.span_days + 1:,}"
        )
        return best.style
    named = _dates_in_name(hints.name) if is_sold_then else []
    fits = [c for c in (best, rival) if any(c.first_date <= day <= c.last_date for day in named)]
    if len(fits) == 1:
        style.date_style_evidence = f"both orders fit; the file's name holds a date that {fits[0].style.name} gives"
        return fits[0].style
    style.date_style_evidence = f"assumed: {best.style.name} and {rival.style.name} both fit"
    style.notes.append(
        f"dates were read as {best.style.name}, and {rival.style.name} fits as well ({best.first_date} or "
        f"{rival.first_date}); set date_format under [[landing.sources]] to be sure"
    )
    return best.style


def _dates_in_name(file_name: str) -> list[date]:
    days = []
    for year, month, day in _ISO_DATE_IN_NAME.findall(file_name):
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            # digits that are no date
            continue
    return days


def _write_chosen(
    con: duckdb.DuckDBPyConnection, readings: str, dates_table: str, chosen: Mapping[int, DateStyle]
) -> None:
    # A date that begins with its year reads one way only, so it is taken beside any style:
    # a workbook mixes native cells with text.
    con.execute(
        f"""
        insert into {dates_table}
        select r.file_id, r.text, coalesce(
            case when r.shape = c.shape then
                case c.reading when 'only' then r.only_at when 'month_first' then r.month_first_at
                    else r.day_first_at end
            end,
            case when r.shape = 'year_first' then r.only_at end
        )
        from {readings} as r
        join (select unnest($ids)::integer as file_id, unnest($shapes) as shape, unnest($readings) as reading) as c
            using (file_id)
        """,
        {
            "ids": list(chosen),
            "shapes": [style.shape for style in chosen.values()],
            "readings": [style.reading for style in chosen.values()],
        },
    )


def _write_by_format(
    con: duckdb.DuckDBPyConnection, readings: str, dates_table: str, file_id: int, date_format: str
) -> None:
    con.execute(
        f"insert into {dates_table} select file_id, text, try_strptime(trim(text), $format) from {readings} "
        "where file_id = $file_id",
        {"format": date_format, "file_id": file_id},
    )


def check_date_format(con: duckdb.DuckDBPyConnection, date_format: str, mapping_name: str) -> None:
    """Refuse a format of the settings that DuckDB can't use.

    Raises
    ------
    UnreadableFileError
        Naming the mapping and what is wrong with the format.
    """
    try:
        con.execute("select try_strptime('2010-12-01', $format)", {"format": date_format})
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"landing.sources {mapping_name!r} has date_format {date_format!r}, which is no strptime format "
            f"({first_line(error)})"
        ) from error


def _note_results(
    con: duckdb.DuckDBPyConnection, readings: str, dates_table: str, styles: dict[int, ValueStyles]
) -> None:
    rows = con.execute(
        f"""
        select
            r.file_id,
            min(d.read_at),
            max(d.read_at),
            sum(r.lines) filter (where d.read_at is null),
            min(r.text) filter (where d.read_at is null),
            sum(r.lines) filter (where r.has_zone and d.read_at is not null)
        from {readings} as r left join {dates_table} as d using (file_id, text)
        group by r.file_id
        """
    ).fetchall()
    for file_id, first, last, unread, example, zoned in rows:
        style = styles[file_id]
        style.first_at, style.last_at = first, last
        if unread:
            as_style = f" as {style.date_style}" if style.date_style else ""
            style.notes.append(f"{int(unread):,} dates would not read{as_style}, for example '{example[:40]}'")
        if zoned:
            style.notes.append(f"{int(zoned):,} times carry a UTC offset; the clock time was taken as written")
