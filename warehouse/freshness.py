"""How old what readers see is, and whether that is too old.

Belongs here: the two ages and their limits, for status, alerts, the server's probe and Dagster alike. Does not
belong here: what is done about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from warehouse.home import Home
from warehouse.publishing.record import read_made
from warehouse.settings import Freshness
from warehouse.wording import days, moment, plural

_DAYS_FROM_HOURS = 48
_AHEAD_HOURS = 1.0


@dataclass(frozen=True)
class Age:
    """One of them."""

    of: str
    """Begins a sentence: ``What readers see was made``."""
    at: datetime | None
    """UTC; None if it never was."""
    hours: float | None
    """Below zero where it lies ahead of the machine's clock."""
    limit_hours: float | None
    """None: there is no rule."""

    @property
    def is_ahead(self) -> bool:
        """Whether it is yet to come, so that nobody knows how old it is: a clock is wrong, or was."""
        return self.hours is not None and self.hours < -_AHEAD_HOURS

    @property
    def is_over(self) -> bool:
        """Whether it is older than allowed, or not known to be young enough; never without a limit."""
        return self.limit_hours is not None and (self.hours is None or self.is_ahead or self.hours > self.limit_hours)

    @property
    def told(self) -> str:
        """The sentence, such as ``What readers see was made 3 days ago, …; at most 48 hours are allowed.``."""
        if self.at is None or self.hours is None:
            return f"{self.of} never."
        if self.is_ahead:
            return (
                f"{self.of} {in_words(-self.hours)} ahead of this machine's clock, {moment(self.at)}: "
                "the clock is wrong, or was then."
            )
        rule = "" if self.limit_hours is None else f"; at most {self.limit_hours:g} hours are allowed"
        due = "" if not self.is_over else f", until {moment(self.at + timedelta(hours=self.limit_hours or 0))}"
        return f"{self.of} {in_words(self.hours)} ago, {moment(self.at)}{rule}{due}."


def read_ages(home: Home, limits: Freshness, now: datetime) -> tuple[Age, Age]:
    """Of the snapshot that readers see, and of the newest delivery in it.

    Raises
    ------
    PublishError
        If the snapshot can't be read.
    """
    made_at, delivered_at = read_made(home) or (None, None)
    published, delivered = unknown_ages(limits)
    return (
        replace(published, at=made_at, hours=_hours(made_at, now)),
        replace(delivered, at=delivered_at, hours=_hours(delivered_at, now)),
    )


def unknown_ages(limits: Freshness) -> tuple[Age, Age]:
    """The two of a snapshot that nothing is known of."""
    return (
        Age("What readers see was made", None, None, limits.max_age_hours),
        Age("The newest delivery came", None, None, limits.max_delivery_age_hours),
    )


def in_words(hours: float) -> str:
    """A stretch of time in the unit that suits it."""
    if hours < 1:
        return plural(hours * 60, "minute")
    return plural(hours, "hour") if hours < _DAYS_FROM_HOURS else days(hours / 24)


def _hours(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else (now - since).total_seconds() / 3600
