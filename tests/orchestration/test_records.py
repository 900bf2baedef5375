"""Dagster's records in PostgreSQL: each home has its own, and no copy takes another's runs for killed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.instance import event_log_kept_open, prepare_dagster_home
from orchestration.killed_runs import end_killed_runs
from orchestration.pruning import prune
from orchestration.records import begin_anew, has_records, records_in_postgresql, take_over
from orchestration.ticks import forget_ticks_ahead
from tests.command import regulars
from tests.databases.conftest import started
from tests.databases.servers import OWNER, PASSWORD, Server
from tests.tiny_shop import deliver, small_history
from warehouse.errors import HomeError, SettingsError
from warehouse.home import Home
from warehouse.settings import Dagster, Keep

pytest.importorskip("dagster_postgres", reason="dagster-postgres is not installed (extra `postgresql`)")

VARIABLE = "RECORDS_PASSWORD"


@dg.job
def job() -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from started("postgresql")


def url(server: Server) -> str:
    return f"postgresql://{OWNER}:${{{VARIABLE}}}@127.0.0.1:{server.port}/shop"


@pytest.fixture
def told(server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings that name the server, in force."""
    variables = {"REGULARS_DAGSTER__RECORDS": url(server), VARIABLE: PASSWORD}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name in ("DAGSTER_HOME", "REGULARS_HOME"):
        # set by what is tried, and as before after the test
        monkeypatch.setenv(name, "")
    return variables


def at_work(home: Home) -> str:
    """A run that is recorded as started, long ago, by a process that is not on this machine."""
    prepare_dagster_home(home)
    with opened(home) as instance:
        run = instance.create_run_for_job(job)
        instance.report_engine_event("begun", run)
        instance.handle_new_event(
            dg.EventLogEntry(
                error_info=None,
                user_message="",
                level="INFO",
                run_id=run.run_id,
                timestamp=1_700_000_000.0,
                dagster_event=dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name),
            )
        )
        return run.run_id


def opened(home: Home) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(home.dagster))


def runs(home: Home) -> dict[str, str]:
    with opened(home) as instance:
        return {run.run_id: run.status.value for run in instance.get_runs()}


def test_two_shops_with_the_same_settings_have_records_apart(told: dict[str, str], tmp_path: Path) -> None:
    shoes, hats = Home(tmp_path / "shoes"), Home(tmp_path / "hats")
    first, second = at_work(shoes), at_work(hats)
    assert runs(shoes) == {first: "STARTED"}
    assert runs(hats) == {second: "STARTED"}
    # and nothing of them lies in files
    assert not list(shoes.dagster.rglob("*.db"))


def test_the_password_stands_in_no_file(told: dict[str, str], tmp_path: Path) -> None:
    home = Home(tmp_path / "shoes")
    prepare_dagster_home(home)
    for path in filter(Path.is_file, home.root.rglob("*")):
        assert PASSWORD not in path.read_text()


def test_a_copy_is_refused_and_the_originals_runs_stay_at_work(told: dict[str, str], tmp_path: Path) -> None:
    home, copy = Home(tmp_path / "shoes"), Home(tmp_path / "copy")
    run = at_work(home)
    shutil.copytree(home.root, copy.root)
    with pytest.raises(HomeError) as refused:
        prepare_dagster_home(copy)
    told_of_it = str(refused.value)
    assert f"are those of {home.root} on " in told_of_it
    assert f"regulars records --begin-anew --home {copy.root}" in told_of_it
    assert "\n" not in told_of_it
    # who runs Dagster's own commands on the copy ends nothing either
    with opened(copy) as instance, pytest.raises(HomeError):
        end_killed_runs(instance, copy)
    assert runs(home) == {run: "STARTED"}


def test_a_copy_begins_anew_or_takes_the_place_of_what_is_gone(told: dict[str, str], tmp_path: Path) -> None:
    home, copy, heir = Home(tmp_path / "shoes"), Home(tmp_path / "copy"), Home(tmp_path / "heir")
    run = at_work(home)
    for other in (copy, heir):
        shutil.copytree(home.root, other.root)
    begin_anew(copy)
    prepare_dagster_home(copy)
    assert runs(copy) == {}
    shutil.rmtree(home.root)
    take_over(heir)
    prepare_dagster_home(heir)
    assert runs(heir) == {run: "STARTED"}


def test_a_home_that_is_moved_goes_on_with_its_records(told: dict[str, str], tmp_path: Path) -> None:
    home, moved = Home(tmp_path / "shoes"), Home(tmp_path / "elsewhere")
    run = at_work(home)
    home.root.rename(moved.root)
    prepare_dagster_home(moved)
    assert runs(moved) == {run: "STARTED"}


def test_a_restored_backup_has_records_of_its_own(told: dict[str, str], tmp_path: Path) -> None:
    home, restored = Home(tmp_path / "shoes"), Home(tmp_path / "restored")
    run = at_work(home)
    restored.dagster.mkdir(parents=True)
    # what `regulars backup` takes of Dagster's
    shutil.copy2(home.dagster / "dagster.yaml", restored.dagster)
    assert not has_records(restored)
    with opened(restored) as instance, pytest.raises(HomeError, match="are another home's"):
        end_killed_runs(instance, restored)
    prepare_dagster_home(restored)
    assert runs(restored) == {}
    assert runs(home) == {run: "STARTED"}


def test_a_run_whose_process_is_gone_is_ended_here_too(told: dict[str, str], tmp_path: Path) -> None:
    home = Home(tmp_path / "shoes")
    run = at_work(home)
    with opened(home) as instance:
        assert end_killed_runs(instance, home) == [run]
    assert runs(home) == {run: "FAILURE"}


def test_old_runs_go_with_their_events_and_ticks_ahead_are_forgotten(told: dict[str, str], tmp_path: Path) -> None:
    home = Home(tmp_path / "shoes")
    prepare_dagster_home(home)
    with opened(home) as instance:
        ids = [job.execute_in_process(instance=instance).run_id for _ in range(3)]
        prune(instance, home, Keep(runs=1))
        forget_ticks_ahead(instance)
        assert [bool(instance.all_logs(run_id)) for run_id in ids] == [False, False, True]
    assert list(runs(home)) == ids[2:]


def test_a_server_that_is_started_anew_during_a_run_loses_no_event(told: dict[str, str], tmp_path: Path) -> None:
    home = Home(tmp_path / "shoes")
    for own in started("postgresql"):
        prepare_dagster_home(home, Dagster(records=url(own)))
        with opened(home) as instance, event_log_kept_open(instance):
            instance.report_runless_asset_event(dg.AssetMaterialization("lines", description="before"))
            own.stop()
            own.start()
            instance.report_runless_asset_event(dg.AssetMaterialization("lines", description="after"))
        with opened(home) as instance:
            found = instance.fetch_materializations(dg.AssetKey("lines"), limit=9).records
            assert [one.asset_materialization.description for one in found] == ["after", "before"]


def test_without_the_setting_records_lie_in_files_again(
    told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "shoes")
    monkeypatch.setenv("REGULARS_DAGSTER__RECORDS", "")
    prepare_dagster_home(home)
    before = (home.dagster / "dagster.yaml").read_text()
    monkeypatch.setenv("REGULARS_DAGSTER__RECORDS", told["REGULARS_DAGSTER__RECORDS"])
    prepare_dagster_home(home)
    assert records_in_postgresql(home) is not None
    monkeypatch.setenv("REGULARS_DAGSTER__RECORDS", "")
    prepare_dagster_home(home)
    assert (home.dagster / "dagster.yaml").read_text() == before


def test_a_storage_that_a_person_wrote_is_not_overruled(told: dict[str, str], tmp_path: Path) -> None:
    home = Home(tmp_path / "shoes")
    home.dagster.mkdir(parents=True)
    own = "storage:\n  sqlite:\n    base_dir: /srv/records\n"
    (home.dagster / "dagster.yaml").write_text(own)
    with pytest.raises(SettingsError, match="has a storage of its own"):
        prepare_dagster_home(home)
    assert (home.dagster / "dagster.yaml").read_text() == own


def test_a_server_that_is_away_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "shoes")
    deliver(home.landing, small_history())
    # nobody listens there
    away = {"REGULARS_DAGSTER__RECORDS": f"postgresql://{OWNER}:${{{VARIABLE}}}@127.0.0.1:1/shop", VARIABLE: PASSWORD}
    done = regulars("refresh", home=home.root, **away)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("regulars: ")]
    assert line.startswith("regulars: Dagster's records in PostgreSQL (127.0.0.1:1/shop) could not be read or kept: ")
    assert PASSWORD not in done.stderr
    [entry] = json.loads(home.alerts.read_text())["entries"]
    assert entry["title"].endswith(": nothing can be refreshed")
    daemon = regulars("daemon", home=home.root, **away)
    assert (daemon.returncode, daemon.stderr) == (1, f"{line}\n")
    unset = regulars("records", home=home.root, **{**away, VARIABLE: ""})
    assert (unset.returncode, unset.stderr) == (
        2,
        f"regulars: dagster.records takes its password from {VARIABLE}, and that variable is not set.\n",
    )


def test_a_refresh_and_status_with_a_server_that_goes_away_after_it(told: dict[str, str], tmp_path: Path) -> None:
    home = Home(tmp_path / "shoes")
    deliver(home.landing, small_history())
    # a server of its own, since it is stopped
    for own in started("postgresql"):
        there = {**told, "REGULARS_DAGSTER__RECORDS": url(own)}
        done = regulars("refresh", home=home.root, **there)
        assert done.returncode == 0, done.stdout + done.stderr
        well = regulars("status", "--json", home=home.root, **there)
        assert well.returncode == 0
        assert json.loads(well.stdout)["last_refresh"]["outcome"] == "succeeded"
        assert json.loads(home.last_refresh.read_text())["outcome"] == "succeeded"
        own.stop()
        away = regulars("status", home=home.root, **there)
        # how old the figures are is told all the same
        assert away.returncode == 1
        assert "could not be read or kept" in away.stdout
        assert "published" in away.stdout
        assert json.loads(home.last_refresh.read_text())["outcome"] == "succeeded"


@pytest.mark.parametrize("given", ["postgresql://regulars:secret-word@db/shop", "mysql://regulars@db/shop", "db"])
def test_a_setting_that_can_not_be_used_is_refused_without_its_password(given: str, tmp_path: Path) -> None:
    done = regulars("records", home=tmp_path, REGULARS_DAGSTER__RECORDS=given)
    assert done.returncode == 2
    assert done.stderr.startswith("regulars: variable REGULARS_DAGSTER__RECORDS: dagster.records ")
    assert "secret-word" not in done.stderr


def test_nobody_without_the_setting_imports_the_driver() -> None:
    assert os.environ.get("REGULARS_DAGSTER__RECORDS") is None
    asked = "import sys, orchestration.records, orchestration.instance; print('psycopg2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert done.stdout == "False\n"
