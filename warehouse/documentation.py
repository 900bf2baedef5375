"""What every published column means: the dbt documentation, read.

Belongs here: finding the text, type and unit that ``dbt_project`` documents for a column. Does not belong here:
any text (each stands beside the model or source that it describes), and where it is shown.

Read from the project's files and not from the snapshot's comments, which are the same texts: what is answered and
listed is declared before anything is published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import yaml

from warehouse.errors import RegularsError
from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
_MODEL_SCHEMAS = ("marts", "reporting")
"""Published schemas that are a folder of models; sources name their schema themselves."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLOCK = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.DOTALL)
_REFERENCE = re.compile(r"{{ doc\('(\w+)'\) }}")

Kind = Literal["text", "count", "units", "number", "money", "percent", "date", "moment", "flag"]


@dataclass(frozen=True)
class DocumentedColumn:
    """One column of a published table."""

    name: str
    data_type: str
    """As DuckDB has it, such as ``decimal(28, 4)``."""
    text: str
    """What it means, on one line; code stands in backticks."""
    is_nullable: bool
    kind: Kind
    """How its values are written: by type, and where a double is money by ``meta.unit``."""


@dataclass(frozen=True)
class DocumentedTable:
    """One published table."""

    text: str
    """Its grain."""
    columns: Mapping[str, DocumentedColumn]


@cache
def documentation_blocks() -> Mapping[str, str]:
    """Texts of the documentation that stand in a block of their own, by its name."""
    return {
        name: text.strip()
        for path in sorted((DBT_PROJECT / "docs").glob("*.md"))
        for name, text in _BLOCK.findall(path.read_text())
    }


@cache
def documented_tables() -> Mapping[str, DocumentedTable]:
    """Every documented table of the published schemas by name, such as ``marts.dim_dates``."""
    found = {}
    for schema in _MODEL_SCHEMAS:
        for path in sorted((DBT_PROJECT / "models" / schema).glob("_*__[ms]o*s.yml")):
            told = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 (both are safe ones)
            found.update({f"{schema}.{one['name']}": one for one in told.get("models", ())})
            for source in told.get("sources", ()):
                found.update({f"{source['schema']}.{one['name']}": one for one in source["tables"]})
    return {name: _table(one, documentation_blocks()) for name, one in found.items()}


def documented_table(name: str) -> DocumentedTable:
    """A table by its full name, such as ``reporting.customer_360``.

    Raises
    ------
    RegularsError
        If the documentation has none of that name.
    """
    found = documented_tables().get(name)
    if found is None:
        raise RegularsError(f"{name} is not documented in {DBT_PROJECT.name}.")
    return found


def documented_column(reference: str) -> DocumentedColumn:
    """A column by its full name, such as ``reporting.customer_360.clv``.

    Raises
    ------
    RegularsError
        If the documentation has none of that name, or says nothing of it.
    """
    table, _, name = reference.rpartition(".")
    found = documented_table(table).columns.get(name)
    if found is None or not found.text:
        raise RegularsError(f"{reference} is not documented in {DBT_PROJECT.name}.")
    return found


def _table(told: Mapping[str, Any], blocks: Mapping[str, str]) -> DocumentedTable:
    meta = told.get("meta", {})
    # a composite key is declared at the table
    required = {*meta.get("not_null", ()), *meta.get("primary_key", ())}
    for constraint in told.get("constraints", ()):
        required.update(constraint.get("columns", ()))
    return DocumentedTable(
        text=_text(told, blocks),
        columns={one["name"]: _column(one, blocks, required) for one in told.get("columns", ())},
    )


def _column(told: Mapping[str, Any], blocks: Mapping[str, str], required: set[str]) -> DocumentedColumn:
    constraints = {constraint["type"] for constraint in told.get("constraints", ())}
    unit = told.get("config", {}).get("meta", {}).get("unit")
    return DocumentedColumn(
        name=told["name"],
        data_type=told["data_type"],
        text=_text(told, blocks),
        is_nullable=told["name"] not in required and not constraints & {"not_null", "primary_key"},
        kind=unit or _kind(told["name"], told["data_type"]),
    )


def _text(told: Mapping[str, Any], blocks: Mapping[str, str]) -> str:
    written = _REFERENCE.sub(lambda found: blocks[found[1]], told.get("description", ""))
    return " ".join(written.split())


def _kind(name: str, data_type: str) -> Kind:
    base, _, scale = data_type.partition("(")
    if base == "decimal":
        # four decimals are money's and three those of quantities, throughout the project
        return "units" if scale.endswith("3)") else "money"
    if base == "double":
        return "percent" if name.endswith("_pct") else "number"
    kinds: Mapping[str, Kind] = {
        "integer": "count",
        "bigint": "count",
        "boolean": "flag",
        "date": "date",
        "timestamp": "moment",
    }
    return kinds.get(base, "text")
