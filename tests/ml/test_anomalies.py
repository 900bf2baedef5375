import numpy as np
import pandas as pd
import pytest

from ml.anomalies import MAX_SCORE, flag_revenue_anomalies, score_daily_revenue


def series(values, start="2011-01-03"):
    return pd.DataFrame({"date": pd.date_range(start, periods=len(values)), "net_revenue": values})


def by_date(flags):
    return dict(zip(flags["date"].dt.strftime("%Y-%m-%d"), flags["score"].round(1), strict=True))


@pytest.mark.real_data
def test_cancelled_orders_are_spikes_when_cancellations_are_dropped(real_lines):
    daily = real_lines.execute(
        """
        select invoiced_at::date as date, sum(amount) as net_revenue from lines
        where customer_id is not null and not starts_with(invoice_no, 'C') group by all order by 1
        """
    ).df()
    assert len(daily) == 305
    flags = by_date(flag_revenue_anomalies(daily))
    assert flags["2011-12-09"] == 9.7
    assert flags["2011-01-18"] == 4.3


@pytest.mark.real_data
@pytest.mark.parametrize("who", ["true", "customer_id is not null"])
def test_cancelled_orders_are_no_anomalies_when_returns_are_netted(real_lines, who):
    daily = real_lines.execute(
        f"select invoiced_at::date as date, sum(amount) as net_revenue from lines where {who} group by all order by 1"
    ).df()
    flags = by_date(flag_revenue_anomalies(daily))
    assert flags
    assert "2011-12-09" not in flags
    assert "2011-01-18" not in flags


@pytest.mark.real_data
def test_longer_history_rewrites_no_score(real_lines):
    daily = real_lines.execute(
        "select invoiced_at::date as date, sum(amount) as net_revenue from lines group by all order by 1"
    ).df()
    everything = score_daily_revenue(daily)
    for days in (29, 100, 250, 304):
        shorter = score_daily_revenue(daily.iloc[:days])
        pd.testing.assert_frame_equal(shorter, everything.iloc[: days - 28], check_exact=True)
    # nor does history that turns up from before the window
    pd.testing.assert_frame_equal(
        score_daily_revenue(daily.iloc[50:].reset_index(drop=True)),
        everything.iloc[50:].reset_index(drop=True),
        check_exact=True,
    )


def test_score_is_the_distance_from_the_mean_of_the_days_before_in_standard_deviations():
    # before the last day: mean 20, sample standard deviation 10
    scored = score_daily_revenue(series([10.0, 20, 30, 55]), window_days=3)
    assert scored["expected"].tolist() == [20.0]
    assert scored["spread"].tolist() == [10.0]
    assert scored["score"].tolist() == [3.5]
    assert scored["direction"].tolist() == ["spike"]


def test_the_threshold_itself_is_odd_and_below_it_is_not():
    assert len(flag_revenue_anomalies(series([10.0, 20, 30, 50]), window_days=3)) == 1
    assert flag_revenue_anomalies(series([10.0, 20, 30, 49.99]), window_days=3).empty
    assert flag_revenue_anomalies(series([10.0, 20, 30, -10]), window_days=3)["direction"].tolist() == ["drop"]


def test_a_day_is_not_in_its_own_window():
    # were the last day in its window of four, it could score at most 3 / sqrt(4) = 1.5
    assert score_daily_revenue(series([10.0, 20, 30, 1e9]), window_days=3)["score"].tolist() == [MAX_SCORE]


def test_days_without_enough_before_them_are_not_scored():
    assert score_daily_revenue(series([1.0, 2, 3]), window_days=3).empty
    assert len(score_daily_revenue(series(np.arange(30.0)))) == 2
    empty = flag_revenue_anomalies(series([5.0]))
    assert empty.empty
    assert list(empty.columns) == [
        "series", "date", "actual", "expected", "score", "direction", "window_days", "threshold",
    ]  # fmt: skip


def test_a_window_without_spread_gives_finite_scores():
    # 0.1 makes rounding show: its mean over three days is not exactly 0.1
    scored = score_daily_revenue(series([0.1, 0.1, 0.1, 0.1, 5.0, 0.1]), window_days=3)
    assert scored["score"].iloc[:2].tolist() == [0.0, MAX_SCORE]
    assert scored["direction"].iloc[:2].isna().tolist() == [True, False]
    assert np.isfinite(scored["score"]).all()
    assert score_daily_revenue(series([7.0, 7, 7, 1]), window_days=3)["score"].tolist() == [-MAX_SCORE]


def test_dates_of_any_kind_and_money_as_decimals_serve():
    from decimal import Decimal

    daily = pd.DataFrame(
        {
            "date": pd.date_range("2011-01-01", periods=4).date,
            "net_revenue": [Decimal("10"), Decimal("20"), Decimal("30"), Decimal("55.00")],
        }
    )
    flags = flag_revenue_anomalies(daily, window_days=3, series="total")
    assert flags["date"].tolist() == [pd.Timestamp("2011-01-04")]
    assert flags["series"].tolist() == ["total"]


@pytest.mark.parametrize(
    ("daily", "told"),
    [
        (series([]), "empty"),
        (series([1.0, 2.0]).iloc[::-1], "must ascend"),
        (pd.concat([series([1.0]), series([2.0])]), "2011-01-03 does not follow"),
        (series([1.0, None]), "missing or infinite on 2011-01-04"),
        (series([1.0]).drop(columns="net_revenue"), "lacks net_revenue"),
        (series([1.0, 2.0]).assign(date=[pd.NaT, pd.Timestamp("2011-01-04")]), "no date"),
    ],
)
def test_a_series_that_can_not_be_scored_is_refused(daily, told):
    with pytest.raises(ValueError, match=told):
        flag_revenue_anomalies(daily)


@pytest.mark.parametrize("bad", [{"window_days": 1}, {"threshold": 0.0}, {"threshold": float("nan")}])
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError, match=r"window_days is 1|threshold is"):
        flag_revenue_anomalies(series([1.0, 2.0, 3.0]), **bad)
