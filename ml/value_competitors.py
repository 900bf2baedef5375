"""Who competes to say what customers will bring: three models and three baselines, at a date.

Belongs here: their names, what each forecasts for the customers of a date from what was known
then, what stands in where one can't be fitted. Does not belong here: the models themselves
(:mod:`ml.bg_nbd`, :mod:`ml.gamma_gamma`, :mod:`ml.value_boosting`), the clock
(:mod:`ml.value_season`), at which dates they compete and who wins (:mod:`ml.value_holdouts`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from ml.value_season import SeasonalClock, seasonal_clock

FloatArray = NDArray[np.float64]

BG_NBD, SEASONAL, BOOSTING = "bg_nbd_gamma_gamma", "bg_nbd_seasonal_clock", "gradient_boosting"
SAME_RATE, PAST_SPEND, ZERO = "same_rate", "past_spend", "zero"
MODELS = (BG_NBD, SEASONAL, BOOSTING)
BASELINES = (SAME_RATE, PAST_SPEND, ZERO)
# Of equals the simpler wins.
PREFERENCE = (BG_NBD, SEASONAL, BOOSTING, PAST_SPEND, SAME_RATE, ZERO)

# Boosting learns from at least this many past dates, or it learns one season by heart.
MIN_TRAINING_DATES = 2


@dataclass(frozen=True)
class Textbook:
    """BG/NBD and Gamma-Gamma at one date, by the calendar or a seasonal clock; either may be missing.

    Attributes
    ----------
    bg_nbd, gamma_gamma
        None where the histories have nothing to fit it on.
    warnings
        Why one is missing, one sentence each.
    mean_purchase_value
        Money, of all repeat purchases together; stands in where Gamma-Gamma has no answer.
    clock
        What BG/NBD's days are; None for calendar days.
    """

    bg_nbd: BgNbdModel | None
    gamma_gamma: GammaGammaModel | None
    warnings: tuple[str, ...]
    mean_purchase_value: float
    clock: SeasonalClock | None

    def p_alive(self, rows: pd.DataFrame) -> FloatArray:
        """Probability that a customer is still active, shape (n,), 0 to 1.

        NaN where the model says nothing: for one-time buyers, and for all where drop-out can't
        be told from the histories.
        """
        if self.bg_nbd is None or not self.bg_nbd.tells_dropout:
            return np.full(len(rows), np.nan)
        return np.where(
            rows["repeat_purchase_days"].to_numpy() > 0, self.bg_nbd.p_alive(*_histories(rows, self.clock)), np.nan
        )

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
        date = pd.Timestamp(rows["cutoff_date"].iloc[0])
        horizon = days if self.clock is None else self.clock.busy_days(date, days)
        season = 1.0 if self.clock is None else self.clock.purchase_value_factor(date, days)
        purchases = self.bg_nbd.expected_purchases(*_histories(rows, self.clock), horizon=horizon)
        return Forecast(purchases, purchases * self.purchase_value(rows) * season)


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
        nobody = "Nobody came on a second day, so no model can say what to expect: expected purchases and value are 0."
        return Textbook(None, None, (nobody,), pooled, None)
    bg_nbd = fit_bg_nbd(*_histories(rows, None))
    means = mean_purchase_value(rows)
    if (means[repeats > 0] > 0).sum() < 2:
        too_few = "Fewer than two customers have repeat purchases above zero: all are taken to be worth the same."
        return Textbook(bg_nbd, None, (too_few,), pooled, None)
    return Textbook(bg_nbd, fit_gamma_gamma(repeats, means), (), pooled, None)


def fit_seasonal(textbook: Textbook, panel: CustomerPanel, origin: int) -> Textbook | None:
    """The textbook with BG/NBD on the seasonal clock; None where less than a year is known.

    Parameters
    ----------
    textbook
        Fitted to the customers of the date by the calendar.
    panel
        Read before the origin.
    origin
        The date, as periods ago.
    """
    rows = panel.by_date[origin]
    clock = None if textbook.bg_nbd is None else seasonal_clock(panel.daily, rows, textbook.bg_nbd)
    if clock is None:
        return None
    bg_nbd = fit_bg_nbd(*clock.histories(rows), near=textbook.bg_nbd)
    return replace(textbook, bg_nbd=bg_nbd, clock=clock)


def in_season(boosted: Forecast, seasonal: Forecast | None) -> Forecast:
    """Boosting's customers, with the total of the seasonal clock where there is one.

    Trees tell customers apart; that the shop's peak lies ahead or behind they can't know.

    Parameters
    ----------
    boosted, seasonal
        Forecasts for the same customers and days.
    """
    if seasonal is None:
        return boosted
    return Forecast(
        *(
            own * (total.sum() / own.sum()) if own.sum() > 0 else own
            for own, total in zip(boosted, seasonal, strict=True)
        )
    )


def boost(
    panel: CustomerPanel, origin: int, length_periods: int, random_state: int
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
            origin=panel.dates[origin],
            target_days=length_periods * PERIOD_DAYS,
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
    textbook = fit_textbook(rows)
    by_season = fit_seasonal(textbook, panel, origin)
    seasonal = None if by_season is None else by_season.forecast(rows, days)
    boosted = boost(panel, origin, length_periods, random_state)[0]
    forecasts = {
        BG_NBD: textbook.forecast(rows, days),
        SEASONAL: seasonal,
        BOOSTING: None if boosted is None else in_season(boosted, seasonal),
        SAME_RATE: same_rate(rows, days),
        PAST_SPEND: Forecast(*proportional_forecast(rows, days)),
        ZERO: Forecast(np.zeros(len(rows)), np.zeros(len(rows))),
    }
    return {model: forecast for model, forecast in forecasts.items() if forecast is not None}


def _histories(rows: pd.DataFrame, clock: SeasonalClock | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    if clock is not None:
        return clock.histories(rows)
    return (
        rows["repeat_purchase_days"].to_numpy(dtype=float),
        rows["days_to_last_purchase"].to_numpy(dtype=float),
        rows["observed_days"].to_numpy(dtype=float),
    )
