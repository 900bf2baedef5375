"""The charts of the page about segments.

Belongs here: from a frame of :mod:`serving.queries.segments` to a chart with its description. Does not
belong here: asking for the frame, and what stands around the chart (:mod:`serving.dashboard.pages.segments`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple

import pandas as pd
from dash import html

from serving.dashboard.components import chart, empty, figure, segment_badge
from serving.dashboard.view import View
from serving.filters import METHOD_LABELS, Method
from serving.palette import SEQUENTIAL, Theme, segment_colour
from serving.queries import segments as queries
from warehouse.measures import Measure
from warehouse.wording import (
    count,
    day,
    days,
    in_unit,
    is_missing,
    money,
    month,
    number,
    percent,
    plural,
    round_money,
    short_money,
    units,
)

Say = Callable[[Any], str]
"""Writes a value of one measure."""

_NAME = "<b>%{customdata[0]}</b><br>"
_SYMBOLS = {"circle": "", "diamond": " ◆", "square": " ■", "triangle-up": " ▲", "x": " ✕"}

MEASURE_TITLES = {"recency_days": "Recency", "frequency": "Frequency", "monetary": "Money", "clv": "CLV"}


@dataclass(frozen=True)
class Look:
    """The segments of one drawing: their order, their colours and their marks."""

    order: tuple[str, ...]
    colours: Mapping[str, str]
    symbols: Mapping[str, str]

    @classmethod
    def of(cls, sizes: pd.DataFrame, theme: Theme) -> Look:
        """In the order of ``sizes``, which has ``segment`` and ``kind``."""
        kinds = dict(zip(sizes["segment"], sizes["kind"], strict=True))
        colours = {name: segment_colour(name, theme, kind=kind) for name, kind in kinds.items()}
        symbols, seen = {}, dict.fromkeys(colours.values(), 0)
        for name, colour in colours.items():
            # "At Risk" and "At Risk 2" share a colour, so their marks differ
            symbols[name] = list(_SYMBOLS)[seen[colour] % len(_SYMBOLS)]
            seen[colour] += 1
        return cls(tuple(kinds), colours, symbols)

    def only(self, names: Iterable[str]) -> Look:
        """The same look of some of the segments."""
        return Look(tuple(names), self.colours, self.symbols)


class Words(NamedTuple):
    """How this shop's settings name frequency and money."""

    frequency: str
    orders: str
    money: str
    currency: str

    @classmethod
    def of(cls, view: View) -> Words:
        """As the snapshot tells."""
        about = view.reading.about
        orders = about.frequency_counts
        return cls(f"Frequency ({orders})", orders, f"Money ({about.money_is})", view.currency)

    def axis(self, measure: str) -> str:
        """Title of a measure's axis, with its unit."""
        return {
            "recency_days": "Days since the last purchase",
            "frequency": self.frequency,
            "monetary": f"Money, {self.currency}",
            "clv": f"CLV, {self.currency}",
        }[measure]

    def tick(self, measure: str) -> Say:
        """How a round value of a measure is written on an axis."""
        if measure in ("monetary", "clv"):
            return lambda value: round_money(value, self.currency)
        return count

    def say(self, measure: str) -> Say:
        """How a value of a measure is written where there is little room."""
        if measure in ("monetary", "clv"):
            return lambda value: short_money(value, self.currency)
        if measure == "recency_days":
            return days
        return lambda value: number(value, 0 if float(value).is_integer() else 1)


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """A frame's rows, each with its columns as attributes."""
    return list(frame.itertuples(index=False))


def safe(name: object) -> str:
    """A name for Plotly, which reads a little HTML: some names were typed by hand."""
    return escape(str(name), quote=False)


def index_to(value: Any, overall: Any) -> float | None:
    """The value in percent of all customers' one; None where there is nothing to compare."""
    if is_missing(value) or is_missing(overall) or not overall:
        return None
    return 100.0 * float(value) / float(overall)


def _doublings(index: float, most: float) -> float:
    """An index as doublings: 0 is 100, 1 is 200, -1 is 50; no further than ``most``, also for nothing at all."""
    return max(-most, min(most, math.log2(index / 100))) if index > 0 else -most


def legend(look: Look) -> html.Div:
    """One legend for many charts, outside of them: it wraps where a chart's own would be cut."""
    return html.Div(
        [segment_badge(name + _SYMBOLS[look.symbols[name]], look.colours[name]) for name in look.order],
        role="group",
        style={
            "display": "flex",
            "flexWrap": "wrap",
            "gap": ".25rem 1rem",
            "fontSize": ".8125rem",
            "margin": ".25rem 0 .6rem",
        },
        **{"aria-label": "Colours of the segments"},
    )


def titled(title: str, *children: Any) -> html.Div:
    """A chart with its heading, for panels with several."""
    return html.Div([html.H3(title), *children], style={"minWidth": 0})


def _graph(view: View, traces: list[dict[str, Any]], **layout: Any) -> Any:
    # Plain dicts: Plotly's classes look at every single value, which took four fifths of the page's
    # time. A test puts each figure through those classes instead.
    return {"data": traces, "layout": _over(_house_layout(view.theme), layout)}


@lru_cache
def _house_layout(theme: Theme) -> dict[str, Any]:
    layout: dict[str, Any] = figure(theme).to_plotly_json()["layout"]
    return layout


def _over(house: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``house``, level by level; neither is changed."""
    merged = dict(house)
    for name, value in own.items():
        under = merged.get(name)
        merged[name] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


# ---- axes --------------------------------------------------------------------------


class Axis:
    """One axis of values: its title, its ticks, and where values are drawn that a log scale has no place for."""

    def __init__(self, title: str, values: pd.Series, say: Say, *, is_log: bool = True) -> None:
        self.say = say
        self.title = f"{title}, log scale" if is_log else title
        self.given = values.astype(float)
        self.edge = log_edge(self.given) if is_log else None

    @property
    def at_edge(self) -> int:
        """How many values are drawn at the edge because they lie below it."""
        return 0 if self.edge is None else int((self.given < self.edge).sum())

    def drawn(self, values: pd.Series) -> list[float]:
        """Where the values are drawn."""
        return (values if self.edge is None else values.clip(lower=self.edge)).tolist()

    def layout(self) -> dict[str, Any]:
        """Properties of Plotly's axis."""
        shown: dict[str, Any] = {"title": {"text": self.title}, "zeroline": False}
        if self.edge is None:
            return shown | {"rangemode": "tozero", "nticks": 6}
        ticks = _log_ticks(max(self.edge, float(self.given.min())), float(self.given.max()))
        return shown | {"type": "log", "tickvals": ticks, "ticktext": [self.say(tick) for tick in ticks]}

    def edge_note(self, what: str) -> str:
        """A remark on values at the edge, or nothing."""
        if not self.at_edge or self.edge is None:
            return ""
        verb = "is" if self.at_edge == 1 else "are"
        return f"{plural(self.at_edge, 'customer')} with {what} under {self.say(self.edge)} {verb} drawn at the edge."


def log_edge(values: pd.Series) -> float:
    """The lowest value that a log scale shows: 1, or a lower power of ten.

    Lower where a tenth of the values above zero lie below 1. A few that are nearly zero must not
    stretch the scale over decades in which there is nobody.
    """
    positive = values[values > 0]
    if positive.empty:
        return 1.0
    return float(min(1.0, 10.0 ** math.floor(math.log10(positive.quantile(0.1)))))


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(max(high, low * 1.01)))
    factors = (1, 2, 5) if last - first <= 2 else (1,)
    return [factor * 10.0**power for power in range(first, last + 1) for factor in factors]


# ---- who they are ------------------------------------------------------------------


def treemap(view: View, sizes: pd.DataFrame, look: Look, by: str) -> Any:
    """Areas by ``customers`` or by ``money``; a segment that brought nothing, or less, has none."""
    values = sizes["customers"] if by == "customers" else sizes["monetary_net_sum"].clip(lower=0)
    if values.sum() <= 0:
        return empty("These customers brought in no money.", "Choose Customers to see how many they are.")
    hover = [
        [
            safe(row.segment),
            plural(row.customers, "customer"),
            percent(row.customers_pct),
            money(row.monetary_net_sum, view.currency),
            percent(row.monetary_net_pct),
        ]
        for row in rows_of(sizes)
    ]
    drawn = _graph(
        view,
        [
            {
                "type": "treemap",
                "ids": [str(position) for position in range(len(sizes))],
                "labels": [row[0] for row in hover],
                "parents": [""] * len(sizes),
                "values": values.tolist(),
                "marker": {
                    "colors": [look.colours[name] for name in look.order],
                    "line": {"width": 2, "color": view.tokens.surface},
                    "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
                },
                "customdata": hover,
                "text": [f"{row[1]}, {row[2]}" if by == "customers" else f"{row[3]}, {row[4]}" for row in hover],
                "textinfo": "label+text",
                "textfont": {"color": [_readable_on(look.colours[name]) for name in look.order]},
                "hovertemplate": _NAME + "%{customdata[1]} (%{customdata[2]})<br>"
                "%{customdata[3]} (%{customdata[4]} of the money)<extra></extra>",
                "pathbar": {"visible": False},
            }
        ],
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uniformtext={"minsize": 10, "mode": "hide"},
    )
    first = sizes.iloc[0]
    without = [] if by == "customers" else sizes.loc[values <= 0, "segment"].tolist()
    drawn_chart = chart(
        drawn,
        name="segments-treemap",
        description=(
            f"{first['segment']}: {percent(first['customers_pct'])} of "
            f"{plural(int(sizes['customers'].sum()), 'customer')} bring {percent(first['monetary_net_pct'])} of the "
            "money. "
            f"Areas show {'customers' if by == 'customers' else 'money'}; the table below has the same figures."
        ),
        height=280,
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
            {
                "type": "scatter",
                "x": axes[across].drawn(axes[across].given[theirs.index]),
                "y": axes[up].drawn(axes[up].given[theirs.index]),
                "mode": "markers",
                "name": safe(segment),
                "marker": {
                    "color": look.colours[segment],
                    "symbol": look.symbols[segment],
                    "size": 5,
                    "opacity": 0.65,
                },
                "customdata": [
                    list(values)
                    for values in zip(
                        [safe(found) for found in theirs["customer_id"]],
                        theirs["recency_days"].tolist(),
                        theirs["frequency"].tolist(),
                        [money(value, view.currency, pence=False) for value in theirs["monetary"]],
                        [money(value, view.currency, pence=False) for value in theirs["clv"]],
                        strict=True,
                    )
                ],
                "hovertemplate": f"<b>Customer %{{customdata[0]}}</b><br>{safe(segment)}<br>"
                f"%{{customdata[1]}} days since, %{{customdata[2]}} {words.orders}<br>"
                "%{customdata[3]} so far, CLV %{customdata[4]}<extra></extra>",
            }
        )
    measures = ["recency_days", "frequency", "monetary", "clv"]
    largest = rows[rows["segment"] == look.order[0]]
    typical = (rows if largest.empty else largest)[measures].median()
    whose = "these" if largest.empty else look.order[0]
    remarks = " ".join(
        remark
        for measure in (across, up)
        if (remark := axes[measure].edge_note("CLV" if measure == "clv" else "money"))
    )
    described = (
        f"{title} of {plural(len(rows), 'customer')}. The middle customer of {whose}: last bought "
        f"{days(float(typical['recency_days']))} ago, {number(float(typical['frequency']), 0)} {words.orders}, "
        f"{money(float(typical['monetary']), view.currency)} so far, CLV {money(float(typical['clv']), view.currency)}."
    )
    drawn = _graph(view, traces, showlegend=False, xaxis=axes[across].layout(), yaxis=axes[up].layout())
    return titled(
        title,
        chart(drawn, name=name, description=f"{described} {remarks}".strip(), height=320),
        html.P(remarks, className="about") if remarks else None,
    )


# ---- how they differ ---------------------------------------------------------------


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
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": [one.short for one in measures],
                "x": doublings,
                "name": safe(row.segment),
                "marker": {"color": look.colours[row.segment]},
                "customdata": [
                    [safe(row.segment), one.short, say(one, row), say(one, overall), count(index)]
                    for one, index in zip(measures, indices, strict=True)
                ],
                "hovertemplate": _NAME + "%{customdata[1]}: %{customdata[2]}<br>All customers: %{customdata[3]}<br>"
                "Index %{customdata[4]}<extra></extra>",
            }
        )
    edge = math.ceil(reach)
    steps = [step for step in range(-edge, edge + 1) if edge <= 3 or step % 2 == 0]
    drawn = _graph(
        view,
        traces,
        showlegend=False,
        bargap=0.3,
        xaxis={
            "title": {"text": "Index, 100 = all customers"},
            "tickvals": steps,
            "ticktext": [units(100 * 2.0**step) for step in steps],
            "range": [-edge - 0.15, edge + 0.15],
            "zeroline": True,
            "zerolinewidth": 2,
            "zerolinecolor": view.tokens.muted,
        },
        yaxis={"autorange": "reversed", "showgrid": False},
    )
    first = rows[0]
    return chart(
        drawn,
        name="segments-compare-chart",
        description=(
            f"{first.segment}: {count(index_to(first.monetary_mean, overall.monetary_mean))} in money and "
            f"{count(index_to(first.frequency_mean, overall.frequency_mean))} in frequency, where all customers "
            "are 100. The table below has the figures."
        ),
        height=90 + (20 + 13 * len(rows)) * len(measures),
    )


def box(view: View, statistics: pd.DataFrame, look: Look, words: Words, measure: str) -> html.Div:
    """Quartiles of one measure by segment, drawn from the figures and not from the customers."""
    title = MEASURE_TITLES[measure]
    theirs = {row.segment: row for row in rows_of(statistics[statistics["measure"] == measure])}
    if not theirs:
        return titled(title, empty(f"No customer has a {title}.", "The history is too short for the models."))
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
            {
                "type": "scatter",
                "x": [mean],
                "y": [safe(name)],
                "mode": "markers",
                "marker": {
                    "symbol": "diamond",
                    "size": 8,
                    "color": look.colours[name],
                    "line": {"width": 1, "color": view.tokens.surface},
                },
                "customdata": [[safe(name), *(say(getattr(row, part)) for part in parts), count(row.customers)]],
                "hovertemplate": _NAME + "Middle customer: %{customdata[3]}<br>"
                "Middle half: %{customdata[2]} to %{customdata[4]}<br>"
                "Nine of ten: %{customdata[1]} to %{customdata[5]}<br>"
                "Mean: %{customdata[6]}<br>%{customdata[7]} customers<extra></extra>",
            }
        )
    drawn = _graph(
        view,
        traces,
        showlegend=False,
        hovermode="y",
        xaxis=axis.layout(),
        yaxis={"autorange": "reversed", "showgrid": False, "type": "category"},
    )
    middles = "; ".join(f"{name} {say(theirs[name].median)}" for name in present)
    return titled(
        title,
        chart(
            drawn,
            name=f"segments-box-{measure.replace('_', '-')}",
            description=f"{title} of the middle customer: {middles}.",
            height=90 + 38 * len(present),
        ),
    )


def _bin_words(words: Words, measure: str, start: float, end: float) -> tuple[str, str]:
    """A bin's tick and its full name."""
    if measure in ("monetary", "clv"):
        tick, following = words.tick(measure)(start), words.tick(measure)(end)
        if start < 1:
            return f"under {following}", f"under {following}"
        return tick, f"{tick} to under {following}"
    unit = " days" if measure == "recency_days" else ""
    last = end - 1
    return count(start), f"{count(start)}{unit}" if last == start else f"{count(start)} to {count(last)}{unit}"


def histogram(view: View, bins: pd.DataFrame, look: Look, words: Words, measure: str) -> html.Div:
    """Customers by one measure, stacked by segment."""
    title = MEASURE_TITLES[measure]
    theirs = bins[bins["measure"] == measure]
    if theirs.empty:
        return titled(title, empty(f"No customer has a {title}.", "The history is too short for the models."))
    edges = theirs[["bin_start", "bin_end"]].drop_duplicates()
    named = {row.bin_start: _bin_words(words, measure, row.bin_start, row.bin_end) for row in rows_of(edges)}
    totals = theirs.groupby("bin_start")["customers"].sum()
    traces = [
        {
            "type": "bar",
            "x": [named[row.bin_start][0] for row in own],
            "y": [row.customers for row in own],
            "name": safe(segment),
            "marker": {"color": look.colours[segment], "line": {"width": 0}},
            "customdata": [
                [safe(segment), named[row.bin_start][1], count(row.customers), count(totals[row.bin_start])]
                for row in own
            ],
            "hovertemplate": _NAME
            + "%{customdata[1]}<br>%{customdata[2]} of %{customdata[3]} customers<extra></extra>",
        }
        for segment in look.order
        if (own := rows_of(theirs[theirs["segment"] == segment]))
    ]
    drawn = _graph(
        view,
        traces,
        showlegend=False,
        barmode="stack",
        bargap=0.08,
        xaxis={"type": "category", "title": {"text": f"{words.axis(measure)}, from"}, "showgrid": False},
        yaxis={"title": {"text": "Customers"}, "nticks": 5, "tickformat": ",d"},
    )
    fullest = totals.idxmax()
    return titled(
        title,
        chart(
            drawn,
            name=f"segments-bins-{measure.replace('_', '-')}",
            description=(
                f"{words.axis(measure)}: most customers, {count(totals.max())} of {count(totals.sum())}, "
                f"have {named[fullest][1]}."
            ),
            height=280,
        ),
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
    grid = [[by_key[category, segment] for segment in segments] for category in categories]
    less, more = ("#e9a23b", "#6aa5e0") if view.theme == "light" else ("#8a5a10", "#2f66a8")
    drawn = _graph(
        view,
        [
            {
                "type": "heatmap",
                "x": [safe(name) for name in segments],
                "y": [safe(name) for name in categories],
                # doublings, so that half as much is as far from the middle as twice as much
                "z": [[_doublings(cell.index_to_all, 1.5) for cell in line] for line in grid],
                "text": [[count(cell.index_to_all) for cell in line] for line in grid],
                "texttemplate": "%{text}",
                "textfont": {"size": 11, "color": view.tokens.text},
                "customdata": [
                    [
                        [
                            safe(cell.segment),
                            safe(cell.category),
                            percent(cell.share_pct),
                            percent(cell.all_share_pct),
                            money(cell.net_revenue, view.currency),
                            plural(cell.customers, "customer"),
                        ]
                        for cell in line
                    ]
                    for line in grid
                ],
                "zmin": -1.5,
                "zmax": 1.5,
                "colorscale": [[0, less], [0.5, view.tokens.surface], [1, more]],
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "hovertemplate": _NAME + "%{customdata[1]}: %{customdata[2]} of its spend "
                "(all customers: %{customdata[3]})<br>%{customdata[4]} from %{customdata[5]}<br>"
                "Index %{text}<extra></extra>",
            }
        ],
        xaxis={"side": "top", "type": "category", "showgrid": False, "dtick": 1},
        yaxis={"autorange": "reversed", "type": "category", "showgrid": False},
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
    drawn_grid = chart(drawn, name="segments-affinity", description=described, height=80 + 26 * len(categories))
    # eleven columns of figures don't fit a phone: they scroll rather than run into each other
    least = {"minWidth": f"{170 + 44 * len(segments)}px"}
    scrolled = html.Div(
        html.Div(drawn_grid, style=least),
        className="table-scroll",
        tabIndex=0,
        role="region",
        **{"aria-label": "Categories by segment"},
    )
    return [html.P(described), scrolled]


# ---- how they move -----------------------------------------------------------------


def sankey(view: View, shown: pd.DataFrame, end: date) -> html.Div:
    """Bands from the segments before (left) to the segments after (right), as wide as customers are many."""

    def nodes(side: str) -> pd.DataFrame:
        sums = shown.groupby(side)[["customers", "monetary"]].sum().reset_index(names="name")
        return sums.sort_values(["monetary", "name"], ascending=[False, True], ignore_index=True)

    def colour(name: str) -> str:
        return view.tokens.neutral if name == queries.NEW_CUSTOMER else segment_colour(name, view.theme)

    sources, targets = nodes("from_segment"), nodes("to_segment")
    both = rows_of(pd.concat([sources, targets]))
    from_position = {name: position for position, name in enumerate(sources["name"])}
    to_position = {name: len(sources) + position for position, name in enumerate(targets["name"])}
    rows = rows_of(shown)
    drawn = _graph(
        view,
        [
            {
                "type": "sankey",
                "arrangement": "snap",
                "node": {
                    "label": [safe(row.name) for row in both],
                    "color": [colour(row.name) for row in both],
                    "customdata": [
                        [plural(row.customers, "customer"), money(row.monetary, view.currency)] for row in both
                    ],
                    "hovertemplate": "<b>%{label}</b><br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
                    "pad": 12,
                    "thickness": 12,
                    "line": {"width": 0},
                },
                "link": {
                    "source": [from_position[row.from_segment] for row in rows],
                    "target": [to_position[row.to_segment] for row in rows],
                    "value": [row.customers for row in rows],
                    "color": [_faint(colour(row.from_segment)) for row in rows],
                    "customdata": [
                        [
                            safe(row.from_segment),
                            safe(row.to_segment),
                            plural(row.customers, "customer"),
                            money(row.monetary_before, view.currency),
                            money(row.monetary, view.currency),
                        ]
                        for row in rows
                    ],
                    "hovertemplate": "<b>%{customdata[0]} → %{customdata[1]}</b><br>%{customdata[2]}<br>"
                    "Money %{customdata[3]} → %{customdata[4]}<extra></extra>",
                },
                "textfont": {"color": view.tokens.text, "size": 12},
            }
        ],
        margin={"l": 4, "r": 4, "t": 8, "b": 8},
    )
    moved = [row for row in rows if row.is_move]
    if moved:
        top = min(moved, key=lambda row: (-row.customers, row.from_segment, row.to_segment))
        described = (
            f"The largest move: {plural(top.customers, 'customer')} from {top.from_segment} to {top.to_segment}, "
            f"with {money(top.monetary, view.currency)} at the end of {month(end)}."
        )
    else:
        described = f"Nobody changed segment up to {day(end)}."
    return html.Div(
        [
            html.P(
                f"{described} Left before, right after; bands are as wide as customers are many.", className="about"
            ),
            chart(drawn, name="segments-sankey", description=described, height=460),
        ]
    )


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.4)"


def cohort_map(view: View, cohorts: pd.DataFrame) -> list[Any]:
    """Retention by month of the first purchase and age; the first month itself, always 100 %, is left out."""
    later = rows_of(cohorts[cohorts["age_months"] > 0])
    firsts = sorted({row.cohort_month for row in later})
    ages = list(range(1, max(row.age_months for row in later) + 1))
    by_key = {(row.cohort_month, row.age_months): row for row in later}
    grid = [[by_key.get((first, age)) for age in ages] for first in firsts]
    scale = SEQUENTIAL[view.theme]
    traces: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "x": ages,
            "y": [month(first) for first in firsts],
            "z": [[None if row is None else row.retention_pct for row in line] for line in grid],
            "customdata": [[_cohort_hover(view, row) for row in line] for line in grid],
            "colorscale": [[position / (len(scale) - 1), colour] for position, colour in enumerate(scale)],
            "zmin": 0,
            "colorbar": {
                "thickness": 10,
                "ticksuffix": " %",
                "outlinewidth": 0,
                "nticks": 6,
                "tickfont": {"color": view.tokens.muted},
            },
            "xgap": 1,
            "ygap": 1,
            "hoverongaps": False,
            "hovertemplate": "<b>First bought %{y}, %{x} months on</b><br>%{customdata[0]} of %{customdata[1]} bought "
            "(%{customdata[2]})<br>Net revenue %{customdata[3]}, %{customdata[4]} per customer<br>"
            "So far %{customdata[5]}%{customdata[6]}<extra></extra>",
        }
    ]
    running = [row for row in later if not row.is_complete_month]
    if running:
        traces.append(
            {
                "type": "scatter",
                "x": [row.age_months for row in running],
                "y": [month(row.cohort_month) for row in running],
                "mode": "markers",
                "marker": {
                    "symbol": "circle-open",
                    "size": 8,
                    "color": view.tokens.warning,
                    "line": {"width": 1.5},
                },
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    drawn = _graph(
        view,
        traces,
        xaxis={
            "title": {"text": "Months since the first purchase"},
            "showgrid": False,
            "nticks": 12,
            "zeroline": False,
        },
        yaxis={"autorange": "reversed", "type": "category", "showgrid": False, "nticks": 14},
    )
    described = _cohort_words(later)
    if running:
        described += " A ring marks a month that is not over."
    return [
        html.P(described),
        chart(drawn, name="segments-cohorts", description=described, height=110 + 22 * max(len(firsts), 6)),
    ]


def _cohort_words(later: Sequence[Any]) -> str:
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


def _cohort_hover(view: View, row: Any) -> list[str]:
    if row is None:
        return [""] * 7
    return [
        count(row.active_customers),
        plural(row.cohort_customers, "customer"),
        percent(row.retention_pct),
        money(row.net_revenue_as_booked, view.currency),
        money(row.net_revenue_per_customer, view.currency),
        money(row.cumulative_net_revenue_as_booked, view.currency),
        "" if row.is_complete_month else "<br>This month is not over",
    ]


# ---- how they were made ------------------------------------------------------------


def evidence_lines(
    view: View, evidence: pd.DataFrame, name: str, title: str, lines: Mapping[str, tuple[str, str]], about: str
) -> html.Div:
    """A figure by number of segments, with the chosen number marked.

    Parameters
    ----------
    lines
        From a column of ``evidence`` to its name and colour; the first one is the one to read.
    """
    rows = rows_of(evidence)
    taken = next(row for row in rows if row.is_chosen)
    main = next(iter(lines))
    decimals = 0 if main == "inertia" else 3
    values = {column: [None if is_missing(value) else value for value in evidence[column]] for column in lines}
    marked = getattr(taken, main)
    drawn = _graph(
        view,
        [
            {
                "type": "scatter",
                "x": [row.k for row in rows],
                "y": values[column],
                "mode": "lines+markers",
                "name": label,
                "line": {"color": colour, "width": 2},
                "marker": {"size": [13 if row.is_chosen else 6 for row in rows], "color": colour},
                "customdata": [[number(value, decimals)] for value in values[column]],
                "hovertemplate": f"<b>%{{x}} segments</b><br>{label}: %{{customdata[0]}}<extra></extra>",
            }
            for column, (label, colour) in lines.items()
        ],
        showlegend=len(lines) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": "Number of segments"}, "dtick": 1},
        yaxis={
            "title": {"text": next(iter(lines.values()))[0] if len(lines) == 1 else title},
            "nticks": 5,
            "tickformat": ",.4~r",
        },
        annotations=[]
        if is_missing(marked)
        else [
            {
                "x": taken.k,
                "y": marked,
                "text": "chosen",
                "showarrow": True,
                "arrowcolor": view.tokens.muted,
                "ax": 24,
                "ay": -28,
            }
        ],
    )
    told = "; ".join(f"{row.k}: {number(getattr(row, main), decimals)}" for row in rows)
    return titled(
        title,
        html.P(about, className="about"),
        chart(
            drawn,
            name=name,
            description=f"{title} by number of segments, {taken.k} chosen. {told}.",
            height=280,
        ),
    )


def method_label(method: Method) -> str:
    """The method whose evidence stands for another's: audiences are made from k-means."""
    return METHOD_LABELS["kmeans" if method == "audience" else method]
