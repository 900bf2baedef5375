"""One name, one meaning: a history of a few lines that tells apart what most histories leave equal.

It begins in the middle of a month, has a customer with two orders on one day, and a credit note whose stock code
was mistyped.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.dbt_project.conftest import Dbt, ask, line, write_raw

# A orders twice on one day. B orders once a month. C orders once, and brings it back under a code that is one
# character off, together with another line of the same order. D brings back what was never bought here.
SHOP = [
    line("1", "11111", 1, "10.00", "A", "2024-01-10 09:00:00"),
    line("2", "11112", 1, "5.00", "A", "2024-01-10 15:00:00"),
    line("3", "11111", 2, "10.00", "B", "2024-01-20 10:00:00"),
    line("4", "11111", 1, "10.00", "B", "2024-02-05 10:00:00"),
    line("5", "47556B", 30, "2.00", "C", "2024-02-10 10:00:00"),
    line("5", "33333", 4, "3.00", "C", "2024-02-10 10:00:00"),
    line("6", "11111", 1, "10.00", "D", "2024-02-11 10:00:00"),
    line("C7", "33333", -1, "3.00", "C", "2024-03-02 10:00:00"),
    line("C7", "47566B", -30, "2.00", "C", "2024-03-02 10:00:00"),
    line("C8", "99999", -2, "4.00", "D", "2024-03-03 10:00:00"),
    line("9", "11111", 1, "10.00", None, "2024-03-05 10:00:00"),
]


@pytest.fixture(scope="module")
def shop(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dbt.build(
        write_raw(
            tmp_path_factory.mktemp("one_meaning"), [{**sold, "_loaded_at": "2024-04-01 06:00:00"} for sold in SHOP]
        )
    )


def test_a_month_is_complete_in_every_table_only_if_the_history_covers_all_of_it(shop: Path) -> None:
    # the first line is of 10 January, the last of 5 March
    expected = [(date(2024, 1, 1), False), (date(2024, 2, 1), True), (date(2024, 3, 1), False)]
    for table in ("dim_dates", "fct_monthly_revenue", "fct_monthly_customers", "cohort_retention"):
        found = ask(shop, f"select distinct month_start, is_complete_month from marts.{table} order by all")
        assert found == expected, table


def test_a_month_that_is_over_has_a_month_end_though_the_history_began_within_it(shop: Path) -> None:
    assert ask(shop, "select distinct month_end from marts.customer_rfm_monthly order by 1") == [
        (date(2024, 1, 31),),
        (date(2024, 2, 29),),
    ]


def test_a_week_and_a_day_are_complete_by_the_same_rule(shop: Path) -> None:
    # 10 January is a Wednesday and 5 March a Tuesday; the snapshot is of the 6th
    assert ask(
        shop,
        """
        select
            count(*), count(*) filter (not is_complete_day),
            min(date) filter (is_complete_week), max(date) filter (is_complete_week)
        from marts.dim_dates
        """,
    ) == [(56, 0, date(2024, 1, 15), date(2024, 3, 3))]


def test_two_orders_on_one_day_make_a_returning_customer_in_every_table(shop: Path) -> None:
    columns = "customer_id, invoice_count, purchase_days, customer_type"
    assert ask(shop, f"select {columns} from marts.customer_rfm order by 1") == [
        ("A", 2, 1, "returning"),
        ("B", 2, 2, "returning"),
        ("C", 1, 1, "one_time"),
        ("D", 1, 1, "one_time"),
    ]
    # B had ordered once by the end of January
    assert ask(
        shop,
        "select month_end, customer_id, invoice_count, customer_type from marts.customer_rfm_monthly order by 1, 2",
    ) == [
        (date(2024, 1, 31), "A", 2, "returning"),
        (date(2024, 1, 31), "B", 1, "one_time"),
        (date(2024, 2, 29), "A", 2, "returning"),
        (date(2024, 2, 29), "B", 2, "returning"),
        (date(2024, 2, 29), "C", 1, "one_time"),
        (date(2024, 2, 29), "D", 1, "one_time"),
    ]
    assert ask(
        shop,
        """
        select
            month_start, customers, new_customers, existing_customers, one_time_customers,
            customers_so_far, returning_customers_so_far, one_time_customers_so_far
        from marts.fct_monthly_customers order by 1
        """,
    ) == [
        (date(2024, 1, 1), 2, 2, 0, 1, 2, 1, 1),
        (date(2024, 2, 1), 3, 2, 1, 2, 4, 2, 2),
        (date(2024, 3, 1), 0, 0, 0, 0, 4, 2, 2),
    ]


def test_a_credit_note_with_a_mistyped_code_takes_back_the_purchase_and_says_so(shop: Path) -> None:
    assert ask(
        shop,
        """
        select returned.stock_code, sold.stock_code, matches.matched_units, matches.matched_amount, matches.matched_by
        from marts.fct_return_matches as matches
        inner join marts.fct_invoice_lines as returned on matches.return_line_id = returned.line_id
        inner join marts.fct_invoice_lines as sold on matches.sale_line_id = sold.line_id
        order by 1
        """,
    ) == [
        ("33333", "33333", Decimal("1.000"), Decimal("3.0000"), "stock_code"),
        ("47566B", "47556B", Decimal("30.000"), Decimal("60.0000"), "near_stock_code"),
    ]


def test_all_returns_are_one_figure_and_matched_ones_another(shop: Path) -> None:
    # 63 of C's order came back, 8 of D's fit nothing
    for table in ("fct_invoices", "fct_daily_revenue", "fct_monthly_revenue", "fct_country_revenue"):
        assert ask(
            shop,
            f"""
            select
                sum(returned_revenue), sum(unmatched_return_revenue), sum(total_return_revenue),
                sum(gross_revenue - net_revenue)
            from marts.{table}
            """,
        ) == [(Decimal("63.0000"), Decimal("8.0000"), Decimal("71.0000"), Decimal("71.0000"))], table


def test_an_order_knows_its_place_among_its_customer_s_orders(shop: Path) -> None:
    assert ask(
        shop,
        """
        select invoice_no, is_return, order_number, days_since_previous_order
        from marts.fct_invoices order by invoice_no
        """,
    ) == [
        ("1", False, 1, None),
        ("2", False, 2, 0),
        ("3", False, 1, None),
        ("4", False, 2, 16),
        ("5", False, 1, None),
        ("6", False, 1, None),
        ("9", False, None, None),
        ("C7", True, None, None),
        ("C8", True, None, None),
    ]
