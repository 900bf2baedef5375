"""The recipe of customers' labels: the SQL that made what they descend from, kept for the readers.

Belongs here: writing ``quality.classification_recipe`` after each dbt step. Does not
belong here: any SQL of a model (``dbt_project/``), and replaying it (``serving/classify``).

Each row is replaced when its table is made, by the SQL that made it. So after a step that
built one model, or failed half-way, the recipe still tells how the tables that are there
were made; what was never made has no row, and whoever replays the recipe sees it missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pandas as pd

from orchestration.dbt import compile_models
from orchestration.documented_tables import ensure_table, replace_table
from warehouse.formats import export_formats
from warehouse.home import Home

TABLE = ("quality", "classification_recipe")

# customer_rfm gives the labels; the two accounts tell of every line; the last two are what
# segmentation.extra_features is made of, and dim_customers tells who has returns only
LABELS_DESCEND_FROM = (
    "customer_rfm",
    "row_accounting",
    "set_aside_lines",
    "customer_category_shares",
    "dim_customers",
)

# stands in for the as-of date while dbt compiles; no shop has sales before it
_STAND_IN = "1000-01-01"
_STAND_IN_SQL = f"cast('{_STAND_IN}' as date)"
_VARIABLE_SQL = "cast(getvariable('as_of_date') as date)"
_AS_OF_MACRO = "macro.regulars.as_of_date"


def keep_recipe(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    manifest: Mapping[str, Any],
    made: Mapping[str, str],
    variables: Mapping[str, Any],
) -> None:
    """Replace the rows of what a dbt step has just made, and drop those of models that are no more.

    Parameters
    ----------
    made
        SQL by ``unique_id``, as :attr:`orchestration.dbt.DbtBuild.made` has it.
    variables
        The dbt vars that the step was built with.
    """
    order = ancestors_in_order(manifest)
    nodes = manifest["nodes"]
    wanted = [unique_id for unique_id in order if unique_id in made]
    if not wanted:
        return
    dated = [unique_id for unique_id in wanted if _reads_as_of_date(manifest, unique_id)]
    as_of_sql: dict[str, str] = {}
    if dated:
        # an upload may be the export of a system that this shop has no file of
        compiled = [*dated, *_of_exports(manifest, order)]
        told = {**variables, "as_of_date": _STAND_IN, "export_formats": list(export_formats()), "increments": False}
        as_of_sql = compile_models(home, [nodes[one]["name"] for one in compiled], told)
        made = {**made, **{one: as_of_sql.pop(one) for one in compiled if one not in dated}}
        wanted = [unique_id for unique_id in order if unique_id in made]
    places = {(nodes[one]["schema"], nodes[one]["name"]): place for place, one in enumerate(order, start=1)}
    ensure_table(connection, manifest, *TABLE)
    found = connection.execute("from quality.classification_recipe")
    names = [column[0] for column in found.description or []]
    kept = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    rows = {(row["schema_name"], row["table_name"]): row for row in kept}
    for unique_id in wanted:
        node = nodes[unique_id]
        rows[node["schema"], node["name"]] = {
            "database_name": node["database"],
            "schema_name": node["schema"],
            "table_name": node["name"],
            "kind": "seed" if node["resource_type"] == "seed" else node["config"]["materialized"],
            "depends_on": _parents(manifest, unique_id),
            "sql": made[unique_id] or _seed_sql(connection, node["schema"], node["name"]),
            "as_of_sql": _with_variable(as_of_sql[unique_id]) if unique_id in as_of_sql else None,
        }
    # rows that were not made now may carry numbers of another version of the project
    steps = {places[key]: row for key, row in rows.items() if key in places}
    # text and nulls alike as objects: pandas would make one dtype of a column of nulls
    frame = pd.DataFrame([{**steps[place], "step": place} for place in sorted(steps)], dtype=object)
    replace_table(connection, manifest, *TABLE, frame)


def ancestors_in_order(manifest: Mapping[str, Any]) -> list[str]:
    """``unique_id`` of every model and seed that labels descend from, parents first; the same on every machine."""
    nodes = manifest["nodes"]
    found: list[str] = []

    def visit(unique_id: str) -> None:
        if unique_id in found or unique_id not in nodes:
            return
        for parent in sorted(nodes[unique_id]["depends_on"].get("nodes", [])):
            visit(parent)
        found.append(unique_id)

    for name in LABELS_DESCEND_FROM:
        visit(f"model.regulars.{name}")
    return found


def _of_exports(manifest: Mapping[str, Any], order: Sequence[str]) -> list[str]:
    """The models of all exports, and the one in which they come together."""
    names = {*(f"stg_{name}" for name in export_formats()), "stg_export_lines"}
    return [unique_id for unique_id in order if manifest["nodes"][unique_id]["name"] in names]


def _parents(manifest: Mapping[str, Any], unique_id: str) -> list[str]:
    parents = (
        manifest["nodes"].get(parent) or manifest["sources"][parent]
        for parent in manifest["nodes"][unique_id]["depends_on"].get("nodes", [])
    )
    return sorted(f"{parent['schema']}.{parent['name']}" for parent in parents)


def _reads_as_of_date(manifest: Mapping[str, Any], unique_id: str) -> bool:
    """Whether a model's SQL depends on the as-of date, through whatever macros."""
    waiting = list(manifest["nodes"][unique_id]["depends_on"].get("macros", []))
    seen: set[str] = set()
    while waiting:
        macro = waiting.pop()
        if macro == _AS_OF_MACRO:
            return True
        if macro not in seen:
            seen.add(macro)
            waiting.extend(manifest["macros"][macro]["depends_on"]["macros"])
    return False


def _with_variable(sql: str) -> str:
    """The SQL with the variable in place of the date that stood in for it.

    Raises
    ------
    RuntimeError
        If the stand-in is written in another way than the macro ``as_of_date`` does.
    """
    replaced = sql.replace(_STAND_IN_SQL, _VARIABLE_SQL)
    if _STAND_IN in replaced:
        raise RuntimeError(f"the macro as_of_date no longer writes {_STAND_IN_SQL}; see orchestration/recipe.py")
    return replaced


def _seed_sql(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    """A seed as a select statement, with the types that dbt gave it."""
    columns = connection.execute(
        """
        select column_name, data_type from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ? order by column_index
        """,
        [schema, table],
    ).fetchall()
    names = ", ".join(_name(column) for column, _ in columns)
    # as text: every type of a seed reads its own text back
    texts = ", ".join(f"{_name(column)}::varchar" for column, _ in columns)
    rows = connection.execute(f"select {texts} from {_name(schema)}.{_name(table)} order by all").fetchall()
    values = ",\n    ".join(
        "(" + ", ".join("null" if value is None else _text(value) for value in row) + ")" for row in rows
    )
    casts = ", ".join(f"cast({_name(column)} as {data_type}) as {_name(column)}" for column, data_type in columns)
    return f"select {casts} from (values\n    {values}\n) as seed ({names})"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
