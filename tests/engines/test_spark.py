"""One history through both engines: every published table is the same.

Belongs here: what Spark makes, held against what DuckDB makes of the same files. Does not belong here: whether either
is right (all other tests), what Spark needs of a machine (:mod:`tests.warehouse.test_spark`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import duckdb
import pandas as pd
import pytest

from tests.formats.test_samples import SAMPLES, sample_of
from tests.homes import build_once, regulars_refresh, shared_folder
from warehouse.errors import EngineError
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT
from warehouse.spark import require_spark

try:
    require_spark()
except EngineError as error:
    pytest.skip(str(error), allow_module_level=True)

# when something was done, and by which run: different each time on one engine as well
TIMES = {"delivered_at", "loaded_at", "recorded_at", "published_at", "run_id", "fitted_at"}
# where and when it was published
OF_THE_HOME = {"quality.about", "quality.publications"}

# a session for data of a few thousand lines: no code is compiled that would run for a millisecond
SMALL = {
    "spark.master": "local[2]",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture(scope="module")
def homes(published_small: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home]:
    """Small shop and one export of each shop system, published once more by DuckDB and by Spark."""

    def refreshed(engine: str) -> Home:
        def build(home: Home) -> None:
            shutil.copytree(published_small.root, home.root)
            for folder in SAMPLES.iterdir():
                sample = sample_of(folder.name)
                shutil.copy(sample, home.landing / f"{folder.name}{sample.suffix}")
            conf = home.root / "spark-conf"
            conf.mkdir()
            (conf / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in SMALL.items()))
            settings = {"REGULARS_WAREHOUSE__ENGINE": engine, "SPARK_CONF_DIR": str(conf)}
            regulars_refresh(home, "--full", settings=settings)

        return build_once(shared_folder(tmp_path_factory), f"engine-{engine}", build)

    return refreshed("duckdb"), refreshed("spark")


def published_tables(home: Home) -> dict[str, pd.DataFrame]:
    """Every published table with its columns' types beside their names, without what tells times."""
    with duckdb.connect(str(home.published), read_only=True) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        tables = {}
        for schema, table in names:
            if f"{schema}.{table}" in OF_THE_HOME:
                continue
            described = connection.execute(f'describe {schema}."{table}"').fetchall()
            shown = [(name, kind) for name, kind, *_ in described if name not in TIMES]
            columns = ", ".join(f'"{name}" as "{name} {kind}"' for name, kind in shown)
            # all but numbers that engines may round differently say which row is which
            keys = ", ".join(f'"{name}"' for name, kind in sorted(shown, key=lambda one: one[1] == "DOUBLE"))
            tables[f"{schema}.{table}"] = connection.execute(
                f'select {columns} from {schema}."{table}" order by {keys}'
            ).df()
    return tables


def test_both_engines_publish_the_same_tables(homes: tuple[Home, Home]) -> None:
    on_duckdb, on_spark = (published_tables(home) for home in homes)
    assert sorted(on_spark) == sorted(on_duckdb)
    assert len(on_duckdb["marts.fct_invoice_lines"]) > 4_000
    differing = []
    for name, told in on_duckdb.items():
        try:
            pd.testing.assert_frame_equal(on_spark[name], told, check_exact=False, rtol=1e-9, atol=0)
        except AssertionError as error:
            differing.append(f"{name}: {error}")
    assert not differing, "\n".join(differing)


def test_gates_do_not_import_spark() -> None:
    """Great Expectations would, and then pyspark ends a process that runs no file, with 0."""
    code = "import sys; from expectations.runner import import_great_expectations as gates; gates(); "
    code += "print('at work', [name for name in sys.modules if name.startswith('pyspark')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "at work []\n"
    assert done.stderr == ""


def test_spark_leaves_nothing_behind_but_the_tables(homes: tuple[Home, Home]) -> None:
    _, on_spark = homes
    assert not on_spark.spark.exists()
    # nor does it write where it was started
    assert not (PROJECT_ROOT / "metastore_db").exists()
    assert not (PROJECT_ROOT / "spark-warehouse").exists()
