"""What is removed of a home's past, by the rules in ``warehouse.settings.Keep``.

Belongs here: Dagster's records of old runs, and old files that people or killed processes left. Does not belong here:
snapshots (:mod:`warehouse.publishing`) and Data Docs (:mod:`expectations.data_docs`), which go with each new one; dbt's
log, which dbt itself cuts; delivered files, which are never removed.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from warehouse.home import Home
from warehouse.settings import Keep
from warehouse.whole_folders import sweep_folders

log = logging.getLogger(__name__)

_DAY_SECONDS = 86_400
_SCRATCH_DAYS = 2
"""Longer than anything works; what is older was left by a process that was killed."""
_MOST_RUNS_AT_ONCE = 100
"""A schedule's tick may take a minute; a longer past takes some days."""


def prune(instance: dg.DagsterInstance, home: Home, keep: Keep) -> None:
    """Remove what is too old or too much; what can't be removed is logged and tried again the next time."""
    _prune_runs(instance, home, keep.runs)
    # addresses may be in it, and nobody may export for a year
    sweep_folders(home.exports)
    for folder, days in (
        (home.exports, keep.exports_days),
        (home.exports / ".deliveries", keep.exports_days),
        (home.reports, keep.reports_days),
        (home.audit, keep.audit_days),
        (home.scratch, _SCRATCH_DAYS),
    ):
        if days:
            for path in _older(folder, days):
                _remove(path)


def _prune_runs(instance: dg.DagsterInstance, home: Home, most: int) -> None:
    """Forget all but the newest runs that are over."""
    over = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    )
    if instance.get_runs_count(over) <= most:
        return
    # newest first
    ids = instance.get_run_ids(over)
    for run_id in ids[most:][-_MOST_RUNS_AT_ONCE:]:
        instance.delete_run(run_id)
        _forget_checks(instance, run_id)
        # Dagster empties a run's own file and lets it lie; what a run wrote has a folder
        for path in (home.dagster / "history" / "runs").glob(f"{run_id}.db*"):
            _remove(path)
        _remove(home.dagster / "storage" / run_id)


def _forget_checks(instance: dg.DagsterInstance, run_id: str) -> None:
    # Dagster keeps results of checks when it deletes their run: 100 KB for each, for ever
    from dagster._core.storage.event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))


def _older(folder: Path, days: float) -> Iterator[Path]:
    oldest = time.time() - days * _DAY_SECONDS
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name != ".deliveries" and path.lstat().st_mtime < oldest:
                yield path


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s is older than what is kept and could not be removed: %s", path, error.strerror or error)
