"""Who came back, by month of the first purchase."""

from __future__ import annotations

import pandas as pd

from serving.filters import Filters
from serving.queries.lists import Column, ListSpec, fetch_list
from serving.snapshot import Reading


def cohort_grid(reading: Reading) -> pd.DataFrame:
    """How many of those who first bought in a month bought again in each month since, and for how much.

    Returns
    -------
    DataFrame
        Columns of ``marts.cohort_retention``, by cohort and age. ``retention_pct`` is 0 to 100.
    """
    return fetch_list(reading, COHORTS, Filters())


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
