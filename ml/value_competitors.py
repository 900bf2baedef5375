"""Who competes to say what customers will bring: two models and three baselines, at a date.

Belongs here: their names, what each forecasts for the customers of a date from what was known
then, what stands in where one can't be fitted. Does not belong here: the models themselves
(:mod:`ml.bg_nbd`, :mod:`ml.gamma_gamma`, :mod:`ml.value_boosting`), at which dates they compete
and who wins (:mod:`ml.value_holdouts`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.bg_nbd import BgNbdModel, fit_bg_nbd
from ml.gamma_gamma import GammaGammaModel, fit_gamma_gamma
from ml.value_boosting import (
    PERIOD_DAYS,
    TooLittleToLearnError,
    ValueBooster,
    fit_value_booster,
    proportional_forecast,
    training_periods,
)
from ml.value_panel import CustomerPanel, Forecast, mean_purchase_value

FloatArray = NDArray[np.float64]

BG_NBD, BOOSTING = "bg_nbd_gamma_gamma", "gradient_boosting"
SAME_RATE, PAST_SPEND, ZERO = "same_rate", "past_spend", "zero"
MODELS = (BG_NBD, BOOSTING)
BASELINES = (SAME_RATE, PAST_SPEND, ZERO)
# Of equals the simpler wins.
PREFERENCE = (BG_NBD, BOOSTING, PAST_SPEND, SAME_RATE, ZERO)

# Boosting learns from at least this many past dates, or it learns one season by heart.
MIN_TRAINING_DATES = 2


@dataclass(frozen=True)
class Textbook:
    """BG/NBD and Gamma-Gamma at one date; either may be missing, with the reason.

    Attributes
    ----------
    bg_nbd, gamma_gamma
        None where the histories have nothing to fit it on.
    warnings
        Why one is missing, one sentence each.
    mean_purchase_value
        Money, of all repeat purchases together; stands in where Gamma-Gamma has no answer.
    """

    bg_nbd: BgNbdModel | None
    gamma_gamma: GammaGammaModel | None
    warnings: tuple[str, ...]
    mean_purchase_value: float

    def p_alive(self, rows: pd.DataFrame) -> FloatArray:
        """Probability that a customer is still active, shape (n,), 0 to 1; 1 without BG/NBD."""
        if self.bg_nbd is None:
            return np.ones(len(rows))
        return self.bg_nbd.p_alive(*_histories(rows))

    def purchase_value(self, rows: pd.DataFrame) -> FloatArray:
        """Money to expect of a purchase day, shape (n,), finite."""
        repeats = rows["repeat_purchase_days"].to_numpy(dtype=float)
        if self.gamma_gamma is None:
            return np.full(len(rows), self.mean_purchase_value)
        expected = self.gamma_gamma.expected_value(repeats, mean_purchase_value(rows))
        return np.where(np.isfinite(expected), expected, self.mean_purchase_value)

    def forecast(self, rows: pd.DataFrame, days: int) -> Forecast | None:
        """What the next ``days`` will bring from each customer; None without BG/NBD."""
        if self.bg_nbd is None:
            return None
        purchases = self.bg_nbd.expected_purchases(*_histories(rows), horizon=days)
        return Forecast(purchases, purchases * self.purchase_value(rows))


def fit_textbook(rows: pd.DataFrame) -> Textbook:
    """Fit BG/NBD and Gamma-Gamma to the customers of one date.

    Parameters
    ----------
    rows : DataFrame of shape (n, …)
        All customers of the date, columns of ``int_customer_periods``.

    Raises
    ------
    ValueError
        If a history is impossible (:func:`ml.bg_nbd.fit_bg_nbd`).
    """
    repeats = rows["repeat_purchase_days"].to_numpy(dtype=float)
    repeat_value = float(rows["repeat_net_value"].sum())
    pooled = max(repeat_value, 0.0) / repeats.sum() if repeats.any() else 0.0
    if not repeats.any():
        nobody = "Nobody bought a second time, so no model can say what to expect: expected purchases and value are 0."
        return Textbook(None, None, (nobody,), pooled)
    bg_nbd = fit_bg_nbd(*_histories(rows))
    means = mean_purchase_value(rows)
    if (means[repeats > 0] > 0).sum() < 2:
        too_few = "Fewer than two customers have repeat purchases above zero: all are taken to be worth the same."
        return Textbook(bg_nbd, None, (too_few,), pooled)
    return Textbook(bg_nbd, fit_gamma_gamma(repeats, means), (), pooled)


def boost(
    panel: CustomerPanel, origin: int, length_periods: int, random_state: int, ahead_days: int | None = None
) -> tuple[Forecast | None, ValueBooster | None, str | None]:
    """Gradient boosting at a date: its forecast and itself, or why there is none.

    Parameters
    ----------
    panel
        Read at and before the origin, and up to it in outcomes.
    origin
        The date to forecast from, as periods ago.
    length_periods
        How far ahead, periods of 30 days.
    random_state
        Seed.
    ahead_days
        How far ahead the season is to reach, by default as far as the forecast.

    Returns
    -------
    forecast, booster, reason
        Either the first two, the forecast for the customers of ``panel.by_date[origin]``, or
        the reason, a sentence.
    """
    learned_from = training_periods(panel.dates, panel.first_date, origin, length_periods)
    if len(learned_from) < MIN_TRAINING_DATES:
        return None, None, f"Gradient boosting needs {MIN_TRAINING_DATES} past dates to learn from."
    outcomes = [panel.outcome(ago, length_periods) for ago in learned_from]
    try:
        booster = fit_value_booster(
            [panel.by_date[ago] for ago in learned_from],
            [one.purchases for one in outcomes],
            [one.value for one in outcomes],
            daily=panel.daily,
            origin=panel.dates[origin],
            target_days=length_periods * PERIOD_DAYS,
            ahead_days=ahead_days,
            random_state=random_state,
        )
        return Forecast(*booster.predict(panel.by_date[origin])), booster, None
    except TooLittleToLearnError as error:
        return None, None, f"Gradient boosting was not possible: {error}."


def same_rate(rows: pd.DataFrame, days: int) -> Forecast:
    """All purchases and money so far, per day observed, go on; money below zero counts as none.

    Parameters
    ----------
    rows : DataFrame of shape (n, …)
        Customers of one date, columns of ``int_customer_periods``.
    days
        How far ahead.
    """
    share = days / (rows["observed_days"].to_numpy(dtype=float) + 1)
    purchases = rows["repeat_purchase_days"].to_numpy(dtype=float) + 1
    return Forecast(purchases * share, np.maximum(rows["net_value"].to_numpy(dtype=float), 0.0) * share)


def forecasts_at(panel: CustomerPanel, origin: int, length_periods: int, random_state: int) -> dict[str, Forecast]:
    """What each model and baseline would have said at a date; those that can't are left out.

    Parameters
    ----------
    panel, origin, length_periods, random_state
        As in :func:`boost`.

    Returns
    -------
    dict
        By name; for the customers of ``panel.by_date[origin]``, in their order.
    """
    rows = panel.by_date[origin]
    days = length_periods * PERIOD_DAYS
    forecasts = {
        BG_NBD: fit_textbook(rows).forecast(rows, days),
        BOOSTING: boost(panel, origin, length_periods, random_state)[0],
        SAME_RATE: same_rate(rows, days),
        PAST_SPEND: Forecast(*proportional_forecast(rows, days)),
        ZERO: Forecast(np.zeros(len(rows)), np.zeros(len(rows))),
    }
    return {model: forecast for model, forecast in forecasts.items() if forecast is not None}


def _histories(rows: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    return (
        rows["repeat_purchase_days"].to_numpy(dtype=float),
        rows["days_to_last_purchase"].to_numpy(dtype=float),
        rows["observed_days"].to_numpy(dtype=float),
    )
