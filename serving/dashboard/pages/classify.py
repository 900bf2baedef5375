"""The page that labels the customers of a file.

Belongs here: dropping a file, and showing what came of it. Does not belong here: limits and
labels (:mod:`serving.classify`), and HTTP (:mod:`serving.api.classify`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import dash_mantine_components as dmc
import pandas as pd
from dash import Dash, Input, Output, State, ctx, dcc, html
from dash.exceptions import PreventUpdate
from flask import abort

from serving.classify import Classification, UploadLimits, classifier_of
from serving.classify.errors import BadRequestError
from serving.classify.results import RECOMMENDATIONS, recommendations_text, rows_of
from serving.classify.service import DEFAULT_METHOD, METHODS
from serving.dashboard import components as ui
from serving.dashboard.components import empty, note, panel, segment_badge
from serving.dashboard.tables import NO_DOWNLOADS, grid
from serving.dashboard.view import Page, View
from serving.downloads import csv_bytes, xlsx_bytes
from serving.filters import METHOD_LABELS
from serving.palette import Theme, segment_colour
from serving.queries.lists import Column
from serving.roles import RoleMissingError, caller_of_page, taken_away
from serving.snapshot import SnapshotReader
from warehouse.errors import RegularsError
from warehouse.wording import count, day, money, plural

PAGE_UPLOAD_BYTES = 64 * 1024**2
"""A browser holds the file three times over; larger ones go through HTTP or the command line."""
SHOWN_ROWS = 50_000
"""Rows that a browser sorts without a pause."""

_CUSTOMERS, _SET_ASIDE = "classify-customers", "classify-set-aside"
CUSTOMER_COLUMNS = tuple(
    column.documented(("reporting.customer_360",))
    for column in (
        Column("customer_id", "Customer", about="The customer's number, as in the file.", width=140),
        Column("cluster_name", "Segment", of="reporting.segment_playbooks.segment_name", width=170),
        Column("predicted_cluster_id", "Segment number", of="ml.segment_profiles.cluster_id", width=120),
        Column("recency_days", "Days since last order", width=150),
        Column("frequency", "Frequency", width=120),
        Column("monetary", "Money", width=140),
    )
)
SET_ASIDE_COLUMNS = tuple(
    column.documented(("marts.set_aside_lines",))
    for column in (
        Column("row_number", "Line", width=100),
        Column("sheet", "Sheet", width=110),
        Column("disposition", "Set aside as", width=160),
        Column("reason", "Reason", width=300),
        Column("text", "The line", about="The line as delivered; fields separated by bars if it was split.", width=520),
    )
)


def render(view: View) -> html.Div:
    """The page before a file was dropped."""
    method = view.filters.method if view.filters.method in METHODS else DEFAULT_METHOD
    about = view.reading.about
    largest = min(PAGE_UPLOAD_BYTES, UploadLimits().upload_bytes) // 1024**2
    return ui.page(
        panel(
            "Label the customers of a file",
            dcc.Upload(
                html.Div(
                    [
                        html.Strong("Drop a file of sales here, or click to choose one."),
                        html.Div(
                            [
                                f"CSV, CSV.gz, XLSX or Parquet, up to {largest} MB; larger ones by ",
                                html.Code("regulars classify"),
                                " or ",
                                html.Code("POST /classify_customers"),
                                ".",
                            ]
                        ),
                    ],
                    className="drop-text",
                ),
                id="classify-upload",
                max_size=largest * 1024**2,
                multiple=False,
                className="drop",
                className_active="drop drop-active",
                className_reject="drop drop-reject",
                # in place of Dash's own
                style_active={},
                style_reject={},
            ),
            html.Div(
                [
                    dmc.Select(
                        id="classify-method",
                        label="Segments by",
                        data=[{"value": name, "label": METHOD_LABELS[name]} for name in METHODS],
                        value=method,
                        allowDeselect=False,
                        w=200,
                    ),
                    dmc.DateInput(
                        id="classify-as-of",
                        label="As of (optional)",
                        description="Everything dated on or after this day is ignored",
                        valueFormat="D MMM YYYY",
                        clearable=True,
                        w=240,
                    ),
                ],
                className="drop-options",
            ),
            about=(
                "The file goes through the same rules as the warehouse's own deliveries and gets the segments of the "
                f"published snapshot (recency there counts to {day(about.snapshot_date)}). It is not kept."
            ),
        ),
        dcc.Loading(
            html.Div(
                empty(
                    "No file yet.",
                    "Each customer with a purchase gets a segment, each line set aside its reason.",
                ),
                id="classify-result",
                className="page",
                role="status",
            ),
            delay_show=200,
            custom_spinner=html.Div("Reading and labelling …", className="spinner", role="status"),
        ),
        dcc.Store(id="classify-texts"),
        dcc.Download(id="classify-download"),
    )


def register(app: Dash, reader: SnapshotReader) -> None:
    """Callbacks of the page."""
    classifier = classifier_of(reader.home, UploadLimits())

    @app.callback(
        Output("classify-result", "children"),
        Output("classify-texts", "data"),
        Input("classify-upload", "contents"),
        Input("classify-method", "value"),
        Input("classify-as-of", "value"),
        State("classify-upload", "filename"),
        State("theme", "data"),
        prevent_initial_call=True,
    )
    def classify(
        contents: str | None, method: str, as_of: str | None, name: str | None, theme: Theme | None
    ) -> tuple[Any, Any]:
        if not contents:
            raise PreventUpdate
        try:
            with classifier.receiving() as upload:
                upload.call(name or "")
                upload.write(_decoded(contents))
                chosen = date.fromisoformat(as_of[:10]) if as_of else None
                done = classifier.classify(upload, method=method, as_of=chosen)
        except RegularsError as error:
            # our own words for a person; anything else is a fault and is logged as one
            return note(str(error), kind="error", title="Not classified"), None
        return answer(done, theme or "light", may_export="export" in caller_of_page().roles), texts(done)

    @app.callback(
        Output("classify-download", "data"),
        *(Input(f"{grid}-{suffix}", "n_clicks") for grid in (_CUSTOMERS, _SET_ASIDE) for suffix in ("csv", "xlsx")),
        State(_CUSTOMERS, "virtualRowData"),
        State(_SET_ASIDE, "virtualRowData"),
        State("classify-texts", "data"),
        prevent_initial_call=True,
    )
    def download(*given: Any) -> Any:
        *_, customers, set_aside, told = given
        if not ctx.triggered_id or not ctx.triggered[0]["value"]:
            raise PreventUpdate
        button = str(ctx.triggered_id)
        suffix = button.rpartition("-")[2]
        if button.startswith(_CUSTOMERS):
            frame, file = with_texts(customers or [], told or {}), "classified_customers"
        else:
            frame, file = _framed(set_aside or [], SET_ASIDE_COLUMNS), "set_aside_lines"
        try:
            with taken_away(reader.home, caller_of_page(), "download", f"{file}.{suffix}"):
                content = csv_bytes(frame) if suffix == "csv" else xlsx_bytes(frame, file)
        except RoleMissingError as error:
            abort(error.status, str(error))
        return dcc.send_bytes(content, f"{file}.{suffix}")


def _decoded(contents: str) -> bytes:
    """The file's bytes out of the address that a browser makes of it."""
    _, _, encoded = contents.partition(",")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadRequestError("The file did not arrive whole; drop it again.") from error


def texts(done: Classification) -> dict[str, dict[str, str | None]]:
    """What is known of each segment by its name and the heading above it, for the downloads."""
    return {
        row["cluster_name"]: {
            "Interpretation": row["cluster_interpretation"],
            "Recommendations": recommendations_text(row),
        }
        for row in rows_of(done.segments)
        if row["customers"]
    }


def with_texts(rows: Sequence[dict[str, Any]], told: dict[str, Any]) -> pd.DataFrame:
    """Rows of the customers' table as they are shown, with each segment's texts."""
    frame = _framed(rows, CUSTOMER_COLUMNS)
    for heading in ("Interpretation", "Recommendations"):
        frame[heading] = [told.get(segment, {}).get(heading) for segment in frame["Segment"]]
    return frame


def _framed(rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=[column.name for column in columns])
    return frame.rename(columns={column.name: column.title for column in columns})


def answer(done: Classification, theme: Theme, *, may_export: bool = True) -> list[Any]:
    """What came of a file; without downloads for who may not have them."""
    refunds = f"and {plural(done.derived_lines, 'refund')} in their sales' rows" if done.derived_lines else ""
    cards = (
        ("Lines delivered", done.delivered_lines, refunds, "delivered_lines"),
        ("Lines kept", done.kept_lines, "", "kept_lines"),
        ("Lines set aside", len(done.set_aside), "", "set_aside_lines"),
        ("Customers labelled", len(done.customers), "", "labelled_customers"),
    )
    return [
        panel(
            f"{done.file_name}: {plural(len(done.customers), 'customer')} labelled",
            ui.stat_cards(*(ui.stat_card(label, count(n), about=about, key=key) for label, n, about, key in cards)),
            *(html.Div(note(text), style={"margin": "12px 0"}) for text in _notes(done)),
            ui.table(
                "What became of each delivered line",
                done.accounting[done.accounting["row_count"] > 0],
                {
                    "What became of the lines": "description",
                    "Kept": lambda row: "yes" if row.is_kept else "no",
                    "Lines": (count, "row_count"),
                    "Amount": ui.right(lambda row: money(row.gross_amount, done.currency, pence=True)),
                },
            ),
            about=(
                f"{METHOD_LABELS[done.method]} of publication {done.publication_id}. Recency counts to "
                f"{day(done.snapshot_date)}. Kept and set aside add up to the lines delivered"
                f"{' and the refunds in them' if done.derived_lines else ''}."
            ),
        ),
        panel(
            "Customers",
            _grid(_CUSTOMERS, done.customers, CUSTOMER_COLUMNS, done.currency, theme, "Customers of the file"),
            tools=_downloads(_CUSTOMERS, "customers", is_hidden=not may_export),
            about=_told_rows(len(done.customers), "customer") if may_export else NO_DOWNLOADS,
        ),
        panel(
            "What their segments mean",
            *(_segment(row, theme) for row in rows_of(done.segments) if row["customers"]),
            *([] if len(done.customers) else [empty("No customer, so no segment.")]),
            about="From the playbooks of the published snapshot; figures in the texts are of its customers.",
        ),
        panel(
            "Lines set aside",
            *([] if len(done.set_aside) else [empty("Every line of the file was kept.")]),
            html.Div(
                _grid(_SET_ASIDE, done.set_aside, SET_ASIDE_COLUMNS, done.currency, theme, "Lines set aside"),
                style={} if len(done.set_aside) else {"display": "none"},
            ),
            tools=_downloads(_SET_ASIDE, "lines set aside", is_hidden=not (may_export and len(done.set_aside))),
            about=_told_rows(len(done.set_aside), "line") + " Lines of a text file count from 1, the header's.",
        ),
    ]


def _notes(done: Classification) -> list[str]:
    if not done.returns_only:
        return list(done.notes)
    more = len(done.returns_only) - 10
    few = ", ".join(done.returns_only[:10]) + (f" and {count(more)} more" if more > 0 else "")
    return [*done.notes, f"Without a label, because they only returned goods: {few}."]


def _told_rows(rows: int, noun: str) -> str:
    if rows <= SHOWN_ROWS:
        return f"{plural(rows, noun)}; downloads are of what is filtered here."
    return f"The first {count(SHOWN_ROWS)} of {plural(rows, noun)}; `regulars classify` writes all of them."


def _segment(segment: dict[str, Any], theme: Theme) -> html.Details:
    told = [
        html.Li([html.Strong(f"{heading}: "), segment[name]])
        for name, heading in RECOMMENDATIONS.items()
        if segment[name]
    ]
    name = segment["cluster_name"]
    return html.Details(
        [
            html.Summary(
                [segment_badge(name, segment_colour(name, theme)), f" {plural(segment['customers'], 'customer')}"]
            ),
            html.P(segment["cluster_interpretation"] or "The published snapshot has no customer in this segment."),
            html.Ul(told),
        ]
    )


def _downloads(grid: str, noun: str, *, is_hidden: bool = False) -> list[html.Button]:
    style = {"display": "none"} if is_hidden else {}
    return [
        html.Button(
            label,
            id=f"{grid}-{suffix}",
            className="button",
            type="button",
            style=style,
            **{"aria-label": f"Download {noun} as {label}, as filtered here"},
        )
        for suffix, label in (("csv", "CSV"), ("xlsx", "Excel"))
    ]


def _grid(
    name: str, frame: pd.DataFrame, columns: Sequence[Column], currency: str, theme: Theme, label: str
) -> html.Div:
    rows = frame[[column.name for column in columns]].head(SHOWN_ROWS)
    return grid(
        label,
        columns,
        currency,
        theme,
        rows=len(rows),
        id=name,
        rowData=json.loads(rows.to_json(orient="records", date_format="iso", double_precision=10)),
    )


PAGE = Page("/classify", "Classify a file", render, register=register, has_filters=False)
