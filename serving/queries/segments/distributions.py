"""How recency, frequency, money and expected value are spread over a segment's customers."""

from __future__ import annotations

import itertools
import math

import pandas as pd

from serving.filters import Filters
from serving.queries.segments.kept import kept_customers
from serving.snapshot import Reading

MEASURES = ("recency_days", "frequency", "monetary", "clv")
"""What customers are compared by, in this order."""

MAX_RECENCY_BINS = 26
FREQUENCY_STEP = 1.4
"""Each bin of the frequency begins this many times as high as the one before."""


def box_statistics(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Five quantiles of each measure in each segment, computed over all customers kept.

    The whiskers stand at the 5th and the 95th percentile, so that nine of ten customers lie between them;
    the usual one and a half box lengths mean little on values as skewed as money.

    Returns
    -------
    DataFrame
        ``measure`` (one of :data:`MEASURES`), ``segment``, ``kind``, ``customers`` (with a value),
        ``low_whisker``, ``q1``, ``median``, ``q3``, ``high_whisker``, ``mean``.
    """
    kept = kept_customers(filters)
    columns = ",\n".join(
        f"""
                quantile_cont(cast({name} as double), [0.05, 0.25, 0.5, 0.75, 0.95]) as {name}_quantiles,
                avg(cast({name} as decimal(28, 4))) as {name}_mean,
                count({name}) as {name}_customers"""
        for name in MEASURES
    )
    parts = ",\n".join(
        f"""
                    {{
                        'position': {position}, 'measure': '{name}', 'quantiles': {name}_quantiles,
                        'mean': {name}_mean, 'customers': {name}_customers
                    }}"""
        for position, name in enumerate(MEASURES)
    )
    return reading.query(
        f"""
        with {kept.sql},

        wide as (
            select
                segment,
                {columns}
            from kept
            group by segment
        ),

        long as (
            select segment, unnest([{parts}]) as part from wide
        )

        select
            part.measure as measure,
            long.segment,
            coalesce(kinds.segment_kind, long.segment) as kind,
            part.customers as customers,
            part.quantiles[1] as low_whisker,
            part.quantiles[2] as q1,
            part.quantiles[3] as median,
            part.quantiles[4] as q3,
            part.quantiles[5] as high_whisker,
            part.mean as mean
        from long
        left join kinds on kinds.segment_name = long.segment
        where part.customers > 0
        order by part.position, long.segment
        """,
        kept.parameters,
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
    kept = kept_customers(filters)
    bounds = reading.row(
        f"""
        with {kept.sql}

        select
            {", ".join(f"min({name}) as {name}_low, max({name}) as {name}_high" for name in MEASURES)}
        from kept
        """,
        kept.parameters,
    )
    parts, parameters = [], dict(kept.parameters)
    for position, name in enumerate(MEASURES):
        low, high = bounds[f"{name}_low"], bounds[f"{name}_high"]
        if low is None:
            continue
        edges = _bin_edges(name, float(low), float(high))
        parameters |= {f"{name}_starts": edges[:-1], f"{name}_ends": edges[1:]}
        # every edge is a whole number: whole values fall into the same bins, and are few
        parts.append(
            f"""
            select
                {position} as position,
                '{name}' as measure,
                bins.bin_start,
                bins.bin_end,
                segments.segment,
                coalesce(sum(counted.customers), 0) as customers
            from (select unnest(${name}_starts) as bin_start, unnest(${name}_ends) as bin_end) as bins
            cross join segments
            left join (
                select segment, floor({name}) as value, count(*) as customers
                from kept
                where {name} is not null
                group by segment, floor({name})
            ) as counted
                on counted.segment = segments.segment
                and counted.value >= bins.bin_start
                and counted.value < bins.bin_end
            group by bins.bin_start, bins.bin_end, segments.segment
            """
        )
    if not parts:
        return pd.DataFrame(columns=["measure", "bin_start", "bin_end", "segment", "customers"])
    return reading.query(
        f"""
        with {kept.sql},

        segments as (select distinct segment from kept),

        binned as ({" union all ".join(parts)})

        select measure, bin_start, bin_end, segment, cast(customers as bigint) as customers
        from binned
        order by position, bin_start, segment
        """,
        parameters,
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
    steps = (factor * 10.0**power for power in itertools.count() for factor in (1, 2, 5))
    edges = [min(0.0, float(math.floor(low)))] if low < 1 else []
    for edge in steps:
        if edges and edge > high:
            return [*edges, edge]
        if low >= 1 and len(edges) == 1 and edge <= low:
            edges = [edge]
        else:
            edges.append(edge)
    raise AssertionError("the steps never end")
