"""The daemon alone takes in what is delivered; days on end of it are `benchmarks/unattended.py`."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb

from tests.driven import daemon_of
from tests.orchestration.conftest import differing_tables
from tests.tiny_shop import deliver, small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT


def test_the_daemon_of_a_new_home_makes_the_folder_that_it_watches(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "daemon", "--home", str(home.root)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as daemon:
        try:
            assert daemon.stderr.readline() == f"Dagster, watching {home.landing}\n"
            assert home.landing.is_dir()
        finally:
            daemon.kill()


def test_a_home_that_nobody_refreshes_is_published_by_the_daemon(shop_once_published: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    deliver(home.landing, {**small_history(), "half-a-file.csv": "InvoiceNo,StockCode\n1,2\n"})
    variables = {"PYTHONPATH": str(PROJECT_ROOT), "DO_NOT_TRACK": "1"}
    with daemon_of(home, tmp_path / "log", variables) as daemon:
        run = daemon.next_run(by="landing_files")
        assert run.dagster_run.status == dg.DagsterRunStatus.SUCCESS
        # all that came was taken in by one
        assert daemon.runs() == 1
    assert differing_tables(shop_once_published.published, home.published) == []
    with duckdb.connect(str(home.published), read_only=True) as published:
        turned_away = published.execute(
            "select file_name from quality.load_ledger where status = 'rejected'"
        ).fetchall()
    assert turned_away == [("half-a-file.csv",)]
