"""Etsy's sold order items.

Belongs here: ``EtsySoldOrderItems….csv``. Does not belong here: its file of orders.

Days only, in two styles. Nothing is blank on later rows, but what belongs to the order (its
discount, shipping, tax) stands on the first and is nought on the others. Refunds can't be
seen. The shop sells no gift cards there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import ZERO, Customer, Order, Product, spread
from tests.formats.writers.common import (
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
    Sale Date, Item Name, Buyer, Quantity, Price, Coupon Code, Coupon Details, Discount Amount, Shipping Discount,
    Order Shipping, Order Sales Tax, Item Total, Currency, Transaction ID, Listing ID, Date Paid, Date Shipped,
    Ship Name, Ship Address1, Ship Address2, Ship City, Ship State, Ship Zipcode, Ship Country, Order ID, Variations,
    Order Type, Listings Type, Payment Type, InPerson Discount, InPerson Location, VAT Paid by Buyer, SKU
""")


class Etsy(Writer):
    """Orders that were never paid are not in it."""

    name = "etsy_order_items"
    file_name = "EtsySoldOrderItems2025.csv"
    can_tell: ClassVar[CanTell] = {Part.SOLD: frozenset()}

    def customer(self, customer: Customer | None) -> str | None:
        return customer.user_name if customer else None

    def content(self, excerpt: Excerpt, **quirks: Any) -> bytes:
        rows = [row for order in reversed(_listed(excerpt)) for row in _rows(order)]
        return table(HEADERS, rows, header_quoted="blanks").encode()

    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        found = []
        for order in _listed(excerpt):
            sold = goods(order)
            shares = spread(order.line_discounts + order.code_discount, [line.gross for _, line, _ in sold])
            for (_, line, _), share in zip(sold, shares, strict=True):
                found.append(
                    ExpectedLine(
                        invoice=_number(order),
                        invoiced_at=order.local_at.replace(hour=0, minute=0, second=0),
                        stock_code=line.product.sku or _listing(line.product),
                        # what stands behind the bar is for the search
                        description=line.product.name.partition("|")[0].strip(),
                        quantity=line.units,
                        line_net=line.gross - share,
                        customer=self.customer(order.customer),
                        country=order.country,
                        kind=SALE,
                        order=order.number,
                    )
                )
        return found


def _listed(excerpt: Excerpt) -> list[Order]:
    return [order for order in excerpt.begun if order.paid_at is not None and goods(order)]


def _number(order: Order) -> str:
    return str(3_300_000_000 + order.number)


def _listing(product: Product) -> str:
    return str(1_500_000_000 + product.number)


def _buyer(order: Order) -> str:
    customer = order.customer
    if customer is None:
        return ""
    return customer.user_name if customer.shows_user_name_only else f"{customer.name} ({customer.user_name})"


def _short(value: Decimal) -> str:
    """``3.3`` and ``3``, as the file has them beside ``3.30``."""
    text = money(value)
    return text.rstrip("0").rstrip(".")


def _rows(order: Order) -> list[Row]:
    rows = []
    assert order.paid_at is not None
    for number, (position, line, _) in enumerate(goods(order)):
        is_first = number == 0
        discount = order.line_discounts + order.code_discount if is_first else ZERO
        product = line.product
        rows.append(
            {
                "Sale Date": order.local_at.strftime("%m/%d/%y"),
                "Item Name": product.name,
                "Buyer": _buyer(order),
                "Quantity": whole(line.units),
                "Price": money(line.gross / line.units),
                "Coupon Code": order.code,
                "Discount Amount": money(discount) if discount else "0",
                "Shipping Discount": money(order.shipping if order.is_free_shipping and is_first else ZERO),
                "Order Shipping": _short(order.shipping if is_first else ZERO),
                "Order Sales Tax": "0",
                "Item Total": _short(line.gross),
                "Currency": "GBP",
                "Transaction ID": str(4_400_000_000 + 10 * order.number + position),
                "Listing ID": _listing(product),
                "Date Paid": order.local_at.strftime("%m/%d/%Y"),
                "Date Shipped": order.local_at.strftime("%m/%d/%Y"),
                "Ship Name": order.customer.name if order.customer else "",
                "Ship Country": order.country,
                "Order ID": _number(order),
                "Variations": f"Colour:{product.variant}" if product.variant else "",
                "Order Type": "online",
                "Listings Type": "listing",
                "Payment Type": "online_cc",
                "SKU": product.sku or "",
            }
        )
    return rows
