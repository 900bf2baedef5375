"""How each file of a load writes its dates, decided from all of them.

Belongs here: the known styles, the shape that a file's dates have, and the dates that
follow from the choice. Does not belong here: what a text can mean
(:mod:`warehouse.readers.date_texts`), the evidence between day first and month first
(:mod:`warehouse.readers.date_order`), and judging whether a date makes sense.

One style holds for a whole file, never one per row: ``02/01/2011`` alone means
nothing, beside ``13/01/2011`` it means 2 January.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from warehouse.readers.date_formats import write_by_format
from warehouse.readers.date_order import (
    Question,
    Reading,
    Verdict,
    guess,
    settle_alone,
    settle_by_nearness,
    settle_by_neighbours,
    settle_by_pool,
    settle_by_span,
    settle_single,
)
from warehouse.readers.date_texts import readings_sql
from warehouse.readers.file_styles import FileHints, ValueStyles
from warehouse.readers.layouts import Kind, date_column_of
from warehouse.readers.short_years import SHAPE as SHORT_YEAR_FIRST
from warehouse.readers.short_years import read_short_years_first
from warehouse.readers.staging import Staging
from warehouse.readers.swapped_days import SplitDates, judge_split
from warehouse.readers.utc_offsets import convert_offsets, note_offsets

_GRACE = timedelta(days=1)
"""A clock that runs ahead or a zone to the east dates a sale up to a day after its file."""


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
    DateStyle("yy-month-day", SHORT_YEAR_FIRST, "only"),
    DateStyle("yearmonthday", "compact", "only"),
    DateStyle("day-Mon-year", "day_named", "only"),
    DateStyle("Mon-day-year", "named_day", "only"),
    DateStyle("year-Mon-day", "year_named", "only"),
    DateStyle("excel serial", "serial", "only"),
    DateStyle("month/day/year", "slash", "month_first"),
    DateStyle("day/month/year", "slash", "day_first"),
    DateStyle("day.month.year", "dot", "day_first"),
    DateStyle("day-month-year", "dash", "day_first"),
    DateStyle("month-day-year", "dash", "month_first"),
)
_BY_KEY = {(style.shape, style.reading): style for style in DATE_STYLES}
_TWO_ORDERS = ("slash", "dash")
_NATIVE_SHAPES = ("year_first", "serial")
"""How native cells of a workbook arrive."""
_TEXT_SHAPES = ("slash", "dash", "dot")
"""Shapes whose order a spreadsheet program mistakes."""


@dataclass(frozen=True)
class _Shape:
    """The dates of one shape in one file: its readings, by name, and what sets them apart."""

    readings: dict[str, Reading]
    differing_lines: int
    late_day_lines: int
    """Of the reading ``only``: dates past the 12th of their month."""


@dataclass
class _File:
    """One file on its way to a decision."""

    file_id: int
    hints: FileHints
    total: int
    shapes: dict[str, _Shape]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """By shape, for the shapes with two readings."""
    has_swapped_cells: bool = False

    @property
    def main_shape(self) -> str | None:
        """The shape of most dates; of two alike the one whose style comes first."""
        best: tuple[int, int] | None = None
        found = None
        for shape, facts in self.shapes.items():
            for name, reading in facts.readings.items():
                rank = (-reading.lines, DATE_STYLES.index(_BY_KEY[shape, name]))
                if best is None or rank < best:
                    best, found = rank, shape
        return found

    def question(self, shape: str) -> Question | None:
        """What there is to decide about a shape: which of two orders, if there are two."""
        facts = self.shapes[shape]
        orders = [facts.readings[s.reading] for s in DATE_STYLES if s.shape == shape and s.reading in facts.readings]
        return Question(orders[0], orders[1], self.total, facts.differing_lines) if len(orders) == 2 else None


@dataclass(frozen=True)
class _Taken:
    """One shape of a file whose dates are read, and how."""

    file_id: int
    shape: str
    reading: str
    """Column of the readings table without ``_at``, or ``swapped``."""
    first_on: date | None = None
    last_on: date | None = None
    """Dates outside are not read; None does not bound."""


def decide_dates(
    staging: Staging, files: Mapping[int, FileHints], styles: Mapping[int, ValueStyles], dates_table: str
) -> None:
    """Set each file's date style, and create the table of its dates.

    ``dates_table`` has ``file_id, text, read_at``, one row for each distinct date text of a
    file that was decided; ``read_at`` is NULL where the text does not read.
    """
    con = staging.con
    readings = staging.new_name()
    con.execute(readings_sql(readings, _date_texts(staging, files)))
    staging.keep_track("table", readings)
    read_short_years_first(con, readings, files)
    convert_offsets(con, readings, files)
    con.execute(f"create temp table {dates_table} (file_id integer, text varchar, read_at timestamp)")
    staging.keep_track("table", dates_table)
    found = _gather(staging, readings, files)
    undecided: list[_File] = []
    for file in found:
        if file.hints.date_format is not None:
            write_by_format(con, readings, dates_table, file.file_id, file.hints)
            styles[file.file_id].date_style = file.hints.date_format
            styles[file.file_id].date_style_evidence = "set under landing.sources"
        else:
            undecided.append(file)
    _settle_orders(undecided)
    taken: list[_Taken] = []
    for file in undecided:
        taken += _conclude(staging, readings, file, styles[file.file_id])
    _write_taken(staging, readings, dates_table, taken)
    _note_results(staging, readings, dates_table, files, styles)


def _date_texts(staging: Staging, files: Mapping[int, FileHints]) -> str:
    """All date texts as delivered, ``file_id, text``, of the raw tables that the files go to."""
    raw_tables = {hints.raw_table for hints in files.values()} or {"transactions"}
    return " union all ".join(
        f"select file_id, {column} as text from ({staging.lines(raw_table)}) where {column} is not null"
        for raw_table in sorted(raw_tables)
        if (column := date_column_of(raw_table)) is not None
    )


def _gather(staging: Staging, readings: str, files: Mapping[int, FileHints]) -> list[_File]:
    """What the readings of each file come to."""

    def late_by(column: str) -> tuple[str, str]:
        return f"coalesce(month_first_at > {column}, false)", f"coalesce(day_first_at > {column}, false)"

    month_after_load, day_after_load = late_by("limits.loaded_by")
    month_after_writing, day_after_writing = late_by("limits.written_by")
    rows = staging.con.execute(
        f"""
        select
            r.file_id,
            shape,
            sum(lines),
            sum(lines) filter (where only_at is not null),
            min(only_at),
            max(only_at),
            sum(lines) filter (where day(only_at) > 12),
            sum(lines) filter (where month_first_at != day_first_at),
            sum(lines) filter (where month_first_at is not null),
            sum(lines) filter (where month_first_at is not null and day_first_at is null),
            min(month_first_at),
            max(month_first_at),
            sum(lines) filter (where {month_after_load} and not {day_after_load}),
            sum(lines) filter (where {month_after_writing}),
            sum(lines) filter (where day_first_at is not null),
            sum(lines) filter (where day_first_at is not null and month_first_at is null),
            min(day_first_at),
            max(day_first_at),
            sum(lines) filter (where {day_after_load} and not {month_after_load}),
            sum(lines) filter (where {day_after_writing})
        from {readings} as r
        join (
            select
                unnest($ids)::integer as file_id,
                unnest($loaded)::timestamp as loaded_by,
                unnest($written)::timestamp as written_by
        ) as limits using (file_id)
        group by r.file_id, shape
        order by r.file_id, shape
        """,
        {
            "ids": list(files),
            "loaded": [hints.loaded_at and hints.loaded_at + _GRACE for hints in files.values()],
            "written": [hints.delivered_at and hints.delivered_at + _GRACE for hints in files.values()],
        },
    ).fetchall()
    found: dict[int, _File] = {}
    for file_id, shape, lines, *facts in rows:
        file = found.setdefault(file_id, _File(file_id, files[file_id], 0, {}))
        file.total += int(lines)
        if shape is None:
            continue
        only, only_first, only_last, late_days, differing = facts[:5]
        by_name = {
            "only": (only, None, only_first, only_last, None, None),
            "month_first": facts[5:11],
            "day_first": facts[11:],
        }
        file.shapes[shape] = _Shape(
            {name: _reading(_BY_KEY[shape, name], values) for name, values in by_name.items() if values[0]},
            int(differing or 0),
            int(late_days or 0),
        )
    return list(found.values())


def _reading(style: DateStyle, values: Sequence[Any]) -> Reading:
    lines, alone, first_at, last_at, after_load, after_writing = values
    return Reading(
        style.name,
        style.reading,
        int(lines),
        int(alone or 0),
        first_at,
        last_at,
        int(after_load or 0),
        int(after_writing or 0),
    )


def _settle_orders(files: list[_File]) -> None:
    """Decide between day and month first for each shape that leaves it open, by ever weaker evidence."""
    open_questions: list[tuple[_File, str, Question]] = []
    for file in files:
        for shape in file.shapes:
            question = file.question(shape)
            if question is None:
                single = next(iter(file.shapes[shape].readings.values()), None)
                if single is not None and shape in _TWO_ORDERS:
                    file.verdicts[shape] = settle_single(single, file.total, file.hints)
                continue
            # beside other dates an order counts that is proved or set, a guess does not
            verdict = settle_alone(question, file.hints)
            if verdict is not None:
                file.verdicts[shape] = verdict
            elif shape == file.main_shape:
                open_questions.append((file, shape, question))
    proved = _count_proved(files)
    pools: dict[tuple[str, str], list[tuple[_File, str, Question]]] = defaultdict(list)
    for file, shape, question in open_questions:
        hints = file.hints
        known = proved[hints.kind, hints.source] + Counter(hints.known_styles.get(hints.source, {}))
        verdict = (
            settle_by_neighbours(question, hints, known)
            or settle_by_nearness(question, hints)
            or settle_by_span(question, hints)
        )
        if verdict is not None:
            file.verdicts[shape] = verdict
        else:
            pools[f"{hints.kind} {hints.source}", shape].append((file, shape, question))
    for pool in pools.values():
        verdicts = settle_by_pool([question for _, _, question in pool], pool[0][0].hints)
        for (file, shape, _), verdict in zip(pool, verdicts or [guess(q) for _, _, q in pool], strict=True):
            file.verdicts[shape] = verdict


def _count_proved(files: list[_File]) -> dict[tuple[Kind, str], Counter[str]]:
    """By kind and source: how many files have dates that only one order reads, by style."""
    found: dict[tuple[Kind, str], Counter[str]] = defaultdict(Counter)
    for file in files:
        for verdict in file.verdicts.values():
            if verdict.is_proved:
                found[file.hints.kind, file.hints.source][verdict.reading.style] += 1
    return found


def _conclude(staging: Staging, readings: str, file: _File, style: ValueStyles) -> list[_Taken]:
    """Set the style of one file, and say which of its shapes are read and how."""
    split = _find_split(staging, readings, file)
    if split is not None:
        judgement = judge_split(split)
        if judgement == "undecided":
            _refuse_split(split, style)
            return []
        if judgement == "swapped":
            return _mend_split(split, file, style)
    main = file.main_shape
    if main is None:
        return []
    for shape, verdict in file.verdicts.items():
        if shape == main or verdict.is_proved:
            style.notes.extend(verdict.notes)
            style.assumed_lines += verdict.assumed_lines
    if main in file.verdicts:
        style.date_style = file.verdicts[main].reading.style
        style.date_style_evidence = file.verdicts[main].evidence
    else:
        (reading,) = file.shapes[main].readings.values()
        style.date_style = reading.style
        style.date_style_evidence = f"{reading.style} reads {reading.lines:,} of {file.total:,} dates"
    return _take_shapes(file, main)


def _take_shapes(file: _File, main: str | None) -> list[_Taken]:
    """What is read of a file: its main shape, and whatever else reads one way only.

    A workbook mixes native cells with text. A number among texts may be anything, so it is a
    date only among the days of the others.
    """
    taken: dict[str, Reading] = {}
    for shape, facts in file.shapes.items():
        if shape in file.verdicts:
            taken[shape] = file.verdicts[shape].reading
        elif facts.readings and shape not in _TWO_ORDERS:
            (taken[shape],) = facts.readings.values()
    found = [_Taken(file.file_id, shape, reading.order) for shape, reading in taken.items() if shape != "serial"]
    if "serial" in taken:
        others = [reading for shape, reading in taken.items() if shape != "serial"]
        if main == "serial" or not others:
            found.append(_Taken(file.file_id, "serial", "only"))
        else:
            first = min(reading.first_at for reading in others).date()
            last = max(reading.last_at for reading in others).date()
            found.append(_Taken(file.file_id, "serial", "only", first, last))
    return found


def _find_split(staging: Staging, readings: str, file: _File) -> SplitDates | None:
    """The file's dates if they are split at the 12th between native cells and text."""
    natives = [file.shapes[shape] for shape in _NATIVE_SHAPES if shape in file.shapes and file.shapes[shape].readings]
    texts = [facts for shape, facts in file.shapes.items() if shape in _TEXT_SHAPES and facts.readings]
    if not natives or not texts or any(facts.late_day_lines for facts in natives):
        return None
    orders = {name for facts in texts for name in facts.readings}
    if len(orders) != 1 or any(r.alone_lines != r.lines for facts in texts for r in facts.readings.values()):
        return None
    (order,) = orders
    is_native = f"shape in {_NATIVE_SHAPES} and only_at is not null"
    is_text = f"shape in {_TEXT_SHAPES} and {order}_at is not null"
    swapped = "try(make_date(year(only_at), day(only_at), month(only_at)))"
    row = staging.con.execute(
        f"""
        select
            min({order}_at) filter (where {is_text}),
            max({order}_at) filter (where {is_text}),
            count(distinct {order}_at::date) filter (where {is_text}),
            min(only_at::date) filter (where {is_native}),
            max(only_at::date) filter (where {is_native}),
            count(distinct only_at::date) filter (where {is_native}),
            min({swapped}) filter (where {is_native}),
            max({swapped}) filter (where {is_native}),
            coalesce(sum(lines) filter (where {is_native} and day(only_at) != month(only_at)), 0)::bigint
        from {readings}
        where file_id = ?
        """,
        [file.file_id],
    ).fetchone()
    assert row is not None, "an aggregate gives one row"
    return SplitDates(*row)


def _refuse_split(split: SplitDates, style: ValueStyles) -> None:
    style.date_style_evidence = (
        f"not read: no date in a native cell lies past the 12th of its month ({split.native_first_on} to "
        f"{split.native_last_on}) and every date in text does ({split.text_first_at:%Y-%m-%d} to "
        f"{split.text_last_at:%Y-%m-%d}), so a spreadsheet program may have swapped day and month, and which of "
        "the two holds can't be told"
    )
    style.notes.append(
        f"dates {style.date_style_evidence}; deliver the file that the workbook was made from, or set the format of "
        "its date cells to text before the dates are pasted"
    )


def _mend_split(split: SplitDates, file: _File, style: ValueStyles) -> list[_Taken]:
    texts = max(
        (facts for shape, facts in file.shapes.items() if shape in _TEXT_SHAPES and facts.readings),
        key=lambda facts: max(reading.lines for reading in facts.readings.values()),
    )
    (reading,) = texts.readings.values()
    style.date_style = reading.style
    style.date_style_evidence = (
        f"{reading.style} reads {reading.lines:,} of {file.total:,} dates; {split.differing_lines:,} native cells had "
        "day and month swapped by a spreadsheet program"
    )
    style.notes.append(
        f"a spreadsheet program had swapped day and month of {split.differing_lines:,} dates (cells from "
        f"{split.native_first_on} to {split.native_last_on} beside texts from {split.text_first_at:%Y-%m-%d} to "
        f"{split.text_last_at:%Y-%m-%d}); they were swapped back"
    )
    return [
        _Taken(file.file_id, taken.shape, "swapped" if taken.shape in _NATIVE_SHAPES else taken.reading)
        for taken in _take_shapes(file, None)
    ]


def _write_taken(staging: Staging, readings: str, dates_table: str, taken: list[_Taken]) -> None:
    staging.con.execute(
        f"""
        insert into {dates_table}
        select
            r.file_id,
            r.text,
            case t.reading
                when 'month_first' then r.month_first_at
                when 'day_first' then r.day_first_at
                when 'swapped' then r.only_at
                    + to_days(try(make_date(year(r.only_at), day(r.only_at), month(r.only_at))) - r.only_at::date)
                when 'only' then case
                    when t.first_on is null or r.only_at::date between t.first_on and t.last_on then r.only_at
                end
            end
        from {readings} as r
        join (
            select
                unnest($ids)::integer as file_id,
                unnest($shapes) as shape,
                unnest($readings) as reading,
                unnest($firsts)::date as first_on,
                unnest($lasts)::date as last_on
        ) as t using (file_id, shape)
        """,
        {
            "ids": [t.file_id for t in taken],
            "shapes": [t.shape for t in taken],
            "readings": [t.reading for t in taken],
            "firsts": [t.first_on for t in taken],
            "lasts": [t.last_on for t in taken],
        },
    )


def _note_results(
    staging: Staging,
    readings: str,
    dates_table: str,
    files: Mapping[int, FileHints],
    styles: Mapping[int, ValueStyles],
) -> None:
    rows = staging.con.execute(
        f"""
        select
            r.file_id,
            min(d.read_at),
            max(d.read_at),
            sum(r.lines) filter (where d.read_at is not null),
            sum(r.lines) filter (where d.read_at is null),
            min(r.text) filter (where d.read_at is null),
            sum(r.lines) filter (where r.zone is not null and d.read_at is not null),
            list(distinct r.zone) filter (where r.zone is not null and d.read_at is not null)
        from {readings} as r left join {dates_table} as d using (file_id, text)
        group by r.file_id
        """
    ).fetchall()
    for file_id, first, last, read, unread, example, zoned, zones in rows:
        style = styles[file_id]
        style.first_at, style.last_at = first, last
        if unread:
            as_style = f" as {style.date_style}" if style.date_style else ""
            style.notes.append(f"{int(unread):,} dates would not read{as_style}, for example '{example[:40]}'")
        if zoned:
            note_offsets(style, files[file_id], zones, int(zoned), int(read))
