"""What a customer looked like at a past date is what a refresh as of that date would have seen."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.dbt_project.conftest import STAGING, Dbt, ask, explain, line, write_raw

PERIODS = ("+int_customer_periods,path:models/intermediate",)

# observed until 10 April, so that cutoffs lie on 10 April, 11 March, 9 February, 10 January
HISTORY = [
    line("1", "MUG", 10, "2.00", "A", "2011-01-03 10:00:00"),
    line("2", "CUP", 4, "3.00", "A", "2011-01-03 16:00:00"),
    line("3", "MUG", 5, "2.00", "A", "2011-01-10 10:00:00"),
    # 3 of those of the first day, and later all 5 of the repeat purchase
    line("C4", "CUP", -3, "3.00", "A", "2011-02-01 10:00:00"),
    line("5", "CAN", 1, "7.00", "A", "2011-02-09 10:00:00"),
    line("C6", "MUG", -5, "2.00", "A", "2011-03-20 10:00:00"),
    line("7", "MUG", 2, "2.00", "B", "2011-02-08 10:00:00"),
    line("8", "MUG", 1, "2.00", "B", "2011-04-09 10:00:00"),
    # only ever returned, and only a stranger
    line("C9", "MUG", -1, "2.00", "C", "2011-02-01 10:00:00"),
    line("10", "MUG", 1, "2.00", None, "2011-02-01 10:00:00"),
]

KNOWN = """
    customer_id, cutoff_date, repeat_purchase_days, days_to_last_purchase, observed_days, repeat_net_value,
    invoice_count, line_count, gross_value, returned_value, net_value, purchase_days_30d, net_value_30d,
    purchase_days_90d, net_value_90d, purchase_days_180d, net_value_180d, purchase_days_360d, net_value_360d
"""


def build(dbt: Dbt, folder: Path, **settings: object) -> Path:
    path = write_raw(folder, HISTORY)
    for select in (STAGING, PERIODS):
        result = dbt.run("build", path, select, settings or None)
        assert result.success, explain(result)
    return path


@pytest.fixture(scope="module")
def history(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(dbt, tmp_path_factory.mktemp("now"))


def test_periods_tell_what_was_known_and_what_came(history: Path) -> None:
    rows = ask(
        history,
        """
        select customer_id, periods_ago, cutoff_date, repeat_purchase_days, days_to_last_purchase, observed_days,
            repeat_net_value, net_value, purchase_days_30d, net_value_30d, purchase_days_next_30d, net_value_next_30d
        from intermediate.int_customer_periods order by customer_id, periods_ago desc
        """,
    )
    money = Decimal
    assert rows == [
        # 32 on the first day; the purchase of the cutoff's own day is still to come, the CUPs to come back
        ("A", 3, date(2011, 1, 10), 0, 0, 6, money(0), money(32), 1, money(32), 1, money(1)),
        # the CUPs came off the first day, not off the repeat purchase
        ("A", 2, date(2011, 2, 9), 1, 7, 36, money(10), money(33), 1, money(1), 1, money(7)),
        ("A", 1, date(2011, 3, 11), 2, 37, 66, money(17), money(40), 1, money(7), 0, money(-10)),
        ("A", 0, date(2011, 4, 10), 2, 37, 96, money(7), money(30), 0, money(-10), None, None),
        ("B", 2, date(2011, 2, 9), 0, 0, 0, money(0), money(4), 1, money(4), 0, money(0)),
        ("B", 1, date(2011, 3, 11), 0, 0, 30, money(0), money(4), 0, money(0), 1, money(2)),
        ("B", 0, date(2011, 4, 10), 1, 60, 60, money(2), money(6), 1, money(2), None, None),
    ]


@pytest.mark.parametrize("as_of", ["2011-03-11", "2011-02-09", "2011-01-10"])
def test_no_cutoff_looks_ahead(dbt: Dbt, history: Path, tmp_path: Path, as_of: str) -> None:
    then = build(dbt, tmp_path / "then", as_of_date=as_of)
    now_of_then = ask(then, f"select {KNOWN} from intermediate.int_customer_periods where periods_ago = 0 order by 1")
    seen_today = ask(
        history, f"select {KNOWN} from intermediate.int_customer_periods where cutoff_date = '{as_of}' order by 1"
    )
    assert now_of_then == seen_today
    assert len(seen_today) == (1 if as_of == "2011-01-10" else 2)


def test_outcomes_tile_the_time(history: Path) -> None:
    with duckdb.connect(str(history), read_only=True) as connection:
        came, booked = connection.execute(
            """
            select
                (select sum(net_value_next_30d) from intermediate.int_customer_periods where customer_id = 'A'),
                (select sum(net_revenue_as_booked) from intermediate.int_customer_days
                 where customer_id = 'A' and date >= '2011-01-10')
            """
        ).fetchone()
    assert came == booked == Decimal(-2)


def test_past_cutoffs_are_kept_of_a_sample_and_today_of_everyone(dbt: Dbt, tmp_path: Path) -> None:
    path = build(dbt, tmp_path / "sampled", clv_sample_customers=1, clv_max_periods=1)
    assert ask(
        path,
        """
        select count(distinct customer_id) filter (periods_ago = 0), count(distinct customer_id) filter (is_sampled),
            count(*) filter (periods_ago > 0 and not is_sampled), max(periods_ago)
        from intermediate.int_customer_periods
        """,
    ) == [(2, 1, 0, 1)]
