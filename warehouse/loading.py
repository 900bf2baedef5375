"""Landing to raw: one load, in one transaction, recorded in the ledger.

Belongs here: the order of a load, the only statements that write raw lines, and the
report. Does not belong here: how files are read (:mod:`warehouse.readers`) and which
deliveries count (:mod:`warehouse.ledger`).

Files are read into temporary tables first, outside the transaction, since DuckDB
gives up a transaction in which any statement failed. Then one transaction writes
lines and ledger, so that a crash leaves a load wholly in or wholly out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import duckdb

from warehouse.contacts import without_contacts
from warehouse.errors import RegularsError
from warehouse.formats import export_formats
from warehouse.ledger import (
    Ledger,
    Plan,
    Seen,
    Status,
    active_content_hashes,
    hide_contacts,
    make_plan,
    read_known_styles,
    read_ledger,
    read_withdrawal_candidates,
    reader_fingerprint,
    update_entries,
    write_entries,
    write_in_transit,
    write_presence,
    write_withdrawals,
)
from warehouse.readers.errors import DiskFullError, explain_os_error, first_line, is_disk_full
from warehouse.readers.file_styles import NUMBER_COLUMNS
from warehouse.readers.landing_files import LandingContents, LandingFile, find_unsettled, hash_file, list_landing
from warehouse.readers.layouts import OTHER_COLUMN, Kind, columns_of, date_column_of, kind_of, raw_tables
from warehouse.readers.reading import FileReading, ReadRequest, read_deliveries
from warehouse.readers.staging import Staging
from warehouse.readers.values import known_styles as known_styles_of
from warehouse.readers.values import may_change_with_neighbours
from warehouse.settings import Settings
from warehouse.withdrawals import find_withdrawn

__all__ = [
    "FileOutcome",
    "LandingScan",
    "LoadReport",
    "ReadOutcome",
    "active_content_hashes",
    "ensure_raw_schema",
    "load_landing",
    "read_file",
    "scan_landing",
]

RAW_SCHEMA = Path(__file__).with_name("raw_schema.sql")
SETTLE_WAIT_SECONDS = 1.0
_LINE_ID_FACTOR = 2**32

Progress = Callable[[str, int, int], None]
OutcomeStatus = Literal["loaded", "already_loaded", "unchanged", "rejected", "in_transit"]


@dataclass(frozen=True)
class FileOutcome:
    """What a load made of one file in landing.

    ``unchanged``: its bytes were loaded before. ``rejected`` has its ``problem`` each time,
    ``is_new`` tells whether this load found it.
    """

    file_name: str
    status: OutcomeStatus
    kind: Kind | None = None
    lines: int = 0
    unreadable_lines: int = 0
    problem: str | None = None
    notes: str | None = None
    is_new: bool = True


@dataclass
class LoadReport:
    """What one load did."""

    files: list[FileOutcome] = field(default_factory=list)
    changed: bool = False
    """Whether the raw tables differ from before."""
    transaction_lines: int = 0
    """Rows of ``raw.transactions`` after the load."""
    customer_lines: int = 0
    """Rows of ``raw.customers`` after the load."""
    override_lines: int = 0
    """Rows of ``raw.segment_overrides`` after the load."""
    gone: list[str] = field(default_factory=list)
    """What this load found of files that left landing, where it means something; each is told once."""
    readings: Mapping[str, FileReading] = field(default_factory=dict)
    """What was read, by file name, for the files that this load opened."""

    def with_status(self, *statuses: OutcomeStatus) -> list[FileOutcome]:
        """Files that have one of the statuses, by name."""
        return [outcome for outcome in self.files if outcome.status in statuses]

    @property
    def delivered_lines(self) -> int:
        """Lines that this load brought in, unreadable ones included."""
        return sum(outcome.lines for outcome in self.with_status("loaded"))

    @property
    def unreadable_lines(self) -> int:
        """Lines of this load that could not be split into fields."""
        return sum(outcome.unreadable_lines for outcome in self.with_status("loaded"))


@dataclass(frozen=True)
class LandingScan:
    """Names in landing by what they are to us; no file is opened but to hash it."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    known_bad: tuple[str, ...] = ()
    in_transit: tuple[str, ...] = ()

    @property
    def has_news(self) -> bool:
        """Whether a load would do something."""
        return bool(self.new or self.changed)


@dataclass(frozen=True)
class ReadOutcome:
    """One file, read for its own sake. Tables hold its lines in the shape of ``raw``."""

    reading: FileReading
    lines_table: str
    """Lines in the shape of ``raw.<reading.raw_table>``."""
    deliveries_table: str
    unused_columns_table: str


def ensure_raw_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables and the ledger where they are missing, and give older ones today's shape.

    Lines of a home that an older version made stay, whether or not their files are still
    in landing; those that are get read again, since the reader's version rose.
    """
    script = _schema_script()
    found = _table_shapes(con)
    wanted = _wanted_shapes() if found else {}
    outdated = [table for table, shape in wanted.items() if table in found and found[table] != shape]
    if not outdated:
        con.execute(script)
        return
    # DuckDB can't alter a check or the order of columns, so a table moves into a new one of the same name
    con.execute("begin transaction")
    try:
        for table in outdated:
            con.execute(f"create temp table {_former(table)} as from {table}")
            con.execute(f"drop table {table}")
        con.execute(script)
        # what files can't tell is written anew with every load
        for table in (table for table in outdated if table != "quality.source_limits"):
            kept = ", ".join(column for column, _ in wanted[table].columns if column in found[table].names)
            con.execute(f"insert into {table} by name select {kept} from {_former(table)}")
        if "quality.load_ledger" in outdated:
            con.execute("update quality.load_ledger set source = coalesce(source_mapping, layout) where source is null")
        if "_layout" in found.get("raw.transactions", _Shape()).names and "raw.transactions" in outdated:
            con.execute(_FORMER_DELIVERIES)
        for table in outdated:
            con.execute(f"drop table {_former(table)}")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


@dataclass(frozen=True)
class _Shape:
    """What a table is like: columns with their types, and checks."""

    columns: tuple[tuple[str, str], ...] = ()
    checks: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.columns}


@cache
def _wanted_shapes() -> dict[str, _Shape]:
    with duckdb.connect() as empty:
        empty.execute(_schema_script())
        return _table_shapes(empty)


def _schema_script() -> str:
    """All raw tables; those of exports follow from their declarations, and so does the view of all lines of sales."""
    exports = []
    lines = []
    for raw_table in raw_tables():
        if kind_of(raw_table) == "transactions":
            lines.append(
                "select _line_id, _load_id, _file_name, _sheet, _row_number, "
                f"{date_column_of(raw_table)} as date_text, invoiced_at, _problem, _line_text from raw.{raw_table}"
            )
    for raw_table in export_formats():
        # long texts that hardly repeat: DuckDB's own choice for them makes tables a third larger, and takes longer
        packed = {OTHER_COLUMN: " using compression zstd"}
        delivered = ", ".join(f"{column} varchar{packed.get(column, '')}" for column in columns_of(raw_table))
        exports.append(
            f"create table if not exists raw.{raw_table} (_line_id bigint not null, _load_id integer not null, "
            f"_file_name varchar not null, _sheet varchar, _row_number bigint not null, {delivered}, "
            "invoiced_at timestamp, _problem varchar, _line_text varchar);"
        )
    view = f"create or replace view raw.sales_lines as {' union all '.join(lines)};"
    return "\n".join([RAW_SCHEMA.read_text(encoding="utf-8"), *exports, view])


def _table_shapes(con: duckdb.DuckDBPyConnection) -> dict[str, _Shape]:
    """Shape of each table of raw and of the ledger."""
    # read to its end: a result that is left open keeps DuckDB 2.0 from reading a workbook on this connection
    rows = con.execute(
        """
        select
            schema_name || '.' || table_name,
            list((column_name, data_type) order by column_index),
            (
                select coalesce(list(constraint_text order by constraint_text), [])
                from duckdb_constraints() as rules
                where rules.constraint_type = 'CHECK' and rules.table_oid = columns.table_oid
                    and rules.database_oid = columns.database_oid
            )
        from duckdb_columns() as columns
        where database_name = current_database()
            and table_name not in (select view_name from duckdb_views() where schema_name = 'raw')
            and (
                schema_name = 'raw'
                or (schema_name = 'quality' and table_name in ('load_ledger', 'source_limits'))
            )
        group by schema_name, table_name, columns.table_oid, columns.database_oid
        """
    ).fetchall()
    return {table: _Shape(tuple(map(tuple, columns)), tuple(checks)) for table, columns, checks in rows}


def _former(table: str) -> str:
    return f"former_{table.replace('.', '_')}"


# Until version 3 of the reader each line carried what its delivery says now.
_FORMER_DELIVERIES = """
    insert into raw.deliveries by name
    select
        lines._load_id,
        lines._file_name,
        coalesce(ledger.source_mapping, lines.layout) as _source,
        lines.layout as _layout,
        lines.mark as _quantity_mark,
        lines.mark as _unit_price_mark,
        lines.mark as _line_amount_mark,
        lines.mark as _discount_amount_mark,
        lines.mark as _tax_amount_mark,
        ledger.delivered_at as _delivered_at,
        lines.loaded_at as _loaded_at,
        ledger.first_invoiced_at as _first_invoiced_at,
        ledger.last_invoiced_at as _last_invoiced_at
    from (
        select
            _load_id,
            any_value(_file_name) as _file_name,
            any_value(_layout) as layout,
            any_value(_decimal_mark) as mark,
            any_value(_loaded_at) as loaded_at
        from former_raw_transactions
        group by _load_id
    ) as lines
    left join quality.load_ledger as ledger on lines._load_id = ledger.load_id
"""


def scan_landing(
    con: duckdb.DuckDBPyConnection, landing: Path, settings: Settings, *, settle_wait_seconds: float = 0.0
) -> LandingScan:
    """Tell which files a load would read, without reading them.

    Every file is hashed, since a name, size and time may stay the same while bytes
    change; that costs about a second per gigabyte. Works on a read-only connection.

    Raises
    ------
    RegularsError
        If the folder does not exist.
    """
    contents = list_landing(landing)
    ledger = read_ledger(con) if _has_ledger(con) else Ledger([])
    scan = scan_files(contents.files, ledger, settings, settle_wait_seconds=settle_wait_seconds)
    uploads = (file.name for file in contents.uploads)
    return replace(scan, in_transit=tuple(sorted((*scan.in_transit, *uploads))))


def scan_files(
    files: Sequence[LandingFile], ledger: Ledger, settings: Settings, *, settle_wait_seconds: float = 0.0
) -> LandingScan:
    """Tell which of ``files`` a load would read, without a database: :func:`scan_landing` but for uploads."""
    unsettled = find_unsettled(files, wait_seconds=settle_wait_seconds)
    fingerprint = reader_fingerprint(settings)
    found: dict[str, list[str]] = {"new": [], "changed": [], "unchanged": [], "known_bad": []}
    for file in files:
        if file.name in unsettled:
            continue
        verdict = ledger.judge(_hash(file), fingerprint)
        if verdict == "new":
            found["changed" if file.name in ledger.latest else "new"].append(file.name)
        else:
            found[{"reread": "changed", "restored": "changed"}.get(verdict, verdict)].append(file.name)
    arriving = tuple(file.name for file in files if file.name in unsettled)
    return LandingScan(**{key: tuple(names) for key, names in found.items()}, in_transit=arriving)


def load_landing(
    con: duckdb.DuckDBPyConnection,
    landing: Path,
    settings: Settings,
    *,
    loaded_at: datetime,
    scratch: Path,
    progress: Progress | None = None,
    settle_wait_seconds: float = SETTLE_WAIT_SECONDS,
) -> LoadReport:
    """Bring everything new in ``landing`` into the raw tables.

    Safe to repeat: files whose bytes are loaded are left alone. One file that can't
    be read is recorded with its reason and never stops the others.

    Parameters
    ----------
    con
        The private warehouse, open for writing, in no transaction.
    loaded_at
        One time for all lines of this load; kept as UTC.
    scratch
        A folder for temporary files.
    progress
        Called with stage, done and total.
    settle_wait_seconds
        How long to watch files that changed within the last two seconds; with 0 they
        all count as in transit.

    Raises
    ------
    RegularsError
        If the folder does not exist, or holds no files and nothing was ever loaded.
    DiskFullError
        If there is no room; the warehouse is as it was.
    """
    report_progress = progress or (lambda stage, done, total: None)
    recorded_at = _as_utc(loaded_at)
    ensure_raw_schema(con)
    ledger = read_ledger(con)
    contents = list_landing(landing)
    if not contents.files and not contents.uploads and not ledger.by_id:
        raise RegularsError(
            f"The landing folder {landing} is empty; put sales files (CSV, gzip, XLSX or Parquet) into it."
        )
    fingerprint = reader_fingerprint(settings)
    survey = _survey(contents, ledger, fingerprint, settle_wait_seconds, report_progress)
    present = {file.name for file in (*contents.files, *contents.uploads)}
    withdrawn = find_withdrawn(con, read_withdrawal_candidates(con, ledger, present))
    staged = _Staged()
    is_writing = False
    try:
        _read_new_contents(
            con, staged, survey, ledger, settings, scratch, fingerprint, report_progress, read_at=recorded_at
        )
        swayed = _swayed_by_news(con, staged, survey)
        if swayed:
            _read_new_contents(
                con,
                staged,
                survey,
                ledger,
                settings,
                scratch,
                fingerprint,
                report_progress,
                read_at=recorded_at,
                again=swayed,
            )
        _set_aside_changed_files(staged, survey, ledger, fingerprint)
        new_entries = dict(enumerate((seen for _, seen in survey.deliveries.values()), start=ledger.next_load_id))
        rejected = _mark_rejected(new_entries, staged)
        plan = make_plan(ledger, new_entries, rejected, staged.by_content, survey.restored, withdrawn)
        readings = {
            load_id: staged.readings[seen.file_name]
            for load_id, seen in new_entries.items()
            if load_id in plan.insert or (load_id in rejected and seen.file_name in staged.readings)
        }
        report_progress("writing lines", 0, 1)
        con.execute("begin transaction")
        is_writing = True
        _write_lines(con, staged, plan, new_entries, recorded_at)
        _write_source_limits(con)
        write_entries(con, new_entries, readings, plan, recorded_at=recorded_at, fingerprint=fingerprint)
        update_entries(con, ledger, plan, superseded_at=recorded_at)
        write_withdrawals(con, withdrawn, at=recorded_at)
        left = write_presence(con, present)
        hide_contacts(con)
        write_in_transit(con, survey.arriving, ledger.next_load_id + len(new_entries), recorded_at=recorded_at)
        con.execute("commit")
        is_writing = False
        report_progress("writing lines", 1, 1)
    except BaseException as error:
        _undo(con, staged, error, is_writing=is_writing)
        if is_disk_full(error):
            raise DiskFullError(
                f"There is no room left on the disk ({first_line(error)}). Nothing of this load was kept; "
                "free some space and refresh again."
            ) from error
        raise
    staged.drop()
    outcomes = [*survey.outcomes, *(_outcome(seen.file_name, "in_transit", seen) for seen in survey.arriving)]
    for load_id, seen in new_entries.items():
        reading = readings.get(load_id)
        notes = without_contacts("; ".join(reading.notes)) if reading is not None else None
        outcomes.append(
            FileOutcome(
                seen.file_name,
                _as_outcome(plan.statuses[load_id]),
                reading.kind if reading is not None else None,
                reading.delivered_lines if load_id in plan.insert and reading is not None else 0,
                reading.unreadable_lines if load_id in plan.insert and reading is not None else 0,
                seen.problem,
                notes or None,
            )
        )
    outcomes.sort(key=lambda outcome: outcome.file_name)
    gone = [f"{name}: it could not be read and has left landing; nothing waits for it any more" for name in left]
    return LoadReport(
        outcomes,
        plan.changes_lines,
        gone=[*withdrawn.values(), *gone],
        readings=staged.readings,
        transaction_lines=_count(con, "raw.transactions"),
        customer_lines=_count(con, "raw.customers"),
        override_lines=_count(con, "raw.segment_overrides"),
    )


def read_file(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    settings: Settings,
    *,
    scratch: Path,
    read_at: datetime,
    name: str | None = None,
    into: str = "read",
    delivered_at: datetime | None = None,
) -> ReadOutcome:
    """Read one file into temporary tables shaped like ``raw``, without ledger or landing.

    Parameters
    ----------
    name
        The name it is known by; mappings and ``customers*`` go by it.
    delivered_at
        When the file was last changed, UTC without zone; None where nobody knows.
    into
        Prefix of the tables: ``<into>_lines``, ``<into>_deliveries`` and ``<into>_unused_columns``,
        all made anew.

    Raises
    ------
    RegularsError
        Naming the file and why it can't be read.
    """
    known_as = name or path.name
    staging = Staging(con, prefix=f"{into}_staging")
    lines = f"{into}_lines"
    dates = staging.new_name()
    request = ReadRequest(1, path, known_as, delivered_at, _as_utc(read_at))
    try:
        reading = read_deliveries(staging, [request], settings, scratch, dates_table=dates)[1]
        if reading.problem is not None:
            # a message that ends with a block to paste has an end of its own
            end = "" if reading.problem.endswith("\n") else "."
            raise RegularsError(f"{known_as}: {without_contacts(reading.problem)}{end}")
        owners = _write_owners(staging, {1: reading}, {1: known_as}, _as_utc(read_at))
        assert reading.raw_table is not None, "a file without a problem is of some layout"
        con.execute(f"drop table if exists {lines}")
        con.execute(f"create temp table {lines} as {_raw_query(reading.raw_table, staging, dates, owners)}")
        is_sales = reading.kind == "transactions"
        deliveries = [_delivery_row(1, known_as, reading, delivered_at, _as_utc(read_at))] if is_sales else []
        _create_rows(con, f"{into}_deliveries", "raw.deliveries", deliveries)
        unused = _unused_rows(1, known_as, reading) if is_sales else []
        _create_rows(con, f"{into}_unused_columns", "raw.unused_columns", unused)
    finally:
        staging.drop()
    return ReadOutcome(reading, lines, f"{into}_deliveries", f"{into}_unused_columns")


def _create_rows(con: duckdb.DuckDBPyConnection, table: str, like: str, rows: Sequence[Mapping[str, object]]) -> None:
    con.execute(f"drop table if exists {table}")
    columns = ", ".join(f"{name} {sql_type}" for name, sql_type in _wanted_shapes()[like].columns)
    con.execute(f"create temp table {table} ({columns})")
    _insert_rows(con, table, rows)


def _has_ledger(con: duckdb.DuckDBPyConnection) -> bool:
    found = con.execute(
        "select count(*) from duckdb_tables() where schema_name = 'quality' and table_name = 'load_ledger'"
    ).fetchone()
    return bool(found and found[0])


def _hash(file: LandingFile) -> Seen:
    seen = Seen(file.name, None, file.size_bytes, file.delivered_at, file.problem)
    if file.problem is not None:
        return seen
    try:
        return replace(seen, content_hash=hash_file(file.path))
    except OSError as error:
        return replace(seen, problem=explain_os_error(error))


def _in_transit(file: LandingFile) -> Seen:
    why = "it is still being written" if file.path.exists() else "it went while it was looked at"
    return Seen(
        file.name,
        None,
        file.size_bytes,
        file.delivered_at,
        f"{file.name}: {why}; the next refresh tries again",
    )


@dataclass
class _Survey:
    """What lies in landing, before anything is read."""

    deliveries: dict[str, tuple[LandingFile, Seen]] = field(default_factory=dict)
    restored: list[str] = field(default_factory=list)
    arriving: list[Seen] = field(default_factory=list)
    outcomes: list[FileOutcome] = field(default_factory=list)
    unchanged: dict[str, tuple[LandingFile, Seen]] = field(default_factory=dict)


@dataclass
class _Staged:
    """What was read and waits to be written.

    ``rounds`` are staging areas with the name of their table of dates, ``readings`` go by
    file name, ``by_content`` has the ``file_id`` of each content hash that was read.
    """

    rounds: list[tuple[Staging, str]] = field(default_factory=list)
    readings: dict[str, FileReading] = field(default_factory=dict)
    by_content: dict[str, int] = field(default_factory=dict)

    def drop(self) -> None:
        for staging, _ in self.rounds:
            staging.drop()


def _survey(
    contents: LandingContents,
    ledger: Ledger,
    fingerprint: str,
    settle_wait_seconds: float,
    progress: Progress,
) -> _Survey:
    survey = _Survey()
    unsettled = find_unsettled(contents.files, wait_seconds=settle_wait_seconds)
    for position, file in enumerate(contents.files):
        progress("checking landing", position, len(contents.files))
        if file.name in unsettled:
            survey.arriving.append(_in_transit(file))
            continue
        seen = _hash(file)
        verdict = ledger.judge(seen, fingerprint)
        if verdict in ("unchanged", "restored"):
            survey.outcomes.append(FileOutcome(file.name, "unchanged", is_new=False))
            if verdict == "restored":
                survey.restored.append(file.name)
            else:
                survey.unchanged[file.name] = (file, seen)
        elif verdict == "known_bad":
            problem = ledger.latest[file.name].problem
            survey.outcomes.append(FileOutcome(file.name, "rejected", problem=problem, is_new=False))
        else:
            survey.deliveries[file.name] = (file, seen)
    survey.outcomes += [
        FileOutcome(file.name, "in_transit", problem=f"{file.name}: by its name an upload that is not finished")
        for file in contents.uploads
    ]
    return survey


def _read_new_contents(
    con: duckdb.DuckDBPyConnection,
    staged: _Staged,
    survey: _Survey,
    ledger: Ledger,
    settings: Settings,
    scratch: Path,
    fingerprint: str,
    progress: Progress,
    *,
    read_at: datetime,
    again: Collection[str] = (),
) -> None:
    """Read each new content once, and files that are to be read ``again`` whatever is known of them.

    Equal bytes are read under the first name that makes sense of them, since mappings
    and customers files go by name; hence more than one round, at times.
    """
    waiting = [
        (file, seen.content_hash)
        for file, seen in survey.deliveries.values()
        if seen.content_hash is not None
        and seen.content_hash not in staged.by_content
        and (file.name in again or not ledger.is_active(seen.content_hash, fingerprint))
    ]
    known_styles = _merged(read_known_styles(con), _proved_by(staged))
    next_file_id = 1 + max((reading.file_id for reading in staged.readings.values()), default=0)
    while waiting:
        chosen: dict[str, LandingFile] = {}
        for file, content_hash in waiting:
            if content_hash not in staged.by_content:
                chosen.setdefault(content_hash, file)
        contents = dict(enumerate(chosen, start=next_file_id))
        next_file_id += len(contents)
        requests = [
            ReadRequest(
                file_id,
                chosen[content_hash].path,
                chosen[content_hash].name,
                chosen[content_hash].delivered_at,
                ledger.first_read_at(content_hash) or read_at,
            )
            for file_id, content_hash in contents.items()
        ]
        staging = Staging(con, prefix=f"load_{len(staged.rounds) + 1}")
        staged.rounds.append((staging, f"{staging.prefix}_dates"))
        found = read_deliveries(
            staging,
            requests,
            settings,
            scratch,
            dates_table=staged.rounds[-1][1],
            known_styles=known_styles,
            progress=progress,
        )
        for file_id, reading in found.items():
            staged.readings[reading.name] = reading
            if reading.problem is None:
                staged.by_content[contents[file_id]] = file_id
        waiting = [
            (file, content_hash)
            for file, content_hash in waiting
            if content_hash not in staged.by_content and file.name not in staged.readings
        ]


def _proved_by(staged: _Staged) -> dict[str, dict[str, int]]:
    """How the files of this load prove that their sources write dates."""
    return known_styles_of(
        (reading.source, reading.date_style, reading.date_style_evidence)
        for reading in staged.readings.values()
        if reading.problem is None and reading.kind == "transactions" and reading.source is not None
    )


def _merged(one: Mapping[str, Mapping[str, int]], other: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    merged = {source: dict(styles) for source, styles in one.items()}
    for source, styles in other.items():
        for style, files in styles.items():
            known = merged.setdefault(source, {})
            known[style] = known.get(style, 0) + files
    return merged


def _swayed_by_news(con: duckdb.DuckDBPyConnection, staged: _Staged, survey: _Survey) -> set[str]:
    """Move files among the deliveries whose dates were guessed before one of their source proved its order.

    So files that come one by one are read as if they had come together. Files that have
    left landing can't be read again; they keep the reading they had.
    """
    before = read_known_styles(con)
    news = {source for source, styles in _proved_by(staged).items() if styles.keys() - before.get(source, {}).keys()}
    if not news:
        return set()
    evidence = con.execute(
        "select file_name, source, date_style_evidence from quality.load_ledger where status = 'loaded'"
    ).fetchall()
    swayed = {
        name
        for name, source, told in evidence
        if source in news and name in survey.unchanged and may_change_with_neighbours(told)
    }
    for name in swayed:
        survey.deliveries[name] = survey.unchanged.pop(name)
    survey.deliveries = dict(sorted(survey.deliveries.items()))
    survey.outcomes = [outcome for outcome in survey.outcomes if outcome.file_name not in swayed]
    return swayed


def _set_aside_changed_files(staged: _Staged, survey: _Survey, ledger: Ledger, fingerprint: str) -> None:
    """Count files that changed between hashing and reading as in transit, whatever was read of them."""
    for name, (file, seen) in list(survey.deliveries.items()):
        if file.problem is None and not file.is_unchanged():
            del survey.deliveries[name]
            survey.arriving.append(_in_transit(file))
            if name in staged.readings and seen.content_hash is not None:
                staged.by_content.pop(seen.content_hash, None)
    # a twin of such a file was not read itself, so it waits as well
    for name, (file, seen) in list(survey.deliveries.items()):
        known = seen.content_hash is None or seen.content_hash in staged.by_content
        if not known and name not in staged.readings and not ledger.is_active(seen.content_hash or "", fingerprint):
            del survey.deliveries[name]
            survey.arriving.append(_in_transit(file))


def _mark_rejected(new_entries: dict[int, Seen], staged: _Staged) -> set[int]:
    """Give each delivery that can't be read its reason; returns their ``load_id``."""
    rejected: set[int] = set()
    for load_id, seen in new_entries.items():
        reading = staged.readings.get(seen.file_name)
        problem = seen.problem or (reading.problem if reading is not None else None)
        if problem is not None:
            rejected.add(load_id)
            # a refusal quotes headers and lines, and what it says is published
            new_entries[load_id] = replace(seen, problem=f"{seen.file_name}: {without_contacts(problem)}")
    return rejected


# What a raw table has between lineage and text, and between text and problem.
_OWN_COLUMNS = {
    "customers": ("o.loaded_at as _loaded_at,", ""),
    "segment_overrides": ("o.loaded_at as _loaded_at,", "d.read_at as expires_at,"),
}
_OF_SALES = ("", "d.read_at as invoiced_at,")


def _raw_query(raw_table: str, staging: Staging, dates_table: str, owners: str) -> str:
    """Lines in the shape of their raw table; ``owners`` is the table that :func:`_write_owners` made."""
    texts = ", ".join(f"l.{column}" for column in columns_of(raw_table))
    before, after = _OWN_COLUMNS.get(raw_table, _OF_SALES)
    date = date_column_of(raw_table)
    dates = "" if date is None else f"left join {dates_table} as d on l.file_id = d.file_id and l.{date} = d.text"
    return f"""
        select
            o.load_id::bigint * {_LINE_ID_FACTOR} + l.ordinal as _line_id,
            o.load_id as _load_id,
            o.file_name as _file_name,
            l.sheet as _sheet,
            l.row_number as _row_number,
            {before}
            {texts},
            {after}
            l.problem as _problem,
            l.line_text as _line_text
        from ({staging.lines(raw_table)}) as l
        join {owners} as o on l.file_id = o.file_id
        {dates}
    """


def _write_owners(
    staging: Staging, readings: Mapping[int, FileReading], names: Mapping[int, str], loaded_at: datetime
) -> str:
    """Make a temporary table of what each file is to the load, and return its name; readings go by ``load_id``.

    A table, since DuckDB knows how many rows it has. Of lists as parameters it expects one row, so that it takes the
    lines for fewer than their dates and keeps them all in memory to join them: 1.6 million lines took 1.1 GB more.
    """
    owners = staging.new_name()
    staging.con.execute(
        f"""
        create temp table {owners} as
        select
            unnest($file_ids)::integer as file_id,
            unnest($load_ids)::integer as load_id,
            unnest($file_names) as file_name,
            $loaded_at::timestamp as loaded_at
        """,
        {
            "file_ids": [reading.file_id for reading in readings.values()],
            "load_ids": list(readings),
            "file_names": [names[load_id] for load_id in readings],
            "loaded_at": loaded_at,
        },
    )
    staging.keep_track("table", owners)
    return owners


def _delivery_row(
    load_id: int, name: str, reading: FileReading, delivered_at: datetime | None, loaded_at: datetime
) -> dict[str, object]:
    """A row of ``raw.deliveries``."""
    mapping, export = reading.mapping, reading.export
    counts = next((line.counts for line in export.frame if line.counts), None) if export else None
    return {
        "_load_id": load_id,
        "_file_name": name,
        "_source": reading.source,
        "_layout": reading.layout,
        # letters and codes of one gift shop mean nothing in what a shop system writes
        "_profile": "plain" if export else mapping.profile if mapping else None,
        **{f"_{column}_mark": reading.marks.get(column, ".") for column in NUMBER_COLUMNS},
        "_not_sale_words": _folded(mapping.not_sales) if mapping and not export else None,
        "_return_words": _folded(mapping.returns) if mapping and not export else None,
        "_prices_include_tax": next(
            (said.prices_include_tax for said in (mapping, export) if said and said.prices_include_tax is not None),
            None,
        ),
        "_discount_unit": reading.discount_unit,
        "_is_discount_of_order": mapping is not None and mapping.discount_is == "whole_order",
        "_is_export": export is not None,
        "_tells_whole_orders": export is not None or (mapping is not None and mapping.whole_orders),
        "_told_records": reading.told_records,
        "_records_of": counts,
        "_delivered_at": delivered_at,
        "_loaded_at": loaded_at,
        "_first_invoiced_at": reading.first_invoiced_at,
        "_last_invoiced_at": reading.last_invoiced_at,
    }


def _unused_rows(load_id: int, name: str, reading: FileReading) -> list[dict[str, object]]:
    """Rows of ``raw.unused_columns``."""
    return [
        {"_load_id": load_id, "_file_name": name, "header": found.header, "role": found.role, **value}
        for found in reading.unused_columns
        for value in ({"value": text, "lines": lines} for text, lines in found.values)
    ]


def _folded(words: Sequence[str]) -> list[str] | None:
    """Words as ``raw.deliveries`` holds them: lower case, trimmed, single blanks."""
    return [" ".join(word.lower().split()) for word in words] or None


def _insert_rows(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows in one statement; texts and numbers take the types of the table's columns."""
    if not rows:
        return
    types = dict(con.execute(f"select column_name, column_type from (describe {table})").fetchall())
    names = list(rows[0])
    # a list of lists can't be unnested beside scalars in one go without its inner lists
    values = ", ".join(f"unnest(${name}::{types[name]}[]) as {name}" for name in names)
    con.execute(f"insert into {table} by name select {values}", {name: [row[name] for row in rows] for name in names})


def _write_lines(
    con: duckdb.DuckDBPyConnection,
    staged: _Staged,
    plan: Plan,
    new_entries: Mapping[int, Seen],
    loaded_at: datetime,
) -> None:
    for table in (*raw_tables(), "deliveries", "unused_columns"):
        if plan.delete:
            con.execute(f"delete from raw.{table} where _load_id in (select unnest($ids))", {"ids": plan.delete})
        for old_id, new_id in plan.move.items():
            ids = f"_line_id = _line_id + ($new - $old)::bigint * {_LINE_ID_FACTOR}, " if table in raw_tables() else ""
            con.execute(
                f"update raw.{table} set _load_id = $new, {ids}_file_name = $name where _load_id = $old",
                {"new": new_id, "old": old_id, "name": _name_of(con, new_id, new_entries)},
            )
    by_file_id = {reading.file_id: reading for reading in staged.readings.values()}
    readings = {load_id: by_file_id[file_id] for load_id, file_id in plan.insert.items()}
    names = {load_id: new_entries[load_id].file_name for load_id in readings}
    if not readings:
        return
    sales = {load_id: reading for load_id, reading in readings.items() if reading.kind == "transactions"}
    _insert_rows(
        con,
        "raw.deliveries",
        [
            _delivery_row(load_id, names[load_id], reading, new_entries[load_id].delivered_at, loaded_at)
            for load_id, reading in sales.items()
        ],
    )
    _insert_rows(
        con,
        "raw.unused_columns",
        [row for load_id, reading in sales.items() for row in _unused_rows(load_id, names[load_id], reading)],
    )
    expected: Counter[str] = Counter()
    for reading in readings.values():
        if reading.raw_table is not None:
            expected[reading.raw_table] += reading.delivered_lines
    inserted: Counter[str] = Counter()
    for staging, dates_table in staged.rounds:
        owners = _write_owners(staging, readings, names, loaded_at)
        for raw_table in staging.raw_tables:
            inserted[raw_table] += _insert(con, raw_table, _raw_query(raw_table, staging, dates_table, owners))
    if inserted != expected:
        raise RuntimeError(f"lines went astray between reading and writing: read {expected}, wrote {inserted}")


def _write_source_limits(con: duckdb.DuckDBPyConnection) -> None:
    """Keep what the files in force can't tell, as their systems' declarations have it."""
    sources = con.execute(
        "select distinct _source, _layout from raw.deliveries where _is_export order by all"
    ).fetchall()
    rows = [
        {
            "source": source,
            "layout": layout,
            "title": export_formats()[layout].title,
            "subject": subject,
            "told": told,
        }
        for source, layout in sources
        for subject, told in export_formats()[layout].limits.items()
    ]
    con.execute("delete from quality.source_limits")
    _insert_rows(con, "quality.source_limits", rows)


def _insert(con: duckdb.DuckDBPyConnection, table: str, query: str) -> int:
    row = con.execute(f"insert into raw.{table} by name {query}").fetchone()
    return int(row[0]) if row else 0


def _name_of(con: duckdb.DuckDBPyConnection, load_id: int, new_entries: Mapping[int, Seen]) -> str:
    if load_id in new_entries:
        return new_entries[load_id].file_name
    row = con.execute("select file_name from quality.load_ledger where load_id = ?", [load_id]).fetchone()
    assert row is not None, f"the ledger lost entry {load_id}"
    return str(row[0])


def _undo(con: duckdb.DuckDBPyConnection, staged: _Staged, error: BaseException, *, is_writing: bool) -> None:
    """Roll back and clean up; if even that fails, the first error stays the one that is told."""
    try:
        if is_writing:
            con.execute("rollback")
        staged.drop()
    except duckdb.Error as failure:
        error.add_note(f"cleaning up failed as well: {first_line(failure)}")


def _outcome(name: str, status: OutcomeStatus, seen: Seen) -> FileOutcome:
    return FileOutcome(name, status, problem=seen.problem)


def _as_outcome(status: Status) -> OutcomeStatus:
    assert status in ("loaded", "already_loaded", "rejected"), f"a new entry can't be {status}"
    return status  # type: ignore[return-value]


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _as_utc(moment: datetime) -> datetime:
    """UTC without zone; a moment without zone is taken to be UTC."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
