"""What a sample history is known to hold, counted while it was written.

Belongs here: the figures and their file. Does not belong here: any cleaning rule. A
figure here comes from the intent with which a line was written, so that it can
witness for or against the rules.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from warehouse.errors import RegularsError


@dataclass(frozen=True)
class ReturnCase:
    """All return lines of one kind: how much of them has a purchase to match."""

    case: str
    line_count: int
    returned_units: int
    matched_units: int
    matched_amount: Decimal
    """Positive: units times price that a purchase is reduced by."""
    unmatched_amount: Decimal
    """Positive: the rest."""


@dataclass(frozen=True)
class ReturnExample:
    """One return line and the purchases it reverses, newest first."""

    case: str
    customer_id: str | None
    return_invoice: str
    stock_code: str
    unit_price: Decimal
    returned_units: int
    matched_units: int
    purchase_invoices: tuple[str, ...]


@dataclass(frozen=True)
class CancelledOrderTruth:
    """A huge order taken back minutes later; its day is no anomaly and its customer no top customer."""

    customer_id: str
    date: date
    invoice: str
    cancel_invoice: str
    amount: Decimal
    minutes_later: int
    customer_net_amount: Decimal


@dataclass(frozen=True)
class InjectedEvent:
    """A day that was made to stand out, and why."""

    date: date
    name: str
    direction: str
    """``spike``, ``drop`` or ``silence``."""
    cause: str
    gross_amount: Decimal
    """Sales of the lines that are the event; 0 for a drop or silence."""
    invoices: tuple[str, ...]
    """At most a hundred."""
    customers: tuple[str, ...]
    """At most a hundred."""
    stock_codes: tuple[str, ...]
    """At most a hundred."""
    countries: tuple[str, ...]


@dataclass(frozen=True)
class PairTruth:
    """Two products that the shop's customers tend to buy together."""

    stock_code: str
    companion_stock_code: str
    share_pct: float
    """How often the companion was put in because of the first."""


@dataclass(frozen=True)
class SampleTruth:
    """Everything that is known of a sample history."""

    seed: int
    scale: float
    first_date: date
    last_date: date
    transaction_files: int
    delivered_lines: int
    """Lines of the transaction files, headers apart."""
    customer_file_lines: int
    line_counts: dict[str, int]
    """Lines by disposition, under default settings; they add up to ``delivered_lines``."""
    amounts: dict[str, Decimal]
    """Signed quantity times price by disposition; ``unreadable`` lines have none."""
    duplicates_of: dict[str, int]
    """What the duplicates would be if they were kept."""
    near_repeats: int
    """Lines equal to another in all but the quantity: sales."""
    lines_without_customer: int
    """Readable lines, duplicates included."""
    lines_without_description: int
    """Readable lines, duplicates included."""
    invoices: int
    """Distinct invoice numbers on readable lines, of every kind."""
    sale_invoices: int
    """Distinct invoice numbers with a sale line."""
    customers: int
    """Distinct customers on readable lines."""
    customers_with_sales: int
    customers_with_returns_only: int
    """Customers with return lines and no sale line."""
    one_time_customers: int
    """Customers with exactly one sale invoice."""
    customers_gone: tuple[str, ...]
    """Customers with sales who, by the process that made them, will never come back."""
    stock_codes_sold: int
    """Distinct stock codes, upper case, on sale lines."""
    countries: tuple[str, ...]
    """As delivered, on sale and return lines."""
    gross_amount: Decimal
    """Sale lines."""
    return_amount: Decimal
    """Return lines; negative."""
    net_amount_by_month: dict[str, Decimal]
    """Sales and returns by their own date, ``YYYY-MM``."""
    return_cases: tuple[ReturnCase, ...]
    return_examples: tuple[ReturnExample, ...]
    cancelled_orders: tuple[CancelledOrderTruth, ...]
    events: tuple[InjectedEvent, ...]
    trading_days: int
    """Days with at least one sale line."""
    closed_days: int
    """Days in the span without any line: Saturdays, holidays and the silent day."""
    closed_weekday: int
    """5 is Saturday (Monday is 0)."""
    silent_dates: tuple[date, ...]
    """Expected trading days without a line."""
    product_pairs: tuple[PairTruth, ...]
    products_by_category: dict[str, int]

    @property
    def net_amount(self) -> Decimal:
        """Sales plus (negative) returns."""
        return self.gross_amount + self.return_amount

    @property
    def matched_units(self) -> int:
        """Returned units that have a purchase."""
        return sum(case.matched_units for case in self.return_cases)

    @property
    def unmatched_units(self) -> int:
        """Returned units that have none."""
        return sum(case.returned_units - case.matched_units for case in self.return_cases)

    def to_json(self) -> str:
        """Readable JSON; money and dates as text, equal for equal truths."""
        return json.dumps(asdict(self), indent=1, default=str, ensure_ascii=False) + "\n"


def truth_path(landing: Path) -> Path:
    """Where the truth of a sample landing folder is: beside it, for landing holds delivered files only."""
    return landing.parent / "sample_truth.json"


def read_truth(landing: Path) -> SampleTruth:
    """Read the truth that was written with a landing folder.

    Raises
    ------
    RegularsError
        If there is none, or it does not read.
    """
    path = truth_path(landing)
    if not path.exists():
        raise RegularsError(f"{path} does not exist: {landing} was not written as a sample history.")
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise RegularsError(f"{path} is damaged ({error}); write the sample history again.") from error


def _from_json(kept: dict[str, Any]) -> SampleTruth:
    kept = dict(kept)
    for name in ("first_date", "last_date"):
        kept[name] = date.fromisoformat(kept[name])
    for name in ("gross_amount", "return_amount"):
        kept[name] = Decimal(kept[name])
    for name in ("amounts", "net_amount_by_month"):
        kept[name] = {key: Decimal(value) for key, value in kept[name].items()}
    for name in ("customers_gone", "countries"):
        kept[name] = tuple(kept[name])
    kept["silent_dates"] = tuple(date.fromisoformat(day) for day in kept["silent_dates"])
    for name, kind in (
        ("return_cases", ReturnCase),
        ("return_examples", ReturnExample),
        ("cancelled_orders", CancelledOrderTruth),
        ("events", InjectedEvent),
        ("product_pairs", PairTruth),
    ):
        kept[name] = tuple(_record(kind, record) for record in kept[name])
    return SampleTruth(**kept)


def _record(kind: Any, record: dict[str, Any]) -> Any:
    read: dict[str, Any] = {}
    for field in fields(kind):
        value = record[field.name]
        if field.type == "Decimal":
            value = Decimal(value)
        elif field.type == "date":
            value = date.fromisoformat(value)
        elif str(field.type).startswith("tuple"):
            value = tuple(value)
        read[field.name] = value
    return kind(**read)
