"""eBay's orders report from Seller Hub.

Belongs here: ``eBay-OrdersReport-….csv``. Does not belong here: its payments.

A line of commas, the header, an empty row; then the records; then a line that counts them. A
record of several items has a row before them with its sums. An order number comes with the
payment. ``Sold For`` is for one unit and knows no coupons; refunds can't be seen, and cancelled
orders are not listed.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import CENT, ZERO, Customer, Feature, Line, Order, Product
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
    pounds,
    table,
    whole,
)

HEADERS = columns("""
    Sales Record Number, Order Number, Buyer Username, Buyer Name, Buyer Email, Buyer Note, Buyer Address 1,
    Buyer Address 2, Buyer City, Buyer State, Buyer Zip, Buyer Country, Buyer Tax Identifier Name,
    Buyer Tax Identifier Value, Ship To Name, Ship To Phone, Ship To Address 1, Ship To Address 2, Ship To City,
    Ship To State, Ship To Zip, Ship To Country, Item Number, Item Title, Custom Label, Sold Via Promoted Listings,
    Quantity, Sold For, Shipping And Handling, Item Location, Item Zip Code, Item Country,
    eBay Collect And Remit Tax Rate, eBay Collect And Remit Tax Type, eBay Reference Name, eBay Reference Value,
    Tax Status, Seller Collected Tax, eBay Collected Tax, Electronic Waste Recycling Fee, Mattress Recycling Fee,
    Battery Recycling Fee, White Goods Disposal Tax, Tire Recycling Fee, Additional Fee, eBay Collected Charges,
    Total Price, eBay Collected Tax Included in Total, Payment Method, Commitment Date, Sale Date, Paid On Date,
    Ship By Date, Minimum Estimated Delivery Date, Maximum Estimated Delivery Date, Shipped On Date, Feedback Left,
    Feedback Received, My Item Note, PayPal Transaction ID, Shipping Service, Tracking Number, Transaction ID,
    Variation Details, Global Shipping Program, Global Shipping Reference ID, Click And Collect,
    Click And Collect Reference Number, eBay Plus, Authenticity Verification Program,
    Authenticity Verification Status, Authenticity Verification Outcome Reason, eBay Vault Program,
    Vault Fulfillment Type, eBay Fulfillment Program, Tax City, Tax State, Tax Zip, Tax Country,
    eBay International Shipping
""")

BRITISH = (("Shipping And Handling", "Postage And Handling"), ("Ship To ", "Post To "))


class Ebay(Writer):
    """Quirk ``british``: headers and days as eBay writes them in the United Kingdom."""

    name = "ebay_orders"
    file_name = "eBay-OrdersReport-Jan-10-2026.csv"
    can_tell: ClassVar[CanTell] = {Part.SOLD: frozenset({Feature.CODE, Feature.UNEVEN_DISCOUNT})}

    def customer(self, customer: Customer | None) -> str | None:
        return customer.user_name if customer else None

    def content(self, excerpt: Excerpt, *, british: bool = False, **quirks: Any) -> bytes:
        form = "%d-%b-%y" if british else "%b-%d-%y"
        records = list(reversed(_listed(excerpt)))
        rows = [row for order in records for row in _rows(order, form)]
        head, _, body = table(HEADERS, rows).partition("\n")
        if british:
            for american, local in BRITISH:
                head = head.replace(american, local)
        commas = "," * (len(HEADERS) - 1)
        days = sorted(order.local_at for order in records)
        span = f"from {days[0].strftime(form)} to {days[-1].strftime(form)}" if days else ""
        footer = f"{len(records)},record(s) downloaded,{span}"
        return f"{commas}\n{head}\n{commas}\n{body}\n{footer}\nSeller ID : invented_shop\n".encode()

    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        return [
            ExpectedLine(
                invoice=_number(order) or _record(order),
                invoiced_at=order.local_at.replace(hour=0, minute=0, second=0),
                stock_code=line.product.sku or _item(line.product),
                description=_title(line.product),
                quantity=line.units,
                line_net=sold_for(line) * line.units,
                customer=self.customer(order.customer),
                country=order.country,
                kind=SALE if order.paid_at else NOT_A_SALE,
                order=order.number,
            )
            for order in _listed(excerpt)
            for _, line, _ in goods(order)
        ]


def sold_for(line: Line) -> Decimal:
    """The price of a unit: marked down where the discount divides into cents, else as listed."""
    marked_down = line.after_own_discount / line.units
    return marked_down if marked_down % CENT == 0 else line.gross / line.units


def _listed(excerpt: Excerpt) -> list[Order]:
    return [order for order in excerpt.begun if (order.paid_at or not order.cancelled_at) and goods(order)]


def _record(order: Order) -> str:
    return str(5000 + order.number)


def _number(order: Order) -> str:
    return f"12-{40_000 + order.number}-{order.number * 7919 % 100_000:05d}" if order.paid_at else ""


def _item(product: Product) -> str:
    return str(330_000_000_000 + product.number)


def _title(product: Product) -> str:
    return f"{product.name} ({_variation(product)})" if product.variant else product.name


def _variation(product: Product) -> str:
    return f"[Colour:{product.variant}]" if product.variant else ""


def _rows(order: Order, form: str) -> list[Row]:
    sold = [line for _, line, _ in goods(order)]
    amount = sum((sold_for(line) * line.units for line in sold), ZERO)
    repeated = {
        "Sales Record Number": _record(order),
        "Order Number": _number(order),
        "Buyer Username": order.customer.user_name if order.customer else "",
        "Sale Date": _day(order.local_at, form),
    }
    whole_record = {
        "Buyer Name": order.customer.name if order.customer else "",
        "Buyer Email": f"{_relayed(order)}@members.example.org" if order.customer else "",
        "Ship To Country": order.country,
        "Shipping And Handling": pounds(order.charged_shipping),
        "eBay Collected Tax": pounds(ZERO),
        "Total Price": pounds(amount + order.charged_shipping),
        "Payment Method": "Managed payments" if order.paid_at else "",
        "Paid On Date": _day(order.local_at, form) if order.paid_at else "",
        "eBay Plus": "No",
    }
    items = [
        {
            **repeated,
            "Item Number": _item(line.product),
            "Item Title": line.product.name,
            "Custom Label": line.product.sku or "",
            "Quantity": whole(line.units),
            "Sold For": pounds(sold_for(line)),
            "Transaction ID": str(220_000_000 + 10 * order.number + position),
            "Variation Details": _variation(line.product),
        }
        for position, line in enumerate(sold)
    ]
    if len(items) == 1:
        return [{**items[0], **whole_record}]
    units = sum((line.units for line in sold), Decimal(0))
    return [{**repeated, **whole_record, "Quantity": whole(units), "Sold For": pounds(amount)}, *items]


def _relayed(order: Order) -> str:
    """The address under which eBay hides a buyer's own, another for each order."""
    return f"{order.number * 104_729 % 1_000_000_007:x}"


def _day(at: datetime, form: str) -> str:
    return at.strftime(form)
