"""Loyverse's receipts by item.

Belongs here: ``receipts-by-item-….csv``. Does not belong here: Square, whose discounts have the
other sign.

Net is gross less discounts. Refunds are receipts of their own, on their own day. A cancelled
receipt is an ordinary one with another status, closed until then. A till has no orders that
wait for money, no gift cards, no tips, and refunds goods only.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from tests.formats.orders import HOME, ZERO, Customer, Feature, Line, Order, Product, on_shop_clock
from tests.formats.writers.common import (
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
)

HEADERS = columns("""
    Date, Receipt number, Receipt type, Category, SKU, Item, Variant, Modifiers applied, Quantity, Gross sales,
    Discounts, Net sales, Cost of goods, Gross profit, Taxes, Dining option, POS, Store, Cashier name, Customer name,
    Customer contacts, Comment, Status
""")


class Loyverse(Writer):
    """Quirks: ``dates`` (``day first`` or ``iso``), ``money_places`` (2 or 3), ``is_marked`` (begins with a BOM)."""

    name = "loyverse_receipts"
    file_name = "receipts-by-item-2024-09-16-2026-01-10.csv"
    can_tell: ClassVar[CanTell] = {
        Part.SOLD: frozenset({Feature.OPEN}),
        Part.KEPT: frozenset({Feature.OPEN, Feature.ALLOWANCE}),
    }

    def customer(self, customer: Customer | None) -> str | None:
        if customer is None:
            return None
        return customer.email if customer.has_contacts else customer.name

    def content(
        self,
        excerpt: Excerpt,
        *,
        dates: str = "day first",
        money_places: int = 2,
        is_marked: bool = True,
        **quirks: Any,
    ) -> bytes:
        rows = []
        for at, row, _ in sorted(self._events(excerpt, money_places), key=lambda event: event[0], reverse=True):
            local_at = on_shop_clock(at)
            form = "%Y-%m-%d %H:%M:%S" if dates == "iso" else "%d/%m/%Y %H:%M"
            rows.append({"Date": local_at.strftime(form), **row})
        return table(HEADERS, rows).encode("utf-8-sig" if is_marked else "utf-8")

    def lines(self, excerpt: Excerpt, *, dates: str = "day first", **quirks: Any) -> list[ExpectedLine]:
        lines = [line for _, _, line in self._events(excerpt, 2)]
        if dates == "iso":
            return lines
        # the clock without seconds
        return [ExpectedLine(**{**vars(line), "invoiced_at": line.invoiced_at.replace(second=0)}) for line in lines]

    def _events(self, excerpt: Excerpt, places: int) -> list[tuple[datetime, Row, ExpectedLine]]:
        found = []
        for order in excerpt.orders:
            kind = NOT_A_SALE if order.paid_at is None and order.cancelled_at else SALE
            if excerpt.holds(order.at):
                for _, line, net in goods(order):
                    receipt = f"1-{1000 + order.number}"
                    found.append(self._event(order, order.at, receipt, line, line.quantity, net, kind, places))
            for number, refund in enumerate(order.refunds):
                if not excerpt.holds(refund.at):
                    continue
                for position, units in refund.units:
                    line, receipt = order.lines[position], f"2-{10 * (1000 + order.number) + number}"
                    net = -order.value_of(position, units)
                    found.append(self._event(order, refund.at, receipt, line, -units, net, RETURN, places))
        return found

    def _event(
        self,
        order: Order,
        at: datetime,
        receipt: str,
        line: Line,
        quantity: Decimal,
        net: Decimal,
        kind: str,
        places: int,
    ) -> tuple[datetime, Row, ExpectedLine]:
        product = line.product
        gross = line.gross if product.is_weighed else product.price * abs(quantity)
        if kind == RETURN:
            gross = -gross
        cost = (gross * 4 / 10).quantize(ZERO)
        customer = order.customer
        row = {
            "Receipt number": receipt,
            "Receipt type": "Refund" if kind == RETURN else "Sale",
            "Category": product.category,
            "SKU": _code(product) or "",
            "Item": product.name,
            "Variant": product.variant,
            "Quantity": money(quantity, 3),
            "Gross sales": money(gross, places),
            "Discounts": money(gross - net, places),
            "Net sales": money(net, places),
            "Cost of goods": money(cost, places),
            "Gross profit": money(net - cost, places),
            "Taxes": money(order.tax_on(net), places),
            "POS": f"POS {receipt[0]}",
            "Store": "High Street",
            "Cashier name": "Owner",
            "Customer name": customer.name if customer else "",
            "Customer contacts": customer.email if customer and customer.has_contacts else "",
            "Status": "Cancelled" if kind == NOT_A_SALE else "Closed",
        }
        expected = ExpectedLine(
            invoice=receipt,
            invoiced_at=on_shop_clock(at),
            stock_code=_code(product) or product.name,
            description=product.name,
            quantity=quantity,
            line_net=net,
            customer=self.customer(customer),
            country=HOME,
            kind=kind,
            order=order.number,
        )
        return at, row, expected


def _code(product: Product) -> str | None:
    # the till numbers variants where nobody did
    return product.sku or (str(10_000 + product.number) if product.variant else None)
