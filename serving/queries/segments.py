"""Segments: how large they are, how they differ, how customers move between them, how they were made.

Belongs here: what the page about segments, the report and the interface ask of them. Does not belong
here: one customer (:mod:`serving.queries.customers`) and what to do with a segment
(:mod:`serving.queries.playbooks`).

Money called ``monetary`` is what customers are scored by (setting ``rfm.monetary``), ``monetary_net`` is
net of returns, below zero for who gave more back than was bought; both in the shop's currency and over
the customer's whole history. A date range chooses customers, it does not cut their figures. Model values
are summed as decimals, so that no sum depends on the order in which threads finish.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from datetime import date

import pandas as pd

from serving.filters import Clause, Filters, Method
from serving.queries.lists import Column, ListSpec, measure_columns
from serving.snapshot import Reading
from warehouse.measures import aggregates, shares, shown

MEASURES = ("recency_days", "frequency", "monetary", "clv")
"""What customers are compared by, in this order."""

NO_SEGMENT = "No segment"
"""Stands for customers whom the method put in none."""

NEW_CUSTOMER = "New Customer"
"""Where ``marts.segment_moves`` lets those come from who had not bought before."""

MAX_RECENCY_BINS = 26
FREQUENCY_STEP = 1.4
"""Each bin of the frequency begins this many times as high as the one before."""

_SIZES = [one.key for one in shown("sizes")]
_PROFILES = [one.key for one in shown("segments")]

_ALGORITHMS: dict[str, str] = {"audience": "kmeans"}


@dataclass(frozen=True)
class CustomerPoints:
    """Single customers to draw: all, or a fixed sample of them."""

    rows: pd.DataFrame
    """``customer_id, segment, recency_days, frequency, monetary, clv``, by customer_id."""
    total: int
    """Customers whom the sample stands for."""


@dataclass(frozen=True)
class Caveats:
    """What a clustering says of itself; each empty if it has none."""

    segments: str
    """Warnings of the clustering."""
    changes: str
    """How the clustering differs from the one published before."""


def _kept(filters: Filters) -> Clause:
    """Common table expressions ``kept`` (the customers of the filters) and ``kinds`` (the kind of each segment)."""
    clause = filters.customers()
    sql = f"""
        kept as (
            select * replace (coalesce(segment, '{NO_SEGMENT}') as segment, cast(clv as decimal(28, 4)) as clv)
            from ({clause.sql})
        ),
        kinds as (
            select segment_name, segment_kind from reporting.segment_playbooks where method = $method
        )"""
    return Clause(sql, clause.parameters | {"method": filters.method})


def caveats(reading: Reading, method: Method) -> Caveats:
    """Caveats of a method's segments."""
    found = reading.row(
        """
        select
            string_agg(warnings, ' ' order by algorithm)
                filter (model = 'customer_segments' and algorithm = $algorithm) as segments,
            string_agg(change_notes, ' ' order by algorithm)
                filter (model = 'customer_segments' and algorithm = $algorithm) as changes
        from reporting.model_notes
        """,
        {"algorithm": _ALGORITHMS.get(method, method)},
    )
    return Caveats(*(found[name] or "" for name in ("segments", "changes")))


# ---- who they are ------------------------------------------------------------------


def segment_sizes(reading: Reading, filters: Filters) -> pd.DataFrame:
    """How many customers a segment has and what they brought, the one with the most money first.

    Returns
    -------
    DataFrame
        One row per segment with customers: ``segment``, ``kind`` and the measures of sizes; the share of what was
        spent is null where that is zero or less, ``clv_sum`` where nobody's is known.
    """
    kept = _kept(filters)
    return reading.query(
        f"""
        with {kept.sql},

        sized as (
            select segment, {aggregates("customers", _SIZES)} from kept group by segment
        )

        select
            sized.segment,
            coalesce(kinds.segment_kind, sized.segment) as kind,
            sized.* exclude (segment),
            {shares(_SIZES)}
        from sized
        left join kinds on kinds.segment_name = sized.segment
        order by sized.monetary_net_sum desc, sized.segment
        """,
        kept.parameters,
    )


def customer_points(reading: Reading, filters: Filters, limit: int = 4000) -> CustomerPoints:
    """Single customers, at most ``limit`` of them: always the same ones, whatever the order of the table."""
    kept = _kept(filters)
    sql = f"""
        with {kept.sql},

        sampled as (
            select
                customer_id,
                segment,
                recency_days,
                frequency,
                cast(monetary as double) as monetary,
                cast(clv as double) as clv,
                count(*) over () as total
            from kept
            order by hash(customer_id), customer_id
            limit $row_limit
        )

        select * from sampled order by customer_id
        """
    rows = reading.query(sql, kept.parameters | {"row_limit": limit})
    total = int(rows["total"].iloc[0]) if len(rows) else 0
    return CustomerPoints(rows.drop(columns="total"), total)


def box_statistics(reading: Reading, filters: Filters) -> pd.DataFrame:
    """Five quantiles of each measure in each segment, computed over all customers kept.

    The whiskers stand at the 5th and the 95th percentile, so that nine of ten customers lie between them;
    the usual one and a half box lengths mean little on values as skewed as money.

    Returns
    -------
    DataFrame
        ``measure`` (one of :data:`MEASURES`), ``segment``, ``kind``, ``customers`` (with a value),
        ``low_whisker``, ``q1``, ``median``, ``q3``, ``high_whisker``, ``mean``.
    """
    kept = _kept(filters)
    columns = ",\n".join(
        f"""
                quantile_cont(cast({name} as double), [0.05, 0.25, 0.5, 0.75, 0.95]) as {name}_quantiles,
                avg(cast({name} as decimal(28, 4))) as {name}_mean,
                count({name}) as {name}_customers"""
        for name in MEASURES
    )
    parts = ",\n".join(
        f"""
                    {{
                        'position': {position}, 'measure': '{name}', 'quantiles': {name}_quantiles,
                        'mean': {name}_mean, 'customers': {name}_customers
                    }}"""
        for position, name in enumerate(MEASURES)
    )
    return reading.query(
        f"""
        with {kept.sql},

        wide as (
            select
                segment,
                {columns}
            from kept
            group by segment
        ),

        long as (
            select segment, unnest([{parts}]) as part from wide
        )

        select
            part.measure as measure,
            long.segment,
            coalesce(kinds.segment_kind, long.segment) as kind,
            part.customers as customers,
            part.quantiles[1] as low_whisker,
            part.quantiles[2] as q1,
            part.quantiles[3] as median,
            part.quantiles[4] as q3,
            part.quantiles[5] as high_whisker,
            part.mean as mean
        from long
        left join kinds on kinds.segment_name = long.segment
        where part.customers > 0
        order by part.position, long.segment
        """,
        kept.parameters,
    )


def distributions(reading: Reading, filters: Filters) -> pd.DataFrame:
    """How many customers of each segment fall into each bin of each measure.

    Days are binned evenly, the others in steps that grow with the value (1, 2, 5, 10 … for money), because
    most customers have little and a few have very much. The first bin of money holds all below 1, also
    nothing and less.

    Returns
    -------
    DataFrame
        ``measure``, ``bin_start`` (included), ``bin_end`` (not included), ``segment``, ``customers``: every
        bin between the lowest and the highest value for every segment, also with 0. Empty if no customer fits.
    """
    kept = _kept(filters)
    bounds = reading.row(
        f"""
        with {kept.sql}

        select
            {", ".join(f"min({name}) as {name}_low, max({name}) as {name}_high" for name in MEASURES)}
        from kept
        """,
        kept.parameters,
    )
    parts, parameters = [], dict(kept.parameters)
    for position, name in enumerate(MEASURES):
        low, high = bounds[f"{name}_low"], bounds[f"{name}_high"]
        if low is None:
            continue
        edges = _bin_edges(name, float(low), float(high))
        parameters |= {f"{name}_starts": edges[:-1], f"{name}_ends": edges[1:]}
        # every edge is a whole number: whole values fall into the same bins, and are few
        parts.append(
            f"""
            select
                {position} as position,
                '{name}' as measure,
                bins.bin_start,
                bins.bin_end,
                segments.segment,
                coalesce(sum(counted.customers), 0) as customers
            from (select unnest(${name}_starts) as bin_start, unnest(${name}_ends) as bin_end) as bins
            cross join segments
            left join (
                select segment, floor({name}) as value, count(*) as customers
                from kept
                where {name} is not null
                group by segment, floor({name})
            ) as counted
                on counted.segment = segments.segment
                and counted.value >= bins.bin_start
                and counted.value < bins.bin_end
            group by bins.bin_start, bins.bin_end, segments.segment
            """
        )
    if not parts:
        return pd.DataFrame(columns=["measure", "bin_start", "bin_end", "segment", "customers"])
    return reading.query(
        f"""
        with {kept.sql},

        segments as (select distinct segment from kept),

        binned as ({" union all ".join(parts)})

        select measure, bin_start, bin_end, segment, cast(customers as bigint) as customers
        from binned
        order by position, bin_start, segment
        """,
        parameters,
    )


def _bin_edges(measure: str, low: float, high: float) -> list[float]:
    """Edges from ``low`` to beyond ``high``, so that the last bin holds the highest value."""
    edges: list[float]
    if measure == "recency_days":
        first = min(0.0, float(math.floor(low)))
        step = next(
            (step for step in (1, 2, 7, 14, 30, 60, 90, 180) if (high - first) / step < MAX_RECENCY_BINS),
            math.ceil((high - first + 1) / MAX_RECENCY_BINS),
        )
        count = int((high - first) // step) + 1
        return [float(first + step * position) for position in range(count + 1)]
    if measure == "frequency":
        edges = [float(math.floor(low))]
        while edges[-1] <= high:
            edges.append(float(max(edges[-1] + 1, math.ceil(edges[-1] * FREQUENCY_STEP))))
        return edges
    steps = (factor * 10.0**power for power in itertools.count() for factor in (1, 2, 5))
    edges = [min(0.0, float(math.floor(low)))] if low < 1 else []
    for edge in steps:
        if edges and edge > high:
            return [*edges, edge]
        if low >= 1 and len(edges) == 1 and edge <= low:
            edges = [edge]
        else:
            edges.append(edge)
    raise AssertionError("the steps never end")


# ---- how they differ ---------------------------------------------------------------


def _profiles(filters: Filters) -> Clause:
    kept = _kept(filters)
    sql = f"""
        with {kept.sql},

        profiled as (
            select segment, {aggregates("customers", _PROFILES)} from kept group by segment
        )

        select
            profiled.segment,
            coalesce(kinds.segment_kind, profiled.segment) as kind,
            false as is_everyone,
            profiled.* exclude (segment),
            {shares(_PROFILES)}
        from profiled
        left join kinds on kinds.segment_name = profiled.segment"""
    return Clause(sql, kept.parameters)


def segment_profiles(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The figures of each segment side by side, and of all the shop's customers to compare them with.

    Returns
    -------
    DataFrame
        One row per segment with customers, the one with the most money first, and a last row
        (``is_everyone``) of all customers of the shop, whatever the filters. ``segment``, ``kind``, ``is_everyone``
        and the measures of segments; shares are of the customers kept, for everyone 100. Empty if no customer fits.
    """
    clause = _profiles(filters)
    return reading.query(
        f"""
        with segments as ({clause.sql}),

        everyone as (
            select
                'All customers' as segment,
                null as kind,
                true as is_everyone,
                {aggregates("customers", _PROFILES)},
                {_whole_shares()}
            from reporting.customer_360
            where has_purchases
            having (select count(*) from segments) > 0
        )

        select * from segments
        union all by name
        select * from everyone
        order by is_everyone, monetary_sum desc, segment
        """,
        clause.parameters,
    )


def _whole_shares() -> str:
    return ", ".join(f"100.0 as {one.key}" for one in shown("segments") if one.share_of)


def _affinity(filters: Filters) -> Clause:
    kept = _kept(filters)
    sql = f"""
        with {kept.sql},

        shares as (select * from marts.customer_category_shares),

        overall as (
            select
                category,
                cast(sum(kept_revenue) as double) as kept_revenue,
                cast(sum(sum(kept_revenue)) over () as double) as of_kept_revenue
            from shares
            group by category
        ),

        spent as (
            select
                kept.segment,
                shares.category,
                count(*) filter (shares.net_revenue > 0) as customers,
                sum(shares.net_revenue) as net_revenue,
                sum(shares.kept_revenue) as kept_revenue
            from kept
            inner join shares using (customer_id)
            group by kept.segment, shares.category
        ),

        totals as (
            select segment, sum(kept_revenue) as kept_revenue from spent group by segment
        ),

        -- also where nobody of the segment bought: a share of 0 is a finding
        compared as (
            select
                totals.segment,
                overall.category,
                coalesce(spent.customers, 0) as customers,
                coalesce(cast(spent.net_revenue as double), 0.0) as net_revenue,
                case when totals.kept_revenue > 0
                    then 100.0 * coalesce(cast(spent.kept_revenue as double), 0.0)
                        / cast(totals.kept_revenue as double)
                end as share_pct,
                case when overall.of_kept_revenue > 0
                    then 100.0 * overall.kept_revenue / overall.of_kept_revenue
                end as all_share_pct
            from totals
            cross join overall
            left join spent on spent.segment = totals.segment and spent.category = overall.category
        )

        select
            *,
            case when all_share_pct > 0 then 100.0 * share_pct / all_share_pct end as index_to_all
        from compared"""
    return Clause(sql, kept.parameters)


def category_affinity(reading: Reading, filters: Filters) -> pd.DataFrame:
    """What each segment spends on each category, against all identified customers of the shop.

    Returns
    -------
    DataFrame
        ``segment``, ``category``, ``customers`` (who kept something of it), ``net_revenue``, ``share_pct`` of
        what the segment kept, ``all_share_pct`` of what all customers did, and ``index_to_all`` (100: the same
        share; 200: twice as much of the wallet; null where there is nothing to compare with). Every pair of
        a segment and a category, by segment, then by category.
    """
    clause = _affinity(filters)
    return reading.query(f"select * from ({clause.sql}) order by segment, category", clause.parameters)


# ---- how they move -----------------------------------------------------------------


def flow_months(reading: Reading) -> list[date]:
    """Month ends that are over, the first one first; empty with a history of less than a month."""
    rows = reading.rows("select distinct month_end from marts.customer_rfm_monthly order by month_end")
    return [row["month_end"] for row in rows]


def _flows(filters: Filters, start: date | None, end: date | None) -> Clause:
    kept = _kept(filters)
    parameters = dict(kept.parameters)
    last = "(select max(month_end) from marts.customer_rfm_monthly)"
    before = f"(select max(month_end) from marts.customer_rfm_monthly where month_end < {last})"
    if end is not None:
        last, parameters["flow_end"] = "$flow_end", end
        before = "(select max(month_end) from marts.customer_rfm_monthly where month_end < $flow_end)"
    if start is not None:
        before, parameters["flow_start"] = "$flow_start", start
    sql = f"""
        with {kept.sql},

        later as (
            select monthly.* from marts.customer_rfm_monthly as monthly
            semi join kept on kept.customer_id = monthly.customer_id
            where monthly.month_end = {last}
        ),

        earlier as (
            select * from marts.customer_rfm_monthly where month_end = {before}
        )

        select
            max(earlier.month_end) over () as from_month_end,
            later.month_end as to_month_end,
            coalesce(earlier.rfm_segment, '{NEW_CUSTOMER}') as from_segment,
            later.rfm_segment as to_segment,
            count(*) as customers,
            sum(later.monetary) as monetary,
            coalesce(sum(earlier.monetary), 0) as monetary_before,
            coalesce(earlier.rfm_segment <> later.rfm_segment, false) as is_move
        from later
        left join earlier on earlier.customer_id = later.customer_id
        group by later.month_end, earlier.month_end, earlier.rfm_segment, later.rfm_segment"""
    return Clause(sql, parameters)


def segment_flows(
    reading: Reading, filters: Filters, start: date | None = None, end: date | None = None
) -> pd.DataFrame:
    """From which RFM segment to which customers went between two month ends, with their money.

    Only RFM segments have a monthly history: those of the models are made anew for the whole history with
    every refresh. The customers are those of the filters, whatever method the filters' segments are by.

    Parameters
    ----------
    start, end
        Month ends as in :func:`flow_months`; by default the last one and the one before it.

    Returns
    -------
    DataFrame
        ``from_month_end`` (null where nobody was there before), ``to_month_end``, ``from_segment``
        (:data:`NEW_CUSTOMER` for those who first bought in between), ``to_segment``, ``customers``,
        ``monetary`` (at the later month end), ``monetary_before``, ``is_move`` (false for who stayed and
        for new customers); most customers first.
        Between neighbouring month ends and without filters it says what ``marts.segment_moves`` says.

    Raises
    ------
    ValueError
        If ``start`` is not before ``end``.
    """
    if start is not None and end is not None and start >= end:
        raise ValueError(f"The month end {start} is not before {end}.")
    clause = _flows(filters, start, end)
    return reading.query(
        f"""
        select * replace (cast(monetary as double) as monetary, cast(monetary_before as double) as monetary_before)
        from ({clause.sql})
        order by customers desc, from_segment, to_segment
        """,
        clause.parameters,
    )


_COHORTS = """
    select
        cohort_month,
        age_months,
        month_start,
        is_complete_month,
        cohort_customers,
        active_customers,
        retention_pct,
        cast(net_revenue_as_booked as double) as net_revenue_as_booked,
        cast(cumulative_net_revenue_as_booked as double) as cumulative_net_revenue_as_booked,
        cast(net_revenue_per_customer as double) as net_revenue_per_customer
    from marts.cohort_retention
"""


def cohort_grid(reading: Reading, filters: Filters | None = None) -> pd.DataFrame:
    """How many of those who first bought in a month bought again in each month since, and for how much.

    Parameters
    ----------
    filters
        Not applied: a cohort is all customers of a month. Taken so that all questions are asked alike.

    Returns
    -------
    DataFrame
        Columns of ``marts.cohort_retention``, by cohort and age. ``retention_pct`` is 0 to 100.
    """
    return reading.query(f"{_COHORTS} order by cohort_month, age_months")


# ---- how they were made ------------------------------------------------------------


def cluster_evidence(reading: Reading, method: Method) -> pd.DataFrame:
    """What speaks for and against each number of segments, by number.

    Returns
    -------
    DataFrame
        Columns of ``ml.cluster_selection``. Audiences have the evidence of k-means, which they are made
        from; RFM segments, which are made by rule, have none.
    """
    return reading.query(
        "select * from ml.cluster_selection where algorithm = $algorithm order by k",
        {"algorithm": _ALGORITHMS.get(method, method)},
    )


def rfm_rules(reading: Reading) -> pd.DataFrame:
    """Which scores the customers of each RFM segment have, as lowest and highest, over all customers.

    Returns
    -------
    DataFrame
        ``segment``, ``customers``, ``r_low, r_high, f_low, f_high, m_low, m_high`` (1 to 5); highest recency
        score first.
    """
    return reading.query(
        f"""
        select
            rfm_segment as segment,
            {aggregates("customers", ["customers"])},
            min(r_score) as r_low,
            max(r_score) as r_high,
            min(f_score) as f_low,
            max(f_score) as f_high,
            min(m_score) as m_low,
            max(m_score) as m_high
        from reporting.customer_360
        where has_purchases
        group by rfm_segment
        order by avg(r_score) desc, rfm_segment
        """
    )


# ---- lists -------------------------------------------------------------------------


def flow_context(start: date, end: date) -> str:
    """The context of the list of moves: two month ends."""
    return f"{start.isoformat()},{end.isoformat()}"


def _flow_rows(filters: Filters, context: str) -> Clause:
    start, end = _read_context(context)
    return _flows(filters, start, end)


def _read_context(context: str) -> tuple[date | None, date | None]:
    """Both month ends; the last two for a context that is none, as in an address that somebody typed."""
    first, _, second = context.partition(",")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(second)
    except ValueError:
        return None, None
    return (start, end) if start < end else (None, None)


def _profile_rows(filters: Filters, context: str) -> Clause:
    return _profiles(filters)


def _affinity_rows(filters: Filters, context: str) -> Clause:
    return _affinity(filters)


def _cohort_rows(filters: Filters, context: str) -> Clause:
    return Clause(_COHORTS, {})


SEGMENTS = ListSpec(
    name="segments",
    title="Segments",
    columns=(
        Column("segment", "Segment", link="segment", of="ml.segment_profiles.segment_name"),
        *measure_columns("segments"),
    ),
    rows=_profile_rows,
    order_by="monetary_sum desc, segment",
)

SEGMENT_MOVES = ListSpec(
    name="segment_moves",
    title="Moves between RFM segments",
    columns=(
        Column("from_month_end", "From month end", "date", "The earlier month end."),
        Column("to_month_end", "To month end", "date", "The later month end."),
        Column(
            "from_segment",
            "From",
            about="Segment before; New Customer for those who had not bought yet.",
            link="segment",
        ),
        Column("to_segment", "To", about="Segment at the later month end.", link="segment"),
        Column("customers", "Customers"),
        Column("monetary_before", "Money before", "money", "Money at the earlier month end, in the shop's currency."),
        Column("monetary", "Money after", "money", "Money at the later month end, in the shop's currency."),
        Column("is_move", "Moved"),
    ),
    rows=_flow_rows,
    order_by="customers desc, from_segment, to_segment",
    tables=("marts.segment_moves",),
)

COHORTS = ListSpec(
    name="cohorts",
    title="Cohorts by month of the first purchase",
    columns=(
        Column("cohort_month", "First bought in"),
        Column("age_months", "Months since"),
        Column("month_start", "Month"),
        Column("is_complete_month", "Month is complete"),
        Column("cohort_customers", "Customers"),
        Column("active_customers", "Bought"),
        Column("retention_pct", "Retention"),
        Column("net_revenue_as_booked", "Net revenue"),
        Column("cumulative_net_revenue_as_booked", "Net revenue so far"),
        Column("net_revenue_per_customer", "Per customer"),
    ),
    rows=_cohort_rows,
    order_by="cohort_month, age_months",
    tables=("marts.cohort_retention",),
)

CATEGORY_AFFINITY = ListSpec(
    name="category_affinity",
    title="Segments and categories",
    columns=(
        Column("segment", "Segment", link="segment", of="ml.segment_profiles.segment_name"),
        Column("category", "Category"),
        Column("customers", "Customers", "count", "Customers who kept something of the category."),
        Column("net_revenue", "Net revenue", "money", "Their net spend on the category, in the shop's currency."),
        Column("share_pct", "Share of the segment", "percent", "Share of the segment's net spend, 0 to 100."),
        Column("all_share_pct", "Share of all", "percent", "Share of all customers' net spend, 0 to 100."),
        Column("index_to_all", "Index", "count", "100: the same share as all customers; 200: twice as much."),
    ),
    rows=_affinity_rows,
    order_by="segment, category",
    tables=("marts.customer_category_shares",),
)

LISTS = (SEGMENTS, SEGMENT_MOVES, COHORTS, CATEGORY_AFFINITY)
