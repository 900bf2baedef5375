"""Days on which a sale was to be expected and none came.

Belongs here: when the shop is expected to trade, when one of its countries is expected to
buy, how far a closed stretch goes. Does not belong here: what a silent day should have
brought and which countries are watched (:mod:`ml.anomalies`), odd days that did trade
(:mod:`ml.anomaly_expectations`), which days are trading days (SQL).

A stretch is told once the next sale ends it, and then from days before it alone: later
files add silences and change none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.revenue_series import YEAR_DAYS, checked_dates, day_numbers

_SILENCE_WEEKS = 8
_SILENCE_LEAST = 7


def find_silences(days: pd.DataFrame) -> pd.DataFrame:
    """Find expected trading days without a sale, one row for each closed stretch.

    A day is expected to trade if its weekday did in at least seven of the eight weeks
    before. If it was closed a year before too (on the same date, or the same weekday 52
    weeks back), it is taken for a holiday. Of a stretch of closed days only the first
    expected one is told, with how long the stretch lasted: a shop closed over Christmas
    is one piece of news. A stretch ends with the next sale, and is not told before:
    after the last sale the files simply end. So later files change nothing told.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 2)
        ``date`` (ascending) and ``is_trading_day``; days that are missing did not trade.

    Returns
    -------
    DataFrame of shape (n_silences, 3), by date
        ``date`` (first expected day without a sale), ``last_date`` (last such day of the
        stretch), ``expected_days`` (how many).

    Raises
    ------
    ValueError
        If a column is missing, there is no day, or dates are missing, repeat or are out of
        order.
    """
    dates = checked_dates(days, ("date", "is_trading_day"))
    traded = np.sort(day_numbers(dates[days["is_trading_day"].to_numpy(dtype=bool)]))
    found: list[tuple[int, int, int]] = []
    if len(traded):
        first = int(traded[0])
        is_open = np.zeros(int(traded[-1]) - first + 1, dtype=bool)
        is_open[traded - first] = True
        for before, after in zip(traded[:-1][np.diff(traded) > 1], traded[1:][np.diff(traded) > 1], strict=True):
            expected = [day for day in range(before + 1, after) if _is_expected(day - first, is_open, first)]
            if expected:
                found.append((expected[0], expected[-1], len(expected)))
    return pd.DataFrame(
        {
            "date": _dates([day for day, _, _ in found]),
            "last_date": _dates([day for _, day, _ in found]),
            "expected_days": np.array([count for _, _, count in found], dtype=np.int32),
        }
    )


def find_absences(shop_dates: pd.DatetimeIndex, has_bought: np.ndarray, is_expected: np.ndarray) -> pd.DataFrame:
    """Find the days on which a country that was expected to buy did not while the shop traded.

    Every expected day is told, with how long the country stayed away from there on. As
    with :func:`find_silences`, only once it has bought again.

    Parameters
    ----------
    shop_dates : DatetimeIndex of shape (n_days,)
        The shop's trading days, ascending.
    has_bought : ndarray of bool of shape (n_days,)
        Whether the country bought on the day; on at least one it did.
    is_expected : ndarray of bool of shape (n_days,)
        Whether it should have, judged from the days before.

    Returns
    -------
    DataFrame of shape (n_absences, 3), by date
        ``date`` (expected day without a sale), ``last_date`` (the shop's last trading day
        before the country bought again), ``expected_days`` (how many from one to the other).

    Raises
    ------
    IndexError
        If the country never bought.
    """
    own = shop_dates[has_bought]
    silent = shop_dates[is_expected & ~has_bought]
    silent = silent[silent < own[-1]]
    following = np.searchsorted(shop_dates, own[np.searchsorted(own, silent)])
    return pd.DataFrame(
        {
            "date": silent,
            "last_date": shop_dates[following - 1],
            "expected_days": (following - np.searchsorted(shop_dates, silent)).astype(np.int32),
        }
    )


def _is_expected(day: int, is_open: np.ndarray, first: int) -> bool:
    """Whether the shop should trade on the day, by the weeks before it; days count from the first."""
    if day < 7 * _SILENCE_WEEKS:
        return False
    if sum(bool(is_open[day - 7 * back]) for back in range(1, _SILENCE_WEEKS + 1)) < _SILENCE_LEAST:
        return False
    date = np.datetime64(first + day, "D").astype(object)
    # 29 February was 28 February
    a_year_before = date.replace(year=date.year - 1, day=28 if (date.month, date.day) == (2, 29) else date.day)
    anniversary = int(np.datetime64(a_year_before, "D").astype(int)) - first
    return all(is_open[back] for back in (day - YEAR_DAYS, anniversary) if back >= 0)


def _dates(day_numbers: list[int]) -> pd.Series:
    return pd.Series(np.array(day_numbers, dtype="datetime64[D]").astype("datetime64[us]"))
