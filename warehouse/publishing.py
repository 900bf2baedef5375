"""Write, audit, publish: how readers get a snapshot, and how an earlier one comes back.

Belongs here: building a snapshot file beside the published one, verifying it, the one
atomic rename, the record of publications, the last few snapshots and rollback. Does not
belong here: what is in the tables, whether the checks on them passed (nobody calls
:func:`publish` unless they did), and who may refresh (callers hold
:func:`warehouse.database.refresh_lock`).

What holds at every moment, through a crash or a full disk: ``published/regulars.duckdb``
is one whole snapshot. It is only ever replaced by ``os.replace``; a reader who has it
open keeps the file that it opened. A snapshot carries the whole record of publications,
its own row included, so the file says of itself what it is. The private warehouse's
``quality.publications`` is a copy of that record, written after the rename: a crash in
between loses nothing, because the next publication or rollback copies what is missing.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from warehouse.database import as_readable_error, open_warehouse
from warehouse.documentation import documented_tables
from warehouse.errors import PublishError, RegularsError
from warehouse.home import Home
from warehouse.measures import measures
from warehouse.versions import RefreshVersion

log = logging.getLogger(__name__)

PUBLISHED_SCHEMAS = ("marts", "ml", "reporting", "quality")
"""All that readers see. Raw, staging and intermediate are the pipeline's own."""

STORAGE_VERSION = "v1.2.0"
"""Clients from DuckDB 1.2 on can open what is written so; 2.0's own format needs 2.0."""

KEPT_SNAPSHOTS = 5

PUBLISHED = "published"
ROLLED_BACK = "rolled_back"

_SNAPSHOT_NAME = re.compile(r"regulars-(\d{6,})\.duckdb")
_PARTIAL_SUFFIX = ".partial"
_CHECKSUM_SUFFIX = ".sha256"

# Hard links are not to be had on some file systems, across mounts, or past a count.
_NO_HARD_LINK = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EXDEV, errno.EMLINK, errno.ENOSYS}

_PUBLICATIONS_DDL = """
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
        found = _SNAPSHOT_NAME.search(self.snapshot_file)
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


@dataclass(frozen=True)
class Snapshot:
    """A kept snapshot file, and what it says of itself."""

    publication_id: int
    path: Path
    size_bytes: int
    is_current: bool
    """Whether readers see this one now."""
    publication: Publication | None
    """None if the file can't be read; ``problem`` then says why."""
    problem: str | None


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
        published_at=_as_utc(published_at),
        action=PUBLISHED,
        snapshot_file=_relative_name(number),
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
    with _partial_file(home, number, failure=f"Snapshot {number} could not be published") as partial:
        publication = _build(home, partial, asked, record, about or {})
        _swap_in(home, partial)
    with _after_swap(number):
        _record_in_warehouse(home, [*record, publication])
        _keep_snapshot(home, number)
        _sweep_snapshots(home, keep)
    return publication


def rollback(home: Home, *, at: datetime, to: int | None = None) -> Publication:
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
    chosen = _choose_snapshot(snapshots, to=to, shown=_shown_id(home))
    if chosen.publication is None:
        raise PublishError(
            f"Snapshot {chosen.publication_id} could not be put back: {chosen.problem}. {_available(snapshots)}"
        )
    number = _next_id(home, record)
    publication = replace(
        chosen.publication,
        publication_id=number,
        published_at=_as_utc(at),
        action=ROLLED_BACK,
        snapshot_file=_relative_name(chosen.publication_id),
    )
    rows = _merge(record, [chosen.publication, publication])
    failure = f"Snapshot {chosen.publication_id} could not be put back"
    if _digest(chosen.path) != _digest_kept(chosen.path):
        raise PublishError(
            f"{failure}: {chosen.path} is damaged, its bytes are not those that were published. {_available(snapshots)}"
        )
    with _partial_file(home, number, failure=failure) as partial:
        # a copy: the kept file is linked from elsewhere and must never change
        shutil.copyfile(chosen.path, partial)
        _rewrite_record(home, partial, rows)
        _read_through(home, partial)
        _swap_in(home, partial)
    with _after_swap(number):
        _record_in_warehouse(home, rows)
    return publication


def list_snapshots(home: Home) -> list[Snapshot]:
    """Kept snapshots, oldest first; a damaged one is listed with its problem."""
    shown = _shown_id(home)
    found = []
    for number, path in _snapshot_files(home):
        publication, problem = None, None
        try:
            rows = {row.publication_id: row for row in _read_record(path)}
            publication = rows.get(number)
            if publication is None:
                problem = f"{path} does not name itself in quality.publications"
        except duckdb.Error as error:
            problem = f"{path} can't be read ({_first_line(error)})"
        found.append(
            Snapshot(
                publication_id=number,
                path=path,
                size_bytes=path.stat().st_size,
                is_current=number == shown,
                publication=publication,
                problem=problem,
            )
        )
    return found


def current_publication(home: Home) -> Publication | None:
    """Give what readers see now, told by the published file itself; None before the first publication.

    Raises
    ------
    PublishError
        If the published file can't be read.
    """
    if not home.published.exists():
        return None
    try:
        record = _read_record(home.published)
    except duckdb.Error as error:
        raise PublishError(
            f"{home.published} can't be read ({_first_line(error)}). Refresh, or roll back to a kept snapshot."
        ) from error
    return record[-1] if record else None


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
    published = [row for row in _select_record(con, "quality") if row.action == PUBLISHED] if there != (0,) else []
    return published[-1].version if published else None


# --- building -----------------------------------------------------------------


class _Relation(NamedTuple):
    """A table or view to publish."""

    schema: str
    name: str
    comment: str | None

    @property
    def quoted(self) -> str:
        return f"{_name(self.schema)}.{_name(self.name)}"


def _build(
    home: Home, partial: Path, asked: Publication, record: Sequence[Publication], about: Mapping[str, str]
) -> Publication:
    """Write the whole snapshot to ``partial`` and verify it; gives the publication with its figures."""
    with _connection(home) as con:
        _attach_warehouse(con, home)
        con.execute(f"attach {_text(partial)} as snapshot (storage_version {_text(STORAGE_VERSION)})")
        relations = _published_relations(con)
        if not any(relation.schema == "marts" for relation in relations):
            raise PublishError(f"There is nothing to publish: {home.warehouse} has no table in marts. Run a refresh.")
        for schema in PUBLISHED_SCHEMAS:
            con.execute(f"create schema snapshot.{schema}")
        for relation in relations:
            _copy_relation(con, relation)
        publication = _with_figures(con, asked)
        _write_publications(con, "snapshot", _merge(record, [publication]))
        _write_about(con, publication, about)
        con.execute("checkpoint snapshot")
        con.execute("detach snapshot")
    _verify(home, partial, relations)
    return publication


def _published_relations(con: duckdb.DuckDBPyConnection) -> list[_Relation]:
    """Tables and views of the published schemas, less the two that a snapshot writes itself."""
    rows = con.execute(
        """
        select schema_name, table_name, comment from duckdb_tables() where database_name = 'source'
        union all
        select schema_name, view_name, comment from duckdb_views() where database_name = 'source' and not internal
        order by all
        """
    ).fetchall()
    own = {("quality", "publications"), ("quality", "about")}
    return [_Relation(*row) for row in rows if row[0] in PUBLISHED_SCHEMAS and row[:2] not in own]


def _copy_relation(con: duckdb.DuckDBPyConnection, relation: _Relation) -> None:
    columns = con.execute(
        """
        select column_name, data_type, is_nullable, comment from duckdb_columns()
        where database_name = 'source' and schema_name = ? and table_name = ? order by column_index
        """,
        [relation.schema, relation.name],
    ).fetchall()
    constraints = con.execute(
        """
        select constraint_type, constraint_text, constraint_column_names from duckdb_constraints()
        where database_name = 'source' and schema_name = ? and table_name = ? order by constraint_index
        """,
        [relation.schema, relation.name],
    ).fetchall()
    parts = [
        f"{_name(column)} {data_type}{'' if nullable else ' not null'}" for column, data_type, nullable, _ in columns
    ]
    parts += [text for kind, text, _ in constraints if kind in ("CHECK", "UNIQUE")]
    target = f"snapshot.{relation.quoted}"
    con.execute(f"create table {target} ({', '.join(parts)})")
    con.execute(f"insert into {target} select * from source.{relation.quoted}")
    for kind, _, key in constraints:
        if kind == "PRIMARY KEY":
            # The index is built over finished rows: for half a million lines keyed by UUID
            # 0.3 s, against 0.6 s when it grows row by row.
            con.execute(f"alter table {target} add primary key ({', '.join(map(_name, key))})")
    comments = {column: said for column, _, _, said in columns if said}
    with _transaction(con):
        # one commit for all: each costs a flush to disk, and there are hundreds of columns
        if relation.comment:
            _write_comments(con, target, relation.comment, comments)
        else:
            # made by SQL of ours that carries no comments, not by dbt
            _comment_as_documented(con, target, f"{relation.schema}.{relation.name}", [name for name, *_ in columns])


def _comment_as_documented(con: duckdb.DuckDBPyConnection, target: str, name: str, columns: Iterable[str]) -> None:
    documented = documented_tables().get(name)
    if documented:
        known = {column: documented.columns[column].text for column in columns if column in documented.columns}
        _write_comments(con, target, documented.text, known)


def _write_comments(con: duckdb.DuckDBPyConnection, target: str, table: str, columns: Mapping[str, str]) -> None:
    con.execute(f"comment on table {target} is {_text(table)}")
    for column, told in columns.items():
        con.execute(f"comment on column {target}.{_name(column)} is {_text(told)}")


def _with_figures(con: duckdb.DuckDBPyConnection, publication: Publication) -> Publication:
    """Fill in the figures that the snapshot's tables have; a table or column that is not there leaves null."""
    known = {
        (table, column)
        for table, column in con.execute(
            """
            select table_name, column_name from duckdb_columns()
            where database_name = 'snapshot' and schema_name = 'marts'
            """
        ).fetchall()
    }

    def figure(expression: str, table: str, column: str) -> Any:
        if (table, column) not in known:
            return None
        row = con.execute(f"select {expression} from snapshot.marts.{table}").fetchone()
        return row[0] if row else None

    net_revenue = measures()["net_revenue"].expressions["lines"]
    return replace(
        publication,
        snapshot_date=figure("max(snapshot_date)::date", "customer_rfm", "snapshot_date"),
        lines=figure("count(*)", "fct_invoice_lines", "net_revenue"),
        customers=figure("count(*)", "customer_rfm", "customer_id"),
        net_revenue=figure(f"{net_revenue}::decimal(38, 4)", "fct_invoice_lines", "net_revenue"),
    )


def _write_about(con: duckdb.DuckDBPyConnection, publication: Publication, about: Mapping[str, str]) -> None:
    """Tell whoever opens the file what it is, in plain names and values."""
    told = {
        "data": (
            "Sample data: made up by this program. No real shop, customer or sale is in it."
            if publication.is_sample
            else "The shop's own files."
        ),
        "is_sample": str(publication.is_sample).lower(),
        "landing": publication.landing,
        "publication_id": str(publication.publication_id),
        "published_at": f"{publication.published_at.isoformat(timespec='seconds')}Z",
        "data_version": publication.data_version,
        "settings_fingerprint": publication.settings_fingerprint,
        "code_fingerprint": publication.code_fingerprint,
        "duckdb_version": duckdb.__version__,
        "storage_version": STORAGE_VERSION,
    }
    taken = sorted(told.keys() & about.keys())
    if taken:
        raise ValueError(f"quality.about already tells {', '.join(taken)}")
    with _transaction(con):
        con.execute("create table snapshot.quality.about (name varchar not null primary key, value varchar not null)")
        _comment_as_documented(con, "snapshot.quality.about", "quality.about", ("name", "value"))
        facts = [[*fact] for fact in {**told, **about}.items()]
        con.executemany("insert into snapshot.quality.about values (?, ?)", facts)


def _verify(home: Home, partial: Path, relations: Sequence[_Relation]) -> None:
    """Open the finished file as a reader would and compare every table's row count with its source."""
    leftover = _beside(partial, ".wal")
    if leftover.exists():
        raise PublishError(f"{partial} is not self-contained: {leftover} holds part of it.")
    with _connection(home) as con:
        _attach_warehouse(con, home)
        con.execute(f"attach {_text(partial)} as snapshot (read_only)")
        counts = con.execute(
            " union all ".join(
                f"select {_text(relation.quoted)}, (select count(*) from source.{relation.quoted}), "
                f"(select count(*) from snapshot.{relation.quoted})"
                for relation in relations
            )
        ).fetchall()
    wrong = [f"{table} has {copied} rows instead of {there}" for table, there, copied in counts if there != copied]
    if wrong:
        raise PublishError(f"The new snapshot does not hold what the warehouse holds: {'; '.join(wrong)}.")


def _rewrite_record(home: Home, partial: Path, rows: Sequence[Publication]) -> None:
    with _connection(home) as con:
        con.execute(f"attach {_text(partial)} as snapshot")
        con.execute("drop table if exists snapshot.quality.publications")
        _write_publications(con, "snapshot", rows)
        con.execute("checkpoint snapshot")
        con.execute("detach snapshot")


def _read_through(home: Home, path: Path) -> None:
    """Read every value of every table: the copy that a rollback changed is verified by it.

    Raises
    ------
    duckdb.Error
        If any of it is damaged.
    """
    with _connection(home) as con:
        con.execute(f"attach {_text(path)} as snapshot (read_only)")
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'snapshot'"
        ).fetchall()
        for schema, table in tables:
            con.execute(f"select bit_xor(hash(row_)) from snapshot.{_name(schema)}.{_name(table)} as row_").fetchall()


# --- putting in place ---------------------------------------------------------


@contextmanager
def _partial_file(home: Home, number: int, *, failure: str) -> Iterator[Path]:
    """Give a place to build in, on the published file's own file system, and leave nothing there.

    Raises
    ------
    PublishError
        In place of what the database or the disk answered (full, not writable, broken).
    """
    partial = _beside(home.published, f".{number:06d}{_PARTIAL_SUFFIX}")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        yield partial
    except (duckdb.Error, OSError) as error:
        raise PublishError(
            f"{failure}: {_first_line(error)} ({partial.parent}). What readers see is as it was."
        ) from error
    finally:
        _remove_partial(partial)


def _swap_in(home: Home, partial: Path) -> None:
    # Read-only, because a client that opens files for writing by default would lock all
    # other readers out, and change the kept snapshot too, which is the same file.
    partial.chmod(0o444)
    _flush_to_disk(partial)
    # If someone wrote to the published file all the same, their log must not be replayed onto this one.
    _beside(home.published, ".wal").unlink(missing_ok=True)
    os.replace(partial, home.published)  # noqa: PTH105 -- the one atomic step, by its own name
    _flush_to_disk(home.published.parent)


@contextmanager
def _after_swap(number: int) -> Iterator[None]:
    """Tell a failure of the bookkeeping from one of the publication, which has already happened."""
    try:
        yield
    except (duckdb.Error, OSError, RegularsError) as error:
        raise PublishError(
            f"Publication {number} is in place and readers see it, but keeping or recording it failed: "
            f"{_first_line(error)}. The next refresh makes up for it."
        ) from error


def _keep_snapshot(home: Home, number: int) -> None:
    """Keep the published file under its number, a hard link or else a copy, with its checksum beside it.

    DuckDB checks a block only when it reads it, and an index perhaps never, so a file
    that opens may be damaged all the same; the checksum is what a rollback relies on.
    """
    home.snapshots.mkdir(parents=True, exist_ok=True)
    kept = home.snapshots / Path(_relative_name(number)).name
    # before the file itself: a kept file always has its checksum
    checksum = _beside(kept, _CHECKSUM_SUFFIX + _PARTIAL_SUFFIX)
    checksum.write_text(f"{_digest(home.published)}  {kept.name}\n")
    _flush_to_disk(checksum)
    checksum.replace(_beside(kept, _CHECKSUM_SUFFIX))
    partial = _beside(kept, _PARTIAL_SUFFIX)
    partial.unlink(missing_ok=True)
    try:
        os.link(home.published, partial)
    except OSError as error:
        if error.errno not in _NO_HARD_LINK:
            raise
        shutil.copyfile(home.published, partial)
        partial.chmod(0o444)
        _flush_to_disk(partial)
    partial.replace(kept)
    _flush_to_disk(home.snapshots)


def _sweep_snapshots(home: Home, keep: int) -> None:
    for _, path in _snapshot_files(home)[:-keep]:
        path.unlink()
        _beside(path, _CHECKSUM_SUFFIX).unlink(missing_ok=True)


def _sweep_partials(home: Home) -> None:
    """Remove what a crashed publication left; the refresh lock says that nobody is building now."""
    for folder in (home.published.parent, home.snapshots):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.name.endswith(_PARTIAL_SUFFIX):
                    _remove_partial(path)
                elif f"{_PARTIAL_SUFFIX}." in path.name:
                    path.unlink(missing_ok=True)


def _remove_partial(partial: Path) -> None:
    for path in (partial, _beside(partial, ".wal")):
        path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_kept(path: Path) -> str | None:
    """Give the checksum that stands beside a kept snapshot, as ``sha256sum`` writes it; None if there is none."""
    beside = _beside(path, _CHECKSUM_SUFFIX)
    return beside.read_text().split()[0] if beside.exists() else None


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- the record of publications -----------------------------------------------


def _settle_record(home: Home) -> list[Publication]:
    """Give the whole record, oldest first, after making up for whatever a crash left undone."""
    _sweep_partials(home)
    record: list[Publication] = []
    if home.warehouse.exists():
        with open_warehouse(home.warehouse) as con:
            con.execute("create schema if not exists quality")
            con.execute(_PUBLICATIONS_DDL.format(schema="quality"))
            record = _select_record(con, "quality")
    if not home.published.exists():
        return record
    try:
        told = _read_record(home.published)
    except duckdb.Error as error:
        log.warning("%s can't be read and will be replaced: %s", home.published, _first_line(error))
        return record
    if missing := {row.publication_id for row in told} - {row.publication_id for row in record}:
        log.info("Record of publications %s taken over from %s", sorted(missing), home.published)
        record = _merge(record, told)
        _record_in_warehouse(home, record)
    newest = told[-1] if told else None
    if newest and newest.action == PUBLISHED and not (home.published.parent / newest.snapshot_file).exists():
        _keep_snapshot(home, newest.publication_id)
    return record


def _record_in_warehouse(home: Home, record: Sequence[Publication]) -> None:
    """Bring the private warehouse's copy of the record up to date; without a warehouse there is none."""
    if home.warehouse.exists():
        with open_warehouse(home.warehouse) as con:
            con.execute("create schema if not exists quality")
            _write_publications(con, "", record)


def _write_publications(con: duckdb.DuckDBPyConnection, database: str, record: Sequence[Publication]) -> None:
    schema = f"{database}.quality" if database else "quality"
    places = ", ".join("?" * len(_COLUMNS))
    with _transaction(con):
        con.execute(_PUBLICATIONS_DDL.format(schema=schema))
        con.executemany(
            f"insert or ignore into {schema}.publications ({', '.join(_COLUMNS)}) values ({places})",
            [list(astuple(row)) for row in record],
        )
        _comment_as_documented(con, f"{schema}.publications", "quality.publications", _COLUMNS)


def _read_record(path: Path) -> list[Publication]:
    """Read what a snapshot says of itself and its predecessors, oldest first.

    Through a connection of its own: one that is shared with a reader in this process
    would still see the file that was there before a swap.

    Raises
    ------
    duckdb.Error
        If it is no DuckDB file, damaged, or no snapshot.
    """
    with closing(duckdb.connect(":memory:")) as con:
        con.execute(f"attach {_text(path)} as snapshot (read_only)")
        return _select_record(con, "snapshot.quality")


def _select_record(con: duckdb.DuckDBPyConnection, schema: str) -> list[Publication]:
    rows = con.execute(f"select {', '.join(_COLUMNS)} from {schema}.publications order by publication_id").fetchall()
    return [Publication(*row) for row in rows]


def _merge(record: Sequence[Publication], more: Sequence[Publication]) -> list[Publication]:
    rows = {row.publication_id: row for row in (*record, *more)}
    return [rows[number] for number in sorted(rows)]


def _next_id(home: Home, record: Sequence[Publication]) -> int:
    return 1 + max([0, *(row.publication_id for row in record), *(number for number, _ in _snapshot_files(home))])


# --- choosing a snapshot ------------------------------------------------------


def _shown_id(home: Home) -> int | None:
    """Which snapshot readers see; None if there is none, or it can't tell."""
    if not home.published.exists():
        return None
    try:
        record = _read_record(home.published)
    except duckdb.Error as error:
        log.warning("%s can't be read: %s", home.published, _first_line(error))
        return None
    return record[-1].shown_id if record else None


def _choose_snapshot(snapshots: Sequence[Snapshot], *, to: int | None, shown: int | None) -> Snapshot:
    if to is None:
        earlier = [snapshot for snapshot in snapshots if shown is None or snapshot.publication_id < shown]
        if not earlier:
            now = "" if shown is None else f" before {shown}, which readers see now"
            raise PublishError(f"There is no snapshot{now} to go back to. {_available(snapshots)}")
        return earlier[-1]
    for snapshot in snapshots:
        if snapshot.publication_id == to:
            if to == shown:
                raise PublishError(f"Readers see snapshot {to} already. {_available(snapshots)}")
            return snapshot
    raise PublishError(f"There is no snapshot {to} (any more). {_available(snapshots)}")


def _available(snapshots: Sequence[Snapshot]) -> str:
    """Say which snapshots could be put back."""
    able = [
        f"{snapshot.publication_id} ({snapshot.publication.published_at:%Y-%m-%d %H:%M} UTC"
        f"{', seen now' if snapshot.is_current else ''})"
        for snapshot in snapshots
        if snapshot.publication is not None
    ]
    return f"Available: {', '.join(able)}." if able else "None is available."


def _snapshot_files(home: Home) -> list[tuple[int, Path]]:
    """Kept files with their numbers, oldest first."""
    if not home.snapshots.is_dir():
        return []
    named = ((_SNAPSHOT_NAME.fullmatch(path.name), path) for path in home.snapshots.iterdir())
    return sorted((int(found[1]), path) for found, path in named if found)


# --- small parts --------------------------------------------------------------


@contextmanager
def _connection(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database to attach files to.

    Not the warehouse itself: a disk that fills up while a snapshot is written makes
    DuckDB give up on the whole instance, and the private file should not be part of that.
    """
    home.scratch.mkdir(parents=True, exist_ok=True)
    with closing(duckdb.connect(":memory:", config={"temp_directory": str(home.scratch)})) as con:
        con.execute("set TimeZone = 'UTC'")
        yield con


@contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


def _attach_warehouse(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    try:
        con.execute(f"attach {_text(home.warehouse)} as source (read_only)")
    except duckdb.IOException as error:
        raise as_readable_error(error, home.warehouse) from error


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _relative_name(number: int) -> str:
    return f"snapshots/regulars-{number:06d}.duckdb"


def _as_utc(moment: datetime) -> datetime:
    """Drop the time zone after converting to UTC, as the tables have it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
