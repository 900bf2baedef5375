"""What the filter bar offers, and how many customers a choice leaves.

Belongs here: the options of the filters. Does not belong here: what a filter means
(:mod:`serving.filters`).
"""

from __future__ import annotations

from dataclasses import dataclass

from serving.filters import SEGMENT_COLUMNS, Filters, Method, with_segments_of
from serving.snapshot import Reading
from warehouse.measures import measures


@dataclass(frozen=True)
class Found:
    """What the filters leave."""

    customers: int
    of_customers: int
    examples: tuple[str, ...]
    """The first few ids, where a customer was searched for."""


def segments_of(reading: Reading, method: Method) -> list[str]:
    """Names of a method's segments, the one with the most money first."""
    column = SEGMENT_COLUMNS[method]
    rows = reading.rows(
        f"""
        select {column} as segment
        from reporting.customer_360
        where has_purchases and {column} is not null
        group by {column}
        order by {measures()["monetary_net_sum"].sql("customers")} desc, {column}
        """
    )
    return [row["segment"] for row in rows]


def filters_of(reading: Reading, query: str | None) -> Filters:
    """The view that a URL asks for, without segments that its method doesn't have: the same on page, list and file."""
    filters = Filters.from_query(query or "")
    return with_segments_of(filters, segments_of(reading, filters.method))


def countries(reading: Reading) -> list[str]:
    """Names of the countries that anything was sold to, in alphabetical order."""
    return [row["country"] for row in reading.rows("select distinct country from marts.fct_invoices order by country")]


def found_customers(reading: Reading, filters: Filters, *, examples: int = 6) -> Found:
    """How many customers fit, out of how many, and the first ids of a search."""
    chosen = filters.customers()
    counted = reading.row(
        """
        select
            (select count(*) from chosen) as customers,
            (select count(*) from reporting.customer_360 where has_purchases) as of_customers
        """,
        chosen=chosen,
    )
    first = "select customer_id from chosen order by length(customer_id), customer_id limit $row_limit"
    ids = reading.rows(first, {"row_limit": examples}, chosen=chosen) if filters.customer else []
    return Found(**counted, examples=tuple(row["customer_id"] for row in ids))
