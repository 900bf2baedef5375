"""Customers by their RFM scores."""

from __future__ import annotations

import pandas as pd

from serving.filters import Filters
from serving.queries.segments.kept import kept_customers
from serving.snapshot import Reading
from warehouse.measures import aggregates


def rfm_grid(reading: Reading, filters: Filters) -> pd.DataFrame:
    """How many customers have each pair of recency and frequency score, and what they spent.

    Returns
    -------
    DataFrame
        Up to 25 rows: ``r_score``, ``f_score`` (1 to 5, 5 is best), ``customers``, ``monetary_net_sum``, and
        ``rfm_segment`` with ``segment_customers``: where most of them are (the first by name of several).
    """
    kept = kept_customers(filters)
    return reading.query(
        f"""
        with {kept.sql},

        by_segment as (
            select r_score, f_score, rfm_segment, count(*) as segment_customers
            from kept group by r_score, f_score, rfm_segment
        ),

        largest as (
            select * from by_segment
            qualify row_number() over (
                partition by r_score, f_score order by segment_customers desc, rfm_segment
            ) = 1
        ),

        cells as (
            select r_score, f_score, {aggregates("customers", ["customers", "monetary_net_sum"])}
            from kept group by r_score, f_score
        )

        select cells.*, largest.rfm_segment, largest.segment_customers
        from cells
        inner join largest on cells.r_score = largest.r_score and cells.f_score = largest.f_score
        order by cells.r_score desc, cells.f_score
        """,
        kept.parameters,
    )


def rfm_rules(reading: Reading) -> pd.DataFrame:
    """Which scores the customers of each RFM segment have, as lowest and highest, over all customers.

    Returns
    -------
    DataFrame
        ``segment``, ``customers``, ``r_low, r_high, f_low, f_high, m_low, m_high`` (1 to 5); highest recency
        score first.
    """
    return reading.query(
        f"""
        select
            rfm_segment as segment,
            {aggregates("customers", ["customers"])},
            min(r_score) as r_low,
            max(r_score) as r_high,
            min(f_score) as f_low,
            max(f_score) as f_high,
            min(m_score) as m_low,
            max(m_score) as m_high
        from reporting.customer_360
        where has_purchases
        group by rfm_segment
        order by avg(r_score) desc, rfm_segment
        """
    )
