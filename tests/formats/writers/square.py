"""Square's items detail: one row per item sold or refunded.

Belongs here: ``items-….csv``. Does not belong here: its transactions file.

There is no price of a unit; a line has gross, discounts (negative) and net. Refunds are rows of
their own, on their own day, under a number of their own and without the customer. Voids, tips
and shipping are not in it. Weighed goods have three decimals.
"""

from __future__ import annotations

import string
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import HOME, Customer, Kind, Order, Product, on_shop_clock
from tests.formats.writers.common import (
    NON_PRODUCT,
    RETURN,
    SALE,
    CanTell,
    Excerpt,
    ExpectedLine,
    Part,
    Row,
    Writer,
    columns,
    pounds,
    table,
    token,
)

HEADERS = columns("""
    Date, Time, Time Zone, Category, Item, Qty, Price Point Name, SKU, Modifiers Applied, Gross Sales, Discounts,
    Net Sales, Tax, Transaction ID, Payment ID, Device Name, Notes, Details, Event Type, Location, Dining Option,
    Customer ID, Customer Name, Customer Reference ID, Unit, Count, GTIN, Itemization Type, Commission, Employee,
    Fulfillment Note, Channel, Token, Card Brand, PAN Suffix
""")

CUSTOM = "Custom Amount"
MIXED_CASE = string.ascii_letters + string.digits


class Square(Writer):
    """An allowance is a refund of a custom amount, which names no product."""

    name = "square_items"
    file_name = "items-2024-09-16-2026-01-10.csv"
    can_tell: ClassVar[CanTell] = {Part.SOLD: frozenset(), Part.KEPT: frozenset()}

    def customer(self, customer: Customer | None) -> str | None:
        return token("square customer", customer.number, length=26) if customer else None

    def content(self, excerpt: Excerpt, **quirks: Any) -> bytes:
        events = sorted(self._events(excerpt), key=lambda event: event[0], reverse=True)
        return table(HEADERS, [row for _, row, _ in events], quoted="empty", header_quoted="where needed").encode()

    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        return [line for _, _, line in self._events(excerpt)]

    def _events(self, excerpt: Excerpt) -> list[tuple[datetime, Row, ExpectedLine]]:
        found = []
        for order in excerpt.orders:
            if order.paid_at is None:
                continue
            if excerpt.holds(order.at):
                for line, net in zip(order.lines, order.nets, strict=True):
                    quantity = line.quantity
                    found.append(self._event(order, order.at, "", line.product, quantity, line.gross, net))
            for number, refund in enumerate(order.refunds):
                if not excerpt.holds(refund.at):
                    continue
                for position, units in refund.units:
                    product = order.lines[position].product
                    gross = order.lines[position].gross if product.is_weighed else product.price * units
                    net = order.value_of(position, units)
                    found.append(self._event(order, refund.at, f"refund {number}", product, -units, -gross, -net))
                if refund.allowance:
                    product = Product(0, CUSTOM, refund.allowance, category="")
                    money = -refund.allowance
                    found.append(self._event(order, refund.at, f"refund {number}", product, Decimal(-1), money, money))
        return found

    def _event(
        self, order: Order, at: datetime, refund: str, product: Product, quantity: Decimal, gross: Decimal, net: Decimal
    ) -> tuple[datetime, Row, ExpectedLine]:
        local_at = on_shop_clock(at)
        transaction = token("square", order.number, refund, alphabet=MIXED_CASE)
        is_custom = product.name == CUSTOM
        point = "" if is_custom else product.variant or "Regular"
        title = f"{product.name} ({point})" if point else product.name
        is_card = product.kind is Kind.GIFT_CARD
        customer = None if refund else self.customer(order.customer)
        row = {
            "Date": local_at.strftime("%Y-%m-%d"),
            "Time": local_at.strftime("%H:%M:%S"),
            "Time Zone": "London",
            "Category": product.category or "None",
            "Item": product.name,
            # one decimal at least
            "Qty": f"{quantity:.3f}".rstrip("0") + ("0" if quantity == int(quantity) else ""),
            "Price Point Name": point,
            "SKU": product.sku or "",
            "Gross Sales": pounds(gross),
            "Discounts": pounds(net - gross),
            "Net Sales": pounds(net),
            "Tax": pounds(net - net if is_card else order.tax_on(net)),
            "Transaction ID": transaction,
            "Payment ID": token("square payment", order.number, refund, alphabet=MIXED_CASE),
            "Device Name": "Till 1",
            "Event Type": "Refund" if refund else "Payment",
            "Location": "High Street",
            "Customer ID": customer or "",
            "Customer Name": order.customer.name if customer and order.customer and order.number % 2 else "",
            "Unit": "kg" if product.is_weighed else "ea",
            "Count": str((-1 if refund else 1) if product.is_weighed else int(quantity)),
            "Itemization Type": "Gift Card" if is_card else CUSTOM if is_custom else "Physical Good",
            "Channel": "High Street",
        }
        line = ExpectedLine(
            invoice=transaction,
            invoiced_at=local_at,
            stock_code=product.sku or title,
            description=title,
            quantity=quantity,
            line_net=net,
            customer=customer,
            country=HOME,
            kind=NON_PRODUCT if is_card else RETURN if refund else SALE,
            order=order.number,
        )
        return at, row, line
