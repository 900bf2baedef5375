"""Customers one by one, each in the colour of the segment."""

from __future__ import annotations

import pandas as pd
from dash import html

from serving.dashboard.charts import chart, dots
from serving.dashboard.components import titled
from serving.dashboard.segment_charts.look import Axis, Look, Words, safe
from serving.dashboard.view import View
from warehouse.wording import days, money, plural


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
        told = zip(
            [safe(found) for found in theirs["customer_id"]],
            theirs["recency_days"].tolist(),
            theirs["frequency"].tolist(),
            [money(value, view.currency, pence=False) for value in theirs["monetary"]],
            [money(value, view.currency, pence=False) for value in theirs["clv"]],
            strict=True,
        )
        traces.append(
            dots(
                axes[across].drawn(axes[across].given[theirs.index]),
                axes[up].drawn(axes[up].given[theirs.index]),
                look.colours[segment],
                5,
                [list(values) for values in told],
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
        f"{money(float(typical['monetary']), view.currency)} so far, "
        f"{money(float(typical['clv']), view.currency)} expected."
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
