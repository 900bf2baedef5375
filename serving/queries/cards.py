"""The headline figures, each with its change.

Belongs here: one value a figure for the chosen view, what it is compared with, and what to doubt them
for. Does not belong here: series over time (:mod:`serving.queries.revenue`), how a card looks.

Two kinds of figure. *Flows* (revenue, orders, who bought) belong to days: they are compared between
:func:`serving.filters.compared_period`'s two spans of equal length. *States* (recency, frequency, money,
returning or one-time) are what a customer is on the snapshot date: they are compared with the last month
end before the compared days, as customers stood then (``marts.customer_rfm_monthly``). Expected value is
what a model said: it is compared with what the last snapshot of earlier sales said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import duckdb

from serving.filters import Filters, Period, compared_period
from serving.snapshot import Reading
from warehouse.wording import day

Unit = Literal["count", "money", "days", "number"]


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    key: str
    label: str
    value: float | None
    """Of the chosen days, or of the whole history; None if nothing fits."""
    unit: Unit
    before: float | None
    """What ``compared`` is compared with; None if there is nothing to compare with."""
    change_pct: float | None
    """From ``before`` to ``compared``, in percent of ``before``; None where that says nothing."""
    is_more_good: bool | None
    """Whether a rise is welcome; None where that can't be said."""
    about: str
    """What it is and what the change is against, or why there is none."""
    compared: float | None = None
    """The figure of the compared days; equal to ``value`` for states and for chosen days."""


@dataclass(frozen=True)
class HeadlineNote:
    """A doubt of the headline figures that belongs beside them."""

    key: str
    sentence: str
    severity: str
    """``warning``: read before acting on a figure; else a remark."""


@dataclass(frozen=True)
class _Figure:
    key: str
    label: str
    unit: Unit
    is_more_good: bool | None
    meaning: str


_FLOWS = (
    _Figure("customers", "Customers", "count", True, "Who bought."),
    _Figure("gross_revenue", "Gross revenue", "money", True, "Before returns."),
    _Figure("net_revenue", "Net revenue", "money", True, "Less returns."),
    _Figure("order_value", "Order value", "money", True, "Net revenue divided by orders."),
)
_STATES = (
    _Figure("recency_days", "Recency", "days", False, "Mean time since the last purchase."),
    _Figure("frequency", "Frequency", "number", True, "Mean per customer, since the first purchase."),
    _Figure("monetary", "Money", "money", True, "Mean per customer, since the first purchase."),
    _Figure("returning_customers", "Returning customers", "count", True, "Ordered more than once."),
    _Figure("one_time_customers", "One-time customers", "count", None, "Ordered once."),
)
_CLV = _Figure("clv", "Customer lifetime value", "money", True, "")
_ORDER = (
    "customers",
    "gross_revenue",
    "net_revenue",
    "order_value",
    "recency_days",
    "frequency",
    "monetary",
    "clv",
    "returning_customers",
    "one_time_customers",
)


def summary_cards(reading: Reading, filters: Filters) -> list[Card]:
    """Every headline figure of the view, in a fixed order.

    Returns
    -------
    list of Card
        customers, gross_revenue, net_revenue, order_value, recency_days, frequency, monetary, clv,
        returning_customers, one_time_customers. With nothing that fits, counts and sums are 0 and
        means None.
    """
    period = compared_period(filters, reading.about.first_date, reading.about.last_date)
    cards = [
        *_flow_cards(reading, filters, period),
        *_state_cards(reading, filters, period),
        _clv_card(reading, filters),
    ]
    return sorted(cards, key=lambda card: _ORDER.index(card.key))


def headline_notes(reading: Reading) -> list[HeadlineNote]:
    """What to doubt the headline figures of the whole shop for, the weightiest first; mostly nothing."""
    return [
        HeadlineNote(row["note_key"], row["sentence"], row["severity"])
        for row in reading.rows(
            "select note_key, sentence, severity from reporting.headline_notes order by place, note_key"
        )
    ]


# ---- flows ---------------------------------------------------------------------


def _flow_cards(reading: Reading, filters: Filters, period: Period | None) -> list[Card]:
    values = _flows(reading, filters)
    compared: dict[str, Any] = {}
    before: dict[str, Any] = {}
    if period is None:
        told = "No comparison: there are no sales in these days."
    elif not period.is_complete_before:
        told = f"No comparison: the sales begin on {day(reading.about.first_date)}."
    else:
        compared = values if period.is_chosen else _flows(reading, filters.between(period.start, period.end))
        before = _flows(reading, filters.between(period.start_before, period.end_before))
        told = (
            f"{_range(period.start, period.end)} against {_range(period.start_before, period.end_before)}"
            if period.is_chosen
            else f"Last {(period.end - period.start).days + 1} days against the {(period.end - period.start).days + 1}"
            f" before {day(period.start)}"
        )
    return [
        _card(figure, values.get(figure.key), compared.get(figure.key), before.get(figure.key), told)
        for figure in _FLOWS
    ]


def _flows(reading: Reading, filters: Filters) -> dict[str, Any]:
    customers, kept = filters.customers(), filters.invoices()
    return reading.row(
        f"""
        with
        chosen as ({customers.sql}),
        kept as ({kept.sql})

        select
            (select count(*) from chosen) as customers,
            coalesce(sum(gross_revenue), 0)::double as gross_revenue,
            coalesce(sum(net_revenue), 0)::double as net_revenue,
            sum(net_revenue)::double / nullif(count(*) filter (not is_return), 0) as order_value
        from kept
        """,
        customers.parameters | kept.parameters,
    )


# ---- states --------------------------------------------------------------------

_STATES_OF = """
        select
            avg(recency_days) as recency_days,
            avg(frequency) as frequency,
            avg(monetary::double) as monetary,
            count(*) filter (customer_type = 'returning') as returning_customers,
            count(*) filter (customer_type = 'one_time') as one_time_customers
        from {customers}"""


def _state_cards(reading: Reading, filters: Filters, period: Period | None) -> list[Card]:
    chosen = filters.customers()
    values = reading.row(
        f"""
        with
        chosen as ({chosen.sql})

        {_STATES_OF.format(customers="chosen")}
        """,
        chosen.parameters,
    )
    before, told = _states_before(reading, filters, period)
    return [_card(figure, values[figure.key], values[figure.key], before.get(figure.key), told) for figure in _STATES]


def _states_before(reading: Reading, filters: Filters, period: Period | None) -> tuple[dict[str, Any], str]:
    """How customers stood at the last month end before the compared days, and that in words."""
    about = reading.about
    if period is None:
        return {}, "No comparison: there are no sales in these days."
    if period.is_chosen and about.last_date is not None and period.end < about.last_date:
        return {}, f"As of {day(about.snapshot_date)}: no comparison for days that end before the last sales."
    month_end = period.start.replace(day=1) - timedelta(days=1)
    if about.first_date is None or month_end < about.first_date:
        return {}, "No comparison: no month had ended before these days."
    if not period.is_chosen:
        return _states_at(reading, filters, month_end), f"Against {day(month_end)}"
    # who bought in as many days up to that month end, as they stood then
    begun = month_end - (period.end - period.start)
    if begun < about.first_date:
        return {}, f"No comparison: the sales begin on {day(about.first_date)}."
    return (
        _states_at(reading, filters.between(begun, month_end), month_end),
        f"Against who bought in the {(month_end - begun).days + 1} days to {day(month_end)}, as of then",
    )


def _states_at(reading: Reading, filters: Filters, month_end: date) -> dict[str, Any]:
    chosen = filters.customers()
    return reading.row(
        f"""
        with
        chosen as ({chosen.sql}),
        stood as (
            select * from marts.customer_rfm_monthly
            where month_end = $month_end and customer_id in (select customer_id from chosen)
        )

        {_STATES_OF.format(customers="stood")}
        """,
        chosen.parameters | {"month_end": month_end},
    )


def _clv_card(reading: Reading, filters: Filters) -> Card:
    value, horizon_days = _mean_clv(reading, filters)
    if value is None:
        return _card(_CLV, None, None, None, "No expectation for these customers.")
    told = f"Mean net revenue expected per customer in the next {horizon_days} days."
    if reading.before is None:
        return _card(_CLV, value, None, None, f"{told} No change: no snapshot of earlier sales is kept.")
    try:
        # as customers stood then: who bought in the chosen days is not asked of a time before them
        before, horizon_days_before = _mean_clv(reading.before, filters.between(None, None))
    except (duckdb.BinderException, duckdb.CatalogException):
        # made by a version whose tables were others
        before, horizon_days_before = None, None
    if before is None or horizon_days_before != horizon_days:
        return _card(_CLV, value, None, None, f"{told} No change: the snapshot before expected nothing comparable.")
    since = f"Against what was expected on {day(reading.before.about.snapshot_date)}"
    return _card(_CLV, value, value, before, f"{told} {since}")


def _mean_clv(reading: Reading, filters: Filters) -> tuple[float | None, int | None]:
    chosen = filters.customers()
    found = reading.row(
        f"select avg(clv) as clv, max(clv_horizon_days) as horizon_days from ({chosen.sql})", chosen.parameters
    )
    return found["clv"], found["horizon_days"]


def _card(figure: _Figure, value: float | None, compared: float | None, before: float | None, told: str) -> Card:
    return Card(
        key=figure.key,
        label=figure.label,
        value=value,
        unit=figure.unit,
        before=before,
        change_pct=_change_pct(compared, before),
        is_more_good=figure.is_more_good,
        about=f"{figure.meaning} {told}.".replace("..", ".").strip(),
        compared=compared,
    )


def _change_pct(compared: float | None, before: float | None) -> float | None:
    # a share of nothing, or of a negative sum, says nothing
    if compared is None or before is None or before <= 0:
        return None
    return 100 * (compared - before) / before


def _range(start: date, end: date) -> str:
    return day(start) if start == end else f"{day(start)} to {day(end)}"
