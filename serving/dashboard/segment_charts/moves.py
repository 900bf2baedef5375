"""From which segment to which customers went."""

from __future__ import annotations

from datetime import date

import pandas as pd
from dash import html

from serving.dashboard.charts import NAMES, chart, flat_bars, titled_axis
from serving.dashboard.components import named_rows
from serving.dashboard.segment_charts.look import safe
from serving.dashboard.view import View
from serving.palette import segment_colour
from warehouse.wording import count, day, money, month, plural

SHOWN_MOVES = 10


def largest_moves(view: View, shown: pd.DataFrame, end: date) -> html.Div:
    """The moves of most customers as bars, each in the colour of the segment that it leads to."""
    rows = named_rows(shown)[:SHOWN_MOVES]
    moved = [row for row in rows if row.is_move]
    if moved:
        top = moved[0]
        described = (
            f"The largest move: {plural(top.customers, 'customer')} from {top.from_segment} to {top.to_segment}, "
            f"with {money(top.monetary, view.currency)} at the end of {month(end)}."
        )
    else:
        described = f"Nobody changed segment up to {day(end)}."
    more = len(shown) - len(rows)
    rest = f" The {SHOWN_MOVES} largest of {count(len(shown))}; the list below has all." if more else ""
    drawn = flat_bars(
        [f"{safe(row.from_segment)} → {safe(row.to_segment)}" for row in rows],
        [row.customers for row in rows],
        [segment_colour(row.to_segment, view.theme) for row in rows],
        [
            f"<b>{safe(row.from_segment)} → {safe(row.to_segment)}</b><br>{plural(row.customers, 'customer')}<br>"
            f"Money {money(row.monetary_before, view.currency)} → {money(row.monetary, view.currency)}"
            for row in rows
        ],
        text=[count(row.customers) for row in rows],
        textposition="outside",
        cliponaxis=False,
        textfont={"color": view.tokens.text, "size": 12},
    )
    return html.Div(
        [
            html.P(f"{described}{rest}", className="about"),
            chart(
                view,
                [drawn],
                name="segments-moves",
                description=described,
                height=90 + 30 * len(rows),
                xaxis=titled_axis("Customers", tickformat=",d", nticks=5),
                yaxis={"type": "category", **NAMES},
            ),
        ]
    )
