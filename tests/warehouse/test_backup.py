"""A backup is whole or not there, and has what can't be made anew."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from warehouse import backup
from warehouse.backup import back_up
from warehouse.database import refresh_lock
from warehouse.errors import HomeError, WarehouseBusyError
from warehouse.home import Home
from warehouse.publishing import publish, rollback

NOON = datetime(2011, 12, 9, 12, 0, tzinfo=UTC)
LONG_AGO = 1_300_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a delivery, two snapshots, and all that comes anew."""
    made = Home(tmp_path / "home")
    made.bind(made.landing, is_sample=False)
    for name, content in {
        "landing/2011-12-09.csv": "delivered",
        "pseudonym.key": "secret",
        "exports/.deliveries/sent.json": "{}",
        "dagster/dagster.yaml": "telemetry: {enabled: false}",
        "dagster/history/runs.db": "records",
        "data_docs/index.html": "pages",
        "dbt/manifest.json": "{}",
        "tmp/half": "bytes",
        "sample/landing/made-up.csv": "made up",
    }.items():
        path = made.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (LONG_AGO, LONG_AGO))
    made.pseudonym_key.chmod(0o600)
    for generation in (1, 2):
        with duckdb.connect(str(made.warehouse)) as con:
            con.execute(
                "create schema if not exists marts; create schema if not exists quality;"
                "create table if not exists quality.load_ledger (load_id integer);"
                f"create or replace table marts.generation as select {generation} as generation"
            )
        publish(
            made,
            data_version=str(generation),
            settings_fingerprint="settings",
            code_fingerprint="code",
            as_of_date=None,
            is_sample=False,
            landing=made.landing,
            published_at=NOON,
            parquet=True,
        )
    return made


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "parquet" not in str(path)
    }


def test_a_backup_has_what_cannot_be_made_anew_as_it_was(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "backups" / "monday"
    done = back_up(home, folder)
    copied = Home(folder)
    assert files(folder) == {
        "landing/2011-12-09.csv",
        "origin.json",
        "pseudonym.key",
        "warehouse.duckdb",
        "published/regulars.duckdb",
        *(
            f"published/snapshots/regulars-00000{number}.duckdb{suffix}"
            for number in (1, 2)
            for suffix in ("", ".sha256")
        ),
        "exports/.deliveries/sent.json",
        "dagster/dagster.yaml",
    }
    assert (done.changing, done.landing_outside) == ([], None)
    # a file that looks newer would be read again
    assert (copied.landing / "2011-12-09.csv").stat().st_mtime == LONG_AGO
    assert copied.pseudonym_key.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    # once on the disk, as in the home
    assert copied.published.samefile(copied.snapshots / "regulars-000002.duckdb")
    assert copied.parquet.resolve() == copied.parquet_sets / "000002"
    # and all of it works without the original
    shutil.rmtree(home.root)
    rollback(copied, at=NOON, parquet=True)
    with duckdb.connect(str(copied.published), read_only=True) as con:
        assert con.execute("from marts.generation").fetchall() == [(1,)]


def test_a_home_at_work_is_waited_for_or_left_alone(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    with refresh_lock(home, purpose="refresh"), pytest.raises(WarehouseBusyError, match="is in use by refresh"):
        back_up(home, folder)
    told: list[str] = []
    refreshing = refresh_lock(home, purpose="refresh")
    refreshing.__enter__()
    # the refresh ends when the backup says that it waits
    back_up(
        home,
        folder,
        wait_seconds=30,
        on_wait=lambda holder: (told.append(holder), refreshing.__exit__(None, None, None)),
    )
    assert told[0].startswith("refresh (process ")
    assert folder.is_dir()


def test_a_delivery_that_arrives_meanwhile_is_not_copied_in_part(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.landing / "2011-12-10.csv").write_text("first half")
    really = shutil.copy2

    def copy_while_it_grows(source: Path, target: Path) -> None:
        really(source, target)
        if source.name == "2011-12-10.csv":
            with source.open("a") as file:
                file.write(", second half")

    monkeypatch.setattr(backup.shutil, "copy2", copy_while_it_grows)
    done = back_up(home, tmp_path / "backup")
    assert done.changing == ["landing/2011-12-10.csv"]
    assert os.listdir(tmp_path / "backup" / "landing") == ["2011-12-09.csv"]


def test_delivered_files_elsewhere_are_named(home: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "delivered"
    home.landing.rename(elsewhere)
    home.bind(elsewhere, is_sample=False, rebind=True)
    assert back_up(home, tmp_path / "backup").landing_outside == elsewhere


def test_a_place_that_is_taken_or_inside_the_home_is_refused(home: Home, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "yesterday").touch()
    with pytest.raises(HomeError, match="is not empty"):
        back_up(home, taken)
    with pytest.raises(HomeError, match="lies inside the home"):
        back_up(home, home.root / "backup")
    with pytest.raises(HomeError, match="nothing to back up"):
        back_up(Home(tmp_path / "none"), tmp_path / "backup")


BACK_UP = """
    import os, resource, signal, sys
    from pathlib import Path
    from warehouse import backup
    from warehouse.home import Home

    fault, root, folder = sys.argv[1:]
    if fault == "kill":
        really = backup.shutil.copy2
        def deadly(source, target):
            really(source, target)
            if source.name == "warehouse.duckdb":
                os.kill(os.getpid(), signal.SIGKILL)
        backup.shutil.copy2 = deadly
    else:
        # a limit on the size of files stands in for a full disk
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    backup.back_up(Home(Path(root)), Path(folder))
"""


@pytest.mark.parametrize("fault", ["kill", "full disk"])
def test_what_was_broken_off_is_no_backup_and_the_next_one_is(home: Home, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "backup"
    command = [sys.executable, "-c", textwrap.dedent(BACK_UP), fault, str(home.root), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == (-signal.SIGKILL if fault == "kill" else 1)
    assert not folder.exists()
    back_up(home, folder)
    assert (folder / "warehouse.duckdb").read_bytes() == home.warehouse.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "home"]
