"""Odd trading days: revenue against the trading days just before.

Belongs here: scoring and flagging a daily series. Does not belong here: which lines
make up revenue, which days are trading days (both are SQL), what drove a flag.

The series should be net of returns as they are booked: an order cancelled the same day
leaves no spike, and a return that comes weeks later changes its own day, never the score
of the day of the sale.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# A window without any spread can't say how odd a different day is. It scores this much,
# and nothing scores more, so that scores stay finite numbers.
MAX_SCORE = 1000.0


def score_daily_revenue(
    daily: pd.DataFrame, *, window_days: int = 28, threshold: float = 3.0, series: str = "total"
) -> pd.DataFrame:
    """Score each trading day's revenue against the trading days before it.

    A day is never compared with itself or with later days, and its score is computed
    from its window alone, so a longer history does not rewrite old scores.

    Parameters
    ----------
    daily : DataFrame of shape (n_days, 2)
        ``date`` (ascending, trading days only) and ``net_revenue`` (shop's currency).
    window_days
        How many trading days before a day it is compared with, at least 2. Days with
        fewer before them are not scored.
    threshold
        Standard deviations from the mean at which a day is odd; above 0.
    series
        Name of the series, copied to every row.

    Returns
    -------
    DataFrame of shape (max(0, n_days - window_days), 9), by date
        ``series, date, actual, expected`` (mean of the window), ``spread`` (its sample
        standard deviation), ``score`` ((actual - expected) / spread, capped at
        ``MAX_SCORE`` either way), ``direction`` (``spike``, ``drop``, or null where the
        day is not odd), ``window_days, threshold``. Money in the shop's currency.

    Raises
    ------
    ValueError
        If there is no day, a column is missing, dates are missing, repeat or are out of
        order, revenue is missing or infinite, or a parameter is out of range.
    """
    if window_days < 2:
        raise ValueError(f"window_days is {window_days}; a spread needs at least 2 days")
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold}; it must be above 0")
    dates, revenue = _checked(daily)

    scored = max(0, len(revenue) - window_days)
    if scored:
        # one window per scored day, ending the day before it
        windows = np.lib.stride_tricks.sliding_window_view(revenue, window_days)[:scored]
        expected = windows.mean(axis=1)
        spread = windows.std(axis=1, ddof=1)
    else:
        expected = spread = np.empty(0)
    actual = revenue[window_days:]
    difference = actual - expected
    # Rounding leaves a difference and a spread of about 1e-16 of the mean on a constant series.
    noise = 1e-9 * np.maximum(1.0, np.abs(expected))
    is_flat = spread <= noise
    score = np.divide(difference, spread, out=np.zeros_like(difference), where=~is_flat)
    score = np.where(is_flat & (np.abs(difference) > noise), np.sign(difference) * MAX_SCORE, score)
    score = np.clip(score, -MAX_SCORE, MAX_SCORE)
    direction = ["spike" if value >= threshold else "drop" if value <= -threshold else None for value in score]
    return pd.DataFrame(
        {
            "series": pd.array([series] * scored, dtype="str"),
            "date": dates.iloc[window_days:].reset_index(drop=True),
            "actual": actual,
            "expected": expected,
            "spread": np.where(is_flat, 0.0, spread),
            "score": score,
            "direction": pd.array(direction, dtype="str"),
            "window_days": np.full(scored, window_days, dtype=np.int32),
            "threshold": np.full(scored, float(threshold)),
        }
    )


def flag_revenue_anomalies(
    daily: pd.DataFrame, *, window_days: int = 28, threshold: float = 3.0, series: str = "total"
) -> pd.DataFrame:
    """Keep the odd days of :func:`score_daily_revenue`, as ``ml.revenue_anomalies`` has them.

    Parameters, errors and units are those of :func:`score_daily_revenue`.

    Returns
    -------
    DataFrame of shape (n_flags, 8), by date
        ``series, date, actual, expected, score, direction, window_days, threshold``.
        No row where no day is odd, or none has enough days before it.
    """
    scored = score_daily_revenue(daily, window_days=window_days, threshold=threshold, series=series)
    odd = scored[scored["direction"].notna()].reset_index(drop=True)
    return odd[["series", "date", "actual", "expected", "score", "direction", "window_days", "threshold"]]


def _checked(daily: pd.DataFrame) -> tuple[pd.Series, np.ndarray]:
    missing = [name for name in ("date", "net_revenue") if name not in daily.columns]
    if missing:
        raise ValueError(f"the daily series lacks {', '.join(missing)}; it has {', '.join(map(str, daily.columns))}")
    if daily.empty:
        raise ValueError("there is no trading day to score: the daily series is empty")
    dates = pd.to_datetime(daily["date"])
    if dates.isna().any():
        raise ValueError(f"{int(dates.isna().sum())} rows of the daily series have no date")
    steps = dates.diff().iloc[1:]
    if (steps <= pd.Timedelta(0)).any():
        first = dates.iloc[1:][steps <= pd.Timedelta(0)].iloc[0]
        raise ValueError(f"dates must ascend without repeats; {first:%Y-%m-%d} does not follow the day before it")
    revenue = daily["net_revenue"].astype(float).to_numpy(dtype=np.float64)
    if not np.isfinite(revenue).all():
        first = dates[~np.isfinite(revenue)].iloc[0]
        raise ValueError(f"revenue is missing or infinite on {first:%Y-%m-%d}")
    return dates, revenue
