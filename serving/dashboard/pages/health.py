"""Data health: how fresh the figures are, what was checked, what was kept and what set aside.

Belongs here: drawing it. Does not belong here: the checks (``expectations``), the rules of
what is set aside (dbt), and selecting (:mod:`serving.queries.health`).

No filter applies: all of it is about the warehouse as a whole. Only how long ago something
was is measured against the clock of the server, when the page is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import accumulate
from typing import Any, Literal

import pandas as pd
from dash import html

from serving.dashboard import components as ui
from serving.dashboard.charts import NAMES, chart, titled_axis
from serving.dashboard.components import figure, note, panel, right, stat_card, table
from serving.dashboard.tables import data_table
from serving.dashboard.view import Page, View
from serving.lists import LISTS
from serving.queries import health as queries
from serving.queries.health import DISPOSITIONS, AccountedLines, RowAccounting
from serving.queries.lists import fetch_list
from warehouse.formats import SUBJECTS, export_formats
from warehouse.freshness import in_words
from warehouse.wording import MISSING, clock_time, count, day, is_missing, moment, percent, plural, signed_count

DATA_DOCS = "/data-docs/index.html"

MOST_TOLD = 10
"""Files or checks told one by one; the lists have all."""

MOST_REASONS = 12
"""Reasons told above the lists."""

PUBLICATIONS_SHOWN = 5

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

# lists of the whole warehouse
_CLOSER: Mapping[str, str] = {
    "set_aside_reasons": "Why set aside",
    "set_aside_lines": "Lines set aside",
    "order_versions": "Orders in several files",
    "load_ledger": "Delivered files",
    "validation_results": "All checks",
    "publications": "Publications",
}


def render(view: View) -> html.Div:
    """The page."""
    now = datetime.now(UTC).replace(tzinfo=None)
    fresh = queries.freshness(view.reading)
    accounting = queries.row_accounting(view.reading)
    loads = queries.load_summary(view.reading)
    missing = queries.missing_files(view.reading)
    checks = queries.checks_by_layer(view.reading)
    faults = queries.open_checks(view.reading)
    docs = html.A("Data Docs", href=DATA_DOCS, className="button", title="Great Expectations' pages of every check")
    outcomes = "; ".join(f"{label.lower()}: {meaning}" for _, label, _, meaning in _OUTCOMES.values())
    about = f"Tests of the data after each layer; the latest run of each. {outcomes}."
    return ui.page(
        *_older(view),
        *_alarms(missing, faults, accounting),
        _cards(view, fresh, loads, missing, checks, accounting, now),
        ui.columns(
            panel(
                "Checks",
                _checks(checks, faults),
                about="" if checks.empty else about,
                tools=docs if "operate" in view.roles else None,
            ),
            panel(
                "How fresh",
                _freshness(view, fresh, now),
                ui.below("Latest publications", _publications(view)),
                about="Times are UTC; the last line's is the shop's own clock. A refresh that a check stopped "
                "publishes nothing: it leaves the figures as they were, and is told above, at length in Data Docs"
                + ("." if "operate" in view.roles else ", which are for tokens with the role operate."),
            ),
        ),
        panel(
            "From delivered lines to the figures",
            _waterfalls(view, accounting),
            _accounting_table(view, accounting),
            _accounting_check(view, accounting),
            about="Every delivered line is kept, or set aside for exactly one reason. Amounts are quantity times "
            "price, or the line's own total, returns negative; one that could not be read counts as 0.",
        ),
        panel(
            "Why lines were set aside",
            _reasons(view),
            about="Most lines first. Shares are of everything that was delivered, of amounts without their signs. "
            "Lost: customers none of whose lines was kept; they are in no figure.",
        ),
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
            ui.tabs(
                "health-lists",
                {name: (title, data_table(view, LISTS[name])) for name, title in _CLOSER.items()},
                "set_aside_lines",
            ),
            about="Sort and filter in the column headers; downloads contain the filtered rows.",
        ),
        panel(
            "Warnings of the models",
            _models(view),
            about="What each model warns of, and what changed since the fit that was published before.",
        ),
    )


# ---- what must be seen ------------------------------------------------------------


def _older(view: View) -> list[Any]:
    """That what is shown is an older snapshot than it might be, and why."""
    stopped, damaged, alarms = view.reading.stopped, view.reading.damaged, []
    shown = f"what you see is the snapshot of {moment(view.reading.about.published_at)}"
    if damaged is not None:
        again = "The next publication replaces it; `regulars refresh --full` publishes at once, though nothing is new."
        damage = [html.P(f"{damaged}. {ui.begun(shown)}, the newest that can be read. {again}")]
        alarms.append(note(damage, kind="error", title="The published snapshot is damaged"))
    if stopped is not None:
        again = "The next refresh tries again once what is named here is mended."
        said = [html.Li(_problem("", told), className="fault") for told in stopped.problems]
        causes = [html.Li(cause, className="fault") for cause in stopped.causes]
        reasons = [
            html.P(f"It published nothing: {shown}. {again}"),
            html.Ul(causes, className="faults"),
            html.Details([html.Summary("What was found, and what to do"), html.Ul(said, className="faults")]),
        ]
        title = f"The newest refresh was stopped on {moment(stopped.stopped_at)}"
        alarms.append(note(reasons, kind="error", title=title))
    return alarms


def _alarms(missing: pd.DataFrame, faults: pd.DataFrame, accounting: RowAccounting) -> list[Any]:
    rejected, unfinished = (missing[missing["status"] == status] for status in ("rejected", "in_transit"))
    stopped = faults[faults["outcome"] != "warned"]
    arriving = ", ".join(unfinished["file_name"].head(MOST_TOLD)) + (" …" if len(unfinished) > MOST_TOLD else "")
    found = (
        (
            len(rejected),
            "error",
            f"{plural(len(rejected), 'delivered file')} could not be loaded",
            _bullets(rejected, _refused, "rejected files, in the list of delivered files below"),
        ),
        (
            len(unfinished),
            "warning",
            f"{plural(len(unfinished), 'file')} had not arrived in full",
            f"{arriving}: still being written when the folder was read. The next refresh takes it in.",
        ),
        (
            len(stopped),
            "error",
            f"{plural(len(stopped), 'check')} failed or could not run",
            _bullets(
                stopped,
                lambda row: [f"{row.outcome.capitalize()}: {row.message}"],
                "checks, in the list of all checks below",
            ),
        ),
        (
            not accounting.does_add_up,
            "error",
            "Lines don't add up",
            "Delivered lines, accounted lines and the sales table disagree: see the row accounting below. "
            "Figures may lack lines or hold some twice; run a full refresh.",
        ),
    )
    return [note(told, kind=kind, title=title) for is_so, kind, title, told in found if is_so]


def _refused(row: Any) -> list[Any]:
    left = "The version before it stays in use." if row.has_former else "Its sales are missing from every figure."
    return [html.Strong(row.file_name), ": ", *_problem(row.file_name, row.problem), f" {left}"]


def _problem(file_name: str, problem: Any) -> list[Any]:
    """Why a file was refused: the first line as text, a block to paste as it is."""
    if is_missing(problem):
        return ["no reason was recorded."]
    # the name stands before it already
    first, _, block = str(problem).removeprefix(f"{file_name}: ").partition("\n")
    return [first, html.Pre(block.strip("\n"), className="paste")] if block.strip() else [first]


def _when(then: datetime | None) -> html.Span:
    return html.Span(moment(then), className="no-wrap")


def _bullets(rows: pd.DataFrame, told: Callable[[Any], list[Any]], rest: str) -> html.Ul:
    items = [html.Li(told(row), className="fault") for row in ui.rows_of(rows.head(MOST_TOLD))]
    if len(rows) > len(items):
        items.append(html.Li(f"and {count(len(rows) - len(items))} more {rest}"))
    return html.Ul(items, className="faults")


def _cards(
    view: View,
    fresh: Mapping[str, datetime | None],
    loads: pd.DataFrame,
    missing: pd.DataFrame,
    checks: pd.DataFrame,
    accounting: RowAccounting,
    now: datetime,
) -> html.Div:
    counted = loads.set_index("status")
    used = int(counted["files"].get("loaded", 0))
    ever = int(counted["deliveries"].get("rejected", 0))
    rejected = int((missing["status"] == "rejected").sum())
    passed, run = int(checks["passed"].sum()), int(checks["checks"].sum())
    delivered = accounting.delivered_rows
    set_aside = delivered - accounting.kept_rows
    share = f"{percent(100 * set_aside / delivered)} of those delivered" if delivered else ""
    told = f"{count(passed)} of {count(run)}"
    every = f"{plural(ever, 'rejected delivery', 'rejected deliveries')} in the whole history"
    refused: dict[str, Any] = {"change": "see above", "is_good": False} if rejected else {}
    last, published = (_ago(fresh[name], now) for name in ("last_invoiced_at", "published_at"))
    return ui.stat_cards(
        stat_card("Sales to", day(view.reading.about.last_date), about=last, key="last_date"),
        stat_card("Published", day(fresh["published_at"]), about=published, key="published_date"),
        stat_card("Checks passed", told, about="in each layer's latest run", key="checks_passed"),
        stat_card("Files in use", count(used), about="of sales and customers", key="files_loaded"),
        stat_card("Files not loaded", count(rejected), **refused, about=every, key="files_rejected"),
        stat_card("Lines set aside", count(set_aside), about=share, key="lines_set_aside"),
    )


def _ago(then: datetime | None, now: datetime) -> str:
    """How long ago, as words; both UTC without a zone."""
    if then is None or is_missing(then):
        return ""
    hours = (now - then).total_seconds() / 3600
    if hours < 0:
        return f"{in_words(-hours)} ahead of the server's clock"
    return f"{in_words(hours)} ago" if hours >= 1 / 60 else "just now"


# ---- checks and freshness ------------------------------------------------------------


def _outcome(outcome: str, told: Any = None) -> html.Span:
    sign, label, tone, _ = _OUTCOMES[outcome]
    return html.Span([ui.hidden(f"{sign} "), told or label], className=f"outcome outcome-{tone}")


def _counted(outcome: str, row: Any) -> html.Span:
    name = outcome.replace(" ", "_")
    amount, key = int(getattr(row, name)), f"checks_{row.layer}_{name}"
    return (
        _outcome(outcome, figure(count(amount), key)) if amount else figure("0", key, className="outcome outcome-none")
    )


def _checks(checks: pd.DataFrame, faults: pd.DataFrame) -> list[Any]:
    if checks.empty:
        return [ui.empty("No check was recorded.", "Refresh, and they run after each layer.")]
    counts = {label: right(partial(_counted, outcome)) for outcome, (_, label, _, _) in _OUTCOMES.items()}
    found = table("Checks by layer", checks, {"Layer": "layer", **counts, "When": (_when, "recorded_at")})
    if faults.empty:
        return [found, html.P("Every check of the latest runs passed.", className="below")]
    return [found, ui.below("Checks that did not pass", _bullets(faults, _fault, "in the list of all checks below"))]


def _fault(row: Any) -> list[Any]:
    stop = "" if row.message.endswith(".") else "."
    return [_outcome(row.outcome), f" {row.message}{stop} ", html.Span(row.reason, className="about")]


def _freshness(view: View, fresh: Mapping[str, datetime | None], now: datetime) -> html.Div:
    moments = {
        "Newest file in use, as written": "last_delivered_at",
        "Last delivery recorded": "last_recorded_at",
        "Published": "published_at",
    }
    about, last = view.reading.about, fresh["last_invoiced_at"]
    counted = "as asked for" if about.as_of_date else "the day after the last line"
    rows = [
        ("Last line in the data", clock_time(last), _ago(last, now) if last else "no line was kept"),
        *((what, _when(fresh[name]), _ago(fresh[name], now)) for what, name in moments.items()),
        ("Recency is counted to", day(about.snapshot_date), counted),
    ]
    cells = {title: lambda row, at=at: row[at] for at, title in enumerate(("", "When", "That is"))}
    return table("How fresh the data are", rows, cells)


def _publications(view: View) -> html.Div:
    return table(
        "Latest publications",
        fetch_list(view.reading, LISTS["publications"], view.filters, limit=PUBLICATIONS_SHOWN),
        {
            "No.": lambda one: count(one.publication_id) + (" ↩ put back" if one.action == "rolled_back" else ""),
            "When": (_when, "published_at"),
            "Lines": (count, "lines"),
            "Change": right((signed_count, "lines_change")),
            "Net revenue": right(lambda one: view.money(one.net_revenue)),
        },
    )


# ---- row accounting ----------------------------------------------------------------

Measure = Literal["rows", "money"]


_NAMES = {"delivered": "Delivered", "kept": "Kept", **DISPOSITIONS}
"""Of each row of the accounting, and of the two ends between which they stand."""


def _ends(accounting: RowAccounting) -> tuple[AccountedLines, AccountedLines]:
    rows, amount, meaning = accounting.delivered_rows, accounting.delivered_amount, "All lines of the files in use"
    kept = ("kept", True, accounting.kept_rows, accounting.kept_amount, "What every figure is made from")
    return AccountedLines("delivered", True, rows, amount, meaning), AccountedLines(*kept)


def _waterfalls(view: View, accounting: RowAccounting) -> Any:
    if accounting.delivered_rows == 0:
        return ui.empty("No line was delivered.", "Put files into the landing folder and refresh.")
    measures: Mapping[Measure, str] = {"rows": "Lines", "money": "Money"}
    drawn: dict[str, Any] = {each: (title, _waterfall(view, accounting, each)) for each, title in measures.items()}
    return ui.tabs("health-measure", drawn, "rows")


def _waterfall(view: View, accounting: RowAccounting, measure: Measure) -> html.Div:
    tokens, is_rows = view.tokens, measure == "rows"

    def told(value: Decimal | int) -> str:
        return count(float(value)) if is_rows else view.money(value, pence=True)

    def signed(value: Decimal | int) -> str:
        return f"+{told(value)}" if value > 0 else told(value)

    first, last = _ends(accounting)
    set_aside = [line for line in accounting.lines if not line.is_kept and line.row_count]
    steps = [first, *set_aside, last]
    delivered, *taken, kept = (one.row_count if is_rows else one.gross_amount for one in steps)
    lengths = [float(delivered), *(float(-value) for value in taken), float(kept)]
    levels = [*accumulate(lengths[:-1]), lengths[-1]]
    low, high = min(levels), max(levels)
    # lines set aside are few: from 0 on, their steps could not be seen
    is_cut = 0.5 * high < low < high
    span = (high - low) or max(abs(high), 1.0)
    start = low - 0.35 * span if is_cut else min(low, 0.0) * 1.1
    figures = [told(delivered), *(signed(-value) for value in taken), told(kept)]
    drawn = {
        "type": "waterfall",
        "orientation": "h",
        # the figure beside the bar would not fit a phone
        "y": [f"{_NAMES[one.disposition]}<br><b>{value}</b>" for one, value in zip(steps, figures, strict=True)],
        "x": lengths,
        "measure": ["absolute", *("relative" for _ in taken), "total"],
        "connector": {"line": {"color": tokens.border, "width": 1}},
        "decreasing": {"marker": {"color": tokens.warning}},
        "increasing": {"marker": {"color": tokens.good}},
        "totals": {"marker": {"color": tokens.accent}},
        "customdata": [f"{one.description}<br><b>{value}</b>" for one, value in zip(steps, figures, strict=True)],
    }
    axis = (
        "The axis begins near the smallest bar, not at 0, so that the steps can be seen: compare the figures, not the "
        "bars' lengths."
        if is_cut
        else "The axis begins at 0."
    )
    if not is_rows:
        axis += " Setting negative amounts aside (such as fees that were paid) raises what is left."
    between = "".join(
        f"{_NAMES[one.disposition]} {value}; " for one, value in zip(set_aside, figures[1:-1], strict=True)
    )
    return html.Div(
        [
            ui.remark(axis),
            chart(
                view,
                [drawn],
                name=f"health-waterfall-{measure}",
                description=f"{figures[0]} delivered; {between}{figures[-1]} kept.",
                height=70 + 44 * len(steps),
                # each bar's figure stands beside its name; where the axis begins stands in words above
                xaxis=titled_axis(
                    "Lines" if is_rows else f"Amount in {view.currency}",
                    range=[start, high + 0.04 * ((high - start) or 1.0)],
                    showticklabels=False,
                ),
                yaxis=NAMES,
            ),
        ]
    )


def _accounting_table(view: View, accounting: RowAccounting) -> html.Div:
    delivered, kept = _ends(accounting)
    rows = [
        (html.Strong("Delivered"), delivered),
        *((f"− {_NAMES[one.disposition]}", one) for one in accounting.lines if not one.is_kept),
        (html.Strong("= Kept"), kept),
        *((f"of which {_NAMES[one.disposition].lower()}", one) for one in accounting.lines if one.is_kept),
    ]
    found = table(
        "Row accounting",
        rows,
        {
            "": lambda row: row[0],
            "Lines": right(lambda row: figure(count(row[1].row_count), f"rows_{row[1].disposition}")),
            "Amount": right(
                lambda row: figure(view.money(row[1].gross_amount, pence=True), f"amount_{row[1].disposition}")
            ),
            "Meaning": lambda row: html.Div(row[1].description, className="meaning"),
        },
    )
    return html.Div(found, className="below")


def _accounting_check(view: View, accounting: RowAccounting) -> html.Div:
    def told_money(amount: Decimal) -> str:
        return view.money(amount, pence=True)

    in_files = f"The files in use hold {plural(accounting.delivered_lines_of_files, 'line')}"
    if accounting.derived_rows:
        in_files += (
            f" and, in columns of their sales' rows, {plural(accounting.derived_rows, 'refund')}: "
            f"{count(accounting.delivered_lines_of_files + accounting.derived_rows)} in all"
        )
    in_table = (
        f"the sales table holds {plural(accounting.sales_rows, 'line')} of {told_money(accounting.sales_amount)} net"
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

    set_aside, kept = (
        sum((shown(line.gross_amount) for line in accounting.lines if line.is_kept is is_kept), Decimal(0))
        for is_kept in (False, True)
    )
    return (
        shown(accounting.delivered_amount) != set_aside + shown(accounting.kept_amount)
        or shown(accounting.kept_amount) != kept
    )


def _reasons(view: View) -> Any:
    reasons = fetch_list(view.reading, queries.REASONS, view.filters)
    if reasons.empty:
        return ui.empty("Every delivered line was kept.")
    shown = reasons.head(MOST_REASONS)
    rest = len(reasons) - len(shown)
    return [
        table(
            "Lines set aside by reason",
            shown,
            {
                "Why": _reason,
                "Lines": right(lambda row: _with_share(count(row.line_count), row.line_pct)),
                "Amount": right(lambda row: _reason_amount(view, row)),
                "Customers": (count, "customer_count"),
                "Lost": right(
                    lambda row: _with_share(
                        count(row.lost_customer_count), row.lost_customer_pct if row.lost_customer_count else None
                    )
                ),
                "For example": _example,
            },
        ),
        html.P(f"And {plural(rest, 'more reason')}, in the list below.", className="about below") if rest else None,
    ]


def _reason(row: Any) -> html.Div:
    kind = DISPOSITIONS[row.disposition]
    # the name of its kind stands before it already
    return html.Div([html.Strong(kind), f": {str(row.reason).removeprefix(f'{kind}: ')}"], className="meaning")


def _example(row: Any) -> html.Div:
    more = f" (in {count(row.file_count)} files)" if row.file_count > 1 else ""
    return html.Div(f"{row.example_file_name}, line {count(row.example_row_number)}{more}", className="member")


def _reason_amount(view: View, row: Any) -> Any:
    """The amount, and what stands in its place where no number can be made of it."""
    text = "" if is_missing(row.example_amount_text) else f"“{row.example_amount_text}”"
    if row.lines_without_amount == row.line_count:
        return html.Span(text or MISSING)
    told = _with_share(view.money(row.amount, pence=True), row.amount_pct)
    if not row.lines_without_amount:
        return told
    return [told, html.Div(f"none on {plural(row.lines_without_amount, 'line')} {text}".strip(), className="of-all")]


def _with_share(told: str, share_pct: Any) -> Any:
    if is_missing(share_pct):
        return told
    return html.Span([told, html.Span(f" {percent(share_pct)}", className="of-all no-wrap")])


# ---- files and models ------------------------------------------------------------------


def _loads(loads: pd.DataFrame) -> Any:
    if loads.empty:
        return ui.empty("No file was delivered.", "Put files into the landing folder and refresh.")
    return table(
        "Deliveries by what became of them",
        loads,
        {
            "Outcome": lambda row: html.Span(
                _STATUSES.get(row.status, row.status),
                className="outcome outcome-failed" if row.status == "rejected" else None,
            ),
            "Deliveries": right(lambda row: figure(count(row.deliveries), f"deliveries_{row.status}")),
            "Lines": (count, "delivered_lines"),
            "Unreadable lines": (count, "unreadable_lines"),
            "Last recorded": (_when, "last_recorded_at"),
        },
    )


def _part(title: str, rows: pd.DataFrame, columns: Mapping[Any, Any], *more: Any, caption: str = "") -> Any:
    """A table under its title, where there is something to tell."""
    return None if rows.empty else ui.below(title, table(caption or title, rows, columns), *more)


def _source(row: Any) -> str:
    """An export by its title, as among the limits; another source by its own name."""
    known = export_formats().get(row.source)
    return row.source if known is None else known.title


def _sources(view: View) -> Any:
    """How the files were read: what the letters before their numbers mean, and whose clock their times are on."""
    return _part(
        "How each source is read",
        queries.source_profiles(view.reading),
        {
            "Source": _source,
            "Files": (count, "file_count"),
            "Lines": (count, "line_count"),
            "Profile": "profile",
            "Evidence": lambda row: html.Div(ui.begun(row.evidence), className="meaning"),
        },
        *(
            ui.remark(f"{ui.begun(row.clock)}: {plural(row.files, 'file')}.")
            for row in ui.rows_of(queries.clocks(view.reading))
        ),
        caption="Sources, and how their files were judged",
    )


def _own_totals(view: View) -> Any:
    """Orders against what their own files say that they come to."""

    def reconciled(row: Any) -> html.Span:
        is_whole = row.reconciled_orders == row.orders
        return _outcome("passed" if is_whole else "warned", count(row.reconciled_orders))

    return _part(
        "Orders against their files' own totals",
        queries.order_totals(view.reading),
        {
            "Source": _source,
            "Total in the file": lambda row: MISSING if is_missing(row.told_as) else row.told_as,
            "Orders": (count, "orders"),
            "Add up": right(reconciled),
        },
    )


def _came_again(view: View) -> Any:
    """Orders that a newer file tells anew."""
    return _part(
        "Orders that came again",
        queries.replaced_orders(view.reading),
        {
            "Source": _source,
            "Orders": right(lambda row: figure(count(row.orders), f"replaced_orders_{row.source}")),
            "Changed": right(lambda row: figure(count(row.changed_orders), f"changed_orders_{row.source}")),
            "Older lines set aside": (count, "lines"),
        },
        ui.remark(
            "The newest file that has an order counts in place of the older ones. Each version is below, among the "
            "orders in several files."
        ),
        caption="Orders that came again in a newer file",
    )


def _limits(view: View) -> Any:
    """What figures are to be read with in mind, because no file tells it."""
    return _part(
        "What they don't show",
        queries.source_limits(view.reading),
        {
            "Source": "title",
            "Not shown": lambda row: SUBJECTS.get(row.subject, row.subject),
            "What that means": lambda row: html.Div(row.told, className="meaning"),
        },
        caption="What the files of each source don't show",
    )


def _models(view: View) -> Any:
    notes = queries.model_notes(view.reading)
    if notes.empty:
        return ui.empty("No model was fitted.")
    told: list[Any] = []
    quiet: list[str] = []
    for row in ui.rows_of(notes):
        title = queries.model_title(row)
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
