"""How large segments are."""

from __future__ import annotations

from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import chart
from serving.dashboard.components import empty, named_rows
from serving.dashboard.segment_charts.look import Look, safe
from serving.dashboard.view import View
from warehouse.wording import money, percent, plural


def treemap(view: View, sizes: pd.DataFrame, look: Look, by: str) -> Any:
    """Areas by ``customers`` or by ``money``; a segment that brought nothing, or less, has none."""
    values = sizes["customers"] if by == "customers" else sizes["monetary_net_sum"].clip(lower=0)
    if values.sum() <= 0:
        return empty("These customers brought in no money.", "Choose Customers to see how many they are.")
    rows = named_rows(sizes)
    people = [f"{plural(row.customers, 'customer')}, {percent(row.customers_pct)}" for row in rows]
    amounts = [f"{money(row.monetary_net_sum, view.currency)}, {percent(row.monetary_net_pct)}" for row in rows]
    drawn = {
        "type": "treemap",
        "ids": [str(position) for position in range(len(rows))],
        "labels": [safe(row.segment) for row in rows],
        "parents": [""] * len(rows),
        "values": values.tolist(),
        "marker": {
            "colors": [look.colours[name] for name in look.order],
            "line": {"width": 2, "color": view.tokens.surface},
            "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
        },
        "customdata": [
            f"<b>{safe(row.segment)}</b><br>{plural(row.customers, 'customer')} ({percent(row.customers_pct)})<br>"
            f"{money(row.monetary_net_sum, view.currency)} ({percent(row.monetary_net_pct)} of the money)"
            for row in rows
        ],
        "text": people if by == "customers" else amounts,
        "textinfo": "label+text",
        "textfont": {"color": [_readable_on(look.colours[name]) for name in look.order]},
        "pathbar": {"visible": False},
    }
    first = sizes.iloc[0]
    without = [] if by == "customers" else sizes.loc[values <= 0, "segment"].tolist()
    drawn_chart = chart(
        view,
        [drawn],
        name="segments-treemap",
        description=(
            f"{first['segment']}: {percent(first['customers_pct'])} of "
            f"{plural(int(sizes['customers'].sum()), 'customer')} bring {percent(first['monetary_net_pct'])} of the "
            "money. "
            f"Areas show {'customers' if by == 'customers' else 'money'}; the table below has the same figures."
        ),
        height=280,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uniformtext={"minsize": 10, "mode": "hide"},
    )
    if not without:
        return drawn_chart
    verb = "has" if len(without) == 1 else "have"
    told = f"{', '.join(without)} {verb} no area: as much was returned as was bought, or more."
    return html.Div([drawn_chart, html.P(told, className="about")])


def _readable_on(colour: str) -> str:
    """White or nearly black, whichever stands out more (relative luminance of WCAG 2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    # contrast is equal with white and with black at this luminance
    return "#ffffff" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179 else "#10151c"
