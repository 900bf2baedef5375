"""Playbooks: for each segment what to do, an email to begin with, and who came and went.

Belongs here: how the answers of :mod:`serving.queries.playbooks` look. Does not belong here: the
texts themselves (they are in dbt), and sending anything.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
import pandas as pd
from dash import dcc, html

from serving.dashboard.components import (
    NOBODY,
    columns,
    definitions,
    empty,
    named_rows,
    note,
    page,
    panel,
    segment_badge,
    simple_table,
    stat_card,
    stat_cards,
    value_note,
)
from serving.dashboard.tables import data_table
from serving.dashboard.view import Page, View
from serving.filters import CLUSTERINGS, METHOD_LABELS
from serving.palette import segment_colour
from serving.queries.health import value_caveats
from serving.queries.playbooks import (
    CHANGES,
    audience_changes,
    audience_flows,
    compared_publication,
    division_notes,
    emails,
    playbooks,
)
from serving.queries.segments.sizes import segment_sizes
from warehouse.measures import measures
from warehouse.wording import count, day, in_unit, is_missing, money, percent, plural

_FLOWS_TOLD = 3

Row = dict[str, Any]


def render(view: View) -> Any:
    """The playbooks of the segments that the filters leave customers in."""
    method = view.filters.method
    every = _rows(playbooks(view.reading, method))
    if method in CLUSTERINGS:
        return page(empty("There is no playbook for clusters.", "Playbooks are for RFM segments and audiences."))
    if not every:
        return page(
            empty(
                "There is no playbook yet.",
                "Playbooks come with segments, which need customers who bought something.",
            )
        )
    sizes = {row.segment: row for row in named_rows(segment_sizes(view.reading, view.filters))}
    chosen = [row for row in every if row["segment_name"] in sizes]
    if not chosen:
        return page(empty(*NOBODY))
    drafts = {row["segment_name"]: row for row in _rows(emails(view.reading, method))}
    changes = {row["segment"]: row for row in _rows(audience_changes(view.reading, method))}
    flows = _rows(audience_flows(view.reading, method))
    since = compared_publication(view.reading, method)
    return page(
        _contents(view, every, chosen, sizes),
        value_note(value_caveats(view.reading)),
        *(
            _playbook(view, row, drafts.get(row["segment_name"]), changes[row["segment_name"]], flows, since)
            for row in chosen
        ),
        _changes(view, changes, since),
    )


def anchor(segment: str) -> str:
    """The id of a segment's playbook on the page, for links within it."""
    return f"playbooks-{quote(segment, safe='')}"


def _rows(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


# ---- what is here --------------------------------------------------------------


def _contents(view: View, every: list[Row], chosen: list[Row], sizes: dict[str, Any]) -> html.Section:
    rows = [
        [
            html.A(_badge(view, row), href=f"#{anchor(row['segment_name'])}"),
            count(sizes[row["segment_name"]].customers),
            percent(sizes[row["segment_name"]].monetary_net_pct, 0),
            html.Div(row["goal"], className="wide-cell"),
        ]
        for row in chosen
    ]
    tools = None
    if len(chosen) < len(every):
        tools = html.Span(f"{len(chosen)} of {len(every)} segments")
    return panel(
        "The segments and their goals",
        simple_table(
            ["Segment", "Customers", "Of the money", "Goal"], rows, caption="Segments and their goals", numeric=(1, 2)
        ),
        about=f"{METHOD_LABELS[view.filters.method]}, the one with the most money first. Customers and shares are "
        "those under the filters; what a playbook says below is of all customers of its segment.",
        tools=tools,
    )


def _badge(view: View, row: Row) -> html.Span:
    return segment_badge(row["segment_name"], segment_colour(row["segment_name"], view.theme, kind=row["segment_kind"]))


# ---- one playbook --------------------------------------------------------------


def _playbook(
    view: View, row: Row, draft: Row | None, change: Row, flows: list[Row], since: dict[str, Any] | None
) -> html.Div:
    segment = row["segment_name"]
    parts: list[Any] = [html.P(row["summary"], className="summary"), _figures(view, row)]
    if not row["has_own_playbook"]:
        parts.append(note(f"The general playbook: there is none for {row['segment_kind']} in particular."))
    plan = definitions(
        [
            ("Who", row["who"]),
            ("Signals", row["signals"]),
            ("Goal", row["goal"]),
            ("Strategy", row["strategy"]),
            ("Channel", row["channel"]),
            ("Offer", row["offer"]),
            ("Measure", row["measure"]),
            ("How to measure", row["measure_how"]),
        ]
    )
    parts.append(columns(plan, _emails(draft) if draft else empty("There is no draft email for this segment.")))
    parts.append(_came_and_went(view, segment, change, flows, since))
    links = html.Div(
        [
            dcc.Link("Customers", href=view.link("/customers", segments=(segment,))),
            dcc.Link("Segment", href=view.link("/segments", segments=(segment,))),
        ],
        className="links",
    )
    return html.Div(
        panel(segment, *parts, tools=links),
        id=anchor(segment),
        className="playbook",
        style={"borderLeftColor": segment_colour(segment, view.theme, kind=row["segment_kind"])},
    )


def _figures(view: View, row: Row) -> html.Div:
    def key(name: str) -> str:
        return f"playbooks.{row['segment_name']}.{name}"

    horizon = "" if is_missing(row["horizon_days"]) else f"each in {count(row['horizon_days'])} days"
    top = (
        f"{percent(row['top_category_pct'], 0)} of it for {row['top_category']}"
        if not is_missing(row["top_category"]) and not is_missing(row["top_category_pct"])
        else ""
    )
    counts = view.reading.about.frequency_counts
    abouts = {
        "customers": f"{percent(row['customers_pct'])} of all; {percent(row['one_time_pct'], 0)} ordered once",
        "monetary_sum": f"{percent(row['monetary_pct'])} of all money{'; ' if top else ''}{top}",
        "recency_days_mean": "since the last order",
        "frequency_mean": f"{counts} each; {money(row['money_per_order'], view.currency)} an order",
        "clv_mean": horizon,
    }
    told = measures()
    return stat_cards(
        [
            stat_card(
                told[name].label,
                in_unit(row[name], told[name].unit, view.currency, is_short=True),
                about=about,
                key=key(name),
            )
            for name, about in abouts.items()
        ]
    )


def _emails(draft: Row) -> html.Div:
    status = draft["redraft_status"]
    parts: list[Any] = []
    if status == "redrafted":
        parts.append(
            _email(
                f"Redraft by {draft['redraft_model']}",
                draft["redraft_subject"],
                None,
                draft["redraft_body"],
                about="Written by a language model: read every word before it goes out. A refresh may write it anew.",
            )
        )
    parts.append(
        _email(
            "Draft email",
            draft["subject"],
            draft["preheader"],
            draft["body"],
            about="What stands in square brackets is filled in by you or by your mail program.",
        )
    )
    parts.append(html.P([html.B("For you: "), draft["note_to_marketer"]], className="email-note"))
    if status in ("failed", "not_asked"):
        told = "was asked for a redraft and failed" if status == "failed" else "was not asked for a redraft"
        why = "" if is_missing(draft["redraft_problem"]) else f": {draft['redraft_problem']}"
        parts.append(html.P(f"{draft['redraft_model']} {told}{why}", className="email-note"))
    return html.Div(parts)


def _email(title: str, subject: str, preheader: str | None, body: str, *, about: str) -> html.Article:
    lines = [_line("Subject", subject)]
    whole = f"Subject: {subject}\n"
    if not is_missing(preheader) and preheader:
        lines.append(_line("Preheader", preheader))
        whole += f"Preheader: {preheader}\n"
    return html.Article(
        [
            html.Div(
                [
                    html.H3(title),
                    html.Div([_copy("Copy text", body), _copy("Copy all", f"{whole}\n{body}")], className="links"),
                ],
                className="email-head",
            ),
            html.Div(lines, className="email-lines"),
            html.P(body, className="email-body"),
            html.P(about, className="email-note email-lines"),
        ],
        className="email",
    )


def _line(term: str, text: str) -> html.Div:
    return html.Div([html.Span(term), html.Span(text), _copy("Copy", text, label=f"Copy the {term.lower()}")])


def _copy(shown: str, text: str, *, label: str = "") -> dmc.CopyButton:
    return dmc.CopyButton(
        shown,
        value=text,
        copiedChildren="Copied",
        size="compact-xs",
        variant="default",
        timeout=2_000,
        buttonProps={"aria-label": label} if label else {},
    )


# ---- who came and went ---------------------------------------------------------


def _came_and_went(view: View, segment: str, change: Row, flows: list[Row], since: dict[str, Any] | None) -> html.Div:
    title = html.H3("Who entered and who left")
    if since is None:
        return html.Div([title, html.P(_NO_CHANGES)], className="came-and-went")
    entered = [(row["from_segment"], row["customers"]) for row in flows if row["to_segment"] == segment]
    left = [(row["to_segment"], row["customers"]) for row in flows if row["from_segment"] == segment]
    cells = [
        [
            "Entered",
            html.Span(count(change["entered_customers"]), **{"data-figure": f"playbooks.{segment}.entered"}),
            money(change["entered_monetary"], view.currency),
            html.Div(_from_where("from", entered, "new customers"), className="wide-cell"),
        ],
        [
            "Left",
            html.Span(count(change["left_customers"]), **{"data-figure": f"playbooks.{segment}.left"}),
            money(change["left_monetary"], view.currency),
            html.Div(_from_where("to", left, "gone from the shop"), className="wide-cell"),
        ],
    ]
    files = html.P(
        [
            "Who they are: ",
            html.A("CSV", href=_download(view, segment, "csv"), download="audience_changes.csv"),
            ", ",
            html.A("Excel", href=_download(view, segment, "xlsx"), download="audience_changes.xlsx"),
            f" · {count(change['customers_before'])} before, {count(change['customers_now'])} now",
        ],
        className="email-note",
    )
    table = simple_table(
        ["", "Customers", "Their spend", "Mostly"],
        cells,
        caption=f"Who entered and who left {segment}",
        numeric=(1, 2),
    )
    return html.Div([title, table, files], className="came-and-went")


def _from_where(preposition: str, flows: list[tuple[Any, int]], without: str) -> str:
    if not flows:
        return "nobody"
    told = [
        f"{without} ({count(customers)})" if is_missing(name) else f"{preposition} {name} ({count(customers)})"
        for name, customers in flows[:_FLOWS_TOLD]
    ]
    others = sum(customers for _, customers in flows[_FLOWS_TOLD:])
    return ", ".join(told) + (f", {plural(others, 'other')}" if others else "")


def _download(view: View, segment: str, suffix: str) -> str:
    # of the whole segment, as the counts are: the other filters are left out
    return view.link(
        f"/download/{CHANGES.name}.{suffix}",
        segments=(segment,),
        countries=(),
        start=None,
        end=None,
        min_frequency=None,
        min_clv=None,
        customer="",
        slipping=False,
    )


_NO_CHANGES = (
    "No change is recorded: nothing was published before this snapshot, or nobody changed segment since then. "
    "The next refresh with new sales fills this in."
)


def _changes(view: View, changes: dict[str, Row], since: dict[str, Any] | None) -> html.Section:
    title = "Everybody who changed segment"
    if since is None:
        return panel(title, empty("No change is recorded.", _NO_CHANGES.split(": ")[1]))
    rows = [
        [
            segment_badge(name, segment_colour(name, view.theme)),
            count(row["customers_before"]),
            count(row["entered_customers"]),
            count(row["left_customers"]),
            count(row["customers_now"]),
            money(row["entered_monetary"] - row["left_monetary"], view.currency),
        ]
        for name, row in changes.items()
    ]
    moved = sum(row["entered_customers"] for row in changes.values())
    return panel(
        title,
        *(
            note(text, title="The division itself changed")
            for text in division_notes(view.reading, view.filters.method)
        ),
        simple_table(
            ["Segment", "Before", "Entered", "Left", "Now", "Money, net change"],
            rows,
            caption="Customers of each segment before and now",
            numeric=(1, 2, 3, 4, 5),
        ),
        html.P(f"{plural(moved, 'customer')} entered a segment.", className="email-note"),
        data_table(view, CHANGES, height=420),
        about=f"Since publication {since['publication_id']}, which counted days to {day(since['snapshot_date'])}. The "
        "table counts all customers; the list below it keeps to the filters. Money is what those who came or went have "
        "spent in the whole history.",
    )


PAGE = Page("/playbooks", "Playbooks", render)
