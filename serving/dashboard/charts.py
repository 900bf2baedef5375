"""Charts: one look for all of them, and one builder for each kind of mark.

Belongs here: what every chart has in common (fonts, lines, margins and legends as a template of
Plotly's), marks, axes and colour scales, and a chart with its description on a page. Does not belong
here: what a chart shows, and the colours themselves (:mod:`serving.palette`).

Figures are plain dicts: Plotly's classes look at every single value, which took four fifths of a
page's time. Tests put the figures of every page through those classes instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from dash import dcc, html

from serving.dashboard.components import reader, rows_of
from serving.dashboard.view import View
from serving.palette import BAR_EDGE, FONT, SEQUENTIAL, TOKENS, Theme
from warehouse.wording import currency_symbol

Trace = dict[str, Any]
"""One series of marks, with the properties of Plotly's."""

NAMES: Mapping[str, Any] = {"type": "category", "autorange": "reversed", "showgrid": False}
"""An axis of names, the first one on top."""

LEGEND_ABOVE: Mapping[str, Any] = {"legend": {"y": 1.02, "yanchor": "bottom"}, "showlegend": True}

_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    # a wheel over the map scrolls the page
    "scrollZoom": False,
    # "Share chart…" would upload the figures to a server of Plotly's
    "showSendToCloud": False,
    "plotlyServerURL": "",
    # map outlines come from our own assets, not from Plotly's server
    "topojsonURL": "/assets/map/",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg"},
}


@lru_cache
def template(theme: Theme) -> dict[str, Any]:
    """What every chart of a theme has, unless it says otherwise."""
    tokens = TOKENS[theme]
    clear, hover = "rgba(0,0,0,0)", "%{customdata}<extra></extra>"
    axis = {
        # in a template a line's colour alone doesn't show it
        "showline": True,
        "showgrid": True,
        "zeroline": True,
        "gridcolor": tokens.grid,
        "linecolor": tokens.border,
        "zerolinecolor": tokens.border,
        "zerolinewidth": 2,
        "ticks": "",
        "tickfont": {"color": tokens.muted},
        "title": {"font": {"color": tokens.muted, "size": 12}, "standoff": 15},
        "automargin": True,
    }
    scale = {"outlinewidth": 0, "ticks": "", "thickness": 10, "tickfont": {"color": tokens.muted}}
    layout = {
        "autotypenumbers": "strict",
        "font": {"family": FONT, "size": 13, "color": tokens.text},
        "paper_bgcolor": clear,
        "plot_bgcolor": clear,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": axis,
        "yaxis": axis,
        "showlegend": False,
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
        "annotationdefaults": {"arrowcolor": tokens.muted, "arrowhead": 0, "arrowwidth": 1},
        "geo": {
            "bgcolor": clear,
            "showframe": False,
            "showcoastlines": False,
            "showland": True,
            "landcolor": tokens.grid,
            "showcountries": True,
            "countrycolor": tokens.border,
            "subunitcolor": "white",
            "showlakes": False,
        },
    }
    marks: dict[str, dict[str, Any]] = {
        "scatter": {},
        "waterfall": {},
        "treemap": {},
        "bar": {"marker": {"line": {"color": BAR_EDGE, "width": 0.5}}},
        "heatmap": {"xgap": 2, "ygap": 2, "hoverongaps": False, "colorbar": scale},
        "choropleth": {"colorbar": scale, "marker": {"line": {"color": tokens.surface, "width": 0.5}}},
    }
    data = {kind: [{"type": kind, "hovertemplate": hover, **own}] for kind, own in marks.items()}
    return {"layout": layout, "data": data}


def chart(
    view: View, traces: Sequence[Trace], *, name: str, description: str, height: int = 320, **layout: Any
) -> html.Div:
    """A chart on the page.

    Parameters
    ----------
    name
        Its id, unique on the page.
    description
        What it shows, in words, for those who don't see it: the finding, not the kind of chart.
    layout
        Layout of Plotly's own, over the template's.
    """
    drawn = {"data": list(traces), "layout": {"template": template(view.theme), **layout}}
    return html.Div(
        dcc.Graph(id=name, figure=drawn, config=_CONFIG, style={"height": f"{height}px"}),
        # not "img": that hides what is inside, and a chart has buttons
        role="figure",
        className="chart",
        **{"aria-label": description},
    )


# ---- marks -------------------------------------------------------------------------


# A mark reads its rows as a table does, by what `serving.dashboard.components.reader` knows, or takes values as they
# are; a colour or a size may be a function of the row.


def bars(rows: Any, x: Any, y: Any, colour: Any, hover: Any, **more: Any) -> Trace:
    """Bars up from the horizontal axis; ``marker`` of ``more`` is added to the colour."""
    marker = {"color": _each(rows, colour), **more.pop("marker", {})}
    return {"type": "bar", **_placed(rows, x, y, hover), "marker": marker, **more}


def flat_bars(rows: Any, label: Any, length: Any, colour: Any, hover: Any, **more: Any) -> Trace:
    """Bars to the right of the vertical axis."""
    return {**bars(rows, length, label, colour, hover), "orientation": "h", **more}


def line(rows: Any, x: Any, y: Any, colour: Any, width: float, hover: Any = None, **more: Any) -> Trace:
    """Points joined by a line; without ``hover`` nothing is told of them."""
    stroke = {"color": colour, "width": width, **more.pop("line", {})}
    return {"type": "scatter", "mode": "lines", **_placed(rows, x, y, hover), "line": stroke, **more}


def dots(
    rows: Any, x: Any, y: Any, colour: Any, size: Any, hover: Any = None, *, symbol: str = "circle", **more: Any
) -> Trace:
    """Single marks; ``marker`` of ``more`` is added to colour, size and symbol."""
    marker = {"color": _each(rows, colour), "size": size, "symbol": symbol, **more.pop("marker", {})}
    return {"type": "scatter", "mode": "markers", **_placed(rows, x, y, hover), "marker": marker, **more}


def _placed(rows: Any, x: Any, y: Any, hover: Any) -> Trace:
    told = {"hoverinfo": "skip"} if hover is None else {"customdata": _each(rows, reader(hover))}
    return {"x": _each(rows, reader(x)), "y": _each(rows, reader(y)), **told}


def _each(rows: Any, told: Any) -> Any:
    return [told(row) for row in rows_of(rows)] if callable(told) else told


def heat_map(
    x: Sequence[Any],
    y: Sequence[Any],
    cells: Sequence[Sequence[Any]],
    value: Callable[[Any], float | None],
    *,
    hover: Callable[[Any], str] | None = None,
    text: Callable[[Any], str] | None = None,
    **more: Any,
) -> Trace:
    """A grid of cells, a list for each of ``y``, coloured by their values; where a cell is None there is nothing."""

    def each(write: Callable[[Any], Any], nothing: Any) -> list[list[Any]]:
        return [[nothing if cell is None else write(cell) for cell in row] for row in cells]

    drawn: Trace = {"type": "heatmap", "x": x, "y": y, "z": each(value, None)}
    if hover is not None:
        drawn["customdata"] = each(hover, "")
    if text is not None:
        font = {"size": 11, **more.pop("textfont", {})}
        drawn |= {"text": each(text, ""), "texttemplate": "%{text}", "textfont": font}
    return drawn | more


# ---- colours -----------------------------------------------------------------------


def colour_scale(theme: Theme, *, first: int = 0) -> list[list[Any]]:
    """From little to much; without the ``first`` palest shades where nothing is no value."""
    shades = SEQUENTIAL[theme][first:]
    return [[at / (len(shades) - 1), shade] for at, shade in enumerate(shades)]


def see_through(colour: str, opacity: float) -> str:
    """A colour ``#rrggbb`` that lets through what lies below."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


# ---- axes --------------------------------------------------------------------------


def titled_axis(text: str, **more: Any) -> dict[str, Any]:
    """An axis with its title, which names the unit."""
    return {"title": {"text": text}, **more}


def count_axis(text: str, most: float, *, nticks: int = 5, **more: Any) -> dict[str, Any]:
    """An axis of whole numbers up to ``most``: of a few, Plotly would put halves between them, and write 0, 1, 1, 2."""
    return titled_axis(text, tickformat=",d", **({"dtick": 1} if most < nticks else {"nticks": nticks}), **more)


def money_axis(view: View, values: Sequence[float], title: str, *, steps: int = 4) -> dict[str, Any]:
    """Ticks in the shop's currency: Plotly's own would say k and M in another way than the text."""
    low, high = min(0.0, *values), max(0.0, *values)
    step = _round_step((high - low) / steps)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [step * number for number in range(first, last + 1)]
    return {
        "title": {"text": f"{title} ({currency_symbol(view.currency).strip()})"},
        "tickvals": ticks,
        "ticktext": [view.round_money(tick) for tick in ticks],
    }


def _round_step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)


def few_names(labels: Sequence[str], most: int, *, from_end: bool = False) -> dict[str, Any]:
    """An axis of categories that names at most ``most`` of them, in two lines each so that they fit a phone."""
    step = -(-len(labels) // most)
    named = labels[::-1][::step] if from_end else labels[::step]
    return {
        "type": "category",
        "showgrid": False,
        "tickvals": list(named),
        "ticktext": [label.replace(" ", "<br>") for label in named],
        "tickangle": 0,
    }
