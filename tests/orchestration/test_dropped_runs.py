"""A refresh that the daemon gave up before it began is asked for again."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.dropped_runs import run_to_ask_for_again
from orchestration.instance import _INSTANCE_CONFIG
from orchestration.jobs import REFRESH
from tests.driven import daemon_of
from tests.tiny_shop import deliver, small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

ASKED = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


@dg.job(name=REFRESH)
def job() -> None: ...


def dropped(instance: dg.DagsterInstance) -> float:
    """A run of the job that failed without ever beginning; when it ended."""
    run = instance.create_run_for_job(job, run_config=ASKED, status=dg.DagsterRunStatus.STARTING)
    instance.report_run_failed(run)
    [record] = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    assert record.start_time is None
    return record.end_time


def test_it_is_asked_for_after_one_minute_then_two_and_at_most_an_hour() -> None:
    with dg.instance_for_test() as instance:
        assert run_to_ask_for_again(instance, REFRESH, now=time.time()) is None
        for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
            ended = dropped(instance)
            assert run_to_ask_for_again(instance, REFRESH, now=ended + 60 * minutes - 1) is None
            asked = run_to_ask_for_again(instance, REFRESH, now=ended + 60 * minutes)
            # as it was asked for: one of the schedule pulls from databases
            assert asked.run_config == ASKED
        # the clock was ahead when it ended
        assert run_to_ask_for_again(instance, REFRESH, now=ended - 3600) is not None


def test_one_that_began_is_not_asked_for_again_nor_any_before_it() -> None:
    with dg.instance_for_test() as instance:
        dropped(instance)
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING)
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", REFRESH), run.run_id)
        instance.report_run_failed(run)
        assert run_to_ask_for_again(instance, REFRESH, now=time.time() + 86400) is None


def _servers_of(home: Home) -> list[int]:
    """Processes that serve the code of this home to its daemon."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            # it has just ended
            continue
        if b"grpc" in command and f"REGULARS_HOME={home.root}".encode() in variables:
            found.append(int(folder.name))
    return found


def _wait_for(look: Callable[[], Any], within_seconds: float = 900) -> Any:
    until = time.monotonic() + within_seconds
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def _over(run: dg.DagsterRun) -> dg.DagsterRun | None:
    return run if run.is_finished else None


def _let_a_minute_pass(home: Home, run_id: str) -> None:
    """Put the end of a run a minute back in the records: that nobody asks earlier is tested above, to the second."""
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db", timeout=60)) as records, records:
        changed = records.execute("update runs set end_time = end_time - 60 where run_id = ?", [run_id])
        assert changed.rowcount == 1


def test_a_run_whose_code_server_died_is_started_again_by_the_daemon_itself(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    deliver(home.landing, small_history())
    home.dagster.mkdir()
    # long enough for the server to die between the sensor's look and the launch
    (home.dagster / "dagster.yaml").write_text(f"{_INSTANCE_CONFIG}run_queue:\n  dequeue_interval_seconds: 20\n")
    variables = {"PYTHONPATH": str(PROJECT_ROOT), "DO_NOT_TRACK": "1"}
    with daemon_of(home, tmp_path / "log", variables) as daemon:
        with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
            queued = _wait_for(lambda: instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])))[0]
            servers = _servers_of(home)
            assert servers
            for server in servers:
                os.kill(server, signal.SIGKILL)
            first = _wait_for(lambda: _over(instance.get_run_by_id(queued.run_id)))
            assert first.status == dg.DagsterRunStatus.FAILURE
            _let_a_minute_pass(home, queued.run_id)
            _wait_for(lambda: instance.get_runs_count() == 2)
            second = _wait_for(lambda: _over(instance.get_runs(limit=1)[0]))
        assert second.tags["dagster/sensor_name"] == "landing_files"
        assert second.run_config == first.run_config
        assert second.status == dg.DagsterRunStatus.SUCCESS
        assert daemon.runs() == 2
    assert home.published.exists()
