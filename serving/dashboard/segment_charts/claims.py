"""What the names of segments say."""

from __future__ import annotations

from dash import html

from serving.dashboard.components import figure, right, segment_mark, table, wide
from serving.dashboard.view import View
from serving.filters import Method
from serving.queries.segments.claims import segment_claims
from warehouse.wording import count, is_missing, percent


def claims_table(view: View, method: Method) -> html.Div:
    """Each segment's name, what it says, and the share of its customers of whom that is true."""
    return table(
        "What the names of segments say, and of how many of their customers it is true",
        segment_claims(view.reading, method),
        {
            "Segment": lambda row: segment_mark(view, row.segment_name),
            "Customers": (count, "customers"),
            "On average": (wide, "description"),
            "What the name says": lambda row: wide(
                "Nothing: read it by its figures." if is_missing(row.claim) else row.claim
            ),
            "True of": right(
                lambda row: figure(
                    percent(row.true_pct, 0), f"claims.{row.segment_name}", className="" if row.is_true else "bad"
                )
            ),
        },
    )
