"""Unusual days of revenue, drawn.

Belongs here: the shop's daily revenue with the band it was expected in, and its flags.
Does not belong here: what is expected and what is unusual (:mod:`ml.anomalies`), how pictures
look in general (:mod:`ml.plot_style`), where it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ml.plot_style import CHOSEN, GRID, INK, LINE, MUTED, as_png, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# shape and colour both tell the direction, so that either is enough
_FLAGS = {
    "spike": ("^", "#0f766e", "spike"),
    "drop": ("v", CHOSEN, "drop"),
    "silence": ("X", "#9333ea", "no sales"),
}
# The first bands are of few days and reach far: cut, or the series itself is a flat line.
_MOST_ABOVE = 1.3


def draw_revenue_anomalies(expectations: pd.DataFrame, anomalies: pd.DataFrame) -> bytes:
    """Draw the shop's revenue by day, what was expected of each day, and the unusual days.

    Parameters
    ----------
    expectations : DataFrame
        ``ml.revenue_expectations``, in any order: ``series, grain, date, actual, expected,
        lower, upper``, money in the shop's currency. Of it the days of the total are drawn.
    anomalies : DataFrame
        ``ml.revenue_anomalies``, in any order: ``series, grain, date, actual, direction``
        (``spike``, ``drop`` or ``silence``).

    Returns
    -------
    bytes
        A PNG of 960 by 400 pixels.

    Raises
    ------
    ValueError
        If no day of the total was scored, or a direction is not known.
    """
    return as_png(revenue_anomalies_figure(expectations, anomalies))


def revenue_anomalies_figure(expectations: pd.DataFrame, anomalies: pd.DataFrame) -> Figure:
    """Lay out the picture; parameters and errors are those of :func:`draw_revenue_anomalies`."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import StrMethodFormatter

    scored, flags = days_of_total(expectations), days_of_total(anomalies)
    if scored.empty:
        raise ValueError("there is no scored day to draw")
    unknown = sorted(set(flags["direction"]) - set(_FLAGS))
    if unknown:
        raise ValueError(f"there is no sign for the direction {', '.join(map(str, unknown))}")

    figure = new_figure(9.6, 4.0)
    axis = figure.subplots()
    dress(axis)
    dates = scored["date"].to_numpy()
    axis.fill_between(dates, scored["lower"], scored["upper"], color=LINE, alpha=0.14, linewidth=0, label="usual range")
    axis.plot(dates, scored["expected"], color=LINE, linewidth=0.9, alpha=0.7, label="expected")
    axis.plot(dates, scored["actual"], color=INK, linewidth=1.1, label="net revenue")
    for direction, (shape, colour, word) in _FLAGS.items():
        odd = flags[flags["direction"] == direction]
        if not odd.empty:
            axis.plot(
                odd["date"].to_numpy(), odd["actual"], linestyle="none", marker=shape, markersize=9, color=colour,
                markeredgecolor="white", markeredgewidth=0.8, zorder=3, label=f"{word} ({len(odd)})",
            )  # fmt: skip
    drawn = pd.concat([scored["actual"], scored["expected"]])
    highest, lowest = float(drawn.max()), min(0.0, float(drawn.min()))
    reach = max(highest, -lowest) or 1.0
    axis.set_ylim(lowest - 0.06 * reach, max(highest, 0.0) + (_MOST_ABOVE - 1) * reach)
    axis.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
    ticks = AutoDateLocator()
    axis.xaxis.set_major_locator(ticks)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.margins(x=0.01)
    axis.set_ylabel("net revenue of a day", fontsize=9, color=INK)
    first, last = scored["date"].iloc[0], scored["date"].iloc[-1]
    axis.set_title(
        f"Whole shop, {first:%Y-%m-%d} to {last:%Y-%m-%d}: {len(flags)} of {len(scored)} days unusual",
        fontsize=10,
        color=INK,
    )
    axis.legend(fontsize=8, frameon=True, framealpha=0.9, edgecolor=GRID, loc="upper left", ncols=3)
    return figure


def days_of_total(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the days of the whole shop, by date, of rows with ``series, grain, date``; none where none was scored."""
    kept = rows[(rows["series"] == "total") & (rows["grain"] == "day")]
    return kept.assign(date=pd.to_datetime(kept["date"])).sort_values("date", kind="stable", ignore_index=True)
