"""Customers as they were at past dates, and what the time from then brought.

Belongs here: the panel by date, a customer's outcome over whole periods, the shop's days, and
the pair of figures that outcomes and forecasts both are. Does not belong here: how the rows
come about (SQL, ``int_customer_periods``), which dates are hold-outs
(:mod:`ml.value_holdouts`), forecasts (:mod:`ml.value_competitors`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Forecast(NamedTuple):
    """Purchase days and net value of each customer: to expect, or, as an outcome, that came.

    Attributes
    ----------
    purchases
        Purchase days, shape (n_customers,).
    value
        Money net of returns, shape (n_customers,); an outcome may be below zero.
    """

    purchases: FloatArray
    value: FloatArray


@dataclass(frozen=True)
class CustomerPanel:
    """Customers at past dates, and the whole shop's days.

    Attributes
    ----------
    by_date
        By periods ago (0 is now): one row per customer of that date, columns of
        ``int_customer_periods``, ascending by ``customer_id``, index from 0.
    dates
        By periods ago: the date.
    daily
        ``purchase_days, net_value`` (money) of all customers together, by day without gaps,
        from the first sale to the day before the newest date.
    places
        By periods ago: where the customers of ``by_date`` stand in ``coming``.
    coming
        Two arrays of shape (n_periods, n_customers): purchase days and net value (money) of the
        30 days from that many periods ago; NaN where a customer is not in the panel.
    """

    by_date: Mapping[int, pd.DataFrame]
    dates: Mapping[int, pd.Timestamp]
    daily: pd.DataFrame
    places: Mapping[int, IntArray]
    coming: Forecast

    @property
    def first_date(self) -> pd.Timestamp:
        """Day of the first sale."""
        return pd.Timestamp(self.daily.index[0])

    @property
    def history_days(self) -> int:
        """Days from the first sale to the newest date."""
        return int((self.dates[0] - self.first_date).days)

    def outcome(self, periods_ago: int, length_periods: int) -> Forecast:
        """What the periods from a date brought from each customer of that date.

        Parameters
        ----------
        periods_ago
            The date; at least ``length_periods``, or not all of it has come yet.
        length_periods
            Periods of 30 days.

        Returns
        -------
        Forecast
            Arrays of shape (customers of that date,), in the order of ``by_date``.

        Raises
        ------
        KeyError
            If the panel lacks the date, or one of the periods from it.
        """
        periods = periods_ago - np.arange(length_periods, dtype=np.int64)
        if not all(ago > 0 and ago in self.by_date for ago in periods.tolist()):
            raise KeyError(f"the {length_periods} periods from {periods_ago} periods ago are not all in the panel")
        # period by period, so that the last bits don't depend on how many there are
        return Forecast(*(np.nansum(one[np.ix_(periods, self.places[periods_ago])], axis=0) for one in self.coming))


def customer_panel(periods: pd.DataFrame, daily: pd.DataFrame) -> CustomerPanel:
    """Sort the periods by date and customer, and fill the shop's days.

    Parameters
    ----------
    periods : DataFrame, columns of ``int_customer_periods``, in any order
        One row per customer and date, the newest date as ``periods_ago`` 0.
    daily : DataFrame of shape (n_days, 3)
        ``date, purchase_days, net_value`` of all customers together; days without may lack.

    Raises
    ------
    ValueError
        If the newest date has no customer, or a customer repeats within a date.
    """
    ago = periods["periods_ago"].to_numpy(dtype=np.int64)
    # one sort of the customers, not of their rows: text is slow to compare
    place, customers = pd.factorize(periods["customer_id"], sort=True)
    order = np.lexsort((place, ago))
    ordered, ago, place = periods.iloc[order], ago[order], place[order]
    if not (ago == 0).any():
        raise ValueError("there is no customer to value")
    if ((np.diff(ago) == 0) & (np.diff(place) == 0)).any():
        raise ValueError("a customer stands twice in one period")
    begins = {int(one): slice(*np.searchsorted(ago, (one, one + 1))) for one in np.unique(ago)}
    by_date = {one: ordered.iloc[rows].reset_index(drop=True) for one, rows in begins.items()}
    days = daily.set_index(pd.DatetimeIndex(daily["date"]))[["purchase_days", "net_value"]].astype(float).sort_index()
    dates = {one: pd.Timestamp(rows["cutoff_date"].iloc[0]) for one, rows in by_date.items()}
    every_day = pd.date_range(days.index[0], dates[0] - pd.Timedelta(days=1))
    coming = Forecast(*(np.full((int(ago[-1]) + 1, len(customers)), np.nan) for _ in Forecast._fields))
    for came, column in zip(coming, ("purchase_days_next_30d", "net_value_next_30d"), strict=True):
        came[ago, place] = ordered[column].to_numpy(dtype=float, na_value=np.nan)
    return CustomerPanel(
        by_date=by_date,
        dates=dates,
        daily=days.reindex(every_day, fill_value=0.0),
        places={one: place[rows] for one, rows in begins.items()},
        coming=coming,
    )


def mean_purchase_value(rows: pd.DataFrame) -> FloatArray:
    """Mean net value of the purchase days after the first; NaN without one.

    Parameters
    ----------
    rows : DataFrame of shape (n, …)
        Customers of one date, columns of ``int_customer_periods``.

    Returns
    -------
    array of shape (n,), money; zero or less where as much came back
    """
    repeats = rows["repeat_purchase_days"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(repeats > 0, rows["repeat_net_value"].to_numpy(dtype=float) / repeats, np.nan)
