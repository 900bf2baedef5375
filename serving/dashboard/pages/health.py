"""Data health: how fresh the figures are, what was checked, what was kept and what set aside.

Belongs here: drawing it. Does not belong here: the checks (``expectations``), the rules of
what is set aside (dbt), and selecting (:mod:`serving.queries.health`).

No filter applies: all of it is about the warehouse as a whole. Only how long ago something
was is measured against the clock of the server, when the page is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import dash_mantine_components as dmc
import pandas as pd
from dash import html

from serving.dashboard.charts import NAMES, chart, titled_axis
from serving.dashboard.components import (
    below,
    columns,
    empty,
    named_rows,
    note,
    page,
    panel,
    simple_table,
    stat_card,
    stat_cards,
)
from serving.dashboard.tables import data_table
from serving.dashboard.view import Page, View
from serving.queries.health import (
    LISTS,
    Freshness,
    RowAccounting,
    checks_by_layer,
    clocks,
    freshness,
    load_summary,
    missing_files,
    model_notes,
    open_checks,
    order_totals,
    publications,
    replaced_orders,
    row_accounting,
    set_aside_reasons,
    source_limits,
    source_profiles,
)
from serving.queries.lists import ListSpec
from warehouse.formats import SUBJECTS
from warehouse.wording import MISSING, clock_time, count, day, is_missing, moment, money, percent, plural, signed_count

DATA_DOCS = "/data-docs/index.html"

MOST_TOLD = 10
"""Files or checks told one by one; the lists have all."""

MOST_REASONS = 12
"""Reasons told above the lists."""

PUBLICATIONS_SHOWN = 5

_LISTS: Mapping[str, ListSpec] = {spec.name: spec for spec in LISTS}

# sign and word as well as colour
_OUTCOMES: Mapping[str, tuple[str, str, str, str]] = {
    "passed": ("✓", "Passed", "passed", "the data are as expected"),
    "warned": ("▲", "Warned", "warned", "not as expected, but the refresh goes on"),
    "failed": ("✕", "Failed", "failed", "not as expected: the refresh stops"),
    "could not run": ("?", "Could not run", "unknown", "could not be evaluated: the refresh stops"),
}

_STATUSES: Mapping[str, str] = {
    "loaded": "Loaded: their lines are in use",
    "already_loaded": "Same content as another file: used once",
    "superseded": "Replaced by a later version",
    "withdrawn": "Taken out again",
    "rejected": "Rejected: could not be read",
    "in_transit": "Still being written at the time",
}

# short enough for the side of a chart on a phone
_DISPOSITIONS: Mapping[str, str] = {
    "unreadable": "Unreadable",
    "after_as_of": "After as-of date",
    "summary": "Sums of orders",
    "duplicate": "Repeats",
    "not_a_sale": "Not sales",
    "adjustment": "Adjustments",
    "non_product": "Not products",
    "return": "Returns",
    "non_positive_quantity": "No units sold",
    "non_positive_price": "Given away",
    "sale": "Sales",
}

_MODELS: Mapping[str, str] = {
    "customer_segments": "Segments",
    "customer_value": "Customer value",
    "revenue_anomalies": "Anomalies",
}


def render(view: View) -> html.Div:
    """The page."""
    now = datetime.now(UTC).replace(tzinfo=None)
    fresh = freshness(view.reading)
    accounting = row_accounting(view.reading)
    loads = load_summary(view.reading)
    missing = missing_files(view.reading)
    checks = checks_by_layer(view.reading)
    faults = open_checks(view.reading)
    return page(
        *_damaged(view),
        *_stopped(view),
        *_alarms(missing, faults, accounting),
        _cards(fresh, loads, missing, checks, accounting, now),
        columns(_checks_panel(checks, faults), _freshness_panel(view, fresh, now)),
        panel(
            "From delivered lines to the figures",
            _waterfalls(view, accounting),
            _accounting_table(view, accounting),
            _accounting_check(view, accounting),
            about="Every delivered line is kept, or set aside for exactly one reason. Amounts are quantity times "
            "price, or the line's own total, returns negative; one that could not be read counts as 0.",
        ),
        _reasons_panel(view),
        panel(
            "Files that were delivered",
            _loads(loads),
            _sources(view),
            _own_totals(view),
            _came_again(view),
            _limits(view),
            about="One delivery is one version of a file. A file that can't be read is left out as a "
            "whole and listed above; the others are loaded.",
        ),
        panel(
            "Look closer",
            _lists(view),
            about="Sort and filter in the column headers; downloads contain the filtered rows.",
        ),
        panel(
            "Warnings of the models",
            _models(view),
            about="What each model warns of, and what changed since the fit that was published before.",
        ),
    )


# ---- what must be seen ------------------------------------------------------------


def _damaged(view: View) -> list[Any]:
    """That what is shown is an older snapshot, because the newest can't be read."""
    if view.reading.damaged is None:
        return []
    shown = f"What you see is the snapshot of {moment(view.reading.about.published_at)}, the newest that can be read."
    told = html.P(f"{view.reading.damaged}. {shown} The next refresh publishes anew, though nothing else is new.")
    return [note([told], kind="error", title="The published snapshot is damaged")]


def _stopped(view: View) -> list[Any]:
    """That what is shown is from before the newest refresh, and why."""
    stopped = view.reading.stopped
    if stopped is None:
        return []
    said = [html.Li(_problem("", told), className="fault") for told in stopped.problems]
    told = note(
        [
            html.P(
                f"It published nothing: what you see is the snapshot of {moment(view.reading.about.published_at)}. "
                "The next refresh tries again once what is named here is mended."
            ),
            html.Ul([html.Li(cause, className="fault") for cause in stopped.causes], className="faults"),
            html.Details([html.Summary("What was found, and what to do"), html.Ul(said, className="faults")]),
        ],
        kind="error",
        title=f"The newest refresh was stopped on {moment(stopped.stopped_at)}",
    )
    return [told]


def _alarms(missing: pd.DataFrame, faults: pd.DataFrame, accounting: RowAccounting) -> list[Any]:
    alarms: list[Any] = []
    rejected = missing[missing["status"] == "rejected"]
    if len(rejected):
        alarms.append(
            note(
                _bullets(
                    [
                        [
                            html.Strong(row.file_name),
                            ": ",
                            *_problem(row.file_name, row.problem),
                            " The version before it stays in use."
                            if row.has_former
                            else " Its sales are missing from every figure.",
                        ]
                        for row in named_rows(rejected.head(MOST_TOLD))
                    ],
                    len(rejected),
                    "rejected files, in the list of delivered files below",
                ),
                kind="error",
                title=f"{plural(len(rejected), 'delivered file')} could not be loaded",
            )
        )
    unfinished = missing[missing["status"] == "in_transit"]
    if len(unfinished):
        alarms.append(
            note(
                f"{', '.join(unfinished['file_name'].head(MOST_TOLD))}"
                f"{' …' if len(unfinished) > MOST_TOLD else ''}: still being written when the folder was read. "
                "The next refresh takes it in.",
                kind="warning",
                title=f"{plural(len(unfinished), 'file')} had not arrived in full",
            )
        )
    stopped = faults[faults["outcome"] != "warned"]
    if len(stopped):
        alarms.append(
            note(
                _bullets(
                    [[f"{row.outcome.capitalize()}: {row.message}"] for row in named_rows(stopped.head(MOST_TOLD))],
                    len(stopped),
                    "checks, in the list of all checks below",
                ),
                kind="error",
                title=f"{plural(len(stopped), 'check')} failed or could not run",
            )
        )
    if not accounting.does_add_up:
        alarms.append(
            note(
                "Delivered lines, accounted lines and the sales table disagree: see the row accounting below. "
                "Figures may lack lines or hold some twice; run a full refresh.",
                kind="error",
                title="Lines don't add up",
            )
        )
    return alarms


def _problem(file_name: str, problem: Any) -> list[Any]:
    """Why a file was refused: the first line as text, a block to paste as it is."""
    if is_missing(problem):
        return ["no reason was recorded."]
    # the name stands before it already
    first, _, block = str(problem).removeprefix(f"{file_name}: ").partition("\n")
    return [first, html.Pre(block.strip("\n"), className="paste")] if block.strip() else [first]


def _when(then: datetime | None) -> html.Span:
    return html.Span(moment(then), className="no-wrap")


def _bullets(told: list[list[Any]], of: int, rest: str) -> html.Ul:
    items = [html.Li(parts, className="fault") for parts in told]
    if of > len(told):
        items.append(html.Li(f"and {count(of - len(told))} more {rest}"))
    return html.Ul(items, className="faults")


def _cards(
    fresh: Freshness,
    loads: pd.DataFrame,
    missing: pd.DataFrame,
    checks: pd.DataFrame,
    accounting: RowAccounting,
    now: datetime,
) -> html.Div:
    deliveries = dict(zip(loads["status"], loads["deliveries"], strict=True))
    rejected = int((missing["status"] == "rejected").sum())
    ever = int(deliveries.get("rejected", 0))
    files = dict(zip(loads["status"], loads["files"], strict=True))
    passed, run = int(checks["passed"].sum()), int(checks["checks"].sum())
    set_aside = accounting.delivered_rows - accounting.kept_rows
    share = (
        f"{percent(100 * set_aside / accounting.delivered_rows)} of those delivered"
        if accounting.delivered_rows
        else ""
    )
    return stat_cards(
        [
            stat_card("Sales to", day(fresh.last_date), about=_ago(fresh.last_invoiced_at, now), key="last_date"),
            stat_card("Published", day(fresh.published_at), about=_ago(fresh.published_at, now), key="published_date"),
            stat_card(
                "Checks passed",
                f"{count(passed)} of {count(run)}",
                about="in each layer's latest run",
                key="checks_passed",
            ),
            stat_card(
                "Files in use", count(int(files.get("loaded", 0))), about="of sales and customers", key="files_loaded"
            ),
            stat_card(
                "Files not loaded",
                count(rejected),
                change="see above" if rejected else "",
                is_good=False if rejected else None,
                about=f"{plural(ever, 'rejected delivery', 'rejected deliveries')} in the whole history",
                key="files_rejected",
            ),
            stat_card("Lines set aside", count(set_aside), about=share, key="lines_set_aside"),
        ]
    )


def _ago(then: datetime | None, now: datetime) -> str:
    """How long ago, as words; both UTC without a zone."""
    if then is None or is_missing(then):
        return ""
    seconds = (now - then).total_seconds()
    if seconds < 0:
        return "later than the server's clock says it is"
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{plural(int(seconds // size), unit)} ago"
    return "just now"


# ---- checks ------------------------------------------------------------------------


def _outcome(outcome: str, text: str | None = None) -> html.Span:
    sign, label, tone, _ = _OUTCOMES[outcome]
    return html.Span(
        [html.Span(f"{sign} ", **{"aria-hidden": "true"}), text or label], className=f"outcome outcome-{tone}"
    )


def _counted(outcome: str, amount: int, layer: str) -> html.Span:
    key = f"checks_{layer}_{outcome.replace(' ', '_')}"
    if amount == 0:
        return html.Span("0", className="outcome outcome-none", **{"data-figure": key})
    sign, _, tone, _ = _OUTCOMES[outcome]
    return html.Span(
        [html.Span(f"{sign} ", **{"aria-hidden": "true"}), html.Span(count(amount), **{"data-figure": key})],
        className=f"outcome outcome-{tone}",
    )


def _checks_panel(checks: pd.DataFrame, faults: pd.DataFrame) -> html.Section:
    docs = html.A("Data Docs", href=DATA_DOCS, className="button", title="Great Expectations' pages of every check")
    about = "Tests of the data after each layer; the latest run of each. " + "; ".join(
        f"{label.lower()}: {meaning}" for _, label, _, meaning in _OUTCOMES.values()
    )
    if checks.empty:
        return panel("Checks", empty("No check was recorded.", "Refresh, and they run after each layer."), tools=docs)
    table = simple_table(
        ["Layer", *(label for _, label, _, _ in _OUTCOMES.values()), "When"],
        [
            (
                row.layer,
                *(
                    _counted(outcome, int(getattr(row, outcome.replace(" ", "_"))), row.layer)
                    for outcome in ("passed", "warned", "failed")
                ),
                _counted("could not run", int(row.could_not_run), row.layer),
                _when(row.recorded_at),
            )
            for row in named_rows(checks)
        ],
        caption="Checks by layer",
        numeric=(1, 2, 3, 4),
    )
    told = [
        html.Li(
            [_outcome(row.outcome), f" {row.message} ", html.Span(row.reason, className="about")], className="fault"
        )
        for row in named_rows(faults.head(MOST_TOLD))
    ]
    more = len(faults) - len(told)
    return panel(
        "Checks",
        table,
        below(
            "Checks that did not pass",
            html.Ul(told, className="faults"),
            html.P(f"And {count(more)} more, in the list of all checks below.") if more > 0 else None,
        )
        if told
        else html.P("Every check of the latest runs passed.", className="below"),
        about=about + ".",
        tools=docs,
    )


# ---- freshness ---------------------------------------------------------------------


def _freshness_panel(view: View, fresh: Freshness, now: datetime) -> html.Section:
    def row(what: str, then: datetime | None) -> tuple[Any, ...]:
        return what, _when(then), _ago(then, now)

    times = simple_table(
        ["", "When", "That is"],
        [
            (
                "Last line in the data",
                clock_time(fresh.last_invoiced_at),
                _ago(fresh.last_invoiced_at, now),
            )
            if fresh.last_invoiced_at
            else ("Last line in the data", MISSING, "no line was kept"),
            row("Newest file in use, as written", fresh.last_delivered_at),
            row("Last delivery recorded", fresh.last_recorded_at),
            row("Published", fresh.published_at),
            (
                "Recency is counted to",
                day(fresh.snapshot_date),
                "as asked for" if fresh.as_of_date else "the day after the last line",
            ),
        ],
        caption="How fresh the data are",
    )
    latest = publications(view.reading, PUBLICATIONS_SHOWN)
    published = simple_table(
        ["No.", "When", "Lines", "Change", "Net revenue"],
        [
            (
                count(one.publication_id) + (" ↩ put back" if one.action == "rolled_back" else ""),
                _when(one.published_at),
                count(one.lines),
                signed_count(one.lines_change),
                money(one.net_revenue, view.currency),
            )
            for one in named_rows(latest)
        ],
        caption="Latest publications",
        numeric=(2, 3, 4),
    )
    return panel(
        "How fresh",
        times,
        below("Latest publications", published),
        about="Times are UTC; the last line's is the shop's own clock. A refresh that a check stopped publishes "
        "nothing: it leaves the figures as they were, and shows in Data Docs.",
    )


# ---- row accounting ----------------------------------------------------------------

Measure = Literal["rows", "money"]


def _waterfalls(view: View, accounting: RowAccounting) -> Any:
    if accounting.delivered_rows == 0:
        return empty("No line was delivered.", "Put files into the landing folder and refresh.")
    # only the open tab is drawn: a chart that was hidden would not know its width
    return dmc.Tabs(
        [
            dmc.TabsList([dmc.TabsTab("Lines", value="rows"), dmc.TabsTab("Money", value="money")]),
            dmc.TabsPanel(_waterfall(view, accounting, "rows"), value="rows", pt="sm"),
            dmc.TabsPanel(_waterfall(view, accounting, "money"), value="money", pt="sm"),
        ],
        value="rows",
        keepMounted=False,
        id="health-measure",
    )


def _waterfall(view: View, accounting: RowAccounting, measure: Measure) -> html.Div:
    tokens = view.tokens

    def told(value: Decimal | int) -> str:
        return count(float(value)) if measure == "rows" else money(value, view.currency, pence=True)

    delivered: Decimal | int = accounting.delivered_rows if measure == "rows" else accounting.delivered_amount
    kept: Decimal | int = accounting.kept_rows if measure == "rows" else accounting.kept_amount
    set_aside = [line for line in accounting.lines if not line.is_kept and line.row_count]
    steps = [
        (_disposition(line.disposition), -(line.row_count if measure == "rows" else line.gross_amount))
        for line in set_aside
    ]
    levels: list[float] = [float(delivered)]
    for _, step in steps:
        levels.append(levels[-1] + float(step))
    low, high = min(*levels, float(kept)), max(*levels, float(kept))
    # lines set aside are few: from 0 on, their steps could not be seen
    is_cut = low > 0.5 * high
    span = (high - low) or max(abs(high), 1.0)
    start = low - 0.35 * span if is_cut else min(low, 0.0) * 1.1
    names = ["Delivered", *(name for name, _ in steps), "Kept"]
    values = [delivered, *(step for _, step in steps), kept]
    meanings = [
        "All lines of the files in use",
        *(line.description for line in set_aside),
        "What every figure is made from",
    ]
    figures = [told(delivered), *(_with_sign(told, step) for _, step in steps), told(kept)]
    drawn = {
        "type": "waterfall",
        "orientation": "h",
        # the figure beside the bar would not fit a phone
        "y": [f"{name}<br><b>{value}</b>" for name, value in zip(names, figures, strict=True)],
        "x": [float(value) for value in values],
        "measure": ["absolute", *("relative" for _ in steps), "total"],
        "connector": {"line": {"color": tokens.border, "width": 1}},
        "decreasing": {"marker": {"color": tokens.warning}},
        "increasing": {"marker": {"color": tokens.good}},
        "totals": {"marker": {"color": tokens.accent}},
        "customdata": [f"{what}<br><b>{value}</b>" for what, value in zip(meanings, figures, strict=True)],
    }
    axis = (
        "The axis begins near the smallest bar, not at 0, so that the steps can be seen: compare the figures, not the "
        "bars' lengths."
        if is_cut
        else "The axis begins at 0."
    )
    if measure == "money":
        axis += " Setting negative amounts aside (such as fees that were paid) raises what is left."
    described = (
        f"{told(delivered)} delivered; "
        + ("".join(f"{name} {_with_sign(told, step)}; " for name, step in steps))
        + f"{told(kept)} kept."
    )
    return html.Div(
        [
            html.P(axis, className="about"),
            chart(
                view,
                [drawn],
                name=f"health-waterfall-{measure}",
                description=described,
                height=70 + 44 * len(names),
                # each bar's figure stands beside its name; where the axis begins stands in words above
                xaxis=titled_axis(
                    "Lines" if measure == "rows" else f"Amount in {view.currency}",
                    range=[start, high + 0.04 * ((high - start) or 1.0)],
                    showticklabels=False,
                ),
                yaxis=NAMES,
            ),
        ]
    )


def _with_sign(told: Any, step: Decimal | int) -> str:
    return f"+{told(step)}" if step > 0 else str(told(step))


def _disposition(name: str) -> str:
    return _DISPOSITIONS.get(name, name.replace("_", " ").capitalize())


def _accounting_table(view: View, accounting: RowAccounting) -> html.Div:
    def cells(
        label: str, rows: int, amount: Decimal, meaning: str, key: str, *, is_total: bool = False
    ) -> tuple[Any, ...]:
        name: Any = html.Strong(label) if is_total else label
        return (
            name,
            html.Span(count(rows), **{"data-figure": f"rows_{key}"}),
            html.Span(money(amount, view.currency, pence=True), **{"data-figure": f"amount_{key}"}),
            html.Div(meaning, className="meaning"),
        )

    rows = [
        cells(
            "Delivered",
            accounting.delivered_rows,
            accounting.delivered_amount,
            "All lines of the files in use",
            "delivered",
            is_total=True,
        )
    ]
    rows += [
        cells(
            f"− {_disposition(line.disposition)}", line.row_count, line.gross_amount, line.description, line.disposition
        )
        for line in accounting.lines
        if not line.is_kept
    ]
    rows.append(
        cells(
            "= Kept",
            accounting.kept_rows,
            accounting.kept_amount,
            "What every figure is made from",
            "kept",
            is_total=True,
        )
    )
    rows += [
        cells(
            f"of which {_disposition(line.disposition).lower()}",
            line.row_count,
            line.gross_amount,
            line.description,
            line.disposition,
        )
        for line in accounting.lines
        if line.is_kept
    ]
    return html.Div(
        simple_table(["", "Lines", "Amount", "Meaning"], rows, caption="Row accounting", numeric=(1, 2)),
        className="below",
    )


def _accounting_check(view: View, accounting: RowAccounting) -> html.Div:
    def told_money(amount: Decimal) -> str:
        return money(amount, view.currency, pence=True)

    in_files = f"The files in use hold {count(accounting.delivered_lines_of_files)} lines"
    if accounting.derived_rows:
        in_files += (
            f" and, in columns of their sales' rows, {plural(accounting.derived_rows, 'refund')}: "
            f"{count(accounting.delivered_lines_of_files + accounting.derived_rows)} in all"
        )
    in_table = (
        f"the sales table holds {count(accounting.sales_rows)} lines of {told_money(accounting.sales_amount)} net"
    )
    if accounting.does_add_up:
        told: list[Any] = [
            _outcome("passed", "Adds up."),
            f" {in_files}, as many as are accounted for; {in_table}, as are kept here.",
        ]
    else:
        told = [
            _outcome("failed", "Does not add up."),
            f" {in_files}, {count(accounting.delivered_rows)} are accounted for; {in_table}, "
            f"{count(accounting.kept_rows)} of {told_money(accounting.kept_amount)} are kept here.",
        ]
    if _is_rounding_seen(accounting):
        told.append(
            " Prices may hold fractions of a penny: amounts are shown to the penny, and add up before rounding."
        )
    return html.Div(told, className="below")


def _is_rounding_seen(accounting: RowAccounting) -> bool:
    """Whether amounts, each shown to the penny, miss the total by one or more."""

    def shown(amount: Decimal) -> Decimal:
        return Decimal(str(round(float(amount), 2)))

    set_aside = sum((shown(line.gross_amount) for line in accounting.lines if not line.is_kept), Decimal(0))
    kept = sum((shown(line.gross_amount) for line in accounting.lines if line.is_kept), Decimal(0))
    return (
        shown(accounting.delivered_amount) != set_aside + shown(accounting.kept_amount)
        or shown(accounting.kept_amount) != kept
    )


def _reasons_panel(view: View) -> html.Section:
    reasons = set_aside_reasons(view.reading)
    title = "Why lines were set aside"
    about = (
        "Most lines first. Shares are of everything that was delivered. Lost: customers none of whose lines was kept; "
        "they are in no figure."
    )
    if reasons.empty:
        return panel(title, empty("Every delivered line was kept."), about=about)
    shown = reasons.head(MOST_REASONS)
    rest = len(reasons) - len(shown)
    return panel(
        title,
        simple_table(
            ["Why", "Lines", "Amount", "Customers", "Lost", "For example"],
            [
                (
                    html.Div([html.Strong(_disposition(row.disposition)), f": {_bare(row)}"], className="meaning"),
                    _with_share(count(row.line_count), row.line_pct),
                    _reason_amount(view, row),
                    count(row.customer_count),
                    _with_share(
                        count(row.lost_customer_count), row.lost_customer_pct if row.lost_customer_count else None
                    ),
                    html.Div(
                        f"{row.example_file_name}, line {count(row.example_row_number)}"
                        + (f" (in {count(row.file_count)} files)" if row.file_count > 1 else ""),
                        className="member",
                    ),
                )
                for row in named_rows(shown)
            ],
            caption="Lines set aside by reason",
            numeric=(1, 2, 3, 4),
        ),
        html.P(f"And {plural(rest, 'more reason')}, in the list below.", className="about below") if rest else None,
        about=about,
    )


def _bare(row: Any) -> str:
    """The reason without the name of its kind, which stands before it."""
    reason = str(row.reason)
    return reason.removeprefix(f"{_disposition(row.disposition)}: ")


def _reason_amount(view: View, row: Any) -> Any:
    """The amount, and what stands in its place where no number can be made of it."""
    text = "" if is_missing(row.example_amount_text) else f"“{row.example_amount_text}”"
    if row.lines_without_amount == row.line_count:
        return html.Span(text or MISSING)
    told = _with_share(money(row.amount, view.currency, pence=True), row.amount_pct)
    if not row.lines_without_amount:
        return told
    return [told, html.Div(f"none on {plural(row.lines_without_amount, 'line')} {text}".strip(), className="of-all")]


def _with_share(told: str, share_pct: Any) -> Any:
    return (
        told
        if is_missing(share_pct)
        else html.Span([told, html.Span(f" {percent(share_pct)}", className="of-all no-wrap")])
    )


# ---- files, lists, models ------------------------------------------------------------


def _loads(loads: pd.DataFrame) -> Any:
    if loads.empty:
        return empty("No file was delivered.", "Put files into the landing folder and refresh.")
    return simple_table(
        ["Outcome", "Deliveries", "Lines", "Unreadable lines", "Last recorded"],
        [
            (
                html.Span(
                    _STATUSES.get(row.status, row.status),
                    className="outcome outcome-failed" if row.status == "rejected" else None,
                ),
                html.Span(count(row.deliveries), **{"data-figure": f"deliveries_{row.status}"}),
                count(row.delivered_lines),
                count(row.unreadable_lines),
                _when(row.last_recorded_at),
            )
            for row in named_rows(loads)
        ],
        caption="Deliveries by what became of them",
        numeric=(1, 2, 3),
    )


def _sources(view: View) -> Any:
    """How the files were read: what the letters before their numbers mean, and whose clock their times are on."""
    sources, converted = source_profiles(view.reading), clocks(view.reading)
    if sources.empty:
        return None
    told = [
        html.P(f"{row.clock[:1].upper()}{row.clock[1:]}: {plural(row.files, 'file')}.", className="about")
        for row in named_rows(converted)
    ]
    return below(
        "How each source is read",
        simple_table(
            ["Source", "Files", "Lines", "Profile", "Evidence"],
            [
                (
                    row.source,
                    count(row.file_count),
                    count(row.line_count),
                    row.profile,
                    html.Div(f"{row.evidence[:1].upper()}{row.evidence[1:]}", className="meaning"),
                )
                for row in named_rows(sources)
            ],
            caption="Sources, and how their files were judged",
            numeric=(1, 2),
        ),
        *told,
    )


def _own_totals(view: View) -> Any:
    """Orders against what their own files say that they come to."""
    totals = order_totals(view.reading)
    if totals.empty:
        return None
    return below(
        "Orders against their files' own totals",
        simple_table(
            ["Source", "Total in the file", "Orders", "Add up"],
            [
                (
                    row.source,
                    MISSING if is_missing(row.told_as) else row.told_as,
                    count(row.orders),
                    _outcome("passed", count(row.reconciled_orders))
                    if row.reconciled_orders == row.orders
                    else _outcome("warned", count(row.reconciled_orders)),
                )
                for row in named_rows(totals)
            ],
            caption="Orders against their files' own totals",
            numeric=(2, 3),
        ),
    )


def _came_again(view: View) -> Any:
    """Orders that a newer file tells anew."""
    replaced = replaced_orders(view.reading)
    if replaced.empty:
        return None
    return below(
        "Orders that came again",
        simple_table(
            ["Source", "Orders", "Changed", "Older lines set aside"],
            [
                (
                    row.source,
                    html.Span(count(row.orders), **{"data-figure": f"replaced_orders_{row.source}"}),
                    html.Span(count(row.changed_orders), **{"data-figure": f"changed_orders_{row.source}"}),
                    count(row.lines),
                )
                for row in named_rows(replaced)
            ],
            caption="Orders that came again in a newer file",
            numeric=(1, 2, 3),
        ),
        html.P(
            "The newest file that has an order counts in place of the older ones. Each version is below, among the "
            "orders in several files.",
            className="about",
        ),
    )


def _limits(view: View) -> Any:
    """What figures are to be read with in mind, because no file tells it."""
    limits = source_limits(view.reading)
    if limits.empty:
        return None
    return below(
        "What they don't show",
        simple_table(
            ["Source", "Not shown", "What that means"],
            [
                (row.title, SUBJECTS.get(row.subject, row.subject), html.Div(row.told, className="meaning"))
                for row in named_rows(limits)
            ],
            caption="What the files of each source don't show",
        ),
    )


def _lists(view: View) -> dmc.Tabs:
    tabs = (
        ("set_aside_reasons", "Why set aside"),
        ("set_aside_lines", "Lines set aside"),
        ("order_versions", "Orders in several files"),
        ("load_ledger", "Delivered files"),
        ("validation_results", "All checks"),
        ("publications", "Publications"),
    )
    # only the open tab is there: a grid that was hidden would not know its size, and asks for its rows when it is seen
    return dmc.Tabs(
        [
            dmc.TabsList([dmc.TabsTab(title, value=name) for name, title in tabs]),
            *(dmc.TabsPanel(data_table(view, _LISTS[name]), value=name, pt="sm") for name, _ in tabs),
        ],
        value="set_aside_lines",
        keepMounted=False,
        id="health-lists",
    )


def _models(view: View) -> Any:
    notes = model_notes(view.reading)
    if notes.empty:
        return empty("No model was fitted.")
    told: list[Any] = []
    quiet: list[str] = []
    for row in named_rows(notes):
        title = f"{_MODELS.get(row.model, row.model.replace('_', ' ').capitalize())}: {row.algorithm.replace('_', ' ')}"
        if row.has_warnings:
            told.append(note(row.warnings, kind="warning", title=title))
        if not is_missing(row.change_notes):
            told.append(note(row.change_notes, title=f"{title}, since the fit before"))
        if not row.has_warnings and is_missing(row.change_notes):
            quiet.append(title)
    if quiet:
        told.append(html.P(f"Without warnings: {'; '.join(quiet)}.", className="about below"))
    return html.Div(told, className="page")


PAGE = Page("/health", "Data health", render, has_filters=False)
