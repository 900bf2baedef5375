"""Building blocks that the pages share.

Belongs here: cards, panels, notes, empty states, and a chart with its description. Does not
belong here: what is in them, and colours (:mod:`serving.palette`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import dash_mantine_components as dmc
import pandas as pd
import plotly.graph_objects as go
from dash import dcc, html

from serving.dashboard.view import View
from serving.palette import FONT, TOKENS, Theme
from warehouse.wording import currency_symbol, round_money

GRAPH_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    # a wheel over the map scrolls the page
    "scrollZoom": False,
    # map outlines come from our own assets, not from Plotly's server
    "topojsonURL": "/assets/map/",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg"},
}


def page(*children: Any) -> html.Div:
    """A page's body: panels one below the other."""
    return html.Div(list(children), className="page")


def columns(*children: Any, narrow: bool = False) -> html.Div:
    """Panels side by side where there is room, one below the other where there is not."""
    return html.Div(list(children), className="columns columns-narrow" if narrow else "columns")


def panel(title: str, *children: Any, about: str = "", tools: Any = None, wide: bool = False) -> html.Section:
    """A titled box.

    Parameters
    ----------
    about
        One line below the title: what is shown, in which unit.
    tools
        Controls at the right of the title.
    wide
        Takes the whole width among :func:`columns`.
    """
    head: list[Any] = [html.Div([html.H2(title), html.P(about, className="about") if about else None])]
    if tools is not None:
        head.append(html.Div(tools, className="tools"))
    return html.Section(
        [html.Div(head, className="panel-head"), *children], className="panel panel-wide" if wide else "panel"
    )


def stat_card(
    label: str, value: str, *, change: str = "", is_good: bool | None = None, about: str = "", key: str = ""
) -> html.Div:
    """One figure with its change.

    Parameters
    ----------
    is_good
        Colours the change: True good, False bad, None neither.
    about
        What the change is against, or why there is none.
    key
        Names the figure for tests and scripts (``data-figure``).
    """
    tone = {True: "good", False: "bad", None: "neutral"}[is_good]
    attributes: dict[str, Any] = {"data-figure": key} if key else {}
    return html.Div(
        [
            html.Div(label, className="stat-label"),
            html.Div(value, className="stat-value", **attributes),
            html.Div(
                [html.Span(change, className=f"stat-change {tone}") if change else None, html.Span(about)],
                className="stat-about",
            ),
        ],
        className="stat",
    )


def stat_cards(cards: Sequence[html.Div]) -> html.Div:
    """A row of :func:`stat_card`."""
    return html.Div(list(cards), className="stats")


def empty(message: str, hint: Any = "") -> html.Div:
    """Says that there is nothing to show, and why or what to do."""
    return html.Div([html.P(message, className="empty-message"), html.P(hint) if hint else None], className="empty")


def note(text: Any, *, kind: str = "info", title: str = "") -> dmc.Alert:
    """A remark that must be seen where a figure is: ``info``, ``warning`` or ``error``."""
    colour = {"info": "blue", "warning": "yellow", "error": "red"}[kind]
    return dmc.Alert(text, title=title or None, color=colour, variant="light", className=f"note note-{kind}")


def value_note(caveats: Sequence[str]) -> dmc.Alert | None:
    """What to keep in mind in customer value: the first sentence of each in sight, all of it one click away."""
    if not caveats:
        return None
    first = [re.split(r"(?<=[.!?]) (?=[A-Z])", caveat, maxsplit=1)[0] for caveat in caveats]
    shown: list[Any] = [html.P(" ".join(first))]
    if first != list(caveats):
        shown.append(html.Details([html.Summary("All remarks"), *map(html.P, caveats)], className="caveat"))
    return note(shown, kind="warning", title="Read the expected values with care")


def segment_badge(segment: str | None, colour: str) -> html.Span:
    """A segment's name with its colour beside it (never the colour alone)."""
    return html.Span(
        [html.Span(className="swatch", style={"background": colour}, **{"aria-hidden": "true"}), segment or "none"],
        className="segment",
    )


def figure(theme: Theme, **layout: Any) -> go.Figure:
    """An empty figure in the house style; traces are added to it.

    Parameters
    ----------
    layout
        Layout of Plotly's own, over the house style.
    """
    tokens = TOKENS[theme]
    axis = {
        "gridcolor": tokens.grid,
        "linecolor": tokens.border,
        "zerolinecolor": tokens.border,
        "tickfont": {"color": tokens.muted},
        "title": {"font": {"color": tokens.muted, "size": 12}},
        "automargin": True,
    }
    house: dict[str, Any] = {
        "font": {"family": FONT, "size": 13, "color": tokens.text},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": axis,
        "yaxis": axis,
        "legend": {"orientation": "h", "y": -0.18, "x": 0, "font": {"color": tokens.text}},
        "hoverlabel": {
            "bgcolor": tokens.surface,
            "bordercolor": tokens.border,
            "font": {"color": tokens.text, "family": FONT},
            "align": "left",
        },
        "hovermode": "closest",
        "bargap": 0.25,
        # "." thousands would change with the browser's language
        "separators": ".,",
    }
    # all at once: updating a figure costs 6 ms each time, and a page has half a dozen
    own = {name: value for name, value in layout.items() if "_" not in name}
    drawn = go.Figure(layout=_merged(house, own))
    nested = {name: value for name, value in layout.items() if "_" in name}
    if nested:
        drawn.update_layout(**nested)
    return drawn


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        merged[name] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def money_axis(view: View, values: Sequence[float], title: str, *, steps: int = 4) -> dict[str, Any]:
    """Ticks in the shop's currency: Plotly's own would say k and M in another way than the text."""
    low, high = min(0.0, *values), max(0.0, *values)
    step = _round_step((high - low) / steps)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [step * number for number in range(first, last + 1)]
    return {
        "title": {"text": f"{title} ({currency_symbol(view.currency).strip()})"},
        "tickvals": ticks,
        "ticktext": [round_money(tick, view.currency) for tick in ticks],
    }


def _round_step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)


def chart(drawn: go.Figure, *, name: str, description: str, height: int = 320) -> html.Div:
    """A figure on the page.

    Parameters
    ----------
    name
        Its id, unique on the page.
    description
        What it shows, in words, for those who don't see it: the finding, not the kind of chart.
    """
    return html.Div(
        dcc.Graph(id=name, figure=drawn, config=GRAPH_CONFIG, style={"height": f"{height}px"}),
        # not "img": that hides what is inside, and a chart has buttons
        role="figure",
        className="chart",
        **{"aria-label": description},
    )


def simple_table(
    headers: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str, numeric: Sequence[int] = ()
) -> html.Div:
    """A short table that needs no paging (a dozen rows at most); longer lists use :mod:`serving.dashboard.tables`.

    Parameters
    ----------
    caption
        Its name for screen readers.
    numeric
        Positions of the columns that are set to the right.
    """
    align = dict.fromkeys(numeric, "number")
    head = html.Tr([html.Th(text, scope="col", className=align.get(at)) for at, text in enumerate(headers)])
    body = [html.Tr([html.Td(cell, className=align.get(at)) for at, cell in enumerate(row)]) for row in rows]
    return html.Div(
        html.Table(
            [html.Caption(caption, className="visually-hidden"), html.Thead(head), html.Tbody(body)],
            className="simple-table",
        ),
        className="table-scroll",
        tabIndex=0,
        role="region",
        **{"aria-label": caption},
    )


def definitions(pairs: Sequence[tuple[str, Any]]) -> html.Dl:
    """Terms with what holds of each, such as the facts of one customer."""
    return html.Dl(
        [html.Div([html.Dt(term), html.Dd(text)]) for term, text in pairs],
        className="definitions",
    )


def named_rows(frame: pd.DataFrame) -> Iterator[Any]:
    """A frame's rows with its columns as attributes."""
    # pandas' types would have every cell be a date, a number and more
    return iter(frame.itertuples(index=False))


def filter_notes(view: View) -> list[Any]:
    """What of the link could not be used, as notes above the page."""
    return [note(problem, kind="warning") for problem in view.filters.problems]
