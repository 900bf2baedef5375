"""Lists on a page: AG Grid, fed page by page from the snapshot, with downloads of what is filtered.

Belongs here: the widget of a :class:`serving.queries.lists.ListSpec` and the one callback that feeds all of
them. Does not belong here: what a list holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import dash_ag_grid as dag
from dash import MATCH, Dash, Input, Output, State, html, no_update

from serving.dashboard.view import View
from serving.filters import Filters
from serving.palette import TOKENS, Theme, kind_colours
from serving.queries.choices import filters_of
from serving.queries.lists import EVERYTHING, Column, Kind, ListRequest, ListSpec, count_list, fetch_list
from serving.snapshot import SnapshotReader
from warehouse.wording import currency_decimals, currency_symbol, plural

NO_DOWNLOADS = "Downloads are for tokens with the role export."
"""In place of the links, for who lacks it."""

PAGE_ROWS = 25
_ROW_PIXELS, _HEAD_PIXELS = 42, 86

# how wide a column is, and by which of AG Grid's filters it is filtered
_KINDS: Mapping[Kind, tuple[int, str]] = {
    "text": (170, "Text"),
    "count": (120, "Number"),
    "units": (120, "Number"),
    "number": (120, "Number"),
    "money": (140, "Number"),
    "percent": (115, "Number"),
    "date": (130, "Date"),
    "moment": (175, "Date"),
    "flag": (110, ""),
}


def data_table(view: View, spec: ListSpec, *, context: str = "", height: int = 480) -> html.Div:
    """A list with sorting, filtering, paging and downloads.

    Parameters
    ----------
    context
        What the list is about beside the filters, such as a customer id.
    """
    identity = {"list": spec.name, "context": context}
    may_export = "export" in view.roles
    total = count_list(view.reading, spec, view.filters, context)
    return html.Div(
        [
            html.Div(
                [
                    html.Span(
                        plural(total, "row"),
                        id={"part": "rows", **identity},
                        className="list-rows",
                        role="status",
                    ),
                    *(
                        html.A(
                            label,
                            id={"part": suffix, **identity},
                            href=_download(spec.name, suffix, view.filters, context, EVERYTHING),
                            className="button",
                            # there all the same: the callback that feeds the list writes their addresses, too
                            style={} if may_export else {"display": "none"},
                            download=f"{spec.name}.{suffix}",
                            **{"aria-label": f"Download {spec.title} as {kind}, as filtered here"},
                        )
                        for suffix, label, kind in (("csv", "CSV", "CSV"), ("xlsx", "Excel", "an Excel workbook"))
                    ),
                    *([] if may_export else [html.Span(NO_DOWNLOADS, className="list-note")]),
                ],
                className="list-tools",
            ),
            grid(
                spec.title,
                spec.columns,
                view.currency,
                view.theme,
                rows=total,
                height=height,
                options={"cacheBlockSize": 100, "maxBlocksInCache": 20},
                id={"part": "grid", **identity},
                rowModelType="infinite",
            ),
        ],
        className="list",
    )


_COLUMNS: Mapping[str, Any] = {
    "sortable": True,
    "resizable": True,
    "filter": True,
    "minWidth": 90,
    "wrapHeaderText": True,
    "autoHeaderHeight": True,
}
"""What every column of every grid can do."""


def grid(
    label: str,
    columns: Sequence[Column],
    currency: str,
    theme: Theme,
    *,
    rows: int,
    height: int = 480,
    options: Mapping[str, Any] | None = None,
    **own: Any,
) -> html.Div:
    """A grid of these columns, as a region with a name for screen readers.

    Parameters
    ----------
    rows
        How many there are: what fits one page has no pager, and takes no more room than its rows.
    height
        At most, in pixels.
    options, own
        AG Grid's options, and properties of Dash's grid.
    """
    shown = {**_house_style(theme), **(options or {})}
    if rows <= PAGE_ROWS:
        shown["pagination"] = False
        height = min(height, _HEAD_PIXELS + _ROW_PIXELS * max(rows, 2))
    drawn = dag.AgGrid(
        columnDefs=[column_definition(column, currency, theme) for column in columns],
        className="grid",
        defaultColDef=_COLUMNS,
        dashGridOptions=shown,
        style={"height": f"{height}px", "width": "100%"},
        **own,
    )
    return html.Div(drawn, role="region", **{"aria-label": label})


def _house_style(theme: Theme) -> dict[str, Any]:
    """Options that every grid shares."""
    tokens = TOKENS[theme]
    parameters = {
        "backgroundColor": tokens.surface,
        "foregroundColor": tokens.text,
        "headerBackgroundColor": tokens.ground,
        "headerTextColor": tokens.text,
        "borderColor": tokens.border,
        "accentColor": tokens.accent,
        "browserColorScheme": theme,
        "fontFamily": "inherit",
        "fontSize": 13,
        "wrapperBorderRadius": 8,
    }
    return {
        "theme": {"function": f"themeQuartz.withParams({json.dumps(parameters)})"},
        "pagination": True,
        "paginationPageSize": PAGE_ROWS,
        "paginationPageSizeSelector": [PAGE_ROWS, 50, 100],
        "tooltipShowDelay": 300,
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "localeText": {"noRowsToShow": "Nothing to show."},
    }


def column_definition(column: Column, currency: str, theme: Theme) -> dict[str, Any]:
    """A column as the grid takes it: its head, its filter, and how values are written."""
    width, sieve = _KINDS[column.kind]
    drawn: dict[str, Any] = {"field": column.name, "headerName": column.title, "width": column.width or width}
    if column.about:
        # a tooltip is plain text, the documentation is Markdown
        drawn["headerTooltip"] = column.about.replace("`", "")
    if sieve:
        drawn["filter"] = f"ag{sieve}ColumnFilter"
    if sieve in ("Number", "Date"):
        drawn["filterParams"] = {"inRangeInclusive": True}
    if sieve == "Number":
        drawn["type"] = "rightAligned"
    if column.kind == "text":
        # what is longer than its column is read by pointing at it
        drawn |= {"cellDataType": "text", "tooltipField": column.name}
    else:
        # written by the browser; only money has more to know
        more = f", {json.dumps(currency_symbol(currency))}, {currency_decimals(currency)}"
        known = more if column.kind == "money" else ""
        drawn["valueFormatter"] = {"function": f"regularsFormat.{column.kind}(params.value{known})"}
    if column.kind == "flag":
        drawn["cellDataType"] = False
    if column.link == "customer":
        drawn["cellRenderer"] = "CustomerLink"
    elif column.link == "segment":
        drawn |= {"cellRenderer": "SegmentCell", "cellRendererParams": {"colours": kind_colours(theme)}}
    return drawn


def _download(name: str, suffix: str, filters: Filters, context: str, request: ListRequest) -> str:
    own = {}
    if context:
        own["context"] = context
    if request.filter_model or request.sort_model:
        own["grid"] = json.dumps({"filter": dict(request.filter_model), "sort": list(request.sort_model)})
    query = "&".join(part for part in (filters.to_query(), urlencode(own)) if part)
    return f"/download/{name}.{suffix}" + (f"?{query}" if query else "")


def register(app: Dash, reader: SnapshotReader, lists: Mapping[str, ListSpec]) -> None:
    """Feed every list of every page."""
    identity = {"list": MATCH, "context": MATCH}

    @app.callback(
        Output({"part": "grid", **identity}, "getRowsResponse"),
        Output({"part": "rows", **identity}, "children"),
        Output({"part": "csv", **identity}, "href"),
        Output({"part": "xlsx", **identity}, "href"),
        Input({"part": "grid", **identity}, "getRowsRequest"),
        State({"part": "grid", **identity}, "id"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def rows(asked: dict[str, Any] | None, grid: dict[str, str], search: str | None) -> Any:
        if not asked:
            return (no_update,) * 4
        spec, context = lists[grid["list"]], grid["context"]
        request = ListRequest(asked.get("filterModel") or {}, asked.get("sortModel") or ())
        offset, end = int(asked["startRow"]), int(asked["endRow"])
        with reader.reading() as reading:
            filters = filters_of(reading, search)
            total = count_list(reading, spec, filters, context, request)
            frame = fetch_list(reading, spec, filters, context, request, offset=offset, limit=min(end - offset, 1_000))
        return (
            {"rowData": json.loads(frame.to_json(orient="records", date_format="iso")), "rowCount": total},
            plural(total, "row"),
            _download(spec.name, "csv", filters, context, request),
            _download(spec.name, "xlsx", filters, context, request),
        )
