"""A second line of headers in the middle of a file: if it contradicts the first, the file is refused."""

import io

import pytest
import xlsxwriter

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from tests.warehouse.test_mappings import use

SWAPPED = "InvoiceNo,StockCode,Description,UnitPrice,InvoiceDate,Quantity,CustomerID,Country"
SWAPPED_LINE = "536366,85123A,WHITE HANGING HEART,2,2010-12-03 08:26:00,7,17850,United Kingdom"
OTHER_WORDS = "Order ID,SKU,Product,Price,Order Date,Qty,Customer,Country"


def workbook(*lines: str) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Sales")
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line.split(","))
    return written.getvalue()


@pytest.mark.parametrize("second", [SWAPPED, SWAPPED.upper(), OTHER_WORDS])
@pytest.mark.parametrize("is_workbook", [False, True])
def test_columns_in_another_order_are_refused_with_their_line(shop: Shop, second: str, is_workbook: bool) -> None:
    lines = (HEADER, LINE_A, LINE_B, second, SWAPPED_LINE)
    if is_workbook:
        shop.deliver("both.xlsx", workbook(*lines))
    else:
        shop.deliver_lines("both.csv", *lines[1:])
    shop.deliver_lines("good.csv", LINE_A)
    report = shop.load()
    problems = {outcome.file_name: outcome.problem for outcome in report.files}
    told = problems.pop("both.xlsx" if is_workbook else "both.csv") or ""
    assert "line 4 is a second line of headers" in told
    assert f"'{second.split(',')[3]}' stands where 'Quantity' is expected" in told
    # the file beside it, which was read together with it, is whole
    assert problems == {"good.csv": None}
    assert shop.rows("select invoice, quantity from raw.transactions") == [("536365", "6")]


def test_the_same_headers_again_cost_one_line(shop: Shop) -> None:
    shop.deliver_lines("again.csv", LINE_A, HEADER, LINE_B)
    shop.load()
    assert shop.rows("select invoice from raw.transactions order by _line_id") == [
        ("536365",),
        ("InvoiceNo",),
        ("C536379",),
    ]


def test_other_words_for_the_same_columns_in_the_same_order_cost_one_line(shop: Shop) -> None:
    columns = {"invoice": "Bon", "stock_code": "Artikel", "quantity": "Menge", "invoice_date": "Datum"}
    use(shop, files="*", columns=columns | {"unit_price": "Preis", "kind": "Art"})
    line = "7001,MUG,2,2024-03-01,10.00,Verkauf"
    shop.deliver("a.csv", f"Bon,Artikel,Menge,Datum,Preis,Art\n{line}\nReceipt,Article,Qty,Date,Price,Type\n{line}\n")
    shop.load()
    assert shop.value("select count(*) from raw.transactions") == 3


def test_words_in_the_place_of_a_date_are_no_headers(shop: Shop) -> None:
    note = "536367,Price,Quantity,1,unknown,1.00,17850,France"
    shop.deliver_lines("notes.csv", LINE_A, note, LINE_B)
    shop.load()
    assert shop.value("select count(*) from raw.transactions") == 3
