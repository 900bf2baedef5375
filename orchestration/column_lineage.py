"""Which columns each column of a dbt model comes from, for Dagster's pages.

Belongs here: following the columns of compiled SQL by sqlglot, keeping what was found, and what Dagster shows of it.
Does not belong here: compiling (:mod:`orchestration.dbt`).

dagster-dbt's own way does it in every run and rewrites each query first, which takes minutes. Only pages show it, and
it changes with the SQL alone: so it is worked out as they or the daemon start, after a change, in seconds, and a
refresh has nothing to do with it. Followed is what a value is computed from, not what rows are joined or filtered by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from itertools import chain
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.dbt import compile_anew, load_manifest, project_fingerprint, project_vars
from warehouse.formats import export_formats
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.small_files import write_whole

if TYPE_CHECKING:
    from sqlglot.lineage import Node

Columns = dict[str, list[list[str]]]
"""Schema, table and column of what each column comes from; none of a constant or a count of rows."""

_DIALECT = "duckdb"
_KEPT = "column_lineage.json"


def keep_column_lineage(home: Home, settings: Settings) -> dict[str, str]:
    """Follow the columns of all models, unless that was done since project or settings changed.

    Returns
    -------
    dict
        Models that could not be followed and are shown without lineage, by ``unique_id``, and why.

    Raises
    ------
    DbtError
        If the project does not parse or compile.
    """
    if kept_column_lineage(home, settings):
        return {}
    manifest = load_manifest(home)
    found, left_out = follow_columns(manifest, compile_anew(home, ["resource_type:model"], _variables(settings)))
    write_whole(home.dbt / _KEPT, json.dumps({_made_from(settings): found}))
    return left_out


def kept_column_lineage(home: Home, settings: Settings) -> dict[str, Columns]:
    """Columns of models by ``unique_id``, as they were followed; nothing where the SQL may have changed since."""
    # one that is damaged or not there yet is made as the pages or the daemon start
    with suppress(OSError, ValueError):
        kept: dict[str, dict[str, Columns]] = json.loads((home.dbt / _KEPT).read_bytes())
        return kept.get(_made_from(settings), {})
    return {}


def lineage_metadata(columns: Columns | None) -> dict[str, Any]:
    """What Dagster shows of a model, as metadata of its definition.

    Its open-source pages draw no lineage of columns, which Dagster+ and other catalogues read; a table they show.
    """
    if columns is None:
        return {}
    lines = [f"| {name} | {', '.join(_link(*one) for one in read)} |" for name, read in columns.items()]
    return {
        "columns_come_from": dg.MetadataValue.md("\n".join(["| column | comes from |", "| --- | --- |", *lines])),
        "dagster/column_lineage": dg.TableColumnLineage(
            {
                name: [dg.TableColumnDep(dg.AssetKey([schema, table]), column) for schema, table, column in read]
                for name, read in columns.items()
            }
        ),
    }


def _link(schema: str, table: str, column: str) -> str:
    return f"[{table}.{column}](/assets/{schema}/{table})"


def follow_columns(
    manifest: Mapping[str, Any], compiled: Mapping[str, str]
) -> tuple[dict[str, Columns], dict[str, str]]:
    """Follow the columns of compiled models to the tables that they read.

    Returns
    -------
    tuple
        What was found by ``unique_id``, and why nothing was of the others.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage
    from sqlglot.schema import MappingSchema

    tables = MappingSchema(dialect=_DIALECT)
    for node in chain(manifest["nodes"].values(), manifest["sources"].values()):
        if node.get("columns") and node.get("relation_name"):
            types = {name: column.get("data_type") or "varchar" for name, column in node["columns"].items()}
            tables.add_table(exp.to_table(node["relation_name"], dialect=_DIALECT), types, dialect=_DIALECT)
    found: dict[str, Columns] = {}
    left_out: dict[str, str] = {}
    for unique_id, sql in compiled.items():
        documented = manifest["nodes"][unique_id]["columns"].keys()
        try:
            query = parse_one(sql, dialect=_DIALECT)
            steps = {step.alias for step in query.find_all(exp.CTE)}
            # all columns of a model at once, which share most of the way; a query per column takes ten times as long
            followed = lineage(None, query, tables, dialect=_DIALECT, trim_selects=False)
            if followed.keys() != documented:
                raise ValueError(f"other columns than are documented: {sorted(followed.keys() ^ documented)}")
            found[unique_id] = {name: _ends(followed[name], steps) for name in documented}
        except (SqlglotError, ValueError) as error:
            left_out[unique_id] = " ".join(str(error).split())
    return found, left_out


def _ends(node: Node, steps: set[str]) -> list[list[str]]:
    """Columns of tables at the end of all ways from a column.

    Parameters
    ----------
    steps
        Names of the query's CTEs. A way ends at one of them in a recursion alone, whose beginning is followed as well.

    Raises
    ------
    ValueError
        If a way ends at no column of a table.
    """
    from sqlglot import exp

    ends = set()
    for step in node.walk():
        end = step.expression
        if step.downstream or not isinstance(end, exp.Table | exp.Placeholder):
            continue
        *_, read, column = ["", *(part.name for part in exp.to_column(step.name).parts)]
        if isinstance(end, exp.Table) and end.db and column not in ("", "*"):
            ends.add((end.db, end.name, column))
        elif read not in steps:
            raise ValueError(f"{node.name} comes from {step.name}, of no known table")
    return [list(end) for end in sorted(ends)]


def _variables(settings: Settings) -> dict[str, Any]:
    # of all exports, whichever there are files of: the model of each is an asset
    return project_vars(settings, None, export_formats())


def _made_from(settings: Settings) -> str:
    told = [project_fingerprint(), version("sqlglot"), json.dumps(_variables(settings))]
    return hashlib.sha256(" ".join(told).encode()).hexdigest()
