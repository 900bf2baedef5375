"""Columns that look like a status or a currency are told of, with their values, when nothing uses them."""

from collections.abc import Sequence

import pytest
import xlsxwriter

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from tests.warehouse.test_mappings import WRITERS, Write, every_format, use
from warehouse.readers.roles import headers_with_a_role


def unused(shop: Shop) -> list[tuple[object, ...]]:
    return shop.rows("select header, role, value, lines from raw.unused_columns order by header, lines desc, value")


@pytest.mark.parametrize(
    ("header", "role"),
    [
        *[(name, "status") for name in ("Status", "Order Status", "order-status", "FinancialStatus", "payment_status")],
        *[(name, "status") for name in ("Fulfillment Status", "Cancelled at", "isCanceled", "Storno", "Bestellstatus")],
        *[(name, "status") for name in ("Zahlungsstatus", "Statut", "Estado", "Stato ordine", "Order State", "Voided")],
        *[(name, "currency") for name in ("Currency", "currency_code", "Order Currency", "Währung", "Waehrung")],
        *[(name, "currency") for name in ("Devise", "Moneda", "Valuta", "Customer Currency")],
        *[(name, None) for name in ("Country", "Shipping State", "Billing Province State", "ship-state", "Estate")],
        *[(name, None) for name in ("Marital Status", "Customer status", "Tax Status", "Stock status", "Cancelled by")],
        *[(name, None) for name in ("Currency rate", "Cancellation reason", "Quantity", "Till", "Product type")],
        ("Statement", None),
        *[
            (name, "refund")
            for name in ("Refunded Amount", "Amount Refunded", "Quantity refunded", "Refunds", "Returned")
        ],
        *[
            (name, "refund")
            for name in ("Rückerstattungsbetrag", "Montant remboursé", "Returned Qty", "Partial Refunds")
        ],
        *[(name, None) for name in ("Refunded date (UTC)", "Refund reason", "Refundable", "Return window")],
        # what tills, databases and analysts call a line that no longer holds, or came back
        *[(name, "status") for name in ("Void?", "is_void", "is_deleted", "Deleted", "deleted_at")],
        *[(name, "refund") for name in ("is_returned", "Return Flag", "Item Returned", "Units Returned", "Retoure")],
        *[(name, "refund") for name in ("Retourné", "Devuelto", "Devolución", "Devolvido", "Gutschrift", "Zwrot")],
        *[(name, None) for name in ("Return date", "Rückgabedatum", "Deleted by", "Avoid", "Return policy", "Resort")],
        *[(name, "status") for name in ("Paid", "is_paid", "Unpaid", "Bezahlt?", "Payé", "Pagado", "Zapłacone")],
        *[(name, None) for name in ("Paid by", "Paid in", "Prepaid card", "Pagamento", "Tax paid")],
        ("Refund status", "status"),
        *[(name, "kind") for name in ("Entry Type", "Movement type", "Vorgangsart", "Bewegungsart", "Billing Type")],
        *[(name, "kind") for name in ("Belegart", "Document Type", "Type", "Event Type", "Tipo de recibo")],
    ],
)
def test_the_header_tells_the_role(header: str, role: str | None) -> None:
    assert [found.role for found in headers_with_a_role([(0, header)])] == ([] if role is None else [role])


@pytest.mark.parametrize(
    "header",
    [
        *("Discount", "Line discount %", "Rabatt", "discount_amount", "値引き", "Discount Value", "Total Discount"),
        *("Promo Amount", "Promotion discount", "Coupon Value", "Voucher amount", "Rebate", "Markdown", "Nachlass"),
        *("Member Discount", "Disc. Amt", "discount_rate", "İndirim Tutarı", "Dto."),
    ],
)
def test_a_discount_may_come_off_where_lines_count_at_quantity_times_price(header: str) -> None:
    assert [found.role for found in headers_with_a_role([(0, header)], by_price=True)] == ["discount"]
    assert headers_with_a_role([(0, header)]) == ()


@pytest.mark.parametrize("header", ["Order Discount", "Cart discount amount", "Invoice Discount", "Belegrabatt"])
def test_a_discount_of_the_whole_order_is_told_from_that_of_a_line(header: str) -> None:
    assert [found.role for found in headers_with_a_role([(0, header)], by_price=True)] == ["order_discount"]
    assert headers_with_a_role([(0, header)]) == ()


@pytest.mark.parametrize(
    "header",
    [
        *("Discount Code", "Discount reason", "Discontinued", "Promo", "Promo code", "Coupon"),
        *("Discounted price", "Price before discount", "Desc", "Disc"),
    ],
)
def test_what_only_names_a_discount_is_none(header: str) -> None:
    assert headers_with_a_role([(0, header)], by_price=True) == ()


@pytest.mark.parametrize(
    ("columns", "is_told"),
    [({}, True), ({"line_amount": "Came to"}, False), ({"discount_amount": "Discount"}, False)],
    ids=["by price", "by amount", "taken off"],
)
def test_an_unread_discount_is_told_of_unless_amounts_are_after_it(
    shop: Shop, columns: dict[str, str], is_told: bool
) -> None:
    if columns:
        use(shop, columns=columns)
    shop.deliver("a.csv", f"{HEADER},Discount,Came to\n{LINE_A},2.00,13.30\n")
    shop.load()
    assert unused(shop) == ([("Discount", "discount", "2.00", 1)] if is_told else [])


def columns_of(header: str, values: Sequence[str | None]) -> list[tuple[str | None, ...]]:
    first = ("InvoiceNo", "StockCode", "Quantity", "Price", "InvoiceDate", header)
    return [first, *((str(n), "A", "1", "2.00", "2024-01-02", value) for n, value in enumerate(values))]


@every_format
def test_values_are_counted_in_every_format(shop: Shop, write: Write) -> None:
    write(shop, "a", columns_of("Order Status", ["completed", "completed ", "cancelled", None, "completed"]))
    shop.load(settle_wait_seconds=0.01)
    assert unused(shop) == [
        ("Order Status", "status", "completed", 3),
        ("Order Status", "status", "cancelled", 1),
        ("Order Status", "status", None, 1),
    ]


@pytest.mark.parametrize(
    ("header", "values", "is_told"),
    [
        ("State", ["CA", "NY", "TX", "CA"], False),
        ("State", ["paid", "cancelled", "paid", None], True),
        ("Stato", ["spedito", "annullato", "in attesa"], True),
        ("Estado", ["Jalisco", "Puebla", "cancelado"], False),
        ("Status", ["A", "B", "X9"], True),  # whatever its codes mean, it is one
        ("Status", [None, None], False),  # and a column without a value says nothing
    ],
)
def test_where_the_header_leaves_it_open_the_values_decide(
    shop: Shop, header: str, values: list[str | None], is_told: bool
) -> None:
    WRITERS["csv"](shop, "a", columns_of(header, values))
    shop.load()
    assert bool(unused(shop)) == is_told


LINES_WITH_TOTALS = (
    ("1", "A", "2", "10.00", "2024-01-02", "20.00"),
    ("1", "B", "1", "8.00", "2024-01-02", "5.00"),
    ("2", "A", "3", "10.00", "2024-01-03", "25.00"),
    ("2", "C", "1", "3.00", "2024-01-03", None),
    ("3", "A", "-1", "10.00", "2024-01-04", "-10.00"),
)


@every_format
def test_what_a_line_came_to_is_held_against_quantity_times_price(shop: Shop, write: Write) -> None:
    """3.00 and 5.00 came off two lines; one says nothing, one is a return."""
    header = ("InvoiceNo", "StockCode", "Quantity", "Price", "InvoiceDate", "Line Total")
    write(shop, "a", [header, *LINES_WITH_TOTALS])
    shop.load(settle_wait_seconds=0.01)
    assert unused(shop) == [
        ("Line Total", "amount", "25.00 for 3 × 10.00", 1),
        ("Line Total", "amount", "5.00 for 1 × 8.00", 1),
    ]


@pytest.mark.parametrize(
    "totals",
    [
        ["20.00", "8.00", "30.00"],
        # of the whole order, on each of its lines or on its first
        ["28.00", "28.00", "35.00"],
        ["28.00", None, "35.00"],
        # with tax on top, and without a fifth of it
        ["24.00", "9.60", "36.00"],
        ["16.67", "6.67", "25.00"],
        # without pennies
        ["20", "8", "30"],
    ],
    ids=["the same", "of orders", "of orders, once", "with tax", "without tax", "whole"],
)
def test_amounts_that_are_no_less_for_a_discount_are_left_alone(shop: Shop, totals: list[str | None]) -> None:
    header = ("InvoiceNo", "StockCode", "Quantity", "Price", "InvoiceDate", "Total")
    lines = [line[:5] for line in LINES_WITH_TOTALS[:3]]
    WRITERS["csv"](shop, "a", [header, *((*line, total) for line, total in zip(lines, totals, strict=True))])
    shop.load()
    assert unused(shop) == []


def test_an_amount_is_only_held_against_a_price_that_counts(shop: Shop) -> None:
    use(shop, columns={"line_amount": "Came to"})
    shop.deliver("a.csv", f"{HEADER},Line total,Came to\n{LINE_A},2.00,13.30\n")
    shop.load()
    assert unused(shop) == []


@every_format
def test_one_discount_on_all_lines_of_each_order_may_be_the_orders(shop: Shop, write: Write) -> None:
    """2.80 off order 1, not off each of its lines."""
    header = ("InvoiceNo", "StockCode", "Quantity", "Price", "InvoiceDate", "Discount")
    discounts = ("2.80", "2.80", "0.00", "0.00", "0.00")
    lines = [(*line[:5], discount) for line, discount in zip(LINES_WITH_TOTALS, discounts, strict=True)]
    write(shop, "a", [header, *lines])
    # on one line of an order it is that line's; per cent are of each
    write(shop, "b", [header, *((*line[:5], "2.80" if n == 1 else "0.00") for n, line in enumerate(lines))])
    write(shop, "c", [header, *((*line[:5], "10%" if n < 2 else "0%") for n, line in enumerate(lines))])
    shop.load(settle_wait_seconds=0.01)
    assert shop.rows("select left(_file_name, 1), role, value, lines from raw.unused_columns order by all") == [
        ("a", "order_discount", "0.00", 3),
        ("a", "order_discount", "2.80", 2),
        ("b", "discount", "0.00", 4),
        ("b", "discount", "2.80", 1),
        ("c", "discount", "0%", 3),
        ("c", "discount", "10%", 2),
    ]


@every_format
def test_what_a_line_with_a_minus_refunds_is_the_line_itself(shop: Shop, write: Write) -> None:
    """As in reports of sales that write returns as lines: the figure beside is told in the amount already."""
    use(shop, columns={"line_amount": "Net sales"})
    header = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "Net sales", "Returns")
    lines = [(*line[:3], line[4]) for line in LINES_WITH_TOTALS]
    returns = ["-9.00" if n == 1 else "0.00" for n in range(len(lines))]
    amounts = ["-9.00" if n == 1 else "9.00" for n in range(len(lines))]
    write(shop, "a", [header, *((*line, *two) for line, *two in zip(lines, amounts, returns, strict=True))])
    # beside a sale it is not
    write(shop, "b", [header, *((*line, "9.00", back) for line, back in zip(lines, returns, strict=True))])
    shop.load(settle_wait_seconds=0.01)
    found = shop.rows("select left(_file_name, 1), value, lines from raw.unused_columns where value <> '0.00'")
    assert found == [("b", "-9.00", 1)]


def test_at_most_two_hundred_values_of_a_column_are_kept_the_frequent_ones(shop: Shop) -> None:
    values = [f"code {number:03}" for number in range(250)] + ["code 249"]
    WRITERS["csv"](shop, "a", columns_of("Status", values))
    shop.load()
    assert shop.rows("select count(*), sum(lines) from raw.unused_columns") == [(200, 201)]
    assert unused(shop)[0] == ("Status", "status", "code 249", 2)


def test_a_column_that_is_mapped_or_ignored_is_not_told_of(shop: Shop) -> None:
    use(shop, columns={"currency": "Currency"}, ignore=["Order Status"])
    shop.deliver("a.csv", f"{HEADER},Currency,Order Status\n{LINE_A},EUR,paid\n")
    shop.load()
    assert unused(shop) == []
    assert shop.rows("select currency, status from raw.transactions") == [("EUR", None)]


def test_they_go_and_move_with_the_lines_of_their_file(shop: Shop) -> None:
    shop.deliver("a.csv", f"{HEADER},Currency\n{LINE_A},EUR\n")
    shop.deliver("b.csv", f"{HEADER},Currency\n{LINE_A},EUR\n")
    shop.load()
    shop.deliver("a.csv", f"{HEADER}\n{LINE_B}\n")
    shop.load()
    assert shop.rows("select _load_id, _file_name, value from raw.unused_columns") == [(2, "b.csv", "EUR")]
    assert shop.rows("select _load_id, _file_name from raw.deliveries order by 1") == [(2, "b.csv"), (3, "a.csv")]
    shop.deliver("b.csv", f"{HEADER}\n{LINE_A}\n")
    shop.load()
    assert unused(shop) == []
    assert shop.rows("select _load_id, _file_name from raw.deliveries order by 1") == [(3, "a.csv"), (4, "b.csv")]


def test_the_sheets_of_a_workbook_are_counted_together(shop: Shop) -> None:
    with xlsxwriter.Workbook(str(shop.landing / "a.xlsx")) as book:
        for name, values in (("January", ["GBP", "GBP"]), ("February", ["GBP", "JPY"])):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(columns_of("Currency", values)):
                sheet.write_row(number, 0, row)
    shop.load(settle_wait_seconds=0.01)
    assert unused(shop) == [("Currency", "currency", "GBP", 3), ("Currency", "currency", "JPY", 1)]


def test_a_line_that_could_not_be_split_counts_for_none(shop: Shop) -> None:
    shop.deliver("a.csv", f"{HEADER},Currency\n{LINE_A},EUR\nbroken\n")
    shop.load()
    assert unused(shop) == [("Currency", "currency", "EUR", 1)]
