"""One name, one meaning, whoever answers: cards, months, countries and a customer's page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from serving.filters import Filters
from serving.queries.cards import summary_cards
from serving.queries.customers import customer_story, customer_summary
from serving.queries.insights import insights
from serving.queries.revenue import country_revenue, customer_types, monthly_customers, monthly_revenue, weekly_revenue
from serving.snapshot import Reading, SnapshotReader
from tests.homes import build_once, regulars_refresh, shared_folder
from tests.tiny_shop import deliver, small_history
from warehouse.home import Home

PENNY = 0.005


@pytest.fixture(scope="module")
def begun_mid_month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    """A shop whose files begin on Wednesday, 10 January 2024, and end on Sunday, 10 March."""

    def build(home: Home) -> None:
        files = small_history(days=70)
        deliver(home.landing, {name: text for name, text in files.items() if name >= "2024-01-10"})
        regulars_refresh(home)

    reader = SnapshotReader(build_once(shared_folder(tmp_path_factory), "begun-mid-month", build))
    with reader.reading() as opened:
        yield opened
    reader.close()


def test_a_month_is_complete_by_one_rule_for_money_and_for_customers(begun_mid_month: Reading) -> None:
    # January began before the files do, and March goes on
    wanted = {date(2024, 1, 1): False, date(2024, 2, 1): True, date(2024, 3, 1): False}
    for ask in (monthly_revenue, monthly_customers):
        told = ask(begun_mid_month, Filters())
        assert dict(zip(told["month_start"].dt.date, told["is_complete_month"], strict=True)) == wanted, ask.__name__
    for table in ("fct_monthly_revenue", "fct_monthly_customers"):
        rows = begun_mid_month.rows(f"select month_start, is_complete_month from marts.{table}")
        assert {row["month_start"]: row["is_complete_month"] for row in rows} == wanted, table


def test_a_week_that_the_files_begin_in_is_not_complete(begun_mid_month: Reading) -> None:
    weeks = weekly_revenue(begun_mid_month, Filters())
    assert weeks["is_complete_week"].tolist() == [False] + [True] * (len(weeks) - 1)


def test_a_first_month_that_was_half_seen_is_compared_with_nothing(begun_mid_month: Reading) -> None:
    told = " ".join(insight.text for insight in insights(begun_mid_month, Filters()))
    assert "Jan" not in told.split("Between")[0]
    assert "Mar 2024 is not complete: sales reach to 10 Mar 2024." in told


def test_returns_are_called_the_same_in_months_and_countries(reading: Reading) -> None:
    months, countries = monthly_revenue(reading, Filters()), country_revenue(reading, Filters())
    shared = [name for name in months.columns if name in countries.columns and "revenue" in name]
    assert {"total_return_revenue", "net_revenue", "gross_revenue"} <= set(shared)
    for name in shared:
        assert months[name].sum() == pytest.approx(countries[name].sum(), abs=PENNY), name
    assert months["total_return_revenue"].sum() > months["returned_revenue"].sum() > 0


@pytest.mark.parametrize("which", ["reading", "real_reading"])
def test_a_customer_s_money_is_the_same_on_every_page(which: str, request: pytest.FixtureRequest) -> None:
    # those whose returns fit no purchase are where the pages differed
    opened: Reading = request.getfixturevalue(which)
    rows = opened.rows(
        """
        select customer_id from reporting.customer_360
        where has_purchases and starts_with(customer_id, '1')
        order by unmatched_return_revenue desc, customer_id limit 5
        """
    )
    for row in rows:
        cards = {card.key: card.value for card in summary_cards(opened, Filters(customer=row["customer_id"]))}
        story = customer_story(opened, row["customer_id"])
        assert story is not None
        facts = {name: float(story.facts[name]) for name in ("monetary_net", "monetary_gross", "order_value")}
        assert cards["net_revenue"] == pytest.approx(facts["monetary_net"], abs=PENNY), row
        assert cards["gross_revenue"] == pytest.approx(facts["monetary_gross"], abs=PENNY), row
        assert cards["order_value"] == pytest.approx(facts["order_value"], abs=PENNY), row


def test_returning_customers_are_the_same_on_every_page(real_reading: Reading) -> None:
    cards = {card.key: card.value for card in summary_cards(real_reading, Filters())}
    types = customer_types(real_reading, Filters()).set_index("customer_type")["customers"]
    # of 4,334 customers, 1,505 ordered once; 53 more had all their orders on one day
    assert cards["one_time_customers"] == types["one_time"] == 1_505
    assert cards["returning_customers"] == types["returning"] == 2_829
    assert customer_summary(real_reading, Filters()).figures["returning_customers"] == 2_829
    by_days = real_reading.value("select count(*) from reporting.customer_360 where purchase_days = 1")
    assert by_days == 1_558
