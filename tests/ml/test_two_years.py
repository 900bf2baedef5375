"""Forecasts on two years made of the one that is public: a stress check of season and order.

The year before is the year itself, 364 days back: each customer's days go to another of about
the same activity, two thirds of them known a year later too, amounts moved by chance. Season and
peak are real; who comes back is not.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.value_competitors import BG_NBD, BOOSTING, PAST_SPEND, SEASONAL, forecasts_at
from ml.value_holdouts import choose_winner, holdout_errors, holdout_origins, holdout_periods
from ml.value_panel import customer_panel
from tests.ml.panels import daily, panel

pytestmark = pytest.mark.real_data

STAYING_SHARE = 2 / 3


@pytest.fixture(scope="module")
def two_years(real_lines: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    this_year = real_lines.execute(
        """
        select customer_id, invoiced_at::date as date, sum(amount)::double as value
        from lines where customer_id is not null
        group by 1, 2 having count(*) filter (not starts_with(invoice_no, 'C')) > 0
        order by 1, 2
        """
    ).df()
    this_year["date"] = pd.to_datetime(this_year["date"])
    rng = np.random.default_rng(1)
    activity = this_year.groupby("customer_id")["value"].agg(["size", "sum"])
    score = np.log1p(activity["size"]) + 0.3 * np.log1p(activity["sum"].clip(lower=0))
    # of a like activity, not the same: two shuffles of the order
    ones, others = (score.index[np.argsort(score + rng.normal(0, 0.6, len(score)))] for _ in range(2))
    # the more active stay likelier
    staying = np.argsort(-score.rank(pct=True) - rng.normal(0, 0.35, len(score)))[: int(STAYING_SHARE * len(score))]
    stays = set(score.index[staying])
    name = {other: one if one in stays else f"gone-{other}" for one, other in zip(ones, others, strict=True)}
    before = this_year.assign(
        date=this_year["date"] - pd.Timedelta(days=364),
        customer_id=this_year["customer_id"].map(name),
        value=this_year["value"] * rng.lognormal(0, 0.3, len(this_year)),
    )
    return pd.concat([before[before["date"] < this_year["date"].min()], this_year], ignore_index=True)


def test_totals_and_order_hold_on_two_years_with_a_peak(two_years: pd.DataFrame) -> None:
    made = customer_panel(panel(two_years), daily(two_years))
    length = holdout_periods(made.history_days, 180)
    origins = holdout_origins(made, length)
    assert (length, origins) == (6, [6, 7, 8, 9, 10, 11])
    forecasts = {origin: forecasts_at(made, origin, length, 42) for origin in origins}
    errors = holdout_errors(made.dates, forecasts, {one: made.outcome(one, length) for one in origins}, length)
    totals = errors.pivot_table(index="cutoff_date", columns="model", values="total_error_pct").abs()
    order = errors.pivot_table(index="cutoff_date", columns="model", values="spearman")

    assert totals[SEASONAL].mean() < totals[BG_NBD].mean() / 2
    # a model to plan with: the sum within 20 % on all but one, within 10 % on half
    assert choose_winner(errors) == BOOSTING
    assert (totals[BOOSTING] <= 20).sum() >= 5
    assert (totals[BOOSTING] <= 10).sum() >= 3
    assert (order[BOOSTING] > order[PAST_SPEND]).all()
