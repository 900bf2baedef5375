r"""Times with a UTC offset on the shop's clock.

Belongs here: what an offset is worth, and moving times from their own clock to the
shop's. Does not belong here: finding the offset in a text
(see :mod:`warehouse.readers.date_texts`).

A shop's day is a day by its own clock: an order of 21:30 in Mexico City that a platform
exports as ``2024-09-11T03:30:00Z`` was bought on 10 September.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from warehouse.readers.file_styles import FileHints, ValueStyles

NAMED_OFFSETS = {
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
    "MEZ": 1,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
}
"""Hours east of Greenwich by what tills call their zone; CST is North America's."""
_SHOWN = 3
_FURTHEST_HOURS = 14
"""The largest offset in use, on the Line Islands; what claims more is no offset."""


def is_converted(hints: FileHints) -> bool:
    """Whether times with an offset of this file move to the shop's clock."""
    return hints.timezone is not None and hints.clock != "as_written"


def offset_minutes_sql(zone: str) -> str:
    """Write SQL for the minutes east of Greenwich of an offset such as ``Z``, ``+05:30``, ``GMT-3`` or ``EST``.

    NULL where the offset is further than any in use.
    """
    bare = f"regexp_replace(upper({zone}), '^(UTC|GMT|Z)', '')"
    split = (
        rf"regexp_extract({bare}, '^([+-])(\d{{1,2}}?)(?::?(\d{{2}}))?(?::?\d{{2}})?$', ['sign', 'hours', 'minutes'])"
    )
    named = " ".join(f"when '{name}' then {60 * hours}" for name, hours in NAMED_OFFSETS.items())
    return (
        f"case upper({zone}) {named} else "
        f"case when {bare} = '' then 0 else (select if(o.sign = '-', -1, 1) * (try_cast(o.hours as integer) * 60 "
        f"+ if(o.minutes = '', 0, try_cast(o.minutes as integer))) from (select {split} as o) "
        f"where try_cast(o.hours as integer) <= {_FURTHEST_HOURS}) end end"
    )


def convert_offsets(con: duckdb.DuckDBPyConnection, readings: str, files: Mapping[int, FileHints]) -> None:
    """Move the readings with an offset to the shop's clock, in place.

    ``readings`` is a table of :func:`~warehouse.readers.date_texts.readings_sql`. A reading
    whose offset can't be becomes NULL. Files whose clock is taken as written stay as they are.
    """
    zones = {file_id: hints.timezone for file_id, hints in files.items() if is_converted(hints)}
    (found,) = con.execute(f"select count(*) from {readings} where zone is not null").fetchall()
    if not found[0] or not zones:
        return
    moved = ", ".join(
        f"{column} = timezone(shop.name, timezone('UTC', {column} - to_minutes(offsets.minutes)))"
        for column in ("only_at", "month_first_at", "day_first_at")
    )
    con.execute(
        f"""
        update {readings} as r set {moved}
        from
            (select unnest($files)::integer as file_id, unnest($zones) as name) as shop,
            (select zone, {offset_minutes_sql("zone")} as minutes
             from (select distinct zone from {readings} where zone is not null)) as offsets
        where r.file_id = shop.file_id and r.zone = offsets.zone
        """,
        {"files": list(zones), "zones": list(zones.values())},
    )


def note_offsets(style: ValueStyles, hints: FileHints, zones: Sequence[str], lines: int, dates: int) -> None:
    """Say what became of the offsets of a file.

    Parameters
    ----------
    zones
        The distinct offsets, as written.
    lines, dates
        Lines with an offset, and lines whose date was read.
    """
    shown = ", ".join(sorted(zones)[:_SHOWN]) + (" and others" if len(zones) > _SHOWN else "")
    found = f"{lines:,} times carry a UTC offset ({shown})"
    if is_converted(hints):
        style.notes.append(f"{found} and were converted to the shop's clock ({hints.timezone})")
        style.clock = f"UTC offset, converted to {hints.timezone}"
    else:
        style.notes.append(f"{found}; the clock time was taken as written")
        style.clock = "UTC offset, as written"
    if lines < dates:
        style.clock += f" ({lines:,} of {dates:,} times; the others as written)"
