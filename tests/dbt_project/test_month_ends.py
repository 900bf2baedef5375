"""Month ends say what was known then: no look-ahead, whatever comes later."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.conftest import Dbt, ask, damaged_copy, line, write_raw

FIRST_DAYS = ["2011-02-01", "2011-03-01", "2011-04-01", "2011-05-01"]
"""The days after the ends of January to April."""

CLASSIC = {"rfm_recency": "elapsed", "rfm_frequency": "lines", "rfm_monetary": "gross", "rfm_snapshot": "last"}

MONTH_END = """
    select customer_id, snapshot_date, recency_days, frequency, monetary, monetary_gross, monetary_net,
        r_score, f_score, m_score, rfm_score, rfm_segment, expected_gap_days, silence_ratio, is_slipping
    from marts.{table} where snapshot_date = '{snapshot_date}' order by customer_id
"""

# rows of months that are over, by table
FINISHED = {
    "customer_rfm_monthly": "select * from marts.customer_rfm_monthly where month_end < '{until}' order by all",
    "segment_moves": "select * from marts.segment_moves where month_end < '{until}' order by all",
    "cohort_retention": """
        select * from marts.cohort_retention where is_complete_month and month_start < '{until}' order by all
    """,
    "fct_monthly_customers": """
        select * from marts.fct_monthly_customers where is_complete_month and month_start < '{until}' order by all
    """,
}


def history() -> list[dict[str, Any]]:
    """Forty customers from January to May, a third of whose lines are returns, some past midnight of a month's end."""
    dice = random.Random(19)
    lines = []
    for number in range(700):
        is_return = dice.random() < 0.3
        # the first and last days of months are where an off-by-one hides
        day = dice.choice(["01", "02", "15", "27", "28"])
        clock = dice.choice(["00:00:00", "10:00:00", "23:59:59"])
        lines.append(
            line(
                f"{'C' if is_return else ''}{number // 3:06d}",
                dice.choice(["MUG", "CUP"]),
                -dice.randint(1, 4) if is_return else dice.randint(1, 6),
                dice.choice(["1.00", "2.50"]),
                # few at first, so that some months bring new customers
                f"{dice.randint(1, 8 * (number // 140 + 1)):02d}",
                f"2011-{number // 140 + 1:02d}-{day} {clock}",
            )
        )
    return lines


@pytest.fixture(scope="module")
def whole(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dbt.build(write_raw(tmp_path_factory.mktemp("whole"), history()))


@pytest.mark.parametrize("first_day", FIRST_DAYS)
def test_a_month_end_is_what_a_refresh_of_that_day_would_have_said(
    dbt: Dbt, whole: Path, tmp_path: Path, first_day: str
) -> None:
    then = dbt.build(write_raw(tmp_path, history()), {"as_of_date": first_day})
    expected = ask(then, MONTH_END.format(table="customer_rfm", snapshot_date=first_day))
    assert len(expected) > 5
    assert ask(whole, MONTH_END.format(table="customer_rfm_monthly", snapshot_date=first_day)) == expected
    # the refresh of that day tells this and all earlier month ends alike
    assert ask(then, MONTH_END.format(table="customer_rfm_monthly", snapshot_date=first_day)) == expected
    for table, query in FINISHED.items():
        assert ask(then, query.format(until=first_day)) == ask(whole, query.format(until=first_day)) != [], table


def test_who_came_back_is_told_once_ninety_days_are_over(dbt: Dbt, whole: Path, tmp_path: Path) -> None:
    # January's 90 days end with 1 May; the whole history goes on to the end of that month
    january = "select * from marts.slipping_backtest where month_end = '2011-01-31' order by all"
    assert ask(whole, january) != []
    then = dbt.build(write_raw(tmp_path, history()), {"as_of_date": "2011-05-02"})
    assert ask(then, "select * from marts.slipping_backtest order by all") == ask(whole, january)
    # and who is dormant at a month end is decided by what was known then
    limits = "select * from marts.slipping_limits where snapshot_date <= '2011-05-01' order by all"
    assert ask(then, limits) == ask(whole, limits) != []


def test_a_month_end_follows_the_settings_too(dbt: Dbt, tmp_path: Path) -> None:
    whole = dbt.build(write_raw(tmp_path / "whole", history()), CLASSIC)
    then = dbt.build(write_raw(tmp_path / "then", history()), {**CLASSIC, "as_of_date": "2011-03-01"})
    expected = ask(then, MONTH_END.format(table="customer_rfm", snapshot_date="2011-03-01"))
    assert ask(whole, MONTH_END.format(table="customer_rfm_monthly", snapshot_date="2011-03-01")) == expected != []


def test_later_files_change_no_month_that_is_over(dbt: Dbt, whole: Path, tmp_path: Path) -> None:
    # without an as-of date: what was delivered by the middle of April, returns of earlier sales still to come
    delivered = [fields for fields in history() if fields["invoiced_at"] < "2011-04-16"]
    early = dbt.build(write_raw(tmp_path, delivered))
    booked_later = ask(
        whole,
        "select count(*) from marts.fct_return_matches where sold_at < '2011-04-01' and returned_at >= '2011-04-01'",
    )
    assert booked_later[0][0] > 10
    for table, query in FINISHED.items():
        assert ask(early, query.format(until="2011-05-01")) == ask(whole, query.format(until="2011-04-01")) != [], table


def test_a_late_file_with_earlier_dates_changes_the_months_from_its_dates_on(
    dbt: Dbt, whole: Path, tmp_path: Path
) -> None:
    late = [*history(), line("900001", "MUG", 100, "2.50", "01", "2011-03-02 10:00:00")]
    corrected = dbt.build(write_raw(tmp_path, late))
    query = FINISHED["customer_rfm_monthly"]
    assert ask(corrected, query.format(until="2011-03-01")) == ask(whole, query.format(until="2011-03-01"))
    of_customer = "select month_end, monetary_gross from marts.customer_rfm_monthly where customer_id = '01' order by 1"
    for (month_end, before), (_, after) in zip(ask(whole, of_customer), ask(corrected, of_customer), strict=True):
        assert after - before == (250 if month_end >= date(2011, 3, 31) else 0)


def test_everyone_who_was_somewhere_is_somewhere(whole: Path) -> None:
    known: set[str] = set()
    for month_end in [date(2011, 1, 31), date(2011, 2, 28), date(2011, 3, 31), date(2011, 4, 30)]:
        there = ask(whole, f"select customer_id from marts.customer_rfm_monthly where month_end = '{month_end}'")
        now = {customer for (customer,) in there}
        assert known <= now
        assert ask(
            whole,
            f"""
            select sum(customers), sum(customers) filter (from_segment = 'New Customer'), sum(monetary_before)
            from marts.segment_moves where month_end = '{month_end}'
            """,
        )[0][:2] == (len(now), len(now - known) or None)
        known = now


def test_a_cancelled_order_counts_until_its_cancellation(dbt: Dbt, tmp_path: Path) -> None:
    lines = [
        line("1", "MUG", 10, "2.00", "A", "2011-01-31 23:00:00"),
        line("C2", "MUG", -10, "2.00", "A", "2011-02-01 00:00:00"),
        line("3", "CUP", 1, "1.00", "B", "2011-03-01 10:00:00"),
    ]
    warehouse = dbt.build(write_raw(tmp_path, lines))
    assert ask(
        warehouse,
        "select month_end, monetary_gross, monetary_net, recency_days from marts.customer_rfm_monthly"
        " where customer_id = 'A' order by 1",
    ) == [
        (date(2011, 1, 31), Decimal("20.0000"), Decimal("20.0000"), 1),
        (date(2011, 2, 28), Decimal("20.0000"), Decimal("0.0000"), 29),
    ]
    assert ask(
        warehouse,
        "select age_months, active_customers, net_revenue_as_booked, cumulative_net_revenue_as_booked"
        " from marts.cohort_retention where cohort_month = '2011-01-01' order by 1",
    ) == [
        (0, 1, Decimal("20.0000"), Decimal("20.0000")),
        (1, 0, Decimal("-20.0000"), Decimal("0.0000")),
        (2, 0, Decimal("0.0000"), Decimal("0.0000")),
    ]


@pytest.mark.parametrize(
    ("damage", "test"),
    [
        ("update marts.segment_moves set customers = customers + 1 where not is_move", "assert_moves_add_up"),
        ("update marts.segment_moves set monetary_before = 1", "assert_moves_add_up"),
        ("delete from marts.segment_moves where from_segment = to_segment", "assert_moves_add_up"),
        (
            "insert into marts.customer_rfm_monthly from marts.customer_rfm_monthly limit 1",
            "unique_key_customer_rfm_monthly_month_end__customer_id",
        ),
        (
            "update marts.customer_rfm set snapshot_date = date '2011-05-01'",
            "assert_history_ends_where_today_stands",
        ),
    ],
)
def test_damage_is_found_by_the_test_made_for_it(dbt: Dbt, whole: Path, tmp_path: Path, damage: str, test: str) -> None:
    result = dbt.run("test", damaged_copy(whole, tmp_path, damage), [test])
    assert not result.success, f"{test} did not notice: {damage}"
