"""How files write days and cells: one landing folder of workbooks, texts and Parquet, refreshed once.

Each source is the shop of ``shop.py`` (201 lines, 88 orders, 30 customers, 4,992.60), or one day of
30 orders of 14.00 whose month and day could be taken for each other.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pytest
import xlsxwriter

from tests.cases import reported
from tests.cases.shop import (
    SHOP_CUSTOMERS,
    SHOP_LINES,
    SHOP_MONEY,
    SHOP_ORDERS,
    Case,
    Published,
    Row,
    Totals,
    apart,
    csv_text,
    every,
    line,
    published_together,
    shop,
)

THE_SHOP = Totals(SHOP_LINES, SHOP_ORDERS, SHOP_CUSTOMERS, SHOP_MONEY)
DELIVERED = datetime(2024, 11, 28, 6, 0)


def _workbook(
    rows: list[Row],
    cell: Callable[[Any, Any, int, int, str, str], bool] = lambda *_: False,
    after: Callable[[xlsxwriter.Workbook], None] = lambda book: None,
) -> bytes:
    """A workbook of text and numbers; ``cell`` may write one in its own way and say so."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Sales")
        sheet.write_row(0, 0, list(rows[0]))
        for number, row in enumerate(rows, start=1):
            for position, (header, value) in enumerate(row.items()):
                if cell(book, sheet, number, position, header, value):
                    continue
                if header in ("Quantity", "UnitPrice"):
                    sheet.write_number(number, position, float(value))
                else:
                    sheet.write_string(number, position, value)
        after(book)
    return written.getvalue()


def _dated(form: str) -> list[Row]:
    return shop(lambda row: {**row, "InvoiceDate": datetime.fromisoformat(row["InvoiceDate"]).strftime(form)})


def _one_day(text: str, place: str) -> list[Row]:
    return apart(
        [line(670000 + n, "P07", "CAKE STAND", 1, f"{text} 09:15", "14.00", 9000 + n) for n in range(1, 31)], place
    )


def _delivered(case: Case, at: datetime) -> Case:
    return Case(case.name, case.files, case.mapping, dict.fromkeys(case.files, at))


def _day_and_delivery(today: datetime) -> tuple[date, datetime]:
    """A day whose month-first reading lies after its delivery, and that delivery: today, if the calendar allows.

    From the 10th of December to the 1st of January no such day has just gone by; then the
    delivery lies some weeks back, and the file's own time tells of it.
    """
    for days in range(400):
        delivery = today - timedelta(days=days)
        for back in range(31):
            sold = (delivery - timedelta(days=back)).date()
            if sold.day <= 12 and sold.day != sold.month:
                other = date(sold.year, sold.day, sold.month)
                if other > delivery.date() + timedelta(days=2):
                    return sold, delivery
    raise AssertionError("a year has such days")


SOLD_ON, DELIVERED_NOW = _day_and_delivery(datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1))


def _days() -> list[Case]:
    def serial(book: Any, sheet: Any, number: int, position: int, header: str, value: str) -> bool:
        if header != "InvoiceDate":
            return False
        days = (datetime.fromisoformat(value) - datetime(1899, 12, 30)) / timedelta(days=1)
        sheet.write_number(number, position, days)
        return True

    two_columns = []
    for row in _dated("%d/%m/%Y %H:%M"):
        day, time = row.pop("InvoiceDate").split(" ")
        two_columns.append({**row, "Day": day, "Clock": time})
    neighbours = {
        "history.csv": csv_text(apart(_dated("%d/%m/%Y %H:%M"), "14")),
        "sales.csv": csv_text(_one_day("05/04/2024", "14")),
    }
    few = apart([line(680000 + n, "P07", "CAKE STAND", 1, "05/04/2024 10:00", "14.00", 9000 + n) for n in (1, 2)], "19")
    now = reported.day_first(SOLD_ON, DELIVERED_NOW, "10")
    unsettled = reported.day_first(date(2024, 11, 12), DELIVERED, "16", history=False)
    return [
        now,
        Case("month-names", {"m.csv": csv_text(apart(_dated("%B %d, %Y %I:%M %p"), "11"))}),
        Case("serial-cells", {"m.xlsx": _workbook(apart(shop(), "12"), serial)}),
        Case(
            "two-columns",
            {"m.csv": csv_text(apart(two_columns, "13"))},
            'columns = { invoice_date = "Day", time = "Clock" }',
        ),
        Case("neighbours", neighbours),
        Case("named", {"sales_2024-04-05.csv": csv_text(_one_day("05/04/2024", "15"))}),
        Case("just-delivered", unsettled.files, delivered=unsettled.delivered),
        Case("answered", {"m.csv": csv_text(_one_day("05/04/2024", "17"))}, 'date_order = "day_first"'),
        Case("short-months", {"m.csv": csv_text(apart(_dated("%d-%b-%y %H:%M"), "18"))}),
        Case("a-few", {"m.csv": csv_text(few)}),
    ]


def _cells() -> list[Case]:
    ids = [
        line(710000 + n, "P07", "CAKE STAND", 1, at, "14.00", f"71234612345{60 + n % 2}")
        for n, at in enumerate(every(9, "2024-02-01 10:00:00", 10))
    ]

    def numeric_ids(book: Any, sheet: Any, number: int, position: int, header: str, value: str) -> bool:
        if header != "CustomerID":
            return False
        sheet.write_number(number, position, int(value))
        return True

    errors = [
        line(720000 + n, "P07", "CAKE STAND", 1, at, "14.00", 9001)
        for n, at in enumerate(every(9, "2024-02-01 10:00:00", 3))
    ]

    def error_cells(book: Any, sheet: Any, number: int, position: int, header: str, value: str) -> bool:
        if header != "UnitPrice" or number <= SHOP_LINES:
            return False
        sheet.write_formula(number, position, "=NA()", None, "#N/A")
        return True

    flags = [
        line(730000 + n, "P07", "CAKE STAND", 1, at, "14.00", "TRUE")
        for n, at in enumerate(every(9, "2024-02-01 10:00:00", 5))
    ]

    def hidden_sheet(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("Old sales")
        sheet.hide()
        row = line("740001", "P07", "CAKE STAND", 1, "2024-02-01 10:00:00", "14.00", "249001")
        sheet.write_row(0, 0, list(row))
        sheet.write_row(1, 0, list(row.values()))

    # lines that look like sales within one quoted note of 150 lines
    note = "see below\n" + "".join(
        f"9{n:05d},P07,CAKE STAND,1,2024-03-01 10:00:00,14.00,259999,United Kingdom\n" for n in range(150)
    )
    noted = [
        {**row, "Description": note if number == 100 else row["Description"], "Note": "x"}
        for number, row in enumerate(apart(shop(), "25"))
    ]
    return [
        Case("number-ids", {"c.xlsx": _workbook(apart(shop(), "21") + ids, numeric_ids)}),
        Case("error-cells", {"c.xlsx": _workbook(apart(shop() + errors, "22"), error_cells)}),
        Case("true-ids", {"c.csv": csv_text(apart(shop(), "23") + flags)}),
        Case("hidden", {"c.xlsx": _workbook(apart(shop(), "24"), after=hidden_sheet)}),
        Case("long-note", {"c.csv": csv_text(noted)}),
    ]


def _open_document(row: Row) -> bytes:
    """One sheet with a header and a row of text, as office programs other than Excel save it."""
    names = "urn:oasis:names:tc:opendocument:xmlns"
    cells = [
        "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p></table:table-cell>'
            for text in texts
        )
        for texts in (row.keys(), row.values())
    ]
    rows = "".join(f"<table:table-row>{of_row}</table:table-row>" for of_row in cells)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>',
        )
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{names}:office:1.0" xmlns:table="{names}:table:1.0" '
            f'xmlns:text="{names}:text:1.0"><office:body><office:spreadsheet><table:table table:name="Sales">'
            f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return written.getvalue()


def _containers() -> list[Case]:
    def of(number: int) -> str:
        return csv_text(
            [line(750000 + number, "P07", "CAKE STAND", 1, "2024-03-01 10:00:00", "14.00", f"3{number}9001")]
        )

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("sales.csv", of(1))
    squeezed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(squeezed, "zstd") as stream:
        stream.write(of(2).encode())
    return [
        Case("zip", {"more.zip": packed.getvalue()}),
        Case("zstd", {"more.csv.zst": squeezed.getvalue().to_pybytes()}),
        Case(
            "ods",
            {
                "more.ods": _open_document(
                    line(750003, "P07", "CAKE STAND", 1, "2024-03-01 10:00:00", "14.00", "339001")
                )
            },
        ),
    ]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return published_together(tmp_path_factory.mktemp("files"), [*_days(), *_cells(), *_containers()])


def _day_of(shops: Published, place: str) -> list[tuple]:
    return shops.rows(
        "select invoice_date, count(*), sum(net_revenue) from marts.fct_invoices"
        " where starts_with(customer_id, ?) group by 1",
        place + "9",
    )


class TestDays:
    def test_of_two_readings_the_one_after_the_delivery_is_out(self, shops: Published) -> None:
        assert _day_of(shops, "10") == [(SOLD_ON, 30, Decimal("420.00"))]
        assert shops.totals("10") == Totals(231, 118, 60, Decimal("5412.60"))

    def test_the_day_of_delivery_decides_alone(self, shops: Published) -> None:
        assert _day_of(shops, "16") == [(date(2024, 11, 12), 30, Decimal("420.00"))]

    @pytest.mark.parametrize("place", ["14", "15", "17"])
    def test_neighbours_a_files_name_or_one_word_decide(self, shops: Published, place: str) -> None:
        assert _day_of(shops, place) == [(date(2024, 4, 5), 30, Decimal("420.00"))]

    @pytest.mark.parametrize("place", ["11", "12", "13", "18"])
    def test_a_day_is_read_however_it_is_written(self, shops: Published, place: str) -> None:
        assert shops.totals(place) == THE_SHOP
        # the first and the last order of the shop
        assert shops.rows(
            "select min(invoiced_at), max(invoiced_at) from marts.fct_invoices where starts_with(customer_id, ?)", place
        ) == [(datetime(2024, 1, 9, 13, 30), datetime(2024, 8, 27, 16, 26))]

    def test_a_guess_about_a_few_lines_is_never_silent(self, shops: Published) -> None:
        ((orders, money),) = shops.rows(
            "select count(*), sum(net_revenue) from marts.fct_invoices where starts_with(customer_id, '199')"
        )
        assert (orders, money) == (2, Decimal("28.00"))
        assert any("a-few/m.csv" in warning for warning in shops.outcome.checks_warned)
        assert shops.is_told("a-few/m.csv", "day", "month")


class TestCells:
    def test_numbers_of_thirteen_digits_in_cells_are_whole_ids(self, shops: Published) -> None:
        assert shops.customers("71234612345") == {
            "7123461234560": (5, Decimal("70.00")),
            "7123461234561": (5, Decimal("70.00")),
        }
        assert not shops.is_told("number-ids/c.xlsx", "shortened")

    def test_error_cells_are_set_aside_as_such(self, shops: Published) -> None:
        assert shops.totals("22") == THE_SHOP
        reasons = shops.rows(
            "select reason, count(*) from marts.set_aside_lines where starts_with(file_name, 'error-cells/') group by 1"
        )
        assert [lines for _, lines in reasons] == [3]
        assert "#N/A" in reasons[0][0]

    def test_true_is_no_customer_and_told(self, shops: Published) -> None:
        assert shops.totals("23") == THE_SHOP
        assert shops.rows("select count(*) from marts.dim_customers where lower(customer_id) = 'true'") == [(0,)]
        assert shops.is_told("true-ids/c.csv", "TRUE", "5")

    def test_a_hidden_sheet_is_told(self, shops: Published) -> None:
        assert shops.is_told("hidden/c.xlsx", "hidden", "Old sales")

    def test_a_note_of_150_lines_is_one_note_and_its_lines_are_no_sales(self, shops: Published) -> None:
        assert shops.customer("259999") is None
        assert shops.totals("25") == THE_SHOP
        assert shops.set_aside("long-note/") == {}


class TestContainers:
    @pytest.mark.parametrize(("name", "number"), [("zip/more.zip", 1), ("zstd/more.csv.zst", 2), ("ods/more.ods", 3)])
    def test_what_is_packed_or_of_another_program_is_read_or_told_with_what_can_be_done(
        self, shops: Published, name: str, number: int
    ) -> None:
        if shops.customer(f"3{number}9001") is None:
            assert shops.is_told(name, "unpack") or shops.is_told(name, "xlsx")
        else:
            assert shops.customer(f"3{number}9001") == (1, Decimal("14.00"))
