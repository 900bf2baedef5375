"""What the names of segments say, and of how many of their customers it is true."""

from __future__ import annotations

import pandas as pd

from serving.filters import Method
from serving.snapshot import Reading


def segment_claims(reading: Reading, method: Method) -> pd.DataFrame:
    """The rows of ``reporting.segment_claims`` of a method, the largest segment first; of all customers."""
    return reading.query(
        "select * from reporting.segment_claims where method = $method order by customers desc, segment_name",
        {"method": method},
    )


def came_back(reading: Reading) -> pd.DataFrame:
    """How many came back within 90 days, by silence at a past month end; customers with a gap of their own.

    Returns
    -------
    DataFrame
        ``silence_band`` (in usual gaps, ascending), ``is_slipping``, ``month_ends``, ``customers`` and
        ``came_back_customers`` over these month ends, ``came_back_pct`` (0 to 100) with the lowest and highest of
        a month end.
    """
    return reading.query(
        """
        select
            silence_band,
            bool_and(is_slipping) as is_slipping,
            count(*) as month_ends,
            sum(customers) as customers,
            sum(came_back_customers) as came_back_customers,
            100.0 * sum(came_back_customers) / sum(customers) as came_back_pct,
            min(came_back_pct) as lowest_pct,
            max(came_back_pct) as highest_pct
        from marts.slipping_backtest
        where has_own_gap
        group by silence_band
        order by silence_band
        """
    )
