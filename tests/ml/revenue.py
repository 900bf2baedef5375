"""Daily series of revenue for the tests of what is odd in one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import pandas as pd


def series(values: Sequence[float | None], start: str = "2011-01-03") -> pd.DataFrame:
    """Revenue of consecutive days: ``date, net_revenue``."""
    return pd.DataFrame({"date": pd.date_range(start, periods=len(values)), "net_revenue": values})


def days_of(values: Sequence[float | None]) -> pd.DataFrame:
    """Days with sales from a Monday on: as :func:`covered`; None is a day without."""
    frame = series(values, start="2024-01-01").assign(is_trading_day=True)
    return covered(frame[frame["net_revenue"].notna()].reset_index(drop=True))


def covered(days: pd.DataFrame) -> pd.DataFrame:
    """Days of a history that is these days, with what dbt says of their weeks (``is_complete_week``)."""
    monday = days["date"] - pd.to_timedelta(days["date"].dt.day_of_week, unit="D")
    first, last = days["date"].min(), days["date"].max()
    return days.assign(is_complete_week=(monday >= first) & (monday + pd.Timedelta(days=6) <= last))


def shop(closed: Collection[date], last: str = "2024-06-30", first: str = "2024-01-01") -> pd.DataFrame:
    """A shop that sells 100 a day, closed on Saturdays and the days that are named."""
    days = [day for day in pd.date_range(first, last) if day.weekday() != 5 and day.date() not in closed]
    return covered(pd.DataFrame({"date": days, "is_trading_day": True, "net_revenue": 100.0}))
