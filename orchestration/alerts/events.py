"""What there is to tell of a home, as it stands on the disk.

Belongs here: which events there are, what makes one the same as before, and their words: which home, what,
since when, what to do. Does not belong here: whether it was told before (:mod:`orchestration.alerts.record`).

A message may be read by many, on a phone or in a channel: it has file names, counts and the shop's revenue, and
no customer and no value of a line.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from orchestration.causes import Finding, files_in, told_finding
from orchestration.status import Standing
from warehouse.home import Home
from warehouse.publishing.sql import literal
from warehouse.quality import CHECK_RESULTS
from warehouse.settings import AlertKind, settings_path
from warehouse.wording import day, moment, money, plural, weekday

MOST_LINES = 10


@dataclass(frozen=True)
class Event:
    """Something that a person has to know, once."""

    key: str
    """Equal for as long as it is the same thing."""
    kind: AlertKind
    title: str
    text: str
    """The title, and below it the rest."""
    lasts: bool
    """Whether it can be over; a day that was unusual stays so."""


@dataclass(frozen=True)
class Look:
    """What one look at a home found."""

    events: tuple[Event, ...]
    """Those that last."""
    is_known: Collection[AlertKind]
    """Kinds of which a missing event means that it is over."""
    days: Mapping[str, str] = field(default_factory=dict)
    """Every unusual day and week that is published, in words; the newest first."""
    published_at: datetime | None = None


def look_at(home: Home, standing: Standing) -> Look:
    """Everything that could be told of the home as it stands.

    Raises
    ------
    duckdb.Error
        If the snapshot can't be read.
    """
    looked_for = (_failed(standing), _unrecorded(standing), _stale(standing), _unreadable(standing))
    events = [event for event in looked_for if event is not None]
    # of a snapshot that can't be read nothing is known, so nothing of it is over
    is_known: list[AlertKind] = ["stale", "warned"] if standing.unreadable is None else []
    last = standing.last_refresh
    # while a refresh is at work it may mend what failed; one that a person stopped tells nothing
    is_over = standing.running is None and (last is None or last.outcome != "stopped")
    if is_over and standing.unrecorded is None:
        is_known.append("failed")
    days: dict[str, str] = {}
    if home.published.exists() and standing.unreadable is None:
        # a connection of its own: one that this process holds would still show a file that was replaced
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"attach {literal(home.published)} as snapshot (read_only)")
            connection.execute("use snapshot")
            events += _warned(standing, connection)
            days = _unusual_days(connection)
    return Look(tuple(events), is_known, days, standing.published.at)


def unreadable_settings(home: str) -> Event:
    """The event of settings that can't be read. What is wrong may be a value, and is not quoted."""
    return _event(
        "settings",
        "failed",
        home,
        "the settings can't be read",
        "",
        [f"{settings_path()}, or a variable that overrides it, has an error. Until it is mended no refresh starts."],
        f"`regulars status --home {home}` says what is wrong.",
    )


def unusual(home: str, days: Mapping[str, str], published_at: datetime | None) -> Event:
    """The event of days that were not known to be unusual before."""
    return _event(
        "unusual:" + _digest(sorted(days)),
        "unusual",
        home,
        f"{plural(len(days), 'unusual day or week', 'unusual days and weeks')} of revenue",
        f"Published {moment(published_at)}.",
        list(days.values()),
        "The page Unusual days shows what drove each. If you know why, name it under [[calendar.promotions]] or "
        "[[calendar.closures]] in the settings.",
        lasts=False,
    )


def _failed(standing: Standing) -> Event | None:
    last = standing.last_refresh
    if last is None or last.outcome != "failed" or not standing.has_failed or standing.running is not None:
        return None
    at = last.ended_at or datetime.now(UTC)
    is_published = standing.published.at is not None or standing.unreadable is not None
    keep = "Readers keep the last good snapshot" if is_published else "Nothing is published yet"
    return _event(
        # the same fault again, by a refresh that was repeated, is the same event
        "failed:" + _digest(last.problems),
        "failed",
        standing.home,
        "the refresh failed",
        f"{moment(at)}, run {last.run_id[:8]}. {keep}.",
        last.causes,
        f"`regulars status --home {standing.home}` tells it whole, with lines and what to mend; then refresh again.",
    )


def _unrecorded(standing: Standing) -> Event | None:
    if standing.unrecorded is None:
        return None
    return _event(
        "unrecorded",
        "failed",
        standing.home,
        "nothing can be refreshed",
        "",
        [standing.unrecorded],
        f"`regulars status --home {standing.home}` says whether it is well again.",
    )


def _unreadable(standing: Standing) -> Event | None:
    if standing.unreadable is None:
        return None
    return _event(
        "unreadable",
        "failed",
        standing.home,
        "what is published can't be read",
        "",
        [standing.unreadable],
        "Until then the dashboard shows the newest kept snapshot that can be read. A refresh publishes anew, though "
        f"nothing else is new: `regulars refresh --home {standing.home}`.",
    )


def _stale(standing: Standing) -> Event | None:
    told = {
        f"{age.of} {age.at.isoformat()}": age.told
        for age in (standing.published, standing.delivered)
        # before the first publication there is nothing that could be old
        if age.at is not None and age.is_over
    }
    if not told:
        return None
    return _event(
        "stale:" + _digest([*told]),
        "stale",
        standing.home,
        "the figures are old",
        "",
        [*told.values()],
        "See whether files still arrive in the landing folder, and whether a schedule or a job refreshes: "
        f"`regulars status --home {standing.home}`.",
    )


def _warned(standing: Standing, connection: duckdb.DuckDBPyConnection) -> list[Event]:
    """One event for each check that warns, as each begins and ends by itself."""
    found = connection.execute(
        f"""
        select table_name, check_name, unexpected_count, element_count, reason, examples
        from ({CHECK_RESULTS}) as results
        where is_latest and outcome = 'warned'
        order by table_name, check_name
        """
    ).fetchall()
    return [
        _event(
            f"warned:{table}:{check}",
            "warned",
            standing.home,
            f"check {check} warns",
            f"Published {moment(standing.published.at)}; the refresh went on.",
            [
                told_finding(
                    Finding(
                        table=table,
                        check=check,
                        outcome="warned",
                        unexpected=unexpected,
                        elements=elements,
                        reason=reason,
                        files=files_in(json.loads(examples)),
                    )
                )
            ],
            "The page Data health shows it whole.",
        )
        for table, check, unexpected, elements, reason, examples in found
    ]


def _unusual_days(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    found = connection.execute(
        """
        select
            series, grain, cast(date as date), direction, actual, expected,
            (select value from quality.about where name = 'currency')
        from ml.revenue_anomalies
        order by date desc, series <> 'total', series, grain
        """
    ).fetchall()
    told = {}
    for series, grain, date, direction, actual, expected, currency in found:
        when = f"Week of {day(date)}" if grain == "week" else weekday(date)
        where = "" if series == "total" else f", {series}"
        told[f"{series}/{grain}/{date}/{direction}"] = (
            f"{when}{where}: {direction}, {money(actual, currency)} where {money(expected, currency)} was expected"
        )
    return told


def _event(
    key: str,
    kind: AlertKind,
    home: str,
    what: str,
    when: str,
    lines: Sequence[str],
    advice: str,
    *,
    lasts: bool = True,
) -> Event:
    title = f"Regulars {home} on {socket.gethostname()}: {what}"
    shown = [f"• {line}" for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"• and {len(lines) - MOST_LINES} more")
    return Event(key, kind, title, "\n".join(filter(None, [title, when, *shown, advice])), lasts)


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
