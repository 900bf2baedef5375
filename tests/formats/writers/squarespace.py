"""Squarespace's export of orders.

Belongs here: ``orders.csv``. Does not belong here: Shopify.

Every field is quoted. Later rows of an order have its number and the line, not even the day.
Discounts stand at the order alone; the shop charges no tax there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import SHOP_ZONE, ZERO, Customer, Feature, Order, Product
from tests.formats.writers.common import (
    NON_PRODUCT,
    NOT_A_SALE,
    RETURN,
    SALE,
    CanTell,
    Excerpt,
    ExpectedLine,
    Part,
    Row,
    Writer,
    columns,
    money,
    table,
    whole,
)
from tests.formats.writers.shopify import returns_by_amount

HEADERS = columns("""
    Order ID, Email, Financial Status, Paid at, Fulfillment Status, Fulfilled at, Currency, Subtotal, Shipping, Taxes,
    Amount Refunded, Total, Discount Code, Discount Amount, Shipping Method, Created at, Lineitem quantity,
    Lineitem name, Lineitem price, Lineitem sku, Lineitem variant, Lineitem requires shipping, Lineitem taxable,
    Lineitem fulfillment status, Billing Name, Billing Address1, Billing Address2, Billing City, Billing Zip,
    Billing Province, Billing Country, Billing Phone, Shipping Name, Shipping Address1, Shipping Address2,
    Shipping City, Shipping Zip, Shipping Province, Shipping Country, Shipping Phone, Cancelled at, Private Notes,
    Channel Type, Channel Name, Channel Order Number, Payment Method, Payment Reference
""")

STAMP = "%Y-%m-%d %H:%M:%S %z"


class Squarespace(Writer):
    """Quirk ``subtotal_after_discount``: the discount is off the subtotal already."""

    name = "squarespace_orders"
    file_name = "orders.csv"
    can_tell: ClassVar[CanTell] = {Part.SOLD: frozenset({Feature.OPEN}), Part.KEPT: frozenset({Feature.OPEN})}

    def customer(self, customer: Customer | None) -> str | None:
        return customer.email if customer else None

    def content(self, excerpt: Excerpt, *, subtotal_after_discount: bool = False, **quirks: Any) -> bytes:
        rows = [row for order in reversed(excerpt.begun) for row in _rows(order, subtotal_after_discount)]
        return table(HEADERS, rows, quoted="always").encode()

    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        return [line for order in excerpt.begun for line in self._lines_of(order)]

    def _lines_of(self, order: Order) -> list[ExpectedLine]:
        def line(product: Product | None, quantity: Decimal, net: Decimal, kind: str) -> ExpectedLine:
            return ExpectedLine(
                invoice=_number(order),
                invoiced_at=order.local_at,
                stock_code=(product.sku or _title(product)) if product else None,
                description=_title(product) if product else None,
                quantity=quantity,
                line_net=net,
                customer=self.customer(order.customer),
                country=order.country,
                kind=kind,
                order=order.number,
            )

        is_sale = order.paid_at is not None or order.cancelled_at is None
        nets = order.evenly_spread_nets
        found = [
            line(sold.product, sold.units, net, (SALE if sold.is_product else NON_PRODUCT) if is_sale else NOT_A_SALE)
            for sold, net in zip(order.lines, nets, strict=True)
        ]
        for position, units, net in returns_by_amount(order, nets):
            product = order.lines[position].product if position is not None else None
            found.append(line(product, -units, -net, RETURN))
        return found


def _number(order: Order) -> str:
    return f"{100 + order.number:05d}"


def _title(product: Product) -> str:
    return f"{product.name} {product.variant}" if product.variant else product.name


def _status(order: Order) -> str:
    if order.paid_at is None:
        # some are cancelled after the card was charged by mistake
        return "PAID" if order.cancelled_at and order.number % 2 else "PENDING"
    if order.is_fully_refunded:
        return "REFUNDED"
    return "PARTIALLY_REFUNDED" if order.refunds else "PAID"


def _rows(order: Order, subtotal_after_discount: bool) -> list[Row]:
    rows = [
        {
            "Order ID": _number(order),
            "Lineitem quantity": whole(line.units),
            "Lineitem name": line.product.name,
            "Lineitem price": money(line.gross / line.units),
            "Lineitem sku": line.product.sku or "",
            "Lineitem variant": line.product.variant,
            "Lineitem requires shipping": "true" if line.is_product else "false",
            "Lineitem taxable": "true" if line.is_product else "false",
            "Lineitem fulfillment status": "fulfilled",
        }
        for line in order.lines
    ]
    discount = order.line_discounts + order.code_discount
    # what was paid stays a sale, and is never shown as cancelled
    cancelled_at = order.cancelled_at if order.paid_at is None else None
    person = order.customer.name if order.customer else ""
    rows[0] |= {
        "Email": order.typed_email,
        "Financial Status": _status(order),
        "Paid at": order.paid_at.astimezone(SHOP_ZONE).strftime(STAMP) if order.paid_at else "",
        "Fulfillment Status": "FULFILLED",
        "Currency": "GBP",
        "Subtotal": money(order.gross - (discount if subtotal_after_discount else ZERO)),
        "Shipping": money(order.charged_shipping),
        "Taxes": "0.00",
        "Amount Refunded": money(order.refunded_amount),
        "Total": money(order.gross - discount + order.charged_shipping),
        "Discount Code": order.code,
        "Discount Amount": money(discount),
        "Shipping Method": "" if order.is_at_till else "Standard",
        "Created at": order.at.astimezone(SHOP_ZONE).strftime(STAMP),
        "Billing Name": person,
        "Billing Country": order.country,
        "Shipping Name": "" if order.is_at_till else person,
        "Shipping Country": "" if order.is_at_till else order.country,
        "Cancelled at": cancelled_at.astimezone(SHOP_ZONE).strftime(STAMP) if cancelled_at else "",
        "Channel Type": "pos" if order.is_at_till else "web",
        "Payment Method": "Stripe",
    }
    return rows
