"""Tables that Python writes, made from their description in the dbt project.

Belongs here: creating such a table with the types, keys, rules and comments that its dbt
source declares, so that the documentation and the table can't drift apart. Does not
belong here: what is in the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pandas as pd

from warehouse.errors import RegularsError


def replace_table(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], schema: str, table: str, frame: pd.DataFrame
) -> None:
    """Make the table anew from its documentation and put the frame's rows in, all or nothing.

    Raises
    ------
    RegularsError
        If the frame's columns are not the documented ones, or a row breaks a key or rule of the documentation.
    """
    columns = documented_source(manifest, schema, table)["columns"]
    if set(frame.columns) != set(columns):
        raise RegularsError(
            f"{schema}.{table}: the model returned columns {sorted(frame.columns)}, "
            f"the documentation in dbt_project has {sorted(columns)}."
        )
    connection.register("_frame", frame)
    connection.begin()
    try:
        _create(connection, manifest, schema, table)
        connection.execute(f'insert into "{schema}"."{table}" by name select * from _frame')
        connection.commit()
    except duckdb.ConstraintException as error:
        connection.rollback()
        raise RegularsError(
            f"{schema}.{table}: the model returned a row that breaks a rule of its documentation: {error}"
        ) from error
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.unregister("_frame")


def ensure_table(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], schema: str, table: str) -> None:
    """Make the table from its documentation, empty, unless it is there with the documented columns."""
    there = connection.execute(
        "select column_name from duckdb_columns() where schema_name = ? and table_name = ?", [schema, table]
    ).fetchall()
    if {name for (name,) in there} != set(documented_source(manifest, schema, table)["columns"]):
        _create(connection, manifest, schema, table)


def _create(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], schema: str, table: str) -> None:
    source = documented_source(manifest, schema, table)
    required = set(source["meta"].get("not_null", []))
    key = source["meta"].get("primary_key", [])
    parts = [
        f'"{name}" {column["data_type"]}' + (" not null" if name in required else "")
        for name, column in source["columns"].items()
    ]
    if key:
        parts.append(f"primary key ({_names(key)})")
    parts += [f"unique ({_names(columns)})" for columns in source["meta"].get("unique", [])]
    parts += [f"check ({rule})" for rule in source["meta"].get("checks", [])]
    connection.execute(f'create schema if not exists "{schema}"')
    connection.execute(f'create or replace table "{schema}"."{table}" ({", ".join(parts)})')
    comment_table(connection, manifest, schema, table)


def comment_table(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], schema: str, table: str) -> None:
    """Put the documentation of a source table where BI tools show it."""
    source = documented_source(manifest, schema, table)
    connection.execute(f'comment on table "{schema}"."{table}" is {_quoted(source["description"])}')
    for name, column in source["columns"].items():
        connection.execute(f'comment on column "{schema}"."{table}"."{name}" is {_quoted(column["description"])}')


def documented_source(manifest: Mapping[str, Any], schema: str, table: str) -> Mapping[str, Any]:
    """What the dbt project says of a table that Python writes.

    Raises
    ------
    RegularsError
        If it says nothing.
    """
    for source in manifest["sources"].values():
        if (source["schema"], source["name"]) == (schema, table):
            return dict(source)
    raise RegularsError(f"{schema}.{table} is not documented as a source in dbt_project.")


def _names(columns: Iterable[str]) -> str:
    # quoted: rank and date are words of SQL too
    return ", ".join(f'"{name}"' for name in columns)


def _quoted(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"
