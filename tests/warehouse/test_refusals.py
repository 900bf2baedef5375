"""A file whose header is unknown is refused with what is known of it and what to type."""

import tomllib
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from tests.warehouse.conftest import Shop
from warehouse.errors import RegularsError
from warehouse.loading import read_file
from warehouse.readers.headers import name_fits
from warehouse.readers.suggest import guess_mapping, write_mapping
from warehouse.settings import Settings, SourceMapping, load_settings

ORDERS = [
    "Order No,Email,Financial Status,Created at,Item quantity,Item name,Item price,Item sku,Currency",
    "#1001,a@example.org,paid,2024-03-10 15:07:00 +0000,2,Door Mat,18.00,P09,GBP",
    "#1001,,,2024-03-10 15:07:00 +0000,1,Mug,4.50,P01,",
    "#1002,b@example.org,voided,2024-03-11 09:00:00 +0000,1,Mug,4.50,P01,GBP",
]


def refusal(shop: Shop) -> str:
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert outcome.status == "rejected"
    assert outcome.problem is not None
    assert shop.value("select problem from quality.load_ledger") == outcome.problem
    return outcome.problem


def block_of(problem: str) -> str:
    return problem.partition("\n\n")[2]


def test_it_names_file_header_extent_example_money_and_the_mapping(shop: Shop) -> None:
    shop.deliver("orders_export_1.csv", "\n".join(ORDERS) + "\n")
    problem = refusal(shop)
    said, _, block = problem.partition("\n\n")
    for part in (
        "orders_export_1.csv: no known header was found: it reads 'Order No', 'Email', 'Financial Status'",
        "expected at least InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice or Customer_ID,Transaction_Date,Amount",
        "Below it are 3 lines, the first: #1001,(e-mail address),paid,2024-03-10 15:07:00 +0000,2,Door Mat,18.00,P09,",
        # 2 x 18.00 + 4.50 + 4.50
        "Column 'Item price' by 'Item quantity' adds up to 45.00",
    ):
        assert part in said
    assert "\n" not in said
    assert block.splitlines() == [
        "[[landing.sources]]",
        'name = "orders_export"',
        'files = "orders_export*.csv"',
        'columns.invoice = "Order No"',
        'columns.stock_code = "Item sku"',
        'columns.description = "Item name"',
        'columns.quantity = "Item quantity"',
        'columns.invoice_date = "Created at"',
        # Amazon's is the whole line's
        'columns.unit_price = "Item price"  # of one unit; if it is what the whole line came to, columns.line_amount',
        'columns.currency = "Currency"',
        'columns.status = "Financial Status"',
        'columns.customer_id = "Email"',
        'fill_down = ["customer_id", "status", "currency"]',
    ]


@pytest.mark.parametrize(
    ("end", "encoding"), [("\r", "utf-8"), ("\r\n", "latin-1"), ("\n", "utf-16"), ("\n", "cp1252")]
)
def test_the_extent_is_told_whatever_ends_lines_and_encodes_letters(shop: Shop, end: str, encoding: str) -> None:
    text = end.join(line.replace("Door Mat", "Türmatte") for line in ORDERS) + end
    shop.deliver("orders_export_1.csv", text.encode(encoding))
    problem = refusal(shop)
    assert "Below it are 3 lines, the first: #1001,(e-mail address)" in problem
    assert "Türmatte" in problem
    assert "adds up to 45.00" in problem


def test_the_block_can_be_pasted_as_it_is(shop: Shop, tmp_path: Path) -> None:
    shop.deliver("orders_export_1.csv", "\n".join(ORDERS) + "\n")
    settings = tmp_path / "regulars.toml"
    settings.write_text(block_of(refusal(shop)), encoding="utf-8")
    shop.settings = load_settings(settings)
    (outcome,) = shop.load().files
    assert (outcome.status, outcome.lines) == ("loaded", 3)
    assert shop.rows("select invoice, customer_id, status from raw.transactions order by _row_number") == [
        ("#1001", "a@example.org", "paid"),
        ("#1001", "a@example.org", "paid"),
        ("#1002", "b@example.org", "voided"),
    ]


def test_what_is_not_found_has_a_question_mark_and_is_asked_for(shop: Shop) -> None:
    shop.deliver("till 7.csv", "Bon;Artikel;Menge;Datum;Kunde\n1;A;2;01.12.2010;7\n")
    problem = refusal(shop)
    assert "look it over, and put its header in place of the ?:" in problem
    assert 'columns.unit_price = "?"  # which header holds it?' in problem
    assert tomllib.loads(block_of(problem))["landing"]["sources"][0]["columns"] == {
        "invoice": "Bon",
        "stock_code": "Artikel",
        "quantity": "Menge",
        "invoice_date": "Datum",
        "unit_price": "?",
        "customer_id": "Kunde",
    }


def test_only_what_the_layout_lacks_is_asked_for(shop: Shop) -> None:
    shop.deliver(
        "a.csv", "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,Cost to them,CustomerID\n1,A,B,1,x,2,7\n"
    )
    problem = refusal(shop)
    assert "a.csv: column missing: unit_price (header UnitPrice or Price)" in problem
    assert block_of(problem).splitlines() == [
        "[[landing.sources]]",
        'name = "a"',
        'files = "a*.csv"',
        'columns.unit_price = "?"  # which header holds it?',
    ]


@pytest.mark.parametrize("text", ["not,a,sales,file\n1,2,3,4\n", "shopping list\nmilk\n", "a;b;c\n"])
def test_a_file_that_is_no_sales_gets_no_mapping(shop: Shop, text: str) -> None:
    shop.deliver("a.csv", text)
    assert "[[landing.sources]]\n" not in refusal(shop)


def test_a_title_above_the_unknown_header_does_not_hide_it(shop: Shop) -> None:
    shop.deliver("a.csv", "\n".join(["Orders of March", "", "made on 1 April, for the shop", *ORDERS]) + "\n")
    problem = refusal(shop)
    assert "it reads 'Order No', 'Email'" in problem
    assert "Below it are 3 lines" in problem


def test_a_sheet_is_told_of_in_the_same_way(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        sheet = book.add_worksheet("März")
        for number, line in enumerate(ORDERS):
            sheet.write_row(number + 2, 0, line.split(","))
    problem = refusal(shop)
    assert problem.startswith("a.xlsx: sheet 'März': no known header was found: it reads 'Order No'")
    assert "adds up to 45.00" in problem
    assert 'columns.invoice = "Order No"' in problem


def test_so_is_a_parquet_file(shop: Shop) -> None:
    shop.deliver("orders.txt", "\n".join(ORDERS) + "\n")
    duckdb.sql(f"copy (from read_csv('{shop.landing}/orders.txt')) to '{shop.landing}/a.parquet' (format parquet)")
    (shop.landing / "orders.txt").unlink()
    problem = refusal(shop)
    assert "Below it are 3 lines" in problem
    assert "adds up to 45.00" in problem
    assert 'files = "a*.parquet"' in problem


def test_a_header_beyond_thirty_rows_is_told_of_with_the_limit(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        book.add_worksheet().write_row(31, 0, ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "Price"])
    assert "the first 30 rows are empty, and the header is not looked for below them" in refusal(shop)


@pytest.mark.parametrize("row", [9, 14, 29])
def test_a_header_within_thirty_rows_is_found(shop: Shop, row: int) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Report")
        sheet.write_row(row, 0, ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "Price"])
        sheet.write_row(row + 1, 0, ["1", "A", 1, "2024-01-02", 2.5])
    shop.deliver(
        "b.csv",
        "Report\n" + "\n" * (row - 1) + "InvoiceNo,StockCode,Quantity,InvoiceDate,Price\n2,A,1,2024-01-02,2.5\n",
    )
    shop.load(settle_wait_seconds=0.01)
    assert shop.rows("select invoice, _row_number from raw.transactions order by 1") == [("1", row + 2), ("2", row + 2)]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            "Belegnr,Artikelnummer,Bezeichnung,Menge,Belegdatum,VK-Preis,Kundennummer,Land",
            {
                "invoice": "Belegnr",
                "stock_code": "Artikelnummer",
                "description": "Bezeichnung",
                "quantity": "Menge",
                "invoice_date": "Belegdatum",
                "unit_price": "VK-Preis",
                "customer_id": "Kundennummer",
                "country": "Land",
            },
        ),
        (
            "N° commande,Date,Réf. article,Désignation,Quantité,Prix unitaire,Client,Pays",
            {
                "invoice": "N° commande",
                "invoice_date": "Date",
                "stock_code": "Réf. article",
                "description": "Désignation",
                "quantity": "Quantité",
                "unit_price": "Prix unitaire",
                "customer_id": "Client",
                "country": "Pays",
            },
        ),
        (
            "Order ID,Order Date,Ship Date,Customer ID,Product ID,Product Name,Sales,Quantity,Discount,Profit,Country",
            {
                "invoice": "Order ID",
                "invoice_date": "Order Date",
                "customer_id": "Customer ID",
                "stock_code": "Product ID",
                "description": "Product Name",
                "line_amount": "Sales",
                "quantity": "Quantity",
                "discount_amount": "Discount",
                "country": "Country",
            },
        ),
        (
            "Fecha,Ticket,Código artículo,Cantidad,Precio",
            {
                "invoice_date": "Fecha",
                "invoice": "Ticket",
                "stock_code": "Código artículo",
                "quantity": "Cantidad",
                "unit_price": "Precio",
            },
        ),
        (
            "Date,Time,Transaction ID,Item,Qty,Gross Sales,Location",
            {
                "invoice_date": "Date",
                "time": "Time",
                "invoice": "Transaction ID",
                "description": "Item",
                "quantity": "Qty",
                "line_amount": "Gross Sales",
                "store": "Location",
            },
        ),
    ],
)
def test_headers_are_guessed_in_several_languages(headers: str, expected: dict[str, str]) -> None:
    assert guess_mapping(headers.split(",")).headers == expected


def test_payments_are_guessed_as_plain_transactions() -> None:
    guess = guess_mapping(["user_id", "purchase_date", "total"])
    assert (guess.layout.name, guess.missing) == ("transactions", ())
    assert 'layout = "transactions"' in write_mapping(guess, "pay.csv")


@pytest.mark.parametrize("header", ['Preis "netto"', "Preis\\neu", "Preis\u00a0€"])
def test_odd_headers_are_written_as_the_settings_read_them(header: str) -> None:
    guess = guess_mapping(["Bon", "Artikel", "Menge", "Datum"])
    guess.headers["unit_price"] = header
    (source,) = tomllib.loads(write_mapping(guess, 'a"1.csv'))["landing"]["sources"]
    assert source["columns"]["unit_price"] == header
    assert source["name"] == "a"


def test_a_file_read_for_its_own_sake_is_refused_in_the_same_words(shop: Shop) -> None:
    path = shop.deliver("orders_export_1.csv", "\n".join(ORDERS) + "\n")
    problem = refusal(shop)
    with pytest.raises(RegularsError, match="Below it are 3 lines") as caught:
        read_file(shop.con, path, Settings(), scratch=shop.scratch, read_at=datetime(2024, 4, 1))
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("file_name", "name", "glob"),
    [
        ("orders_export_1.csv", "orders_export", "orders_export*.csv"),
        ("commandes.csv", "commandes", "commandes*.csv"),
        ("x/y/till [1].csv", "till", "till*.csv"),
        ("2011-03-04.csv", "2011-03-04", "*.csv"),
        ("orders.2024.csv.gz", "orders", "orders*.csv.gz"),
        ("S2_orders_3.xlsx", "S2_orders", "S*_orders*.xlsx"),
        ("a", "a", "a*"),
    ],
)
def test_the_glob_fits_the_file_and_those_that_will_follow(file_name: str, name: str, glob: str) -> None:
    block = write_mapping(guess_mapping(["Bon", "Artikel", "Menge"]), file_name)
    (source,) = tomllib.loads(block)["landing"]["sources"]
    assert (source["name"], source["files"]) == (name, glob)
    assert name_fits(SourceMapping(name="x", files=glob), file_name)


def columns_of_block(headers: str, *lines: str) -> dict[str, str]:
    """What a mapping for such a file names, once it is pasted."""
    block = write_mapping(guess_mapping(headers.split(","), [line.split(",") for line in lines]), "a.csv")
    columns: dict[str, str] = tomllib.loads(block)["landing"]["sources"][0]["columns"]
    return columns


# headers of tables that people try first, with values of our own
@pytest.mark.parametrize(
    ("headers", "lines", "money"),
    [
        pytest.param(
            "Order ID,Order Date,Product ID,Product Name,Sales,Quantity,Discount,Profit",
            ["CA-1,1/3/2014,F-1,Case,24.00,3,0.2,5", "CA-1,1/3/2014,F-2,Lamp,10.00,1,0,2"],
            {"line_amount": "Sales"},
            id="the only amount",
        ),
        pytest.param(
            "Order,SKU,Qty,Date,Item price,Total",
            ["1,A,3,2024-01-03,10.00,27.00", "1,B,1,2024-01-03,5.00,5.00"],
            {"line_amount": "Total"},
            id="the amount is after a discount",
        ),
        pytest.param(
            "Order,SKU,Qty,Date,Item price,Total",
            ["1,A,3,2024-01-03,10.00,30.00", "1,B,7,2024-01-03,0.33,2.31"],
            {"unit_price": "Item price"},
            id="both say the same",
        ),
        pytest.param(
            "Order,SKU,Qty,Date,Item price,Total",
            [
                *("1,A,3,2024-01-03,10.00,35.00", "1,B,1,2024-01-03,5.00,35.00"),
                *("2,A,1,2024-01-03,10.00,15.00", "2,B,1,2024-01-03,5.00,15.00"),
                *("3,A,2,2024-01-03,10.00,25.00", "3,B,1,2024-01-03,5.00,25.00"),
            ],
            {"unit_price": "Item price"},
            id="the amount is the order's",
        ),
        pytest.param(
            "Order,SKU,Qty,Date,Item price,Total",
            [
                *("1,A,3,2024-01-03,10.00,39.90", "1,B,1,2024-01-03,5.00,"),
                *("2,A,1,2024-01-03,10.00,19.90", "2,B,1,2024-01-03,5.00,"),
                *("3,A,2,2024-01-03,10.00,29.90", "3,B,1,2024-01-03,5.00,", "4,B,1,2024-01-03,5.00,9.90"),
            ],
            {"unit_price": "Item price"},
            id="the amount is the order's and stands on its first line",
        ),
        pytest.param(
            "Order,SKU,Qty,Date,Total",
            [
                *("1,A,3,2024-01-03,35.00", "1,B,1,2024-01-03,35.00"),
                *("2,A,1,2024-01-03,15.00", "2,B,1,2024-01-03,15.00"),
                *("3,A,2,2024-01-03,25.00", "3,B,1,2024-01-03,25.00"),
            ],
            {"unit_price": "?"},
            id="nothing is the money of a line",
        ),
        pytest.param(
            "Invoice ID,Product line,Item price,Quantity,Tax 5%,Total,Date",
            ["750-1,Sports,20.00,2,2.00,42.00,1/3/2019", "750-2,Home,9.99,3,1.4985,31.4685,1/3/2019"],
            {"unit_price": "Item price"},
            id="the amount has tax on top",
        ),
        pytest.param(
            "Order,SKU,Qty,Date,Item price,VAT,Total",
            ["1,A,2,2024-01-03,10.00,20,24.00", "2,B,1,2024-01-03,30.00,20,36.00"],
            {"unit_price": "Item price"},
            id="the amount has tax on top, whose rate is told",
        ),
        pytest.param(
            # 2 x 10.00 less a tenth; the other amount has tax
            "Order,SKU,Qty,Date,Item price,Discount (%),Paid,With tax",
            ["1,A,2,2024-01-03,10.00,10,18.00,21.60", "1,B,1,2024-01-03,30.00,0,30.00,36.00"],
            {"line_amount": "Paid"},
            id="an amount of any name is quantity by price less per cent",
        ),
        pytest.param(
            # of the one discounted line the price of a unit is the amount as well
            "Order,SKU,Qty,Date,Item price,Discount (%),Price paid",
            ["1,A,1,2024-01-03,10.00,10,9.00", "1,B,3,2024-01-03,30.00,0,30.00"],
            {"unit_price": "Item price"},
            id="what is paid for a unit is no amount",
        ),
        pytest.param(
            "OrderNumber,OrderDate,ProductID,Order Quantity,Discount Applied,Unit Cost,Item price",
            ["SO-1,5/31/18,12,5,0.075,1001.18,1963.10", "SO-2,5/31/18,27,3,0.075,3348.66,3939.60"],
            {"unit_price": "Item price"},
            id="what a unit cost the shop is no price",
        ),
        pytest.param(
            "Order ID,Date,SKU,Qty,Amount",
            ["405-1,04-30-22,S,2,1295.24", "405-2,04-30-22,T,1,406.00"],
            {"line_amount": "Amount"},
            id="an amount beside a quantity is no price",
        ),
        pytest.param(
            "Order,SKU,Qty,Date,Item price",
            [
                *(
                    "1,A,1,2024-01-03,10.00",
                    "2,A,3,2024-01-03,30.00",
                    "3,B,2,2024-01-03,5.00",
                    "4,B,4,2024-01-03,10.00",
                ),
                *("5,C,1,2024-01-03,7.50", "6,C,2,2024-01-03,15.00", "7,D,1,2024-01-03,3.00", "8,E,1,2024-01-03,4.00"),
            ],
            {"line_amount": "Item price"},
            id="what is called a price grows with the quantity",
        ),
        pytest.param(
            # what a till in a restaurant writes
            "Order Id,Order Date,Menu Item,Gross Price,Discount,Net Price,Qty",
            [
                *("1,2026-01-21,Wings,29.50,0,29.50,2", "2,2026-01-21,Wings,14.75,0,14.75,1"),
                *("3,2026-01-21,Soup,12.00,0,12.00,2", "4,2026-01-21,Soup,6.00,0,6.00,1"),
                *("5,2026-01-22,Cake,13.50,4.50,9.00,3", "6,2026-01-22,Cake,4.50,1.50,3.00,1"),
            ],
            {"line_amount": "Net Price"},
            id="a net price that grows with the quantity",
        ),
        pytest.param(
            "Order,Date of sale,Buyer,Description,Item price,Total",
            ["1,2024-03-13,anna,Shirt,20.00,25.00", "2,2024-03-14,anna,Coat,30.00,35.00"],
            {"line_amount": "Item price"},
            id="without a quantity a line is one unit, beside a total as well",
        ),
        pytest.param(
            "Transaction_ID,Date,Name,Total_Purchases,Amount,Total_Amount,Products",
            [
                "1,9/18/2023,Ann,3,108.03,324.09,Shorts",
                "2,9/19/2023,Bo,2,403.35,806.70,Tablet",
                "3,9/20/2023,Cy,1,9.50,9.50,Pen",
            ],
            {"line_amount": "Total_Amount"},
            id="an amount that a column of any name makes another of is the price of one unit",
        ),
        pytest.param(
            "Order,Date,Product,Bultos,Precio,Importe",
            ["1,2024-01-13,Taza,2,10.00,18.00", "2,2024-01-14,Cuenco,1,8.00,8.00"],
            {"line_amount": "Importe"},
            id="pieces of an unknown name are in the amount, less what came off",
        ),
        pytest.param(
            "Transaction_ID,Date,Customer_Name,Product,Total_Items,Total_Cost",
            ["1,2022-01-21,Anna,Ketchup and soap,3,71.65", "2,2022-01-22,Bo,Milk,2,25.93"],
            {"line_amount": "Total_Cost"},
            id="what all items of a purchase came to",
        ),
        pytest.param(
            "Order ID,Order Date,Item Type,Units Sold,Unit Price,Unit Cost,Total Cost,Total Revenue",
            ["1,5/28/2010,Fruits,2,9.33,6.92,13.84,18.66", "2,8/22/2012,Cereal,3,205.70,117.11,351.33,617.10"],
            # the price, by its usual name
            {},
            id="what the goods cost the shop is no revenue",
        ),
        pytest.param(
            "Order ID,Date,SKU,Item price",
            ["405-1,04-30-22,S,647.62"],
            {"line_amount": "Item price"},
            id="without a quantity a line is one unit",
        ),
    ],
)
def test_values_tell_which_column_is_the_money_of_a_line(headers: str, lines: list[str], money: dict[str, str]) -> None:
    named = columns_of_block(headers, *lines)
    assert {column: header for column, header in named.items() if column in ("unit_price", "line_amount")} == money


def test_a_discount_beside_the_price_is_pointed_at_and_left_to_the_reader() -> None:
    guess = guess_mapping(["Order", "SKU", "Qty", "Date", "Item price", "Discount amount"])
    assert '# columns.discount_amount = "Discount amount"' in write_mapping(guess, "a.csv")


def test_what_was_bought_is_at_least_the_group_of_products() -> None:
    headers = "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount"
    assert columns_of_block(headers)["description"] == "Product Category"
    # of a product that is named, the group is no name
    assert "description" not in columns_of_block(headers + ",SKU")


@pytest.mark.parametrize("name", ["retail_sales.csv", "customers_and_what_they_bought.csv"])
def test_sales_with_age_and_gender_are_not_taken_for_a_list_of_customers(shop: Shop, name: str) -> None:
    shop.deliver(
        name,
        "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount\n"
        "1,2023-11-24,CUST001,Male,34,Beauty,3,50,150\n2,2023-02-27,CUST002,Female,26,Clothing,2,500,1000\n",
    )
    problem = refusal(shop)
    assert "adds up to 1,150.00" in problem
    assert "a list of customers has customers… as its name" in problem
    assert 'columns.invoice = "Transaction ID"' in block_of(problem)


def test_purchases_without_a_day_are_no_list_of_customers(shop: Shop) -> None:
    shop.deliver(
        "shopping_trends.csv",
        "Customer ID,Age,Gender,Item Purchased,Category,Purchase Amount (USD),Location,Previous Purchases\n"
        "1,55,Male,Blouse,Clothing,53,Kentucky,14\n2,19,Female,Sweater,Clothing,64,Maine,2\n",
    )
    problem = refusal(shop)
    assert "adds up to 117.00" in problem
    assert "No column was found for" in problem and "the day" in problem


@pytest.mark.parametrize(
    ("name", "more"),
    [("members.csv", "Joined on"), ("customers.csv", "Created at"), ("customers.csv", "Created at,Total")],
)
def test_lists_of_customers_still_load(shop: Shop, name: str, more: str) -> None:
    values = ",".join(["2020-01-01", "9.50"][: more.count(",") + 1])
    shop.deliver(name, f"Customer_ID,Age,Gender,Location,{more}\n7,34,Male,London,{values}\n")
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert (outcome.status, outcome.kind) == ("loaded", "customers")


def test_sales_with_a_segment_are_not_taken_for_hand_picked_segments(shop: Shop) -> None:
    shop.deliver(
        "superstore.csv",
        "Order ID,Order Date,Customer ID,Segment,Country,Product ID,Product Name,Sales,Quantity\n"
        "CA-1,1/3/2014,CG-1,Consumer,United States,F-1,Case,24.00,3\n",
    )
    problem = refusal(shop)
    assert "reason" not in problem
    assert 'columns.line_amount = "Sales"' in block_of(problem)


def test_a_file_without_headers_is_told_so(shop: Shop) -> None:
    shop.deliver("cdnow.txt", " 00001 19970103  4   47.08\n 00002 19970104  1   11.77\n")
    assert "It looks like data: put a line of headers above it" in refusal(shop)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        # a till in Spanish, with what was sold before and after discounts
        (
            "Fecha,Número de recibo,Tipo de recibo,REF,Artículo,Cantidad,Ventas brutas,Descuentos,Ventas netas",
            {"invoice": "Número de recibo", "kind": "Tipo de recibo", "line_amount": "Ventas netas"},
        ),
        ("Date,Heure,Article,Qté,Ventes nettes,Nº de transaction", {"invoice": "Nº de transaction"}),
        ("Receipt number,Date,Item,Qty,Gross sales,Net sales", {"line_amount": "Net sales"}),
        ("Numéro de commande,Date de vente,Article,Quantité,Prix", {"invoice_date": "Date de vente"}),
        ("Belegart,Belegnr.,Belegdatum,Bezeichnung,Menge,Einzelpreis", {"kind": "Belegart"}),
        ("order_id,customer_id,order_purchase_timestamp", {"invoice_date": "order_purchase_timestamp"}),
        (
            "Order number,Date created,Item,Qty,Quantity refunded,Price",
            {"invoice_date": "Date created", "quantity": "Qty"},
        ),
        ("id,Created date (UTC),Amount,Customer ID", {"invoice_date": "Created date (UTC)"}),
        # a name that stands twice can't be mapped
        ("Order number,Date,Item,Qty,Price,Delivery country,Delivery country", {"country": None}),
    ],
)
def test_more_words_for_what_a_column_is(headers: str, expected: dict[str, str | None]) -> None:
    found = guess_mapping(headers.split(",")).headers
    assert {column: found.get(column) for column in expected} == expected


def test_the_price_of_one_unit_is_never_taken_for_the_amount_of_a_line() -> None:
    # 2 at 3.00: the quantity has a name that is not known
    line = "1,2023-01-01,07:06:11,2,32,3.00"
    assert columns_of_block(
        "transaction_id,transaction_date,transaction_time,how_many,product_id,unit_price", line
    ) == {
        "invoice": "transaction_id",
        "stock_code": "product_id",
        "quantity": "?",
        "invoice_date": "transaction_date",
        "time": "transaction_time",
    }
    named = columns_of_block("transaction_id,transaction_date,transaction_qty,product_id,unit_price,returned_qty")
    assert named["quantity"] == "transaction_qty"
    assert "line_amount" not in named


def test_lines_without_any_number_of_an_order_are_purchases_of_their_customer() -> None:
    headers = "TRANSACTION_DATE,CUSTOMER_ID,AGE_GROUP,PRODUCT_ID,PIECES,SALES_PRICE"
    lines = ["11/1/2000,0110,45-49,P1,2,30", "11/1/2000,0041,45-49,P2,1,46", "11/13/2000,0041,40-44,P2,1,46"]
    block = write_mapping(guess_mapping(headers.split(","), [line.split(",") for line in lines]), "a.csv")
    (source,) = tomllib.loads(block)["landing"]["sources"]
    assert (source["layout"], source["columns"]) == (
        "transactions",
        {"description": "PRODUCT_ID", "unit_price": "SALES_PRICE"},
    )
    # what each customer has one of is none, nor is a figure that is another on each line
    besides = zip(lines, ("Ann,24", "Bo,48", "Bo,53"), strict=True)
    named = columns_of_block(headers + ",Nick,Cost to us", *(f"{line},{beside}" for line, beside in besides))
    assert "invoice" not in named
    # a column of which each value belongs to one customer may be that number: it is asked for
    asked = columns_of_block(headers + ",session", *(f"{line},s{n}" for n, line in enumerate(lines)))
    assert asked["invoice"] == "?"


def test_an_id_that_stands_on_several_days_is_the_customers() -> None:
    """CDNOW's purchases: who, when, how many, and what all of it cost, which is the price of no unit."""
    headers = ["id", "date", "quantity", "price"]
    lines = [["1", "19970101", "1", "11.77"], ["2", "19970112", "5", "77.00"], ["2", "19970330", "2", "20.76"]]
    guess = guess_mapping(headers, lines)
    assert (guess.layout.name, guess.missing) == ("transactions", ())
    assert guess.headers == {"customer_id": "id", "invoice_date": "date", "unit_price": "price"}
    # an order has one day, and a fifth column may name what was bought
    assert guess_mapping(headers, [*lines[:2], ["2", "19970112", "2", "20.76"]]).headers["invoice"] == "id"
    assert guess_mapping([*headers, "what"], [[*line, "x"] for line in lines]).headers["unit_price"] == "price"


def test_the_number_of_an_order_is_part_of_the_mapping_of_a_list_of_orders(shop: Shop) -> None:
    """Without it an order that is exported again in another state counts twice."""
    shop.deliver("grid.csv", "ID,Purchase Date,Grand Total,Status,Customer Email\n7,2024-03-13,25.00,pending,a@b.org\n")
    assert 'columns.invoice = "ID"' in block_of(refusal(shop))


@pytest.mark.parametrize(
    ("text", "are_totals"),
    [
        ("Store,Dept,Date,Weekly_Sales,IsHoliday\n1,1,2010-02-05,24924.50,FALSE\n", True),
        # sales that name who bought lack the number of their order and nothing else
        ("Customer ID,SKU,Date,Sales,Session\n1,A,2010-02-05,24.50,s1\n", False),
    ],
)
def test_totals_are_told_to_be_replaced_by_their_orders(shop: Shop, text: str, are_totals: bool) -> None:
    shop.deliver("days.csv", text)
    told = "and none for a customer: totals of days, shops or products have neither and can't be read"
    assert (told in refusal(shop)) is are_totals


def test_lines_of_one_unit_may_say_so() -> None:
    headers = "orderNumber,createTime,itemName,unitPrice,customerName"
    block = write_mapping(guess_mapping(headers.split(","), [["5001", "13 Mar 2024", "Mug", "9.00", "Anna"]]), "a.csv")
    assert 'columns.quantity = "?"  # which header holds it? If none: constants = { quantity = "1" }' in block


def test_a_table_that_lacks_what_another_has_is_told_to_be_joined(shop: Shop) -> None:
    shop.deliver("items.csv", "order_id,order_item_id,product_id,price,freight_value\no1,1,p1,58.90,13.29\n")
    problem = refusal(shop)
    assert "No column was found for the day. If another file holds that" in problem


def test_a_sum_below_the_lines_makes_no_blank_order_number_to_fill() -> None:
    lines = ["R1;02.01.2026;A;Screw;10;0,10", "R2;02.01.2026;B;Nail;10;0,10", "Summe;;;;;2,00"]
    guess = guess_mapping(
        ["Belegnr.", "Belegdatum", "Artikelnr.", "Bezeichnung", "Menge", "Einzelpreis"],
        [["", *line.split(";")[1:]] if line.startswith("Summe") else line.split(";") for line in lines],
    )
    assert guess.fill_down == ()


def test_a_name_that_stands_twice_is_not_told_to_be_named(shop: Shop) -> None:
    shop.deliver("a.csv", "InvoiceNo,StockCode,Quantity,InvoiceDate,Price,Price\n1,A,1,2024-01-02,2.00,3.00\n")
    problem = refusal(shop)
    assert "column unit_price is there 2 times ('Price', 'Price') and nothing tells which one counts" in problem
    assert "remove or rename one" in problem and "name the right one" not in problem


@pytest.mark.parametrize("first", ["", "Customer_ID Transaction_Date Pieces Amount\n"], ids=["no headers", "headers"])
def test_fields_parted_by_blanks_are_told_to_be_parted_otherwise(shop: Shop, first: str) -> None:
    shop.deliver("master.txt", f"{first} 00001 19970101  1  11.77\n 00002 19970112  5  77.00\n")
    problem = refusal(shop)
    assert "Its fields are parted by blanks: put commas, semicolons or tabs between them" in problem
    assert ("put a line of headers above it" in problem) == (not first)


def test_a_sentence_is_no_table_parted_by_blanks(shop: Shop) -> None:
    shop.deliver("a.txt", "Dear shop, this is what we sold in March\nmilk\n".replace(",", ""))
    assert "parted by blanks" not in refusal(shop)


def test_a_discount_that_an_amount_of_the_file_proves_is_mapped() -> None:
    headers = "Receipt number,Date,SKU,Quantity,Unit price,Paid in all,Discount"
    lines = ["1,2026-03-02,M,2,10.00,18.00,2.00", "2,2026-03-02,P,1,30.00,30.00,0.00"]
    assert columns_of_block(headers, *lines)["discount_amount"] == "Discount"
    # an amount that it is not taken off proves nothing
    assert "discount_amount" not in columns_of_block(headers, lines[0].replace("18.00", "20.00"))


def test_a_list_of_orders_is_guessed_by_the_amount_of_the_order() -> None:
    named = columns_of_block("Order ID,Customer ID,Order Date,Order Total (inc tax),Shipping Cost")
    assert named["unit_price"] == "Order Total (inc tax)"


def test_a_quantity_of_one_pack_is_not_that_of_the_line() -> None:
    found = guess_mapping(["Line Item Date", "Order ID", "Item SKU", "Per Unit Quantity", "Item Total"]).headers
    assert (found["invoice_date"], found.get("quantity")) == ("Line Item Date", None)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        # of versions before the column Net Sales
        ("Date,Order #,N. Revenue (formatted),Status,Product(s),Items sold,N. Revenue", "WooCommerce's own Analytics"),
        (
            "amazon-order-id,shipment-id,purchase-date,sku,quantity-shipped,item-price",
            "Amazon's report of what it sent",
        ),
        ("order-id,order-item-id,purchase-date,sku,quantity-purchased", "Amazon's report of orders to send"),
        (
            "date/time,settlement id,type,order id,sku,description,quantity,product sales,selling fees,total",
            "Amazon's report of payments",
        ),
    ],
)
def test_another_report_of_a_known_system_is_named_with_the_one_to_take(shop: Shop, header: str, said: str) -> None:
    shop.deliver("report.csv", header + "\n" + ",".join(["1"] * (header.count(",") + 1)) + "\n")
    problem = refusal(shop)
    assert problem.startswith("report.csv: this is ") and said in problem
    assert "instead" in problem


def test_what_people_did_is_a_state_and_a_bare_id_the_number_of_the_order() -> None:
    events = guess_mapping(["event_time", "event_type", "product_id", "price", "user_id", "user_session"]).headers
    assert (events.get("status"), events.get("kind")) == ("event_type", None)
    charges = guess_mapping(["id", "Description", "Created date (UTC)", "Amount", "Status", "Customer ID"])
    assert (charges.headers["invoice"], charges.missing) == ("id", ())


def test_purchases_may_name_no_product_at_all() -> None:
    headers = ["Customer ID", "Date", "Units", "Sales"]
    lines = [["1", "1997-01-01", "1", "11.77"], ["2", "1997-01-12", "1", "12.00"], ["2", "1997-01-12", "5", "77.00"]]
    guess = guess_mapping(headers, lines)
    assert (guess.layout.name, guess.missing) == ("transactions", ())
    assert guess.headers == {"customer_id": "Customer ID", "invoice_date": "Date", "unit_price": "Sales"}


def test_columns_of_business_programs_are_known() -> None:
    """Business Central's sales lines, Odoo's orders with their lines, a German invoice, Mercado Libre's sales."""
    for headers, expected in (
        (
            "Document Type;Document No.;Posting Date;Sell-to Customer No.;Description;Quantity;Unit Price Excl. VAT;"
            "Line Discount %",
            {
                "invoice_date": "Posting Date",
                "unit_price": "Unit Price Excl. VAT",
                "customer_id": "Sell-to Customer No.",
                "kind": "Document Type",
            },
        ),
        (
            "Order Reference;Order Date;Customer;Order Lines/Product;Order Lines/Quantity;Order Lines/Unit Price",
            {
                "invoice": "Order Reference",
                "description": "Order Lines/Product",
                "quantity": "Order Lines/Quantity",
                "unit_price": "Order Lines/Unit Price",
            },
        ),
        (
            "Artikel;Menge;Einheit;Währung;Einzelpreis netto;Einzelpreis brutto;MwSt %;Rabatt %",
            {"unit_price": "Einzelpreis netto", "discount_amount": "Rabatt %"},
        ),
        ("Document No.;Posting Date;Description;Line Amount Excl. VAT", {"line_amount": "Line Amount Excl. VAT"}),
        ("Menge;Gesamt brutto;Gesamt netto", {"line_amount": "Gesamt netto"}),
        (
            "# de venta;Fecha de venta;Estado;Unidades;SKU",
            {"invoice": "# de venta", "invoice_date": "Fecha de venta", "status": "Estado", "quantity": "Unidades"},
        ),
        # how many orders there were numbers none
        ("Date;Customer ID;Orders;Units;Revenue", {"invoice": None, "quantity": "Units"}),
    ):
        found = guess_mapping(headers.split(";")).headers
        assert {column: found.get(column) for column in expected} == expected


def test_a_column_without_a_value_is_none_that_a_line_needs() -> None:
    headers = "Order Id,Order Date,SKU,Menu Item,Qty,Item price"
    assert columns_of_block(headers, "1,2026-01-21,,Wings,2,14.75", "2,2026-01-22,,Soup,1,6.00") == {
        "invoice": "Order Id",
        "description": "Menu Item",
        "quantity": "Qty",
        "invoice_date": "Order Date",
        "unit_price": "Item price",
    }


def test_how_many_products_an_order_had_is_no_product() -> None:
    headers, line = "Order ID,Date,Customer email,Items,Total", "1,2026-03-01,a@example.org,3,34.00"
    guess = guess_mapping(headers.split(","), [line.split(",")])
    assert (guess.layout.name, guess.headers.get("description")) == ("transactions", None)
    named = guess_mapping(headers.split(","), [line.replace(",3,", ",2 mugs,").split(",")])
    assert named.headers["description"] == "Items"


@pytest.mark.parametrize(
    ("header", "values", "said"),
    [
        ("Rabatt", ("0,10", "0,05"), "share"),
        ("Discount Applied", ("0.075", "0.1"), "share"),
        ("Rabatt %", ("10", "5"), "per_cent"),
        ("Rabatt", ("10 %", "5 %"), "per_cent"),
        ("Rabatt", ("1,50", "0,50"), None),
        ("Rabatt", ("", "0"), None),
    ],
)
def test_a_discount_that_is_a_part_of_the_amount_is_pointed_at_as_one(
    header: str, values: tuple[str, str], said: str | None
) -> None:
    lines = [
        ["B-50001", "28.06.2023", "K-008", "P-1009", "4", "252,80", values[0]],
        ["B-50004", "03.12.2023", "K-002", "P-1005", "16", "31,19", values[1]],
    ]
    guess = guess_mapping(["BestellNr", "Datum", "KundenNr", "ProduktNr", "Menge", "Einzelpreis", header], lines)
    block = write_mapping(guess, "a.csv")
    assert guess.discount_is == said
    assert ("# discount_is = " in block) == (said is not None)


def test_a_fee_below_an_order_is_no_further_line_of_it() -> None:
    headers = ["date/time", "type", "order id", "sku", "description", "quantity", "total"]
    lines = [
        ["2026-03-01", "Order", "114-1", "MUG-1", "Mug", "2", "13.00"],
        ["2026-03-10", "Service Fee", "", "", "Subscription", "", "-39.99"],
    ]
    assert guess_mapping(headers, lines).fill_down == ()
    # which has no day of its own
    lines[1][0] = ""
    assert "invoice" in guess_mapping(headers, lines).fill_down


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        # a till in Brazil, a shop program in Poland, tills in Turkey and Japan
        (
            "Nº Venda;Data;Hora;Código;Produto;Qtde;Vlr. Unit.;Desconto;Cliente;Situação",
            "invoice;invoice_date;time;stock_code;description;quantity;unit_price;discount_amount;customer_id;status",
        ),
        (
            "Nr dokumentu;Data sprzedaży;Kontrahent;Kod towaru;Nazwa towaru;Ilość;Cena netto",
            "invoice;invoice_date;customer_id;stock_code;description;quantity;unit_price",
        ),
        (
            "Fiş No;Tarih;Saat;Stok Kodu;Stok Adı;Miktar;Birim Fiyat;İskonto;Müşteri",
            "invoice;invoice_date;time;stock_code;description;quantity;unit_price;discount_amount;customer_id",
        ),
        (
            "取引ID;取引日時;商品ID;商品名;商品単価;数量;値引き;顧客コード;取引区分",
            "invoice;invoice_date;stock_code;description;unit_price;quantity;discount_amount;customer_id;kind",
        ),
        # SAP's billing documents, an invoice of Xero with the ledger's account, one of Sage
        (
            "Billing Document;Billing Type;Billing Date;Sold-to Party;Material;Billed Quantity;Net Value;"
            "Document Currency",
            "invoice;kind;invoice_date;customer_id;stock_code;quantity;line_amount;currency",
        ),
        (
            "ContactName;InvoiceNumber;InvoiceDate;InventoryItemCode;Description;Quantity;UnitAmount;AccountCode",
            "customer_id;invoice;invoice_date;stock_code;description;quantity;unit_price;",
        ),
        (
            "Invoice Number;Invoice Type;Customer A/C Ref;Name;Stock Code;Description;Qty;Net Amount",
            "invoice;kind;customer_id;;stock_code;description;quantity;line_amount",
        ),
        # PrestaShop, OpenCart, BigCommerce, QuickBooks, a till that names products by nothing but a name
        (
            "id_order;date_add;email;product_reference;product_quantity;unit_price_tax_excl;current_state",
            "invoice;invoice_date;customer_id;stock_code;quantity;unit_price;status",
        ),
        (
            "order_id;email;date_added;model;name;quantity;price",
            "invoice;customer_id;invoice_date;;description;quantity;unit_price",
        ),
        ("Order ID;Product SKU;Product Qty;Product Unit Price", "invoice;stock_code;quantity;unit_price"),
        (
            "Type;Date;Num;Memo;Name;Qty;Amount",
            "kind;invoice_date;invoice;description;customer_id;quantity;line_amount",
        ),
        ("Receipt number;Name;Variant;Category;Quantity", "invoice;description;;;quantity"),
        # Shopee, Faire, Wayfair, PayPal, H&M's purchases, a supply chain's order items
        (
            "Order ID;Order Creation Date;SKU Reference No.;Quantity;Product Subtotal;Username (Buyer)",
            "invoice;invoice_date;stock_code;quantity;line_amount;customer_id",
        ),
        (
            "Order Number;Retailer Name;SKU;Quantity;Wholesale Price",
            "invoice;customer_id;stock_code;quantity;unit_price",
        ),
        ("PO Number;PO Date;Item Number;Quantity", "invoice;invoice_date;stock_code;quantity"),
        ("Date;Type;Gross;Fee;Net;Transaction ID", "invoice_date;kind;line_amount;;;invoice"),
        ("t_dat;customer_id;article_id;price", "invoice_date;customer_id;stock_code;line_amount"),
        (
            "order date (DateOrders);Order Id;Order Item Product Price;Order Item Quantity;Order Item Total",
            "invoice_date;invoice;;quantity;line_amount",
        ),
        ("order_id;create_time;seller_sku;item_cnt_day", "invoice;invoice_date;stock_code;quantity"),
        # QuickBooks, a marketing data set; shops in China, Turkey, Poland, France, Spain, Italy, Sweden, Holland
        (
            "Transaction date;Num;Product/Service full name;Memo/Description;Quantity;Amount",
            "invoice_date;invoice;description;;quantity;line_amount",
        ),
        ("Transaction_ID;Product_SKU;Quantity;Avg_Price;Coupon_Status", "invoice;stock_code;quantity;unit_price;"),
        (
            "订单编号;客户编号;商品编码;商品名称;数量;单价;下单时间;订单状态",
            "invoice;customer_id;stock_code;description;quantity;unit_price;invoice_date;status",
        ),
        (
            "Sipariş Numarası;Sipariş Tarihi;Barkod;Adet;Birim Fiyatı;İndirim Tutarı;E-Posta;Ülke",
            "invoice;invoice_date;stock_code;quantity;unit_price;discount_amount;customer_id;country",
        ),
        (
            "Numer zamówienia;Data zakupu;Login kupującego;Nazwa oferty;Liczba sztuk;Cena za sztukę",
            "invoice;invoice_date;customer_id;description;quantity;unit_price",
        ),
        ("N° ticket;Date;Désignation;Qté;PU TTC", "invoice;invoice_date;description;quantity;unit_price"),
        (
            "Nº Factura;Fecha;Cód. Cliente;Artículo;Uds.;Importe",
            "invoice;invoice_date;customer_id;description;quantity;line_amount",
        ),
        ("Numero documento;Data documento;Descrizione;Importo", "invoice;invoice_date;description;line_amount"),
        ("Ordernummer;Kundnummer;Benämning;Antal;À-pris", "invoice;customer_id;description;quantity;unit_price"),
        ("Bestelnummer;Besteldatum;EAN;Aantal;Prijs per stuk", "invoice;invoice_date;stock_code;quantity;unit_price"),
        ("Order ID;Order Date;Item Type;Units Sold;Unit Price", "invoice;invoice_date;description;quantity;unit_price"),
        # FreshBooks, Odoo's invoices with their lines, a German invoice program, a state as OpenCart's number
        (
            "Client Name;Invoice No;Date Issued;Invoice Status;Item Name;Quantity;Line Subtotal",
            "customer_id;invoice;invoice_date;status;description;quantity;line_amount",
        ),
        (
            "Number;Invoice/Bill Date;Partner;Type;Invoice lines/Product;Invoice lines/Quantity;Invoice lines/Subtotal",
            "invoice;invoice_date;customer_id;kind;description;quantity;line_amount",
        ),
        ("Belegnummer;Belegdatum;Kundenname;Belegart;Artikel", "invoice;invoice_date;customer_id;kind;stock_code"),
        ("order_id;date_added;quantity;price;order_status_id", "invoice;invoice_date;quantity;unit_price;status"),
        # PayPal in German, and without what was bought; SumUp; a list of purchases; what visitors of a web shop did
        (
            "Datum;Uhrzeit;Name;Typ;Status;Währung;Brutto;Entgelt;Netto;Absender E-Mail-Adresse;Transaktionscode",
            "invoice_date;time;customer_id;kind;status;currency;unit_price;;;;invoice",
        ),
        ("Datum;Transaktionsnummer;Typ;Menge;Beschreibung", "invoice_date;invoice;kind;quantity;description"),
        ("customer_id;trans_date;tran_amount", "customer_id;invoice_date;unit_price"),
        (
            "event_time;event_type;product_id;price;user_id;user_session",
            "invoice_date;status;stock_code;line_amount;customer_id;invoice",
        ),
        # Odoo: the state of an order, not that of its invoice; who is invoiced
        (
            "Order Reference;Creation Date;Invoice Status;Status;Order Lines/Product;Order Lines/Subtotal",
            "invoice;invoice_date;;status;description;line_amount",
        ),
        (
            "Number;Invoice/Bill Date;Invoice Partner Display Name;Invoice lines/Product;Invoice lines/Subtotal",
            "invoice;invoice_date;customer_id;description;line_amount",
        ),
        # a product has variants, and a name beside its code
        ("Receipt number;Name;Variant;SKU;Quantity;Total", "invoice;description;;stock_code;quantity;line_amount"),
        # a customer's id of each order beside the one that stays
        ("order_id;customer_id;customer_unique_id", "invoice;;customer_id"),
        # the amount of the line, not that of the order
        ("Order Ref;Total;Order Lines/Product;Order Lines/Subtotal", "invoice;;description;line_amount"),
    ],
)
def test_headers_of_further_countries_and_programs_are_known(headers: str, expected: str) -> None:
    found = {header: column for column, header in guess_mapping(headers.split(";")).headers.items()}
    assert [found.get(header, "") for header in headers.split(";")] == expected.split(";")


def test_whether_an_invoice_was_paid_is_no_matter_of_its_sale() -> None:
    """Odoo's invoices with their lines: a draft is none, one that waits for its payment is one."""
    headers = "Number,Invoice/Bill Date,Payment Status,Status,Invoice lines/Product,Invoice lines/Subtotal"
    lines = ["INV/1,2026-03-13,Not Paid,Posted,Mug,20.00", "/,2026-03-14,Not Paid,Draft,Mug,9.00"]
    block = write_mapping(guess_mapping(headers.split(","), [line.split(",") for line in lines]), "a.csv")
    (source,) = tomllib.loads(block)["landing"]["sources"]
    assert (source["columns"]["status"], source["ignore"]) == ("Status", ["Payment Status"])
    # in a web shop what nobody paid is none
    assert columns_of_block("Order ID,Date,Product,Payment Status,Amount")["status"] == "Payment Status"


def test_a_price_after_the_discount_is_that_of_the_line_where_no_column_has_it_by_the_quantity() -> None:
    """Toast and SumUp write what was asked, what came off and what is left, all of the whole line."""
    headers = "Order Id,Order Date,Menu Item,Gross Price,Discount,Net Price,Qty"
    lines = ["1,2026-10-08,Wings,14.00,0.00,14.00,2.0", "1,2026-10-08,Soup,6.00,1.00,5.00,1.0"]
    block = columns_of_block(headers, *lines)
    assert (block.get("line_amount"), block.get("unit_price")) == ("Net Price", None)
    # with tax in what was asked: 4.00 less 0.40 is 3.36 and 0.24
    headers = "Datum,Transaktionsnummer,Menge,Beschreibung,Preis vor Rabatt,Rabatt,Preis (netto),Steuer"
    lines = ["15.03.2026,T1,2,Kaffee,7.00,0.00,5.88,1.12", "15.03.2026,T1,1,Kuchen,4.00,0.40,3.36,0.24"]
    assert columns_of_block(headers, *lines).get("line_amount") == "Preis (netto)"
    # of one unit: another column has it by the quantity
    headers = "Order Id,Order Date,Item,List Price,Discount,Net Price,Qty,Paid"
    lines = ["1,2026-10-08,Wings,7.00,0.00,7.00,2,14.00", "1,2026-10-08,Soup,6.00,1.00,5.00,2,10.00"]
    assert columns_of_block(headers, *lines)["unit_price"] == "Net Price"


def test_days_are_dates_where_they_are_written_as_such() -> None:
    """As in Shopify's reports of sales, but not in The Complete Journey, which numbers them."""
    headers = "Day,Order name,Product title,Customer email,Net items sold,Net sales"
    line = "2026-03-01,#1001,Mug,ann@example.org,2,18.00"
    assert columns_of_block(headers, line)["invoice_date"] == "Day"
    numbered = guess_mapping(headers.split(","), [line.replace("2026-03-01", "1").split(",")])
    assert "invoice_date" in numbered.missing


def test_an_account_of_payments_names_who_paid() -> None:
    """Without what was bought each payment is a purchase; the name holds on refunds, too, which go to an address."""
    headers = "Date,Time,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,To Email Address,Transaction ID"
    lines = [
        "01/03/2026,09:15,Ann A,Express Checkout Payment,Completed,GBP,20.00,-0.88,19.12,a@x.org,me@x.org,T1",
        "16/03/2026,09:15,Ann A,Payment Refund,Completed,GBP,-20.00,0.88,-19.12,me@x.org,a@x.org,T2",
    ]
    guess = guess_mapping(headers.split(","), [line.split(",") for line in lines])
    assert (guess.layout.name, guess.missing) == ("transactions", ())
    assert (guess.headers["customer_id"], guess.headers["unit_price"]) == ("Name", "Gross")


def test_what_is_called_sales_price_is_that_of_one_unit_where_another_column_has_it_by_the_quantity() -> None:
    headers = ["Num", "Date", "Customer", "Item", "Qty", "Sales Price", "Amount"]
    lines = [["1", "2026-03-01", "Anna", "Mug", "2", "10.00", "20.00"], ["2", "2026-03-02", "Bo", "Mug", "1", "9", "9"]]
    assert columns_of_block(",".join(headers), *map(",".join, lines))["unit_price"] == "Sales Price"
    # without the quantity it is what the line came to
    without = columns_of_block("Num,Date,Customer,Item,Sales Price", "1,2026-03-01,Anna,Mug,10.00")
    assert without["line_amount"] == "Sales Price"


def test_a_discount_that_comes_off_an_amount_is_part_of_the_mapping() -> None:
    """Subtotal less discount, with tax on top, is the total of every line; where it is not, nothing is taken off."""
    headers = "Sale ID,Completed Date,Customer,Item,Quantity,Subtotal,Discount,Tax,Total"
    lines = ["1,2026-03-01,Anna,Mug,2,20.00,2.00,1.44,19.44", "2,2026-03-02,Bo,Mug,-1,-10.00,-1.00,-0.72,-9.72"]
    block = columns_of_block(headers, *lines)
    assert (block["line_amount"], block["discount_amount"]) == ("Subtotal", "Discount")
    # 20.00 is what is left of 22.00
    block = columns_of_block(headers, "1,2026-03-01,Anna,Mug,2,20.00,2.00,1.60,21.60")
    assert (block["line_amount"], block.get("discount_amount")) == ("Subtotal", None)


def test_a_price_that_may_be_the_lines_and_a_missing_customer_are_told_in_the_mapping() -> None:
    headers = "Beleg-Nr.,Datum,Beschreibung,Menge,Preis (netto)"
    block = write_mapping(guess_mapping(headers.split(","), [["S1", "2026-03-01", "Kaffee", "2", "5.88"]]), "a.csv")
    assert 'columns.unit_price = "Preis (netto)"  # of one unit; if it is what the whole line came to' in block
    assert '# columns.customer_id = "?"' in block
    # nothing is sold twice, and somebody is named
    certain = write_mapping(
        guess_mapping([*headers.split(","), "Kunde"], [["S1", "2026-03-01", "Kaffee", "1", "5.88", "Anna"]]), "a.csv"
    )
    assert "whole line" not in certain and "?" not in certain


def test_a_price_by_its_usual_name_may_be_the_lines_as_well() -> None:
    headers = ["Receipt", "Date", "SKU", "Quantity", "Price"]
    block = write_mapping(guess_mapping(headers, [["1", "2026-03-01", "A", "2", "20.00"]]), "a.csv")
    assert 'columns.unit_price = "Price"  # of one unit; if it is what the whole line came to' in block


def test_a_header_in_another_encoding_says_how_to_say_which(shop: Shop) -> None:
    header, line = "取引ID,取引日時,商品名,数量,小計,顧客コード", "1001,2026/03/01 09:15:00,マグ,2,2000,C1"
    shop.deliver("till.csv", f"{header}\n{line}\n".encode("cp932"))
    assert 'encoding = "shift_jis"' in refusal(shop)


def test_the_amount_of_an_order_is_told_by_one_that_makes_up_its_lines() -> None:
    """2 x 10.00 and 20.00 with 5.00 postage are 45.00, which stands on both lines."""
    headers = "Order number,Date created,Contact email,Item,Qty,Price,Net amount"
    lines = ["1,2026-03-01,a@example.org,Mug,2,10.00,45.00", "1,2026-03-01,a@example.org,Bowl,1,20.00,45.00"]
    found = columns_of_block(headers, *lines)
    assert "line_amount" not in found
    # a discount of a half on each of two lines that cost the same: 10.00 is not what both came to
    halved = columns_of_block(
        headers,
        *(line.replace("2,10.00,45.00", "2,10.00,10.00") for line in lines[:1]),
        lines[1].replace("45.00", "10.00"),
    )
    assert halved["line_amount"] == "Net amount"


def test_a_minus_of_goods_that_went_out_is_no_return() -> None:
    headers = "Posting Date,Entry Type,Document No.,Item No.,Description,Quantity,Sales Amount (Actual)"
    lines = ["2026-03-01,Sale,S1,1000,Mug,-2,20.00", "2026-03-02,Sale,S2,1000,Mug,1,-10.00"]
    block = write_mapping(guess_mapping(headers.split(","), [line.split(",") for line in lines]), "a.csv")
    (source,) = tomllib.loads(block)["landing"]["sources"]
    assert source["columns"]["line_amount"] == "Sales Amount (Actual)"
    assert source["ignore"] == ["Quantity"]
