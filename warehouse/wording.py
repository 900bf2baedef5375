"""Numbers, money and days as people read them.

Belongs here: the one way in which pages, report, exports, summary and errors write a figure. Symbols, digits of a
currency and names of months are those of CLDR (Babel). Does not belong here: which figures, and sentences about them.

Sentences that SQL makes write figures by macros of dbt, and lists in the browser by a script; tests hold both to
what is written here.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warehouse.measures import Unit

MISSING = "–"
"""Shown where there is no figure; never 0, which is one."""

LOCALE = "en"

# where CLDR's English has only the code; nobody else uses these
_SYMBOLS = {"TRY": "₺", "UAH": "₴"}

_PENCE_BELOW = 100
"""Amounts of this size on are shown without their smallest unit, unless it is asked for."""


def is_missing(value: Any) -> bool:
    """Whether there is no figure: None, NaN, NaT, pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:
        # NA compares as NA, which is neither true nor false
        return True


@lru_cache
def currency_symbol(currency: str) -> str:
    """Sign that stands before an amount: ``£``, or the code and a space for others."""
    from babel.numbers import get_currency_symbol

    symbol = _SYMBOLS.get(currency) or get_currency_symbol(currency, locale=LOCALE)
    return f"{currency}\N{NO-BREAK SPACE}" if symbol == currency else symbol


@lru_cache
def currency_decimals(currency: str) -> int:
    """Digits of the currency's smallest unit: 2, or 0 of yen."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(currency)


def money(value: float | Decimal | None, currency: str, *, pence: bool | None = None) -> str:
    """An amount, such as ``£1,234`` or ``−£5.20``.

    Parameters
    ----------
    pence
        Whether the smallest unit is shown; by default only under 100.
    """
    if value is None or is_missing(value):
        return MISSING
    amount = float(value)
    is_exact = abs(amount) < _PENCE_BELOW if pence is None else pence
    return _signed(amount, currency_decimals(currency) if is_exact else 0, currency_symbol(currency))


def short_money(value: float | Decimal | None, currency: str) -> str:
    """An amount to three digits, such as ``£8.29m`` or ``£346k``."""
    if value is None or is_missing(value):
        return MISSING
    amount = float(value)
    if abs(amount) < 9_999.5:
        return money(amount, currency)
    rounded = float(f"{abs(amount):.3g}")
    size, unit = next(pair for pair in ((1e9, "bn"), (1e6, "m"), (1e3, "k")) if rounded >= pair[0])
    scaled = rounded / size
    decimals = max(0, 2 - int(math.log10(scaled)))
    return f"{_signed(math.copysign(scaled, amount), decimals, currency_symbol(currency))}{unit}"


def round_money(value: float, currency: str) -> str:
    """An amount as axes and bins have it, without noughts after the point: ``£5``, ``£2.50``, ``£12.5k``, ``£20k``."""
    if abs(value) < 9_999.5:
        return money(value, currency, pence=not float(value).is_integer())
    told = short_money(value, currency)
    return re.sub(r"\.(\d*?)0+(?=[kmb])", lambda found: f".{found[1]}" if found[1] else "", told)


def count(value: float | None) -> str:
    """A whole number with separators, such as ``4,334``."""
    return MISSING if value is None or is_missing(value) else number(value, 0)


def units(value: float | None) -> str:
    """A quantity, such as ``12``, or ``0.25`` of what is weighed: to a thousandth, without zeros at its end."""
    return MISSING if value is None or is_missing(value) else number(value, 3).rstrip("0").rstrip(".")


def number(value: float | Decimal | None, decimals: int = 1) -> str:
    """A number with some decimals, such as ``4.3``."""
    return MISSING if value is None or is_missing(value) else _signed(value, decimals)


def percent(value: float | None, decimals: int = 1) -> str:
    """A share that is given in percent, such as ``12.3%``."""
    return MISSING if value is None or is_missing(value) else f"{number(value, decimals)}%"


def change(value: float | None, decimals: int = 1) -> str:
    """A change in percent with its sign, such as ``+4.2%``; ``±0%`` if it rounds to nothing."""
    return MISSING if value is None or is_missing(value) else f"{_with_plus(value, decimals)}%"


def signed_count(value: float | None) -> str:
    """A difference of counts with its sign, such as ``+1,200``; ``±0`` if there is none."""
    return MISSING if value is None or is_missing(value) else _with_plus(value, 0)


def _with_plus(value: float, decimals: int) -> str:
    rounded = round(value, decimals)
    if rounded == 0:
        return "±0"
    return f"{'+' if rounded > 0 else ''}{_signed(value, decimals)}"


def _signed(value: float | Decimal, decimals: int, symbol: str = "") -> str:
    """Halves to even, as browsers and databases do it; what rounds to zero has no sign.

    Digits are grouped by Python, as Babel does it in this language: Babel takes 9 µs for a figure, and a page
    of segments has 16,000.
    """
    rounded = round(float(value), decimals)
    return f"{'−' if rounded < 0 else ''}{symbol}{abs(rounded):,.{decimals}f}"


def days(value: float | None) -> str:
    """A length of time, such as ``12 days``."""
    return MISSING if value is None or is_missing(value) else plural(value, "day")


def in_unit(value: float | None, unit: Unit, currency: str, *, is_short: bool = False) -> str:
    """A measure's value in its unit; ``is_short`` where only its size matters, as ``£8.29m``; three digits of days."""
    match unit:
        case "money":
            return short_money(value, currency) if is_short else money(value, currency)
        case "count":
            return count(value)
        case "units":
            return units(value)
        case "percent":
            return percent(value)
        case "days":
            if value is None or is_missing(value):
                return MISSING
            return f"{number(value, 0 if is_short and abs(value) >= 99.95 else 1)} days"
    return number(value)


def _dated(value: date | datetime, pattern: str) -> str:
    """A date by a pattern of CLDR."""
    # a refresh with nothing to do counts files, and Babel would be a twentieth of its time
    from babel.dates import format_date

    return format_date(value, pattern, locale=LOCALE)


def day(value: date | datetime | None) -> str:
    """A date, such as ``9 Dec 2011``."""
    return MISSING if value is None or is_missing(value) else _dated(value, "d MMM y")


def weekday(value: date | datetime) -> str:
    """A date with its day of the week, such as ``Friday 9 Dec 2011``."""
    return _dated(value, "EEEE d MMM y")


def month(value: date | datetime | None) -> str:
    """A month, such as ``Dec 2011``."""
    return MISSING if value is None or is_missing(value) else _dated(value, "MMM y")


def month_name(value: date | datetime) -> str:
    """A month without its year, such as ``Dec``."""
    return _dated(value, "MMM")


def clock_time(value: datetime | None) -> str:
    """A time of day by the shop's own clock, such as ``9 Dec 2011, 12:50``."""
    from babel.dates import format_datetime

    return MISSING if value is None or is_missing(value) else format_datetime(value, "d MMM y, HH:mm", locale=LOCALE)


def moment(value: datetime | None) -> str:
    """A time of day, such as ``21 Nov 2026, 14:31 UTC``; the value is UTC."""
    return MISSING if value is None or is_missing(value) else f"{clock_time(value)} UTC"


def plural(amount: float, one: str, many: str | None = None) -> str:
    """A count with its noun, such as ``1 customer`` or ``4,334 customers``."""
    return f"{count(amount)} {one if round(amount) == 1 else many or one + 's'}"
