"""Nothing new costs nothing, and whatever could be new is looked into."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.jobs import REFRESH, daily_schedule, landing_sensor
from tests.command import regulars_anew
from tests.orchestration.conftest import copy_of, refresh
from tests.tiny_shop import deliver, small_history
from warehouse.database import open_warehouse, refresh_lock
from warehouse.home import Home
from warehouse.news import is_all_published
from warehouse.settings import load_settings


@pytest.fixture
def quiet_home(shop_once_published: Home, tmp_path: Path) -> Home:
    """A home with everything published, whose files have lain there for an hour."""
    home = copy_of(shop_once_published, tmp_path / "quiet")
    rest(home)
    return home


def rest(home: Home) -> None:
    an_hour_ago = time.time() - 3600
    for path in home.landing.iterdir():
        os.utime(path, (an_hour_ago, an_hour_ago))


def nothing_new(home: Home, as_of_date: str | None = None) -> bool:
    return is_all_published(home, load_settings(), as_of_date)


def test_nothing_new_is_told_without_the_pipeline_and_leaves_every_check_as_it_was(quiet_home: Home) -> None:
    def recorded() -> tuple[list[str], list[str]]:
        with dg.DagsterInstance.from_config(str(quiet_home.dagster)) as instance:
            keys = [dg.AssetCheckKey(dg.AssetKey(["marts", "customer_rfm"]), "great_expectations")]
            found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
            return [run.run_id for run in instance.get_runs()], [found[key].status.value for key in keys]

    before = recorded()
    assert before[1] == ["SUCCEEDED"]
    done = regulars_anew("refresh", home=quiet_home.root, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "Nothing new since the last publication (looked for " in done.stdout
    assert f"Snapshot for readers: {quiet_home.published}" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "duckdb" in imported
    heavy = {"dagster", "dbt", "great_expectations", "sklearn", "scipy", "pandas", "sqlalchemy"}
    assert imported & heavy == set()
    assert recorded() == before


def test_a_run_that_finds_nothing_new_leaves_every_check_with_the_result_that_stands(quiet_home: Home) -> None:
    def results(instance: dg.DagsterInstance) -> dict[dg.AssetCheckKey, tuple[str, object]]:
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [*defs.resolve_asset_graph().asset_check_keys]
        )
        return {key: (one.status.value, one.evaluation.description) for key, one in found.items()}

    # as Dagster's own pages start it
    resources = {"warehouse": {"config": {"database": str(quiet_home.warehouse), "wait_seconds": 0}}}
    job = defs.resolve_job_def(REFRESH)
    with dg.DagsterInstance.from_config(str(quiet_home.dagster)) as instance:
        before = results(instance)
        [first] = instance.get_runs()
        for _ in range(2):
            done = job.execute_in_process(instance=instance, run_config={"resources": resources})
            assert not [event for event in done.all_events if event.is_step_materialization]
            assert results(instance) == before
        newest = instance.event_log_storage.get_latest_asset_check_execution_by_key([*before])
    # all but the two that warn of any small shop
    assert sorted({status for status, _ in before.values()}) == ["FAILED", "SUCCEEDED"]
    assert {one.evaluation.metadata["as_in_run"].value for one in newest.values()} == {first.run_id}


def same_size_and_time(home: Home) -> None:
    path = sorted(home.landing.iterdir())[3]
    content, kept = path.read_text(), path.stat()
    # a quantity of another digit
    changed = content.replace(",1,2024", ",2,2024", 1)
    assert changed != content
    path.write_text(changed)
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def another_name(home: Home) -> None:
    path = sorted(home.landing.iterdir())[0]
    path.with_name("the same bytes.csv").write_bytes(path.read_bytes())
    rest(home)


def just_written(home: Home) -> None:
    os.utime(sorted(home.landing.iterdir())[0])


def left_by_a_killed_run(home: Home) -> None:
    with open_warehouse(home.warehouse) as connection:
        connection.execute("create table raw.half as select 1 as one")
        log = home.warehouse.with_name("warehouse.duckdb.wal").read_bytes()
    home.warehouse.with_name("warehouse.duckdb.wal").write_bytes(log)


def loaded_by_a_run_that_stopped(home: Home) -> None:
    line = "699999,20001,ITEM 20001,900000,2024-02-20 10:00:00,99.00,10001.0,United Kingdom\n"
    header = sorted(home.landing.iterdir())[0].read_text().splitlines()[0]
    deliver(home.landing, {"2024-02-20.csv": f"{header}\n{line}"})
    rest(home)
    assert not refresh(home).succeeded


@pytest.mark.parametrize(
    "change",
    [
        lambda home: deliver(home.landing, {"2024-03-01.csv": "InvoiceNo\n"}) or rest(home),
        same_size_and_time,
        another_name,
        lambda home: sorted(home.landing.iterdir())[0].unlink(),
        just_written,
        left_by_a_killed_run,
        loaded_by_a_run_that_stopped,
        lambda home: home.published.unlink(),
        lambda home: home.origin_file.unlink(),
        lambda home: home.pseudonym_key.unlink(),
        lambda home: home.pseudonym_key.write_text("0" * 64 + "\n"),
        lambda home: home.landing.rename(home.landing.with_name("elsewhere")),
    ],
    ids=[
        "a file was added",
        "a file has other bytes of the same size and time",
        "the same bytes came under another name",
        "a file left landing",
        "a file may still be growing",
        "a killed run left a log",
        "a run loaded a file and stopped",
        "there is no snapshot",
        "the home is bound to nothing",
        "the key of pseudonyms is gone",
        "the key of pseudonyms is another",
        "landing is gone",
    ],
)
def test_what_a_refresh_has_to_look_into_is_never_nothing_new(
    quiet_home: Home, change: Callable[[Home], object]
) -> None:
    assert nothing_new(quiet_home)
    change(quiet_home)
    assert not nothing_new(quiet_home)


def test_settings_code_and_as_of_are_news_too(quiet_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nothing_new(quiet_home)
    assert not nothing_new(quiet_home, as_of_date="2024-02-01")
    with monkeypatch.context() as changed:
        changed.setenv("REGULARS_SEGMENTATION__K", "3")
        assert not nothing_new(quiet_home)
    monkeypatch.setattr("warehouse.versions.code_fingerprint", lambda memo: "of another release")
    assert not nothing_new(quiet_home)


def test_a_file_that_changes_while_it_is_looked_at_is_no_nothing_new(
    quiet_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse import loading

    hashed = []

    def hash_and_append(path: Path, really=loading.hash_file) -> str:
        digest = really(path)
        if not hashed:
            with path.open("a") as file:
                file.write("one line more\n")
        hashed.append(path)
        return digest

    monkeypatch.setattr("warehouse.loading.hash_file", hash_and_append)
    assert not nothing_new(quiet_home)
    assert len(hashed) == len(small_history())


def test_a_home_at_work_is_left_to_the_refresh_which_names_the_holder(quiet_home: Home) -> None:
    with refresh_lock(quiet_home, purpose="refresh by another hand"):
        assert not nothing_new(quiet_home)
        outcome = refresh(quiet_home)
    assert not outcome.succeeded
    assert "refresh by another hand" in outcome.problems[0]
    with refresh_lock(quiet_home):
        # the home was let go
        pass


def test_schedule_and_sensor_start_no_run_where_nothing_is_new(quiet_home: Home) -> None:
    def ticks() -> tuple[object, object]:
        with dg.instance_for_test() as instance:
            asked_by_clock = daily_schedule(quiet_home, load_settings())(dg.build_schedule_context(instance))
            asked_by_files = landing_sensor(quiet_home)(dg.build_sensor_context(instance=instance, cursor=None))
        return asked_by_clock, asked_by_files

    by_clock, by_files = ticks()
    assert isinstance(by_clock, dg.SkipReason)
    assert "Nothing new" in by_clock.skip_message
    assert not by_files.run_requests
    assert "Nothing new" in by_files.skip_reason.skip_message
    # it is not looked at again until something changes
    assert by_files.cursor

    deliver(quiet_home.landing, {"2024-03-01.csv": "InvoiceNo\n"})
    rest(quiet_home)
    # the refresh at work may be the one that brought the file, as one that pulls from a database does
    with refresh_lock(quiet_home, purpose="refresh run 1234"):
        _, by_files = ticks()
    assert isinstance(by_files, dg.SkipReason)
    assert "in use by refresh run 1234" in by_files.skip_message
    by_clock, by_files = ticks()
    assert isinstance(by_clock, dg.RunRequest)
    assert len(by_files.run_requests) == 1


def test_a_file_put_back_to_what_it_was_is_asked_for_each_time(quiet_home: Home) -> None:
    path = sorted(quiet_home.landing.iterdir())[3]
    first, second = path.read_text(), path.read_text().replace(",1,2024", ",2,2024", 1)
    an_hour_ago, cursor = path.stat().st_mtime, None

    def put(content: str, *, later_seconds: int) -> None:
        path.write_text(content)
        os.utime(path, (an_hour_ago + later_seconds, an_hour_ago + later_seconds))

    def asked() -> list[dg.RunRequest]:
        nonlocal cursor
        with dg.instance_for_test() as instance:
            result = landing_sensor(quiet_home)(dg.build_sensor_context(instance=instance, cursor=cursor))
        if isinstance(result, dg.SkipReason):
            return []
        cursor = result.cursor
        return result.run_requests or []

    assert asked() == []
    put(second, later_seconds=9)
    requests = asked()
    assert refresh(quiet_home).succeeded
    put(first, later_seconds=0)
    requests += asked()
    assert asked() == []
    # Dagster starts no second run for a key that it has seen, whatever was loaded in between
    put(second, later_seconds=9)
    assert asked() == []
    put(first, later_seconds=0)
    requests += asked()
    assert [request.run_key for request in requests] == [None, None, None]
