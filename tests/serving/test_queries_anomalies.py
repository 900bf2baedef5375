"""Unusual periods under the filters, against SQL on the scores."""

from datetime import date, timedelta

import pandas as pd
import pytest

from serving.filters import Filters
from serving.queries.anomalies import LISTS, anomalies, anomaly_drivers, expectations, scored_series
from serving.queries.lists import count_list, fetch_list
from serving.queries.revenue import unusual_periods
from serving.snapshot import Reading

SPIKE = date(2024, 4, 10)
"""The shop's 60 invoices of a day, where 4 to 9 are usual."""


def test_series_are_those_of_the_scores_with_the_total_first(reading: Reading) -> None:
    found = scored_series(reading, Filters())
    expected = reading.rows(
        "select series, grain, count(*) as periods from ml.revenue_expectations group by all order by all"
    )
    assert sorted(zip(found["series"], found["grain"], found["periods"], strict=True)) == [
        tuple(row.values()) for row in expected
    ]
    assert list(found["series"][:2]) == ["total", "total"]
    assert list(found["grain"][:2]) == ["day", "week"]
    flags = reading.value("select count(*) from ml.revenue_anomalies")
    assert found["flagged"].sum() == flags > 0


def test_a_series_has_every_scored_period_and_marks_the_odd_ones(reading: Reading) -> None:
    scored = expectations(reading, "total", "day", Filters())
    assert len(scored) == reading.value(
        "select count(*) from ml.revenue_expectations where series = 'total' and grain = 'day'"
    )
    assert scored["date"].is_monotonic_increasing and scored["date"].is_unique
    odd = reading.rows(
        "select date, direction, cause from ml.revenue_anomalies where series = 'total' and grain = 'day' order by date"
    )
    flagged = scored[scored["is_flagged"]]
    assert [(row.date.date(), row.direction, row.cause) for row in flagged.itertuples()] == [
        (row["date"], row["direction"], row["cause"]) for row in odd
    ]
    spike = flagged[flagged["date"].dt.date == SPIKE].iloc[0]
    assert spike["direction"] == "spike" and spike["actual"] > spike["upper"]
    assert scored.loc[~scored["is_flagged"], ["direction", "cause"]].isna().all().all()


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (SPIKE, SPIKE, True),
        (SPIKE + timedelta(days=1), None, False),
        (None, SPIKE - timedelta(days=1), False),
        (None, SPIKE, True),
    ],
)
def test_a_day_is_kept_from_its_first_to_its_last_date(
    reading: Reading, start: date | None, end: date | None, is_in: bool
) -> None:
    filters = Filters(start=start, end=end)
    days = list(expectations(reading, "total", "day", filters)["date"].dt.date)
    assert (SPIKE in days) == is_in
    assert all((start or SPIKE.min) <= one <= (end or SPIKE.max) for one in days)
    listed = anomalies(reading, filters)
    assert (SPIKE in list(listed.loc[listed["grain"] == "day", "date"].dt.date)) == is_in


@pytest.mark.parametrize(("start", "is_in"), [(date(2024, 4, 14), True), (date(2024, 4, 15), False)])
def test_a_week_is_kept_if_any_of_its_days_is_in_the_range(reading: Reading, start: date, is_in: bool) -> None:
    # the week of Monday 8 April ends on Sunday the 14th
    filters = Filters(start=start)
    monday = date(2024, 4, 8)
    assert (monday in list(expectations(reading, "total", "week", filters)["date"].dt.date)) == is_in
    assert (monday in list(anomalies(reading, filters)["date"].dt.date)) == is_in


def test_a_country_filter_leaves_that_country_alone(reading: Reading) -> None:
    filters = Filters(countries=("United Kingdom",))
    assert set(scored_series(reading, filters)["series"]) == {"United Kingdom"}
    listed = anomalies(reading, filters)
    assert set(listed["country"]) == {"United Kingdom"}
    assert len(listed) == reading.value("select count(*) from ml.revenue_anomalies where country = 'United Kingdom'")
    assert anomalies(reading, Filters(countries=("Atlantis",))).empty
    assert scored_series(reading, Filters(countries=("Atlantis",))).empty


def test_filters_on_customers_change_nothing(reading: Reading) -> None:
    nobody = Filters(segments=("Champions",), min_frequency=10_000, min_clv=1e9, customer="nobody")
    assert anomalies(reading, nobody).equals(anomalies(reading, Filters()))
    assert scored_series(reading, nobody).equals(scored_series(reading, Filters()))


def test_the_list_holds_all_odd_periods_the_latest_first(reading: Reading) -> None:
    (spec,) = LISTS
    rows = fetch_list(reading, spec, Filters())
    assert (
        len(rows) == count_list(reading, spec, Filters()) == reading.value("select count(*) from ml.revenue_anomalies")
    )
    assert list(rows["date"]) == sorted(rows["date"], reverse=True)
    assert not rows.duplicated(["series", "grain", "date"]).any()


def test_drivers_are_those_of_the_period_by_kind_and_rank(reading: Reading) -> None:
    found = anomaly_drivers(reading, "total", "day", SPIKE)
    kinds = list(dict.fromkeys(found["dimension"]))
    assert kinds == [kind for kind in ("invoice", "customer", "product", "country") if kind in kinds]
    for _, part in found.groupby("dimension"):
        assert list(part["rank"]) == list(range(1, len(part) + 1))
    assert len(found) == reading.value(
        "select count(*) from ml.anomaly_drivers where series = 'total' and grain = 'day' and date = $on", {"on": SPIKE}
    )
    assert anomaly_drivers(reading, "total", "day", SPIKE + timedelta(days=1)).empty


def test_the_public_data_have_their_known_odd_days(real_reading: Reading) -> None:
    # customer 17450 ordered for £71,601 on 20 September 2011; Good Friday of 2011 was 22 April, and is no news
    scored = expectations(real_reading, "total", "day", Filters()).set_index("date")
    assert scored.loc["2011-09-20", "direction"] == "spike"
    assert pd.Timestamp("2011-04-22") not in scored.index
    first = anomaly_drivers(real_reading, "total", "day", date(2011, 9, 20))
    customer = first[first["dimension"] == "customer"].iloc[0]
    assert customer["member"] == "17450"
    booked = real_reading.value(
        """
        select sum(gross_revenue + return_amount) from marts.fct_invoice_lines
        where customer_id = '17450' and invoice_date = date '2011-09-20'
        """
    )
    assert customer["actual"] == pytest.approx(float(booked), abs=0.005)
    # cancelled within minutes: no spike, though the orders were the two largest of the year
    assert not scored.loc["2011-01-18", "is_flagged"]
    # and the last day was not over
    assert pd.Timestamp("2011-12-09") not in scored.index


def test_countries_that_are_nearly_the_whole_shop_have_its_series(reading: Reading) -> None:
    revenue = reading.rows(
        "select country, sum(net_revenue)::double as revenue from marts.fct_country_revenue group by 1 order by 2 desc"
    )
    total = sum(row["revenue"] for row in revenue)
    countries = [row["country"] for row in revenue]
    # a share of each size: the largest alone, the two largest and so on
    for number in range(1, len(countries) + 1):
        chosen = Filters(countries=tuple(countries[:number]))
        is_whole = sum(row["revenue"] for row in revenue[:number]) >= 0.95 * total
        assert ("total" in set(scored_series(reading, chosen)["series"])) == is_whole
        assert ("total" in set(anomalies(reading, chosen)["series"])) == is_whole
        assert ("total" in set(unusual_periods(reading, chosen, "day")["series"])) == is_whole
    assert "total" not in set(anomalies(reading, Filters(countries=(countries[-1],)))["series"])
