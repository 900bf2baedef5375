"""Amazon's report of all orders, a flat file.

Belongs here: that file. Does not belong here: settlements and returns, which are others.

Tabs and no quoting, so that a name may begin with a lone quote. Times are UTC. Prices and
discounts are for the whole line. Cancelled lines stay; orders that wait have no price yet.
Nobody is named, and nothing that came back can be seen.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import COUNTRY_CODES, ZERO, Customer, Line, Order, Product
from tests.formats.writers.common import (
    NOT_A_SALE,
    SALE,
    CanTell,
    Excerpt,
    ExpectedLine,
    Part,
    Row,
    Writer,
    columns,
    goods,
    money,
    table,
    whole,
)

HEADERS = columns("""
    amazon-order-id, merchant-order-id, purchase-date, last-updated-date, order-status, fulfillment-channel,
    sales-channel, order-channel, url, ship-service-level, product-name, sku, asin, item-status, quantity, currency,
    item-price, item-tax, shipping-price, shipping-tax, gift-wrap-price, gift-wrap-tax, item-promotion-discount,
    ship-promotion-discount, ship-city, ship-state, ship-postal-code, ship-country, promotion-ids, is-business-order,
    purchase-order-number, price-designation
""")

STAMP = "%Y-%m-%dT%H:%M:%S+00:00"


class Amazon(Writer):
    """Quirk ``encoding``: ``utf-8`` from the pages, ``cp1252`` from the interface."""

    name = "amazon_orders"
    file_name = "all_orders.txt"
    can_tell: ClassVar[CanTell] = {Part.SOLD: frozenset()}
    can_tell_customers = False

    def customer(self, customer: Customer | None) -> str | None:
        return None

    def content(self, excerpt: Excerpt, *, encoding: str = "utf-8", **quirks: Any) -> bytes:
        rows = [row for order in excerpt.begun for row in _rows(order)]
        return table(HEADERS, rows, delimiter="\t", quoted="never").encode(encoding)

    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        found = []
        for order in excerpt.begun:
            for line, net, is_struck in _items(order):
                is_sale = order.paid_at is not None and not is_struck
                found.append(
                    ExpectedLine(
                        invoice=_number(order),
                        invoiced_at=order.local_at,
                        stock_code=line.product.sku or _asin(line.product),
                        description=_title(line.product),
                        quantity=_quantity(order, line, is_struck),
                        line_net=net if is_sale else None,
                        customer=None,
                        country=order.country,
                        kind=SALE if is_sale else NOT_A_SALE,
                        order=order.number,
                    )
                )
        return found


def _items(order: Order) -> list[tuple[Line, Decimal, bool]]:
    """Line, net and whether it was struck before it was sent."""
    sold = [(line, net, False) for _, line, net in goods(order)]
    return [*sold, *((line, line.gross, True) for line in order.struck)] if sold else []


def _number(order: Order) -> str:
    return f"026-{1_000_000 + order.number}-{order.number * 7919 % 10_000_000:07d}"


def _asin(product: Product) -> str:
    return f"B0X{product.number:07d}"


def _title(product: Product) -> str:
    # a flat file has one line for a name
    name = " ".join(product.name.split())
    return f"{name} {product.variant}" if product.variant else name


def _is_cancelled(order: Order) -> bool:
    return order.paid_at is None and order.cancelled_at is not None


def _quantity(order: Order, line: Line, is_struck: bool) -> Decimal:
    # cancelled lines keep their quantity or lose it
    return Decimal(0) if _is_cancelled(order) and order.number % 2 else line.units


def _rows(order: Order) -> list[Row]:
    is_waiting = order.paid_at is None and not _is_cancelled(order)
    status = "Cancelled" if _is_cancelled(order) else "Pending" if is_waiting else "Shipped"
    rows = []
    for number, (line, net, is_struck) in enumerate(_items(order)):
        item_status = "Cancelled" if is_struck or _is_cancelled(order) else "Unshipped" if is_waiting else "Shipped"
        tax = order.tax_within(net)
        discount = ZERO if is_struck else line.gross - net
        shipping = order.charged_shipping if number == 0 else ZERO
        row = {
            "amazon-order-id": _number(order),
            "purchase-date": order.at.strftime(STAMP),
            "last-updated-date": (order.cancelled_at or order.paid_at or order.at).strftime(STAMP),
            "order-status": status,
            "fulfillment-channel": "Merchant",
            "sales-channel": "Amazon.co.uk",
            "ship-service-level": "Standard",
            "product-name": _title(line.product),
            "sku": line.product.sku or "",
            "asin": _asin(line.product),
            "item-status": item_status,
            "quantity": whole(_quantity(order, line, is_struck)),
            "ship-country": COUNTRY_CODES[order.country],
            "promotion-ids": order.code,
            "is-business-order": "false",
        }
        if not is_waiting:
            row |= {
                "currency": "GBP",
                "item-price": money(line.gross),
                "item-tax": money(tax) if tax else "",
                "shipping-price": money(shipping) if shipping else "",
                "item-promotion-discount": money(discount) if discount else "",
            }
        rows.append(row)
    return rows
