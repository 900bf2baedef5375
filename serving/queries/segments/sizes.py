"""How large segments are, and who is in them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from serving.filters import Filters
from serving.queries.segments.kept import kept_customers, measures_by_segment
from serving.snapshot import Reading
from warehouse.measures import shown

_SIZES = [one.key for one in shown("sizes")]


@dataclass(frozen=True)
class CustomerPoints:
    """Single customers to draw: all, or a fixed sample of them."""

    rows: pd.DataFrame
    """``customer_id, segment, recency_days, frequency, monetary, clv``, by customer_id."""
    total: int
    """Customers whom the sample stands for."""


def segment_sizes(reading: Reading, filters: Filters) -> pd.DataFrame:
    """How many customers a segment has and what they brought, the one with the most money first.

    Returns
    -------
    DataFrame
        One row per segment with customers: ``segment`` and the measures of sizes; the share of what was
        spent is null where that is zero or less, ``clv_sum`` where nobody's is known.
    """
    clause = measures_by_segment(filters, _SIZES)
    return reading.query(f"{clause.sql} order by monetary_net_sum desc, segment", clause.parameters)


def customer_points(reading: Reading, filters: Filters, limit: int = 4000) -> CustomerPoints:
    """Single customers, at most ``limit`` of them: always the same ones, whatever the order of the table."""
    kept = kept_customers(filters)
    sql = f"""
        with {kept.sql},

        sampled as (
            select
                customer_id,
                segment,
                recency_days,
                frequency,
                cast(monetary as double) as monetary,
                cast(clv as double) as clv,
                count(*) over () as total
            from kept
            order by hash(customer_id), customer_id
            limit $row_limit
        )

        select * from sampled order by customer_id
        """
    rows = reading.query(sql, kept.parameters | {"row_limit": limit})
    total = int(rows["total"].iloc[0]) if len(rows) else 0
    return CustomerPoints(rows.drop(columns="total"), total)
