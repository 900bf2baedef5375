"""Lines of a snapshot and lines that were expected, in one form.

Belongs here: how the two are brought to it. Does not belong here: which must be equal.

Letters count neither in codes nor in customers, nor does blank space in names: the warehouse
folds both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import duckdb

from tests.formats.writers import ExpectedLine
from tests.formats.writers.common import NON_PRODUCT, NOT_A_SALE, RETURN, SALE

NO_PRODUCT = "(NONE)"
"""The code of a return that names no product."""


class Told(NamedTuple):
    """A kept line."""

    invoice: str
    invoiced_at: datetime
    stock_code: str
    quantity: Decimal
    net: Decimal
    customer: str | None
    country: str
    kind: str


class SetAside(NamedTuple):
    """A line that was not kept."""

    invoice: str
    stock_code: str
    disposition: str


def folded(text: str) -> str:
    """Without what is no difference."""
    return " ".join(text.upper().split())


def is_kept(line: ExpectedLine) -> bool:
    """Whether a line enters the facts: a sale of nothing, or for nothing, does not."""
    return line.kind == RETURN or (line.kind == SALE and bool(line.line_net))


def expected_kept(lines: Iterable[ExpectedLine]) -> Counter[Told]:
    """What has to be in the facts."""
    return Counter(
        Told(
            folded(line.invoice),
            line.invoiced_at,
            folded(line.stock_code or NO_PRODUCT),
            line.quantity,
            line.line_net or Decimal(0),
            line.customer.casefold() if line.customer else None,
            line.country,
            line.kind,
        )
        for line in lines
        if is_kept(line)
    )


def expected_set_aside(lines: Iterable[ExpectedLine]) -> Counter[SetAside]:
    """What has to be set aside, each for its reason."""
    reasons = {NON_PRODUCT: "non_product", NOT_A_SALE: "not_a_sale"}
    return Counter(
        SetAside(
            folded(line.invoice),
            folded(line.stock_code or NO_PRODUCT),
            reasons.get(line.kind) or ("non_positive_price" if line.quantity else "non_positive_quantity"),
        )
        for line in lines
        if not is_kept(line)
    )


def kept(connection: duckdb.DuckDBPyConnection) -> Counter[Told]:
    """All lines of the facts."""
    rows = connection.execute(
        "select invoice_no, invoiced_at, stock_code, quantity_units, gross_revenue + return_amount, customer_id,"
        " country, line_type from marts.fct_invoice_lines"
    ).fetchall()
    return Counter(
        Told(folded(invoice), at, folded(code), units, net, who.casefold() if who else None, country, kind)
        for invoice, at, code, units, net, who, country, kind in rows
    )


def set_aside(connection: duckdb.DuckDBPyConnection, file_name: str) -> Counter[SetAside]:
    """Lines of a file that were set aside for what they are; a row that sums up an order is no line."""
    rows = connection.execute(
        "select invoice_no, coalesce(stock_code, ''), disposition from marts.set_aside_lines"
        " where file_name = ? and disposition not in ('duplicate', 'summary')",
        [file_name],
    ).fetchall()
    return Counter(SetAside(folded(invoice or ""), folded(code), disposition) for invoice, code, disposition in rows)


def of_invoices(lines: Counter[Told], expected: Iterable[ExpectedLine]) -> Counter[Told]:
    """The lines of the orders that one file tells of."""
    invoices = {folded(line.invoice) for line in expected}
    return Counter({line: count for line, count in lines.items() if line.invoice in invoices})
