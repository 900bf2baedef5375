"""The seasonal clock: time measured in a shop's busy days instead of calendar days.

Belongs here: how busy each day of the year usually is, estimated from what was known at a date,
and histories and horizons counted on that clock. Does not belong here: the models that run on
it (:mod:`ml.value_competitors`), hold-outs (:mod:`ml.value_holdouts`).

A day counts by how much the shop's customers usually buy at that time of year, 1 on average. A customer who has
been silent from Christmas to March has been silent for fewer busy days than one who was silent
all autumn, and the 180 days from July hold more of them than the 180 days from January. BG/NBD
takes purchases for equally likely on any day; on this clock they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.bg_nbd import BgNbdModel

FloatArray = NDArray[np.float64]

YEAR_DAYS = 365
# Two weeks either way: wide enough that a holiday moving within a month is no matter, narrow
# enough that December is told from January.
_SMOOTHING_DAYS = 14.0
# A day's level rests on about 35 days of purchases. Seasons spread by about 30 %, and so much is
# to be told from the chance in 35 days' purchases: a third of a purchase a day is where half of
# what is seen is chance. A shop with 30 a day keeps 99 % of its season.
_CHANCE_PURCHASES = 1 / 3
# Two weeks of days that were seen twice are believed by half.
_BELIEVED_BY_HALF_DAYS = 14.0
_TREND_BOUNDS = (1 / 5, 5.0)


@dataclass(frozen=True)
class SeasonalClock:
    """How busy each day of the year usually is.

    Attributes
    ----------
    levels
        Shape (365,): purchases on that day of the year against those to be expected on an even
        clock; 1 on average, above zero.
    purchase_values
        Shape (365,): value of a purchase on that day of the year, in proportion to the mean.
    trend
        Factor from one year to the next that was taken out.
    """

    levels: FloatArray
    purchase_values: FloatArray
    trend: float

    def histories(self, rows: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Repeat purchases, time to the last one and time observed, in busy days.

        Parameters
        ----------
        rows : DataFrame of shape (n, …)
            Customers of one date, columns of ``int_customer_periods``.

        Returns
        -------
        three arrays of shape (n,)
            As :func:`ml.bg_nbd.fit_bg_nbd` takes them.
        """
        observed = rows["observed_days"].to_numpy(dtype=np.int64)
        to_last = rows["days_to_last_purchase"].to_numpy(dtype=np.int64)
        longest = int(observed.max(initial=0))
        first = _cutoff(rows) - pd.Timedelta(days=longest + 1)
        # place 0 is the end of the earliest customer's first day
        elapsed = np.cumsum(self._of(self.levels, first, longest + 1)) if len(rows) else np.zeros(1)
        begins = longest - observed
        return (
            rows["repeat_purchase_days"].to_numpy(dtype=float),
            elapsed[begins + to_last] - elapsed[begins],
            elapsed[longest] - elapsed[begins],
        )

    def busy_days(self, date: pd.Timestamp, days: int) -> float:
        """How many busy days the ``days`` from a date are."""
        return float(self._of(self.levels, date, days).sum())

    def purchase_value_factor(self, date: pd.Timestamp, days: int) -> float:
        """How a purchase within the ``days`` from a date usually compares in value with one of the whole year."""
        weights = self._of(self.levels, date, days)
        return float(np.average(self._of(self.purchase_values, date, days), weights=weights))

    @staticmethod
    def _of(levels: FloatArray, date: pd.Timestamp, days: int) -> FloatArray:
        return levels[_days_of_year(pd.date_range(date, periods=days))]


def seasonal_clock(daily: pd.DataFrame, rows: pd.DataFrame, by_calendar: BgNbdModel) -> SeasonalClock | None:
    """Estimate the clock from what was known at a date.

    A season is what is left once the shop's own growth is taken out, and of that two measures are
    tried. A shop whose records begin in the midst of its life sells about the same every year: all
    purchases are taken as they are. A young shop gathers customers: its repeat purchases are held
    against those that BG/NBD by the calendar expects of the customers known on that day. The one
    that differs less between the days that were seen twice is taken, and what it differs by is
    taken out of it. Days are smoothed around the year, and drawn towards an even year where there
    were few purchases. Nothing on or after the date is read.

    Parameters
    ----------
    daily : DataFrame indexed by day without gaps
        ``purchase_days`` and ``net_value`` (money) of the whole shop.
    rows : DataFrame of shape (n, …)
        Customers of the date, all or a sample, columns of ``int_customer_periods``.
    by_calendar
        Fitted to them.

    Returns
    -------
    SeasonalClock or None
        None where less than a year is known, or nothing was bought again.
    """
    known = daily[daily.index < _cutoff(rows)]
    purchases, value = (known[name].to_numpy(dtype=float) for name in ("purchase_days", "net_value"))
    # of a sample as many times more as there are
    weight = purchases.sum() / (rows["repeat_purchase_days"].sum() + len(rows))
    came_first = len(known) - 1 - rows["observed_days"].to_numpy(dtype=np.int64)
    new = weight * np.bincount(came_first, minlength=len(known))
    repeats = np.maximum(purchases - new, 0.0)
    if len(known) < YEAR_DAYS or repeats.sum() <= 0 or value.sum() <= 0:
        return None
    expected = np.convolve(new, by_calendar.repeat_purchases_by_age(len(known)))[: len(known)]
    measures = [(purchases, np.ones(len(known))), (repeats, expected)]
    came, against = min(measures, key=lambda one: abs(np.log(_change(*one))))
    twice = len(known) - YEAR_DAYS
    trend = _change(came, against) ** (twice / (twice + _BELIEVED_BY_HALF_DAYS))
    place = _days_of_year(pd.DatetimeIndex(known.index))
    years_ago = np.arange(len(known) - 1, -1, -1) / YEAR_DAYS
    believed = repeats.mean() / (repeats.mean() + _CHANCE_PURCHASES)
    levels = 1 + believed * (_around_the_year(place, came * trend**years_ago, against) - 1)
    levels /= levels.mean()
    values = 1 + believed * (_around_the_year(place, np.maximum(value, 0.0), purchases) - 1)
    return SeasonalClock(levels, values / np.average(values, weights=levels), trend)


def _change(came: FloatArray, expected: FloatArray) -> float:
    """Factor on came / expected from one year to the next, over the days that were seen twice; 1 without any."""
    twice = len(came) - YEAR_DAYS
    sums = [one[days].sum() for one in (came, expected) for days in (slice(0, twice), slice(YEAR_DAYS, None))]
    return float(np.clip(sums[1] / sums[3] * sums[2] / sums[0], *_TREND_BOUNDS)) if min(sums) > 0 else 1.0


def _around_the_year(place: NDArray[np.int64], came: FloatArray, expected: FloatArray) -> FloatArray:
    """Shape (365,), mean 1, not negative: came / expected by day of the year, smoothed."""
    apart = np.arange(YEAR_DAYS)
    kernel = np.exp(-0.5 * (np.minimum(apart, YEAR_DAYS - apart) / _SMOOTHING_DAYS) ** 2)
    around = kernel[(apart[:, None] - apart[None, :]) % YEAR_DAYS]
    here, usual = (around @ np.bincount(place, one, YEAR_DAYS) for one in (came, expected))
    # where nobody was known or could buy for months, the whole year's level stands
    found = np.full(YEAR_DAYS, here.sum() / usual.sum())
    np.divide(here, usual, out=found, where=usual > 1e-9 * usual.max())
    return np.asarray(found / found.mean(), dtype=np.float64)


def _days_of_year(dates: pd.DatetimeIndex) -> NDArray[np.int64]:
    # the last day of a leap year shares the place of the day before
    return np.minimum(dates.day_of_year.to_numpy(dtype=np.int64), YEAR_DAYS) - 1


def _cutoff(rows: pd.DataFrame) -> pd.Timestamp:
    return pd.Timestamp(rows["cutoff_date"].iloc[0])
