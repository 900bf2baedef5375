"""Unusual days and weeks of revenue: which series are watched, their bands, flags and causes.

Belongs here: selections from the published scores. Does not belong here: what is unusual and
why (``ml``), and drawing.

The series are of all sales. So of the filters only the date range and the countries
apply: no segment, order count, expected revenue, customer id or silence has a series of its own.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import pandas as pd

from ml.anomalies import ONE_COUNTRY_SHARE
from serving.filters import Clause, Filters
from serving.queries.lists import Column, ListSpec
from serving.snapshot import Reading
from warehouse.measures import aggregates

Grain = Literal["day", "week"]

TOTAL = "total"
"""Name of the series of the whole shop."""


def scored_series(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The series that are watched, by grain.

    Countries come and go: one is scored only while it sells often enough to tell unusual from usual.

    Returns
    -------
    DataFrame
        ``series``, ``grain`` (``day`` or ``week``), ``periods`` (scored within the date range, 0
        or more), ``flagged`` (unusual ones among them), ``last_date`` (the latest of the whole
        history). The total first, then by the latest period's expected revenue per day,
        descending; ``day`` before ``week``. With countries chosen, only theirs, and the total where
        they are nearly all of it.
    """
    countries, named = _of_countries(filters, "e.series")
    return reading.query(
        f"""
        with watched as (
            select
                e.series,
                e.grain,
                count(*) filter ({_WITHIN}) as periods,
                count(*) filter (e.is_flagged and {_WITHIN}) as flagged,
                max(e.date) as last_date,
                max_by(e.expected, e.date) / case e.grain when 'week' then 7 else 1 end as expected_per_day
            from scored as e
            where {countries}
            group by e.series, e.grain
        )

        select series, grain, periods, flagged, last_date
        from watched
        order by series <> $total, max(expected_per_day) over (partition by series) desc, series, grain
        """,
        {**_days(filters), **named, "total": TOTAL},
        scored=_SCORED,
    )


def expectations(reading: Reading, series: str, grain: Grain, filters: Filters) -> pd.DataFrame:
    """One series with the band in which each of its periods was expected.

    Parameters
    ----------
    series
        ``total`` or a country.
    grain
        ``day``, or ``week`` (dated by its Monday; kept if any of its days is in the date range).

    Returns
    -------
    DataFrame, by date
        The rows of ``ml.revenue_expectations`` with ``is_flagged``, and ``direction`` and ``cause`` of
        ``ml.revenue_anomalies``, null if not flagged.
    """
    return reading.query(
        f"select * from scored as e where series = $series and grain = $grain and {_WITHIN} order by date",
        {**_days(filters), "series": series, "grain": grain},
        scored=_SCORED,
    )


def anomalies(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The rows of ``ml.revenue_anomalies`` that fit, the latest first; the total before countries, day before week."""
    return reading.query(
        "select * from flags order by date desc, series <> 'total', series, grain", flags=_flags(filters, "")
    )


def anomaly_drivers(reading: Reading, series: str, grain: Grain, on: date) -> pd.DataFrame:
    """Who or what accounts for most of an unusual period's difference: the rows of ``ml.anomaly_drivers``.

    Dimensions overlap (an invoice is a customer's): shares never add up across them. By dimension (invoices first) and
    rank; empty if the period is not flagged.
    """
    return reading.query(
        """
        select * from ml.anomaly_drivers
        where series = $series and grain = $grain and date = $on
        order by list_position(['invoice', 'customer', 'product', 'country'], dimension), dimension, rank, member
        """,
        {"series": series, "grain": grain, "on": on},
    )


_SCORED = Clause(
    """
    select e.*, a.direction, a.cause, a.direction is not null as is_flagged
    from ml.revenue_expectations as e
    left join ml.revenue_anomalies as a on e.series = a.series and e.grain = a.grain and e.date = a.date
    """
)

# some day of the period is in the date range
_WITHIN = "(e.date + case e.grain when 'week' then 6 else 0 end >= $start and e.date <= $end)"


def _days(filters: Filters) -> dict[str, date]:
    return {"start": filters.start or date.min, "end": filters.end or date.max}


def _of_countries(filters: Filters, column: str) -> tuple[str, dict[str, list[str]]]:
    if not filters.countries:
        return "true", {}
    net_revenue = aggregates("invoices", ["net_revenue"])
    return (
        f"""(
            {column} in (select unnest($countries))
            or e.series = '{TOTAL}' and (
                (select {net_revenue} from marts.fct_invoices where country in (select unnest($countries)))
                >= {ONE_COUNTRY_SHARE} * (select {net_revenue} from marts.fct_invoices)
            )
        )""",
        {"countries": list(filters.countries)},
    )


def _flags(filters: Filters, _context: str) -> Clause:
    countries, named = _of_countries(filters, "e.country")
    return Clause(
        f"select e.* from ml.revenue_anomalies as e where {_WITHIN} and {countries}", {**_days(filters), **named}
    )


LISTS: tuple[ListSpec, ...] = (
    ListSpec(
        name="anomalies",
        title="Unusual days and weeks",
        columns=(
            Column("date", "Date"),
            Column("grain", "Period", width=95),
            Column("series", "Revenue of"),
            Column("direction", "What", width=105),
            Column("actual", "Booked"),
            Column("expected", "Expected"),
            Column("difference", "Difference"),
            Column("score", "Score"),
            Column("cause", "Cause", width=620),
            Column("top_invoice_no", "Main invoice"),
        ),
        rows=_flags,
        # a series has one flag per grain and date
        order_by="date desc, series, grain",
        tables=("ml.revenue_anomalies",),
    ),
)
