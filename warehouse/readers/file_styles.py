"""What is asked and answered about how one file writes its values.

Belongs here: the two records that travel between the readers and the decision: what is
known of a file beside its values, and what its values were found to mean. Does not
belong here: any evidence, and any decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from warehouse.readers.layouts import Kind, kind_of

DateOrder = Literal["day_first", "month_first"]

NUMBER_COLUMNS = ("quantity", "unit_price", "line_amount", "discount_amount", "tax_amount")
"""Columns of sales whose decimal mark is decided, each for itself."""


@dataclass(frozen=True)
class FileHints:
    """What is known of a file beside its values."""

    name: str
    delimiter: str | None = None
    decimal_mark: str | None = None
    """Set by a mapping of the settings."""
    date_format: str | None = None
    """Set by a mapping of the settings: a strptime format, or ``excel_serial``."""
    raw_table: str = "transactions"
    """Where its lines go; see :func:`warehouse.readers.layouts.raw_tables`."""
    source: str = ""
    """Files of one source are judged together: the mapping's name, else the layout's."""
    date_order: DateOrder | None = None
    """Set by the settings: the answer where the values leave the order open."""
    clock: Literal["as_written", "shop"] | None = None
    """Set by a mapping: whether a UTC offset is dropped or converted; None converts."""
    timezone: str | None = None
    """IANA name of the shop's clock, to which times with an offset are converted."""
    loaded_at: datetime | None = None
    """When the file was first read, UTC without zone; no sale lies after it."""
    delivered_at: datetime | None = None
    """When the file was last written, UTC without zone."""
    known_styles: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By source: how many files delivered earlier had which date style, of those whose values decided."""

    @property
    def kind(self) -> Kind:
        """What the lines are."""
        return kind_of(self.raw_table)


@dataclass
class ValueStyles:
    """What was decided for one file."""

    marks: dict[str, str] = field(default_factory=lambda: dict.fromkeys(NUMBER_COLUMNS, "."))
    """``.`` or ``,`` for each of ``NUMBER_COLUMNS``."""
    date_style: str | None = None
    date_style_evidence: str | None = None
    """Why; begins with ``assumed:`` where it is a guess."""
    assumed_lines: int = 0
    """Lines that would fall in another month if the guess were the other way."""
    clock: str | None = None
    """What became of UTC offsets; None where no date has one."""
    first_at: datetime | None = None
    last_at: datetime | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def decimal_mark(self) -> str:
        """The mark of unit prices."""
        return self.marks["unit_price"]
