"""What the names of segments say."""

from __future__ import annotations

from dash import html

from serving.dashboard.components import named_rows, segment_badge, simple_table
from serving.dashboard.view import View
from serving.filters import Method
from serving.palette import segment_colour
from serving.queries.segments.claims import segment_claims
from warehouse.wording import count, is_missing, percent


def claims_table(view: View, method: Method) -> html.Div:
    """Each segment's name, what it says, and the share of its customers of whom that is true."""
    return simple_table(
        ["Segment", "Customers", "On average", "What the name says", "True of"],
        [
            [
                segment_badge(row.segment_name, segment_colour(row.segment_name, view.theme)),
                count(row.customers),
                html.Div(row.description, className="wide-cell"),
                html.Div(
                    "Nothing: read it by its figures." if is_missing(row.claim) else row.claim, className="wide-cell"
                ),
                html.Span(
                    percent(None if is_missing(row.true_pct) else row.true_pct, 0),
                    className="" if row.is_true else "bad",
                    **{"data-figure": f"claims.{row.segment_name}"},
                ),
            ]
            for row in named_rows(segment_claims(view.reading, method))
        ],
        caption="What the names of segments say, and of how many of their customers it is true",
        numeric=(1, 4),
    )
