from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.anomalies import (
    describe_scores,
    flag_revenue_anomalies,
    score_daily_revenue,
    score_revenue,
    score_weekly_revenue,
    weeks_in_window,
)
from ml.anomaly_expectations import SCORE_COLUMNS
from tests.ml.revenue import covered, days_of, series, shop, special_days

NOTHING_SPECIAL = special_days()


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


def test_the_threshold_itself_is_odd_and_below_it_is_not():
    assert len(flag_revenue_anomalies(series([10.0, 20, 30, 50]), window_days=3)) == 1
    assert flag_revenue_anomalies(series([10.0, 20, 30, 49.99]), window_days=3).empty
    assert flag_revenue_anomalies(series([10.0, 20, 30, -10]), window_days=3)["direction"].tolist() == ["drop"]


def test_days_without_enough_before_them_are_not_scored():
    assert score_daily_revenue(series([1.0, 2, 3]), window_days=3).empty
    assert len(score_daily_revenue(series(np.arange(30.0)))) == 2
    empty = flag_revenue_anomalies(series([5.0]))
    assert empty.empty
    assert tuple(empty.columns) == SCORE_COLUMNS


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
    return covered(by_day), by_country


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["mean_std", "median_mad"])
def test_longer_history_adds_rows_and_changes_none_in_any_series(real_revenue, method):
    days, country_days = real_revenue
    everything = score_revenue(days, country_days, NOTHING_SPECIAL, method=method).scored
    assert set(everything["grain"]) == {"day", "week"}
    assert everything["series"].nunique() > 5
    key = ["series", "grain", "date"]
    cuts = days["date"].iloc[30:-1:9]
    assert len(cuts) > 25
    for last in cuts:
        shorter = score_revenue(
            covered(days[days["date"] <= last]),
            country_days[country_days["date"] <= last],
            NOTHING_SPECIAL,
            method=method,
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
        score_revenue(days, country_days, NOTHING_SPECIAL).scored,
        score_revenue(days, shuffled, NOTHING_SPECIAL).scored,
        check_exact=True,
    )


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


def both(days, shares):
    countries = pd.concat(
        [days.assign(country=name, net_revenue=days["net_revenue"] * share) for name, share in shares.items()]
    )
    return days, countries, NOTHING_SPECIAL


def test_silence_tells_what_was_booked_and_what_is_usual():
    days = shop({date(2024, 5, 7)})
    days = pd.concat(
        [days, pd.DataFrame({"date": [pd.Timestamp("2024-05-07")], "is_trading_day": False, "net_revenue": -7.0})]
    ).sort_values("date", ignore_index=True)
    days = covered(days)
    flags = score_revenue(*both(days, {"Norway": 0.5})).flags
    row = flags[(flags["series"] == "total") & (flags["direction"] == "silence")].iloc[0]
    assert (row["date"], row["actual"]) == (pd.Timestamp("2024-05-07"), -7.0)
    assert row["expected"] == pytest.approx(100)
    assert row["score"] < 0
    # the country was silent because the shop was
    assert not ((flags["series"] == "Norway") & (flags["direction"] == "silence")).any()


def test_a_country_that_buys_every_day_is_missed_when_it_does_not():
    days = shop(set())
    _, countries, _ = both(days, {"Norway": 0.5, "Sweden": 0.5})
    gone = (countries["country"] == "Norway") & countries["date"].isin(pd.to_datetime(["2024-05-07", "2024-05-08"]))
    flags = score_revenue(days, countries[~gone], NOTHING_SPECIAL).flags
    silent = flags[flags["direction"] == "silence"]
    assert silent["series"].tolist() == ["Norway"]
    assert silent["date"].tolist() == [pd.Timestamp("2024-05-07")]
    assert silent["back_date"].tolist() == [pd.Timestamp("2024-05-09")]
    assert silent["expected_days"].tolist() == [2]


def test_countries_are_scored_by_day_or_week_or_not_as_often_as_they_buy():
    days = shop(set())
    weekday = days["date"].dt.day_of_week
    countries = pd.concat(
        [
            days.assign(country="Daily", net_revenue=50.0),
            days[weekday.isin([0, 2])].assign(country="Weekly"),
            days[(weekday == 1) & (days["date"].dt.day <= 7)].assign(country="Monthly"),
        ]
    )
    scored = score_revenue(days, countries, NOTHING_SPECIAL).scored
    kinds = set(scored[["series", "grain"]].itertuples(index=False, name=None))
    assert kinds == {("total", "day"), ("total", "week"), ("Daily", "day"), ("Daily", "week"), ("Weekly", "week")}


def test_at_most_ten_countries_are_scored_at_a_time():
    days = shop(set())
    scored = score_revenue(*both(days, {f"country {number:02}": (1.0 + number) / 120 for number in range(15)})).scored
    counts = scored[scored["series"] != "total"].groupby(["grain", "date"])["series"].nunique()
    assert counts.max() == 10
    assert "country 04" not in set(scored["series"])


def test_the_run_says_what_was_scored():
    scores = score_revenue(*both(shop({date(2024, 5, 7)}), {"Norway": 0.5}), method="median_mad")
    run = describe_scores(scores, data_version="v1").iloc[0]
    assert (run["model"], run["algorithm"], run["data_version"]) == ("revenue_anomalies", "median_mad", "v1")
    assert '"silences": 1' in run["figures"]
    assert '"window_weeks": 12' in run["parameters"]
    assert pd.isna(run["warnings"])
    young = score_revenue(*both(shop(set(), last="2024-01-10"), {"Norway": 0.5}))
    assert young.scored.empty
    assert "No period could be scored" in describe_scores(young, data_version="v1")["warnings"].iloc[0]


def test_a_country_named_total_is_refused():
    with pytest.raises(ValueError, match="named total"):
        score_revenue(*both(shop(set()), {"total": 1.0}))


def test_a_shop_of_one_country_is_told_once():
    days = shop(set())
    days.loc[100, "net_revenue"] = 1000.0
    odd = [("total", days.loc[100, "date"])]
    # 2 % go abroad: the home country is the total; with 10 % it has a story of its own
    flags = score_revenue(*both(days, {"Norway": 0.98, "Sweden": 0.02})).flags
    assert list(zip(flags["series"], flags["date"], strict=True))[:1] == odd
    assert "Norway" not in set(flags["series"])
    assert "Norway" in set(score_revenue(*both(days, {"Norway": 0.9, "Sweden": 0.1})).flags["series"])
    # so it is while more comes back than is sold
    losses = days.assign(net_revenue=-days["net_revenue"])
    assert "Norway" not in set(score_revenue(*both(losses, {"Norway": 0.98, "Sweden": 0.02})).scored["series"])
    assert "Norway" in set(score_revenue(*both(losses, {"Norway": 0.9, "Sweden": 0.1})).scored["series"])


def test_a_day_without_a_sale_is_no_news_on_a_holiday_or_a_closed_day():
    days, countries, _ = both(shop({date(2024, 5, 6), date(2024, 5, 14), date(2024, 6, 4)}), {"Norway": 0.5})

    def silent(special):
        flags = score_revenue(days, countries, special).flags
        return flags.loc[flags["direction"] == "silence", "date"].dt.strftime("%m-%d").tolist()

    assert silent(NOTHING_SPECIAL) == ["05-06", "05-14", "06-04"]
    told = special_days(holidays={"2024-05-06": "May Day"}, closures={"2024-05-14": "Stocktaking"})
    assert silent(told) == ["06-04"]


def test_a_country_that_stays_away_on_a_holiday_is_not_missed():
    days = shop(set())
    _, countries, _ = both(days, {"Norway": 0.5, "Sweden": 0.5})
    gone = (countries["country"] == "Norway") & (countries["date"] == "2024-05-06")
    assert (score_revenue(days, countries[~gone], NOTHING_SPECIAL).flags["direction"] == "silence").any()
    holiday = special_days(holidays={"2024-05-06": "May Day"})
    assert not (score_revenue(days, countries[~gone], holiday).flags["direction"] == "silence").any()


@pytest.mark.parametrize("method", ["mean_std", "median_mad"])
def test_a_promotion_is_unusual_and_makes_no_day_after_it_unusual(method):
    rng = np.random.default_rng(3)
    days = shop(set())
    days["net_revenue"] = 100 * rng.uniform(0.9, 1.1, len(days))
    promoted = days["date"].between("2024-04-01", "2024-04-21")
    days.loc[promoted, "net_revenue"] *= 4
    dates = days.loc[promoted, "date"].dt.strftime("%Y-%m-%d")
    told = special_days(promotions=dict.fromkeys(dates, "Spring sale"))
    days, countries, _ = both(days, {"Norway": 0.5})
    scored = score_revenue(days, countries, told, method=method).scored
    of_days = scored[(scored["series"] == "total") & (scored["grain"] == "day")]
    flagged = of_days[of_days["direction"].notna()]
    assert flagged["date"].dt.strftime("%Y-%m-%d").tolist() == dates.tolist()
    # what is expected stays what it was
    assert of_days["expected"].between(85, 115).all()


def test_a_day_that_is_not_over_is_not_compared():
    # the data end on a Thursday, of which one order has come in so far
    days = shop(set(), last="2024-06-27")
    days.loc[len(days) - 1, "net_revenue"] = 1.0
    days, countries, _ = both(days, {"Norway": 0.5})
    last = days["date"].max()
    over = score_revenue(days, countries, NOTHING_SPECIAL)
    assert list(zip(over.flags["series"], over.flags["date"], strict=True)) == [("total", last), ("Norway", last)]
    days.loc[len(days) - 1, "is_complete_day"] = False
    running = score_revenue(days, countries, NOTHING_SPECIAL)
    assert running.flags.empty
    assert running.scored.loc[running.scored["grain"] == "day", "date"].max() < last
