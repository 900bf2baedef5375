"""Playbooks: for each segment what to do, an email to begin with, and who came and went.

Belongs here: how the answers of :mod:`serving.queries.playbooks` look. Does not belong here: the
texts themselves (they are in dbt), and sending anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard.components import NOBODY, empty, figure, panel, right, segment_mark, wide
from serving.dashboard.tables import NO_DOWNLOADS, data_table
from serving.dashboard.view import Page, View
from serving.filters import CLUSTERINGS, METHOD_LABELS, Filters
from serving.palette import segment_colour
from serving.queries import playbooks as queries
from serving.queries.playbooks import CHANGES
from serving.queries.segments import segment_sizes
from warehouse.wording import count, day, is_missing, percent, plural

_FLOWS_TOLD = 3


def render(view: View) -> Any:
    """The playbooks of the segments that the filters leave customers in."""
    method = view.filters.method
    if method in CLUSTERINGS:
        return ui.page(empty("There is no playbook for clusters.", "Playbooks are for RFM segments and audiences."))
    every = ui.rows_of(queries.playbooks(view.reading, method))
    if not every:
        hint = "Playbooks come with segments, which need customers who bought something."
        return ui.page(empty("There is no playbook yet.", hint))
    sizes = {row.segment: row for row in ui.rows_of(segment_sizes(view.reading, view.filters))}
    chosen = [row for row in every if row.segment_name in sizes]
    if not chosen:
        return ui.page(empty(*NOBODY))
    drafts = {row.segment_name: row for row in ui.rows_of(queries.emails(view.reading, method))}
    changes = {row.segment: row for row in ui.rows_of(queries.audience_changes(view.reading, method))}
    flows = ui.rows_of(queries.audience_flows(view.reading, method))
    since = queries.compared_publication(view.reading, method)
    return ui.page(
        panel(
            "The segments and their goals",
            ui.table(
                "Segments and their goals",
                chosen,
                {
                    "Segment": lambda row: html.A(
                        segment_mark(view, row.segment_name, kind=row.segment_kind),
                        href=f"#{anchor(row.segment_name)}",
                    ),
                    "Customers": right(lambda row: count(sizes[row.segment_name].customers)),
                    "Share of money": right(lambda row: percent(sizes[row.segment_name].monetary_net_pct)),
                    "Goal": (wide, "goal"),
                },
            ),
            about=f"{METHOD_LABELS[method]}, the one with the most money first. Customers and shares are those under "
            "the filters; what a playbook says below is of all customers of its segment.",
            tools=html.Span(f"{len(chosen)} of {len(every)} segments") if len(chosen) < len(every) else None,
        ),
        ui.value_note(view),
        *(
            _playbook(view, row, drafts.get(row.segment_name), changes[row.segment_name], flows, since)
            for row in chosen
        ),
        _changes(view, changes, since),
    )


def anchor(segment: str) -> str:
    """The id of a segment's playbook on the page, for links within it."""
    return f"playbooks-{quote(segment, safe='')}"


# ---- one playbook --------------------------------------------------------------


def _playbook(
    view: View, row: Any, draft: Any, change: Any, flows: Sequence[Any], since: Mapping[str, Any] | None
) -> html.Div:
    segment = row.segment_name
    parts: list[Any] = [html.P(row.summary, className="summary"), _figures(view, row)]
    if not row.has_own_playbook:
        parts.append(ui.note(f"The general playbook: there is none for {row.segment_kind} in particular."))
    plan = ui.definitions([(term, getattr(row, name)) for name, term in queries.PLAN.items()])
    parts.append(ui.columns(plan, _emails(draft) if draft else empty("There is no draft email for this segment.")))
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
        style={"borderLeftColor": segment_colour(segment, view.theme, kind=row.segment_kind)},
    )


def _figures(view: View, row: Any) -> html.Div:
    horizon = "" if is_missing(row.horizon_days) else f"each in {count(row.horizon_days)} days"
    top = (
        f"{percent(row.top_category_pct, 0)} of it for {row.top_category}"
        if not is_missing(row.top_category) and not is_missing(row.top_category_pct)
        else ""
    )
    counts = view.reading.about.frequency_counts
    abouts = {
        "customers": f"{percent(row.customers_pct)} of all; {percent(row.one_time_pct, 0)} ordered once",
        "monetary_sum": f"{percent(row.monetary_pct)} of all money{'; ' if top else ''}{top}",
        "recency_days_mean": "since the last order",
        "frequency_mean": f"{counts} each; {view.money(row.money_per_order)} an order",
        "clv_mean": horizon,
    }
    prefix = f"playbooks.{row.segment_name}"
    return ui.stat_cards(
        *(ui.measure_card(view, name, getattr(row, name), about=about, prefix=prefix) for name, about in abouts.items())
    )


def _emails(draft: Any) -> html.Div:
    status, subject, body = draft.redraft_status, draft.redraft_subject, draft.redraft_body
    by_model = "Written by a language model: read every word before it goes out. A refresh may write it anew."
    own = "What stands in square brackets is filled in by you or by your mail program."
    parts: list[Any] = [
        _email(f"Redraft by {draft.redraft_model}", subject, None, body, about=by_model)
        if status == "redrafted"
        else None,
        _email("Draft email", draft.subject, draft.preheader, draft.body, about=own),
        html.P([html.B("For you: "), draft.note_to_marketer], className="email-note"),
    ]
    if status in ("failed", "not_asked"):
        told = "was asked for a redraft and failed" if status == "failed" else "was not asked for a redraft"
        why = "" if is_missing(draft.redraft_problem) else f": {draft.redraft_problem}"
        parts.append(html.P(f"{draft.redraft_model} {told}{why}", className="email-note"))
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


def _came_and_went(
    view: View, segment: str, change: Any, flows: Sequence[Any], since: Mapping[str, Any] | None
) -> html.Div:
    title = html.H3("Who entered and who left")
    if since is None:
        return html.Div([title, html.P(_NO_CHANGES)], className="came-and-went")
    sides = (
        ("entered", "from", "new customers", [row for row in flows if row.to_segment == segment]),
        ("left", "to", "gone from the shop", [row for row in flows if row.from_segment == segment]),
    )
    table = ui.table(
        f"Who entered and who left {segment}",
        sides,
        {
            "": lambda side: side[0].capitalize(),
            "Customers": right(
                lambda side: figure(count(getattr(change, f"{side[0]}_customers")), f"playbooks.{segment}.{side[0]}")
            ),
            "Their spend": right(lambda side: view.money(getattr(change, f"{side[0]}_monetary"))),
            "Mostly": lambda side: wide(_from_where(*side[1:])),
        },
    )
    # of the whole segment, as the counts are: the other filters are left out
    query = Filters(method=view.filters.method, segments=(segment,)).to_query()
    links = [
        html.A(label, href=f"/download/{CHANGES.name}.{suffix}?{query}", download=f"{CHANGES.name}.{suffix}")
        for label, suffix in (("CSV", "csv"), ("Excel", "xlsx"))
    ]
    who = ["Who they are: ", links[0], ", ", links[1]] if "export" in view.roles else [NO_DOWNLOADS.rstrip(".")]
    before = f" · {count(change.customers_before)} before, {count(change.customers_now)} now"
    files = html.P([*who, before], className="email-note")
    return html.Div([title, table, files], className="came-and-went")


def _from_where(preposition: str, without: str, flows: Sequence[Any]) -> str:
    if not flows:
        return "nobody"
    told = [
        (without if is_missing(name) else f"{preposition} {name}") + f" ({count(flow.customers)})"
        for flow in flows[:_FLOWS_TOLD]
        for name in [getattr(flow, f"{preposition}_segment")]
    ]
    others = sum(flow.customers for flow in flows[_FLOWS_TOLD:])
    return ", ".join(told) + (f", {plural(others, 'other')}" if others else "")


_NO_CHANGES = (
    "No change is recorded: nothing was published before this snapshot, or nobody changed segment since then. "
    "The next refresh with new sales fills this in."
)


def _changes(view: View, changes: dict[str, Any], since: Mapping[str, Any] | None) -> html.Section:
    title = "Everybody who changed segment"
    if since is None:
        return panel(title, empty("No change is recorded.", ui.begun(_NO_CHANGES.split(": ")[1])))
    moved = sum(row.entered_customers for row in changes.values())
    return panel(
        title,
        ui.table(
            "Customers of each segment before and now",
            changes.values(),
            {
                "Segment": lambda row: segment_mark(view, row.segment),
                "Before": (count, "customers_before"),
                "Entered": (count, "entered_customers"),
                "Left": (count, "left_customers"),
                "Now": (count, "customers_now"),
                "Money, net change": right(lambda row: view.money(row.entered_monetary - row.left_monetary)),
            },
        ),
        html.P(f"{plural(moved, 'customer')} entered a segment.", className="email-note"),
        data_table(view, CHANGES, height=420),
        about=f"Since publication {since['publication_id']}, which counted days to {day(since['snapshot_date'])}. The "
        "table counts all customers; the list below it keeps to the filters. Money is what those who came or went have "
        "spent in the whole history.",
    )


PAGE = Page("/playbooks", "Playbooks", render)
