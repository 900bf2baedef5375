"""Dates of three pairs of digits whose year comes first: ``24-03-05``.

Belongs here: telling them from dates whose day comes first, and reading them so. Does not belong here: the order of
day and month (:mod:`warehouse.readers.date_order`).

Read with the day first, ``24-03-05`` is the 24th of March 2005, and a week of March 2024 is the 24th of March in seven
years: every date reads, and nothing looks odd but the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from warehouse.readers.date_order import CLOSE_DAYS, FAR_DAYS
from warehouse.readers.file_styles import FileHints

SHAPE = "short_year_first"

_DAYS_ENOUGH = 8
"""So many different days, all in what would be one day of the month of as many years, are no sales of one day."""
_FIRST_YEAR = 13
"""Pairs below may be months as well."""


def read_short_years_first(con: duckdb.DuckDBPyConnection, readings: str, files: Mapping[int, FileHints]) -> None:
    """Give such dates the shape :data:`SHAPE` and their one reading, where a source as a whole shows it.

    Its first pairs are the years of one delivery, and its last ones many days; or one file of it ends just before it
    came, while with the day first it lies far off.

    Parameters
    ----------
    readings
        The table of :func:`warehouse.readers.date_texts.readings_sql`.
    """
    # whoever says that the day or the month comes first says that the year does not
    files = {file_id: hints for file_id, hints in files.items() if hints.date_order is None}
    looks_so = rf"""
        shape in ('slash', 'dash', 'dot')
        and month_first_at is null
        and day(day_first_at) >= {_FIRST_YEAR}
        and regexp_matches(text, '^\s*\d\d[-/.]\d\d[-/.]\d\d(\D|$)')
    """
    (found,) = con.execute(f"select count(*) from {readings} where {looks_so}").fetchall()
    if not found[0] or not files:
        return
    con.execute(
        f"""
        with pairs as (
            select
                file_id,
                text,
                day(day_first_at) as short_year,
                year(day_first_at) % 100 as short_day,
                try(make_date(2000 + day(day_first_at), month(day_first_at), year(day_first_at) % 100)) as read_on,
                day_first_at::date as day_first_on
            from {readings}
            where {looks_so}
        ),

        limits as (
            select
                unnest($ids)::integer as file_id,
                unnest($sources) as source,
                unnest($loaded)::timestamp::date as loaded_on,
                unnest($written)::timestamp::date as written_on
        ),

        by_file as (
            select
                limits.source,
                file_id,
                count(read_on) = count(*)
                and coalesce(max(read_on) <= any_value(loaded_on) + 1, true) as is_possible,
                coalesce(
                    any_value(written_on) - max(read_on) between -1 and {CLOSE_DAYS}
                    and abs(any_value(written_on) - max(day_first_on)) > {FAR_DAYS}, false
                ) as is_close
            from pairs
            inner join limits using (file_id)
            group by limits.source, file_id
        ),

        -- what has its day or month first anywhere has so everywhere
        others as (
            select distinct limits.source
            from {readings} as r
            inner join limits using (file_id)
            where r.shape in ('slash', 'dash', 'dot') and (r.file_id, r.text) not in (select (file_id, text) from pairs)
        ),

        by_source as (
            select limits.source
            from pairs
            inner join limits using (file_id)
            inner join by_file using (file_id)
            group by limits.source
            having
                bool_and(is_possible)
                and max(short_year) - min(short_year) <= 1
                and (count(distinct short_day) >= {_DAYS_ENOUGH} or bool_or(is_close))
        )

        update {readings} as r
        set
            shape = '{SHAPE}',
            only_at = pairs.read_on + r.day_first_at::time,
            day_first_at = null
        from pairs
        inner join limits using (file_id)
        where
            r.file_id = pairs.file_id
            and r.text = pairs.text
            and limits.source in (select source from by_source)
            and limits.source not in (select source from others)
        """,
        {
            "ids": list(files),
            "sources": [hints.source for hints in files.values()],
            "loaded": [hints.loaded_at for hints in files.values()],
            "written": [hints.delivered_at for hints in files.values()],
        },
    )
