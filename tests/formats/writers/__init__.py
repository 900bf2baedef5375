"""One writer for each system whose exports are read without configuration.

Belongs here: the list of them, and which of them must agree on what. Does not belong here: how
one of them writes.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tests.formats.history import History
from tests.formats.writers.advanced_order_export import AdvancedOrderExport
from tests.formats.writers.amazon import Amazon
from tests.formats.writers.common import RETURN, SALE, ExpectedLine, Part, Writer
from tests.formats.writers.ebay import Ebay
from tests.formats.writers.etsy import Etsy
from tests.formats.writers.loyverse import Loyverse
from tests.formats.writers.shopify import Shopify
from tests.formats.writers.square import Square
from tests.formats.writers.squarespace import Squarespace
from tests.formats.writers.woocommerce import WooCommerceItems

__all__ = ["WRITERS", "ExpectedLine", "Part", "Writer", "agreeing", "comparable", "expected_net"]

WRITERS: dict[str, Writer] = {
    writer.name: writer
    for writer in (
        Shopify(),
        WooCommerceItems(),
        AdvancedOrderExport(),
        Square(),
        Etsy(),
        Ebay(),
        Amazon(),
        Squarespace(),
        Loyverse(),
    )
}


def expected_net(history: History, name: str) -> dict[tuple[date, str | None], Decimal]:
    """Net of a system's goods by day and customer, as it knows both; what came back is on the day that it tells."""
    net: dict[tuple[date, str | None], Decimal] = {}
    for line in WRITERS[name].expected(history):
        if line.kind in (SALE, RETURN):
            key = (line.invoiced_at.date(), line.customer)
            net[key] = net.get(key, Decimal(0)) + (line.line_net or Decimal(0))
    return net


def agreeing(part: Part) -> list[str]:
    """The systems that tell a part of the money, and so must tell the same."""
    return [name for name, writer in WRITERS.items() if part in writer.can_tell]


def comparable(history: History, part: Part, names: Iterable[str] | None = None) -> set[int]:
    """Numbers of the orders of which all systems (those that tell the part, unless named) can tell it."""
    untold = {
        feature for name in (agreeing(part) if names is None else names) for feature in WRITERS[name].can_tell[part]
    }
    return {order.number for order in history.orders if not order.features & untold}
