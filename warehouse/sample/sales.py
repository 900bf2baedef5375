"""Ordinary trade of the made-up shop, and the days on which it was anything but ordinary.

Belongs here: baskets, quantities, prices, and the injected spikes and drops. Does
not belong here: returns, fees and dirt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from warehouse.sample.book import MINUTES_PER_DAY, SALE, Ints, Invoices, Lines
from warehouse.sample.catalogue import CATEGORIES, STANDARD, VOLUME, WEB, Catalogue, sale_price_mills
from warehouse.sample.people import COUNTRY_NAMES, WHOLESALE, Orders, People
from warehouse.sample.shop_days import ShopDays

_LONGEST_BASKET = 320

# Usual quantities of private people by price: below £1, £3, £8, above.
_PACK_SIZES = np.array((1, 2, 3, 4, 6, 8, 10, 12, 24))
_PACK_SHARES = np.array(
    (
        (0.10, 0.10, 0.04, 0.06, 0.10, 0.04, 0.10, 0.31, 0.15),
        (0.18, 0.16, 0.08, 0.10, 0.18, 0.05, 0.06, 0.16, 0.03),
        (0.30, 0.26, 0.12, 0.12, 0.12, 0.03, 0.01, 0.04, 0.00),
        (0.60, 0.24, 0.07, 0.05, 0.02, 0.01, 0.00, 0.01, 0.00),
    )
)
_GUEST_SHARES = np.array((0.62, 0.20, 0.07, 0.04, 0.03, 0.01, 0.01, 0.02, 0.00))
_TRADE_SIZES = np.array((4, 6, 12, 24, 36, 48, 72, 96, 144))
_TRADE_SHARES = np.array(
    (
        (0.00, 0.02, 0.18, 0.28, 0.14, 0.20, 0.08, 0.06, 0.04),
        (0.02, 0.10, 0.34, 0.28, 0.10, 0.10, 0.04, 0.01, 0.01),
        (0.22, 0.30, 0.30, 0.12, 0.03, 0.03, 0.00, 0.00, 0.00),
        (0.60, 0.25, 0.11, 0.04, 0.00, 0.00, 0.00, 0.00, 0.00),
    )
)
_PRICE_STEPS = np.array((1000, 3000, 8000))


@dataclass(frozen=True)
class EventNote:
    """What an injected event was: filled while it is written, published with the truth."""

    name: str
    day: int
    direction: str
    cause: str
    lines: Ints
    """The lines that are the event; empty for a drop."""


def reshape_orders(
    orders: Orders, guests: Orders, calendar: ShopDays, rng: np.random.Generator
) -> tuple[Orders, Orders]:
    """Move and remove orders for the events that act on demand itself."""
    outages = {"outage": 0.04, "courier_strike": 0.06, "payment_failure": 0.03}

    def thinned(given: Orders) -> Orders:
        kept = np.ones(len(given.day), dtype=bool)
        draw = rng.random(len(given.day))
        for name, share in outages.items():
            kept &= (given.day != calendar.events[name]) | (draw < share)
        return Orders(given.customer[kept], given.day[kept])

    sale = calendar.events["flash_sale"]
    day = orders.day.copy()
    # who would have bought in the fortnight after the sale buys on its day
    pulled = (day > sale) & (day <= sale + 12) & (rng.random(len(day)) < 0.3)
    day[pulled] = sale
    extra = max(int(4.5 * (guests.day == sale).sum()), 12)
    guests = Orders(
        np.concatenate((guests.customer, np.zeros(extra, dtype=np.int64))),
        np.concatenate((guests.day, np.full(extra, sale))),
    )
    return thinned(Orders(orders.customer, day)), thinned(guests)


def write_sales(
    orders: Orders,
    people: People,
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    rng: np.random.Generator,
) -> None:
    """Fill one basket an order. No invoice holds a product twice, so no line repeats another by chance."""
    count = len(orders.day)
    customer = orders.customer
    moved = orders.day >= calendar.days // 2
    country = np.where(moved, people.second_country[customer], people.country[customer])
    # guests without a number: nearly all at home
    stray = (customer == 0) & (rng.random(count) < 0.02)
    country[stray] = rng.choice((COUNTRY_NAMES.index("EIRE"), COUNTRY_NAMES.index("Unspecified")), stray.sum())
    invoice = invoices.add(order_minutes(orders.day, calendar, rng), customer, country)

    # the trade stocks up at a steady rate, others now with one thing, now with fifty
    steadiness = np.where((people.kind[customer] == WHOLESALE) & (customer > 0), 7.0, 1.8)
    size = 1 + rng.poisson(people.basket_lines[customer] * rng.gamma(steadiness) / steadiness)
    size = np.minimum(size, _LONGEST_BASKET)
    order = np.repeat(np.arange(count), size)
    category = (rng.random(len(order))[:, None] > people.taste[customer[order]]).sum(axis=1)
    category = np.minimum(category, len(CATEGORIES) - 1)
    month = calendar.month_number[orders.day[order]]
    product = _draw_products(month, category, catalogue, rng)

    joins = rng.random(len(order)) < catalogue.companion_share[product]
    order = np.concatenate((order, order[joins]))
    product = np.concatenate((product, catalogue.companion[product[joins]]))
    distinct = np.unique(order * catalogue.size + product)
    order, product = distinct // catalogue.size, distinct % catalogue.size
    shuffled = np.lexsort((rng.random(len(order)), order))
    order, product = order[shuffled], product[shuffled]

    quantity, price = quantities_and_prices(
        customer[order], product, orders.day[order], people, catalogue, calendar, rng
    )
    lines.add(
        SALE,
        invoice=invoice[order],
        code=product,
        description=product,
        quantity=quantity,
        price_mills=price,
        product=product,
    )


def order_minutes(day: Ints, calendar: ShopDays, rng: np.random.Generator) -> Ints:
    """Minute since the first midnight: busiest around noon, shorter hours on Sundays."""
    count = len(day)
    weekday = (day + calendar.first_date.weekday()) % 7
    opens = np.where(weekday == 6, 10 * 60, 7 * 60 + 30)
    length = np.where(weekday == 6, 6 * 60, 12 * 60)
    share = (rng.random(count) + rng.random(count) + rng.random(count)) / 3.0
    return day * MINUTES_PER_DAY + opens + (share * length).astype(np.int64)


def _draw_products(month: Ints, category: Ints, catalogue: Catalogue, rng: np.random.Generator) -> Ints:
    product = np.empty(len(month), dtype=np.int64)
    draw = rng.random(len(month))
    first = catalogue.first_of_category
    for number in range(catalogue.weight_by_month.shape[0]):
        chosen = month == number
        running = np.concatenate(([0.0], np.cumsum(catalogue.weight_by_month[number])))
        low, high = running[first[category[chosen]]], running[first[category[chosen] + 1]]
        found = np.searchsorted(running, low + draw[chosen] * (high - low), side="right") - 1
        product[chosen] = np.minimum(found, first[category[chosen] + 1] - 1)
    return product


def quantities_and_prices(
    customer: Ints,
    product: Ints,
    day: Ints,
    people: People,
    catalogue: Catalogue,
    calendar: ShopDays,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Units and price of each line: small packs at list price, a dozen or more cheaper, guests dearer."""
    listed = catalogue.price_mills[product, STANDARD, 0]
    step = np.searchsorted(_PRICE_STEPS, listed, side="right")
    draw = rng.random(len(product))
    is_guest = customer == 0
    is_trade = (people.kind[customer] == WHOLESALE) & ~is_guest
    private = _PACK_SIZES[_pick(draw, _PACK_SHARES[step])]
    guest = _PACK_SIZES[_pick(draw, np.broadcast_to(_GUEST_SHARES, (len(draw), len(_GUEST_SHARES))))]
    trade = _TRADE_SIZES[_pick(draw, _TRADE_SHARES[step])]
    trade = np.maximum((trade * people.appetite[customer]).astype(np.int64), 2)
    quantity = np.where(is_guest, guest, np.where(is_trade, trade, private)).astype(np.int64)

    tier = np.where(is_guest, WEB, np.where((quantity >= 12) & (is_trade | (step < 2)), VOLUME, STANDARD))
    next_year = np.array([calendar.date_of(each).year > calendar.first_date.year + 1 for each in range(calendar.days)])
    price = catalogue.price_mills[product, tier, next_year[day].astype(np.int64)]
    sold_off = day == calendar.events["flash_sale"]
    price = np.where(sold_off, sale_price_mills(price), price)
    return quantity, price


def _pick(draw: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> Ints:
    """For each draw the first column at which the cumulated shares of its row exceed it."""
    running = np.cumsum(shares, axis=1)
    return np.minimum((draw[:, None] >= running).sum(axis=1), shares.shape[1] - 1)


def write_events(
    people: People,
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    usual_day_mills: int,
    rng: np.random.Generator,
) -> list[EventNote]:
    """Write the orders that made a day stand out, and note the days that had too few.

    Parameters
    ----------
    usual_day_mills
        Sales of an average trading day; sizes are multiples of it, so that events
        stand out in a small history as they do in a full one.
    """
    nothing = np.empty(0, dtype=np.int64)
    events = calendar.events
    notes = [
        EventNote("outage", events["outage"], "drop", "The web shop was down for most of the day.", nothing),
        EventNote("courier_strike", events["courier_strike"], "drop", "Couriers were on strike.", nothing),
        EventNote("payment_failure", events["payment_failure"], "drop", "Card payments failed.", nothing),
        EventNote("silence", events["silence"], "silence", "The warehouse was closed for stock-taking.", nothing),
    ]
    is_flash = (invoices.day() == events["flash_sale"])[lines.invoice]
    notes.append(
        EventNote(
            "flash_sale",
            events["flash_sale"],
            "spike",
            "A one-day sale at a quarter off brought several times the usual orders.",
            np.flatnonzero(is_flash),
        )
    )

    home = np.flatnonzero((people.kind == WHOLESALE) & (people.country == 0) & (people.customer_id > 0))
    abroad = np.flatnonzero((people.kind == WHOLESALE) & (people.country > 0))
    abroad = abroad if len(abroad) else home
    for name, buyers, times, cause in (
        ("bulk_order", home, 3.2, "One wholesaler at home placed one very large order."),
        ("bulk_order_abroad", abroad, 3.6, "One wholesaler abroad placed one very large order."),
    ):
        added = _bulk_order(
            int(buyers[int(rng.integers(len(buyers)))]), calendar.events[name], int(times * usual_day_mills),
            people, catalogue, calendar, invoices, lines, rng,
        )  # fmt: skip
        notes.append(EventNote(name, calendar.events[name], "spike", cause, added))

    notes.append(_export_burst(people, catalogue, calendar, invoices, lines, int(2.8 * usual_day_mills), rng))
    notes.append(_craze(people, catalogue, calendar, invoices, lines, int(2.6 * usual_day_mills), rng))
    return sorted(notes, key=lambda note: note.day)


def _bulk_order(
    customer: int,
    day: int,
    worth_mills: int,
    people: People,
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    rng: np.random.Generator,
) -> Ints:
    product = _well_sold(catalogue, int(calendar.month_number[day]), 14, rng)
    price = catalogue.price_mills[product, VOLUME, 0]
    quantity = np.maximum(worth_mills // len(product) // price // 12 * 12, 12)
    minute = order_minutes(np.array([day]), calendar, rng)
    invoice = invoices.add(minute, customer, int(people.country[customer]))
    return lines.add(
        SALE,
        invoice=np.repeat(invoice, len(product)),
        code=product,
        description=product,
        quantity=quantity,
        price_mills=price,
        product=product,
        is_protected=True,
    )


def _export_burst(
    people: People,
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    worth_mills: int,
    rng: np.random.Generator,
) -> EventNote:
    """Many German customers at once: a trade fair there showed the shop's range."""
    day = calendar.events["export_burst"]
    germany = COUNTRY_NAMES.index("Germany")
    buyers = np.flatnonzero((people.country == germany) & (people.second_country == germany))
    buyers = rng.permutation(buyers)[:24]
    invoice = invoices.add(order_minutes(np.full(len(buyers), day), calendar, rng), buyers, germany)
    added = []
    for each in invoice:
        product = _well_sold(catalogue, int(calendar.month_number[day]), 18, rng)
        price = catalogue.price_mills[product, VOLUME, 0]
        share = worth_mills / max(len(buyers), 1) / len(product)
        quantity = np.maximum((share * rng.uniform(0.6, 1.4, len(product)) / price).astype(np.int64), 2)
        added.append(
            lines.add(
                SALE,
                invoice=np.full(len(product), each),
                code=product,
                description=product,
                quantity=quantity,
                price_mills=price,
                product=product,
                is_protected=True,
            )
        )
    cause = "A trade fair in Germany brought two dozen orders from there on one day."
    return EventNote("export_burst", day, "spike", cause, np.concatenate(added))


def _craze(
    people: People,
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    worth_mills: int,
    rng: np.random.Generator,
) -> EventNote:
    """One product that everybody wants on one day, most of them without a customer number."""
    day = calendar.events["craze"]
    product = int(_well_sold(catalogue, int(calendar.month_number[day]), 1, rng)[0])
    price = int(catalogue.price_mills[product, STANDARD, 0])
    orders = 60
    known = rng.choice(np.arange(1, len(people.kind)), orders // 3, replace=False)
    customer = np.concatenate((known, np.zeros(orders - len(known), dtype=np.int64)))
    invoice = invoices.add(order_minutes(np.full(orders, day), calendar, rng), customer, people.country[customer])
    quantity = np.maximum((worth_mills / orders / price * rng.uniform(0.5, 1.5, orders)).astype(np.int64), 1)
    added = lines.add(
        SALE,
        invoice=invoice,
        code=product,
        description=product,
        quantity=quantity,
        price_mills=price,
        product=product,
        is_protected=True,
    )
    return EventNote("craze", day, "spike", "One product was shown on television and sold out.", added)


def _well_sold(catalogue: Catalogue, month: int, count: int, rng: np.random.Generator) -> Ints:
    """Distinct products among the best hundred of a month."""
    best = np.argsort(-catalogue.weight_by_month[month], kind="stable")[:100]
    return np.asarray(rng.permutation(best)[:count])
