"""Unusual days and weeks: the series with the band it was expected in, what was unusual, and why.

Belongs here: drawing them. Does not belong here: what is unusual and what drove it (``ml``),
and selecting it (:mod:`serving.queries.anomalies`).

What is shown is in the path, ``/anomalies/<series>/<day or week>/<date>``, so a link or a
bookmark opens the same unusual day with what drove it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from html import escape
from typing import Any, get_args
from urllib.parse import quote

import pandas as pd
from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard.charts import chart, dots, line, money_axis, see_through
from serving.dashboard.components import empty, note, panel, right, rows_of, stat_card
from serving.dashboard.tables import data_table
from serving.dashboard.view import Page, View
from serving.palette import direction_colours
from serving.queries.anomalies import LISTS, TOTAL, Grain, anomaly_drivers, expectations, scored_series
from serving.queries.health import model_warnings
from warehouse.wording import MISSING, count, day, is_missing, number, percent, plural

PATH = "/anomalies"

LATEST_SHOWN = 12
"""Unusual periods told one by one; all are in the list below."""

MOST_CHIPS = 24

# shape and word as well as colour: (symbol on the chart, sign in texts, what it is)
_SHAPES: Mapping[str, tuple[str, str, str]] = {
    "spike": ("triangle-up", "▲", "far above what was expected"),
    "drop": ("triangle-down", "▼", "far below it"),
    "silence": ("x", "✕", "expected trading days without a sale"),
}

# a longer gap parts the band: nothing was expected of the time between
_LONGEST_GAP = timedelta(days=31)

_MONTHS_SHOWN_FROM = timedelta(days=200)


@dataclass(frozen=True)
class _Choice:
    """What the path asks to see, made good by what there is."""

    series: str
    grain: Grain
    on: date | None
    """An unusual period that is told in full; None for the latest one."""


def render(view: View) -> html.Div:
    """The page."""
    found = scored_series(view.reading, view.filters)
    head: list[Any] = []
    if view.filters.is_about_customers:
        head.append(
            note(
                "The series are of all sales, also those without a customer: the filters on segment, orders, expected "
                "revenue, customer id and slipping change nothing on this page. Dates and countries do."
            )
        )
    if found.empty:
        return ui.page(*head, panel("Unusual days and weeks", _nothing_scored(view)))
    choice, problem = _choose(view.argument, found)
    if problem:
        head.append(note(problem, kind="warning"))
    scored = expectations(view.reading, choice.series, choice.grain, view.filters)
    flagged = scored[scored["is_flagged"]].sort_values("date", ascending=False)
    told = _told(choice, flagged)
    return ui.page(
        *head,
        *(note(text, kind="warning") for text in model_warnings(view.reading, "revenue_anomalies")),
        _cards(choice, scored, flagged),
        panel(
            f"Revenue of {_of(choice.series)} by {choice.grain}",
            _chips(view, found, choice),
            _drawn(view, choice, scored, told),
            about="Net revenue as booked, with the range that the "
            + ("trading days" if choice.grain == "day" else "weeks")
            + " just before suggest. A point outside it is unusual. Of all sales; "
            "the dates and countries chosen above apply.",
        ),
        ui.columns(
            panel(
                "What was unusual, and why",
                _odd_list(view, choice, flagged, told),
                about=f"Unusual {choice.grain}s of this series, the latest first. Choose one to see what drove it.",
            ),
            panel(
                "What drove it",
                _drivers(view, choice, flagged, told),
                about="Who or what accounts for most of the difference to what was expected. The kinds overlap "
                "(an invoice is a customer's, and of a country): don't add them up.",
            ),
        ),
        panel(
            "All unusual days and weeks",
            data_table(view, LISTS[0]),
            about="Of every series watched, with its cause; the dates and countries chosen above apply.",
        ),
    )


# ---- what is shown ---------------------------------------------------------------


def _choose(argument: str, found: pd.DataFrame) -> tuple[_Choice, str]:
    """The series, grain and date of the path, else the first series and its latest unusual period.

    A country's name may hold a slash, so the path is read from its end.
    """
    parts = [part for part in argument.split("/") if part]
    on: date | None = None
    problem = ""
    if parts and parts[-1][:1].isdigit():
        try:
            on = date.fromisoformat(parts[-1])
        except ValueError:
            problem = f"“{parts[-1][:40]}” is not a day such as 2011-09-20, and was left out."
        parts.pop()
    asked_grain: Any = parts.pop() if parts and parts[-1] in get_args(Grain) else None
    asked = "/".join(parts)
    series = asked if asked in set(found["series"]) else str(found["series"].iloc[0])
    if asked and series != asked:
        problem = (
            f"No revenue of “{asked[:60]}” is watched under these filters: too few days with sales, or not "
            f"among the countries chosen. Shown is {_of(series)}."
        )
    grains: list[Grain] = list(found.loc[found["series"] == series, "grain"])
    grain = asked_grain if asked_grain in grains else grains[0]
    if asked_grain and asked_grain != grain:
        problem = problem or f"{ui.begun(_of(series))} is not watched by {asked_grain}, only by {grain}."
    return _Choice(series, grain, on if grain == (asked_grain or grain) else None), problem


def _told(choice: _Choice, flagged: pd.DataFrame) -> date | None:
    """The unusual period that is told in full: the one asked for, else the latest."""
    days = [moment.date() for moment in flagged["date"]]
    if choice.on is not None:
        return choice.on if choice.on in days else None
    return days[0] if days else None


def _path(series: str, grain: str, on: date | None = None) -> str:
    steps = [PATH, quote(series, safe=""), grain]
    if on is not None:
        steps.append(on.isoformat())
    return "/".join(steps)


def _of(series: str) -> str:
    return "the whole shop" if series == TOTAL else series


def _when(on: date, grain: str) -> str:
    return day(on) if grain == "day" else f"week of {day(on)}"


# ---- parts -----------------------------------------------------------------------


def _nothing_scored(view: View) -> html.Div:
    filters = view.filters
    if filters.countries:
        named = ", ".join(filters.countries[:5]) + (" …" if len(filters.countries) > 5 else "")
        return empty(
            f"No revenue of {named} is watched by itself.",
            "A country is watched while it sells on nearly every trading day, or in most weeks: with less, nothing "
            "usual can be told from unusual. Take the country filter away to see the whole shop.",
        )
    return empty(
        "No day or week was scored yet.",
        "A day is compared with the trading days before it (28 of them unless set otherwise), a week with the "
        "weeks before: there must be more history than that.",
    )


def _cards(choice: _Choice, scored: pd.DataFrame, flagged: pd.DataFrame) -> html.Div:
    by_direction = flagged["direction"].value_counts()
    span = (
        f"{_when(scored['date'].iloc[0], choice.grain)} to {_when(scored['date'].iloc[-1], choice.grain)}"
        if len(scored)
        else "none in these dates"
    )
    share = f"{percent(100 * len(flagged) / len(scored))} of those scored" if len(scored) else ""
    return ui.stat_cards(
        stat_card(f"{choice.grain.capitalize()}s scored", count(len(scored)), about=span, key="scored_periods"),
        stat_card(f"Unusual {choice.grain}s", count(len(flagged)), about=share, key="odd_periods"),
        *(
            stat_card(
                f"{sign} {direction.capitalize()}s",
                count(by_direction.get(direction, 0)),
                about=about,
                key=f"odd_{direction}s",
            )
            for direction, (_, sign, about) in _SHAPES.items()
        ),
    )


def _chips(view: View, found: pd.DataFrame, choice: _Choice) -> html.Div:
    odd_of = {(row.series, row.grain): int(row.flagged) for row in rows_of(found)}
    grains_of: dict[str, list[str]] = {}
    for name, grain in odd_of:
        grains_of.setdefault(name, []).append(grain)
    shown = list(grains_of)[:MOST_CHIPS]
    if choice.series not in shown:
        shown.append(choice.series)
    more = len(grains_of) - len(shown)

    def chip(text: str, series: str, grain: str) -> html.Li:
        odd = odd_of[series, grain]
        label = [text, html.Span(f"{count(odd)} unusual", className="chip-count")] if odd else [text]
        if (series, grain) == (choice.series, choice.grain):
            return html.Li(html.Span(label, className="chip chip-current", **{"aria-current": "true"}))
        return html.Li(dcc.Link(label, href=view.link(_path(series, grain)), className="chip"))

    series = [
        # the grain that is shown, where a series has it
        chip("Whole shop" if name == TOTAL else name, name, choice.grain if choice.grain in grains else grains[0])
        for name, grains in ((name, grains_of[name]) for name in shown)
    ]
    by_grain = [chip(f"By {grain}", choice.series, grain) for grain in grains_of[choice.series]]
    return html.Div(
        [
            html.Ul(series, className="chips", **{"aria-label": "Series"}),
            html.P(f"{plural(more, 'more series')}: choose a country above to see it.") if more > 0 else None,
            html.Ul(by_grain, className="chips", **{"aria-label": "By day or week"}),
        ]
    )


def _drawn(view: View, choice: _Choice, scored: pd.DataFrame, told: date | None) -> html.Div:
    if scored.empty:
        return empty(
            "No period of this series was scored in these dates.",
            "The first ones of a series have too little before them to be compared with. Widen the date range.",
        )
    tokens = view.tokens
    is_long = scored["date"].iloc[-1] - scored["date"].iloc[0] > _MONTHS_SHOWN_FROM
    traces = []
    for position, part in enumerate(_unbroken(scored)):
        is_first = position == 0
        band = {"legendgroup": "band", "name": "Expected range"}
        fill = {"fill": "tonexty", "fillcolor": see_through(tokens.accent, 0.16)}
        middle = {"line": {"dash": "dot"}, "legendgroup": "expected", "name": "Expected"}
        traces += [
            line(part, "date", "lower", tokens.accent, 0, showlegend=False, **band),
            line(part, "date", "upper", tokens.accent, 0, showlegend=is_first, **fill, **band),
            line(part, "date", "expected", tokens.neutral, 1.2, showlegend=is_first, **middle),
        ]
    mode = "lines+markers" if len(scored) <= 60 else "lines"
    hover = partial(_hover, view, choice)
    # nothing on the days between those that were scored, so that closed days break the line
    by_date = {row.date: row for row in rows_of(scored)}
    days = pd.date_range(scored["date"].iloc[0], scored["date"].iloc[-1], freq="D" if choice.grain == "day" else "7D")
    traces.append(
        line(
            [by_date.get(at) for at in days],
            days.tolist(),
            lambda row: row and row.actual,
            tokens.accent,
            1.6,
            lambda row: hover(row) if row else "",
            mode=mode,
            marker={"size": 4},
            name="Booked",
        )
    )
    edge = {"line": {"width": 1, "color": tokens.surface}}
    for direction, colour in direction_colours(view.theme).items():
        part = scored[scored["direction"] == direction]
        if len(part):
            look: dict[str, Any] = {"symbol": _SHAPES[direction][0], "marker": edge, "name": direction.capitalize()}
            traces.append(dots(part, "date", "actual", colour, 11, hover, **look))
    at = scored[scored["date"].dt.date == told] if told else scored.iloc[:0]
    if len(at):
        ring: dict[str, Any] = {"symbol": "circle-open", "marker": {"line": {"width": 2}}, "name": "Explained below"}
        traces.append(dots(at, "date", "actual", tokens.text, 21, **ring))
    return chart(
        view,
        traces,
        name="anomalies-series",
        description=_described(view, choice, scored),
        height=380,
        showlegend=True,
        # in British order; Plotly writes the second line once a year
        xaxis={"type": "date", "nticks": 6, "tickformat": "%b\n%Y" if is_long else "%-d %b\n%Y"},
        yaxis=money_axis(
            view, [*scored["actual"], *scored["lower"], *scored["upper"]], f"Net revenue per {choice.grain}"
        ),
    )


def _unbroken(scored: pd.DataFrame) -> list[pd.DataFrame]:
    part = (scored["date"].diff() > _LONGEST_GAP).cumsum()
    return [rows for _, rows in scored.groupby(part, sort=True)]


def _hover(view: View, choice: _Choice, row: Any) -> str:
    lines = [
        f"<b>{_when(row.date, choice.grain)}</b>",
        f"Booked {view.money(row.actual)}",
        f"Expected {view.money(row.expected)}, from {view.money(row.lower)} to {view.money(row.upper)}",
    ]
    if row.is_flagged:
        lines.append(f"<b>{row.direction.capitalize()}</b>")
        # a cause may name what a customer or a product is called
        lines += [escape(line) for line in textwrap.wrap(row.cause, 56)[:8]]
    return "<br>".join(lines)


def _described(view: View, choice: _Choice, scored: pd.DataFrame) -> str:
    flagged = scored[scored["is_flagged"]]
    by_direction = flagged["direction"].value_counts()
    parts = [plural(int(by_direction[direction]), direction) for direction in _SHAPES if direction in by_direction]
    text = (
        f"Net revenue of {_of(choice.series)} by {choice.grain}, "
        f"{day(scored['date'].iloc[0])} to {day(scored['date'].iloc[-1])}, "
        f"between {view.short_money(scored['actual'].min())} and "
        f"{view.short_money(scored['actual'].max())}. "
    )
    if not parts:
        return text + f"Every {choice.grain} was within its expected range."
    return text + f"{plural(len(flagged), choice.grain)} of {count(len(scored))} unusual: {', '.join(parts)}."


def _mark(direction: str) -> html.Span:
    sign = ui.hidden(_SHAPES[direction][1])
    return html.Span([sign, f" {direction.capitalize()}"], className=f"odd-mark odd-{direction}")


def _odd_list(view: View, choice: _Choice, flagged: pd.DataFrame, told: date | None) -> Any:
    if flagged.empty:
        return empty(
            f"No {choice.grain} of this series was unusual in these dates.",
            "Every one was within the range that those before suggest.",
        )
    items = []
    for row in rows_of(flagged.head(LATEST_SHOWN)):
        on = row.date.date()
        is_told = on == told
        when: Any = _when(on, choice.grain)
        when = (
            html.Span(when, **{"aria-current": "true"})
            if is_told
            else dcc.Link(when, href=view.link(_path(choice.series, choice.grain, on)))
        )
        booked = f"{view.money(row.actual)} booked, {view.money(row.expected)} expected"
        head = html.Div([_mark(row.direction), when, html.Span(booked, className="about")], className="odd-head")
        items.append(html.Li([head, html.P(row.cause)], className="odd-current" if is_told else None))
    more = len(flagged) - len(items)
    rest = ui.remark(f"And {count(more)} earlier: see the list below.") if more > 0 else None
    return html.Div([html.Ul(items, className="odd-list"), rest])


def _drivers(view: View, choice: _Choice, flagged: pd.DataFrame, told: date | None) -> Any:
    if told is None:
        if choice.on is not None:
            return empty(
                f"{ui.begun(_when(choice.on, choice.grain))} is not among the unusual {choice.grain}s shown.",
                "It was within its expected range, or is outside of the dates chosen above.",
            )
        return empty("Nothing was unusual, so there is nothing to explain.")
    flag = flagged[flagged["date"].dt.date == told].iloc[0]
    frame = anomaly_drivers(view.reading, choice.series, choice.grain, told)
    head = html.P(
        [
            html.Strong(ui.begun(_when(told, choice.grain))),
            f": {view.money(abs(flag.actual - flag.expected))} "
            f"{'more' if flag.actual > flag.expected else 'less'} than expected, a score of {number(flag.score)}.",
        ]
    )
    if frame.empty:
        return html.Div([head, empty("No order, customer, product or country stands out.")])
    table = ui.table(
        f"What drove the {flag.direction} of {_when(told, choice.grain)}",
        frame,
        {
            "Kind": lambda row: row.dimension.capitalize(),
            "Who or what": lambda row: html.Div(_member(view, row), className="member"),
            "Booked": right(lambda row: view.money(row.actual)),
            # an invoice comes once: nothing was usual of it
            "Usual": right(lambda row: MISSING if row.dimension == "invoice" else view.money(row.expected)),
            "Share of the difference": right((_share, "share_pct")),
        },
    )
    return html.Div([head, table])


def _member(view: View, row: Any) -> Any:
    label = row.label.removeprefix(f"{row.dimension} ")
    is_customer = row.dimension == "customer" and row.member != "(none)"
    return ui.customer_link(view, row.member, label) if is_customer else label


def _share(share_pct: float) -> html.Div:
    width = 0.0 if is_missing(share_pct) else min(max(share_pct, 0.0), 100.0)
    bar = html.Span(className="share-bar", style={"width": f"{width:.1f}%"})
    return html.Div([ui.hidden(bar, className="share-track"), percent(share_pct, 0)], className="share")


PAGE = Page(PATH, "Unusual days", render)
