"""The seasonal clock: busy days by hand, nothing read from the future, and totals of a shop with a peak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.bg_nbd import BgNbdModel
from ml.customer_value import estimate_customer_value
from ml.value_competitors import BG_NBD, BOOSTING, SEASONAL, forecasts_at
from ml.value_panel import customer_panel
from ml.value_season import SeasonalClock, seasonal_clock
from tests.ml.panels import daily, panel, shop

# everyone buys once in ten days, at one steady rate, and nobody leaves
STEADY = BgNbdModel(1e6, 1e7, 1e-9, 1.0, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0), 300, 300, True, True, ())


def days_of(begin: str, end: str, repeats: object, new: int = 300, value: float = 10.0) -> pd.DataFrame:
    """So many repeat purchases a day, and on the first day everyone's first one."""
    dates = pd.date_range(begin, end)
    bought = np.broadcast_to(np.asarray(repeats, dtype=float), len(dates)).copy()
    bought[0] += new
    return pd.DataFrame({"purchase_days": bought, "net_value": value * bought}, index=dates)


def clock_of(known: pd.DataFrame, date: str, n: int = 300, model: BgNbdModel = STEADY) -> SeasonalClock | None:
    """Of n customers who all came on the first day."""
    at = pd.Timestamp(date)
    observed = (at - known.index[0]).days - 1
    bought = known.loc[known.index < at, "purchase_days"].sum()
    rows = pd.DataFrame({"cutoff_date": at, "observed_days": [observed] * n, "repeat_purchase_days": bought / n - 1})
    return seasonal_clock(known, rows, model)


def test_histories_and_horizons_are_counted_in_busy_days() -> None:
    # from the 11th day of the year on a day counts three
    levels = np.where(np.arange(365) < 10, 1.0, 3.0)
    clock = SeasonalClock(levels, np.full(365, 2.0), 1.0)
    rows = pd.DataFrame(
        {
            "cutoff_date": pd.Timestamp("2023-01-16"),
            "repeat_purchase_days": [0, 1],
            # the 1st to the 15th; the 5th, and again on the 12th
            "observed_days": [14, 10],
            "days_to_last_purchase": [0, 7],
        }
    )
    repeats, to_last, observed = clock.histories(rows)
    assert repeats.tolist() == [0, 1]
    # the days after the first purchase: the 6th to the 10th, and the 11th and 12th
    assert to_last.tolist() == [0, 5 + 2 * 3]
    # the 2nd to the 10th and five busy ones; the 6th to the 10th and five busy ones
    assert observed.tolist() == [9 + 15, 5 + 15]
    # ten ordinary days of a next year
    assert clock.busy_days(pd.Timestamp("2024-01-01"), 12) == 10 + 2 * 3
    assert clock.purchase_value_factor(pd.Timestamp("2024-01-01"), 12) == pytest.approx(2)


def test_an_even_shop_has_an_even_clock_whatever_its_trend() -> None:
    for trend in (1.0, 0.5):
        # two full years: every day was seen twice, 30 a day at the end of the first
        known = days_of("2021-01-01", "2022-12-31", 30 * trend ** (np.arange(730) / 365 - 1))
        clock = clock_of(known, "2023-01-01")
        assert clock is not None
        assert clock.trend == pytest.approx(trend, rel=0.05)
        assert clock.levels == pytest.approx(np.ones(365), abs=0.03)
        assert clock.purchase_values == pytest.approx(np.ones(365))


def test_a_shop_that_gathers_customers_is_not_taken_for_one_with_a_season() -> None:
    # one new customer a day, each buying every tenth day from then on: 3, 4, ... 76 repeat purchases a day
    known = days_of("2021-01-01", "2022-12-31", np.arange(730) / 10 + 1, new=0)
    rows = pd.DataFrame(
        {
            "cutoff_date": pd.Timestamp("2023-01-01"),
            "observed_days": np.arange(730),
            "repeat_purchase_days": np.arange(730) / 10,
        }
    )
    clock = seasonal_clock(known, rows, STEADY)
    assert clock is not None
    assert clock.levels == pytest.approx(np.ones(365), abs=0.03)


def test_the_peak_counts_as_what_it_was() -> None:
    # 60 a day in November and December, 30 else: the mean is 30 * (365 + 61) / 365
    known = days_of("2021-01-01", "2022-12-31", 30.0)
    in_peak = known.index.month >= 11
    known.loc[in_peak, "purchase_days"] = 60.0
    # a purchase there is worth twice one of summer
    known["net_value"] = known["purchase_days"] * np.where(in_peak, 20.0, 10.0)
    clock = clock_of(known, "2023-01-01")
    assert clock is not None
    # in the middle of the peak, and far from it; one part in a hundred is held to be chance
    assert clock.levels[333] == pytest.approx(60 / (30 * 426 / 365), rel=0.06)
    assert clock.levels[180] == pytest.approx(30 / (30 * 426 / 365), rel=0.02)
    assert clock.levels.mean() == pytest.approx(1)
    peak = clock.purchase_value_factor(pd.Timestamp("2023-11-15"), 30)
    summer = clock.purchase_value_factor(pd.Timestamp("2023-06-01"), 30)
    assert peak / summer == pytest.approx(2, rel=0.1)


def test_few_purchases_leave_the_year_nearly_even() -> None:
    # one purchase a fortnight, all of them in the first half of the year
    known = days_of("2021-01-01", "2021-12-31", np.where(np.arange(365) % 14 == 3, 1.0, 0.0), new=3)
    known.iloc[182:, 0] = 0.0
    clock = clock_of(known, "2022-01-01", n=3)
    assert clock is not None
    assert 0.7 < clock.levels.min() < clock.levels.max() < 1.3


def test_less_than_a_year_makes_no_clock_and_the_future_is_not_read() -> None:
    known = days_of("2021-01-01", "2021-12-31", 30.0)
    assert clock_of(known, "2021-12-31") is None
    clock = clock_of(known, "2022-01-01")
    later = clock_of(pd.concat([known, days_of("2022-01-01", "2022-12-31", 900.0)]), "2022-01-01")
    assert clock is not None
    assert later is not None
    assert (clock.levels == later.levels).all()
    assert clock_of(days_of("2021-01-01", "2021-12-31", 0.0), "2022-01-01") is None


def test_a_long_closure_stops_no_clock() -> None:
    known = days_of("2021-01-01", "2021-12-31", 30.0)
    known.loc["2021-03-01":"2021-06-30", "purchase_days"] = 0.0
    clock = clock_of(known, "2022-01-01")
    assert clock is not None
    # BG/NBD takes no two purchases at one time
    assert clock.levels.min() > 0
    assert np.isfinite(clock.purchase_values).all()


def test_totals_of_a_shop_with_a_peak_are_nearer_by_the_seasonal_clock() -> None:
    # rates swing by 60 % either way with the sine of the year: high to June, low to December
    purchases = shop(customers=1500, days=700, season=0.6)
    made = customer_panel(panel(purchases), daily(purchases))
    errors = {}
    for origin in (4, 6, 8, 10):
        forecasts, came = forecasts_at(made, origin, 4, 42), made.outcome(origin, 4)
        assert {BG_NBD, SEASONAL, BOOSTING} <= set(forecasts)
        # boosting tells customers apart, and takes the total from the clock
        assert forecasts[BOOSTING].value.sum() == pytest.approx(forecasts[SEASONAL].value.sum())
        assert forecasts[BOOSTING].purchases.sum() == pytest.approx(forecasts[SEASONAL].purchases.sum())
        errors[origin] = [
            abs(forecasts[model].purchases.sum() / came.purchases.sum() - 1) for model in (BG_NBD, SEASONAL)
        ]
    by_calendar, by_season = np.mean(list(errors.values()), axis=0)
    assert by_season < by_calendar / 2
    assert by_season < 0.15


def test_where_less_than_a_year_is_known_the_clock_says_so_and_does_not_compete() -> None:
    purchases = shop(customers=300, days=300)
    valued = estimate_customer_value(panel(purchases), daily(purchases))
    told = valued.model_runs.set_index("algorithm")["warnings"]
    assert "the seasonal clock can't help yet and does not compete" in told[SEASONAL]
    assert SEASONAL not in set(valued.clv_holdout["model"])
    assert valued.customer_clv["clv_seasonal_clock"].isna().all()
    # a year is known now, and was not before any hold-out
    purchases = shop(customers=300, days=400)
    valued = estimate_customer_value(panel(purchases), daily(purchases))
    told = valued.model_runs.set_index("algorithm")["warnings"]
    assert "hold-outs less than a year was known before the cutoff" in told[SEASONAL]
    assert "which no hold-out could try" in told[BOOSTING]
    assert valued.customer_clv["clv_seasonal_clock"].notna().all()
