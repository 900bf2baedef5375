"""`regulars status` tells in one screen, and by its exit code, how a home stands."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import regulars
from tests.tiny_shop import HEADER, deliver
from warehouse.database import lock_holder, refresh_lock
from warehouse.home import Home
from warehouse.last_refresh import read_last_refresh
from warehouse.settings import PROJECT_ROOT


def standing(home: Home, *arguments: str) -> tuple[int, dict]:
    done = regulars("status", "--json", *arguments, home=home.root)
    return done.returncode, json.loads(done.stdout)


def test_all_is_well_until_the_snapshot_is_older_than_allowed(published_home: Home) -> None:
    code, told = standing(published_home, "--max-age", "100000")
    assert (code, told["is_fine"], told["running"], told["last_refresh"]["outcome"]) == (0, True, None, "succeeded")
    assert 0 < told["age_hours"] < 100_000
    code, told = standing(published_home, "--max-age", "0")
    assert (code, told["is_stale"], told["has_failed"]) == (1, True, False)
    shown = regulars("status", "--max-age", "0", home=published_home.root)
    assert shown.returncode == 1
    assert re.search(r"^Now +nothing at work$", shown.stdout, re.MULTILINE)
    assert re.search(r"^Age +✗ published .* ago; at most 0 hours are allowed$", shown.stdout, re.MULTILINE)


def test_readers_are_left_what_dagster_recorded_of_the_newest_run(published_home: Home) -> None:
    noted = read_last_refresh(published_home)
    with closing(sqlite3.connect(published_home.dagster / "history" / "runs.db")) as records:
        [recorded] = records.execute("select run_id, start_time, end_time from runs").fetchall()
    assert (noted.run_id, noted.started_at.timestamp(), noted.ended_at.timestamp()) == pytest.approx(recorded)
    assert noted.outcome == "succeeded"
    # a refresh with nothing new is no run
    assert regulars("refresh", home=published_home.root).returncode == 0
    assert read_last_refresh(published_home) == noted


def test_a_garbled_note_beside_the_snapshot_is_written_anew_and_keeps_nobody_from_being_told(
    published_home: Home,
) -> None:
    noted = read_last_refresh(published_home)
    for path in (published_home.last_refresh, published_home.stopped):
        path.write_bytes(b"\xe9\x00{")
    done = regulars("status", "--alert", home=published_home.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_last_refresh(published_home) == noted
    assert not published_home.stopped.exists()


def test_a_failed_refresh_is_told_with_its_reason_until_the_next_good_one(published_home: Home) -> None:
    line = "699999,20001,ITEM 20001,900000,2024-02-20 10:00:00,99.00,10001.0,United Kingdom\n"
    deliver(published_home.landing, {"2024-02-20.csv": HEADER + line})
    assert regulars("refresh", home=published_home.root).returncode == 1
    code, told = standing(published_home)
    assert (code, told["has_failed"], told["last_refresh"]["outcome"]) == (1, True, "failed")
    assert "2024-02-20.csv" in told["last_refresh"]["problems"][0]
    noted = read_last_refresh(published_home)
    assert (noted.run_id, noted.outcome) == (told["last_refresh"]["run_id"], "failed")
    shown = regulars("status", home=published_home.root)
    assert shown.returncode == 1
    assert re.search(r"^Last run +✗ failed, ", shown.stdout, re.MULTILINE)
    assert "2024-02-20.csv" in shown.stdout
    assert "Readers keep the last good snapshot" in shown.stdout
    # and what readers see stands below it as ever
    assert "Publication 1" in shown.stdout


def test_a_failure_that_left_nothing_unpublished_is_told_and_is_no_alarm(published_home: Home) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(published_home.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert regulars("refresh", "--full", home=published_home.root).returncode == 1
        holder.stdin.close()
    code, told = standing(published_home)
    assert (code, told["last_refresh"]["outcome"], told["is_all_published"]) == (0, "failed", True)
    assert "BI tools belong on the published snapshot" in told["last_refresh"]["problems"][0]


def test_who_works_now_is_told_and_a_refused_refresh_is_no_failed_one(published_home: Home) -> None:
    with refresh_lock(published_home, purpose="refresh run 12345678"):
        refused = regulars("refresh", "--full", home=published_home.root)
        shown = regulars("status", home=published_home.root)
        code, told = standing(published_home)
    assert refused.returncode == 1
    assert "is in use by refresh run 12345678" in refused.stdout
    assert re.search(rf"^Now +refresh run 12345678 since .* UTC \(process {os.getpid()}\)$", shown.stdout, re.MULTILINE)
    assert (code, told["running"]["process_id"]) == (0, os.getpid())
    assert told["last_refresh"]["outcome"] == "succeeded"


def test_a_holder_that_was_killed_works_no_more(tmp_path: Path) -> None:
    home = Home(tmp_path)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from warehouse.database import refresh_lock; from warehouse.home import Home\n"
        "with refresh_lock(Home(Path(sys.argv[1]))):\n"
        "    os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=PROJECT_ROOT)
    assert home.lock.with_suffix(".holder.json").exists()
    assert lock_holder(home) is None


def test_a_home_without_a_publication_is_not_fine(tmp_path: Path) -> None:
    code, told = standing(Home(tmp_path), "--max-age", "24")
    assert (code, told["is_fine"], told["last_refresh"], told["age_hours"]) == (1, False, None, None)
