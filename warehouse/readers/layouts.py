"""The layouts of files: the built-in ones and the exports of shop systems.

Belongs here: known header names, what each layout needs, and which columns its raw table has. Does not
belong here: what is declared of an export (:mod:`warehouse.formats`), and which layout the header
of a file is of (:mod:`warehouse.readers.headers`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Literal, get_args

from warehouse.formats import ExportFormat, export_formats
from warehouse.readers.roles import UnusedHeader
from warehouse.settings import SourceMapping

Kind = Literal["transactions", "customers", "segment_overrides"]
KINDS: tuple[Kind, ...] = get_args(Kind)

TRANSACTION_COLUMNS = (
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "line_amount",
    "discount_amount",
    "tax_amount",
    "currency",
    "status",
    "line_kind",
    "store",
    "customer_id",
    "country",
)
CUSTOMER_COLUMNS = ("customer_id", "age", "gender", "location")
OVERRIDE_COLUMNS = ("customer_id", "segment", "reason", "author", "expires_on")
OTHER_COLUMN = "_other"
"""In the raw table of an export: the fields of all columns that its declaration does not name, in order.

One text with a ``FIELD_SEPARATOR`` between two fields, null where all are empty: as a list of 56 texts they
took half the time of loading one system's export.
"""
FIELD_SEPARATOR = "\x1f"
"""The unit separator of ASCII, which is made for this."""

_DATE_COLUMNS = {"transactions": "invoice_date", "segment_overrides": "expires_on"}
_COLUMNS: dict[str, tuple[str, ...]] = {
    "transactions": TRANSACTION_COLUMNS,
    "customers": CUSTOMER_COLUMNS,
    "segment_overrides": OVERRIDE_COLUMNS,
}


@dataclass(frozen=True)
class Layout:
    """One known set of headers.

    ``names`` maps each of our columns that is found without a mapping to the headers that
    hold it, the first one being how it is usually written. ``required`` are the columns
    that must be there; of each group any one will do, and the first is the one asked for.
    """

    name: str
    kind: Kind
    names: dict[str, tuple[str, ...]]
    required: tuple[tuple[str, ...], ...]
    export: ExportFormat | None = None
    """The declaration, where the layout is the export of a shop system."""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name if self.export is None else f"the export of {self.export.title}"

    @property
    def table(self) -> str:
        """The table of schema ``raw`` that its lines go to."""
        return self.kind if self.export is None else self.export.name

    def missing(self, found: Iterable[str]) -> list[str]:
        """The first of each needed group of which nothing was found."""
        there = set(found)
        return [group[0] for group in self.required if not there.intersection(group)]

    @property
    def needed(self) -> set[str]:
        """Every column that can meet a need."""
        return {column for group in self.required for column in group}


INVOICE_LINES = Layout(
    "invoice_lines",
    "transactions",
    {
        "invoice": ("InvoiceNo", "Invoice"),
        "stock_code": ("StockCode",),
        "description": ("Description",),
        "quantity": ("Quantity",),
        "invoice_date": ("InvoiceDate",),
        "unit_price": ("UnitPrice", "Price"),
        "customer_id": ("CustomerID",),
        "country": ("Country",),
    },
    (
        ("invoice",),
        ("stock_code", "description"),
        ("quantity", "line_amount"),
        ("invoice_date",),
        ("unit_price", "line_amount"),
    ),
)
TRANSACTIONS = Layout(
    "transactions",
    "transactions",
    {
        "customer_id": ("Customer_ID",),
        "invoice_date": ("Transaction_Date",),
        "unit_price": ("Amount",),
        "invoice": ("Order_ID", "Order_No", "Order_Number", "InvoiceNo", "Invoice", "Transaction_ID", "Receipt_No"),
    },
    (("customer_id",), ("invoice_date",), ("unit_price",)),
)
CUSTOMERS = Layout(
    "customers",
    "customers",
    {"customer_id": ("Customer_ID",), "age": ("Age",), "gender": ("Gender",), "location": ("Location",)},
    (("customer_id",),),
)
SEGMENT_OVERRIDES = Layout(
    "segment_overrides",
    "segment_overrides",
    {
        "customer_id": ("Customer_ID",),
        # the second name is that of the published table, so that an export of it can be mended and delivered
        "segment": ("Segment", "Segment_Name"),
        "reason": ("Reason",),
        "author": ("Author",),
        "expires_on": ("Expires_On",),
    },
    tuple((column,) for column in OVERRIDE_COLUMNS),
)
LAYOUTS = {layout.name: layout for layout in (INVOICE_LINES, TRANSACTIONS, CUSTOMERS, SEGMENT_OVERRIDES)}


@dataclass(frozen=True)
class Recognised:
    """A header that fits: where each of our columns is.

    ``columns`` maps our column to positions (from 0) among ``headers``, tried in turn on
    each line; ``time`` are those of a clock time beside the date. ``constants`` hold for
    every line, ``fill_down`` are columns whose blanks take the value above, the invoice
    first. ``unused`` are headers that look like they matter and that nothing uses; ``other``
    are the positions of all that an export's declaration does not name.
    """

    layout: Layout
    headers: tuple[str, ...]
    columns: dict[str, tuple[int, ...]]
    mapping: SourceMapping | None = None
    notes: tuple[str, ...] = ()
    time: tuple[int, ...] = ()
    constants: dict[str, str] = field(default_factory=dict)
    fill_down: tuple[str, ...] = ()
    unused: tuple[UnusedHeader, ...] = ()
    other: tuple[int, ...] = ()

    @property
    def kind(self) -> Kind:
        """What the lines are."""
        return self.layout.kind

    @property
    def table(self) -> str:
        """Which raw table the lines belong to."""
        return self.layout.table

    @property
    def order_column(self) -> str:
        """The column that ties the lines of an order together, for filling down."""
        export = self.layout.export
        return "invoice" if export is None else next(iter(export.fill_down), "")

    @property
    def positions(self) -> tuple[int, ...]:
        """Every position that has to be read for our columns, ascending."""
        found = (*self.columns.values(), self.time, self.other)
        return tuple(sorted({position for positions in found for position in positions}))

    @property
    def named_columns(self) -> dict[str, str]:
        """Each of our columns with the headers that it is read from, or with its constant, as people read it."""
        named = {
            column: ", else ".join(f"'{self.headers[position]}'" for position in positions)
            for column, positions in self.columns.items()
        }
        if self.time:
            date = str(date_column_of(self.table))
            named[date] += " with " + ", else ".join(f"'{self.headers[p]}'" for p in self.time)
        return named | {column: f"always {value!r}" for column, value in self.constants.items()}

    @property
    def plan(self) -> tuple[object, ...]:
        """What decides how lines become our columns; files of equal plans are read together."""
        return (
            self.table,
            tuple(sorted(self.columns.items())),
            self.time,
            tuple(sorted(self.constants.items())),
            self.fill_down,
            self.unused,
            len(self.headers),
        )


def raw_tables() -> tuple[str, ...]:
    """Names of the tables of schema ``raw`` that hold delivered lines."""
    return (*KINDS, *export_formats())


def kind_of(table: str) -> Kind:
    """What the lines of a raw table are; those of every export are sales."""
    return next((kind for kind in KINDS if kind == table), "transactions")


def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns of a raw table that hold what was delivered, in order; all are text."""
    return _COLUMNS[table] if table in _COLUMNS else (*export_formats()[table].raw_columns, OTHER_COLUMN)


def date_column_of(table: str) -> str | None:
    """The column of a raw table whose style is decided for each file from all its values."""
    return _DATE_COLUMNS.get(table) if table in _COLUMNS else export_formats()[table].date


@cache
def export_layouts() -> dict[str, Layout]:
    """The exports of shop systems as layouts, by name."""
    return {
        name: Layout(name, "transactions", dict(export.columns), tuple((column,) for column in export.needed), export)
        for name, export in export_formats().items()
    }


@lru_cache(maxsize=4096)
def normalise(header: str) -> str:
    """Reduce a header to what is left when case, spaces, underscores, quotes and BOM don't count.

    Kept, since the files of a folder have one header: 305 of them ask for 14,000.
    """
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(character for character in folded if character.isalnum())
