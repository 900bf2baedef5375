"""Intervals made of few outcomes, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.value_intervals import interval_ratios
from ml.value_panel import Forecast


def interval_of_ten(came: np.ndarray) -> tuple[float, float]:
    """The interval around a forecast of 10, made of one hold-out on which everyone's forecast was 10."""
    expected = np.full(len(came), 10.0)
    made = interval_ratios([(Forecast(expected, expected), Forecast(came, came))])
    assert made is not None
    low, high = made[1].around(np.array([10.0]))
    return float(low[0]), float(high[0])


def test_a_tenth_lies_below_and_a_tenth_above() -> None:
    # of 1 to 99 the quantiles are taken at 1/11 and 10/11: places 8.9 and 89.1 of 0 to 98,
    # rounded outwards to 8 and 90
    assert interval_of_ten(np.arange(1.0, 100)) == pytest.approx((9, 91))


def test_where_many_bought_nothing_all_that_is_missed_lies_above() -> None:
    # 20 zeros, then 1 to 79: 0.8 * 100 / 99 of 98 is place 79.2, rounded to 80, which holds 61
    assert interval_of_ten(np.concatenate([np.zeros(20), np.arange(1.0, 80)])) == pytest.approx((0, 61))


def test_the_forecast_lies_within_its_interval() -> None:
    assert interval_of_ten(np.full(50, 30.0)) == pytest.approx((10, 30))


def test_without_a_holdout_there_is_no_interval() -> None:
    assert interval_ratios([]) is None
