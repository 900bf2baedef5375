"""The value of every measure under the filters, for the page that explains them.

Belongs here: evaluating the register. Does not belong here: what a measure is (:mod:`warehouse.measures`).
"""

from __future__ import annotations

from typing import Any

from serving.filters import Filters
from serving.snapshot import Reading
from warehouse.measures import Rows, aggregates, measures


def figures(reading: Reading, filters: Filters) -> dict[str, Any]:
    """The value of each measure that filters apply to, by key; shares are of parts, and have none.

    A measure over both invoices and customers has that of the customers, as its card.
    """
    found: dict[str, Any] = {}
    rows: tuple[tuple[Rows, Any], ...] = (("invoices", filters.invoices()), ("customers", filters.customers()))
    for kind, clause in rows:
        keys = [one.key for one in measures().values() if kind in one.expressions]
        found |= reading.row(f"select {aggregates(kind, keys)} from ({clause.sql})", clause.parameters)
    return found
