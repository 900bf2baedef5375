"""How recency, frequency, money and expected value are spread over a segment's customers."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right

import pandas as pd

from serving.filters import Clause, Filters
from serving.queries.segments import kept_customers
from serving.snapshot import Reading

MEASURES = ("recency_days", "frequency", "monetary", "clv")
"""What customers are compared by, in this order."""

MAX_RECENCY_BINS = 26
FREQUENCY_STEP = 1.4
"""Each bin of the frequency begins this many times as high as the one before."""


def _values(filters: Filters) -> Clause:
    """Each known value of each measure, with the customer's segment."""
    doubles = ", ".join(f"cast({name} as double) as {name}" for name in MEASURES)
    return Clause(
        f"""
        select segment, measure, value
        from (select segment, {doubles} from kept) unpivot (value for measure in ({", ".join(MEASURES)}))
        """
    ).over(kept=kept_customers(filters))


def box_statistics(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Five quantiles of each measure in each segment, computed over all customers kept.

    The whiskers stand at the 5th and the 95th percentile, so that nine of ten customers lie between them;
    the usual one and a half box lengths mean little on values as skewed as money.

    Returns
    -------
    DataFrame
        ``measure`` (one of :data:`MEASURES`), ``segment``, ``customers`` (with a value),
        ``low_whisker``, ``q1``, ``median``, ``q3``, ``high_whisker``, ``mean``.
    """
    return reading.query(
        """
        with summed as (
            select
                measure,
                segment,
                count(*) as customers,
                quantile_cont(value, [0.05, 0.25, 0.5, 0.75, 0.95]) as quantiles,
                avg(cast(value as decimal(28, 4))) as mean
            from long
            group by measure, segment
        )

        select
            measure,
            segment,
            customers,
            quantiles[1] as low_whisker,
            quantiles[2] as q1,
            quantiles[3] as median,
            quantiles[4] as q3,
            quantiles[5] as high_whisker,
            mean
        from summed
        order by list_position($measures, measure), segment
        """,
        {"measures": list(MEASURES)},
        long=_values(filters),
    )


def distributions(reading: Reading, filters: Filters) -> pd.DataFrame:
    """How many customers of each segment fall into each bin of each measure.

    Days are binned evenly, the others in steps that grow with the value (1, 2, 5, 10 … for money), because
    most customers have little and a few have very much. The first bin of money holds all below 1, also
    nothing and less.

    Returns
    -------
    DataFrame
        ``measure``, ``bin_start`` (included), ``bin_end`` (not included), ``segment``, ``customers``: every
        bin between the lowest and the highest value for every segment, also with 0. Empty if no customer fits.
    """
    bounds = reading.rows(
        """
        select measure, min(value) as low, max(value) as high
        from long
        group by measure
        order by list_position($measures, measure)
        """,
        {"measures": list(MEASURES)},
        long=_values(filters),
    )
    if not bounds:
        return pd.DataFrame(columns=["measure", "bin_start", "bin_end", "segment", "customers"])
    bins = [
        (row["measure"], *edges)
        for row in bounds
        for edges in itertools.pairwise(_bin_edges(row["measure"], row["low"], row["high"]))
    ]
    of_bins, starts, ends = (list(column) for column in zip(*bins, strict=True))
    return reading.query(
        """
        with bins as (select unnest($of_bins) as measure, unnest($starts) as bin_start, unnest($ends) as bin_end),

        -- every edge is a whole number: whole values fall into the same bins, and are few
        counted as (
            select measure, segment, floor(value) as value, count(*) as customers
            from long
            group by measure, segment, floor(value)
        )

        select
            bins.measure,
            bins.bin_start,
            bins.bin_end,
            segments.segment,
            cast(coalesce(sum(counted.customers), 0) as bigint) as customers
        from bins
        cross join (select distinct segment from long) as segments
        left join counted
            on counted.measure = bins.measure
            and counted.segment = segments.segment
            and counted.value >= bins.bin_start
            and counted.value < bins.bin_end
        group by bins.measure, bins.bin_start, bins.bin_end, segments.segment
        order by list_position($measures, bins.measure), bins.bin_start, segments.segment
        """,
        {"measures": list(MEASURES), "of_bins": of_bins, "starts": starts, "ends": ends},
        long=_values(filters),
    )


def _bin_edges(measure: str, low: float, high: float) -> list[float]:
    """Edges from ``low`` to beyond ``high``, so that the last bin holds the highest value."""
    edges: list[float]
    if measure == "recency_days":
        first = min(0.0, float(math.floor(low)))
        step = next(
            (step for step in (1, 2, 7, 14, 30, 60, 90, 180) if (high - first) / step < MAX_RECENCY_BINS),
            math.ceil((high - first + 1) / MAX_RECENCY_BINS),
        )
        count = int((high - first) // step) + 1
        return [float(first + step * position) for position in range(count + 1)]
    if measure == "frequency":
        edges = [float(math.floor(low))]
        while edges[-1] <= high:
            edges.append(float(max(edges[-1] + 1, math.ceil(edges[-1] * FREQUENCY_STEP))))
        return edges
    powers = range(len(f"{max(high, 1):.0f}") + 1)
    steps = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    from_low = steps[max(bisect_right(steps, low) - 1, 0) : bisect_right(steps, high) + 1]
    return from_low if low >= 1 else [min(0.0, float(math.floor(low))), *from_low]
