"""Runs whose process was killed, and the end of their records.

Belongs here: telling a run that is at work from one that Dagster only has recorded so. Does not belong
here: what a killed run leaves in the warehouse, which nobody has to mend (:mod:`warehouse.publishing`).

A process that is killed can't tell Dagster that its run is over. The run stays "started", and the queue,
which lets one run at a time work, waits for it for ever: Dagster watches over runs that it launched
itself, while the process that launched them lives, and over no other.
"""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus
from filelock import FileLock, Timeout

from orchestration.records import require_own_records
from warehouse.database import LOOKING, refresh_lock
from warehouse.errors import WarehouseBusyError
from warehouse.home import Home

KILLED = (
    "The process of this run is gone: it was killed, or the machine went down. Readers keep the last good "
    "snapshot, and the next refresh does the rest."
)

_SILENT_SECONDS = 300.0
"""A run says that it is at work in the second after it started; who has not by then never will."""

_held: list[FileLock] = []


def say_at_work(instance: dg.DagsterInstance, run_id: str) -> None:
    """Hold a file in the run's name until this process ends, however it ends.

    The operating system lets go of it, and not the run: between the run's last step and its last record
    it must not look like a killed one.
    """
    path = _held_by(instance, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    lock = FileLock(partial)
    lock.acquire()
    # nobody ever sees it unlocked
    partial.replace(path)
    _held.append(lock)


def is_killed(instance: dg.DagsterInstance, home: Home, record: dg.RunRecord) -> bool:
    """Whether the run is recorded as at work, and its process is gone."""
    path = _held_by(instance, record.dagster_run.run_id)
    if path.exists():
        is_gone = _is_let_go(path)
    elif abs(time.time() - (record.start_time or time.time())) < _SILENT_SECONDS:
        return False
    else:
        # killed in its first moment, or by a release that did not say so: then it works only while the home is held
        try:
            with refresh_lock(home, purpose=f"{LOOKING} for killed runs"):
                is_gone = True
        except WarehouseBusyError:
            is_gone = False
    if not is_gone:
        return False
    # it may have ended well since it was looked up; a process that is gone records nothing more
    run = instance.get_run_by_id(record.dagster_run.run_id)
    return run is not None and run.status == DagsterRunStatus.STARTED


def end_killed_runs(instance: dg.DagsterInstance, home: Home) -> list[str]:
    """Record as failed each run whose process is gone, so that the queue goes on; gives their ids.

    Raises
    ------
    HomeError
        If the records are another home's, whose runs are at work where nobody can see it from here.
    """
    require_own_records(home)
    ended = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        if is_killed(instance, home, record):
            instance.report_run_failed(record.dagster_run, KILLED)
            ended.append(record.dagster_run.run_id)
    at_work = {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=[DagsterRunStatus.STARTED]))}
    for path in _held_by(instance, "").parent.glob("*.run"):
        if path.stem not in at_work and _is_let_go(path):
            path.unlink(missing_ok=True)
    return ended


def _held_by(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "at_work" / f"{run_id}.run"


def _is_let_go(path: Path) -> bool:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True
