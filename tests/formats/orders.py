"""What one invented shop sold, said in the words of no shop system.

Belongs here: products, customers, orders with their discounts, payments and refunds, the
exact money of each line, and what an order has that some systems cannot tell. Does not
belong here: inventing orders (:mod:`tests.formats.history`), files (:mod:`tests.formats.writers`).

All money is in pounds. A line's *net* is what it brought after every discount, before shipping,
tips and added tax; it is the same whether a system shows prices with tax or adds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

SHOP_ZONE = ZoneInfo("Europe/London")
HOME = "United Kingdom"
COUNTRY_CODES = {HOME: "GB", "France": "FR", "Germany": "DE"}

CENT, ZERO = Decimal("0.01"), Decimal("0.00")
TAX_RATE = Decimal("0.20")


def cents(value: Decimal | Fraction) -> Decimal:
    """The nearest cent, halves away from zero."""
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def spread(amount: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """An amount shared out by weight to the cent; the last takes the rest, so that the sum is exact."""
    whole = sum(weights, ZERO)
    if not amount or not whole:
        return (ZERO,) * len(weights)
    shares = [cents(Fraction(amount) * Fraction(weight) / Fraction(whole)) for weight in weights[:-1]]
    return (*shares, amount - sum(shares, ZERO))


class Kind(Enum):
    """What a line sells."""

    PRODUCT = "product"
    GIFT_CARD = "gift card"


class Feature(Enum):
    """What an order has that not every system tells."""

    CODE = "a discount code on the whole order"
    UNEVEN_DISCOUNT = "a line whose own discount is no whole cents a unit"
    UNEVEN_NET = "a line whose net is no whole cents a unit"
    OPEN = "not paid, and not cancelled either"
    REFUND = "money was given back"
    ALLOWANCE = "money was given back for nothing in particular"


@dataclass(frozen=True)
class Product:
    """Something on the shelf; ``number`` is what systems make their own ids of, a weighed price is for a kilogram."""

    number: int
    name: str
    price: Decimal
    sku: str | None = None
    variant: str = ""
    kind: Kind = Kind.PRODUCT
    is_weighed: bool = False
    category: str = "Home"


@dataclass(frozen=True)
class Customer:
    """Somebody the shop knows, by whichever of these a system asks for.

    Attributes
    ----------
    leaves_phone_only
        Checks out by telephone number where a system allows it.
    shows_user_name_only
        Has no name on marketplaces.
    has_contacts
        Left an e-mail address at the till.
    """

    number: int
    name: str
    email: str
    user_name: str
    phone: str
    country: str
    leaves_phone_only: bool = False
    shows_user_name_only: bool = False
    has_contacts: bool = False


@dataclass(frozen=True)
class Line:
    """One line of an order. Two equal ones are two sales."""

    product: Product
    quantity: Decimal
    discount: Decimal = ZERO

    @property
    def gross(self) -> Decimal:
        """Before any discount."""
        return cents(self.product.price * self.quantity)

    @property
    def after_own_discount(self) -> Decimal:
        """Before the order's code."""
        return self.gross - self.discount

    @property
    def is_product(self) -> bool:
        """Whether it is goods, and no gift card."""
        return self.product.kind is Kind.PRODUCT

    @property
    def units(self) -> Decimal:
        """As a system counts that knows whole numbers only: a weighed piece is one."""
        return Decimal(1) if self.product.is_weighed else self.quantity


@dataclass(frozen=True)
class Refund:
    """Money given back on some day.

    Attributes
    ----------
    at
        When, in UTC.
    units
        Of the order's lines, by position, as many as came back; a weighed piece comes back whole.
    allowance
        Money for nothing in particular, such as a scratch.
    shipping
        Shipping given back.
    """

    at: datetime
    units: tuple[tuple[int, Decimal], ...] = ()
    allowance: Decimal = ZERO
    shipping: Decimal = ZERO


@dataclass(frozen=True)
class Order:
    """One order.

    Attributes
    ----------
    at, paid_at, cancelled_at
        In UTC; None as long as it did not happen.
    typed_email
        The customer's address as it was typed for this order.
    struck
        Lines that were cancelled before anything was sent.
    code, code_discount
        A code for the whole order and what it took off the goods.
    shipping
        What shipping costs; with ``is_free_shipping`` nobody paid it.
    waiting
        ``pending`` or ``authorized``: how it stands while it is not paid.
    is_refunded_by_hand
        The whole refund was entered as an amount, without lines.
    """

    number: int
    at: datetime
    lines: tuple[Line, ...]
    customer: Customer | None
    typed_email: str = ""
    is_at_till: bool = False
    struck: tuple[Line, ...] = ()
    code: str = ""
    code_discount: Decimal = ZERO
    shipping: Decimal = ZERO
    is_free_shipping: bool = False
    tip: Decimal = ZERO
    gift_card_paid: Decimal = ZERO
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    waiting: str = "pending"
    is_refunded_by_hand: bool = False
    refunds: tuple[Refund, ...] = ()

    @property
    def local_at(self) -> datetime:
        """On the shop's clock, without zone."""
        return on_shop_clock(self.at)

    @property
    def country(self) -> str:
        """Of the customer; a passer-by buys at home."""
        return self.customer.country if self.customer else HOME

    @property
    def charged_shipping(self) -> Decimal:
        """Paid for shipping."""
        return ZERO if self.is_free_shipping else self.shipping

    @property
    def gross(self) -> Decimal:
        """All lines before any discount."""
        return sum((line.gross for line in self.lines), ZERO)

    @property
    def line_discounts(self) -> Decimal:
        """What the lines' own discounts took off."""
        return sum((line.discount for line in self.lines), ZERO)

    @cached_property
    def nets(self) -> tuple[Decimal, ...]:
        """Each line's net."""
        before = [line.after_own_discount for line in self.lines]
        return tuple(one - share for one, share in zip(before, spread(self.code_discount, before), strict=True))

    @cached_property
    def evenly_spread_nets(self) -> tuple[Decimal, ...]:
        """Each line's net for systems that know one discount for the whole order."""
        before = [line.gross for line in self.lines]
        shares = spread(self.code_discount + self.line_discounts, before)
        return tuple(one - share for one, share in zip(before, shares, strict=True))

    @property
    def products_net(self) -> Decimal:
        """What the goods brought."""
        return sum((net for line, net in zip(self.lines, self.nets, strict=True) if line.is_product), ZERO)

    def tax_on(self, net: Decimal) -> Decimal:
        """Tax to be added to a net; what goes abroad has none."""
        return cents(net * TAX_RATE) if self.country == HOME else ZERO

    def tax_within(self, amount: Decimal) -> Decimal:
        """Tax that an amount includes."""
        return cents(Fraction(amount) * Fraction(TAX_RATE) / (1 + Fraction(TAX_RATE))) if self.country == HOME else ZERO

    @property
    def returned_units(self) -> dict[int, Decimal]:
        """Position of a line to units that came back of it, over all refunds."""
        found: dict[int, Decimal] = {}
        for refund in self.refunds:
            for position, units in refund.units:
                found[position] = found.get(position, Decimal(0)) + units
        return found

    def value_of(self, position: int, units: Decimal) -> Decimal:
        """Net of some units of a line; refunds are made such that it is exact to the cent."""
        exact = Fraction(self.nets[position]) * Fraction(units) / Fraction(self.lines[position].quantity)
        value = cents(exact)
        assert Fraction(value) == exact, f"order {self.number}: {units} units of line {position} are no whole cents"
        return value

    def refunded_goods(self, refund: Refund) -> Decimal:
        """Net of the goods that one refund gave back, allowance included."""
        return sum((self.value_of(position, units) for position, units in refund.units), refund.allowance)

    @property
    def refunded_amount(self) -> Decimal:
        """All that was given back, before added tax."""
        return sum((self.refunded_goods(refund) + refund.shipping for refund in self.refunds), ZERO)

    @property
    def is_fully_refunded(self) -> bool:
        """Whether everything came back, shipping too."""
        return (
            bool(self.refunds)
            and self.returned_units == {position: line.quantity for position, line in enumerate(self.lines)}
            and sum((refund.shipping for refund in self.refunds), ZERO) == self.charged_shipping
        )

    @property
    def features(self) -> frozenset[Feature]:
        """What it has that not every system tells."""
        uneven_discount = any((line.discount / line.units) % CENT for line in self.lines)
        uneven_net = any(
            Fraction(net) * 100 % Fraction(line.units) for line, net in zip(self.lines, self.nets, strict=True)
        )
        has = {
            Feature.CODE: bool(self.code_discount),
            Feature.UNEVEN_DISCOUNT: uneven_discount,
            Feature.UNEVEN_NET: uneven_net,
            Feature.OPEN: self.paid_at is None and self.cancelled_at is None,
            Feature.REFUND: bool(self.refunds),
            Feature.ALLOWANCE: any(refund.allowance for refund in self.refunds),
        }
        return frozenset(feature for feature, is_there in has.items() if is_there)

    def as_of(self, day: date) -> Order:
        """The order as it stood at the end of a day, on the shop's clock."""

        def happened(at: datetime | None) -> datetime | None:
            return at if at is not None and on_shop_clock(at).date() <= day else None

        return replace(
            self,
            paid_at=happened(self.paid_at),
            cancelled_at=happened(self.cancelled_at),
            refunds=tuple(refund for refund in self.refunds if happened(refund.at)),
        )


def on_shop_clock(at: datetime) -> datetime:
    """What the clock on the shop's wall shows, without zone."""
    return at.astimezone(SHOP_ZONE).replace(tzinfo=None)
