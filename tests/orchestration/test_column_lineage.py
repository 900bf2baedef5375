"""Where the columns of dbt models come from, as Dagster's pages show it."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import column_lineage
from orchestration.assets.transformations import DBT_STEPS, dbt_step
from orchestration.column_lineage import Columns, follow_columns, keep_column_lineage, kept_column_lineage
from orchestration.dbt import load_manifest
from orchestration.definitions import defs
from warehouse.home import Home, default_home
from warehouse.settings import Settings

SETTINGS = Settings.model_construct()
# models that can't be followed, by unique_id, and why
NOT_FOLLOWED: dict[str, str] = {}


@pytest.fixture(scope="module")
def followed() -> dict[str, Columns]:
    """Columns of all models, from the SQL that dbt compiles."""
    # that of the code location, where the project is parsed already
    home = default_home()
    (home.dbt / "column_lineage.json").unlink(missing_ok=True)
    assert keep_column_lineage(home, SETTINGS) == NOT_FOLLOWED
    return kept_column_lineage(home, SETTINGS)


def test_each_column_of_each_model_comes_from_columns_of_what_the_model_reads(followed: dict[str, Columns]) -> None:
    manifest = load_manifest(default_home())
    columns = {
        spec.key: {one.name for one in spec.metadata["dagster/column_schema"].columns}
        for spec in defs.resolve_all_asset_specs()
        if "dagster/column_schema" in spec.metadata
    }
    shown = set()
    for name in DBT_STEPS:
        for spec in dbt_step(name, manifest, followed).specs:
            if (lineage := spec.metadata.get("dagster/column_lineage")) is None:
                continue
            shown.add(spec.key)
            parents = {dep.asset_key for dep in spec.deps}
            assert lineage.deps_by_column.keys() == columns[spec.key], spec.key
            for told in lineage.deps_by_column.values():
                for one in told:
                    assert one.asset_key in parents, (spec.key, one)
                    assert one.column_name in columns[one.asset_key], (spec.key, one)
            # the open-source pages draw none of it, and show this
            told = spec.metadata["columns_come_from"].md_str.splitlines()[2:]
            assert [line.split(" | ")[0] for line in told] == [f"| {name}" for name in lineage.deps_by_column]
            assert spec.key != dg.AssetKey(["marts", "dim_countries"]) or told[0] == (
                "| country | [fct_invoice_lines.country](/assets/marts/fct_invoice_lines) |"
            )
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert shown == {dg.AssetKey([node["schema"], node["name"]]) for node in models}


def test_columns_come_from_where_the_sql_says(followed: dict[str, Columns]) -> None:
    lines = followed["model.regulars.fct_invoice_lines"]
    # case when disposition = 'sale' then signed_amount …
    assert lines["gross_revenue"] == [
        ["intermediate", "int_line_dispositions", "disposition"],
        ["intermediate", "int_line_dispositions", "signed_amount"],
    ]
    # joined by line_id, which is no part of the value
    assert lines["returned_quantity"] == [["intermediate", "int_return_matches", "matched_units"]]
    # select * from each of the nine, one below the other
    together = followed["model.regulars.stg_export_lines"]["invoice_text"]
    assert len(together) == 9
    assert ["staging", "stg_shopify_orders", "invoice_text"] in together
    assert followed["model.regulars.stg_shopify_orders"]["invoice_text"] == [["raw", "shopify_orders", "order_name"]]
    # count(*) reads no column
    assert followed["model.regulars.fct_invoices"]["line_count"] == []


def _model(name: str, *columns: str) -> dict[str, Any]:
    return {"relation_name": f'"w"."marts"."{name}"', "columns": {column: {} for column in columns}}


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select a, b as c from w.marts.read", "other columns than are documented: ['b', 'c']"),
        ("select a, b from (select from)", "Expected"),
        ("select a, b from w.marts.nobody", None),
        ("select * from w.marts.nobody", "other columns than are documented: ['*', 'a', 'b']"),
        ("select a, b from w.marts.nobody, w.marts.nothing", "of no known table"),
    ],
)
def test_a_model_that_cannot_be_followed_is_named_and_the_others_are_shown(sql: str, reason: str | None) -> None:
    manifest = {"nodes": {"read": _model("read", "a", "b"), "hard": _model("hard", "a", "b")}, "sources": {}}
    manifest["nodes"]["easy"] = _model("easy", "total")
    compiled = {"hard": sql, "easy": "with r as (select * from w.marts.read) select sum(a + b) as total from r"}
    found, left_out = follow_columns(manifest, compiled)
    assert found["easy"] == {"total": [["marts", "read", "a"], ["marts", "read", "b"]]}
    if reason is None:
        # one table that is not documented: its columns are those that are asked for
        assert found["hard"] == {"a": [["marts", "nobody", "a"]], "b": [["marts", "nobody", "b"]]}
    else:
        assert reason in left_out["hard"]
        assert "hard" not in found


def test_columns_are_followed_once_for_each_state_of_project_and_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def compiled(home: Home, select: object, variables: object) -> dict[str, str]:
        calls.append(variables)
        return {"read": "select a from w.raw.lines"}

    told = {"nodes": {"read": _model("read", "a")}, "sources": {}}
    monkeypatch.setattr(column_lineage, "compile_anew", compiled)
    monkeypatch.setattr(column_lineage, "load_manifest", lambda home: told)
    home = Home(tmp_path)
    assert kept_column_lineage(home, SETTINGS) == {}
    for _ in range(2):
        assert keep_column_lineage(home, SETTINGS) == {}
        assert kept_column_lineage(home, SETTINGS) == {"read": {"a": [["raw", "lines", "a"]]}}
    assert len(calls) == 1
    # another measure of money is other SQL
    gross = SETTINGS.model_copy(update={"rfm": SETTINGS.rfm.model_copy(update={"monetary": "gross"})})
    assert kept_column_lineage(home, gross) == {}
    keep_column_lineage(home, gross)
    assert len(calls) == 2
    # a power cut
    (home.dbt / "column_lineage.json").write_bytes(b"\xff\x00{")
    assert kept_column_lineage(home, gross) == {}
    keep_column_lineage(home, gross)
    assert kept_column_lineage(home, gross) != {}
    monkeypatch.setattr(column_lineage, "project_fingerprint", lambda: "changed")
    assert kept_column_lineage(home, gross) == {}
