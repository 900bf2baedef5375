"""How a measure is spread over the customers of each segment."""

from __future__ import annotations

from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import NAMES, bars, chart, dots, titled_axis
from serving.dashboard.components import empty, named_rows, titled
from serving.dashboard.segment_charts.look import MEASURE_TITLES, Axis, Look, Words, safe
from serving.dashboard.view import View
from warehouse.wording import count, days


def box(view: View, statistics: pd.DataFrame, look: Look, words: Words, measure: str) -> html.Div:
    """Quartiles of one measure by segment, drawn from the figures and not from the customers."""
    title = MEASURE_TITLES[measure]
    theirs = {row.segment: row for row in named_rows(statistics[statistics["measure"] == measure])}
    if not theirs:
        return titled(
            title, empty(f"Of no customer is the {title.lower()} known.", "The history is too short for the models.")
        )
    say = words.say(measure)
    parts = ("low_whisker", "q1", "median", "q3", "high_whisker", "mean")
    every = pd.Series([getattr(row, part) for row in theirs.values() for part in parts])
    axis = Axis(words.axis(measure), every, words.tick(measure), is_log=measure != "recency_days")
    present = [name for name in look.order if name in theirs]
    traces: list[dict[str, Any]] = []
    for name in present:
        row = theirs[name]
        low, q1, median, q3, high, mean = axis.drawn(pd.Series([float(getattr(row, part)) for part in parts]))
        traces.append(
            {
                "type": "box",
                "orientation": "h",
                "y": [safe(name)],
                "lowerfence": [low],
                "q1": [q1],
                "median": [median],
                "q3": [q3],
                "upperfence": [high],
                "name": safe(name),
                "marker": {"color": look.colours[name]},
                "line": {"width": 1.5},
                "hoverinfo": "skip",
            }
        )
        # a box has no hover text of one's own, its mean's mark has
        traces.append(
            dots(
                [mean],
                [safe(name)],
                look.colours[name],
                8,
                [
                    f"<b>{safe(name)}</b><br>Middle customer: {say(row.median)}<br>"
                    f"Middle half: {say(row.q1)} to {say(row.q3)}<br>"
                    f"Nine of ten: {say(row.low_whisker)} to {say(row.high_whisker)}<br>"
                    f"Mean: {say(row.mean)}<br>{count(row.customers)} customers"
                ],
                symbol="diamond",
                marker={"line": {"width": 1, "color": view.tokens.surface}},
            )
        )
    middles = "; ".join(f"{name} {say(theirs[name].median)}" for name in present)
    return titled(
        title,
        chart(
            view,
            traces,
            name=f"clusters-box-{measure.replace('_', '-')}",
            description=f"{title} of the middle customer: {middles}.",
            height=90 + 38 * len(present),
            hovermode="y",
            xaxis=axis.layout(),
            yaxis={"type": "category", **NAMES},
        ),
    )


def _bin_words(words: Words, measure: str, start: float, end: float) -> tuple[str, str]:
    """A bin's tick and its full name."""
    if measure in ("monetary", "clv"):
        tick, following = words.tick(measure)(start), words.tick(measure)(end)
        if start < 1:
            return f"under {following}", f"under {following}"
        return tick, f"{tick} to under {following}"
    say = days if measure == "recency_days" else count
    last = end - 1
    return count(start), say(start) if last == start else f"{count(start)} to {say(last)}"


def histogram(view: View, bins: pd.DataFrame, look: Look, words: Words, measure: str) -> html.Div:
    """Customers by one measure, stacked by segment."""
    title = MEASURE_TITLES[measure]
    theirs = bins[bins["measure"] == measure]
    if theirs.empty:
        return titled(
            title, empty(f"Of no customer is the {title.lower()} known.", "The history is too short for the models.")
        )
    edges = theirs[["bin_start", "bin_end"]].drop_duplicates()
    named = {row.bin_start: _bin_words(words, measure, row.bin_start, row.bin_end) for row in named_rows(edges)}
    totals = theirs.groupby("bin_start")["customers"].sum()
    traces = [
        bars(
            [named[row.bin_start][0] for row in own],
            [row.customers for row in own],
            look.colours[segment],
            [
                f"<b>{safe(segment)}</b><br>{named[row.bin_start][1]}<br>"
                f"{count(row.customers)} of {count(totals[row.bin_start])} customers"
                for row in own
            ],
            name=safe(segment),
            marker={"line": {"width": 0}},
        )
        for segment in look.order
        if (own := named_rows(theirs[theirs["segment"] == segment]))
    ]
    fullest = totals.idxmax()
    return titled(
        title,
        chart(
            view,
            traces,
            name=f"clusters-bins-{measure.replace('_', '-')}",
            description=(
                f"{words.axis(measure)}: most customers, {count(totals.max())} of {count(totals.sum())}, "
                f"have {named[fullest][1]}."
            ),
            height=280,
            barmode="stack",
            bargap=0.08,
            xaxis=titled_axis(f"{words.axis(measure)}, from", type="category", showgrid=False),
            yaxis=titled_axis("Customers", nticks=5, tickformat=",d"),
        ),
    )
