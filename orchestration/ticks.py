"""Looks of schedule and sensors that lie ahead of the clock, and their end.

Belongs here: what Dagster remembers of when it looked last. Does not belong here: what it looks for
(:mod:`orchestration.jobs`).

Dagster looks again once so many seconds have passed since it looked last. Where the clock was ahead by days and was
set right, that is in days: nothing would be refreshed until then, and nobody told.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage

_AHEAD_SECONDS = 60.0
"""What is nearer passes by itself."""


def forget_ticks_ahead(instance: dg.DagsterInstance) -> None:
    """Let schedule and sensors go on from now where they are remembered to have looked later than now."""
    storage = instance.schedule_storage
    if storage is None:
        # of an instance that lives in memory alone
        return
    now = time.time()
    for state in instance.all_instigator_state():
        data = state.instigator_data
        if data is None:
            continue
        moments: dict[str, Any] = {
            name: now
            for name, value in data._asdict().items()
            if isinstance(value, float) and value > now + _AHEAD_SECONDS
        }
        if moments:
            instance.update_instigator_state(state.with_data(data._replace(**moments)))
    if isinstance(storage, SqlScheduleStorage):
        latest = datetime.fromtimestamp(now + _AHEAD_SECONDS, UTC)
        with storage.connect() as connection:
            connection.execute(JobTickTable.delete().where(JobTickTable.c.timestamp > latest))
