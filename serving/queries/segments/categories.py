"""What segments buy, against what all customers buy."""

from __future__ import annotations

import pandas as pd

from serving.filters import Clause, Filters
from serving.queries.lists import Column, ListSpec, fetch_list
from serving.queries.segments.kept import kept_customers
from serving.snapshot import Reading


def _affinity(filters: Filters) -> Clause:
    kept = kept_customers(filters)
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
        The columns of the list ``category_affinity``: every pair of a segment and a category, by segment, then by
        category; ``index_to_all`` is null where there is nothing to compare with.
    """
    return fetch_list(reading, CATEGORY_AFFINITY, filters)


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
    rows=lambda filters, _: _affinity(filters),
    order_by="segment, category",
    tables=("marts.customer_category_shares",),
)
