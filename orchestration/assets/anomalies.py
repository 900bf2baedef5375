"""Marts to ml: unusual days and weeks of revenue and what drove them, written back.

Belongs here: reading what the scoring and the explaining need, calling them, writing
their answers, and what Dagster shows of them. Does not belong here: the scoring, the
wording and the plots (``ml/``).
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from orchestration.metadata import picture_metadata
from orchestration.ml_tables import table_spec, write_table
from orchestration.model_runs import record_runs, runs_spec
from orchestration.resources import WarehouseResource
from warehouse import wording
from warehouse.ledger import active_content_hashes
from warehouse.measures import measures
from warehouse.versions import data_version

_READS = [
    ["marts", name]
    for name in ("fct_daily_revenue", "fct_invoice_lines", "fct_return_matches", "dim_dates", "dim_products")
]

# More than the explaining keeps, so that it has the choice; bounds what enters Python.
_MEMBERS_READ = 10

# What the window brought in all, and on the flag's weekday.
_WINDOWS = f"""
select
    flags.series,
    flags.grain,
    flags.date,
    coalesce(sum(lines.gross_revenue + lines.return_amount), 0)::double as window_total,
    coalesce({measures()["gross_revenue"].sql("lines")}, 0)::double as window_sold,
    coalesce(
        sum(lines.gross_revenue + lines.return_amount) filter (dayofweek(days.date) = dayofweek(flags.date)), 0
    )::double as weekday_total
from _flags as flags
inner join marts.dim_dates as days
    on days.date >= flags.window_start and days.date < flags.date
    and (flags.grain = 'week' or coalesce(days.holiday_name, days.closure_reason, days.promotion_name) is null)
left join marts.fct_invoice_lines as lines
    on lines.invoice_date = days.date and (flags.series = 'total' or flags.series = lines.country)
group by flags.series, flags.grain, flags.date
"""

# A mean of the window within two thirds and one and a half of what was expected is what is usual. Where the expectation
# knows of a weekday or a season that brings more or less than that, members are compared with the same weekday, in
# proportion to what was expected: on a market day everybody brings more than the mean day, and nobody is missed on a
# bad one. Where most came back, what is left is near nothing, of which anything is a hundred times as much: what was
# sold decides.
_USUAL_RANGE = (2 / 3, 1.5)

# Revenue as booked: what a line adds to the day it is dated on, returns included.
# Everything is added up per day and member once, however many windows a day is in.
_CONTRIBUTIONS = """
with

flags as (

    select
        row_number() over (order by series, grain, date) as flag_id,
        series,
        grain,
        cast(date as date) as date,
        cast(date + to_days(case grain when 'week' then 6 else 0 end) as date) as end_date,
        cast(window_start as date) as window_start,
        case when series <> 'total' then series end as country,
        window_periods,
        is_by_weekday,
        usual_scale,
        sign(actual - expected) as way
    from _flags

),

flag_days as (

    select
        flags.flag_id,
        flags.country,
        flags.way,
        flags.window_periods,
        flags.usual_scale,
        days.date,
        days.date >= flags.date as is_period
    from flags
    inner join marts.dim_dates as days on days.date between flags.window_start and flags.end_date
    -- days are compared with no day of which the calendar says something
    where flags.grain = 'week'
        or days.date >= flags.date
        or (
            coalesce(days.holiday_name, days.closure_reason, days.promotion_name) is null
            and (not flags.is_by_weekday or dayofweek(days.date) = dayofweek(flags.date))
        )

),

lines as (

    select
        line_id,
        invoice_no,
        invoice_date as date,
        country,
        coalesce(customer_id, '(none)') as customer_id,
        stock_code,
        line_type = 'sale' as is_sale,
        gross_revenue + return_amount as revenue
    from marts.fct_invoice_lines
    where invoice_date in (select date from flag_days)

),

members as (

    select date, country, 'customer' as dimension, customer_id as member, sum(revenue) as revenue
    from lines
    group by all
    union all
    select date, country, 'product' as dimension, stock_code as member, sum(revenue) as revenue
    from lines
    group by all
    union all
    select date, country, 'country' as dimension, country as member, sum(revenue) as revenue
    from lines
    group by all

),

by_member as (

    select
        flag_days.flag_id,
        members.dimension,
        members.member,
        cast(null as varchar) as detail,
        coalesce(sum(members.revenue) filter (flag_days.is_period), 0) as actual,
        coalesce(sum(members.revenue) filter (not flag_days.is_period), 0)::double * any_value(flag_days.usual_scale)
            as window_revenue,
        any_value(flag_days.way) as way,
        any_value(flag_days.window_periods) as window_periods
    from members
    inner join flag_days
        on members.date = flag_days.date and (flag_days.country is null or flag_days.country = members.country)
    group by all

),

period_lines as (

    select
        flag_days.flag_id, lines.line_id, lines.invoice_no, lines.customer_id, lines.revenue,
        flag_days.way, flag_days.window_periods
    from lines
    inner join flag_days
        on lines.date = flag_days.date and flag_days.is_period
        and (flag_days.country is null or flag_days.country = lines.country)

),

period_matches as (

    select
        sales.flag_id,
        sales.invoice_no as sale_invoice,
        returns.invoice_no as return_invoice,
        matches.matched_amount
    from marts.fct_return_matches as matches
    inner join period_lines as sales on matches.sale_line_id = sales.line_id
    inner join period_lines as returns
        on matches.return_line_id = returns.line_id and sales.flag_id = returns.flag_id

),

-- an order that is cancelled within the period is neither a big order nor a big return
cancelled as (

    select flag_id, sale_invoice as invoice_no, -sum(matched_amount) as revenue
    from period_matches
    group by all
    union all
    select flag_id, return_invoice as invoice_no, sum(matched_amount) as revenue
    from period_matches
    group by all

),

by_invoice as (

    select
        booked.flag_id,
        'invoice' as dimension,
        booked.invoice_no as member,
        nullif(booked.customer_id, '(none)') as detail,
        booked.revenue + coalesce(netted.revenue, 0) as actual,
        0 as window_revenue,
        booked.way,
        booked.window_periods
    from (
        select
            flag_id, invoice_no, min(customer_id) as customer_id, sum(revenue) as revenue,
            any_value(way) as way, any_value(window_periods) as window_periods
        from period_lines
        group by flag_id, invoice_no
    ) as booked
    left join (select flag_id, invoice_no, sum(revenue) as revenue from cancelled group by all) as netted
        on booked.flag_id = netted.flag_id and booked.invoice_no = netted.invoice_no

),

ranked as (

    select * from (from by_member union all by name from by_invoice)
    qualify row_number() over (
        partition by flag_id, dimension
        order by (actual - window_revenue / window_periods) * way desc, member
    ) <= $members

)

select
    flags.series,
    flags.grain,
    cast(flags.date as timestamp) as date,
    ranked.dimension,
    ranked.member,
    case ranked.dimension
        when 'invoice' then 'invoice ' || ranked.member
        when 'customer' then if(
            ranked.member = '(none)', 'customers without a number', 'customer ' || ranked.member
        )
        when 'product' then case
            when ranked.member = '(NONE)' then 'lines that name no product'
            -- a product without a code goes by its name
            when ranked.member = upper(regexp_replace(trim(products.description), '\\s+', ' ', 'g'))
                then 'product ' || products.description
            else 'product ' || ranked.member || coalesce(' (' || products.description || ')', '')
        end
        else ranked.member
    end as label,
    ranked.detail,
    ranked.actual::double as actual,
    ranked.window_revenue::double as window_revenue
from ranked
inner join flags on ranked.flag_id = flags.flag_id
left join marts.dim_products as products
    on ranked.dimension = 'product' and ranked.member = products.stock_code
order by flags.flag_id, ranked.dimension, ranked.member
"""

_ORDERS = """
with

daily as (

    select
        lines.invoice_date as date,
        lines.country,
        count(distinct lines.invoice_no) filter (lines.line_type = 'sale') as orders,
        -sum(lines.return_amount) as returned,
        bool_or(coalesce(days.holiday_name, days.closure_reason, days.promotion_name) is not null) as is_special
    from marts.fct_invoice_lines as lines
    inner join marts.dim_dates as days on lines.invoice_date = days.date
    where lines.invoice_date between (select min(window_start) from _flags)
        and (select max(date) from _flags) + to_days(6)
    group by lines.invoice_date, lines.country

),

-- what is sold and cancelled within a period moved its revenue neither way
cancelled as (

    select
        cast(matches.returned_at as date) as date,
        returns.country,
        coalesce(
            sum(matches.matched_amount) filter (cast(matches.sold_at as date) = cast(matches.returned_at as date)), 0
        ) as within_day,
        sum(matches.matched_amount) as within_week
    from marts.fct_return_matches as matches
    inner join marts.fct_invoice_lines as returns on matches.return_line_id = returns.line_id
    where date_trunc('week', matches.sold_at) = date_trunc('week', matches.returned_at)
    group by all

),

booked as (

    select
        daily.*,
        daily.returned - coalesce(cancelled.within_day, 0) as returned_by_day,
        daily.returned - coalesce(cancelled.within_week, 0) as returned_by_week
    from daily
    left join cancelled
        on daily.date = cancelled.date and daily.country is not distinct from cancelled.country

),

of_flags as (

    select
        flags.series,
        flags.grain,
        flags.date,
        flags.usual_scale,
        booked.date >= flags.date as is_period,
        booked.orders,
        if(flags.grain = 'week', booked.returned_by_week, booked.returned_by_day) as returned
    from _flags as flags
    left join booked
        on booked.date between flags.window_start
        and flags.date + to_days(case flags.grain when 'week' then 6 else 0 end)
        and (flags.series = 'total' or flags.series = booked.country)
        and (
            flags.grain = 'week'
            or booked.date >= flags.date
            or (not booked.is_special and (not flags.is_by_weekday or dayofweek(booked.date) = dayofweek(flags.date)))
        )

)

select
    series,
    grain,
    date,
    coalesce(sum(orders) filter (is_period), 0)::bigint as orders,
    coalesce(sum(orders) filter (not is_period), 0)::double * any_value(usual_scale) as window_orders,
    coalesce(sum(returned) filter (is_period), 0)::double as returned,
    coalesce(sum(returned) filter (not is_period), 0)::double * any_value(usual_scale) as window_returned
from of_flags
group by series, grain, date
order by series, grain, date
"""


def read_revenue(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read booked revenue by day and by country and day, one row per day with a line, and what the calendar says."""
    days = connection.execute(
        """
        select
            daily.date, daily.is_trading_day, daily.net_revenue_as_booked::double as net_revenue,
            daily.invoice_count as orders, days.is_complete_day, days.is_complete_week
        from marts.fct_daily_revenue as daily
        inner join marts.dim_dates as days on daily.date = days.date
        order by daily.date
        """
    ).df()
    country_days = connection.execute(
        """
        select
            country,
            invoice_date as date,
            bool_or(line_type = 'sale') as is_trading_day,
            sum(gross_revenue + return_amount)::double as net_revenue
        from marts.fct_invoice_lines
        where country is not null
        group by country, invoice_date
        order by country, invoice_date
        """
    ).df()
    special_days = connection.execute(
        """
        select date, holiday_name, closure_reason, promotion_name
        from marts.dim_dates
        where coalesce(holiday_name, closure_reason, promotion_name) is not null
        order by date
        """
    ).df()
    return days, country_days, special_days


def read_contributions(connection: duckdb.DuckDBPyConnection, flags: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what the flags' windows hold: members with the largest differences, orders and returns."""
    columns = ["series", "grain", "date", "window_start", "window_periods", "actual", "expected"]
    connection.register("_flags", flags[columns])
    try:
        windows = connection.execute(_WINDOWS).df()
        connection.register("_flags", _compared(flags[columns], windows))
        contributions = connection.execute(_CONTRIBUTIONS, {"members": _MEMBERS_READ}).df()
        orders = connection.execute(_ORDERS).df()
    finally:
        connection.unregister("_flags")
    return contributions, orders


def _compared(flags: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """With the days that each flag's members are compared with, and by what that is multiplied."""
    flags = flags.merge(windows, on=["series", "grain", "date"], how="left")
    whole = flags["expected"] * flags["window_periods"]
    is_apart = (whole > 0) & (flags["window_total"] > 0)
    for total in (flags["window_total"], flags["window_sold"]):
        low, high = (total * bound for bound in _USUAL_RANGE)
        is_apart &= ~whole.between(low, high)
    flags["is_by_weekday"] = is_apart & (flags["grain"] == "day") & (flags["weekday_total"] > 0)
    compared = flags["window_total"].where(~flags["is_by_weekday"], flags["weekday_total"])
    flags["usual_scale"] = (whole / compared).where(is_apart, 1.0)
    return flags


def flag_anomalies(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Days and weeks whose revenue is far from the ones before them, and why."""
    tables = ("revenue_anomalies", "revenue_expectations", "anomaly_drivers")

    @dg.multi_asset(
        name="flag_anomalies",
        specs=[
            *(table_spec(manifest, table, _READS, kinds={"python"}) for table in tables),
            runs_spec(manifest, "revenue_anomalies", _READS),
        ],
    )
    def anomalies(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
        from ml.anomalies import EXPECTATION_COLUMNS, describe_scores, score_revenue
        from ml.anomaly_causes import explain_anomalies

        settings = warehouse.settings
        chosen = settings.anomalies
        with warehouse.get_connection() as connection:
            days, country_days, special_days = read_revenue(connection)
            scores = score_revenue(
                days,
                country_days,
                special_days,
                window_days=chosen.window_days,
                threshold=chosen.threshold,
                method=chosen.method,
            )
            contributions, orders = read_contributions(connection, scores.flags)
            explained = explain_anomalies(
                scores.flags,
                contributions,
                orders,
                special_days,
                money=partial(wording.money, currency=settings.shop.currency),
                day=wording.weekday,
            )
            version = data_version(active_content_hashes(connection))
            yield record_runs(connection, describe_scores(scores, data_version=version))
            expectations = scores.scored[list(EXPECTATION_COLUMNS)]
            drawn = _drawn(expectations, explained.revenue_anomalies)
            yield write_table(connection, manifest, "revenue_anomalies", explained.revenue_anomalies, metadata=drawn)
            yield write_table(connection, manifest, "revenue_expectations", expectations)
            yield write_table(connection, manifest, "anomaly_drivers", explained.anomaly_drivers)

    return anomalies


def _drawn(expectations: pd.DataFrame, anomalies: pd.DataFrame) -> dict[str, Any]:
    """Revenue with its unusual days as a picture in Dagster's metadata, or why there is none."""
    from ml.anomaly_plots import days_of_total, draw_revenue_anomalies

    # a history shorter than the window is no error
    if days_of_total(expectations).empty:
        return {"evidence": "No day has enough days before it to be compared with."}
    return {"evidence": picture_metadata(draw_revenue_anomalies(expectations, anomalies), "Unusual days of revenue")}
