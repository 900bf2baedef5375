"""A refresh takes in what is new where it may, tells so, and leaves what a rebuild gives."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import duckdb

from tests.dbt_project.conftest import environment
from tests.homes import regulars_refresh
from tests.orchestration.conftest import differing_tables, refresh, run_alone
from tests.tiny_shop import HEADER, deliver, small_history
from warehouse.home import Home

LATE = HEADER + (
    # of a customer of the first days, of one who is new, and a return of what the first one bought
    "700001,20001,ITEM 20001,3,2024-01-20 10:00:00,6.80,10000.0,United Kingdom\n"
    "700002,20002,ITEM 20002,1,2024-01-20 11:00:00,0.85,19999.0,EIRE\n"
    "C700003,20001,ITEM 20001,-2,2024-01-21 09:00:00,6.80,10000.0,United Kingdom\n"
)


def took_in(home: Home) -> bool:
    """Whether the last build took in what was new, to its end."""
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        row = con.execute("select is_increment and is_whole from increments.built").fetchone()
    return row is not None and bool(row[0])


def test_late_lines_a_restated_day_and_a_repeat_are_taken_in(published_home: Home, tmp_path: Path) -> None:
    assert not took_in(published_home)
    history = small_history()
    day = "2024-01-09.csv"
    *lines, last = history[day].splitlines(keepends=True)
    news = {"late.csv": LATE, day: "".join(lines), "repeat.csv": HEADER + last + lines[-1]}
    deliver(published_home.landing, news)
    os.utime(published_home.landing / day, (1_700_000_100, 1_700_000_100))
    regulars_refresh(published_home)
    with dg.DagsterInstance.from_config(str(published_home.dagster)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["marts", "fct_invoice_lines"]))
    assert took_in(published_home)
    # the three that came late, what the return takes its units from, and what a repeat tells of may move;
    # the other six hundred lines stay where they are
    assert event is not None and event.asset_materialization is not None
    assert 3 <= event.asset_materialization.metadata["changed_rows"].value <= 12

    rebuilt = Home(tmp_path / "rebuilt")
    deliver(rebuilt.landing, {**history, **news})
    os.utime(rebuilt.landing / day, (1_700_000_100, 1_700_000_100))
    assert refresh(rebuilt).succeeded
    assert not took_in(rebuilt)
    assert differing_tables(rebuilt.published, published_home.published) == []


def test_other_settings_and_tables_made_by_hand_build_everything(published_home: Home) -> None:
    deliver(published_home.landing, {"late.csv": LATE})
    with environment(REGULARS_CLEANING__EXACT_DUPLICATES="keep"):
        assert refresh(published_home).succeeded
        assert not took_in(published_home)
        deliver(published_home.landing, {"later.csv": LATE.replace("70000", "80000")})
        _make_by_hand(published_home)
        assert refresh(published_home).succeeded
        assert not took_in(published_home)


def test_publishing_alone_after_a_failed_check_leaves_readers_what_they_have(published_home: Home) -> None:
    inode = published_home.published.stat().st_ino
    absurd = "699999,20001,ITEM 20001,900000,2024-02-20 10:00:00,99.00,10001.0,United Kingdom\n"
    deliver(published_home.landing, {"2024-02-20.csv": HEADER + absurd})
    assert not refresh(published_home).succeeded
    problems = _publish_alone(published_home)
    assert any(
        "the checks of layer staging did not pass" in told or "not made to the last" in told for told in problems
    )
    assert published_home.published.stat().st_ino == inode

    # taken away, the next refresh mends it without more ado
    deliver(published_home.landing, {"2024-02-20.csv": HEADER + LATE.splitlines(keepends=True)[1]})
    os.utime(published_home.landing / "2024-02-20.csv", (1_700_000_100, 1_700_000_100))
    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems
    assert published_home.published.stat().st_ino != inode
    assert _publish_alone(published_home) == []


def _publish_alone(home: Home) -> list[str]:
    """What stops publishing when it is the only asset that is asked for."""
    from orchestration.assets.snapshot import SNAPSHOT_KEY

    return [
        str(event.step_failure_data.error)
        for event in run_alone(home, assets=[SNAPSHOT_KEY]).all_events
        if event.event_type == dg.DagsterEventType.STEP_FAILURE
    ]


def _make_by_hand(home: Home) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    project = Path(__file__).resolve().parents[2] / "dbt_project"
    arguments = ["--quiet", "--log-level-file", "none", "run", "--select", "stg_deliveries", "--full-refresh"]
    arguments += ["--project-dir", str(project), "--profiles-dir", str(project)]
    arguments += ["--target-path", str(home.root / "by-hand"), "--log-path", str(home.root / "by-hand")]
    try:
        with environment(REGULARS_PRIVATE_FILE=str(home.warehouse)):
            assert dbtRunner().invoke(arguments).success
    finally:
        DuckDBConnectionManager.close_all_connections()
