"""A series of revenue as the anomaly models read it: checked, and cut into days and weeks.

Belongs here: what a daily series must fulfil, days as numbers, which weeks are complete
and what they add up to. Does not belong here: what is to be expected of a period
(:mod:`ml.anomaly_expectations`), on which days a sale is missing (:mod:`ml.silences`),
which lines make up revenue and which days are trading days (both are SQL).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# A year back by whole weeks, so that weekdays meet weekdays.
YEAR_DAYS = 364


def checked_dates(daily: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """Read the dates of a daily series and refuse what can't be put in order.

    Parameters
    ----------
    daily : DataFrame of shape (n_days, n_columns)
        ``date``, of any kind that pandas reads as one.
    columns
        Names that must be there.

    Returns
    -------
    Series of shape (n_days,)
        The dates as datetime64[us], numbered from 0.

    Raises
    ------
    ValueError
        If a column is missing, there is no row, or dates are missing, repeat or are out
        of order.
    """
    missing = [name for name in columns if name not in daily.columns]
    if missing:
        raise ValueError(f"the daily series lacks {', '.join(missing)}; it has {', '.join(map(str, daily.columns))}")
    if daily.empty:
        raise ValueError("there is no trading day to score: the daily series is empty")
    dates = pd.to_datetime(daily["date"]).astype("datetime64[us]").reset_index(drop=True)
    if dates.isna().any():
        raise ValueError(f"{int(dates.isna().sum())} rows of the daily series have no date")
    steps = dates.diff().iloc[1:]
    if (steps <= pd.Timedelta(0)).any():
        first = dates.iloc[1:][steps <= pd.Timedelta(0)].iloc[0]
        raise ValueError(f"dates must ascend without repeats; {first:%Y-%m-%d} does not follow the day before it")
    return dates


def checked_money(daily: pd.DataFrame, dates: pd.Series) -> np.ndarray:
    """Read the revenue of a daily series and refuse what can't be added up.

    Parameters
    ----------
    daily : DataFrame of shape (n_days, n_columns)
        ``net_revenue`` (shop's currency; floats or decimals).
    dates : Series of shape (n_days,)
        As :func:`checked_dates` reads them; named where revenue is refused.

    Returns
    -------
    ndarray of shape (n_days,)
        Revenue as float64, in the shop's currency.

    Raises
    ------
    ValueError
        If revenue is missing or infinite.
    """
    revenue = daily["net_revenue"].astype(float).to_numpy(dtype=np.float64)
    if not np.isfinite(revenue).all():
        first = dates[~np.isfinite(revenue)].iloc[0]
        raise ValueError(f"revenue is missing or infinite on {first:%Y-%m-%d}")
    return revenue


def complete_weeks(days: pd.DataFrame) -> pd.DataFrame:
    """Add up the complete weeks that have a trading day.

    Weeks run from Monday to Sunday.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 4)
        ``date`` (ascending; every day with a line), ``is_trading_day``,
        ``net_revenue`` (shop's currency) and ``is_complete_week`` (whether the history
        covers the whole of the day's week).

    Returns
    -------
    DataFrame of shape (n_weeks, 3), by date
        ``date`` (the week's Monday), ``net_revenue`` (of all its days, shop's currency),
        ``trading_days`` (how many, as float, at least 1).

    Raises
    ------
    ValueError
        As :func:`checked_dates` and :func:`checked_money`.
    """
    dates = checked_dates(days, ("date", "is_trading_day", "net_revenue", "is_complete_week"))
    revenue = checked_money(days, dates)
    frame = pd.DataFrame(
        {
            "date": mondays(dates),
            "net_revenue": revenue,
            "trading_days": days["is_trading_day"].to_numpy(dtype=bool).astype(np.float64),
        }
    )[days["is_complete_week"].to_numpy(dtype=bool)]
    weeks = frame.groupby("date", as_index=False, sort=True).sum()
    return weeks[weeks["trading_days"] > 0].reset_index(drop=True)


def mondays(dates: pd.Series) -> pd.Series:
    """Name the week of each date by its Monday.

    Parameters
    ----------
    dates : Series of datetime64 of shape (n_days,)
        In any order.

    Returns
    -------
    Series of shape (n_days,)
        The last Monday on or before each date.
    """
    return dates - pd.to_timedelta(dates.dt.day_of_week, unit="D")


def day_numbers(dates: pd.Series) -> np.ndarray:
    """Count days since 1970-01-01, which was a Thursday.

    Parameters
    ----------
    dates : Series of datetime64 of shape (n_days,)
        Without missing ones.

    Returns
    -------
    ndarray of int64 of shape (n_days,)
    """
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)
