"""The analyst's page: clusters that models find, how they are spread, and what speaks for their number.

Belongs here: the clusterings beside the RFM segments, which all other pages speak of. Does not belong here: any SQL,
and how a chart is drawn (:mod:`serving.dashboard.segment_charts`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard.components import NOBODY, empty, figure, panel, wide
from serving.dashboard.segment_charts.clusters import box, evidence_lines, histogram, scatter
from serving.dashboard.segment_charts.look import Look, Words, legend
from serving.dashboard.segment_charts.segments import claims_table
from serving.dashboard.view import Page, View
from serving.filters import CLUSTERINGS, METHOD_LABELS
from serving.queries.distributions import MEASURES, box_statistics, distributions
from serving.queries.segments import caveats, cluster_evidence, customer_points, segment_sizes
from warehouse.wording import count, number, percent, plural

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
            ui.columns(*(box(view, statistics, look, words, measure) for measure in MEASURES)),
            about=(
                "The box holds the middle half of a cluster's customers, the line in it is the middle one, the diamond "
                "the mean; nine of ten lie between the whiskers. From all customers that the filters keep."
            ),
        ),
        panel(
            "How each measure is distributed",
            legend(look),
            ui.columns(*(histogram(view, bins, look, words, measure) for measure in MEASURES)),
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
        ui.titled(title, nothing)
        if valued.empty
        else scatter(view, valued, look, words, "clusters-money-clv", title, "monetary", "clv")
    )
    often = ("clusters-recency-frequency", "Recency against frequency", "recency_days", "frequency")
    spent = ("clusters-recency-money", "Recency against money", "recency_days", "monetary")
    return panel(
        "Customer by customer",
        legend(look),
        ui.columns(*(scatter(view, rows, look, words, *told) for told in (often, spent)), worth, narrow=True),
        about=f"{shown}. Further left is more recent, further up more often, more money or more worth.",
    )


def _evidence(view: View, evidence: pd.DataFrame) -> Any:
    taken = next((row for row in ui.rows_of(evidence) if row.is_chosen), None)
    if taken is None:
        return empty(
            "There is no evidence to show.",
            "With so few customers no number of clusters could be compared with another.",
        )
    chosen = html.Strong([figure(count(taken.k), "evidence.k"), " clusters."])
    charts = ui.columns(
        evidence_lines(
            view,
            evidence,
            "clusters-elbow",
            "Elbow",
            {"inertia": ("Inertia", view.tokens.accent)},
            "Sum of squared distances to the centres. It falls with every cluster added; where it stops falling fast, "
            "more clusters add little.",
        ),
        evidence_lines(
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
    return [html.P([chosen, " ", _sentence(taken.reason)]), charts, table]


def _sentence(text: Any) -> str:
    if not isinstance(text, str) or not text:
        return ""
    return ui.begun(text) + ("" if text.endswith(".") else ".")


PAGE = Page("/clusters", "Clusters", render)
