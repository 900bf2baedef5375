"""WooCommerce's orders as its Customer/Order/Coupon Export writes them, one row per item.

Belongs here: that file. Does not belong here: the other plug-in
(:mod:`tests.formats.writers.advanced_order_export`).

Everything of the order stands on every row. Prices have no tax in them; it is added. Refunds
stand at the line, without a day, or only in the order's total where somebody entered an
amount by hand.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import COUNTRY_CODES, ZERO, Customer, Order, Product
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

HEADERS = columns("""
    order_id, order_number, date, status, shipping_total, shipping_tax_total, fee_total, fee_tax_total, tax_total,
    discount_total, order_total, refunded_total, order_currency, payment_method, shipping_method, customer_id,
    billing_first_name, billing_last_name, billing_company, billing_email, billing_phone, billing_address_1,
    billing_address_2, billing_postcode, billing_city, billing_state, billing_country, shipping_first_name,
    shipping_last_name, shipping_address_1, shipping_address_2, shipping_postcode, shipping_city, shipping_state,
    shipping_country, shipping_company, customer_note, item_id, item_product_id, item_name, item_sku, item_price,
    item_quantity, item_subtotal, item_subtotal_tax, item_total, item_total_tax, item_refunded, item_refunded_qty,
    item_meta, shipping_items, fee_items, tax_items, coupon_items, order_notes, download_permissions_granted
""")


class WooCommerceItems(Writer):
    """Quirk ``allowances_on_lines``: an allowance is entered at the first line, with an amount and no units."""

    name = "woocommerce_items"
    file_name = "orders-export-one-row-per-item.csv"
    can_tell: ClassVar[CanTell] = {Part.SOLD: frozenset(), Part.KEPT: frozenset()}

    def customer(self, customer: Customer | None) -> str | None:
        return customer.email if customer else None

    def content(self, excerpt: Excerpt, *, allowances_on_lines: bool = False, **quirks: Any) -> bytes:
        rows = [row for order in excerpt.begun for row in _rows(order, allowances_on_lines)]
        return table(HEADERS, rows).encode()

    def lines(self, excerpt: Excerpt, *, allowances_on_lines: bool = False, **quirks: Any) -> list[ExpectedLine]:
        return [line for order in excerpt.begun for line in self._lines_of(order, allowances_on_lines)]

    def _lines_of(self, order: Order, allowances_on_lines: bool) -> list[ExpectedLine]:
        def line(product: Product | None, quantity: Decimal, net: Decimal, kind: str) -> ExpectedLine:
            return ExpectedLine(
                invoice=order_number(order),
                invoiced_at=order.local_at.replace(microsecond=0),
                stock_code=(product.sku or _product_id(product)) if product else None,
                description=title(product) if product else None,
                quantity=quantity,
                line_net=net,
                customer=self.customer(order.customer),
                country=order.country,
                kind=kind,
                order=order.number,
            )

        is_sale = order.paid_at is not None
        found = [
            line(sold.product, sold.units, net, (SALE if sold.is_product else NON_PRODUCT) if is_sale else NOT_A_SALE)
            for sold, net in zip(order.lines, order.nets, strict=True)
        ]
        for position, units in sorted(order.returned_units.items()):
            sold = order.lines[position]
            value = order.value_of(position, units)
            found.append(line(sold.product, -given_back_units(sold, units), -value, RETURN))
        allowance = sum((refund.allowance for refund in order.refunds), ZERO)
        if allowance and allowances_on_lines:
            found.append(line(order.lines[0].product, Decimal(0), -allowance, RETURN))
        elif allowance:
            found.append(line(None, Decimal(-1), -allowance, RETURN))
        return found


def order_number(order: Order) -> str:
    """As a plug-in that numbers orders anew has it."""
    return str(30_000 + order.number)


def title(product: Product) -> str:
    """Name with variation."""
    return f"{product.name} - {product.variant}" if product.variant else product.name


def guarded(text: str) -> str:
    """With an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def status(order: Order) -> str:
    """The slug of the order's status."""
    if order.paid_at is None:
        cancelled = ("cancelled", "failed")
        return cancelled[order.number % 2] if order.cancelled_at else ("pending", "on-hold")[order.number % 2]
    if order.is_fully_refunded:
        return "refunded"
    return ("completed", "processing")[order.number % 5 == 0]


def _product_id(product: Product) -> str:
    return str(200 + product.number)


def shipping_tax(order: Order) -> Decimal:
    """Tax added to shipping."""
    return order.tax_on(order.charged_shipping)


def line_taxes(order: Order) -> list[Decimal]:
    """Tax added to each line; gift cards have none."""
    return [order.tax_on(net) if line.is_product else ZERO for line, net in zip(order.lines, order.nets, strict=True)]


def order_total(order: Order) -> Decimal:
    """All that was paid."""
    taxes = sum(line_taxes(order), shipping_tax(order))
    return sum(order.nets, ZERO) + order.charged_shipping + order.tip + taxes


def refunded_total(order: Order) -> Decimal:
    """All that was given back, tax included."""
    if order.is_fully_refunded:
        return order_total(order)
    units = sum((_refund_with_tax(order, n, count) for n, count in order.returned_units.items()), ZERO)
    shipping = sum((refund.shipping for refund in order.refunds), ZERO)
    return units + shipping + order.tax_on(shipping) + sum((refund.allowance for refund in order.refunds), ZERO)


def _refund_with_tax(order: Order, position: int, units: Decimal) -> Decimal:
    value = order.value_of(position, units)
    return value + order.tax_on(value)


def _rows(order: Order, allowances_on_lines: bool) -> list[Row]:
    country = COUNTRY_CODES[order.country]
    taxes = line_taxes(order)
    customer = order.customer
    first_name, _, last_name = customer.name.partition(" ") if customer else ("", "", "")
    discount = order.line_discounts + order.code_discount
    common = {
        "order_id": str(90_000 + order.number),
        "order_number": order_number(order),
        "date": order.local_at.strftime("%Y-%m-%d %H:%M:%S"),
        "status": status(order),
        "shipping_total": money(order.charged_shipping),
        "shipping_tax_total": money(shipping_tax(order)),
        "fee_total": money(order.tip),
        "fee_tax_total": "0.00",
        "tax_total": money(sum(taxes, shipping_tax(order))),
        "discount_total": money(discount),
        "order_total": money(order_total(order)),
        "refunded_total": money(refunded_total(order)),
        "order_currency": "GBP",
        "payment_method": "stripe",
        "shipping_method": "" if order.is_at_till else "Flat rate",
        # guests have 0, and half of those who come again never made an account
        "customer_id": str(customer.number) if customer and customer.number % 2 else "0",
        "billing_first_name": first_name,
        "billing_last_name": last_name,
        "billing_email": order.typed_email,
        "billing_phone": guarded(customer.phone) if customer else "",
        "billing_country": country,
        "shipping_country": "" if order.is_at_till else country,
        "fee_items": f"id:{order.number}|name:Tip|total:{money(order.tip)}" if order.tip else "",
        "coupon_items": f"code:{order.code}|amount:{money(order.code_discount)}" if order.code else "",
    }
    rows = []
    for position, (line, net, tax) in enumerate(zip(order.lines, order.nets, taxes, strict=True)):
        units = order.returned_units.get(position, Decimal(0))
        is_told = bool(units) and not order.is_refunded_by_hand
        refunded = order.value_of(position, units) if is_told else ZERO
        if allowances_on_lines and position == 0:
            refunded += sum((refund.allowance for refund in order.refunds), ZERO)
        product = line.product
        rows.append(
            {
                **common,
                "item_id": str(10 * order.number + position),
                "item_product_id": _product_id(product),
                "item_name": guarded(title(product)),
                "item_sku": guarded(product.sku or ""),
                "item_price": money(line.gross / line.units),
                "item_quantity": whole(line.units),
                "item_subtotal": money(line.gross),
                "item_subtotal_tax": money(order.tax_on(line.gross) if line.is_product else ZERO),
                "item_total": money(net),
                "item_total_tax": money(tax),
                "item_refunded": money(refunded),
                "item_refunded_qty": whole(-given_back_units(line, units)) if is_told else "0",
            }
        )
    return rows
