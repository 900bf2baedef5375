"""How segments were made, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from serving.filters import Method
from serving.snapshot import Reading


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
            string_agg(warnings, ' ' order by algorithm) as segments,
            string_agg(change_notes, ' ' order by algorithm) as changes
        from reporting.model_notes
        where model = 'customer_segments' and algorithm = $algorithm
        """,
        {"algorithm": method},
    )
    return Caveats(*(found[name] or "" for name in ("segments", "changes")))


def cluster_evidence(reading: Reading, method: Method) -> pd.DataFrame:
    """What speaks for and against each number of segments, by number.

    Returns
    -------
    DataFrame
        Columns of ``ml.cluster_selection``; none for RFM segments, which are made by rule.
    """
    return reading.query(
        "select * from ml.cluster_selection where algorithm = $algorithm order by k",
        {"algorithm": method},
    )
