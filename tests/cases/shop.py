"""Made-up shops as files, and what a refresh published of them.

Belongs here: the shop that most cases add a few lines to, writers for it, a landing folder
that holds many shops which never meet, and the questions that cases ask of a snapshot. Does
not belong here: the cases themselves and the figures that are right for them.

Rows are dictionaries from header to text, in the order in which they are written. A *place*
is two digits before every customer and order number of a shop, so that twenty shops can lie
in one landing folder, each as a source of its own, and be told apart by their customers.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pytest

from orchestration.refresh import RefreshOutcome
from tests.orchestration.conftest import refresh
from warehouse.home import Home
from warehouse.settings import SETTINGS_FILE_VARIABLE

Row = dict[str, str]

INPUTS = Path(__file__).parent / "inputs"
HEADERS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")

SHOP_LINES, SHOP_ORDERS, SHOP_CUSTOMERS, SHOP_MONEY = 201, 88, 30, Decimal("4992.60")
"""The shop behind most cases: customers 1001 to 1030, sales from 9 January to 27 August 2024."""

LONG_AGO = datetime(2024, 11, 28, 6, 0)
"""When files were delivered, unless a case says otherwise: after all their sales, and not just now."""

NOBODY = (
    *("Guest", "WALK-IN", "n/a", "#N/A", "<NA>", "-", "unknown", "cash", "0", "0.0", "NULL", "None", "nan"),
    *("Laufkunde", "Barverkauf", "unbekannt", "Gast", "client de passage", "Comptoir", "invité", "anonyme"),
    *("desconocido", "consumidor final", "ospite", "sconosciuto", "contant", "onbekend", "okänd", "gość"),
)
"""What tills and web shops write where they know no customer."""

_CUSTOMERS = ("CustomerID", "Customer ID", "Customer_ID", "Email")
_ORDERS = ("InvoiceNo", "Order ID", "Name")
_IDENTIFIER = re.compile(r"[A-Za-z]?\d{3,}(\.0)?|[^@\s]+@\S+", re.ASCII)


@cache
def _read(name: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    with (INPUTS / name).open(encoding="utf-8", newline="") as file:
        return tuple(tuple(row.items()) for row in csv.DictReader(file))


def rows_of(name: str) -> list[Row]:
    """All rows of a file of inputs."""
    return [dict(row) for row in _read(name)]


def shop(change: Callable[[Row], Row] = lambda row: row) -> list[Row]:
    """The 201 lines of the shop behind the cases, each changed in the same way."""
    return [change(row) for row in rows_of("shop.csv")]


def line(
    invoice: object,
    code: str,
    name: str,
    quantity: object,
    at: object,
    price: object,
    customer: object,
    country: str = "United Kingdom",
    **more: str,
) -> Row:
    """One line in the headers of the shop; ``more`` are further columns, blanks in their names as underscores."""
    fields = (invoice, code, name, quantity, at, price, customer, country)
    return {
        **{header: str(value) for header, value in zip(HEADERS, fields, strict=True)},
        **{header.replace("_", " "): value for header, value in more.items()},
    }


def every(days: int, start: str, count: int) -> list[str]:
    """``count`` times from ``start`` on, ``days`` apart, as text."""
    first = datetime.fromisoformat(start)
    return [str(first + timedelta(days=days * number)) for number in range(count)]


def csv_text(rows: Sequence[Row], *, delimiter: str = ",", end: str = "\r\n", headers: Sequence[str] = ()) -> str:
    """The rows as a CSV file; a column that a row lacks is blank."""
    columns = list(headers) or list(dict.fromkeys(header for row in rows for header in row))
    written = io.StringIO()
    writer = csv.DictWriter(written, columns, delimiter=delimiter, lineterminator=end, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def renamed(rows: Iterable[Row], headers: dict[str, str]) -> list[Row]:
    """The rows under other headers; those not named keep theirs."""
    return [{headers.get(header, header): value for header, value in row.items()} for row in rows]


def apart(rows: Iterable[Row], place: str) -> list[Row]:
    """The same shop with customers and orders that no other shop has.

    What names nobody (``0``, ``guest``) or was cut short (``7.12346E+12``) stays as it is.
    """
    moved = []
    for row in rows:
        row = dict(row)
        for header in _CUSTOMERS:
            if header in row and _IDENTIFIER.fullmatch(row[header].strip()):
                kept = row[header].strip()
                row[header] = row[header].replace(kept, place + kept)
        for header in _ORDERS:
            if header in row and "E+" not in row[header]:
                row[header] = re.sub(r"\d{4,}", lambda found: place + found.group(), row[header], count=1)
        moved.append(row)
    return moved


@dataclass(frozen=True)
class Case:
    """What one shop delivers, as a source of its own.

    Attributes
    ----------
    name
        Folder in landing and name of the source.
    files
        File name to content.
    mapping
        Lines of TOML for its entry under ``[[landing.sources]]``, besides name and files.
    delivered
        When a file was delivered (UTC); :data:`LONG_AGO` for those not named.
    """

    name: str
    files: dict[str, str | bytes]
    mapping: str = ""
    delivered: dict[str, datetime] = field(default_factory=dict)

    def put(self, landing: Path, *names: str, folder: str | None = None) -> None:
        """Write its files, or those named, into landing."""
        for name in names or self.files:
            path = landing / (self.name if folder is None else folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = self.files[name]
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            modified = (self.delivered.get(name, LONG_AGO) - datetime(1970, 1, 1)).total_seconds()
            os.utime(path, (modified, modified))

    @property
    def source(self) -> str:
        """Its entry under ``[[landing.sources]]``."""
        return f'[[landing.sources]]\nname = "{self.name}"\nfiles = "{self.name}/*"\n{self.mapping}\n'


@dataclass(frozen=True)
class Totals:
    """What a shop sold, as the snapshot tells it."""

    sale_lines: int
    orders: int
    customers: int
    net: Decimal


@dataclass(frozen=True)
class Published:
    """A home after a refresh, and what was told of it."""

    home: Home
    outcome: RefreshOutcome

    def rows(self, sql: str, *values: object) -> list[tuple]:
        """Ask the published snapshot."""
        with duckdb.connect(str(self.home.published), read_only=True) as connection:
            return connection.execute(sql, list(values)).fetchall()

    def totals(self, place: str) -> Totals:
        """Sale lines, orders with a sale, customers with a purchase and net money of a shop's identified customers."""
        ((sale_lines, orders),) = self.rows(
            "select count(*), count(distinct invoice_no) from marts.fct_invoice_lines"
            " where line_type = 'sale' and starts_with(customer_id, ?)",
            place,
        )
        ((net,),) = self.rows(
            "select coalesce(sum(net_revenue), 0) from marts.fct_invoices where starts_with(customer_id, ?)", place
        )
        ((customers,),) = self.rows("select count(*) from marts.customer_rfm where starts_with(customer_id, ?)", place)
        return Totals(sale_lines, orders, customers, net)

    def customer(self, customer_id: str) -> tuple[int, Decimal] | None:
        """Frequency and net money of one customer; None if there is no such customer with a purchase."""
        found = self.rows("select frequency, monetary_net from marts.customer_rfm where customer_id = ?", customer_id)
        return found[0] if found else None

    def customers(self, place: str) -> dict[str, tuple[int, Decimal]]:
        """Frequency and net money of all customers whose id begins so."""
        found = self.rows(
            "select customer_id, frequency, monetary_net from marts.customer_rfm where starts_with(customer_id, ?)",
            place,
        )
        return {customer: (frequency, net) for customer, frequency, net in found}

    def set_aside(self, file: str) -> dict[str, int]:
        """Disposition to lines of a file (as delivered, or its folder) that were not kept."""
        return dict(
            self.rows(
                "select disposition, count(*) from marts.set_aside_lines where starts_with(file_name, ?) group by 1",
                file,
            )
        )

    def is_told(self, *words: str) -> bool:
        """Whether one warning, or what the ledger says of one file, has all these words, whatever their case."""
        told = [
            *self.outcome.checks_warned,
            *(
                text
                for (text,) in self.rows("select concat_ws(': ', file_name, notes, problem) from quality.load_ledger")
            ),
        ]
        return any(all(word.casefold() in text.casefold() for word in words) for text in told)


def refreshed(home: Home, settings: str = "", **options: object) -> Published:
    """Refresh a home whose landing is filled, under settings given as TOML.

    Nothing is asserted of the outcome, since many cases are about a run that must stop.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    path = home.root / "regulars.toml"
    path.write_text(settings, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SETTINGS_FILE_VARIABLE, str(path))
        return Published(home, refresh(home, **options))


def published_together(folder: Path, cases: Sequence[Case], settings: str = "") -> Published:
    """Many shops in one landing folder, each its own source, refreshed once.

    Raises
    ------
    AssertionError
        With what stopped the run.
    """
    home = Home(folder / "home")
    for case in cases:
        case.put(home.landing)
    published = refreshed(home, settings + "\n" + "\n".join(case.source for case in cases))
    assert published.outcome.succeeded, published.outcome.problems
    return published
