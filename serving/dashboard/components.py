"""Building blocks that the pages share.

Belongs here: cards, panels, notes, empty states, short tables. Does not belong here: what is in them,
charts (:mod:`serving.dashboard.charts`), and colours (:mod:`serving.palette`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
import pandas as pd
from dash import html

from serving.dashboard.view import View

NOBODY = ("No customer fits these filters.", "Widen them in the bar above, or press Reset.")
NOTHING = ("No sale fits these filters.", "Take a filter away, or choose other days.")

Rows = list[dict[str, Any]]
"""A frame's rows, for charts that read them by name."""


def page(*children: Any) -> html.Div:
    """A page's body: panels one below the other."""
    return html.Div(list(children), className="page")


def titled(title: str, *children: Any) -> html.Div:
    """A chart with its heading, for panels with several."""
    return html.Div([html.H3(title), *children], style={"minWidth": 0})


def below(title: str, *children: Any) -> html.Div:
    """A part of a panel with its heading, set off from what stands above it."""
    return html.Div([html.H3(title), *children], className="below")


def switch(name: str, choices: Mapping[str, str], label: str) -> dmc.SegmentedControl:
    """Buttons of which one is chosen, at first the first one; ``choices`` are values with their texts."""
    return dmc.SegmentedControl(
        id=name,
        data=[{"value": value, "label": text} for value, text in choices.items()],
        value=next(iter(choices)),
        size="xs",
        **{"aria-label": label},
    )


def scrolling(child: Any, label: str) -> html.Div:
    """What is too wide for a phone scrolls, also by keyboard."""
    return html.Div(child, className="table-scroll", tabIndex=0, role="region", **{"aria-label": label})


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
    table = html.Table(
        [html.Caption(caption, className="visually-hidden"), html.Thead(head), html.Tbody(body)],
        className="simple-table",
    )
    return scrolling(table, caption)


def definitions(pairs: Sequence[tuple[str, Any]]) -> html.Dl:
    """Terms with what holds of each, such as the facts of one customer."""
    return html.Dl(
        [html.Div([html.Dt(term), html.Dd(text)]) for term, text in pairs],
        className="definitions",
    )


def named_rows(frame: pd.DataFrame) -> list[Any]:
    """A frame's rows with its columns as attributes."""
    # pandas' types would have every cell be a date, a number and more
    return list(frame.itertuples(index=False))


def scope(view: View) -> str:
    """Whose sales these are, where that is not plain."""
    return " Only sales to the customers chosen above." if view.filters.is_about_customers else ""


def filter_notes(view: View) -> list[Any]:
    """What of the link could not be used, as notes above the page."""
    return [note(problem, kind="warning") for problem in view.filters.problems]
