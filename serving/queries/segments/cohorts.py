"""Who came back, by month of the first purchase."""

from __future__ import annotations

import pandas as pd

from serving.queries.lists import Column, ListSpec
from serving.snapshot import Reading

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


def cohort_grid(reading: Reading) -> pd.DataFrame:
    """How many of those who first bought in a month bought again in each month since, and for how much.

    Returns
    -------
    DataFrame
        Columns of ``marts.cohort_retention``, by cohort and age. ``retention_pct`` is 0 to 100.
    """
    return reading.query(f"{_COHORTS} order by cohort_month, age_months")


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
    rows=_COHORTS,
    order_by="cohort_month, age_months",
    tables=("marts.cohort_retention",),
)
