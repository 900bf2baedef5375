"""Which deliveries count: the load ledger and the rules of what replaces what.

Belongs here: reading and writing ``quality.load_ledger``, and the decision, from what
is known and what was just seen, which lines come in, go out or change their file.
Does not belong here: reading files, and writing lines.

The rules. The active contents are, for each file name ever delivered, its latest
readable content. Equal bytes under several names load once. A name delivered with new
content supersedes its former one, unless another name's latest content is the same
bytes: then the lines move to that name. What could not be read replaces nothing.
Files that are gone from landing keep their lines, but for those that were taken back
(:mod:`warehouse.withdrawals`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from warehouse.contacts import without_contacts
from warehouse.database import open_warehouse
from warehouse.formats import export_formats
from warehouse.readers.reading import READER_VERSION, FileReading
from warehouse.readers.values import known_styles
from warehouse.settings import Settings
from warehouse.withdrawals import Candidate

Status = Literal["loaded", "already_loaded", "superseded", "withdrawn", "rejected", "in_transit"]


Verdict = Literal["unchanged", "restored", "known_bad", "reread", "new"]


@dataclass(frozen=True)
class Entry:
    """One row of the ledger, as far as the rules need it."""

    load_id: int
    file_name: str
    content_hash: str | None
    size_bytes: int | None
    delivered_at: datetime | None
    status: Status
    problem: str | None
    reader_fingerprint: str | None
    superseded_by: int | None = None
    is_in_landing: bool = True
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class Seen:
    """One file that lies in landing now. ``content_hash`` is None if it could not be read."""

    file_name: str
    content_hash: str | None
    size_bytes: int | None = None
    delivered_at: datetime | None = None
    problem: str | None = None


class Ledger:
    """What was delivered so far."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.by_id = {entry.load_id: entry for entry in sorted(entries, key=lambda entry: entry.load_id)}
        self.latest: dict[str, Entry] = {}
        self.current: dict[str, Entry] = {}
        self.holders: dict[str, Entry] = {}
        for entry in self.by_id.values():
            if entry.status == "in_transit":
                continue
            self.latest[entry.file_name] = entry
            if entry.status in ("loaded", "already_loaded"):
                self.current[entry.file_name] = entry
            if entry.status == "loaded" and entry.content_hash is not None:
                self.holders[entry.content_hash] = entry

    def first_read_at(self, content_hash: str) -> datetime | None:
        """When these bytes were delivered first, under any name; None if they are new."""
        moments = [
            entry.recorded_at
            for entry in self.by_id.values()
            if entry.content_hash == content_hash and entry.recorded_at is not None
        ]
        return min(moments, default=None)

    @property
    def next_load_id(self) -> int:
        """The first number that was never given out."""
        return max(self.by_id, default=0) + 1

    def judge(self, seen: Seen, fingerprint: str) -> Verdict:
        """Say what a file in landing is to us.

        ``unchanged``: its bytes are active under its name. ``restored``: the same, after a
        version that was refused. ``known_bad``: the same bytes were refused before, by the
        same reader and settings. ``reread``: active, but read by another reader or under
        other settings. ``new``: everything else.
        """
        latest, current = self.latest.get(seen.file_name), self.current.get(seen.file_name)
        is_refused = latest is not None and latest.status == "rejected" and latest.superseded_by is None
        if latest is not None and is_refused and latest.content_hash == seen.content_hash:
            if seen.content_hash is not None:
                return "known_bad" if latest.reader_fingerprint == fingerprint else "new"
            same = (latest.size_bytes, latest.delivered_at) == (seen.size_bytes, seen.delivered_at)
            return "known_bad" if same else "new"
        if current is not None and seen.content_hash is not None and current.content_hash == seen.content_hash:
            if not self.is_active(seen.content_hash, fingerprint):
                return "reread"
            return "restored" if is_refused else "unchanged"
        return "new"

    def is_active(self, content_hash: str, fingerprint: str) -> bool:
        """Whether lines of these bytes are loaded as today's reader would read them."""
        holder = self.holders.get(content_hash)
        return holder is not None and holder.reader_fingerprint == fingerprint


@dataclass
class Plan:
    """What a load does to the ledger and to the lines.

    ``statuses`` has the new status of every entry, old or new, that gets one;
    ``successors`` maps an old entry to the one that takes its name over. ``insert`` maps a
    new entry to the reading (``file_id``) whose lines it brings. ``delete`` are entries
    whose lines go, ``move`` maps an entry whose lines change hands to their new owner.
    """

    statuses: dict[int, Status] = field(default_factory=dict)
    successors: dict[int, int] = field(default_factory=dict)
    insert: dict[int, int] = field(default_factory=dict)
    delete: list[int] = field(default_factory=list)
    move: dict[int, int] = field(default_factory=dict)

    @property
    def changes_lines(self) -> bool:
        """Whether the raw tables differ afterwards."""
        return bool(self.insert or self.delete or self.move)


def make_plan(
    ledger: Ledger,
    new_entries: Mapping[int, Seen],
    rejected: Iterable[int],
    read: Mapping[str, int],
    restored: Iterable[str] = (),
    withdrawn: Iterable[int] = (),
) -> Plan:
    """Work out the consequences of new deliveries.

    Parameters
    ----------
    new_entries
        What was delivered, by the ``load_id`` it gets; ids ascend with file names.
    rejected
        Those of them that can't be read.
    read
        ``file_id`` of the reading by content hash, for contents that were just read.
    restored
        Names whose active content is back after a version that was refused.
    withdrawn
        Entries that were taken back; each is the current one of its name, which is gone.
    """
    refused, taken_back = set(rejected), set(withdrawn)
    plan = Plan(statuses=dict.fromkeys(refused, "rejected"))
    for load_id in taken_back:
        plan.statuses[load_id] = "withdrawn"
    for name in restored:
        plan.successors[ledger.latest[name].load_id] = ledger.current[name].load_id
    owners: dict[str, tuple[int, str]] = {
        name: (entry.load_id, entry.content_hash)
        for name, entry in ledger.current.items()
        if entry.content_hash is not None and entry.load_id not in taken_back
    }
    for load_id, seen in new_entries.items():
        former = ledger.latest.get(seen.file_name)
        if former is not None and former.status == "rejected":
            plan.successors[former.load_id] = load_id
        if load_id in refused or seen.content_hash is None:
            # what can't be read replaces nothing
            continue
        replaced = ledger.current.get(seen.file_name)
        if replaced is not None:
            plan.successors[replaced.load_id] = load_id
            plan.statuses[replaced.load_id] = "superseded"
        owners[seen.file_name] = (load_id, seen.content_hash)

    claims: dict[str, list[int]] = defaultdict(list)
    for load_id, content_hash in owners.values():
        claims[content_hash].append(load_id)
    for content_hash, claimants in claims.items():
        holder = ledger.holders.get(content_hash)
        fresh = [load_id for load_id in sorted(claimants) if load_id in new_entries]
        if content_hash in read and fresh:
            owner = fresh[0]
            plan.insert[owner] = read[content_hash]
            if holder is not None:
                plan.delete.append(holder.load_id)
        elif holder is not None and holder.load_id in claimants:
            owner = holder.load_id
        else:
            assert holder is not None, "content that nobody holds has to be read"
            owner = min(claimants)
            plan.move[holder.load_id] = owner
        for load_id in claimants:
            status: Status = "loaded" if load_id == owner else "already_loaded"
            known = ledger.by_id.get(load_id)
            if known is None or known.status != status:
                plan.statuses[load_id] = status
    for content_hash, holder in ledger.holders.items():
        if content_hash not in claims:
            plan.delete.append(holder.load_id)
    return plan


def reader_fingerprint(settings: Settings) -> str:
    """Hash of everything but the bytes that decides how a file is read."""
    declared = [export.model_dump_json() for export in export_formats().values()]
    told = "\n".join([READER_VERSION, settings.landing_fingerprint(), *declared])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def read_ledger(con: duckdb.DuckDBPyConnection) -> Ledger:
    """Read the ledger; it must exist, and may be of an older version that did not keep what is in landing."""
    kept = con.execute(
        "select 1 from duckdb_columns() where database_name = current_database() and schema_name = 'quality' "
        "and table_name = 'load_ledger' and column_name = 'is_in_landing'"
    ).fetchall()
    rows = con.execute(
        "select load_id, file_name, content_hash, size_bytes, delivered_at, status, problem, reader_fingerprint, "
        f"superseded_by, {'is_in_landing' if kept else 'true'}, recorded_at from quality.load_ledger"
    ).fetchall()
    return Ledger(Entry(*row) for row in rows)


def read_known_styles(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """How many files of each source prove by their own values how they write dates."""
    rows = con.execute(
        "select source, date_style, date_style_evidence from quality.load_ledger "
        "where status = 'loaded' and kind = 'transactions' and source is not null"
    ).fetchall()
    return known_styles(rows)


def read_withdrawal_candidates(
    con: duckdb.DuckDBPyConnection, ledger: Ledger, present: Collection[str]
) -> list[Candidate]:
    """Deliveries that are in use while their files are gone.

    Parameters
    ----------
    present
        Names of the files in landing now.
    """
    gone = {entry.load_id for name, entry in ledger.current.items() if name not in present}
    if not gone:
        return []
    rows = con.execute(
        """
        select
            load_id,
            file_name,
            recorded_at,
            -- only sales have dates without which a line is nothing
            kind is distinct from 'transactions' or coalesce(delivered_lines, 0) = 0 or first_invoiced_at is not null
        from quality.load_ledger
        where load_id in (select unnest($ids))
        """,
        {"ids": sorted(gone)},
    ).fetchall()
    return [Candidate(*row) for row in rows]


def write_presence(con: duckdb.DuckDBPyConnection, present: Collection[str]) -> list[str]:
    """Let the ledger tell which versions lie in landing; call it after all entries are written.

    Returns
    -------
    list of str
        Names of files that are gone now and of which no version was ever in use.
    """
    latest = """
        select load_id, file_name in (select unnest($present)) as is_present
        from quality.load_ledger
        where status <> 'in_transit'
        qualify row_number() over (partition by file_name order by load_id desc) = 1
    """
    parameters = {"present": sorted(present)}
    left = con.execute(
        f"""
        select file_name
        from quality.load_ledger as ledger
        where status = 'rejected' and is_in_landing
            and load_id in (select load_id from ({latest}) where not is_present)
            and not exists (
                select 1 from quality.load_ledger as used
                where used.file_name = ledger.file_name and used.status in ('loaded', 'already_loaded')
            )
        order by file_name
        """,
        parameters,
    ).fetchall()
    con.execute(
        f"""
        update quality.load_ledger as ledger
        set is_in_landing = not ledger.is_in_landing
        where ledger.status <> 'in_transit'
            and ledger.is_in_landing
                <> coalesce((select is_present from ({latest}) as l where l.load_id = ledger.load_id), false)
        """,
        parameters,
    )
    return [row[0] for row in left]


def write_withdrawals(con: duckdb.DuckDBPyConnection, reasons: Mapping[int, str], *, at: datetime) -> None:
    """Keep why deliveries were taken back, beside their status."""
    if reasons:
        con.execute(
            "update quality.load_ledger as l set problem = c.reason, superseded_at = $at "
            "from (select unnest($ids)::integer as load_id, unnest($reasons) as reason) as c "
            "where l.load_id = c.load_id",
            {"ids": list(reasons), "reasons": list(reasons.values()), "at": at},
        )


def hide_contacts(con: duckdb.DuckDBPyConnection) -> None:
    """Take e-mail addresses out of what the ledger says, also of what an older version wrote into it."""
    for column in ("problem", "notes", "profile_evidence", "date_style_evidence", "sheets"):
        told = con.execute(
            f"select load_id, {column} from quality.load_ledger where contains({column}, '@')"
        ).fetchall()
        changed = {load_id: without_contacts(text) for load_id, text in told if without_contacts(text) != text}
        if changed:
            con.execute(
                f"update quality.load_ledger as l set {column} = c.said "
                "from (select unnest($ids)::integer as load_id, unnest($said) as said) as c "
                "where l.load_id = c.load_id",
                {"ids": list(changed), "said": list(changed.values())},
            )


def record_profiles(con: duckdb.DuckDBPyConnection) -> None:
    """Keep in the ledger what each source's lines told of its habits (``marts.source_profiles``)."""
    con.execute(
        """
        update quality.load_ledger as ledger
        set profile = found.profile, profile_evidence = found.evidence
        from marts.source_profiles as found
        where ledger.source = found.source and ledger.status = 'loaded' and ledger.kind = 'transactions'
            and (ledger.profile, ledger.profile_evidence) is distinct from (found.profile, found.evidence)
        """
    )


def exports_in_force(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the exports of shop systems whose files are loaded, sorted."""
    rows = con.execute("select distinct _layout from raw.deliveries where _is_export order by _layout").fetchall()
    return [row[0] for row in rows]


def active_content_hashes(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Hashes of the contents whose lines are in ``raw``, sorted: what the data version is made of."""
    rows = con.execute(
        "select distinct content_hash from quality.load_ledger where status = 'loaded' order by content_hash"
    ).fetchall()
    return [row[0] for row in rows]


def has_loaded(warehouse: Path) -> bool:
    """Whether anything was ever loaded into a private warehouse; False if there is none yet.

    Raises
    ------
    WarehouseBusyError
        If another process holds the file.
    """
    if not warehouse.exists():
        return False
    with open_warehouse(warehouse, read_only=True) as con:
        ledger = con.execute(
            "select 1 from duckdb_tables() where schema_name = 'quality' and table_name = 'load_ledger'"
        ).fetchone()
        return ledger is not None and bool(active_content_hashes(con))


def write_entries(
    con: duckdb.DuckDBPyConnection,
    new_entries: Mapping[int, Seen],
    readings: Mapping[int, FileReading],
    plan: Plan,
    *,
    recorded_at: datetime,
    fingerprint: str,
) -> None:
    """Add one row for each new delivery.

    Parameters
    ----------
    readings
        What was read, by ``load_id``; a delivery whose content was already known has none.
    """
    _insert(
        con,
        [
            _row(
                load_id,
                seen,
                readings.get(load_id),
                plan.statuses[load_id],
                recorded_at,
                fingerprint,
                "the same bytes are loaded under another name" if plan.statuses[load_id] == "already_loaded" else None,
            )
            for load_id, seen in new_entries.items()
        ],
    )


def write_in_transit(
    con: duckdb.DuckDBPyConnection, arriving: Sequence[Seen], first_load_id: int, *, recorded_at: datetime
) -> None:
    """Let the ledger show exactly the files that are arriving now."""
    con.execute("delete from quality.load_ledger where status = 'in_transit'")
    rows = [
        _row(load_id, seen, None, "in_transit", recorded_at, None)
        for load_id, seen in enumerate(arriving, start=first_load_id)
    ]
    _insert(con, rows)


_CONTENT_COLUMNS = (
    "kind",
    "file_format",
    "layout",
    "source_mapping",
    "source",
    "sheets",
    "encoding",
    "delimiter",
    "decimal_mark",
    "date_style",
    "date_style_evidence",
    "assumed_lines",
    "clock",
    "delivered_lines",
    "loaded_lines",
    "unreadable_lines",
    "first_invoiced_at",
    "last_invoiced_at",
)
_COLUMN_TYPES = {
    "load_id": "integer",
    "file_name": "varchar",
    "content_hash": "varchar",
    "size_bytes": "bigint",
    "delivered_at": "timestamp",
    "recorded_at": "timestamp",
    "status": "varchar",
    "problem": "varchar",
    "notes": "varchar",
    "reader_fingerprint": "varchar",
} | {
    name: "bigint" if name.endswith("_lines") else "timestamp" if name.endswith("_at") else "varchar"
    for name in _CONTENT_COLUMNS
}


def update_entries(con: duckdb.DuckDBPyConnection, ledger: Ledger, plan: Plan, *, superseded_at: datetime) -> None:
    """Write what the plan changes in rows that were there before.

    An entry that takes lines over also takes over what the ledger says of them; so
    call this after :func:`write_entries`.
    """
    changed = [load_id for load_id in plan.statuses if load_id in ledger.by_id]
    if changed:
        con.execute(
            "update quality.load_ledger as l set status = c.status "
            "from (select unnest($ids)::integer as load_id, unnest($statuses) as status) as c "
            "where l.load_id = c.load_id",
            {"ids": changed, "statuses": [plan.statuses[load_id] for load_id in changed]},
        )
    if plan.move:
        columns = ", ".join(f"{column} = f.{column}" for column in (*_CONTENT_COLUMNS, "notes", "reader_fingerprint"))
        con.execute(
            f"update quality.load_ledger as l set {columns} from quality.load_ledger as f "
            "join (select unnest($old)::integer as old_id, unnest($new)::integer as new_id) as c "
            "on f.load_id = c.old_id where l.load_id = c.new_id",
            {"old": list(plan.move), "new": list(plan.move.values())},
        )
    if plan.successors:
        con.execute(
            "update quality.load_ledger as l set superseded_by = c.successor, superseded_at = $at "
            "from (select unnest($ids)::integer as load_id, unnest($successors)::integer as successor) as c "
            "where l.load_id = c.load_id",
            {"ids": list(plan.successors), "successors": list(plan.successors.values()), "at": superseded_at},
        )


def _row(
    load_id: int,
    seen: Seen,
    reading: FileReading | None,
    status: Status,
    recorded_at: datetime,
    fingerprint: str | None,
    note: str | None = None,
) -> dict[str, object]:
    row: dict[str, object] = {
        "load_id": load_id,
        "file_name": seen.file_name,
        "content_hash": seen.content_hash,
        "size_bytes": seen.size_bytes,
        "delivered_at": seen.delivered_at,
        "recorded_at": recorded_at,
        "status": status,
        "problem": seen.problem,
        "notes": note,
        "reader_fingerprint": fingerprint,
    } | dict.fromkeys(_CONTENT_COLUMNS)
    if reading is not None:
        row |= {name: getattr(reading, name) for name in _CONTENT_COLUMNS}
        row["notes"] = "; ".join(reading.notes) or None
        if reading.problem is not None:
            row |= dict.fromkeys(("delivered_lines", "loaded_lines", "unreadable_lines"), 0)
    return row


def _insert(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows in one statement; one by one, 305 of them take half a second."""
    if not rows:
        return
    columns = ", ".join(_COLUMN_TYPES)
    values = ", ".join(f"unnest(${name}::{sql_type}[])" for name, sql_type in _COLUMN_TYPES.items())
    con.execute(
        f"insert into quality.load_ledger ({columns}) select {values}",
        {name: [row[name] for row in rows] for name in _COLUMN_TYPES},
    )
