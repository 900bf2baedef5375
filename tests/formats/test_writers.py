"""The invented history and its files, before any reader looks at them.

Belongs here: what the generator promises: the rule of refunds and the spreading of discounts on
cases worked out by hand, files that reconcile by what their own columns say, and truths that
agree with the files and with each other. Does not belong here: what is read from the files.

Files are read here as plainly as can be (``csv``, sums), with nothing of the product.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.formats.history import FIRST_DAY, LAST_NEWS, PLOTS, History, invented
from tests.formats.orders import ZERO, Customer, Feature, Line, Order, Refund, spread
from tests.formats.refund_rule import units_of_amount
from tests.formats.shelf import BLUE_BOWL, CHEESE, FOX_CARD, GREEN_BOWL, MUG, TEA_POT
from tests.formats.writers import WRITERS, ExpectedLine, Part, agreeing, comparable, expected_net
from tests.formats.writers.common import NON_PRODUCT, NOT_A_SALE, RETURN, SALE

Rows = list[dict[str, str]]

HEADERS = {
    "shopify_orders": 79,
    "woocommerce_items": 56,
    "woocommerce_advanced": 37,
    "square_items": 35,
    "etsy_order_items": 33,
    "ebay_orders": 80,
    "amazon_orders": 32,
    "squarespace_orders": 47,
    "loyverse_receipts": 23,
}
"""Columns of a real file of today."""


@pytest.fixture(scope="module")
def history() -> History:
    return invented()


def read(name: str, content: bytes) -> Rows:
    """Rows of a file under its header; eBay's frame is left out."""
    text = content.decode("utf-8-sig")
    if name == "amazon_orders":
        header, *lines = [line.split("\t") for line in text.splitlines()]
    else:
        header, *lines = [line for line in csv.reader(io.StringIO(text, newline="")) if any(line)]
    if name == "ebay_orders":
        lines = lines[:-2]
    assert {len(line) for line in lines} <= {len(header)}
    return [dict(zip(header, line, strict=True)) for line in lines]


def by(rows: Rows, column: str) -> dict[str, Rows]:
    """Rows of each order."""
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


def amount(text: str) -> Decimal:
    """``-£1,234.50`` as a number; nothing is nought."""
    return Decimal(text.replace("£", "").replace(",", "") or "0")


def told(lines: list[ExpectedLine], *kinds: str) -> dict[str, Decimal]:
    """Invoice to money of its lines of some kinds."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.kind in kinds:
            found[line.invoice] += line.line_net or 0
    return dict(found)


# --- the arithmetic, by hand --------------------------------------------------------------

CAROL = Customer(1, "Carol Crane", "carol@example.org", "carol1", "+447700900001", "France")
NOON = datetime(2025, 3, 30, 12, tzinfo=UTC)


def an_order(*lines: Line, refunds: tuple[Refund, ...] = (), shipping: str = "0.00", discount: str = "0.00") -> Order:
    code = "SAVE" if Decimal(discount) else ""
    return Order(
        1, NOON, lines, CAROL, CAROL.email, code=code, code_discount=Decimal(discount), shipping=Decimal(shipping),
        paid_at=NOON, refunds=refunds,
    )  # fmt: skip


def lines_of(name: str, order: Order) -> list[tuple[str | None, Decimal, Decimal | None, str]]:
    expected = WRITERS[name].expected(History((order,), (CAROL,)))
    return [(line.stock_code, line.quantity, line.line_net, line.kind) for line in expected]


class TestSpreading:
    def test_five_pounds_off_two_mugs_and_a_tea_pot(self) -> None:
        # 20.00 and 30.00 of 50.00: 2.00 and 3.00
        order = an_order(Line(MUG, Decimal(2)), Line(TEA_POT, Decimal(1)), discount="5.00")
        assert order.nets == (Decimal("18.00"), Decimal("27.00"))

    def test_the_last_takes_the_rest(self) -> None:
        # a third of a pound each, 0.33 to the cent: the last has 0.34
        assert spread(Decimal("1.00"), [Decimal(5)] * 3) == (Decimal("0.33"), Decimal("0.33"), Decimal("0.34"))

    def test_a_code_is_shared_by_what_is_left_after_the_discount_of_a_line(self) -> None:
        # 20.00 less 5.00 is 15.00, and 30.00: a third and two thirds of 4.50
        order = an_order(Line(MUG, Decimal(2), Decimal("5.00")), Line(TEA_POT, Decimal(1)), discount="4.50")
        assert order.nets == (Decimal("13.50"), Decimal("27.00"))
        # one discount of 9.50 for systems that know no other: 3.80 and 5.70
        assert order.evenly_spread_nets == (Decimal("16.20"), Decimal("24.30"))


class TestWhatCameBack:
    @pytest.mark.parametrize(
        ("refunded", "lines", "units"),
        [
            ("10.00", [("20.00", 2), ("30.00", 1)], {0: 1}),
            ("30.00", [("20.00", 2), ("30.00", 1)], {1: 1}),
            ("40.00", [("20.00", 2), ("30.00", 1)], {0: 1, 1: 1}),
            # one line before two: three cards, not a mug and a card
            ("12.00", [("8.00", 1), ("20.00", 5)], {1: 3}),
            # three cards or two prints
            ("12.00", [("8.00", 1), ("20.00", 5), ("18.00", 3)], None),
            # either bowl
            ("12.00", [("24.00", 2), ("12.00", 1)], None),
            # 10.00 for three is 3.333… each; only all three come to whole cents
            ("3.33", [("10.00", 3)], None),
            ("10.00", [("10.00", 3)], {0: 3}),
            ("4.56", [("20.00", 2), ("30.00", 1)], None),
        ],
    )
    def test_units_of_an_amount(
        self, refunded: str, lines: list[tuple[str, int]], units: dict[int, int] | None
    ) -> None:
        assert units_of_amount(Decimal(refunded), [(Decimal(net), count) for net, count in lines]) == units

    def test_a_bowl_is_told_by_lines_and_open_by_amount(self) -> None:
        refund = Refund(NOON + timedelta(days=3), ((0, Decimal(1)),))
        order = an_order(Line(BLUE_BOWL, Decimal(2)), Line(GREEN_BOWL, Decimal(1)), refunds=(refund,))
        sold = [("BB-1", 2, Decimal("24.00"), SALE), ("BB-2", 1, Decimal("12.00"), SALE)]
        assert lines_of("woocommerce_items", order) == [*sold, ("BB-1", -1, Decimal("-12.00"), RETURN)]
        assert lines_of("shopify_orders", order) == [*sold, (None, -1, Decimal("-12.00"), RETURN)]
        assert lines_of("amazon_orders", order) == sold
        # 1 × 12.00 is left of the blue ones
        assert lines_of("woocommerce_advanced", order) == [("BB-1", 1, Decimal("12.00"), SALE), sold[1]]

    def test_goods_and_a_part_of_shipping_count_for_the_goods(self) -> None:
        refund = Refund(NOON + timedelta(days=3), ((0, Decimal(2)),), shipping=Decimal("1.50"))
        order = an_order(Line(MUG, Decimal(2)), refunds=(refund,), shipping="4.00")
        mugs = Decimal("20.00")
        assert lines_of("shopify_orders", order) == [("MUG-1", 2, mugs, SALE), ("MUG-1", -2, -mugs, RETURN)]
        (row,) = read("shopify_orders", WRITERS["shopify_orders"].exported(History((order,), (CAROL,))))
        assert (row["Financial Status"], row["Refunded Amount"], row["Total"]) == (
            "partially_refunded",
            "21.50",
            "24.00",
        )

    def test_a_refund_has_a_receipt_and_a_day_of_its_own_at_a_till(self) -> None:
        refund = Refund(NOON + timedelta(days=3), ((0, Decimal("0.350")),))
        order = an_order(Line(CHEESE, Decimal("0.350")), Line(FOX_CARD, Decimal(1)), refunds=(refund,))
        for name in ("square_items", "loyverse_receipts"):
            cheese, _, returned = WRITERS[name].expected(History((order,), (CAROL,)))
            assert (cheese.quantity, cheese.line_net) == (Decimal("0.350"), Decimal("7.00"))
            assert (returned.quantity, returned.line_net) == (Decimal("-0.350"), Decimal("-7.00"))
            assert returned.invoice != cheese.invoice
            assert (cheese.invoiced_at, returned.invoiced_at) == (datetime(2025, 3, 30, 13), datetime(2025, 4, 2, 13))


# --- the history ----------------------------------------------------------------------------


class TestHistory:
    def test_the_same_seed_gives_the_same_history_and_another_another(self, history: History) -> None:
        assert invented() == history
        assert invented(seed=8) != history

    def test_it_has_all_that_it_is_about(self, history: History) -> None:
        assert len(history.orders) == 300
        assert sum(PLOTS.values()) <= 100, "a hundred orders have every plot"
        features = Counter(feature for order in history.orders for feature in order.features)
        assert min(features[feature] for feature in Feature) >= 3
        assert sum(order.customer is None for order in history.orders) > 15
        assert {order.country for order in history.orders} == {"United Kingdom", "France", "Germany"}
        assert sum(bool(order.struck) for order in history.orders) >= 3
        assert sum(bool(order.tip) for order in history.orders) >= 6
        assert sum(len(order.refunds) > 1 for order in history.orders) >= 3
        assert sum(len(set(order.lines)) < len(order.lines) for order in history.orders) >= 9

    def test_little_of_it_was_never_paid(self, history: History) -> None:
        unpaid = [order for order in history.orders if order.paid_at is None]
        assert len(history.orders) / 50 < len(unpaid) < len(history.orders) / 10

    def test_both_hours_that_come_twice_are_told_apart_by_their_offset(self, history: History) -> None:
        text = WRITERS["shopify_orders"].exported(history).decode()
        assert "2024-10-27 01:30:00 +0100" in text
        assert "2024-10-27 01:30:00 +0000" in text
        assert "2025-03-30 00:59:59 +0000" in text
        assert "2025-03-30 02:00:00 +0100" in text

    def test_midnight_in_the_shop_is_another_day_in_greenwich(self, history: History) -> None:
        rows = read("amazon_orders", WRITERS["amazon_orders"].exported(history))
        assert "2025-06-30T23:30:00+00:00" in {row["purchase-date"] for row in rows}
        for name in WRITERS:
            days = {line.invoiced_at.date() for line in WRITERS[name].expected(history)}
            assert date(2025, 7, 1) in days

    def test_an_earlier_export_shows_nothing_that_came_later(self, history: History) -> None:
        day = date(2025, 6, 15)
        shown = history.as_exported(on=day)
        end = datetime(2025, 6, 15, 23, tzinfo=UTC)  # midnight in summer time
        happened = [
            at
            for order in shown.orders
            for at in (order.at, order.paid_at, order.cancelled_at, *(refund.at for refund in order.refunds))
            if at is not None
        ]
        assert max(happened) < end
        assert len(shown.orders) == sum(order.at < end for order in history.orders)
        changed = sum(order != later for order, later in zip(shown.orders, history.orders, strict=False))
        assert changed >= 3, "some refund, payment or cancellation came later"
        assert history.as_exported(on=LAST_NEWS) == history


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
class TestEveryFile:
    def test_its_header_has_every_column_once(self, name: str, history: History) -> None:
        columns = read(name, WRITERS[name].exported(history))[0]
        assert len(columns) == HEADERS[name]

    def test_it_is_written_to_a_folder_under_the_name_that_the_system_gives(
        self, name: str, history: History, tmp_path: Path
    ) -> None:
        path = WRITERS[name].write(history, tmp_path)
        assert path == tmp_path / WRITERS[name].file_name
        assert path.read_bytes() == WRITERS[name].exported(history)

    def test_it_has_a_row_for_every_line_that_is_no_return(self, name: str, history: History) -> None:
        rows = read(name, WRITERS[name].exported(history))
        expected = WRITERS[name].expected(history)
        if name in ("square_items", "loyverse_receipts"):
            assert len(rows) == len(expected)
        else:
            if name == "ebay_orders":
                rows = [row for row in rows if row["Item Number"]]
            assert len(rows) == sum(line.kind != RETURN for line in expected)

    def test_two_halves_are_the_whole(self, name: str, history: History) -> None:
        half = date(2025, 4, 15)
        earlier = WRITERS[name].expected(history, until=half)
        later = WRITERS[name].expected(history, since=half + timedelta(days=1))
        assert earlier
        assert later
        key = repr
        assert sorted([*earlier, *later], key=key) == sorted(WRITERS[name].expected(history), key=key)
        assert max(line.invoiced_at.date() for line in earlier) <= half

    def test_no_customer_has_two_names_and_no_name_two_customers(self, name: str, history: History) -> None:
        keys = [WRITERS[name].customer(customer) for customer in history.customers]
        if WRITERS[name].can_tell_customers:
            assert len(set(keys)) == len(history.customers)
        else:
            assert set(keys) == {None}
        assert WRITERS[name].customer(None) is None

    @pytest.mark.parametrize("seed", [1, 2])
    def test_a_short_history_is_written_too(self, name: str, seed: int) -> None:
        short = invented(seed=seed, orders=25, customers=6)
        assert len(short.orders) == 25
        assert read(name, WRITERS[name].exported(short))


class TestReconciling:
    """Sums that the columns of a file promise, and the expected lines against them."""

    def test_shopify(self, history: History) -> None:
        orders = by(read("shopify_orders", WRITERS["shopify_orders"].exported(history)), "Name")
        expected = WRITERS["shopify_orders"].expected(history)
        goods = told(expected, SALE, NON_PRODUCT, NOT_A_SALE)
        returned = told(expected, RETURN)
        assert len(orders) == 300
        spread_over_lines = 0
        for number, (first, *later) in orders.items():
            gross = sum(
                amount(row["Lineitem quantity"]) * amount(row["Lineitem price"])
                for row in (first, *later)
                if row["Lineitem name"] != "Tip"
            )
            tips = sum(amount(row["Lineitem price"]) for row in (first, *later) if row["Lineitem name"] == "Tip")
            on_shipping = amount(first["Shipping"]) if first["Discount Code"] == "FREESHIP" else ZERO
            on_goods = amount(first["Discount Amount"]) - on_shipping
            assert gross - on_goods == amount(first["Subtotal"])
            assert amount(first["Total"]) == amount(first["Subtotal"]) + amount(first["Shipping"]) - on_shipping + tips
            assert goods[number] == amount(first["Subtotal"]) + tips
            spread_over_lines += on_goods > sum(amount(row["Lineitem discount"]) for row in (first, *later))
            assert -returned.get(number, ZERO) <= amount(first["Refunded Amount"]) <= amount(first["Total"])
            assert (first["Financial Status"] == "refunded") == (
                0 < amount(first["Total"]) == amount(first["Refunded Amount"])
            )
            for row in later:
                kept = {"Name", "Email", "Phone", "Created at", "Vendor"}
                assert {column for column, text in row.items() if text and not column.startswith("Lineitem")} <= kept
                assert [row[column] for column in kept] == [first[column] for column in kept]
        assert spread_over_lines > 20

    def test_shopify_with_tax_on_top(self, history: History) -> None:
        content = WRITERS["shopify_orders"].exported(history, tax_on_top=True)
        taxed = 0
        for first, *later in by(read("shopify_orders", content), "Name").values():
            tips = sum(amount(row["Lineitem price"]) for row in (first, *later) if row["Lineitem name"] == "Tip")
            shipping = ZERO if first["Discount Code"] == "FREESHIP" else amount(first["Shipping"])
            assert amount(first["Total"]) == amount(first["Subtotal"]) + shipping + tips + amount(first["Taxes"])
            taxed += first["Taxes"] != "0.00"
        assert taxed > 100

    def test_woocommerce(self, history: History) -> None:
        orders = by(read("woocommerce_items", WRITERS["woocommerce_items"].exported(history)), "order_number")
        expected = WRITERS["woocommerce_items"].expected(history)
        goods, returned = told(expected, SALE, NON_PRODUCT, NOT_A_SALE), told(expected, RETURN)
        by_hand = 0
        for number, rows in orders.items():
            first = rows[0]
            whole = sum(amount(row["item_total"]) for row in rows)
            more = sum(amount(first[column]) for column in ("shipping_total", "fee_total", "tax_total"))
            assert whole + more == amount(first["order_total"])
            assert sum(amount(row["item_subtotal"]) for row in rows) - whole == amount(first["discount_total"])
            assert goods[number] == whole
            on_lines = sum(amount(row["item_refunded"]) for row in rows)
            assert (first["status"] == "refunded") == (
                0 < amount(first["order_total"]) == amount(first["refunded_total"])
            )
            if on_lines:
                assert returned[number] == -on_lines
                assert all((row["item_refunded"] == "0.00") == (row["item_refunded_qty"] == "0") for row in rows)
            elif amount(first["refunded_total"]) and first["status"] == "refunded":
                by_hand += 1
                assert returned[number] == -whole
            else:
                assert returned.get(number, ZERO) == -amount(first["refunded_total"])
            for row in rows[1:]:
                assert {c for c in row if row[c] != first[c]} <= {c for c in row if c.startswith("item_")}
        assert by_hand >= 2

    def test_advanced_order_export(self, history: History) -> None:
        rows = read("woocommerce_advanced", WRITERS["woocommerce_advanced"].exported(history))
        goods = told(WRITERS["woocommerce_advanced"].expected(history), SALE, NON_PRODUCT, NOT_A_SALE)
        for number, order in by(rows, "Order Number").items():
            left = sum(amount(row["Quantity (- Refund)"]) * amount(row["Item Cost"]) for row in order)
            assert goods[number] == left
        assert any(row["Quantity (- Refund)"] == "0" for row in rows)
        assert {"Completed", "Processing", "Refunded", "Cancelled"} <= {row["Order Status"] for row in rows}

    def test_square(self, history: History) -> None:
        rows = read("square_items", WRITERS["square_items"].exported(history))
        expected = WRITERS["square_items"].expected(history)
        for row in rows:
            assert amount(row["Net Sales"]) == amount(row["Gross Sales"]) + amount(row["Discounts"])
            sign = -1 if row["Event Type"] == "Refund" else 1
            assert all(sign * amount(row[column]) >= 0 for column in ("Qty", "Gross Sales", "Net Sales", "Tax"))
            assert not (row["Event Type"] == "Refund" and row["Customer ID"])
        net = {
            number: sum(amount(row["Net Sales"]) for row in lines)
            for number, lines in by(rows, "Transaction ID").items()
        }
        assert net == told(expected, SALE, NON_PRODUCT, RETURN)
        assert any(amount(row["Qty"]) % 1 for row in rows)
        assert any(row["Gross Sales"] == "£1,250.00" for row in rows)

    def test_etsy(self, history: History) -> None:
        rows = read("etsy_order_items", WRITERS["etsy_order_items"].exported(history))
        net = {}
        above_own_row = 0
        for number, (first, *later) in by(rows, "Order ID").items():
            for row in (first, *later):
                assert amount(row["Item Total"]) == amount(row["Quantity"]) * amount(row["Price"])
                assert re.fullmatch(r"\d\d/\d\d/\d\d", row["Sale Date"])
                assert re.fullmatch(r"\d\d/\d\d/20\d\d", row["Date Paid"])
            for column in ("Discount Amount", "Shipping Discount", "Order Shipping", "Order Sales Tax"):
                assert all(amount(row[column]) == 0 for row in later)
            net[number] = sum(amount(row["Item Total"]) for row in (first, *later)) - amount(first["Discount Amount"])
            above_own_row += amount(first["Discount Amount"]) > amount(first["Item Total"])
        assert net == told(WRITERS["etsy_order_items"].expected(history), SALE)
        assert above_own_row >= 3

    @pytest.mark.parametrize("british", [False, True])
    def test_ebay(self, history: History, british: bool) -> None:
        content = WRITERS["ebay_orders"].exported(history, british=british)
        expected = told(WRITERS["ebay_orders"].expected(history), SALE, NOT_A_SALE)
        shipping = "Postage And Handling" if british else "Shipping And Handling"
        records = by(read("ebay_orders", content), "Sales Record Number")
        frame = content.decode().split("\n")
        assert set(frame[0]) == set(frame[2]) == {","}
        assert frame[-3].startswith(f"{len(records)},record(s) downloaded,from ")
        several = 0
        for number, rows in records.items():
            first, items = rows[0], rows[1:] or rows
            sold = sum(amount(row["Quantity"]) * amount(row["Sold For"]) for row in items)
            assert sold + amount(first[shipping]) == amount(first["Total Price"])
            if len(rows) > 1:
                several += 1
                assert (first["Item Number"], first["Custom Label"]) == ("", "")
                assert amount(first["Sold For"]) == sold
                assert amount(first["Quantity"]) == sum(amount(row["Quantity"]) for row in items)
                assert all(row["Item Number"] and not row["Total Price"] and not row["Paid On Date"] for row in items)
            assert expected[first["Order Number"] or number] == sold
            assert bool(first["Order Number"]) == bool(first["Paid On Date"])
        assert several > 100
        assert sum(not rows[0]["Paid On Date"] for rows in records.values()) >= 3

    def test_amazon(self, history: History) -> None:
        content = WRITERS["amazon_orders"].exported(history)
        rows = read("amazon_orders", content)
        net: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", row["purchase-date"])
            if row["item-status"] == "Shipped":
                net[row["amazon-order-id"]] += amount(row["item-price"]) - amount(row["item-promotion-discount"])
            assert (row["item-status"] == "Unshipped") == (row["item-price"] == "")
        assert dict(net) == told(WRITERS["amazon_orders"].expected(history), SALE)
        assert any(row["product-name"].count('"') == 1 and row["product-name"].startswith('"') for row in rows)
        assert any(row["item-status"] == "Cancelled" and row["order-status"] == "Shipped" for row in rows)
        assert any(row["item-status"] == "Cancelled" and row["quantity"] == "0" for row in rows)
        assert WRITERS["amazon_orders"].exported(history, encoding="cp1252").decode("cp1252") == content.decode()

    @pytest.mark.parametrize("after", [False, True])
    def test_squarespace(self, history: History, after: bool) -> None:
        content = WRITERS["squarespace_orders"].exported(history, subtotal_after_discount=after)
        goods = told(WRITERS["squarespace_orders"].expected(history), SALE, NON_PRODUCT, NOT_A_SALE)
        for number, (first, *later) in by(read("squarespace_orders", content), "Order ID").items():
            gross = sum(amount(row["Lineitem quantity"]) * amount(row["Lineitem price"]) for row in (first, *later))
            subtotal, discount = amount(first["Subtotal"]), amount(first["Discount Amount"])
            assert subtotal == (gross - discount if after else gross)
            assert amount(first["Total"]) == gross - discount + amount(first["Shipping"]) + amount(first["Taxes"])
            assert goods[number] == gross - discount
            for row in later:
                assert {c for c in row if row[c]} <= {"Order ID", *(c for c in row if c.startswith("Lineitem"))}

    @pytest.mark.parametrize("places", [2, 3])
    def test_loyverse(self, history: History, places: int) -> None:
        rows = read("loyverse_receipts", WRITERS["loyverse_receipts"].exported(history, money_places=places))
        for row in rows:
            assert amount(row["Net sales"]) == amount(row["Gross sales"]) - amount(row["Discounts"])
            assert (row["Receipt type"] == "Refund") == (amount(row["Quantity"]) < 0)
            assert re.fullmatch(r"-?\d+\.\d{3}", row["Quantity"])
        receipts = by(rows, "Receipt number").items()
        net = {number: sum(amount(row["Net sales"]) for row in lines) for number, lines in receipts}
        assert net == told(WRITERS["loyverse_receipts"].expected(history), SALE, RETURN, NOT_A_SALE)
        assert {row["Status"] for row in rows} == {"Closed", "Cancelled"}


# --- one truth --------------------------------------------------------------------------------


def per_order(name: str, history: History, part: Part) -> dict[int, Decimal]:
    """Money of a part by the history's number of the order."""
    kinds = (SALE,) if part is Part.SOLD else (SALE, RETURN)
    found: dict[int, Decimal] = defaultdict(Decimal)
    for line in WRITERS[name].expected(history):
        if line.kind in kinds:
            found[line.order] += line.line_net or 0
    return found


class TestOneTruth:
    @pytest.mark.parametrize("part", Part)
    def test_systems_agree_on_every_order_that_they_can_tell(self, history: History, part: Part) -> None:
        orders = comparable(history, part)
        assert len(orders) > 150
        told_by = {}
        for name in agreeing(part):
            money = per_order(name, history, part)
            told_by[name] = {order: money.get(order, ZERO) for order in orders}
        assert len(told_by) == {Part.SOLD: 9, Part.KEPT: 6}[part]
        assert [name for name in told_by if told_by[name] != told_by["woocommerce_items"]] == []

    @pytest.mark.parametrize("name", WRITERS)
    def test_a_system_differs_from_one_that_tells_all_only_where_it_is_said_to(
        self, history: History, name: str
    ) -> None:
        for part in WRITERS[name].can_tell:
            full, own = per_order("woocommerce_items", history, part), per_order(name, history, part)
            differing = {
                order.number for order in history.orders if full.get(order.number, 0) != own.get(order.number, 0)
            }
            assert not differing & comparable(history, part, [name])
            # each excuse is needed
            blamed = {f for order in history.orders if order.number in differing for f in order.features}
            assert WRITERS[name].can_tell[part] <= blamed

    def test_net_by_day_and_customer_adds_up_to_what_the_lines_bring(self, history: History) -> None:
        for name in WRITERS:
            net = expected_net(history, name)
            assert sum(net.values()) == sum(per_order(name, history, Part.KEPT).values())
            assert {customer for _, customer in net} <= {
                WRITERS[name].customer(customer) for customer in (*history.customers, None)
            }

    def test_systems_that_date_refunds_agree_day_by_day(self, history: History) -> None:
        spared = {order.number for order in history.orders if order.features & {Feature.ALLOWANCE, Feature.OPEN}}
        days: dict[str, dict[date, Decimal]] = {}
        for name in ("square_items", "loyverse_receipts"):
            days[name] = defaultdict(Decimal)
            for line in WRITERS[name].expected(history):
                if line.kind in (SALE, RETURN) and line.order not in spared:
                    days[name][line.invoiced_at.date()] += line.line_net or 0
        assert days["square_items"] == days["loyverse_receipts"]


# --- exports that overlap -----------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_the_newest_of_monthly_exports_tells_each_order_as_one_export_at_the_end(name: str, history: History) -> None:
    """So whoever lets the newest export of an order win has the whole truth."""
    newest: dict[str, list[ExpectedLine]] = {}
    changed: set[str] = set()
    day = FIRST_DAY
    while day < LAST_NEWS:
        day += timedelta(days=30)
        window: dict[str, list[ExpectedLine]] = defaultdict(list)
        for line in WRITERS[name].expected(history, since=day - timedelta(days=89), exported_on=day):
            window[line.invoice].append(line)
        changed |= {invoice for invoice, lines in window.items() if newest.get(invoice, lines) != lines}
        newest |= window
    final: dict[str, list[ExpectedLine]] = defaultdict(list)
    for line in WRITERS[name].expected(history, exported_on=day):
        final[line.invoice].append(line)
    # an unpaid record of eBay's gets another number with the payment, and goes with the cancellation
    gone = [line for invoice in newest.keys() - final.keys() for line in newest[invoice]]
    assert {line.kind for line in gone} <= ({NOT_A_SALE} if name == "ebay_orders" else set())
    differing = [invoice for invoice in final if newest.get(invoice) != final[invoice]]
    assert differing == []
    # what the others tell of an order changes; here a refund is news of its own, there nothing is told of it
    assert bool(changed) == (name not in ("square_items", "etsy_order_items", "ebay_orders"))
