"""The `regulars` command as a person types it."""

import json
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.command import regulars, regulars_anew
from tests.tiny_shop import HEADER, deliver, small_history
from warehouse.home import Home


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = regulars_anew("--help", home=tmp_path)
    assert shown.returncode == 0
    for command in ("refresh", "pull", "status", "sample", "fetch", "rollback", "ui"):
        assert command in shown.stdout
        assert regulars_anew(command, "--help", home=tmp_path).returncode == 0


DAY = "2024-02-20 10:00:00"
HARD_TO_READ = [
    f'700001,20001,"NEVER CLOSED,1,{DAY},2.00,10001.0,United Kingdom',
    f"700002,20001,FINE,1,{DAY},2.00,10001.0,United Kingdom",
    "700003,20001,RAGGED,1",
    f"700004,20001,HUGE,1000000000000,{DAY},2.00,10001.0,United Kingdom",
    "700005,20001,LATE,1,2055-01-01 10:00:00,2.00,10001.0,United Kingdom",
]
UNREADABLE = """
    select row_number, line_text is not null from marts.set_aside_lines
    where disposition = 'unreadable' order by row_number
"""


@dataclass(frozen=True)
class Story:
    """What the command said, by the moment it was asked at."""

    home: Home
    said: dict[str, subprocess.CompletedProcess[str]]
    unreadable: list[tuple[int, bool]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """One home from a mistyped folder to a rollback."""
    folder = tmp_path_factory.mktemp("story")
    home, wrong, right = folder / "home", folder / "wrong", folder / "landing folder"
    said = {}
    wrong.mkdir()
    said["empty folder"] = regulars("refresh", "--landing", str(wrong), home=home)
    (wrong / "notes.txt").write_text("nothing to see here\n")
    said["folder without sales"] = regulars("refresh", "--landing", str(wrong), home=home)
    deliver(right, small_history())
    # as on a machine that has just been set up
    said["first"] = regulars_anew("refresh", "--landing", str(right), home=home)
    said["again"] = regulars("refresh", "--landing", str(right), home=home)
    said["status"] = regulars("status", home=home)
    deliver(
        right,
        {
            "till [1].csv": "InvoiceNo,StockCode,Quantity,InvoiceDate\n1,2,3,2024-01-01\n",
            "2024-02-20.csv": HEADER + "\n".join(HARD_TO_READ) + "\n",
        },
    )
    said["hard to read"] = regulars("refresh", home=home, REGULARS_KEEP__RUNS="2")
    with duckdb.connect(str(Home(home).published), read_only=True) as connection:
        unreadable = connection.execute(UNREADABLE).fetchall()
    said["rollback"] = regulars("rollback", home=home)
    return Story(Home(home), said, unreadable)


def test_a_refresh_tells_what_it_did_and_then_that_nothing_is_new(story: Story) -> None:
    first = story.said["first"]
    assert first.returncode == 0, first.stderr
    lines = sum(content.count("\n") - 1 for content in small_history().values())
    for told in (f"{lines:,} lines", "sale", "Customers", "Segments", "Unusual", "Checks", "Seconds", "Published"):
        assert told in first.stdout
    assert str(story.home.published) in first.stdout
    assert "Traceback" not in first.stderr + first.stdout

    assert story.said["again"].returncode == 0
    assert "Nothing new" in story.said["again"].stdout

    assert story.said["status"].returncode == 0
    assert "Publication 1" in story.said["status"].stdout
    # both count the checks of each layer
    passed = re.findall(r": (\d+) passed", story.said["status"].stdout)
    assert len(passed) == 5
    assert re.search(r"Checks +(\d+) passed", first.stdout)[1] == str(sum(map(int, passed)))  # type: ignore[index]


def test_a_rollback_says_what_is_published_again(story: Story) -> None:
    back = story.said["rollback"]
    assert back.returncode == 0, back.stderr
    assert "again" in back.stdout


def test_dagster_keeps_every_run_with_its_steps(story: Story) -> None:
    with dg.DagsterInstance.from_config(str(story.home.dagster)) as instance:
        # those that the job's page lists
        runs = instance.get_runs(
            dg.RunsFilter(job_name="refresh", tags={".dagster/repository": "__repository__@regulars"})
        )
        steps = {len(instance.get_run_step_stats(run.run_id)) for run in runs}
        snapshot = instance.get_latest_materialization_event(dg.AssetKey(["published", "snapshot"]))
    # the first, hard to read; nothing new and a rollback are no runs, and the folder without sales was one too many
    assert [run.status.value for run in runs] == ["SUCCESS", "SUCCESS"]
    assert max(steps) == 16
    assert snapshot is not None
    assert snapshot.run_id == runs[0].run_id


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("refresh", "--landing", "no/such/folder"), "is not a folder"),
        (("refresh", "--as-of", "12/1/2010"), "12/1/2010"),
        (("refresh", "--fulll"), "--fulll"),
        (("refresh", "--log-format", "xml"), "There is no log format 'xml'; choose text or json."),
    ],
)
def test_bad_usage_exits_2_and_says_what_is_wrong(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    done = regulars(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [("serve",), ("ui",), ("ui", "--pages-only")])
def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path, command: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = regulars(*command, "--port", str(port), home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"regulars: 127.0.0.1 port {port} can't be bound (Address already in use). Is another server there already? "
        "--port names another port, --host another address.\n"
    )


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


def test_another_landing_folder_on_the_same_home_is_refused(published_home: Home, tmp_path: Path) -> None:
    deliver(tmp_path / "b", small_history(days=5))
    done = regulars("refresh", "--landing", str(tmp_path / "b"), home=published_home.root)
    assert done.returncode == 2
    assert "Use another home" in done.stderr


def test_a_moved_or_copied_home_reads_its_own_files_and_says_which(published_home: Home, tmp_path: Path) -> None:
    copy = Home(tmp_path / "copy")
    shutil.copytree(published_home.root, copy.root)
    # read from the original, this would be news
    deliver(published_home.landing, {"2024-02-21.csv": HEADER})
    done = regulars("refresh", home=copy.root)
    assert done.returncode == 0, done.stderr
    assert "Nothing new" in done.stdout
    assert f"was moved or copied from {published_home.root}, and reads {copy.landing}" in done.stderr
    # once is enough
    assert "was moved or copied" not in regulars("refresh", home=copy.root).stderr


def test_a_home_whose_folder_of_files_moved_is_bound_to_it_anew(published_home: Home, tmp_path: Path) -> None:
    delivered = tmp_path / "delivered"
    published_home.landing.rename(delivered)
    bound = regulars("refresh", "--landing", str(delivered), "--rebind", home=published_home.root)
    assert bound.returncode == 0, bound.stderr
    assert "Nothing new" in bound.stdout
    delivered.rename(tmp_path / "elsewhere")
    lost = regulars("refresh", home=published_home.root)
    assert lost.returncode == 2
    assert f"{delivered} that {published_home.root} belongs to does not exist" in lost.stderr
    assert "--landing DIR --rebind" in lost.stderr
    assert regulars("refresh", "--rebind", home=published_home.root).returncode == 2


def test_a_copy_from_an_earlier_release_says_that_it_reads_the_originals_files(
    published_home: Home, tmp_path: Path
) -> None:
    copy = Home(tmp_path / "copy")
    shutil.copytree(published_home.root, copy.root)
    copy.origin_file.write_text(json.dumps({"landing": str(published_home.landing), "is_sample": False}))
    done = regulars("refresh", home=copy.root)
    assert done.returncode == 0, done.stderr
    assert f"reads the landing folder of another home, {published_home.landing}" in done.stderr
    mended = regulars("refresh", "--landing", str(copy.landing), "--rebind", home=copy.root)
    assert mended.returncode == 0, mended.stderr
    assert copy.origin().landing == copy.landing


def test_a_mistyped_landing_folder_does_not_take_the_home(story: Story) -> None:
    assert story.said["empty folder"].returncode == 1
    assert "holds no files yet" in story.said["empty folder"].stderr
    assert story.said["folder without sales"].returncode == 1
    assert story.said["first"].returncode == 0


def test_fetch_without_internet_says_so_plainly(tmp_path: Path) -> None:
    # a proxy nobody answers at: the request never leaves this machine
    done = regulars_anew(
        "fetch", home=tmp_path, HTTPS_PROXY="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY=""
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "landing").glob("*")) if (tmp_path / "landing").exists() else True


def test_a_missing_column_is_told_with_the_setting_that_helps(story: Story) -> None:
    done = story.said["hard to read"]
    assert done.returncode == 0, done.stdout
    assert "till [1].csv: column missing: unit_price" in done.stdout
    assert "[[landing.sources]]" in done.stdout


def test_lines_that_no_reader_can_split_are_set_aside_and_counted(story: Story) -> None:
    assert story.unreadable == [(2, True), (4, True), (5, True), (6, True)]
