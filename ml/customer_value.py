"""What every customer will bring, by the model that did best, and the records of that.

Belongs here: the whole of the step from the panel to its tables (``customer_clv``,
``clv_holdout``, ``clv_coverage``, ``model_runs``), the winner's forecast from now, what readers are to be warned
of. Does not belong here: the panel (:mod:`ml.value_panel`), who competes
(:mod:`ml.value_competitors`), hold-outs and the rule that names a winner
(:mod:`ml.value_holdouts`), intervals (:mod:`ml.value_intervals`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.runs import describe_run
from ml.value_boosting import PERIOD_DAYS, ValueBooster, proportional_forecast
from ml.value_competitors import (
    BASELINES,
    BG_NBD,
    BOOSTING,
    PAST_SPEND,
    SAME_RATE,
    SEASONAL,
    ZERO,
    Textbook,
    boost,
    fit_seasonal,
    fit_textbook,
    forecasts_at,
    in_season,
    same_rate,
)
from ml.value_holdouts import HOLDOUT_COLUMNS, choose_winner, holdout_errors, holdout_origins, holdout_periods
from ml.value_intervals import INTERVAL_PCT, Holdout, OutcomeIntervals, fit_intervals, interval_coverage
from ml.value_panel import CustomerPanel, Forecast, customer_panel, mean_purchase_value
from ml.value_season import YEAR_DAYS

FloatArray = NDArray[np.float64]

MODEL = "customer_value"

# Fewer hold-outs than this are told of.
MIN_HOLDOUTS = 4
# A total further off than this is not one to plan with.
MAX_TOTAL_ERROR_PCT = 20.0

_TOO_SHORT = "The history is too short for hold-outs and for gradient boosting: what is expected stands untested."


@dataclass(frozen=True)
class CustomerValue:
    """What this step brings into schema ``ml``; each frame is one table, in its final order.

    Attributes
    ----------
    customer_clv
        One row per customer; see the table's documentation.
    clv_holdout
        One row per hold-out and model; empty when the history is too short for any.
    clv_coverage
        One row per hold-out, model and fifth of customers; empty where no interval could be tried.
    model_runs
        One row per algorithm, see :func:`ml.runs.describe_run`.
    """

    customer_clv: pd.DataFrame
    clv_holdout: pd.DataFrame
    clv_coverage: pd.DataFrame
    model_runs: pd.DataFrame


def estimate_customer_value(
    periods: pd.DataFrame,
    daily: pd.DataFrame,
    *,
    horizon_days: int = 180,
    random_state: int = 42,
    data_version: str = "",
) -> CustomerValue:
    """Expected purchases and net value of every customer, by the model that did best.

    Every model forecasts at past dates and is compared with what came (:func:`ml.value_holdouts.choose_winner`
    documents the rule); the winner's forecast from now fills ``clv``. A model of hold-outs
    shorter than the horizon is stretched in proportion, except BG/NBD, which knows its horizon.
    Intervals are each customer's own (:mod:`ml.value_intervals`).

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
    # loaded before the threads are limited: a limit reaches only the libraries that are there
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Sums that threads finish in another order differ in their last bits; and on matrices of three by
    # three a second thread only waits: Gamma-Gamma took four times as much.
    with threadpool_limits(limits=1):
        return _estimate(customer_panel(periods, daily), horizon_days, random_state, data_version)


def _estimate(panel: CustomerPanel, horizon_days: int, random_state: int, data_version: str) -> CustomerValue:
    now = panel.by_date[0]
    textbook = fit_textbook(now)
    length = holdout_periods(panel.history_days, horizon_days)
    origins = holdout_origins(panel, length)
    forecasts = {origin: forecasts_at(panel, origin, length, random_state) for origin in origins}
    outcomes = {origin: panel.outcome(origin, length) for origin in origins}
    errors = holdout_errors(panel.dates, forecasts, outcomes, length)
    winner = choose_winner(errors) if len(errors) else (BG_NBD if textbook.bg_nbd is not None else ZERO)

    stretch = horizon_days / (length * PERIOD_DAYS) if length else float("nan")
    by_season = fit_seasonal(textbook, panel, 0)
    seasonal = None if by_season is None else by_season.forecast(now, horizon_days)
    boosted, booster, unboosted = boost(panel, 0, length, random_state) if length else (None, None, _TOO_SHORT)
    candidates: dict[str, Forecast | None] = {
        BG_NBD: textbook.forecast(now, horizon_days),
        SEASONAL: seasonal,
        BOOSTING: None
        if boosted is None
        else in_season(Forecast(boosted.purchases * stretch, boosted.value * stretch), seasonal),
        SAME_RATE: same_rate(now, horizon_days),
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
    coverage = interval_coverage(forecasts, outcomes, panel.by_date)
    if len(errors):
        errors["is_winner"] = errors["model"] == winner
        errors["interval_coverage_pct"] = _of_holdouts(coverage, errors)
    tested = [origin for origin in origins if winner in forecasts[origin]]
    intervals = (
        fit_intervals(
            [
                Holdout(one, panel.by_date[one], forecasts[one][winner].purchases, outcomes[one].purchases)
                for one in tested
            ],
            is_whole=True,
        ),
        fit_intervals(
            [Holdout(one, panel.by_date[one], forecasts[one][winner].value, outcomes[one].value) for one in tested]
        ),
    )
    # hold-outs that knew no season drifted with it, and the forecast from now has it in its total
    has_new_season = (
        winner == BOOSTING and seasonal is not None and not any(SEASONAL in forecasts[one] for one in tested)
    )
    drifted_to = float(np.mean(tested)) if has_new_season else None
    return CustomerValue(
        customer_clv=_customer_clv(now, winner, horizon_days, forecast, candidates, textbook, intervals, drifted_to),
        clv_holdout=errors[list(HOLDOUT_COLUMNS)],
        clv_coverage=coverage,
        model_runs=_runs(
            panel, textbook, by_season, booster, unboosted, errors, winner, length, horizon_days, random_state,
            data_version,
        ),
    )  # fmt: skip


def _of_holdouts(coverage: pd.DataFrame, errors: pd.DataFrame) -> pd.Series:
    """Of all customers of each row's hold-out and model; NaN where no interval was tried."""
    held = (coverage["interval_coverage_pct"] * coverage["customers"]).groupby(
        [coverage["cutoff_date"], coverage["model"]]
    )
    customers = coverage.groupby(["cutoff_date", "model"])["customers"].sum()
    by_row = pd.MultiIndex.from_frame(errors[["cutoff_date", "model"]])
    # sums in another order can be a last bit more than the whole
    return pd.Series((held.sum() / customers).reindex(by_row).clip(upper=100.0).to_numpy(dtype=float), errors.index)


def _customer_clv(
    now: pd.DataFrame,
    winner: str,
    horizon_days: int,
    forecast: Forecast,
    candidates: Mapping[str, Forecast | None],
    textbook: Textbook,
    intervals: tuple[OutcomeIntervals | None, OutcomeIntervals | None],
    drifted_to: float | None,
) -> pd.DataFrame:
    missing = np.full(len(now), np.nan)
    (purchases_low, purchases_high), (low, high) = (
        (missing, missing) if made is None else made.around(now, expected, drifted_to)
        for made, expected in zip(intervals, forecast, strict=True)
    )
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
            "mean_purchase_value": mean_purchase_value(now),
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
            "clv_seasonal_clock": by_model(SEASONAL),
            "clv_gradient_boosting": by_model(BOOSTING),
        }
    )


def _value_or_missing(candidates: Mapping[str, Forecast | None], missing: FloatArray, model: str) -> FloatArray:
    found = candidates[model]
    return missing if found is None else found.value


def _runs(
    panel: CustomerPanel,
    textbook: Textbook,
    by_season: Textbook | None,
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
    # where nothing can be said, that is what is to be said of the value, whose remarks stand with the boosting
    about_boosting = [*(textbook.warnings if winner == ZERO and bg_nbd is None else ())]
    about_boosting += [] if unboosted is None else [unboosted]
    tried_on = set(errors.loc[errors["model"] == SEASONAL, "cutoff_date"])
    if by_season is None:
        about_season = [
            f"Less than a year is known (days: {panel.history_days}): the seasonal clock can't help yet and does not "
            "compete."
            if panel.history_days < YEAR_DAYS
            else "Nobody came on a second day, or more came back than was sold: there is no seasonal clock."
        ]
        about_boosting += ["Less than a year is known: the season is not in the total."] if booster is not None else []
    elif holdouts and len(tried_on) < holdouts:
        about_season = [
            f"On {holdouts - len(tried_on)} of {holdouts} hold-outs less than a year was known before the cutoff: "
            "there the seasonal clock could not help and did not compete."
        ]
        about_boosting += (
            ["Its total follows the seasonal clock, which no hold-out could try: that needs a year before it."]
            if booster is not None and not tried_on
            else []
        )
    else:
        about_season = []
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
            *(verdict if winner == BG_NBD else ()),
            *textbook.warnings,
            *(() if bg_nbd is None else bg_nbd.warnings),
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
    seasonal = describe_run(
        MODEL,
        SEASONAL,
        data_version=data_version,
        parameters={"horizon_days": horizon_days, "time_unit": "busy day"},
        figures={
            "holdouts": len(tried_on),
            **(
                {}
                if by_season is None or by_season.bg_nbd is None or by_season.clock is None
                else {
                    "r": by_season.bg_nbd.r,
                    "alpha": by_season.bg_nbd.alpha,
                    "a": by_season.bg_nbd.a,
                    "b": by_season.bg_nbd.b,
                    "log_likelihood": by_season.bg_nbd.log_likelihood,
                    "trend_per_year": by_season.clock.trend,
                    "busy_days_in_horizon": by_season.clock.busy_days(panel.dates[0], horizon_days),
                    "purchase_value_factor": by_season.clock.purchase_value_factor(panel.dates[0], horizon_days),
                }
            ),
            **_mean_errors(errors, SEASONAL),
        },
        warnings=(
            *(verdict if winner == SEASONAL else ()),
            *about_season,
            *(() if by_season is None or by_season.bg_nbd is None else by_season.bg_nbd.warnings),
        ),
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
                }
            ),
            **_mean_errors(errors, BOOSTING),
        },
        warnings=(*(verdict if winner not in (BG_NBD, SEASONAL) else ()), *about_boosting),
    )
    return pd.concat([purchases, money, seasonal, boosting], ignore_index=True)


def _verdict(errors: pd.DataFrame, winner: str, length: int, horizon_days: int) -> list[str]:
    """Caveats of the values that were taken, whichever model they are of."""
    holdouts = int(errors["cutoff_date"].nunique())
    if not holdouts:
        return []
    found = []
    # first, because a page shows the first sentence: how far off the sum was outweighs how the model was fitted
    own = errors[errors["is_winner"] & errors["total_error_pct"].notna()]
    if not own.empty:
        worst = int(own["total_error_pct"].abs().to_numpy().argmax())
        error, cutoff = float(own["total_error_pct"].iloc[worst]), own["cutoff_date"].iloc[worst]
        if abs(error) > MAX_TOTAL_ERROR_PCT:
            found.append(
                f"On the hold-out from {cutoff:%Y-%m-%d} the total forecast was "
                f"{abs(error):.0f}% too {'high' if error > 0 else 'low'}: "
                "trust the order of customers more than the sum."
            )
    if holdouts < MIN_HOLDOUTS:
        room = "one hold-out" if holdouts == 1 else f"{holdouts} hold-outs"
        found.append(f"The history has room for {room} only: how good the forecasts are is hardly known.")
    if length < horizon_days // PERIOD_DAYS:
        found.append(
            f"Hold-outs are {length * PERIOD_DAYS} days long, the horizon is {horizon_days}: "
            "what lies beyond was not tested."
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
