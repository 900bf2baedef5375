"""What shops of other kinds bring, wherever it is shown: goods by weight, products without a name, orders
whose key has a slash, customers who gave back more than they bought, doubts of the headline, lines set aside.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx
import pypdfium2
import pytest

from serving.dashboard.pages.clusters import PAGE as CLUSTERS_PAGE
from serving.dashboard.pages.customers import PAGE as CUSTOMERS_PAGE
from serving.dashboard.pages.health import PAGE as HEALTH_PAGE
from serving.dashboard.pages.overview import PAGE as OVERVIEW_PAGE
from serving.dashboard.view import View
from serving.filters import Filters
from serving.queries.choices import filters_of
from serving.queries.customers import CUSTOMERS
from serving.queries.insights import insights
from serving.queries.lists import fetch_list
from serving.report import build_report
from serving.snapshot import Reading, SnapshotReader
from tests.server import served
from tests.serving.changed import changed
from tests.serving.rendered import figures, of_class, parts, text
from warehouse.home import Home

KEY = "00001/2024-01-09"
BLOCK = '[[landing.sources]]\nfiles = "<b>.csv"\ncolumns = { invoice = "Name" }'
FEW = "Only 73 customers are named: a segment may be a handful of people."
LARGE = "Customer <B>10</B> alone brought 76 % of what customers spent."

STATEMENTS = (
    # the first purchase of customer 10006: 0.25 kg of nothing that has a name, under an order number that is used again
    """
    create temp table first_line as
    select line_id, invoice_no from marts.fct_invoice_lines
    where customer_id = '10006' and line_type = 'sale' order by invoiced_at, line_id limit 1
    """,
    """
    update marts.fct_invoice_lines set quantity_units = 0.25, stock_code = '(NONE)'
    where line_id = (select line_id from first_line)
    """,
    f"""
    update marts.fct_invoices set quantity_units = 0.25, invoice_no = '{KEY}'
    where invoice_no = (select invoice_no from first_line)
    """,
    f"""
    update marts.fct_invoice_lines set invoice_no = '{KEY}' where invoice_no = (select invoice_no from first_line)
    """,
    # bought for 200.00, gave 212.50 back
    """
    update reporting.customer_360 set monetary_gross = 200, monetary_net = -12.5, total_return_revenue = 212.5
    where customer_id = '10005'
    """,
    "delete from reporting.headline_notes",
    f"""
    insert into reporting.headline_notes by name
    select * from (values ('one_large_customer', 3, 'warning', '{LARGE}'), ('few_customers', 2, 'warning', '{FEW}'))
        as notes (note_key, place, severity, sentence)
    """,
    "delete from marts.set_aside_reasons",
    """
    insert into marts.set_aside_reasons by name
    select * from (
        values
            (
                'unreadable', null, 'unit price "…" is no number', 4, 1.50, 3, '12,50 <i>kg</i>', 0, 0, 1, 'a.csv', 7,
                0.1, 0.0, 0.0
            ),
            (
                'non_product', 'postage', 'No product, by code or name: postage', 30, 120.00, 0, null, 9, 2, 2, 'a.csv',
                4, 0.7, 1.2, 2.7
            )
    ) as reasons (
        disposition, rule, reason, line_count, amount, lines_without_amount, example_amount_text, customer_count,
        lost_customer_count, file_count, example_file_name, example_row_number, line_pct, amount_pct, lost_customer_pct
    )
    """,
    "delete from marts.source_profiles",
    """
    insert into marts.source_profiles by name
    select 'tills' as source, 'plain' as profile, 'no number begins with C' as evidence,
        false as is_cancellation_prefix, false as is_adjustment_prefix,
        'overlap' as exact_duplicates, 2 as file_count, 4000 as line_count
    """,
    f"""
    insert into quality.load_ledger (load_id, file_name, recorded_at, status, problem, is_in_landing)
    values
        (9001, '<b>.csv', timestamp '2024-09-02', 'rejected', '<b>.csv: column missing: customer_id:\n{BLOCK}', true),
        (9002, 'gone.csv', timestamp '2024-09-02', 'rejected', 'gone.csv: it is empty', false)
    """,
    # a cluster that no name fits
    """
    update reporting.segment_claims
    set claim = null, true_customers = null, true_pct = null, is_true = true
    where method = 'kmeans' and segment_name = (
        select min(segment_name) from reporting.segment_claims where method = 'kmeans'
    )
    """,
    "update quality.load_ledger set clock = 'UTC offset, converted to Europe/London' where load_id in (1, 2)",
)


@pytest.fixture(scope="module")
def home(published_small: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    copy = Home(tmp_path_factory.mktemp("any-shop"))
    copy.published.parent.mkdir(parents=True)
    shutil.copyfile(published_small.published, copy.published)
    with duckdb.connect(str(copy.published)) as connection:
        for statement in STATEMENTS:
            connection.execute(statement)
    return copy


@pytest.fixture(scope="module")
def odd(home: Home) -> Iterator[Reading]:
    reader = SnapshotReader(home)
    with reader.reading() as opened:
        yield opened
    reader.close()


@pytest.fixture(scope="module")
def client(home: Home) -> Iterator[httpx.Client]:
    with served(home) as url, httpx.Client(base_url=url, timeout=30) as opened:
        yield opened


def view(reading: Reading, argument: str = "") -> View:
    return View(reading, Filters(), "light", argument)


def data(client: httpx.Client, path: str) -> Any:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def downloaded(client: httpx.Client, name: str) -> list[dict[str, str]]:
    answer = client.get(f"/download/{name}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_an_order_by_weight_under_a_key_with_a_slash_is_a_number_and_a_text(client: httpx.Client) -> None:
    order = data(client, "/customers/10006/orders")[-1]
    assert (order["invoice_no"], order["quantity_units"]) == (KEY, 0.25)
    row = downloaded(client, "customer_orders.csv?context=10006")[-1]
    assert (row["Invoice"], row["Units"]) == (KEY, "0.25")
    # what was sold whole has no zeros behind it
    assert all("." not in one["Units"] for one in downloaded(client, "customer_orders.csv?context=10006")[:-1])


def test_a_line_that_names_no_product_says_so(client: httpx.Client) -> None:
    (row,) = [one for one in downloaded(client, "customer_lines.csv?context=10006") if one["Units"] == "0.25"]
    assert row["Product"] == "No product named"


def test_spend_below_zero_is_shown_with_what_was_ordered_and_given_back(odd: Reading, client: httpx.Client) -> None:
    story = CUSTOMERS_PAGE.render(view(odd, "10005"))
    assert figures(story)["customer.monetary_net"] == "−£12.50"
    # halves of a pound go to the even one
    assert "£200 ordered, £212 returned" in text(story)
    assert data(client, "/customers/10005")["facts"]["monetary_net"] == -12.5
    assert data(client, "/customers?limit=1000")[-1]["customer_id"] == "10005"


def test_a_cluster_without_a_name_is_shown_as_true_of_nobody_and_untrue_of_nobody(odd: Reading) -> None:
    told = text(CLUSTERS_PAGE.render(view(odd)))
    assert "Nothing: read it by its figures." in told
    (name,) = [
        row["segment_name"]
        for row in odd.rows(
            "select segment_name from reporting.segment_claims where method = 'kmeans' and claim is null"
        )
    ]
    assert figures(CLUSTERS_PAGE.render(view(odd)))[f"claims.{name}"] == "–"


def test_doubts_stand_above_everything_else_in_their_order(odd: Reading) -> None:
    page = OVERVIEW_PAGE.render(view(odd))
    assert [text(one) for one in page.children[:2]] == [FEW, LARGE]
    assert all(one.children.color == "yellow" for one in page.children[:2])


def test_doubts_stand_where_nothing_fits_the_filters_too(odd: Reading) -> None:
    page = OVERVIEW_PAGE.render(View(odd, Filters(customer="nobody"), "light"))
    assert FEW in text(page)


def test_without_doubts_nothing_is_said_of_any(published_small: Home, tmp_path: Path) -> None:
    with changed(published_small, tmp_path, "delete from reporting.headline_notes") as reading:
        page = OVERVIEW_PAGE.render(view(reading))
        assert not [part for part in parts(page) if "data-doubt" in str(getattr(part, "to_plotly_json", dict)())]
        assert build_report(reading, Filters())


def test_programs_get_the_doubts_beside_the_figures(client: httpx.Client) -> None:
    assert data(client, "/summary")["notes"] == [
        {"key": "few_customers", "severity": "warning", "sentence": FEW},
        {"key": "one_large_customer", "severity": "warning", "sentence": LARGE},
    ]


def test_the_report_has_the_doubts_on_its_first_page(odd: Reading) -> None:
    document = pypdfium2.PdfDocument(build_report(odd, Filters()))
    try:
        first = " ".join(document[0].get_textpage().get_text_bounded().split())
    finally:
        document.close()
    assert FEW in first
    assert LARGE in first
    assert first.index(FEW) < first.index(LARGE) < first.index("In short")


def test_reasons_of_lines_set_aside_are_told_most_lines_first(odd: Reading, client: httpx.Client) -> None:
    (table,) = [
        one
        for one in parts(HEALTH_PAGE.render(view(odd)))
        if getattr(one, "aria-label", "") == "Lines set aside by reason"
    ]
    postage, unreadable = [[text(cell) for cell in parts_of_row(row)] for row in rows_of(table)]
    assert postage == [
        "Not products : No product, by code or name: postage",
        "30  0.7%",
        "£120.00  1.2%",
        "9",
        "2  2.7%",
        "a.csv, line 4 (in 2 files)",
    ]
    # on three of four lines there is no amount, and what stands there is shown as it was delivered
    assert unreadable[2] == "£1.50  0.0% none on 3 lines “12,50 <i>kg</i>”"
    told = data(client, "/accounting")
    assert [row["reason"] for row in told["reasons"]] == [
        "No product, by code or name: postage",
        'unit price "…" is no number',
    ]
    assert told["reasons"][0] == {
        "disposition": "non_product", "rule": "postage", "reason": "No product, by code or name: postage",
        "line_count": 30, "line_pct": 0.7, "amount": 120.0, "amount_pct": 1.2, "lines_without_amount": 0,
        "example_amount_text": None, "customer_count": 9, "lost_customer_count": 2, "lost_customer_pct": 2.7,
        "file_count": 2, "example_file_name": "a.csv", "example_row_number": 4,
    }  # fmt: skip
    assert [row["Lines"] for row in downloaded(client, "set_aside_reasons.csv")] == ["30", "4"]


def rows_of(table: Any) -> list[Any]:
    return [one for one in parts(table) if type(one).__name__ == "Tr"][1:]


def parts_of_row(row: Any) -> list[Any]:
    return [one for one in parts(row) if type(one).__name__ == "Td"]


def test_how_files_were_judged_is_told_with_the_evidence(odd: Reading, client: httpx.Client) -> None:
    told = text(HEALTH_PAGE.render(view(odd)))
    assert "No number begins with C" in told
    assert "UTC offset, converted to Europe/London: 2 files." in told
    (source,) = data(client, "/accounting")["sources"]
    assert (source["source"], source["profile"], source["exact_duplicates"]) == ("tills", "plain", "overlap")


def test_a_rejected_file_is_told_whole_and_one_that_is_gone_is_not(odd: Reading, client: httpx.Client) -> None:
    page = HEALTH_PAGE.render(view(odd))
    (alarm,) = of_class(page, "note-error")
    assert alarm.title == "1 delivered file could not be loaded"
    (block,) = of_class(alarm, "paste")
    assert block.children == BLOCK
    assert "gone.csv" not in text(page)
    (missing,) = data(client, "/health")["missing_files"]
    assert (missing["file_name"], missing["problem"]) == (
        "<b>.csv",
        f"<b>.csv: column missing: customer_id:\n{BLOCK}",
    )


def test_no_gap_is_told_where_nobody_has_come_back(published_small: Home, tmp_path: Path) -> None:
    with changed(published_small, tmp_path, "update marts.customer_rfm set purchase_days = 1") as reading:
        story = CUSTOMERS_PAGE.render(view(reading, "10005"))
        assert figures(story)["customer.expected_gap_days"] == "–"
        assert "not known: no customer has come on a second day yet" in text(story)


def test_where_all_who_are_late_are_dormant_the_link_leads_to_them(published_small: Home, tmp_path: Path) -> None:
    gone = """
        update reporting.customer_360 set is_dormant = is_slipping,
            slipping_segment = case when is_slipping then 'Dormant' else slipping_segment end
    """
    with changed(published_small, tmp_path, gone) as reading:
        (told,) = [one.text for one in insights(reading, Filters()) if one.kind == "dormant"]
        links = [
            str(part.href)
            for part in parts(OVERVIEW_PAGE.render(view(reading)))
            if "Who they" in text(part) and hasattr(part, "href")
        ]
        chosen = filters_of(reading, urlsplit(links[0]).query)
        who = fetch_list(reading, CUSTOMERS, chosen)
    assert told.startswith(f"{len(who)} customers are dormant")


def test_days_that_nothing_could_be_compared_with_are_not_called_usual(published_small: Home, tmp_path: Path) -> None:
    short = (
        "delete from ml.anomaly_drivers",
        "delete from ml.revenue_anomalies",
        "delete from ml.revenue_expectations",
    )
    with changed(published_small, tmp_path, *short) as reading:
        page = text(OVERVIEW_PAGE.render(view(reading)))
    assert "No day of the whole shop in this time could be compared with what is usual." in page
    assert "No unusual day" not in page
