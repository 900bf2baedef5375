"""One invented history of a shop in the United Kingdom: fourteen months, in pounds.

Belongs here: the history, how it looked on an earlier day, and the plots that its orders
follow, each a thing that happens in shops and that readers of exports get wrong. Does not
belong here: what an order is (:mod:`tests.formats.orders`), how a system tells it
(:mod:`tests.formats.writers`).

The same seed gives the same history, on any day and machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.formats.orders import (
    CENT,
    ZERO,
    Customer,
    Line,
    Order,
    Product,
    Refund,
    cents,
    on_shop_clock,
)
from tests.formats.refund_rule import units_of_amount
from tests.formats.shelf import (
    BENCH,
    BLUE_BOWL,
    CHEESE,
    CUSTOM_AMOUNT,
    FOX_CARD,
    GIFT_CARD,
    GOODS,
    GREEN_BOWL,
    HOOK,
    LOOSE_TEA,
    MUG,
    RED_STICKER,
    RIBBON,
    TEA_POT,
    TOWEL,
    invented_customers,
)

FIRST_DAY, LAST_DAY = date(2024, 9, 16), date(2025, 11, 14)
LAST_NEWS = date(2026, 1, 10)
"""Nothing happens to any order after this day."""

LONGEST_WAIT_DAYS = 55
"""A refund comes no later: exports of ninety days, made monthly, tell of it."""

ODD_MOMENTS = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        # the hour that comes twice: half past one in summer time, then half past one in winter time
        *("2024-10-27 00:30:00", "2024-10-27 01:30:00", "2025-10-26 00:15:00", "2025-10-26 01:15:00"),
        # the hour that never was lies between these two
        *("2025-03-30 00:59:59", "2025-03-30 01:00:00"),
        # another day, and another month, in the shop than in Greenwich
        *("2024-10-26 23:10:00", "2025-03-30 23:30:00", "2025-06-30 23:30:00", "2025-10-25 23:00:00"),
        # the last and the first second of a year
        *("2024-12-31 23:59:59", "2025-01-01 00:00:00"),
    )
)


@dataclass(frozen=True)
class History:
    """All orders, by number and time, and the people who may order."""

    orders: tuple[Order, ...]
    customers: tuple[Customer, ...]

    def __repr__(self) -> str:
        # a failing test would print a thousand lines
        return f"History({len(self.orders)} orders)"

    def as_exported(self, on: date) -> History:
        """What was known at the end of a day: no later order, payment, cancellation or refund."""
        return replace(self, orders=tuple(order.as_of(on) for order in self.orders if order.local_at.date() <= on))


class _Unfit(Exception):  # noqa: N818
    """An order that is not what its plot is about, or that a rule leaves open; another one is drawn."""


@dataclass
class _Pen:
    """Draws orders; ``orders`` of one pen depend on its seed alone."""

    rng: random.Random
    customers: tuple[Customer, ...]

    def product(self) -> Product:
        # one in a hundred is the bench, so that it does not outweigh all else
        return BENCH if self.rng.random() < 0.01 else self.rng.choice([one for one in GOODS if one is not BENCH])

    def quantity(self) -> Decimal:
        return Decimal(self.rng.choice((1, 1, 1, 2, 2, 3, 4, 6)))

    def lines(self, fewest: int = 1, most: int = 4) -> tuple[Line, ...]:
        products = list(dict.fromkeys(self.product() for _ in range(self.rng.randint(fewest, most + 2))))[:most]
        if len(products) < fewest:
            raise _Unfit
        return tuple(Line(product, self.quantity()) for product in products)

    def later(self, at: datetime, days: int = LONGEST_WAIT_DAYS) -> datetime:
        """Some moment of some later day, in the shop's daytime."""
        moment = at + timedelta(days=self.rng.randint(1, days))
        return moment.replace(
            hour=self.rng.randint(9, 16), minute=self.rng.randrange(60), second=self.rng.randrange(60)
        )

    def order(self, number: int, at: datetime, lines: tuple[Line, ...] | None = None) -> Order:
        customer = self.rng.choice(self.customers) if self.rng.random() > 0.1 else None
        is_at_till = customer is None or self.rng.random() < 0.15
        email = customer.email if customer else ""
        return Order(
            number=number,
            at=at,
            lines=lines or self.lines(),
            customer=customer,
            typed_email=email.title() if self.rng.random() < 0.2 else email,
            is_at_till=is_at_till,
            shipping=ZERO if is_at_till else Decimal(self.rng.choice(("2.95", "4.00", "6.50"))),
            paid_at=at,
        )

    def shipped(self, order: Order) -> Order:
        if order.is_at_till:
            raise _Unfit
        return order

    def own_discount(self, line: Line, *, is_even: bool) -> Line:
        """The line, less some whole cents a unit, or a round amount that does not divide by its units."""
        if is_even:
            a_unit = cents(line.product.price * self.rng.choice((Decimal("0.10"), Decimal("0.25"))))
            return replace(line, discount=a_unit * line.quantity)
        discount = Decimal(self.rng.choice(("1.00", "1.25", "2.00")))
        if not (discount / line.units) % CENT or discount >= line.gross:
            raise _Unfit
        return replace(line, discount=discount)

    def with_line_discount(self, order: Order, *, is_even: bool) -> Order:
        position = self.rng.randrange(len(order.lines))
        lines = list(order.lines)
        lines[position] = self.own_discount(lines[position], is_even=is_even)
        return replace(order, lines=tuple(lines))

    def with_code(self, order: Order) -> Order:
        code, discount = self.rng.choice(
            (
                ("SAVE10", cents(order.gross / 10)),
                ("SPRING15", cents(order.gross * 15 / 100)),
                ("FIVER", Decimal("5.00")),
            )
        )
        if discount * 2 > order.gross - order.line_discounts:
            raise _Unfit
        return replace(order, code=code, code_discount=discount)


Plot = Callable[[_Pen, Order], Order]


def _plain(pen: _Pen, order: Order) -> Order:
    return order


# --- discounts ----------------------------------------------------------------------------


def _code(pen: _Pen, order: Order) -> Order:
    return pen.with_code(order)


def _line_discount(pen: _Pen, order: Order) -> Order:
    return pen.with_line_discount(order, is_even=True)


def _uneven_line_discount(pen: _Pen, order: Order) -> Order:
    return pen.with_line_discount(order, is_even=False)


def _both_discounts(pen: _Pen, order: Order) -> Order:
    return pen.with_code(pen.with_line_discount(replace(order, lines=pen.lines(fewest=2)), is_even=True))


def _free_shipping(pen: _Pen, order: Order) -> Order:
    return replace(pen.shipped(order), code="FREESHIP", is_free_shipping=True)


def _free_shipping_and_line_discount(pen: _Pen, order: Order) -> Order:
    return _free_shipping(pen, _line_discount(pen, order))


def _discount_above_first_row(pen: _Pen, order: Order) -> Order:
    lines = (Line(RED_STICKER, Decimal(1)), Line(TEA_POT, Decimal(1)), Line(TOWEL, pen.quantity()))
    return replace(order, lines=lines, code="FIFTEEN", code_discount=Decimal("15.00"))


# --- what was sold ------------------------------------------------------------------------


def _weighed(pen: _Pen, order: Order) -> Order:
    kilograms = Decimal(pen.rng.randint(150, 2400)) / 1000
    return replace(order, lines=(*pen.lines(most=2), Line(pen.rng.choice((CHEESE, LOOSE_TEA)), kilograms)))


def _equal_lines(pen: _Pen, order: Order) -> Order:
    line = pen.rng.choice((Line(FOX_CARD, Decimal(1)), Line(MUG, Decimal(2)), Line(HOOK, Decimal(3))))
    return replace(order, lines=(line, *pen.lines(most=2), *[line] * pen.rng.randint(1, 2)))


def _equal_lines_and_code(pen: _Pen, order: Order) -> Order:
    return pen.with_code(_equal_lines(pen, order))


def _line_of_no_price(pen: _Pen, order: Order) -> Order:
    return replace(order, lines=(Line(RIBBON, Decimal(1)), *order.lines))


def _struck_line(pen: _Pen, order: Order) -> Order:
    return replace(order, struck=(pen.lines(most=1)[0],))


def _custom_amount(pen: _Pen, order: Order) -> Order:
    return replace(order, lines=(*pen.lines(most=1), Line(CUSTOM_AMOUNT, Decimal(1))))


def _tip(pen: _Pen, order: Order) -> Order:
    return replace(order, tip=Decimal(pen.rng.choice(("1.00", "2.00", "3.50"))))


def _tip_and_discounts(pen: _Pen, order: Order) -> Order:
    return _tip(pen, _both_discounts(pen, order))


def _gift_card_sold(pen: _Pen, order: Order) -> Order:
    return replace(order, lines=(*order.lines, Line(GIFT_CARD, Decimal(1))))


def _gift_card_alone(pen: _Pen, order: Order) -> Order:
    return replace(order, lines=(Line(GIFT_CARD, Decimal(pen.rng.randint(1, 2))),))


def _gift_card_redeemed(pen: _Pen, order: Order) -> Order:
    return replace(order, gift_card_paid=min(Decimal("25.00"), order.gross))


# --- what came back -----------------------------------------------------------------------


def _some_units(pen: _Pen, order: Order, lines: int) -> tuple[tuple[int, Decimal], ...]:
    """Units of so many lines, fewer than all there are, worth whole cents."""
    positions = sorted(pen.rng.sample(range(len(order.lines)), lines))
    units = tuple((n, Decimal(pen.rng.randint(1, int(order.lines[n].units)))) for n in positions)
    for n, count in units:
        if order.lines[n].product.is_weighed or Fraction(order.nets[n]) * 100 * int(count) % int(
            order.lines[n].quantity
        ):
            raise _Unfit
    if sum(count for _, count in units) == sum(line.units for line in order.lines):
        raise _Unfit
    return units


def _is_whole_cents(order: Order, position: int, units: Decimal) -> bool:
    return Fraction(order.nets[position]) * 100 * Fraction(units) % Fraction(order.lines[position].quantity) == 0


def _told_by(order: Order, amount: Decimal) -> dict[int, int] | None:
    goods = [(net, int(line.units)) for line, net in zip(order.lines, order.nets, strict=True) if line.is_product]
    return units_of_amount(amount, goods)


def _units_refunded(pen: _Pen, order: Order, lines: int = 1) -> Order:
    if len(order.lines) < lines:
        raise _Unfit
    refund = Refund(pen.later(order.at), _some_units(pen, order, lines))
    if _told_by(order, order.refunded_goods(refund)) != {n: int(count) for n, count in refund.units}:
        raise _Unfit
    return replace(order, refunds=(refund,))


def _two_lines_refunded(pen: _Pen, order: Order) -> Order:
    return _units_refunded(pen, replace(order, lines=pen.lines(fewest=2)), lines=2)


def _units_refunded_after_code(pen: _Pen, order: Order) -> Order:
    return _units_refunded(pen, pen.with_code(order))


def _units_refunded_after_line_discount(pen: _Pen, order: Order) -> Order:
    # of one line only: systems that know no discounts of lines would spread it, and refund other amounts
    return _units_refunded(pen, _line_discount(pen, replace(order, lines=(Line(pen.product(), Decimal(3)),))))


def _units_refunded_twice(pen: _Pen, order: Order) -> Order:
    once = _units_refunded(pen, replace(order, lines=(*pen.lines(most=2), Line(pen.product(), Decimal(4)))))
    ((position, _),) = once.refunds[0].units
    first = replace(once.refunds[0], units=((position, Decimal(1)),))
    both = (first, Refund(pen.later(first.at, 5), ((position, Decimal(1)),)))
    twice = replace(once, refunds=both)
    if twice.lines[position].units < 3 or _told_by(twice, twice.refunded_amount) != {position: 2}:
        raise _Unfit
    return twice


def _either_bowl_refunded(pen: _Pen, order: Order) -> Order:
    lines = (Line(BLUE_BOWL, Decimal(2)), Line(GREEN_BOWL, Decimal(1)), *pen.lines(most=1))
    if any(line.product in (BLUE_BOWL, GREEN_BOWL) for line in lines[2:]):
        raise _Unfit
    return replace(order, lines=lines, refunds=(Refund(pen.later(order.at), ((0, Decimal(1)),)),))


def _allowance(pen: _Pen, order: Order) -> Order:
    # abroad there is no tax, which an amount without lines would have in it or not
    if order.customer is None or order.tax_on(Decimal(1)):
        raise _Unfit
    amount = Decimal(pen.rng.randint(101, 999)) / 100
    if amount >= order.products_net or _told_by(order, amount) is not None or amount == order.charged_shipping:
        raise _Unfit
    return replace(order, refunds=(Refund(pen.later(order.at), allowance=amount),))


def _whole(order: Order, at: datetime, shipping: Decimal) -> Refund:
    return Refund(at, tuple((n, line.quantity) for n, line in enumerate(order.lines)), shipping=shipping)


def _all_refunded(pen: _Pen, order: Order) -> Order:
    return replace(order, refunds=(_whole(order, pen.later(order.at), order.charged_shipping),))


def _all_refunded_after_discounts(pen: _Pen, order: Order) -> Order:
    return _all_refunded(pen, _both_discounts(pen, order))


def _weighed_refunded(pen: _Pen, order: Order) -> Order:
    return _all_refunded(pen, _weighed(pen, order))


def _refunded_by_hand(pen: _Pen, order: Order) -> Order:
    return replace(_all_refunded(pen, order), is_refunded_by_hand=True)


def _refunded_and_cancelled(pen: _Pen, order: Order) -> Order:
    refunded = _all_refunded(pen, order)
    return replace(refunded, cancelled_at=refunded.refunds[0].at)


def _refunded_in_two_steps(pen: _Pen, order: Order) -> Order:
    first = _units_refunded(pen, order)
    ((position, units),) = first.refunds[0].units
    left = [(n, line.quantity - (units if n == position else 0)) for n, line in enumerate(order.lines)]
    rest = tuple((n, count) for n, count in left if count)
    second = Refund(pen.later(first.refunds[0].at, 5), rest, shipping=order.charged_shipping)
    if not all(_is_whole_cents(first, n, count) for n, count in rest):
        raise _Unfit
    return replace(first, refunds=(*first.refunds, second))


def _goods_refunded(pen: _Pen, order: Order) -> Order:
    """Everything came back, and the shop kept what shipping cost."""
    return replace(pen.shipped(order), refunds=(_whole(order, pen.later(order.at), ZERO),))


def _goods_and_some_shipping_refunded(pen: _Pen, order: Order) -> Order:
    return replace(pen.shipped(order), refunds=(_whole(order, pen.later(order.at), Decimal("1.50")),))


# --- what was never paid, or late -----------------------------------------------------------


def _unpaid(pen: _Pen, order: Order, waiting: str, *, is_cancelled: bool) -> Order:
    # nobody leaves a till without paying
    cancelled_at = pen.later(order.at, 12) if is_cancelled else None
    return replace(pen.shipped(order), paid_at=None, waiting=waiting, cancelled_at=cancelled_at)


def _voided(pen: _Pen, order: Order) -> Order:
    return _unpaid(pen, order, "voided", is_cancelled=True)


def _pending_and_cancelled(pen: _Pen, order: Order) -> Order:
    return _unpaid(pen, order, "pending", is_cancelled=True)


def _authorized_and_cancelled(pen: _Pen, order: Order) -> Order:
    return _unpaid(pen, order, "authorized", is_cancelled=True)


def _pending(pen: _Pen, order: Order) -> Order:
    return _unpaid(pen, order, "pending", is_cancelled=False)


def _authorized(pen: _Pen, order: Order) -> Order:
    return _unpaid(pen, order, "authorized", is_cancelled=False)


def _paid_late(pen: _Pen, order: Order) -> Order:
    return replace(
        pen.shipped(order), paid_at=pen.later(order.at, 12), waiting=pen.rng.choice(("pending", "authorized"))
    )


def _cancelled_but_kept(pen: _Pen, order: Order) -> Order:
    """Cancelled by a slip: it was paid, sent, and nothing was given back."""
    return replace(pen.shipped(order), cancelled_at=pen.later(order.at, 12))


PLOTS: dict[Plot, int] = {
    _plain: 27,
    _code: 6,
    _line_discount: 4,
    _uneven_line_discount: 2,
    _both_discounts: 4,
    _free_shipping: 2,
    _free_shipping_and_line_discount: 1,
    _discount_above_first_row: 2,
    _weighed: 5,
    _equal_lines: 3,
    _equal_lines_and_code: 1,
    _line_of_no_price: 2,
    _struck_line: 2,
    _custom_amount: 2,
    _tip: 2,
    _tip_and_discounts: 1,
    _gift_card_sold: 1,
    _gift_card_alone: 1,
    _gift_card_redeemed: 1,
    _units_refunded: 5,
    _two_lines_refunded: 2,
    _units_refunded_after_code: 1,
    _units_refunded_after_line_discount: 1,
    _units_refunded_twice: 1,
    _either_bowl_refunded: 1,
    _allowance: 2,
    _all_refunded: 3,
    _all_refunded_after_discounts: 1,
    _weighed_refunded: 1,
    _refunded_by_hand: 1,
    _refunded_and_cancelled: 1,
    _refunded_in_two_steps: 1,
    _goods_refunded: 1,
    _goods_and_some_shipping_refunded: 1,
    _voided: 1,
    _pending_and_cancelled: 1,
    _authorized_and_cancelled: 1,
    _pending: 1,
    _authorized: 1,
    _paid_late: 2,
    _cancelled_but_kept: 1,
}
"""How many of a hundred orders follow a plot."""


def invented(seed: int = 7, orders: int = 300, customers: int = 60) -> History:
    """A history of so many orders. A hundred have every plot, fewer have some of them.

    Returns
    -------
    History
        Orders numbered from 1 on, in the order of time.
    """
    rng = random.Random(seed)
    pen = _Pen(rng, invented_customers(customers))
    moments = _moments(rng, orders)
    plots: list[Plot] = []
    while len(plots) < orders:
        deck = [plot for plot, times in PLOTS.items() for _ in range(times)]
        rng.shuffle(deck)
        plots += deck
    drawn = [_drawn(pen, number, at, plot) for number, (at, plot) in enumerate(zip(moments, plots, strict=False), 1)]
    return History(tuple(drawn), pen.customers)


def _moments(rng: random.Random, count: int) -> list[datetime]:
    # of a short history too, one in ten is odd
    odd = rng.sample(ODD_MOMENTS, min(len(ODD_MOMENTS), count // 10))
    days = (LAST_DAY - FIRST_DAY).days
    first = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    usual = [
        first + timedelta(days=rng.randint(0, days), seconds=rng.randint(7 * 3600, 21 * 3600))
        for _ in range(count - len(odd))
    ]
    return sorted([*odd, *usual])


def _drawn(pen: _Pen, number: int, at: datetime, plot: Plot) -> Order:
    for _ in range(2000):
        try:
            order = plot(pen, pen.order(number, at))
        except _Unfit:
            continue
        if _is_beyond_dispute(order):
            return order
    raise AssertionError(f"no order follows {plot.__name__}")


def _is_beyond_dispute(order: Order) -> bool:
    """Whether every share of a discount is clear: none half a cent, none more than its line, none on a gift card."""
    before = [line.after_own_discount for line in order.lines]
    gross = [line.gross for line in order.lines]
    is_discounted = bool(order.code_discount or order.line_discounts)
    return (
        not _has_half_cents(order.code_discount, before)
        and not _has_half_cents(order.code_discount + order.line_discounts, gross)
        and min(*order.nets, *order.evenly_spread_nets) >= 0
        and not (is_discounted and any(not line.is_product for line in order.lines))
        and all(on_shop_clock(refund.at).date() <= LAST_NEWS for refund in order.refunds)
    )


def _has_half_cents(amount: Decimal, weights: list[Decimal]) -> bool:
    whole = sum(weights, ZERO)
    if not amount or not whole:
        return False
    return any((Fraction(amount) * Fraction(weight) / Fraction(whole) * 200) % 2 == 1 for weight in weights[:-1])
