"""From which segment to which customers went."""

from __future__ import annotations

from datetime import date

import pandas as pd
from dash import html

from serving.dashboard.charts import chart, see_through
from serving.dashboard.components import named_rows
from serving.dashboard.segment_charts.look import safe
from serving.dashboard.view import View
from serving.palette import segment_colour
from serving.queries.segments.moves import NEW_CUSTOMER
from warehouse.wording import day, money, month, plural


def sankey(view: View, shown: pd.DataFrame, end: date) -> html.Div:
    """Bands from the segments before (left) to the segments after (right), as wide as customers are many."""

    def nodes(side: str) -> pd.DataFrame:
        sums = shown.groupby(side)[["customers", "monetary"]].sum().reset_index(names="name")
        return sums.sort_values(["monetary", "name"], ascending=[False, True], ignore_index=True)

    def colour(name: str) -> str:
        return view.tokens.neutral if name == NEW_CUSTOMER else segment_colour(name, view.theme)

    sources, targets = nodes("from_segment"), nodes("to_segment")
    both = named_rows(pd.concat([sources, targets]))
    from_position = {name: position for position, name in enumerate(sources["name"])}
    to_position = {name: len(sources) + position for position, name in enumerate(targets["name"])}
    rows = named_rows(shown)
    drawn = {
        "type": "sankey",
        "arrangement": "snap",
        "node": {
            "label": [safe(row.name) for row in both],
            "color": [colour(row.name) for row in both],
            "customdata": [
                f"<b>{safe(row.name)}</b><br>{plural(row.customers, 'customer')}<br>"
                f"{money(row.monetary, view.currency)}"
                for row in both
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
            "pad": 12,
            "thickness": 12,
            "line": {"width": 0},
        },
        "link": {
            "source": [from_position[row.from_segment] for row in rows],
            "target": [to_position[row.to_segment] for row in rows],
            "value": [row.customers for row in rows],
            "color": [see_through(colour(row.from_segment), 0.4) for row in rows],
            "customdata": [
                f"<b>{safe(row.from_segment)} → {safe(row.to_segment)}</b><br>{plural(row.customers, 'customer')}<br>"
                f"Money {money(row.monetary_before, view.currency)} → {money(row.monetary, view.currency)}"
                for row in rows
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        "textfont": {"color": view.tokens.text, "size": 12},
    }
    moved = [row for row in rows if row.is_move]
    if moved:
        top = min(moved, key=lambda row: (-row.customers, row.from_segment, row.to_segment))
        described = (
            f"The largest move: {plural(top.customers, 'customer')} from {top.from_segment} to {top.to_segment}, "
            f"with {money(top.monetary, view.currency)} at the end of {month(end)}."
        )
    else:
        described = f"Nobody changed segment up to {day(end)}."
    return html.Div(
        [
            html.P(
                f"{described} Left before, right after; bands are as wide as customers are many.", className="about"
            ),
            chart(
                view,
                [drawn],
                name="segments-sankey",
                description=described,
                height=460,
                margin={"l": 4, "r": 4, "t": 8, "b": 8},
            ),
        ]
    )
