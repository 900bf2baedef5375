"""The figures of segments side by side, and those of all customers."""

from __future__ import annotations

import pandas as pd

from serving.filters import Filters
from serving.queries.lists import Column, ListSpec, measure_columns
from serving.queries.segments.kept import measures_by_segment
from serving.snapshot import Reading
from warehouse.measures import aggregates, shown

_PROFILES = [one.key for one in shown("segments")]


def segment_profiles(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The figures of each segment side by side, and of all the shop's customers to compare them with.

    Returns
    -------
    DataFrame
        One row per segment with customers, the one with the most money first, and a last row
        (``is_everyone``) of all customers of the shop, whatever the filters. ``segment``, ``is_everyone``
        and the measures of segments; shares are of the customers kept, for everyone 100. Empty if no customer fits.
    """
    clause = measures_by_segment(filters, _PROFILES)
    return reading.query(
        f"""
        with segments as (select *, false as is_everyone from ({clause.sql})),

        everyone as (
            select
                'All customers' as segment,
                true as is_everyone,
                {aggregates("customers", _PROFILES)},
                {", ".join(f"100.0 as {one.key}" for one in shown("segments") if one.share_of)}
            from reporting.customer_360
            where has_purchases
            having (select count(*) from segments) > 0
        )

        select * from segments
        union all by name
        select * from everyone
        order by is_everyone, monetary_sum desc, segment
        """,
        clause.parameters,
    )


SEGMENTS = ListSpec(
    name="segments",
    title="Segments",
    columns=(
        Column("segment", "Segment", link="segment", of="ml.segment_profiles.segment_name"),
        *measure_columns("segments"),
    ),
    rows=lambda filters, _: measures_by_segment(filters, _PROFILES),
    order_by="monetary_sum desc, segment",
)
