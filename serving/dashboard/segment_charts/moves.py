"""From which segment to which customers went."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import LEGEND_ABOVE, NAMES, chart, flat_bars, titled_axis
from serving.dashboard.components import named_rows
from serving.dashboard.segment_charts.look import safe
from serving.dashboard.view import View
from serving.palette import SEQUENTIAL
from warehouse.wording import count, day, is_missing, money, month, plural

SHOWN_MOVES = 10

CAUSES = {"purchase": "By a purchase", "silence": "By silence", "yardstick": "By the others"}
"""Whose doing a move was, as in ``marts.segment_moves``."""


def largest_moves(view: View, shown: pd.DataFrame, end: date) -> html.Div:
    """The moves of most customers as bars, by what moved them where that is known."""
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
    named = [f"{safe(row.from_segment)} → {safe(row.to_segment)}" for row in rows]
    hover = [
        f"<b>{name}</b><br>{plural(row.customers, 'customer')}{_moved_by(row)}<br>"
        f"Money {money(row.monetary_before, view.currency)} → {money(row.monetary, view.currency)}"
        for name, row in zip(named, rows, strict=True)
    ]
    is_told = bool(rows) and not is_missing(rows[0].customers_by_purchase)
    series = [("Customers", [row.customers for row in rows], view.tokens.accent)]
    if is_told:
        colours = (view.tokens.accent, view.tokens.warning, view.tokens.neutral)
        series = [
            (name, [getattr(row, f"customers_by_{cause}") for row in rows], colour)
            for (cause, name), colour in zip(CAUSES.items(), colours, strict=True)
        ]
        # new customers, and who stayed, were moved by nothing
        unmoved = [row.customers - sum(values[at] for _, values, _ in series) for at, row in enumerate(rows)]
        series.append(("New, or stayed", unmoved, SEQUENTIAL[view.theme][1]))
    traces = [flat_bars(named, values, colour, hover, name=name) for name, values, colour in series if any(values)]
    about = (
        " By a purchase: the customer bought. By silence: time passed without one, or goods came back. By the others: "
        "with the borders between the fifths of the month before, the customer would have stayed."
        if is_told
        else ""
    )
    return html.Div(
        [
            html.P(f"{described}{rest}{about}", className="about"),
            chart(
                view,
                traces,
                name="segments-moves",
                description=described,
                height=110 + 30 * len(rows),
                barmode="stack",
                **LEGEND_ABOVE,
                xaxis=titled_axis("Customers", tickformat=",d", nticks=5),
                yaxis={"type": "category", **NAMES},
            ),
        ]
    )


def _moved_by(row: Any) -> str:
    if not row.is_move or is_missing(row.customers_by_purchase):
        return ""
    told = [f"{count(getattr(row, f'customers_by_{cause}'))} {name.lower()}" for cause, name in CAUSES.items()]
    return f":<br>{', '.join(told)}"
