"""What a spreadsheet hides, and what its errors and unstored formulas do to a load."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
import pytest
import xlsxwriter

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from tests.warehouse.test_packed_files import open_document
from warehouse.loading import FileOutcome

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")


def sale(number: int, **other: Any) -> dict[str, Any]:
    return {
        "InvoiceNo": f"{number}",
        "StockCode": "A",
        "Description": "MUG",
        "Quantity": 2,
        "UnitPrice": 2.5,
        "InvoiceDate": "2024-01-02 10:00:00",
        "CustomerID": 7,
        "Country": "UK",
        **other,
    }


def write(sheet: Any, rows: Sequence[dict[str, Any]]) -> None:
    sheet.write_row(0, 0, COLUMNS)
    for number, row in enumerate(rows, start=1):
        for position, column in enumerate(COLUMNS):
            value = row[column]
            if isinstance(value, str) and value.startswith("="):
                formula, _, stored = value.partition("|")
                sheet.write_formula(number, position, formula, None, stored)
            else:
                sheet.write(number, position, value)


def load(shop: Shop) -> FileOutcome:
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    return outcome


@pytest.mark.parametrize("hide", ["hide", "very_hidden"])
def test_a_hidden_sheet_is_told_of_and_left_out(shop: Shop, hide: str) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        old = book.add_worksheet("Old")
        write(book.add_worksheet("Sales"), [sale(1), sale(2)])
        write(old, [sale(3), sale(4), sale(5)])
        book.get_worksheet_by_name("Sales").activate()
        book.get_worksheet_by_name("Sales").set_first_sheet()
        getattr(old, hide)()
    outcome = load(shop)
    assert outcome.lines == 2
    assert outcome.notes == (
        "sheet 'Old' (3 rows below its header) is hidden and was not loaded; show it in the workbook if its lines count"
    )
    assert shop.value("select sheets from quality.load_ledger") == "Sales"


def test_a_hidden_sheet_is_loaded_where_no_other_has_sales(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        book.add_worksheet("Chart").write(0, 0, "See the sheet behind")
        data = book.add_worksheet("Data")
        write(data, [sale(1), sale(2)])
        data.hide()
    outcome = load(shop)
    assert outcome.lines == 2
    assert "sheet 'Data' (2 rows below its header) is hidden and was loaded, since no sheet in sight has" in str(
        outcome.notes
    )


def test_a_hidden_sheet_that_lacks_a_column_stops_nothing(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        write(book.add_worksheet("Sales"), [sale(1)])
        draft = book.add_worksheet("Draft")
        draft.write_row(0, 0, COLUMNS[:5])
        draft.hide()
    outcome = load(shop)
    assert (outcome.status, outcome.lines) == ("loaded", 1)
    assert "sheet 'Draft' (1 rows) not loaded: no known header" in str(outcome.notes)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("#N/A", "#N/A"), ("#DIV/0!", "#DIV/0!"), ("#REF!", "#REF!"), ("#NAME?", "#NAME?"), ("#VALUE!", "#VALUE!")],
)
@pytest.mark.parametrize("column", ["UnitPrice", "Quantity", "InvoiceDate", "InvoiceNo"])
def test_an_error_cell_without_which_a_line_is_nothing_keeps_its_text(
    shop: Shop, column: str, stored: str, shown: str
) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        write(book.add_worksheet("S"), [sale(1), sale(2, **{column: f"=NA()|{stored}"}), sale(3)])
    outcome = load(shop)
    assert outcome.notes is not None
    assert (
        f"sheet 'S': column '{column}' has 1 cell with an error of the spreadsheet ({shown} 1), the first in row 3; "
        "their lines are set aside"
    ) in outcome.notes
    name = {"UnitPrice": "unit_price", "InvoiceDate": "invoice_date", "InvoiceNo": "invoice"}.get(column, "quantity")
    assert shop.rows(f"select {name} from raw.transactions where _row_number = 3") == [(shown,)]
    assert shop.value(f"select count(*) from raw.transactions where {name} is null or {name} = '{shown}'") == 1


def test_error_cells_elsewhere_are_blank_and_counted_by_column(shop: Shop) -> None:
    rows = [sale(number, CustomerID="=VLOOKUP(1,A1:B2,2)|#N/A") for number in range(1, 4)]
    rows += [sale(4, CustomerID="=A1/0|#DIV/0!"), sale(5, Country="=X|#NAME?"), sale(6)]
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        sheet = book.add_worksheet("S")
        write(sheet, rows)
        # beside the table, in no column of ours
        sheet.write_formula(3, 12, "=NA()", None, "#N/A")
    outcome = load(shop)
    assert outcome.notes == (
        "sheet 'S': column 'CustomerID' has 4 cells with an error of the spreadsheet (#N/A 3, #DIV/0! 1), the first in "
        "row 2; they count as blank; sheet 'S': column 'Country' has 1 cell with an error of the spreadsheet "
        "(#NAME? 1), the first in row 6; they count as blank"
    )
    assert shop.value("select count(*) from raw.transactions where customer_id is null") == 4


def test_text_that_only_looks_like_an_error_is_text(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        write(book.add_worksheet("S"), [sale(1, Description="#N/A")])
    assert load(shop).notes is None
    assert shop.rows("select description from raw.transactions") == [("#N/A",)]


@pytest.mark.parametrize("stored", ["", "0"])
@pytest.mark.parametrize("rows", [4, 5])
def test_formulas_whose_results_were_never_stored_are_found_out(shop: Shop, stored: str, rows: int) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        write(book.add_worksheet("S"), [sale(number, UnitPrice=f"=1+1|{stored}") for number in range(rows)])
    outcome = load(shop)
    told = "every price is empty or 0, which is what formulas look like whose results were never stored"
    if rows == 5:
        assert outcome.problem == (
            f"a.xlsx: {told} (5 lines); open and save it in the spreadsheet program, or deliver values"
        )
        assert shop.raw() == []
    else:
        assert (outcome.status, outcome.notes) == ("loaded", told)


def test_one_price_is_enough(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        write(book.add_worksheet("S"), [*(sale(number, UnitPrice=0) for number in range(9)), sale(9)])
    outcome = load(shop)
    assert (outcome.status, outcome.lines, outcome.notes) == ("loaded", 10, None)


@pytest.mark.parametrize("price", ["0.00", "£0", "0,00 €", ""])
def test_a_text_file_without_any_price_is_told_of(shop: Shop, price: str) -> None:
    line = LINE_A.replace("2.55", f'"{price}"')
    shop.deliver_lines("a.csv", *[line.replace("536365", str(number)) for number in range(6)])
    shop.deliver_lines("good.csv", LINE_B)
    found = {outcome.file_name: outcome for outcome in shop.load().files}
    assert found["a.csv"].notes == "every price is empty or 0"
    assert found["good.csv"].notes is None


def test_amounts_of_lines_are_worth_something_too(shop: Shop) -> None:
    from tests.warehouse.test_mappings import use

    use(shop, columns={"line_amount": "Sales"})
    shop.deliver("a.csv", f"{HEADER},Sales\n{LINE_A.replace('2.55', '0')},15.30\n")
    assert load(shop).notes is None


def test_true_and_false_as_ids_are_told_of(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        write(book.add_worksheet("S"), [sale(1, CustomerID=True), sale(2, CustomerID=False), sale(3, StockCode=True)])
    assert load(shop).notes == (
        "sheet 'S': column 'StockCode' has 1 cell with TRUE or FALSE, read as the stock code true or false; mend the "
        "workbook; sheet 'S': column 'CustomerID' has 2 cells with TRUE or FALSE, read as the customer id true or "
        "false; mend the workbook"
    )


def test_an_open_document_with_unstored_formulas_is_refused_too(shop: Shop) -> None:
    rows: list[list[object]] = [list(COLUMNS)]
    rows += [["1", "A", "MUG", 1, datetime(2024, 1, 2), 0, 7, "UK"] for _ in range(5)]
    shop.deliver("a.ods", open_document(rows))
    assert "every price is empty or 0" in str(load(shop).problem)


# ---- Parquet: instants ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("timestamptz '2011-06-30 18:15:00+01'", "2011-06-30 17:15:00+00"),
        ("timestamptz '2011-06-30 18:15:00.25+01'", "2011-06-30 17:15:00.25+00"),
        ("timestamp '2011-06-30 18:15:00'", "2011-06-30 18:15:00"),
        ("date '2011-06-30'", "2011-06-30"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_an_instant_is_written_with_its_offset_whatever_the_connections_zone(
    shop: Shop, sql: str, text: str, zone: str
) -> None:
    write_parquet(shop, sql)
    shop.con.execute(f"set TimeZone = '{zone}'")
    shop.load(settle_wait_seconds=0.01)
    assert shop.rows("select invoice_date from raw.transactions") == [(text,)]


def test_an_instant_is_put_on_the_shops_clock(shop: Shop) -> None:
    write_parquet(shop, "timestamptz '2011-06-30 23:15:00+00'")
    outcome = load(shop)
    # London keeps summer time: half past midnight of July by the till's clock
    assert shop.rows("select invoiced_at from raw.transactions") == [(datetime(2011, 7, 1, 0, 15),)]
    assert "UTC offset" in str(outcome.notes)
    assert "Europe/London" in str(shop.value("select clock from quality.load_ledger"))


def test_a_type_of_spark_that_hides_its_zone_is_an_instant(shop: Shop) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values: dict[str, list[Any]] = {column: [value] for column, value in sale(1).items()}
    values["InvoiceDate"] = [datetime(2011, 7, 1, 7, 26)]
    pq.write_table(pa.table(values), shop.landing / "a.parquet", use_deprecated_int96_timestamps=True)
    load(shop)
    assert shop.rows("select invoice_date, invoiced_at from raw.transactions") == [
        ("2011-07-01 07:26:00+00", datetime(2011, 7, 1, 8, 26))
    ]


def write_parquet(shop: Shop, moment: str) -> None:
    with duckdb.connect() as con:
        con.execute(
            f"""copy (
                select
                    '1' as "InvoiceNo", 'A' as "StockCode", 1 as "Quantity", {moment} as "InvoiceDate", 2.5 as "Price"
            ) to '{shop.landing}/a.parquet' (format parquet)"""
        )
