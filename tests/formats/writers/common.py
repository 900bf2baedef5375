"""What the writers of all systems have in common.

Belongs here: what a writer is, which part of the history an export shows, the lines that
somebody who reads the file right must find in it, money and rows as text. Does not belong
here: anything that one system alone does.

A writer carries its own truth: what is expected of a file follows from the history and from
what the system can tell, and is worked out beside the file, never from it.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from tests.formats.history import LAST_NEWS, History
from tests.formats.orders import Customer, Feature, Line, Order, on_shop_clock

SALE, RETURN, NON_PRODUCT, NOT_A_SALE = "sale", "return", "non_product", "not_a_sale"

Row = dict[str, str]


class Part(Enum):
    """Of the money of an order, what systems are compared by."""

    SOLD = "what its goods were sold for"
    KEPT = "what is left of that after all that was given back"


CanTell = Mapping[Part, frozenset[Feature]]


@dataclass(frozen=True)
class ExpectedLine:
    """A line that has to be found in a file.

    Attributes
    ----------
    invoice
        The order, or the receipt of a refund, as the system calls it.
    invoiced_at
        On the shop's clock; midnight where the system tells the day only.
    stock_code
        SKU, or what stands for it; None on a return that names no product.
    quantity
        Negative on returns; minus one where no product is named.
    line_net
        What the line brought, negative on returns; None where the file does not tell.
    customer
        As the system knows them, None for nobody.
    country
        In words.
    kind
        ``sale``, ``return``, ``non_product`` (tips, gift cards), ``not_a_sale`` (cancelled, unpaid).
    order
        The history's number of the order, by which systems are compared; no part of the line.
    """

    invoice: str
    invoiced_at: datetime
    stock_code: str | None
    description: str | None
    quantity: Decimal
    line_net: Decimal | None
    customer: str | None
    country: str
    kind: str
    order: int = field(compare=False, default=0)


@dataclass(frozen=True)
class Excerpt:
    """What an export of some day shows: orders as they stood, from one day to another (both included)."""

    orders: tuple[Order, ...]
    since: date | None
    until: date | None

    def holds(self, at: datetime) -> bool:
        """Whether something that happened then is within it."""
        day = on_shop_clock(at).date()
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)

    @property
    def begun(self) -> list[Order]:
        """The orders that began within it, oldest first."""
        return [order for order in self.orders if self.holds(order.at)]


class Writer(ABC):
    """Writes a history as one system exports it, and says what a reader must find."""

    name: ClassVar[str]
    file_name: ClassVar[str]

    can_tell: ClassVar[CanTell]
    """Parts of the money that it tells, each with the features of orders of which it can't tell it.

    A system that shows no refunds has no :attr:`Part.KEPT`.
    """

    can_tell_customers: ClassVar[bool] = True

    def write(
        self,
        history: History,
        path: Path,
        since: date | None = None,
        until: date | None = None,
        exported_on: date | None = None,
        **quirks: Any,
    ) -> Path:
        """Write what an export of ``exported_on`` shows of the days from ``since`` to ``until``.

        ``path`` is the file, or a folder for it. Quirks are those of the system's ``content``.
        """
        if path.is_dir():
            path /= self.file_name
        path.write_bytes(self.exported(history, since, until, exported_on, **quirks))
        return path

    def exported(
        self,
        history: History,
        since: date | None = None,
        until: date | None = None,
        exported_on: date | None = None,
        **quirks: Any,
    ) -> bytes:
        """The same as bytes."""
        return self.content(self._excerpt(history, since, until, exported_on), **quirks)

    def expected(
        self,
        history: History,
        since: date | None = None,
        until: date | None = None,
        exported_on: date | None = None,
        **quirks: Any,
    ) -> list[ExpectedLine]:
        """The lines to be found in that file, returns of an order after its sales."""
        return self.lines(self._excerpt(history, since, until, exported_on), **quirks)

    @staticmethod
    def _excerpt(history: History, since: date | None, until: date | None, exported_on: date | None) -> Excerpt:
        return Excerpt(history.as_exported(exported_on or LAST_NEWS).orders, since, until)

    @abstractmethod
    def content(self, excerpt: Excerpt, **quirks: Any) -> bytes:
        """The file."""

    @abstractmethod
    def lines(self, excerpt: Excerpt, **quirks: Any) -> list[ExpectedLine]:
        """What is to be found in it."""

    @abstractmethod
    def customer(self, customer: Customer | None) -> str | None:
        """How the system knows a customer."""


def goods(order: Order) -> list[tuple[int, Line, Decimal]]:
    """Position, line and net of an order's goods, without gift cards."""
    return [
        (position, line, net)
        for position, (line, net) in enumerate(zip(order.lines, order.nets, strict=True))
        if line.is_product
    ]


def given_back_units(line: Line, units: Decimal) -> Decimal:
    """Units of a return as a system counts that knows whole numbers only."""
    return Decimal(1) if line.product.is_weighed else units


def money(value: Decimal, places: int = 2) -> str:
    """``1234.50``."""
    return f"{value:.{places}f}"


def pounds(value: Decimal) -> str:
    """``£1,234.50``, ``-£9.00``."""
    return f"{'-' if value < 0 else ''}£{abs(value):,.2f}"


def whole(value: Decimal) -> str:
    """Without a decimal point."""
    assert value == int(value), value
    return str(int(value))


def token(*parts: object, length: int = 22, alphabet: str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") -> str:
    """An id that looks drawn by lot and is the same for the same parts; begins with a letter."""
    number = int.from_bytes(hashlib.sha256(repr(parts).encode()).digest())
    digits = []
    for _ in range(length - 1):
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return "T" + "".join(digits)


def table(
    headers: Sequence[str],
    rows: Iterable[Mapping[str, str]],
    *,
    delimiter: str = ",",
    end: str = "\n",
    quoted: str = "where needed",
    header_quoted: str = "",
) -> str:
    """Rows as text; a column that a row lacks is empty.

    ``quoted`` is ``where needed``, ``always``, ``empty`` (empty fields too), ``blanks`` (whatever
    has a blank in it too) or ``never``; ``header_quoted`` the same for the header, where it differs.

    Raises
    ------
    ValueError
        If a row has a column that the header lacks.
    """
    written = [_joined(headers, delimiter, header_quoted or quoted)]
    for row in rows:
        unknown = set(row) - set(headers)
        if unknown:
            raise ValueError(f"not in the header: {sorted(unknown)}")
        written.append(_joined([row.get(header, "") for header in headers], delimiter, quoted))
    return "".join(line + end for line in written)


def _joined(fields: Sequence[str], delimiter: str, quoted: str) -> str:
    return delimiter.join(_field(text, delimiter, quoted) for text in fields)


def _field(text: str, delimiter: str, quoted: str) -> str:
    needs = any(mark in text for mark in (delimiter, '"', "\n", "\r"))
    if quoted == "never":
        assert delimiter not in text and "\n" not in text, text
        return text
    if needs or quoted == "always" or (quoted == "empty" and not text) or (quoted == "blanks" and " " in text):
        return '"' + text.replace('"', '""') + '"'
    return text


def columns(text: str) -> tuple[str, ...]:
    """Names of columns out of a list with commas."""
    return tuple(name.strip() for name in text.replace("\n", " ").split(","))
