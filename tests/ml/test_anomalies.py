from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.anomalies import (
    MAX_SCORE,
    SCORE_COLUMNS,
    describe_scores,
    find_silences,
    flag_revenue_anomalies,
    score_daily_revenue,
    score_revenue,
    score_weekly_revenue,
    weeks_in_window,
)


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
@pytest.mark.parametrize("rule", [{}, {"method": "median_mad", "calendar": True}], ids=["classic", "robust"])
def test_cancelled_orders_are_no_anomalies_when_returns_are_netted(real_lines, who, rule):
    daily = real_lines.execute(
        f"select invoiced_at::date as date, sum(amount) as net_revenue from lines where {who} group by all order by 1"
    ).df()
    flags = by_date(flag_revenue_anomalies(daily, **rule))
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
    assert tuple(empty.columns) == SCORE_COLUMNS


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


@pytest.fixture(scope="module")
def real_revenue(real_lines):
    """Booked revenue of all real lines by day, and by country and day."""
    by_country = real_lines.execute(
        """
        select country, invoiced_at::date as date, bool_or(amount > 0) as is_trading_day,
            sum(amount)::double as net_revenue
        from lines group by all order by 1, 2
        """
    ).df()
    by_day = by_country.groupby("date", as_index=False, sort=True).agg(
        is_trading_day=("is_trading_day", "any"), net_revenue=("net_revenue", "sum")
    )
    return by_day, by_country


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["mean_std", "median_mad"])
def test_longer_history_adds_rows_and_changes_none_in_any_series(real_revenue, method):
    days, country_days = real_revenue
    everything = score_revenue(days, country_days, method=method).scored
    assert set(everything["grain"]) == {"day", "week"}
    assert everything["series"].nunique() > 5
    key = ["series", "grain", "date"]
    cuts = days["date"].iloc[30:-1:9]
    assert len(cuts) > 25
    for last in cuts:
        shorter = score_revenue(
            days[days["date"] <= last], country_days[country_days["date"] <= last], method=method
        ).scored
        seen = everything.merge(shorter[key], on=key)[list(everything.columns)]
        pd.testing.assert_frame_equal(shorter, seen.reset_index(drop=True), check_exact=True)
        # and every day and week that was over then was scored then, but for silences, which wait for the next sale
        over = everything[
            (everything["date"] + pd.to_timedelta(np.where(everything["grain"] == "week", 6, 0), unit="D") <= last)
            & (everything["direction"] != "silence")
        ]
        assert len(shorter[shorter["direction"] != "silence"]) == len(over)


@pytest.mark.real_data
def test_order_of_rows_changes_nothing(real_revenue):
    days, country_days = real_revenue
    shuffled = country_days.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        score_revenue(days, country_days).scored, score_revenue(days, shuffled).scored, check_exact=True
    )


@pytest.mark.real_data
def test_a_shop_closed_on_saturdays_is_silent_on_holidays_only(real_revenue):
    days, _ = real_revenue
    silences = find_silences(days)
    # Good Friday to Easter Monday, the royal wedding, and the bank holidays of early May and August 2011;
    # by 30 May two of eight Mondays had been closed, so that a third is no surprise
    assert silences["date"].dt.strftime("%Y-%m-%d").tolist() == [
        "2011-04-22", "2011-04-29", "2011-05-02", "2011-08-29",
    ]  # fmt: skip
    assert silences["last_date"].dt.strftime("%Y-%m-%d").tolist()[0] == "2011-04-25"
    assert silences["expected_days"].tolist() == [3, 1, 1, 1]


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
        # 0.28 of its week's mean, drawn towards 1 by 4 in 17: 0.45
        assert 35 < knowing["expected"] < 45
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


def days_of(values_by_day):
    """Days with sales; None is a day without."""
    dates = pd.date_range("2024-01-01", periods=len(values_by_day))  # a Monday
    frame = pd.DataFrame({"date": dates, "net_revenue": values_by_day, "is_trading_day": True})
    return frame[frame["net_revenue"].notna()].reset_index(drop=True)


def test_weeks_are_complete_or_not_scored():
    assert weeks_in_window(28) == 12
    assert weeks_in_window(5) == 8
    ten = [10.0] * 7
    # three weeks and six days; the window is two weeks
    assert score_weekly_revenue(days_of(ten * 3 + ten[:6]), window_weeks=2)["date"].tolist() == [
        pd.Timestamp("2024-01-15")
    ]
    # history from a Tuesday on: its first week is not complete
    assert score_weekly_revenue(days_of([None, *ten[:6], *ten * 2]), window_weeks=2).empty
    assert len(score_weekly_revenue(days_of(ten * 4), window_weeks=2)) == 2


def test_a_week_with_a_holiday_is_compared_by_its_trading_days():
    noise = np.random.default_rng(7).uniform(0.9, 1.1, 70)
    values = list(100 * noise)
    values[63:66] = [None] * 3
    week = score_weekly_revenue(days_of(values), window_weeks=8).iloc[-1]
    assert week["actual"] == pytest.approx(sum(values[66:]))
    assert week["expected"] == pytest.approx(400, rel=0.05)
    assert pd.isna(week["direction"])


def shop(closed, last="2024-06-30", first="2024-01-01"):
    days = [day for day in pd.date_range(first, last) if day.weekday() != 5 and day.date() not in closed]
    return pd.DataFrame({"date": days, "is_trading_day": True, "net_revenue": 100.0})


def test_a_closed_stretch_is_one_silence():
    closed = {date(2024, 5, 1) + timedelta(days=each) for each in range(10)}
    silences = find_silences(shop(closed))
    assert silences["date"].tolist() == [pd.Timestamp("2024-05-01")]
    assert silences["last_date"].tolist() == [pd.Timestamp("2024-05-10")]
    # ten days less Saturday the 4th
    assert silences["expected_days"].tolist() == [9]


def test_days_after_the_last_sale_are_no_silence():
    closed = {date(2024, 6, 20) + timedelta(days=each) for each in range(11)}
    assert find_silences(shop(closed)).empty
    # nor are closed days of a shop that is too young to have habits
    assert find_silences(shop({date(2024, 2, 20)})).empty


def test_a_day_closed_a_year_before_is_a_holiday():
    closed = {date(2023, 12, 25), date(2024, 12, 25)}
    assert find_silences(shop(closed, first="2023-06-01", last="2025-01-31"))["date"].tolist() == [
        pd.Timestamp("2023-12-25")
    ]
    # the first Monday of May: 52 weeks before
    closed = {date(2023, 5, 8), date(2024, 5, 6)}
    found = find_silences(shop(closed, first="2023-01-01", last="2024-06-30"))["date"].tolist()
    assert found == [pd.Timestamp("2023-05-08")]
    assert find_silences(shop({date(2024, 2, 29)}, first="2023-01-01"))["date"].tolist() == [pd.Timestamp("2024-02-29")]


def both(days, shares):
    countries = pd.concat(
        [days.assign(country=name, net_revenue=days["net_revenue"] * share) for name, share in shares.items()]
    )
    return days, countries


def test_silence_tells_what_was_booked_and_what_is_usual():
    days = shop({date(2024, 5, 7)})
    days = pd.concat(
        [days, pd.DataFrame({"date": [pd.Timestamp("2024-05-07")], "is_trading_day": False, "net_revenue": -7.0})]
    ).sort_values("date", ignore_index=True)
    flags = score_revenue(*both(days, {"Norway": 1.0})).flags
    row = flags[(flags["series"] == "total") & (flags["direction"] == "silence")].iloc[0]
    assert (row["date"], row["actual"]) == (pd.Timestamp("2024-05-07"), -7.0)
    assert row["expected"] == pytest.approx(100)
    assert row["score"] < 0
    # the country was silent because the shop was
    assert not ((flags["series"] == "Norway") & (flags["direction"] == "silence")).any()


def test_a_country_that_buys_every_day_is_missed_when_it_does_not():
    days = shop(set())
    _, countries = both(days, {"Norway": 0.5, "Sweden": 0.5})
    gone = (countries["country"] == "Norway") & countries["date"].isin(pd.to_datetime(["2024-05-07", "2024-05-08"]))
    flags = score_revenue(days, countries[~gone]).flags
    silent = flags[flags["direction"] == "silence"]
    assert silent["series"].tolist() == ["Norway"]
    assert silent["date"].tolist() == [pd.Timestamp("2024-05-07")]
    assert silent["last_date"].tolist() == [pd.Timestamp("2024-05-08")]


def test_countries_are_scored_by_day_or_week_or_not_as_often_as_they_buy():
    days = shop(set())
    weekday = days["date"].dt.day_of_week
    countries = pd.concat(
        [
            days.assign(country="Daily"),
            days[weekday.isin([0, 2])].assign(country="Weekly"),
            days[(weekday == 1) & (days["date"].dt.day <= 7)].assign(country="Monthly"),
        ]
    )
    scored = score_revenue(days, countries).scored
    kinds = set(scored[["series", "grain"]].itertuples(index=False, name=None))
    assert kinds == {("total", "day"), ("total", "week"), ("Daily", "day"), ("Daily", "week"), ("Weekly", "week")}


def test_at_most_ten_countries_are_scored_at_a_time():
    days = shop(set())
    scored = score_revenue(*both(days, {f"country {number:02}": 1.0 + number for number in range(15)})).scored
    counts = scored[scored["series"] != "total"].groupby(["grain", "date"])["series"].nunique()
    assert counts.max() == 10
    assert "country 04" not in set(scored["series"])


def test_the_run_says_what_was_scored():
    scores = score_revenue(*both(shop({date(2024, 5, 7)}), {"Norway": 1.0}), method="median_mad")
    run = describe_scores(scores, data_version="v1").iloc[0]
    assert (run["model"], run["algorithm"], run["data_version"]) == ("revenue_anomalies", "median_mad", "v1")
    assert '"silences": 1' in run["figures"]
    assert '"window_weeks": 12' in run["parameters"]
    assert pd.isna(run["warnings"])
    young = score_revenue(*both(shop(set(), last="2024-01-10"), {"Norway": 1.0}))
    assert young.scored.empty
    assert "No period could be scored" in describe_scores(young, data_version="v1")["warnings"].iloc[0]


def test_a_country_named_total_is_refused():
    with pytest.raises(ValueError, match="named total"):
        score_revenue(*both(shop(set()), {"total": 1.0}))
