"""The grid of recency and frequency scores."""

from __future__ import annotations

from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import chart, colour_scale, heat_map, titled_axis
from serving.dashboard.components import named_rows, scrolling
from serving.dashboard.segment_charts.look import safe
from serving.dashboard.view import View
from warehouse.wording import count, money, percent, plural

SCORES = (1, 2, 3, 4, 5)


def rfm_map(view: View, cells: pd.DataFrame) -> list[Any]:
    """Rows of :func:`serving.queries.segments.rfm.rfm_grid` as a grid; the best customers are in the corner above."""
    rows = {(row.r_score, row.f_score): row for row in named_rows(cells)}
    total = int(cells["customers"].sum())
    grid = [[rows.get((r, f)) for f in SCORES] for r in SCORES]
    drawn = heat_map(
        list(SCORES),
        list(SCORES),
        [[None if one is None else max(one.monetary_net_sum, 0) for one in line] for line in grid],
        [["" if one is None else _hover(view, one, total) for one in line] for line in grid],
        text=[["" if one is None else _named(one) for one in line] for line in grid],
        texttemplate="%{text}",
        textfont={"size": 11},
        colorscale=colour_scale(view.theme),
        zmin=0,
        showscale=False,
    )
    best = rows.get((5, 5))
    described = f"{plural(total, 'customer')}. " + (
        f"Of them {count(best.customers)} are among the most recent and the most frequent, and spent "
        f"{money(best.monetary_net_sum, view.currency)}."
        if best is not None
        else "None of them is among the most recent and the most frequent."
    )
    shown = chart(
        view,
        [drawn],
        name="segments-rfm-grid",
        description=described,
        height=330,
        xaxis=titled_axis("Frequency score", dtick=1, showgrid=False, zeroline=False),
        yaxis=titled_axis("Recency score", dtick=1, showgrid=False, zeroline=False),
    )
    # five names in a row don't fit a phone
    return [html.P(described), scrolling(html.Div(shown, style={"minWidth": "560px"}), "Customers by score")]


def _named(row: Any) -> str:
    return f"{count(row.customers)}<br>{safe(row.rfm_segment)}"


def _hover(view: View, row: Any, total: int) -> str:
    return (
        f"<b>Recency {row.r_score}, frequency {row.f_score}</b><br>{plural(row.customers, 'customer')} "
        f"({percent(100 * row.customers / total)})<br>{money(row.monetary_net_sum, view.currency)} spent<br>"
        f"{count(row.segment_customers)} of them are {safe(row.rfm_segment)}"
    )
