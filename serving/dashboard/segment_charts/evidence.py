"""What speaks for and against each number of segments."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from dash import html

from serving.dashboard.charts import LEGEND_ABOVE, chart, line, titled_axis
from serving.dashboard.components import named_rows, titled
from serving.dashboard.view import View
from warehouse.wording import is_missing, number


def evidence_lines(
    view: View, evidence: pd.DataFrame, name: str, title: str, lines: Mapping[str, tuple[str, str]], about: str
) -> html.Div:
    """A figure by number of clusters, with the chosen number marked.

    Parameters
    ----------
    lines
        From a column of ``evidence`` to its name and colour; the first one is the one to read.
    """
    rows = named_rows(evidence)
    taken = next(row for row in rows if row.is_chosen)
    main = next(iter(lines))
    decimals = 0 if main == "inertia" else 3
    values = {column: [None if is_missing(value) else value for value in evidence[column]] for column in lines}
    marked = getattr(taken, main)
    traces = [
        line(
            evidence["k"].tolist(),
            values[column],
            colour,
            2,
            [
                f"<b>{row.k} clusters</b><br>{label}: {number(value, decimals)}"
                for row, value in zip(rows, values[column], strict=True)
            ],
            mode="lines+markers",
            name=label,
            marker={"size": [13 if row.is_chosen else 6 for row in rows], "color": colour},
        )
        for column, (label, colour) in lines.items()
    ]
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
