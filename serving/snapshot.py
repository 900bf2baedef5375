"""The published snapshot, open for reading, and noticed anew when it is replaced.

Belongs here: one connection per snapshot, shared by all threads through cursors, and
what the snapshot says of itself. Does not belong here: any question asked of it
(:mod:`serving.queries`).
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from serving.filters import Clause
from warehouse.database import is_damage
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.publishing.snapshots import snapshot_files
from warehouse.publishing.sql import first_line, literal
from warehouse.stopped import StoppedRefresh, read_stopped
from warehouse.versions import code_fingerprint

Parameters = Mapping[str, Any] | None

log = logging.getLogger(__name__)

# 500 answers of 20,000 values are at most some 300 MB, and mostly a few
_KEPT_ANSWERS, _KEPT_CELLS = 500, 20_000

_DATABASE = "snapshot"
_BEFORE = "before"

_LAST_OF_EARLIER_SALES = """
    with

    shown as (

        select * from quality.publications order by publication_id desc limit 1

    )

    select earlier.snapshot_file
    from quality.publications as earlier
    cross join shown
    -- names count up; after a rollback what was published since is not the past
    where earlier.snapshot_file < shown.snapshot_file and earlier.snapshot_date < shown.snapshot_date
    order by earlier.snapshot_file desc
    limit 1
"""


_TOLD = frozenset(("currency", "home_country", "rfm_frequency", "rfm_monetary"))
"""What ``quality.about`` has to say for an answer to be put into words."""


class NoSnapshotError(RegularsError):
    """Nothing was published yet."""


class DamagedSnapshotError(RegularsError):
    """A part of a snapshot turned out not to be what was written; who asks again is answered without that file."""

    status = 503
    kind = "damaged-snapshot"

    def __init__(self, path: Path, error: duckdb.Error) -> None:
        self.path = path
        # people are told no path of the machine
        self.damage = f"{path.name} is damaged ({first_line(error)})".replace(str(path), path.name)
        super().__init__(f"{self.damage}. Ask again: it is read no more.")


class OlderSnapshotError(RegularsError):
    """A snapshot has no such table or column: an earlier version made it, and nothing was refreshed since."""

    status = 503
    kind = "older-snapshot"

    def __init__(self) -> None:
        super().__init__(
            "An earlier version of Regulars published these figures, and they lack what this one shows. Run "
            "`regulars refresh`; the next request sees what it publishes."
        )


@dataclass(frozen=True)
class About:
    """What the snapshot says of itself (``quality.about`` and its last publication)."""

    publication_id: int
    published_at: datetime
    """UTC, with its time zone."""
    snapshot_date: date | None
    """The day that recency is counted to; None with no dated line."""
    as_of_date: date | None
    first_date: date | None
    """First day with an invoice; None with no invoice."""
    last_date: date | None
    currency: str
    home_country: str
    frequency_counts: str
    """``orders`` or ``order lines``, as the setting was that customers were scored by."""
    money_is: str
    """``net of returns`` or ``before returns``, likewise."""
    is_sample: bool
    landing: str
    data_version: str
    settings_fingerprint: str
    code_fingerprint: str

    @property
    def etag(self) -> str:
        """Changes with every publication, and only then."""
        return f'"{self.publication_id}-{self.published_at:%Y%m%dT%H%M%S}-{self.data_version[:12]}"'


class _Answers:
    """What was asked of one snapshot lately: it never changes, so neither do the answers.

    Several parts of a page ask the same, and most people look at the same views.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def of(self, kind: str, asked: Clause, ask: Callable[[], Any]) -> Any:
        """The answer that is kept, or else a new one.

        That is kept if it is small enough, in place of the one that was not asked for longest.
        """
        # 1, 1.0 and true are equal in Python and not in SQL
        key = kind, asked.sql, repr(sorted(asked.parameters.items()))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        answer = ask()
        cells = answer.size if isinstance(answer, pd.DataFrame) else sum(map(len, answer))
        if cells <= _KEPT_CELLS:
            with self._lock:
                self._kept[key] = answer
                while len(self._kept) > _KEPT_ANSWERS:
                    self._kept.popitem(last=False)
        return answer


def dicts(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a result by the names of its columns."""
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@contextmanager
def _faults_told(path: Path, made_by: str) -> Iterator[None]:
    """Tell what of the file itself keeps a query from its answer: it is damaged, or code that knew less made it.

    Parameters
    ----------
    made_by
        The fingerprint of the code that made it.
    """
    try:
        yield
    except duckdb.Error as error:
        if is_damage(str(error)):
            raise DamagedSnapshotError(path, error) from error
        # of the same code it is a fault of the query
        if isinstance(error, duckdb.BinderException | duckdb.CatalogException) and made_by != code_fingerprint():
            raise OlderSnapshotError from error
        raise


@dataclass(eq=False)
class Reading:
    """One snapshot for as long as one answer takes: every query in it sees the same data.

    Not to be shared between threads; each opens its own with :meth:`SnapshotReader.reading`.
    """

    _path: Path
    _cursor: duckdb.DuckDBPyConnection
    about: About
    _answers: _Answers
    before: Reading | None = None
    """The last kept snapshot of earlier sales, to compare with what only a snapshot knows; often None."""
    stopped: StoppedRefresh | None = None
    """The newest refresh, if it was stopped, so that this snapshot is of one before."""
    damaged: str | None = None
    """What is wrong with the published file, if this is a kept one of before in its place."""

    @property
    def etag(self) -> str:
        """Changes with every publication, and with a refresh that was stopped since."""
        if self.stopped is None:
            return self.about.etag
        return f'"{self.about.etag.strip(chr(34))}-{self.stopped.run_id[:8]}"'

    def query(self, sql: str, parameters: Parameters = None, **over: Clause) -> pd.DataFrame:
        """The answer as a frame. Values are bound, never written into ``sql``.

        ``over`` are selections that the statement reads by these names, such as ``kept=filters.invoices()``.
        """
        return self._answer("frame", sql, parameters, over, lambda found: found.df()).copy()

    def rows(self, sql: str, parameters: Parameters = None, **over: Clause) -> list[dict[str, Any]]:
        """The answer as plain Python values (None, Decimal, date …), one dict per row."""
        return [dict(row) for row in self._answer("rows", sql, parameters, over, dicts)]

    def _answer(
        self,
        kind: str,
        sql: str,
        parameters: Parameters,
        over: Mapping[str, Clause],
        read: Callable[[duckdb.DuckDBPyConnection], Any],
    ) -> Any:
        asked = Clause(sql, parameters or {}).over(**over)

        def ask() -> Any:
            with _faults_told(self._path, self.about.code_fingerprint):
                return read(self._cursor.execute(asked.sql, asked.parameters))

        return self._answers.of(kind, asked, ask)

    def row(self, sql: str, parameters: Parameters = None, **over: Clause) -> dict[str, Any]:
        """The one row that an aggregate gives.

        Raises
        ------
        LookupError
            If there is not exactly one.
        """
        found = self.rows(sql, parameters, **over)
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows where one was expected")
        return found[0]

    def has(self, table: str) -> bool:
        """Whether there is a table ``schema.name``; a snapshot of an older version may lack one."""
        schema, _, name = table.partition(".")
        there = "database_name = current_database() and schema_name = $schema and table_name = $name"
        asked = {"schema": schema, "name": name}
        return bool(self.value(f"select count(*) from duckdb_tables() where {there}", asked))

    def value(self, sql: str, parameters: Parameters = None) -> Any:
        """The first column of the one row."""
        return next(iter(self.row(sql, parameters).values()))


class _OpenSnapshot:
    """One attached file, closed when the last answer that reads it is done.

    Parameters
    ----------
    identity
        Of the published file, which this is or stands in for.
    unreadable
        Identities of files that it is not compared with.
    """

    def __init__(
        self, path: Path, identity: tuple[int, ...], unreadable: Container[tuple[int, ...]], damaged: str | None = None
    ) -> None:
        self.path = path
        self.identity = identity
        self.files = {path: _file_identity(path)}
        """What is attached, and what each file was then: another one may lie under its name since."""
        self.damaged = damaged
        self.readers = 0
        self.is_replaced = False
        self.answers, self.answers_before = _Answers(), _Answers()
        # a connection of its own to an empty memory: DuckDB shares one instance per file
        # path within a process, and would go on showing the file that was replaced
        self.connection = duckdb.connect(":memory:")
        try:
            self.connection.execute("set timezone = 'UTC'")
            self.connection.execute(f"attach {literal(path)} as {_DATABASE} (read_only)")
            self.connection.execute(f"use {_DATABASE}")
            self.about = _read_about(self.connection)
            self.before, self.about_before = self._attach_before(path, unreadable)
            # from here on no SQL can reach another file, load code, or undo this
            self.connection.execute("set enable_external_access = false")
            self.connection.execute("set lock_configuration = true")
        except BaseException:
            self.connection.close()
            raise

    def _attach_before(self, path: Path, unreadable: Container[tuple[int, ...]]) -> tuple[Path, About | None]:
        last = self.connection.execute(_LAST_OF_EARLIER_SALES).fetchone()
        if last is None:
            return path, None
        before = path.parent / last[0]
        try:
            self.files[before] = _file_identity(before)
            if self.files[before] in unreadable:
                return before, None
            self.connection.execute(f"attach {literal(before)} as {_BEFORE} (read_only)")
            self.connection.execute(f"use {_BEFORE}")
            return before, _read_about(self.connection)
        except (FileNotFoundError, duckdb.Error, RegularsError) as error:
            # swept away since, or made by a version that knew less: there is nothing to compare with
            log.info("%s is not compared with: %s", last[0], error)
            return before, None
        finally:
            self.connection.execute(f"use {_DATABASE}")

    def close_if_done(self) -> None:
        if self.is_replaced and self.readers == 0:
            self.connection.close()


class SnapshotReader:
    """Readings of a home's published snapshot, for many threads at once.

    Every reading looks whether the file was replaced (one ``stat``); answers that are
    under way keep the snapshot that they began with.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self._lock = threading.Lock()
        self._open: _OpenSnapshot | None = None
        self._damaged: dict[tuple[int, ...], str] = {}
        """What was found while they were read, by the identity of the files."""

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """The snapshot that is published now.

        Raises
        ------
        NoSnapshotError
            If nothing was published yet, naming the command that does.
        DamagedSnapshotError
            If a part that is read is damaged; the next reading is of a kept snapshot.
        """
        opened = self._acquire()
        try:
            # a cursor is a connection of its own to the same instance, and forgets the USE
            with opened.connection.cursor() as cursor, opened.connection.cursor() as cursor_before:
                cursor.execute(f"use {_DATABASE}")
                before = None
                if opened.about_before is not None:
                    cursor_before.execute(f"use {_BEFORE}")
                    before = Reading(opened.before, cursor_before, opened.about_before, opened.answers_before)
                yield Reading(
                    opened.path, cursor, opened.about, opened.answers, before, self._stopped(), opened.damaged
                )
        except DamagedSnapshotError as error:
            self._put_aside(error, opened)
            raise
        finally:
            with self._lock:
                opened.readers -= 1
                opened.close_if_done()

    def _put_aside(self, found: DamagedSnapshotError, opened: _OpenSnapshot) -> None:
        """Read a file no more: what still can be read of it is as doubtful."""
        log.error("%s", found.damage)
        with self._lock:
            self._damaged[opened.files[found.path]] = found.damage
            if self._open is opened:
                self._replace(None)

    def _stopped(self) -> StoppedRefresh | None:
        try:
            return read_stopped(self.home.to_read)
        except RegularsError as error:
            # the figures are right all the same
            log.warning("%s", error)
            return None

    def close(self) -> None:
        """Let go of the file; a later reading opens it again."""
        with self._lock:
            self._replace(None)

    def _acquire(self) -> _OpenSnapshot:
        with self._lock:
            path, identity = self._identity()
            while self._open is None or self._open.identity != identity:
                self._replace(self._opened(path, identity))
                # replaced while it was being opened: what is attached may be either file
                path, identity = self._identity()
            self._open.readers += 1
            return self._open

    def _opened(self, path: Path, identity: tuple[int, ...]) -> _OpenSnapshot:
        """The published file, or the newest kept one that can be read if that is damaged."""
        damaged = self._damaged.get(identity)
        if damaged is None:
            try:
                return _OpenSnapshot(path, identity, self._damaged)
            except duckdb.Error as error:
                if not is_damage(str(error)):
                    raise
                damaged = DamagedSnapshotError(path, error).damage
        for _, kept in reversed(snapshot_files(self.home.to_read)):
            try:
                # one of them is the published file itself, under another name
                if _file_identity(kept) in self._damaged:
                    continue
                found = _OpenSnapshot(kept, identity, self._damaged, damaged)
            except (duckdb.Error, FileNotFoundError) as error:
                log.warning("%s can't be read either: %s", kept, first_line(error))
            else:
                log.error("%s; %s is shown until the next publication", damaged, kept)
                return found
        raise RegularsError(f"{damaged}, and no kept snapshot can be read. Refresh, or restore a backup.")

    def _identity(self) -> tuple[Path, tuple[int, ...]]:
        path = self.home.to_read.published
        try:
            return path, _file_identity(path)
        except FileNotFoundError as error:
            self._replace(None)
            stopped = self._stopped()
            why = "" if stopped is None else f" The newest refresh was stopped: {' '.join(stopped.causes)}"
            raise NoSnapshotError(
                f"Nothing is published in {self.home.root} yet. Run `make run` (or `regulars refresh`) first.{why}"
            ) from error

    def _replace(self, opened: _OpenSnapshot | None) -> None:
        if self._open is not None:
            self._open.is_replaced = True
            self._open.close_if_done()
        self._open = opened


def _file_identity(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read_about(connection: duckdb.DuckDBPyConnection) -> About:
    kept = dict(connection.execute("select name, value from quality.about").fetchall())
    published = connection.execute(
        """
        select publication_id, published_at, snapshot_date, as_of_date, is_sample, landing, data_version,
            settings_fingerprint, code_fingerprint
        from quality.publications
        order by publication_id desc
        limit 1
        """
    )
    last = dicts(published)
    (days,) = dicts(
        connection.execute(
            "select min(invoice_date) as first_date, max(invoice_date) as last_date from marts.fct_invoices"
        )
    )
    unknown = _TOLD - kept.keys()
    if unknown:
        raise RegularsError(
            f"The published snapshot does not tell its {', '.join(sorted(unknown))}: an older version made it. Refresh."
        )
    if not last:
        raise RegularsError("The published snapshot says nothing of itself (quality.publications is empty).")
    return About(
        **last[0] | days | {"published_at": last[0]["published_at"].replace(tzinfo=UTC)},
        currency=kept["currency"],
        home_country=kept["home_country"],
        frequency_counts={"invoices": "orders", "lines": "order lines"}[kept["rfm_frequency"]],
        money_is={"net": "net of returns", "gross": "before returns"}[kept["rfm_monetary"]],
    )
