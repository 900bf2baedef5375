"""Shopify's export of orders.

Belongs here: ``orders_export_1.csv``. Does not belong here: Squarespace, which uses the same
words and blanks other cells.

Later rows of an order have the number, the e-mail address, the times and the line alone. A
refund is one amount on the first row, without a day. Discount codes stand at the order,
discounts of lines at both. Tips are lines.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import COUNTRY_CODES, SHOP_ZONE, ZERO, Customer, Feature, Kind, Order, Product
from tests.formats.refund_rule import units_of_amount
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
    goods,
    money,
    table,
    token,
    whole,
)

HEADERS = columns("""
    Name, Email, Financial Status, Paid at, Fulfillment Status, Fulfilled at, Accepts Marketing, Currency, Subtotal,
    Shipping, Taxes, Total, Discount Code, Discount Amount, Shipping Method, Created at, Lineitem quantity,
    Lineitem name, Lineitem price, Lineitem compare at price, Lineitem sku, Lineitem requires shipping,
    Lineitem taxable, Lineitem fulfillment status, Billing Name, Billing Street, Billing Address1, Billing Address2,
    Billing Company, Billing City, Billing Zip, Billing Province, Billing Country, Billing Phone, Shipping Name,
    Shipping Street, Shipping Address1, Shipping Address2, Shipping Company, Shipping City, Shipping Zip,
    Shipping Province, Shipping Country, Shipping Phone, Notes, Note Attributes, Cancelled at, Payment Method,
    Payment Reference, Refunded Amount, Vendor, Outstanding Balance, Employee, Location, Device ID, Id, Tags,
    Risk Level, Source, Lineitem discount, Tax 1 Name, Tax 1 Value, Tax 2 Name, Tax 2 Value, Tax 3 Name, Tax 3 Value,
    Tax 4 Name, Tax 4 Value, Tax 5 Name, Tax 5 Value, Phone, Receipt Number, Duties, Billing Province Name,
    Shipping Province Name, Payment ID, Payment Terms Name, Next Payment Due At, Payment References
""")


class Shopify(Writer):
    """Quirk ``tax_on_top``: prices have no tax in them, and refunds have."""

    name = "shopify_orders"
    file_name = "orders_export_1.csv"
    # an order that waits for its money counts as long as nobody cancels it
    can_tell: ClassVar[CanTell] = {Part.SOLD: frozenset({Feature.OPEN}), Part.KEPT: frozenset({Feature.OPEN})}

    def customer(self, customer: Customer | None) -> str | None:
        if customer is None:
            return None
        return customer.phone if customer.leaves_phone_only else customer.email

    def content(self, excerpt: Excerpt, *, tax_on_top: bool = False, **quirks: Any) -> bytes:
        rows = [row for order in reversed(excerpt.begun) for row in _rows(order, tax_on_top=tax_on_top)]
        return table(HEADERS, rows).encode()

    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        return [line for order in excerpt.begun for line in self._lines_of(order)]

    def _lines_of(self, order: Order) -> list[ExpectedLine]:
        def line(code: str | None, name: str | None, quantity: Decimal, net: Decimal, kind: str) -> ExpectedLine:
            return ExpectedLine(
                invoice=_number(order),
                invoiced_at=order.local_at,
                stock_code=code,
                description=name,
                quantity=quantity,
                line_net=net,
                customer=self.customer(order.customer),
                country=order.country,
                kind=kind,
                order=order.number,
            )

        is_sale = order.paid_at is not None or order.cancelled_at is None
        found = []
        for sold, net in zip(order.lines, order.nets, strict=True):
            kind = (SALE if sold.is_product else NON_PRODUCT) if is_sale else NOT_A_SALE
            product = sold.product
            found.append(line(product.sku or _title(product), _title(product), sold.units, net, kind))
        if order.tip:
            found.append(line("Tip", "Tip", Decimal(1), order.tip, NON_PRODUCT if is_sale else NOT_A_SALE))
        for position, units, net in returns_by_amount(order, order.nets):
            if position is None:
                found.append(line(None, None, -units, -net, RETURN))
            else:
                product = order.lines[position].product
                found.append(line(product.sku or _title(product), _title(product), -units, -net, RETURN))
        return found


def returns_by_amount(order: Order, nets: tuple[Decimal, ...]) -> list[tuple[int | None, Decimal, Decimal]]:
    """What came back as far as one amount tells it: position (None for no product), units and net.

    The amount has shipping in it where shipping was given back, and never counts for more than the goods brought.
    """
    if not order.refunds:
        return []
    sold = [(position, line.units, nets[position]) for position, line, _ in goods(order)]
    if order.is_fully_refunded:
        return list(sold)
    amount = min(order.refunded_amount, sum((net for _, _, net in sold), ZERO))
    named = units_of_amount(amount, [(net, int(units)) for _, units, net in sold])
    if named is None:
        return [(None, Decimal(1), amount)]
    return [(sold[n][0], Decimal(units), sold[n][2] * units / sold[n][1]) for n, units in sorted(named.items())]


def _number(order: Order) -> str:
    return f"#{1000 + order.number}"


def _title(product: Product) -> str:
    return f"{product.name} - {product.variant}" if product.variant else product.name


def _status(order: Order) -> str:
    if order.paid_at is None:
        return order.waiting if order.cancelled_at or order.waiting != "voided" else "authorized"
    if order.is_fully_refunded:
        return "refunded"
    return "partially_refunded" if order.refunds else "paid"


def _rows(order: Order, *, tax_on_top: bool) -> list[Row]:
    created = order.at.astimezone(SHOP_ZONE).strftime("%Y-%m-%d %H:%M:%S %z")
    customer = order.customer
    repeated = {
        "Name": _number(order),
        "Email": "" if customer is None or customer.leaves_phone_only else order.typed_email,
        # an apostrophe keeps spreadsheets from adding up telephone numbers
        "Phone": f"'{customer.phone}" if customer is not None and customer.leaves_phone_only else "",
        "Created at": created,
        "Vendor": "Invented Shop",
    }
    lines = [
        {
            **repeated,
            "Lineitem quantity": whole(line.units),
            "Lineitem name": _title(line.product),
            # a weighed piece is sold as one, at what it came to
            "Lineitem price": money(line.gross / line.units),
            "Lineitem sku": line.product.sku or "",
            "Lineitem requires shipping": "true" if line.product.kind is Kind.PRODUCT else "false",
            "Lineitem taxable": "true" if line.product.kind is Kind.PRODUCT else "false",
            "Lineitem fulfillment status": "fulfilled",
            "Lineitem discount": money(line.discount),
        }
        for line in order.lines
    ]
    if order.tip:
        tip = {
            "Lineitem quantity": "1",
            "Lineitem name": "Tip",
            "Lineitem price": money(order.tip),
            "Lineitem requires shipping": "false",
            "Lineitem taxable": "false",
            "Lineitem fulfillment status": "fulfilled",
            "Lineitem discount": "0.00",
        }
        lines.append({**repeated, **tip})
    lines[0].update(_order_cells(order, created, tax_on_top=tax_on_top))
    return lines


def _order_cells(order: Order, created: str, *, tax_on_top: bool) -> Row:
    country = COUNTRY_CODES[order.country]
    subtotal = order.gross - order.line_discounts - order.code_discount
    shipping_discount = order.shipping if order.is_free_shipping else ZERO
    goods_and_shipping = subtotal + order.charged_shipping
    # no tax on gift cards
    cards = sum((line.gross for line in order.lines if not line.is_product), ZERO)
    tax = (order.tax_on if tax_on_top else order.tax_within)(goods_and_shipping - cards)
    total = goods_and_shipping + order.tip + (tax if tax_on_top else ZERO)
    refunded = order.refunded_amount
    if tax_on_top:
        refunded = total if order.is_fully_refunded else refunded + order.tax_on(refunded)
    stamp = "%Y-%m-%d %H:%M:%S %z"
    person = order.customer.name if order.customer else ""
    cells = {
        "Financial Status": _status(order),
        "Paid at": order.paid_at.astimezone(SHOP_ZONE).strftime(stamp) if order.paid_at else "",
        "Fulfillment Status": "fulfilled",
        "Fulfilled at": created,
        "Accepts Marketing": "no",
        "Currency": "GBP",
        "Subtotal": money(subtotal),
        "Shipping": money(order.shipping),
        "Taxes": money(tax),
        "Total": money(total),
        "Discount Code": order.code,
        "Discount Amount": money(order.line_discounts + order.code_discount + shipping_discount),
        "Shipping Method": "" if order.is_at_till else "Standard",
        "Billing Name": person,
        "Billing Country": country,
        "Billing Zip": "'01234",
        "Cancelled at": order.cancelled_at.astimezone(SHOP_ZONE).strftime(stamp) if order.cancelled_at else "",
        "Payment Method": "Gift Card + Shopify Payments" if order.gift_card_paid else "Shopify Payments",
        "Refunded Amount": money(refunded),
        "Outstanding Balance": "0.00" if order.paid_at or order.cancelled_at else money(total),
        "Location": "High Street" if order.is_at_till else "",
        "Id": str(5_500_000_000_000 + order.number),
        "Risk Level": "Low",
        "Source": "pos" if order.is_at_till else "web",
        "Tax 1 Name": "GB VAT 20%" if tax else "",
        "Tax 1 Value": money(tax) if tax else "",
        "Payment Reference": token("shopify", order.number) if order.paid_at else "",
    }
    if not order.is_at_till:
        cells |= {"Shipping Name": person, "Shipping Country": country, "Shipping Zip": "'01234"}
    return cells
