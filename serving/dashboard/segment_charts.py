"""The charts of the page about segments: sizes, scores, what sets segments apart, moves, cohorts, names.

Belongs here: from a frame of :mod:`serving.queries.segments` to a chart with its description. Does not
belong here: asking for the frame, and what stands around the chart (:mod:`serving.dashboard.pages.segments`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import pandas as pd
from dash import html

from serving.dashboard.charts import (
    LEGEND_ABOVE,
    NAMES,
    chart,
    colour_scale,
    count_axis,
    dots,
    flat_bars,
    heat_map,
    titled_axis,
)
from serving.dashboard.components import empty, figure, right, rows_of, scrolling, segment_mark, table, wide
from serving.dashboard.look import Look, safe
from serving.dashboard.view import View
from serving.filters import Method
from serving.palette import INDEX_ENDS, SEQUENTIAL
from serving.queries.segments import segment_claims
from warehouse.measures import Measure
from warehouse.wording import MISSING, count, day, in_unit, is_missing, month, percent, plural, units

TOLD_COHORT = 20
"""New customers of a month of whom a sentence says what share came back; of fewer the grid alone tells."""

STANDS_OUT_INDEX = 110
"""From a tenth more than all customers spend on a category on, a segment stands out; what is less is a ripple."""

# ---- how large segments are ----------------------------------------------------------


def treemap(view: View, sizes: pd.DataFrame, look: Look, by: str) -> Any:
    """Areas by ``customers`` or by ``money``; a segment that brought nothing, or less, has none."""
    values = sizes["customers"] if by == "customers" else sizes["monetary_net_sum"].clip(lower=0)
    if values.sum() <= 0:
        return empty("These customers brought in no money.", "Choose Customers to see how many they are.")
    rows = rows_of(sizes)
    people = [f"{plural(row.customers, 'customer')}, {percent(row.customers_pct)}" for row in rows]
    amounts = [f"{view.money(row.monetary_net_sum)}, {percent(row.monetary_net_pct)}" for row in rows]
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
            f"{view.money(row.monetary_net_sum)} ({percent(row.monetary_net_pct)} of the money)"
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


# ---- the grid of scores --------------------------------------------------------------


SCORES = (1, 2, 3, 4, 5)


def rfm_map(view: View, cells: pd.DataFrame) -> list[Any]:
    """Rows of :func:`serving.queries.segments.rfm_grid` as a grid; the best customers are in the corner above."""
    rows = {(row.r_score, row.f_score): row for row in rows_of(cells)}
    total = int(cells["customers"].sum())
    drawn = heat_map(
        list(SCORES),
        list(SCORES),
        [[rows.get((r, f)) for f in SCORES] for r in SCORES],
        lambda cell: max(cell.monetary_net_sum, 0),
        hover=partial(_rfm_hover, view, total),
        text=lambda cell: f"{count(cell.customers)}<br>{safe(cell.rfm_segment)}",
        colorscale=colour_scale(view.theme),
        zmin=0,
        showscale=False,
    )
    best = rows.get((5, 5))
    described = f"{plural(total, 'customer')}. " + (
        f"Of them {count(best.customers)} are among the most recent and the most frequent, and spent "
        f"{view.money(best.monetary_net_sum)}."
        if best is not None
        else "None of them is among the most recent and the most frequent."
    )
    shown = chart(
        view,
        [drawn],
        name="segments-rfm-grid",
        description=described,
        height=330,
        xaxis=titled_axis("Frequency score", dtick=1, showgrid=False, zeroline=False),
        yaxis=titled_axis("Recency score", dtick=1, showgrid=False, zeroline=False),
    )
    # five names in a row don't fit a phone
    return [html.P(described), scrolling(shown, "Customers by score", least_pixels=560)]


def _rfm_hover(view: View, total: int, row: Any) -> str:
    return (
        f"<b>Recency {row.r_score}, frequency {row.f_score}</b><br>{plural(row.customers, 'customer')} "
        f"({percent(100 * row.customers / total)})<br>{view.money(row.monetary_net_sum)} spent<br>"
        f"{count(row.segment_customers)} of them are {safe(row.rfm_segment)}"
    )


# ---- against all customers -----------------------------------------------------------


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
        traces.append(flat_bars(measures, "short", doublings, look.colours[row.segment], told, name=safe(row.segment)))
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
    rows = rows_of(told)
    by_key = {(row.category, row.segment): row for row in rows}
    segments = [name for name in look.order if any(row.segment == name for row in rows)]
    shares = {row.category: row.all_share_pct for row in rows}
    categories = sorted(shares, key=lambda name: (-shares[name], name))
    less, more = INDEX_ENDS[view.theme]
    drawn = heat_map(
        [safe(name) for name in segments],
        [safe(name) for name in categories],
        [[by_key[category, segment] for segment in segments] for category in categories],
        # doublings, so that half as much is as far from the middle as twice as much
        lambda cell: _doublings(cell.index_to_all, 1.5),
        hover=lambda cell: (
            f"<b>{safe(cell.segment)}</b><br>{safe(cell.category)}: {percent(cell.share_pct)} of its spend "
            f"(all customers: {percent(cell.all_share_pct)})<br>{view.money(cell.net_revenue)} from "
            f"{plural(cell.customers, 'customer')}<br>Index {count(cell.index_to_all)}"
        ),
        text=lambda cell: count(cell.index_to_all),
        textfont={"color": view.tokens.text},
        zmin=-1.5,
        zmax=1.5,
        colorscale=[[0, less], [0.5, view.tokens.surface], [1, more]],
        showscale=False,
    )
    # a strong index of a handful of customers, or of a category that hardly sells, is no finding
    weighty = [row for row in rows if row.customers >= 20 and row.all_share_pct >= 1 and row.category != "Other"]
    top = min(weighty, key=lambda row: (-row.index_to_all, row.segment, row.category), default=None)
    described = (
        "Too little to say what stands out: no segment has 20 customers who bought of one named category."
        if top is None
        else f"What stands out most: {top.segment} spend {percent(top.share_pct)} on {top.category}, all customers "
        f"{percent(top.all_share_pct)} (index {count(top.index_to_all)})."
        if round(top.index_to_all) >= STANDS_OUT_INDEX
        else "Nothing stands out: no segment spends 10% more of its money on a category than all customers do."
    )
    drawn_grid = chart(
        view,
        [drawn],
        name="segments-affinity",
        description=described,
        height=80 + 26 * len(categories),
        xaxis={"side": "top", "type": "category", "showgrid": False, "dtick": 1},
        yaxis=NAMES,
    )
    # eleven columns of figures don't fit a phone: they scroll rather than run into each other
    least = 170 + 44 * len(segments)
    return [html.P(described), scrolling(drawn_grid, "Categories by segment", least_pixels=least)]


# ---- from which segment to which -----------------------------------------------------


SHOWN_MOVES = 10

CAUSES = {"purchase": "By a purchase", "silence": "By silence", "yardstick": "Because others moved"}
"""Whose doing a move was, as in ``marts.segment_moves``."""


def largest_moves(view: View, shown: pd.DataFrame, end: date) -> html.Div:
    """The moves of most customers as bars, by what moved them where that is known."""
    rows = rows_of(shown)[:SHOWN_MOVES]
    moved = [row for row in rows if row.is_move]
    if moved:
        top = moved[0]
        described = (
            f"The largest move: {plural(top.customers, 'customer')} from {top.from_segment} to {top.to_segment}, "
            f"with {view.money(top.monetary)} at the end of {month(end)}."
        )
    else:
        described = f"Nobody changed segment up to {day(end)}."
    more = len(shown) - len(rows)
    rest = f" The {SHOWN_MOVES} largest of {count(len(shown))}; the list below has all." if more else ""

    def name(row: Any) -> str:
        return f"{safe(row.from_segment)} → {safe(row.to_segment)}"

    def hover(row: Any) -> str:
        return (
            f"<b>{name(row)}</b><br>{plural(row.customers, 'customer')}{_moved_by(row)}<br>"
            f"Money {view.money(row.monetary_before)} → {view.money(row.monetary)}"
        )

    is_told = bool(rows) and not is_missing(rows[0].customers_by_purchase)
    series: list[tuple[str, Any, str]] = [("Customers", "customers", view.tokens.accent)]
    if is_told:
        colours = (view.tokens.accent, view.tokens.warning, view.tokens.neutral)
        series = [
            (told, f"customers_by_{cause}", colour)
            for (cause, told), colour in zip(CAUSES.items(), colours, strict=True)
        ]
        # new customers, and who stayed, were moved by nothing
        series.append(("New, or stayed", _unmoved, SEQUENTIAL[view.theme][1]))
    traces = [flat_bars(rows, name, length, colour, hover, name=told) for told, length, colour in series]
    traces = [trace for trace in traces if any(trace["x"])]
    about = (
        " By a purchase: the customer bought. By silence: time passed without one, or goods came back. Because "
        "others moved: by the limits between the fifths of the month before, the customer would have stayed."
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
                xaxis=count_axis("Customers", shown["customers"].max()),
                yaxis=NAMES,
            ),
        ]
    )


def _unmoved(row: Any) -> int:
    return row.customers - sum(getattr(row, f"customers_by_{cause}") for cause in CAUSES)


def _moved_by(row: Any) -> str:
    if not row.is_move or is_missing(row.customers_by_purchase):
        return ""
    told = [f"{count(getattr(row, f'customers_by_{cause}'))} {name.lower()}" for cause, name in CAUSES.items()]
    return f":<br>{', '.join(told)}"


# ---- who came back -------------------------------------------------------------------


def cohort_map(view: View, cohorts: pd.DataFrame) -> list[Any]:
    """Retention by month of the first purchase and age; the first month itself, always 100 %, is left out."""
    later = rows_of(cohorts[cohorts["age_months"] > 0])
    firsts = sorted({row.cohort_month for row in later})
    ages = list(range(1, max(row.age_months for row in later) + 1))
    by_key = {(row.cohort_month, row.age_months): row for row in later}
    traces = [
        heat_map(
            ages,
            [month(first) for first in firsts],
            [[by_key.get((first, age)) for age in ages] for first in firsts],
            lambda cell: cell.retention_pct,
            hover=partial(_cohorts_hover, view),
            text=lambda cell: count(cell.retention_pct),
            colorscale=colour_scale(view.theme),
            zmin=0,
            colorbar={"ticksuffix": "%", "nticks": 6},
            xgap=1,
            ygap=1,
        )
    ]
    running = [row for row in later if not row.is_complete_month]
    if running:
        ring = {"line": {"width": 1.5}}
        first = (month, "cohort_month")
        traces.append(dots(running, "age_months", first, view.tokens.warning, 8, symbol="circle-open", marker=ring))
    described = _in_words(later)
    if running:
        described += " A ring marks a month that is not over."
    drawn = chart(
        view,
        traces,
        name="segments-cohorts",
        description=described,
        height=110 + 22 * max(len(firsts), 6),
        xaxis=count_axis("Months since the first purchase", len(ages), showgrid=False, nticks=12, zeroline=False),
        yaxis={**NAMES, "nticks": 14},
    )
    # figures of a year don't fit a phone: they scroll rather than run into each other
    least = 90 + 32 * len(ages)
    return [html.P(described), scrolling(drawn, "Retention by month of the first purchase", least_pixels=least)]


def _in_words(later: Sequence[Any]) -> str:
    over = [row for row in later if row.is_complete_month]
    if not over:
        return "No month after a first purchase is over yet."
    after = [row for row in over if row.age_months == 1]
    told = ""
    if after:
        back = 100 * sum(row.active_customers for row in after) / sum(row.cohort_customers for row in after)
        told = f"Of all new customers {percent(back)} bought again in the month after. "
    # of a handful of customers all may come back by chance
    told_of = [row for row in over if row.cohort_customers >= TOLD_COHORT]
    if not told_of:
        return told or f"No month brought {TOLD_COHORT} new customers, too few to say who comes back."
    best = min(told_of, key=lambda row: (-row.retention_pct, row.cohort_month, row.age_months))
    return (
        f"{told}Most came back of those from {month(best.cohort_month)}: {percent(best.retention_pct)} "
        f"bought in {month(best.month_start)}."
    )


def _cohorts_hover(view: View, row: Any) -> str:
    return (
        f"<b>First bought {month(row.cohort_month)}, {plural(row.age_months, 'month')} on</b><br>"
        f"{count(row.active_customers)} of {plural(row.cohort_customers, 'customer')} bought "
        f"({percent(row.retention_pct)})<br>"
        f"Net revenue {view.money(row.net_revenue_as_booked)}, "
        f"{view.money(row.net_revenue_per_customer)} per customer<br>"
        f"So far {view.money(row.cumulative_net_revenue_as_booked)}"
        f"{'' if row.is_complete_month else '<br>This month is not over'}"
    )


# ---- what the names say --------------------------------------------------------------


def claims_table(view: View, method: Method) -> html.Div:
    """Each segment's name, what it says, and the share of its customers of whom that is true."""
    return table(
        "What the names of segments say, and of how many of their customers it is true",
        segment_claims(view.reading, method),
        {
            "Segment": lambda row: segment_mark(view, row.segment_name),
            "Customers": (count, "customers"),
            "On average": (wide, "description"),
            "What the name says": lambda row: wide(
                "Nothing: read it by its figures." if is_missing(row.claim) else row.claim
            ),
            "True of": right(
                # not rounded up, as in the playbook and the check: 79.6 is less than four in five
                lambda row: figure(
                    # a name that says nothing is true of nobody and untrue of nobody
                    MISSING if is_missing(row.true_pct) else percent(math.floor(row.true_pct), 0),
                    f"claims.{row.segment_name}",
                    className="" if row.is_true else "bad",
                )
            ),
        },
    )
