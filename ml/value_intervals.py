"""How far off a customer's forecast may be: an interval of the customer's own.

Belongs here: intervals made of histories, forecasts and what came, and how often they held.
Does not belong here: the forecasts (:mod:`ml.value_competitors`), errors and order
(:mod:`ml.value_holdouts`).

What may come is described for each customer in three parts: the chance of nothing at all, the
usual size of what comes otherwise in proportion to the forecast, and how widely that spreads.
Each depends on the forecast's size, recency, number of purchases, silence against the own gap
between purchases, time known, and value of a purchase, and on the date: hold-outs drift, and the
line drawn through them goes on for one step. The ends are then moved to where they held for
customers of the hold-outs (distributional conformal prediction: Chernozhukov, Wüthrich and Zhu,
PNAS 118(48), 2021), by fifths of the forecast.

Where nothing at all is likelier than a tenth, the interval begins at zero, and all that it may
miss lies above. Where it is likelier than 80 %, any interval that begins at zero holds more than
80 %; the others then aim a little lower, 77 % at the least, so that 80 % of all are held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.value_competitors import MODELS
from ml.value_panel import Forecast

FloatArray = NDArray[np.float64]

INTERVAL_PCT = 80.0
FIFTHS = 5
# What the customers aim at of whom the interval can hold less than nearly all: the first is what
# is promised, the last makes up for those who are held anyway.
_AIMS = (0.80, 0.79, 0.78, 0.77)
# Up to this chance of nothing the interval leaves it out.
_MAX_CHANCE_LEFT_OUT = 0.10
# The ends of fewer customers are not moved: by chance they'd move far.
_MIN_GROUP = 50
# Fewer customers than this don't carry ten coefficients: the forecast alone then.
_MIN_ROWS = 200
# Bounds time; more make the ends no steadier than the months differ.
_MAX_ROWS = 8_000
# Two hold-outs make a line through anything.
_MIN_DATES_FOR_TREND = 3
# In units of one customer: decides nothing but where features say the same.
_RIDGE = 1.0

COVERAGE_COLUMNS = ("cutoff_date", "model", "fifth", "customers", "bought_nothing_pct", "interval_coverage_pct")


class Holdout(NamedTuple):
    """One hold-out, customers in one order.

    Attributes
    ----------
    periods_ago
        When it began.
    rows
        Its customers, columns of ``int_customer_periods``.
    expected, came
        Forecast and outcome, arrays of shape (n,) of one measure: purchase days or money.
    """

    periods_ago: int
    rows: pd.DataFrame
    expected: FloatArray
    came: FloatArray


@dataclass(frozen=True)
class OutcomeIntervals:
    """What may come of a customer, as a function of history and forecast.

    Attributes
    ----------
    middle, width
        Shape (n_features,): subtracted from the features, and divided by.
    chance, size, spread
        Coefficients, shape (n_features,): of the log odds of nothing, of the log of outcome over
        forecast where something comes, of the log of its spread.
    residuals
        Ascending: what that leaves in units of the spread.
    low, high
        Levels of the outcome's distribution at which the ends lie, shape (6,): by fifth of the
        forecast, last those who hardly buy nothing.
    newest_periods_ago
        Of the hold-outs that it was learned from.
    is_whole
        Whether outcomes are counts, so that the ends are.
    """

    middle: FloatArray
    width: FloatArray
    chance: FloatArray
    size: FloatArray
    spread: FloatArray
    residuals: FloatArray
    low: FloatArray
    high: FloatArray
    newest_periods_ago: int
    is_whole: bool

    def around(
        self, rows: pd.DataFrame, expected: FloatArray, periods_ago: float | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper end for each customer; never below zero, and the forecast is within.

        Parameters
        ----------
        rows : DataFrame of shape (n, …)
            All customers of one date, columns of ``int_customer_periods``.
        expected : array of shape (n,)
            Their forecasts, not negative.
        periods_ago
            The date to which hold-outs drifted; by default one step after the newest of them,
            however far ahead now is: a drift is not drawn out further than was tried.

        Returns
        -------
        two arrays of shape (n,), in the unit of the forecast
        """
        ago = self.newest_periods_ago - 1 if periods_ago is None else periods_ago
        features = _features(rows, expected, ago)[:, : len(self.chance)]
        nothing, centre, spread = self._parts(features)
        group = _groups(nothing, expected)
        base = _base(expected)
        ends = []
        for levels in (self.low, self.high):
            among_buyers = (levels[group] - nothing) / (1 - nothing)
            size = base * np.exp(centre + spread * np.interp(among_buyers, _places(self.residuals), self.residuals))
            ends.append(np.where(among_buyers <= 0, 0.0, size))
        low, high = ends
        if self.is_whole:
            low, high = np.ceil(low), np.floor(high)
            return np.minimum(low, np.floor(expected)), np.maximum(high, np.ceil(expected))
        return np.minimum(low, expected), np.maximum(high, expected)

    def _parts(self, features: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        scaled = (features - self.middle) / self.width
        return (
            _logistic(scaled @ self.chance),
            # a history unlike any that was learned from must not run off
            np.clip(scaled @ self.size, -10.0, 10.0),
            np.exp(np.clip(scaled @ self.spread, -10.0, 2.0)),
        )


def fit_intervals(holdouts: Sequence[Holdout], *, is_whole: bool = False) -> OutcomeIntervals | None:
    """Learn from hold-outs how far forecasts were off, customer by customer.

    Parameters
    ----------
    holdouts
        Of one model and measure, each with the customers of its date. Outcomes below zero count
        as nothing.
    is_whole
        Whether outcomes are counts.

    Returns
    -------
    OutcomeIntervals, or None
        None without a hold-out, or where nothing came of those who are learned from.
    """
    if not holdouts:
        return None
    features = np.concatenate([_features(one.rows, one.expected, one.periods_ago) for one in holdouts])
    ratio = np.concatenate([np.maximum(one.came, 0.0) / _base(one.expected) for one in holdouts])
    inside = np.concatenate([one.came <= one.expected for one in holdouts])
    fifth = np.concatenate([_fifths(one.expected) for one in holdouts])
    if len(ratio) > _MAX_ROWS:
        # evenly over hold-outs and customers, both of which are sorted
        kept = np.unique(np.linspace(0, len(ratio) - 1, _MAX_ROWS).astype(np.int64))
        features, ratio, inside, fifth = features[kept], ratio[kept], inside[kept], fifth[kept]
    if not (ratio > 0).any():
        return None
    if len(ratio) < _MIN_ROWS:
        features = features[:, :2]
    elif len({one.periods_ago for one in holdouts}) < _MIN_DATES_FOR_TREND:
        features = features[:, :-1]
    middle, width = features.mean(axis=0), features.std(axis=0)
    middle[0], width[0] = 0.0, 1.0
    width[width < 1e-9] = 1.0
    scaled, buys = (features - middle) / width, ratio > 0
    chance = _logistic_fit(scaled, ~buys)
    size = _least_squares(scaled[buys], np.log(ratio[buys]))
    left = np.log(ratio[buys]) - scaled[buys] @ size
    spread = _least_squares(scaled[buys], np.log(np.abs(left) + 1e-3 * np.abs(left).mean() + 1e-9))
    residuals = np.quantile(left / np.exp(scaled[buys] @ spread), np.linspace(0, 1, 401))
    unmoved = np.zeros(FIFTHS + 1)
    learned = OutcomeIntervals(
        middle, width, chance, size, spread, residuals, unmoved, unmoved,
        min(one.periods_ago for one in holdouts), is_whole,
    )  # fmt: skip
    nothing, centre, scale = learned._parts(features)
    with np.errstate(divide="ignore"):
        place = np.interp((np.log(ratio) - centre) / scale, residuals, _places(residuals))
    level = np.where(buys, nothing + (1 - nothing) * place, 0.0)
    group = np.where(nothing < _MAX_CHANCE_LEFT_OUT, FIFTHS, fifth)
    tried = [_levels(level, group, inside, aim) for aim in _AIMS]
    low, high, _ = min(tried, key=lambda one: abs(one[2] - INTERVAL_PCT / 100))
    return replace(learned, low=low, high=high)


def interval_coverage(
    forecasts: Mapping[int, Mapping[str, Forecast]],
    outcomes: Mapping[int, Forecast],
    rows: Mapping[int, pd.DataFrame],
) -> pd.DataFrame:
    """How often the intervals of money held, each made from the other hold-outs.

    Hold-outs overlap, so that outcomes known before one began come of few others or none; all
    others are taken, as they are for the forecast from now.

    Parameters
    ----------
    forecasts, outcomes
        As :func:`ml.value_holdouts.holdout_errors` takes them.
    rows
        By periods ago: the customers of that date.

    Returns
    -------
    DataFrame
        ``COVERAGE_COLUMNS``: one row per hold-out, model and fifth of its customers by forecast,
        1 the lowest; oldest first. Shares are in per cent. No row for baselines, nor where there
        is no other hold-out.
    """
    found = []
    for model in MODELS:
        holdouts = [
            Holdout(ago, rows[ago], forecasts[ago][model].value, outcomes[ago].value)
            for ago in sorted(forecasts, reverse=True)
            if model in forecasts[ago]
        ]
        for one in holdouts:
            intervals = fit_intervals([other for other in holdouts if other is not one])
            if intervals is None:
                continue
            low, high = intervals.around(one.rows, one.expected, one.periods_ago)
            came, fifth = np.maximum(one.came, 0.0), _fifths(one.expected)
            found.append(
                pd.DataFrame(
                    {
                        "cutoff_date": one.rows["cutoff_date"].iloc[0],
                        "model": model,
                        "fifth": fifth + 1,
                        "customers": 1,
                        "bought_nothing_pct": 100.0 * (came <= 0),
                        "interval_coverage_pct": 100.0 * ((low <= came) & (came <= high)),
                    }
                )
                .groupby(["cutoff_date", "model", "fifth"], as_index=False)
                .agg({"customers": "sum", "bought_nothing_pct": "mean", "interval_coverage_pct": "mean"})
            )
    if not found:
        return pd.DataFrame(columns=list(COVERAGE_COLUMNS))
    return pd.concat(found, ignore_index=True).sort_values(["cutoff_date", "model", "fifth"], ignore_index=True)


def _features(rows: pd.DataFrame, expected: FloatArray, periods_ago: float) -> FloatArray:
    """Shape (n, 10): first a constant and the forecast, last the date."""
    repeats = rows["repeat_purchase_days"].to_numpy(dtype=float)
    observed = rows["observed_days"].to_numpy(dtype=float)
    to_last = rows["days_to_last_purchase"].to_numpy(dtype=float)
    silent = observed - to_last
    # whoever bought once has a gap that is longer than all that was seen
    gap = np.where(repeats > 0, to_last / np.maximum(repeats, 1.0), observed + 30.0)
    per_purchase = np.maximum(rows["net_value"].to_numpy(dtype=float), 0.0) / (repeats + 1)
    base = _base(expected)
    return np.column_stack(
        [
            np.ones(len(rows)),
            np.log(base) - np.log(base.mean()),
            np.log1p(silent),
            np.log1p(repeats),
            np.log1p(observed),
            # a week more, so that a gap of a day is no measure of silence
            np.log1p(silent / (gap + 7.0)),
            np.log(_base(per_purchase)),
            np.log1p(rows["purchase_days_90d"].to_numpy(dtype=float)),
            repeats == 0,
            np.full(len(rows), -float(periods_ago)),
        ]
    )


def _base(amounts: FloatArray) -> FloatArray:
    """Amounts raised by a hundredth of their mean: above zero, for logarithms and ratios."""
    mean = float(amounts.mean()) if len(amounts) else 0.0
    return amounts + (0.01 * mean if mean > 0 else 1.0)


def _fifths(expected: FloatArray) -> NDArray[np.int64]:
    """0 to 4, the highest last; equal forecasts stay together."""
    borders = np.quantile(expected, np.arange(1, FIFTHS) / FIFTHS)
    return np.searchsorted(borders, expected, side="right")


def _groups(nothing: FloatArray, expected: FloatArray) -> NDArray[np.int64]:
    return np.where(nothing < _MAX_CHANCE_LEFT_OUT, FIFTHS, _fifths(expected))


def _levels(
    level: FloatArray, group: NDArray[np.int64], inside: NDArray[np.bool_], aim: float
) -> tuple[FloatArray, FloatArray, float]:
    """Levels of both ends by group, and the share of customers that such ends hold."""
    tail = (1 - aim) / 2
    low = np.append(np.zeros(FIFTHS), tail)
    high = np.append(np.full(FIFTHS, aim), 1 - tail)
    for one in range(FIFTHS + 1):
        own = level[group == one]
        if len(own) < _MIN_GROUP:
            continue
        # (n + 1) instead of n: the finite-sample correction of conformal prediction
        more = 1 + 1 / len(own)
        high[one] = np.quantile(own, min(1.0, high[one] * more), method="higher")
        low[one] = np.quantile(own, 1 - min(1.0, (1 - low[one]) * more), method="lower") if low[one] > 0 else 0.0
    within = (low[group] <= level) & (level <= high[group])
    # the forecast is always within, and what lies between it and zero where the interval begins there
    return low, high, float((within | (inside & (group < FIFTHS))).mean())


def _places(values: FloatArray) -> FloatArray:
    return np.linspace(0.0, 1.0, len(values))


def _logistic(odds: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-np.clip(odds, -15.0, 15.0)))


def _logistic_fit(features: FloatArray, happened: NDArray[np.bool_]) -> FloatArray:
    """Ridge logistic regression by Newton's method; the constant, first, is free."""
    ridge = _RIDGE * np.eye(features.shape[1])
    ridge[0, 0] = 1e-6
    found = np.zeros(features.shape[1])
    for _ in range(25):
        chance = _logistic(features @ found)
        slope = features.T @ (happened - chance) - ridge @ found
        curvature = (features * (chance * (1 - chance))[:, None]).T @ features + ridge
        step = np.clip(np.linalg.solve(curvature, slope), -5.0, 5.0)
        found += step
        if np.abs(step).max() < 1e-8:
            break
    return np.clip(found, -50.0, 50.0)


def _least_squares(features: FloatArray, target: FloatArray) -> FloatArray:
    ridge = _RIDGE * np.eye(features.shape[1])
    ridge[0, 0] = 1e-6
    return np.asarray(np.linalg.solve(features.T @ features + ridge, features.T @ target), dtype=np.float64)
