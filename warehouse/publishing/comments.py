"""Comments on published tables and their columns.

Belongs here: writing them, and taking them from the documentation where a table carries none. Does not belong here:
the texts, which stand in the dbt project (:mod:`warehouse.documentation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from warehouse.documentation import documented_tables
from warehouse.publishing.sql import literal, quoted


def comment_as_documented(con: duckdb.DuckDBPyConnection, target: str, name: str, columns: Iterable[str]) -> None:
    """Comment on the table ``target`` what is documented of ``name`` (``schema.table``), and nothing if it is not."""
    documented = documented_tables().get(name)
    if documented:
        known = {column: documented.columns[column].text for column in columns if column in documented.columns}
        write_comments(con, target, documented.text, known)


def write_comments(con: duckdb.DuckDBPyConnection, target: str, table: str, columns: Mapping[str, str]) -> None:
    """Comment on the table ``target`` and its columns."""
    con.execute(f"comment on table {target} is {literal(table)}")
    for column, told in columns.items():
        con.execute(f"comment on column {target}.{quoted(column)} is {literal(told)}")
