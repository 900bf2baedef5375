"""One history through both engines: every published table is the same.

Belongs here: what Spark makes, held against what DuckDB makes of the same files. Does not belong here: whether either
is right (all other tests), what Spark needs of a machine (:mod:`tests.warehouse.test_spark`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.engines.cluster import cluster
from tests.formats.test_samples import SAMPLES, sample_of
from tests.homes import build_once, refresh_process, regulars_refresh, shared_folder
from warehouse.errors import EngineError
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT
from warehouse.spark import made_folder, require_spark

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
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.memory": "512m",
}


def spark_settings(folder: Path, **conf: str) -> dict[str, str]:
    """Variables that name the engine and its conf, which is written to the folder."""
    folder.mkdir()
    lines = [f"{key} {value}\n" for key, value in {**SMALL, **conf}.items()]
    (folder / "spark-defaults.conf").write_text("".join(lines))
    return {"REGULARS_WAREHOUSE__ENGINE": "spark", "SPARK_CONF_DIR": str(folder)}


def wait_for(process: subprocess.Popen[str], step: str) -> None:
    """Read what a refresh says until it has finished a step."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "✓" in line and step in line:
            return
    pytest.fail(f"It was over before it finished {step!r}:\n{''.join(said)}")


def wait_until_spark_makes(home: Home) -> None:
    """Wait for the first tables of a step, and until it is somewhere in the others."""
    deadline = time.monotonic() + 120
    while not any(made_folder(home).rglob("*.parquet")):
        assert time.monotonic() < deadline, "Spark makes nothing"
        time.sleep(0.1)
    time.sleep(5)


@pytest.fixture(scope="module")
def given(published_small: Home, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Home], None]:
    """Makes a home that has published a small shop, and one export of each shop system is new there."""

    def make(home: Home) -> None:
        shutil.copytree(published_small.root, home.root)
        for folder in SAMPLES.iterdir():
            sample = sample_of(folder.name)
            shutil.copy(sample, home.landing / f"{folder.name}{sample.suffix}")

    return make


@pytest.fixture(scope="module")
def on_duckdb(given: Callable[[Home], None], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Refreshed by DuckDB."""

    def build(home: Home) -> None:
        given(home)
        regulars_refresh(home, "--full")

    return build_once(shared_folder(tmp_path_factory), "engine-duckdb", build)


@pytest.fixture(scope="module")
def on_spark(given: Callable[[Home], None], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Refreshed by Spark on a cluster that loses one of its two workers; before, one on this machine was killed."""
    folder = tmp_path_factory.mktemp("spark")

    def build(home: Home) -> None:
        given(home)
        published = home.published.resolve()
        alone = spark_settings(folder / "alone", **{"spark.master": "local[2]"})
        with refresh_process(home, "--full", settings=alone) as process:
            wait_for(process, "check raw")
            wait_until_spark_makes(home)
            process.kill()
        assert home.published.resolve() == published
        with cluster(folder / "cluster", workers=2) as machines:
            many = spark_settings(folder / "many", **{"spark.master": machines.master})
            with refresh_process(home, "--full", settings=many) as process:
                wait_for(process, "check staging")
                wait_until_spark_makes(home)
                assert machines.workers_at_work() == 2
                machines.kill_worker()
                said, _ = process.communicate()
                assert process.returncode == 0, said

    return build_once(shared_folder(tmp_path_factory), "engine-spark", build)


def test_a_cluster_without_workers_is_given_up(given: Callable[[Home], None], tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    given(home)
    published = home.published.resolve()
    with cluster(tmp_path / "cluster", workers=0) as machines:
        conf = {"spark.master": machines.master, "spark.regulars.secondsWithoutWorker": "3"}
        with refresh_process(home, "--full", settings=spark_settings(tmp_path / "conf", **conf)) as process:
            said, _ = process.communicate()
    assert process.returncode == 1
    assert f"Spark at {machines.master} is gone" in said
    assert "no worker was free for 3 seconds" in said
    assert home.published.resolve() == published
    assert not home.spark.exists()


def test_a_spark_that_dies_is_told(given: Callable[[Home], None], tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    given(home)
    conf = spark_settings(tmp_path / "conf", **{"spark.master": "local[2]"})
    with refresh_process(home, "--full", settings=conf) as process:
        wait_until_spark_makes(home)
        for java in java_of(process.pid):
            options = Path(f"/proc/{java}/cmdline").read_text().split("\0")
            # what the file says comes later, and so counts
            assert options.index("-XX:-DontCompileHugeMethods") < options.index("-XX:TieredStopAtLevel=1")
            # as the machine does when its memory is at an end
            os.kill(java, signal.SIGKILL)
        said, _ = process.communicate()
    assert process.returncode == 1
    assert "Spark's own process ended in the middle of its work" in said
    assert not home.spark.exists()


def java_of(process: int) -> list[int]:
    """The Java processes that a process started, itself or by a shell."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = []
    for child in map(int, children):
        name = Path(f"/proc/{child}/comm").read_text().strip()
        found += [child] if name == "java" else java_of(child)
    return found


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
            # what a killed refresh had checked is told as well
            of_the_last_run = "where run_id = (from quality.validation_results select arg_max(run_id, recorded_at))"
            # all but numbers that engines may round differently say which row is which
            keys = ", ".join(f'"{name}"' for name, kind in sorted(shown, key=lambda one: one[1] == "DOUBLE"))
            which = of_the_last_run if table == "validation_results" else ""
            tables[f"{schema}.{table}"] = connection.execute(
                f'select {columns} from {schema}."{table}" {which} order by {keys}'
            ).df()
    return tables


def test_both_engines_publish_the_same_tables(on_duckdb: Home, on_spark: Home) -> None:
    expected, made = published_tables(on_duckdb), published_tables(on_spark)
    assert sorted(made) == sorted(expected)
    assert len(expected["marts.fct_invoice_lines"]) > 4_000
    differing = []
    for name, told in expected.items():
        try:
            pd.testing.assert_frame_equal(made[name], told, check_exact=False, rtol=1e-9, atol=0)
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


def test_spark_leaves_nothing_behind_but_the_tables(on_spark: Home) -> None:
    assert not on_spark.spark.exists()
    # nor does it write where it was started
    assert not (PROJECT_ROOT / "metastore_db").exists()
    assert not (PROJECT_ROOT / "spark-warehouse").exists()
