"""What the report says: every text and figure of it, ready to be set.

Belongs here: choosing from the answers of :mod:`serving.queries`, and putting figures in
words. Does not belong here: SQL, and where on the page things stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from serving.filters import CLUSTERINGS, METHOD_LABELS, Filters
from serving.palette import TOKENS, segment_colour
from serving.queries import health
from serving.queries.anomalies import anomalies
from serving.queries.audiences import audience_moves
from serving.queries.cards import Card, headline_notes, summary_cards
from serving.queries.customers import customer_summary
from serving.queries.insights import insights
from serving.queries.playbooks import PLAN, playbooks
from serving.queries.revenue import monthly_customers, monthly_revenue, unusual_periods
from serving.queries.segments import caveats, segment_profiles
from serving.report.charts import monthly_customers_chart, monthly_revenue_chart, shares_chart
from serving.snapshot import About, Reading
from warehouse.measures import Measure, shown
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
        "filters": _filters_in_words(filters, about),
        "nothing": _NOTHING,
        "doubts": [
            {"text": one["sentence"], "tone": "warning" if one["severity"] == "warning" else "accent"}
            for one in headline_notes(reading)
        ],
        "insights": [
            {"text": found.text, "tone": _TONES[found.tone], "mark": _MARKS[found.tone]}
            for found in insights(reading, filters)
        ],
        "value_caveats": [f"Expected revenue: {caveat}" for caveat in health.value_caveats(reading)],
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


def _filters_in_words(filters: Filters, about: About) -> str:
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
        said.append(f"at least {count(filters.min_frequency)} {about.frequency_counts}")
    if filters.min_clv is not None:
        said.append(f"expected revenue of at least {money(filters.min_clv, about.currency)}")
    if filters.customer:
        said.append(f"customer numbers that begin with {filters.customer}")
    if filters.slipping:
        said.append("customers who are slipping, and not dormant")
    return " ".join([f"Filtered: {'; '.join(said)}. Data health is of all data.", *left_out])


def _cards(reading: Reading, filters: Filters) -> dict[str, Any]:
    currency = reading.about.currency
    return {
        "cards": [
            {
                "label": card.label,
                "value": in_unit(card.value, card.unit, currency, is_short=True),
                "change": _card_change(card, currency),
                "tone": _CARD_TONES[card.is_good],
                "about": card.about,
            }
            for card in summary_cards(reading, filters)
        ],
        "cards_about": "Large: the whole view. Below it: the change, and what it is measured against.",
    }


def _card_change(card: Card, currency: str) -> str:
    if card.change_pct is None:
        return MISSING
    before, after = (
        # it stands in the large figure above
        in_unit(value, card.unit, currency, is_short=True).removesuffix(" days")
        for value in (card.before, card.value)
    )
    return f"{change(card.change_pct)} ({before} → {after})"


_CARD_TONES = {True: "good", False: "bad", None: "muted"}


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
            revenue,
            partial(monthly_revenue_chart, revenue, odd, currency),
            "Net revenue by month",
            lambda row: f"{month(row.month_start)} {money(row.net_revenue, currency)}",
        ),
        "customers_about": "Identified customers who bought in the month. Existing: bought in an earlier month. New: "
        "never seen before in the data, so the first months hold many who only seem new.",
        "customers_chart": _chart(
            customers,
            partial(monthly_customers_chart, customers),
            "Customers by month, new and existing",
            lambda row: f"{month(row.month_start)} {count(row.new_customers)} and {count(row.existing_customers)}",
        ),
    }


def _chart(
    shown: pd.DataFrame, draw: Callable[[], bytes], title: str, told: Callable[[Any], str]
) -> dict[str, str] | None:
    """A chart of some rows with its figures in words; None where there are none."""
    if shown.empty:
        return None
    return {"svg": draw().decode(), "alt": f"{title}: {'; '.join(map(told, _rows(shown)))}."}


def _anomalies(reading: Reading, filters: Filters) -> dict[str, Any]:
    currency = reading.about.currency
    found = anomalies(reading, filters)
    # such as that the history is too short to tell
    warned = " ".join(health.model_warnings(reading, "revenue_anomalies"))
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
            _rows(shown),
            {
                "When": (1.3, lambda row: ("week of " if row.grain == "week" else "") + day(row.date)),
                "Revenue of": (1.15, lambda row: "whole shop" if row.series == "total" else str(row.series)),
                "": (0.75, lambda row: row.direction),
                "Booked": (0.9, lambda row: money(row.actual, currency), "right"),
                "Expected": (0.9, lambda row: money(row.expected, currency), "right"),
                "Cause": (5, lambda row: row.cause),
            },
        ),
    }


# ---- segments ---------------------------------------------------------------


def _segments(reading: Reading, filters: Filters) -> dict[str, Any]:
    currency = reading.about.currency
    said = caveats(reading, filters.method)
    horizon = days(customer_summary(reading, Filters()).horizon_days)
    profiles = segment_profiles(reading, filters)
    segments = profiles[~profiles["is_everyone"].astype(bool)] if len(profiles) else profiles
    return {
        "segments_about": " ".join(filter(None, (f"{METHOD_LABELS[filters.method]}.", said.segments, said.changes))),
        "profiles_about": f"Means per customer. Frequency counts {reading.about.frequency_counts}, money is "
        f"{reading.about.money_is}; expected is the net revenue of the next "
        f"{horizon}, by the model. Last row: all the shop's customers.",
        "shares_chart": _chart(
            segments,
            partial(shares_chart, segments),
            "Share of customers and of money by segment",
            lambda row: f"{row.segment} {percent(row.customers_pct)} and {percent(row.monetary_pct)}",
        ),
        "segments": _table(
            _rows(profiles),
            {
                "Segment": (2.2, lambda row: row.segment if row.is_everyone else _segment_cell(row.segment)),
                **{one.short: (1.1, partial(_measured, one, currency), "right") for one in shown("means")},
            },
        ),
    }


def _measured(measure: Measure, currency: str, row: Any) -> str:
    return in_unit(getattr(row, measure.key), measure.unit, currency)


def _segment_cell(segment: str) -> dict[str, str]:
    return {"text": segment, "mark": "■", "colour": segment_colour(segment)}


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
            names,
            {
                "Segment": (2.2, _segment_cell),
                "Entered": (1, lambda name: count((moves["to_segment"] == name).sum()), "right"),
                "of them new": (1, partial(_changed_by, moves, "to_segment", "joined"), "right"),
                "Left": (1, lambda name: count((moves["from_segment"] == name).sum()), "right"),
                "of them gone": (1, partial(_changed_by, moves, "from_segment", "gone"), "right"),
            },
        ),
    }


def _changed_by(moves: pd.DataFrame, side: str, change: str, name: str) -> str:
    return count(((moves[side] == name) & (moves["change"] == change)).sum())


# ---- playbooks --------------------------------------------------------------


def _playbooks(reading: Reading, filters: Filters) -> dict[str, Any]:
    books = playbooks(reading, filters.method)
    if filters.segments:
        books = books[books["segment_name"].isin(filters.segments)]
    return {
        "playbooks_empty": "Playbooks are for RFM segments and audiences: there is none for clusters."
        if filters.method in CLUSTERINGS
        else _NOTHING,
        "playbooks_about": "One block for each segment, written by rule from its figures. Figures are of the whole "
        "segment, whatever is filtered.",
        "playbooks": [
            {
                "segment": str(row.segment_name),
                "colour": segment_colour(str(row.segment_name), kind=str(row.segment_kind)),
                "summary": _text(row.summary),
                "lines": [
                    {"label": label, "text": _text(getattr(row, column))}
                    for column, label in {**PLAN, "measure_how": "How"}.items()
                    if _text(getattr(row, column))
                ],
            }
            for row in _rows(books)
        ],
    }


# ---- data health ------------------------------------------------------------


def _health(reading: Reading) -> dict[str, Any]:
    currency = reading.about.currency
    about, fresh, accounted = reading.about, health.freshness(reading), health.row_accounting(reading)
    loads, missing, notes = health.load_summary(reading), health.missing_files(reading), health.model_notes(reading)
    return {
        "freshness": _table(
            [
                ("Latest sale", clock_time(fresh["last_invoiced_at"])),
                ("Recency is counted to", day(about.snapshot_date)),
                ("Latest file delivered", moment(fresh["last_delivered_at"])),
                ("Published", f"{moment(about.published_at)} as publication {about.publication_id}"),
                *(
                    (
                        f"Files {str(row.status).replace('_', ' ')}",
                        f"{count(row.files)} ({plural(row.delivered_lines, 'line')})",
                    )
                    for row in _rows(loads)
                ),
                # what there is to paste stands on the page of data health
                *(
                    (f"Not in the figures: {row.file_name}", _text(row.problem).partition("\n")[0])
                    for row in _rows(missing.head(5))
                ),
            ],
            {"What": (1.4, lambda row: row[0]), "When or how much": (3, lambda row: row[1])},
        ),
        "accounting_about": (
            "Every delivered line is in one of these groups; lines and money add up to what was delivered."
            if accounted.does_add_up
            else "Lines or money do not add up to what was delivered: look at the page of data health."
        ),
        "accounting": _table(
            [
                *(
                    (
                        health.DISPOSITIONS[line.disposition],
                        "yes" if line.is_kept else "no",
                        line.row_count,
                        line.gross_amount,
                        line.description,
                    )
                    for line in accounted.lines
                ),
                ("Kept", "", accounted.kept_rows, accounted.kept_amount, ""),
                ("Delivered", "", accounted.delivered_rows, accounted.delivered_amount, ""),
            ],
            {
                "Group": (1.4, lambda row: row[0]),
                "Kept": (0.5, lambda row: row[1]),
                "Lines": (0.9, lambda row: count(row[2]), "right"),
                f"Amount, {currency_symbol(currency).strip()}": (
                    1.4,
                    lambda row: money(row[3], currency, pence=True),
                    "right",
                ),
                "What it means": (3.6, lambda row: row[4]),
            },
            # the sums
            bold=2,
        ),
        "checks_about": "The latest run after each layer. A warning lets the refresh go on; a failure keeps the former "
        "snapshot; a check that could not run tells nothing about the data.",
        "checks": _table(
            _rows(health.checks_by_layer(reading)),
            {
                "After layer": (1.6, lambda row: str(row.layer)),
                **{
                    title: (1, partial(_counted, title.lower().replace(" ", "_")), "right")
                    for title in ("Checks", "Passed", "Warned", "Failed", "Could not run")
                },
            },
        ),
        "notes": [
            *(
                {"label": f"{str(row.outcome).capitalize()}:", "text": _text(row.message)}
                for row in _rows(health.open_checks(reading))
            ),
            *(
                {"label": f"{health.model_title(row)}:", "text": _text(row.warnings)}
                # a fit of customer value that nothing here comes from warns on Data health alone
                for row in _rows(
                    notes[
                        notes["has_warnings"].astype(bool)
                        & (notes["is_about_customer_value"].astype(bool) | notes["model"].ne("customer_value"))
                    ]
                )
            ),
            *({"label": f"{row.title}:", "text": _text(row.told)} for row in _rows(health.source_limits(reading))),
        ],
    }


# ---- all --------------------------------------------------------------------


def _counted(name: str, row: Any) -> str:
    return count(getattr(row, name))


def _table(rows: Iterable[Any], columns: Mapping[str, tuple[Any, ...]], *, bold: int = 0) -> dict[str, Any]:
    """A table as the template reads it.

    Parameters
    ----------
    columns
        From each heading to the column's part of the width, a function from a row to what stands in it, and ``right``
        where it is set to the right.
    bold
        How many of the last rows are bold.
    """
    cells = [[cell(row) for _, cell, *_ in columns.values()] for row in rows]
    plain = len(cells) - bold
    return {
        "header": list(columns),
        "rows": [*cells[:plain], *([{"text": cell} for cell in row] for row in cells[plain:])],
        "widths": [width for width, *_ in columns.values()],
        "right": [at for at, column in enumerate(columns.values()) if "right" in column[2:]],
    }


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows by name of their columns, whose types are those of the query."""
    return frame.itertuples()


def _text(value: Any) -> str:
    return "" if value is None or is_missing(value) else str(value)
