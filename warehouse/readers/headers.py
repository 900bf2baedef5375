"""Which layout a header is of: by the mappings of the settings, the exports of shop systems, the built-in ones.

Belongs here: the order in which they are tried, and the messages for a header that fits none. Does not belong
here: what each layout needs (:mod:`warehouse.readers.layouts`), finding the header in a file, reading lines, and
guessing what an unknown header means (:mod:`warehouse.readers.suggest`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache

from warehouse.formats import export_formats
from warehouse.readers.errors import HeaderError, UnreadableFileError
from warehouse.readers.header_words import guess_columns, says_amount_of_line, tells_of_sales
from warehouse.readers.layouts import (
    CUSTOMERS,
    INVOICE_LINES,
    LAYOUTS,
    SEGMENT_OVERRIDES,
    TRANSACTIONS,
    Layout,
    Recognised,
    export_layouts,
    normalise,
)
from warehouse.readers.roles import UnusedHeader, headers_with_a_role
from warehouse.settings import Settings, SourceMapping

RAW_NAMES = {"kind": "line_kind"}
"""``kind`` is what people call it; in a table beside statuses and dispositions it says too little."""
_TIME = "time"
_AFTER_DISCOUNT = ("line_amount", "discount_amount")
_FIGURES = re.compile(r"[-+]?\d[\d.,:/ -]*")


def recognise(headers: Sequence[str], file_name: str, settings: Settings) -> Recognised:
    """Find the layout of a header.

    Mappings of the settings come first, if their glob fits the file's name and
    their headers are there; then the built-in layouts.

    Raises
    ------
    UnreadableFileError
        Naming the missing or doubled column, what was found and what to do.
    """
    headers = tuple(header.strip().lstrip("\ufeff") for header in headers)
    keys = [normalise(header) for header in headers]
    for mapping in settings.landing.all_sources:
        if name_fits(mapping, file_name) and not _absent_headers(mapping, keys):
            layout = LAYOUTS[mapping.layout]
            # a mapping that names no header holds for files that are of its layout anyway
            if mapping.columns or not layout.missing([*_match(layout, keys), *mapping.constants]):
                return _by_mapping(mapping, headers, keys)
    export = _find_export(keys)
    if export is not None:
        # an entry without columns says how the files of its name are written, whatever they hold
        entries = (entry for entry in settings.landing.all_sources if name_fits(entry, file_name) and not entry.columns)
        return _of_export(export, headers, keys, next(entries, None))
    base_name = file_name.rsplit("/", 1)[-1].casefold()
    found = {name: _match(layout, keys) for name, layout in LAYOUTS.items()}
    # sales first, whatever else they carry; then overrides, whose every column is needed, so that
    # a customers file has no chance to look like one
    for layout in (INVOICE_LINES, TRANSACTIONS, SEGMENT_OVERRIDES):
        if not layout.missing(found[layout.name]):
            return _complete(layout, headers, keys)
    sells = (
        len(found["invoice_lines"]) > 2
        or len(found["transactions"].keys() & TRANSACTIONS.needed) > 1
        # a list of customers may have the day on which they came and what they spent
        or tells_of_sales(headers, least=3)
    )
    # an id and nothing else of a customer's, but most of an override: a column of that was forgotten
    overrides = len(found["segment_overrides"]) > 2 and len(found["customers"]) == 1
    if base_name.startswith("customers") and "customer_id" in found["customers"] and not sells and not overrides:
        return _complete(CUSTOMERS, headers, keys)
    # age and gender stand beside sales, too: a word to whoever delivers them is better than sales that are not read
    sells = sells or tells_of_sales(headers)
    if "customer_id" in found["customers"] and len(found["customers"]) > 1 and not sells:
        return _complete(CUSTOMERS, headers, keys)
    raise _unknown_header(headers, found, file_name, settings)


def name_fits(mapping: SourceMapping, file_name: str) -> bool:
    """Whether a mapping is meant for a file of this name."""
    base_name = file_name.rsplit("/", 1)[-1]
    glob = mapping.files.casefold()
    return fnmatchcase(base_name.casefold(), glob) or fnmatchcase(file_name.casefold(), glob)


def _absent_headers(mapping: SourceMapping, keys: Sequence[str]) -> list[str]:
    """Headers that a mapping names and the file lacks; of several for one column any one will do."""
    absent = []
    for column in mapping.columns:
        named = mapping.headers_of(column)
        if not any(normalise(header) in keys for header in named):
            absent.append(named[0])
    return absent


@cache
def _keys_of(name: str) -> dict[str, list[str]]:
    """What is left of the headers of each column of a layout."""
    layout = LAYOUTS[name] if name in LAYOUTS else export_layouts()[name]
    return {column: list(dict.fromkeys(map(normalise, names))) for column, names in layout.names.items()}


def _match(layout: Layout, keys: Sequence[str]) -> dict[str, list[int]]:
    """Positions of each of a layout's columns that appears, however often; in the order of its names."""
    found: dict[str, list[int]] = {}
    for column, wanted in _keys_of(layout.name).items():
        positions = [position for name in wanted for position, key in enumerate(keys) if key == name]
        if positions:
            found[column] = positions
    return found


_ENOUGH_OF_EXPORT = 6
"""So many columns of one system are no chance; a table of sales shares three or four words with any of them."""


def _find_export(keys: Sequence[str]) -> Layout | None:
    """The export whose needed columns are all there; of several the one that says most of the header.

    Raises
    ------
    UnreadableFileError
        If it is an export of the same system that can't be read.
    """
    there = set(keys)
    fits: list[tuple[int, Layout]] = []
    for name, layout in export_layouts().items():
        known = _keys_of(name)
        if all(there.intersection(known[column]) for (column,) in layout.required):
            fits.append((sum(1 for wanted in known.values() if there.intersection(wanted)), layout))
    if fits:
        # the first by name where two say equally much
        return max(fits, key=lambda fit: fit[0])[1]
    for export in export_formats().values():
        for other in export.not_read:
            if there.issuperset(map(normalise, other.headers)):
                raise UnreadableFileError(f"this is {other.because}")
    return None


def _nearest_export(keys: Sequence[str]) -> Layout | None:
    """The export that a header is meant to be, though it lacks something; None if none is near."""
    there = set(keys)
    nearest: tuple[int, Layout] | None = None
    for name, layout in export_layouts().items():
        known = _keys_of(name)
        needed = sum(1 for (column,) in layout.required if there.intersection(known[column]))
        found = sum(1 for wanted in known.values() if there.intersection(wanted))
        is_near = needed >= len(layout.required) - 2 and found >= _ENOUGH_OF_EXPORT
        if is_near and (nearest is None or found > nearest[0]):
            nearest = found, layout
    return nearest[1] if nearest is not None else None


def _of_export(
    layout: Layout, headers: tuple[str, ...], keys: Sequence[str], mapping: SourceMapping | None = None
) -> Recognised:
    assert layout.export is not None
    columns: dict[str, tuple[int, ...]] = {
        column: (positions[0],) for column, positions in _match(layout, keys).items()
    }
    time = columns.pop(layout.export.time, ()) if layout.export.time else ()
    taken = {position for positions in (*columns.values(), time) for position in positions}
    other = tuple(position for position, name in enumerate(headers) if position not in taken)
    filled = tuple(column for column in layout.export.fill_down if column in columns)
    there = {*columns, layout.export.time}
    absent = [names[0] for column, names in layout.names.items() if column not in there]
    notes = (f"without columns that this export may have: {_few(absent)}",) if absent else ()
    return Recognised(layout, headers, columns, mapping, notes, time, {}, filled, (), other)


def _few(names: Sequence[str]) -> str:
    """Names for a note: the first ones, and how many more there are."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _complete(layout: Layout, headers: tuple[str, ...], keys: Sequence[str]) -> Recognised:
    columns: dict[str, tuple[int, ...]] = {}
    for column, positions in _match(layout, keys).items():
        is_choice = column not in layout.needed and keys[positions[0]] not in {keys[p] for p in positions[1:]}
        if len(positions) > 1 and not is_choice:
            raise _doubled_column(column, [headers[p] for p in positions])
        columns[column] = (positions[0],)
    return _recognised(layout, headers, columns)


def _by_mapping(mapping: SourceMapping, headers: tuple[str, ...], keys: Sequence[str]) -> Recognised:
    layout = LAYOUTS[mapping.layout]
    columns: dict[str, tuple[int, ...]] = {}
    for column in mapping.columns:
        columns[RAW_NAMES.get(column, column)] = tuple(
            position
            for header in mapping.headers_of(column)
            if (position := _position_of(header, column, headers, keys)) is not None
        )
    constants = {RAW_NAMES.get(column, column): value for column, value in mapping.constants.items()}
    ignored = {normalise(header) for header in mapping.ignore}
    taken = {position for positions in columns.values() for position in positions}
    # what a mapping leaves out may still carry its usual name
    for column, positions in _match(layout, keys).items():
        free = [position for position in positions if position not in taken and keys[position] not in ignored]
        is_choice = column not in layout.needed
        if column not in columns and column not in constants and free and (len(free) == 1 or is_choice):
            columns[column] = (free[0],)
            taken.add(free[0])
    missing = layout.missing([*columns, *constants])
    if missing:
        raise UnreadableFileError(
            f"landing.sources {mapping.name!r} does not say which header holds {', '.join(missing)}, "
            f"which layout {layout.name} needs; the file's headers are {quoted(headers)}"
        )
    return _recognised(layout, headers, columns, mapping, constants)


def _position_of(header: str, column: str, headers: Sequence[str], keys: Sequence[str]) -> int | None:
    exact = [position for position, name in enumerate(headers) if name == header]
    positions = exact or [position for position, key in enumerate(keys) if key == normalise(header)]
    if len(positions) > 1:
        raise _doubled_column(column, [headers[p] for p in positions])
    return positions[0] if positions else None


def _recognised(
    layout: Layout,
    headers: tuple[str, ...],
    columns: dict[str, tuple[int, ...]],
    mapping: SourceMapping | None = None,
    constants: dict[str, str] | None = None,
) -> Recognised:
    time = columns.pop(_TIME, ())
    known = {*columns, *(constants or {})}
    used = {position for positions in (*columns.values(), time) for position in positions}
    ignored = {normalise(header) for header in mapping.ignore} if mapping else set()
    left = [
        (position, name)
        for position, name in enumerate(headers)
        if name and position not in used and normalise(name) not in ignored
    ]
    notes = []
    if left:
        notes.append(f"columns not used: {', '.join(name for _, name in left)}")
    absent = [names[0] for column, names in layout.names.items() if column not in known]
    if absent and layout is INVOICE_LINES:
        notes.append(f"columns not delivered: {', '.join(absent)}")
    wanted = [RAW_NAMES.get(column, column) for column in mapping.fill_down] if mapping else []
    filled = sorted((column for column in wanted if column in columns), key=lambda column: column != "invoice")
    by_price = {"quantity", "unit_price"} <= known and known.isdisjoint(_AFTER_DISCOUNT)
    return Recognised(
        layout,
        headers,
        columns,
        mapping,
        tuple(notes),
        time,
        constants or {},
        tuple(filled),
        _unused(left, columns, by_price=by_price) if layout.kind == "transactions" else (),
    )


def _unused(
    left: Sequence[tuple[int, str]], columns: Mapping[str, tuple[int, ...]], *, by_price: bool
) -> tuple[UnusedHeader, ...]:
    """Headers that look as if they mattered, what a line came to beside its quantity and price among them."""
    signed = tuple(columns[column][0] for column in ("quantity", "unit_price", "line_amount") if column in columns)
    found = headers_with_a_role(left, by_price=by_price, order=columns.get("invoice", ()), signed=signed)
    if not by_price or not {"quantity", "unit_price"} <= columns.keys():
        return found
    beside = (columns["quantity"][0], columns["unit_price"][0])
    taken = {header.position for header in found}
    return found + tuple(
        UnusedHeader(position, name, "amount", beside=beside)
        for position, name in left
        if position not in taken and says_amount_of_line(name)
    )


def _doubled_column(column: str, headers: Sequence[str]) -> HeaderError:
    named = "" if len(set(headers)) == 1 else ", or name the right one under [[landing.sources]] in regulars.toml"
    return HeaderError(
        f"column {column} is there {len(headers)} times ({quoted(headers)}) and nothing tells which one counts; "
        f"remove or rename one{named}",
        nearness=len(INVOICE_LINES.required),
    )


def _unknown_header(
    headers: tuple[str, ...], found: dict[str, dict[str, list[int]]], file_name: str, settings: Settings
) -> HeaderError:
    def missing_of(layout: Layout) -> list[str]:
        return layout.missing(found[layout.name])

    sells = tells_of_sales(headers)
    closest = max(
        (INVOICE_LINES, TRANSACTIONS) if sells else (INVOICE_LINES, TRANSACTIONS, SEGMENT_OVERRIDES),
        key=lambda layout: len(layout.required) - len(missing_of(layout)),
    )
    missing = missing_of(closest)
    nearness = len(closest.required) - len(missing)
    keys = [normalise(header) for header in headers]
    advice = "Add the column, or map its header under [[landing.sources]] in regulars.toml"
    for mapping in settings.landing.all_sources:
        if name_fits(mapping, file_name) and (absent := _absent_headers(mapping, keys)):
            advice += f" (the mapping {mapping.name!r} fits its name, but {quoted(absent)} is not in the header)"
    if sells and len(found["customers"]) > 1 and "customer_id" in found["customers"]:
        advice += '; a list of customers has customers… as its name, or layout = "customers" there'
    export = _nearest_export(keys)
    if export is not None:
        lacking = [column for (column,) in export.required if column not in _match(export, keys)]
        named = ", ".join(" or ".join(f"'{name}'" for name in export.names[column]) for column in lacking)
        message = (
            f"it looks like {export.title} and has no column {named}, without which it "
            "can't be read; export it again with all columns, in a language whose names these are"
        )
        return HeaderError(message, len(export.required) - len(lacking), headers=headers)
    if nearness < 2:
        expected = " or ".join(
            ",".join(layout.names[group[0]][0] for group in layout.required) for layout in (INVOICE_LINES, TRANSACTIONS)
        )
        if _looks_like_data(headers):
            advice = "It looks like data: put a line of headers above it"
        if _is_parted_by_blanks(headers):
            advice += ". Its fields are parted by blanks: put commas, semicolons or tabs between them"
        message = f"no known header was found: it reads {quoted(headers)}, expected at least {expected}. {advice}"
    else:
        named = ", ".join(f"{column} (header {' or '.join(closest.names[column])})" for column in missing)
        plural = "s" if len(missing) > 1 else ""
        message = f"column{plural} missing: {named}; the headers found are {quoted(headers)}. {advice}"
    return HeaderError(message, nearness, headers=headers, closest=closest.name)


def _is_parted_by_blanks(headers: Sequence[str]) -> bool:
    """Whether what has no delimiter reads as data or as headers of sales once it is parted at its blanks."""
    pieces = headers[0].split() if len(headers) == 1 else []
    return len(pieces) > 2 and (_looks_like_data(pieces) or len(guess_columns(pieces)) > 2)


def _looks_like_data(headers: Sequence[str]) -> bool:
    """Whether half of a line or more are numbers and dates."""
    cells = [header for header in headers if header]
    return 2 * sum(_FIGURES.fullmatch(cell) is not None for cell in cells) >= len(cells) > 0


def quoted(names: Sequence[str]) -> str:
    """Names for a message: each in quotes, at most twenty of them."""
    shown = [f"'{name[:60]}'" for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
