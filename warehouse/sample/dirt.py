"""What real deliveries hold besides sales and returns of products.

Belongs here: fees, postage, adjustments, stock notes, free goods, repeats, lines that
can't be read, odd codes and descriptions. Does not belong here: the rules that set
such lines aside; those are SQL in ``dbt_project/``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from warehouse.sample.book import (
    ADJUSTMENT,
    DUPLICATE,
    MINUTES_PER_DAY,
    NON_POSITIVE_PRICE,
    NON_POSITIVE_QUANTITY,
    NON_PRODUCT,
    RETURN,
    SALE,
    UNREADABLE,
    Ints,
    Invoices,
    Lines,
    Texts,
)
from warehouse.sample.catalogue import LOOKALIKES, Catalogue
from warehouse.sample.people import COUNTRY_NAMES, HOME_COUNTRY
from warehouse.sample.shop_days import ShopDays

_CARRIAGE_COUNTRIES = ("EIRE", "Channel Islands")
_POSTAGE_PENCE = (1500, 1800, 2800, 4000)

# Code, description, quantity, lowest and highest price in pence, lines in a full history.
_FEES_ON_INVOICES = (
    ("M", "Manual", 1, 50, 30000, 420),
    ("m", "Manual", 1, 95, 255, 3),
    ("C3", "CARRIAGE", 1, 5000, 5000, 6),
    ("gift_0001_10", "GIFT VOUCHER £10.00", 1, 833, 833, 12),
    ("gift_0001_20", "GIFT VOUCHER £20.00", 1, 1667, 1667, 14),
    ("gift_0001_50", "GIFT VOUCHER £50.00", 1, 4167, 4167, 5),
    ("GIFT", "Gift voucher", 1, 1000, 1000, 2),
    ("TEST001", "This is a test product.", 5, 450, 450, 9),
    ("TEST002", "This is a test product.", 1, 100, 100, 2),
    ("ADJUST", "Adjustment by the office", 1, 100, 20000, 24),
    ("ADJUST2", "Adjustment by the office", 1, 100, 5000, 6),
    ("SP1002", "SALES SAMPLE", 1, 200, 500, 2),
    ("BANK CHARGES", "Bank Charges", 1, 1500, 1500, 14),
)
_FEES_ON_CANCELLATIONS = (
    ("D", "Discount", -1, 100, 20000, 110),
    ("S", "SAMPLES", -1, 200, 8000, 80),
    ("AMAZONFEE", "AMAZON FEE", -1, 100000, 700000, 24),
    ("CRUK", "CRUK Commission", -1, 500, 60000, 22),
    ("BANK CHARGES", "Bank Charges", -1, 1000, 40000, 30),
    ("M", "Manual", -1, 50, 60000, 150),
    ("POST", "POSTAGE", -1, 1800, 4000, 60),
)
_ADJUSTMENTS_MILLS = (11_062_060, -11_062_060, -3_594_850, 2_210_400)

_DAMAGES = ("damages", "damaged", "thrown away", "?", "check", "lost", "wet", "broken", "missing", "")
_FOUND = ("found", "?", "check", "amazon", "", "counted", "returned by the courier", "")


def add_fees(
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    codes: Texts,
    descriptions: Texts,
    rng: np.random.Generator,
    scale: float,
) -> None:
    """Postage abroad, carriage, web postage, and all that is booked as if it were a product."""
    # not on invoices that are an injected event: those are known to the penny
    sold = np.unique(lines.invoice[(lines.reason == SALE) & ~lines.is_protected])
    country = invoices.country[sold]
    carriage = np.isin(country, [COUNTRY_NAMES.index(name) for name in _CARRIAGE_COUNTRIES])
    abroad = (country != COUNTRY_NAMES.index(HOME_COUNTRY)) & ~carriage
    guest = invoices.customer[sold] == 0

    def book(code: str, description: str, invoice: Ints, quantity: Ints | int, price_mills: Ints | int) -> None:
        lines.add(
            NON_PRODUCT,
            invoice=invoice,
            code=codes.number(code),
            description=descriptions.number(description),
            quantity=quantity,
            price_mills=price_mills,
        )

    mailed = sold[abroad & (rng.random(len(sold)) < 0.62)]
    book("POST", "POSTAGE", mailed, rng.integers(1, 4, len(mailed)), rng.choice(_POSTAGE_PENCE, len(mailed)) * 10)
    carried = sold[carriage & (rng.random(len(sold)) < 0.55)]
    book("C2", "CARRIAGE", carried, 1, 50_000)
    shipped = sold[guest & (rng.random(len(sold)) < 0.17)]
    book("DOT", "DOTCOM POSTAGE", shipped, 1, rng.integers(300, 60000, len(shipped)) * 10)

    for code, description, quantity, low, high, usual in _FEES_ON_INVOICES:
        on = rng.choice(sold, max(round(usual * scale), 1), replace=False)
        book(code, description, on, quantity, rng.integers(low, high + 1, len(on)) * 10)
    for code, description, quantity, low, high, usual in _FEES_ON_CANCELLATIONS:
        count = max(round(usual * scale), 1)
        # fees that are the shop's own concern name no customer
        customer = rng.choice(invoices.customer[sold], count) if code in ("D", "M", "POST") else 0
        on = invoices.add(some_minutes(count, calendar, rng), customer, 0, "C")
        book(code, description, on, quantity, rng.integers(low, high + 1, count) * 10)

    for code, description, price_mills in LOOKALIKES:
        on = rng.choice(sold[guest], max(round(9 * scale), 1), replace=False)
        lines.add(
            SALE,
            invoice=on,
            code=codes.number(code),
            description=descriptions.number(description),
            quantity=1,
            price_mills=price_mills,
            product=catalogue.size + [name for name, _, _ in LOOKALIKES].index(code),
            is_protected=True,
        )


def add_adjustments(
    calendar: ShopDays, invoices: Invoices, lines: Lines, codes: Texts, descriptions: Texts, rng: np.random.Generator
) -> None:
    """Add A invoices: bad debt written off and put right, at negative prices too."""
    on = invoices.add(some_minutes(len(_ADJUSTMENTS_MILLS), calendar, rng), 0, 0, "A")
    lines.add(
        ADJUSTMENT,
        invoice=on,
        code=codes.number("B"),
        description=descriptions.number("Adjust bad debt"),
        quantity=1,
        price_mills=np.array(_ADJUSTMENTS_MILLS),
    )


def add_stock_notes(
    catalogue: Catalogue,
    calendar: ShopDays,
    invoices: Invoices,
    lines: Lines,
    descriptions: Texts,
    rng: np.random.Generator,
    scale: float,
) -> None:
    """Damages and finds at price 0, free gifts to customers, and a few quantities of 0."""
    count = max(int(1150 * scale), 8)
    on = invoices.add(some_minutes(count, calendar, rng), 0, 0)
    product = rng.integers(0, catalogue.size, count)
    notes = np.array([descriptions.number(text) for text in _DAMAGES])
    lines.add(
        NON_POSITIVE_QUANTITY,
        invoice=on,
        code=product,
        description=notes[np.arange(count) % len(notes)],
        quantity=-rng.integers(1, 240, count),
        price_mills=0,
        product=product,
    )

    count = max(int(950 * scale), 8)
    on = invoices.add(some_minutes(count, calendar, rng), 0, 0)
    product = rng.integers(0, catalogue.size, count)
    notes = np.array([descriptions.number(text) for text in _FOUND])
    lines.add(
        NON_POSITIVE_PRICE,
        invoice=on,
        code=product,
        description=notes[np.arange(count) % len(notes)],
        quantity=rng.integers(1, 300, count),
        price_mills=0,
        product=product,
    )

    sold = np.flatnonzero((lines.reason == SALE) & ~lines.is_protected & (lines.product < catalogue.size))
    gift = sold[invoices.customer[lines.invoice[sold]] > 0]
    gift = rng.choice(gift, max(int(45 * scale), 2), replace=False)
    lines.add(
        NON_POSITIVE_PRICE,
        invoice=lines.invoice[gift],
        code=lines.code[gift],
        description=lines.description[gift],
        quantity=1,
        price_mills=0,
        product=lines.product[gift],
    )
    nothing = rng.choice(sold, max(int(6 * scale), 1), replace=False)
    lines.add(
        NON_POSITIVE_QUANTITY,
        invoice=lines.invoice[nothing],
        code=lines.code[nothing],
        description=lines.description[nothing],
        quantity=0,
        price_mills=lines.price_mills[nothing],
        product=lines.product[nothing],
    )


def add_near_repeats(lines: Lines, rng: np.random.Generator, scale: float) -> int:
    """Lines that repeat another in all but the quantity: sales, not duplicates. Returns how many."""
    sold = np.flatnonzero((lines.reason == SALE) & ~lines.is_protected)
    near = rng.choice(sold, max(int(900 * scale), 5), replace=False)
    lines.add(
        SALE,
        invoice=lines.invoice[near],
        code=lines.code[near],
        description=lines.description[near],
        quantity=lines.quantity[near] + 1,
        price_mills=lines.price_mills[near],
        product=lines.product[near],
    )
    return len(near)


def spoil_some(lines: Lines, rng: np.random.Generator, scale: float) -> Ints:
    """Choose the sale lines that will be written so that they can't be read; returns their numbers."""
    sold = np.flatnonzero((lines.reason == SALE) & ~lines.is_protected)
    # in invoices with other lines, so that no invoice is known from unreadable lines alone
    long_invoice = np.bincount(lines.invoice)[lines.invoice[sold]] >= 6
    chosen = np.sort(rng.choice(sold[long_invoice], max(int(14 * scale), len(SPOILT_FORMS)), replace=False))
    _, first = np.unique(lines.invoice[chosen], return_index=True)
    chosen = chosen[first]
    lines.reason[chosen] = UNREADABLE
    return chosen


SPOILT_FORMS = ("too few fields", "too many fields", "quantity in words", "quantity with a letter O", "price not given")


def spoilt_text(form: str, fields: list[str]) -> str:
    """Write one line's fields so that they can't be read; ``fields`` are the eight values, unquoted."""
    invoice, code, description, quantity, minute, price, customer, country = fields
    plain = description.replace(",", " ").replace('"', "")
    values = {
        "too few fields": [invoice, code, plain, quantity],
        "too many fields": [invoice, code, plain, "BOXED", quantity, minute, price, customer, country],
        "quantity in words": [invoice, code, plain, "six", minute, price, customer, country],
        "quantity with a letter O": [invoice, code, plain, "1O", minute, price, customer, country],
        "price not given": [invoice, code, plain, quantity, minute, "n/a", customer, country],
    }[form]
    return ",".join(values)


def roughen_texts(
    catalogue: Catalogue, calendar: ShopDays, invoices: Invoices, lines: Lines, codes: Texts, descriptions: Texts,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Lower-case codes, renamed products and missing descriptions, which change no disposition."""
    real = (lines.product >= 0) & (lines.product < catalogue.size)
    lettered = np.array([not code.isdigit() for code in catalogue.codes])
    low = np.flatnonzero(real & lettered[np.where(real, lines.product, 0)] & (rng.random(lines.size) < 0.004))
    lower = {product: codes.number(catalogue.codes[product].lower()) for product in np.unique(lines.product[low])}
    lines.code[low] = [lower[product] for product in lines.product[low]]

    renamed = np.flatnonzero(rng.random(catalogue.size) < 0.03)
    new_name = np.full(catalogue.size, -1, dtype=np.int64)
    for product in renamed:
        new_name[product] = descriptions.number(f"NEW {catalogue.descriptions[product].strip()}")
    second_half = invoices.day()[lines.invoice] > calendar.days * 3 // 5
    usual = (lines.reason == SALE) | (lines.reason == RETURN)
    changed = np.flatnonzero(real & second_half & usual & (new_name[np.where(real, lines.product, 0)] >= 0))
    lines.description[changed] = new_name[lines.product[changed]]
    bare = np.flatnonzero((lines.reason == SALE) & (rng.random(lines.size) < 0.0004))
    lines.description[bare] = descriptions.number("")


def add_duplicates(
    calendar: ShopDays, invoices: Invoices, lines: Lines, rng: np.random.Generator, share: float = 0.0095
) -> npt.NDArray[np.int64]:
    """Repeat some lines exactly, and the end of one day's file at the start of the next one's.

    Returns
    -------
    ndarray of shape (n_duplicates,)
        The line that each duplicate repeats.
    """
    readable = np.flatnonzero(lines.reason != UNREADABLE)
    # now and then the same line three times
    within = rng.choice(readable, int(len(readable) * share), replace=True)
    lines_of_day = readable[invoices.day()[lines.invoice[readable]] == calendar.events["overlapping_delivery"]]
    last = lines_of_day[np.argsort(invoices.minute[lines.invoice[lines_of_day]], kind="stable")][-40:]
    following = int(calendar.next_open[calendar.events["overlapping_delivery"] + 1])
    origins = np.concatenate((within, last))
    lines.add(
        DUPLICATE,
        invoice=lines.invoice[origins],
        code=lines.code[origins],
        description=lines.description[origins],
        quantity=lines.quantity[origins],
        price_mills=lines.price_mills[origins],
        product=lines.product[origins],
        delivered_on=np.concatenate((np.zeros(len(within), dtype=np.int64), np.full(len(last), following))),
    )
    return origins


def some_minutes(count: int, calendar: ShopDays, rng: np.random.Generator) -> Ints:
    """Minutes of office hours on random open days."""
    open_days = np.flatnonzero(calendar.is_open)
    return rng.choice(open_days, count) * MINUTES_PER_DAY + 9 * 60 + rng.integers(0, 8 * 60, count)
