"""A number in a text as it may be written, before anything is known of a file's marks.

Belongs here: what is good enough to compare figures of one line. Does not belong here: reading a column
(:mod:`warehouse.readers.number_styles`), which judges all of its values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

Line = Sequence[str | None]

_NUMBER = re.compile(r"\d[\d.,' \u00a0\u202f\u2019]*")


def rough_number(line: Line, position: int) -> Decimal:
    """A number as it may be written; 0 where there is none. Its decimal mark is the last one in it."""
    text = field(line, position)
    found = _NUMBER.search(text)
    if not found:
        return Decimal(0)
    digits = re.sub(r"[^\d.,]", "", found.group())
    mark = max(digits.rfind("."), digits.rfind(","))
    is_thousands = mark >= 0 and digits.count(digits[mark]) > 1
    if mark >= 0 and not is_thousands:
        digits = re.sub(r"[.,]", "", digits[:mark]) + "." + digits[mark + 1 :]
    else:
        digits = re.sub(r"[.,]", "", digits)
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return Decimal(0)
    is_negative = text.strip().startswith(("-", "\u2212", "(")) or text.strip().endswith("-")
    return -value if is_negative else value


def field(line: Line, position: int) -> str:
    """A field without the blanks around it; a line may be shorter."""
    return (line[position] or "").strip() if position < len(line) else ""
