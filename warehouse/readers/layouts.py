"""Which columns a header names: the built-in layouts and the mappings of the settings.

Belongs here: known header names, what each layout needs, and the messages for a
header that fits none. Does not belong here: finding the header in a file, and
reading lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from warehouse.readers.errors import HeaderError, UnreadableFileError
from warehouse.settings import Settings, SourceMapping

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
NUMBER_COLUMNS = ("quantity", "unit_price", "line_amount", "discount_amount", "tax_amount")
"""Columns of sales whose decimal mark is decided for each file from all its values."""
CUSTOMER_COLUMNS = ("customer_id", "age", "gender", "location")
OVERRIDE_COLUMNS = ("customer_id", "segment", "reason", "author", "expires_on")
DATE_COLUMNS: dict[Kind, str] = {"transactions": "invoice_date", "segment_overrides": "expires_on"}
"""The column of a kind whose style is decided for each file from all its values."""

_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "transactions": TRANSACTION_COLUMNS,
    "customers": CUSTOMER_COLUMNS,
    "segment_overrides": OVERRIDE_COLUMNS,
}


@dataclass(frozen=True)
class Layout:
    """One known set of headers.

    ``names`` maps each of our columns to the headers that hold it, the first one
    being how it is usually written; ``required`` are those that must be there.
    """

    name: Literal["invoice_lines", "transactions", "customers", "segment_overrides"]
    kind: Kind
    names: dict[str, tuple[str, ...]]
    required: tuple[str, ...]


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
    ("invoice", "stock_code", "quantity", "invoice_date", "unit_price"),
)
TRANSACTIONS = Layout(
    "transactions",
    "transactions",
    {"customer_id": ("Customer_ID",), "invoice_date": ("Transaction_Date",), "unit_price": ("Amount",)},
    ("customer_id", "invoice_date", "unit_price"),
)
CUSTOMERS = Layout(
    "customers",
    "customers",
    {"customer_id": ("Customer_ID",), "age": ("Age",), "gender": ("Gender",), "location": ("Location",)},
    ("customer_id",),
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
    OVERRIDE_COLUMNS,
)
LAYOUTS = {layout.name: layout for layout in (INVOICE_LINES, TRANSACTIONS, CUSTOMERS, SEGMENT_OVERRIDES)}


@dataclass(frozen=True)
class Recognised:
    """A header that fits: where each of our columns is.

    ``columns`` maps our column to its position (from 0) among ``headers``.
    """

    layout: Layout
    headers: tuple[str, ...]
    columns: dict[str, int]
    mapping: SourceMapping | None = None
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """Which raw table the lines belong to."""
        return self.layout.kind


def columns_of(kind: Kind) -> tuple[str, ...]:
    """Return the text columns of a kind's raw table, in order."""
    return _COLUMNS[kind]


def normalise(header: str) -> str:
    """Reduce a header to what is left when case, spaces, underscores, quotes and BOM don't count."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(character for character in folded if character.isalnum())


def recognise(headers: Sequence[str], file_name: str, settings: Settings) -> Recognised:
    """Find the layout of a header.

    Mappings of the settings come first, if their glob fits the file's name and
    their headers are all there; then the built-in layouts.

    Raises
    ------
    UnreadableFileError
        Naming the missing or doubled column, what was found and what to do.
    """
    headers = tuple(header.strip().lstrip("\ufeff") for header in headers)
    keys = [normalise(header) for header in headers]
    for mapping in settings.landing.sources:
        if _name_fits(mapping, file_name) and all(normalise(h) in keys for h in mapping.columns.values()):
            return _by_mapping(mapping, headers, keys)
    base_name = file_name.rsplit("/", 1)[-1].casefold()
    found: dict[str, dict[str, list[int]]] = {name: _match(layout, keys) for name, layout in LAYOUTS.items()}
    # sales first, whatever else they carry; then overrides, whose every column is needed, so that
    # a customers file has no chance to look like one
    for layout in (INVOICE_LINES, TRANSACTIONS, SEGMENT_OVERRIDES):
        if all(column in found[layout.name] for column in layout.required):
            return _complete(layout, headers, keys)
    sells = len(found["invoice_lines"]) > 2 or len(found["transactions"]) > 1
    # an id and nothing else of a customer's, but most of an override: a column of that was forgotten
    overrides = len(found["segment_overrides"]) > 2 and len(found["customers"]) == 1
    if base_name.startswith("customers") and "customer_id" in found["customers"] and not sells and not overrides:
        return _complete(CUSTOMERS, headers, keys)
    if "customer_id" in found["customers"] and len(found["customers"]) > 1 and not sells:
        return _complete(CUSTOMERS, headers, keys)
    raise _unknown_header(headers, found, file_name, settings)


def _name_fits(mapping: SourceMapping, file_name: str) -> bool:
    base_name = file_name.rsplit("/", 1)[-1]
    glob = mapping.files.casefold()
    return fnmatchcase(base_name.casefold(), glob) or fnmatchcase(file_name.casefold(), glob)


def _match(layout: Layout, keys: Sequence[str]) -> dict[str, list[int]]:
    """Positions of each of a layout's columns that appears, however often."""
    wanted = {column: {normalise(name) for name in names} for column, names in layout.names.items()}
    return {
        column: positions
        for column, names in wanted.items()
        if (positions := [position for position, key in enumerate(keys) if key in names])
    }


def _complete(layout: Layout, headers: tuple[str, ...], keys: Sequence[str]) -> Recognised:
    found = _match(layout, keys)
    for column, positions in found.items():
        if len(positions) > 1:
            raise _doubled_column(column, [headers[p] for p in positions])
    columns = {column: positions[0] for column, positions in found.items()}
    return Recognised(layout, headers, columns, None, _notes(layout, headers, columns))


def _by_mapping(mapping: SourceMapping, headers: tuple[str, ...], keys: Sequence[str]) -> Recognised:
    layout = LAYOUTS[mapping.layout]
    unknown = sorted(set(mapping.columns) - set(layout.names))
    if unknown:
        raise UnreadableFileError(
            f"landing.sources {mapping.name!r} maps {', '.join(unknown)}, which layout {layout.name} does not have; "
            f"it has {', '.join(layout.names)}"
        )
    columns: dict[str, int] = {}
    for column, header in mapping.columns.items():
        exact = [position for position, name in enumerate(headers) if name == header]
        positions = exact or [position for position, key in enumerate(keys) if key == normalise(header)]
        if len(positions) > 1:
            raise _doubled_column(column, [headers[p] for p in positions])
        columns[column] = positions[0]
    # what a mapping leaves out may still carry its usual name
    for column, positions in _match(layout, keys).items():
        if column not in columns and len(positions) == 1 and positions[0] not in columns.values():
            columns[column] = positions[0]
    missing = [column for column in layout.required if column not in columns]
    if missing:
        raise UnreadableFileError(
            f"landing.sources {mapping.name!r} does not say which header holds {', '.join(missing)}, "
            f"which layout {layout.name} needs; the file's headers are {_quoted(headers)}"
        )
    return Recognised(layout, headers, columns, mapping, _notes(layout, headers, columns))


def _notes(layout: Layout, headers: tuple[str, ...], columns: dict[str, int]) -> tuple[str, ...]:
    notes = []
    ignored = [name for position, name in enumerate(headers) if name and position not in columns.values()]
    if ignored:
        notes.append(f"columns not used: {', '.join(ignored)}")
    absent = [names[0] for column, names in layout.names.items() if column not in columns]
    if absent and layout is INVOICE_LINES:
        notes.append(f"columns not delivered: {', '.join(absent)}")
    return tuple(notes)


def _doubled_column(column: str, headers: Sequence[str]) -> HeaderError:
    return HeaderError(
        f"column {column} is there {len(headers)} times ({_quoted(headers)}) and nothing tells which one counts; "
        "remove or rename one, or name the right one under [[landing.sources]] in regulars.toml",
        nearness=len(INVOICE_LINES.required),
    )


def _unknown_header(
    headers: tuple[str, ...], found: dict[str, dict[str, list[int]]], file_name: str, settings: Settings
) -> HeaderError:
    closest = max(
        (INVOICE_LINES, TRANSACTIONS, SEGMENT_OVERRIDES),
        key=lambda layout: len(found[layout.name].keys() & set(layout.required)),
    )
    missing = [column for column in closest.required if column not in found[closest.name]]
    advice = "Add the column, or map its header under [[landing.sources]] in regulars.toml"
    for mapping in settings.landing.sources:
        if _name_fits(mapping, file_name):
            keys = {normalise(header) for header in headers}
            absent = [header for header in mapping.columns.values() if normalise(header) not in keys]
            advice += f" (the mapping {mapping.name!r} fits its name, but {_quoted(absent)} is not in the header)"
    nearness = len(closest.required) - len(missing)
    if nearness < 2:
        expected = " or ".join(
            ",".join(layout.names[column][0] for column in layout.required) for layout in (INVOICE_LINES, TRANSACTIONS)
        )
        message = f"no known header was found: it reads {_quoted(headers)}, expected at least {expected}. {advice}"
    else:
        named = ", ".join(f"{column} (header {' or '.join(closest.names[column])})" for column in missing)
        plural = "s" if len(missing) > 1 else ""
        message = f"column{plural} missing: {named}; the headers found are {_quoted(headers)}. {advice}"
    return HeaderError(message, nearness)


def _quoted(names: Sequence[str]) -> str:
    shown = [f"'{name[:60]}'" for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
