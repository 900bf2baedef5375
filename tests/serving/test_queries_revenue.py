"""Revenue under the filters, against the marts and against SQL of the lines."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from serving.filters import Filters
from serving.queries.lists import count_list, fetch_list
from serving.queries.revenue import (
    COUNTRIES,
    country_months,
    country_revenue,
    customer_types,
    daily_revenue,
    monthly_customers,
    monthly_revenue,
    top_customers,
    unusual_periods,
    weekly_revenue,
)
from serving.snapshot import Reading

MONEY = [
    *("gross_revenue", "returned_revenue", "unmatched_return_revenue", "total_return_revenue"),
    *("net_revenue", "net_revenue_as_booked"),
]
PENNY = 0.005
NOBODY = Filters(customer="nobody at all")


def assert_equals_mart(frame: pd.DataFrame, mart: pd.DataFrame, key: str) -> None:
    """The mart has no row where nothing happened; there the frame has zeros, or gaps where the shop was closed."""
    both = frame.merge(mart, on=key, how="outer", suffixes=("", "_mart"), indicator=True)
    assert not (both["_merge"] == "right_only").any()
    assert len(mart) > 3
    assert both.loc[both["_merge"] == "both", MONEY].notna().all(axis=None)
    both = both.fillna(dict.fromkeys([*MONEY, "invoices", "customers"], 0))
    for name in MONEY:
        assert (both[name] - both[f"{name}_mart"].fillna(0)).abs().max() < PENNY, name
    assert (both["invoices"] == both["invoice_count"].fillna(0)).all()
    assert (both["customers"] == both["customer_count"].fillna(0)).all()


def mart_of(reading: Reading, table: str, key: str) -> pd.DataFrame:
    sums = ", ".join(f"{name}::double as {name}" for name in MONEY)
    return reading.query(f"select {key}, {sums}, invoice_count, customer_count from marts.{table}")


@pytest.mark.parametrize("which", ["reading", "real_reading"])
def test_months_and_days_without_a_filter_equal_the_marts(which: str, request: pytest.FixtureRequest) -> None:
    opened: Reading = request.getfixturevalue(which)
    assert_equals_mart(
        monthly_revenue(opened, Filters()), mart_of(opened, "fct_monthly_revenue", "month_start"), "month_start"
    )
    assert_equals_mart(daily_revenue(opened, Filters()), mart_of(opened, "fct_daily_revenue", "date"), "date")


def test_months_of_the_public_data_are_the_known_ones(real_reading: Reading) -> None:
    months = monthly_revenue(real_reading, Filters()).set_index("month_start")
    assert len(months) == 13
    # 1,432,948.10 less every return whose purchase has its very code; a credit note of 24 November mistyped one of
    # March, and its 1.45 come off there
    assert months.loc["2011-11-01", "net_revenue"] == pytest.approx(1_432_949.55, abs=PENNY)
    assert months["is_complete_month"].tolist() == [True] * 12 + [False]


def test_net_is_gross_less_both_kinds_of_returns(reading: Reading) -> None:
    for filters in (Filters(), Filters(countries=("France",)), Filters(min_frequency=3)):
        months = monthly_revenue(reading, filters)
        left = months["gross_revenue"] - months["returned_revenue"] - months["unmatched_return_revenue"]
        assert (left - months["net_revenue"]).abs().max() < PENNY
        assert months["returned_revenue"].sum() > 0


def lines_of(reading: Reading, condition: str, **bound: Any) -> dict[str, Any]:
    """Net revenue, orders and customers of the lines themselves."""
    return reading.row(
        f"""
        select sum(net_revenue)::double as net_revenue,
            count(distinct invoice_no) filter (line_type = 'sale') as invoices,
            count(distinct customer_id) filter (line_type = 'sale') as customers
        from marts.fct_invoice_lines as l where {condition}
        """,
        bound or None,
    )


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        (Filters(countries=("France", "Norway")), "country in ('France', 'Norway')"),
        (Filters(start=date(2024, 2, 10), end=date(2024, 5, 3)), "invoice_date between '2024-02-10' and '2024-05-03'"),
        (
            Filters(min_frequency=20),
            "customer_id in (select customer_id from marts.customer_rfm where frequency >= 20)",
        ),
        (
            Filters(customer="100"),
            "customer_id in (select customer_id from marts.customer_rfm where customer_id like '100%')",
        ),
    ],
)
def test_filtered_sums_equal_those_of_the_lines(reading: Reading, filters: Filters, condition: str) -> None:
    expected = lines_of(reading, condition)
    for frame in (
        monthly_revenue(reading, filters),
        weekly_revenue(reading, filters),
        daily_revenue(reading, filters),
        country_revenue(reading, filters),
        country_months(reading, filters),
    ):
        assert frame["net_revenue"].sum() == pytest.approx(expected["net_revenue"], abs=PENNY)
        assert frame["invoices"].sum() == expected["invoices"]
    # customers of a country are in one country only here, so that they add up
    assert country_revenue(reading, filters)["customers"].sum() == expected["customers"]


def test_a_filter_of_customers_leaves_sales_without_one_out(reading: Reading) -> None:
    anonymous = lines_of(reading, "customer_id is null")["net_revenue"]
    assert anonymous > 0
    everybody = Filters(min_frequency=0)
    returns_only = lines_of(reading, "customer_id = '10998'")["net_revenue"]
    assert returns_only < 0
    assert monthly_revenue(reading, everybody)["net_revenue"].sum() == pytest.approx(
        lines_of(reading, "true")["net_revenue"] - anonymous - returns_only, abs=PENNY
    )


def test_a_month_cut_by_the_chosen_days_is_not_complete(reading: Reading) -> None:
    cut = monthly_revenue(reading, Filters(start=date(2024, 2, 10), end=date(2024, 5, 30)))
    assert [f"{at:%m}" for at in cut["month_start"]] == ["02", "03", "04", "05"]
    assert cut["is_complete_month"].tolist() == [False, True, True, False]
    whole = monthly_revenue(reading, Filters(start=date(2024, 2, 1), end=date(2024, 5, 31)))
    assert whole["is_complete_month"].all()
    # the shop's last sale is on 27 August
    assert monthly_revenue(reading, Filters())["is_complete_month"].tolist() == [True] * 7 + [False]


def test_months_in_which_nothing_fits_are_zeros_and_not_gaps(reading: Reading) -> None:
    # Norway's customers come and go: some weeks have none
    weeks = weekly_revenue(reading, Filters(countries=("Norway",)))
    steps = weeks["week_start"].diff().dropna()
    assert (steps == pd.Timedelta(days=7)).all()
    days = daily_revenue(reading, Filters(countries=("Norway",)))
    assert (days["invoices"] == 0).any()


def test_a_closed_day_is_a_gap_and_an_open_one_without_an_order_is_zero(reading: Reading) -> None:
    for filters in (Filters(), Filters(countries=("Norway",))):
        days = daily_revenue(reading, filters).set_index("date")
        saturday, monday = days.loc["2024-01-06"], days.loc["2024-01-08"]
        assert (saturday["is_trading_day"], saturday["is_closed_day"]) == (False, True)
        assert saturday[["net_revenue", "invoices", "customers"]].isna().all()
        assert (monday["is_trading_day"], monday["is_closed_day"]) == (True, False)
        assert days.loc[~days["is_closed_day"], ["net_revenue", "invoices"]].notna().all(axis=None)


def test_nobody_fits_gives_no_rows(reading: Reading) -> None:
    for function in (
        monthly_revenue,
        weekly_revenue,
        daily_revenue,
        monthly_customers,
        customer_types,
        top_customers,
        country_revenue,
        country_months,
    ):
        for filters in (NOBODY, Filters(start=date(2031, 1, 1)), Filters(end=date(1999, 1, 1))):
            assert function(reading, filters).empty, function.__name__  # type: ignore[operator]


@pytest.mark.parametrize("which", ["reading", "real_reading"])
def test_monthly_customers_without_a_filter_equal_the_mart(which: str, request: pytest.FixtureRequest) -> None:
    opened: Reading = request.getfixturevalue(which)
    columns = "month_start, customers, new_customers, existing_customers, one_time_customers, is_complete_month"
    mart = opened.query(f"select {columns} from marts.fct_monthly_customers order by month_start")
    assert len(mart) > 6
    found = monthly_customers(opened, Filters())
    pd.testing.assert_frame_equal(found, mart, check_dtype=False)


def test_new_means_new_to_the_shop_whatever_the_filters_hide(reading: Reading) -> None:
    # a customer who bought in January is not new in April because only April is looked at
    april = monthly_customers(reading, Filters(start=date(2024, 4, 1), end=date(2024, 4, 30)))
    mart = reading.row(
        "select customers, new_customers from marts.fct_monthly_customers where month_start = '2024-04-01'"
    )
    assert april[["customers", "new_customers"]].iloc[0].to_dict() == mart


def test_customer_types_add_up_and_bring_what_their_invoices_say(reading: Reading) -> None:
    types = customer_types(reading, Filters()).set_index("customer_type")
    expected = reading.query(
        """
        select r.customer_type, count(distinct r.customer_id) as customers, sum(l.net_revenue)::double as net_revenue
        from marts.customer_rfm as r inner join marts.fct_invoice_lines as l using (customer_id)
        group by 1
        """
    ).set_index("customer_type")
    assert types["customers"].to_dict() == expected["customers"].to_dict()
    for kind in ("returning", "one_time"):
        assert types.loc[kind, "net_revenue"] == pytest.approx(expected.loc[kind, "net_revenue"], abs=PENNY)
    assert types["customers_pct"].sum() == pytest.approx(100)
    assert types["net_revenue_pct"].sum() == pytest.approx(100)


def test_top_customers_of_the_public_data(real_reading: Reading) -> None:
    top = top_customers(real_reading, Filters())
    assert len(top) == 10
    assert top["customer_id"].iloc[0] == "14646"
    # the two who cancelled their one large order within minutes are not among them
    assert not set(top["customer_id"]) & {"16446", "12346"}
    assert top["net_revenue"].is_monotonic_decreasing


def test_top_customers_are_those_of_the_lines_in_the_chosen_days(reading: Reading) -> None:
    filters = Filters(start=date(2024, 3, 1), end=date(2024, 6, 30))
    expected = reading.query(
        """
        select customer_id, sum(net_revenue)::double as net_revenue from marts.fct_invoice_lines
        where customer_id is not null and invoice_date between '2024-03-01' and '2024-06-30'
        group by 1 having count(*) filter (line_type = 'sale') > 0 order by 2 desc, 1 limit 7
        """
    )
    found = top_customers(reading, filters, limit=7)
    assert found["customer_id"].tolist() == expected["customer_id"].tolist()
    assert found["net_revenue"].tolist() == pytest.approx(expected["net_revenue"].tolist(), abs=PENNY)
    total = lines_of(reading, "invoice_date between '2024-03-01' and '2024-06-30'")["net_revenue"]
    assert found["net_revenue_pct"].iloc[0] == pytest.approx(100 * expected["net_revenue"].iloc[0] / total)


@pytest.mark.parametrize("which", ["reading", "real_reading"])
def test_countries_without_a_filter_equal_the_mart(which: str, request: pytest.FixtureRequest) -> None:
    opened: Reading = request.getfixturevalue(which)
    mart = opened.query(
        """
        select country, sum(net_revenue)::double as net_revenue, sum(gross_revenue)::double as gross_revenue,
            sum(invoice_count)::bigint as invoices, bool_or(is_home_country) as is_home_country
        from marts.fct_country_revenue group by 1 order by 2 desc, 1
        """
    )
    found = country_revenue(opened, Filters())
    assert found["country"].tolist() == mart["country"].tolist()
    for name in ("net_revenue", "gross_revenue"):
        assert (found[name] - mart[name]).abs().max() < PENNY
    assert found["invoices"].tolist() == mart["invoices"].tolist()
    assert found["is_home_country"].tolist() == mart["is_home_country"].tolist()
    assert found["net_revenue_pct"].sum() == pytest.approx(100)
    by_country = country_months(opened, Filters()).groupby("country")["net_revenue"].sum()
    assert (by_country.loc[found["country"]].to_numpy() - found["net_revenue"].to_numpy()).max() < PENNY


def test_countries_carry_their_codes(reading: Reading) -> None:
    codes = country_revenue(reading, Filters()).set_index("country")["iso_alpha3"].to_dict()
    assert codes == {"United Kingdom": "GBR", "France": "FRA", "Germany": "DEU", "Ireland": "IRL", "Norway": "NOR"}


def test_the_list_of_countries_is_the_same_as_the_chart(reading: Reading) -> None:
    for filters in (Filters(), Filters(min_frequency=10), NOBODY):
        listed = fetch_list(reading, COUNTRIES, filters)
        drawn = country_revenue(reading, filters)
        assert listed["country"].tolist() == drawn["country"].tolist()
        assert listed["net_revenue"].tolist() == drawn["net_revenue"].tolist()
        assert count_list(reading, COUNTRIES, filters) == len(drawn)


def test_unusual_days_are_of_the_shop_or_of_the_chosen_countries(real_reading: Reading) -> None:
    def known(series: str, condition: str = "true") -> list[date]:
        rows = real_reading.rows(
            f"select date from ml.revenue_anomalies where grain = 'day' and series = $s and {condition} order by date",
            {"s": series},
        )
        return [row["date"] for row in rows]

    def found(filters: Filters) -> list[date]:
        return [at.date() for at in unusual_periods(real_reading, filters)["date"]]

    assert found(Filters()) == known("total") != []
    # a day that was odd for the shop need not have been for chosen customers
    assert found(Filters(min_frequency=3)) == []
    assert found(Filters(countries=("United Kingdom",))) == known("United Kingdom") != []
    spring = Filters(start=date(2011, 3, 1), end=date(2011, 4, 30))
    assert found(spring) == known("total", "date between '2011-03-01' and '2011-04-30'") != []
