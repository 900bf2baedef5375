"""What the step that explains anomalies reads from the marts, worked out by hand."""

from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest

from orchestration.assets.anomalies import read_contributions, read_revenue

MARTS = """
    create schema marts;
    create table marts.dim_dates as
    select
        range::date as date, true as is_complete_day, false as is_complete_week,
        case when range = timestamp '2011-03-01' then 'St David''s Day' end as holiday_name,
        cast(null as varchar) as closure_reason, cast(null as varchar) as promotion_name
    from range(timestamp '2011-03-01', timestamp '2011-03-05', interval 1 day);
    create table marts.fct_invoice_lines as
    select line_id, invoice_no, stock_code, customer_id, country, line_type, cast(invoice_date as date) as invoice_date,
        cast(gross_revenue as decimal(18, 4)) as gross_revenue, cast(return_amount as decimal(18, 4)) as return_amount
    from (values
        -- before the window: to be left out
        (1, '10', 'P', 'A', 'Norway', 'sale', '2011-03-01', 999.00, 0),
        -- window of two days
        (2, '11', 'P', 'A', 'Norway', 'sale', '2011-03-02', 30.00, 0),
        (3, '12', 'Q', null, 'Sweden', 'sale', '2011-03-03', 10.00, 0),
        (4, '12', 'P', null, 'Sweden', 'sale', '2011-03-03', 4.00, 0),
        -- the day: B's huge order is cancelled at once, but for 5.00; A returns what was bought before
        (5, '13', 'P', 'B', 'Norway', 'sale', '2011-03-04', 1005.00, 0),
        (6, 'C14', 'P', 'B', 'Norway', 'return', '2011-03-04', 0, -1000.00),
        (7, '15', 'Q', null, 'Sweden', 'sale', '2011-03-04', 200.00, 0),
        (8, 'C16', 'P', 'A', 'Norway', 'return', '2011-03-04', 0, -30.00)
    ) as t (
        line_id, invoice_no, stock_code, customer_id, country, line_type, invoice_date, gross_revenue, return_amount
    );
    create table marts.fct_return_matches as
    select
        return_line_id, sale_line_id, matched_amount,
        cast(sold_at as timestamp) as sold_at, cast(returned_at as timestamp) as returned_at
    from (values (6, 5, 1000.00, '2011-03-04', '2011-03-04'), (8, 2, 30.00, '2011-03-02', '2011-03-04')) as t (
        return_line_id, sale_line_id, matched_amount, sold_at, returned_at
    );
    create table marts.dim_products as select 'P' as stock_code, 'BIRD' as description;
    create table marts.fct_daily_revenue as
    select invoice_date as date, bool_or(line_type = 'sale') as is_trading_day,
        sum(gross_revenue + return_amount) as net_revenue_as_booked,
        count(distinct case when line_type = 'sale' then invoice_no end) as invoice_count
    from marts.fct_invoice_lines group by invoice_date;
"""


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(MARTS)
        yield connection


def flags(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "series": "total", "grain": "day", "date": pd.Timestamp("2011-03-04"),
                "window_start": pd.Timestamp("2011-03-02"), "window_periods": 2, "actual": 175.0, "expected": 22.0,
                **columns,
            }
        ]
    )  # fmt: skip


def contributions(connection: duckdb.DuckDBPyConnection, flagged: pd.DataFrame) -> dict[tuple[str, str], tuple]:
    found, _ = read_contributions(connection, flagged)
    return {(row.dimension, row.member): (row.actual, row.window_revenue) for row in found.itertuples(index=False)}


def test_each_member_brings_what_was_booked_in_the_period_and_in_its_window(marts) -> None:
    found = contributions(marts, flags())
    assert {key: value for key, value in found.items() if key[0] != "invoice"} == {
        ("customer", "A"): (-30.0, 30.0),
        ("customer", "B"): (5.0, 0.0),
        ("customer", "(none)"): (200.0, 14.0),
        ("product", "P"): (-25.0, 34.0),
        ("product", "Q"): (200.0, 10.0),
        ("country", "Norway"): (-25.0, 30.0),
        ("country", "Sweden"): (200.0, 14.0),
    }
    # each dimension adds up to the period and to its window
    for dimension in ("customer", "product", "country"):
        sums = [sum(values) for values in zip(*(v for k, v in found.items() if k[0] == dimension), strict=True)]
        assert sums == [175.0, 44.0]


def test_an_order_cancelled_within_the_period_is_no_driver(marts) -> None:
    found = contributions(marts, flags())
    assert {key[1]: value[0] for key, value in found.items() if key[0] == "invoice"} == {
        "13": 5.0,
        "C14": 0.0,
        "15": 200.0,
        # what it takes back was bought before
        "C16": -30.0,
    }


def test_a_countrys_flag_reads_that_country_alone(marts) -> None:
    found = contributions(marts, flags(series="Sweden", expected=7.0))
    assert found == {
        ("customer", "(none)"): (200.0, 14.0),
        ("product", "P"): (0.0, 4.0),
        ("product", "Q"): (200.0, 10.0),
        ("country", "Sweden"): (200.0, 14.0),
        ("invoice", "15"): (200.0, 0.0),
    }


def test_labels_and_orders_are_for_people(marts) -> None:
    found, orders = read_contributions(marts, flags())
    labels = dict(zip(found["member"], found["label"], strict=True))
    assert labels["P"] == "product P (BIRD)"
    assert labels["Q"] == "product Q"
    assert labels["(none)"] == "customers without a number"
    assert labels["13"] == "invoice 13"
    assert orders[["orders", "window_orders"]].to_numpy().tolist() == [[2, 2.0]]


def test_returns_are_counted_but_for_what_was_sold_in_the_same_period(marts) -> None:
    # of 1,030.00 that came back on the day 1,000.00 were sold on it, 30.00 two days before, and so in its week
    assert read_contributions(marts, flags())[1]["returned"].tolist() == [30.0]
    week = flags(grain="week", date=pd.Timestamp("2011-02-28"), window_start=pd.Timestamp("2011-02-21"))
    assert read_contributions(marts, week)[1]["returned"].tolist() == [0.0]
    # the day is in the window of the next one
    later = flags(date=pd.Timestamp("2011-03-05"), expected=110.0)
    counted = read_contributions(marts, later)[1]
    assert counted[["returned", "window_returned"]].to_numpy().tolist() == [[0.0, 30.0]]


def test_a_product_without_a_code_is_named_once_and_no_product_is_said_to_be_none(marts) -> None:
    marts.execute("insert into marts.dim_products values ('RED MUG', ' Red  mug')")
    marts.execute("update marts.fct_invoice_lines set stock_code = 'RED MUG' where stock_code = 'P'")
    marts.execute("update marts.fct_invoice_lines set stock_code = '(NONE)' where stock_code = 'Q'")
    found, _ = read_contributions(marts, flags())
    labels = dict(zip(found["member"], found["label"], strict=True))
    assert labels["RED MUG"].split() == ["product", "Red", "mug"]
    assert labels["(NONE)"] == "lines that name no product"


def test_what_is_read_is_bounded(marts) -> None:
    marts.execute(
        """
        insert into marts.fct_invoice_lines
        select 100 + range, 'I' || range, 'S' || range, 'K' || range, 'Norway', 'sale', date '2011-03-04', range, 0
        from range(500)
        """
    )
    found, _ = read_contributions(marts, flags())
    assert found.groupby("dimension").size().max() == 10
    assert "I499" in set(found["member"])


def test_no_flags_read_nothing(marts) -> None:
    found, orders = read_contributions(marts, flags().iloc[:0])
    assert found.empty
    assert orders.empty


def test_countries_add_up_to_the_total(marts) -> None:
    days, country_days, special_days = read_revenue(marts)
    assert days["net_revenue"].tolist() == [999.0, 30.0, 14.0, 175.0]
    assert country_days.groupby("date")["net_revenue"].sum().tolist() == [999.0, 30.0, 14.0, 175.0]
    # of a day that the calendar says nothing of there is no row
    assert special_days["date"].dt.strftime("%m-%d").tolist() == ["03-01"]
    assert special_days["holiday_name"].tolist() == ["St David's Day"]


def test_a_promotion_before_the_day_is_no_part_of_what_is_usual(marts) -> None:
    marts.execute("update marts.dim_dates set promotion_name = 'Sale' where date = date '2011-03-03'")
    found, orders = read_contributions(marts, flags(window_periods=1))
    by_member = dict(zip(found["member"], found["window_revenue"], strict=True))
    assert (by_member["A"], by_member["(none)"]) == (30.0, 0.0)
    assert orders["window_orders"].tolist() == [1.0]
    # a week is compared with whole weeks, whatever was on in them
    of_week, _ = read_contributions(marts, flags(grain="week", window_periods=1, expected=44.0))
    assert dict(zip(of_week["member"], of_week["window_revenue"], strict=True))["(none)"] == 14.0


def begin_anew(marts) -> None:
    """No lines, and every day from 6 June to 5 July 2011."""
    marts.execute("delete from marts.fct_invoice_lines")
    marts.execute(
        """
        insert into marts.dim_dates by name
        select range::date as date from range(timestamp '2011-06-06', timestamp '2011-07-06', interval 1 day)
        """
    )


def test_a_market_day_is_compared_with_market_days(marts) -> None:
    # four weeks of Mondays to Fridays, in which A buys for 100 a day, in one order, and B for 10,000 each Tuesday, in
    # another; then a Tuesday on which B buys for 4,000
    begin_anew(marts)
    marts.execute(
        """
        insert into marts.fct_invoice_lines by name
        select
            row_number() over () as line_id, who || range::date as invoice_no, 'P' as stock_code, who as customer_id,
            'Norway' as country, 'sale' as line_type, range::date as invoice_date, 0 as return_amount,
            case when who = 'A' then 100 when range = timestamp '2011-07-05' then 4000 else 10000 end as gross_revenue
        from range(timestamp '2011-06-07', timestamp '2011-07-06', interval 1 day), (values ('A'), ('B')) as t (who)
        where isodow(range) < 6 and (who = 'A' or isodow(range) = 2)
        """
    )
    tuesday = flags(
        date=pd.Timestamp("2011-07-05"), window_start=pd.Timestamp("2011-06-07"), window_periods=20,
        actual=4100.0, expected=9090.0,
    )  # fmt: skip
    found, orders = read_contributions(marts, tuesday)
    usual = {row.member: row.window_revenue / 20 for row in found.itertuples() if row.dimension == "customer"}
    # nine tenths of the 10,100 of a Tuesday were expected, so nine tenths of each one's; not of the mean day's 2,100
    assert usual == pytest.approx({"A": 90.0, "B": 9000.0})
    assert orders["window_orders"].iloc[0] / 20 == pytest.approx(1.8)
    # a Friday is expected to bring 100, a twentieth of the mean day
    friday = flags(
        date=pd.Timestamp("2011-07-01"), window_start=pd.Timestamp("2011-06-07"), window_periods=19,
        actual=100.0, expected=100.0,
    )  # fmt: skip
    found, orders = read_contributions(marts, friday)
    usual = {row.member: row.window_revenue / 19 for row in found.itertuples() if row.dimension == "customer"}
    assert usual == pytest.approx({"A": 100.0})
    assert orders["window_orders"].iloc[0] / 19 == pytest.approx(1.0)


def test_what_is_usual_where_nearly_all_came_back_is_what_was_sold(marts) -> None:
    # four weeks of Mondays to Fridays, in which A buys for 100 a day, in one order; on a Tuesday 1,990 came back
    begin_anew(marts)
    marts.execute(
        """
        insert into marts.fct_invoice_lines by name
        select
            row_number() over () as line_id, 'A' || range::date as invoice_no, 'P' as stock_code, 'A' as customer_id,
            'Norway' as country, 'sale' as line_type, range::date as invoice_date, 0 as return_amount,
            100 as gross_revenue
        from range(timestamp '2011-06-07', timestamp '2011-07-06', interval 1 day)
        where isodow(range) < 6
        union all by name
        select
            99 as line_id, 'C99' as invoice_no, 'P' as stock_code, 'A' as customer_id, 'Norway' as country,
            'return' as line_type, date '2011-06-28' as invoice_date, -1990 as return_amount, 0 as gross_revenue
        """
    )
    tuesday = flags(
        date=pd.Timestamp("2011-07-05"), window_start=pd.Timestamp("2011-06-07"), window_periods=20,
        actual=500.0, expected=100.0,
    )  # fmt: skip
    _, orders = read_contributions(marts, tuesday)
    # of the 10 that are left, the 2,000 that were expected would be 200 times as much
    assert orders["window_orders"].iloc[0] / 20 == pytest.approx(1.0)


def test_orders_of_a_busy_weekday_are_compared_with_those_of_the_weekday(marts) -> None:
    # four weeks of Mondays to Fridays, in which A buys for 100 a day, in one order, and B on Tuesdays
    begin_anew(marts)
    marts.execute(
        """
        insert into marts.fct_invoice_lines by name
        select
            row_number() over () as line_id, who || range::date as invoice_no, 'P' as stock_code, who as customer_id,
            'Norway' as country, 'sale' as line_type, range::date as invoice_date, 0 as return_amount,
            100 as gross_revenue
        from range(timestamp '2011-06-07', timestamp '2011-07-06', interval 1 day), (values ('A'), ('B')) as t (who)
        where isodow(range) < 6 and (who = 'A' or isodow(range) = 2)
        """
    )
    tuesday = flags(
        date=pd.Timestamp("2011-07-05"), window_start=pd.Timestamp("2011-06-07"), window_periods=20,
        actual=100.0, expected=200.0,
    )  # fmt: skip
    _, orders = read_contributions(marts, tuesday)
    # not the 1.2 of the mean day, of which one would be "about as many as usual"
    assert orders["window_orders"].iloc[0] / 20 == pytest.approx(2.0)
