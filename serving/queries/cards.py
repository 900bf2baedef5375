"""The headline figures, each with its change.

Belongs here: one value a figure for the chosen view, what it is compared with, and which caveats
apply. Does not belong here: what a figure is (:mod:`warehouse.measures`), series over time
(:mod:`serving.queries.revenue`), how a card looks.

Each measure that says what it is compared with is a card. *Flows* (revenue, orders, who bought) belong to days:
they are compared between :func:`serving.filters.compared_period`'s two spans of equal length, where
somebody chose days: a total of the whole history is compared with nothing. *States* (recency,
frequency, money, returning or one-time) are what a customer is on the snapshot date: they are compared with the last
month end before the compared days, as customers stood then (``marts.customer_rfm_monthly``). Expected value is
what a model said: it is compared with what the last snapshot of earlier sales said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from serving.filters import Filters, Period, compared_period
from serving.snapshot import OlderSnapshotError, Reading
from warehouse.measures import Compared, Measure, Rows, Unit, aggregates, measures
from warehouse.wording import day, days


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    key: str
    label: str
    value: float | None
    """Of the chosen days, or of the whole history; None if nothing fits."""
    unit: Unit
    before: float | None
    """What ``value`` is compared with; None if there is nothing to compare with."""
    change_pct: float | None
    """From ``before`` to ``value``, in percent of ``before``; None where that says nothing."""
    is_more_good: bool | None
    """Whether a rise is welcome; None where that can't be said."""
    about: str
    """What it is and what the change is against, or why there is none."""

    @property
    def is_good(self) -> bool | None:
        """Whether its change is welcome; None where there is none, or that can't be said."""
        if self.is_more_good is None or self.change_pct is None or round(self.change_pct, 1) == 0:
            return None
        return self.is_more_good == (self.change_pct > 0)


RESTATES = "No comparison: these customers are chosen by how they stand today."


def summary_cards(reading: Reading, filters: Filters) -> list[Card]:
    """Every headline figure of the view, in the order of the register.

    Returns
    -------
    list of Card
        With nothing that fits, counts and sums are 0 and means None.
    """
    period = compared_period(filters, reading.about.first_date, reading.about.last_date)
    cards = [
        *_flow_cards(reading, filters, period),
        *_state_cards(reading, filters, period),
        *_expectation_cards(reading, filters),
    ]
    order = list(measures())
    return sorted(cards, key=lambda card: order.index(card.key))


def headline_notes(reading: Reading) -> list[dict[str, str]]:
    """Caveats about the headline figures of the whole shop, the weightiest first; usually none.

    ``key``, ``sentence`` and ``severity`` of each (``warning``: read before acting on a figure; else a remark).
    """
    return reading.rows(
        "select note_key as key, sentence, severity from reporting.headline_notes order by place, note_key"
    )


def figures(reading: Reading, filters: Filters) -> dict[str, Any]:
    """The value of each measure that filters apply to, by key, for the page that explains them; shares have none.

    A measure over both invoices and customers has that of the customers, as its card.
    """
    found: dict[str, Any] = {}
    rows: tuple[tuple[Rows, Any], ...] = (("invoices", filters.invoices()), ("customers", filters.customers()))
    for kind, clause in rows:
        keys = [one.key for one in measures().values() if kind in one.expressions]
        found |= reading.row(f"select {aggregates(kind, keys)} from kept", kept=clause)
    return found


# ---- flows ---------------------------------------------------------------------


def _flow_cards(reading: Reading, filters: Filters, period: Period | None) -> list[Card]:
    values = _flows(reading, filters)
    before: dict[str, Any] = {}
    if period is None:
        told = "No comparison: there are no sales in these days."
    elif not period.is_chosen:
        # a change beside a total of the whole history would look like the total's
        told = f"Since {day(reading.about.first_date)}."
    elif filters.is_by_standing:
        told = RESTATES
    elif not period.is_complete_before:
        told = f"No comparison: the sales begin on {day(reading.about.first_date)}."
    else:
        before = _flows(reading, filters.between(period.start_before, period.end_before))
        told = f"{_range(period.start, period.end)} against {_range(period.start_before, period.end_before)}"
    return [_card(one, values[one.key], before.get(one.key), told) for one in _compared("days")]


def _flows(reading: Reading, filters: Filters) -> dict[str, Any]:
    of_customers = [one.key for one in _compared("days") if "customers" in one.expressions]
    of_invoices = [one.key for one in _compared("days") if one.key not in of_customers]
    return reading.row(
        f"""
        select *
        from
            (select {aggregates("customers", of_customers)} from chosen)
            cross join (select {aggregates("invoices", of_invoices)} from kept)
        """,
        chosen=filters.customers(),
        kept=filters.invoices(),
    )


# ---- states --------------------------------------------------------------------


def _state_cards(reading: Reading, filters: Filters, period: Period | None) -> list[Card]:
    values = reading.row(f"select {_states()} from chosen", chosen=filters.customers())
    before, told = _states_before(reading, filters, period)
    return [_card(one, values[one.key], before.get(one.key), told) for one in _compared("month_end")]


def _states_before(reading: Reading, filters: Filters, period: Period | None) -> tuple[dict[str, Any], str]:
    """How customers stood at the last month end before the compared days, and that in words."""
    about = reading.about
    if period is None:
        return {}, "No comparison: there are no sales in these days."
    if filters.is_by_standing:
        return {}, RESTATES
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
        f"Against who bought in the {days((month_end - begun).days + 1)} to {day(month_end)}, as of then",
    )


def _states_at(reading: Reading, filters: Filters, month_end: date) -> dict[str, Any]:
    return reading.row(
        f"""
        with stood as (
            select
                c.*,
                -- the limit as it was known then
                c.is_slipping and coalesce(c.silence_ratio >= limits.dormant_from_ratio, false) as is_dormant
            from marts.customer_rfm_monthly as c
            left join marts.slipping_limits as limits on c.snapshot_date = limits.snapshot_date
            where c.month_end = $month_end and c.customer_id in (select customer_id from chosen)
        )

        select {_states()} from stood
        """,
        {"month_end": month_end},
        chosen=filters.customers(),
    )


def _states() -> str:
    return aggregates("customers", [one.key for one in _compared("month_end")])


def _expectation_cards(reading: Reading, filters: Filters) -> list[Card]:
    values, horizon_days = _expected(reading, filters)
    before: dict[str, Any] = {}
    if horizon_days is None:
        told = "No expectation for these customers."
    elif filters.is_by_standing:
        told = f"Horizon: {horizon_days} days. {RESTATES}"
    elif reading.before is None:
        told = f"Horizon: {horizon_days} days. No change: no snapshot of earlier sales is kept."
    else:
        try:
            # as customers stood then: who bought in the chosen days is not asked of a time before them
            before, horizon_days_before = _expected(reading.before, filters.between(None, None))
        except OlderSnapshotError:
            horizon_days_before = None
        told = f"Horizon: {horizon_days} days. "
        if horizon_days_before != horizon_days:
            before = {}
            told += "No change: the snapshot before expected nothing comparable."
        else:
            told += f"Against what was expected on {day(reading.before.about.snapshot_date)}"
    return [_card(one, values[one.key], before.get(one.key), told) for one in _compared("publication")]


def _expected(reading: Reading, filters: Filters) -> tuple[dict[str, Any], int | None]:
    keys = [one.key for one in _compared("publication")]
    found = reading.row(
        f"select {aggregates('customers', keys)}, max(clv_horizon_days) as horizon_days from chosen",
        chosen=filters.customers(),
    )
    return found, found["horizon_days"]


def _compared(with_what: Compared) -> list[Measure]:
    return [one for one in measures().values() if one.compared == with_what]


def _card(measure: Measure, value: float | None, before: float | None, told: str) -> Card:
    return Card(
        key=measure.key,
        label=measure.label,
        value=value,
        unit=measure.unit,
        before=before,
        change_pct=change_pct(value, before),
        is_more_good=measure.is_more_good,
        about=f"{measure.sentence} {told}.".replace("..", ".").strip(),
    )


def change_pct(now: float | None, before: float | None) -> float | None:
    """From ``before`` to ``now`` in percent; None of nothing or of a negative sum, where a share says nothing."""
    return None if now is None or before is None or before <= 0 else 100 * (now - before) / before


def _range(start: date, end: date) -> str:
    return day(start) if start == end else f"{day(start)} to {day(end)}"
