"""Settings that are changed while a refresh works: it keeps to those that it began with."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator

from orchestration.definitions import defs
from orchestration.jobs import REFRESH
from tests.tiny_shop import HEADER, deliver
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT, SETTINGS_FILE_VARIABLE, load_settings

BEFORE = "[[calendar.closures]]\nfrom = 2024-01-09\nto = 2024-01-09\nreason = 'stock-taking'\n"
MEANWHILE = BEFORE.replace("stock-taking", "flood")
NEWS = {"news.csv": HEADER + "700001,20001,ITEM 20001,3,2024-02-20 10:00:00,6.80,10000.0,United Kingdom\n"}
STEPS = ("load_landing_files", "dbt_staging")


def test_settings_that_change_between_two_steps_are_those_of_the_next_run(
    published_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "regulars.toml"
    file.write_text(BEFORE)
    monkeypatch.setenv(SETTINGS_FILE_VARIABLE, str(file))
    asked = load_settings().fingerprint()
    deliver(published_home.landing, NEWS)

    job = defs.resolve_job_def(REFRESH)
    parts = [part for part in defs.assets or () if isinstance(part, dg.AssetsDefinition) and part.op.name in STEPS]
    job = job.get_subset(
        asset_selection={key for part in parts for key in part.keys},
        asset_check_selection={key for part in parts for key in part.check_keys},
    )
    warehouse = {"config": {"database": str(published_home.warehouse), "wait_seconds": 0.0}}
    steps = []
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(job, run_config={"resources": {"warehouse": warehouse}})
        for event in execute_run_iterator(InMemoryJob(job), run, instance):
            if event.is_step_success:
                steps.append(event.step_key)
                file.write_text(MEANWHILE)
    assert steps == list(STEPS)
    changed = load_settings().fingerprint()
    assert changed != asked
    with duckdb.connect(str(published_home.warehouse), read_only=True) as con:
        assert con.execute("select name from raw.calendar_days where kind = 'closure'").fetchall() == [
            ("stock-taking",)
        ]
        # what is published is refused unless it is made from these, and says so
        assert con.execute("select settings_fingerprint from increments.built").fetchall() == [(asked,)]


def test_no_step_reads_the_settings_file_by_itself() -> None:
    steps = [*(PROJECT_ROOT / "orchestration" / "assets").glob("*.py"), PROJECT_ROOT / "orchestration" / "checks.py"]
    assert len(steps) > 10
    assert [path.name for path in steps if "load_settings" in path.read_text()] == []
