"""Intervals of a customer's own: what they hold, and that they know the customer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.value_intervals import Holdout, fit_intervals, interval_coverage
from ml.value_panel import Forecast


def customers(n: int, seed: int, *, silent: np.ndarray | None = None) -> pd.DataFrame:
    """Customers of one date; silent for so many days, bought every ten days before."""
    rng = np.random.default_rng(seed)
    repeats = rng.poisson(3, n)
    to_last = 10 * repeats
    quiet = rng.integers(0, 200, n) if silent is None else silent
    return pd.DataFrame(
        {
            "cutoff_date": pd.Timestamp("2024-01-01"),
            "repeat_purchase_days": repeats,
            "days_to_last_purchase": to_last,
            "observed_days": to_last + quiet,
            "net_value": 100.0 * (repeats + 1),
            "purchase_days_90d": np.where(quiet < 90, 1, 0),
        }
    )


def holdout(ago: int, n: int = 3000, level: float = 1.0) -> Holdout:
    """Who was silent for long buys nothing likelier than not; outcomes spread widely with silence."""
    rows, rng = customers(n, ago), np.random.default_rng(100 + ago)
    quiet = (rows["observed_days"] - rows["days_to_last_purchase"]).to_numpy() / 200
    expected = 50 * (rows["repeat_purchase_days"].to_numpy() + 1.0)
    buys = rng.random(n) > 0.05 + 0.8 * quiet
    came = np.where(buys, expected * level * rng.lognormal(0, 0.2 + quiet, n), 0.0)
    return Holdout(ago, rows, expected, came)


def test_intervals_hold_four_in_five_of_customers_that_were_not_learned_from() -> None:
    intervals = fit_intervals([holdout(ago) for ago in (4, 5, 6, 7)])
    assert intervals is not None
    new = holdout(3, n=20_000)
    low, high = intervals.around(new.rows, new.expected)
    assert 100 * ((low <= new.came) & (new.came <= high)).mean() == pytest.approx(80, abs=2)
    assert (low >= 0).all()
    assert (low <= new.expected).all()
    assert (new.expected <= high).all()
    # of the recent and of the silent alike
    quiet = (new.rows["observed_days"] - new.rows["days_to_last_purchase"]).to_numpy()
    for chosen in (quiet < 15, (quiet > 60) & (quiet < 100), quiet > 150):
        # where most bought nothing more are held, and the others aim at 77
        assert 73 < 100 * ((low <= new.came) & (new.came <= high))[chosen].mean() < 90


def test_hardly_anybody_who_bought_again_makes_no_interval_and_no_error() -> None:
    # more customers than are learned from, and the one who bought again is left out of those
    rows = customers(20_001, 1)
    came = np.zeros(len(rows))
    came[1] = 30.0
    assert fit_intervals([Holdout(ago, rows, np.full(len(rows), 0.01), came) for ago in (1, 2)]) is None


def test_two_customers_of_one_forecast_and_other_histories_have_other_intervals() -> None:
    intervals = fit_intervals([holdout(ago) for ago in (4, 5, 6, 7)])
    assert intervals is not None
    rows = customers(2, 1, silent=np.array([0, 120]))
    rows[["repeat_purchase_days", "days_to_last_purchase", "net_value"]] = [3, 30, 400.0]
    rows["observed_days"] = rows["days_to_last_purchase"] + [0, 120]
    low, high = intervals.around(rows, np.array([200.0, 200.0]))
    # The recent one buys nothing with 5 %, and log sizes spread by 0.2: a tenth of all is 0.053 of buyers,
    # 1.62 below the middle, nine tenths are 0.895, 1.25 above. The silent one buys nothing with
    # 53 %, spread 0.8: eight tenths are 0.574 of buyers, 0.19 above.
    assert low[0] == pytest.approx(200 * np.exp(-0.2 * 1.62), rel=0.15)
    assert high[0] == pytest.approx(200 * np.exp(0.2 * 1.25), rel=0.15)
    assert low[1] == 0
    assert high[1] == pytest.approx(200 * np.exp(0.8 * 0.19), rel=0.2)


def test_a_drift_over_the_holdouts_goes_on_for_one_step() -> None:
    # each hold-out brought 15 % more of its forecast than the one before
    drifting = [holdout(ago, level=1.15 ** (10 - ago)) for ago in (4, 5, 6, 7)]
    intervals = fit_intervals(drifting)
    assert intervals is not None
    new = holdout(3, n=20_000, level=1.15**7)
    low, high = intervals.around(new.rows, new.expected)
    assert 100 * ((low <= new.came) & (new.came <= high)).mean() == pytest.approx(80, abs=3)
    # where what they drifted by is known to be over, it goes on to nowhere: 15 % for each of two and a half steps
    _, calm = intervals.around(new.rows, new.expected, 5.5)
    assert np.median(high / calm) == pytest.approx(1.15**2.5, rel=0.1)


def test_ends_of_counts_are_whole() -> None:
    made = [holdout(ago) for ago in (4, 5, 6)]
    counted = [one._replace(expected=one.expected / 60, came=np.ceil(one.came / 60)) for one in made]
    intervals = fit_intervals(counted, is_whole=True)
    assert intervals is not None
    low, high = intervals.around(counted[0].rows, counted[0].expected)
    assert (low == np.floor(low)).all()
    assert (high == np.floor(high)).all()
    assert ((low <= counted[0].expected) & (counted[0].expected <= high)).all()


def test_coverage_is_told_of_every_fifth_and_a_holdout_is_not_judged_by_itself() -> None:
    made = {ago: holdout(ago) for ago in (4, 5, 6)}
    forecasts = {ago: {"gradient_boosting": Forecast(one.expected, one.expected)} for ago, one in made.items()}
    outcomes = {ago: Forecast(one.came, one.came) for ago, one in made.items()}
    rows = {
        ago: one.rows.assign(cutoff_date=pd.Timestamp("2024-01-01") - pd.Timedelta(days=30 * ago))
        for ago, one in made.items()
    }
    found = interval_coverage(forecasts, outcomes, rows)
    assert found.groupby("cutoff_date")["customers"].sum().tolist() == [3000, 3000, 3000]
    assert found["fifth"].between(1, 5).all()
    assert found["interval_coverage_pct"].between(70, 92).all()
    # what came of a hold-out changes its coverage, and not the intervals that it is judged by
    none = {**outcomes, 4: Forecast(np.full(3000, 1e9), np.full(3000, 1e9))}
    spoiled = interval_coverage(forecasts, none, rows)
    newest = spoiled["cutoff_date"] == rows[4]["cutoff_date"].iloc[0]
    assert (spoiled.loc[newest, "interval_coverage_pct"] == 0).all()
    alone = interval_coverage({4: forecasts[4]}, outcomes, rows)
    assert alone.empty


@pytest.mark.parametrize("n", [1, 3, 40, 250])
def test_few_customers_break_nothing(n: int) -> None:
    one = holdout(4, n=n)
    one = one._replace(came=np.where(np.arange(n) == 0, 30.0, one.came))
    intervals = fit_intervals([one])
    assert intervals is not None
    low, high = intervals.around(one.rows, one.expected)
    assert np.isfinite(high).all()
    assert ((low >= 0) & (low <= one.expected) & (one.expected <= high)).all()


def test_without_a_holdout_or_an_outcome_there_is_no_interval() -> None:
    assert fit_intervals([]) is None
    assert fit_intervals([holdout(4)._replace(came=np.full(3000, -5.0))]) is None
