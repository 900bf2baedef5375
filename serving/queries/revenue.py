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

from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from serving.filters import Clause, Filters
from serving.queries.anomalies import TOTAL, anomalies
from serving.queries.lists import Column, ListSpec
from serving.snapshot import Reading

Grain = Literal["month", "week", "day"]

# invoices with return lines alone are no orders, and who only brought something back did not buy
_MEASURES = """
    coalesce(sum(kept.gross_revenue), 0)::double as gross_revenue,
    coalesce(sum(kept.returned_revenue), 0)::double as returned_revenue,
    coalesce(sum(kept.unmatched_return_revenue), 0)::double as unmatched_return_revenue,
    coalesce(sum(kept.total_return_revenue), 0)::double as total_return_revenue,
    coalesce(sum(kept.net_revenue), 0)::double as net_revenue,
    coalesce(sum(kept.net_revenue_as_booked), 0)::double as net_revenue_as_booked,
    count(kept.invoice_no) filter (not kept.is_return) as invoices,
    count(distinct kept.customer_id) filter (not kept.is_return) as customers"""


@dataclass(frozen=True)
class Span:
    """Days that are shown: those of the data within the chosen range."""

    start: date
    end: date


def shown_days(reading: Reading, filters: Filters) -> Span | None:
    """The days of the data that the chosen range keeps; None if there are none."""
    first, last = reading.about.first_date, reading.about.last_date
    if first is None or last is None:
        return None
    start, end = max(filters.start or first, first), min(filters.end or last, last)
    return Span(start, end) if start <= end else None


def monthly_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Revenue by calendar month, also of months in which nothing fits.

    Returns
    -------
    DataFrame
        ``month_start``, ``gross_revenue``, ``returned_revenue`` (matched), ``unmatched_return_revenue``,
        ``total_return_revenue`` (both), ``net_revenue``, ``net_revenue_as_booked``, ``invoices`` (with a sale),
        ``customers`` (identified buyers; must not be summed), ``is_complete_month`` (as in ``marts.dim_dates``,
        and wholly within the chosen days). Ascending; empty if no invoice fits at all.
    """
    return _revenue_by(reading, filters, "month").rename(
        columns={"period_start": "month_start", "is_complete_period": "is_complete_month"}
    )


def weekly_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The same by ISO week: ``week_start`` (a Monday) and ``is_complete_week``."""
    return _revenue_by(reading, filters, "week").rename(
        columns={"period_start": "week_start", "is_complete_period": "is_complete_week"}
    )


def daily_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The same by calendar day (``date``), with ``is_trading_day``: whether the whole shop sold anything.

    Days on which nothing fits are there with zeros.
    """
    frame = _revenue_by(reading, filters, "day").rename(columns={"period_start": "date"})
    traded = reading.query("select date, is_trading_day from marts.fct_daily_revenue")
    frame = frame.drop(columns="is_complete_period").merge(traded, on="date", how="left")
    frame["is_trading_day"] = frame["is_trading_day"].eq(True)
    return frame


def _revenue_by(reading: Reading, filters: Filters, grain: Grain) -> pd.DataFrame:
    kept = filters.invoices()
    return reading.query(
        f"""
        with
        kept as ({kept.sql}),
        periods as ({_periods(grain)})

        select
            periods.period_start,
            {_MEASURES},
            any_value(periods.is_complete) as is_complete_period
        from periods
        left join kept on date_trunc('{grain}', kept.invoice_date) = periods.period_start
        where exists (select 1 from kept)
        group by periods.period_start
        order by periods.period_start
        """,
        kept.parameters | _bounds(reading, filters),
    )


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
    span = shown_days(reading, filters) or Span(date.min, date.min)
    return {
        "first_day": span.start,
        "last_day": span.end,
        "chosen_start": filters.start,
        "chosen_end": filters.end,
    }


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
    kept = filters.invoices()
    return reading.query(
        f"""
        with
        kept as ({kept.sql}),
        periods as ({_periods("month")}),

        bought as (
            select distinct customer_id, month_start from kept where order_number is not null
        ),

        orders as (
            select
                customer_id,
                month_start,
                min(order_number) = 1 as is_new,
                max(order_number) = 1 as is_one_time
            from marts.fct_invoices
            where order_number is not null
            group by customer_id, month_start
        ),

        told as (select orders.* from orders inner join bought using (customer_id, month_start))

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
        kept.parameters | _bounds(reading, filters),
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
    customers, kept = filters.customers(), filters.invoices()
    return reading.query(
        f"""
        with
        chosen as ({customers.sql}),
        kept as ({kept.sql}),
        spent as (select customer_id, sum(net_revenue) as net_revenue from kept group by customer_id),

        types as (
            select
                types.customer_type,
                count(chosen.customer_id) as customers,
                coalesce(sum(spent.net_revenue), 0)::double as net_revenue
            from (values ('returning'), ('one_time')) as types (customer_type)
            left join chosen on chosen.customer_type = types.customer_type
            left join spent on spent.customer_id = chosen.customer_id
            group by types.customer_type
        )

        select
            customer_type,
            customers,
            100.0 * customers / sum(customers) over () as customers_pct,
            net_revenue,
            case
                when sum(net_revenue) over () > 0 then 100 * net_revenue / sum(net_revenue) over ()
            end as net_revenue_pct
        from types
        where exists (select 1 from chosen)
        order by customer_type desc
        """,
        customers.parameters | kept.parameters,
    )


def top_customers(reading: Reading, filters: Filters, limit: int = 10) -> pd.DataFrame:
    """Identified customers who brought most net revenue, of the invoices that fit.

    Returns
    -------
    DataFrame
        ``customer_id``, ``segment`` (by the chosen method, today), ``country``, ``net_revenue``,
        ``gross_revenue``, ``invoices``, ``last_purchase_date`` (within the chosen days) and ``share_pct`` of the
        net revenue of all invoices that fit, also those of no customer (null if that is zero or
        less). By net revenue, then id; only who bought.
    """
    kept = filters.invoices()
    return reading.query(
        f"""
        with
        kept as ({kept.sql}),

        spent as (
            select
                customer_id,
                sum(net_revenue)::double as net_revenue,
                sum(gross_revenue)::double as gross_revenue,
                count(*) filter (not is_return) as invoices,
                max(invoice_date) filter (not is_return) as last_purchase_date
            from kept
            where customer_id is not null
            group by customer_id
            having count(*) filter (not is_return) > 0
        ),

        total as (select sum(net_revenue)::double as net_revenue from kept)

        select
            spent.customer_id,
            c.{filters.segment_column} as segment,
            c.country,
            spent.net_revenue,
            spent.gross_revenue,
            spent.invoices,
            spent.last_purchase_date,
            case when total.net_revenue > 0 then 100 * spent.net_revenue / total.net_revenue end as share_pct
        from spent
        cross join total
        left join reporting.customer_360 as c on spent.customer_id = c.customer_id
        order by spent.net_revenue desc, spent.customer_id
        limit $row_limit
        """,
        kept.parameters | {"row_limit": limit},
    )


def country_revenue(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Revenue by country of the invoice.

    Returns
    -------
    DataFrame
        ``country``, ``iso_alpha3`` (null for places that are no country), ``is_home_country``, ``net_revenue``,
        ``gross_revenue``, ``total_return_revenue``, ``customers``, ``invoices``, ``share_pct`` of net revenue
        (null if that is zero or less). By net revenue, then name.
    """
    clause = _countries(filters)
    return reading.query(f"{clause.sql} order by net_revenue desc, country", clause.parameters)


def _countries(filters: Filters) -> Clause:
    kept = filters.invoices()
    return Clause(
        f"""
        with
        kept as ({kept.sql}),

        sums as (
            select
                country,
                sum(net_revenue)::double as net_revenue,
                sum(gross_revenue)::double as gross_revenue,
                sum(total_return_revenue)::double as total_return_revenue,
                count(distinct customer_id) filter (not is_return) as customers,
                count(*) filter (not is_return) as invoices
            from kept
            group by country
        )

        select
            sums.country,
            c.iso_alpha3,
            c.is_home_country,
            sums.net_revenue,
            sums.gross_revenue,
            sums.total_return_revenue,
            sums.customers,
            sums.invoices,
            case
                when sum(sums.net_revenue) over () > 0 then 100 * sums.net_revenue / sum(sums.net_revenue) over ()
            end as share_pct
        from sums
        left join marts.dim_countries as c on sums.country = c.country
        """,
        kept.parameters,
    )


def country_months(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Revenue by country of the invoice and calendar month, where there is an invoice.

    Returns
    -------
    DataFrame
        ``country``, ``month_start``, ``net_revenue``, ``gross_revenue``, ``invoices``; the country with most net
        revenue first, months ascending.
    """
    kept = filters.invoices()
    return reading.query(
        f"""
        with
        kept as ({kept.sql})

        select
            country,
            month_start,
            sum(net_revenue)::double as net_revenue,
            sum(gross_revenue)::double as gross_revenue,
            count(*) filter (not is_return) as invoices
        from kept
        group by country, month_start
        order by sum(sum(net_revenue)) over (partition by country) desc, country, month_start
        """,
        kept.parameters,
    )


def unusual_periods(reading: Reading, filters: Filters, grain: Literal["day", "week"] = "day") -> pd.DataFrame:
    """Odd days or weeks of the chosen range: of the chosen countries, else of the whole shop.

    Filters that speak of customers don't apply: oddness is measured for the shop and its larger
    countries alone.

    Returns
    -------
    DataFrame
        Rows of :func:`serving.queries.anomalies.anomalies` with ``month_start``; by date, then series.
    """
    found = anomalies(reading, filters)
    series = filters.countries or (TOTAL,)
    found = found[(found["grain"] == grain) & found["series"].isin(series)]
    found = found.assign(month_start=pd.to_datetime(found["date"]).dt.to_period("M").dt.to_timestamp())
    return found.sort_values(["date", "series"]).reset_index(drop=True)


def _country_rows(filters: Filters, _: str) -> Clause:
    return _countries(filters)


COUNTRIES = ListSpec(
    name="countries",
    title="Revenue by country",
    columns=(
        Column("country", "Country", about="Country of the invoice."),
        Column("iso_alpha3", "Code", about="ISO 3166 code; none for places that are no country.", width=100),
        Column("net_revenue", "Net revenue", "money", about="Gross less all returns."),
        Column("share_pct", "Share", "percent", about="Part of the net revenue of all countries shown."),
        Column("gross_revenue", "Gross revenue", "money", about="Before returns."),
        Column("total_return_revenue", "Returned", "money", about="Worth of what came back."),
        Column("customers", "Customers", "count", about="Identified customers who bought."),
        Column("invoices", "Orders", "count", about="Invoices with a sale."),
        Column("is_home_country", "Home", "flag", about="The shop's own country."),
    ),
    rows=_country_rows,
    order_by="net_revenue desc, country",
)

LISTS = (COUNTRIES,)
