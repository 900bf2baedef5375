"""The two acts: publishing a new snapshot, and rolling back to a kept one.

Belongs here: their order of steps, and making up for what a crash left undone. Does not belong
here: the steps.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from warehouse.database import open_warehouse
from warehouse.errors import PublishError, RegularsError
from warehouse.home import Home
from warehouse.publishing.building import build_snapshot
from warehouse.publishing.files import partial_file, swap_in, sweep_partials
from warehouse.publishing.parquet import settle_parquet, show_parquet, write_parquet
from warehouse.publishing.record import (
    PUBLICATIONS_DDL,
    PUBLISHED,
    ROLLED_BACK,
    Publication,
    as_utc,
    merged,
    read_record,
    select_record,
    write_publications,
)
from warehouse.publishing.snapshots import (
    KEPT_SNAPSHOTS,
    checksum,
    choose_snapshot,
    keep_snapshot,
    kept_checksum,
    list_snapshots,
    relative_name,
    shown_id,
    snapshot_files,
    sweep_snapshots,
    told_available,
)
from warehouse.publishing.sql import first_line, literal, quoted, scratch_connection
from warehouse.stopped import forget_stopped

log = logging.getLogger(__name__)


def publish(
    home: Home,
    *,
    data_version: str,
    settings_fingerprint: str,
    code_fingerprint: str,
    as_of_date: date | str | None,
    is_sample: bool,
    landing: Path | str,
    published_at: datetime,
    keep: int = KEPT_SNAPSHOTS,
    about: Mapping[str, str] | None = None,
    known: Collection[str] | None = None,
    parquet: bool = False,
) -> Publication:
    """Put the private warehouse's tables in place for readers, whole or not at all.

    Every table and view of :data:`PUBLISHED_SCHEMAS` becomes a table of a new file, with
    not-null, check, unique and primary key constraints and comments. A view is copied as
    its rows, because what it reads may not be in the snapshot; foreign keys and defaults
    are left out, because nobody writes there. The file is verified, then swapped in.

    Parameters
    ----------
    data_version, settings_fingerprint, code_fingerprint, as_of_date, is_sample, landing
        What the tables were made from and with, kept in ``quality.publications``.
    published_at
        The moment to record. A time zone is converted to UTC; without one it is UTC.
    keep
        How many snapshots to keep, the new one included; at least 1.
    about
        More to tell readers in the snapshot's ``quality.about`` (name to value), such as
        the currency; the sample flag and the versions are there already.
    known
        Full names, such as ``marts.dim_dates``, of the tables that are still made. Others are what an
        earlier release or a model that was tried left behind; nobody keeps them up, so readers don't get
        them. All tables by default.
    parquet
        Whether Parquet copies go beside the snapshot, for tools that can't open it. Without, there are none.

    Raises
    ------
    PublishError
        If there is nothing to publish, or the snapshot can't be built, does not hold what
        it should, or can't be put in place. Readers then still see the snapshot before.
    WarehouseBusyError
        If another process holds the private warehouse.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}; the new snapshot itself has to be kept")
    if not home.warehouse.exists():
        raise PublishError(f"There is nothing to publish: {home.warehouse} does not exist. Run a refresh first.")
    record = _settle_record(home)
    number = _next_id(home, record)
    asked = Publication(
        publication_id=number,
        published_at=as_utc(published_at),
        action=PUBLISHED,
        snapshot_file=relative_name(number),
        data_version=data_version,
        settings_fingerprint=settings_fingerprint,
        code_fingerprint=code_fingerprint,
        as_of_date=date.fromisoformat(as_of_date) if isinstance(as_of_date, str) else as_of_date,
        snapshot_date=None,
        is_sample=is_sample,
        landing=str(landing),
        lines=None,
        customers=None,
        net_revenue=None,
    )
    with partial_file(home, number, failure=f"Snapshot {number} could not be published") as partial:
        publication = build_snapshot(home, partial, asked, record, about or {}, known)
        if parquet:
            write_parquet(home, partial, number)
        swap_in(home, partial)
    with _after_swap(number):
        show_parquet(home, number if parquet else None)
        forget_stopped(home)
        _record_in_warehouse(home, [*record, publication])
        keep_snapshot(home, number)
        sweep_snapshots(home, keep)
    return publication


def rollback(home: Home, *, at: datetime, to: int | None = None, parquet: bool = False) -> Publication:
    """Put an earlier snapshot back in place for readers; the private warehouse stays as it is.

    The kept file is compared with its checksum, copied, given the record of publications
    with this rollback in it, and swapped in as a new snapshot would be. Rolling back twice
    goes back two snapshots. The next refresh that has something new publishes over it.

    Parameters
    ----------
    at
        The moment to record. A time zone is converted to UTC; without one it is UTC.
    to
        ``publication_id`` of the snapshot to put back; by default the newest one before
        the snapshot that readers see now.
    parquet
        Whether Parquet copies of it go beside it.

    Returns
    -------
    Publication
        The row with action ``rolled_back``; versions and figures are the old snapshot's.

    Raises
    ------
    PublishError
        If there is no such snapshot or it is damaged; what is available is named.
    WarehouseBusyError
        If another process holds the private warehouse.
    """
    record = _settle_record(home)
    snapshots = list_snapshots(home)
    chosen = choose_snapshot(snapshots, to=to, shown=shown_id(home))
    if chosen.publication is None:
        raise PublishError(
            f"Snapshot {chosen.publication_id} could not be put back: {chosen.problem}. {told_available(snapshots)}"
        )
    number = _next_id(home, record)
    publication = replace(
        chosen.publication,
        publication_id=number,
        published_at=as_utc(at),
        action=ROLLED_BACK,
        snapshot_file=relative_name(chosen.publication_id),
    )
    rows = merged(record, [chosen.publication, publication])
    failure = f"Snapshot {chosen.publication_id} could not be put back"
    if checksum(chosen.path) != kept_checksum(chosen.path):
        raise PublishError(
            f"{failure}: {chosen.path} is damaged, its bytes are not those that were published. "
            f"{told_available(snapshots)}"
        )
    with partial_file(home, number, failure=failure) as partial:
        # a copy: the kept file is linked from elsewhere and must never change
        shutil.copyfile(chosen.path, partial)
        _rewrite_record(home, partial, rows)
        _read_through(home, partial)
        if parquet:
            write_parquet(home, partial, number)
        swap_in(home, partial)
    with _after_swap(number):
        show_parquet(home, number if parquet else None)
        _record_in_warehouse(home, rows)
    return publication


def _rewrite_record(home: Home, partial: Path, rows: Sequence[Publication]) -> None:
    with scratch_connection(home) as con:
        con.execute(f"attach {literal(partial)} as snapshot")
        con.execute("drop table if exists snapshot.quality.publications")
        write_publications(con, "snapshot", rows)
        con.execute("checkpoint snapshot")
        con.execute("detach snapshot")


def _read_through(home: Home, path: Path) -> None:
    """Read every value of every table: the copy that a rollback changed is verified by it.

    Raises
    ------
    duckdb.Error
        If any of it is damaged.
    """
    with scratch_connection(home) as con:
        con.execute(f"attach {literal(path)} as snapshot (read_only)")
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'snapshot'"
        ).fetchall()
        for schema, table in tables:
            con.execute(f"select bit_xor(hash(row_)) from snapshot.{quoted(schema)}.{quoted(table)} as row_").fetchall()


@contextmanager
def _after_swap(number: int) -> Iterator[None]:
    """Tell a failure of the bookkeeping from one of the publication, which has already happened."""
    try:
        yield
    except (duckdb.Error, OSError, RegularsError) as error:
        raise PublishError(
            f"Publication {number} is in place and readers see it, but keeping or recording it failed: "
            f"{first_line(error)}. The next refresh makes up for it."
        ) from error


def _settle_record(home: Home) -> list[Publication]:
    """Give the whole record, oldest first, after making up for whatever a crash left undone."""
    sweep_partials(home)
    record: list[Publication] = []
    if home.warehouse.exists():
        with open_warehouse(home.warehouse) as con:
            con.execute("create schema if not exists quality")
            con.execute(PUBLICATIONS_DDL.format(schema="quality"))
            record = select_record(con, "quality")
    if not home.published.exists():
        return record
    try:
        told = read_record(home.published)
    except duckdb.Error as error:
        log.warning("%s can't be read and will be replaced: %s", home.published, first_line(error))
        return record
    if missing := {row.publication_id for row in told} - {row.publication_id for row in record}:
        log.info("Record of publications %s taken over from %s", sorted(missing), home.published)
        record = merged(record, told)
        _record_in_warehouse(home, record)
    newest = told[-1] if told else None
    if newest:
        settle_parquet(home, newest.publication_id)
    if newest and newest.action == PUBLISHED and not (home.published.parent / newest.snapshot_file).exists():
        keep_snapshot(home, newest.publication_id)
    return record


def _record_in_warehouse(home: Home, record: Sequence[Publication]) -> None:
    """Bring the private warehouse's copy of the record up to date; without a warehouse there is none."""
    if home.warehouse.exists():
        with open_warehouse(home.warehouse) as con:
            con.execute("create schema if not exists quality")
            write_publications(con, "", record)


def _next_id(home: Home, record: Sequence[Publication]) -> int:
    return 1 + max([0, *(row.publication_id for row in record), *(number for number, _ in snapshot_files(home))])
