"""The real daemon of a home, by a clock that is driven.

Belongs here: the clock, the daemon's process, waiting for the runs that it starts. Does not belong here: what is
delivered, and what is expected of it.

The clock is libfaketime's (Debian: ``apt install libfaketime``), which answers every process that the daemon starts,
in C as in Python: Dagster, DuckDB and SQLite read the same driven time. Only the time of day is driven. Sleeping and
waiting last as long as they say, and the files' own times are left as they are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus

from orchestration.instance import prepare_dagster_home
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

LIBRARY_VARIABLE = "REGULARS_FAKETIME"
"""Where libfaketime lies, if not where Debian puts it."""
_NOTICED_SECONDS = 1.1
"""Processes look at the driven clock's file once in a second."""
_SLEEPS = """\
import select, time
# libfaketime that leaves the monotonic clock alone refuses the sleep that Python's own is made of (clock_nanosleep)
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
_SERVER_ENDS_SECONDS = 10
_LOOKED = (TickStatus.SKIPPED, TickStatus.SUCCESS)
_OVER = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def find_library() -> Path | None:
    """The library for programs with threads, or None where it is not installed."""
    named = os.environ.get(LIBRARY_VARIABLE)
    found = [Path(named)] if named else sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return next((path for path in found if path.exists()), None)


def taking_time_from(library: Path) -> dict[str, str]:
    """Variables of a process whose time of day is the library's; timeouts and files' own times stay as they are."""
    return {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}


class Clock:
    """A clock that runs as all do, and is put forward."""

    def __init__(self, folder: Path, library: Path, starts_at: datetime) -> None:
        self._file = folder / "clock"
        self._ahead = timedelta()
        self._put(starts_at - datetime.now(UTC))
        start_up = folder / "start-up"
        start_up.mkdir()
        (start_up / "sitecustomize.py").write_text(_SLEEPS)
        self.environment = {
            "PYTHONPATH": os.pathsep.join([str(start_up), str(PROJECT_ROOT)]),
            **taking_time_from(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
        }

    def now(self) -> datetime:
        """What the driven processes take the time to be."""
        return datetime.now(UTC) + self._ahead

    def put_to(self, moment: datetime) -> None:
        """Put it forward, and wait until every process has noticed.

        Raises
        ------
        ValueError
            If that would set it back.
        """
        if moment < self.now():
            raise ValueError(f"the clock is past {moment} already")
        self._put(moment - datetime.now(UTC))
        time.sleep(_NOTICED_SECONDS)

    def deliver(self, path: Path, content: bytes) -> None:
        """A file that arrives now."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (self.now().timestamp(),) * 2)

    def _put(self, ahead: timedelta) -> None:
        self._ahead = ahead
        partial = self._file.with_suffix(".partial")
        partial.write_text(f"{ahead.total_seconds():+.3f}\n")
        partial.replace(self._file)


class Daemon:
    """``regulars daemon`` at work on a home, and the runs that it started."""

    def __init__(self, home: Home, log: Path) -> None:
        self.home = home
        self._log = log
        self._seen: set[str] = set()
        self._instance = dg.DagsterInstance.from_config(str(home.dagster))
        self._seen.update(run.run_id for run in self._instance.get_runs())

    def next_run(self, *, by: str, within_seconds: float = 3600) -> dg.RunRecord:
        """The next run that this schedule or sensor starts, once it has ended well.

        Raises
        ------
        RuntimeError
            If none came, it did not come to its end or it failed; with the end of the daemon's log.
        """
        until = time.monotonic() + within_seconds
        while time.monotonic() < until:
            for record in self._instance.get_run_records(ascending=True):
                run = record.dagster_run
                starter = run.tags.get("dagster/schedule_name") or run.tags.get("dagster/sensor_name")
                if starter == by and run.run_id not in self._seen and run.status in _OVER:
                    self._seen.add(run.run_id)
                    if run.status != dg.DagsterRunStatus.SUCCESS:
                        raise RuntimeError(f"A run of {by} ended as {run.status.value}:\n{self._end_of_log()}")
                    return record
            time.sleep(0.3)
        raise RuntimeError(f"{by} brought no run to its end:\n{self._end_of_log()}")

    def wait_for_look(self, clock: Clock, *, by: str, within_seconds: float = 300) -> None:
        """Wait until this sensor has looked once more, by processes that began after the clock was put.

        Dagster's server of the code ends itself where twenty seconds pass without a sign of the daemon, as they do
        when the clock is put forward, and takes with it what it was starting.

        Raises
        ------
        RuntimeError
            If it does not look.
        """
        time.sleep(_SERVER_ENDS_SECONDS)
        asked_at = clock.now().timestamp()
        until = time.monotonic() + within_seconds
        while time.monotonic() < until:
            for state in self._instance.all_instigator_state():
                if state.name == by:
                    [*ticks] = self._instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
                    if any(tick.timestamp > asked_at and tick.status in _LOOKED for tick in ticks):
                        return
            time.sleep(0.3)
        raise RuntimeError(f"{by} does not look:\n{self._end_of_log()}")

    def _end_of_log(self) -> str:
        lines = self._log.read_text().splitlines()
        return "\n".join([line for line in lines if " - DEBUG - " not in line][-80:])

    def runs(self) -> int:
        """How many runs there are, whoever started them."""
        return self._instance.get_runs_count()


@contextmanager
def daemon_of(home: Home, log: Path, variables: Mapping[str, str], clock: Clock | None = None) -> Iterator[Daemon]:
    """Start it as on a server, by the machine's clock or a driven one, and stop it as systemd does.

    Raises
    ------
    RuntimeError
        If it died meanwhile, with the end of its log.
    """
    before = {name: os.environ.get(name) for name in ("DAGSTER_HOME", "REGULARS_HOME")}
    prepare_dagster_home(home)
    # its storage is made by one process, before others ask it
    daemon = Daemon(home, log)
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "daemon", "--home", str(home.root)],
            env={**os.environ, **variables, **(clock.environment if clock else {})},
            cwd=PROJECT_ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        yield daemon
        if process.poll() is not None:
            raise RuntimeError(f"The daemon died:\n{log.read_text()[-3000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # a run that is still at work outlives who started it
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
