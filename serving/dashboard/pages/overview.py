"""The first page: what happened, in words, figures and over time.

Belongs here: how the answers of :mod:`serving.queries.insights`, ``cards`` and ``revenue`` are shown.
Does not belong here: any figure's making.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any, Literal

import pandas as pd
from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard.charts import bars, chart, count_axis, dots, flat_bars, line, money_axis
from serving.dashboard.components import NOTHING, Rows, empty, figure, rows_of
from serving.dashboard.view import Page, View, redrawn
from serving.palette import SEQUENTIAL
from serving.queries import revenue
from serving.queries.cards import Card, headline_notes, summary_cards
from serving.queries.health import value_caveats
from serving.queries.insights import Insight, insights
from warehouse import wording

LISTED_DAYS = 12
HOVERED_DAYS = 3

_KIND_LABELS = {
    "change": "Last full month",
    "driver": "Behind it",
    "segments": "Segments",
    "slipping": "Slipping",
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
        ui.value_note(value_caveats(view.reading)),
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
    who = [" ", dcc.Link("Who they are", href=view.link("/customers", slipping=True))]
    items = [
        html.Li(
            [
                html.Strong(_KIND_LABELS[item.kind], className="insight-kind"),
                html.Span([item.text, *(who if item.kind == "slipping" else [])]),
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
    rows = rows_of(months)
    odd = revenue.unusual_periods(view.reading, view.filters, "day")
    values = [row["net_revenue"] for row in rows]
    traces = [
        bars(
            [row["month_start"] for row in rows],
            values,
            view.tokens.accent,
            [_month_hover(view, row) for row in rows],
            marker=_paler_where_not_complete(rows),
        )
    ]
    heights = {row["month_start"].date(): row["net_revenue"] for row in rows}
    top = max([*heights.values(), 0.0])
    # a silence may be told of a month that nothing of the view lies in
    by_month = odd.groupby(odd["month_start"].dt.date)
    marks: list[tuple[Any, Rows]] = [(start, rows_of(days)) for start, days in by_month if start in heights]
    if marks:
        traces.append(
            dots(
                [month_start for month_start, _ in marks],
                [max(heights[month_start], 0) + 0.05 * (top or 1) for month_start, _ in marks],
                view.tokens.warning,
                11,
                [_odd_hover(month_start, days) for month_start, days in marks],
                symbol="diamond",
                mode="markers+text",
                text=[str(len(days)) if len(days) > 1 else "" for _, days in marks],
                textposition="top center",
                textfont={"color": view.tokens.warning, "size": 11},
            )
        )
    best = max(rows, key=lambda row: (row["net_revenue"], row["month_start"]))
    described = (
        f"Net revenue in {wording.plural(len(rows), 'month')}, "
        f"{view.short_money(sum(heights.values()))} in all; most in "
        f"{wording.month(best['month_start'])}, {view.short_money(best['net_revenue'])}. "
        f"{wording.plural(len(odd), 'unusual day')}."
    )
    partial = [wording.month(row["month_start"]) for row in rows if not row["is_complete_month"]]
    return [
        chart(
            view,
            traces,
            name="overview-revenue-chart",
            description=described,
            height=340,
            xaxis=_month_ticks(rows),
            yaxis=money_axis(view, values, "Net revenue per month"),
        ),
        ui.remark(
            "Each return is taken off the sale that it reverses, or where none was found off its own day: recent "
            "months can still shrink a little. ",
            f"Paler, not complete: {', '.join(partial)}." if partial else "",
        ),
        _odd_list(view, odd, "day"),
    ]


def _line_chart(view: View, grain: Literal["week", "day"]) -> list[Any]:
    by_grain = {"week": (revenue.weekly_revenue, "week_start"), "day": (revenue.daily_revenue, "date")}
    ask, at = by_grain[grain]
    frame, odd = ask(view.reading, view.filters), revenue.unusual_periods(view.reading, view.filters, grain)
    every = rows_of(frame)
    rows = [row for row in every if not wording.is_missing(row["net_revenue_as_booked"])]
    if not rows:
        return [empty(*NOTHING)]
    cut = [row for row in rows if not row[f"is_complete_{grain}"]]

    def told_of(row: dict[str, Any]) -> tuple[float | None, str]:
        # where the shop was closed there is no point, and the line breaks
        if wording.is_missing(row["net_revenue_as_booked"]):
            return None, ""
        return row["net_revenue_as_booked"], (
            f"<b>{'Week from ' if grain == 'week' else ''}{wording.day(row[at])}</b>"
            f"{'' if row[f'is_complete_{grain}'] else ' (not complete)'}<br>"
            f"{view.money(row['net_revenue_as_booked'])} net as booked<br>"
            f"{wording.plural(row['invoices'], 'order')}, {wording.plural(row['customers'], 'customer')}"
        )

    # a line needs two ends
    mode = "lines" if len(rows) > 1 else "markers"
    values, words = zip(*map(told_of, every), strict=True)
    traces = [line([row[at] for row in every], values, view.tokens.accent, 1.8, words, mode=mode)]
    if cut:
        ring = {"line": {"width": 1.8}}
        amounts = [row["net_revenue_as_booked"] for row in cut]
        at_cut = [row[at] for row in cut]
        traces.append(dots(at_cut, amounts, view.tokens.accent, 8, symbol="circle-open", marker=ring))
    known = {row[at].date(): row["net_revenue_as_booked"] for row in rows}
    marks = rows_of(odd)
    if marks:
        heights = [known.get(row["date"].date(), 0) for row in marks]
        causes = [_odd_lines(row) for row in marks]
        traces.append(dots([row["date"] for row in marks], heights, view.tokens.warning, 10, causes, symbol="diamond"))
    best = max(rows, key=lambda row: (row["net_revenue_as_booked"], row[at]))
    described = (
        f"Net revenue as booked by {grain}; most on {wording.day(best[at])}, "
        f"{view.short_money(best['net_revenue_as_booked'])}. "
        f"{wording.plural(len(odd), f'unusual {grain}')}."
    )
    told = "Here each return counts on the day on which it was booked, as unusual days are measured."
    if grain == "day":
        told += " The line breaks where the shop sold nothing."
    else:
        told += " Weeks begin on Monday."
    if cut:
        told += f" A ring marks a {grain} that is not complete."
    return [
        chart(
            view,
            traces,
            name="overview-revenue-chart",
            description=described,
            height=340,
            xaxis={"type": "date", "tickformat": "%b\n%Y", "nticks": 8, "showgrid": False},
            yaxis=money_axis(view, [value for value in values if value is not None], f"Net revenue per {grain}"),
        ),
        ui.remark(told),
        _odd_list(view, odd, grain),
    ]


def _paler_where_not_complete(rows: Rows) -> dict[str, Any]:
    return {"opacity": [1.0 if row["is_complete_month"] else 0.5 for row in rows]}


def _month_hover(view: View, row: dict[str, Any]) -> str:
    lines = [
        f"<b>{wording.month(row['month_start'])}</b>" + ("" if row["is_complete_month"] else " (not complete)"),
        f"{view.money(row['net_revenue'])} net",
        f"{view.money(row['gross_revenue'])} gross, {view.money(row['total_return_revenue'])} returned",
        f"{wording.plural(row['invoices'], 'order')}, {wording.plural(row['customers'], 'customer')}",
    ]
    return "<br>".join(lines)


def _odd_hover(month_start: date, days: Rows) -> str:
    """The oddest days of a month with their causes; names in them are text, not markup."""
    oddest = sorted(days, key=lambda row: (-abs(row["score"]), row["date"], row["series"]))[:HOVERED_DAYS]
    head = f"<b>{wording.plural(len(days), 'unusual day')} in {wording.month(month_start)}</b>"
    rest = len(days) - len(oddest)
    lines = [head, *(_odd_lines(row) for row in sorted(oddest, key=lambda row: (row["date"], row["series"])))]
    if rest:
        lines.append(f"and {wording.count(rest)} more")
    return "<br>".join(lines)


def _odd_lines(row: dict[str, Any]) -> str:
    return "<br>".join(escape(line) for line in textwrap.wrap(_odd_text(row), 58)[:7])


def _odd_text(row: dict[str, Any]) -> str:
    whose = "" if row["series"] == "total" else f"{row['series']}, "
    return f"{whose}{wording.day(row['date'])}: {row['cause']}"


def _odd_list(view: View, odd: pd.DataFrame, grain: str) -> Any:
    if view.filters.is_about_customers:
        told = "Unusual days are measured for the whole shop and its larger countries, not for chosen customers."
        return ui.remark(told, " ", dcc.Link("Those of the shop", href=view.link("/anomalies")))
    whose = "the chosen countries" if view.filters.countries else "the whole shop"
    if odd.empty:
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
    again = [row["new_customers"] - row["one_time_customers"] for row in rows]
    parts = (
        ("Existing", view.tokens.accent, [row["existing_customers"] for row in rows]),
        ("New, ordered again", SEQUENTIAL[view.theme][2], again),
        ("New, once", view.tokens.neutral, [row["one_time_customers"] for row in rows]),
    )
    hover = [
        f"<b>{wording.month(row['month_start'])}</b>{'' if row['is_complete_month'] else ' (not complete)'}<br>"
        f"{wording.plural(row['customers'], 'customer')}: "
        f"{wording.count(row['existing_customers'])} existing,<br>"
        f"{wording.count(row['new_customers'])} new, of them {wording.count(row['one_time_customers'])} once"
        for row in rows
    ]
    starts = [row["month_start"] for row in rows]
    marker = {**_paler_where_not_complete(rows), "line": {"color": view.tokens.surface, "width": 1}}
    traces = [bars(starts, values, colour, hover, name=name, marker=marker) for name, colour, values in parts]
    last = rows[-1]
    best = max(rows, key=lambda row: (row["customers"], row["month_start"]))
    described = (
        f"Most customers in {wording.month(best['month_start'])}, {wording.count(best['customers'])}; last in "
        f"{wording.month(last['month_start'])}, {wording.count(last['customers'])}, of them "
        f"{wording.count(last['existing_customers'])} existing."
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
    traces = []
    has_money = not wording.is_missing(returning["net_revenue_pct"])
    # shares of a sum with a negative part are no parts of 100
    is_shown = has_money and min(returning["net_revenue"], once["net_revenue"]) >= 0
    for row, name, colour in (
        (returning, "Returning", view.tokens.accent),
        (once, "One-time", view.tokens.neutral),
    ):
        shares = [row["net_revenue_pct"] if is_shown else None, row["customers_pct"]]
        amounts = [view.money(row["net_revenue"]), wording.plural(row["customers"], "customer")]
        told = [
            f"<b>{name}</b><br>{amount}, {wording.percent(share)}"
            for amount, share in zip(amounts, shares, strict=True)
        ]
        traces.append(
            flat_bars(
                ["Net revenue", "Customers"],
                shares,
                colour,
                told,
                name=name,
                text=[wording.percent(share, 0) if share is not None and share >= 12 else "" for share in shares],
                textposition="inside",
                insidetextanchor="middle",
                textfont={"color": view.tokens.surface if name == "Returning" else "#12161c", "size": 12},
            )
        )
    sentence = [
        html.Span(wording.plural(returning["customers"], "returning customer")),
        " (",
        figure(wording.percent(returning["customers_pct"]), "returning_customers_pct"),
        f") {'brings' if returning['customers'] == 1 else 'bring'} ",
        figure(wording.percent(returning["net_revenue_pct"]), "returning_revenue_pct"),
        " of the net revenue of identified customers; ",
        html.Span(wording.plural(once["customers"], "customer")),
        " ordered once.",
    ]
    described = (
        f"{wording.percent(returning['customers_pct'])} of customers are returning and bring "
        f"{wording.percent(returning['net_revenue_pct'])} of the net revenue."
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


def _month_ticks(rows: Rows) -> dict[str, Any]:
    """One label every so many months, so that they fit a phone."""
    step = next((step for most, step in ((6, 1), (14, 2), (26, 4), (52, 6)) if len(rows) <= most), 12)
    shown = [row["month_start"] for row in rows][::-1][::step]
    return {
        "type": "date",
        "showgrid": False,
        "tickvals": shown,
        "ticktext": [f"{wording.month_name(at)}<br>{at.year}" for at in shown],
    }


register = redrawn(("overview-revenue", ("overview-grain.value",), _revenue_chart))
PAGE = Page("/", "Overview", render, register=register)
