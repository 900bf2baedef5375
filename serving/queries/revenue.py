"""Revenue over time, by country and by customer, and who bought in which month.

Belongs here: sums of ``marts.fct_invoices`` under the filters. Does not belong here: what
revenue is (dbt), one figure with its change (:mod:`serving.queries.cards`), sentences
(:mod:`serving.queries.insights`).

One meaning of net revenue throughout, that of the marts: gross revenue less returns, each
return taken off the sale that it reverses and, where there is none, off its own day. So
``net_revenue = gross_revenue - returned_revenue - unmatched_return_revenue`` on every row,
and with no filter the months, days and countries equal ``marts.fct_monthly_revenue``,
``fct_daily_revenue`` and ``fct_country_revenue``. A sale in the chosen days is less what came back
of it on any later day. ``net_revenue_as_booked`` takes each return off the day on which it was booked
instead; anomalies are measured on it. Money is in the shop's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

import pandas as pd

from serving.filters import Clause, Filters
from serving.queries.anomalies import TOTAL, anomalies
from serving.queries.lists import Column, ListSpec, fetch_list, measure_columns
from serving.snapshot import Reading
from warehouse.measures import aggregates, shares, shown

Grain = Literal["month", "week", "day"]
_STARTS: Mapping[Grain, str] = {"month": "month_start", "week": "week_start", "day": "date"}

_PERIODS = [one.key for one in shown("periods")]
_COUNTRIES = [one.key for one in shown("countries")]


def shown_days(reading: Reading, filters: Filters) -> tuple[date, date] | None:
    """The first and the last day of the data that the chosen range keeps; None if there are none."""
    first, last = reading.about.first_date, reading.about.last_date
    if first is None or last is None:
        return None
    start, end = max(filters.start or first, first), min(filters.end or last, last)
    return (start, end) if start <= end else None


def monthly_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Revenue by calendar month, also of months in which nothing fits.

    Returns
    -------
    DataFrame
        ``month_start``, the measures of periods, ``is_complete_month`` (as in ``marts.dim_dates``, and wholly
        within the chosen days). Ascending; empty if no invoice fits at all.
    """
    return _all_periods(reading, filters, "month")


def weekly_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The same by ISO week: ``week_start`` (a Monday) and ``is_complete_week``."""
    return _all_periods(reading, filters, "week")


def daily_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The same by calendar day (``date``), with what ``marts.dim_dates`` says of the day.

    That is ``is_trading_day`` (whether the whole shop sold anything), ``is_closed_day``, ``is_complete_day``,
    ``holiday_name``, ``closure_reason`` and ``promotion_name``. Days on which nothing fits are there with zeros; where
    the shop was closed too, measures are null, so that a line breaks there.
    """
    measures = ", ".join(
        f"case when found.has_invoices or not days.is_closed_day then found.{one} end as {one}" for one in _PERIODS
    )
    return reading.query(
        f"""
        select
            days.date, days.is_trading_day, days.is_closed_day, days.is_complete_day,
            days.holiday_name, days.closure_reason, days.promotion_name,
            {measures}
        from found
        inner join marts.dim_dates as days using (date)
        order by days.date
        """,
        found=_revenue_by(reading, filters, "day"),
    )


def _all_periods(reading: Reading, filters: Filters, grain: Grain) -> pd.DataFrame:
    ordered = f"select * exclude (has_invoices) from found order by {_STARTS[grain]}"
    return reading.query(ordered, found=_revenue_by(reading, filters, grain))


def _revenue_by(reading: Reading, filters: Filters, grain: Grain) -> Clause:
    return Clause(
        f"""
        with periods as ({_periods(grain)})

        select
            periods.period_start as {_STARTS[grain]},
            {aggregates("invoices", _PERIODS)},
            any_value(periods.is_complete) as is_complete_{grain},
            count(kept.invoice_no) > 0 as has_invoices
        from periods
        left join kept on date_trunc('{grain}', kept.invoice_date) = periods.period_start
        where exists (select 1 from kept)
        group by periods.period_start
        """,
        _bounds(reading, filters),
    ).over(kept=filters.invoices())


def _periods(grain: Grain) -> str:
    """Calendar periods of the shown days, and whether both the history and the chosen days cover them."""
    return f"""
        select
            date_trunc('{grain}', date)::date as period_start,
            bool_and(is_complete_{grain})
            and period_start >= coalesce($chosen_start, date '0001-01-01')
            and period_start + interval '1' {grain} <= coalesce($chosen_end, date '9999-12-30') + 1 as is_complete
        from marts.dim_dates
        where date between $first_day and $last_day
        group by period_start"""


def _bounds(reading: Reading, filters: Filters) -> dict[str, date | None]:
    first, last = shown_days(reading, filters) or (date.min, date.min)
    return {"first_day": first, "last_day": last, "chosen_start": filters.start, "chosen_end": filters.end}


def monthly_customers(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Identified customers who bought, by calendar month; with no filter as in ``marts.fct_monthly_customers``.

    Who is new, and who ordered once, is asked of all that a customer ordered by the month's end, whatever
    the filters hide of it.

    Returns
    -------
    DataFrame
        ``month_start``, ``customers`` (must not be summed), ``new_customers`` (first purchase in
        that month), ``existing_customers`` (bought in an earlier month), ``one_time_customers`` (those
        of the new who had ordered once by the month's end), ``is_complete_month``.
        Ascending; empty if no customer fits at all.
    """
    return reading.query(
        f"""
        with periods as ({_periods("month")}),

        told as (
            select customer_id, month_start, min(order_number) = 1 as is_new, max(order_number) = 1 as is_one_time
            from marts.fct_invoices
            semi join (select * from kept where order_number is not null) as bought using (customer_id, month_start)
            where order_number is not null
            group by customer_id, month_start
        )

        select
            periods.period_start as month_start,
            count(told.customer_id) as customers,
            count(told.customer_id) filter (told.is_new) as new_customers,
            count(told.customer_id) filter (not told.is_new) as existing_customers,
            count(told.customer_id) filter (told.is_one_time) as one_time_customers,
            any_value(periods.is_complete) as is_complete_month
        from periods
        left join told on periods.period_start = told.month_start
        where exists (select 1 from told)
        group by periods.period_start
        order by periods.period_start
        """,
        _bounds(reading, filters),
        kept=filters.invoices(),
    )


def customer_types(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Returning customers (ordered more than once in the whole history) against one-time ones.

    Returns
    -------
    DataFrame
        ``customer_type`` (``returning``, ``one_time``), ``customers`` and ``customers_pct`` of those who fit,
        ``net_revenue`` of their invoices that fit and its ``net_revenue_pct`` (null if nothing was kept).
        Always both rows, returning first; empty if no customer fits.
    """
    return reading.query(
        f"""
        with counted as (
            select customer_type, {aggregates("customers", ["customers"])} from chosen group by customer_type
        ),

        earned as (
            select chosen.customer_type, {aggregates("invoices", ["net_revenue"])}
            from kept
            inner join chosen on kept.customer_id = chosen.customer_id
            group by chosen.customer_type
        ),

        types as (
            select
                types.customer_type,
                coalesce(counted.customers, 0) as customers,
                coalesce(earned.net_revenue, 0) as net_revenue
            from (values ('returning'), ('one_time')) as types (customer_type)
            left join counted on types.customer_type = counted.customer_type
            left join earned on types.customer_type = earned.customer_type
        )

        select *, {shares(["customers_pct", "net_revenue_pct"])}
        from types
        where exists (select 1 from chosen)
        order by customer_type desc
        """,
        chosen=filters.customers(),
        kept=filters.invoices(),
    )


def spending(filters: Filters) -> Clause:
    """Identified customers who bought, one row each: ``net_revenue``, ``invoices`` and ``last_purchase_date``."""
    return Clause(
        f"""
        select
            customer_id,
            {aggregates("invoices", ["net_revenue", "invoices"])},
            max(invoice_date) filter (not is_return) as last_purchase_date
        from kept
        where customer_id is not null
        group by customer_id
        having invoices > 0
        """
    ).over(kept=filters.invoices())


def top_customers(reading: Reading, filters: Filters, limit: int = 10) -> pd.DataFrame:
    """Identified customers who brought most net revenue, of the invoices that fit.

    Returns
    -------
    DataFrame
        ``customer_id``, ``segment`` (by the chosen method, today), ``net_revenue``, ``invoices``,
        ``last_purchase_date`` (within the chosen days) and ``net_revenue_pct`` of the net revenue of all invoices
        that fit, also those of no customer (null if that is zero or less). By net revenue, then id; only who bought.
    """
    return reading.query(
        f"""
        with total as (select {aggregates("invoices", ["net_revenue"])} from kept)

        select
            spent.customer_id,
            c.{filters.segment_column} as segment,
            spent.net_revenue,
            spent.invoices,
            spent.last_purchase_date,
            case when total.net_revenue > 0 then 100 * spent.net_revenue / total.net_revenue end as net_revenue_pct
        from spent
        cross join total
        left join reporting.customer_360 as c on spent.customer_id = c.customer_id
        order by spent.net_revenue desc, spent.customer_id
        limit $row_limit
        """,
        {"row_limit": limit},
        kept=filters.invoices(),
        spent=spending(filters),
    )


def country_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Revenue by country of the invoice: the list :data:`COUNTRIES`.

    ``iso_alpha3`` is null for places that are no country, the share of net revenue if that is zero or less.
    """
    return fetch_list(reading, COUNTRIES, filters)


def _countries(filters: Filters) -> Clause:
    return Clause(
        f"""
        with sums as (
            select country, {aggregates("invoices", _COUNTRIES)} from kept group by country
        )

        select
            sums.country,
            c.iso_alpha3,
            c.is_home_country,
            sums.* exclude (country),
            {shares(_COUNTRIES)}
        from sums
        left join marts.dim_countries as c on sums.country = c.country
        """
    ).over(kept=filters.invoices())


def country_months(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Revenue by country of the invoice and calendar month, where there is an invoice.

    Returns
    -------
    DataFrame
        ``country``, ``month_start`` and the measures of countries; the country with most net revenue first, months
        ascending.
    """
    return reading.query(
        f"""
        with sums as (
            select
                country,
                month_start,
                {aggregates("invoices", _COUNTRIES)}
            from kept
            group by country, month_start
        )

        select * from sums
        order by sum(net_revenue) over (partition by country) desc, country, month_start
        """,
        kept=filters.invoices(),
    )


def unusual_periods(reading: Reading, filters: Filters, grain: Literal["day", "week"] = "day") -> pd.DataFrame:
    """Odd days or weeks of the chosen range: of the chosen countries, else of the whole shop.

    None where a filter speaks of customers: oddness is measured for the shop and its larger countries alone, and
    a day that was odd for the shop need not have been for them.

    Returns
    -------
    DataFrame
        Rows of :func:`serving.queries.anomalies.anomalies` with ``month_start``; by date, then series.
    """
    found = anomalies(reading, filters)
    # the total is found only where the countries chosen are nearly all of it
    series = () if filters.is_about_customers else (*filters.countries, TOTAL)
    found = found[(found["grain"] == grain) & found["series"].isin(series)]
    found = found.assign(month_start=pd.to_datetime(found["date"]).dt.to_period("M").dt.to_timestamp())
    return found.sort_values(["date", "series"]).reset_index(drop=True)


COUNTRIES = ListSpec(
    name="countries",
    title="Revenue by country",
    columns=(
        Column("country", "Country"),
        Column("iso_alpha3", "Code", width=100),
        *measure_columns("countries"),
        Column("is_home_country", "Home"),
    ),
    rows=lambda filters, _: _countries(filters),
    order_by="net_revenue desc, country",
    tables=("marts.dim_countries",),
)

LISTS = (COUNTRIES,)
