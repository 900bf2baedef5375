"""The step as a whole: every customer valued, records, and shops too small for hold-outs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.customer_value import CustomerValue, _verdict, estimate_customer_value
from ml.value_competitors import BASELINES, BG_NBD, BOOSTING, SEASONAL
from tests.ml.panels import daily, panel, shop


def estimate(purchases: pd.DataFrame, **settings: int) -> CustomerValue:
    return estimate_customer_value(panel(purchases), daily(purchases), **settings)


@pytest.fixture(scope="module")
def valued() -> CustomerValue:
    return estimate(shop(customers=600, days=420))


def test_every_customer_is_valued(valued: CustomerValue) -> None:
    clv = valued.customer_clv
    assert clv["customer_id"].tolist() == sorted(shop(customers=600, days=420)["customer_id"].unique())
    for column in ("clv", "expected_purchases", "expected_purchase_value", "clv_low", "clv_high"):
        assert np.isfinite(clv[column]).all(), column
    assert (clv["clv_low"] <= clv["clv"]).all()
    assert (clv["clv"] <= clv["clv_high"]).all()
    assert (clv["clv_low"] >= 0).all()


def test_p_alive_is_told_where_the_fit_carries_it_and_never_of_one_time_buyers(valued: CustomerValue) -> None:
    bought_again = valued.customer_clv["repeat_purchase_days"] > 0
    assert valued.customer_clv.loc[bought_again, "p_alive"].between(0, 1).all()
    assert valued.customer_clv.loc[~bought_again, "p_alive"].isna().all()
    # nobody ever leaves: purchases of all at one steady rate
    steady = pd.DataFrame(
        [
            {
                "customer_id": f"C{number:03d}",
                "date": pd.Timestamp("2024-01-01") + pd.Timedelta(days=day),
                "value": 10.0,
            }
            for number in range(80)
            for day in range(number % 7, 200, 7 + number % 5)
        ]
    )
    without = estimate(steady)
    assert without.customer_clv["p_alive"].isna().all()
    assert "not published" in warnings_of(without)


def test_purchases_times_value_is_clv(valued: CustomerValue) -> None:
    clv = valued.customer_clv
    assert (clv["expected_purchases"] * clv["expected_purchase_value"]).to_numpy() == pytest.approx(
        clv["clv"].to_numpy(), rel=1e-9
    )


def test_holdouts_hold_every_model_to_the_same_outcome(valued: CustomerValue) -> None:
    holdout = valued.clv_holdout
    assert holdout["cutoff_date"].nunique() >= 4
    assert set(holdout["model"]) == {BG_NBD, BOOSTING, *BASELINES}
    # 420 days: a quarter is 105, three periods
    assert set(holdout["holdout_days"]) == {90}
    assert holdout.groupby("cutoff_date")["actual_value"].nunique().eq(1).all()
    assert len(set(holdout.loc[holdout["is_winner"], "model"])) == 1
    assert (
        valued.customer_clv["model"].unique().tolist() == holdout.loc[holdout["is_winner"], "model"].unique().tolist()
    )


def test_holdout_outcomes_are_what_the_purchases_say(valued: CustomerValue) -> None:
    purchases = shop(customers=600, days=420)
    for cutoff, rows in valued.clv_holdout.groupby("cutoff_date"):
        known = set(purchases.loc[purchases["date"] < cutoff, "customer_id"])
        window = purchases[
            (purchases["date"] >= cutoff)
            & (purchases["date"] < cutoff + pd.Timedelta(days=90))
            & purchases["customer_id"].isin(known)
        ]
        assert rows["customers"].unique().tolist() == [len(known)]
        assert rows["actual_purchases"].unique().tolist() == [len(window)]
        assert rows["actual_value"].iloc[0] == pytest.approx(window["value"].sum())


def test_intervals_hold_about_what_they_promise(valued: CustomerValue) -> None:
    found = valued.clv_holdout.loc[valued.clv_holdout["model"] == BG_NBD, "interval_coverage_pct"]
    # 80 by design, of 300 to 550 customers
    assert found.between(74, 86).all()
    assert valued.clv_holdout.loc[valued.clv_holdout["kind"] == "baseline", "interval_coverage_pct"].isna().all()


def test_row_order_changes_nothing(valued: CustomerValue) -> None:
    purchases = shop(customers=600, days=420)
    again = estimate_customer_value(panel(purchases).sample(frac=1, random_state=4), daily(purchases))
    pd.testing.assert_frame_equal(again.customer_clv, valued.customer_clv, check_exact=True)
    pd.testing.assert_frame_equal(again.clv_holdout, valued.clv_holdout, check_exact=True)
    assert again.model_runs.equals(valued.model_runs)


def test_thread_count_changes_nothing() -> None:
    # so many customers that a second thread takes its share of the sums
    purchases = shop(days=100)
    few = panel(purchases)
    many = pd.concat([few.assign(customer_id=few["customer_id"] + f"-{number}") for number in range(50)])
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(estimate_customer_value(many, daily(purchases)).customer_clv)
    pd.testing.assert_frame_equal(*found, check_exact=True)


def test_a_later_delivery_leaves_earlier_holdouts_of_a_fixed_length_alone() -> None:
    purchases = shop(customers=300, days=480)
    cut = purchases["date"].max() + pd.Timedelta(days=1 - 30)
    longer = estimate(purchases, horizon_days=60).clv_holdout
    shorter = estimate_customer_value(
        panel(purchases, cut), daily(purchases[purchases["date"] < cut]), horizon_days=60
    ).clv_holdout
    shared = sorted(set(longer["cutoff_date"]) & set(shorter["cutoff_date"]))
    assert len(shared) >= 4
    columns = [name for name in longer if name not in ("is_winner", "interval_coverage_pct")]
    one, other = (
        frame.loc[frame["cutoff_date"].isin(shared), columns].reset_index(drop=True) for frame in (longer, shorter)
    )
    pd.testing.assert_frame_equal(one, other)


def warnings_of(valued: CustomerValue) -> str:
    return " ".join(valued.model_runs["warnings"].dropna())


def test_a_handful_of_customers_is_valued_without_holdouts() -> None:
    purchases = pd.DataFrame(
        {
            "customer_id": ["A", "A", "A", "B", "C"],
            "date": pd.to_datetime(["2024-01-01", "2024-01-09", "2024-01-20", "2024-01-05", "2024-01-25"]),
            "value": [10.0, 20.0, 30.0, 5.0, 7.0],
        }
    )
    valued = estimate(purchases)
    assert valued.clv_holdout.empty
    assert valued.customer_clv["customer_id"].tolist() == ["A", "B", "C"]
    assert np.isfinite(valued.customer_clv["clv"]).all()
    assert valued.customer_clv["clv_low"].isna().all()
    assert "too short" in warnings_of(valued)


def test_a_shop_without_a_second_purchase_expects_nothing() -> None:
    purchases = pd.DataFrame(
        {"customer_id": ["A", "B"], "date": pd.to_datetime(["2024-01-01", "2024-01-09"]), "value": [10.0, 20.0]}
    )
    valued = estimate(purchases)
    assert valued.customer_clv["clv"].tolist() == [0.0, 0.0]
    assert valued.customer_clv["model"].unique().tolist() == ["zero"]
    # first among the remarks that stand beside the value, on which a page shows one sentence
    runs = valued.model_runs.set_index("algorithm")["warnings"]
    assert runs["gradient_boosting"].startswith("Nobody came on a second day, so no model can say what to expect")


def test_one_customer_on_one_day_is_valued() -> None:
    purchases = pd.DataFrame({"customer_id": ["A"], "date": pd.to_datetime(["2024-01-01"]), "value": [10.0]})
    assert estimate(purchases).customer_clv["clv"].tolist() == [0.0]


def test_money_that_all_came_back_breaks_nothing() -> None:
    purchases = shop(customers=120, days=300)
    purchases["value"] = 0.0
    valued = estimate(purchases)
    assert np.isfinite(valued.customer_clv["clv"]).all()


def test_a_shop_that_stopped_selling_is_valued() -> None:
    purchases = shop(customers=200, days=200)
    rows, days = panel(purchases, "2024-06-01"), daily(purchases)
    valued = estimate_customer_value(rows, days)
    assert np.isfinite(valued.customer_clv["clv"]).all()


def test_records_are_json_and_name_all_algorithms(valued: CustomerValue) -> None:
    assert valued.model_runs["algorithm"].tolist() == ["bg_nbd", "gamma_gamma", SEASONAL, "gradient_boosting"]
    for text in valued.model_runs["figures"]:
        assert json.loads(text)


def test_nobody_is_an_error() -> None:
    purchases = shop(customers=20)
    with pytest.raises(ValueError, match="no customer"):
        estimate_customer_value(panel(purchases).iloc[:0], daily(purchases))
    with pytest.raises(ValueError, match="horizon"):
        estimate(purchases, horizon_days=0)
    rows = panel(purchases)
    with pytest.raises(ValueError, match="twice"):
        estimate_customer_value(pd.concat([rows, rows.iloc[:1]]), daily(purchases))


def test_how_far_off_the_sum_was_is_told_first():
    errors = pd.DataFrame(
        {
            "cutoff_date": pd.to_datetime(["2026-06-03", "2026-08-01"]),
            "total_error_pct": [40.0, 255.2],
            "is_winner": True,
        }
    )
    told = _verdict(errors, BG_NBD, length=4, horizon_days=180)
    assert told[0] == (
        "On the hold-out from 2026-08-01 the total forecast was 255% too high: "
        "trust the order of customers more than the sum."
    )
    assert [one.partition(" ")[0] for one in told[1:]] == ["The", "Hold-outs"]
