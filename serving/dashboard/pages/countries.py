"""The page about countries: what each brings, on a map, by month, as a list.

Belongs here: how the answers of :mod:`serving.queries.revenue` about countries are shown. Does not
belong here: any figure's making.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

import pandas as pd
from dash import html

from serving.dashboard import components as ui
from serving.dashboard.charts import NAMES, chart, colour_scale, few_names, flat_bars, heat_map, money_axis
from serving.dashboard.components import NOTHING, empty, rows_of
from serving.dashboard.tables import data_table
from serving.dashboard.view import Page, View, redrawn
from serving.queries.revenue import COUNTRIES, country_months, country_revenue, monthly_revenue
from warehouse import wording

BAR_COUNTRIES = 10
GRID_COUNTRIES = 12


def render(view: View) -> Any:
    """The countries of one view."""
    months = monthly_revenue(view.reading, view.filters)
    if months.empty:
        return ui.page(empty(*NOTHING))
    countries = country_revenue(view.reading, view.filters)
    has_choice = bool(countries["is_home_country"].any()) and len(countries) > 1
    choices = {"all": "All", "without": f"Without {view.reading.about.home_country}"}
    return ui.page(
        ui.columns(
            ui.panel(
                "Revenue by country",
                html.Div(_country_bars(view, countries, without_home=False), id="countries-bars"),
                about="Net revenue by the country of the invoice, the ten largest." + ui.scope(view),
                tools=ui.switch("countries-home", choices, "With or without the home country") if has_choice else None,
            ),
            ui.panel(
                "World map",
                _map(view, countries),
                about="Net revenue by the country of the invoice; each step of the scale is ten times the one before.",
            ),
        ),
        ui.panel(
            "Countries by month",
            _grid(view, countries, months),
            about=f"Net revenue of the {GRID_COUNTRIES} largest countries; each step of the scale is ten times the one "
            "before. Empty: nothing, or more returned than sold.",
        ),
        ui.panel(
            "Every country",
            data_table(view, COUNTRIES, height=420),
            about="Revenue of all countries by the country of the invoice; sort, filter and download.",
        ),
    )


def _country_bars(view: View, countries: pd.DataFrame, *, without_home: bool) -> list[Any]:
    kept = countries[~countries["is_home_country"]] if without_home else countries
    if kept.empty:
        return [empty(*NOTHING)]
    rows = rows_of(kept.head(BAR_COUNTRIES))[::-1]
    values = [row.net_revenue for row in rows]
    reach = max(abs(value) for value in values) or 1
    drawn = flat_bars(
        rows,
        _country_label,
        "net_revenue",
        lambda row: view.tokens.accent if row.is_home_country else view.tokens.neutral,
        partial(_country_hover, view),
        text=[view.short_money(value) for value in values],
        textposition="outside",
        cliponaxis=False,
        textfont={"color": view.tokens.text, "size": 12},
    )
    first = rows[-1]
    shown = (
        f"The {len(rows)} largest of {len(kept)}"
        if len(kept) > len(rows)
        else wording.plural(len(kept), "country", "countries")
    )
    described = (
        f"{shown}{' without the home country' if without_home else ''}. "
        f"Most net revenue comes from {first.country}, {view.short_money(first.net_revenue)}"
        + ("." if wording.is_missing(first.net_revenue_pct) else f", {wording.percent(first.net_revenue_pct)} of all.")
    )
    home = countries[countries["is_home_country"]]
    left_out = (
        f" {view.reading.about.home_country}: {view.short_money(float(home['net_revenue'].iloc[0]))}."
        if without_home and not home.empty
        else ""
    )
    return [
        chart(
            view,
            [drawn],
            name="countries-bars-chart",
            description=described,
            height=360,
            xaxis={
                **money_axis(view, values, "Net revenue", steps=2),
                # room for the amounts beside the bars
                "range": [min(0, min(values) * 1.3), max(0.0, max(values), reach * 0.1) * 1.36],
                "tickangle": 0,
            },
            yaxis={"type": "category", "showgrid": False},
        ),
        ui.remark(f"{shown}.{left_out}"),
    ]


def _country_label(row: Any) -> str:
    name = textwrap.shorten(row.country, 24, placeholder="…") or row.country[:24]
    return escape(name) + (" (home)" if row.is_home_country else "")


def _country_hover(view: View, row: Any) -> str:
    return (
        f"<b>{escape(row.country)}</b><br>{view.money(row.net_revenue)} net, "
        f"{wording.percent(row.net_revenue_pct)} of all<br>{view.money(row.gross_revenue)} gross<br>"
        f"{wording.plural(row.invoices, 'order')}, {wording.plural(row.customers, 'identified customer')}"
    )


def _map(view: View, countries: pd.DataFrame) -> list[Any]:
    is_drawn = countries["iso_alpha3"].notna() & (countries["net_revenue"] > 0)
    rows, absent = rows_of(countries[is_drawn]), rows_of(countries[~is_drawn])
    told = ui.remark(_not_on_map(view, absent)) if absent else None
    if not rows:
        return [empty("None of these sales can be placed on a map."), told]
    drawn = {
        "type": "choropleth",
        "locationmode": "ISO-3",
        "locations": [row.iso_alpha3 for row in rows],
        "z": [math.log10(row.net_revenue) for row in rows],
        "customdata": [_country_hover(view, row) for row in rows],
        **_log_colours(view, [row.net_revenue for row in rows]),
    }
    described = (
        f"{wording.plural(len(rows), 'country', 'countries')} on the map, most revenue from {rows[0].country} "
        f"({view.short_money(rows[0].net_revenue)}), least from {rows[-1].country} "
        f"({view.short_money(rows[-1].net_revenue)})."
    )
    # said here and not in the template, where Plotly would still zoom in on the countries sold to
    whole_world = {"projection": {"type": "natural earth"}, "lataxis": {"range": [-56, 84]}}
    shown = chart(
        view, [drawn], name="countries-map", description=described, height=330, dragmode=False, geo=whole_world
    )
    return [shown, told]


def _not_on_map(view: View, absent: Sequence[Any]) -> str:
    listed = [f"{row.country} ({view.short_money(row.net_revenue)})" for row in absent[:6]]
    rest = f" and {wording.count(len(absent) - 6)} more" if len(absent) > 6 else ""
    return f"Not on the map, because they have no country code or had no net revenue: {', '.join(listed)}{rest}."


def _grid(view: View, countries: pd.DataFrame, by_month: pd.DataFrame) -> html.Div:
    named = rows_of(countries[countries["net_revenue"] > 0].head(GRID_COUNTRIES))
    if not named:
        return empty("No country had any net revenue.")
    months = by_month["month_start"].tolist()
    cells = {(row.country, row.month_start): row for row in rows_of(country_months(view.reading, view.filters))}
    known = [cells[row.country, at].net_revenue for row in named for at in months if (row.country, at) in cells]
    labels = [wording.month(at) for at in months]
    drawn = heat_map(
        labels,
        [_country_label(row) for row in named],
        # the country and the month, of which nothing may be known
        [[(row.country, at) for at in months] for row in named],
        lambda key: _log(cells.get(key)),
        hover=lambda key: f"<b>{escape(key[0])}, {wording.month(key[1])}</b><br>{_cell_hover(cells.get(key), view)}",
        # below the names of the months
        **_log_colours(view, [value for value in known if value > 0], bar_y=-46 / (24 * len(named))),
    )
    best = max(
        (row for row in cells.values() if row.country == named[0].country),
        key=lambda row: (row.net_revenue, row.month_start),
    )
    described = (
        f"{named[0].country} leads; its best month was {wording.month(best.month_start)} with "
        f"{view.short_money(best.net_revenue)}."
    )
    return chart(
        view,
        [drawn],
        name="countries-months",
        description=described,
        # rows of 24 pixels, and below them what names the months and the colours
        height=108 + 24 * len(named),
        margin={"t": 8, "b": 100},
        # as many as fit a phone, and always the last month
        xaxis=few_names(labels, 4, from_end=True),
        yaxis=NAMES,
    )


def _log(cell: Any) -> float | None:
    return math.log10(cell.net_revenue) if cell is not None and cell.net_revenue > 0 else None


def _cell_hover(cell: Any, view: View) -> str:
    if cell is None:
        return "no sale"
    return f"{view.money(cell.net_revenue)} net<br>{wording.plural(cell.invoices, 'order')}"


def _log_colours(view: View, values: Sequence[float], *, bar_y: float = -0.04) -> dict[str, Any]:
    """A colour scale whose steps are powers of ten, labelled in money; ``bar_y`` is in heights of the plot."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    steps = list(range(low, max(high, low + 1) + 1))
    # on a phone there is room for five
    shown = steps[:: math.ceil(len(steps) / 5)]
    return {
        "zmin": steps[0],
        "zmax": steps[-1],
        "colorscale": colour_scale(view.theme, first=1),
        "colorbar": {
            "orientation": "h",
            "x": 0.5,
            "xanchor": "center",
            "y": bar_y,
            "yanchor": "top",
            "len": 0.85,
            "tickvals": shown,
            "ticktext": [view.round_money(10.0**step) for step in shown],
            "tickfont": {"size": 11},
        },
    }


def _home_chosen(view: View, choice: str) -> list[Any]:
    countries = country_revenue(view.reading, view.filters)
    return _country_bars(view, countries, without_home=choice == "without")


PAGE = Page(
    "/countries",
    "Countries",
    render,
    register=redrawn(("countries-bars", ("countries-home.value",), _home_chosen)),
)
