"""What was pulled so far, in the private warehouse.

Belongs here: reading and writing ``databases.pulls`` and ``databases.orders``. Does not
belong here: deciding what to pull.

A pull is written down as ``landing`` before its file is renamed into place, and as
``delivered`` afterwards. If a process dies in between, the file tells which of the two
holds: a pull counts exactly if its file stands in landing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from warehouse.databases.values import Watermark, WatermarkKind

SCHEMA = Path(__file__).with_name("state.sql")

PullStatus = Literal["delivered", "nothing_new", "failed"]


@dataclass(frozen=True)
class Pull:
    """What came of one pull of one database."""

    database: str
    started_at: datetime
    finished_at: datetime
    status: PullStatus
    pulled_lines: int = 0
    """Rows that the database sent."""
    delivered_orders: int = 0
    delivered_lines: int = 0
    """Those of orders that are new or came back otherwise than before."""
    file_name: str | None = None
    notes: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Known:
    """Where the next pull goes on."""

    pull_id: int
    definition: str
    until: Watermark | None


def ensure_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables where they are missing."""
    con.execute(SCHEMA.read_text(encoding="utf-8"))


def settle(con: duckdb.DuckDBPyConnection, database: str, landing: Path) -> None:
    """Bring pulls whose process died to the end that their files tell."""
    rows = con.execute(
        "select pull_id, file_name from databases.pulls where status = 'landing' and database_name = ?", [database]
    ).fetchall()
    for pull_id, file_name in rows:
        if (landing / file_name).exists():
            finish(con, pull_id)
        else:
            con.execute("delete from databases.orders where pull_id = ?", [pull_id])
            con.execute("delete from databases.pulls where pull_id = ?", [pull_id])


def read_known(con: duckdb.DuckDBPyConnection, database: str) -> Known | None:
    """The last pull of a database that did not fail; None before the first."""
    row = con.execute(
        """
        select pull_id, definition, watermark_kind, watermark_until from databases.pulls
        where database_name = ? and status in ('delivered', 'nothing_new') order by pull_id desc limit 1
        """,
        [database],
    ).fetchone()
    if row is None:
        return None
    pull_id, definition, kind, until = row
    return Known(pull_id, definition, None if until is None else Watermark.read(kind, until))


def begin(
    con: duckdb.DuckDBPyConnection,
    pull: Pull,
    *,
    definition: str,
    is_complete: bool,
    since: Watermark | None,
    kind: WatermarkKind | None,
    until: Watermark | None,
) -> int:
    """Write a pull down, with the orders of the table ``pulled_orders`` that the next one sees again.

    One that brings a file stays ``landing`` until :func:`finish`.

    Returns
    -------
    int
        Its ``pull_id``.
    """
    con.execute("begin transaction")
    try:
        pull_id = _insert(con, pull, status="landing" if pull.file_name else pull.status)
        con.execute(
            """
            update databases.pulls
            set definition = ?, is_complete = ?, since = ?, watermark_kind = ?, watermark_until = ?
            where pull_id = ?
            """,
            [definition, is_complete, since and since.written(), kind, until and until.written(), pull_id],
        )
        con.execute(
            "insert into databases.orders select ?, order_key, digest from pulled_orders where comes_again", [pull_id]
        )
        if not pull.file_name:
            _forget_older_orders(con, pull_id)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return pull_id


def finish(con: duckdb.DuckDBPyConnection, pull_id: int) -> None:
    """Tell that the file of a pull stands in landing."""
    con.execute("begin transaction")
    try:
        con.execute("update databases.pulls set status = 'delivered' where pull_id = ?", [pull_id])
        _forget_older_orders(con, pull_id)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


def write_failed(con: duckdb.DuckDBPyConnection, pull: Pull) -> None:
    """Keep that a pull failed, and why; where the next one goes on stays as it was."""
    _insert(con, pull, status="failed")


def latest_pulls(con: duckdb.DuckDBPyConnection) -> list[Pull]:
    """The last pull of each database, by name; none where nothing was ever pulled."""
    there = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = 'databases' "
        "and table_name = 'pulls'"
    ).fetchone()
    if there is None:
        return []
    rows = con.execute(
        """
        select
            database_name, started_at, finished_at, if(status = 'landing', 'delivered', status), pulled_lines,
            delivered_orders, delivered_lines, file_name, notes, problem
        from databases.pulls
        qualify row_number() over (partition by database_name order by pull_id desc) = 1
        order by database_name
        """
    ).fetchall()
    return [Pull(*row) for row in rows]


def files_of_other_definitions(con: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """Files that a later pull of everything replaced, and that have other columns than it has."""
    rows = con.execute(
        """
        select earlier.file_name
        from databases.pulls as earlier
        join databases.pulls as complete
            on earlier.database_name = complete.database_name and earlier.pull_id < complete.pull_id
        where earlier.database_name = ? and earlier.file_name is not null and earlier.status = 'delivered'
            and complete.status = 'delivered' and complete.is_complete and complete.definition <> earlier.definition
        group by earlier.file_name
        order by earlier.file_name
        """,
        [database],
    ).fetchall()
    return [row[0] for row in rows]


def _insert(con: duckdb.DuckDBPyConnection, pull: Pull, *, status: str) -> int:
    row = con.execute("select coalesce(max(pull_id), 0) + 1 from databases.pulls").fetchone()
    assert row is not None
    con.execute(
        """
        insert into databases.pulls by name select
            $pull_id as pull_id, $database as database_name, $started_at as started_at, $finished_at as finished_at,
            $status as status, $pulled_lines as pulled_lines, $delivered_orders as delivered_orders,
            $delivered_lines as delivered_lines, $file_name as file_name, $notes as notes, $problem as problem
        """,
        {
            "pull_id": row[0],
            "database": pull.database,
            "started_at": pull.started_at,
            "finished_at": pull.finished_at,
            "status": status,
            "pulled_lines": pull.pulled_lines,
            "delivered_orders": pull.delivered_orders,
            "delivered_lines": pull.delivered_lines,
            "file_name": pull.file_name,
            "notes": pull.notes,
            "problem": pull.problem,
        },
    )
    return int(row[0])


def _forget_older_orders(con: duckdb.DuckDBPyConnection, pull_id: int) -> None:
    con.execute(
        """
        delete from databases.orders where pull_id in (
            select earlier.pull_id from databases.pulls as earlier
            join databases.pulls as this using (database_name)
            where this.pull_id = $pull_id and earlier.pull_id < $pull_id
        )
        """,
        {"pull_id": pull_id},
    )
