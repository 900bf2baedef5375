"""Hold-outs: forecasts made as of past dates, compared with what came, and who did best.

Belongs here: how long a hold-out is and where it begins, errors of every competitor, order
(rank correlation, top decile), the rule that names a winner. Does not belong here: what is
forecast (:mod:`ml.value_competitors`), what came (:mod:`ml.value_panel`), how far off a single
customer's forecast may be (:mod:`ml.value_intervals`).

A hold-out goes back to a past date, forecasts from what was known then, and compares with what
came. The dates are 30 days apart and their hold-outs overlap: a run of good luck in one month is
in several of them. What is compared is purchase days and money net of returns as booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.value_boosting import MIN_HISTORY_DAYS, PERIOD_DAYS, training_periods
from ml.value_competitors import MIN_TRAINING_DATES, MODELS, PREFERENCE
from ml.value_panel import CustomerPanel, Forecast
from ml.value_season import YEAR_DAYS

FloatArray = NDArray[np.float64]

# A hold-out takes at most this share of the history: the rest has to teach something.
MAX_HOLDOUT_SHARE = 0.25
MAX_ORIGINS = 6
# A first Christmas that no model could know of makes errors that say nothing of the models of a
# shop that had one; from three hold-outs on there are enough without.
MIN_SEASONAL_ORIGINS = 3
# Fewer customers at a date make its figures an anecdote.
MIN_CUSTOMERS = 30

HOLDOUT_COLUMNS = (
    "cutoff_date",
    "model",
    "holdout_days",
    "kind",
    "customers",
    "mae_purchases",
    "mae_value",
    "actual_purchases",
    "predicted_purchases",
    "actual_value",
    "predicted_value",
    "total_error_pct",
    "spearman",
    "top_decile_capture_pct",
    "interval_coverage_pct",
    "is_winner",
)


def holdout_periods(history_days: int, horizon_days: int) -> int:
    """How many periods of 30 days a hold-out takes.

    The horizon, rounded down to whole periods (one at least), but never more than a quarter of
    the history. 0 when a quarter of the history is less than a period: no hold-out then.

    Parameters
    ----------
    history_days
        From the first sale to now.
    horizon_days
        How far ahead the forecast from now is to reach.
    """
    wanted = max(1, horizon_days // PERIOD_DAYS)
    return min(wanted, int(history_days * MAX_HOLDOUT_SHARE) // PERIOD_DAYS)


def holdout_origins(panel: CustomerPanel, length_periods: int) -> list[int]:
    """Dates to forecast from, newest first, as periods ago.

    At most six, and only as far back as a year was known, so that the season takes part, if that
    leaves three; else as far back as gradient boosting can still take part; when it nowhere can,
    as far back as there is enough to fit BG/NBD on.

    Parameters
    ----------
    panel
        Its dates are tried.
    length_periods
        Of a hold-out, as :func:`holdout_periods` has it; 0 gives no date.
    """
    if not length_periods:
        return []
    usable = [
        ago
        for ago in sorted(panel.by_date)
        if ago >= length_periods
        and (panel.dates[ago] - panel.first_date).days >= max(MIN_HISTORY_DAYS, length_periods * PERIOD_DAYS)
        and len(panel.by_date[ago]) >= MIN_CUSTOMERS
    ]
    boostable = [
        ago
        for ago in usable
        if len(training_periods(panel.dates, panel.first_date, ago, length_periods)) >= MIN_TRAINING_DATES
    ]
    seasonal = [ago for ago in boostable if (panel.dates[ago] - panel.first_date).days >= YEAR_DAYS]
    return (seasonal if len(seasonal) >= MIN_SEASONAL_ORIGINS else boostable or usable)[:MAX_ORIGINS]


def holdout_errors(
    dates: Mapping[int, pd.Timestamp],
    forecasts: Mapping[int, Mapping[str, Forecast]],
    outcomes: Mapping[int, Forecast],
    length_periods: int,
) -> pd.DataFrame:
    """Compare every forecast with what came.

    Parameters
    ----------
    dates
        By periods ago: the date.
    forecasts
        By periods ago and name of the model or baseline.
    outcomes
        By periods ago, customers in the order of the forecasts.
    length_periods
        Of a hold-out, periods of 30 days.

    Returns
    -------
    DataFrame
        ``HOLDOUT_COLUMNS`` and ``origin`` (periods ago): one row per hold-out and competitor,
        oldest first. Errors are means over customers, in purchase days and money;
        ``total_error_pct`` is of the sum over customers, above zero where too much was
        forecast, NaN where the sum that came is not above zero. ``interval_coverage_pct`` (NaN) and ``is_winner``
        (False) are for the caller to fill.
    """
    rows: list[dict[str, Any]] = []
    for origin in sorted(forecasts, reverse=True):
        came = outcomes[origin]
        total = float(came.value.sum())
        for model in PREFERENCE:
            if model not in forecasts[origin]:
                continue
            expected = forecasts[origin][model]
            rows.append(
                {
                    "cutoff_date": dates[origin],
                    "model": model,
                    "holdout_days": length_periods * PERIOD_DAYS,
                    "kind": "model" if model in MODELS else "baseline",
                    "customers": len(came.value),
                    "mae_purchases": float(np.abs(expected.purchases - came.purchases).mean()),
                    "mae_value": float(np.abs(expected.value - came.value).mean()),
                    "actual_purchases": float(came.purchases.sum()),
                    "predicted_purchases": float(expected.purchases.sum()),
                    "actual_value": total,
                    "predicted_value": float(expected.value.sum()),
                    "total_error_pct": 100 * (float(expected.value.sum()) / total - 1) if total > 0 else np.nan,
                    "spearman": rank_correlation(expected.value, came.value),
                    "top_decile_capture_pct": top_decile_capture_pct(expected.value, came.value),
                    "interval_coverage_pct": np.nan,
                    "is_winner": False,
                    "origin": origin,
                }
            )
    return pd.DataFrame(rows, columns=[*HOLDOUT_COLUMNS, "origin"])


def rank_correlation(expected: FloatArray, came: FloatArray) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where either is the same for all.

    Parameters
    ----------
    expected, came : arrays of shape (n,)

    Returns
    -------
    float, -1 to 1
    """
    one, other = pd.Series(expected).rank(), pd.Series(came).rank()
    if one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(one.corr(other))


def top_decile_capture_pct(expected: FloatArray, came: FloatArray) -> float:
    """Share of what came, 0 to 100, that the tenth of customers with the highest forecasts brought.

    Customers of equal forecasts at the border count with their mean, so that row order decides
    nothing. Outcomes below zero count as zero. NaN when nothing came.

    Parameters
    ----------
    expected, came : arrays of shape (n,)
        Of customers; purchase days or money.
    """
    spent = np.maximum(came, 0.0)
    if spent.sum() <= 0:
        return float("nan")
    places = max(1, len(expected) // 10)
    border = np.sort(expected)[-places]
    above, level = expected > border, expected == border
    captured = spent[above].sum() + spent[level].mean() * (places - above.sum())
    # sums in another order can be a last bit more than the whole
    return float(min(100.0, 100 * captured / spent.sum()))


def choose_winner(errors: pd.DataFrame) -> str:
    """Name the model that did best on the hold-outs.

    On every hold-out that all competitors took part in, three things are asked: how wrong the
    value of a customer is (mean absolute error), how wrong the total is (absolute error), and
    how right the order is (Spearman; a forecast that is the same for all orders nobody and
    comes last). Each competitor is ranked by its mean over the hold-outs in each of the three,
    and the lowest mean rank wins. Of equals the simpler wins: BG/NBD before the seasonal clock
    before boosting, models before baselines. A model competes if it could be fitted on at least
    half of the hold-outs, and on two where there are two: all others are judged by the
    hold-outs that it shares with them.

    Parameters
    ----------
    errors : DataFrame
        ``cutoff_date, model, mae_value, total_error_pct, spearman``.

    Returns
    -------
    str
        One of the models or baselines.

    Raises
    ------
    ValueError
        If there is no hold-out.
    """
    if errors.empty:
        raise ValueError("there is no hold-out to choose by")
    cutoffs = errors.groupby("model")["cutoff_date"].nunique()
    most = int(cutoffs.max())
    enough = max(min(2, most), (most + 1) // 2)
    competing = errors[errors["model"].isin(cutoffs.index[cutoffs >= enough])]
    shared = competing.groupby("cutoff_date")["model"].nunique()
    shared = shared[shared == competing["model"].nunique()]
    if not shared.empty:
        competing = competing[competing["cutoff_date"].isin(shared.index)]
    means = competing.assign(
        value=competing["mae_value"], total=competing["total_error_pct"].abs(), order=-competing["spearman"]
    ).groupby("model")[["value", "total", "order"]]
    # rounded, so that the last bits of a sum decide nothing; unknown comes last
    ranks = means.mean().round(9).fillna(np.inf).rank(method="min").mean(axis=1)
    return min(ranks.index, key=lambda model: (ranks[model], PREFERENCE.index(model)))
