"""A clock that is set back, or runs ahead and is set right: nothing is lost, doubled, or taken for the newer."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.workspace.load import location_origins_from_yaml_paths

from orchestration.jobs import landing_sensor
from orchestration.ticks import forget_ticks_ahead
from tests.driven import find_library, taking_time_from
from tests.tiny_shop import HEADER, deliver
from warehouse.freshness import Age
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

# What steps of a refresh record, by the functions that they call, after the clock was put.
REFRESHES = """
import datetime, json, sys
from pathlib import Path
from expectations.checks import LAYERS
from expectations.results import CheckResult, LayerReport, create_results_table, save_results
from tests.tiny_shop import deliver
from warehouse.database import open_warehouse
from warehouse.home import Home
from warehouse.increments import begin_build, end_build, why_unpublishable
from warehouse.ledger import active_content_hashes
from warehouse.loading import load_landing
from warehouse.publishing import list_snapshots, publish, rollback
from warehouse.quality import next_moment
from warehouse.settings import load_settings
from warehouse.versions import RefreshVersion

home, clock = Home(Path(sys.argv[1])), Path(sys.argv[2])
settings = load_settings()
told = []
for number, (ahead_seconds, files, status) in enumerate(json.load(sys.stdin)):
    clock.write_text(f"{ahead_seconds:+d}")
    began = datetime.datetime.now(datetime.UTC)
    deliver(home.landing, files)
    with open_warehouse(home.warehouse) as con:
        load_landing(con, home.landing, settings, loaded_at=next_moment(con), scratch=home.scratch)
        create_results_table(con)
        version = RefreshVersion.of(active_content_hashes(con), settings, None, memo=home.code_memo)
        for layer in LAYERS:
            if layer == "staging":
                begin_build(con, version, f"run {number}", full=True)
                con.execute("create schema if not exists marts")
                con.execute(
                    "create or replace table marts.fct_invoice_lines as select invoice as invoice_no, "
                    "'sale' as line_type, quantity::integer * unit_price::decimal(18, 4) as net_revenue "
                    "from raw.transactions"
                )
                con.execute(
                    "create or replace table marts.customer_rfm as "
                    "select distinct customer_id, date '2024-03-01' as snapshot_date from raw.transactions"
                )
                end_build(con, f"run {number}")
            result = CheckResult(
                layer, "suite", "marts.table", "check", "expect", None, "error", status, None, 0, 1, (), "why", "told"
            )
            save_results(con, LayerReport(layer, f"run {number}", next_moment(con), (result,)))
        why_not = why_unpublishable(con, version, LAYERS)
        published_at = next_moment(con)
    if why_not is None:
        publish(
            home, data_version=version.data_version, settings_fingerprint=version.settings_fingerprint,
            code_fingerprint=version.code_fingerprint, as_of_date=None, is_sample=False, landing=home.landing,
            published_at=published_at, keep=2,
        )
    with open_warehouse(home.warehouse) as con:
        lines = con.execute("select invoice_no, net_revenue::varchar from marts.fct_invoice_lines").fetchall()
        ledger = con.execute("select load_id, file_name, status, superseded_by from quality.load_ledger").fetchall()
        told.append([why_not, sorted(lines), sorted(ledger), [one.publication_id for one in list_snapshots(home)]])
told.append(rollback(home, at=datetime.datetime.now(datetime.UTC)).shown_id)
print(json.dumps([began.timestamp(), told], default=str))
"""

DAY = 86_400


def line(invoice: int, units: int) -> str:
    return f"{invoice},20001,ITEM,{units},2024-02-{invoice - 600_000:02d} 10:00:00,2.50,10001,United Kingdom\n"


# the first file comes again with another quantity each time, and one more beside it; the third run's checks fail
DELIVERIES = [
    ({"a.csv": HEADER + line(600_001, units), f"{units}.csv": HEADER + line(600_010 + units, 1)}, status)
    for units, status in enumerate(["passed", "passed", "failed", "passed", "passed"], start=1)
]
DISTURBED = [0, 12 * DAY, 60, -3 * DAY, 120]


def refreshed(home: Home, clock: Path, library: Path, ahead_seconds: list[int]) -> tuple[float, list]:
    done = subprocess.run(
        [sys.executable, "-c", REFRESHES, home.root, clock],
        input=json.dumps([(ahead, *one) for ahead, one in zip(ahead_seconds, DELIVERIES, strict=True)]),
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT_ROOT),
            **taking_time_from(library),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
        },
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    began_at, told = json.loads(done.stdout)
    return began_at, told


def test_refreshes_under_a_clock_that_jumps_record_what_undisturbed_ones_do(tmp_path: Path) -> None:
    library = find_library()
    if library is None:
        pytest.skip("libfaketime is not installed here")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    _, undisturbed = refreshed(Home(tmp_path / "undisturbed"), clock, library, [0] * 5)
    # the newest version of the file, and never what the checks turned down
    assert [told[0] for told in undisturbed[:-1]] == [None, None, "the checks of layer raw did not pass", None, None]
    assert undisturbed[-2][1] == [["600001", "12.5000"], *([str(600_010 + units), "2.5000"] for units in range(1, 6))]
    assert undisturbed[-2][3] == [3, 4]
    assert undisturbed[-1] == 3

    before = time.time()
    began_at, disturbed = refreshed(Home(tmp_path / "disturbed"), clock, library, DISTURBED)
    assert began_at - before > 100, "the clock was not driven"
    assert disturbed == undisturbed


@pytest.mark.parametrize("ahead_days", [-3, 3])
def test_files_whose_times_are_yet_to_come_are_asked_for(tmp_path: Path, ahead_days: int) -> None:
    home = Home(tmp_path / "home")
    deliver(home.landing, {"a.csv": HEADER + line(600_001, 1)})
    at = time.time() + ahead_days * DAY
    os.utime(home.landing / "a.csv", (at, at))
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        result = landing_sensor(home)(dg.build_sensor_context(instance=instance))
    assert isinstance(result, dg.SensorResult)
    assert len(result.run_requests or ()) == 1


def test_schedule_and_sensors_that_looked_ahead_of_the_clock_go_on_from_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    now = time.time()

    [location] = location_origins_from_yaml_paths([str(PROJECT_ROOT / "workspace.yaml")])
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), "landing_files")
    selector_id = origin.get_selector().get_id()
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        data = SensorInstigatorData(
            last_tick_timestamp=now + 9 * DAY, last_tick_start_timestamp=now + 9 * DAY, cursor="seen", min_interval=30
        )
        instance.add_instigator_state(
            InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE, data)
        )
        for at in (now - DAY, now + 9 * DAY):
            instance.create_tick(
                TickData(
                    origin.get_id(),
                    "landing_files",
                    InstigatorType.SENSOR,
                    TickStatus.SKIPPED,
                    at,
                    selector_id=selector_id,
                )
            )
        forget_ticks_ahead(instance)
        [state] = instance.all_instigator_state()
        assert state.instigator_data is not None
        assert now - 60 < state.instigator_data.last_tick_timestamp < now + 60
        assert now - 60 < state.instigator_data.last_tick_start_timestamp < now + 60
        # what it has seen it has seen
        assert (state.instigator_data.cursor, state.instigator_data.min_interval) == ("seen", 30)
        ticks = instance.get_ticks(origin.get_id(), selector_id)
        assert [round(tick.timestamp - now) for tick in ticks] == [-DAY]


def test_what_lies_ahead_of_the_clock_is_not_taken_for_fresh() -> None:
    at = datetime(2026, 3, 15, 12, tzinfo=UTC)
    now = at - timedelta(days=12)
    age = Age("What readers see was made", at, (now - at).total_seconds() / 3600, limit_hours=48)
    assert age.is_over
    assert age.told == (
        "What readers see was made 12 days ahead of this machine's clock, 15 Mar 2026, 12:00 UTC: the clock is wrong, "
        "or was then."
    )
    # a server and its monitor may differ by some seconds
    assert not Age("What readers see was made", at, -0.01, limit_hours=48).is_over
