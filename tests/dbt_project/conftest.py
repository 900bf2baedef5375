"""Real dbt, in process, on DuckDB files made for one test.

Raw lines are written here as the loader would write them; what the loader does with
files is tested beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from orchestration.dbt import _spare_dbt, _unpack
from tests.parsed import compile_templates_once, give_parsed_project
from warehouse.formats import export_formats
from warehouse.home import Home
from warehouse.loading import ensure_raw_schema

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"

STAGING = ("path:seeds", "path:models/staging")
MARTS = ("path:models/intermediate", "path:models/marts")
REPORTING = ("path:models/reporting",)

EXPORTS = "path:models/staging/exports"
EVERY_EXPORT = {"export_formats": list(export_formats())}
"""Builds the model of each export of a shop system, delivered or not."""

# tables that must not depend on how the same lines were delivered
MARTS_TABLES = (
    "cohort_retention",
    "customer_category_shares",
    "customer_rfm",
    "customer_rfm_monthly",
    "dim_customers",
    "dim_dates",
    "dim_products",
    "fct_country_revenue",
    "fct_daily_revenue",
    "fct_invoice_lines",
    "fct_invoices",
    "fct_monthly_customers",
    "fct_monthly_revenue",
    "fct_return_matches",
    "product_pairs",
    "revenue_concentration",
    "row_accounting",
    "segment_moves",
    "slipping_backtest",
    "slipping_limits",
)

RAW_COLUMNS = (
    "_line_id",
    "_load_id",
    "_file_name",
    "_row_number",
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "line_amount",
    "discount_amount",
    "tax_amount",
    "currency",
    "status",
    "line_kind",
    "store",
    "customer_id",
    "country",
    "invoiced_at",
    "_problem",
    "_line_text",
)

MARKS = ("_quantity_mark", "_unit_price_mark", "_line_amount_mark", "_discount_amount_mark", "_tax_amount_mark")

# what a line may say of the file that it came in; `_decimal_mark` stands for all five marks
DELIVERY_COLUMNS = (
    "_source",
    "_layout",
    "_profile",
    *MARKS,
    "_not_sale_words",
    "_return_words",
    "_prices_include_tax",
    "_discount_unit",
    "_delivered_at",
    "_loaded_at",
)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables for the length of one dbt call."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def exports_in(warehouse: Path) -> list[str]:
    """Exports of shop systems that have lines there."""
    one_of_each = " union all ".join(f"(select '{name}' from raw.{name} limit 1)" for name in export_formats())
    return [name for (name,) in ask(warehouse, one_of_each)]


@dataclass(frozen=True)
class Dbt:
    """The project, parsed once; each call names a warehouse and vars.

    Models of exports that nobody has delivered are left out, unless vars say which exports there are.
    """

    manifest: Manifest
    scratch: Path

    def run(
        self,
        verb: str,
        warehouse: Path,
        select: Sequence[str],
        settings: dict[str, Any] | None = None,
        threads: int = 2,
    ) -> dbtRunnerResult:
        """One dbt command; the warehouse file is free again afterwards."""
        arguments = [
            "--quiet",
            "--log-level-file",
            "none",
            # half a second of a call, and nobody reads it
            "--no-write-json",
            verb,
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--target-path",
            str(self.scratch / "target"),
            "--log-path",
            str(self.scratch / "logs"),
            "--indirect-selection",
            "buildable",
            "--select",
            *select,
        ]
        settings = dict(settings or {})
        if verb == "build":
            arguments += ["--exclude-resource-type", "unit_test"]
        if verb in ("run", "build") and "export_formats" not in settings:
            # as a refresh does: a fifth of a second for each export that nobody has delivered, rows or none
            settings["export_formats"] = delivered = exports_in(warehouse)
            idle = [f"stg_{name}" for name in export_formats() if name not in delivered]
            arguments += ["--exclude", *(idle if delivered else [EXPORTS])] if idle else []
        if settings:
            arguments += ["--vars", repr(settings)]
        try:
            with environment(REGULARS_PRIVATE_FILE=str(warehouse), REGULARS_DBT_THREADS=str(threads)):
                return dbtRunner(manifest=self.manifest).invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()

    def build(self, warehouse: Path, settings: dict[str, Any] | None = None, threads: int = 2) -> Path:
        """Staging, seeds, intermediate and marts, with their data tests."""
        for select in (STAGING, MARTS):
            result = self.run("build", warehouse, select, settings, threads)
            assert result.success, explain(result)
        return warehouse


def explain(result: dbtRunnerResult) -> str:
    """What failed, as dbt says it."""
    if result.exception is not None:
        return str(result.exception)
    return "; ".join(
        f"{one.node.name}: {one.message}" for one in result.result if one.status not in ("success", "pass")
    )


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    scratch = tmp_path_factory.mktemp("dbt")
    give_parsed_project(Home(scratch))
    # each call asks and tells less, as in a refresh
    _spare_dbt()
    compile_templates_once()
    # one of its own: refreshes in this process have another
    return Dbt(_unpack(Home(scratch)), scratch)


def line(
    invoice: str,
    stock_code: str,
    quantity: int | str,
    price: str,
    customer: str | None,
    at: str,
    country: str = "United Kingdom",
    **other: Any,
) -> dict[str, Any]:
    """A delivered line in the fields of raw.transactions, with what is to be said of its file.

    ``write_raw`` fills in lineage, and puts what belongs to the file (``DELIVERY_COLUMNS``
    and ``_decimal_mark``, which stands for all five marks) into raw.deliveries.
    """
    return {
        "_layout": "invoice_lines",
        "_decimal_mark": ".",
        "_loaded_at": "2012-01-01 06:00:00",
        "invoice": invoice,
        "stock_code": stock_code,
        "description": f"THING {stock_code}",
        "quantity": str(quantity),
        "invoice_date": at,
        "unit_price": price,
        "customer_id": customer,
        "country": country,
        "invoiced_at": at,
        **other,
    }


def _delivery(fields: dict[str, Any]) -> dict[str, Any]:
    """What a line says of its file, in the columns of raw.deliveries."""
    marks = dict.fromkeys(MARKS, fields.get("_decimal_mark", "."))
    layout = fields.get("_layout", "invoice_lines")
    said = {"_layout": layout, "_source": layout, "_loaded_at": "2012-01-01 06:00:00", **marks}
    return said | {column: fields[column] for column in DELIVERY_COLUMNS if column in fields}


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    if rows:
        con.executemany(
            f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
            [[row.get(column) for column in columns] for row in rows],
        )


def write_raw(folder: Path, lines: Sequence[dict[str, Any]], file_of: Callable[[int], str] = lambda _: "a.csv") -> Path:
    """A warehouse in this folder that holds these lines, in this order, as if loaded from the files named.

    Lines of one file that say different things of it make several deliveries of that name.
    """
    folder.mkdir(exist_ok=True)
    path = folder / "warehouse.duckdb"
    deliveries: dict[str, dict[str, Any]] = {}
    rows = []
    for number, fields in enumerate(lines):
        said = _delivery(fields)
        file_name = fields.get("_file_name", file_of(number))
        delivery = deliveries.setdefault(
            repr((file_name, said)), {"_load_id": len(deliveries) + 1, "_file_name": file_name, **said}
        )
        lineage = {
            "_line_id": delivery["_load_id"] * 2**32 + number,
            "_load_id": delivery["_load_id"],
            "_file_name": file_name,
            "_row_number": number + 2,
        }
        rows.append({**lineage, **{column: fields[column] for column in RAW_COLUMNS if column in fields}})
    with duckdb.connect(str(path)) as con:
        ensure_raw_schema(con)
        _insert(con, "raw.deliveries", list(deliveries.values()), ("_load_id", "_file_name", *DELIVERY_COLUMNS))
        _insert(con, "raw.transactions", rows, RAW_COLUMNS)
    return path


def declare_model_tables(dbt: Dbt, path: Path) -> Path:
    """The tables of schemas ml and previous in this warehouse, empty, typed as their sources declare."""
    with duckdb.connect(str(path)) as con:
        for source in dbt.manifest.sources.values():
            if source.schema in ("ml", "previous"):
                con.execute(f"create schema if not exists {source.schema}")
                columns = ", ".join(f"{column.name} {column.data_type}" for column in source.columns.values())
                con.execute(f"create table {source.schema}.{source.name} ({columns})")
    return path


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query on a warehouse file."""
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


def damaged_copy(path: Path, folder: Path, damage: str) -> Path:
    """A copy of a warehouse with this done to it, as its own constraints would not let it be."""
    copy = folder / "warehouse.duckdb"
    copy.write_bytes(path.read_bytes())
    with duckdb.connect(str(copy)) as con:
        for schema, table in con.execute(
            "select schema_name, table_name from duckdb_tables() where has_primary_key or check_constraint_count > 0"
        ).fetchall():
            con.execute(f"create table {schema}.bare as from {schema}.{table}")
            con.execute(f"drop table {schema}.{table}")
            con.execute(f"alter table {schema}.bare rename to {table}")
        con.execute(damage)
    return copy


def differing_tables(one: Path, other: Path, tables: Sequence[str] = MARTS_TABLES) -> dict[str, int]:
    """Tables of schema marts whose rows differ, with how many rows do."""
    differences = {}
    with duckdb.connect() as con:
        con.execute(f"attach '{one}' as one (read_only)")
        con.execute(f"attach '{other}' as other (read_only)")
        for table in tables:
            counted = con.execute(
                f"""
                select count(*) from (
                    (from one.marts.{table} except all from other.marts.{table})
                    union all
                    (from other.marts.{table} except all from one.marts.{table})
                )
                """
            ).fetchone()
            assert counted is not None
            if counted[0]:
                differences[table] = counted[0]
    return differences
