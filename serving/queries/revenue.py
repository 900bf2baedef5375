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
    coalesce(sum(kept.net_revenue), 0)::double as net_revenue,
    coalesce(sum(kept.gross_revenue - kept.booked_return_revenue), 0)::double as net_revenue_as_booked,
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
        ``month_start``, ``gross_revenue``, ``returned_revenue``, ``unmatched_return_revenue``,
        ``net_revenue``, ``net_revenue_as_booked``, ``invoices`` (with a sale), ``customers`` (identified
        buyers; must not be summed), ``is_complete_month`` (over, begun within the data, and wholly
        within the chosen days). Ascending; empty if no invoice fits at all.
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
    span = shown_days(reading, filters) or Span(date.min, date.min)
    return reading.query(
        f"""
        with
        kept as ({kept.sql}),

        periods as (
            select period_start::date as period_start, (period_start + step)::date - 1 as period_end
            from (select interval '1' {grain} as step),
                generate_series(date_trunc('{grain}', $first_day::date)::timestamp, $last_day::timestamp, step)
                as series (period_start)
        )

        select
            periods.period_start,
            {_MEASURES},
            any_value(
                periods.period_start >= $first_day
                and periods.period_end < coalesce($snapshot_date, $last_day + 1)
                and periods.period_end <= coalesce($chosen_end, periods.period_end)
            ) as is_complete_period
        from periods
        left join kept on date_trunc('{grain}', kept.invoice_date) = periods.period_start
        where exists (select 1 from kept)
        group by periods.period_start
        order by periods.period_start
        """,
        kept.parameters
        | {
            "first_day": span.start,
            "last_day": span.end,
            "snapshot_date": reading.about.snapshot_date,
            "chosen_end": filters.end,
        },
    )


def monthly_customers(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Identified customers who bought, by calendar month; with no filter as in ``marts.fct_monthly_customers``.

    Who is new, and who bought on one day only, is asked of all that a customer bought by the
    month's end, whatever the filters hide of it.

    Returns
    -------
    DataFrame
        ``month_start``, ``customers`` (must not be summed), ``new_customers`` (first purchase in
        that month), ``returning_customers`` (bought in an earlier month), ``one_time_customers`` (those
        of the new who had bought on one day only by the month's end), ``is_complete_month``.
        Ascending; empty if no customer fits at all.
    """
    kept = filters.invoices()
    span = shown_days(reading, filters) or Span(date.min, date.min)
    return reading.query(
        f"""
        with
        kept as ({kept.sql}),

        bought as (
            select distinct customer_id, date_trunc('month', invoice_date)::date as month_start
            from kept
            where not is_return and customer_id is not null
        ),

        first_months as (
            select customer_id, date_trunc('month', first_purchase_at)::date as first_month
            from marts.dim_customers
            where has_purchases
        ),

        first_month_days as (
            select i.customer_id, count(distinct i.invoice_date) as purchase_days
            from marts.fct_invoices as i
            inner join first_months as f
                on i.customer_id = f.customer_id and date_trunc('month', i.invoice_date) = f.first_month
            where not i.is_return
            group by i.customer_id
        ),

        told as (
            select
                bought.month_start,
                bought.customer_id,
                first_months.first_month = bought.month_start as is_new,
                first_month_days.purchase_days = 1 as is_one_day
            from bought
            inner join first_months on bought.customer_id = first_months.customer_id
            inner join first_month_days on bought.customer_id = first_month_days.customer_id
        ),

        months as (
            select month_start::date as month_start, (month_start + interval '1' month)::date - 1 as month_end
            from
                generate_series(
                    date_trunc('month', $first_day::date)::timestamp, $last_day::timestamp, interval '1' month
                ) as series (month_start)
        )

        select
            months.month_start,
            count(told.customer_id) as customers,
            count(told.customer_id) filter (told.is_new) as new_customers,
            count(told.customer_id) filter (not told.is_new) as returning_customers,
            count(told.customer_id) filter (told.is_new and told.is_one_day) as one_time_customers,
            any_value(
                months.month_start >= $first_day
                and months.month_end < coalesce($snapshot_date, $last_day + 1)
                and months.month_end <= coalesce($chosen_end, months.month_end)
            ) as is_complete_month
        from months
        left join told on months.month_start = told.month_start
        where exists (select 1 from told)
        group by months.month_start
        order by months.month_start
        """,
        kept.parameters
        | {
            "first_day": span.start,
            "last_day": span.end,
            "snapshot_date": reading.about.snapshot_date,
            "chosen_end": filters.end,
        },
    )


def customer_types(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Returning customers (bought on two days or more in the whole history) against one-time ones.

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
        ``country``, ``iso_alpha3`` (null for places that are no country, and where no customer is
        identified), ``is_home_country``, ``net_revenue``, ``gross_revenue``, ``returned_revenue`` (matched and
        unmatched together), ``customers``, ``invoices``, ``share_pct`` of net revenue (null if that is
        zero or less). By net revenue, then name.
    """
    clause = _countries(filters)
    return reading.query(f"{clause.sql} order by net_revenue desc, country", clause.parameters)


def _countries(filters: Filters) -> Clause:
    kept = filters.invoices()
    return Clause(
        f"""
        with
        kept as ({kept.sql}),

        codes as (
            select country, min(country_iso_alpha3) as iso_alpha3 from marts.dim_customers group by country
        ),

        homes as (select country, bool_or(is_home_country) as is_home from marts.fct_country_revenue group by country),

        sums as (
            select
                country,
                sum(net_revenue)::double as net_revenue,
                sum(gross_revenue)::double as gross_revenue,
                sum(returned_revenue + unmatched_return_revenue)::double as returned_revenue,
                count(distinct customer_id) filter (not is_return) as customers,
                count(*) filter (not is_return) as invoices
            from kept
            group by country
        )

        select
            sums.country,
            codes.iso_alpha3,
            coalesce(homes.is_home, false) as is_home_country,
            sums.net_revenue,
            sums.gross_revenue,
            sums.returned_revenue,
            sums.customers,
            sums.invoices,
            case
                when sum(sums.net_revenue) over () > 0 then 100 * sums.net_revenue / sum(sums.net_revenue) over ()
            end as share_pct
        from sums
        left join codes on sums.country = codes.country
        left join homes on sums.country = homes.country
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
            date_trunc('month', invoice_date)::date as month_start,
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
        Column("country", "Country"),
        Column("iso_alpha3", "Code", of="marts.dim_customers.country_iso_alpha3", width=100),
        Column("net_revenue", "Net revenue"),
        Column("share_pct", "Share", "percent", "Share of the net revenue that fits the filters, 0 to 100."),
        Column("gross_revenue", "Gross revenue"),
        Column("returned_revenue", "Returned", "money", "Returns, matched or not; positive, in the shop's currency."),
        Column("customers", "Customers", of="marts.fct_country_revenue.customer_count"),
        Column("invoices", "Orders", of="marts.fct_country_revenue.invoice_count"),
        Column("is_home_country", "Home"),
    ),
    rows=_country_rows,
    order_by="net_revenue desc, country",
    tables=("marts.fct_country_revenue",),
)

LISTS = (COUNTRIES,)
