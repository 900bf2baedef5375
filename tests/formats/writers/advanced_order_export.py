"""WooCommerce's orders as Advanced Order Export writes them when nobody changes its settings.

Belongs here: that file. Does not belong here: the other plug-in (:mod:`tests.formats.writers.woocommerce`).

``Quantity (- Refund)`` has what came back taken off already, so that refunds of units can't
be seen, only missed. ``Item Cost`` is for one unit, after discount, to the cent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import COUNTRY_CODES, Customer, Feature, Order, cents
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
    given_back_units,
    money,
    table,
    whole,
)
from tests.formats.writers.woocommerce import line_taxes, order_total, refunded_total, shipping_tax, status, title

HEADERS = columns("""
    Order Number, Order Status, Order Date, Customer Note, First Name (Billing), Last Name (Billing),
    Company (Billing), Address 1&2 (Billing), City (Billing), State Code (Billing), Postcode (Billing),
    Country Code (Billing), Email (Billing), Phone (Billing), First Name (Shipping), Last Name (Shipping),
    Address 1&2 (Shipping), City (Shipping), State Code (Shipping), Postcode (Shipping), Country Code (Shipping), SKU,
    Item #, Item Name, Quantity (- Refund), Item Cost, Coupon Code, Discount Amount, Discount Amount Tax,
    Payment Method Title, Cart Discount Amount, Order Subtotal Amount, Shipping Method Title, Order Shipping Amount,
    Order Refund Amount, Order Total Amount, Order Total Tax Amount
""")

LABELS = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
}


class AdvancedOrderExport(Writer):
    """A line of which all came back stays, with a quantity of nought."""

    name = "woocommerce_advanced"
    file_name = "orders-2026-01-10.csv"
    can_tell: ClassVar[CanTell] = {
        Part.SOLD: frozenset({Feature.UNEVEN_NET, Feature.REFUND}),
        Part.KEPT: frozenset({Feature.UNEVEN_NET, Feature.ALLOWANCE}),
    }

    def customer(self, customer: Customer | None) -> str | None:
        return customer.email if customer else None

    def content(self, excerpt: Excerpt, **quirks: Any) -> bytes:
        return table(HEADERS, [row for order in excerpt.begun for row in _rows(order)], end="\r\n").encode()

    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        found = []
        for order in excerpt.begun:
            is_sale = order.paid_at is not None
            told = []
            for line, quantity, cost in _items(order):
                kind = (SALE if line.is_product else NON_PRODUCT) if is_sale else NOT_A_SALE
                told.append(
                    ExpectedLine(
                        invoice=_number(order),
                        invoiced_at=order.local_at.replace(second=0),
                        stock_code=line.product.sku or title(line.product),
                        description=title(line.product),
                        quantity=quantity,
                        line_net=cost * quantity,
                        customer=self.customer(order.customer),
                        country=order.country,
                        kind=kind,
                        order=order.number,
                    )
                )
            # refunded by hand: no line says so, the status does
            returned = [
                ExpectedLine(
                    invoice=line.invoice,
                    invoiced_at=line.invoiced_at,
                    stock_code=line.stock_code,
                    description=line.description,
                    quantity=-line.quantity,
                    line_net=-(line.line_net or Decimal(0)),
                    customer=line.customer,
                    country=line.country,
                    kind=RETURN,
                    order=line.order,
                )
                for line in told
                if order.is_fully_refunded and line.quantity
            ]
            found += [*told, *returned]
        return found


def _number(order: Order) -> str:
    return str(70_000 + order.number)


def _items(order: Order) -> list[tuple[Any, Decimal, Decimal]]:
    """Line, quantity and cost of a unit as the file tells them."""
    items = []
    for position, (line, net) in enumerate(zip(order.lines, order.nets, strict=True)):
        units = Decimal(0) if order.is_refunded_by_hand else order.returned_units.get(position, Decimal(0))
        left = line.units - (given_back_units(line, units) if units else 0)
        items.append((line, left, cents(net / line.units)))
    return items


def _rows(order: Order) -> list[Row]:
    country = COUNTRY_CODES[order.country]
    customer = order.customer
    first_name, _, last_name = customer.name.partition(" ") if customer else ("", "", "")
    common = {
        "Order Number": _number(order),
        "Order Status": LABELS[status(order)],
        "Order Date": order.local_at.strftime("%Y-%m-%d %H:%M"),
        "First Name (Billing)": first_name,
        "Last Name (Billing)": last_name,
        "Country Code (Billing)": country,
        "Email (Billing)": order.typed_email,
        "Phone (Billing)": customer.phone if customer else "",
        "Country Code (Shipping)": "" if order.is_at_till else country,
        "Coupon Code": order.code,
        "Discount Amount": money(order.code_discount) if order.code else "",
        "Discount Amount Tax": money(order.tax_on(order.code_discount)) if order.code else "",
        "Payment Method Title": "Card",
        "Cart Discount Amount": money(order.line_discounts + order.code_discount),
        "Order Subtotal Amount": money(order.gross),
        "Shipping Method Title": "" if order.is_at_till else "Flat rate",
        "Order Shipping Amount": money(order.charged_shipping),
        "Order Refund Amount": money(refunded_total(order)),
        "Order Total Amount": money(order_total(order)),
        "Order Total Tax Amount": money(sum(line_taxes(order), shipping_tax(order))),
    }
    return [
        {
            **common,
            "SKU": line.product.sku or "",
            "Item #": str(position),
            "Item Name": title(line.product),
            "Quantity (- Refund)": whole(quantity),
            "Item Cost": money(cost),
        }
        for position, (line, quantity, cost) in enumerate(_items(order), 1)
    ]
