"""The first page: what happened, in words, figures and over time.

Belongs here: how the answers of :mod:`serving.queries.insights`, ``cards`` and ``revenue`` are shown.
Does not belong here: any figure's making.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from html import escape
from typing import Any, Literal

import pandas as pd
from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard.charts import Trace, bars, chart, count_axis, dots, flat_bars, line, money_axis
from serving.dashboard.components import NOTHING, empty, figure, rows_of
from serving.dashboard.view import Page, View, redrawn
from serving.palette import SEQUENTIAL
from serving.queries import revenue
from serving.queries.anomalies import scored_series
from serving.queries.cards import Card, headline_notes, summary_cards
from serving.queries.insights import Insight, insights
from warehouse import wording

LISTED_DAYS = 12
HOVERED_DAYS = 3

_KIND_LABELS = {
    "change": "Last full month",
    "driver": "Behind it",
    "segments": "Segments",
    "slipping": "Slipping",
    "dormant": "Dormant",
    "anomaly": "Unusual",
    "concentration": "Concentration",
    "caveat": "Keep in mind",
}


def render(view: View) -> Any:
    """The overview of one view."""
    months = revenue.monthly_revenue(view.reading, view.filters)
    cards = ui.stat_cards(*(_card(card, view) for card in summary_cards(view.reading, view.filters)))
    doubts = [_doubt(one) for one in headline_notes(view.reading)]
    if months.empty:
        return ui.page(*doubts, empty(*NOTHING), cards)
    grains = {"month": "Months", "week": "Weeks", "day": "Days"}
    return ui.page(
        *doubts,
        cards,
        ui.panel(
            "In short",
            _told(view, insights(view.reading, view.filters)),
            about="Written from the published data for the filters above.",
        ),
        ui.value_note(view),
        ui.panel(
            "Net revenue",
            html.Div(_monthly_chart(view, months), id="overview-revenue"),
            about="Gross revenue less returns. Marks show unusual days: hover for the cause, or read them below."
            + ui.scope(view),
            tools=ui.switch("overview-grain", grains, "Revenue by month, week or day"),
        ),
        ui.columns(
            ui.panel(
                "Customers by month",
                _customers(view),
                about="Identified customers who bought in the month, each counted once. New: the first purchase ever; "
                "once: a single order by the month's end. Existing: bought in an earlier month." + ui.scope(view),
            ),
            ui.panel(
                "Returning and one-time customers",
                _types(view),
                about="Returning: ordered more than once in the whole history. The lower bar is the net revenue that "
                "they bring.",
            ),
        ),
        ui.panel(
            "Top 10 customers",
            _top(view),
            about="By net revenue of the chosen days: gross less what came back. Share is of all net revenue shown, "
            "including sales without a customer.",
        ),
    )


# ---- in words and figures --------------------------------------------------------


def _doubt(told: Mapping[str, str]) -> html.Div:
    kind = "warning" if told["severity"] == "warning" else "info"
    return html.Div(ui.note(told["sentence"], kind=kind), **{"data-doubt": told["key"]})


def _told(view: View, told: Sequence[Insight]) -> html.Ul:
    who = {
        "slipping": view.link("/customers", slipping=True),
        # the filter of the slipping leaves them out
        "dormant": view.link("/customers", method="slipping", segments=("Dormant",)),
    }
    items = [
        html.Li(
            [
                html.Strong(_KIND_LABELS[item.kind], className="insight-kind"),
                html.Span(
                    [item.text, *([" ", dcc.Link("Who they are", href=who[item.kind])] if item.kind in who else [])]
                ),
            ],
            className=f"insight insight-{item.tone}",
            **{"data-insight": item.kind},
        )
        for item in told
    ]
    return html.Ul(items, className="insights")


def _card(card: Card, view: View) -> html.Div:
    about = card.about
    if card.before is not None:
        about = f"{about.rstrip('.')}: {wording.in_unit(card.before, card.unit, view.currency, is_short=True)}."
    return ui.stat_card(
        card.label,
        wording.in_unit(card.value, card.unit, view.currency, is_short=True),
        change="" if card.change_pct is None else wording.change(card.change_pct),
        is_good=card.is_good,
        about=about,
        key=card.key,
    )


# ---- revenue over time -----------------------------------------------------------


def _revenue_chart(view: View, grain: revenue.Grain) -> list[Any]:
    """The chart of one grain, for the page's own control."""
    if grain != "month":
        return _line_chart(view, grain)
    months = revenue.monthly_revenue(view.reading, view.filters)
    return [empty(*NOTHING)] if months.empty else _monthly_chart(view, months)


def _monthly_chart(view: View, months: pd.DataFrame) -> list[Any]:
    rows, odd = rows_of(months), revenue.unusual_periods(view.reading, view.filters, "day")
    told, paler = partial(_month_hover, view), _paler_where_not_complete(rows)
    traces = [bars(rows, "month_start", "net_revenue", view.tokens.accent, told, marker=paler)]
    heights = {row.month_start.date(): row.net_revenue for row in rows}
    above = 0.05 * (max([*heights.values(), 0.0]) or 1)
    # a silence may be told of a month that nothing of the view lies in
    by_month = odd.groupby(odd["month_start"].dt.date)
    marks = [(start, rows_of(days)) for start, days in by_month if start in heights]
    if marks:
        traces.append(
            dots(
                marks,
                lambda mark: mark[0],
                lambda mark: max(heights[mark[0]], 0) + above,
                view.tokens.warning,
                11,
                lambda mark: _odd_hover(*mark),
                symbol="diamond",
                mode="markers+text",
                text=[str(len(days)) if len(days) > 1 else "" for _, days in marks],
                textposition="top center",
                textfont={"color": view.tokens.warning, "size": 11},
            )
        )
    best = max(rows, key=lambda row: (row.net_revenue, row.month_start))
    described = (
        f"Net revenue in {wording.plural(len(rows), 'month')}, {view.short_money(sum(heights.values()))} in all; most "
        f"in {wording.month(best.month_start)}, {view.short_money(best.net_revenue)}. "
        f"{wording.plural(len(odd), 'unusual day')}."
    )
    partly = [wording.month(row.month_start) for row in rows if not row.is_complete_month]
    return [
        chart(
            view,
            traces,
            name="overview-revenue-chart",
            description=described,
            height=340,
            xaxis=_month_ticks(rows),
            yaxis=money_axis(view, list(heights.values()), "Net revenue per month"),
        ),
        ui.remark(
            "Each return is taken off the sale that it reverses, or where none was found off its own day: recent "
            "months can still shrink a little. ",
            f"Paler, not complete: {', '.join(partly)}." if partly else "",
        ),
        _odd_list(view, odd, "day"),
    ]


def _line_chart(view: View, grain: Literal["week", "day"]) -> list[Any]:
    by_grain = {"week": (revenue.weekly_revenue, "week_start"), "day": (revenue.daily_revenue, "date")}
    ask, start = by_grain[grain]
    frame, odd = ask(view.reading, view.filters), revenue.unusual_periods(view.reading, view.filters, grain)
    every = rows_of(frame.rename(columns={start: "at", f"is_complete_{grain}": "is_complete"}))
    rows = [row for row in every if not wording.is_missing(row.net_revenue_as_booked)]
    if not rows:
        return [empty(*NOTHING)]
    known = {row.at: row.net_revenue_as_booked for row in rows}
    cut = [row for row in rows if not row.is_complete]

    def told(row: Any) -> str:
        if row.at not in known:
            return ""
        return (
            f"<b>{'Week from ' if grain == 'week' else ''}{wording.day(row.at)}</b>"
            f"{'' if row.is_complete else ' (not complete)'}<br>"
            f"{view.money(row.net_revenue_as_booked)} net as booked<br>"
            f"{wording.plural(row.invoices, 'order')}, {wording.plural(row.customers, 'customer')}"
        )

    tokens = view.tokens
    # where the shop was closed there is no point, and the line breaks; a line needs two ends
    mode = "lines" if len(rows) > 1 else "markers"
    traces = [line(every, "at", lambda row: known.get(row.at), tokens.accent, 1.8, told, mode=mode)]
    if cut:
        ring = {"line": {"width": 1.8}}
        traces.append(dots(cut, "at", "net_revenue_as_booked", tokens.accent, 8, symbol="circle-open", marker=ring))
    if len(odd):
        traces.append(
            dots(odd, "date", lambda row: known.get(row.date, 0), tokens.warning, 10, _odd_lines, symbol="diamond")
        )
    best = max(rows, key=lambda row: (row.net_revenue_as_booked, row.at))
    described = (
        f"Net revenue as booked by {grain}; most on {wording.day(best.at)}, "
        f"{view.short_money(best.net_revenue_as_booked)}. {wording.plural(len(odd), f'unusual {grain}')}."
    )
    return [
        chart(
            view,
            traces,
            name="overview-revenue-chart",
            description=described,
            height=340,
            xaxis={"type": "date", "tickformat": "%b\n%Y", "nticks": 8, "showgrid": False},
            yaxis=money_axis(view, list(known.values()), f"Net revenue per {grain}"),
        ),
        ui.remark(
            "Here each return counts on the day on which it was booked, as unusual days are measured. "
            + ("The line breaks where the shop was closed." if grain == "day" else "Weeks begin on Monday.")
            + (f" A ring marks a {grain} that is not complete." if cut else "")
        ),
        _odd_list(view, odd, grain),
    ]


def _paler_where_not_complete(rows: Sequence[Any]) -> dict[str, Any]:
    return {"opacity": [1.0 if row.is_complete_month else 0.5 for row in rows]}


def _month_hover(view: View, row: Any) -> str:
    lines = [
        f"<b>{wording.month(row.month_start)}</b>" + ("" if row.is_complete_month else " (not complete)"),
        f"{view.money(row.net_revenue)} net",
        f"{view.money(row.gross_revenue)} gross, {view.money(row.total_return_revenue)} returned",
        f"{wording.plural(row.invoices, 'order')}, {wording.plural(row.customers, 'customer')}",
    ]
    return "<br>".join(lines)


def _odd_hover(month_start: date, days: Sequence[Any]) -> str:
    """The oddest days of a month with their causes; names in them are text, not markup."""
    oddest = sorted(days, key=lambda row: (-abs(row.score), row.date, row.series))[:HOVERED_DAYS]
    head = f"<b>{wording.plural(len(days), 'unusual day')} in {wording.month(month_start)}</b>"
    rest = len(days) - len(oddest)
    lines = [head, *map(_odd_lines, sorted(oddest, key=lambda row: (row.date, row.series)))]
    return "<br>".join([*lines, f"and {wording.count(rest)} more"] if rest else lines)


def _odd_lines(row: Any) -> str:
    return "<br>".join(escape(line) for line in textwrap.wrap(_odd_text(row), 58)[:7])


def _odd_text(row: Any) -> str:
    whose = "" if row.series == "total" else f"{row.series}, "
    return f"{whose}{wording.day(row.date)}: {row.cause}"


def _odd_list(view: View, odd: pd.DataFrame, grain: str) -> Any:
    if view.filters.is_about_customers:
        told = "Unusual days are measured for the whole shop and its larger countries, not for chosen customers."
        return ui.remark(told, " ", dcc.Link("Those of the shop", href=view.link("/anomalies")))
    whose = "the chosen countries" if view.filters.countries else "the whole shop"
    if odd.empty:
        watched = scored_series(view.reading, view.filters)
        if not watched.loc[watched["grain"] == grain, "periods"].any():
            return ui.remark(f"No {grain} of {whose} in this time could be compared with what is usual.")
        return ui.remark(f"No unusual {grain} of {whose} in this time.")
    rows = rows_of(odd)[::-1]
    shown = rows[:LISTED_DAYS]
    total = figure(wording.count(len(rows)), f"unusual_{grain}s")
    head = [total, f" unusual {grain}{'' if len(rows) == 1 else 's'} of {whose}"]
    if len(rows) > len(shown):
        head.append(f", the last {len(shown)} in words")
    listed = html.Ul([html.Li(_odd_text(row)) for row in shown])
    return html.Details([html.Summary(head), listed], className="odd-days")


# ---- customers -------------------------------------------------------------------


def _customers(view: View) -> html.Div:
    months = revenue.monthly_customers(view.reading, view.filters)
    if months.empty:
        return empty("No sale here has a customer.")
    rows = rows_of(months)
    parts = (
        ("Existing", view.tokens.accent, "existing_customers"),
        ("New, ordered again", SEQUENTIAL[view.theme][2], lambda row: row.new_customers - row.one_time_customers),
        ("New, once", view.tokens.neutral, "one_time_customers"),
    )

    def hover(row: Any) -> str:
        return (
            f"<b>{wording.month(row.month_start)}</b>{'' if row.is_complete_month else ' (not complete)'}<br>"
            f"{wording.plural(row.customers, 'customer')}: {wording.count(row.existing_customers)} existing,<br>"
            f"{wording.count(row.new_customers)} new, of them {wording.count(row.one_time_customers)} once"
        )

    marker = {**_paler_where_not_complete(rows), "line": {"color": view.tokens.surface, "width": 1}}
    traces = [bars(rows, "month_start", part, colour, hover, name=name, marker=marker) for name, colour, part in parts]
    last = rows[-1]
    best = max(rows, key=lambda row: (row.customers, row.month_start))
    described = (
        f"Most customers in {wording.month(best.month_start)}, {wording.count(best.customers)}; last in "
        f"{wording.month(last.month_start)}, {wording.count(last.customers)}, of them "
        f"{wording.count(last.existing_customers)} existing."
    )
    return chart(
        view,
        traces,
        name="overview-customers",
        description=described,
        barmode="stack",
        showlegend=True,
        legend={"traceorder": "normal"},
        xaxis=_month_ticks(rows),
        yaxis=count_axis("Customers", months["customers"].max(), nticks=6, rangemode="tozero"),
    )


def _types(view: View) -> Any:
    found = revenue.customer_types(view.reading, view.filters)
    if found.empty:
        return empty("No customer fits these filters.")
    returning, once = rows_of(found)
    has_money = not wording.is_missing(returning.net_revenue_pct)
    # shares of a sum with a negative part are no parts of 100
    is_shown = has_money and min(returning.net_revenue, once.net_revenue) >= 0

    def part(row: Any, name: str, colour: str, on_it: str) -> Trace:
        shares = [row.net_revenue_pct if is_shown else None, row.customers_pct]
        amounts = [view.money(row.net_revenue), wording.plural(row.customers, "customer")]
        return flat_bars(
            zip(amounts, shares, strict=True),
            ["Net revenue", "Customers"],
            shares,
            colour,
            lambda one: f"<b>{name}</b><br>{one[0]}, {wording.percent(one[1])}",
            name=name,
            text=[wording.percent(share, 0) if share is not None and share >= 12 else "" for share in shares],
            textposition="inside",
            insidetextanchor="middle",
            textfont={"color": on_it, "size": 12},
        )

    traces = [
        part(returning, "Returning", view.tokens.accent, view.tokens.surface),
        part(once, "One-time", view.tokens.neutral, "#12161c"),
    ]
    sentence = [
        html.Span(wording.plural(returning.customers, "returning customer")),
        " (",
        figure(wording.percent(returning.customers_pct), "returning_customers_pct"),
        f") {'brings' if returning.customers == 1 else 'bring'} ",
        figure(wording.percent(returning.net_revenue_pct), "returning_revenue_pct"),
        " of the net revenue of identified customers; ",
        html.Span(wording.plural(once.customers, "customer")),
        " ordered once.",
    ]
    described = (
        f"{wording.percent(returning.customers_pct)} of customers are returning and bring "
        f"{wording.percent(returning.net_revenue_pct)} of the net revenue."
    )
    return [
        html.P(sentence, className="finding"),
        chart(
            view,
            traces,
            name="overview-types",
            description=described,
            height=240,
            barmode="stack",
            showlegend=True,
            legend={"traceorder": "normal"},
            xaxis={"range": [0, 100], "ticksuffix": "%", "nticks": 6, "showgrid": False},
            bargap=0.45,
        ),
    ]


def _top(view: View) -> html.Div:
    found = revenue.top_customers(view.reading, view.filters, limit=10)
    if found.empty:
        return empty("No sale here has a customer.")
    return ui.table(
        "The ten customers with the most net revenue",
        found,
        {
            "Customer": lambda row: ui.customer_link(view, row.customer_id),
            "Net revenue": ui.right(lambda row: view.money(row.net_revenue)),
            "Share": (wording.percent, "net_revenue_pct"),
            "Orders": (wording.count, "invoices"),
            "Last order": ui.right((wording.day, "last_purchase_date")),
            "Segment": lambda row: (
                wording.MISSING if wording.is_missing(row.segment) else ui.segment_mark(view, row.segment)
            ),
        },
    )


# ---- axes ------------------------------------------------------------------------


def _month_ticks(rows: Sequence[Any]) -> dict[str, Any]:
    """One label every so many months, so that they fit a phone."""
    step = next((step for most, step in ((6, 1), (14, 2), (26, 4), (52, 6)) if len(rows) <= most), 12)
    shown = [row.month_start for row in rows][::-1][::step]
    return {
        "type": "date",
        "showgrid": False,
        "tickvals": shown,
        "ticktext": [f"{wording.month_name(at)}<br>{at.year}" for at in shown],
    }


register = redrawn(("overview-revenue", ("overview-grain.value",), _revenue_chart))
PAGE = Page("/", "Overview", render, register=register)
