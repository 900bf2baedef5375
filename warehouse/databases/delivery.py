"""Rows of a database to a file in landing, whole or not at all.

Belongs here: fetching in batches, finding the orders that differ from their last pull,
and putting those into landing. Does not belong here: what is asked, and the record of pulls.

Everything passes in pieces: rows are fetched ten thousand at a time into a Parquet file
outside landing, and DuckDB compares and copies from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.engine import Connection

from warehouse.databases.asking import Question
from warehouse.databases.values import Watermark, WatermarkKind, as_texts, kind_of_watermark
from warehouse.errors import PullError
from warehouse.small_files import flush_to_disk

BATCH_ROWS = 10_000
_WATERMARK_TYPES: dict[WatermarkKind, pa.DataType] = {
    "date": pa.date32(),
    "time": pa.timestamp("us"),
    "instant": pa.timestamp("us", tz="UTC"),
    "number": pa.int64(),
}
_SQL_TYPES: dict[WatermarkKind, str] = {
    "date": "date",
    "time": "timestamp",
    "instant": "timestamptz",
    "number": "bigint",
}
_AHEAD = timedelta(days=1)
"""A server's clock and zone may differ from ours by so much; what lies further ahead is a slip of somebody's."""


@dataclass(frozen=True)
class Comparison:
    """What a pull brought, next to the one before."""

    until: Watermark | None
    new_orders: int
    new_lines: int
    notes: tuple[str, ...]


def fetch(
    connection: Connection, question: Question, since: Watermark | None, path: Path, progress: Callable[[int], None]
) -> int:
    """Write the rows of the orders that have news to ``path``; returns how many.

    Columns are called ``c0``, ``c1``, … and hold text; ``watermark`` comes last.

    Raises
    ------
    PullError
        If a watermark is of another kind than the first one.
    """
    schema = pa.schema(
        [
            *(pa.field(f"c{position}", pa.string()) for position in range(len(question.wanted))),
            pa.field("watermark", _WATERMARK_TYPES[question.watermark_kind or "number"]),
        ]
    )
    result = connection.execution_options(yield_per=BATCH_ROWS).execute(question.statement(since))
    rows = 0
    with pq.ParquetWriter(path, schema) as writer:
        for batch in result.partitions():
            *columns, watermarks = zip(*batch, strict=True)
            arrays = [
                pa.array(as_texts(column, is_utc=name in question.utc), pa.string())
                for name, column in zip(question.wanted, columns, strict=True)
            ]
            writer.write_batch(pa.record_batch([*arrays, _watermarks(question, watermarks, schema)], schema=schema))
            rows += len(batch)
            progress(rows)
    return rows


def _watermarks(question: Question, values: tuple[object, ...], schema: pa.Schema) -> pa.Array:
    kind = question.watermark_kind
    for value in values:
        if value is not None and kind_of_watermark(value) != kind:
            raise PullError(
                f"Database {question.database.name!r}: its watermark {question.watermark!r} holds "
                f"{type(value).__name__} values such as {str(value)[:40]!r} beside others; name a column of one type"
            )
    whole = [None if value is None else int(value) for value in values] if kind == "number" else values  # type: ignore[call-overload]
    try:
        return pa.array(whole, schema.field("watermark").type)
    except (pa.ArrowInvalid, OverflowError) as error:
        raise PullError(
            f"Database {question.database.name!r}: its watermark {question.watermark!r} holds a value beyond "
            f"what can be kept ({error})"
        ) from error


def compare(
    con: duckdb.DuckDBPyConnection,
    question: Question,
    fetched: Path,
    *,
    known_pull: int | None,
    started_at: datetime,
) -> Comparison:
    """Find the orders that are new or came back otherwise, into the temporary table ``pulled_orders``.

    Parameters
    ----------
    known_pull
        The pull whose orders are compared with; None: every order is new.
    started_at
        When the pull began, UTC without zone. No later watermark is believed.
    """
    content = ", ".join(f"coalesce(c{position}, chr(30))" for position in range(len(question.wanted)))
    order = f"c{question.wanted.index(question.order)}"
    # a sum, so that the order in which rows come plays no role; a count beside it, so that none cancels out
    con.execute(
        f"""
        create or replace temp table pulled_orders as
        select
            {order} as order_key,
            count(*) as lines,
            count(*) || ':' || sum(md5_number_lower(concat_ws(chr(31), {content}))) as digest,
            max(watermark) as watermark,
            bool_or(watermark is null) as has_unmarked,
            true as is_new,
            true as comes_again
        from read_parquet($fetched)
        group by 1
        """,
        {"fetched": str(fetched)},
    )
    if known_pull is not None:
        con.execute(
            """
            update pulled_orders as p set is_new = false
            from databases.orders as o
            where o.pull_id = $known and o.order_key is not distinct from p.order_key and o.digest = p.digest
            """,
            {"known": known_pull},
        )
    until, notes = _until(con, question, started_at)
    if until is not None:
        since = until.back(question.database.look_back)
        con.execute(
            f"update pulled_orders set comes_again = has_unmarked or watermark >= $since::{_SQL_TYPES[since.kind]}",
            {"since": since.written()},
        )
    orders, lines = _one(con, "select count(*), coalesce(sum(lines), 0) from pulled_orders where is_new")
    unmarked, unnumbered = _one(
        con,
        "select count(*) filter (has_unmarked), coalesce(sum(lines) filter (order_key is null), 0) from pulled_orders",
    )
    if unmarked:
        notes.append(f"{unmarked:,} orders have rows without {question.watermark}; they are looked at in every pull")
    if unnumbered:
        notes.append(f"{unnumbered:,} rows have no {question.order}")
    return Comparison(until, orders, lines, tuple(notes))


def _until(
    con: duckdb.DuckDBPyConnection, question: Question, started_at: datetime
) -> tuple[Watermark | None, list[str]]:
    """The highest watermark that can be believed: one from next year would hide all that comes until then."""
    kind = question.watermark_kind
    if kind is None:
        return None, []
    believed = "true" if kind == "number" else f"watermark <= $limit::{_SQL_TYPES[kind]}"
    limit = (started_at + _AHEAD).isoformat() + ("+00" if kind == "instant" else "")
    highest, beyond = _one(
        con,
        f"select max(watermark) filter ({believed}), count(*) filter (not ({believed})) from pulled_orders",
        {} if kind == "number" else {"limit": limit},
    )
    notes = [f"{beyond:,} orders have a {question.watermark} in the future"] if beyond else []
    if highest is None:
        return None, notes
    assert isinstance(highest, int | date)
    return Watermark(kind, highest), notes


def put_into_landing(
    con: duckdb.DuckDBPyConnection,
    question: Question,
    fetched: Path,
    target: Path,
    *,
    delivered_at: datetime,
    before_rename: Callable[[], None],
) -> None:
    """Write the new orders' rows to ``target``, under a hidden name until the file is whole.

    ``before_rename`` is called when nothing is left to do but the rename.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name}.partial"
    order = f"c{question.wanted.index(question.order)}"
    columns = ", ".join(
        f'c{position} as "{name.replace(chr(34), chr(34) * 2)}"' for position, name in enumerate(question.wanted)
    )
    try:
        con.execute(
            f"""
            copy (
                select {columns} from read_parquet($fetched) as fetched
                where exists (
                    select 1 from pulled_orders
                    where is_new and order_key is not distinct from fetched.{order}
                )
            ) to '{str(partial).replace("'", "''")}' (format parquet, compression zstd)
            """,
            {"fetched": str(fetched)},
        )
        # the moment that the rows were true, which reading them is told as the time of the delivery
        seconds = delivered_at.replace(tzinfo=UTC).timestamp()
        os.utime(partial, (seconds, seconds))
        flush_to_disk(partial)
        before_rename()
        partial.rename(target)
        flush_to_disk(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def clear_remains(folder: Path) -> None:
    """Remove what a process left that died while it wrote."""
    for remains in folder.glob(".*.parquet.partial"):
        remains.unlink()


def _one(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, object] | None = None) -> tuple:
    row = con.execute(sql, values or None).fetchone()
    assert row is not None
    return row
