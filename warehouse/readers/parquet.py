"""Parquet files, read by DuckDB.

Belongs here: native values as the text that the other formats deliver. Does not
belong here: which reading of a date or number in text holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.readers.errors import UnreadableFileError, first_line, is_disk_full
from warehouse.readers.layouts import Recognised, recognise
from warehouse.readers.staging import Staging
from warehouse.settings import Settings


@dataclass(frozen=True)
class ParquetReading:
    """What came of one Parquet file."""

    recognised: Recognised
    loaded_lines: int
    notes: tuple[str, ...]


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
        recognised = recognise([row[0] for row in described], name, settings)
        expressions = {
            column: _as_text(described[position][0], described[position][1])
            for column, position in recognised.columns.items()
        }
        expressions |= {
            "file_id": str(file_id),
            "ordinal": "file_row_number + 1",
            "row_number": "file_row_number + 1",
        }
        lines = staging.append(
            recognised.kind, "read_parquet([?], file_row_number = true)", expressions, parameters=[str(path)]
        )
    except duckdb.Error as error:
        if is_disk_full(error) or isinstance(error, duckdb.OutOfMemoryException | duckdb.FatalException):
            raise
        raise UnreadableFileError(
            f"the Parquet file is cut off or damaged ({first_line(error)}); deliver it again"
        ) from error
    return ParquetReading(recognised, lines, recognised.notes)


def _as_text(name: str, sql_type: str) -> str:
    """Write the SQL that renders a column as CSV would have delivered it."""
    column = '"' + name.replace('"', '""') + '"'
    if sql_type in {"DOUBLE", "FLOAT"}:
        # a blank makes an integer column a float one: 17850.0 was 17850
        text = (
            f"case when isnan({column}) then null "
            f"when abs({column}) < 1e15 and {column} = trunc({column}) then {column}::bigint::varchar "
            f"else {column}::varchar end"
        )
    elif sql_type.startswith("TIMESTAMP"):
        text = f"{column}::timestamp::varchar"
    else:
        text = f"{column}::varchar"
    return f"nullif({text}, '')"
