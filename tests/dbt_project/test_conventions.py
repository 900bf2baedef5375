"""Rules of style for the dbt project, each with the reason why it is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.clients.yaml_helper import load_yaml_text
from dbt.contracts.graph.manifest import Manifest

from tests.dbt_project.conftest import PROJECT, Dbt
from warehouse.documentation import documented_tables
from warehouse.formats import export_formats
from warehouse.publishing import PUBLISHED_SCHEMAS
from warehouse.settings import Settings
from warehouse.wording import currency_decimals, currency_symbol

PREFIXES = {"staging": "stg_", "intermediate": "int_", "marts": "(dim|fct)_", "reporting": ""}
# names that marts have by agreement with their readers
NAMED_BY_AGREEMENT = {
    *("customer_rfm", "customer_rfm_monthly", "segment_moves", "slipping_backtest", "slipping_limits"),
    *("cohort_retention", "customer_category_shares", "product_pairs", "revenue_concentration"),
    *("row_accounting", "set_aside_lines", "set_aside_reasons", "source_profiles", "order_versions", "order_totals"),
}
LAYERS = list(PREFIXES)
# spelled differently or missing on other engines
ENGINE_SPECIFIC = re.compile(
    r"::|\b(try_cast|regexp_\w+|strftime|strptime|date_diff|date_sub|epoch\w*|list_\w+|unnest|generate_series|arg_max|arg_min"
    r"|max_by|min_by|any_value|read_\w+|struct_pack|isodow|qualify|starts_with|exclude|md5|sha256|hash)\b"
    r"|\bgroup by all\b"
    # capitals and trimmed: of some letters and blanks engines think differently
    r"|\b(upper|trim)\(",
    re.IGNORECASE,
)


def models() -> list[Path]:
    return sorted((PROJECT / "models").rglob("*.sql"))


def model_nodes(manifest: Manifest) -> Iterator[Any]:
    for node in manifest.nodes.values():
        if node.resource_type == "model":
            yield node


@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_a_model_states_its_grain_first_and_selects_its_last_step(path: Path) -> None:
    # a reader sees at once what a row is, and finds the columns in one place
    text = path.read_text()
    assert text.startswith("-- Grain: one")
    assert text.rstrip().splitlines()[-1].startswith("select * from ")


@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_a_model_stands_in_its_layer_by_name(path: Path) -> None:
    layer = path.relative_to(PROJECT / "models").parts[0]
    assert layer in LAYERS
    assert path.stem in NAMED_BY_AGREEMENT or re.match(PREFIXES[layer], path.stem)


@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_functions_of_one_engine_stay_in_macros(path: Path) -> None:
    # models are to run on other engines through dispatching macros
    sql = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|--[^\n]*|'[^']*'", "", path.read_text(), flags=re.DOTALL)
    assert not ENGINE_SPECIFIC.findall(sql)


def test_no_layer_reads_a_later_one_and_sources_enter_at_staging(dbt: Dbt) -> None:
    for node in model_nodes(dbt.manifest):
        layer = node.fqn[1]
        for parent in node.depends_on.nodes:
            if parent.startswith("model."):
                assert LAYERS.index(dbt.manifest.nodes[parent].fqn[1]) <= LAYERS.index(layer), (node.name, parent)
            elif parent.startswith("source."):
                expected = {"raw": "staging", **dict.fromkeys(("ml", "previous", "quality"), "reporting")}
                assert layer == expected[dbt.manifest.sources[parent].source_name], (node.name, parent)


def test_everything_is_described(dbt: Dbt) -> None:
    # the data dictionary and the comments in BI tools are made of this
    described = [node for node in dbt.manifest.nodes.values() if node.resource_type in ("model", "seed")]
    missing = [node.name for node in (*described, *dbt.manifest.sources.values()) if not node.description]
    missing += [
        f"{node.name}.{column.name}"
        for node in (*described, *dbt.manifest.sources.values())
        for column in node.columns.values()
        if not column.description
    ]
    assert missing == []


def test_what_is_served_is_told_of_columns_is_what_dbt_tells(dbt: Dbt) -> None:
    # the server reads the files themselves, because it starts without dbt and before anything is published
    told = {
        f"{node.schema}.{node.name}": [
            (column.name, column.data_type, " ".join(column.description.split())) for column in node.columns.values()
        ]
        for node in (*model_nodes(dbt.manifest), *dbt.manifest.sources.values())
        if node.schema in (*PUBLISHED_SCHEMAS, "previous")
    }
    assert told == {
        name: [(column.name, column.data_type, column.text) for column in table.columns.values()]
        for name, table in documented_tables().items()
    }


def test_every_table_has_a_contract(dbt: Dbt) -> None:
    loose = [
        node.name
        for node in model_nodes(dbt.manifest)
        if node.config.materialized == "table" and not node.config.contract.enforced
    ]
    assert loose == []


def test_the_defaults_of_vars_are_those_of_the_settings(dbt: Dbt) -> None:
    project_vars = (load_yaml_text((PROJECT / "dbt_project.yml").read_text()) or {})["vars"]
    for register in ("measures", "segment_claims"):  # no setting
        del project_vars[register]
    defaults = Settings.model_construct()
    assert project_vars == {
        "as_of_date": None,
        "exact_duplicates": defaults.cleaning.exact_duplicates,
        "exclude_non_product": defaults.cleaning.exclude_non_product,
        "product_codes": list(defaults.cleaning.product_codes),
        "nobody": list(defaults.cleaning.nobody),
        "require_positive_price": defaults.cleaning.require_positive_price,
        "rfm_monetary": defaults.rfm.monetary,
        "rfm_frequency": defaults.rfm.frequency,
        "rfm_snapshot": defaults.rfm.snapshot,
        "rfm_recency": defaults.rfm.recency,
        "min_support_pct": defaults.baskets.min_support_pct,
        "home_country": defaults.shop.home_country,
        "currency": defaults.shop.currency,
        "is_currency_said": defaults.shop.is_currency_said,
        "has_order_discounts": False,
        "currency_symbol": currency_symbol(defaults.shop.currency),
        "currency_decimals": currency_decimals(defaults.shop.currency),
        "customer_ids": defaults.shop.customer_ids,
        # all that are declared: who builds without the orchestrator has files of any
        "export_formats": list(export_formats()),
        "check_contracts": True,
        "increments": None,
        "made_by_spark": None,
    }


def test_no_model_points_at_another_by_a_foreign_key(dbt: Dbt) -> None:
    # DuckDB would hold up two models that are built at the same time, which dbt is kept from looking for
    # (orchestration/dbt.py); that each reference is found again is a data test
    declared = [
        (node.name, constraint.type)
        for node in model_nodes(dbt.manifest)
        for constraint in (*node.constraints, *(one for column in node.columns.values() for one in column.constraints))
    ]
    assert ("customer_rfm", "primary_key") in declared
    assert [name for name, kind in declared if kind == "foreign_key"] == []


def test_layers_are_schemas(dbt: Dbt) -> None:
    assert {(node.fqn[1], node.schema) for node in model_nodes(dbt.manifest)} == {(layer, layer) for layer in LAYERS}


def test_every_rule_has_unit_tests(dbt: Dbt) -> None:
    tested = {test.model for test in dbt.manifest.unit_tests.values()}
    # what only renames, joins or puts together, or sums with the shared measures, has nothing of its own to test
    plain = {
        *(
            "stg_delivered_text",
            "stg_deliveries",
            "stg_calendar_days",
            "stg_export_lines",
            "source_profiles",
            "order_versions",
        ),
        *("fct_return_matches", "fct_invoices", "fct_monthly_revenue", "fct_country_revenue"),
    }
    assert {node.name for node in model_nodes(dbt.manifest)} - tested - plain - {"customer_360"} == set()
