"""The record of publications: ``quality.publications``, in every snapshot and the private warehouse.

Belongs here: a row of it, reading and writing it, and what it tells of the newest publication.
Does not belong here: the snapshots' files (:mod:`warehouse.publishing.snapshots`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from warehouse.errors import PublishError
from warehouse.home import Home
from warehouse.publishing.comments import comment_as_documented
from warehouse.publishing.sql import first_line, literal, transaction
from warehouse.versions import RefreshVersion

PUBLISHED = "published"

ROLLED_BACK = "rolled_back"

SNAPSHOT_NAME = re.compile(r"regulars-(\d{6,})\.duckdb")

PUBLICATIONS_DDL = """
    create table if not exists {schema}.publications (
        publication_id integer not null primary key,
        published_at timestamp not null,
        action varchar not null check (action in ('published', 'rolled_back')),
        snapshot_file varchar not null,
        data_version varchar not null,
        settings_fingerprint varchar not null,
        code_fingerprint varchar not null,
        as_of_date date,
        snapshot_date date,
        is_sample boolean not null,
        landing varchar not null,
        lines bigint,
        customers bigint,
        net_revenue decimal(38, 4)
    )
"""


@dataclass(frozen=True)
class Publication:
    """One row of ``quality.publications``; each field is described by the column's comment."""

    publication_id: int
    published_at: datetime
    action: str
    snapshot_file: str
    data_version: str
    settings_fingerprint: str
    code_fingerprint: str
    as_of_date: date | None
    snapshot_date: date | None
    is_sample: bool
    landing: str
    lines: int | None
    customers: int | None
    net_revenue: Decimal | None

    @property
    def shown_id(self) -> int:
        """The publication that made the snapshot: its own id, or after a rollback an earlier one's."""
        found = SNAPSHOT_NAME.search(self.snapshot_file)
        return int(found[1]) if found else self.publication_id

    @property
    def version(self) -> RefreshVersion:
        """What the snapshot was made from."""
        return RefreshVersion(
            data_version=self.data_version,
            settings_fingerprint=self.settings_fingerprint,
            code_fingerprint=self.code_fingerprint,
            as_of_date=self.as_of_date.isoformat() if self.as_of_date else None,
        )


_COLUMNS = tuple(field.name for field in fields(Publication))


def current_publication(home: Home) -> Publication | None:
    """Give what readers see now, told by the published file itself; None before the first publication.

    Raises
    ------
    PublishError
        If the published file can't be read.
    """
    if not home.published.exists():
        return None
    with _told_if_unreadable(home):
        record = read_record(home.published)
    return record[-1] if record else None


def read_made(home: Home) -> tuple[datetime, datetime | None] | None:
    """When what readers see was made, and the newest delivery in it taken in, both UTC; None before the first.

    A rollback is newer than what it put back; it makes nothing.

    Raises
    ------
    PublishError
        If the published file can't be read.
    """
    if not home.published.exists():
        return None
    # probes and monitors ask all day long, also of a machine that is busy: one thread is there at once
    with _told_if_unreadable(home), closing(duckdb.connect(":memory:", config={"threads": 1})) as con:
        con.execute(f"attach {literal(home.published)} as snapshot (read_only)")
        record = select_record(con, "snapshot.quality")
        found = con.execute(
            "select max(recorded_at) from snapshot.quality.load_ledger where status = 'loaded'"
        ).fetchone()
    if not record:
        return None
    made = {row.publication_id: row.published_at for row in record}
    delivered_at = None if found is None or found[0] is None else found[0].replace(tzinfo=UTC)
    return made.get(record[-1].shown_id, record[-1].published_at).replace(tzinfo=UTC), delivered_at


@contextmanager
def _told_if_unreadable(home: Home) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise PublishError(
            f"{home.published} can't be read ({first_line(error)}). Refresh, or roll back to a kept snapshot."
        ) from error


def last_published_version(con: duckdb.DuckDBPyConnection) -> RefreshVersion | None:
    """Give what the newest publication was made from, as the private warehouse has it recorded.

    Rollbacks don't count: whoever took a snapshot back does not want to see it return
    with the next refresh that has nothing new.

    Parameters
    ----------
    con
        Open on the private warehouse.
    """
    there = con.execute(
        "select count(*) from duckdb_tables() where schema_name = 'quality' and table_name = 'publications'"
    ).fetchone()
    published = [row for row in select_record(con, "quality") if row.action == PUBLISHED] if there != (0,) else []
    return published[-1].version if published else None


def write_publications(con: duckdb.DuckDBPyConnection, database: str, record: Sequence[Publication]) -> None:
    """Add rows to the record; those that are there already stay. ``database`` is empty for the open one."""
    schema = f"{database}.quality" if database else "quality"
    places = ", ".join("?" * len(_COLUMNS))
    with transaction(con):
        con.execute(PUBLICATIONS_DDL.format(schema=schema))
        con.executemany(
            f"insert or ignore into {schema}.publications ({', '.join(_COLUMNS)}) values ({places})",
            [list(astuple(row)) for row in record],
        )
        comment_as_documented(con, f"{schema}.publications", "quality.publications", _COLUMNS)


def read_record(path: Path) -> list[Publication]:
    """Read what a snapshot says of itself and its predecessors, oldest first.

    Through a connection of its own: one that is shared with a reader in this process
    would still see the file that was there before a swap.

    Raises
    ------
    duckdb.Error
        If it is no DuckDB file, damaged, or no snapshot.
    """
    with closing(duckdb.connect(":memory:")) as con:
        return attached_record(con, path)


def attached_record(con: duckdb.DuckDBPyConnection, path: Path) -> list[Publication]:
    """As :func:`read_record`, through a given connection that no one else reads the file by.

    To open an empty database takes twice as long as to read a record.
    """
    con.execute(f"attach {literal(path)} as snapshot (read_only)")
    try:
        return select_record(con, "snapshot.quality")
    finally:
        con.execute("detach snapshot")


def select_record(con: duckdb.DuckDBPyConnection, schema: str) -> list[Publication]:
    """Read the record of an open database, oldest first."""
    rows = con.execute(f"select {', '.join(_COLUMNS)} from {schema}.publications order by publication_id").fetchall()
    return [Publication(*row) for row in rows]


def merged(record: Sequence[Publication], more: Sequence[Publication]) -> list[Publication]:
    """Give the rows of both, each once, oldest first."""
    rows = {row.publication_id: row for row in (*record, *more)}
    return [rows[number] for number in sorted(rows)]


def as_utc(moment: datetime) -> datetime:
    """Drop the time zone after converting to UTC, as the tables have it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
