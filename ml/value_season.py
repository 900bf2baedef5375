"""The seasonal clock: time measured in a shop's busy days instead of calendar days.

Belongs here: how busy each day of the year usually is, estimated from what was known at a date,
and histories and horizons counted on that clock. Does not belong here: the models that run on
it (:mod:`ml.value_competitors`), hold-outs (:mod:`ml.value_holdouts`).

A day counts by the shop's usual activity at that time of year, 1 on average. A customer who has
been silent from Christmas to March has been silent for fewer busy days than one who was silent
all autumn, and the 180 days from July hold more of them than the 180 days from January. BG/NBD
takes purchases for equally likely on any day; on this clock they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

YEAR_DAYS = 365
# Two weeks either way: wide enough that a holiday moving within a month is no matter, narrow
# enough that December is told from January.
_SMOOTHING_DAYS = 14.0
# A day's level rests on about 35 days of purchases. Seasons spread by about 30 %, and so much is
# to be told from the chance in 35 days' purchases: a third of a purchase day a day is where half
# of what is seen is chance. A shop with 30 a day keeps 99 % of its season.
_CHANCE_PURCHASE_DAYS = 1 / 3
# How much the shop grows from year to year is read off the days that were seen twice; two weeks
# of them are believed by half.
_BELIEVED_BY_HALF_DAYS = 14.0
_GROWTH_BOUNDS = (1 / 3, 3.0)


@dataclass(frozen=True)
class SeasonalClock:
    """How busy each day of the year usually is.

    Attributes
    ----------
    purchases
        Shape (365,): purchase days of all customers on that day of the year, in proportion to
        the mean; 1 on average, above zero.
    value
        The same of net revenue.
    growth
        Factor from one year to the next that was taken out.
    """

    purchases: FloatArray
    value: FloatArray
    growth: float

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
        elapsed = np.cumsum(self._of(self.purchases, first, longest + 1)) if len(rows) else np.zeros(1)
        begins = longest - observed
        return (
            rows["repeat_purchase_days"].to_numpy(dtype=float),
            elapsed[begins + to_last] - elapsed[begins],
            elapsed[longest] - elapsed[begins],
        )

    def busy_days(self, date: pd.Timestamp, days: int) -> float:
        """How many busy days the ``days`` from a date are."""
        return float(self._of(self.purchases, date, days).sum())

    def purchase_value_factor(self, date: pd.Timestamp, days: int) -> float:
        """How a purchase within the ``days`` from a date usually compares in value with one of the whole year."""
        return float(self._of(self.value, date, days).sum()) / self.busy_days(date, days)

    @staticmethod
    def _of(levels: FloatArray, date: pd.Timestamp, days: int) -> FloatArray:
        return levels[_days_of_year(pd.date_range(date, periods=days))]


def seasonal_clock(daily: pd.DataFrame, date: pd.Timestamp) -> SeasonalClock | None:
    """Estimate the clock from what was known at a date.

    Days of the year are compared after the growth from year to year is taken out, as far as the
    days that were seen twice tell it, smoothed around the year, and drawn towards an even year
    where there were few purchases. Nothing on or after the date is read.

    Parameters
    ----------
    daily : DataFrame indexed by day without gaps
        ``purchase_days`` and ``net_value`` (money) of the whole shop.
    date
        What is known is before it.

    Returns
    -------
    SeasonalClock or None
        None where less than a year is known, or nothing was sold.
    """
    known = daily[daily.index < date]
    if len(known) < YEAR_DAYS or known["purchase_days"].sum() <= 0 or known["net_value"].sum() <= 0:
        return None
    per_day = float(known["purchase_days"].mean())
    believed = per_day / (per_day + _CHANCE_PURCHASE_DAYS)
    growth = _growth(known["purchase_days"].to_numpy(dtype=float))
    purchases, value = (
        1 + believed * (_levels(known[measure], _growth(known[measure].to_numpy(dtype=float))) - 1)
        for measure in ("purchase_days", "net_value")
    )
    return SeasonalClock(purchases, value, growth)


def _growth(amounts: FloatArray) -> float:
    twice = len(amounts) - YEAR_DAYS
    before, after = float(amounts[:twice].sum()), float(amounts[YEAR_DAYS:].sum())
    if before <= 0 or after <= 0:
        return 1.0
    believed = twice / (twice + _BELIEVED_BY_HALF_DAYS)
    return float(np.clip(after / before, *_GROWTH_BOUNDS) ** believed)


def _levels(amounts: pd.Series, growth: float) -> FloatArray:
    """Shape (365,), mean 1, not negative."""
    years_ago = np.arange(len(amounts) - 1, -1, -1) / YEAR_DAYS
    place = _days_of_year(pd.DatetimeIndex(amounts.index))
    level = np.bincount(place, np.asarray(amounts, dtype=float) * growth**years_ago, YEAR_DAYS)
    seen = np.bincount(place, minlength=YEAR_DAYS).astype(float)
    apart = np.arange(YEAR_DAYS)
    kernel = np.exp(-0.5 * (np.minimum(apart, YEAR_DAYS - apart) / _SMOOTHING_DAYS) ** 2)
    around = kernel[(apart[:, None] - apart[None, :]) % YEAR_DAYS]
    smooth = np.maximum(around @ level, 0.0) / (around @ seen)
    return np.asarray(smooth / smooth.mean(), dtype=np.float64)


def _days_of_year(dates: pd.DatetimeIndex) -> NDArray[np.int64]:
    # the last day of a leap year shares the place of the day before
    return np.minimum(dates.day_of_year.to_numpy(dtype=np.int64), YEAR_DAYS) - 1


def _cutoff(rows: pd.DataFrame) -> pd.Timestamp:
    return pd.Timestamp(rows["cutoff_date"].iloc[0])
