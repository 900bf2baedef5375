"""Building blocks that the pages share.

Belongs here: cards, panels, notes, empty states, short tables. Does not belong here: what is in them,
charts (:mod:`serving.dashboard.charts`), and colours (:mod:`serving.palette`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import quote

import dash_mantine_components as dmc
import pandas as pd
from dash import dcc, html

from serving.dashboard.view import View
from serving.palette import segment_colour
from serving.queries.health import value_caveats
from warehouse.measures import measures
from warehouse.wording import count, in_unit, number, percent

NOBODY = ("No customer fits these filters.", "Widen them in the bar above, or press Reset.")
NOTHING = ("No sale fits these filters.", "Take a filter away, or choose other days.")


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


def tabs(name: str, contents: Mapping[str, tuple[str, Any]], chosen: str) -> dmc.Tabs:
    """Contents of which one is in sight; from each one's value to its title and itself.

    Only the open tab is there: a chart or a grid that was hidden would not know its size.
    """
    heads = dmc.TabsList([dmc.TabsTab(title, value=value) for value, (title, _) in contents.items()])
    panels = [dmc.TabsPanel(content, value=value, pt="sm") for value, (_, content) in contents.items()]
    return dmc.Tabs([heads, *panels], value=chosen, keepMounted=False, id=name)


def scrolling(child: Any, label: str, *, least_pixels: int = 0) -> html.Div:
    """What is too wide for a phone scrolls, also by keyboard, rather than becoming narrower than ``least_pixels``."""
    if least_pixels:
        child = html.Div(child, style={"minWidth": f"{least_pixels}px"})
    return html.Div(child, className="table-scroll", tabIndex=0, role="region", **{"aria-label": label})


def columns(*children: Any, narrow: bool = False) -> html.Div:
    """Panels side by side where there is room, one below the other where there is not."""
    return html.Div(list(children), className="columns columns-narrow" if narrow else "columns")


def panel(title: str, *children: Any, about: str = "", tools: Any = None, wide: bool = False) -> html.Section:
    """A titled box; of its children one may be a list of several.

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
    content = [one for child in children for one in (child if isinstance(child, list) else [child])]
    return html.Section(
        [html.Div(head, className="panel-head"), *content], className="panel panel-wide" if wide else "panel"
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


def stat_cards(*cards: html.Div) -> html.Div:
    """A row of :func:`stat_card`."""
    return html.Div(list(cards), className="stats")


def measure_card(view: View, key: str, value: Any, *, about: str, prefix: str) -> html.Div:
    """A measure's value under its name; ``prefix`` comes before its key in the figure's name."""
    one = measures()[key]
    told = in_unit(value, one.unit, view.currency, is_short=True)
    return stat_card(one.label, told, about=about, key=f"{prefix}.{key}")


def empty(message: str, hint: Any = "") -> html.Div:
    """Says that there is nothing to show, and why or what to do."""
    return html.Div([html.P(message, className="empty-message"), html.P(hint) if hint else None], className="empty")


def note(text: Any, *, kind: str = "info", title: str = "") -> dmc.Alert:
    """A remark that must be seen where a figure is: ``info``, ``warning`` or ``error``."""
    colour = {"info": "blue", "warning": "yellow", "error": "red"}[kind]
    return dmc.Alert(text, title=title or None, color=colour, variant="light", className=f"note note-{kind}")


def value_note(view: View) -> dmc.Alert | None:
    """What to keep in mind in customer value: the first sentence of each in sight, all of it one click away."""
    caveats = value_caveats(view.reading)
    if not caveats:
        return None
    first = [re.split(r"(?<=[.!?]) (?=[A-Z])", caveat, maxsplit=1)[0] for caveat in caveats]
    # two models may say the same
    shown: list[Any] = [html.P(" ".join(dict.fromkeys(first)))]
    if first != caveats:
        shown.append(html.Details([html.Summary("All remarks"), *map(html.P, caveats)], className="caveat"))
    return note(shown, kind="warning", title="Read expected revenue with care")


def segment_badge(segment: str | None, colour: str) -> html.Span:
    """A segment's name with its colour beside it (never the colour alone)."""
    return html.Span([hidden(className="swatch", style={"background": colour}), segment or "none"], className="segment")


def segment_mark(view: View, segment: str | None, *, kind: str | None = None) -> html.Span:
    """A segment's name beside the one colour that it has on every page; see :func:`serving.palette.segment_colour`."""
    return segment_badge(segment, segment_colour(segment, view.theme, kind=kind) if segment else view.tokens.neutral)


def hidden(sign: Any = None, **more: Any) -> html.Span:
    """A sign for the eye alone, because the words beside it say the same."""
    return html.Span(sign, **more, **{"aria-hidden": "true"})


def figure(text: Any, key: str, **more: Any) -> html.Span:
    """A figure in running text or a table, named for tests and scripts (``data-figure``)."""
    return html.Span(text, **more, **{"data-figure": key})


def begun(text: str) -> str:
    """A text as a sentence begins; not ``str.capitalize``, which would write "19 sep"."""
    return text[:1].upper() + text[1:]


def wide(text: Any) -> html.Div:
    """A sentence in a table: on a phone the table scrolls rather than breaking it word by word."""
    return html.Div(text, className="wide-cell")


def remark(*text: Any) -> html.P:
    """A line in small print."""
    return html.P(list(text), className="about")


def customer_link(view: View, customer_id: str, text: str = "") -> dcc.Link:
    """A customer's id, or another text, that opens the story and keeps the filters."""
    return dcc.Link(text or customer_id, href=view.link(f"/customers/{quote(customer_id, safe='')}"))


class _Column(NamedTuple):
    cell: Callable[[Any], Any]
    is_right: bool = False


def right(told: Any) -> _Column:
    """A column of :func:`table` that is set to the right."""
    return _column(told)._replace(is_right=True)


def _column(told: Any) -> _Column:
    if isinstance(told, _Column):
        return told
    return _Column(reader(told), is_right=isinstance(told, tuple) and told[0] in (count, number, percent))


def reader(told: Any) -> Callable[[Any], Any]:
    """What is told of a row: a column by its name, ``(count, "files")`` as a function writes it, or any function."""
    if isinstance(told, str):
        return attrgetter(told)
    if isinstance(told, tuple):
        write, name = told
        return lambda row: write(getattr(row, name))
    return told


def table(caption: str, rows: Any, columns: Mapping[Any, Any]) -> html.Div:
    """A short table that needs no paging (a dozen rows at most); longer lists use :mod:`serving.dashboard.tables`.

    Parameters
    ----------
    caption
        Its name for screen readers.
    rows
        A frame, or objects of any kind.
    columns
        From each heading to what stands below it, see :func:`reader`. Counts, numbers and percentages stand at the
        right, others where :func:`right` says so.
    """
    read = [_column(told) for told in columns.values()]
    align = ["number" if one.is_right else None for one in read]
    head = [html.Th(title, scope="col", className=at) for title, at in zip(columns, align, strict=True)]
    body = [
        html.Tr([html.Td(one.cell(row), className=at) for one, at in zip(read, align, strict=True)])
        for row in rows_of(rows)
    ]
    drawn = [html.Caption(caption, className="visually-hidden"), html.Thead(html.Tr(head)), html.Tbody(body)]
    return scrolling(html.Table(drawn, className="simple-table"), caption)


def definitions(pairs: Sequence[tuple[str, Any]]) -> html.Dl:
    """Terms with what holds of each, such as the facts of one customer."""
    return html.Dl([html.Div([html.Dt(term), html.Dd(text)]) for term, text in pairs], className="definitions")


def rows_of(told: Any) -> Sequence[Any]:
    """A frame's rows, with its columns as attributes; objects that are rows already as they are."""
    # pandas' types would have every cell be a date, a number and more
    return list(told.itertuples(index=False)) if isinstance(told, pd.DataFrame) else told


def scope(view: View) -> str:
    """Whose sales these are, where that is not plain."""
    return " Only sales to the customers chosen above." if view.filters.is_about_customers else ""
