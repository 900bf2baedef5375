"""Files that were taken back: wrong ones that stopped a refresh and were then removed from landing.

Belongs here: the rule by which removing a file removes its lines, and the evidence for it.
Does not belong here: what a check demands, and what becomes of the lines
(:mod:`warehouse.ledger`).

The rule. Lines of files that left landing stay, so that landing can be tidied up. But a
file that no publication ever included, and that did harm, is taken back by removing it:

- none of its lines has a date that can be read, or
- the last refresh was stopped by a check that names it, or that names no file at all.

What readers have seen once never goes this way; and a good file that was loaded beside a
bad one and tidied up with it keeps its lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

_FILE_KEYS = ("file_name", "_file_name")


@dataclass(frozen=True)
class Candidate:
    """A delivery whose file is gone from landing while its content is in use.

    ``is_dated``: whether any of its lines has a date that was read; True where nothing of
    the kind is expected.
    """

    load_id: int
    file_name: str
    recorded_at: datetime
    is_dated: bool


@dataclass(frozen=True)
class _Stop:
    """What stopped the last refresh."""

    recorded_at: datetime
    messages_by_file: Mapping[str, str]
    unnamed_message: str | None


def find_withdrawn(con: duckdb.DuckDBPyConnection, candidates: Iterable[Candidate]) -> dict[int, str]:
    """Say which of the deliveries were taken back, and why, by ``load_id``.

    Works without the tables of checks and publications, which a new home does not have.
    """
    waiting = list(candidates)
    if not waiting:
        return {}
    published_at = _last_published_at(con)
    stop = _last_stop(con)
    found: dict[int, str] = {}
    for delivery in waiting:
        if published_at is not None and delivery.recorded_at < published_at:
            continue
        reason = None if delivery.is_dated else "none of its lines has a date that can be read"
        if stop is not None and stop.recorded_at > delivery.recorded_at:
            reason = stop.messages_by_file.get(delivery.file_name) or reason or stop.unnamed_message
        if reason is not None:
            found[delivery.load_id] = (
                f"{delivery.file_name}: it left landing before it was ever published, so its lines were taken out "
                f"again ({reason}); deliver it again if they count"
            )
    return found


def _last_published_at(con: duckdb.DuckDBPyConnection) -> datetime | None:
    if not _has_table(con, "publications"):
        return None
    rows = con.execute("select max(published_at) from quality.publications").fetchall()
    return rows[0][0] if rows else None


def _last_stop(con: duckdb.DuckDBPyConnection) -> _Stop | None:
    """The failures of the last run that was checked, if they stopped it."""
    if not _has_table(con, "validation_results"):
        return None
    rows = con.execute(
        """
        select recorded_at, examples, message
        from quality.validation_results
        where status = 'failed' and severity = 'error'
            and run_id = (select run_id from quality.validation_results order by recorded_at desc limit 1)
        order by recorded_at, check_name
        """
    ).fetchall()
    if not rows:
        return None
    by_file: dict[str, str] = {}
    unnamed: str | None = None
    for _, examples, message in rows:
        names = {str(example[key]) for example in json.loads(examples) for key in _FILE_KEYS if example.get(key)}
        for name in names:
            by_file.setdefault(name, message)
        if not names:
            unnamed = unnamed or message
    # a check that names files tells more than one that can't
    return _Stop(max(row[0] for row in rows), by_file, None if by_file else unnamed)


def _has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    rows = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = 'quality' "
        "and table_name = ?",
        [name],
    ).fetchall()
    return bool(rows)
