"""One look at a home, and telling what is new.

Belongs here: the order of things, so that each event is told once. Does not belong here: the things.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from datetime import UTC, datetime
from typing import get_args

from filelock import FileLock, Timeout

from orchestration.alerts.channels import channels_of
from orchestration.alerts.events import Look, look_at, unreadable_settings
from orchestration.alerts.record import Entry, read_record, write_record
from orchestration.status import Standing, read_standing
from warehouse.errors import RegularsError, SettingsError
from warehouse.home import Home
from warehouse.last_refresh import RefreshNote, note_last_refresh
from warehouse.settings import AlertKind, Alerts, alerts_alone, load_settings
from warehouse.stopped import StoppedRefresh, forget_stopped, note_stopped

LOG = "log"
_LONGEST_WAIT_SECONDS = 20.0
"""For another look; Dagster gives a sensor a minute in all."""


def tell_news(
    home: Home,
    *,
    log: Callable[[Entry], None],
    warn: Callable[[str], None],
    standing: Standing | None = None,
    has_news: bool = True,
) -> None:
    """Look at the home, and tell each event that was not told yet.

    What could not be sent is warned of, and tried again with the next look. The record is written before anything
    is sent and after each channel that took it: a process that dies in between tells one event to one channel
    again, rather than not at all.

    Parameters
    ----------
    log
        Called once with each new event, whatever the settings say.
    warn
        Called with what went wrong in telling.
    standing
        How the home stands, if that was found out already.
    has_news
        As in :func:`orchestration.status.read_standing`.

    Raises
    ------
    SettingsError
        If the settings can't be read; that was told then, as far as they say to whom.
    RegularsError, OSError, duckdb.Error
        If the home can't be looked at, or the record not be kept.
    """
    now = datetime.now(UTC)
    try:
        settings = load_settings()
    except SettingsError:
        # nothing else is known, so nothing else is over
        look = Look((unreadable_settings(str(home.root)),), is_known=())
        _tell(home, alerts_alone(), lambda: look, now, log=log, warn=warn)
        raise
    found = standing or read_standing(home, settings, now=now, has_news=has_news)
    if home.root.is_dir():
        _tell_readers(home, found)
    _tell(home, settings.alerts, lambda: look_at(home, found), now, log=log, warn=warn)


def _tell(
    home: Home,
    alerts: Alerts,
    look: Callable[[], Look],
    now: datetime,
    *,
    log: Callable[[Entry], None],
    warn: Callable[[str], None],
) -> None:
    """Compare one look with what was told before, and tell the rest."""
    if not home.root.is_dir():
        return
    channels = channels_of(alerts)
    asked: dict[AlertKind, Set[str]] = {
        kind: {LOG, *channels} if kind in alerts.events else {LOG} for kind in get_args(AlertKind)
    }
    try:
        lock = FileLock(home.alerts.with_suffix(".lock"), timeout=_LONGEST_WAIT_SECONDS)
        with lock:
            record = read_record(home.alerts, warn)
            before = repr(record)
            record.take_in(str(home.root), look(), now)
            if repr(record) != before:
                write_record(home.alerts, record)
            away: set[str] = set()
            for entry in record.entries:
                for name in sorted(asked[entry.kind] - entry.told.keys() - away, key=lambda one: (one != LOG, one)):
                    try:
                        log(entry) if name == LOG else channels[name](entry)
                    except (RegularsError, OSError) as error:
                        # who does not take this one takes no other, and each would be waited for
                        away.add(name)
                        entry.failures[name] = str(error)
                        warn(f"Not told by {name}, and tried again with the next look: {entry.title}: {error}")
                    else:
                        entry.told[name] = datetime.now(UTC).isoformat(timespec="seconds")
                        entry.failures.pop(name, None)
                    write_record(home.alerts, record)
            if any(not entry.is_open for entry in record.entries):
                record.forget_what_is_over(asked)
                write_record(home.alerts, record)
    except Timeout:
        warn(f"{home.alerts} is being written by another process, which tells what is new.")


def _tell_readers(home: Home, standing: Standing) -> None:
    """Leave the notes beside the snapshot: of the newest refresh, and while that was stopped, of why."""
    if standing.unrecorded is not None:
        # nobody knows whether they still hold
        return
    last = standing.last_refresh
    if last is not None:
        note_last_refresh(home, RefreshNote(last.run_id, last.outcome, last.started_at, last.ended_at))
    if standing.running is not None or (last is not None and last.outcome == "stopped"):
        return
    if last is None or not standing.has_failed:
        forget_stopped(home)
        return
    at = last.ended_at or datetime.now(UTC)
    note_stopped(home, StoppedRefresh(last.run_id, at.replace(microsecond=0), (*last.causes,), (*last.problems,)))
