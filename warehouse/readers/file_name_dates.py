"""Days and months that a file's name speaks of.

Belongs here: finding them. Does not belong here: what they say about the dates inside.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

from warehouse.readers.month_names import MONTHS, fold_name

_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[-_. ]?(\d{2})[-_. ]?(\d{2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{2})[-_. ]?(\d{2})[-_. ]?(\d{4})(?!\d)")
_MONTH = re.compile(r"(?<!\d)(\d{4})[-_.](\d{2})(?![-_.]?\d)")
_NAMED_MONTH = re.compile(r"([^\W\d_]{3,})[-_. ]*(\d{4})(?!\d)|(?<!\d)(\d{4})[-_. ]*([^\W\d_]{3,})")


@dataclass(frozen=True)
class NamedPeriod:
    """A day or a whole month that a name speaks of."""

    first: date
    last: date

    @property
    def is_month(self) -> bool:
        """Whether it is a month, which bounds the dates inside rather than being one of them."""
        return self.first != self.last


def periods_in_name(file_name: str) -> list[NamedPeriod]:
    """Days (``2026-03-04``, ``20260304``, ``04032026``) and months (``2026-03``, ``March 2026``) of a name.

    Digits with the year behind may put day or month first, so both readings count.
    """
    found: list[NamedPeriod] = []
    for year, month, day in _YEAR_FIRST.findall(file_name):
        found += _day(year, month, day)
    for one, other, year in _YEAR_LAST.findall(file_name):
        found += [*_day(year, other, one), *_day(year, one, other)]
    if found:
        # a month of a name with a day in it says nothing more
        return found
    for year, month in _MONTH.findall(file_name):
        found += _month(year, int(month))
    for name, year, year_before, name_behind in _NAMED_MONTH.findall(file_name):
        month = MONTHS.get(fold_name(name or name_behind))
        if month is not None:
            found += _month(year or year_before, month)
    return found


def _day(year: str, month: str, day: str) -> list[NamedPeriod]:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        # digits that are no date
        return []
    return [NamedPeriod(found, found)] if _is_likely(found.year) else []


def _month(year: str, month: int) -> list[NamedPeriod]:
    if not _is_likely(int(year)) or not 1 <= month <= 12:
        return []
    last = calendar.monthrange(int(year), month)[1]
    return [NamedPeriod(date(int(year), month, 1), date(int(year), month, last))]


def _is_likely(year: int) -> bool:
    return 1970 <= year < 2100
