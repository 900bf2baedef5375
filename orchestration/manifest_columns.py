"""What dbt's manifest tells of a table's columns at another place than beside the table.

Belongs here: giving each table there the columns that several share and the manifest has once (those around the
delivered values of every raw table of sales, those of every model of a shop system's export), those that the
declaration of an export has (:mod:`warehouse.formats`), and each seed's columns the types of its config. Does not
belong here: any text that stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.formats import ExportFormat, export_formats
from warehouse.readers.layouts import OTHER_COLUMN, TRANSACTION_COLUMNS, columns_of

Columns = dict[str, dict[str, Any]]


def complete_columns(manifest: Mapping[str, Any]) -> None:
    """Put columns and types that stand elsewhere beside the tables in the manifest."""
    sources = {source["name"]: source for source in manifest["sources"].values() if source["schema"] == "raw"}
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    lines: Columns = sources["transactions"]["columns"]

    def with_those_around(delivered: Columns) -> Columns:
        names = list(lines)
        first, end = names.index(TRANSACTION_COLUMNS[0]), names.index(TRANSACTION_COLUMNS[-1]) + 1
        return {name: lines[name] for name in names[:first]} | delivered | {name: lines[name] for name in names[end:]}

    sources["sales_lines"]["columns"] = with_those_around(sources["sales_lines"]["columns"])
    for name, declared in export_formats().items():
        delivered = {column: _delivered(declared, column) for column in columns_of(name)}
        sources[name]["columns"] = with_those_around(delivered)
        models[f"stg_{name}"]["columns"] = models["stg_export_lines"]["columns"]
    for seed in (node for node in manifest["nodes"].values() if node["resource_type"] == "seed"):
        for name, column in seed["columns"].items():
            column["data_type"] = seed["config"]["column_types"][name]


def _delivered(declared: ExportFormat, column: str) -> dict[str, Any]:
    if column == OTHER_COLUMN:
        told = "Fields of all columns that are not declared"
    else:
        told = " or ".join(f"`{header}`" for header in declared.columns[column])
        if column == declared.date and declared.time is not None:
            told += " with " + " or ".join(f"`{header}`" for header in declared.columns[declared.time])
    return {"name": column, "data_type": "varchar", "description": f"{told}, as delivered."}
