"""The panel: outcomes by hand, the shop's days without gaps, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.value_panel import customer_panel, mean_purchase_value
from tests.ml.panels import daily, panel

# now is 1 May (the day after the last purchase); 30 and 60 days before are 1 April and 2 March
PURCHASES = pd.DataFrame(
    {
        "customer_id": ["A", "B", "A", "A", "B"],
        "date": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-02", "2024-04-01", "2024-04-30"]),
        "value": [10.0, 20.0, 4.0, -1.0, 8.0],
    }
)


def test_an_outcome_is_what_the_periods_brought() -> None:
    made = customer_panel(panel(PURCHASES).iloc[::-1], daily(PURCHASES))
    assert made.by_date[2]["customer_id"].tolist() == ["A", "B"]
    one, both = made.outcome(2, 1), made.outcome(2, 2)
    assert (one.purchases.tolist(), one.value.tolist()) == ([1, 0], [4, 0])
    assert (both.purchases.tolist(), both.value.tolist()) == ([2, 1], [3, 8])
    with pytest.raises(KeyError):
        made.outcome(1, 2)


def test_days_without_a_sale_are_filled() -> None:
    made = customer_panel(panel(PURCHASES), daily(PURCHASES))
    # 1 January to 30 April 2024
    assert (made.history_days, len(made.daily)) == (121, 121)
    assert made.daily["net_value"].sum() == pytest.approx(41)


def test_the_mean_leaves_the_first_purchase_day_out() -> None:
    rows = customer_panel(panel(PURCHASES), daily(PURCHASES)).by_date[1]
    np.testing.assert_allclose(mean_purchase_value(rows), [4, np.nan])


def test_a_panel_without_customers_or_with_one_twice_is_refused() -> None:
    rows = panel(PURCHASES)
    with pytest.raises(ValueError, match="no customer"):
        customer_panel(rows[rows["periods_ago"] > 0], daily(PURCHASES))
    with pytest.raises(ValueError, match="twice"):
        customer_panel(pd.concat([rows, rows.iloc[:1]]), daily(PURCHASES))
