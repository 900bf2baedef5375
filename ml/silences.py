"""Days on which a sale was to be expected and none came.

Belongs here: when the shop is expected to trade, when one of its countries is expected to
buy, how far a closed stretch goes. Does not belong here: what a silent day should have
brought and which countries are watched (:mod:`ml.anomalies`), odd days that did trade
(:mod:`ml.anomaly_expectations`), which days are trading days (SQL).

Whether a stretch is told, and on which day, follows from days before it alone: later files
add silences and take none back. Only the end of one that was still going on is filled in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ml.revenue_series import YEAR_DAYS, checked_dates, day_numbers

_SILENCE_WEEKS = 8
_SILENCE_LEAST = 7
# The public shop, closed over Easter and for a wedding, missed 2 of its 48 usual days within
# eight weeks. Who misses more than this share sells when somebody comes by, and a day
# without a sale is no news; a whole week is.
_IRREGULAR_SHARE = 0.1
_IRREGULAR_LEAST_DAYS = 7
# As `orders_of_a_busy_day` of dbt: where orders come by chance, a day on which five are usual passes without any once
# in 150 times (e^-5). Where two are usual it is once in seven, and small shops were told of each such day.
_LEAST_ORDERS = 5.0
# From Christmas to New Year; a fortnight between two holidays is a closure of its own.
_BRIDGED_DAYS = 7


def find_silences(days: pd.DataFrame, closed_dates: Collection[pd.Timestamp] = ()) -> pd.DataFrame:
    """Find expected trading days without a sale, one row for each closed stretch.

    A day is expected to trade if its weekday did in at least seven of the eight weeks
    before the stretch. If it was closed a year before too (on the same date, or the same
    weekday 52 weeks back), it is taken for a holiday. Of a stretch of closed days only the
    first expected one is told, with how long the stretch lasted: a shop closed over
    Christmas is one piece of news. It lasts until the next sale, however many weeks that
    takes: being closed does not make being closed usual. Of a shop that often misses a
    day only a whole week or more of them is told.

    A stretch that chance explains is not told: its expected days together usually bring at
    least five orders, each as many as the median of its weekday in those eight weeks.

    A public holiday or a day that the shop says it was closed on is never expected, and
    says nothing of other days of its weekday: Easter Monday makes no later Monday doubtful.
    Nor is a day between two such days expected, a week apart at most, with no sale from the
    one to the other: Easter Sunday, or the days from Boxing Day to New Year.

    After the last sale the files may simply end. So a stretch that no sale has ended is
    told only where other lines (returns, say) are dated later, and not for their last day,
    which may not have come in full.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 3)
        ``date`` (ascending), ``is_trading_day`` and, if it is known, ``orders``; days that are missing did not trade.
    closed_dates
        Days that the calendar gives a reason to be closed on, whether or not they traded.

    Returns
    -------
    DataFrame of shape (n_silences, 3), by date
        ``date`` (first expected day without a sale), ``back_date`` (first day with sales
        again; NaT while there is none), ``expected_days`` (days without a sale that were
        expected to trade, up to then).

    Raises
    ------
    ValueError
        If a column is missing, there is no day, or dates are missing, repeat or are out of
        order.
    """
    dates = checked_dates(days, ("date", "is_trading_day"))
    every_day = day_numbers(dates)
    traded = np.sort(every_day[days["is_trading_day"].to_numpy(dtype=bool)])
    found: list[tuple[int, int | None, int]] = []
    if len(traded):
        first = int(traded[0])
        is_open = np.zeros(int(traded[-1]) - first + 1, dtype=bool)
        is_open[traded - first] = True
        excused = _with_bridges(day_numbers(pd.Series(pd.DatetimeIndex(list(closed_dates)))), traded)
        # what a day closed for a known reason says of other days: nothing
        says_nothing = np.zeros(len(is_open), dtype=bool)
        says_nothing[[day - first for day in excused if first <= day <= traded[-1]]] = True
        orders = np.zeros(len(is_open))
        orders[traded - first] = days["orders"][days["is_trading_day"].astype(bool)] if "orders" in days else np.inf
        past = _Past(first, is_open, says_nothing & ~is_open, orders)
        last_day = int(every_day.max())
        stretches: list[tuple[int, int, int | None]] = [
            (int(before), int(after), int(after)) for before, after in pairwise(traded) if after - before > 1
        ]
        stretches.append((int(traded[-1]), last_day, None))
        for before, end, back in stretches:
            expected = [day for day in range(before + 1, end) if day not in excused and past.expects(day, before)]
            if sum(past.usual_orders(day, before) for day in expected) < _LEAST_ORDERS:
                continue
            if len(expected) >= _IRREGULAR_LEAST_DAYS or past.is_regular(before):
                found.append((expected[0], back, len(expected)))
    return pd.DataFrame(
        {
            "date": _dates([day for day, _, _ in found]),
            "back_date": _dates([back for _, back, _ in found]),
            "expected_days": np.array([count for _, _, count in found], dtype=np.int32),
        }
    )


def find_absences(shop_dates: pd.DatetimeIndex, has_bought: np.ndarray, is_expected: np.ndarray) -> pd.DataFrame:
    """Find the days on which a country that was expected to buy did not while the shop traded.

    Every expected day is told, with how long the country stayed away from there on. The
    shop's last day is not told as long as it is the last: it may not have come in full.

    Parameters
    ----------
    shop_dates : DatetimeIndex of shape (n_days,)
        The shop's trading days, ascending.
    has_bought : ndarray of bool of shape (n_days,)
        Whether the country bought on the day.
    is_expected : ndarray of bool of shape (n_days,)
        Whether it should have, judged from the days before.

    Returns
    -------
    DataFrame of shape (n_absences, 3), by date
        ``date`` (expected day without a sale), ``back_date`` (the day on which the country
        bought again; NaT while it has not), ``expected_days`` (the shop's trading days
        without the country, from ``date`` up to then).
    """
    silent = np.flatnonzero(is_expected & ~has_bought)
    silent = silent[silent < len(shop_dates) - 1]
    bought = np.flatnonzero(has_bought)
    following = np.append(bought, len(shop_dates))[np.searchsorted(bought, silent)]
    # one place more than there are days: where the country has not come back
    places = shop_dates.append(pd.DatetimeIndex([pd.NaT]))
    return pd.DataFrame(
        {
            "date": shop_dates[silent],
            "back_date": places[following],
            "expected_days": (following - silent).astype(np.int32),
        }
    )


def _with_bridges(closed: np.ndarray, traded: np.ndarray) -> set[int]:
    """Days with a reason to be closed, and the days between two of them, if the shop stayed closed throughout."""
    closed = np.unique(closed)
    excused = set(closed.tolist())
    for one, other in pairwise(closed.tolist()):
        if other - one <= _BRIDGED_DAYS and not np.isin(np.arange(one, other + 1), traded).any():
            excused.update(range(one, other))
    return excused


@dataclass(frozen=True)
class _Past:
    """Days from the first one that traded to the last; ``first`` and other days count from one origin."""

    first: int
    is_open: np.ndarray
    says_nothing: np.ndarray
    orders: np.ndarray

    def expects(self, day: int, before: int) -> bool:
        """Whether the shop should trade on the day, by the weeks up to the last one ``before`` the stretch."""
        same = self._same_weekdays(day, before)
        if len(same) < _SILENCE_WEEKS or self.is_open[same].sum() < _SILENCE_LEAST:
            return False
        date = np.datetime64(day, "D").astype(object)
        # 29 February was 28 February
        a_year_before = date.replace(year=date.year - 1, day=28 if (date.month, date.day) == (2, 29) else date.day)
        anniversary = int(np.datetime64(a_year_before, "D").astype(int))
        return all(self._was_open(back, before) for back in (day - YEAR_DAYS, anniversary))

    def usual_orders(self, day: int, before: int) -> float:
        """How many orders the weekday of an expected day usually brings; the weeks of a season that is over don't."""
        return float(np.median(self.orders[self._same_weekdays(day, before)]))

    def _same_weekdays(self, day: int, before: int) -> np.ndarray:
        # from the last one that is not in the stretch itself
        latest = day - 7 * -(-(day - before) // 7) - self.first
        same = np.arange(latest, -1, -7)
        return same[~self.says_nothing[same]][:_SILENCE_WEEKS]

    def is_regular(self, before: int) -> bool:
        """Whether the shop seldom missed a day in the weeks up to ``before``, the last day that it traded."""
        known = np.flatnonzero(~self.says_nothing[: before - self.first + 1])[-7 * _SILENCE_WEEKS :]
        is_open, weekday = self.is_open[known], (known + self.first) % 7
        # what is not known of a history that begins within the first week, it traded
        closed = np.bincount(weekday[~is_open], minlength=7)
        is_usual = 2 * (_SILENCE_WEEKS - closed) >= _SILENCE_WEEKS
        # days closed in a row, with no day of trading between them, are missed once
        missed = len(np.unique(np.cumsum(is_open)[is_usual[weekday] & ~is_open]))
        return bool(missed <= _IRREGULAR_SHARE * _SILENCE_WEEKS * is_usual.sum())

    def _was_open(self, day: int, before: int) -> bool:
        """Whether the shop traded a year before; taken for yes where that is not known, or in the stretch itself."""
        place = day - self.first
        return not self.first <= day <= before or bool(self.is_open[place] or self.says_nothing[place])


def _dates(day_numbers: list[int] | list[int | None]) -> pd.Series:
    return pd.Series(np.array(day_numbers, dtype="datetime64[D]").astype("datetime64[us]"))
