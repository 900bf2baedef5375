"""The lines of a history while it is being made: columns, each line with the reason it was written.

Belongs here: invoices and lines as arrays, and how they grow. Does not belong here:
which lines are added (see ``sales``, ``returns``, ``dirt``), and how they are written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

DISPOSITIONS = (
    "unreadable",
    "duplicate",
    "adjustment",
    "non_product",
    "return",
    "non_positive_quantity",
    "non_positive_price",
    "sale",
)
(
    UNREADABLE,
    DUPLICATE,
    ADJUSTMENT,
    NON_PRODUCT,
    RETURN,
    NON_POSITIVE_QUANTITY,
    NON_POSITIVE_PRICE,
    SALE,
) = range(len(DISPOSITIONS))

MINUTES_PER_DAY = 24 * 60


class Texts:
    """Distinct texts and their numbers."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = list(texts)
        self._number = {text: number for number, text in enumerate(self.texts)}

    def number(self, text: str) -> int:
        """Give the number of a text, new or known."""
        if text not in self._number:
            self._number[text] = len(self.texts)
            self.texts.append(text)
        return self._number[text]


@dataclass
class Invoices:
    """One element an invoice: minute since the first day's midnight, customer, country, prefix number."""

    minute: Ints
    customer: Ints
    country: Ints
    prefix: Ints

    PREFIXES = ("", "C", "A")

    @classmethod
    def empty(cls) -> Invoices:
        """No invoice yet."""
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, nothing)

    def add(self, minute: Ints, customer: Ints | int, country: Ints | int, prefix: str = "") -> Ints:
        """Append invoices and return their numbers."""
        start, size = len(self.minute), len(minute)
        self.minute = np.concatenate((self.minute, minute))
        self.customer = np.concatenate((self.customer, np.broadcast_to(customer, size)))
        self.country = np.concatenate((self.country, np.broadcast_to(country, size)))
        self.prefix = np.concatenate((self.prefix, np.full(size, self.PREFIXES.index(prefix))))
        return np.arange(start, start + size)

    def day(self) -> Ints:
        """Day number of every invoice."""
        return self.minute // MINUTES_PER_DAY


@dataclass
class Lines:
    """One element a delivered line.

    ``reason`` is the disposition that the line was written to have: the witness that
    the cleaning rules are compared with. ``is_protected`` lines belong to an injected
    event and are left alone by later dirt.
    """

    invoice: Ints
    code: Ints
    description: Ints
    quantity: Ints
    price_mills: Ints
    product: Ints
    reason: Ints
    is_protected: npt.NDArray[np.bool_]
    delivered_on: Ints
    """0: delivered in its own day's file; else in the file of that day number."""

    @classmethod
    def empty(cls) -> Lines:
        """No line yet."""
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, nothing, nothing, nothing, nothing, np.empty(0, dtype=np.bool_), nothing)

    @property
    def size(self) -> int:
        """How many lines there are."""
        return len(self.invoice)

    def add(
        self,
        reason: int,
        *,
        invoice: Ints,
        code: Ints | int,
        description: Ints | int,
        quantity: Ints | int,
        price_mills: Ints | int,
        product: Ints | int = -1,
        is_protected: bool = False,
        delivered_on: Ints | int = 0,
    ) -> Ints:
        """Append lines and return their numbers."""
        start, size = self.size, len(invoice)

        def grown(column: Ints, values: Ints | int) -> Ints:
            return np.concatenate((column, np.broadcast_to(np.asarray(values, dtype=np.int64), size)))

        self.invoice = grown(self.invoice, invoice)
        self.code = grown(self.code, code)
        self.description = grown(self.description, description)
        self.quantity = grown(self.quantity, quantity)
        self.price_mills = grown(self.price_mills, price_mills)
        self.product = grown(self.product, product)
        self.reason = grown(self.reason, reason)
        self.is_protected = np.concatenate((self.is_protected, np.full(size, is_protected)))
        self.delivered_on = grown(self.delivered_on, delivered_on)
        return np.arange(start, start + size)

    def amount_mills(self) -> Ints:
        """Signed quantity times price of every line, in tenths of a penny."""
        return self.quantity * self.price_mills
