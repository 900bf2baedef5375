"""Daily series of revenue for the tests of what is odd in one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    """Days of a history that is these days, with what dbt says of them: each is over, and so are whole weeks."""
    monday = days["date"] - pd.to_timedelta(days["date"].dt.day_of_week, unit="D")
    first, last = days["date"].min(), days["date"].max()
    return days.assign(
        is_complete_day=True,
        is_complete_week=(monday >= first) & (monday + pd.Timedelta(days=6) <= last),
    )


def special_days(
    *, holidays: Mapping[str, str] = {}, closures: Mapping[str, str] = {}, promotions: Mapping[str, str] = {}
) -> pd.DataFrame:
    """What the calendar says, each by date; of a day that it says nothing of there is no row."""
    dates = sorted({*holidays, *closures, *promotions})
    return pd.DataFrame(
        {
            "date": pd.to_datetime(pd.Series(dates, dtype="str")),
            "holiday_name": [holidays.get(day) for day in dates],
            "closure_reason": [closures.get(day) for day in dates],
            "promotion_name": [promotions.get(day) for day in dates],
        }
    )


def shop(closed: Collection[date], last: str = "2024-06-30", first: str = "2024-01-01") -> pd.DataFrame:
    """A shop that sells 100 a day, closed on Saturdays and the days that are named."""
    days = [day for day in pd.date_range(first, last) if day.weekday() != 5 and day.date() not in closed]
    return covered(pd.DataFrame({"date": days, "is_trading_day": True, "net_revenue": 100.0}))
