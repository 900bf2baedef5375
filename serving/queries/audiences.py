"""Who is in which audience, for campaigns.

Belongs here: the members of a method's segments with the columns that may leave the
shop's own machines, and who entered or left since the last publication. Does not belong
here: hold-out groups, files and column names of other programs (:mod:`serving.export`).

No free text about a person is selected: no age, gender or location as a customers file
told it, and nobody's reason for an override.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from serving.filters import Filters, Method
from serving.queries.playbooks import moved_customers
from serving.snapshot import Reading
from warehouse.wording import currency_decimals


def names_in_doubt(reading: Reading, method: Method, segments: Collection[str]) -> list[str]:
    """Which of these segments have names that say more than is true, each with a sentence on it."""
    rows = reading.rows(
        """
        select segment_name, name_note from reporting.segment_playbooks
        where method = $method and name_note is not null order by segment_name
        """,
        {"method": method},
    )
    return [f"{row['segment_name']}: {row['name_note']}" for row in rows if row["segment_name"] in segments]


def audience_members(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Customers with a segment, by segment and customer id; what an export has of them.

    Expected revenue is rounded to the currency's smallest unit, the rest to two decimals.
    """
    return reading.query(
        """
        select
            customer_id, segment, recency_days, frequency, monetary::double as monetary, r_score, f_score, m_score,
            rfm_score, round(clv, $decimals) as clv, round(clv_low, $decimals) as clv_low,
            round(clv_high, $decimals) as clv_high, clv_horizon_days, round(expected_gap_days, 2) as expected_gap_days,
            round(silence_ratio, 2) as silence_ratio, country, country_iso_alpha2,
            last_purchase_at::date as last_purchase_date, top_category, customer_type
        from chosen
        where segment is not null
        order by segment, customer_id
        """,
        {"decimals": currency_decimals(reading.about.currency)},
        chosen=filters.customers(),
    )


def audience_moves(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The rows of ``reporting.audience_changes`` of the method, by customer id.

    The filters' segments keep moves into or out of any of them; no other filter applies.
    """
    return reading.query("select * from moved order by customer_id", moved=moved_customers(filters))


def audience_names(reading: Reading, filters: Filters) -> list[str]:
    """Segments of the method that have customers now, or had before the last publication."""
    names = reading.rows(
        """
        select segment from chosen where segment is not null
        union
        select from_segment from reporting.audience_changes where method = $method and from_segment is not null
        order by segment
        """,
        {"method": filters.method},
        chosen=replace(filters, segments=()).customers(),
    )
    return [row["segment"] for row in names]
