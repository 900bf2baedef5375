import numpy as np
import pandas as pd
import pytest

from ml.anomalies import flag_revenue_anomalies, score_daily_revenue
from ml.anomaly_expectations import MAX_SCORE
from tests.ml.revenue import series


def test_score_is_the_distance_from_the_mean_of_the_days_before_in_standard_deviations():
    # before the last day: mean 20, sample standard deviation 10
    scored = score_daily_revenue(series([10.0, 20, 30, 55]), window_days=3)
    assert scored["expected"].tolist() == [20.0]
    assert scored["spread"].tolist() == [10.0]
    assert scored["score"].tolist() == [3.5]
    assert scored["direction"].tolist() == ["spike"]


def test_a_day_is_not_in_its_own_window():
    # were the last day in its window of four, it could score at most 3 / sqrt(4) = 1.5
    assert score_daily_revenue(series([10.0, 20, 30, 1e9]), window_days=3)["score"].tolist() == [MAX_SCORE]


def test_a_window_without_spread_gives_finite_scores():
    # 0.1 makes rounding show: its mean over three days is not exactly 0.1
    scored = score_daily_revenue(series([0.1, 0.1, 0.1, 0.1, 5.0, 0.1]), window_days=3)
    assert scored["score"].iloc[:2].tolist() == [0.0, MAX_SCORE]
    assert scored["direction"].iloc[:2].isna().tolist() == [True, False]
    assert np.isfinite(scored["score"]).all()
    assert score_daily_revenue(series([7.0, 7, 7, 1]), window_days=3)["score"].tolist() == [-MAX_SCORE]


@pytest.mark.parametrize("bad", [{"window_days": 1}, {"threshold": 0.0}, {"threshold": float("nan")}])
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError, match=r"window_days is 1|threshold is"):
        flag_revenue_anomalies(series([1.0, 2.0, 3.0]), **bad)


def robust(values, **more):
    return score_daily_revenue(series(values), method="median_mad", **more)


def test_robust_score_counts_usual_misses_on_a_log_like_scale():
    scored = robust([10.0, 20, 30, 55], window_days=3, threshold=1.0)
    # median 20 bends the scale: asinh(0.5), asinh(1), asinh(1.5) stray 0.4002 and 0.3134 from the median
    centre = np.arcsinh(1)
    spread = 1.4826 * (np.arcsinh(1.5) - centre)
    assert scored["expected"].iloc[0] == pytest.approx(20)
    assert scored["score"].iloc[0] == pytest.approx((np.arcsinh(55 / 20) - centre) / spread)
    assert scored["upper"].iloc[0] == pytest.approx(20 * np.sinh(centre + spread))
    assert scored["lower"].iloc[0] == pytest.approx(20 * np.sinh(centre - spread))
    assert scored["direction"].tolist() == ["spike"]


def test_one_wild_day_does_not_hide_the_next():
    usual = np.random.default_rng(3).uniform(90, 110, 40)
    wild = np.concatenate([usual, [900.0], usual[:3], [400.0]])
    assert len(flag_revenue_anomalies(series(wild), method="median_mad")) == 2
    assert len(flag_revenue_anomalies(series(wild))) == 1


def test_a_band_edge_is_where_flags_begin():
    usual = np.random.default_rng(4).uniform(80, 120, 60)
    for rule in ({}, {"method": "median_mad", "calendar": True}):
        upper = score_daily_revenue(series([*usual, 1.0]), **rule)["upper"].iloc[-1]
        assert score_daily_revenue(series([*usual, upper * 1.0001]), **rule)["direction"].iloc[-1] == "spike"
        assert pd.isna(score_daily_revenue(series([*usual, upper * 0.9999]), **rule)["direction"].iloc[-1])


def test_a_days_own_revenue_does_not_move_its_band():
    usual = np.random.default_rng(8).uniform(80, 120, 100)
    for rule in ({}, {"method": "median_mad"}, {"method": "median_mad", "calendar": True}):
        bands = [
            score_daily_revenue(series([*usual, last]), **rule)[["expected", "lower", "upper"]].iloc[-1].tolist()
            for last in (1.0, 100.0, 1e6)
        ]
        assert bands[0] == bands[1] == bands[2]


def test_a_robust_window_without_spread_gives_finite_scores():
    for values in ([0.1] * 30 + [5.0, 0.1], [0.0] * 30 + [5.0, 0.0], [-5.0] * 30 + [5.0, -5.0]):
        scored = robust(values, calendar=True)
        assert np.isfinite(scored[["expected", "lower", "upper", "score"]].to_numpy()).all()
        assert scored["direction"].iloc[2:3].tolist() == ["spike"]
        assert (scored["score"].abs() < 100).all()


def test_weekdays_are_known_after_four_of_each():
    # Sundays bring a quarter of other days
    dates = pd.date_range("2024-01-01", periods=140)
    noise = np.random.default_rng(5).uniform(0.9, 1.1, 140)
    daily = pd.DataFrame({"date": dates, "net_revenue": np.where(dates.day_of_week == 6, 25.0, 100.0) * noise})
    sunday = pd.Timestamp("2024-05-19")
    for method in ("mean_std", "median_mad"):
        plain = score_daily_revenue(daily, method=method).set_index("date").loc[sunday]
        knowing = score_daily_revenue(daily, method=method, calendar=True).set_index("date").loc[sunday]
        assert plain["expected"] > 75
        # after twenty Sundays that differ far beyond chance, what they bring is believed
        assert 23 < knowing["expected"] < 27
        # a Sunday as busy as a Monday is odd, and only who knows weekdays sees it
        busy = daily.assign(net_revenue=daily["net_revenue"].where(dates != sunday, 100.0))
        assert score_daily_revenue(busy, method=method, calendar=True).set_index("date").loc[sunday, "score"] > 5


def test_last_years_season_is_expected_again():
    # every December brings twice as much; the second is expected, the first was not
    dates = pd.date_range("2022-01-01", "2023-12-20")
    noise = np.random.default_rng(6).uniform(0.95, 1.05, len(dates))
    daily = pd.DataFrame({"date": dates, "net_revenue": np.where(dates.month == 12, 200.0, 100.0) * noise})
    scored = score_daily_revenue(daily, method="median_mad", calendar=True).set_index("date")
    assert scored.loc["2022-12-05", "expected"] == pytest.approx(100, rel=0.05)
    # a doubling is believed by the power 0.7: 1.62 times
    assert scored.loc["2023-12-08", "expected"] == pytest.approx(162, rel=0.07)


def test_a_season_of_ten_times_is_expected_again():
    # two thirds of the year's revenue come in December, as in the year before
    dates = pd.date_range("2022-01-01", "2023-12-20")
    noise = np.random.default_rng(6).uniform(0.8, 1.2, len(dates))
    daily = pd.DataFrame({"date": dates, "net_revenue": np.where(dates.month == 12, 1000.0, 100.0) * noise})
    scored = score_daily_revenue(daily, method="median_mad", calendar=True).set_index("date")
    assert scored.loc["2022-12-01":"2022-12-05", "direction"].eq("spike").all()
    # 10 to the power 0.7
    assert scored.loc["2023-12-08", "expected"] == pytest.approx(501, rel=0.1)
    # once the season fills half of the window
    assert scored.loc["2023-12-16":, "direction"].isna().all()


def test_a_season_is_expected_on_each_of_its_days():
    # ten times as much from 1 December to New Year's Eve
    dates = pd.date_range("2022-01-01", "2024-12-31")
    noise = np.random.default_rng(1).uniform(0.85, 1.15, len(dates))
    daily = pd.DataFrame({"date": dates, "net_revenue": np.where(dates.month == 12, 1000.0, 100.0) * noise})
    scored = score_daily_revenue(daily, method="median_mad", calendar=True).set_index("date")
    for year in (2023, 2024):
        # at first 10 to the power 0.7 is believed, five times; no day in between expects less
        assert (scored.loc[f"{year}-12-01" : f"{year}-12-31", "expected"] > 380).all()
        assert scored.loc[f"{year}-12-25" : f"{year}-12-31", "direction"].isna().all()


def test_a_weekday_that_lives_by_one_order_is_not_odd_every_week():
    # each Tuesday one customer orders for 8,000, 10,000 or 12,000 in turn; the other days bring 300, give or take 10 %
    dates = pd.bdate_range("2024-01-01", periods=200)
    is_tuesday = dates.day_of_week == 1
    noise = np.random.default_rng(7).uniform(0.9, 1.1, 200)
    revenue = np.where(is_tuesday, np.take([8000.0, 10000.0, 12000.0], np.arange(200) // 5 % 3), 300.0 * noise)
    daily = pd.DataFrame({"date": dates, "net_revenue": revenue})
    scored = score_daily_revenue(daily, method="median_mad", calendar=True).set_index("date")
    assert scored["direction"].isna().all()
    # without that customer, and with six times the order
    for odd, direction in ((300.0, "drop"), (60000.0, "spike")):
        changed = daily.assign(net_revenue=daily["net_revenue"].where(dates != "2024-09-03", odd))
        told = score_daily_revenue(changed, method="median_mad", calendar=True).set_index("date")
        assert told.loc["2024-09-03", "direction"] == direction


def market_stall(tuesday):
    """Two years in which each Tuesday brings as much, and one in four other days a few pounds."""
    rng = np.random.default_rng(5)
    dates = pd.date_range("2024-01-01", periods=730)
    is_tuesday = dates.day_of_week == 1
    revenue = np.where(is_tuesday, tuesday, rng.uniform(1, 9, 730))
    is_trading = is_tuesday | (rng.uniform(size=730) < 0.25)
    return pd.DataFrame({"date": dates, "net_revenue": revenue})[is_trading].reset_index(drop=True)


def test_the_season_of_a_year_before_is_not_its_one_great_weekday():
    # once a year is known, a fortnight of which half the days were Tuesdays made a Tuesday of 80,000 out of the next
    scored = score_daily_revenue(market_stall(8500.0), method="median_mad", calendar=True)
    tuesdays = scored[scored["date"].dt.day_of_week.eq(1) & (scored["date"] >= "2025-02-01")]
    assert tuesdays["expected"].between(8500 / 2, 8500 * 2).all()


def test_ten_percent_less_is_not_odd_on_a_great_weekday_either():
    daily = market_stall(8500.0)
    less = daily.assign(net_revenue=daily["net_revenue"].where(daily["date"] != "2024-11-12", 0.9 * 8500))
    scored = score_daily_revenue(less, method="median_mad", calendar=True).set_index("date")
    assert pd.isna(scored.loc["2024-11-12", "direction"])
    half = daily.assign(net_revenue=daily["net_revenue"].where(daily["date"] != "2024-11-12", 0.5 * 8500))
    scored = score_daily_revenue(half, method="median_mad", calendar=True).set_index("date")
    assert scored.loc["2024-11-12", "direction"] == "drop"


@pytest.mark.parametrize("method", ["mean_std", "median_mad"])
def test_no_band_reaches_further_below_zero_than_revenue_did(method):
    usual = [10.0, 200, 20, 300, 30, 500]
    never = score_daily_revenue(series([*usual, 50.0]), window_days=6, method=method)
    assert (never["lower"].iloc[0], never["upper"].iloc[0] > 500) == (0.0, True)
    once = score_daily_revenue(series([-7.0, *usual, 50.0]), window_days=7, method=method)
    assert once["lower"].iloc[0] == -7.0


def test_a_large_day_in_a_rising_season_stands_out():
    # sales rise by half in three months; Sundays bring 40 % and swing three times as much as other days
    dates = pd.date_range("2024-07-01", "2024-11-30")
    rng = np.random.default_rng(11)
    is_sunday = dates.day_of_week == 6
    season = 1 + np.clip((dates - pd.Timestamp("2024-09-01")).days.to_numpy() / 180, 0, None)
    noise = np.exp(rng.normal(0, np.where(is_sunday, 0.6, 0.2)))
    revenue = 1000 * season * np.where(is_sunday, 0.4, 1.0) * noise
    day = pd.Timestamp("2024-11-14")
    revenue[dates == day] = 1000 * season[dates == day] * 2.3
    scored = score_daily_revenue(
        pd.DataFrame({"date": dates, "net_revenue": revenue}), method="median_mad", calendar=True
    ).set_index("date")
    assert scored.loc[day, "direction"] == "spike"
    # one false alarm in a hundred days
    assert scored["direction"].notna().sum() <= 2


def test_weekdays_that_are_alike_are_not_told_apart_by_chance():
    dates = pd.date_range("2024-01-01", periods=200)
    noise = np.exp(np.random.default_rng(12).normal(0, 0.3, 200))
    daily = pd.DataFrame({"date": dates, "net_revenue": 100 * noise})
    knowing = score_daily_revenue(daily, method="median_mad", calendar=True)
    plain = score_daily_revenue(daily, method="median_mad")
    off = np.log(knowing["expected"] / plain["expected"]).abs()
    # chance alone sets medians of eight to twenty-six such days 8 to 13 % apart
    assert off.median() < 0.04
