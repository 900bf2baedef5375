"""Files in landing that are not in the figures, and why.

Belongs here: reading them from a ledger. Does not belong here: refusing a file
(``warehouse/readers``), how the list is printed (:mod:`orchestration.summary`).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from warehouse.quality import MISSING_FILES


@dataclass(frozen=True)
class TurnedAway:
    """One file that was refused, or that had not arrived in full."""

    file_name: str
    status: str
    """``rejected`` or ``in_transit``."""
    problem: str
    """Why, and what to do; of several lines where there is something to paste."""


def turned_away(connection: duckdb.DuckDBPyConnection) -> list[TurnedAway]:
    """List them by name; none where the file has no ledger.

    A file that has left landing, or came again and was read, is over.
    """
    if not has_table(connection, "quality", "load_ledger"):
        return []
    missing = MISSING_FILES
    if not has_table(connection, "quality", "load_ledger", "is_in_landing"):
        # a ledger that an older version wrote does not tell what has left landing
        missing = missing.replace("is_in_landing", "true")
    rows = connection.execute(
        f"""
        select
            file_name,
            status,
            coalesce(
                problem,
                file_name || ': '
                || if(status = 'in_transit', 'still being written', 'not loaded, and no reason was recorded')
            ) as problem
        from ({missing}) as missing
        order by file_name
        """
    ).fetchall()
    return [TurnedAway(*row) for row in rows]


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str | None = None) -> bool:
    """Whether there is such a table, and if one is named, such a column of it."""
    found = connection.execute(
        """
        select count(*) from duckdb_columns()
        where database_name = current_database() and schema_name = $schema and table_name = $table
            and ($column is null or column_name = $column)
        """,
        {"schema": schema, "table": table, "column": column},
    ).fetchone()
    return found is not None and found[0] > 0
