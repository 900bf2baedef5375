"""How segments were made, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from serving.filters import Method
from serving.snapshot import Reading
from warehouse.measures import aggregates

_ALGORITHMS: dict[str, str] = {"audience": "kmeans"}


@dataclass(frozen=True)
class Caveats:
    """What a clustering says of itself; each empty if it has none."""

    segments: str
    """Warnings of the clustering."""
    changes: str
    """How the clustering differs from the one published before."""


def caveats(reading: Reading, method: Method) -> Caveats:
    """Caveats of a method's segments."""
    found = reading.row(
        """
        select
            string_agg(warnings, ' ' order by algorithm)
                filter (model = 'customer_segments' and algorithm = $algorithm) as segments,
            string_agg(change_notes, ' ' order by algorithm)
                filter (model = 'customer_segments' and algorithm = $algorithm) as changes
        from reporting.model_notes
        """,
        {"algorithm": _ALGORITHMS.get(method, method)},
    )
    return Caveats(*(found[name] or "" for name in ("segments", "changes")))


def cluster_evidence(reading: Reading, method: Method) -> pd.DataFrame:
    """What speaks for and against each number of segments, by number.

    Returns
    -------
    DataFrame
        Columns of ``ml.cluster_selection``. Audiences have the evidence of k-means, which they are made
        from; RFM segments, which are made by rule, have none.
    """
    return reading.query(
        "select * from ml.cluster_selection where algorithm = $algorithm order by k",
        {"algorithm": _ALGORITHMS.get(method, method)},
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
