"""The customers of the filters, each with the segment, which the questions about segments begin with."""

from __future__ import annotations

from collections.abc import Sequence

from serving.filters import Clause, Filters
from warehouse.measures import aggregates, shares

NO_SEGMENT = "No segment"
"""Stands for customers whom the method put in none."""


def kept_customers(filters: Filters) -> Clause:
    """Common table expression ``kept``: the customers of the filters."""
    clause = filters.customers()
    sql = f"""
        kept as (
            select * replace (coalesce(segment, '{NO_SEGMENT}') as segment, cast(clv as decimal(28, 4)) as clv)
            from ({clause.sql})
        )"""
    return Clause(sql, clause.parameters)


def measures_by_segment(filters: Filters, keys: Sequence[str]) -> Clause:
    """``segment`` and these measures of the customers of the filters, one row a segment."""
    kept = kept_customers(filters)
    sql = f"""
        with {kept.sql},

        summed as (
            select segment, {aggregates("customers", keys)} from kept group by segment
        )

        select *, {shares(keys)} from summed"""
    return Clause(sql, kept.parameters)
