"""What the report says: every text and figure of it, ready to be set.

Belongs here: choosing from the answers of :mod:`serving.queries`, and putting figures in
words. Does not belong here: SQL, and where on the page things stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from serving.filters import METHOD_LABELS, Filters
from serving.palette import TOKENS, segment_colour
from serving.queries.anomalies import anomalies
from serving.queries.audiences import audience_moves
from serving.queries.cards import Card, headline_notes, summary_cards
from serving.queries.health import (
    checks_by_layer,
    freshness,
    load_summary,
    missing_files,
    model_notes,
    open_checks,
    row_accounting,
    source_limits,
    value_caveats,
)
from serving.queries.insights import insights
from serving.queries.playbooks import playbooks
from serving.queries.revenue import monthly_customers, monthly_revenue, unusual_periods
from serving.queries.segments.evidence import caveats
from serving.queries.segments.profiles import segment_profiles
from serving.report.charts import (
    Month,
    MonthCustomers,
    Share,
    monthly_customers_chart,
    monthly_revenue_chart,
    shares_chart,
)
from serving.snapshot import About, Reading
from warehouse.measures import Unit, shown
from warehouse.wording import (
    MISSING,
    change,
    clock_time,
    count,
    currency_symbol,
    day,
    days,
    in_unit,
    is_missing,
    moment,
    money,
    month,
    percent,
    plural,
)

MAX_ANOMALIES = 6
"""Unusual periods that are told with their cause, so that they fit beside the charts."""

_NOTHING = "No sale fits these filters."
_MARKS = {"good": "▲", "bad": "▼", "warning": "!", "neutral": "•"}
_TONES = {"good": "good", "bad": "bad", "warning": "warning", "neutral": "muted"}
_DIRECTIONS = {"spike": "above", "drop": "below", "silence": "no sales"}

_PLAYBOOK_LINES = (
    ("Who", "who"),
    ("Signals", "signals"),
    ("Goal", "goal"),
    ("Strategy", "strategy"),
    ("Channel", "channel"),
    ("Offer", "offer"),
    ("Measure", "measure"),
    ("How", "measure_how"),
)


def report_content(reading: Reading, filters: Filters) -> dict[str, Any]:
    """Everything that the template reads, as JSON can hold it: texts, rows of texts, SVG."""
    about = reading.about
    return {
        "colours": vars(TOKENS["light"]),
        "title": "Customer value report",
        "kicker": "Regulars",
        "description": f"Customers, revenue and data health as of {day(about.snapshot_date)}",
        "period": _period(about),
        "source": f"Publication {about.publication_id} of {moment(about.published_at)}, data version "
        f"{about.data_version[:12]}. Money in {about.currency}.",
        "footer": f"Regulars, publication {about.publication_id}, data version {about.data_version[:12]}"
        + (", made-up sample data" if about.is_sample else ""),
        "sample": "Sample data: a made-up history. No real shop, customer or sale is in it." if about.is_sample else "",
        "filters": _filters_in_words(filters, about.currency),
        "nothing": _NOTHING,
        "doubts": [
            {"text": one.sentence, "tone": "warning" if one.severity == "warning" else "accent"}
            for one in headline_notes(reading)
        ],
        "insights": [
            {"text": found.text, "tone": _TONES[found.tone], "mark": _MARKS[found.tone]}
            for found in insights(reading, filters)
        ],
        "value_caveats": [f"Customer value: {caveat}" for caveat in value_caveats(reading)],
        **_cards(reading, filters),
        **_trends(reading, filters),
        **_anomalies(reading, filters),
        **_segments(reading, filters),
        **_moves(reading, filters),
        **_playbooks(reading, filters),
        **_health(reading),
    }


# ---- cover ------------------------------------------------------------------


def _period(about: About) -> str:
    if about.first_date is None or about.last_date is None:
        return "No sales yet"
    return f"{day(about.first_date)} to {day(about.last_date)}"


def _filters_in_words(filters: Filters, currency: str) -> str:
    left_out = [f"Not understood: {problem}." for problem in filters.problems]
    if filters.is_everything:
        return " ".join(left_out)
    said = []
    if filters.segments:
        said.append(f"{METHOD_LABELS[filters.method]}: {', '.join(filters.segments)}")
    if filters.countries:
        said.append(f"countries {', '.join(filters.countries)}")
    if filters.start or filters.end:
        begin = f"from {day(filters.start)}" if filters.start else "from the beginning"
        said.append(f"{begin} to {day(filters.end)}" if filters.end else begin)
    if filters.min_frequency is not None:
        said.append(f"at least {count(filters.min_frequency)} purchases")
    if filters.min_clv is not None:
        said.append(f"an expected value of at least {money(filters.min_clv, currency)}")
    if filters.customer:
        said.append(f"customer numbers that begin with {filters.customer}")
    if filters.slipping:
        said.append("customers who are slipping")
    return " ".join([f"Filtered: {'; '.join(said)}. Data health is of all data.", *left_out])


def _cards(reading: Reading, filters: Filters) -> dict[str, Any]:
    currency = reading.about.currency
    return {
        "cards": [
            {
                "label": card.label,
                "value": in_unit(card.value, card.unit, currency, is_short=True),
                "change": _card_change(card, currency),
                "tone": _card_tone(card),
                "about": card.about,
            }
            for card in summary_cards(reading, filters)
        ],
        "cards_about": "Large: the whole view. Below it: the change, and what it is measured against.",
    }


def _card_change(card: Card, currency: str) -> str:
    if card.change_pct is None:
        return MISSING
    # the unit stands in the large figure above
    unit: Unit = "count" if card.unit == "days" else card.unit
    before, after = (in_unit(value, unit, currency, is_short=True) for value in (card.before, card.value))
    return f"{change(card.change_pct)} ({before} → {after})"


def _card_tone(card: Card) -> str:
    if card.change_pct is None or card.is_more_good is None or round(card.change_pct, 1) == 0:
        return "muted"
    return "good" if (card.change_pct > 0) == card.is_more_good else "bad"


# ---- trends -----------------------------------------------------------------


def _trends(reading: Reading, filters: Filters) -> dict[str, Any]:
    currency = reading.about.currency
    revenue, customers = monthly_revenue(reading, filters), monthly_customers(reading, filters)
    odd = unusual_periods(reading, filters)
    return {
        "revenue_about": "Gross revenue less returns, each taken off the sale that it reverses, or where none was "
        "found off the day it was booked on. A grey month is not wholly in the data."
        + (
            " Unusual days are measured for the shop and its larger countries, not for chosen customers."
            if filters.is_about_customers
            else ""
        ),
        "revenue_chart": _chart(
            monthly_revenue_chart(
                [
                    Month(
                        row.month_start.date(),
                        float(row.net_revenue),
                        bool(row.is_complete_month),
                        odd.loc[odd["month_start"] == row.month_start, "direction"].value_counts().to_dict(),
                    )
                    for row in _rows(revenue)
                ],
                currency,
            ),
            "Net revenue by month: "
            + _told((month(row.month_start), money(row.net_revenue, currency)) for row in _rows(revenue)),
        )
        if len(revenue)
        else None,
        "customers_about": "Customers with a number who bought in the month. First purchase: never seen before in the "
        "data, so the first months hold many who only seem new.",
        "customers_chart": _chart(
            monthly_customers_chart(
                [
                    MonthCustomers(row.month_start.date(), int(row.new_customers), int(row.existing_customers))
                    for row in _rows(customers)
                ]
            ),
            "Customers by month, first purchase and bought before: "
            + _told(
                (month(row.month_start), f"{count(row.new_customers)} and {count(row.existing_customers)}")
                for row in _rows(customers)
            ),
        )
        if len(customers)
        else None,
    }


def _chart(svg: bytes, described: str) -> dict[str, str]:
    return {"svg": svg.decode(), "alt": described}


def _told(pairs: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{name} {value}" for name, value in pairs) + "."


def _anomalies(reading: Reading, filters: Filters) -> dict[str, Any]:
    currency = reading.about.currency
    found = anomalies(reading, filters)
    notes = model_notes(reading)
    # such as that the history is too short to tell
    warned = " ".join(notes.loc[notes["model"].eq("revenue_anomalies") & notes["has_warnings"], "warnings"])
    # a country's unusual day that is the whole shop's as well would be told twice
    of_shop = set(found.loc[found["series"] == "total", ["grain", "date"]].itertuples(index=False, name=None))
    found = found[
        [
            row.series == "total" or bool(filters.countries) or (row.grain, row.date) not in of_shop
            for row in _rows(found)
        ]
    ]
    shown = found.head(MAX_ANOMALIES)
    return {
        "anomalies_about": "Revenue far from what the days or weeks before suggest, latest first; a "
        "country only where the whole shop was not unusual too. Of all sales: customer filters don't apply.",
        "anomalies_empty": warned or "No unusual day or week in this time.",
        "anomalies_more": f"{plural(len(found) - len(shown), 'earlier one')} in the dashboard."
        if len(found) > len(shown)
        else "",
        "anomalies": _table(
            ["When", "Revenue of", "", "Actual", "Expected", "Cause"],
            [
                [
                    ("week of " if row.grain == "week" else "") + day(row.date),
                    "whole shop" if row.series == "total" else str(row.series),
                    _DIRECTIONS[str(row.direction)],
                    money(row.actual, currency),
                    money(row.expected, currency),
                    "" if is_missing(row.cause) else str(row.cause),
                ]
                for row in _rows(shown)
            ],
            widths=[1.3, 1.15, 0.75, 0.9, 0.9, 5],
            right=[3, 4],
        ),
    }


# ---- segments ---------------------------------------------------------------


def _segments(reading: Reading, filters: Filters) -> dict[str, Any]:
    currency = reading.about.currency
    horizon = days(playbooks(reading, filters.method)["horizon_days"].max())
    profiles, means = segment_profiles(reading, filters), shown("means")
    segments = profiles[~profiles["is_everyone"].astype(bool)] if len(profiles) else profiles
    shares = [
        Share(
            str(row.segment),
            segment_colour(str(row.segment), kind=_text(row.kind) or None),
            float(row.customers_pct),
            None if is_missing(row.monetary_pct) else float(row.monetary_pct),
        )
        for row in _rows(segments)
    ]
    return {
        "segments_about": f"By {METHOD_LABELS[filters.method]}. {_changed(reading, filters)}".strip(),
        "profiles_about": f"Means per customer. Frequency counts {reading.about.frequency_counts}, money is "
        f"{reading.about.money_is}; expected is the net revenue of the next "
        f"{horizon}, by the model. Last row: all the shop's customers.",
        "shares_chart": _chart(
            shares_chart(shares),
            "Share of customers and of money by segment: "
            + _told(
                (share.segment, f"{percent(share.customers_pct)} and {percent(share.money_pct)}") for share in shares
            ),
        )
        if shares
        else None,
        "segments": _table(
            ["Segment", *(one.short for one in means)],
            [
                [
                    _segment_cell(row.segment, row.kind) if not row.is_everyone else str(row.segment),
                    *(in_unit(getattr(row, one.key), one.unit, currency) for one in means),
                ]
                for row in _rows(profiles)
            ],
            widths=[2.2, *(1.1 for _ in means)],
            right=list(range(1, len(means) + 1)),
        ),
    }


def _changed(reading: Reading, filters: Filters) -> str:
    said = caveats(reading, filters.method)
    return f"{said.segments} {said.changes}".strip()


def _segment_cell(segment: Any, kind: Any) -> dict[str, str]:
    return {"text": str(segment), "mark": "■", "colour": segment_colour(str(segment), kind=_text(kind) or None)}


def _moves(reading: Reading, filters: Filters) -> dict[str, Any]:
    moves = audience_moves(reading, filters)
    names = sorted({name for side in ("from_segment", "to_segment") for name in moves[side].dropna()})
    if filters.segments:
        names = [name for name in names if name in filters.segments]
    previous = sorted({int(value) for value in moves["previous_publication_id"]})
    return {
        "moves_about": f"Against publication {previous[-1]}. Of all customers of these segments, whatever else is "
        "filtered."
        if previous
        else "",
        "moves": _table(
            ["Segment", "Entered", "of them new", "Left", "of them gone"],
            [
                [
                    _segment_cell(name, None),
                    count((moves["to_segment"] == name).sum()),
                    count(((moves["to_segment"] == name) & (moves["change"] == "joined")).sum()),
                    count((moves["from_segment"] == name).sum()),
                    count(((moves["from_segment"] == name) & (moves["change"] == "gone")).sum()),
                ]
                for name in names
            ],
            widths=[2.2, 1, 1, 1, 1],
            right=[1, 2, 3, 4],
        ),
    }


# ---- playbooks --------------------------------------------------------------


def _playbooks(reading: Reading, filters: Filters) -> dict[str, Any]:
    books = playbooks(reading, filters.method)
    if filters.segments:
        books = books[books["segment_name"].isin(filters.segments)]
    return {
        "playbooks_about": "One block for each segment, written by rule from its figures. Figures are of the whole "
        "segment, whatever is filtered.",
        "playbooks": [
            {
                "segment": str(row.segment_name),
                "colour": segment_colour(str(row.segment_name), kind=str(row.segment_kind)),
                "summary": _text(row.summary),
                "lines": [
                    {"label": label, "text": _text(getattr(row, column))}
                    for label, column in _PLAYBOOK_LINES
                    if _text(getattr(row, column))
                ],
            }
            for row in _rows(books)
        ],
    }


# ---- data health ------------------------------------------------------------


def _health(reading: Reading) -> dict[str, Any]:
    currency = reading.about.currency
    fresh, accounted = freshness(reading), row_accounting(reading)
    loads, missing, notes = load_summary(reading), missing_files(reading), model_notes(reading)
    return {
        "freshness": _table(
            ["What", "When or how much"],
            [
                ["Latest sale", clock_time(fresh.last_invoiced_at)],
                ["Recency is counted to", day(fresh.snapshot_date)],
                ["Latest file delivered", moment(fresh.last_delivered_at)],
                ["Published", f"{moment(fresh.published_at)} as publication {fresh.publication_id}"],
                *(
                    [
                        f"Files {str(row.status).replace('_', ' ')}",
                        f"{count(row.files)} ({count(row.delivered_lines)} lines)",
                    ]
                    for row in _rows(loads)
                ),
                # what there is to paste stands on the page of data health
                *(
                    [f"Not in the figures: {row.file_name}", _text(row.problem).partition("\n")[0]]
                    for row in _rows(missing.head(5))
                ),
            ],
            widths=[1.4, 3],
            right=[],
        ),
        "accounting_about": (
            "Every delivered line is in one of these groups; lines and money add up to what was delivered."
            if accounted.does_add_up
            else "Lines or money do not add up to what was delivered: look at the page of data health."
        ),
        "accounting": _table(
            ["Group", "Kept", "Lines", f"Amount, {currency_symbol(currency).strip()}", "What it means"],
            [
                *(
                    [
                        line.disposition.replace("_", " "),
                        "yes" if line.is_kept else "no",
                        count(line.row_count),
                        money(line.gross_amount, currency, pence=True),
                        line.description,
                    ]
                    for line in accounted.lines
                ),
                _bold("kept", "", count(accounted.kept_rows), money(accounted.kept_amount, currency, pence=True), ""),
                _bold(
                    "delivered",
                    "",
                    count(accounted.delivered_rows),
                    money(accounted.delivered_amount, currency, pence=True),
                    "",
                ),
            ],
            widths=[1.4, 0.5, 0.9, 1.4, 3.6],
            right=[2, 3],
        ),
        "checks_about": "The latest run after each layer. A warning lets the refresh go on; a failure keeps the former "
        "snapshot; a check that could not run tells nothing about the data.",
        "checks": _table(
            ["After layer", "Checks", "Passed", "Warned", "Failed", "Could not run"],
            [
                [
                    str(row.layer),
                    count(row.checks),
                    count(row.passed),
                    count(row.warned),
                    count(row.failed),
                    count(row.could_not_run),
                ]
                for row in _rows(checks_by_layer(reading))
            ],
            widths=[1.6, 1, 1, 1, 1, 1],
            right=[1, 2, 3, 4, 5],
        ),
        "notes": [
            *(
                {"label": f"{str(row.outcome).capitalize()}:", "text": _text(row.message)}
                for row in _rows(open_checks(reading))
            ),
            *(
                {"label": f"{row.model} ({row.algorithm}):".replace("_", " "), "text": _text(row.warnings)}
                # a fit of customer value that nothing here comes from warns on Data health alone
                for row in _rows(
                    notes[
                        notes["has_warnings"].astype(bool)
                        & (notes["is_about_customer_value"].astype(bool) | notes["model"].ne("customer_value"))
                    ]
                )
            ),
            *({"label": f"{row.title}:", "text": _text(row.told)} for row in _rows(source_limits(reading))),
        ],
    }


# ---- all --------------------------------------------------------------------


def _table(header: list[str], rows: list[list[Any]], *, widths: list[float], right: list[int]) -> dict[str, Any]:
    return {"header": header, "rows": rows, "widths": widths, "right": right}


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows by name of their columns, whose types are those of the query."""
    return frame.itertuples()


def _bold(*cells: str) -> list[dict[str, str]]:
    return [{"text": cell} for cell in cells]


def _text(value: Any) -> str:
    return "" if value is None or is_missing(value) else str(value)
