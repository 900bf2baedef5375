"""The overview as it is drawn: its figures against SQL, its words, its links, and names that nobody should have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dash import Dash, dcc
from plotly.utils import PlotlyJSONEncoder

from serving.dashboard.app import _in_words
from serving.dashboard.charts import count_axis
from serving.dashboard.pages.overview import PAGE, register, render
from serving.dashboard.view import View
from serving.filters import Filters
from serving.snapshot import Reading, SnapshotReader
from warehouse.home import Home
from warehouse.wording import count, number, percent, short_money

NOBODY = Filters(customer="nobody at all")
CHARTS = {
    "overview-revenue-chart",
    "overview-customers",
    "overview-types",
}


@pytest.fixture(scope="module")
def reader(published_small: Home) -> Iterator[SnapshotReader]:
    opened = SnapshotReader(published_small)
    yield opened
    opened.close()


@pytest.fixture
def reading(reader: SnapshotReader) -> Iterator[Reading]:
    with reader.reading() as opened:
        yield opened


def test_an_axis_of_two_customers_has_no_halves() -> None:
    assert count_axis("Customers", 2) == {"title": {"text": "Customers"}, "tickformat": ",d", "dtick": 1}
    assert count_axis("Customers", 900)["nticks"] == 5


def test_whose_customers_a_country_has_is_said_below_the_filters() -> None:
    assert _in_words(Filters()) == []
    [told] = _in_words(Filters(countries=("France", "Spain")))
    assert told == "France, Spain: sales to there, and customers who spend most there."


def plain(component: Any) -> Any:
    """A component as the browser gets it."""
    return json.loads(json.dumps(component, cls=PlotlyJSONEncoder))


def walk(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for one in part:
            yield from walk(one)
    elif isinstance(part, dict) and "props" in part:
        yield part
        yield from walk(part["props"].get("children"))


def words(part: Any) -> str:
    if isinstance(part, list):
        return "".join(words(one) for one in part)
    if isinstance(part, dict):
        return words(part.get("props", {}).get("children"))
    return "" if part is None else str(part)


def drawn(reading: Reading, filters: Filters | None = None, theme: str = "light") -> list[dict[str, Any]]:
    return list(walk(plain(render(View(reading, filters or Filters(), theme)))))  # type: ignore[arg-type]


def figures(parts: list[dict[str, Any]]) -> dict[str, str]:
    return {part["props"]["data-figure"]: words(part) for part in parts if "data-figure" in part["props"]}


def charts(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {part["props"]["id"]: part["props"]["figure"] for part in parts if part["type"] == "Graph"}


def test_cards_show_the_figures_of_the_marts(reading: Reading) -> None:
    row = reading.row(
        """
        select count(*) as customers, avg(recency_days) as recency_days, avg(frequency) as frequency,
            avg(monetary::double) as monetary, count(*) filter (customer_type = 'returning') as returning,
            (select sum(gross_revenue)::double from marts.fct_daily_revenue) as gross,
            (select sum(net_revenue)::double from marts.fct_daily_revenue) as net,
            (select avg(clv) from ml.customer_clv) as clv
        from marts.customer_rfm
        """
    )
    shown = figures(drawn(reading))
    assert shown["customers"] == count(row["customers"])
    assert shown["gross_revenue"] == short_money(row["gross"], "GBP")
    assert shown["net_revenue"] == short_money(row["net"], "GBP")
    # to a tenth below a hundred, as on the page of segments
    assert row["recency_days"] < 99.95
    assert shown["recency_days_mean"] == f"{row['recency_days']:.1f} days"
    assert shown["frequency_mean"] == number(row["frequency"])
    assert shown["monetary_mean"] == short_money(row["monetary"], "GBP")
    assert shown["clv_mean"] == short_money(row["clv"], "GBP")
    assert shown["returning_customers"] == count(row["returning"])
    assert shown["one_time_customers"] == count(row["customers"] - row["returning"])
    assert shown["returning_customers_pct"] == percent(100 * row["returning"] / row["customers"])
    unusual = reading.value("select count(*) from ml.revenue_anomalies where series = 'total' and grain = 'day'")
    assert shown.get("unusual_days", "0") == str(unusual)


def test_a_filter_changes_the_cards_and_the_charts(reading: Reading) -> None:
    france = Filters(countries=("France",))
    net = reading.value("select sum(net_revenue)::double from marts.fct_country_revenue where country = 'France'")
    parts = drawn(reading, france)
    assert figures(parts)["net_revenue"] == short_money(net, "GBP")
    bars = charts(parts)["overview-revenue-chart"]["data"][0]["y"]
    assert sum(bars) == pytest.approx(net)


def test_bars_of_revenue_are_the_months_of_the_mart_and_paler_where_not_complete(reading: Reading) -> None:
    months = reading.rows("select net_revenue::double as net from marts.fct_monthly_revenue order by month_start")
    bars = charts(drawn(reading))["overview-revenue-chart"]["data"][0]
    assert bars["y"] == pytest.approx([row["net"] for row in months])
    assert bars["marker"]["opacity"] == [1.0] * 7 + [0.5]


def test_unusual_days_are_marked_in_their_month_with_their_cause(reading: Reading) -> None:
    rows = reading.rows(
        """
        select date_trunc('month', date)::date as month, cause from ml.revenue_anomalies
        where series = 'total' and grain = 'day' order by date
        """
    )
    assert rows
    marks = charts(drawn(reading))["overview-revenue-chart"]["data"][1]
    assert [str(at)[:10] for at in marks["x"]] == [str(at) for at in sorted({row["month"] for row in rows})]
    hovers = " ".join(marks["customdata"]).replace("<br>", " ")
    assert rows[0]["cause"].split(":")[0] in hovers


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_says_in_words_what_it_shows(reading: Reading, theme: str) -> None:
    parts = drawn(reading, theme=theme)
    assert set(charts(parts)) == CHARTS
    described = [part["props"]["aria-label"] for part in parts if part["props"].get("className") == "chart"]
    assert len(described) == len(CHARTS)
    assert all(any(letter.isdigit() for letter in text) for text in described)


def test_top_customers_link_to_their_pages_with_the_filters_kept(reading: Reading) -> None:
    expected = reading.rows(
        """
        select customer_id, sum(net_revenue) as net from marts.fct_invoice_lines where customer_id is not null
        group by 1 having count(*) filter (line_type = 'sale') >= 2 order by net desc, customer_id limit 10
        """
    )
    parts = drawn(reading, Filters(min_frequency=2))
    links = {
        words(part): part["props"]["href"]
        for part in parts
        if part["type"] == "Link" and part["props"]["href"].startswith("/customers/")
    }
    assert set(links) == {row["customer_id"] for row in expected}
    # a slash in an id is no path
    assert links["O'NEIL & SON/1"] == "/customers/O%27NEIL%20%26%20SON%2F1?min_frequency=2"
    assert links["0042"] == "/customers/0042?min_frequency=2"


def test_one_returning_customer_brings(reading: Reading) -> None:
    told = words(drawn(reading, Filters(customer="0042", min_frequency=2))[0])
    assert "1 returning customer (100.0%) brings 100.0% of the net revenue" in told


def test_nobody_fits_is_said_and_nothing_is_drawn(reading: Reading) -> None:
    parts = drawn(reading, NOBODY)
    assert "No sale fits these filters." in words(parts[0])
    assert charts(parts) == {}
    assert figures(parts)["customers"] == "0"
    assert figures(parts)["clv_mean"] == "–"


def test_a_single_day_can_be_drawn(reading: Reading) -> None:
    day = reading.about.last_date
    assert set(charts(drawn(reading, Filters(start=day, end=day)))) == CHARTS


def test_the_control_draws_weeks_and_days(reader: SnapshotReader) -> None:
    app = Dash("test_overview", suppress_callback_exceptions=True)
    app.layout = dcc.Location(id="url")
    register(app, reader)
    client = app.server.test_client()

    def ask(control: str, output: str, value: str, search: str = "") -> list[dict[str, Any]]:
        answer = client.post(
            "/_dash-update-component",
            json={
                "output": f"{output}.children",
                "outputs": {"id": output, "property": "children"},
                "inputs": [{"id": control, "property": "value", "value": value}],
                "changedPropIds": [f"{control}.value"],
                "state": [
                    {"id": "url", "property": "search", "value": search},
                    {"id": "theme", "property": "data", "value": "dark"},
                ],
            },
        )
        assert answer.status_code == 200
        return list(walk(answer.json["response"][output]["children"]))

    with reader.reading() as reading:
        booked = reading.value("select sum(net_revenue_as_booked)::double from marts.fct_monthly_revenue")
        traded = reading.value("select count(*) from marts.fct_daily_revenue where is_trading_day")
    days = charts(ask("overview-grain", "overview-revenue", "day"))["overview-revenue-chart"]["data"][0]["y"]
    # where the shop was closed the line breaks
    assert len([value for value in days if value is not None]) == traded < len(days)
    weeks = charts(ask("overview-grain", "overview-revenue", "week"))["overview-revenue-chart"]["data"][0]["y"]
    assert sum(weeks) == pytest.approx(booked)
    # a choice that leaves nothing says so
    nothing = ask("overview-grain", "overview-revenue", "day", "?customer=nobody")
    assert "No sale fits these filters." in " ".join(words(part) for part in nothing)


def test_chosen_customers_are_shown_no_odd_days_of_the_shop_and_no_change_that_the_filter_made(
    reading: Reading,
) -> None:
    unusual = reading.value("select count(*) from ml.revenue_anomalies where series = 'total' and grain = 'day'")
    assert unusual
    parts = drawn(reading, Filters(segments=("Champions",)))
    marks = charts(parts)["overview-revenue-chart"]["data"]
    assert len(marks) == 1
    shown = " ".join(words(part) for part in parts)
    assert "not for chosen customers" in shown
    kinds = {part["props"]["data-insight"] for part in parts if "data-insight" in part["props"]}
    assert not kinds & {"change", "driver", "segments", "anomaly"}


def test_the_page_is_the_first_one() -> None:
    assert (PAGE.path, PAGE.title) == ("/", "Overview")
