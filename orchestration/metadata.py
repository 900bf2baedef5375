"""What Dagster's pages show of a table.

Belongs here: row counts, previews and pictures as asset metadata, and how often a step
tells how far it is. Does not belong here: reading tables for any other purpose, drawing (``ml/``).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import duckdb

_PREVIEW_ROWS = 5
_TELL_EVERY_SECONDS = 2.0


def table_metadata(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, Any]:
    """Row count and the first few rows of one table, as a Markdown preview."""
    name = f'"{schema}"."{table}"'
    counted = connection.execute(f"select count(*) from {name}").fetchone()
    assert counted is not None
    relation = connection.execute(f"select * from {name} limit {_PREVIEW_ROWS}")
    columns = [column[0] for column in relation.description or []]
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in relation.fetchall():
        lines.append("| " + " | ".join(_cell(value) for value in row) + " |")
    return {
        "dagster/row_count": counted[0],
        "dagster/table_name": f"{schema}.{table}",
        "preview": dg.MetadataValue.md("\n".join(lines)),
    }


def column_schema(columns: Mapping[str, Mapping[str, Any]]) -> dg.TableSchema:
    """Columns as Dagster shows them, from those of a source in dbt's manifest."""
    return dg.TableSchema(
        [
            dg.TableColumn(name, type=column["data_type"] or "varchar", description=column["description"])
            for name, column in columns.items()
        ]
    )


def told_in_intervals(log: Callable[[str], None]) -> Callable[[str], None]:
    """Tell how far a step is, every few seconds: each line of Dagster's log is a database commit."""
    told_at = time.monotonic()

    def tell(text: str) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TELL_EVERY_SECONDS:
            told_at = time.monotonic()
            log(text)

    return tell


def picture_metadata(png: bytes, title: str) -> dg.MarkdownMetadataValue:
    """A picture, carried in the text itself: no file to go missing."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return (text if len(text) <= 60 else text[:57] + "…").replace("|", "\\|").replace("\n", " ")
