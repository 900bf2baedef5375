"""Parquet files, read by DuckDB.

Belongs here: native values as the text that the other formats deliver. Does not
belong here: which reading of a date or number in text holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.readers.columns import column_expressions
from warehouse.readers.errors import HeaderError, UnreadableFileError, first_line, is_disk_full
from warehouse.readers.headers import recognise
from warehouse.readers.layouts import Recognised
from warehouse.readers.roles import UnusedColumn, Values, counted_fields, describe_unused
from warehouse.readers.staging import Staging
from warehouse.settings import Settings


@dataclass(frozen=True)
class ParquetReading:
    """What came of one Parquet file."""

    recognised: Recognised
    loaded_lines: int
    notes: tuple[str, ...]
    unused_columns: tuple[UnusedColumn, ...]


def read_parquet_file(staging: Staging, file_id: int, path: Path, name: str, settings: Settings) -> ParquetReading:
    """Bring the lines of a Parquet file into the staging area.

    Raises
    ------
    UnreadableFileError
        If the file is damaged or its columns are no known layout.
    """
    try:
        # the description lists the file's columns and then the row number that we asked for
        described = staging.con.execute(
            "describe select * from read_parquet([$path], file_row_number = true)", {"path": str(path)}
        ).fetchall()[:-1]
        instants = _int96_columns(staging, path)
        try:
            recognised = recognise([row[0] for row in described], name, settings)
        except HeaderError as error:
            error.below = lambda: _rows(staging, path)
            raise

        def field(position: int) -> str:
            return _as_text(described[position][0], described[position][1], instants)

        expressions = column_expressions(recognised, field)
        expressions |= {
            "file_id": str(file_id),
            "ordinal": "file_row_number + 1",
            "row_number": "file_row_number + 1",
        }
        lines = staging.append(
            recognised.table, "read_parquet([?], file_row_number = true)", expressions, parameters=[str(path)]
        )
        unused = [
            describe_unused(
                header,
                _counted(staging, path, counted_fields(header, [field(position) for position in header.positions])),
            )
            for header in recognised.unused
        ]
    except duckdb.Error as error:
        if is_disk_full(error) or isinstance(error, duckdb.OutOfMemoryException | duckdb.FatalException):
            raise
        raise UnreadableFileError(
            f"the Parquet file is cut off or damaged ({first_line(error)}); deliver it again"
        ) from error
    return ParquetReading(recognised, lines, recognised.notes, tuple(column for column in unused if column is not None))


def _int96_columns(staging: Staging, path: Path) -> frozenset[str]:
    """Columns of a type that holds instants and does not say so; Spark still writes it."""
    rows = staging.con.execute("select name from parquet_schema([?]) where type = 'INT96'", [str(path)]).fetchall()
    return frozenset(row[0] for row in rows)


def _rows(staging: Staging, path: Path) -> Iterator[Sequence[str | None]]:
    # a cursor of its own: the connection has one result at a time
    with staging.con.cursor() as cursor:
        cursor.execute("select columns(*)::varchar from read_parquet([?])", [str(path)])
        while rows := cursor.fetchmany(10_000):
            yield from rows


def _counted(staging: Staging, path: Path, texts: list[str]) -> dict[Values, int]:
    """Lines by the value of a column, or by the values of several."""
    rows = staging.con.execute(
        f"select {', '.join(texts)}, count(*) from read_parquet([?]) group by all", [str(path)]
    ).fetchall()
    return {row[:-1] if len(texts) > 1 else row[0]: row[-1] for row in rows}


def _as_text(name: str, sql_type: str, instants: frozenset[str]) -> str:
    """Write the SQL that renders a column as CSV would have delivered it.

    An instant is written on the UTC clock with its offset, so that it is read as any
    text with an offset is.
    """
    column = '"' + name.replace('"', '""') + '"'
    if sql_type in {"DOUBLE", "FLOAT"}:
        # a blank makes an integer column a float one: 17850.0 was 17850
        text = (
            f"case when isnan({column}) then null "
            f"when abs({column}) < 1e15 and {column} = trunc({column}) then {column}::bigint::varchar "
            f"else {column}::varchar end"
        )
    elif sql_type in {"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"}:
        # a data frame writes nanoseconds, which nothing converts but the way over microseconds
        text = f"({column}::timestamptz at time zone 'UTC')::varchar || '+00'"
    elif sql_type == "BLOB":
        # a text that its writer did not call one; bytes that are none stay as DuckDB shows them
        text = f"coalesce(try(decode({column})), {column}::varchar)"
    elif sql_type.startswith("TIMESTAMP"):
        text = f"{column}::timestamp::varchar" + (" || '+00'" if name in instants else "")
    else:
        text = f"{column}::varchar"
    return f"nullif({text}, '')"
