"""Who came back, by month of the first purchase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import NAMES, chart, colour_scale, dots, heat_map, titled_axis
from serving.dashboard.components import named_rows, scrolling
from serving.dashboard.view import View
from warehouse.wording import count, money, month, percent, plural


def cohort_map(view: View, cohorts: pd.DataFrame) -> list[Any]:
    """Retention by month of the first purchase and age; the first month itself, always 100 %, is left out."""
    later = named_rows(cohorts[cohorts["age_months"] > 0])
    firsts = sorted({row.cohort_month for row in later})
    ages = list(range(1, max(row.age_months for row in later) + 1))
    by_key = {(row.cohort_month, row.age_months): row for row in later}
    grid = [[by_key.get((first, age)) for age in ages] for first in firsts]
    traces = [
        heat_map(
            ages,
            [month(first) for first in firsts],
            [[None if row is None else row.retention_pct for row in line] for line in grid],
            [["" if row is None else _hover(view, row) for row in line] for line in grid],
            colorscale=colour_scale(view.theme),
            zmin=0,
            colorbar={"ticksuffix": " %", "nticks": 6},
            text=[["" if row is None else count(row.retention_pct) for row in line] for line in grid],
            texttemplate="%{text}",
            textfont={"size": 11},
            xgap=1,
            ygap=1,
        )
    ]
    running = [row for row in later if not row.is_complete_month]
    if running:
        traces.append(
            dots(
                [row.age_months for row in running],
                [month(row.cohort_month) for row in running],
                view.tokens.warning,
                8,
                symbol="circle-open",
                marker={"line": {"width": 1.5}},
            )
        )
    described = _in_words(later)
    if running:
        described += " A ring marks a month that is not over."
    drawn = chart(
        view,
        traces,
        name="segments-cohorts",
        description=described,
        height=110 + 22 * max(len(firsts), 6),
        xaxis=titled_axis("Months since the first purchase", showgrid=False, nticks=12, zeroline=False),
        yaxis={"type": "category", "nticks": 14, **NAMES},
    )
    # figures of a year don't fit a phone: they scroll rather than run into each other
    least = {"minWidth": f"{90 + 32 * len(ages)}px"}
    return [html.P(described), scrolling(html.Div(drawn, style=least), "Retention by month of the first purchase")]


def _in_words(later: Sequence[Any]) -> str:
    over = [row for row in later if row.is_complete_month]
    if not over:
        return "No month after a first purchase is over yet."
    after = [row for row in over if row.age_months == 1]
    told = ""
    if after:
        back = 100 * sum(row.active_customers for row in after) / sum(row.cohort_customers for row in after)
        told = f"Of all new customers {percent(back)} bought again in the month after. "
    best = min(over, key=lambda row: (-row.retention_pct, row.cohort_month, row.age_months))
    return (
        f"{told}Most came back of those from {month(best.cohort_month)}: {percent(best.retention_pct)} "
        f"bought in {month(best.month_start)}."
    )


def _hover(view: View, row: Any) -> str:
    return (
        f"<b>First bought {month(row.cohort_month)}, {row.age_months} months on</b><br>"
        f"{count(row.active_customers)} of {plural(row.cohort_customers, 'customer')} bought "
        f"({percent(row.retention_pct)})<br>"
        f"Net revenue {money(row.net_revenue_as_booked, view.currency)}, "
        f"{money(row.net_revenue_per_customer, view.currency)} per customer<br>"
        f"So far {money(row.cumulative_net_revenue_as_booked, view.currency)}"
        f"{'' if row.is_complete_month else '<br>This month is not over'}"
    )
