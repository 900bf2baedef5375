"""What came back: C invoices whose match with an earlier purchase is known when they are written.

Belongs here: returns and cancelled orders of products. Does not belong here: fees
that are booked on C invoices (see ``dirt``), and the rule that matches returns with
purchases, which is SQL in ``dbt_project/`` and is tested against what is noted here.

Every combination of customer, product and price takes part in one case at most, so
that it is known without applying any rule how many units match, and with which line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from warehouse.sample.book import MINUTES_PER_DAY, RETURN, SALE, Ints, Invoices, Lines
from warehouse.sample.catalogue import STANDARD, WEB, Catalogue
from warehouse.sample.people import People
from warehouse.sample.shop_days import ShopDays

_INVOICES_WITH_RETURNS = 0.13
_MOST_LINES_RETURNED = 4


@dataclass(frozen=True)
class ReturnNotes:
    """What is known of one case; arrays have one element a return line."""

    case: str
    lines: Ints
    matched_units: Ints
    purchases: list[tuple[int, ...]]
    """The purchase lines that each return reverses, newest first; empty where there never was one."""


@dataclass(frozen=True)
class CancelledOrder:
    """A very large order and the C invoice that took it back minutes later."""

    name: str
    customer: int
    invoice: int
    cancel_invoice: int
    amount_mills: int
    minutes: int


@dataclass(frozen=True)
class _Keys:
    """Sale lines by customer, product and price."""

    single: Ints
    """Lines that are alone in their combination."""
    older: Ints
    newer: Ints
    """The two lines of combinations that were bought twice, at different minutes."""


def write_returns(
    people: People,
    strangers: int,
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    rng: np.random.Generator,
    scale: float,
) -> list[ReturnNotes]:
    """Write every case of return.

    Parameters
    ----------
    strangers
        Number of the first customer who has nothing but returns; the ones after, up to
        the end of ``people``, are of the same sort.
    """
    keys = _sale_keys(invoices, lines)
    notes = _ordinary(keys.single, calendar, invoices, lines, rng)
    taken = np.zeros(lines.size, dtype=bool)
    for note in notes:
        taken[[purchase for purchases in note.purchases for purchase in purchases]] = True
    room = invoices.day()[lines.invoice[keys.single]] < calendar.days - 40
    free = rng.permutation(keys.single[~taken[keys.single] & room])
    some = max(int(60 * scale), 4)

    # bought once, brought back twice: the second time nothing is left to match
    lot, free = free[:some], free[some:]
    first, second = _delays(lot, calendar, invoices, lines, rng, steps=2)
    quantity = lines.quantity[lot]
    notes.append(_add("returned_twice_first", lot, quantity, quantity, first, invoices, lines))
    notes.append(_add("returned_twice_again", lot, quantity, quantity * 0, second, invoices, lines))

    lot = free[lines.quantity[free] >= 3][:some]
    free = free[~np.isin(free, lot)]
    first, second = _delays(lot, calendar, invoices, lines, rng, steps=2)
    part = 1 + rng.integers(0, lines.quantity[lot] - 1)
    notes.append(_add("two_parts_first", lot, part, part, first, invoices, lines))
    rest = lines.quantity[lot] - part
    notes.append(_add("two_parts_rest", lot, rest, rest, second, invoices, lines))

    # booked before the purchase it looks like
    lot = free[invoices.day()[lines.invoice[free]] >= 30][:some]
    early = calendar.next_open[invoices.day()[lines.invoice[lot]] - 20]
    quantity = lines.quantity[lot]
    notes.append(_add("before_purchase", lot, quantity, quantity * 0, early * MINUTES_PER_DAY + 600, invoices, lines))

    notes += _bought_twice(keys, some, calendar, invoices, lines, rng)
    notes += _without_purchase(people, strangers, catalogue, calendar, invoices, lines, rng, scale)
    return [note for note in notes if len(note.lines)]


def _sale_keys(invoices: Invoices, lines: Lines) -> _Keys:
    sold = np.flatnonzero((lines.reason == SALE) & (invoices.customer[lines.invoice] > 0))
    key = (invoices.customer[lines.invoice[sold]] << 13 | lines.product[sold]) << 20 | lines.price_mills[sold]
    order = np.lexsort((invoices.minute[lines.invoice[sold]], key))
    sold, key = sold[order], key[order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    size = np.diff(np.concatenate((starts, [len(key)])))
    single = sold[starts[size == 1]]
    older, newer = sold[starts[size == 2]], sold[starts[size == 2] + 1]
    apart = invoices.minute[lines.invoice[older]] < invoices.minute[lines.invoice[newer]]
    quiet = ~(lines.is_protected[older] | lines.is_protected[newer])
    return _Keys(single[~lines.is_protected[single]], older[apart & quiet], newer[apart & quiet])


def _ordinary(
    single: Ints, calendar: ShopDays, invoices: Invoices, lines: Lines, rng: np.random.Generator
) -> list[ReturnNotes]:
    """Return some lines of some orders, all in one C invoice: minutes later, or days to weeks later."""
    has_returns = rng.random(len(invoices.minute)) < _INVOICES_WITH_RETURNS
    candidates = rng.permutation(single[has_returns[lines.invoice[single]]])
    by_invoice = candidates[np.argsort(lines.invoice[candidates], kind="stable")]
    source = lines.invoice[by_invoice]
    starts = np.flatnonzero(np.concatenate(([True], source[1:] != source[:-1])))
    place = np.arange(len(source)) - np.repeat(starts, np.diff(np.concatenate((starts, [len(source)]))))
    how_many = 1 + rng.integers(0, _MOST_LINES_RETURNED, len(has_returns))
    chosen = by_invoice[place < how_many[source]]

    touched, position = np.unique(lines.invoice[chosen], return_inverse=True)
    at_once = rng.random(len(touched)) < 0.3
    minutes_later = invoices.minute[touched] + rng.integers(0, 46, len(touched))
    days_later = np.minimum(invoices.day()[touched] + 1 + rng.geometric(1 / 16, len(touched)), calendar.days - 1)
    later = _opening(days_later, calendar, rng)
    minute = np.where(at_once, minutes_later, later)
    in_time = (later < calendar.days * MINUTES_PER_DAY) & (days_later < calendar.days - 1) | at_once
    chosen, position = chosen[in_time[position]], position[in_time[position]]

    bought = lines.quantity[chosen]
    draw = rng.random(len(chosen))
    is_over = draw > 0.96
    is_part = (draw > 0.62) & ~is_over & (bought >= 2)
    part = 1 + (rng.random(len(chosen)) * (bought - 1)).astype(np.int64)
    returned = np.where(is_over, bought + 1 + rng.integers(0, 6, len(chosen)), np.where(is_part, part, bought))
    kept = np.unique(position)
    c_invoice = np.full(len(touched), -1, dtype=np.int64)
    c_invoice[kept] = invoices.add(minute[kept], invoices.customer[touched[kept]], invoices.country[touched[kept]], "C")
    notes = []
    for case, which in (("full", ~is_over & ~is_part), ("part", is_part), ("more_than_bought", is_over)):
        origin = chosen[which]
        added = _line(origin, returned[which], c_invoice[position[which]], lines)
        matched = np.minimum(returned[which], bought[which])
        notes.append(ReturnNotes(case, added, matched, [(int(line),) for line in origin]))
    return notes


def _bought_twice(
    keys: _Keys, some: int, calendar: ShopDays, invoices: Invoices, lines: Lines, rng: np.random.Generator
) -> list[ReturnNotes]:
    """Cases in which it matters which of two purchases is reversed."""
    order = rng.permutation(len(keys.older))
    older, newer = keys.older[order], keys.newer[order]
    room = invoices.day()[lines.invoice[newer]] < calendar.days - 40
    older, newer = older[room], newer[room]
    old, new = lines.quantity[older], lines.quantity[newer]
    free = np.ones(len(older), dtype=bool)
    notes = []

    def take(fits: npt.NDArray[np.bool_]) -> Ints:
        which = np.flatnonzero(free & fits)[:some]
        free[which] = False
        return which

    # exactly what was bought the first time, though the second purchase is newer and large enough
    which = take(old < new)
    (minute,) = _delays(newer[which], calendar, invoices, lines, rng, steps=1)
    notes.append(_add("exact_older", older[which], old[which], old[which], minute, invoices, lines))

    # fits neither purchase exactly: comes off the newer one
    which = take((new >= 3) & (old != new - 1))
    (minute,) = _delays(newer[which], calendar, invoices, lines, rng, steps=1)
    units = new[which] - 1
    notes.append(_add("newest_first", newer[which], units, units, minute, invoices, lines))

    # both purchases at once, in one line
    which = take(np.ones(len(old), dtype=bool))
    (minute,) = _delays(newer[which], calendar, invoices, lines, rng, steps=1)
    units = old[which] + new[which]
    both: list[tuple[int, ...]] = [
        (int(late), int(early)) for late, early in zip(newer[which], older[which], strict=True)
    ]
    notes.append(_add("over_two_purchases", newer[which], units, units, minute, invoices, lines, both))

    # between the two purchases, more than the first: the second can't be reversed yet
    gap = invoices.day()[lines.invoice[newer]] - invoices.day()[lines.invoice[older]]
    which = take(gap > 20)
    day = calendar.next_open[invoices.day()[lines.invoice[older[which]]] + 1]
    units = old[which] + 2
    minute = day * MINUTES_PER_DAY + 11 * 60
    notes.append(_add("between_purchases", older[which], units, old[which], minute, invoices, lines))
    return notes


def _without_purchase(
    people: People,
    strangers: int,
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    rng: np.random.Generator,
    scale: float,
) -> list[ReturnNotes]:
    """Return what was bought before the history began, and what nobody in particular bought."""
    notes = []
    first_season = max(calendar.days // 7, 20)
    early = np.flatnonzero((invoices.day() < first_season) & (invoices.customer > 0) & (invoices.prefix == 0))
    origin = early[rng.permutation(len(early))[: max(int(420 * scale), 6)]]
    # on the day of one of their orders, from goods bought at a price that is history
    for case, customer, country, minute in (
        ("before_history", invoices.customer[origin], invoices.country[origin], invoices.minute[origin]),
        (
            "customer_with_returns_only",
            np.arange(strangers, len(people.kind)),
            people.country[strangers:],
            _opening(rng.integers(0, first_season, len(people.kind) - strangers), calendar, rng),
        ),
    ):
        c_invoice = invoices.add(minute, customer, country, "C")
        repeated = np.repeat(c_invoice, 1 + rng.integers(0, 4, len(c_invoice)))
        product = _distinct_products(repeated, catalogue, rng)
        price = catalogue.old_price_mills[product]
        quantity = -rng.choice((1, 2, 3, 6, 12), len(repeated))
        added = lines.add(
            RETURN,
            invoice=repeated,
            code=product,
            description=product,
            quantity=quantity,
            price_mills=price,
            product=product,
        )
        notes.append(ReturnNotes(case, added, np.zeros(len(added), dtype=np.int64), []))

    count = max(int(230 * scale), 4)
    day = _opening(rng.integers(0, calendar.days - 20, count), calendar, rng)
    c_invoice = invoices.add(day, 0, 0, "C")
    repeated = np.repeat(c_invoice, 1 + rng.integers(0, 3, count))
    product = _distinct_products(repeated, catalogue, rng)
    tier = rng.choice((STANDARD, WEB), len(repeated))
    added = lines.add(
        RETURN,
        invoice=repeated,
        code=product,
        description=product,
        quantity=-rng.choice((1, 1, 2, 4), len(repeated)),
        price_mills=catalogue.price_mills[product, tier, 0],
        product=product,
    )
    notes.append(ReturnNotes("no_customer", added, np.zeros(len(added), dtype=np.int64), []))
    return notes


def write_cancelled_orders(
    customers: tuple[int, int],
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    usual_day_mills: int,
) -> tuple[list[CancelledOrder], list[ReturnNotes]]:
    """Two orders worth several days' sales, cancelled minutes later: real spend next to nothing.

    The first is one line of one product and all that this customer ever did. The
    second is a basket of three; its customer had bought one cheap thing before.
    """
    orders, notes = [], []
    cheap = int(np.argmin(catalogue.price_mills[:, STANDARD, 0]))
    affordable = np.argsort(np.abs(catalogue.price_mills[:, STANDARD, 0] - 2000), kind="stable")
    for name, customer, products, worth, wait in (
        ("cancelled_order", customers[0], affordable[:1], 5 * usual_day_mills, 16),
        ("cancelled_basket", customers[1], affordable[1:4], 9 * usual_day_mills, 12),
    ):
        day = calendar.events[name]
        if name == "cancelled_basket":
            before = invoices.add(
                np.array([calendar.next_open[day - 14] * MINUTES_PER_DAY + 13 * 60 + 24]), customer, 0
            )
            lines.add(
                SALE,
                invoice=before,
                code=cheap,
                description=cheap,
                quantity=1,
                price_mills=int(catalogue.price_mills[cheap, STANDARD, 0]),
                product=cheap,
                is_protected=True,
            )
        minute = day * MINUTES_PER_DAY + 9 * 60 + 15
        invoice = invoices.add(np.array([minute]), customer, 0)
        price = catalogue.price_mills[products, STANDARD, 0]
        quantity = worth // len(products) // price + 5
        bought = lines.add(
            SALE,
            invoice=np.repeat(invoice, len(products)),
            code=products,
            description=products,
            quantity=quantity,
            price_mills=price,
            product=products,
            is_protected=True,
        )
        c_invoice = invoices.add(np.array([minute + wait]), customer, 0, "C")
        added = _line(bought, quantity, np.repeat(c_invoice, len(products)), lines)
        lines.is_protected[added] = True
        notes.append(ReturnNotes(name, added, quantity, [(int(line),) for line in bought]))
        amount = int((quantity * price).sum())
        orders.append(CancelledOrder(name, customer, int(invoice[0]), int(c_invoice[0]), amount, wait))
    return orders, notes


def _distinct_products(invoice: Ints, catalogue: Catalogue, rng: np.random.Generator) -> Ints:
    """One product a line, none twice in an invoice; ``invoice`` is grouped."""
    place = np.arange(len(invoice)) - np.searchsorted(invoice, invoice, side="left")
    start = rng.integers(0, catalogue.size, int(invoice.max()) + 1)[invoice]
    return (start + place * 7) % catalogue.size


def _opening(day: Ints, calendar: ShopDays, rng: np.random.Generator) -> Ints:
    """Draw a minute in opening hours on the first open day from ``day`` on."""
    open_day = calendar.next_open[np.minimum(day, calendar.days - 1)]
    return open_day * MINUTES_PER_DAY + 10 * 60 + rng.integers(0, 6 * 60, len(day))


def _delays(
    line: Ints, calendar: ShopDays, invoices: Invoices, lines: Lines, rng: np.random.Generator, steps: int
) -> list[Ints]:
    """Minutes of one or two returns, the second later than the first, all before the history ends."""
    day = invoices.day()[lines.invoice[line]]
    moments = []
    for _ in range(steps):
        day = calendar.next_open[day + 1 + rng.integers(0, 5, len(day))]
        moments.append(day * MINUTES_PER_DAY + 10 * 60 + rng.integers(0, 6 * 60, len(day)))
    return moments


def _line(origin: Ints, units: Ints, c_invoice: Ints, lines: Lines) -> Ints:
    return lines.add(
        RETURN,
        invoice=c_invoice,
        code=lines.code[origin],
        description=lines.description[origin],
        quantity=-units,
        price_mills=lines.price_mills[origin],
        product=lines.product[origin],
    )


def _add(
    case: str,
    origin: Ints,
    units: Ints,
    matched: Ints,
    minute: Ints,
    invoices: Invoices,
    lines: Lines,
    purchases: list[tuple[int, ...]] | None = None,
) -> ReturnNotes:
    """One C invoice for each return of a case."""
    source = lines.invoice[origin]
    c_invoice = invoices.add(minute, invoices.customer[source], invoices.country[source], "C")
    added = _line(origin, units, c_invoice, lines)
    return ReturnNotes(case, added, matched, purchases or [(int(line),) for line in origin])
