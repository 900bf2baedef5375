"""The page about segments: who they are, how they differ, how customers move, by which rules.

Belongs here: which figures of :mod:`serving.queries.segments` stand where, with which words and controls.
Does not belong here: any SQL, how a chart is drawn (:mod:`serving.dashboard.segment_charts`), clusters
(:mod:`serving.dashboard.pages.clusters`), and what to do with a segment (the page about playbooks).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import dash_mantine_components as dmc
import pandas as pd
from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard import segment_charts as charts
from serving.dashboard.components import NOBODY, empty, figure, panel, right, rows_of, segment_badge, segment_mark
from serving.dashboard.look import Look, Words, legend
from serving.dashboard.tables import data_table
from serving.dashboard.view import Page, View, redrawn
from serving.filters import METHOD_LABELS
from serving.queries import segments as queries
from serving.queries.lists import fetch_list
from serving.queries.moves import NEW_CUSTOMER, SEGMENT_MOVES, flow_context, flow_months, segment_flows
from serving.queries.products import PAIRS
from warehouse.measures import Measure, shown
from warehouse.wording import count, day, in_unit, month, percent, plural

COMPARED = 3
"""Segments that are compared before anybody has chosen."""

_GROUPS = (
    ("segments-who", "Who they are"),
    ("segments-differ", "How they differ"),
    ("segments-move", "How they move"),
    ("segments-made", "Which rules make them"),
)


def render(view: View) -> Any:
    """The whole page; its controls only change parts of it."""
    sizes = queries.segment_sizes(view.reading, view.filters)
    look = Look.of(sizes, view.theme)
    who, differ = [empty(*NOBODY)], [empty(*NOBODY)]
    if len(sizes):
        who, differ = _who(view, sizes, look), _differ(view, look)
    return ui.page(
        _anchors(),
        *(_heading(0), *who),
        *(_heading(1), *differ),
        _heading(2),
        panel(
            "Moves between RFM segments",
            _flows(view),
            about="The filtered customers, by their RFM segment at two month ends. Only RFM segments have a monthly "
            "history; those of the models are made again from the whole history with every refresh.",
        ),
        panel(
            "Who comes back after a silence",
            _slipping(view),
            about="Customers with two visits or more, by how many of their usual gaps they had been silent at a month "
            "end, and whether they bought within 90 days of it. All customers of the shop: filters don't apply.",
        ),
        panel(
            "Who came back, by month of the first purchase",
            _cohorts(view),
            about="Percent of a month's new customers who bought again in each month since. All customers of the shop: "
            "filters don't apply. The first row also holds older customers, whom the data first see then.",
        ),
        _heading(3),
        panel(
            "RFM segments are made by rule",
            html.P(
                "No model has chosen them: recency, frequency and money are each scored from 1 to 5 by fifths of the "
                "customers (equal values get equal scores, 5 is best), and each of the 125 combinations belongs to one "
                "segment. Clusters, which a model finds, have a page of their own."
            ),
            _rules(view),
            ui.below("What the names say", charts.claims_table(view, "rfm")),
            about="Lowest and highest scores of each segment's customers. All customers of the shop: filters don't "
            "apply.",
        ),
    )


def _anchors() -> html.Nav:
    links = [html.A(title, href=f"#{name}", className="button") for name, title in _GROUPS]
    return html.Nav(links, className="header-tools", style={"flexWrap": "wrap"}, **{"aria-label": "On this page"})


def _heading(position: int) -> html.H2:
    name, title = _GROUPS[position]
    # the menu stays in view above what a link jumps to
    return html.H2(title, id=name, className="group-title", style={"scrollMarginTop": "4rem", "marginTop": ".5rem"})


def _as_list(table: html.Div) -> html.Details:
    return html.Details([html.Summary("As a list, with downloads"), table])


# ---- who they are ------------------------------------------------------------------


def _who(view: View, sizes: pd.DataFrame, look: Look) -> list[Any]:
    areas = {"money": "By money", "customers": "By customers"}
    return [
        panel(
            "Recency against frequency",
            charts.rfm_map(view, queries.rfm_grid(view.reading, view.filters)),
            about="Customers by their scores from 1 to 5, by fifths of all customers: 5 is most recent, and most often."
            " Darker cells brought more money; the name is that of the segment that most of a cell's customers are in.",
        ),
        panel(
            "Sizes and money",
            html.Div(charts.treemap(view, sizes, look, "money"), id="segments-size-chart"),
            _size_table(view, sizes, look),
            about=f"{METHOD_LABELS[view.filters.method]}. Money is net revenue of the customers' whole history, "
            "expected is what may come from them next. A name opens its customers.",
            tools=ui.switch("segments-size-by", areas, "Areas by money or by customers"),
        ),
        ui.value_note(view),
    ]


def _resized(view: View, by: str | None) -> Any:
    sizes = queries.segment_sizes(view.reading, view.filters)
    if sizes.empty:
        return empty(*NOBODY)
    return charts.treemap(view, sizes, Look.of(sizes, view.theme), by or "money")


def _size_table(view: View, sizes: pd.DataFrame, look: Look) -> html.Div:
    def name(row: Any) -> Any:
        if row is None:
            return html.Strong("All of these")
        badge = segment_badge(row.segment, look.colours[row.segment])
        is_segment = row.segment != queries.NO_SEGMENT
        return dcc.Link(badge, href=view.link("/customers", segments=(row.segment,))) if is_segment else badge

    def told(one: Measure, row: Any) -> Any:
        if row is None and one.share_of:
            return ""
        value = sizes[one.key].sum(min_count=1) if row is None else getattr(row, one.key)
        segment = "all" if row is None else row.segment
        return figure(in_unit(value, one.unit, view.currency), f"segments.{segment}.{one.key}")

    rows: Sequence[Any] = rows_of(sizes)
    return ui.table(
        "Customers, money and expected value of each segment",
        # the last one stands for all of them
        [*rows, None] if len(rows) > 1 else rows,
        {"Segment": name, **{one.short: right(partial(told, one)) for one in shown("sizes")}},
    )


# ---- how they differ ---------------------------------------------------------------


def _differ(view: View, look: Look) -> list[Any]:
    chosen = list(look.order[:COMPARED])
    return [
        panel(
            "Compare segments",
            dmc.MultiSelect(
                id="segments-compare",
                label="Segments to compare",
                data=list(look.order),
                value=chosen,
                searchable=True,
                clearable=True,
            ),
            html.Div(_compared(view, chosen), id="segments-compare-shown", **{"aria-live": "polite"}),
            about="Means per customer. 100 is the mean of all customers of the shop, whatever the filters: to the "
            "right is more, to the left less.",
        ),
        panel(
            "What they buy",
            charts.affinity_map(view, fetch_list(view.reading, queries.CATEGORY_AFFINITY, view.filters), look),
            _as_list(data_table(view, queries.CATEGORY_AFFINITY, height=420)),
            about="Share of a segment's net spend that a category takes, against its share among all customers of the "
            "shop: 100 is the same, 200 twice as much. Filters choose the customers, not their comparison.",
        ),
        panel(
            "Bought together",
            data_table(view, PAIRS, height=420),
            about="Pairs of products on at least 1% of all invoices, or what the settings say. Lift 10: ten times as "
            "many invoices have both as chance would bring. All sales of the shop: filters don't apply.",
        ),
        panel(
            "All figures by segment",
            data_table(view, queries.SEGMENTS, height=620),
            about="Means, medians and totals, to sort, filter and download.",
        ),
    ]


def _compared(view: View, chosen: Sequence[str] | None) -> list[Any]:
    profiles = queries.segment_profiles(view.reading, view.filters)
    words, rows = Words.of(view), rows_of(profiles)
    ordered = [row for row in rows if row.segment in set(chosen or ()) and not row.is_everyone]
    if not ordered:
        return [empty("No segment is chosen.", "Choose two or more above.")]
    overall = next(row for row in rows if row.is_everyone)

    # as this shop's settings count them
    titles = {"frequency_mean": words.frequency, "monetary_mean": words.money}
    means = shown("means")
    look = Look.of(profiles[~profiles["is_everyone"]], view.theme).only(row.segment for row in ordered)

    def told(row: Any, name: str, one: Measure) -> html.Span:
        return figure(in_unit(getattr(row, one.key), one.unit, view.currency), f"compare.{name}.{one.key}")

    table = ui.table(
        "Means per customer of the segments compared, and of all customers",
        means,
        {
            "Mean of": lambda one: titles.get(one.key, one.short),
            **{
                segment_badge(row.segment, look.colours[row.segment]): right(partial(told, row, row.segment))
                for row in ordered
            },
            "All customers": right(partial(told, overall, "all")),
        },
    )
    return [
        legend(look),
        charts.index_bars(view, ordered, overall, look, [one for one in means if one.unit != "count"]),
        table,
    ]


# ---- how they move -----------------------------------------------------------------


def _flows(view: View) -> Any:
    months = flow_months(view.reading)
    if len(months) < 2:
        return empty("There are no two month ends to compare yet.", "Moves show once two months of sales are over.")
    options = [{"value": one.isoformat(), "label": f"End of {month(one)}"} for one in months]
    ends = [
        dmc.Select(id=f"segments-moves-{side.lower()}", label=side, data=data, value=at["value"], allowDeselect=False)
        for side, data, at in (("From", options[:-1], options[-2]), ("To", options[1:], options[-1]))
    ]
    controls = html.Div(
        [*ends, dmc.Switch(id="segments-moves-stayed", label="Also who stayed", checked=False, mb=8)],
        style={"display": "flex", "flexWrap": "wrap", "gap": ".75rem", "alignItems": "end", "marginBottom": ".75rem"},
    )
    shown = _moves(view, options[-2]["value"], options[-1]["value"], with_stayed=False)
    return [controls, html.Div(shown, id="segments-moves-shown", **{"aria-live": "polite"})]


def _moves(view: View, from_day: str, to_day: str, with_stayed: bool | None) -> list[Any]:
    start, end = date.fromisoformat(from_day), date.fromisoformat(to_day)
    if start >= end:
        return [empty(f"{day(start)} is not before {day(end)}.", "Choose an earlier month to start from.")]
    flows = segment_flows(view.reading, view.filters, start, end)
    if flows.empty:
        return [
            empty(f"None of these customers had bought by {day(end)}.", "Widen the filters, or choose later months.")
        ]
    is_new = flows["from_segment"] == NEW_CUSTOMER
    is_shown = flows["is_move"] | is_new

    def told(key: str, text: str) -> html.Strong:
        return html.Strong(text, **{"data-figure": f"moves.{key}"})

    moved = flows[flows["is_move"]]
    sentence = html.P(
        [
            f"From {day(start)} to {day(end)}: ",
            told("moved", count(moved["customers"].sum())),
            f" of {plural(int(flows['customers'].sum()), 'customer')} changed segment, with ",
            told("moved_money", view.money(float(moved["monetary"].sum()))),
            " of money so far; ",
            told("new", count(flows.loc[is_new, "customers"].sum())),
            " bought for the first time; ",
            told("stayed", count(flows.loc[~is_shown, "customers"].sum())),
            " stayed.",
        ]
    )
    table = _as_list(data_table(view, SEGMENT_MOVES, context=flow_context(start, end), height=420))
    shown = flows if with_stayed else flows[is_shown]
    if shown.empty:
        nobody = empty("Nobody changed segment and nobody is new.", "Switch on who stayed, or choose other months.")
        return [sentence, nobody, table]
    return [sentence, charts.largest_moves(view, shown, end), table]


def _cohorts(view: View) -> Any:
    cohorts = fetch_list(view.reading, queries.COHORTS, view.filters)
    if cohorts.empty or cohorts["age_months"].max() < 1:
        return empty("No month after a first purchase has begun yet.", "The grid fills as months go by.")
    return [*charts.cohort_map(view, cohorts), _as_list(data_table(view, queries.COHORTS, height=420))]


def _slipping(view: View) -> Any:
    """Whether silence tells who is lost: what came of customers who had been as silent before."""
    found = queries.came_back(view.reading)
    if found.empty:
        return empty("No month end has 90 days after it yet.", "It shows as months go by.")
    return [
        ui.table(
            "How many came back within 90 days, by silence",
            found,
            {
                "Silent for": lambda row: f"{row.silence_band} gaps",
                "Called": lambda row: "slipping" if row.is_slipping else "",
                "Customers": (count, "customers"),
                "Came back": (count, "came_back_customers"),
                "Share": right(lambda row: html.Strong(percent(row.came_back_pct, 0))),
                "By month end": lambda row: f"{percent(row.lowest_pct, 0)} to {percent(row.highest_pct, 0)}",
            },
        ),
        ui.remark(
            f"Over {plural(found['month_ends'].max(), 'month end')}; a customer counts at each anew. {_dormant(view)}"
        ),
    ]


def _dormant(view: View) -> str:
    """Where slipping ends, and who says so."""
    ratio, is_measured = queries.dormant_from(view.reading)
    if ratio is None:
        return "Nobody is called dormant: even of those silent the longest, some come back."
    return f"From {ratio} gaps on they are called dormant and no longer slipping: " + (
        "from there on less than a fifth as many come back as of those who are not slipping."
        if is_measured
        else "too few have been silent for so long to tell how many come back."
    )


# ---- how they were made ------------------------------------------------------------


def _rules(view: View) -> html.Div:
    def span(score: str, row: Any) -> str:
        low, high = getattr(row, f"{score}_low"), getattr(row, f"{score}_high")
        return str(low) if low == high else f"{low} to {high}"

    scores = {"r": "Recency score", "f": "Frequency score", "m": "Money score"}
    return ui.table(
        "Lowest and highest scores of each RFM segment's customers",
        queries.rfm_rules(view.reading),
        {
            "Segment": lambda row: segment_mark(view, row.segment),
            "Customers": (count, "customers"),
            **{title: partial(span, score) for score, title in scores.items()},
        },
    )


register = redrawn(
    ("segments-size-chart", ("segments-size-by.value",), _resized),
    ("segments-compare-shown", ("segments-compare.value",), _compared),
    (
        "segments-moves-shown",
        ("segments-moves-from.value", "segments-moves-to.value", "segments-moves-stayed.checked"),
        _moves,
    ),
)
PAGE = Page("/segments", "Segments", render, register=register)
