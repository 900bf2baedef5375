"""What a mapping of the settings can say of a file, in every format that delivers it."""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import duckdb
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from warehouse.settings import MAPPABLE, Landing, Settings, SourceMapping

Row = Sequence[str | None]
Write = Callable[[Shop, str, Sequence[Row]], None]


def use(shop: Shop, **values: Any) -> None:
    shop.settings = Settings(landing=Landing(sources=(SourceMapping.model_validate({"name": "till", **values}),)))


def write_csv(shop: Shop, stem: str, rows: Sequence[Row]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[value or "" for value in row] for row in rows])
    shop.deliver(f"{stem}.csv", text.getvalue())


def write_damaged_csv(shop: Shop, stem: str, rows: Sequence[Row]) -> None:
    """The same lines, read line by line because of the blank ones at two places."""
    write_csv(shop, stem, rows)
    path = shop.landing / f"{stem}.csv"
    lines = path.read_text().splitlines()
    shop.deliver(path.name, "\n".join([lines[0], "", *lines[1:2], "", *lines[2:]]) + "\n")


def write_workbook(shop: Shop, stem: str, rows: Sequence[Row]) -> None:
    with xlsxwriter.Workbook(str(shop.landing / f"{stem}.xlsx")) as book:
        sheet = book.add_worksheet("Sales")
        for number, row in enumerate(rows):
            for position, value in enumerate(row):
                if value:
                    sheet.write_string(number, position, value)


def write_parquet(shop: Shop, stem: str, rows: Sequence[Row]) -> None:
    con = duckdb.connect()
    names = ", ".join(f'"{name}" varchar' for name in rows[0])
    con.execute(f"create table lines ({names})")
    for row in rows[1:]:
        con.execute(f"insert into lines values ({', '.join('?' * len(row))})", [value or None for value in row])
    con.execute(f"copy lines to '{shop.landing / stem}.parquet' (format parquet)")
    con.close()


WRITERS: dict[str, Write] = {
    "csv": write_csv,
    "damaged csv": write_damaged_csv,
    "workbook": write_workbook,
    "parquet": write_parquet,
}
every_format = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def lines(shop: Shop, *columns: str) -> list[tuple[Any, ...]]:
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert outcome.status == "loaded", outcome.problem
    assert outcome.unreadable_lines == 0
    return shop.rows(f"select {', '.join(columns)} from raw.transactions order by _line_id")


@every_format
def test_the_first_header_that_is_not_blank_counts_on_each_line(shop: Shop, write: Write) -> None:
    use(shop, columns={"customer_id": ["E-mail", "Phone", "CustomerID"], "country": ["Ship to", "Absent"]})
    write(
        shop,
        "a",
        [
            (*HEADER.split(",")[:7], "E-mail", "Phone", "Ship to"),
            ("1", "A", "MUG", "1", "2024-01-02", "2.00", "7", "a@example.org", "0171", "FR"),
            ("2", "A", "MUG", "1", "2024-01-02", "2.00", "7", None, "0171", None),
            ("3", "A", "MUG", "1", "2024-01-02", "2.00", "7", " \u00a0", "\t", "DE"),
            ("4", "A", "MUG", "1", "2024-01-02", "2.00", None, None, None, None),
        ],
    )
    assert lines(shop, "invoice", "customer_id", "country") == [
        ("1", "a@example.org", "FR"),
        ("2", "0171", None),
        ("3", "7", "DE"),
        ("4", None, None),
    ]


@every_format
def test_a_time_beside_the_date_is_joined_to_it(shop: Shop, write: Write) -> None:
    use(shop, columns={"invoice_date": "Day", "time": ["Till time", "Web time"]})
    write(
        shop,
        "a",
        [
            ("InvoiceNo", "StockCode", "Quantity", "Price", "Day", "Till time", "Web time"),
            ("1", "A", "1", "2.00", "2024-01-31", "09:15", None),
            ("2", "A", "1", "2.00", "2024-02-01", None, "5:05 PM"),
            ("3", "A", "1", "2.00", "2024-02-02", None, None),
            ("4", "A", "1", "2.00", None, "10:00", None),
        ],
    )
    assert lines(shop, "invoice", "invoice_date", "invoiced_at") == [
        ("1", "2024-01-31 09:15", datetime(2024, 1, 31, 9, 15)),
        ("2", "2024-02-01 5:05 PM", datetime(2024, 2, 1, 17, 5)),
        ("3", "2024-02-02", datetime(2024, 2, 2)),
        ("4", None, None),
    ]


@pytest.mark.parametrize("style", ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"])
def test_native_cells_of_date_and_time_are_joined(shop: Shop, style: str) -> None:
    use(shop, columns={"invoice_date": "Day", "time": "Time"})
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        day, clock = book.add_format({"num_format": style}), book.add_format({"num_format": "hh:mm"})
        sheet.write_row(0, 0, ["InvoiceNo", "StockCode", "Quantity", "Price", "Day", "Time"])
        sheet.write_row(1, 0, ["1", "A", 1, 2.5])
        sheet.write_datetime(1, 4, datetime(2024, 3, 5), day)
        sheet.write_number(1, 5, 0.390625, clock)  # 9:22:30
    assert lines(shop, "invoice_date", "invoiced_at") == [("2024-03-05 09:22:30", datetime(2024, 3, 5, 9, 22, 30))]


@pytest.mark.parametrize("sql_type", ["date", "timestamp"])
def test_native_dates_and_times_of_parquet_are_joined(shop: Shop, sql_type: str) -> None:
    use(shop, columns={"invoice_date": "Day", "time": "Time"})
    duckdb.sql(
        """
        copy (
            select '1' as "InvoiceNo", 'A' as "StockCode", 1 as "Quantity", 2.5 as "Price",
                '2024-03-05'::{} as "Day", time '09:22:30' as "Time"
        ) to '{}' (format parquet)
        """.format(sql_type, shop.landing / "a.parquet")
    )
    assert lines(shop, "invoice_date", "invoiced_at") == [("2024-03-05 09:22:30", datetime(2024, 3, 5, 9, 22, 30))]


@every_format
def test_constants_hold_on_every_line_and_win_over_a_usual_header(shop: Shop, write: Write) -> None:
    use(shop, constants={"currency": "EUR", "country": "Côte d'Ivoire", "quantity": "1", "kind": "sale"})
    write(
        shop,
        "a",
        [("InvoiceNo", "StockCode", "InvoiceDate", "Price", "Country"), ("1", "A", "2024-01-02", "2.00", "France")],
    )
    assert lines(shop, "quantity", "currency", "country", "line_kind") == [("1", "EUR", "Côte d'Ivoire", "sale")]


def test_constants_are_not_put_on_a_line_that_could_not_be_split(shop: Shop) -> None:
    use(shop, constants={"currency": "EUR"})
    shop.deliver("a.csv", f"{HEADER}\n{LINE_A}\nbroken\n")
    shop.load()
    assert shop.rows("select _row_number, currency, _problem is null from raw.transactions order by 1") == [
        (2, "EUR", True),
        (3, None, False),
    ]


@every_format
def test_a_line_amount_stands_for_quantity_and_price_and_a_description_for_the_code(shop: Shop, write: Write) -> None:
    use(
        shop,
        columns={
            "line_amount": "Betrag",
            "discount_amount": "Rabatt",
            "tax_amount": "MwSt",
            "status": "Zustand",
            "kind": "Belegart",
            "store": "Filiale",
            "currency": "Währung",
        },
        not_sales=["Storniert ", "in  Arbeit"],
        returns=["GUTSCHRIFT"],
        prices_include_tax=True,
        profile="plain",
    )
    write(
        shop,
        "a",
        [
            (
                *("Invoice", "Description", "InvoiceDate", "Betrag", "Rabatt", "MwSt", "Zustand", "Belegart"),
                *("Filiale", "Währung"),
            ),
            ("1", "MUG", "2024-01-02", "1.234,50", "0,5", "19,0", "bezahlt", "Rechnung", "Köln", "EUR"),
        ],
    )
    assert lines(
        shop,
        *("invoice", "stock_code", "description", "quantity", "unit_price", "line_amount", "discount_amount"),
        *("tax_amount", "currency", "status", "line_kind", "store", "customer_id", "country"),
    ) == [("1", None, "MUG", None, None, "1.234,50", "0,5", "19,0", "EUR", "bezahlt", "Rechnung", "Köln", None, None)]
    assert shop.rows(
        "select _source, _layout, _profile, _line_amount_mark, _discount_amount_mark, _not_sale_words, _return_words, "
        "_prices_include_tax from raw.deliveries"
    ) == [("till", "invoice_lines", "plain", ",", ",", ["storniert", "in arbeit"], ["gutschrift"], True)]


@pytest.mark.parametrize(
    ("header", "said", "values", "unit"),
    [
        ("Rabatt", None, ("10", "0,5"), None),
        ("Rabatt", "amount", ("0,10", ""), None),
        ("Rabatt", "per_cent", ("10", "0,5"), "0.01"),
        ("Rabatt", "share", ("0,10", "0,05"), "1.00"),
        # a header may say so itself
        ("Rabatt %", None, ("10", "0,5"), "0.01"),
        ("Line Discount Percent", None, ("10", ""), "0.01"),
        ("Rabatt %", "amount", ("10", "0,5"), None),
        # a spreadsheet shows 10 % and stores 0.1
        ("Rabatt %", None, ("0,10", "0,05"), "1.00"),
        ("Rabatt %", None, ("0", ""), "0.01"),
        ("Rabatt %", None, ("0,5 %", "0,25"), "0.01"),
    ],
)
@every_format
def test_what_a_discount_of_one_is(
    shop: Shop, write: Write, header: str, said: str | None, values: tuple[str, str], unit: str | None
) -> None:
    use(shop, columns={"discount_amount": header}, discount_is=said)
    headers = ("InvoiceNo", "StockCode", "Quantity", "Price", "InvoiceDate", header)
    write(shop, "a", [headers, *(("1", "A", "1", "20,00", "2024-01-02", value) for value in values)])
    assert lines(shop, "discount_amount") == [(value or None,) for value in values]
    assert shop.rows("select _discount_unit::varchar from raw.deliveries") == [(unit,)]


def test_a_mapping_may_name_one_column_only_and_leave_the_rest_to_usual_names(shop: Shop) -> None:
    use(shop, columns={"status": "Order Status"}, not_sales=["failed"])
    shop.deliver("a.csv", f"{HEADER},Order Status\n{LINE_A},completed\n{LINE_B},failed\n")
    assert lines(shop, "invoice", "status") == [("536365", "completed"), ("C536379", "failed")]
    assert shop.rows("select * from raw.unused_columns") == []


def test_a_mapping_without_columns_holds_for_files_of_its_layout_and_leaves_others_alone(shop: Shop) -> None:
    use(shop, profile="plain", constants={"currency": "EUR"})
    shop.deliver("a.csv", f"{HEADER}\n{LINE_A}\n")
    shop.deliver("customers.csv", "Customer_ID,Age\n17850,44\n")
    report = shop.load()
    assert [outcome.problem for outcome in report.files] == [None, None]
    assert shop.rows("select _file_name, _source, _profile from raw.deliveries") == [("a.csv", "till", "plain")]
    assert report.customer_lines == 1


def test_files_of_equal_headers_and_other_mappings_are_kept_apart(shop: Shop) -> None:
    shop.settings = Settings(
        landing=Landing(
            sources=(
                SourceMapping(name="uk", files="uk*", constants={"currency": "GBP"}),
                SourceMapping(name="de", files="de*", constants={"currency": "EUR"}, fill_down=("customer_id",)),
            )
        )
    )
    body = f"{HEADER}\n{LINE_A}\n{LINE_A.replace('17850', '')}\n"
    for name in ("uk.csv", "de.csv", "other.csv"):
        shop.deliver(name, body.replace("536365", name[:2]))
    shop.load()
    assert shop.rows(
        "select invoice, currency, customer_id from raw.transactions order by _file_name desc, _row_number"
    ) == [
        ("uk", "GBP", "17850"),
        ("uk", "GBP", None),
        ("ot", None, "17850"),
        ("ot", None, None),
        ("de", "EUR", "17850"),
        ("de", "EUR", "17850"),
    ]


ORDERS = [
    ("InvoiceNo", "StockCode", "Quantity", "Price", "InvoiceDate", "CustomerID", "Country"),
    (None, "X", "1", "1.00", None, None, None),  # nothing above it
    ("S1", "A", "1", "1.00", "2024-01-01 10:00", "anna", "FR"),
    (None, "B", "1", "1.00", None, " ", None),
    ("S2", "A", "1", "1.00", "2024-01-02 10:00", None, None),  # a guest: nothing of S1 is theirs
    (None, "B", "1", "1.00", None, None, "DE"),
    (None, "C", "1", "1.00", None, None, None),
    ("S2 ", "D", "1", "1.00", None, None, None),
    ("S1", "E", "1", "1.00", None, None, None),  # the number again, further down
]
FILLED = [
    (None, "X", None, None, None),
    ("S1", "A", "2024-01-01 10:00", "anna", "FR"),
    ("S1", "B", "2024-01-01 10:00", "anna", "FR"),
    ("S2", "A", "2024-01-02 10:00", None, None),
    ("S2", "B", "2024-01-02 10:00", None, "DE"),
    ("S2", "C", "2024-01-02 10:00", None, "DE"),
    ("S2 ", "D", "2024-01-02 10:00", None, "DE"),
    ("S1", "E", None, None, None),
]


@every_format
def test_blanks_take_the_value_above_within_one_invoice(shop: Shop, write: Write) -> None:
    use(shop, fill_down=["country", "customer_id", "invoice", "invoice_date"])
    write(shop, "a", ORDERS)
    assert lines(shop, "invoice", "stock_code", "invoice_date", "customer_id", "country") == FILLED


@every_format
def test_without_the_invoice_among_them_a_line_without_one_takes_nothing(shop: Shop, write: Write) -> None:
    use(shop, fill_down=["country"])
    write(
        shop,
        "a",
        [
            ORDERS[0],
            ("S1", "A", "1", "1.00", "2024-01-01", "anna", "FR"),
            ("S1", "B", "1", "1.00", "2024-01-01", None, None),
            (None, "C", "1", "1.00", "2024-01-01", None, None),
            (None, "D", "1", "1.00", "2024-01-01", None, "DE"),
            (None, "E", "1", "1.00", "2024-01-01", None, None),
        ],
    )
    assert lines(shop, "stock_code", "customer_id", "country") == [
        ("A", "anna", "FR"),
        ("B", None, "FR"),
        ("C", None, None),
        ("D", None, "DE"),
        ("E", None, None),
    ]


def test_below_a_line_that_could_not_be_split_no_invoice_is_passed_on(shop: Shop) -> None:
    use(shop, fill_down=["invoice", "customer_id"])
    shop.deliver(
        "a.csv",
        "InvoiceNo,StockCode,Quantity,Price,InvoiceDate,CustomerID\n"
        "S1,A,1,1.00,2024-01-01,anna\n"
        "S2,B,1,1.00\n"  # the first line of another order, cut off
        ",C,1,1.00,2024-01-02,\n"
        "S3,D,1,1.00,2024-01-03,ben\n"
        ",E,1,1.00,2024-01-03,\n",
    )
    shop.load()
    assert shop.rows(
        "select stock_code, invoice, customer_id from raw.transactions where _problem is null order by _row_number"
    ) == [("A", "S1", "anna"), ("C", None, None), ("D", "S3", "ben"), ("E", "S3", "ben")]


def test_sheets_do_not_fill_one_another(shop: Shop) -> None:
    use(shop, fill_down=["invoice"])
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        for name, invoice in (("January", "S1"), ("February", None)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["InvoiceNo", "StockCode", "Quantity", "Price", "InvoiceDate"])
            sheet.write_row(1, 0, [invoice, "A", 1, 1.5, "2024-01-01"])
    assert lines(shop, "_sheet", "invoice") == [("January", "S1"), ("February", None)]


VALUE = st.sampled_from([None, "S1", "S2", "S1"])


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=8))
def test_the_same_lines_are_filled_alike_in_every_format(
    orders: list[tuple[str | None, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And as a loop over the lines fills them, which says the rule in Python."""
    expected: list[tuple[str | None, str | None]] = []
    invoice = customer = None
    for number, name in orders:
        if number is not None and number != invoice:
            invoice, customer = number, None
        customer = (name or customer) if invoice is not None else None
        expected.append((invoice, name or customer))
    rows = [ORDERS[0], *((number, "A", "1", "1.00", "2024-01-01", name, None) for number, name in orders)]
    for write in WRITERS.values():
        folder = tmp_path_factory.mktemp("filled")
        (folder / "landing").mkdir()
        with duckdb.connect() as con:
            shop = Shop(con, folder / "landing", folder / "scratch")
            use(shop, fill_down=["invoice", "customer_id"])
            write(shop, "a", rows)
            assert lines(shop, "invoice", "customer_id") == expected, write


def test_rows_far_apart_are_filled_across_the_pieces_in_which_a_file_is_read(shop: Shop) -> None:
    use(shop, fill_down=["invoice", "customer_id"])
    blank = ",A,1,1.00,2024-01-01,"
    body = ["InvoiceNo,StockCode,Quantity,Price,InvoiceDate,CustomerID", "", "S1,A,1,1.00,2024-01-01,anna"]
    shop.deliver("a.csv", "\n".join([*body, *[blank] * 60_000, "S2,A,1,1.00,2024-01-01,", blank]) + "\n")
    lines(shop, "1")
    assert shop.rows("select invoice, customer_id, count(*) from raw.transactions group by all order by all") == [
        ("S1", "anna", 60_001),
        ("S2", None, 2),
    ]


@pytest.mark.parametrize("header", ["Order_ID", "order number", "InvoiceNo", "Transaction ID", "Receipt_No"])
def test_plain_transactions_may_name_their_order(shop: Shop, header: str) -> None:
    shop.deliver("cd.csv", f"Customer_ID,Transaction_Date,Amount,{header}\n42,1997-01-01,11.77,T-1\n")
    assert lines(shop, "invoice", "customer_id", "unit_price") == [("T-1", "42", "11.77")]
    assert shop.value("select _layout from raw.deliveries") == "transactions"


def test_of_several_order_numbers_the_first_known_one_counts_and_the_other_is_noted(shop: Shop) -> None:
    shop.deliver("cd.csv", "Transaction_ID,Customer_ID,Transaction_Date,Amount,Order_ID\nT1,42,1997-01-01,11.77,O1\n")
    (outcome,) = shop.load().files
    assert shop.rows("select invoice from raw.transactions") == [("O1",)]
    assert outcome.notes == "columns not used: Transaction_ID"


def test_a_customers_file_with_an_order_number_is_still_one(shop: Shop) -> None:
    shop.deliver("people.csv", "Customer_ID,Age,Gender,Invoice\n42,33,F,1\n")
    (outcome,) = shop.load().files
    assert outcome.kind == "customers"


def test_headers_that_are_ignored_are_neither_noted_nor_used(shop: Shop) -> None:
    use(shop, ignore=["delivery status", "Country"])
    shop.deliver("a.csv", f"{HEADER},Delivery-Status,Till\n{LINE_A},sent,7\n")
    (outcome,) = shop.load().files
    assert outcome.notes == "columns not used: Till; columns not delivered: Country"
    assert shop.rows("select country from raw.transactions") == [(None,)]
    assert shop.rows("from raw.unused_columns") == []


def test_a_mapping_for_a_packed_file_goes_by_either_name(shop: Shop) -> None:
    use(shop, files="orders_*.csv", columns={"status": "State"})
    with zipfile.ZipFile(shop.landing / "export.zip", "w") as archive:
        archive.writestr("orders_1.csv", f"{HEADER},State\n{LINE_A},open\n")
    assert lines(shop, "status", "_file_name") == [("open", "export.zip")]


def test_every_column_that_a_layout_finds_can_be_mapped() -> None:
    from warehouse.readers.layouts import LAYOUTS, columns_of

    for name, layout in LAYOUTS.items():
        assert set(layout.names) <= set(MAPPABLE[name])
        raw = {{"kind": "line_kind", "time": "invoice_date"}.get(column, column) for column in MAPPABLE[name]}
        assert raw <= set(columns_of(layout.kind))


def test_a_date_that_a_mapping_says_is_read_so(shop: Shop) -> None:
    use(shop, date_order="day_first")
    shop.deliver_lines("a.csv", "1,A,B,1,05/12/2010,1.00,1,UK")
    assert lines(shop, "invoiced_at::date") == [(date(2010, 12, 5),)]
    shop.settings = Settings(landing=Landing(date_order="month_first"))
    shop.load()
    assert shop.rows("select invoiced_at::date from raw.transactions") == [(date(2010, 5, 12),)]


def test_a_mapping_of_an_export_leaves_what_it_does_not_name_to_the_system(shop: Shop) -> None:
    """It says how numbers are written, and the clock of Shopify is still taken as it stands."""
    use(shop, files="orders_export*", decimal_mark=",")
    shop.settings = shop.settings.model_copy(
        update={"shop": shop.settings.shop.model_copy(update={"timezone": "Europe/Berlin"})}
    )
    shop.deliver(
        "orders_export.csv",
        'Name,Created at,Lineitem quantity,Lineitem name,Lineitem price\n#1,2026-03-27 22:00:00 -0400,2,Mug,"1,000"\n',
    )
    report = shop.load(datetime(2026, 5, 1))
    assert report.readings["orders_export.csv"].marks["line_amount"] == ","
    assert shop.value("select invoiced_at from raw.shopify_orders") == datetime(2026, 3, 27, 22)
