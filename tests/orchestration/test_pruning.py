"""A home's past is bounded, whatever happened in it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import text

from orchestration.instance import event_log_kept_open, prepare_dagster_home
from orchestration.pruning import prune
from warehouse.home import HOME_VARIABLE, Home
from warehouse.settings import Keep

DAY_SECONDS = 86_400
KEEP = Keep(runs=5, exports_days=30, reports_days=90)


@dg.asset(check_specs=[dg.AssetCheckSpec("is_whole", asset="sales")])
def sales() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("DAGSTER_HOME", HOME_VARIABLE):
        # put back as they were, whatever the test makes of them
        monkeypatch.setenv(name, os.environ.get(name, ""))
    made = Home(tmp_path)
    prepare_dagster_home(made)
    return made


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as opened:
        yield opened


def run_often(instance: dg.DagsterInstance, times: int) -> list[str]:
    """Ids of so many runs that really took place, oldest first."""
    with event_log_kept_open(instance):
        return [dg.materialize([sales], instance=instance).run_id for _ in range(times)]


def rows_by_run(instance: dg.DagsterInstance, table: str) -> set[str]:
    with instance.event_log_storage.index_connection() as connection:
        return {run_id for (run_id,) in connection.execute(text(f"select distinct run_id from {table}"))}


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_forty_old_runs_leave_the_newest_and_nothing_of_the_others(home: Home, instance: dg.DagsterInstance) -> None:
    at_work = dg.DagsterRun(
        "refresh", run_id="11111111-1111-4111-8111-111111111111", status=dg.DagsterRunStatus.STARTED
    )
    instance.add_run(at_work)
    # a run that takes place costs half a second; of the oldest the record alone has to do
    ids = [instance.add_run(dg.DagsterRun("refresh", status=dg.DagsterRunStatus.SUCCESS)).run_id for _ in range(28)]
    ids += run_often(instance, 12)
    for run_id in ids:
        logs = home.dagster / "storage" / run_id / "compute_logs"
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "step.out").write_text("what a step printed")
    before = size_bytes(home.dagster)
    prune(instance, home, KEEP)

    kept = set(ids[-5:])
    assert set(instance.get_run_ids()) == kept | {at_work.run_id}
    assert rows_by_run(instance, "event_logs") == kept
    assert rows_by_run(instance, "asset_check_executions") == kept
    assert {path.name.partition(".")[0] for path in (home.dagster / "history" / "runs").iterdir()} == {*kept, "index"}
    assert set(os.listdir(home.dagster / "storage")) >= kept
    assert not set(os.listdir(home.dagster / "storage")) & set(ids[:-5])
    newest = instance.get_latest_materialization_event(dg.AssetKey("sales"))
    assert newest is not None
    assert newest.run_id == ids[-1]
    # what the others took is used again
    bounded = size_bytes(home.dagster)
    assert bounded < before
    run_often(instance, 5)
    prune(instance, home, KEEP)
    assert size_bytes(home.dagster) <= bounded * 1.05


def aged(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_text("written long ago")
    else:
        path.mkdir()
        (path / "champions.csv").write_text("customer_id\n")
    at = time.time() - days * DAY_SECONDS
    os.utime(path, (at, at))
    return path


def test_old_exports_reports_and_leftovers_go_and_deliveries_never(home: Home, instance: dg.DagsterInstance) -> None:
    gone = [
        aged(home.exports / "spring", 31),
        aged(home.exports / ".deliveries" / "spring.hook.txt", 31),
        aged(home.reports / "report-1-rfm.pdf", 91),
        aged(home.audit / "2024-10.jsonl", 731),
        aged(home.scratch / "duckdb_temp_storage_DEFAULT-0.tmp", 3),
    ]
    stays = [
        aged(home.exports / "summer", 29),
        aged(home.exports / ".deliveries" / "summer.hook.txt", 29),
        aged(home.reports / "report-2-rfm.pdf", 89),
        aged(home.audit / "2024-11.jsonl", 729),
        aged(home.scratch / "upload.csv", 0.5),
        aged(home.landing / "2011-12-09.csv", 5_000),
    ]
    # the folder of all of them is not one of them, however long nothing was delivered
    aged_folder = time.time() - 400 * DAY_SECONDS
    os.utime(home.exports / ".deliveries", (aged_folder, aged_folder))
    prune(instance, home, KEEP)
    assert [path for path in gone if path.exists()] == []
    assert [path for path in stays if not path.exists()] == []
    prune(instance, home, Keep(exports_days=0, reports_days=0, audit_days=0))
    assert [path for path in stays if not path.exists()] == []


def test_what_cannot_be_removed_is_told_and_stops_nothing(
    home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, other = aged(home.reports / "a.pdf", 91), aged(home.reports / "b.pdf", 91)
    really = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self == stuck:
            raise PermissionError(13, "Permission denied", str(self))
        really(self, missing_ok)

    # root, as whom tests may run, is refused nothing
    monkeypatch.setattr(Path, "unlink", refuse)
    prune(instance, home, KEEP)
    assert f"{stuck} is older than what is kept and could not be removed: Permission denied" in caplog.text
    assert not other.exists()
