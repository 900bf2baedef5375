"""What comes of an upload.

Belongs here: the answer's parts, and its form as flat tables. Does not belong here: how it
is worked out, JSON models and pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from serving.queries.playbooks import PLAN

RECOMMENDATIONS = {name: heading for name, heading in PLAN.items() if name not in ("who", "signals")}
"""Columns of ``reporting.segment_playbooks`` that say what to do, with their headings."""

RFM_VALUES = ("recency_days", "frequency", "monetary")


@dataclass(frozen=True)
class Facts:
    """A classification but for its tables."""

    method: str
    file_name: str
    file_format: str
    layout: str
    as_of: date | None
    snapshot_date: date | None
    """The day that recency is counted to; None if no line was kept."""
    publication_id: int
    currency: str
    delivered_lines: int
    derived_lines: int
    """Lines that are not rows of the file: refunds that an export gives in a column of the sale's row."""
    kept_lines: int
    anonymous_lines: int
    """Kept lines without a customer."""
    notes: tuple[str, ...]
    returns_only: tuple[str, ...]
    """Customers who bought nothing in the file, and so have no label."""


@dataclass(frozen=True)
class Classification(Facts):
    """Labels of the customers in one file, and what became of each of its lines.

    Attributes
    ----------
    customers : DataFrame
        One row per customer with a purchase, by ``customer_id`` as it is in the file:
        ``published_customer_id`` (as the published tables have it; null where that can't be
        told), ``predicted_cluster_id, cluster_name, recency_days`` (days), ``frequency`` (invoices or lines, as the
        settings have it), ``monetary`` (the shop's currency),
        ``has_positive_monetary``, ``probability`` (of the mixture's component, else null).
    segments : DataFrame
        One row per segment of the method, by id: ``predicted_cluster_id, cluster_name,
        customers`` (in the file), ``cluster_interpretation`` and the columns of
        :data:`RECOMMENDATIONS`; texts are null where the snapshot has no such customer.
    set_aside : DataFrame
        One row per line that was not kept, as ``marts.set_aside_lines``, with ``text``: the
        line as delivered, its fields parted by bars where it could be split.
    accounting : DataFrame
        One row per disposition, as ``marts.row_accounting``; adds up to ``delivered_lines`` and ``derived_lines``.
    """

    customers: pd.DataFrame
    segments: pd.DataFrame
    set_aside: pd.DataFrame
    accounting: pd.DataFrame

    def customers_with_texts(self) -> pd.DataFrame:
        """Customers with ``cluster_interpretation`` and ``cluster_recommendations`` as plain text: the CSV's rows."""
        told = [recommendations_text(row) for row in rows_of(self.segments)]
        texts = self.segments.assign(cluster_recommendations=pd.Series(told, dtype=object, index=self.segments.index))
        merged = self.customers.merge(
            texts[["predicted_cluster_id", "cluster_interpretation", "cluster_recommendations"]],
            on="predicted_cluster_id",
            how="left",
            validate="many_to_one",
        )
        return merged[
            [
                "customer_id",
                "predicted_cluster_id",
                "cluster_name",
                "cluster_interpretation",
                "cluster_recommendations",
                *RFM_VALUES,
                "has_positive_monetary",
                "probability",
                "published_customer_id",
            ]
        ]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values by column name, None where there is none."""
    plain = frame.astype(object)
    return [
        {str(name): value for name, value in row.items()} for row in plain.where(frame.notna(), None).to_dict("records")
    ]


def recommendations_text(segment: dict[str, Any]) -> str | None:
    """What to do with a segment as one text, such as ``Goal: … Strategy: …``; None without a playbook."""
    told = [f"{heading}: {segment[name].rstrip('. ')}." for name, heading in RECOMMENDATIONS.items() if segment[name]]
    return " ".join(told) or None
