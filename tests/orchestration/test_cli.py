"""The `regulars` command as a person types it."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.orchestration.conftest import refresh
from tests.tiny_shop import HEADER, deliver, small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

REGULARS = [sys.executable, "-m", "orchestration.cli"]


def regulars(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*REGULARS, *arguments],
        env={**os.environ, "REGULARS_HOME": str(home), "DO_NOT_TRACK": "1", "COLUMNS": "200", **environment},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = regulars("--help", home=tmp_path)
    assert shown.returncode == 0
    for command in ("refresh", "status", "sample", "fetch", "rollback", "ui"):
        assert command in shown.stdout
        assert regulars(command, "--help", home=tmp_path).returncode == 0


def test_a_refresh_tells_what_it_did_and_then_that_nothing_is_new(tmp_path: Path) -> None:
    landing = tmp_path / "landing folder"
    deliver(landing, small_history())
    home = tmp_path / "home"
    first = regulars("refresh", "--landing", str(landing), home=home)
    assert first.returncode == 0, first.stderr
    lines = sum(content.count("\n") - 1 for content in small_history().values())
    for told in (f"{lines:,} lines", "sale", "Customers", "Segments", "Anomalies", "Checks", "Seconds", "Published"):
        assert told in first.stdout
    assert str(home / "published" / "regulars.duckdb") in first.stdout
    assert "Traceback" not in first.stderr + first.stdout

    second = regulars("refresh", "--landing", str(landing), home=home)
    assert second.returncode == 0
    assert "Nothing new" in second.stdout

    status = regulars("status", home=home)
    assert status.returncode == 0
    assert "Publication 1" in status.stdout

    assert regulars("refresh", "--full", home=home).returncode == 0
    back = regulars("rollback", home=home)
    assert back.returncode == 0, back.stderr
    assert "again" in back.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("refresh", "--landing", "no/such/folder"), "is not a folder"),
        (("refresh", "--as-of", "12/1/2010"), "12/1/2010"),
        (("refresh", "--fulll"), "--fulll"),
    ],
)
def test_bad_usage_exits_2_and_says_what_is_wrong(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    done = regulars(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_setting_exits_2_in_one_line(tmp_path: Path) -> None:
    done = regulars("refresh", home=tmp_path, REGULARS_RFM__MONETARY="nett")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "REGULARS_RFM__MONETARY" in done.stderr


def test_an_empty_landing_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    done = regulars("refresh", home=tmp_path)
    assert done.returncode == 1
    assert "holds no files yet" in done.stderr
    assert "regulars sample" in done.stderr


def test_status_before_the_first_refresh_says_what_to_run(tmp_path: Path) -> None:
    done = regulars("status", home=tmp_path)
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_a_failed_check_exits_1_and_names_the_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    line = "699999,20001,ITEM 20001,900000,2024-02-20 10:00:00,99.00,10001.0,United Kingdom\n"
    deliver(home.landing, {**small_history(), "2024-02-20.csv": HEADER + line})
    done = regulars("refresh", home=tmp_path)
    assert done.returncode == 1
    assert "Not published" in done.stdout
    assert "2024-02-20.csv" in done.stdout
    assert "line 2" in done.stdout


def test_another_landing_folder_on_the_same_home_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    one = dict(list(small_history().items())[:5])
    deliver(home.landing, one)
    deliver(tmp_path / "b", one)
    assert refresh(home).succeeded
    done = regulars("refresh", "--landing", str(tmp_path / "b"), home=home.root)
    assert done.returncode == 2
    assert "Use another home" in done.stderr


def test_a_mistyped_landing_folder_does_not_take_the_home(tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    wrong = regulars("refresh", "--landing", str(tmp_path / "wrong"), home=tmp_path / "home")
    assert wrong.returncode == 1
    assert "holds no files yet" in wrong.stderr
    (tmp_path / "wrong" / "notes.txt").write_text("nothing to see here\n")
    assert regulars("refresh", "--landing", str(tmp_path / "wrong"), home=tmp_path / "home").returncode == 1
    deliver(tmp_path / "right", small_history())
    assert regulars("refresh", "--landing", str(tmp_path / "right"), home=tmp_path / "home").returncode == 0


def test_fetch_without_internet_says_so_plainly(tmp_path: Path) -> None:
    # a proxy nobody answers at: the request never leaves this machine
    done = regulars(
        "fetch", home=tmp_path, HTTPS_PROXY="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY=""
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "landing").glob("*")) if (tmp_path / "landing").exists() else True


def test_a_missing_column_is_told_with_the_setting_that_helps(tmp_path: Path) -> None:
    home = Home(tmp_path)
    deliver(
        home.landing,
        {**small_history(), "till [1].csv": "InvoiceNo,StockCode,Quantity,InvoiceDate\n1,2,3,2024-01-01\n"},
    )
    done = regulars("refresh", home=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "till [1].csv: column missing: unit_price" in done.stdout
    assert "[[landing.sources]]" in done.stdout


def test_lines_that_no_reader_can_split_are_set_aside_and_counted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    day = "2024-02-20 10:00:00"
    lines = [
        f'700001,20001,"NEVER CLOSED,1,{day},2.00,10001.0,United Kingdom',
        f"700002,20001,FINE,1,{day},2.00,10001.0,United Kingdom",
        "700003,20001,RAGGED,1",
        f"700004,20001,HUGE,1000000000000,{day},2.00,10001.0,United Kingdom",
        "700005,20001,LATE,1,2055-01-01 10:00:00,2.00,10001.0,United Kingdom",
    ]
    deliver(home.landing, {**small_history(), "2024-02-20.csv": HEADER + "\n".join(lines) + "\n"})
    done = regulars("refresh", home=tmp_path)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(home.published), read_only=True) as connection:
        found = connection.execute(
            """
            select row_number, line_text is not null from marts.set_aside_lines
            where disposition = 'unreadable' order by row_number
            """
        ).fetchall()
    assert found == [(2, True), (4, True), (5, True), (6, True)]
