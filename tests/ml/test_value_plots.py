"""What the picture of the hold-outs shows."""

from __future__ import annotations

import struct

import numpy as np
import pandas as pd
import pytest

from ml.plot_style import CHOSEN, INK, LINE
from ml.value_plots import draw_value_holdouts, value_holdouts_figure

# cutoff, model, kind, came, forecast, error, order, taken
HOLDOUT = pd.DataFrame(
    [
        ("2024-03-01", "gradient_boosting", "model", 1000.0, 900.0, 40.0, 0.5, True),
        ("2024-02-01", "zero", "baseline", 800.0, 0.0, 90.0, np.nan, False),
        ("2024-03-01", "zero", "baseline", 1000.0, 0.0, 100.0, np.nan, False),
        ("2024-02-01", "past_spend", "baseline", 800.0, 850.0, 50.0, -0.2, False),
        ("2024-03-01", "past_spend", "baseline", 1000.0, 1200.0, 70.0, 0.4, False),
        ("2024-02-01", "bg_nbd_gamma_gamma", "model", 800.0, 700.0, 60.0, 0.3, False),
        ("2024-03-01", "bg_nbd_gamma_gamma", "model", 1000.0, 950.0, 62.0, 0.4, False),
    ],
    columns=["cutoff_date", "model", "kind", "actual_value", "predicted_value", "mae_value", "spearman", "is_winner"],
).assign(holdout_days=60)


def test_the_money_forecast_stands_on_the_bar_of_what_came_and_the_taken_model_is_told():
    totals = value_holdouts_figure(HOLDOUT).axes[0]
    assert [bar.get_height() for bar in totals.patches] == [800.0, 1000.0]
    assert [tick.get_text() for tick in totals.get_xticklabels()] == ["2024-02-01", "2024-03-01"]
    assert totals.get_title() == "money of the 60 days after"
    found = {
        # which bar a sign stands on
        line.get_label(): [(round(x), y) for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]
        for line in totals.lines
    }
    assert found == {
        "BG/NBD + Gamma-Gamma": [(0, 700.0), (1, 950.0)],
        # could not be fitted at the earlier date
        "Gradient boosting (taken)": [(1, 900.0)],
        "Past spend": [(0, 850.0), (1, 1200.0)],
        "Zero": [(0, 0.0), (1, 0.0)],
    }
    assert [line.get_color() for line in totals.lines] == [LINE, CHOSEN, INK, INK]
    assert len({line.get_marker() for line in totals.lines}) == 4


@pytest.mark.parametrize(
    ("at", "dots", "means"),
    [
        (1, [[60, 62], [40], [50, 70], [90, 100]], [61, 40, 60, 95]),
        (2, [[0.3, 0.4], [0.5], [-0.2, 0.4]], [0.35, 0.5, 0.1]),
    ],
    ids=["errors", "order"],
)
def test_errors_and_order_of_every_competitor_are_drawn_with_their_means(at, dots, means):
    axis = value_holdouts_figure(HOLDOUT).axes[at]
    assert [list(line.get_xdata()) for line in axis.lines[::2]] == dots
    assert [line.get_xdata()[0] for line in axis.lines[1::2]] == pytest.approx(means)
    assert [line.get_ydata()[0] for line in axis.lines[1::2]] == list(range(len(means)))
    low, high = axis.get_xlim()
    assert low <= min(map(min, dots)) < max(map(max, dots)) <= high


def test_a_forecast_that_orders_nobody_says_so():
    _, errors, order = value_holdouts_figure(HOLDOUT).axes
    assert [text.get_text() for text in errors.texts] == []
    assert [(text.get_text(), text.get_position()[1]) for text in order.texts] == [("orders nobody", 3)]


def test_one_holdout_that_orders_nobody_can_be_drawn():
    zero = HOLDOUT.iloc[[1]].assign(is_winner=True, actual_value=0.0, mae_value=0.0)
    assert draw_value_holdouts(zero).startswith(b"\x89PNG")


def test_the_picture_is_small_and_the_same_whatever_the_order_of_rows():
    png = draw_value_holdouts(HOLDOUT)
    assert struct.unpack(">II", png[16:24]) == (1120, 400)
    # it travels inside the metadata of every run
    assert len(png) < 60_000
    assert draw_value_holdouts(HOLDOUT.iloc[::-1]) == png


def test_no_holdout_and_an_unknown_competitor_are_errors():
    with pytest.raises(ValueError, match="no hold-out"):
        draw_value_holdouts(HOLDOUT.iloc[:0])
    with pytest.raises(ValueError, match="no sign for oracle"):
        draw_value_holdouts(HOLDOUT.assign(model="oracle"))
