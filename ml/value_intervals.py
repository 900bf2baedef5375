"""How far off a customer's forecast may be: intervals that held on the hold-outs.

Belongs here: intervals made of forecasts and what came, and how often they held. Does not
belong here: the forecasts (:mod:`ml.value_competitors`), errors and order
(:mod:`ml.value_holdouts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.value_competitors import MODELS
from ml.value_panel import Forecast

FloatArray = NDArray[np.float64]

INTERVAL_PCT = 80.0
# Customers of a like forecast share an interval; each group has at least this many outcomes.
_INTERVAL_GROUPS = 10
_MIN_GROUP = 100


class IntervalRatios(NamedTuple):
    """Quantiles of outcome over forecast, by size of forecast.

    Attributes
    ----------
    borders
        Ascending forecasts, shape (n_groups - 1,); a forecast on a border belongs above it.
    low, high
        Outcome over forecast, shape (n_groups,), not negative.
    """

    borders: FloatArray
    low: FloatArray
    high: FloatArray

    def around(self, forecast: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper end for each forecast, in its unit; the forecast is never outside.

        Parameters
        ----------
        forecast : array of shape (n,)
            Purchase days or money, whichever the ratios were made of; not negative.

        Returns
        -------
        two arrays of shape (n,)
        """
        group = np.searchsorted(self.borders, forecast, side="right")
        low, high = forecast * self.low[group], forecast * self.high[group]
        return np.minimum(low, forecast), np.maximum(high, forecast)


def interval_ratios(holdouts: list[tuple[Forecast, Forecast]]) -> tuple[IntervalRatios, IntervalRatios] | None:
    """Split-conformal intervals (Lei et al., JASA 113(523), 2018), by groups of like forecast.

    Within a group of customers whose forecasts were of like size, 10 % got less than the lower
    ratio of outcome to forecast, and 10 % more than the higher. Where more than 10 % bought
    nothing at all the interval begins at zero, and all that it may miss lies above: 20 %.

    Parameters
    ----------
    holdouts
        Forecast and outcome of each hold-out, customers in one order within each.

    Returns
    -------
    tuple of IntervalRatios, or None
        Of purchase days and of money; None without a hold-out.
    """
    if not holdouts:
        return None
    return (
        _ratios(
            np.concatenate([one.purchases for one, _ in holdouts]),
            np.concatenate([came.purchases for _, came in holdouts]),
        ),
        _ratios(
            np.concatenate([one.value for one, _ in holdouts]), np.concatenate([came.value for _, came in holdouts])
        ),
    )


def interval_coverages_pct(
    errors: pd.DataFrame, forecasts: Mapping[int, Mapping[str, Forecast]], outcomes: Mapping[int, Forecast]
) -> list[float]:
    """Per row: share of customers whose value fell into the interval made from the other hold-outs.

    Parameters
    ----------
    errors : DataFrame
        Rows of :func:`ml.value_holdouts.holdout_errors`; ``origin`` and ``model`` are read.
    forecasts, outcomes
        As there.

    Returns
    -------
    list of float, 0 to 100
        In the order of the rows; NaN for baselines, and where there is no other hold-out.
    """
    found = []
    for origin, model in zip(errors["origin"], errors["model"], strict=True):
        others = [
            (forecasts[other][model], outcomes[other])
            for other in forecasts
            if other != origin and model in forecasts[other]
        ]
        intervals = interval_ratios(others) if model in MODELS else None
        if intervals is None:
            found.append(float("nan"))
            continue
        low, high = intervals[1].around(forecasts[origin][model].value)
        came = np.maximum(outcomes[origin].value, 0.0)
        found.append(float(100 * ((came >= low) & (came <= high)).mean()))
    return found


def _ratios(expected: FloatArray, came: FloatArray) -> IntervalRatios:
    positive = expected > 0
    expected, came = expected[positive], came[positive]
    groups = int(np.clip(len(expected) // _MIN_GROUP, 1, _INTERVAL_GROUPS))
    if not len(expected):
        return IntervalRatios(np.empty(0), np.ones(1), np.ones(1))
    borders = np.unique(np.quantile(expected, np.arange(1, groups) / groups)) if groups > 1 else np.empty(0)
    group = np.searchsorted(borders, expected, side="right")
    ratios = came / expected
    tail = (1 - INTERVAL_PCT / 100) / 2
    low, high = np.ones(len(borders) + 1), np.ones(len(borders) + 1)
    for one in range(len(borders) + 1):
        inside = ratios[group == one]
        if not len(inside):
            continue
        # (n + 1) instead of n: the finite-sample correction of conformal prediction
        correction = 1 + 1 / len(inside)
        low[one] = np.quantile(inside, 1 - min(1.0, (1 - tail) * correction), method="lower")
        above = tail if low[one] > 0 else 2 * tail
        high[one] = np.quantile(inside, min(1.0, (1 - above) * correction), method="higher")
    return IntervalRatios(borders, np.maximum(low, 0.0), np.maximum(high, 0.0))
