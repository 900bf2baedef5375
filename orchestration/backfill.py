"""Snapshots as of past days, made beside what is published.

Belongs here: which days, the copy of the home that they are made in, and where each snapshot is put. Does not belong
here: what a refresh as of a day sees (``after_as_of`` in ``dbt_project/``), how it runs (:mod:`orchestration.refresh`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from orchestration.refresh import RefreshOutcome, run_refresh
from warehouse.database import open_warehouse, refresh_lock
from warehouse.errors import HomeError
from warehouse.home import Home
from warehouse.whole_folders import held

Every = Literal["day", "week", "month"]
_STEPS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class AsOf:
    """What came of one day."""

    day: date
    snapshot: Path
    outcome: RefreshOutcome | None
    """None where the snapshot was there already."""


def days_of(first: date, last: date, every: Every) -> list[date]:
    """The days of a range, both ends included: each, each seventh, or the first of each month.

    Raises
    ------
    HomeError
        If there is none.
    """
    days = [first + timedelta(days=passed) for passed in range(0, (last - first).days + 1, _STEPS.get(every, 1))]
    if every == "month":
        days = [day for day in days if day.day == 1]
    if not days:
        asked = "first day of a month" if every == "month" else "day"
        raise HomeError(f"From {first} to {last} there is no {asked}; name another range.")
    return days


def backfill(
    home: Home,
    folder: Path,
    days: Sequence[date],
    *,
    wait_seconds: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[AsOf]:
    """Refresh a copy of the home as of each day, earliest first, and keep each snapshot.

    The home itself, its snapshot and its record of runs stay as they are, and no database is asked. Segments remember
    those of the day before, as they do from one refresh to the next. A day whose snapshot is there is left out, so
    that what was broken off goes on.

    Parameters
    ----------
    folder
        Where ``as_of_YYYY_MM_DD.duckdb`` of each day is put; made if it is not there.
    wait_seconds, on_wait
        As for :func:`warehouse.database.refresh_lock`, while the home is copied.

    Raises
    ------
    HomeError
        If the home holds nothing yet, or another backfill writes to the folder.
    WarehouseBusyError
        If another program works on the home.
    """
    if not home.warehouse.exists():
        raise HomeError(f"{home.root} holds nothing to look back on: nothing was refreshed there yet.")
    folder.mkdir(parents=True, exist_ok=True)
    work = Home(folder / ".working")
    with held(folder) as is_ours:
        if not is_ours:
            raise HomeError(f"Another backfill writes to {folder}; wait for it, or name another folder.")
        # what a killed one left
        shutil.rmtree(work.root, ignore_errors=True)
        try:
            _copy(home, work, wait_seconds, on_wait)
            for day in sorted(days):
                yield _made(work, day, folder / f"as_of_{day:%Y_%m_%d}.duckdb")
        finally:
            shutil.rmtree(work.root, ignore_errors=True)


def _made(work: Home, day: date, snapshot: Path) -> AsOf:
    if snapshot.exists():
        return AsOf(day, snapshot, None)
    outcome = run_refresh(
        work, as_of_date=day.isoformat(), full=False, pull=False, wait_seconds=0, verbose=False, is_passing=True
    )
    if outcome.succeeded:
        partial = snapshot.with_suffix(".partial")
        shutil.copyfile(work.published, partial)
        partial.chmod(0o444)
        partial.replace(snapshot)
    return AsOf(day, snapshot, outcome)


def _copy(home: Home, work: Home, wait_seconds: float, on_wait: Callable[[str], None] | None) -> None:
    """What a refresh goes on from: the private file, the key of pseudonyms, and where delivered files lie."""
    # customers' addresses are in it
    work.root.mkdir(mode=0o700)
    with refresh_lock(home, wait_seconds=wait_seconds, purpose="backfill", on_wait=on_wait):
        # brings a log that a killed process left into the file, and tells who else has it open
        with open_warehouse(home.warehouse):
            pass
        for path in (home.warehouse, home.pseudonym_key):
            if path.exists():
                shutil.copy2(path, work.root)
    origin = home.origin_or_own()
    work.bind(origin.landing, is_sample=origin.is_sample)
