"""What readers are told of exports: what they don't show, which orders came again, whether orders add up."""

from collections.abc import Iterator

import pypdfium2
import pytest

from serving.api.health import Health, health
from serving.dashboard.pages import overview
from serving.dashboard.pages.health import PAGE
from serving.dashboard.view import View
from serving.downloads import csv_bytes
from serving.filters import Filters
from serving.lists import LISTS
from serving.queries.health import order_totals, replaced_orders, row_accounting, source_limits
from serving.queries.lists import fetch_list
from serving.report import build_report
from serving.snapshot import Reading, SnapshotReader
from tests.serving.rendered import figures, links, of_class, parts, text
from warehouse.home import Home


@pytest.fixture(scope="module")
def reading(home_of_exports: Home) -> Iterator[Reading]:
    reader = SnapshotReader(home_of_exports)
    with reader.reading() as opened:
        yield opened
    reader.close()


@pytest.fixture(scope="module")
def page(reading: Reading) -> object:
    return PAGE.render(View(reading, Filters(), "light"))


def test_a_refund_in_its_sales_row_is_a_line_and_all_lines_add_up(reading: Reading, page: object) -> None:
    # rows: 3 and 5 of Shopify, 5 of Etsy, 5 of Amazon; the newer export of #2003 tells of a refund beside
    found = row_accounting(reading)
    assert (found.delivered_lines_of_files, found.derived_rows, found.delivered_rows) == (18, 1, 19)
    assert found.does_add_up
    told = "The files in use hold 18 lines and, in columns of their sales' rows, 1 refund: 19 in all, as many as are"
    assert f"Adds up. {told} accounted for" in " ".join(text(page).split())
    assert not of_class(page, "note-error")


def test_orders_that_came_again_are_counted_and_listed(reading: Reading, page: object) -> None:
    # #2001 (two lines) as before, #2003 (one line) otherwise
    (row,) = replaced_orders(reading).to_dict("records")
    assert row == {"source": "shopify_orders", "orders": 2, "changed_orders": 1, "lines": 3}
    assert figures(page)["replaced_orders_shopify_orders"] == "2"
    assert figures(page)["changed_orders_shopify_orders"] == "1"
    listed = fetch_list(reading, LISTS["order_versions"], Filters())
    told = listed[["invoice_no", "file_name", "line_count", "amount", "is_newest", "is_as_newest", "is_replaced"]]
    assert told.to_numpy().tolist() == [
        ["#2001", "orders_export_1.csv", 2, 45.0, False, True, True],
        ["#2001", "orders_export_2.csv", 2, 45.0, True, True, False],
        ["#2003", "orders_export_1.csv", 1, 12.0, False, False, True],
        ["#2003", "orders_export_2.csv", 2, 0.0, True, True, False],
    ]
    assert any(link.startswith("/download/order_versions.csv") for link in links(page))
    assert b"#2003" in csv_bytes(listed)


def test_the_reason_of_a_replaced_line_holds_whether_or_not_the_newer_file_tells_the_same(reading: Reading) -> None:
    assert reading.rows("select distinct reason from marts.set_aside_lines where rule = 'newer_version'") == [
        {"reason": "The order came again in orders_export_2.csv, which is newer and counts in its place"}
    ]
    (reason,) = reading.rows(
        "select reason, line_count, amount::int as amount from marts.set_aside_reasons where rule = 'newer_version'"
    )
    # 18 + 27 + 12
    assert reason == {
        "reason": "Order came again in a newer file, which counts in its place",
        "line_count": 3,
        "amount": 57,
    }


def test_orders_are_held_against_their_own_files(reading: Reading, page: object) -> None:
    assert order_totals(reading).to_numpy().tolist() == [
        ["etsy_order_items", "Quantity × Price, less Discount Amount", 4, 4],
        ["shopify_orders", "Subtotal", 3, 3],
    ]
    assert "Orders against their files' own totals" in text(page)


def test_what_no_file_tells_stands_on_the_page_in_the_interface_and_in_the_report(
    reading: Reading, page: object
) -> None:
    assert [(row["title"], row["subject"]) for row in source_limits(reading).to_dict("records")] == [
        ("Amazon all orders", "refunds"),
        ("Amazon all orders", "customers"),
        ("Etsy sold order items", "refunds"),
        ("Etsy sold order items", "cancellations"),
        ("Etsy sold order items", "times"),
        ("Shopify orders", "refund_dates"),
    ]
    sentence = "The export does not say which orders were cancelled; they count as sales."
    assert sentence in text(page)
    # each by one name in all tables of the page
    named = [one for one in parts(page) if isinstance(one, str)]
    assert named.count("Shopify orders") >= 3
    assert "shopify_orders" not in named
    answered = Health.model_validate(health(reading)["data"])  # type: ignore[index]
    assert sentence in [limit.told for limit in answered.source_limits]
    assert [(one.source, one.orders, one.changed_orders) for one in answered.replaced_orders] == [
        ("shopify_orders", 2, 1)
    ]
    assert [(one.told_as, one.reconciled_orders) for one in answered.order_totals][1] == ("Subtotal", 3)
    report = pypdfium2.PdfDocument(build_report(reading, Filters()))
    printed = " ".join("".join(one.get_textpage().get_text_bounded() for one in report).split())
    report.close()
    assert "does not say which orders were cancelled" in printed


def test_money_that_may_be_too_high_is_said_beside_the_headline(reading: Reading) -> None:
    said = text(overview.PAGE.render(View(reading, Filters(), "light")))
    assert "Files without refunds: Amazon all orders, Etsy sold order items. The net of their sales is too high" in said
    assert "Files without customers: Amazon all orders." in said


def test_a_shop_without_exports_has_none_of_it(published_small: Home) -> None:
    reader = SnapshotReader(published_small)
    with reader.reading() as plain:
        said = text(PAGE.render(View(plain, Filters(), "light")))
    reader.close()
    for heading in ("What they don't show", "Orders that came again", "Orders against their files' own totals"):
        assert heading not in said
