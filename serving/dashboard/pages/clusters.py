"""The analyst's page: clusters that models find, how they are spread, and what speaks for their number.

Belongs here: the clusterings beside the RFM segments, which all other pages speak of. Does not belong here: any SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard.charts import LEGEND_ABOVE, NAMES, Trace, bars, chart, count_axis, dots, line, titled_axis
from serving.dashboard.components import NOBODY, empty, figure, panel, rows_of, titled, wide
from serving.dashboard.look import Axis, Look, Words, legend, safe
from serving.dashboard.segment_charts import claims_table
from serving.dashboard.view import Page, View
from serving.filters import CLUSTERINGS, METHOD_LABELS
from serving.queries.distributions import MEASURES, box_statistics, distributions
from serving.queries.segments import caveats, cluster_evidence, customer_points, segment_sizes
from warehouse.wording import count, days, is_missing, number, percent, plural

POINTS = 2_000
"""Customers in one scatter plot. Three plots of 4,000 drawn as SVG make a phone stutter."""


def render(view: View) -> Any:
    """One clustering: that of the filters, or else k-means, of the same customers."""
    if view.filters.method not in CLUSTERINGS:
        view = replace(view, filters=replace(view.filters, method="kmeans", segments=()))
    remarks = caveats(view.reading, view.filters.method)
    notes = [
        ui.note(text, kind=kind, title=title)
        for text, kind, title in (
            (remarks.segments, "warning", "Read these clusters with care"),
            (remarks.changes, "info", "Since the publication before"),
        )
        if text
    ]
    return ui.page(
        _choice(view),
        *notes,
        panel(
            "Who is in them",
            claims_table(view, view.filters.method),
            about="A cluster has a name only if what the name says is true of four in five of its customers; else it "
            "has a number. All customers of the shop: filters don't apply.",
        ),
        panel(
            "How many clusters, and why",
            _evidence(view, cluster_evidence(view.reading, view.filters.method)),
            about=f"{METHOD_LABELS[view.filters.method]} with each number of clusters, on all customers of the shop: "
            "filters don't apply.",
        ),
        *_spread(view),
    )


def _choice(view: View) -> html.Nav:
    links = [
        html.Strong(METHOD_LABELS[name], className="button", **{"aria-current": "true"})
        if name == view.filters.method
        else dcc.Link(METHOD_LABELS[name], href=view.link("/clusters", method=name, segments=()), className="button")
        for name in CLUSTERINGS
    ]
    return html.Nav(links, className="header-tools", style={"flexWrap": "wrap"}, **{"aria-label": "Clusterings"})


def _spread(view: View) -> list[Any]:
    sizes = segment_sizes(view.reading, view.filters)
    if sizes.empty:
        return [empty(*NOBODY)]
    words, look = Words.of(view), Look.of(sizes, view.theme)
    statistics = box_statistics(view.reading, view.filters)
    bins = distributions(view.reading, view.filters)
    return [
        _scatters(view, look, words),
        panel(
            "Spread within each cluster",
            legend(look),
            ui.columns(*(_box(view, statistics, look, words, measure) for measure in MEASURES)),
            about=(
                "The box holds the middle half of a cluster's customers, the line in it is the middle one, the diamond "
                "the mean; nine of ten lie between the whiskers. From all customers that the filters keep."
            ),
        ),
        panel(
            "How each measure is distributed",
            legend(look),
            ui.columns(*(_histogram(view, bins, look, words, measure) for measure in MEASURES)),
            about="Customers by days since the last purchase, orders, money and expected revenue, stacked by cluster.",
        ),
    ]


def _scatters(view: View, look: Look, words: Words) -> Any:
    points = customer_points(view.reading, view.filters, limit=POINTS)
    rows = points.rows
    shown = (
        f"{plural(points.total, 'customer')}, each a dot"
        if len(rows) == points.total
        else f"{count(len(rows))} of {plural(points.total, 'customer')}, each a dot and always the same ones"
    )
    valued = rows[rows["clv"].notna()]
    title = "Money so far against expected"
    nothing = empty("No customer's value could be forecast.", "The history is too short or too thin for the models.")
    worth = (
        titled(title, nothing)
        if valued.empty
        else _scatter(view, valued, look, words, "clusters-money-clv", title, "monetary", "clv")
    )
    pairs = (
        ("clusters-recency-frequency", "Recency against frequency", "recency_days", "frequency"),
        ("clusters-recency-money", "Recency against money", "recency_days", "monetary"),
    )
    return panel(
        "Customer by customer",
        legend(look),
        ui.columns(*(_scatter(view, rows, look, words, *pair) for pair in pairs), worth, narrow=True),
        about=f"{shown}. Further left is more recent, further up more often, more money or more worth.",
    )


def _evidence(view: View, evidence: pd.DataFrame) -> Any:
    taken = next((row for row in rows_of(evidence) if row.is_chosen), None)
    if taken is None:
        return empty(
            "There is no evidence to show.",
            "With so few customers no number of clusters could be compared with another.",
        )
    chosen = html.Strong([figure(count(taken.k), "evidence.k"), " cluster." if taken.k == 1 else " clusters."])
    charts = ui.columns(
        _evidence_lines(
            view,
            evidence,
            "clusters-elbow",
            "Elbow",
            {"inertia": ("Inertia", view.tokens.accent)},
            "Sum of squared distances to the centres. It falls with every cluster added; where it stops falling fast, "
            "more clusters add little.",
        ),
        _evidence_lines(
            view,
            evidence,
            "clusters-silhouette",
            "Silhouette",
            {
                "resample_silhouette": ("On resampled customers", view.tokens.accent),
                "silhouette": ("This fit", view.tokens.neutral),
            },
            "How clearly customers belong to their own cluster, −1 to 1. Higher is clearer; the choice reads the "
            "steadier mean over resampled customers.",
        ),
    )
    table = ui.table(
        "Evidence for each number of clusters that was tried",
        evidence,
        {
            "Clusters": lambda row: html.Strong(f"{row.k}, chosen") if row.is_chosen else str(row.k),
            "Silhouette": ui.right(lambda row: number(row.resample_silhouette, 3)),
            "Davies–Bouldin": ui.right(lambda row: number(row.davies_bouldin, 2)),
            "Smallest": (percent, "smallest_share_pct"),
            "Same when resampled": ui.right(lambda row: number(row.bootstrap_stability, 2)),
            "Why, or why not": lambda row: wide(_sentence(row.reason)),
        },
    )
    # one number of clusters bends nowhere
    return [html.P([chosen, " ", _sentence(taken.reason)]), *([charts] if len(evidence) > 1 else []), table]


def _sentence(text: Any) -> str:
    if not isinstance(text, str) or not text:
        return ""
    return ui.begun(text) + ("" if text.endswith(".") else ".")


# ---- customers one by one ------------------------------------------------------------


def _scatter(
    view: View, rows: pd.DataFrame, look: Look, words: Words, name: str, title: str, across: str, up: str
) -> html.Div:
    """One dot per customer, ``across`` and ``up`` being measures; frequency, money and CLV on log scales."""
    axes = {measure: Axis(words.scale(measure), rows[measure]) for measure in (across, up)}
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


def _box(view: View, statistics: pd.DataFrame, look: Look, words: Words, measure: str) -> html.Div:
    """Quartiles of one measure by segment, drawn from the figures and not from the customers."""
    scale = words.scale(measure)
    title, say = scale.title, scale.say
    theirs = {row.segment: row for row in rows_of(statistics[statistics["measure"] == measure])}
    if not theirs:
        return _unknown(title)
    parts = ("low_whisker", "q1", "median", "q3", "high_whisker", "mean")
    every = pd.Series([getattr(row, part) for row in theirs.values() for part in parts])
    axis = Axis(scale, every)
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


def _unknown(title: str) -> html.Div:
    return titled(
        title, empty(f"Of no customer is the {title.lower()} known.", "The history is too short for the models.")
    )


def _bin_words(words: Words, measure: str, start: float, end: float) -> tuple[str, str]:
    """A bin's tick and its full name."""
    if measure in ("monetary", "clv"):
        tick, following = map(words.scale(measure).tick, (start, end))
        if start < 1:
            return f"under {following}", f"under {following}"
        return tick, f"{tick} to under {following}"
    say = days if measure == "recency_days" else count
    last = end - 1
    return count(start), say(start) if last == start else f"{count(start)} to {say(last)}"


def _histogram(view: View, bins: pd.DataFrame, look: Look, words: Words, measure: str) -> html.Div:
    """Customers by one measure, stacked by segment."""
    scale = words.scale(measure)
    title = scale.title
    theirs = bins[bins["measure"] == measure]
    if theirs.empty:
        return _unknown(title)
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
                f"{scale.axis}: most customers, {count(totals.max())} of {count(totals.sum())}, "
                f"have {named[fullest][1]}."
            ),
            height=280,
            barmode="stack",
            bargap=0.08,
            xaxis=titled_axis(f"{scale.axis}, from", type="category", showgrid=False),
            yaxis=count_axis("Customers", totals.max()),
        ),
    )


# ---- what speaks for a number of clusters --------------------------------------------


def _evidence_lines(
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


PAGE = Page("/clusters", "Clusters", render)
