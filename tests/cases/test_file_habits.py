"""What real files hold beside plain lines: states, documents, sums, copies of sheets, per cent, signs of currencies.

One landing folder, refreshed once. Each source sells the same three lines, of 10.00, 20.00 and 30.00 to a customer
each, and has a habit that would change what they come to.
"""

import io
from decimal import Decimal

import pytest
import xlsxwriter

from tests.cases.shop import Case, Published, Row, apart, csv_text, line, published_together, shop

_PAID = 'columns = { status = "Paid" }\nnot_sales = ["no"]'


def _three(**columns: tuple[str, str, str]) -> list[Row]:
    """1, 2 and 3 units at 10.00 for customers 9001, 9002 and 9003; further columns by value, blanks as underscores."""
    rows = [line(790000 + n, f"P2{n}", f"THING {n}", n, f"2024-03-0{n} 10:00:00", "10.00", 9000 + n) for n in (1, 2, 3)]
    for header, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[header.replace("_", " ")] = value
    return rows


def _priced(*prices: str) -> list[Row]:
    return [{**row, "UnitPrice": price} for row, price in zip(_three(), prices, strict=True)]


def _with_amounts(rows: list[Row]) -> list[Row]:
    """With the amount of a line in place of its price."""
    return [
        {header: value for header, value in row.items() if header != "UnitPrice"}
        | {"Amount": f"{int(row['Quantity']) * Decimal(row['UnitPrice']):.2f}"}
        for row in rows
    ]


def _summed_up() -> list[Row]:
    """As a report prints it: a row with the sum below each order, and one below all."""
    rows = []
    blank = dict.fromkeys(_with_amounts(_three())[0], "")
    for row in _with_amounts(_three()):
        rows += [row, {**blank, "Description": "Subtotal", "Amount": row["Amount"]}]
    return [*rows, {**blank, "Description": "Grand total:", "Amount": "60.00"}]


def _sheets(*sheets: tuple[str, list[Row]]) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, values in enumerate([list(rows[0]), *(list(row.values()) for row in rows)]):
                sheet.write_row(number, 0, values)
    return written.getvalue()


def _in_formats() -> bytes:
    """The same three lines, not from the first row and column on; each price in the format of another currency."""
    written = io.BytesIO()
    formats = ('"£"#,##0.00', "#,##0.00\\ [$€-407]", "[$$-409]#,##0.00;[Red]-[$$-409]#,##0.00")
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Sales of March")
        rows = apart(_three(), "19")
        sheet.write_row(2, 1, list(rows[0]))
        for number, (row, code) in enumerate(zip(rows, formats, strict=True), start=3):
            sheet.write_row(number, 1, [*row.values()])
            sheet.write_number(number, 1 + [*row].index("UnitPrice"), 10, book.add_format({"num_format": code}))
    return written.getvalue()


def _ledger() -> list[Row]:
    """Sales among what else moves goods: none of it is one, whichever sign it has."""
    rows = _three(Entry_Type=("Sale",) * 3)
    others = [("Purchase", "5"), ("Transfer", "-2"), ("Stocktake", "1"), ("Delivery note", "2")]
    for number, (kind, quantity) in enumerate(others, start=4):
        rows.append(
            line(790000 + number, "P22", "THING 2", quantity, "2024-03-09 10:00:00", "10.00", 9002, Entry_Type=kind)
        )
    # and the credit note that takes one of two back
    rows.append(line(790009, "P22", "THING 2", "1", "2024-03-09 11:00:00", "10.00", 9002, Entry_Type="Credit note"))
    return rows


def _one_order() -> list[Row]:
    """The second and the third line in one order of 9002's, with 10.00 off it on each line; nothing off the first."""
    first, second, third = _three(Discount=("0.00", "10.00", "10.00"))
    return [first, second, third | {header: second[header] for header in ("InvoiceNo", "InvoiceDate", "CustomerID")}]


def _account() -> list[Row]:
    """Payments received, among what else moves the money of an account: what the shop paid is no return."""
    rows = _three(Type=("Express Checkout Payment", "Website Payment", "General Payment"))
    others = [
        ("9004", "General Payment", "-150.00", "CLAY"),
        ("9004", "PreApproved Payment Bill User Payment", "-9.99", "HOSTING"),
        ("", "General Withdrawal", "-40.00", ""),
        ("", "Bank Deposit to PP Account", "200.00", ""),
        ("9002", "Payment Refund", "-20.00", "THING 2"),
        # which nobody knows: it counts by its sign, and is told
        ("9003", "Cashback Share", "-1.00", "THING 3"),
    ]
    for number, (customer, kind, price, name) in enumerate(others, start=4):
        rows.append(line(790000 + number, "", name, "1", "2024-03-09 10:00:00", price, customer, Type=kind))
    return rows


def _cases() -> list[Case]:
    refunds = [
        *_three(Order_Status=("Completed",) * 3),
        line(790004, "P22", "THING 2", "-2", "2024-03-09 10:00:00", "10.00", 9002, Order_Status="Refunded"),
    ]
    documents = [
        *_three(Document_Type=("Invoice", "Invoice", "Quote")),
        line(790004, "P22", "THING 2", "1", "2024-03-09 10:00:00", "10.00", 9002, Document_Type="Credit Memo"),
    ]
    # two of a kind on one sheet are two
    march = apart([*_three(), _three()[2]], "16")
    return [
        Case("shop", {"s.csv": csv_text(apart(shop(), "10"))}),
        Case("signs", {"s.csv": csv_text(apart(_priced("£10.00", "€10.00", "10.00 USD"), "11"))}),
        Case(
            "returned",
            {"s.csv": csv_text(apart(_three(Status=("Delivered", "Returned", "Shipped - Returned to Seller")), "12"))},
            'columns = { status = "Status" }',
        ),
        Case("refund-rows", {"s.csv": csv_text(apart(refunds, "13"))}, 'columns = { status = "Order Status" }'),
        Case("documents", {"s.csv": csv_text(apart(documents, "14"))}, 'columns = { kind = "Document Type" }'),
        Case(
            "summed-up",
            {"s.csv": csv_text(apart(_summed_up(), "15"))},
            'columns = { line_amount = "Amount" }\nfill_down = ["invoice", "customer_id", "invoice_date"]',
        ),
        Case("sheets", {"s.xlsx": _sheets(("All", march), ("1 March", march[:1]), ("Rest of March", march[1:]))}),
        Case(
            "per-cent",
            {"s.csv": csv_text(apart(_three(**{"Discount_%": ("10", "0", "5")}), "17"))},
            'columns = { discount_amount = "Discount %" }',
        ),
        Case(
            "shares",
            {"s.csv": csv_text(apart(_three(Discount_Applied=("0.1", "0", "0.05")), "18"))},
            'columns = { discount_amount = "Discount Applied" }\ndiscount_is = "share"',
        ),
        Case(
            "of-orders",
            {"s.csv": csv_text(apart(_one_order(), "25"))},
            'columns = { discount_amount = "Discount" }\ndiscount_is = "whole_order"',
        ),
        Case("formats", {"s.xlsx": _in_formats()}),
        Case("ledger", {"s.csv": csv_text(apart(_ledger(), "20"))}, 'columns = { kind = "Entry Type" }'),
        Case("account", {"s.csv": csv_text(apart(_account(), "24"))}, 'columns = { kind = "Type" }'),
        # what an invoice was written for is sold before it is paid
        Case(
            "invoices",
            {
                "s.csv": csv_text(
                    apart(
                        _three(Type=("Sales invoice",) * 3, Status=("Paid", "Awaiting Payment", "Draft")),
                        "23",
                    )
                )
            },
            'columns = { kind = "Type", status = "Status" }',
        ),
        Case("paid", {"s.csv": csv_text(apart(_three(Paid=("Yes", "No", "Yes")), "21"))}, _PAID),
        Case(
            "unknown-words",
            {"s.csv": csv_text(apart(_three(Kind=("Invoice", "Gutschein", "Invoice")), "22"))},
            'columns = { kind = "Kind" }',
        ),
    ]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return published_together(tmp_path_factory.mktemp("habits"), _cases())


def _net(shops: Published, place: str) -> list[str | None]:
    """What each of the three customers brought; None for one without a purchase."""
    found = [shops.customer(f"{place}900{n}") for n in (1, 2, 3)]
    return [None if told is None else f"{told[1]:.2f}" for told in found]


@pytest.mark.parametrize(
    ("place", "name", "net", "set_aside"),
    [
        # euros and dollars are no pounds
        ("11", "signs", ["10.00", None, None], {"unreadable": 2}),
        ("12", "returned", ["10.00", None, None], {"not_a_sale": 2}),
        # a row with a minus takes the money back, whatever its state is called
        ("13", "refund-rows", ["10.00", "0.00", "30.00"], {}),
        # what was only quoted, and one of two returned
        ("14", "documents", ["10.00", "10.00", None], {"not_a_sale": 1}),
        ("15", "summed-up", ["10.00", "20.00", "30.00"], {"summary": 4}),
        # the third line twice on each of two sheets
        ("16", "sheets", ["10.00", "20.00", "60.00"], {"duplicate": 4}),
        ("17", "per-cent", ["9.00", "20.00", "28.50"], {}),
        ("18", "shares", ["9.00", "20.00", "28.50"], {}),
        # pounds, euros and dollars that only the formats of cells tell
        ("19", "formats", ["10.00", None, None], {"unreadable": 2}),
        ("20", "ledger", ["10.00", "10.00", "30.00"], {"not_a_sale": 4}),
        ("21", "paid", ["10.00", None, "30.00"], {"not_a_sale": 1}),
        # 2 x 10.00, and 20.00 given back; 1.00 off by a word that nobody knows
        ("24", "account", ["10.00", "0.00", "29.00"], {"not_a_sale": 4}),
        # 20.00 + 30.00 less 10.00, once
        ("25", "of-orders", ["10.00", "40.00", None], {}),
        ("23", "invoices", ["10.00", "20.00", None], {"not_a_sale": 1}),
        # nobody knows the word: it counts, and is told
        ("22", "unknown-words", ["10.00", "20.00", "30.00"], {}),
    ],
)
def test_three_lines_come_to_what_they_brought(
    shops: Published, place: str, name: str, net: list[str | None], set_aside: dict[str, int]
) -> None:
    assert _net(shops, place) == net
    assert shops.set_aside(f"{name}/") == set_aside


def test_amounts_in_another_currency_are_told(shops: Published) -> None:
    assert shops.is_told("signs/s.csv", "EUR", "USD")


def test_words_that_nobody_knows_are_told_and_no_others(shops: Published) -> None:
    (told,) = [warning for warning in shops.outcome.checks_warned if "words that nobody knows" in warning]
    (words, _, _) = told.partition("words that nobody knows")[2].partition("If some of them")
    assert 'unknown-words/s.csv: kind "Gutschein" on 1 line with 20.00' in words
    # a minus is no matter of course where returns have a word
    assert 'account/s.csv: kind "Cashback Share" on 1 line with -1.00' in words.replace("\u2212", "-")
    assert words.count(".csv") == 2


def test_the_accounts_hold_every_line(shops: Published) -> None:
    # 201 of the shop; three each, with a refund, a credit memo, four sums, the third line and all four once more, and
    # five movements; six of an account
    assert shops.rows("select sum(row_count) from marts.row_accounting") == [
        (201 + 15 * 3 + 1 + 1 + 4 + 1 + 4 + 5 + 6,)
    ]
