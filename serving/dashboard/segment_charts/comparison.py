"""Segments against all customers: by measure, and by what they buy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import NAMES, chart, flat_bars, heat_map, titled_axis
from serving.dashboard.components import empty, named_rows, scrolling
from serving.dashboard.segment_charts.look import Look, safe
from serving.dashboard.view import View
from serving.palette import INDEX_ENDS
from warehouse.measures import Measure
from warehouse.wording import count, in_unit, is_missing, money, percent, plural, units


def index_to(value: Any, overall: Any) -> float | None:
    """The value in percent of all customers' one; None where there is nothing to compare."""
    if is_missing(value) or is_missing(overall) or not overall:
        return None
    return 100.0 * float(value) / float(overall)


def _doublings(index: float, most: float) -> float:
    """An index as doublings: 0 is 100, 1 is 200, -1 is 50; no further than ``most``, also for nothing at all."""
    return max(-most, min(most, math.log2(index / 100))) if index > 0 else -most


def index_bars(view: View, rows: Sequence[Any], overall: Any, look: Look, measures: Sequence[Measure]) -> html.Div:
    """Bars to the left and the right of all customers' mean, one group per measure.

    Parameters
    ----------
    rows
        Segments, as rows of ``segment_profiles``.
    overall
        The row of all customers.
    """

    def say(measure: Measure, row: Any) -> str:
        return in_unit(getattr(row, measure.key), measure.unit, view.currency)

    traces, reach = [], 1.0
    for row in rows:
        indices = [index_to(getattr(row, one.key), getattr(overall, one.key)) for one in measures]
        doublings = [None if index is None else _doublings(index, 4.0) for index in indices]
        reach = max([reach, *(abs(value) for value in doublings if value is not None)])
        told = [
            f"<b>{safe(row.segment)}</b><br>{one.short}: {say(one, row)}<br>All customers: {say(one, overall)}<br>"
            f"Index {count(index)}"
            for one, index in zip(measures, indices, strict=True)
        ]
        labels = [one.short for one in measures]
        traces.append(flat_bars(labels, doublings, look.colours[row.segment], told, name=safe(row.segment)))
    edge = math.ceil(reach)
    steps = [step for step in range(-edge, edge + 1) if edge <= 3 or step % 2 == 0]
    first = rows[0]
    return chart(
        view,
        traces,
        name="segments-compare-chart",
        description=(
            f"{first.segment}: {count(index_to(first.monetary_mean, overall.monetary_mean))} in money and "
            f"{count(index_to(first.frequency_mean, overall.frequency_mean))} in frequency, where all customers "
            "are 100. The table below has the figures."
        ),
        height=90 + (20 + 13 * len(rows)) * len(measures),
        bargap=0.3,
        xaxis=titled_axis(
            "Index, 100 = all customers",
            tickvals=steps,
            ticktext=[units(100 * 2.0**step) for step in steps],
            range=[-edge - 0.15, edge + 0.15],
            zeroline=True,
            zerolinecolor=view.tokens.muted,
        ),
        yaxis=NAMES,
    )


def affinity_map(view: View, found: pd.DataFrame, look: Look) -> list[Any]:
    """Index of each category's share by segment; the categories that sell most come first."""
    told = found[found["index_to_all"].notna()]
    if told.empty:
        return [empty("Nothing that these customers kept can be compared.", "They spent nothing net of returns.")]
    rows = named_rows(told)
    by_key = {(row.category, row.segment): row for row in rows}
    segments = [name for name in look.order if any(row.segment == name for row in rows)]
    shares = {row.category: row.all_share_pct for row in rows}
    categories = sorted(shares, key=lambda name: (-shares[name], name))
    grid = [[by_key[category, segment] for segment in segments] for category in categories]
    less, more = INDEX_ENDS[view.theme]
    drawn = heat_map(
        [safe(name) for name in segments],
        [safe(name) for name in categories],
        # doublings, so that half as much is as far from the middle as twice as much
        [[_doublings(cell.index_to_all, 1.5) for cell in line] for line in grid],
        [
            [
                f"<b>{safe(cell.segment)}</b><br>{safe(cell.category)}: {percent(cell.share_pct)} of its spend "
                f"(all customers: {percent(cell.all_share_pct)})<br>{money(cell.net_revenue, view.currency)} from "
                f"{plural(cell.customers, 'customer')}<br>Index {count(cell.index_to_all)}"
                for cell in line
            ]
            for line in grid
        ],
        text=[[count(cell.index_to_all) for cell in line] for line in grid],
        texttemplate="%{text}",
        textfont={"size": 11, "color": view.tokens.text},
        zmin=-1.5,
        zmax=1.5,
        colorscale=[[0, less], [0.5, view.tokens.surface], [1, more]],
        showscale=False,
    )
    # a strong index of a handful of customers, or of a category that hardly sells, is no finding
    weighty = [
        row for row in rows if row.customers >= 20 and row.all_share_pct >= 1 and row.category != "Other"
    ] or rows
    top = min(weighty, key=lambda row: (-row.index_to_all, row.segment, row.category))
    described = (
        f"What stands out most: {top.segment} spend {percent(top.share_pct)} on {top.category}, all customers "
        f"{percent(top.all_share_pct)} (index {count(top.index_to_all)})."
    )
    drawn_grid = chart(
        view,
        [drawn],
        name="segments-affinity",
        description=described,
        height=80 + 26 * len(categories),
        xaxis={"side": "top", "type": "category", "showgrid": False, "dtick": 1},
        yaxis={"type": "category", **NAMES},
    )
    # eleven columns of figures don't fit a phone: they scroll rather than run into each other
    least = {"minWidth": f"{170 + 44 * len(segments)}px"}
    return [html.P(described), scrolling(html.Div(drawn_grid, style=least), "Categories by segment")]
