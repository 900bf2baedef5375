"""Every documented layout, encoding, delimiter, date and number style loads without configuration."""

import csv
import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from warehouse.readers.csv_careful import read_damaged_file
from warehouse.readers.csv_fast import CsvFile, read_clean_files
from warehouse.readers.csv_fields import OpenQuoteError, StrayQuoteError, find_header, split_fields
from warehouse.readers.errors import UnreadableFileError
from warehouse.readers.headers import recognise
from warehouse.readers.staging import Staging
from warehouse.readers.text import inspect_text
from warehouse.settings import Landing, Settings, SourceMapping

COLUMNS = "invoice, stock_code, description, quantity, unit_price, customer_id, country, invoiced_at"
EXPECTED = [
    ("536365", "85123A", "WHITE HANGING HEART", "6", "2.55", "17850", "United Kingdom", datetime(2010, 12, 1, 8, 26)),
    ("C536379", "22423", "CAKESTAND", "-1", "12.75", "14527", "France", datetime(2010, 12, 2, 9, 41)),
]
ROWS: list[list[Any]] = [
    [536365, "85123A", "WHITE HANGING HEART", 6, datetime(2010, 12, 1, 8, 26), 2.55, 17850, "United Kingdom"],
    ["C536379", 22423, "CAKESTAND", -1, datetime(2010, 12, 2, 9, 41), 12.75, 14527, "France"],
]


@pytest.mark.parametrize(
    ("encoding", "header", "mug"),
    [
        ("cp1250", "Zamówienie", "Świeca żółta"),
        ("shift_jis", "注文番号", "マグ"),
        ("gb18030", "订单号", "杯子"),
        ("cp1251", "Заказ", "Кружка"),
    ],
)
def test_an_encoding_that_the_settings_say_is_read_by_it(shop: Shop, encoding: str, header: str, mug: str) -> None:
    said = SourceMapping(name="till", files="till*", encoding=encoding, columns={"invoice": header})
    shop.settings = Settings(landing=Landing(sources=(said,)))
    text = f"{header},StockCode,Description,Quantity,InvoiceDate,Price\n1,A,{mug},2,2024-01-02,2.00\n"
    shop.deliver("till.csv", text.encode(encoding))
    shop.load()
    assert shop.rows("select invoice, description from raw.transactions") == [("1", mug)]
    assert shop.value("select encoding from quality.load_ledger") == encoding.upper()


def loaded(shop: Shop) -> list[tuple[Any, ...]]:
    shop.load()
    return shop.rows(f"select {COLUMNS} from raw.transactions order by _line_id")


def write_workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        moment = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for row_number, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, datetime):
                        sheet.write_datetime(row_number, column, value, moment)
                    elif value is not None:
                        sheet.write(row_number, column, value)


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
        "invoice_no,stock code,DESCRIPTION,quantity,INVOICE_DATE,Unit Price,customer_id,country",
        '"Invoice No","Stock Code","Description","Quantity","Invoice Date","Unit Price","Customer ID","Country"',
    ],
)
def test_headers_are_known_by_any_spelling(shop: Shop, header: str) -> None:
    shop.deliver("a.csv", "\n".join([header, LINE_A, LINE_B]))
    assert loaded(shop) == EXPECTED


def test_column_order_does_not_matter(shop: Shop) -> None:
    rows = [HEADER.split(","), LINE_A.split(","), LINE_B.split(",")]
    shop.deliver("a.csv", "\n".join(",".join(reversed(row)) for row in rows))
    assert loaded(shop) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_give_equal_lines(shop: Shop, encoding: str, end: str) -> None:
    lines = [HEADER, LINE_A.replace("HEART", "CŒUR DÉCOR £" if encoding != "latin-1" else "CUR DÉCOR £"), LINE_B]
    shop.deliver("a.csv", (end.join(lines) + end).encode(encoding))
    found = loaded(shop)
    assert found[0][2] == ("WHITE HANGING CŒUR DÉCOR £" if encoding != "latin-1" else "WHITE HANGING CUR DÉCOR £")
    assert found[1] == EXPECTED[1]
    assert shop.rows("select _row_number from raw.transactions order by 1") == [(2,), (3,)]


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_delimiters_are_found(shop: Shop, delimiter: str) -> None:
    shop.deliver("a.csv", "\n".join([HEADER, LINE_A, LINE_B]).replace(",", delimiter))
    assert loaded(shop) == EXPECTED
    assert shop.value("select delimiter from quality.load_ledger") == delimiter


def test_quotes_of_an_unquoted_export_are_text_between_tabs_and_quotes_between_commas(shop: Shop) -> None:
    """Amazon's own file quotes nothing; a spreadsheet program that saves it with commas does."""
    rows = [
        ("amazon-order-id", "purchase-date", "product-name", "sku", "quantity", "item-price"),
        ("026-1", "2026-03-31T10:00:00Z", 'Tray 12" round, oak', "T-1", "2", "49.00"),
        ("026-2", "2026-03-31T11:00:00Z", '"Sunny day print', "P-1", "1", "18.00"),
    ]
    shop.deliver("orders.txt", "".join("\t".join(row) + "\n" for row in rows))
    saved = io.StringIO(newline="")
    csv.writer(saved).writerows(rows)
    shop.deliver("saved.csv", saved.getvalue())
    report = shop.load(datetime(2026, 5, 1))
    assert not report.with_status("rejected")
    lines = (
        "select amazon_order_id, product_name, quantity, item_price, _problem from raw.amazon_orders where _load_id = "
    )
    expected = [(row[0], row[2], row[4], row[5], None) for row in rows[1:]]
    assert shop.rows(f"{lines} 1 order by 1") == shop.rows(f"{lines} 2 order by 1") == expected


def test_lines_around_an_export_are_no_sales_however_a_spreadsheet_program_saved_them(
    shop: Shop, tmp_path: Path
) -> None:
    """It pads eBay's footer to the width of the table, or spreads it over cells."""
    lines = [
        "Sales Record Number,Item Number,Quantity,Sold For,Sale Date,Paid On Date",
        "5001,330001,3,10.00,30/03/2026,30/03/2026",
        ",,,,,",
        "1,record(s) downloaded,from Mar-29-26 to Mar-30-26,,,",
        "Seller ID : example_shop,,,,,",
    ]
    shop.deliver("orders.csv", "\r\n".join(lines) + "\r\n")
    write_workbook(tmp_path / "orders.xlsx", {"orders": [line.split(",") for line in lines]})
    shop.deliver("orders.xlsx", (tmp_path / "orders.xlsx").read_bytes())
    report = shop.load(datetime(2026, 5, 1))
    assert not report.with_status("rejected")
    rows = shop.rows("select sales_record_number, sold_for, _row_number, _problem from raw.ebay_orders")
    assert rows == [("5001", "10.00", 2, None)] * 2
    # what the file says of its records is still held against it
    assert report.readings["orders.csv"].told_records == 1


def test_lines_of_separators_below_an_export_are_no_sales(shop: Shop) -> None:
    """The rows that somebody emptied in a spreadsheet program and saved."""
    shop.deliver(
        "orders_export.csv",
        "Name,Created at,Lineitem quantity,Lineitem name,Lineitem price,Notes\n"
        "#1,2026-03-27 08:00:00 +0000,2,Mug,10.00,\n"
        ",,,,,\n"
        ",,,,,\n",
    )
    shop.load(datetime(2026, 5, 1))
    assert shop.rows("select order_name, _row_number, _problem from raw.shopify_orders") == [("#1", 2, None)]


def test_what_no_declaration_names_keeps_its_fields_and_takes_little_room(shop: Shop) -> None:
    """As one text a line, packed as suits long texts."""
    shop.deliver(
        "orders_export.csv",
        "Name,Vendor,Created at,Lineitem quantity,Lineitem name,Tags,Lineitem price,Id\n"
        '#1,Potters,2026-03-01 10:00:00 +0000,1,Mug,"gift, new",2.00,5001\n'
        "#1,,2026-03-01 10:00:00 +0000,1,Bowl,,3.00,\n",
    )
    shop.load()
    told = "select string_split(_other, chr(31)) from raw.shopify_orders order by _line_id"
    assert shop.rows(told) == [(["Potters", "gift, new", "5001"],), (None,)]
    shop.con.execute("checkpoint")
    packed = "select distinct compression from pragma_storage_info('raw.shopify_orders') where column_name = '_other'"
    assert shop.rows(f"{packed} and segment_type = 'VARCHAR'") == [("ZSTD",)]


def test_gzip_loads_under_any_name(shop: Shop) -> None:
    body = "\n".join([HEADER, LINE_A, LINE_B]).encode()
    half = body.index(b"C536379")
    # two members, as tools that append to archives write them
    shop.deliver("not named gz.csv", gzip.compress(body[:half]) + gzip.compress(body[half:]))
    assert loaded(shop) == EXPECTED
    assert shop.value("select file_format from quality.load_ledger") == "csv.gz"


def test_format_goes_by_content_and_not_by_name(shop: Shop, tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", {"data": [HEADER.split(","), *ROWS]})
    shop.deliver("orders.csv", (tmp_path / "a.xlsx").read_bytes())
    assert loaded(shop) == EXPECTED
    assert shop.value("select file_format from quality.load_ledger") == "xlsx"


@pytest.mark.parametrize(
    ("dates", "style", "first"),
    [
        (["2010-12-01 08:26:00", "2010-12-13 09:41:00"], "year-month-day", datetime(2010, 12, 1, 8, 26)),
        (["2010-12-01T08:26:00.250Z", "2010-12-13"], "year-month-day", datetime(2010, 12, 1, 8, 26, 0, 250_000)),
        (["2010-12-01 08:26", "2010/12/13 9:41"], "year-month-day", datetime(2010, 12, 1, 8, 26)),
        (["19970101", "19970118"], "yearmonthday", datetime(1997, 1, 1)),
        (["12/1/2010 8:26", "12/13/2010 9:41"], "month/day/year", datetime(2010, 12, 1, 8, 26)),
        (["12/1/10 8:26", "12/13/10 9:41"], "month/day/year", datetime(2010, 12, 1, 8, 26)),
        (["12/1/2010 8:26:05 PM", "12/13/2010 12:00:00 AM"], "month/day/year", datetime(2010, 12, 1, 20, 26, 5)),
        (["1/12/2010 8:26", "13/12/2010 9:41"], "day/month/year", datetime(2010, 12, 1, 8, 26)),
        (["01.12.2010 08:26", "13.12.2010 09:41"], "day.month.year", datetime(2010, 12, 1, 8, 26)),
        (["01.12.10", "02.12.10"], "day.month.year", datetime(2010, 12, 1)),
        (["01-12-2010", "13-12-2010"], "day-month-year", datetime(2010, 12, 1)),
        (["12-01-2010", "12-13-2010"], "month-day-year", datetime(2010, 12, 1)),
        (["11-Feb-13", "1-Dec-13 10:00"], "day-Mon-year", datetime(2013, 2, 11)),
        (["1 December 2010", "13 Dec 2010"], "day-Mon-year", datetime(2010, 12, 1)),
    ],
)
def test_date_styles_are_told_from_the_values(shop: Shop, dates: list[str], style: str, first: datetime) -> None:
    shop.deliver_lines("a.csv", *(LINE_A.replace("2010-12-01 08:26:00", text) for text in dates))
    shop.load()
    assert shop.value("select date_style from quality.load_ledger") == style
    assert shop.rows("select invoiced_at from raw.transactions order by _line_id")[0] == (first,)
    assert shop.value("select count(invoiced_at) from raw.transactions") == 2
    assert [row[0] for row in shop.rows("select invoice_date from raw.transactions order by _line_id")] == dates


def test_one_date_above_twelve_decides_for_the_whole_file(shop: Shop) -> None:
    shop.deliver_lines("a.csv", *(f"1,A,B,1,{text},1.00,1,UK" for text in ("02/01/2011", "03/01/2011", "13/01/2011")))
    shop.load()
    assert shop.rows("select invoiced_at::date from raw.transactions order by _line_id") == [
        (date(2011, 1, 2),),
        (date(2011, 1, 3),),
        (date(2011, 1, 13),),
    ]
    evidence = "day/month/year reads 3 of 3 dates, month/day/year 2"
    assert shop.value("select date_style_evidence from quality.load_ledger") == evidence


def test_an_ambiguous_file_takes_the_reading_that_spans_fewer_days(shop: Shop) -> None:
    # 6 to 10 December, or the 12th of June to October
    shop.deliver_lines("a week.csv", *(f"1,A,B,1,12/{day}/2010,1.00,1,UK" for day in range(6, 11)))
    # the same days written the other way round
    shop.deliver_lines("b week.csv", *(f"1,A,B,1,{day}/12/2010,1.00,1,UK" for day in range(6, 11)))
    shop.load()
    assert shop.rows("select distinct date_trunc('month', invoiced_at)::date from raw.transactions") == [
        (date(2010, 12, 1),)
    ]
    assert shop.rows("select date_style, notes from quality.load_ledger order by file_name") == [
        ("month/day/year", None),
        ("day/month/year", None),
    ]


@pytest.mark.parametrize("name", ["sales 2010-12-05.csv", "sales_20101205.csv", "2010_12_05/sales.csv"])
def test_a_single_ambiguous_day_is_told_by_the_name(shop: Shop, name: str) -> None:
    shop.deliver_lines(name, "1,A,B,1,05/12/2010,1.00,1,UK")
    shop.load()
    assert shop.value("select invoiced_at::date from raw.transactions") == date(2010, 12, 5)
    assert "file's name" in shop.value("select date_style_evidence from quality.load_ledger")


def test_what_stays_ambiguous_is_month_first_and_said_so(shop: Shop) -> None:
    shop.deliver_lines("sales.csv", "1,A,B,1,05/12/2010,1.00,1,UK")
    (outcome,) = shop.load().files
    assert shop.value("select invoiced_at::date from raw.transactions") == date(2010, 5, 12)
    assert outcome.notes is not None
    assert "2010-05-12 or 2010-12-05" in outcome.notes


def test_dates_that_will_not_read_are_null_and_noted(shop: Shop) -> None:
    shop.deliver_lines("a.csv", LINE_A, LINE_A.replace("2010-12-01 08:26:00", "2011-02-29"))
    (outcome,) = shop.load().files
    assert shop.rows("select invoice_date, invoiced_at from raw.transactions where invoiced_at is null") == [
        ("2011-02-29", None)
    ]
    assert outcome.notes == "1 dates would not read as year-month-day, for example '2011-02-29'"


@pytest.mark.parametrize(
    ("prices", "mark"),
    [
        (["2,55", "12,75"], ","),
        (["1.234,56", "2.000"], ","),
        (["1,234.56", "2,000"], "."),
        (["2.55", "3"], "."),
        (["3", "4"], "."),
        (["1,250", "2,300"], ","),
    ],
)
def test_decimal_marks_are_told_from_the_values(shop: Shop, prices: list[str], mark: str) -> None:
    lines = (f"1;A;B;1;2010-12-01;{price};1;UK" for price in prices)
    shop.deliver("a.csv", "\n".join([HEADER.replace(",", ";"), *lines]))
    shop.load()
    assert shop.rows("select _unit_price_mark from raw.deliveries") == [(mark,)]
    assert [row[0] for row in shop.rows("select unit_price from raw.transactions order by _line_id")] == prices


def test_native_cells_of_a_workbook_become_the_text_of_a_csv(shop: Shop) -> None:
    write_workbook(shop.deliver("a.xlsx", b""), {"data": [HEADER.split(","), *ROWS]})
    assert loaded(shop) != []
    assert shop.rows(f"select {COLUMNS} from raw.transactions order by _line_id") == EXPECTED
    assert shop.rows("select invoice_date from raw.transactions order by _line_id") == [
        ("2010-12-01 08:26:00",),
        ("2010-12-02 09:41:00",),
    ]


def test_every_sheet_with_the_header_loads_and_others_are_named(shop: Shop) -> None:
    write_workbook(
        shop.deliver("a.xlsx", b""),
        {
            "Year 1": [HEADER.split(","), ROWS[0]],
            "Read me": [["Exported on Monday"], ["by the till"]],
            "Year 2": [[], ["Sales of the second year"], HEADER.split(","), [None] * 8, ROWS[1]],
            "Empty": [],
        },
    )
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert outcome.status == "loaded", outcome.problem
    assert shop.rows(f"select {COLUMNS} from raw.transactions order by _line_id") == EXPECTED
    assert shop.rows("select _sheet, _row_number from raw.transactions order by _line_id") == [
        ("Year 1", 2),
        ("Year 2", 5),
    ]
    assert shop.value("select sheets from quality.load_ledger") == "Year 1, Year 2"
    assert outcome.notes is not None
    assert "sheet 'Read me' (2 rows) not loaded: no known header" in outcome.notes


def test_a_data_sheet_with_a_missing_column_rejects_the_workbook(shop: Shop) -> None:
    short = [value for value in HEADER.split(",") if value != "UnitPrice"]
    write_workbook(
        shop.deliver("a.xlsx", b""), {"2010": [HEADER.split(","), ROWS[0]], "2011": [short, ROWS[1][:5] + ROWS[1][6:]]}
    )
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert outcome.status == "rejected"
    assert outcome.problem is not None
    assert "a.xlsx: sheet '2011': column missing: unit_price" in outcome.problem
    assert shop.raw() == []


def test_parquet_of_a_data_frame_has_nanoseconds_with_a_zone_and_bytes_for_texts(shop: Shop) -> None:
    columns = {
        "InvoiceNo": pa.array([1, 2], pa.uint32()),
        "StockCode": pa.array(["A", "A"]).dictionary_encode(),
        "Description": pa.array(["Caf\u00e9".encode(), b"\xff"], pa.binary()),
        "Quantity": pa.array([2.0, 0.5]),
        "InvoiceDate": pa.array([datetime(2024, 7, 1, 10, tzinfo=UTC)] * 2, pa.timestamp("ns", "Europe/Berlin")),
        "UnitPrice": pa.array([Decimal("12.50"), Decimal("1.00")], pa.decimal128(10, 2)),
    }
    pq.write_table(pa.table(columns), shop.landing / "a.parquet")
    # 10:00 UTC is 11:00 on the clock of London
    at = datetime(2024, 7, 1, 11)
    shop.load(datetime(2024, 8, 1), settle_wait_seconds=0.01)
    assert shop.rows("select invoice, description, quantity, unit_price, invoiced_at from raw.transactions") == [
        ("1", "Caf\u00e9", "2", "12.50", at),
        ("2", "\\xFF", "0.5", "1.00", at),
    ]


def test_parquet_with_native_types_becomes_the_text_of_a_csv(shop: Shop) -> None:
    shop.con.execute(
        f"""
        copy (
            select 'C536379' as "InvoiceNo", '22423' as "StockCode", 'CAKESTAND' as "Description", -1 as "Quantity",
                timestamp '2010-12-02 09:41:00' as "Invoice Date", 12.75::double as "Price",
                14527.0::double as "Customer_ID", 'France' as "Country"
            union all
            select '536370', '22423', 'CAKESTAND', 6, timestamp '2010-12-03 09:41:00', 3.0::double, null, 'France'
        ) to '{shop.landing}/it''s.parquet' (format parquet)
        """
    )
    shop.load(settle_wait_seconds=0.01)
    found = shop.rows(f"select {COLUMNS} from raw.transactions order by _line_id")
    assert found[0] == EXPECTED[1]
    assert found[1][3:6] == ("6", "3", None)
    assert shop.rows("select _file_name, _row_number from raw.transactions order by _line_id") == [
        ("it's.parquet", 1),
        ("it's.parquet", 2),
    ]


def test_plain_transactions_fill_customer_date_and_price(shop: Shop) -> None:
    shop.deliver("cd.csv", "Customer_ID,Transaction_Date,Amount\n0042,19970101,11.77\n0042,19970112,12.00\n")
    shop.load()
    assert shop.rows(
        "select _layout, customer_id, invoiced_at::date, unit_price, invoice, quantity from raw.transactions "
        "join raw.deliveries using (_load_id) order by _line_id limit 1"
    ) == [("transactions", "0042", date(1997, 1, 1), "11.77", None, None)]


@pytest.mark.parametrize(
    "header", ["Customer_ID,Age,Gender,Location", "customer id,Location,AGE,gender", "Customer_ID"]
)
def test_customers_files_fill_the_customers_table(shop: Shop, header: str) -> None:
    values = {"customerid": "17850", "age": "44", "gender": "F", "location": "Leeds"}
    names = [name.replace("_", "").replace(" ", "").lower() for name in header.split(",")]
    shop.deliver("Customers_2011.csv", f"{header}\n" + ",".join(values[name] for name in names) + "\n")
    report = shop.load()
    expected = tuple(values[name] if name in names else None for name in values)
    assert shop.rows("select customer_id, age, gender, location from raw.customers") == [expected]
    assert (report.transaction_lines, report.customer_lines) == (0, 1)


def test_optional_columns_may_be_absent_and_unknown_ones_are_noted(shop: Shop) -> None:
    shop.deliver("a.csv", "Till,Invoice,StockCode,Quantity,InvoiceDate,Price\n7,1,A,2,2010-12-01,3.50\n")
    (outcome,) = shop.load().files
    assert shop.rows("select invoice, description, customer_id, country from raw.transactions") == [
        ("1", None, None, None)
    ]
    assert outcome.notes == "columns not used: Till; columns not delivered: Description, CustomerID, Country"


def test_a_mapping_of_the_settings_reads_an_unknown_layout(shop: Shop) -> None:
    shop.settings = Settings(
        landing=Landing(
            sources=(
                SourceMapping(
                    name="till",
                    files="till_*.csv",
                    columns={
                        "invoice": "Bon",
                        "stock_code": "Artikel",
                        "quantity": "Menge",
                        "invoice_date": "Datum",
                        "unit_price": "Preis",
                    },
                    date_format="%d.%m.%y, %H Uhr",
                    decimal_mark=",",
                ),
            )
        )
    )
    body = 'Bon,Artikel,Menge,Datum,Preis,Country\n1,A,2,"01.12.10, 08 Uhr","1,250",Germany\n'
    shop.deliver("till_1.csv", body)
    shop.deliver("other.csv", body.replace("1,A", "2,A"))
    report = shop.load()
    assert [outcome.status for outcome in report.files] == ["rejected", "loaded"]
    assert shop.rows(
        "select invoice, unit_price, country, invoiced_at, _unit_price_mark, _source "
        "from raw.transactions join raw.deliveries using (_load_id)"
    ) == [("1", "1,250", "Germany", datetime(2010, 12, 1, 8), ",", "till")]
    assert shop.value("select source_mapping from quality.load_ledger where status = 'loaded'") == "till"


@pytest.mark.parametrize(
    ("columns", "date_format", "said"),
    [
        ({"invoice": "Bon"}, None, "does not say which header holds stock_code"),
    ],
)
def test_a_mapping_that_cannot_work_is_explained(
    shop: Shop, columns: dict[str, str], date_format: str | None, said: str
) -> None:
    shop.settings = Settings(
        landing=Landing(sources=(SourceMapping(name="till", columns=columns, date_format=date_format),))
    )
    shop.deliver("a.csv", "Bon,Menge\n1,2\n")
    (outcome,) = shop.load().files
    assert outcome.problem is not None
    assert said in outcome.problem


def test_a_bad_date_format_rejects_the_file_and_names_the_mapping(shop: Shop) -> None:
    mapping = SourceMapping(name="till", files="t*", columns={"invoice": "InvoiceNo"}, date_format="%Q")
    shop.settings = Settings(landing=Landing(sources=(mapping,)))
    shop.deliver_lines("t.csv", LINE_A)
    shop.deliver_lines("good.csv", LINE_B)
    report = shop.load()
    assert [outcome.status for outcome in report.files] == ["loaded", "rejected"]
    assert "'till' has date_format '%Q'" in str(report.files[1].problem)
    assert len(shop.raw()) == 1


@pytest.mark.parametrize("header", ["Invoice,InvoiceNo,StockCode,Quantity,InvoiceDate,Price", f"{HEADER},Country"])
def test_a_doubled_column_is_named(header: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"column (invoice|country) is there 2 times"):
        recognise(header.split(","), "a.csv", Settings())


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('a,"b,c",d', ["a", "b,c", "d"]),
        ('a,"say ""hi""",d', ["a", 'say "hi"', "d"]),
        ('a,12" RULER,d', ["a", '12" RULER', "d"]),
        ('"","",', ["", "", ""]),
        (' a , "b" ,c', [" a ", "b", "c"]),
        ("", [""]),
    ],
)
def test_fields_are_split_by_the_usual_grammar(line: str, fields: list[str]) -> None:
    assert split_fields(line, ",") == fields


@pytest.mark.parametrize(("line", "error"), [('a,"b,c', OpenQuoteError), ('a,"b"c,d', StrayQuoteError)])
def test_broken_quotes_are_told_apart(line: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        split_fields(line, ",")


FIELD = st.lists(st.sampled_from(["a", '"', '""', '"a"', " ", "é", '"a,"', "7.5"]), max_size=4).map("".join)
TEXT = st.lists(st.lists(FIELD, min_size=3, max_size=3).map(",".join), min_size=1, max_size=4)


@hypothesis_settings(max_examples=300, deadline=None)
@given(lines=TEXT)
def test_fast_and_careful_readers_agree_wherever_the_fast_one_accepts(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("\n".join(["Customer_ID,Transaction_Date,Amount", *lines, "1,2,3"]) + "\n", encoding="utf-8")
    assert_readers_agree(path)


def assert_readers_agree(path: Path, *, must_accept: bool = False) -> None:
    dialect = find_header(path.read_text(encoding="utf-8")[:65536], path.name, Settings())
    file = CsvFile(1, path, False, dialect, inspect_text(path, is_gzip=False))
    with duckdb.connect() as con:
        fast, careful = Staging(con, "fast"), Staging(con, "careful")
        accepted = read_clean_files(fast, [file])
        if not accepted:
            assert not must_accept
            return
        reading = read_damaged_file(careful, file)
        assert accepted == {1: reading.loaded_lines}
        assert reading.unreadable_lines == 0
        one, other = fast.lines("transactions"), careful.lines("transactions")
        assert con.execute(f"({one}) except all ({other})").fetchall() == []
        assert con.execute(f"({other}) except all ({one})").fetchall() == []


def test_fast_and_careful_readers_agree_on_clean_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    quoted = '536366,"22, ""B""","SIZE 12"" RULER",6,2010-12-01 08:28:00,1.85,,"Korea, Republic of"'
    path.write_text("\n".join([HEADER, LINE_A, quoted, LINE_B, ",,,,,,,"]) + "\n\n\n")
    assert_readers_agree(path, must_accept=True)
