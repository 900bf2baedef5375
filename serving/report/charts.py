"""The report's charts, as SVG with text that stays text.

Belongs here: what a chart looks like on paper. Does not belong here: its figures, and the
pages around it.

The font is DejaVu Sans, which comes with matplotlib, so that charts are equal on every machine.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pandas as pd

from serving.palette import TOKENS, direction_colours, segment_colour
from warehouse.wording import count, is_missing, month_name, percent, round_money

_TOKENS = TOKENS["light"]
_WIDTH_INCHES = 6.9
_STYLE: dict[Any, Any] = {
    # text is set by the page's own fonts, and can be searched; ids don't change from run to run
    "svg.fonttype": "none",
    "svg.hashsalt": "regulars",
    "font.family": ["DejaVu Sans"],
    "font.size": 7,
    "axes.edgecolor": _TOKENS.grid,
    "axes.labelcolor": _TOKENS.muted,
    "text.color": _TOKENS.text,
    "xtick.color": _TOKENS.muted,
    "ytick.color": _TOKENS.muted,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.bottom": False,
    "ytick.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _TOKENS.grid,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "text.parse_math": False,
}
# matplotlib's style is one for the whole process
_ONE_AT_A_TIME = threading.Lock()

MARKERS = {"spike": "^", "drop": "v", "silence": "X"}


@contextmanager
def _drawing(height_inches: float, columns: int = 1) -> Iterator[tuple[list, io.BytesIO]]:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    target = io.BytesIO()
    with _ONE_AT_A_TIME, mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
        FigureCanvasSVG(figure)
        axes = list(figure.subplots(1, columns, squeeze=False)[0])
        yield axes, target
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})


def monthly_revenue_chart(months: pd.DataFrame, odd: pd.DataFrame, currency: str) -> bytes:
    """Bars of net revenue by month; unusual days stand above theirs, a shape and colour for each direction.

    Parameters
    ----------
    months
        Rows of :func:`serving.queries.revenue.monthly_revenue`.
    odd
        Rows of :func:`serving.queries.revenue.unusual_periods`.
    """
    with _drawing(2.15) as (axes, target):
        plot = axes[0]
        values = months["net_revenue"].astype(float).tolist()
        colours = [_TOKENS.accent if is_complete else _TOKENS.neutral for is_complete in months["is_complete_month"]]
        plot.bar(range(len(months)), values, color=colours, width=0.72)
        top = max([*values, 0.0]) or 1.0
        named = set()
        for position, (start, value) in enumerate(zip(months["month_start"], values, strict=True)):
            odd_days = odd.loc[odd["month_start"] == start, "direction"].value_counts().to_dict()
            for level, (direction, count) in enumerate(sorted(odd_days.items())):
                height = max(value, 0.0) + top * (0.07 + 0.09 * level)
                label = direction if direction not in named else "_nolegend_"
                named.add(direction)
                plot.scatter(
                    [position],
                    [height],
                    marker=MARKERS[direction],
                    s=22,
                    color=direction_colours("light")[direction],
                    label=label,
                    linewidths=0,
                )
                if count > 1:
                    plot.annotate(
                        str(count), (position, height), xytext=(5, 0), textcoords="offset points", va="center", size=6
                    )
        _months(plot, [start.date() for start in months["month_start"]])
        plot.yaxis.set_major_formatter(lambda value, _: round_money(value, currency))
        plot.set_ylim(top=top * 1.3 if named else top * 1.05)
        if named:
            plot.legend(
                title="unusual days",
                loc="upper left",
                ncols=3,
                frameon=False,
                fontsize=6.5,
                title_fontsize=6.5,
                alignment="left",
            )
    return target.getvalue()


def monthly_customers_chart(months: pd.DataFrame) -> bytes:
    """Stacked bars: customers who bought in an earlier month, and on top those who bought for the first time.

    Parameters
    ----------
    months
        Rows of :func:`serving.queries.revenue.monthly_customers`.
    """
    with _drawing(1.75) as (axes, target):
        plot, positions = axes[0], range(len(months))
        existing, new = (months[name].astype(int).tolist() for name in ("existing_customers", "new_customers"))
        plot.bar(positions, existing, color=_TOKENS.accent, width=0.72, label="existing")
        plot.bar(positions, new, bottom=existing, color="#88ccee", width=0.72, label="new")
        _months(plot, [start.date() for start in months["month_start"]])
        plot.yaxis.set_major_formatter(lambda value, _: count(value))
        plot.yaxis.get_major_locator().set_params(integer=True)
        plot.set_ylim(top=(max((one + other for one, other in zip(new, existing, strict=True)), default=0) or 1) * 1.22)
        plot.legend(loc="upper left", ncols=2, frameon=False, fontsize=6.5)
    return target.getvalue()


def shares_chart(segments: pd.DataFrame) -> bytes:
    """Each segment's part of customers beside its part of money.

    Parameters
    ----------
    segments
        Rows of :func:`serving.queries.segments.segment_profiles`.
    """
    names = segments["segment"].tolist()
    with _drawing(0.45 + 0.22 * max(len(names), 3), columns=2) as (axes, target):
        rows = range(len(names))
        colours = [segment_colour(name) for name in names]
        for plot, title, column in ((axes[0], "of customers", "customers_pct"), (axes[1], "of money", "monetary_pct")):
            values = [None if is_missing(value) else float(value) for value in segments[column]]
            plot.barh(rows, [value or 0.0 for value in values], color=colours, height=0.66)
            for row, value in zip(rows, values, strict=True):
                at = (max(value or 0.0, 0.0), row)
                plot.annotate(percent(value), at, xytext=(3, 0), textcoords="offset points", va="center", size=6.5)
            plot.set_title(title, loc="left", fontsize=7.5, color=_TOKENS.muted)
            # downwards, and a single bar as thin as many
            plot.set_ylim(max(len(names), 3) - 0.5, -0.6)
            plot.grid(visible=False)
            plot.set_xticks([])
            plot.spines["bottom"].set_visible(False)
            plot.set_xlim(0, max([*(value or 0.0 for value in values), 1.0]) * 1.22)
            plot.set_yticks(list(rows), [_short(name) if plot is axes[0] else "" for name in names])
            plot.tick_params(axis="y", labelcolor=_TOKENS.text)
    return target.getvalue()


def _months(plot: object, months: Sequence[date]) -> None:
    """At most a dozen and a half of names, the year below the first of each."""
    step = -(-len(months) // 18) or 1
    shown = [position for position in range(len(months)) if position % step == 0]
    names = []
    year = None
    for position in shown:
        month = months[position]
        names.append(month_name(month) + ("" if month.year == year else f"\n{month.year}"))
        year = month.year
    plot.set_xticks(shown, names)  # type: ignore[attr-defined]
    # a few bars are as thin as many
    plot.set_xlim(-0.7, max(len(months), 9) - 0.3)  # type: ignore[attr-defined]


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"
