"""The recipe of labels tells how the tables that are there were made."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt import load_manifest, project_vars
from orchestration.recipe import LABELS_DESCEND_FROM, ancestors_in_order, keep_recipe
from warehouse.home import Home
from warehouse.settings import Settings


def rows(path: Path) -> dict[str, tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            row[0]: row[1:]
            for row in connection.execute(
                "select schema_name || '.' || table_name, step, kind, depends_on, sql, as_of_sql "
                "from quality.classification_recipe"
            ).fetchall()
        }


@pytest.fixture
def home(published_small: Home, tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    shutil.copyfile(published_small.warehouse, home.warehouse)
    return home


def test_the_snapshot_carries_every_table_that_labels_descend_from_parents_first(published_small: Home) -> None:
    recipe = rows(published_small.published)
    assert {f"marts.{name}" for name in LABELS_DESCEND_FROM} <= set(recipe)
    for table, (step, kind, parents, sql, _) in recipe.items():
        assert kind in ("seed", "table", "view")
        assert ("select" in str(sql)) and "{{" not in str(sql)
        for parent in parents:  # type: ignore[attr-defined]
            assert parent.startswith("raw.") or recipe[parent][0] < step, f"{table} before {parent}"  # type: ignore[operator]


def test_only_what_depends_on_the_as_of_date_has_sql_for_one(published_small: Home) -> None:
    dated = {table for table, row in rows(published_small.published).items() if row[4] is not None}
    assert dated == {
        "intermediate.int_line_dispositions",
        "intermediate.int_order_versions",
        "intermediate.int_orders",
        "intermediate.int_snapshot",
        "intermediate.int_source_profiles",
        "marts.row_accounting",
    }


def test_a_seed_comes_back_value_for_value_and_type_for_type(home: Home) -> None:
    recipe = rows(home.warehouse)
    seeds = [table for table, row in recipe.items() if row[1] == "seed"]
    assert len(seeds) == 6
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        for seed in seeds:
            sql = str(recipe[seed][3])
            types = [
                [row[:2] for row in connection.execute(f"describe {query}").fetchall()]
                for query in (f"from {seed}", sql)
            ]
            assert types[0] == types[1], seed
            differing = connection.execute(
                f"select (select count(*) from (from {seed} except all ({sql})))"
                f" + (select count(*) from (({sql}) except all from {seed}))"
            ).fetchone()
            assert differing == (0,), seed


def test_building_one_model_replaces_its_row_alone_and_drops_those_of_models_that_are_no_more(home: Home) -> None:
    before = rows(home.warehouse)
    manifest = load_manifest(home)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            "insert into quality.classification_recipe by name "
            "select * replace ('int_of_old' as table_name, 99 as step) from quality.classification_recipe limit 1"
        )
        made = {"model.regulars.customer_rfm": "select 1 as one", "model.regulars.product_pairs": "select 2"}
        keep_recipe(connection, home, manifest, made, project_vars(Settings.model_construct(), None))
    after = rows(home.warehouse)
    assert set(after) == set(before)
    assert after.pop("marts.customer_rfm")[3] == "select 1 as one"
    del before["marts.customer_rfm"]
    assert after == before


def test_the_order_is_the_same_whatever_order_the_manifest_has(home: Home) -> None:
    manifest = load_manifest(home)
    turned = {**manifest, "nodes": dict(reversed(manifest["nodes"].items()))}
    assert ancestors_in_order(turned) == ancestors_in_order(manifest)
