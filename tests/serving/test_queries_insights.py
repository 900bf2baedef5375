"""Sentences about the view: each figure in them against SQL of the marts."""

from datetime import date
from pathlib import Path

import pytest

from serving.filters import Filters
from serving.queries.insights import Insight, insights
from serving.snapshot import Reading
from tests.serving.changed import changed
from warehouse.home import Home
from warehouse.wording import money, percent, short_money


def told(reading: Reading, filters: Filters, kind: str) -> list[Insight]:
    return [item for item in insights(reading, filters) if item.kind == kind]


def test_the_last_full_month_is_told_against_the_one_before(reading: Reading) -> None:
    # August is not over: July against June
    june, july = (
        reading.value("select net_revenue::double from marts.fct_monthly_revenue where month_start = $m", {"m": at})
        for at in (date(2024, 6, 1), date(2024, 7, 1))
    )
    (change,) = told(reading, Filters(), "change")
    word = "more" if july > june else "less"
    assert change.text == (
        f"Net revenue was {short_money(july, 'GBP')} in Jul 2024, {percent(abs(100 * (july - june) / june))} {word} "
        f"than in Jun 2024 ({short_money(june, 'GBP')})."
    )
    assert change.tone == ("good" if july > june else "bad")


def test_the_public_data_rose_in_november_because_of_the_home_country(real_reading: Reading) -> None:
    (change,) = told(real_reading, Filters(), "change")
    # 1,432,948.10 against 1,063,627.61
    assert change.text.startswith(
        f"Net revenue was £1.43m in Nov 2011, {percent(34.7)} more than in Oct 2011 (£1.06m)."
    )
    (driver,) = told(real_reading, Filters(), "driver")
    moved = real_reading.row(
        """
        with sums as (
            select coalesce(c.rfm_segment, '') as segment, l.country, l.customer_id,
                case when month(l.invoice_date) = 11 then 1 else -1 end * l.net_revenue::double as moved
            from marts.fct_invoice_lines as l left join reporting.customer_360 as c using (customer_id)
            where l.invoice_date between '2011-10-01' and '2011-11-30'
        )
        select
            (select sum(moved) from sums where country = 'United Kingdom') as home,
            (select max(moved) from (select sum(moved) as moved from sums group by country)) as largest,
            (select sum(moved) from sums where segment = 'Champions') as champions,
            (
                select max(moved)
                from (select sum(moved) as moved from sums where segment <> '' group by segment)
            ) as largest_segment,
            (select sum(moved) from sums where customer_id is null) as anonymous
        """
    )
    assert moved["home"] == pytest.approx(moved["largest"])
    assert moved["champions"] == pytest.approx(moved["largest_segment"])
    assert moved["champions"] > moved["anonymous"]
    assert f"United Kingdom (+{short_money(moved['home'], 'GBP')})" in driver.text
    assert f"Champions (+{short_money(moved['champions'], 'GBP')})" in driver.text
    assert "without a customer" not in driver.text
    # no cluster rose by as much as the sales without a customer
    (by_clusters,) = told(real_reading, Filters(method="kmeans"), "driver")
    assert f"sales without a customer (+{short_money(moved['anonymous'], 'GBP')})" in by_clusters.text


def test_one_country_is_no_driver_of_itself(reading: Reading) -> None:
    for item in told(reading, Filters(countries=("France",)), "driver"):
        assert "France" not in item.text


def test_the_segments_that_grew_and_shrank_most_are_told(reading: Reading) -> None:
    sizes = reading.query(
        """
        select rfm_segment as segment, count(*) filter (month_end = '2024-07-31')
            - count(*) filter (month_end = '2024-06-30') as grown
        from marts.customer_rfm_monthly where month_end in ('2024-06-30', '2024-07-31') group by 1
        """
    ).set_index("segment")["grown"]
    (item,) = told(reading, Filters(), "segments")
    assert item.text.startswith("Between 30 Jun 2024 and 31 Jul 2024, of the RFM segments, ")
    grew, shrank = item.text.split("segments, ", 1)[1].split("; ")
    assert sizes[grew.split(" grew most")[0]] == sizes.max() > 0
    assert sizes[shrank.split(" shrank most")[0]] == sizes.min() < 0


def test_unusual_days_are_told_with_their_cause_the_last_first(real_reading: Reading) -> None:
    rows = real_reading.rows(
        "select date, cause from ml.revenue_anomalies where grain = 'day' and series = 'total' order by date desc"
    )
    first, second = told(real_reading, Filters(), "anomaly")
    assert first.text.startswith(f"The last of {len(rows)} unusual days: ")
    assert first.text.endswith(rows[0]["cause"])
    assert second.text.endswith(rows[1]["cause"])
    assert told(real_reading, Filters(start=date(2011, 11, 15)), "anomaly") == []


@pytest.mark.parametrize("which", ["reading", "real_reading"])
def test_concentration_is_that_of_the_mart(which: str, request: pytest.FixtureRequest) -> None:
    opened: Reading = request.getfixturevalue(which)
    shares = {
        row["top_pct"]: row for row in opened.rows("select * from marts.revenue_concentration where top_pct in (1, 10)")
    }
    (item,) = told(opened, Filters(), "concentration")
    for share in shares.values():
        assert f"({share['customers']}) bring {percent(share['share_pct'])}" in item.text


def test_concentration_of_a_handful_is_not_told(reading: Reading) -> None:
    assert told(reading, Filters(customer="O'NEIL"), "concentration") == []


def test_sales_that_name_no_customer_are_told_unless_they_are_filtered_out(reading: Reading) -> None:
    row = reading.row(
        """
        select sum(net_revenue)::double as net, sum(net_revenue) filter (customer_id is null)::double as anonymous
        from marts.fct_invoice_lines
        """
    )
    (item,) = [item for item in told(reading, Filters(), "caveat") if "has no customer" in item.text]
    assert item.text.startswith(f"{money(row['anonymous'], 'GBP')} of net revenue")
    assert percent(100 * row["anonymous"] / row["net"]) in item.text
    assert not [item for item in told(reading, Filters(min_frequency=0), "caveat") if "no customer" in item.text]


def test_a_month_that_is_not_over_is_told(reading: Reading) -> None:
    assert "Aug 2024 is not complete: sales reach to 27 Aug 2024." in [
        item.text for item in told(reading, Filters(), "caveat")
    ]
    # a chosen end is known to who chose it
    chosen = told(reading, Filters(end=date(2024, 5, 15)), "caveat")
    assert not [item for item in chosen if "is not complete" in item.text]


def test_a_month_of_which_one_day_is_known_names_it_once(published_small: Home, tmp_path: Path) -> None:
    others = "delete from marts.dim_dates where date between '2024-08-01' and '2024-08-26'"
    with changed(published_small, tmp_path, others) as opened:
        assert "Aug 2024 is not complete: 27 Aug 2024 alone is known." in [
            item.text for item in told(opened, Filters(), "caveat")
        ]


def test_nothing_that_fits_is_said_in_one_sentence(reading: Reading) -> None:
    for filters in (Filters(customer="nobody at all"), Filters(end=date(1999, 1, 1))):
        assert [item.kind for item in insights(reading, filters)] == ["nothing"]


def test_who_is_slipping_is_told_of_the_customers_under_the_filters(reading: Reading) -> None:
    for filters, where, whom in (
        (Filters(), "true", "of all customers"),
        (Filters(countries=("United Kingdom",)), "country = 'United Kingdom'", "of all customers under these filters"),
    ):
        are_slipping = f"is_slipping and not is_dormant and {where}"
        slipping = reading.value(f"select count(*) from reporting.customer_360 where {are_slipping}")
        assert slipping > 0
        (found,) = told(reading, filters, "slipping")
        assert f"; {whom}, {slipping} {'has' if slipping == 1 else 'have'}." in found.text


@pytest.mark.parametrize(("late", "is_sign"), [(71, True), (73, False)])
def test_silence_is_no_bad_sign_where_the_silent_came_back_as_often(
    published_small: Home, tmp_path: Path, late: int, is_sign: bool
) -> None:
    # of the others 80 of a hundred came back, nine tenths of which is 72
    past = f"""
        update marts.slipping_backtest
        set customers = 100, came_back_customers = case when is_slipping then {late} else 80 end
    """
    best = "update reporting.customer_360 set m_score = 5 where is_slipping and not is_dormant"
    with changed(published_small, tmp_path, past, best) as opened:
        (found,) = told(opened, Filters(), "slipping")
    calmed = "of customers who were as silent, 73% came back within 90 days, of the others 80%."
    assert (found.tone, calmed in found.text) == (("warning", False) if is_sign else ("neutral", True))


def test_who_is_dormant_is_told_apart_from_who_is_slipping(published_small: Home, tmp_path: Path) -> None:
    # of those who were slipping, two have been silent beyond the limit
    late = "(select customer_id from reporting.customer_360 where is_slipping order by customer_id limit 2)"
    beyond = (
        "update reporting.customer_360 set is_dormant = false",
        f"update reporting.customer_360 set is_dormant = true where customer_id in {late}",
        "update marts.slipping_limits set dormant_from_ratio = 4.3, is_measured = true",
    )
    with changed(published_small, tmp_path, *beyond) as opened:
        slipping = opened.value("select count(*) from reporting.customer_360 where is_slipping") - 2
        (found,) = told(opened, Filters(), "slipping")
        assert f"; of all customers, {slipping} " in found.text
        assert found.text.endswith(
            " 2 customers more are dormant, silent for 4.3 of their usual gaps or longer: few such customers came back."
        )
    # where the limit is none of the shop's own, nothing is said of who came back
    guessed = (*beyond, "update marts.slipping_limits set is_measured = false")
    with changed(published_small, tmp_path / "few", *guessed) as few:
        (found,) = told(few, Filters(), "slipping")
        assert found.text.endswith(" silent for 4.3 of their usual gaps or longer.")
