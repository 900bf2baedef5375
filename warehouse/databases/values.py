"""Values of a database as the text that files deliver, and watermarks as what can be compared.

Belongs here: one value to its text, one watermark to its kind and back. Does not belong
here: what the text means (:mod:`warehouse.readers`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

WatermarkKind = Literal["date", "time", "instant", "number"]
UTC_OFFSET = "+00"
"""As DuckDB writes it behind a time of Parquet that has a zone."""


def as_texts(column: Sequence[Any], *, is_utc: bool = False) -> list[str | None]:
    """One column of a batch as text; exact, and as a CSV would have delivered it.

    Parameters
    ----------
    is_utc
        Times without a zone are instants on the UTC clock.
    """
    kinds = {type(value) for value in column} - {type(None)}
    if kinds <= {str}:
        return list(column)
    if len(kinds) == 1:
        write = _writer(kinds.pop(), is_utc=is_utc)
        return [None if value is None else write(value) for value in column]
    return [None if value is None else _writer(type(value), is_utc=is_utc)(value) for value in column]


def _writer(kind: type, *, is_utc: bool) -> Callable[[Any], str | None]:
    if is_utc and kind is datetime:
        return lambda value: _time(value) + UTC_OFFSET
    for known, write in _WRITERS:
        if issubclass(kind, known):
            return write
    return str


def _time(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat(" ")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ") + UTC_OFFSET


def _float(value: float) -> str | None:
    if math.isnan(value):
        return None
    # a blank makes an integer column a float one: 17850.0 was 17850
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


def _clock(value: timedelta) -> str:
    """A time of day, which MariaDB's driver hands over as a span."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        # a binary key; two of them must never read alike
        return value.hex()


# the first that fits counts: a bool is an int, a datetime a date
_WRITERS: tuple[tuple[type, Callable[[Any], str | None]], ...] = (
    (str, str),
    (bool, lambda value: "true" if value else "false"),
    (int, str),
    (Decimal, lambda value: format(value, "f")),
    (float, _float),
    (datetime, _time),
    (date, date.isoformat),
    (timedelta, _clock),
    (bytes, _bytes),
    (dict, lambda value: json.dumps(value, sort_keys=True, default=str)),
    (list, lambda value: json.dumps(value, default=str)),
)


@dataclass(frozen=True)
class Watermark:
    """A point up to which rows were seen."""

    kind: WatermarkKind
    value: date | datetime | int

    @classmethod
    def read(cls, kind: WatermarkKind, text: str) -> Watermark:
        """The watermark that :meth:`written` wrote."""
        if kind == "number":
            return cls(kind, int(text))
        return cls(kind, date.fromisoformat(text) if kind == "date" else datetime.fromisoformat(text))

    def written(self) -> str:
        """ISO 8601, or the number."""
        return str(self.value) if isinstance(self.value, int) else self.value.isoformat()

    def back(self, amount: float) -> Watermark:
        """The point that lies so many days, or units of a number, before.

        A calendar day is looked at whole.
        """
        if isinstance(self.value, int):
            return Watermark(self.kind, self.value - math.ceil(amount))
        if not isinstance(self.value, datetime):
            return Watermark(self.kind, self.value - timedelta(days=math.ceil(amount)))
        try:
            return Watermark(self.kind, self.value - timedelta(days=amount))
        except OverflowError:
            return Watermark(self.kind, datetime.min.replace(tzinfo=self.value.tzinfo))


def kind_of_watermark(value: object) -> WatermarkKind | None:
    """What a value of the watermark column is; None if it can't serve as one."""
    if isinstance(value, datetime):
        return "time" if value.tzinfo is None else "instant"
    if isinstance(value, date):
        return "date"
    if isinstance(value, bool):
        return None
    is_whole = isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite() and value == int(value))
    return "number" if is_whole else None
