"""Workbooks in which a spreadsheet program swapped day and month.

Belongs here: the signature of such a file, and whether swapping back mends it. Does not
belong here: reading dates, and writing them.

A program set to the American order opens ``04/03/2011``, meant as 4 March, as a cell of 3
April, and leaves ``13/03/2011`` as text, since there is no 13th month. So no cell has a
day past the 12th, no text has a day before the 13th, and the cells are strewn over the
year while the texts lie together. Believed as they stand, such cells put the sales of one
month into twelve.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

SURE_DAYS = 8
"""With this many different days on either side, the split at the 12th is no chance: 0.4 ** 8 is 0.0007."""


@dataclass(frozen=True)
class SplitDates:
    """A file whose native dates all have a day up to the 12th and whose text dates all have one past it."""

    text_first_at: datetime
    text_last_at: datetime
    text_days: int
    """Different days among the texts."""
    native_first_on: date
    native_last_on: date
    native_days: int
    """Different days among the native dates."""
    swapped_first_on: date
    """The first native date if day and month were swapped back."""
    swapped_last_on: date
    differing_lines: int
    """Native dates that swapping changes."""


def judge_split(split: SplitDates) -> Literal["as_they_are", "swapped", "undecided"]:
    """Tell whether the native dates are right, swapped, or can't be believed either way.

    The months of the texts say where the file belongs; a month more on either side is
    allowed. If the native dates fit there both ways, as in a file of a whole year, many days
    on both sides of the 12th show the swap, and few leave it undecided.
    """
    if split.differing_lines == 0:
        return "as_they_are"
    first, last = _month(split.text_first_at), _month(split.text_last_at)
    fits: dict[int, tuple[bool, bool]] = {
        grown: (
            first - grown <= _month(split.native_first_on) and _month(split.native_last_on) <= last + grown,
            first - grown <= _month(split.swapped_first_on) and _month(split.swapped_last_on) <= last + grown,
        )
        for grown in (1, 0)
    }
    if not any(fits[1]):
        return "undecided"
    for as_they_are, swapped in fits.values():
        if as_they_are != swapped:
            return "as_they_are" if as_they_are else "swapped"
    is_sure = min(split.native_days, split.text_days) >= SURE_DAYS
    return "swapped" if is_sure else "undecided"


def _month(day: date) -> int:
    return day.year * 12 + day.month
