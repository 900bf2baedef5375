"""The dashboard: one frame around all pages.

Belongs here: the frame (menu, filters, theme), keeping the filters in the URL, and drawing the
page that the URL names. Does not belong here: what is on a page.

The URL is the one place where a view is kept. The filter bar writes it, the page reads it; so a
link, a bookmark and the back button show what they showed before.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate
from flask import Flask

from serving.dashboard import tables
from serving.dashboard.components import empty, note
from serving.dashboard.pages import all_pages
from serving.dashboard.view import Page, View
from serving.filters import DEFAULT_METHOD, METHOD_LABELS, METHODS, PARAMETERS, Filters, with_segments_of
from serving.lists import LISTS
from serving.palette import FONT
from serving.queries.choices import countries, filters_of, found_customers, segments_of
from serving.snapshot import (
    DamagedSnapshotError,
    NoSnapshotError,
    OlderSnapshotError,
    Reading,
    SnapshotReader,
)
from warehouse.wording import count, day, moment, plural

log = logging.getLogger(__name__)
_HERE = Path(__file__).parent

TICK_SECONDS = 20
"""How often an open page looks whether something new was published."""

_CONTROLS = {name.replace("_", "-"): "checked" if name == "slipping" else "value" for name in PARAMETERS}
"""The filter bar's controls, each with the property that holds what was chosen."""


def create_dashboard(reader: SnapshotReader) -> Dash:
    """The Dash application over a home's published snapshot."""
    pages = all_pages()
    app = Dash(
        "serving.dashboard",
        server=_web_server(),
        title="Regulars",
        update_title=None,
        serve_locally=True,
        assets_folder=str(_HERE / "assets"),
        suppress_callback_exceptions=True,
        compress=True,
        index_string=(_HERE / "templates" / "index.html").read_text(),
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {"name": "robots", "content": "noindex, nofollow"},
        ],
    )
    app.enable_dev_tools(debug=False)
    app.layout = lambda: _frame()
    _register_theme(app)
    _register_filters(app, reader)
    _register_page(app, reader, pages)
    _register_news(app, reader)
    tables.register(app, reader, LISTS)
    for page in pages:
        if page.register:
            page.register(app, reader)
    return app


def _web_server() -> Flask:
    """Answers are compressed: a first visit takes a fourth of the bytes."""
    server = Flask("serving.dashboard")
    # of what every browser takes the smallest; beyond level 5 it takes longer than it saves
    server.config.update(COMPRESS_ALGORITHM=["br", "gzip"], COMPRESS_ALGORITHM_STREAMING=["br"], COMPRESS_BR_LEVEL=5)
    # what the browser has of the assets is not sent again
    server.config["COMPRESS_STREAMING_ENDPOINT_CONDITIONAL"] = ["static", "_dash_assets.static"]
    return server


# ---- the frame -----------------------------------------------------------------


def _frame() -> dmc.MantineProvider:
    return dmc.MantineProvider(
        id="mantine",
        forceColorScheme="light",
        theme={"fontFamily": FONT, "primaryColor": "blue", "defaultRadius": "md"},
        children=[
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="theme"),
            dcc.Store(id="shown"),
            dcc.Store(id="title"),
            dcc.Store(id="titled"),
            # the URL's query that the filter bar shows
            dcc.Store(id="synced"),
            dcc.Interval(id="tick", interval=TICK_SECONDS * 1000),
            html.A("Skip to the page", href="#content", className="skip"),
            html.Header(
                [
                    html.Div(
                        [html.Span("Regulars", className="brand"), html.Span(id="freshness", className="freshness")],
                        className="brand-box",
                    ),
                    html.Div(
                        [
                            html.A("Report (PDF)", id="report-link", href="/report.pdf", className="button"),
                            html.Button(
                                "Dark", id="theme-toggle", className="button", **{"aria-label": "Switch light and dark"}
                            ),
                        ],
                        className="header-tools",
                    ),
                ],
                className="header",
            ),
            html.Nav(id="menu", className="menu", **{"aria-label": "Pages"}),
            _filter_bar(),
            html.Div(id="news", role="status"),
            dcc.Loading(
                html.Main(
                    html.Div("Reading the warehouse …", className="starting", role="status"),
                    id="content",
                    tabIndex=-1,
                ),
                target_components={"content": "children"},
                overlay_style={"visibility": "visible", "opacity": 0.5},
                delay_show=300,
                custom_spinner=html.Div("Loading …", className="spinner", role="status"),
            ),
        ],
    )


def _filter_bar() -> html.Div:
    return html.Div(
        html.Details(
            [
                html.Summary(["Filters ", html.Span(id="found", className="found", role="status")]),
                html.Div(
                    [
                        dmc.Select(
                            id="filter-method",
                            label="Segments by",
                            data=[{"value": name, "label": METHOD_LABELS[name]} for name in METHODS],
                            value=DEFAULT_METHOD,
                            allowDeselect=False,
                            comboboxProps={"withinPortal": True},
                        ),
                        *(
                            dmc.MultiSelect(
                                id=f"filter-{name}",
                                label=name.capitalize(),
                                placeholder="All",
                                value=[],
                                searchable=True,
                                clearable=True,
                            )
                            for name in ("segment", "country")
                        ),
                        *(
                            dmc.DateInput(
                                id=f"filter-{name}", label=name.capitalize(), valueFormat="D MMM YYYY", clearable=True
                            )
                            for name in ("from", "to")
                        ),
                        dmc.NumberInput(
                            id="filter-min-frequency",
                            label="Min. orders",
                            min=0,
                            allowDecimal=False,
                            hideControls=True,
                            debounce=True,
                        ),
                        dmc.NumberInput(
                            id="filter-min-clv", label="Min. expected", debounce=True, decimalScale=2, hideControls=True
                        ),
                        dmc.TextInput(id="filter-customer", label="Customer id", debounce=True, placeholder="Id"),
                        dmc.Switch(id="filter-slipping", label="Slipping only", checked=False),
                        html.Button("Reset", id="filter-reset", className="button reset", type="button"),
                    ],
                    className="filters",
                ),
                html.Div(id="found-links", className="found-links"),
            ],
            open=True,
            id="filter-details",
        ),
        id="filter-bar",
        className="filter-bar",
        role="search",
        **{"aria-label": "Filters, for every page"},
    )


# ---- theme ---------------------------------------------------------------------


def _register_theme(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("regulars", "theme"),
        Output("theme", "data"),
        Output("mantine", "forceColorScheme"),
        Output("theme-toggle", "children"),
        Input("theme-toggle", "n_clicks"),
        State("theme", "data"),
    )
    app.clientside_callback(ClientsideFunction("regulars", "title"), Output("titled", "data"), Input("title", "data"))


# ---- filters -------------------------------------------------------------------


def _register_filters(app: Dash, reader: SnapshotReader) -> None:
    @app.callback(
        Output("url", "search"),
        *(Output(f"filter-{name}", held) for name, held in _CONTROLS.items()),
        Output("filter-segment", "data"),
        Output("filter-country", "data"),
        Output("filter-from", "defaultDate"),
        Output("filter-to", "defaultDate"),
        Output("synced", "data"),
        Input("url", "search"),
        *(Input(f"filter-{name}", held) for name, held in _CONTROLS.items()),
        Input("filter-reset", "n_clicks"),
        State("synced", "data"),
    )
    def keep_in_url(search: str | None, *controls: Any) -> Any:
        *values, _, synced = controls
        # What a control reports while the bar doesn't show this URL yet is an echo of the view before: some
        # report their empty value when they appear, and those that wait for the end of typing report late.
        triggered = ctx.triggered_id if synced == (search or "") else "url"
        is_from_url = triggered in (None, "url")
        try:
            with reader.reading() as reading:
                if triggered == "filter-reset":
                    filters = Filters()
                elif is_from_url:
                    filters = Filters.from_query(search or "")
                else:
                    filters = _from_controls(values)
                segments = segments_of(reading, filters.method)
                filters = with_segments_of(filters, segments)
                offered = countries(reading)
                last = reading.about.last_date
        except NoSnapshotError:
            raise PreventUpdate from None
        query = filters.to_query()
        asked = f"?{query}" if query else ""
        shown = (
            (no_update,) * len(_CONTROLS)
            if not is_from_url and triggered not in ("filter-reset", "filter-method")
            else [_shown(name, getattr(filters, held)) for name, held in PARAMETERS.items()]
        )
        latest = last.isoformat() if last else no_update
        return (
            no_update if is_from_url else asked,
            *shown,
            segments,
            offered,
            latest,
            latest,
            (search or "") if is_from_url else asked,
        )

    @app.callback(
        Output("found", "children"),
        Output("found-links", "children"),
        Output("report-link", "href"),
        Input("url", "search"),
    )
    def tell_found(search: str | None) -> Any:
        query = Filters.from_query(search or "").to_query()
        report = f"/report.pdf?{query}" if query else "/report.pdf"
        try:
            with reader.reading() as reading:
                filters = filters_of(reading, search)
                found = found_customers(reading, filters)
        except NoSnapshotError:
            return "", None, report
        if found.customers == found.of_customers:
            told = f"{plural(found.customers, 'customer')}, all of them"
        else:
            told = f"{count(found.customers)} of {plural(found.of_customers, 'customer')}"
        links = _found_links(found.customers, found.examples, filters)
        return told, [html.P(one) for one in _in_words(filters)] + [links], report


def _in_words(filters: Filters) -> list[str]:
    """What days and countries mean for sales, and what for customers."""
    told = []
    if filters.start or filters.end:
        if filters.start and filters.end:
            days = f"{day(filters.start)} to {day(filters.end)}"
        else:
            days = f"From {day(filters.start)}" if filters.start else f"Up to {day(filters.end)}"
        told.append(
            f"{days}: sales of these days, and customers who bought in them. Figures of a customer cover the whole "
            "history."
        )
    if filters.countries:
        told.append(f"{', '.join(filters.countries)}: sales to there, and customers who spend most there.")
    return told


def _found_links(customers: int, examples: Sequence[str], filters: Filters) -> Any:
    if not filters.customer:
        return None
    if not examples:
        return html.P(f"No customer's id begins with “{filters.customer}” under these filters.")
    query = filters.to_query()
    links: list[Any] = []
    for found in examples:
        links += [dcc.Link(found, href=f"/customers/{quote(found, safe='')}?{query}"), " "]
    more = customers - len(examples)
    rest = dcc.Link(f"and {count(more)} more", href=f"/customers?{query}") if more > 0 else None
    return html.P(["Found ", *links, rest])


def _from_controls(values: Sequence[Any]) -> Filters:
    """The bar's values in the order of its controls, through the same reading as a URL's."""
    pairs = [
        (name, int(one) if one is True else one)
        for name, value in zip(PARAMETERS, values, strict=True)
        for one in (value if isinstance(value, list) else [value])
        if one not in (None, "") and one is not False
    ]
    return Filters.from_query(urlencode(pairs))


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, date):
        return value.isoformat()
    # a field of numbers is cleared by a text
    return "" if value is None and name.startswith("min_") else value


# ---- the page ------------------------------------------------------------------


def _register_page(app: Dash, reader: SnapshotReader, pages: Sequence[Page]) -> None:
    @app.callback(
        Output("content", "children"),
        Output("menu", "children"),
        Output("filter-bar", "style"),
        Output("freshness", "children"),
        Output("shown", "data"),
        Output("title", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("theme", "data"),
    )
    def draw(path: str | None, search: str | None, theme: str | None) -> Any:
        if theme not in ("light", "dark"):
            raise PreventUpdate
        page, argument = _find_page(pages, path or "/")
        menu = _menu(pages, page, Filters.from_query(search or ""))
        bar = {} if page is None or page.has_filters else {"display": "none"}
        if page is None:
            lost = empty(f"There is no page {path}.", dcc.Link("Go to the overview", href="/"))
            return lost, menu, bar, no_update, no_update, "Not found – Regulars"
        try:
            with reader.reading() as reading:
                etag = reading.about.etag
                view = View.of_url(reading, search, theme, argument)
                drawn = page.render(view)
                freshness = _freshness(reading)
                # what of the link could not be used
                notes = [note(problem, kind="warning") for problem in view.filters.problems]
        except NoSnapshotError as error:
            return _nothing_yet(error), menu, bar, "", "", "Nothing published yet – Regulars"
        except OlderSnapshotError as error:
            return _of_an_older_version(error), menu, bar, "", etag, f"{page.title} – Regulars"
        except DamagedSnapshotError:
            # another file each time, until one can be read or none is left
            return draw(path, search, theme)
        except Exception:
            # shown and logged under one reference: a blank page would tell nobody anything
            reference = uuid.uuid4().hex[:8]
            log.exception("page %r could not be drawn (reference %s)", path, reference)
            told = note(
                f"This page could not be drawn. The server's log tells why, under the reference {reference}.",
                kind="error",
            )
            return told, menu, bar, no_update, no_update, f"{page.title} – Regulars"
        body = [html.H1(page.title, className="page-title"), *notes, drawn]
        return body, menu, bar, freshness, etag, f"{page.title} – Regulars"


def _find_page(pages: Sequence[Page], path: str) -> tuple[Page | None, str]:
    trimmed = "/" + path.strip("/")
    for page in sorted(pages, key=lambda one: -len(one.path)):
        if trimmed == page.path:
            return page, ""
        if page.path != "/" and trimmed.startswith(page.path + "/"):
            return page, unquote(trimmed[len(page.path) + 1 :])
    return None, ""


def _menu(pages: Sequence[Page], current: Page | None, filters: Filters) -> list[Any]:
    query = filters.to_query()
    return [
        dcc.Link(
            page.title,
            href=f"{page.path}?{query}" if query else page.path,
            className="menu-link menu-current" if page is current else "menu-link",
        )
        for page in pages
    ]


def _freshness(reading: Reading) -> list[Any]:
    about = reading.about
    told = f"Sales to {day(about.last_date)} · published {moment(about.published_at)}"
    badges = [
        ("Older snapshot", "The newest can't be read; see Data health", reading.damaged is not None),
        ("Sample data", "Made-up history, not a real shop", about.is_sample),
    ]
    told_too = [html.Span(text, className="badge", title=title) for text, title, is_so in badges if is_so]
    return [html.Span(told), *told_too]


def _nothing_yet(error: NoSnapshotError) -> html.Div:
    return html.Div(
        [
            html.H1("Nothing is published yet", className="page-title"),
            html.P("The warehouse has no snapshot to show. In the folder of the project, run:"),
            html.Pre("make run", className="command"),
            html.P(
                [
                    "With no files of your own it writes a sample history first; with ",
                    html.Code("make run LANDING=folder"),
                    " it reads yours. This page looks again by itself.",
                ]
            ),
            html.P(str(error), className="about"),
        ],
        className="empty",
    )


def _of_an_older_version(error: OlderSnapshotError) -> html.Div:
    return html.Div(
        [
            html.H1("An earlier version published these figures", className="page-title"),
            html.P(str(error).replace("`", "")),
            html.Pre("regulars refresh", className="command"),
        ],
        className="empty",
    )


# ---- news ----------------------------------------------------------------------


def _register_news(app: Dash, reader: SnapshotReader) -> None:
    @app.callback(
        Output("news", "children"),
        Input("tick", "n_intervals"),
        Input("shown", "data"),
        State("url", "pathname"),
        State("url", "search"),
    )
    def tell_news(_: int | None, shown: str | None, path: str | None, search: str | None) -> Any:
        if shown is None:
            raise PreventUpdate
        try:
            with reader.reading() as reading:
                if reading.about.etag == shown:
                    return None
                published = reading.about.published_at
        except NoSnapshotError:
            return None
        here = f"{path or '/'}{search or ''}"
        # a link that loads the page anew: somebody in the middle of a list decides when
        return html.Div(
            [f"New figures were published {moment(published)}. ", html.A("Show them", href=here)], className="news"
        )
