"""The charts of the page about clusters: customers one by one, how measures are spread, what speaks for a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import LEGEND_ABOVE, NAMES, Trace, bars, chart, count_axis, dots, line, titled_axis
from serving.dashboard.components import empty, rows_of, titled
from serving.dashboard.segment_charts.look import MEASURE_TITLES, Axis, Look, Words, safe
from serving.dashboard.view import View
from warehouse.wording import count, days, is_missing, number, plural

# ---- customers one by one ------------------------------------------------------------


def scatter(
    view: View, rows: pd.DataFrame, look: Look, words: Words, name: str, title: str, across: str, up: str
) -> html.Div:
    """One dot per customer, ``across`` and ``up`` being measures; frequency, money and CLV on log scales."""
    axes = {
        measure: Axis(words.axis(measure), rows[measure], words.tick(measure), is_log=measure != "recency_days")
        for measure in (across, up)
    }
    traces = []
    for segment in look.order:
        theirs = rows[rows["segment"] == segment]
        if theirs.empty:
            continue
        traces.append(
            dots(
                theirs,
                axes[across].drawn(axes[across].given[theirs.index]),
                axes[up].drawn(axes[up].given[theirs.index]),
                look.colours[segment],
                5,
                lambda row: [
                    safe(row.customer_id),
                    row.recency_days,
                    row.frequency,
                    view.money(row.monetary, pence=False),
                    view.money(row.clv, pence=False),
                ],
                symbol=look.symbols[segment],
                marker={"opacity": 0.65},
                name=safe(segment),
                # written out for each of thousands of dots, the words would be most of the page
                hovertemplate=f"<b>Customer %{{customdata[0]}}</b><br>{safe(segment)}<br>"
                f"%{{customdata[1]}} days since, %{{customdata[2]}} {words.orders}<br>"
                "%{customdata[3]} so far, %{customdata[4]} expected<extra></extra>",
            )
        )
    measures = ["recency_days", "frequency", "monetary", "clv"]
    largest = rows[rows["segment"] == look.order[0]]
    typical = (rows if largest.empty else largest)[measures].median()
    whose = "these" if largest.empty else look.order[0]
    remarks = " ".join(
        remark
        for measure in (across, up)
        if (remark := axes[measure].edge_note("expected revenue" if measure == "clv" else "money"))
    )
    described = (
        f"{title} of {plural(len(rows), 'customer')}. The middle customer of {whose}: last bought "
        f"{days(float(typical['recency_days']))} ago, {words.times(float(typical['frequency']))}, "
        f"{view.money(float(typical['monetary']))} so far, "
        f"{view.money(float(typical['clv']))} expected."
    )
    drawn = chart(
        view,
        traces,
        name=name,
        description=f"{described} {remarks}".strip(),
        xaxis=axes[across].layout(),
        yaxis=axes[up].layout(),
    )
    return titled(title, drawn, html.P(remarks, className="about") if remarks else None)


# ---- how a measure is spread ---------------------------------------------------------


def box(view: View, statistics: pd.DataFrame, look: Look, words: Words, measure: str) -> html.Div:
    """Quartiles of one measure by segment, drawn from the figures and not from the customers."""
    title = MEASURE_TITLES[measure]
    theirs = {row.segment: row for row in rows_of(statistics[statistics["measure"] == measure])}
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
        told = (
            f"<b>{safe(name)}</b><br>Middle customer: {say(row.median)}<br>"
            f"Middle half: {say(row.q1)} to {say(row.q3)}<br>"
            f"Nine of ten: {say(row.low_whisker)} to {say(row.high_whisker)}<br>"
            f"Mean: {say(row.mean)}<br>{plural(row.customers, 'customer')}"
        )
        edge = {"line": {"width": 1, "color": view.tokens.surface}}
        traces.append(dots([row], [mean], [safe(name)], look.colours[name], 8, [told], symbol="diamond", marker=edge))
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
            yaxis=NAMES,
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
    named = {row.bin_start: _bin_words(words, measure, row.bin_start, row.bin_end) for row in rows_of(edges)}
    totals = theirs.groupby("bin_start")["customers"].sum()

    def hover(row: Any) -> str:
        return (
            f"<b>{safe(row.segment)}</b><br>{named[row.bin_start][1]}<br>"
            f"{count(row.customers)} of {plural(totals[row.bin_start], 'customer')}"
        )

    plain = {"line": {"width": 0}}
    traces = [
        bars(own, lambda row: named[row.bin_start][0], "customers", colour, hover, name=safe(segment), marker=plain)
        for segment, colour in ((name, look.colours[name]) for name in look.order)
        if len(own := theirs[theirs["segment"] == segment])
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
            yaxis=count_axis("Customers", totals.max()),
        ),
    )


# ---- what speaks for a number of clusters --------------------------------------------


def evidence_lines(
    view: View, evidence: pd.DataFrame, name: str, title: str, lines: Mapping[str, tuple[str, str]], about: str
) -> html.Div:
    """A figure by number of clusters, with the chosen number marked.

    Parameters
    ----------
    lines
        From a column of ``evidence`` to its name and colour; the first one is the one to read.
    """
    rows = rows_of(evidence)
    taken = next(row for row in rows if row.is_chosen)
    main = next(iter(lines))
    decimals = 0 if main == "inertia" else 3
    marked = getattr(taken, main)
    sizes = [13 if row.is_chosen else 6 for row in rows]

    def drawn(column: str, label: str, colour: str) -> Trace:
        return line(
            rows,
            "k",
            lambda row: None if is_missing(getattr(row, column)) else getattr(row, column),
            colour,
            2,
            lambda row: f"<b>{row.k} clusters</b><br>{label}: {number(getattr(row, column), decimals)}",
            mode="lines+markers",
            name=label,
            marker={"size": sizes, "color": colour},
        )

    traces = [drawn(column, *told) for column, told in lines.items()]
    chosen = {"x": taken.k, "y": marked, "text": "chosen", "showarrow": True, "ax": 24, "ay": -28}
    told = "; ".join(f"{row.k}: {number(getattr(row, main), decimals)}" for row in rows)
    return titled(
        title,
        html.P(about, className="about"),
        chart(
            view,
            traces,
            name=name,
            description=f"{title} by number of clusters, {taken.k} chosen. {told}.",
            height=280,
            **{**LEGEND_ABOVE, "showlegend": len(lines) > 1},
            xaxis=titled_axis("Number of clusters", dtick=1),
            yaxis=titled_axis(
                next(iter(lines.values()))[0] if len(lines) == 1 else title, nticks=5, tickformat=",.4~r"
            ),
            annotations=[] if is_missing(marked) else [chosen],
        ),
    )
