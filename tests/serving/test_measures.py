"""Every aggregate is stated once: what each measure is, that all who show one show that, and that nobody has a copy."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from rich.console import Console

from orchestration.summary import print_answers
from serving.dashboard.pages import all_pages
from serving.dashboard.pages.figures import PAGE as FIGURES
from serving.dashboard.view import View
from serving.filters import Filters
from serving.lists import LISTS
from serving.queries.lists import fetch_list
from serving.report.content import report_content
from serving.snapshot import Reading
from tests.serving.rendered import figures, of_class, text
from warehouse import measures as register
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.measures import TABLES, Over, Shown, aggregates, measures, shown
from warehouse.wording import days, in_unit

ROOT = Path(__file__).resolve().parents[2]

# what each is over the whole history, from the delivered lines and from customers one by one
BY_HAND = {
    "net_revenue": "select sum(gross_amount) from marts.row_accounting where is_kept",
    "gross_revenue": "select gross_amount from marts.row_accounting where disposition = 'sale'",
    "total_return_revenue": "select -gross_amount from marts.row_accounting where disposition = 'return'",
    "returned_revenue": "select sum(matched_amount) from marts.fct_return_matches",
    "unmatched_return_revenue": """
        select (select -gross_amount from marts.row_accounting where disposition = 'return') - sum(matched_amount)
        from marts.fct_return_matches
    """,
    "booked_return_revenue": "select -gross_amount from marts.row_accounting where disposition = 'return'",
    "net_revenue_as_booked": "select sum(gross_amount) from marts.row_accounting where is_kept",
    "customers": "select count(*) from marts.dim_customers where has_purchases",
    "invoices": "select count(distinct invoice_no) from marts.fct_invoice_lines where line_type = 'sale'",
    "sale_line_count": "select row_count from marts.row_accounting where disposition = 'sale'",
    "return_line_count": "select row_count from marts.row_accounting where disposition = 'return'",
    "sold_units": "select sum(quantity_units) from marts.fct_invoice_lines where line_type = 'sale'",
    "order_value": """
        select sum(net_revenue)::double / count(distinct invoice_no) filter (line_type = 'sale')
        from marts.fct_invoice_lines
    """,
    "monetary_net_sum": "select sum(net_revenue) from buyers_lines",
    "monetary_sum": "select sum(net_revenue) from buyers_lines",
    "recency_days_mean": "select avg(recency_days) from marts.customer_rfm",
    "recency_days_median": "select quantile_cont(recency_days, 0.5) from marts.customer_rfm",
    "frequency_mean": """
        select count(distinct invoice_no) / (select count(*) from marts.customer_rfm)
        from buyers_lines where line_type = 'sale'
    """,
    "frequency_median": "select quantile_cont(frequency, 0.5) from marts.customer_rfm",
    "monetary_mean": "select sum(net_revenue)::double / count(distinct customer_id) from buyers_lines",
    "monetary_median": "select quantile_cont(monetary_net::double, 0.5) from marts.customer_rfm",
    "money_per_order": """
        select sum(net_revenue)::double / count(distinct invoice_no) filter (line_type = 'sale') from buyers_lines
    """,
    "returning_customers": "select count(*) from marts.customer_rfm where customer_type = 'returning'",
    "one_time_customers": "select count(*) from marts.customer_rfm where customer_type = 'one_time'",
    "returning_pct": "select 100 * avg((customer_type = 'returning')::int) from marts.customer_rfm",
    "one_time_pct": "select 100 * avg((customer_type = 'one_time')::int) from marts.customer_rfm",
    "slipping_customers": "select count(*) from slipping",
    "dormant_customers": "select count(*) from late where is_dormant",
    "slipping_best_customers": "select count(*) from slipping where m_score = 5",
    "slipping_best_monetary": """
        select coalesce(sum(net_revenue), 0) from buyers_lines
        where customer_id in (select customer_id from slipping where m_score = 5)
    """,
    "clv_mean": "select avg(clv) from ml.customer_clv",
    "clv_sum": "select sum(clv) from ml.customer_clv",
}
BUYERS_LINES = """
    with buyers_lines as (
        select * from marts.fct_invoice_lines where customer_id in (select customer_id from marts.customer_rfm)
    ),
    late as (
        select customers.*, recency_days >= dormant_from_ratio * expected_gap_days is true as is_dormant
        from marts.customer_rfm as customers inner join marts.slipping_limits using (snapshot_date)
        where purchase_days > 1 and recency_days >= 2 * expected_gap_days
    ),
    slipping as (select * from late where not is_dormant)
"""


def over_everything(reading: Reading, key: str, rows: Any) -> Any:
    where = " where has_purchases" if rows == "customers" else ""
    return reading.value(f"select {measures()[key].sql(rows)} from {TABLES[rows]}{where}")


def test_every_measure_has_a_value_worked_out_by_hand() -> None:
    assert set(BY_HAND) == {one.key for one in measures().values() if not one.share_of}


@pytest.mark.parametrize("key", BY_HAND)
def test_a_measure_is_the_same_over_all_its_rows_and_by_hand(reading: Reading, key: str) -> None:
    wanted = float(reading.value(BUYERS_LINES + BY_HAND[key]))
    for rows in measures()[key].expressions:
        assert float(over_everything(reading, key, rows)) == pytest.approx(wanted, abs=0.001), rows


@pytest.mark.parametrize("grain", ["daily", "monthly", "country"])
def test_the_revenue_tables_have_every_measure_that_is_declared_for_them(reading: Reading, grain: str) -> None:
    table = f"marts.fct_{grain}_revenue"
    columns = set(reading.query(f"select * from {table} limit 0").columns)
    for one in shown("tables"):
        assert one.column in columns
        if "days" in one.adds_up and one.key != "invoices":
            total = float(reading.value(f"select sum({one.column}) from {table}"))
            assert total == pytest.approx(float(over_everything(reading, one.key, "lines")), abs=0.001)


PARTS: dict[Over, dict[str, str]] = {
    "days": {"lines": "invoice_date", "invoices": "invoice_date"},
    "countries": {"lines": "country", "invoices": "country", "customers": "country"},
    "segments": {"customers": "kmeans_segment"},
}


@pytest.mark.parametrize("key", BY_HAND)
def test_parts_of_a_measure_add_up_over_what_it_says(reading: Reading, key: str) -> None:
    one = measures()[key]
    for over in one.adds_up:
        assert set(PARTS[over]) & set(one.expressions), over
        for rows, column in PARTS[over].items():
            if rows in one.expressions:
                where = " where has_purchases" if rows == "customers" else ""
                sql = f"select {one.sql(rows)} as part from {TABLES[rows]}{where} group by {column}"
                parts = float(reading.value(f"select sum(part) from ({sql})"))
                assert parts == pytest.approx(float(over_everything(reading, key, rows)), abs=0.001), (over, rows)


def test_customers_of_days_and_countries_are_not_said_to_add_up(reading: Reading) -> None:
    of_days = aggregates("invoices", ["customers"])
    parts = reading.value(
        f"select sum(customers) from (select {of_days} from marts.fct_invoices group by invoice_date)"
    )
    assert parts > over_everything(reading, "customers", "invoices")
    assert measures()["customers"].adds_up == ("segments",)


# ---- all who show one show that ------------------------------------------------------


@pytest.fixture(scope="module")
def summary_of_api(serve: Callable[[Home], str], published_small: Home) -> Any:
    with httpx.Client(base_url=serve(published_small) + "/api/v1", timeout=30) as client:
        yield lambda path: client.get(path).json()["data"]


def test_cards_of_page_api_and_report_are_the_measures_that_are_compared(
    reading: Reading, summary_of_api: Callable[[str], Any]
) -> None:
    wanted = [one for one in measures().values() if one.compared]
    values = {one.key: float(reading.value(BUYERS_LINES + BY_HAND[one.key])) for one in wanted}
    drawn = next(page for page in all_pages() if page.path == "/").render(View(reading, Filters()))
    told = {one.key: in_unit(values[one.key], one.unit, "GBP", is_short=True) for one in wanted}
    on_page = figures(drawn)
    assert {key: on_page[key] for key in told} == told
    in_report = report_content(reading, Filters())["cards"]
    assert [(card["label"], card["value"]) for card in in_report] == [(one.label, told[one.key]) for one in wanted]
    of_api = summary_of_api("/summary")["figures"]
    assert [(one["key"], one["label"], one["unit"]) for one in of_api] == [
        (one.key, one.label, one.unit) for one in wanted
    ]
    for one in of_api:
        assert one["value"] == pytest.approx(values[one["key"]], abs=0.0051)


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("periods", "/revenue/monthly"),
        ("periods", "/revenue/daily"),
        ("countries", "/revenue/countries"),
        ("segments", "/segments/profiles"),
        ("sizes", "/segments"),
        ("playbooks", "/playbooks"),
    ],
)
def test_api_fields_are_the_measures_of_their_place(
    reading: Reading, summary_of_api: Callable[[str], Any], where: Shown, path: str
) -> None:
    rows = summary_of_api(path)
    for one in shown(where):
        assert all(one.key in row for row in rows)
        if one.adds_up and not one.share_of and ("invoices" in one.expressions) == ("days" in one.adds_up):
            parts = [row[one.key] for row in rows if not row.get("is_everyone") and row[one.key] is not None]
            wanted = float(reading.value(BUYERS_LINES + BY_HAND[one.key]))
            # each is rounded to the penny
            assert sum(parts) == pytest.approx(wanted, abs=0.006 * len(parts)), one.key


@pytest.mark.parametrize(("where", "name"), [("countries", "countries"), ("segments", "segments")])
def test_list_and_download_columns_are_the_measures_of_their_place(reading: Reading, where: Shown, name: str) -> None:
    spec = LISTS[name]
    rows = fetch_list(reading, spec, Filters())
    for one in shown(where):
        column = spec.column(one.key)
        in_currency = " In the shop's currency." if one.unit == "money" else ""
        assert (column.title, column.about) == (one.label, one.sentence + in_currency)
        assert one.key in rows


def test_the_report_sets_the_means_of_segments(reading: Reading) -> None:
    table = report_content(reading, Filters())["segments"]
    assert table["header"] == ["Segment", *(one.short for one in shown("means"))]
    everyone = table["rows"][-1]
    assert everyone[1:] == [
        in_unit(float(reading.value(BUYERS_LINES + BY_HAND[one.key])), one.unit, "GBP") for one in shown("means")
    ]


def test_the_closing_summary_tells_measures(published_small: Home, reading: Reading) -> None:
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, width=200)
    with duckdb.connect(str(published_small.published), read_only=True) as connection:
        print_answers(console, connection)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    hand = {key: reading.value(BUYERS_LINES + BY_HAND[key]) for key in ("customers", "monetary_net_sum", "clv_sum")}
    assert f"{hand['customers']:,} with a purchase, who spent £{hand['monetary_net_sum']:,.0f} net" in told
    assert f"£{hand['clv_sum']:,.0f} of net revenue expected" in told
    top = reading.rows(
        """
        select rfm_segment as name, count(*) as customers, avg(recency_days) as recency, avg(frequency) as frequency,
            avg(monetary) as money
        from reporting.customer_360 where has_purchases group by name
        """
    )
    for row in top:
        line = next(line for line in told.splitlines() if line.startswith(row["name"] + "  "))
        assert line.split()[-1] == f"£{row['money']:,.0f}"
        assert days(round(row["recency"])) in line
        assert f"{row['frequency']:.1f}" in line
        assert f"{row['customers']:,}" in line


def test_the_page_figures_has_every_measure_with_its_value(reading: Reading) -> None:
    drawn = FIGURES.render(View(reading, Filters()))
    values, told = figures(drawn), text(drawn)
    for one in measures().values():
        assert one.label in told
        assert one.sentence in told
        for expression in one.expressions.values():
            assert expression in told
        if set(one.expressions) & {"invoices", "customers"}:
            wanted = reading.value(BUYERS_LINES + BY_HAND[one.key])
            assert values[f"figures.{one.key}"] == in_unit(float(wanted), one.unit, "GBP")
        else:
            assert values[f"figures.{one.key}"] == "–"


# ---- one name, one figure ------------------------------------------------------------


def test_no_two_measures_have_one_name() -> None:
    labels = [one.label for one in measures().values()]
    assert len(labels) == len(set(labels))
    for where in ("means", "sizes"):
        shorts = [one.short for one in shown(where)]  # type: ignore[arg-type]
        assert len(shorts) == len(set(shorts)), where


def named_cards(drawn: Any) -> list[tuple[str, str, str]]:
    """Label, key and value of every headline card."""
    found = []
    for card in of_class(drawn, "stat"):
        ((key, value),) = figures(of_class(card, "stat-value")).items()
        found.append((text(of_class(card, "stat-label")), key, value))
    return found


@pytest.mark.parametrize("query", ["", "method=rfm", "country=France", "from=2024-05-01&to=2024-06-30"])
@pytest.mark.parametrize("path", ["/", "/segments", "/customers", "/playbooks", "/figures"])
def test_a_page_never_shows_two_figures_under_one_name(reading: Reading, path: str, query: str) -> None:
    page = next(page for page in all_pages() if page.path == path)
    drawn = page.render(View(reading, Filters.from_query(query)))
    # one key never has two values: that is `figures`
    shown_here = figures(drawn)
    by_label: dict[tuple[str, str], str] = {}
    for label, key, _ in named_cards(drawn):
        scope, _, name = key.rpartition(".")
        assert by_label.setdefault((scope, label), name) == name
        # a name of the register is that measure, on every page
        owner = next((one for one in measures().values() if one.label == label), None)
        assert owner is None or owner.key == name, (label, key)
        assert name not in measures() or measures()[name].label == label
    # what the page says of everyone is one value, under whichever key
    for one in measures().values():
        whole = {shown_here[key] for key in (f"figures.{one.key}", f"compare.all.{one.key}") if key in shown_here}
        assert len(whole) <= 1


def test_one_measure_has_one_value_on_all_pages(reading: Reading) -> None:
    values: dict[str, dict[str, str]] = {}
    cards = {
        page.path: named_cards(page.render(View(reading, Filters())))
        for page in all_pages()
        if page.path in ("/", "/customers")
    }
    for path, told in cards.items():
        for _, key, value in told:
            values.setdefault(key.rpartition(".")[2], {})[path] = value
    shared = {key: told for key, told in values.items() if len(told) > 1}
    assert {"customers", "clv_mean", "returning_customers"} <= set(shared)
    for key, told in shared.items():
        assert len(set(told.values())) == 1, key


# ---- nobody has a copy ---------------------------------------------------------------

# one aggregate of one column that a measure aggregates, however it is spelled
AGGREGATE = re.compile(
    r"\b(sum|avg|median)\(\s*(?:\w+\.)?(net_revenue|gross_revenue|returned_revenue|unmatched_return_revenue"
    r"|booked_return_revenue|total_return_revenue|net_revenue_as_booked|return_amount|recency_days|frequency|monetary|monetary_net|clv)\s*(?:::\w+)?\)(?!\s+over)"
    r"|count\([^()]*\)\s*filter\s*\(\s*(?:\w+\.)?(?:not is_return|customer_type)",
    re.IGNORECASE,
)
NOT_A_COPY = {
    # of a category or a cohort: rows are customers by category, and customers by month
    "dbt_project/models/marts/cohort_retention.sql: sum(gross_revenue)",
    "dbt_project/models/marts/cohort_retention.sql: sum(net_revenue_as_booked)",
    "dbt_project/models/marts/customer_category_shares.sql: sum(lines.gross_revenue)",
    "dbt_project/models/marts/customer_category_shares.sql: sum(lines.net_revenue)",
    "dbt_project/models/reporting/segment_playbooks.sql: sum(category_spend.net_revenue)",
    "dbt_project/models/reporting/segment_playbooks.sql: sum(net_revenue)",
    "serving/queries/segments.py: sum(shares.net_revenue)",
    # of who moved, came or went: rows of two month ends, or of two publications
    "dbt_project/models/marts/segment_moves.sql: sum(monetary)",
    "dbt_project/models/marts/slipping_backtest.sql: sum(tested.monetary)",
    "serving/queries/moves.py: sum(later.monetary)",
    "serving/queries/moves.py: sum(earlier.monetary)",
    "serving/queries/playbooks.py: sum(monetary)",
    "serving/queries/playbooks.py: sum(clv)",
    # of the customers who spent most: rows are customers with their net revenue
    "dbt_project/models/marts/revenue_concentration.sql: sum(ranked.monetary_net)",
    "serving/queries/insights.py: sum(net_revenue)",
    # of a day, exact, from which what was sold and given back within a period is taken off
    "orchestration/assets/anomalies.py: sum(lines.return_amount)",
    # of a customer's days: what the model of customer value learns from
    "orchestration/assets/customer_value.py: sum(net_revenue_as_booked)",
}


def sources() -> list[Path]:
    python = [path for room in ("serving", "orchestration", "warehouse") for path in (ROOT / room).rglob("*.py")]
    # what is upstream of the marts adds up days and months of one customer, before there is anything to show
    models = [
        path for layer in ("marts", "reporting") for path in (ROOT / "dbt_project" / "models" / layer).glob("*.sql")
    ]
    return sorted([*python, *models])


def test_no_module_states_a_measure_again() -> None:
    """A measure is changed in one place: take it from ``warehouse.measures``, or in dbt from ``measured()``."""
    copies = {
        f"{path.relative_to(ROOT).as_posix()}: {found.group()}"
        for path in sources()
        for found in AGGREGATE.finditer(path.read_text())
    }
    assert copies == NOT_A_COPY


# ---- declarations --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"unit": "pounds"}, "unit is 'pounds'"),
        ({"adds_up": ["weeks"]}, "adds_up has 'weeks'"),
        ({"shown": ["somewhere"]}, "shown has 'somewhere'"),
        ({"more_is": "nice"}, "more_is is 'nice'"),
        ({"colour": "red"}, "colour means nothing"),
        ({"share_of": "customers"}, "and not both"),
        ({"invoices": None}, "needs an expression"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    whole = {"label": "Sales", "sentence": "All.", "unit": "money", "invoices": "sum(x)"} | given
    whole = {name: value for name, value in whole.items() if value is not None}
    with pytest.raises(RegularsError, match=re.escape("Measure sales")) as refused:
        register._read("sales", whole)
    assert said in str(refused.value)
