"""Guesses at what an unknown header means, as a mapping ready to paste.

Belongs here: choosing a layout and a header for each column, and writing the mapping. Does not belong here: by which
names columns are known (:mod:`warehouse.readers.header_words`), what their values show
(:mod:`warehouse.readers.amount_evidence`), and reading by a guess. A guess is for a person to look at; a file is read
by what its layout or its mapping says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from warehouse.readers.amount_evidence import (
    amount_after_part,
    amount_by_price,
    discount_comes_off,
    discount_part,
    grows_with_quantity,
    leaves_with_a_minus,
    money_column,
    price_is_after_discount,
    price_is_proven,
    unnamed_quantity,
)
from warehouse.readers.header_words import (
    day_header,
    guess_columns,
    is_of_one_unit,
    order_amount,
    payment_state_of_invoices,
    product_group,
    says_per_cent,
)
from warehouse.readers.layouts import INVOICE_LINES, LAYOUTS, TRANSACTIONS, Layout, normalise
from warehouse.readers.rough_numbers import Line
from warehouse.settings import MAPPABLE

NOT_FOUND = "?"

_FILLED = ("customer_id", "country", "status", "currency", "invoice_date", "store")
"""Columns that an export may write on an order's first line only."""
_MONEY = ("unit_price", "line_amount")
_OF_UNIT_OR_LINE = "  # of one unit; if it is what the whole line came to, columns.line_amount"
_OF_ONE_UNIT = ' If none: constants = { quantity = "1" }'
_SEVERAL = re.compile(r"(items|products|articles|produits|productos|articulos|prodotti)", re.IGNORECASE)
"""What a column is called that holds the products of an order, or how many there were."""
_SUGGESTED = ("status", "kind", "currency")
"""Optional columns worth a line of the mapping whenever they are found."""


@dataclass(frozen=True)
class Guess:
    """What the headers seem to be.

    ``headers`` maps our column to a header; ``missing`` are columns that the layout needs
    and for which none was found.
    """

    layout: Layout
    headers: dict[str, str]
    missing: tuple[str, ...]
    fill_down: tuple[str, ...] = ()
    is_price_proven: bool = True
    """False where a price may as well be that of the whole line: neither its name nor an amount beside it tells."""
    is_discount_proven: bool = False
    """Whether some amount of the file is quantity times price less the discount."""
    ignore: tuple[tuple[str, str], ...] = ()
    """Headers that would be found by their usual name or asked about, and mislead; each with the reason."""
    discount_is: str | None = None
    """``per_cent`` or ``share`` where a discount seems to tell a part of the amount."""


def guess_mapping(headers: Sequence[str], lines: Sequence[Line] = ()) -> Guess:
    """Guess a mapping for a header that no layout knows.

    Parameters
    ----------
    lines
        Some lines below the header, from which it is told which column is the money of a line, and whether
        an order's later lines are blank where its first is not.
    """
    # what is blank on every line is none of the columns that a line needs
    found = guess_columns([header if _has_value(lines, place) else "" for place, header in enumerate(headers)])
    if _SEVERAL.fullmatch(found.get("description", "").strip()) and _are_numbers(lines, headers, found["description"]):
        del found["description"]
    if found.keys().isdisjoint(("stock_code", "description")) and (group := product_group(headers)):
        found["description"] = group
    day = day_header(headers)
    # numbers of days count from a start that the file does not tell
    if day and "invoice_date" not in found and _has_text(lines, headers, day):
        found["invoice_date"] = day
    if "invoice" not in found and (number := next((name for name in headers if name.strip().casefold() == "id"), None)):
        found.setdefault("invoice" if _is_of_one_day(headers, number, found, lines) else "customer_id", number)
    layout = INVOICE_LINES
    is_lines = "quantity" in found or "stock_code" in found or "description" in found
    if not is_lines and {"customer_id", "invoice_date"} <= found.keys():
        layout = TRANSACTIONS
        amount = found.pop("line_amount", None) or order_amount(headers)
        if "unit_price" not in found and amount:
            found["unit_price"] = amount
    elif not found.keys().isdisjoint(_MONEY):
        places = {column: list(headers).index(header) for column, header in found.items()}
        # what names neither product nor order has no price of one unit
        is_of_several = found.keys() == {"customer_id", "invoice_date", "quantity", "unit_price"} and len(headers) == 4
        if "line_amount" not in found and (
            is_of_several or grows_with_quantity(lines, places) or price_is_after_discount(lines, places)
        ):
            found["line_amount"] = found.pop("unit_price")
            places["line_amount"] = places.pop("unit_price")
        unnamed = unnamed_quantity(lines, places)
        if unnamed is not None and all(headers[place].strip() for place in unnamed):
            found["quantity"], found["line_amount"] = (headers[place] for place in unnamed)
            places["quantity"], places["line_amount"] = unnamed
            found.pop("unit_price", None)
            places.pop("unit_price", None)
        by_price = amount_by_price(lines, places)
        if by_price is not None and headers[by_price].strip():
            found["unit_price"], places["unit_price"] = found["line_amount"], places["line_amount"]
            found["line_amount"], places["line_amount"] = headers[by_price], by_price
        after_part = amount_after_part(lines, places)
        if after_part is not None and headers[after_part].strip():
            # whatever it is called, it is what was paid
            found["line_amount"], places["line_amount"] = headers[after_part], after_part
        counts = money_column(lines, places)
        found = {column: header for column, header in found.items() if column not in _MONEY or column == counts}
        # a line without a quantity is one unit, unless the price says that there is one by another name
        if "quantity" not in found and "unit_price" in found and not is_of_one_unit(found["unit_price"]):
            found["line_amount"] = found.pop("unit_price")
        if _is_of_purchases(headers, found, lines):
            layout = TRANSACTIONS
            found["unit_price"] = found.pop("line_amount")
            if "stock_code" in found:
                found.setdefault("description", found["stock_code"])
    ignore: list[tuple[str, str]] = []
    if leaves_with_a_minus(lines, {column: list(headers).index(header) for column, header in found.items()}):
        ignore.append((found.pop("quantity"), "its minus is that of goods that went out"))
    if paid := payment_state_of_invoices(headers):
        found = {column: header for column, header in found.items() if header != paid}
        ignore.append((paid, "an invoice is a sale before it is paid"))
    known = {column: header for column, header in found.items() if column in MAPPABLE[layout.name]}
    missing = tuple(column for column in layout.missing(known))
    places = {column: list(headers).index(header) for column, header in known.items()}
    part = (
        discount_part(lines, places["discount_amount"], says_per_cent=says_per_cent(known["discount_amount"]))
        if "discount_amount" in known
        else None
    )
    is_price_proven = (
        known.get("unit_price") not in headers
        or is_of_one_unit(known["unit_price"])
        or "quantity" not in known
        or price_is_proven(lines, places)
    )
    filled = _filled_down(headers, known, lines)
    is_proven = discount_comes_off(lines, places)
    return Guess(layout, known, missing, filled, is_price_proven, is_proven, tuple(ignore), part)


def _has_value(lines: Sequence[Line], place: int) -> bool:
    """Whether a column has a value on some line, or there are no lines to see it on."""
    return not lines or any(place < len(line) and (line[place] or "").strip() for line in lines)


def _has_text(lines: Sequence[Line], headers: Sequence[str], header: str) -> bool:
    """Whether a column has values that are more than numbers."""
    place = list(headers).index(header)
    return bool(lines) and _has_value(lines, place) and not _are_numbers(lines, headers, header)


def _are_numbers(lines: Sequence[Line], headers: Sequence[str], header: str) -> bool:
    place = list(headers).index(header)
    values = [(line[place] or "").strip() for line in lines if place < len(line)]
    return any(values) and all(value.isdecimal() for value in values if value)


def _is_of_one_day(headers: Sequence[str], header: str, found: Mapping[str, str], lines: Sequence[Line]) -> bool:
    """Whether a number belongs to one day, as that of an order does, on most of those that stand on several lines."""
    if "invoice_date" not in found:
        return True
    number, day = list(headers).index(header), list(headers).index(found["invoice_date"])
    days_of: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if max(number, day) < len(line) and (value := (line[number] or "").strip()):
            days_of[value].append(re.split("[ T]", (line[day] or "").strip())[0])
    repeated = [days for days in days_of.values() if len(days) > 1]
    return not repeated or 2 * sum(len(set(days)) > 1 for days in repeated) < len(repeated)


def _is_of_purchases(headers: Sequence[str], found: Mapping[str, str], lines: Sequence[Line]) -> bool:
    """Whether lines name their customer, day and amount, and no column can be the number of an order.

    Such a number belongs to one customer, on however many lines it stands.
    """
    if "invoice" in found or not {"customer_id", "invoice_date", "line_amount"} <= found.keys() or not lines:
        return False
    customer = list(headers).index(found["customer_id"])
    for place, header in enumerate(headers):
        if header in found.values() or not header.strip():
            continue
        customers_of: dict[str, set[str]] = defaultdict(set)
        for line in lines:
            if max(place, customer) < len(line) and (value := (line[place] or "").strip()):
                customers_of[value].add((line[customer] or "").strip())
        if not _may_be_of_order(customers_of, len(lines)):
            continue
        if all(len(customers) == 1 for customers in customers_of.values()):
            return False
    return True


def _may_be_of_order(customers_of: Mapping[str, set[str]], lines: int) -> bool:
    """Whether a column's values may be numbers of orders, by the customers on whose lines each stands.

    Figures that are others on each line are none, nor is what each customer has one of.
    """
    is_of_figures = all(value.replace(".", "", 1).isdecimal() for value in customers_of)
    customers = set[str]().union(*customers_of.values())
    return not (is_of_figures and len(customers_of) == lines) and (
        len(customers_of) > len(customers) or len(customers) == lines
    )


def write_mapping(guess: Guess, file_name: str) -> str:
    """Write the guess as a block of ``regulars.toml``; what was not found has a ``?``.

    What is found by its usual name anyway is left out.
    """
    name, glob = _names(file_name)
    lines = ["[[landing.sources]]", f"name = {_text(name)}", f"files = {_text(glob)}"]
    if guess.layout is not INVOICE_LINES:
        lines.append(f"layout = {_text(guess.layout.name)}")
    needed = {column for group in guess.layout.required for column in group}
    wanted = [column for column in MAPPABLE[guess.layout.name] if column in guess.headers or column in guess.missing]
    for column in wanted:
        header = guess.headers.get(column)
        doubt = "" if column != "unit_price" or guess.is_price_proven else _OF_UNIT_OR_LINE
        if header is not None and _is_usual(guess.layout.name, column, header) and not doubt:
            continue
        if header is None:
            or_one = _OF_ONE_UNIT if column == "quantity" and "unit_price" in guess.headers else ""
            lines.append(f"columns.{column} = {_text(NOT_FOUND)}  # which header holds it?{or_one}")
        elif column in needed or column in (*_SUGGESTED, "invoice", "description", "customer_id", "country", "time"):
            lines.append(f"columns.{column} = {_text(header)}{doubt}")
    discount = guess.headers.get("discount_amount")
    if discount and ("unit_price" in guess.headers or guess.is_discount_proven):
        named = f"columns.discount_amount = {_text(discount)}"
        asked = f"# {named}  # if it comes off quantity times price; else ignore = [{_text(discount)}]"
        lines.append(named if guess.is_discount_proven else asked)
        if guess.discount_is and not guess.is_discount_proven:
            tenth = "0.1" if guess.discount_is == "share" else "10"
            lines.append(f"# discount_is = {_text(guess.discount_is)}  # where {tenth} is a tenth; else it is money")
    if "customer_id" not in guess.headers:
        lines.append(
            f"# columns.customer_id = {_text(NOT_FOUND)}  # whose header is it? Without one nobody bought this"
        )
    if guess.ignore:
        ignored = ", ".join(_text(header) for header, _ in guess.ignore)
        lines.append(f"ignore = [{ignored}]  # {'; '.join(reason for _, reason in guess.ignore)}")
    if guess.fill_down:
        lines.append(f"fill_down = [{', '.join(_text(column) for column in guess.fill_down)}]")
    return "\n".join(lines)


def _filled_down(
    headers: Sequence[str], found: Mapping[str, str], lines: Sequence[Sequence[str | None]]
) -> tuple[str, ...]:
    position = {column: list(headers).index(header) for column, header in found.items()}

    def value(line: Sequence[str | None], column: str) -> str:
        place = position[column]
        return (line[place] or "").strip() if place < len(line) else ""

    filled = []
    if "invoice" in position:
        # a line with a sum at the end has no product either
        of_product = [column for column in ("stock_code", "description") if column in position]
        later = [
            (above, line)
            for above, line in pairwise(lines)
            if not value(line, "invoice") and (not of_product or any(value(line, column) for column in of_product))
        ]
        # what has a day of its own is no further line of the order above it, but a fee or a payment
        has_own_day = "invoice_date" in position and any(
            value(line, "invoice_date") not in ("", value(above, "invoice_date")) for above, line in later
        )
        if later and value(lines[0], "invoice") and not has_own_day:
            filled.append("invoice")
    for column in _FILLED:
        if column not in position or "invoice" not in position:
            continue
        left = kept = 0
        for above, line in pairwise(lines):
            invoice = value(line, "invoice")
            if (invoice and invoice == value(above, "invoice")) or (not invoice and filled):
                left += not value(line, column)
                kept += bool(value(line, column))
        if left and not kept:
            filled.append(column)
    return tuple(filled)


def _is_usual(layout: str, column: str, header: str) -> bool:
    return normalise(header) in {normalise(name) for name in LAYOUTS[layout].names.get(column, ())}


def _names(file_name: str) -> tuple[str, str]:
    """Name and glob for the files that this one seems to be one of."""
    base = file_name.rsplit("/", 1)[-1]
    # an ending has letters, of which the last two count: .csv.gz, but not .2024.csv
    stem, suffix = re.fullmatch(r"(.*?)((?:\.[^\W\d]\w*){0,2})", base, re.DOTALL).groups()  # type: ignore[union-attr]
    glob = re.sub(r"\d+", "*", stem)
    glob = re.sub(r"[*\W_]*\*[*\W_]*$", "*", glob) if "*" in glob else glob
    name = re.sub(r"[\W\d_]+$", "", stem) or stem or "export"
    # what a name may hold that a glob reads otherwise
    glob = re.sub(r"[\[\]?]", "?", glob)
    return name, (glob if glob.endswith("*") else f"{glob}*") + suffix


def _text(value: str) -> str:
    """A TOML string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
