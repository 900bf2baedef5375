"""What customers will bring: models compared on hold-outs, and the winner's answer.

Belongs here: how long a hold-out is and where it begins, the baselines, errors, the rule
that names a winner, intervals. Does not belong here: the models themselves
(:mod:`ml.bg_nbd`, :mod:`ml.gamma_gamma`, :mod:`ml.value_boosting`), the panel they read (SQL,
``int_customer_periods``).

A hold-out goes back to a past date, forecasts from what was known then, and compares with what
came. The dates are 30 days apart and their hold-outs overlap: a run of good luck in one month is
in several of them. What is compared is purchase days and money net of returns as booked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.bg_nbd import BgNbdModel, fit_bg_nbd
from ml.gamma_gamma import GammaGammaModel, fit_gamma_gamma
from ml.runs import describe_run
from ml.value_boosting import (
    MIN_HISTORY_DAYS,
    PERIOD_DAYS,
    SEASON_BOUNDS,
    YEAR_DAYS,
    TooLittleToLearnError,
    ValueBooster,
    fit_value_booster,
    proportional_forecast,
    training_periods,
)

FloatArray = NDArray[np.float64]

MODEL = "customer_value"
BG_NBD, BOOSTING = "bg_nbd_gamma_gamma", "gradient_boosting"
SAME_RATE, PAST_SPEND, ZERO = "same_rate", "past_spend", "zero"
MODELS = (BG_NBD, BOOSTING)
BASELINES = (SAME_RATE, PAST_SPEND, ZERO)
# Of equals the simpler wins.
_PREFERENCE = (BG_NBD, BOOSTING, PAST_SPEND, SAME_RATE, ZERO)

# A hold-out takes at most this share of the history: the rest has to teach something.
MAX_HOLDOUT_SHARE = 0.25
MAX_ORIGINS = 6
# Boosting learns from at least this many past dates, or it learns one season by heart.
MIN_TRAINING_DATES = 2
# Fewer customers at a date make its figures an anecdote.
MIN_CUSTOMERS = 30

INTERVAL_PCT = 80.0
# Customers of a like forecast share an interval; each group has at least this many outcomes.
_INTERVAL_GROUPS = 10
_MIN_GROUP = 100

# Fewer hold-outs than this are told of.
MIN_HOLDOUTS = 4
# A total further off than this is not one to plan with.
MAX_TOTAL_ERROR_PCT = 20.0


class Forecast(NamedTuple):
    """Per customer: purchase days and net value to expect."""

    purchases: FloatArray
    value: FloatArray


@dataclass(frozen=True)
class CustomerValue:
    """What this step brings into schema ``ml``; each frame is one table, in its final order.

    Attributes
    ----------
    customer_clv
        One row per customer; see the table's documentation.
    clv_holdout
        One row per hold-out and model; empty when the history is too short for any.
    model_runs
        One row per algorithm, see :func:`ml.runs.describe_run`.
    """

    customer_clv: pd.DataFrame
    clv_holdout: pd.DataFrame
    model_runs: pd.DataFrame


@dataclass(frozen=True)
class _Textbook:
    """BG/NBD and Gamma-Gamma at one date; either may be missing, with the reason."""

    bg_nbd: BgNbdModel | None
    gamma_gamma: GammaGammaModel | None
    warnings: tuple[str, ...]
    mean_purchase_value: float
    """Of all repeat purchases together; stands in where Gamma-Gamma has no answer."""

    def p_alive(self, rows: pd.DataFrame) -> FloatArray:
        if self.bg_nbd is None:
            return np.ones(len(rows))
        return self.bg_nbd.p_alive(*_histories(rows))

    def purchase_value(self, rows: pd.DataFrame) -> FloatArray:
        repeats = rows["repeat_purchase_days"].to_numpy(dtype=float)
        if self.gamma_gamma is None:
            return np.full(len(rows), self.mean_purchase_value)
        expected = self.gamma_gamma.expected_value(repeats, _mean_purchase_value(rows))
        return np.where(np.isfinite(expected), expected, self.mean_purchase_value)

    def forecast(self, rows: pd.DataFrame, days: int) -> Forecast | None:
        if self.bg_nbd is None:
            return None
        purchases = self.bg_nbd.expected_purchases(*_histories(rows), horizon=days)
        return Forecast(purchases, purchases * self.purchase_value(rows))


@dataclass(frozen=True)
class _Panel:
    """The periods, sorted, by date; and the whole shop's days."""

    by_date: Mapping[int, pd.DataFrame]
    dates: Mapping[int, pd.Timestamp]
    daily: pd.DataFrame
    outcome_purchases: pd.DataFrame
    outcome_value: pd.DataFrame

    @property
    def first_date(self) -> pd.Timestamp:
        return pd.Timestamp(self.daily.index[0])

    @property
    def history_days(self) -> int:
        return int((self.dates[0] - self.first_date).days)

    def outcome(self, periods_ago: int, periods: int) -> Forecast:
        """What the periods from a date brought to each customer of that date."""
        columns = [periods_ago - step for step in range(periods)]
        customers = self.by_date[periods_ago]["customer_id"]
        return Forecast(
            self.outcome_purchases.loc[customers, columns].sum(axis=1).to_numpy(dtype=float),
            self.outcome_value.loc[customers, columns].sum(axis=1).to_numpy(dtype=float),
        )


def estimate_customer_value(
    periods: pd.DataFrame,
    daily: pd.DataFrame,
    *,
    horizon_days: int = 180,
    random_state: int = 42,
    data_version: str = "",
) -> CustomerValue:
    """Expected purchases and net value of every customer, by the model that did best.

    Every model forecasts at past dates and is compared with what came (:func:`choose_winner`
    documents the rule); the winner's forecast from now fills ``clv``. A model of hold-outs
    shorter than the horizon is stretched in proportion, except BG/NBD, which knows its horizon.
    Intervals are those that held on the hold-outs for customers of a like forecast.

    Parameters
    ----------
    periods : DataFrame, columns of ``int_customer_periods``, in any order
        One row per customer and date, the newest date (``periods_ago`` 0) for every customer,
        earlier ones for all or a sample. Money and counts as float or integer.
    daily : DataFrame of shape (n_days, 3)
        ``date, purchase_days, net_value`` of all customers together; days without may lack.
    horizon_days
        How far ahead.
    random_state
        Seed of gradient boosting.
    data_version
        Copied to ``model_runs``.

    Raises
    ------
    ValueError
        If there is no customer, a customer repeats within a date, or the horizon is not positive.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days is {horizon_days}; it has to be at least 1")
    panel = _panel(periods, daily)
    now = panel.by_date[0]
    textbook = _fit_textbook(now)
    length = holdout_periods(panel.history_days, horizon_days)
    origins = _origins(panel, length)
    forecasts = {origin: _forecasts_at(panel, origin, length, random_state) for origin in origins}
    outcomes = {origin: panel.outcome(origin, length) for origin in origins}
    errors = _errors(panel, forecasts, outcomes, length)
    winner = choose_winner(errors) if len(errors) else (BG_NBD if textbook.bg_nbd is not None else ZERO)

    stretch = horizon_days / (length * PERIOD_DAYS) if length else float("nan")
    boosted, booster, unboosted = (
        _boost(panel, 0, length, random_state, horizon_days) if length else (None, None, _TOO_SHORT)
    )
    candidates: dict[str, Forecast | None] = {
        BG_NBD: textbook.forecast(now, horizon_days),
        BOOSTING: None if boosted is None else Forecast(boosted.purchases * stretch, boosted.value * stretch),
        SAME_RATE: _same_rate(now, horizon_days),
        PAST_SPEND: Forecast(*(one * stretch for one in proportional_forecast(now, length * PERIOD_DAYS)))
        if length
        else None,
        ZERO: Forecast(np.zeros(len(now)), np.zeros(len(now))),
    }
    forecast = candidates[winner]
    if forecast is None:
        winner = BG_NBD if textbook.bg_nbd is not None else ZERO
        forecast = candidates[winner]
        assert forecast is not None
    if len(errors):
        errors["is_winner"] = errors["model"] == winner
        errors["interval_coverage_pct"] = _coverages(errors, forecasts, outcomes)
    intervals = _interval_ratios(
        [(forecasts[origin][winner], outcomes[origin]) for origin in origins if winner in forecasts[origin]]
    )
    return CustomerValue(
        customer_clv=_customer_clv(now, winner, horizon_days, forecast, candidates, textbook, intervals),
        clv_holdout=errors[list(_HOLDOUT_COLUMNS)],
        model_runs=_runs(
            panel, textbook, booster, unboosted, errors, winner, length, horizon_days, random_state, data_version
        ),
    )


def holdout_periods(history_days: int, horizon_days: int) -> int:
    """How many periods of 30 days a hold-out takes.

    The horizon, rounded down to whole periods (one at least), but never more than a quarter of
    the history. 0 when a quarter of the history is less than a period: no hold-out then.
    """
    wanted = max(1, horizon_days // PERIOD_DAYS)
    return min(wanted, int(history_days * MAX_HOLDOUT_SHARE) // PERIOD_DAYS)


def choose_winner(errors: pd.DataFrame) -> str:
    """Name the model that did best on the hold-outs.

    On every hold-out that all competitors took part in, three things are asked: how wrong the
    value of a customer is (mean absolute error), how wrong the total is (absolute error), and
    how right the order is (Spearman; a forecast that is the same for all orders nobody and
    comes last). Each competitor is ranked by its mean over the hold-outs in each of the three,
    and the lowest mean rank wins. Of equals the simpler wins: BG/NBD before boosting, models
    before baselines. Gradient boosting competes if it could be fitted on at least two
    hold-outs, or on all there are.

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
    enough = min(2, int(cutoffs.max()))
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
    return min(ranks.index, key=lambda model: (ranks[model], _PREFERENCE.index(model)))


def _panel(periods: pd.DataFrame, daily: pd.DataFrame) -> _Panel:
    if not (periods["periods_ago"] == 0).any():
        raise ValueError("there is no customer to value")
    if periods.duplicated(["customer_id", "periods_ago"]).any():
        raise ValueError("a customer stands twice in one period")
    ordered = periods.sort_values(["periods_ago", "customer_id"], ignore_index=True)
    by_date = {
        int(ago): ordered[ordered["periods_ago"] == ago].reset_index(drop=True)
        for ago in ordered["periods_ago"].unique()
    }
    past = ordered[ordered["periods_ago"] > 0]
    days = daily.set_index(pd.DatetimeIndex(daily["date"]))[["purchase_days", "net_value"]].astype(float).sort_index()
    dates = {ago: pd.Timestamp(rows["cutoff_date"].iloc[0]) for ago, rows in by_date.items()}
    every_day = pd.date_range(days.index[0], dates[0] - pd.Timedelta(days=1))
    return _Panel(
        by_date=by_date,
        dates=dates,
        daily=days.reindex(every_day, fill_value=0.0),
        outcome_purchases=_by_period(past, "purchase_days_next_30d"),
        outcome_value=_by_period(past, "net_value_next_30d"),
    )


def _by_period(past: pd.DataFrame, column: str) -> pd.DataFrame:
    return past.set_index(["customer_id", "periods_ago"])[column].unstack("periods_ago")  # noqa: PD010


def _origins(panel: _Panel, length: int) -> list[int]:
    """Dates to forecast from, newest first, as periods ago.

    At most six, and only as far back as gradient boosting can still take part; when it nowhere
    can, as far back as there is enough to fit BG/NBD on.
    """
    if not length:
        return []
    usable = [
        ago
        for ago in sorted(panel.by_date)
        if ago >= length
        and (panel.dates[ago] - panel.first_date).days >= max(MIN_HISTORY_DAYS, length * PERIOD_DAYS)
        and len(panel.by_date[ago]) >= MIN_CUSTOMERS
    ]
    boostable = [
        ago for ago in usable if len(training_periods(panel.dates, panel.first_date, ago, length)) >= MIN_TRAINING_DATES
    ]
    return (boostable or usable)[:MAX_ORIGINS]


def _forecasts_at(panel: _Panel, origin: int, length: int, random_state: int) -> dict[str, Forecast]:
    rows = panel.by_date[origin]
    days = length * PERIOD_DAYS
    forecasts = {
        BG_NBD: _fit_textbook(rows).forecast(rows, days),
        BOOSTING: _boost(panel, origin, length, random_state)[0],
        SAME_RATE: _same_rate(rows, days),
        PAST_SPEND: Forecast(*proportional_forecast(rows, days)),
        ZERO: Forecast(np.zeros(len(rows)), np.zeros(len(rows))),
    }
    return {model: forecast for model, forecast in forecasts.items() if forecast is not None}


def _fit_textbook(rows: pd.DataFrame) -> _Textbook:
    repeats = rows["repeat_purchase_days"].to_numpy(dtype=float)
    repeat_value = float(rows["repeat_net_value"].sum())
    pooled = max(repeat_value, 0.0) / repeats.sum() if repeats.any() else 0.0
    if not repeats.any():
        nobody = "Nobody bought a second time, so no model can say what to expect: expected purchases and value are 0."
        return _Textbook(None, None, (nobody,), pooled)
    bg_nbd = fit_bg_nbd(*_histories(rows))
    means = _mean_purchase_value(rows)
    if (means[repeats > 0] > 0).sum() < 2:
        too_few = "Fewer than two customers have repeat purchases above zero: all are taken to be worth the same."
        return _Textbook(bg_nbd, None, (too_few,), pooled)
    return _Textbook(bg_nbd, fit_gamma_gamma(repeats, means), (), pooled)


_TOO_SHORT = "The history is too short for hold-outs and for gradient boosting: BG/NBD stands untested."


def _boost(
    panel: _Panel, origin: int, length: int, random_state: int, ahead_days: int | None = None
) -> tuple[Forecast | None, ValueBooster | None, str | None]:
    """Gradient boosting at a date: its forecast and itself, or why there is none."""
    learned_from = training_periods(panel.dates, panel.first_date, origin, length)
    if len(learned_from) < MIN_TRAINING_DATES:
        return None, None, f"Gradient boosting needs {MIN_TRAINING_DATES} past dates to learn from."
    outcomes = [panel.outcome(ago, length) for ago in learned_from]
    try:
        booster = fit_value_booster(
            [panel.by_date[ago] for ago in learned_from],
            [one.purchases for one in outcomes],
            [one.value for one in outcomes],
            daily=panel.daily,
            origin=panel.dates[origin],
            target_days=length * PERIOD_DAYS,
            ahead_days=ahead_days,
            random_state=random_state,
        )
        return Forecast(*booster.predict(panel.by_date[origin])), booster, None
    except TooLittleToLearnError as error:
        return None, None, f"Gradient boosting was not possible: {error}."


def _same_rate(rows: pd.DataFrame, days: int) -> Forecast:
    """All purchases and money so far, per day observed, go on."""
    share = days / (rows["observed_days"].to_numpy(dtype=float) + 1)
    purchases = rows["repeat_purchase_days"].to_numpy(dtype=float) + 1
    return Forecast(purchases * share, np.maximum(rows["net_value"].to_numpy(dtype=float), 0.0) * share)


_HOLDOUT_COLUMNS = (
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


def _errors(
    panel: _Panel, forecasts: Mapping[int, Mapping[str, Forecast]], outcomes: Mapping[int, Forecast], length: int
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for origin in sorted(forecasts, reverse=True):
        came = outcomes[origin]
        total = float(came.value.sum())
        for model in _PREFERENCE:
            if model not in forecasts[origin]:
                continue
            expected = forecasts[origin][model]
            rows.append(
                {
                    "cutoff_date": panel.dates[origin],
                    "model": model,
                    "holdout_days": length * PERIOD_DAYS,
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
    return pd.DataFrame(rows, columns=[*_HOLDOUT_COLUMNS, "origin"])


def rank_correlation(expected: FloatArray, came: FloatArray) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where either is the same for all."""
    one, other = pd.Series(expected).rank(), pd.Series(came).rank()
    if one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(one.corr(other))


def top_decile_capture_pct(expected: FloatArray, came: FloatArray) -> float:
    """Share of what came, 0 to 100, that the tenth of customers with the highest forecasts brought.

    Customers of equal forecasts at the border count with their mean, so that row order decides
    nothing. Outcomes below zero count as zero. NaN when nothing came.
    """
    spent = np.maximum(came, 0.0)
    if spent.sum() <= 0:
        return float("nan")
    places = max(1, len(expected) // 10)
    border = np.sort(expected)[-places]
    above, level = expected > border, expected == border
    captured = spent[above].sum() + spent[level].mean() * (places - above.sum())
    return float(100 * captured / spent.sum())


class _Ratios(NamedTuple):
    """Quantiles of outcome over forecast, by size of forecast."""

    borders: FloatArray
    low: FloatArray
    high: FloatArray

    def around(self, forecast: FloatArray) -> tuple[FloatArray, FloatArray]:
        group = np.searchsorted(self.borders, forecast, side="right")
        low, high = forecast * self.low[group], forecast * self.high[group]
        return np.minimum(low, forecast), np.maximum(high, forecast)


def _interval_ratios(holdouts: list[tuple[Forecast, Forecast]]) -> tuple[_Ratios, _Ratios] | None:
    """Split-conformal intervals (Lei et al., JASA 113(523), 2018), by groups of like forecast.

    Within a group of customers whose forecasts were of like size, 10 % got less than the lower
    ratio of outcome to forecast, and 10 % more than the higher. Where more than 10 % bought
    nothing at all the interval begins at zero, and all that it may miss lies above: 20 %.
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


def _ratios(expected: FloatArray, came: FloatArray) -> _Ratios:
    positive = expected > 0
    expected, came = expected[positive], came[positive]
    groups = int(np.clip(len(expected) // _MIN_GROUP, 1, _INTERVAL_GROUPS))
    if not len(expected):
        return _Ratios(np.empty(0), np.ones(1), np.ones(1))
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
    return _Ratios(borders, np.maximum(low, 0.0), np.maximum(high, 0.0))


def _coverages(
    errors: pd.DataFrame, forecasts: Mapping[int, Mapping[str, Forecast]], outcomes: Mapping[int, Forecast]
) -> list[float]:
    """Per row: share of customers whose value fell into the interval made from the other hold-outs."""
    found = []
    for origin, model in zip(errors["origin"], errors["model"], strict=True):
        others = [
            (forecasts[other][model], outcomes[other])
            for other in forecasts
            if other != origin and model in forecasts[other]
        ]
        intervals = _interval_ratios(others) if model in MODELS else None
        if intervals is None:
            found.append(float("nan"))
            continue
        low, high = intervals[1].around(forecasts[origin][model].value)
        came = np.maximum(outcomes[origin].value, 0.0)
        found.append(float(100 * ((came >= low) & (came <= high)).mean()))
    return found


def _customer_clv(
    now: pd.DataFrame,
    winner: str,
    horizon_days: int,
    forecast: Forecast,
    candidates: Mapping[str, Forecast | None],
    textbook: _Textbook,
    intervals: tuple[_Ratios, _Ratios] | None,
) -> pd.DataFrame:
    missing = np.full(len(now), np.nan)
    purchases_low, purchases_high = (missing, missing) if intervals is None else intervals[0].around(forecast.purchases)
    low, high = (missing, missing) if intervals is None else intervals[1].around(forecast.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_purchase = np.where(
            forecast.purchases > 0, forecast.value / forecast.purchases, textbook.purchase_value(now)
        )
    by_model: Callable[[str], FloatArray] = partial(_value_or_missing, candidates, missing)
    return pd.DataFrame(
        {
            "customer_id": now["customer_id"],
            "model": winner,
            "horizon_days": horizon_days,
            "repeat_purchase_days": now["repeat_purchase_days"].astype("int64"),
            "days_to_last_purchase": now["days_to_last_purchase"].astype("int64"),
            "observed_days": now["observed_days"].astype("int64"),
            "mean_purchase_value": _mean_purchase_value(now),
            "p_alive": textbook.p_alive(now),
            "expected_purchases": forecast.purchases,
            "expected_purchases_low": purchases_low,
            "expected_purchases_high": purchases_high,
            "expected_purchase_value": per_purchase,
            "clv": forecast.value,
            "clv_low": low,
            "clv_high": high,
            "interval_pct": INTERVAL_PCT,
            "clv_bg_nbd": by_model(BG_NBD),
            "clv_gradient_boosting": by_model(BOOSTING),
        }
    )


def _value_or_missing(candidates: Mapping[str, Forecast | None], missing: FloatArray, model: str) -> FloatArray:
    found = candidates[model]
    return missing if found is None else found.value


def _runs(
    panel: _Panel,
    textbook: _Textbook,
    booster: ValueBooster | None,
    unboosted: str | None,
    errors: pd.DataFrame,
    winner: str,
    length: int,
    horizon_days: int,
    random_state: int,
    data_version: str,
) -> pd.DataFrame:
    shared: dict[str, Any] = {
        "horizon_days": horizon_days,
        "holdout_days": length * PERIOD_DAYS,
        "winner": winner,
        "history_days": panel.history_days,
    }
    holdouts = int(errors["cutoff_date"].nunique())
    bg_nbd, gamma_gamma = textbook.bg_nbd, textbook.gamma_gamma
    about_boosting = [] if unboosted is None else [unboosted]
    if booster is not None and booster.season == (1.0, 1.0):
        about_boosting.append("Less than a year lies before what is forecast: the season is not in it.")
    elif booster is not None and panel.history_days < YEAR_DAYS + MIN_HISTORY_DAYS:
        about_boosting.append("The season is that of one year, and how much the shop grew since is not known.")
    if booster is not None and any(one in SEASON_BOUNDS for one in booster.season):
        about_boosting.append(
            "The season's factor is held at its bound "
            f"({SEASON_BOUNDS[0]:g} to {SEASON_BOUNDS[1]:g}): the total expected rests on that bound."
        )
    verdict = _verdict(errors, winner, length, horizon_days)
    purchases = describe_run(
        MODEL,
        "bg_nbd",
        data_version=data_version,
        parameters={"horizon_days": horizon_days, "time_unit": "day"},
        figures={
            "customers": len(panel.by_date[0]),
            **(
                {}
                if bg_nbd is None
                else {
                    "r": bg_nbd.r,
                    "alpha": bg_nbd.alpha,
                    "a": bg_nbd.a,
                    "b": bg_nbd.b,
                    "log_likelihood": bg_nbd.log_likelihood,
                    "nbd_log_likelihood": bg_nbd.nbd_log_likelihood,
                    "repeat_buyers": bg_nbd.repeat_buyers,
                    "has_converged": bg_nbd.has_converged,
                }
            ),
            **_mean_errors(errors, BG_NBD),
        },
        warnings=(
            *textbook.warnings,
            *(() if bg_nbd is None else bg_nbd.warnings),
            *(verdict if winner == BG_NBD else ()),
        ),
    )
    money = describe_run(
        MODEL,
        "gamma_gamma",
        data_version=data_version,
        parameters={},
        figures={}
        if gamma_gamma is None
        else {
            "p": gamma_gamma.p,
            "q": gamma_gamma.q,
            "v": gamma_gamma.v,
            "log_likelihood": gamma_gamma.log_likelihood,
            "correlation": _finite(gamma_gamma.correlation),
            "population_mean": _finite(gamma_gamma.population_mean),
            "customers": gamma_gamma.customers,
            "excluded_customers": gamma_gamma.excluded_customers,
            "has_converged": gamma_gamma.has_converged,
        },
        warnings=() if gamma_gamma is None else gamma_gamma.warnings,
    )
    sampled = int(panel.by_date[0]["is_sampled"].sum())
    boosting = describe_run(
        MODEL,
        "gradient_boosting",
        data_version=data_version,
        parameters={**shared, "random_state": random_state, "period_days": PERIOD_DAYS},
        figures={
            "holdouts": holdouts,
            "customers_in_sample": sampled,
            "is_sample": sampled < len(panel.by_date[0]),
            **(
                {}
                if booster is None
                else {
                    "training_rows": booster.training_rows,
                    "training_dates": [f"{one:%Y-%m-%d}" for one in booster.training_dates],
                    "season_factor_purchases": booster.season[0],
                    "season_factor_value": booster.season[1],
                }
            ),
            **_mean_errors(errors, BOOSTING),
        },
        warnings=(*about_boosting, *(verdict if winner != BG_NBD else ())),
    )
    return pd.concat([purchases, money, boosting], ignore_index=True)


def _verdict(errors: pd.DataFrame, winner: str, length: int, horizon_days: int) -> list[str]:
    """What to be wary of in the values that were taken, whichever model they are of."""
    holdouts = int(errors["cutoff_date"].nunique())
    if not holdouts:
        return []
    found = []
    if holdouts < MIN_HOLDOUTS:
        found.append(f"The history has room for {holdouts} hold-outs only: how good the forecasts are is hardly known.")
    if length < horizon_days // PERIOD_DAYS:
        found.append(
            f"Hold-outs are {length * PERIOD_DAYS} days long, the horizon is {horizon_days}: "
            "what lies beyond was not tested."
        )
    own = errors[errors["is_winner"] & errors["total_error_pct"].notna()]
    if not own.empty:
        worst = int(own["total_error_pct"].abs().to_numpy().argmax())
        error, cutoff = float(own["total_error_pct"].iloc[worst]), own["cutoff_date"].iloc[worst]
        if abs(error) > MAX_TOTAL_ERROR_PCT:
            found.append(
                f"On the hold-out from {cutoff:%Y-%m-%d} the total forecast was {error:+.0f}% off: "
                "trust the order of customers more than the sum."
            )
    if winner in BASELINES:
        found.append(f"No model beat the baseline {winner} on the hold-outs.")
    return found


def _mean_errors(errors: pd.DataFrame, model: str) -> dict[str, float | None]:
    """Means over the hold-outs, of the model and of the baseline that orders by past spend."""
    found: dict[str, float | None] = {}
    for prefix, one in (("holdout", model), ("past_spend", PAST_SPEND)):
        rows = errors[errors["model"] == one]
        if rows.empty:
            continue
        found[f"{prefix}_mae_value_mean"] = _finite(rows["mae_value"].mean())
        found[f"{prefix}_spearman_mean"] = _finite(rows["spearman"].mean())
        found[f"{prefix}_total_error_pct_mean"] = _finite(rows["total_error_pct"].abs().mean())
    return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _histories(rows: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    return (
        rows["repeat_purchase_days"].to_numpy(dtype=float),
        rows["days_to_last_purchase"].to_numpy(dtype=float),
        rows["observed_days"].to_numpy(dtype=float),
    )


def _mean_purchase_value(rows: pd.DataFrame) -> FloatArray:
    """Mean net value of the purchase days after the first; NaN without one."""
    repeats = rows["repeat_purchase_days"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(repeats > 0, rows["repeat_net_value"].to_numpy(dtype=float) / repeats, np.nan)
