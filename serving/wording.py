"""Numbers, money and days as people read them.

Belongs here: the one way that the dashboard, the report and the exports write a figure.
Does not belong here: which figures, and sentences about them.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from warehouse.measures import Unit

MISSING = "–"
"""Shown where there is no figure; never 0, which is one."""

_SYMBOLS = {
    "GBP": "£",
    "EUR": "€",
    "USD": "$",
    "JPY": "¥",
    "INR": "₹",
    "CAD": "CA$",
    "AUD": "A$",
    "NZD": "NZ$",
    "BRL": "R$",
    "MXN": "MX$",
    "CNY": "CN¥",
    "KRW": "₩",
    "ILS": "₪",
    "PHP": "₱",
    "TRY": "₺",
    "UAH": "₴",
    "VND": "₫",
}


def is_missing(value: Any) -> bool:
    """Whether there is no figure: None, NaN, NaT, pandas' NA."""
    # NA compares as NA, which is neither true nor false
    return value is None or value is pd.NA or value != value


def currency_symbol(currency: str) -> str:
    """Sign that stands before an amount: ``£``, or the code and a space for others."""
    return _SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")


def money(value: float | Decimal | None, currency: str, *, pence: bool | None = None) -> str:
    """An amount, such as ``£1,234`` or ``−£5.20``.

    Parameters
    ----------
    pence
        Whether two decimals are shown; by default only under 100.
    """
    if value is None or is_missing(value):
        return MISSING
    amount = float(value)
    decimals = 2 if (abs(amount) < 100 if pence is None else pence) else 0
    rounded = round(amount, decimals)
    sign = "−" if rounded < 0 else ""
    return f"{sign}{currency_symbol(currency)}{abs(rounded):,.{decimals}f}"


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
    return f"{'−' if amount < 0 else ''}{currency_symbol(currency)}{scaled:,.{decimals}f}{unit}"


def count(value: float | None) -> str:
    """A whole number with separators, such as ``4,334``."""
    return MISSING if value is None or is_missing(value) else f"{round(value):,}".replace("-", "−")


def units(value: float | None) -> str:
    """A quantity, such as ``12``, or ``0.25`` of what is weighed: to a thousandth, without zeros at its end."""
    return MISSING if value is None or is_missing(value) else number(value, 3).rstrip("0").rstrip(".")


def number(value: float | None, decimals: int = 1) -> str:
    """A number with some decimals, such as ``4.3``."""
    if value is None or is_missing(value):
        return MISSING
    # plus nothing: what rounds to zero has no sign
    return f"{round(value, decimals) + 0:,.{decimals}f}".replace("-", "−")


def percent(value: float | None, decimals: int = 1) -> str:
    """A share that is given in percent, such as ``12.3 %``."""
    if value is None or is_missing(value):
        return MISSING
    return f"{number(value, decimals)}\N{NARROW NO-BREAK SPACE}%"


def change(value: float | None, decimals: int = 1) -> str:
    """A change in percent with its sign, such as ``+4.2 %``; ``±0 %`` if it rounds to nothing."""
    if value is None or is_missing(value):
        return MISSING
    rounded = round(value, decimals)
    if rounded == 0:
        return "±0\N{NARROW NO-BREAK SPACE}%"
    return f"{'+' if rounded > 0 else '−'}{abs(rounded):,.{decimals}f}\N{NARROW NO-BREAK SPACE}%"


def days(value: float | None) -> str:
    """A length of time, such as ``12 days``."""
    if value is None or is_missing(value):
        return MISSING
    whole = round(value)
    return f"{whole:,} day{'' if whole == 1 else 's'}"


def in_unit(value: float | None, unit: Unit, currency: str, *, is_short: bool = False) -> str:
    """A measure's value in its unit; ``is_short`` where only its size matters, as ``£8.29m`` and ``221 days``."""
    match unit:
        case "money":
            return short_money(value, currency) if is_short else money(value, currency)
        case "count":
            return count(value)
        case "units":
            return units(value)
        case "percent":
            return percent(value)
        case "days" if is_short:
            return days(value)
        case "days":
            return MISSING if is_missing(value) else f"{number(value)} days"
    return number(value)


def day(value: date | datetime | None) -> str:
    """A date, such as ``9 Dec 2011``."""
    return MISSING if value is None or is_missing(value) else f"{value.day} {value:%b %Y}"


def month(value: date | datetime | None) -> str:
    """A month, such as ``Dec 2011``."""
    return MISSING if value is None or is_missing(value) else f"{value:%b %Y}"


def moment(value: datetime | None) -> str:
    """A time of day, such as ``21 Nov 2026, 14:31 UTC``; the value is UTC."""
    return MISSING if value is None or is_missing(value) else f"{value.day} {value:%b %Y, %H:%M} UTC"


def plural(amount: float, one: str, many: str | None = None) -> str:
    """A count with its noun, such as ``1 customer`` or ``4,334 customers``."""
    return f"{count(amount)} {one if round(amount) == 1 else many or one + 's'}"
