"""The customers of the filters, each with the segment, which the questions about segments begin with."""

from __future__ import annotations

from collections.abc import Sequence

from serving.filters import Clause, Filters
from warehouse.measures import aggregates, shares

NO_SEGMENT = "No segment"
"""Stands for customers whom the method put in none."""


def kept_customers(filters: Filters) -> Clause:
    """Common table expressions ``kept`` (the customers of the filters) and ``kinds`` (the kind of each segment)."""
    clause = filters.customers()
    sql = f"""
        kept as (
            select * replace (coalesce(segment, '{NO_SEGMENT}') as segment, cast(clv as decimal(28, 4)) as clv)
            from ({clause.sql})
        ),
        kinds as (
            select segment_name, segment_name as segment_kind from reporting.segment_claims where method = $method
        )"""
    return Clause(sql, clause.parameters | {"method": filters.method})


def measures_by_segment(filters: Filters, keys: Sequence[str]) -> Clause:
    """``segment``, its ``kind``, and these measures of the customers of the filters, one row a segment."""
    kept = kept_customers(filters)
    sql = f"""
        with {kept.sql},

        summed as (
            select segment, {aggregates("customers", keys)} from kept group by segment
        )

        select
            summed.segment,
            coalesce(kinds.segment_kind, summed.segment) as kind,
            summed.* exclude (segment),
            {shares(keys)}
        from summed
        left join kinds on kinds.segment_name = summed.segment"""
    return Clause(sql, kept.parameters)
