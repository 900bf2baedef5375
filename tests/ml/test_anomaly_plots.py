"""What the picture of the unusual days shows."""

from __future__ import annotations

import io
import struct

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import num2date
from PIL import Image

from ml.anomaly_plots import draw_revenue_anomalies, revenue_anomalies_figure


def expectations(days: int = 40) -> pd.DataFrame:
    """The total by day and by week, and a country by day that sells ten times as much."""
    day = pd.DataFrame(
        {
            "series": "total",
            "grain": "day",
            "date": pd.date_range("2024-02-01", periods=days),
            "actual": [100.0 + number for number in range(days)],
            "expected": 110.0,
            "lower": 60.0,
            "upper": 170.0,
        }
    )
    money = ["actual", "expected", "lower", "upper"]
    country = day.assign(series="France", **{name: day[name] * 10 for name in money})
    week = day.iloc[::7].assign(grain="week", **{name: day[name] * 7 for name in money})
    return pd.concat([country, week, day.sample(frac=1, random_state=1)], ignore_index=True)


FLAGS = pd.DataFrame(
    [
        ("total", "day", "2024-02-20", 400.0, "spike"),
        ("total", "day", "2024-02-10", 5.0, "drop"),
        ("total", "day", "2024-02-12", 0.0, "silence"),
        ("total", "day", "2024-02-05", 300.0, "spike"),
        ("France", "day", "2024-02-07", 9_000.0, "spike"),
        ("total", "week", "2024-02-08", 5_000.0, "spike"),
    ],
    columns=["series", "grain", "date", "actual", "direction"],
)


def drawn_lines(scored: pd.DataFrame, flags: pd.DataFrame) -> dict:
    [axis] = revenue_anomalies_figure(scored, flags).axes
    return {line.get_label(): line for line in axis.lines}


def test_the_days_of_the_whole_shop_are_drawn_in_order_and_nothing_else():
    [axis] = revenue_anomalies_figure(expectations(), FLAGS).axes
    lines = {line.get_label(): line for line in axis.lines}
    assert list(lines["net revenue"].get_ydata()) == [100.0 + number for number in range(40)]
    assert list(lines["expected"].get_ydata()) == [110.0] * 40
    [band] = axis.collections
    assert (band.get_label(), band.get_datalim(axis.transData).intervaly.tolist()) == ("usual range", [60.0, 170.0])
    assert axis.get_title() == "Whole shop, 2024-02-01 to 2024-03-11: 4 of 40 days unusual"


def test_each_direction_has_a_shape_and_a_colour_of_its_own_on_the_days_that_are_odd():
    lines = drawn_lines(expectations(), FLAGS)
    signs = {name: lines[name] for name in ("spike (2)", "drop (1)", "no sales (1)")}
    found = {
        name: [(f"{num2date(x):%m-%d}", y) for x, y in zip(sign.get_xdata(orig=False), sign.get_ydata(), strict=True)]
        for name, sign in signs.items()
    }
    assert found == {
        "spike (2)": [("02-05", 300.0), ("02-20", 400.0)],
        "drop (1)": [("02-10", 5.0)],
        "no sales (1)": [("02-12", 0.0)],
    }
    assert len({sign.get_marker() for sign in signs.values()}) == 3
    assert len({sign.get_color() for sign in signs.values()}) == 3
    assert {sign.get_linestyle() for sign in signs.values()} == {"None"}


def test_without_flags_the_series_is_drawn_and_no_sign():
    assert [name for name in drawn_lines(expectations(), FLAGS.iloc[:0]) if not name.startswith("_")] == [
        "expected",
        "net revenue",
    ]


def test_a_wide_band_does_not_press_the_series_flat():
    wide = expectations().assign(upper=1e300, lower=-1e300)
    [axis] = revenue_anomalies_figure(wide, FLAGS).axes
    # highest day 139: the axis ends at 1.3 times that
    assert axis.get_ylim()[1] == pytest.approx(139 * 1.3)
    assert draw_revenue_anomalies(wide, FLAGS).startswith(b"\x89PNG")


@pytest.mark.parametrize("actual", [0.0, -50.0])
def test_a_single_day_without_gain_can_be_drawn(actual: float):
    one = expectations(1).assign(actual=actual, expected=actual, lower=actual, upper=actual)
    low, high = revenue_anomalies_figure(one, FLAGS.iloc[:0]).axes[0].get_ylim()
    assert low < actual < high
    assert draw_revenue_anomalies(one, FLAGS.iloc[:0]).startswith(b"\x89PNG")


def test_the_picture_is_small_the_same_each_time_and_keeps_the_colours_of_its_signs():
    png = draw_revenue_anomalies(expectations(), FLAGS)
    assert struct.unpack(">II", png[16:24]) == (960, 400)
    # it travels inside the metadata of every run
    assert len(png) < 60_000
    shuffled = expectations().sample(frac=1, random_state=2), FLAGS.sample(frac=1, random_state=2)
    assert draw_revenue_anomalies(*shuffled) == png
    lines = drawn_lines(expectations(), FLAGS)
    dots = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3).astype(int)
    for name in ("spike (2)", "drop (1)", "no sales (1)"):
        colour = [int(lines[name].get_color()[at : at + 2], 16) for at in (1, 3, 5)]
        # a legend's sign alone has more dots than this; no reader sees a step of 12 in 255
        assert (np.abs(dots - colour).max(axis=1) <= 12).sum() > 20, name


def test_no_scored_day_and_a_direction_without_a_sign_are_errors():
    for nothing in (expectations().iloc[:0], expectations().query("grain == 'week' or series == 'France'")):
        with pytest.raises(ValueError, match="no scored day"):
            draw_revenue_anomalies(nothing, FLAGS)
    with pytest.raises(ValueError, match="no sign for the direction sideways"):
        draw_revenue_anomalies(expectations(), FLAGS.assign(direction="sideways"))
