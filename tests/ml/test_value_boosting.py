"""Gradient boosting learns from the past only, and what it predicts adds up."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.value_boosting import (
    TooLittleToLearnError,
    boosting_features,
    fit_value_booster,
    proportional_forecast,
    training_periods,
)
from tests.ml.panels import panel, shop

START = pd.Timestamp("2023-01-01")


def training(purchases: pd.DataFrame, origin: int, periods: int) -> dict:
    rows = panel(purchases)
    by_date = {ago: one.reset_index(drop=True) for ago, one in rows.groupby("periods_ago")}
    dates = {ago: one["cutoff_date"].iloc[0] for ago, one in by_date.items()}
    chosen = training_periods(dates, purchases["date"].min(), origin, periods)
    outcome = rows.pivot_table(
        index="customer_id",
        columns="periods_ago",
        values=["purchase_days_next_30d", "net_value_next_30d"],
    )
    came = {
        ago: {
            name: outcome[name].loc[by_date[ago]["customer_id"], [ago - step for step in range(periods)]].sum(axis=1)
            for name in ("purchase_days_next_30d", "net_value_next_30d")
        }
        for ago in chosen
    }
    return {
        "dates": [by_date[ago] for ago in chosen],
        "purchases": [came[ago]["purchase_days_next_30d"].to_numpy() for ago in chosen],
        "values": [came[ago]["net_value_next_30d"].to_numpy() for ago in chosen],
        "origin": dates[origin],
        "target_days": 30 * periods,
    }


def test_outcomes_that_end_after_the_origin_are_refused() -> None:
    given = training(shop(), origin=0, periods=2)
    with pytest.raises(ValueError, match="not known there"):
        fit_value_booster(**{**given, "origin": given["origin"] - pd.Timedelta(days=1)})


def test_training_dates_end_before_the_origin_and_begin_after_two_months() -> None:
    cutoffs = {ago: START + pd.Timedelta(days=300 - 30 * ago) for ago in range(11)}
    # at origin 2 with targets of 3 periods: 5 periods ago or more; 60 days after the start is 8 ago
    assert training_periods(cutoffs, START, 2, 3) == [5, 6, 7, 8]
    assert training_periods(cutoffs, START, 7, 3) == []


def test_nothing_after_the_origin_bears_on_a_prediction() -> None:
    purchases = shop(days=420)
    origin_date = purchases["date"].max() + pd.Timedelta(days=1 - 60)
    altered = purchases.copy()
    later = altered["date"] >= origin_date
    altered.loc[later, "value"] *= 50
    predictions = []
    for one in (purchases, altered):
        given = training(one, origin=2, periods=2)
        assert given["origin"] == origin_date
        rows = panel(one)
        predictions.append(fit_value_booster(**given).predict(rows[rows["periods_ago"] == 2].reset_index(drop=True)))
    for before, after in zip(*predictions, strict=True):
        assert (before == after).all()


def test_same_input_gives_the_same_predictions() -> None:
    given = training(shop(), origin=0, periods=2)
    now = panel(shop())
    now = now[now["periods_ago"] == 0].reset_index(drop=True)
    one, other = (fit_value_booster(**given).predict(now) for _ in range(2))
    assert (one[0] == other[0]).all()
    assert (one[1] == other[1]).all()
    assert (one[1] >= 0).all()


def test_proportional_forecast_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "repeat_purchase_days": [0, 2],
            "net_value": [-5.0, 40.0],
            **{f"purchase_days_{days}d": [1, 1] for days in (30, 90, 180, 360)},
            **{f"net_value_{days}d": [-5.0, 20.0] for days in (30, 90, 180, 360)},
        }
    )
    purchases, value = proportional_forecast(rows, 60)
    # the last 30 days twice: 4 purchases, 1 to 3; 30 of money, all to the one who spent
    assert purchases.tolist() == [1.0, 3.0]
    assert value.tolist() == [0.0, 30.0]


def test_features_by_hand() -> None:
    rows = panel(
        pd.DataFrame(
            {
                "customer_id": "A",
                "date": pd.to_datetime(["2023-01-01", "2023-01-11", "2023-01-21"]),
                "value": [10.0, 20.0, 30.0],
            }
        ),
        "2023-01-31",
    )
    features = boosting_features(rows[rows["periods_ago"] == 0]).iloc[0]
    assert len(features) == 20
    # two gaps of ten days, and nine days of silence up to the 30th
    assert features["mean_gap_days"] == 10
    assert features["days_since_last_purchase"] == 9
    assert features["gaps_since_last_purchase"] == pytest.approx(0.9)
    assert features["purchase_rate"] == pytest.approx(3 / 59)
    assert features["net_value_per_purchase"] == 20


def test_too_little_is_told_as_such() -> None:
    with pytest.raises(TooLittleToLearnError, match="too few"):
        fit_value_booster(**training(shop(customers=10), origin=0, periods=2))


def test_predictions_are_for_one_date() -> None:
    given = training(shop(), origin=0, periods=2)
    with pytest.raises(ValueError, match="one date"):
        fit_value_booster(**given).predict(panel(shop()))
