"""The customers of the filters, each with the segment, which the questions about segments begin with."""

from __future__ import annotations

from serving.filters import Clause, Filters

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
