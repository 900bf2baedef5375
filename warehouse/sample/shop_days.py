"""The shop's calendar: when it is open, how much is asked for, and what went wrong or right on which day.

Belongs here: open and closed days, season, weekday and growth, and the dates of the
injected events. Does not belong here: who buys, and what.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

FIRST_DATE = date(2023, 12, 1)
FULL_DAYS = 731
"""1 December 2023 to 30 November 2025."""

SATURDAY = 5

# Monday to Sunday. The real shop's Thursday is its best day and Saturday is closed.
_WEEKDAY_DEMAND = (1.0, 1.02, 1.02, 1.06, 0.94, 0.0, 0.84)

# Demand in the middle of each month, January first: gifts sell from September on.
_SEASON = (0.80, 0.82, 0.90, 0.90, 0.95, 0.93, 0.90, 0.92, 1.12, 1.30, 1.55, 1.15)
_GROWTH_PER_YEAR = 0.08
_DAY_TO_DAY_SPREAD = 0.05

_CLOSED_HOLIDAYS = (
    # the week of Christmas until after New Year
    *(date(2023, 12, 24) + timedelta(days=day) for day in range(10)),
    *(date(2024, 12, 24) + timedelta(days=day) for day in range(9)),
    # Easter
    date(2024, 3, 29),
    date(2024, 3, 31),
    date(2024, 4, 1),
    date(2025, 4, 18),
    date(2025, 4, 20),
    date(2025, 4, 21),
    # bank holidays
    date(2024, 5, 6),
    date(2024, 5, 27),
    date(2024, 8, 26),
    date(2025, 5, 5),
    date(2025, 5, 26),
    date(2025, 8, 25),
)

# In a full history these fall on the dates given; in a shorter one at the same share of it.
_EVENT_PLAN = (
    (date(2024, 2, 21), "bulk_order"),
    (date(2024, 3, 13), "cancelled_order"),
    (date(2024, 5, 15), "outage"),
    (date(2024, 6, 19), "flash_sale"),
    (date(2024, 7, 16), "silence"),
    (date(2024, 8, 13), "export_burst"),
    (date(2024, 10, 9), "overlapping_delivery"),
    (date(2025, 2, 12), "craze"),
    (date(2025, 3, 26), "courier_strike"),
    (date(2025, 6, 11), "cancelled_basket"),
    (date(2025, 7, 9), "bulk_order_abroad"),
    (date(2025, 8, 20), "payment_failure"),
)


@dataclass(frozen=True)
class ShopDays:
    """The calendar of one history; arrays have one element a day, day 0 being the first."""

    days: int
    first_date: date
    is_open: npt.NDArray[np.bool_]
    demand: npt.NDArray[np.float64]
    """Relative demand; 1.0 is an average day, 0.0 a closed one."""
    month_number: npt.NDArray[np.int64]
    """Calendar months since the first one."""
    next_open: npt.NDArray[np.int64]
    """The first open day on or after a day; ``days`` if there is none."""
    events: dict[str, int]
    """Day of each injected event."""

    def date_of(self, day: int) -> date:
        """Calendar date of a day number."""
        return self.first_date + timedelta(days=int(day))

    @property
    def silent_day(self) -> int:
        """The expected trading day on which nothing was sold or booked."""
        return self.events["silence"]


def plan_days(days: int, rng: np.random.Generator) -> ShopDays:
    """Lay out the calendar.

    Parameters
    ----------
    days
        Calendar days; 60 at least, so that every event has a day of its own.

    Raises
    ------
    ValueError
        If ``days`` is too short.
    """
    if days < 60:
        raise ValueError(f"A sample history needs 60 days at least to hold its events; {days} were asked for.")
    dates = [FIRST_DATE + timedelta(days=day) for day in range(days)]
    weekday = np.array([day.weekday() for day in dates])
    holidays = set(_CLOSED_HOLIDAYS)
    is_open = np.array([day not in holidays for day in dates]) & (weekday != SATURDAY)

    events: dict[str, int] = {}
    for planned, name in _EVENT_PLAN:
        day = (planned - FIRST_DATE).days * days // FULL_DAYS
        # mid-week, so that a quiet Sunday is never taken for the event itself
        while not is_open[day] or weekday[day] > 3 or day in events.values():
            day += 1
        events[name] = day
    is_open[events["silence"]] = False

    middle_of_month = np.array([15.0 + 30.4375 * month for month in range(-1, 13)])
    season = np.interp(
        np.array([float(day.timetuple().tm_yday) for day in dates]),
        middle_of_month,
        np.array([_SEASON[11], *_SEASON, _SEASON[0]]),
    )
    growth = 1.0 + _GROWTH_PER_YEAR * np.arange(days) / 365.0
    luck = np.exp(_DAY_TO_DAY_SPREAD * rng.standard_normal(days))
    demand = np.array(_WEEKDAY_DEMAND)[weekday] * season * growth * luck * is_open
    demand = demand / demand.mean()

    next_open = np.full(days, days, dtype=np.int64)
    following = days
    for day in range(days - 1, -1, -1):
        following = day if is_open[day] else following
        next_open[day] = following
    months = np.array([(day.year - FIRST_DATE.year) * 12 + day.month - FIRST_DATE.month for day in dates])
    return ShopDays(days, FIRST_DATE, is_open, demand, months, next_open, events)
