"""Headline figures and what they are compared with, against SQL of the marts."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from serving.filters import Filters
from serving.queries.cards import Card, summary_cards
from serving.snapshot import Reading, SnapshotReader
from warehouse.home import Home
from warehouse.measures import measures

KEYS = [one.key for one in measures().values() if one.compared]


def cards_of(reading: Reading, filters: Filters) -> dict[str, Card]:
    cards = summary_cards(reading, filters)
    assert [card.key for card in cards] == KEYS
    return {card.key: card for card in cards}


def test_figures_of_the_whole_history_are_those_of_the_marts(reading: Reading) -> None:
    cards = cards_of(reading, Filters())
    expected = reading.row(
        """
        select
            (select count(*) from marts.customer_rfm) as customers,
            (select sum(gross_revenue)::double from marts.fct_monthly_revenue) as gross_revenue,
            (select sum(net_revenue)::double from marts.fct_monthly_revenue) as net_revenue,
            (select avg(recency_days) from marts.customer_rfm) as recency_days_mean,
            (select avg(frequency) from marts.customer_rfm) as frequency_mean,
            (select avg(monetary::double) from marts.customer_rfm) as monetary_mean,
            (select avg(clv) from ml.customer_clv) as clv_mean,
            (select count(*) from marts.customer_rfm where customer_type = 'returning') as returning_customers,
            (select count(*) from marts.customer_rfm where customer_type = 'one_time') as one_time_customers,
            (
                select sum(net_revenue)::double / count(distinct invoice_no) filter (line_type = 'sale')
                from marts.fct_invoice_lines
            ) as order_value
        """
    )
    for key, value in expected.items():
        assert cards[key].value == pytest.approx(value), key


def test_the_public_data_give_the_known_figures(real_reading: Reading) -> None:
    cards = cards_of(real_reading, Filters())
    # sale lines with no repeats and no fees: 4,334 customers; the rest is marts.fct_monthly_revenue added up
    assert cards["customers"].value == 4_334
    assert cards["gross_revenue"].value == pytest.approx(10_247_219.32, abs=0.01)
    assert cards["net_revenue"].value == pytest.approx(9_771_318.16, abs=0.01)
    assert cards["returning_customers"].value + cards["one_time_customers"].value == 4_334  # type: ignore[operator]


def test_a_total_of_the_whole_history_has_no_change_beside_it(reading: Reading) -> None:
    cards = cards_of(reading, Filters())
    for key in ("net_revenue", "gross_revenue", "customers", "order_value"):
        assert (cards[key].before, cards[key].change_pct) == (None, None)
        assert cards[key].about.endswith("Since 1 Jan 2024.")


@pytest.mark.parametrize(
    "filters",
    [
        Filters(segments=("Champions",)),
        Filters(min_frequency=3),
        Filters(min_clv=10),
        Filters(segments=("Champions",), start=date(2024, 8, 1)),
    ],
)
def test_customers_chosen_by_how_they_stand_are_compared_with_nothing(reading: Reading, filters: Filters) -> None:
    # today's Champions bought of late: that they did is the filter, told again
    for card in cards_of(reading, filters).values():
        assert (card.before, card.change_pct) == (None, None)
    assert "chosen by how they stand today" in cards_of(reading, filters)["recency_days_mean"].about


def test_a_chosen_range_is_compared_with_as_many_days_before(reading: Reading) -> None:
    cards = cards_of(reading, Filters(start=date(2024, 5, 1), end=date(2024, 5, 31)))
    may, before = (
        reading.value(
            "select sum(net_revenue)::double from marts.fct_invoice_lines where invoice_date between $start and $end",
            {"start": start, "end": end},
        )
        for start, end in ((date(2024, 5, 1), date(2024, 5, 31)), (date(2024, 3, 31), date(2024, 4, 30)))
    )
    card = cards["net_revenue"]
    assert (card.value, card.before) == (pytest.approx(may), pytest.approx(before))
    assert "1 May 2024 to 31 May 2024 against 31 Mar 2024 to 30 Apr 2024" in card.about


def test_days_with_too_little_before_them_have_no_change(reading: Reading) -> None:
    cards = cards_of(reading, Filters(start=date(2024, 1, 10), end=date(2024, 2, 9)))
    for key in ("customers", "net_revenue", "gross_revenue", "order_value"):
        assert cards[key].before is None
        assert cards[key].change_pct is None
        assert "the sales begin on" in cards[key].about


def test_states_are_compared_with_the_last_month_end_before_the_compared_days(reading: Reading) -> None:
    cards = cards_of(reading, Filters())
    # the compared days begin on 29 July
    then = reading.row(
        """
        select
            avg(recency_days) as recency_days_mean, avg(frequency) as frequency_mean,
            avg(monetary::double) as monetary_mean
        from marts.customer_rfm_monthly where month_end = '2024-06-30'
        """
    )
    for key, value in then.items():
        assert cards[key].before == pytest.approx(value), key
        assert "30 Jun 2024" in cards[key].about
    so_far = reading.row(
        "select customers_so_far, one_time_customers_so_far from marts.fct_monthly_customers"
        " where month_start = '2024-06-01'"
    )
    assert cards["one_time_customers"].before == so_far["one_time_customers_so_far"]
    assert cards["returning_customers"].before == so_far["customers_so_far"] - so_far["one_time_customers_so_far"]


def test_states_of_chosen_days_are_compared_with_who_bought_before_as_of_then(reading: Reading) -> None:
    # 1 to 27 August; so the 27 days to 31 July
    cards = cards_of(reading, Filters(start=date(2024, 8, 1)))
    then = reading.value(
        """
        select avg(m.recency_days)
        from marts.customer_rfm_monthly as m
        where m.month_end = '2024-07-31' and m.customer_id in (
            select customer_id from marts.fct_invoice_lines
            where line_type = 'sale' and invoice_date between '2024-07-05' and '2024-07-31'
        )
        """
    )
    assert cards["recency_days_mean"].before == pytest.approx(then)


def test_states_of_days_that_end_before_the_last_sale_have_no_change(reading: Reading) -> None:
    # their recency counts to the snapshot date, that of the month end would not
    cards = cards_of(reading, Filters(start=date(2024, 5, 1), end=date(2024, 5, 31)))
    for key in ("recency_days_mean", "frequency_mean", "monetary_mean", "returning_customers", "one_time_customers"):
        assert cards[key].before is None, key
        assert "As of 28 Aug 2024" in cards[key].about


def test_customer_value_is_compared_with_what_the_publication_of_earlier_sales_expected(
    published_small: Home,
) -> None:
    first = published_small.snapshots / "regulars-000001.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{first}' as earlier (read_only)")
        expected = connection.execute(
            "select avg(clv) from earlier.ml.customer_clv join earlier.marts.customer_rfm using (customer_id)"
        ).fetchone()[0]
        last_day = connection.execute("select max(invoice_date) from earlier.marts.fct_invoices").fetchone()[0]
    with SnapshotReader(published_small).reading() as reading:
        card = cards_of(reading, Filters())["clv_mean"]
    assert card.before == pytest.approx(expected)
    assert card.change_pct == pytest.approx(100 * (card.value / expected - 1))
    assert "180 days" in card.about
    assert f"{(last_day + timedelta(days=1)).day} Jul 2024" in card.about  # recency counts to the day after


def test_without_an_earlier_snapshot_customer_value_says_why_it_has_no_change(
    published_small: Home, tmp_path: Path
) -> None:
    alone = Home(tmp_path / "home")
    alone.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, alone.published)
    with SnapshotReader(alone).reading() as reading:
        card = cards_of(reading, Filters())["clv_mean"]
    assert (card.before, card.change_pct) == (None, None)
    assert "No change" in card.about


def test_a_rise_of_recency_is_not_welcome_and_of_revenue_is(reading: Reading) -> None:
    cards = cards_of(reading, Filters())
    assert cards["recency_days_mean"].is_more_good is False
    assert cards["net_revenue"].is_more_good is True
    assert cards["one_time_customers"].is_more_good is None


@pytest.mark.parametrize("filters", [Filters(customer="nobody at all"), Filters(start=date(2031, 1, 1))])
def test_nobody_gives_noughts_for_counts_and_nothing_for_means(reading: Reading, filters: Filters) -> None:
    cards = cards_of(reading, filters)
    for key in ("customers", "gross_revenue", "net_revenue", "returning_customers", "one_time_customers"):
        assert cards[key].value == 0, key
    for key in ("order_value", "recency_days_mean", "frequency_mean", "monetary_mean", "clv_mean"):
        assert cards[key].value is None, key
    assert all(card.change_pct is None for card in cards.values())


def test_filters_of_customers_hold_for_every_figure(reading: Reading) -> None:
    cards = cards_of(reading, Filters(min_frequency=20))
    expected = reading.row(
        """
        select count(*) as customers, avg(recency_days) as recency_days_mean, avg(frequency) as frequency_mean,
            (
                select sum(net_revenue)::double from marts.fct_invoice_lines
                where customer_id in (select customer_id from marts.customer_rfm where frequency >= 20)
            ) as net_revenue
        from marts.customer_rfm where frequency >= 20
        """
    )
    assert expected["customers"] > 3
    for key, value in expected.items():
        assert cards[key].value == pytest.approx(value), key
