"""The public Online Retail files come in whole, whatever format delivers them."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from tests.warehouse.conftest import Shop

pytestmark = pytest.mark.real_data

LINES = 541_909

# What delivery may render otherwise is made equal: floats of whole numbers, decimal commas.
VALUES = """
    select
        invoice, stock_code, description, country, invoiced_at,
        replace(unit_price, ',', '.')::decimal(18, 4) as unit_price,
        replace(quantity, ',', '.')::double as quantity,
        replace(customer_id, ',', '.')::double::bigint as customer_id
    from raw.transactions
"""


@pytest.fixture(scope="module")
def reference(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse file loaded from the daily files, and what it holds."""
    folder = tmp_path_factory.mktemp("reference")
    with duckdb.connect(str(folder / "reference.duckdb")) as con:
        report = Shop(con, real_data, folder / "scratch").load()
        assert (report.transaction_lines, len(report.with_status("loaded"))) == (LINES, 305)
        assert report.unreadable_lines == 0
    return folder / "reference.duckdb"


@pytest.fixture(scope="module")
def rows(real_data: Path) -> list[list[str]]:
    """All lines as text, header first."""
    found: list[list[str]] = []
    for path in sorted(real_data.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.reader(stream))
        found.extend(lines if not found else lines[1:])
    return found


def assert_equal_to_reference(shop: Shop, reference: Path) -> None:
    (outcome,) = shop.load(settle_wait_seconds=0.05).files
    assert outcome.status == "loaded", outcome.problem
    assert (outcome.lines, outcome.unreadable_lines) == (LINES, 0)
    here = f"({VALUES})"
    there = f"({VALUES.replace('raw.transactions', 'reference.raw.transactions')})"
    shop.con.execute(f"attach '{reference}' as reference (read_only)")
    try:
        assert shop.rows(f"{here} except all {there} limit 3") == []
        assert shop.rows(f"{there} except all {here} limit 3") == []
    finally:
        shop.con.execute("detach reference")


def test_daily_files_keep_their_line_numbers(reference: Path, real_data: Path) -> None:
    lines = (real_data / "2011-03-15.csv").read_text(encoding="utf-8").splitlines()
    wanted = next(number for number in range(700, len(lines)) if '"' not in lines[number])
    with duckdb.connect(str(reference), read_only=True) as con:
        found = con.execute(
            "select invoice, stock_code, description, quantity, invoice_date, unit_price, "
            "coalesce(customer_id, ''), country "
            "from raw.transactions where _file_name = '2011-03-15.csv' and _row_number = ?",
            [wanted + 1],
        ).fetchone()
    assert found is not None
    assert list(found) == lines[wanted].split(",")


def test_facts_of_the_delivery(reference: Path) -> None:
    with duckdb.connect(str(reference), read_only=True) as con:
        assert con.execute(
            "select count(*), count(*) - count(customer_id), count(distinct customer_id), count(distinct invoice), "
            "count(distinct stock_code), count(distinct country), count(*) - count(description), count(invoiced_at), "
            "min(invoiced_at), max(invoiced_at), count(distinct _file_name), count(distinct _line_id) "
            "from raw.transactions"
        ).fetchone() == (
            *(LINES, 135_080, 4_372, 25_900, 4_070, 38, 1_454, LINES),
            *(datetime(2010, 12, 1, 8, 26), datetime(2011, 12, 9, 12, 50), 305, LINES),
        )


def test_one_file_with_bom_and_crlf_equals_the_daily_files(shop: Shop, reference: Path, rows: list[list[str]]) -> None:
    with (shop.landing / "all.csv").open("w", newline="", encoding="utf-8-sig") as stream:
        csv.writer(stream, lineterminator="\r\n").writerows(rows)
    assert_equal_to_reference(shop, reference)


def test_a_european_file_equals_the_daily_files(shop: Shop, reference: Path, rows: list[list[str]]) -> None:
    def european(row: list[str]) -> list[str]:
        moment = datetime.fromisoformat(row[4]).strftime("%d.%m.%Y %H:%M")
        return [*row[:4], moment, row[5].replace(".", ","), row[6].replace(".", ","), row[7]]

    with (shop.landing / "alles.csv").open("w", newline="", encoding="latin-1") as stream:
        # one more column, with a letter that is no UTF-8 when written as Latin-1
        csv.writer(stream, delimiter=";").writerows([[*rows[0], "Größe"], *([*european(row), "ü"] for row in rows[1:])])
    assert_equal_to_reference(shop, reference)
    assert shop.rows("select decimal_mark, date_style, delimiter, encoding from quality.load_ledger") == [
        (",", "day.month.year", ";", "Latin-1")
    ]


def test_parquet_with_native_types_equals_the_daily_files(shop: Shop, reference: Path, real_data: Path) -> None:
    shop.con.execute(
        f"""
        copy (
            select "InvoiceNo", "StockCode", "Description", "Quantity"::integer as "Quantity",
                "InvoiceDate"::timestamp as "InvoiceDate", "UnitPrice"::double as "UnitPrice",
                "CustomerID"::double as "CustomerID", "Country"
            from read_csv('{real_data}/*.csv', all_varchar = true)
        ) to '{shop.landing}/all.parquet' (format parquet)
        """
    )
    assert_equal_to_reference(shop, reference)


def test_a_workbook_with_native_cells_equals_the_daily_files(
    shop: Shop, reference: Path, rows: list[list[str]]
) -> None:
    def native(row: list[str]) -> list[Any]:
        invoice = int(row[0]) if row[0].isdigit() else row[0]
        stock_code = int(row[1]) if row[1].isdigit() and not row[1].startswith("0") else row[1]
        customer = float(row[6]) if row[6] else None
        price = float(row[5])
        return [invoice, stock_code, row[2], int(row[3]), datetime.fromisoformat(row[4]), price, customer, row[7]]

    half = len(rows) // 2
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss", "strings_to_formulas": False}
    with xlsxwriter.Workbook(shop.landing / "all.xlsx", options) as workbook:
        for name, part in (("Year 2009-2010", rows[1:half]), ("Year 2010-2011", rows[half:])):
            sheet = workbook.add_worksheet(name)
            sheet.write_row(0, 0, rows[0])
            for number, row in enumerate(part, start=1):
                sheet.write_row(number, 0, native(row))
    assert_equal_to_reference(shop, reference)


def test_the_careful_reader_loses_nothing_of_a_damaged_year(shop: Shop, reference: Path, rows: list[list[str]]) -> None:
    with (shop.landing / "all.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows(rows[:1000])
        stream.write('536365,"never closed,6\n')
        writer.writerows(rows[1000:])
        stream.write("1,2,3\n")
    (outcome,) = shop.load(settle_wait_seconds=0.05).files
    assert (outcome.lines, outcome.unreadable_lines) == (LINES + 2, 2)
    shop.con.execute("delete from raw.transactions where _problem is not null")
    shop.con.execute(f"attach '{reference}' as reference (read_only)")
    there = VALUES.replace("raw.transactions", "reference.raw.transactions")
    assert shop.rows(f"({VALUES}) except all ({there}) limit 3") == []
