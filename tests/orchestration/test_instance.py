"""What Dagster keeps of a run, however it is stored."""

import os
import resource
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from orchestration.instance import event_log_kept_open, prepare_dagster_home
from tests.command import REGULARS, regulars
from warehouse.database import open_warehouse
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

TOLD = "three lines were read"

DIES_AFTER_TELLING = f"""
import os, sys
import dagster as dg
import pytest
from orchestration.instance import event_log_kept_open
with dg.DagsterInstance.from_config(sys.argv[1]) as instance, event_log_kept_open(instance):
    instance.report_runless_asset_event(dg.AssetMaterialization("lines", description={TOLD!r}))
    os._exit(9)
"""


def stored(home: Home) -> list[str | None]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        records = instance.fetch_materializations(dg.AssetKey("lines"), limit=9).records
        return [record.asset_materialization.description for record in records]


def open_files(home: Home) -> list[str]:
    held = []
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.is_symlink() and os.path.exists(descriptor):
            held.append(os.readlink(descriptor))
    return [path for path in held if path.startswith(str(home.dagster)) and ".db" in path]


def test_events_are_kept_through_the_death_of_the_process(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.dagster.mkdir()
    (home.dagster / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    died = subprocess.run([sys.executable, "-c", DIES_AFTER_TELLING, str(home.dagster)], cwd=PROJECT_ROOT)
    assert died.returncode == 9
    assert stored(home) == [TOLD]


def test_no_file_stays_open_after_a_run_and_others_read_meanwhile(tmp_path: Path, monkeypatch) -> None:
    for variable in ("DAGSTER_HOME", "REGULARS_HOME"):
        # set in the next line, and as before after the test
        monkeypatch.setenv(variable, "")
    home = Home(tmp_path)
    prepare_dagster_home(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        with event_log_kept_open(instance):
            instance.report_runless_asset_event(dg.AssetMaterialization("lines", description=TOLD))
            assert stored(home) == [TOLD]
            assert open_files(home)
            kept = len(open_files(home))
            instance.report_runless_asset_event(dg.AssetMaterialization("lines", description="four"))
            assert len(open_files(home)) == kept
        assert open_files(home) == []
        # and Dagster goes on in its own way
        instance.report_runless_asset_event(dg.AssetMaterialization("lines", description="five"))
    assert stored(home) == ["five", "four", TOLD]


def test_a_storage_of_another_kind_is_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as instance, event_log_kept_open(instance):
        instance.report_runless_asset_event(dg.AssetMaterialization("lines", description=TOLD))
        assert instance.get_latest_materialization_event(dg.AssetKey("lines")) is not None


def test_what_has_addresses_is_closed_to_other_users_of_the_machine(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    before = os.umask(0o022)
    try:
        prepare_dagster_home(home)
        with open_warehouse(home.warehouse):
            pass
    finally:
        os.umask(before)
    assert [oct(path.stat().st_mode & 0o777) for path in (home.dagster, home.warehouse)] == ["0o700", "0o600"]
    # readers go through to what is published
    assert oct(home.root.stat().st_mode & 0o777) == "0o755"
    # what its owner opened to a group stays so
    home.dagster.chmod(0o750)
    home.warehouse.chmod(0o640)
    prepare_dagster_home(home)
    with open_warehouse(home.warehouse):
        pass
    assert [oct(path.stat().st_mode & 0o777) for path in (home.dagster, home.warehouse)] == ["0o750", "0o640"]


def test_records_that_are_damaged_are_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    home = Home(tmp_path)
    prepare_dagster_home(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert instance.get_runs() == []
    records = home.dagster / "history" / "runs.db"
    records.write_bytes(b"\x01" * records.stat().st_size)
    told = regulars("status", home=home.root)
    assert told.returncode == 1
    assert told.stdout.splitlines()[1] == (
        f"Last run    ✗ Dagster's records in {home.dagster} are damaged (file is not a database). They are the history "
        "of runs, and no figure is made from them: end daemon and pages, delete all that is in there but dagster.yaml, "
        "and refresh again."
    )
    for path in home.dagster.iterdir():
        if path.name != "dagster.yaml":
            shutil.rmtree(path)
    assert "Nothing is published" in regulars("status", home=home.root).stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("concurency: 3\n", 'Received unexpected config entry "concurency" at the root.'),
        ("retention: {\n", "while parsing a flow node expected the node content, but found '<stream end>'"),
    ],
)
def test_a_slip_in_dagsters_own_settings_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    home = Home(tmp_path)
    home.dagster.mkdir()
    (home.dagster / "dagster.yaml").write_text(text)
    done = regulars("status", home=home.root)
    assert done.returncode == 2
    assert done.stderr.startswith(f"regulars: {home.dagster / 'dagster.yaml'} can't be used: {told}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("most_bytes", [2**16, 2**19])
def test_a_disk_that_takes_no_more_records_is_told_in_one_line(published_home: Home, most_bytes: int) -> None:
    done = subprocess.run(
        [*REGULARS, "refresh", "--full"],
        env={**os.environ, "REGULARS_HOME": str(published_home.root), "COLUMNS": "200"},
        cwd=PROJECT_ROOT,
        # what a full disk is to SQLite: no file grows beyond
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most_bytes, most_bytes)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"Dagster's records in {published_home.dagster} could not be kept" in done.stderr.splitlines()[-1]
    assert "MiB are free" in done.stderr.splitlines()[-1]
