"""Segments: how large they are, how they differ, what they buy, who comes back, how they were made.

Belongs here: what the page about segments, the report and the interface ask of them. Does not belong here: how
measures are spread within one (:mod:`serving.queries.distributions`), how customers move between them
(:mod:`serving.queries.moves`), one customer (:mod:`serving.queries.customers`), what to do with a segment
(:mod:`serving.queries.playbooks`).

Money called ``monetary`` is what customers are scored by (setting ``rfm.monetary``), ``monetary_net`` is
net of returns, below zero for who gave more back than was bought; both in the shop's currency and over
the customer's whole history. A date range chooses customers, it does not cut their figures. Model values
are summed as decimals, so that no sum depends on the order in which threads finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from serving.filters import Clause, Filters, Method
from serving.queries.health import model_notes
from serving.queries.lists import Column, ListSpec, measure_columns
from serving.snapshot import Reading
from warehouse.measures import aggregates, shares, shown

NO_SEGMENT = "No segment"
"""Stands for customers whom the method put in none."""

_PROFILES = [one.key for one in shown("segments")]
_SIZES = [one.key for one in shown("sizes")]


def kept_customers(filters: Filters) -> Clause:
    """The customers of the filters, each with the segment, which questions about segments begin with."""
    replaced = f"coalesce(segment, '{NO_SEGMENT}') as segment, cast(clv as decimal(28, 4)) as clv"
    return Clause(f"select * replace ({replaced}) from chosen").over(chosen=filters.customers())


def measures_by_segment(filters: Filters, keys: Sequence[str]) -> Clause:
    """``segment`` and these measures of the customers of the filters, one row a segment."""
    return Clause(
        f"""
        with summed as (select segment, {aggregates("customers", keys)} from kept group by segment)

        select *, {shares(keys)} from summed
        """
    ).over(kept=kept_customers(filters))


# ---- how large they are, and who is in them ----------------------------------------


@dataclass(frozen=True)
class CustomerPoints:
    """Single customers to draw: all, or a fixed sample of them."""

    rows: pd.DataFrame
    """``customer_id, segment, recency_days, frequency, monetary, clv``, by customer_id."""
    total: int
    """Customers whom the sample stands for."""


def segment_sizes(reading: Reading, filters: Filters) -> pd.DataFrame:
    """How many customers a segment has and what they brought, the one with the most money first.

    Returns
    -------
    DataFrame
        One row per segment with customers: ``segment`` and the measures of sizes; the share of what was
        spent is null where that is zero or less, ``clv_sum`` where nobody's is known.
    """
    return reading.query(
        "select * from sizes order by monetary_net_sum desc, segment", sizes=measures_by_segment(filters, _SIZES)
    )


def customer_points(reading: Reading, filters: Filters, limit: int = 4000) -> CustomerPoints:
    """Single customers, at most ``limit`` of them: always the same ones, whatever the order of the table."""
    rows = reading.query(
        """
        with sampled as (
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
        """,
        {"row_limit": limit},
        kept=kept_customers(filters),
    )
    total = int(rows["total"].iloc[0]) if len(rows) else 0
    return CustomerPoints(rows.drop(columns="total"), total)


def rfm_grid(reading: Reading, filters: Filters) -> pd.DataFrame:
    """How many customers have each pair of recency and frequency score, and what they spent.

    Returns
    -------
    DataFrame
        Up to 25 rows: ``r_score``, ``f_score`` (1 to 5, 5 is best), ``customers``, ``monetary_net_sum``, and
        ``rfm_segment`` with ``segment_customers``: where most of them are (the first by name of several).
    """
    return reading.query(
        f"""
        with by_segment as (
            select r_score, f_score, rfm_segment, count(*) as segment_customers
            from kept group by r_score, f_score, rfm_segment
        ),

        largest as (
            select * from by_segment
            qualify row_number() over (
                partition by r_score, f_score order by segment_customers desc, rfm_segment
            ) = 1
        ),

        cells as (
            select r_score, f_score, {aggregates("customers", ["customers", "monetary_net_sum"])}
            from kept group by r_score, f_score
        )

        select cells.*, largest.rfm_segment, largest.segment_customers
        from cells
        inner join largest using (r_score, f_score)
        order by cells.r_score desc, cells.f_score
        """,
        kept=kept_customers(filters),
    )


# ---- how they differ -----------------------------------------------------------------


def segment_profiles(reading: Reading, filters: Filters) -> pd.DataFrame:
    """The figures of each segment side by side, and of all the shop's customers to compare them with.

    Returns
    -------
    DataFrame
        One row per segment with customers, the one with the most money first, and a last row
        (``is_everyone``) of all customers of the shop, whatever the filters. ``segment``, ``is_everyone``
        and the measures of segments; shares are of the customers kept, for everyone 100. Empty if no customer fits.
    """
    return reading.query(
        f"""
        with everyone as (
            select
                'All customers' as segment,
                true as is_everyone,
                {aggregates("customers", _PROFILES)},
                {", ".join(f"100.0 as {one.key}" for one in shown("segments") if one.share_of)}
            from reporting.customer_360
            where has_purchases
            having (select count(*) from segments) > 0
        )

        select *, false as is_everyone from segments
        union all by name
        select * from everyone
        order by is_everyone, monetary_sum desc, segment
        """,
        segments=measures_by_segment(filters, _PROFILES),
    )


SEGMENTS = ListSpec(
    name="segments",
    title="Segments",
    columns=(
        Column("segment", "Segment", link="segment", of="ml.segment_profiles.segment_name"),
        *measure_columns("segments"),
    ),
    rows=lambda filters, _: measures_by_segment(filters, _PROFILES),
    order_by="monetary_sum desc, segment",
)


_AFFINITY = """
    with overall as (
        select
            category,
            cast(sum(kept_revenue) as double) as kept_revenue,
            cast(sum(sum(kept_revenue)) over () as double) as of_kept_revenue
        from marts.customer_category_shares
        group by category
    ),

    spent as (
        select
            kept.segment,
            shares.category,
            count(*) filter (shares.net_revenue > 0) as customers,
            cast(sum(shares.net_revenue) as double) as net_revenue,
            sum(shares.kept_revenue) as kept_revenue
        from kept
        inner join marts.customer_category_shares as shares using (customer_id)
        group by kept.segment, shares.category
    ),

    totals as (
        select segment, cast(sum(kept_revenue) as double) as kept_revenue from spent group by segment
    ),

    -- every pair, also where nobody of the segment bought: a share of 0 is a finding
    compared as (
        select
            totals.segment,
            overall.category,
            coalesce(spent.customers, 0) as customers,
            coalesce(spent.net_revenue, 0.0) as net_revenue,
            case when totals.kept_revenue > 0
                then 100.0 * coalesce(cast(spent.kept_revenue as double), 0.0) / totals.kept_revenue
            end as share_pct,
            case when overall.of_kept_revenue > 0
                then 100.0 * overall.kept_revenue / overall.of_kept_revenue
            end as all_share_pct
        from totals
        cross join overall
        left join spent on spent.segment = totals.segment and spent.category = overall.category
    )

    select *, case when all_share_pct > 0 then 100.0 * share_pct / all_share_pct end as index_to_all
    from compared
"""

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
    rows=lambda filters, _: Clause(_AFFINITY).over(kept=kept_customers(filters)),
    order_by="segment, category",
    tables=("marts.customer_category_shares",),
)


# ---- who comes back ------------------------------------------------------------------


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
    rows="select * from marts.cohort_retention",
    order_by="cohort_month, age_months",
    tables=("marts.cohort_retention",),
)


def dormant_from(reading: Reading) -> tuple[str | None, bool]:
    """From how many usual gaps of silence on a slipping customer is dormant today, as people read it; None if never.

    And whether the shop's own history says so.
    """
    row = reading.row(
        "select dormant_from_ratio, is_measured from marts.slipping_limits where snapshot_date = $today",
        {"today": reading.about.snapshot_date},
    )
    ratio = row["dormant_from_ratio"]
    return None if ratio is None else f"{ratio:.1f}".removesuffix(".0"), row["is_measured"]


def came_back(reading: Reading) -> pd.DataFrame:
    """How many came back within 90 days, by silence at a past month end; customers with a gap of their own.

    Returns
    -------
    DataFrame
        ``silence_band`` (in usual gaps, ascending), ``is_slipping``, ``month_ends``, ``customers`` and
        ``came_back_customers`` over these month ends, ``came_back_pct`` (0 to 100) with the lowest and highest of
        a month end.
    """
    return reading.query(
        """
        select
            silence_band,
            bool_and(is_slipping) as is_slipping,
            count(*) as month_ends,
            sum(customers) as customers,
            sum(came_back_customers) as came_back_customers,
            100.0 * sum(came_back_customers) / sum(customers) as came_back_pct,
            min(came_back_pct) as lowest_pct,
            max(came_back_pct) as highest_pct
        from marts.slipping_backtest
        where has_own_gap
        group by silence_band
        order by silence_band
        """
    )


# ---- how they were made, and how far they can be trusted -----------------------------


def rfm_rules(reading: Reading) -> pd.DataFrame:
    """Which scores the customers of each RFM segment have, as lowest and highest, over all customers.

    Returns
    -------
    DataFrame
        ``segment``, ``customers``, ``r_low, r_high, f_low, f_high, m_low, m_high`` (1 to 5); highest recency
        score first.
    """
    spans = ", ".join(f"min({one}_score) as {one}_low, max({one}_score) as {one}_high" for one in "rfm")
    return reading.query(
        f"""
        select rfm_segment as segment, {aggregates("customers", ["customers"])}, {spans}
        from reporting.customer_360
        where has_purchases
        group by rfm_segment
        order by avg(r_score) desc, rfm_segment
        """
    )


def segment_claims(reading: Reading, method: Method) -> pd.DataFrame:
    """The rows of ``reporting.segment_claims`` of a method, the largest segment first; of all customers.

    They tell what each segment's name says, and of how many of its customers it is true.
    """
    return reading.query(
        "select * from reporting.segment_claims where method = $method order by customers desc, segment_name",
        {"method": method},
    )


@dataclass(frozen=True)
class Caveats:
    """What a clustering says of itself; each empty if it has none."""

    segments: str
    """Warnings of the clustering."""
    changes: str
    """How the clustering differs from the one published before."""


def caveats(reading: Reading, method: Method) -> Caveats:
    """Caveats of a method's segments."""
    notes = model_notes(reading)
    of_method = notes[notes["model"].eq("customer_segments") & notes["algorithm"].eq(method)]
    return Caveats(*(" ".join(of_method[column].dropna()) for column in ("warnings", "change_notes")))


def cluster_evidence(reading: Reading, method: Method) -> pd.DataFrame:
    """What speaks for and against each number of segments, by number.

    Returns
    -------
    DataFrame
        Columns of ``ml.cluster_selection``; none for RFM segments, which are made by rule.
    """
    return reading.query(
        "select * from ml.cluster_selection where algorithm = $algorithm order by k", {"algorithm": method}
    )
