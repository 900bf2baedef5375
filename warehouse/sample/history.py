"""One sample history from one seed: the order in which its parts are made, and the count of what was made.

Belongs here: putting the parts together. Does not belong here: how a part is made
(its module), how files are written (``writing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from warehouse.sample import dirt, returns, sales
from warehouse.sample.book import DISPOSITIONS, DUPLICATE, RETURN, SALE, UNREADABLE, Ints, Invoices, Lines, Texts
from warehouse.sample.catalogue import CATEGORIES, Catalogue, make_catalogue
from warehouse.sample.people import COUNTRY_NAMES, People, guest_orders, make_people, with_strangers
from warehouse.sample.shop_days import FULL_DAYS, SATURDAY, ShopDays, plan_days
from warehouse.sample.truth import (
    CancelledOrderTruth,
    InjectedEvent,
    PairTruth,
    ReturnCase,
    ReturnExample,
    SampleTruth,
)

FULL_CUSTOMERS = 5700
FULL_PRODUCTS = 2400
_GUEST_ORDERS_PER_DAY = 6.6
_FIRST_INVOICE_NUMBER = 610_001
_EXAMPLES_PER_CASE = 5
_MOST_NAMED = 100


@dataclass(frozen=True)
class History:
    """A history before it is written."""

    calendar: ShopDays
    people: People
    invoices: Invoices
    invoice_texts: list[str]
    lines: Lines
    codes: list[str]
    descriptions: list[str]
    spoilt: dict[int, str]
    """Unreadable line to the form in which it is spoilt."""
    truth: SampleTruth


def make_history(*, seed: int, days: int, scale: float) -> History:
    """Make a history.

    Every part draws from a stream of its own, so that a change to one leaves the
    others as they were.

    Raises
    ------
    ValueError
        If ``days`` is below 60 or ``scale`` is not between 0.01 and 100.
    """
    if not 0.01 <= scale <= 100:
        raise ValueError(f"A sample history's scale is between 0.01 and 100, not {scale}.")
    streams = iter(np.random.default_rng(seed).spawn(16))
    calendar = plan_days(days, next(streams))
    products = max(int(FULL_PRODUCTS * min(scale, 2.0) ** 0.4), 300)
    catalogue = make_catalogue(products, int(calendar.month_number[-1]) + 1, calendar.first_date.month, next(streams))
    people, orders = make_people(max(int(FULL_CUSTOMERS * scale), 60), calendar, next(streams))
    guests = guest_orders(_GUEST_ORDERS_PER_DAY * scale, calendar, next(streams))
    orders, guests = sales.reshape_orders(orders, guests, calendar, next(streams))

    # how many rare things there are goes with the size of the history
    size = scale * days / FULL_DAYS
    invoices, lines = Invoices.empty(), Lines.empty()
    codes, descriptions = Texts(catalogue.codes), Texts(catalogue.descriptions)
    description_of = np.array([descriptions.number(text) for text in catalogue.descriptions])
    sales.write_sales(
        sales.Orders(
            np.concatenate((orders.customer, guests.customer)), np.concatenate((orders.day, guests.day))
        ),
        people, catalogue, calendar, invoices, lines, next(streams),
    )  # fmt: skip
    usual_day_mills = int(lines.amount_mills().sum()) // int(calendar.is_open.sum())
    event_notes = sales.write_events(people, catalogue, calendar, invoices, lines, usual_day_mills, next(streams))
    is_flash = invoices.day()[lines.invoice] == calendar.events["flash_sale"]
    lines.is_protected |= is_flash

    rng = next(streams)
    near_repeats = dirt.add_near_repeats(lines, rng, size)
    spoilt = dirt.spoil_some(lines, rng, size)
    only_returns = max(int(34 * size), 3)
    known = len(people.kind)
    people = with_strangers(people, only_returns + 2)
    cancelled, return_notes = returns.write_cancelled_orders(
        (known, known + 1), catalogue, calendar, invoices, lines, usual_day_mills
    )
    return_notes += returns.write_returns(people, known + 2, catalogue, calendar, invoices, lines, next(streams), size)
    rng = next(streams)
    dirt.add_fees(catalogue, calendar, invoices, lines, codes, descriptions, rng, size)
    dirt.add_adjustments(calendar, invoices, lines, codes, descriptions, rng)
    dirt.add_stock_notes(catalogue, calendar, invoices, lines, descriptions, rng, size)
    of_product = (lines.description < catalogue.size) & (lines.product >= 0)
    lines.description = np.where(of_product, description_of[lines.description % catalogue.size], lines.description)
    dirt.roughen_texts(catalogue, calendar, invoices, lines, codes, descriptions, next(streams))
    repeated = dirt.add_duplicates(calendar, invoices, lines, next(streams))

    invoice_texts = _number(invoices)
    truth = _count(
        seed, scale, calendar, catalogue, people, invoices, invoice_texts, lines, codes.texts, descriptions.texts,
        event_notes, return_notes, cancelled, repeated, near_repeats,
    )  # fmt: skip
    forms = {int(line): dirt.SPOILT_FORMS[place % len(dirt.SPOILT_FORMS)] for place, line in enumerate(spoilt)}
    return History(calendar, people, invoices, invoice_texts, lines, codes.texts, descriptions.texts, forms, truth)


def _number(invoices: Invoices) -> list[str]:
    """Count on in order of time, one counter for invoices of every kind, as a till does."""
    place = np.empty(len(invoices.minute), dtype=np.int64)
    place[np.argsort(invoices.minute, kind="stable")] = np.arange(len(place))
    numbers = (place + _FIRST_INVOICE_NUMBER).tolist()
    prefixes = [Invoices.PREFIXES[prefix] for prefix in invoices.prefix.tolist()]
    return [f"{prefix}{number}" for prefix, number in zip(prefixes, numbers, strict=True)]


def _money(mills: int | np.integer) -> Decimal:
    return Decimal(int(mills)).scaleb(-3)


def _count(
    seed: int,
    scale: float,
    calendar: ShopDays,
    catalogue: Catalogue,
    people: People,
    invoices: Invoices,
    invoice_texts: list[str],
    lines: Lines,
    codes: list[str],
    descriptions: list[str],
    event_notes: list[sales.EventNote],
    return_notes: list[returns.ReturnNotes],
    cancelled: list[returns.CancelledOrder],
    repeated: Ints,
    near_repeats: int,
) -> SampleTruth:
    amount = lines.amount_mills()
    customer = invoices.customer[lines.invoice]
    day = invoices.day()[lines.invoice]
    is_readable = lines.reason != UNREADABLE
    is_sale, is_return = lines.reason == SALE, lines.reason == RETURN
    is_kept = is_sale | is_return
    per_reason = np.bincount(lines.reason, minlength=len(DISPOSITIONS))
    buyers = np.unique(customer[is_sale & (customer > 0)])
    returners = np.unique(customer[is_return & (customer > 0)])
    sale_invoices = np.unique(lines.invoice[is_sale])
    orders_of_buyer = np.unique(invoices.customer[sale_invoices], return_counts=True)
    no_description = np.array([not text for text in descriptions])
    delivered_on = np.where(lines.delivered_on > 0, lines.delivered_on, day)

    by_month: dict[str, Decimal] = {}
    for number in np.unique(calendar.month_number):
        of_month = is_kept & (calendar.month_number[day] == number)
        first = calendar.date_of(int(np.flatnonzero(calendar.month_number == number)[0]))
        by_month[f"{first:%Y-%m}"] = _money(amount[of_month].sum())

    def id_of(number: int) -> str:
        return str(int(people.customer_id[number]))

    return SampleTruth(
        seed=seed,
        scale=scale,
        first_date=calendar.first_date,
        last_date=calendar.first_date + timedelta(days=calendar.days - 1),
        transaction_files=len(np.unique(delivered_on)),
        delivered_lines=lines.size,
        customer_file_lines=len(people.customer_id) - 1,
        line_counts={name: int(per_reason[number]) for number, name in enumerate(DISPOSITIONS)},
        amounts={
            name: _money(amount[lines.reason == number].sum())
            for number, name in enumerate(DISPOSITIONS)
            if number != UNREADABLE
        },
        duplicates_of={
            name: int((lines.reason[repeated] == number).sum())
            for number, name in enumerate(DISPOSITIONS)
            if number not in (UNREADABLE, DUPLICATE)
        },
        near_repeats=near_repeats,
        lines_without_customer=int((is_readable & (customer == 0)).sum()),
        lines_without_description=int((is_readable & no_description[lines.description]).sum()),
        invoices=len(np.unique(lines.invoice[is_readable])),
        sale_invoices=len(sale_invoices),
        customers=len(np.unique(customer[is_readable & (customer > 0)])),
        customers_with_sales=len(buyers),
        customers_with_returns_only=len(np.setdiff1d(returners, buyers)),
        one_time_customers=int(((orders_of_buyer[1] == 1) & (orders_of_buyer[0] > 0)).sum()),
        customers_gone=tuple(sorted(id_of(number) for number in buyers if not people.is_alive[number])),
        stock_codes_sold=len(np.unique(lines.product[is_sale])),
        countries=tuple(
            sorted(COUNTRY_NAMES[number] for number in np.unique(invoices.country[lines.invoice[is_kept]]))
        ),
        gross_amount=_money(amount[is_sale].sum()),
        return_amount=_money(amount[is_return].sum()),
        net_amount_by_month=by_month,
        return_cases=tuple(_return_case(note, lines) for note in return_notes),
        return_examples=tuple(
            example
            for note in return_notes
            for example in _return_examples(note, people, invoices, invoice_texts, lines, codes)
        ),
        cancelled_orders=tuple(
            CancelledOrderTruth(
                customer_id=id_of(order.customer),
                date=calendar.date_of(int(invoices.day()[order.invoice])),
                invoice=invoice_texts[order.invoice],
                cancel_invoice=invoice_texts[order.cancel_invoice],
                amount=_money(order.amount_mills),
                minutes_later=order.minutes,
                customer_net_amount=_money(amount[is_kept & (customer == order.customer)].sum()),
            )
            for order in cancelled
        ),
        events=tuple(_event(note, calendar, people, invoices, invoice_texts, lines, codes) for note in event_notes),
        trading_days=len(np.unique(day[is_sale])),
        closed_days=calendar.days - len(np.unique(day)),
        closed_weekday=SATURDAY,
        silent_dates=(calendar.date_of(calendar.silent_day),),
        product_pairs=tuple(
            PairTruth(
                codes[anchor], codes[int(catalogue.companion[anchor])],
                round(100 * float(catalogue.companion_share[anchor]), 1),
            )
            for anchor in np.flatnonzero(catalogue.companion >= 0)
        ),
        products_by_category={
            name: int((catalogue.category == number).sum()) for number, name in enumerate(CATEGORIES)
        },
    )  # fmt: skip


def _return_case(note: returns.ReturnNotes, lines: Lines) -> ReturnCase:
    units, price = -lines.quantity[note.lines], lines.price_mills[note.lines]
    return ReturnCase(
        case=note.case,
        line_count=len(note.lines),
        returned_units=int(units.sum()),
        matched_units=int(note.matched_units.sum()),
        matched_amount=_money((note.matched_units * price).sum()),
        unmatched_amount=_money(((units - note.matched_units) * price).sum()),
    )


def _return_examples(
    note: returns.ReturnNotes,
    people: People,
    invoices: Invoices,
    invoice_texts: list[str],
    lines: Lines,
    codes: list[str],
) -> list[ReturnExample]:
    examples = []
    for place, line in enumerate(note.lines[:_EXAMPLES_PER_CASE].tolist()):
        invoice = int(lines.invoice[line])
        customer = int(invoices.customer[invoice])
        matched = int(note.matched_units[place])
        purchases = note.purchases[place] if matched else ()
        examples.append(
            ReturnExample(
                case=note.case,
                customer_id=str(int(people.customer_id[customer])) if customer else None,
                return_invoice=invoice_texts[invoice],
                stock_code=codes[int(lines.code[line])].upper(),
                unit_price=_money(lines.price_mills[line]),
                returned_units=-int(lines.quantity[line]),
                matched_units=matched,
                purchase_invoices=tuple(invoice_texts[int(lines.invoice[bought])] for bought in purchases),
            )
        )
    return examples


def _event(
    note: sales.EventNote,
    calendar: ShopDays,
    people: People,
    invoices: Invoices,
    invoice_texts: list[str],
    lines: Lines,
    codes: list[str],
) -> InjectedEvent:
    which = note.lines
    invoice = np.unique(lines.invoice[which])
    customer = np.unique(invoices.customer[invoice])

    def largest(values: Ints) -> npt.NDArray[np.int64]:
        distinct, place = np.unique(values, return_inverse=True)
        worth = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(worth, place, lines.amount_mills()[which])
        return distinct[np.argsort(-worth, kind="stable")][:_MOST_NAMED]

    return InjectedEvent(
        date=calendar.date_of(note.day),
        name=note.name,
        direction=note.direction,
        cause=note.cause,
        gross_amount=_money(lines.amount_mills()[which].sum()),
        invoices=tuple(invoice_texts[number] for number in largest(lines.invoice[which])),
        customers=tuple(
            str(int(people.customer_id[number]))
            for number in largest(invoices.customer[lines.invoice[which]])
            if number in customer and number > 0
        ),
        stock_codes=tuple(codes[number].upper() for number in largest(lines.product[which])),
        countries=tuple(COUNTRY_NAMES[number] for number in np.unique(invoices.country[invoice])),
    )
