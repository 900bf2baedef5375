"""The evidence for the forecasts of customer value, drawn.

Belongs here: forecast against actual money on every hold-out, errors and order of every
competitor. Does not belong here: what is drawn, which :mod:`ml.value_holdouts` measured, how
pictures look in general (:mod:`ml.plot_style`), where it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.plot_style import CHOSEN, GRID, INK, LINE, MUTED, as_png, dress, new_figure
from ml.value_competitors import BG_NBD, BOOSTING, PAST_SPEND, PREFERENCE, SAME_RATE, SEASONAL, ZERO

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# the shape tells competitors apart, the colour what they are: winner, model or baseline
_NAMES = {
    BG_NBD: ("o", "BG/NBD + Gamma-Gamma"),
    SEASONAL: ("P", "BG/NBD, seasonal clock"),
    BOOSTING: ("D", "Gradient boosting"),
    PAST_SPEND: ("^", "Past spend"),
    SAME_RATE: ("s", "Same rate"),
    ZERO: ("v", "Zero"),
}
_MEASURES = (
    ("mae_value", "error of a customer's value", "mean absolute, less is better"),
    ("spearman", "order of customers", "rank correlation, more is better"),
)


def draw_value_holdouts(holdout: pd.DataFrame) -> bytes:
    """Draw, for each hold-out and competitor, the money forecast against what came, its errors and its order.

    Parameters
    ----------
    holdout : DataFrame
        ``ml.clv_holdout``, in any order: ``cutoff_date, model, holdout_days, kind`` (``model``
        or ``baseline``), ``actual_value, predicted_value, mae_value`` (money in the shop's
        currency), ``spearman`` (NaN for a forecast that orders nobody), ``is_winner``.

    Returns
    -------
    bytes
        A PNG of 1120 by 400 pixels.

    Raises
    ------
    ValueError
        If there is no hold-out, or a competitor is not known.
    """
    return as_png(value_holdouts_figure(holdout))


def value_holdouts_figure(holdout: pd.DataFrame) -> Figure:
    """Lay out the picture; parameters and errors are those of :func:`draw_value_holdouts`."""
    if holdout.empty:
        raise ValueError("there is no hold-out to draw")
    unknown = sorted(set(holdout["model"]) - set(PREFERENCE))
    if unknown:
        raise ValueError(f"there is no sign for {', '.join(unknown)}")
    rows = holdout.assign(cutoff_date=pd.to_datetime(holdout["cutoff_date"]))
    competitors = [model for model in PREFERENCE if model in set(rows["model"])]
    figure = new_figure(11.2, 4.0)
    totals, *measures = figure.subplots(1, 1 + len(_MEASURES), width_ratios=[1.5, 1, 1])
    _draw_totals(totals, rows, competitors)
    for axis, (column, title, unit) in zip(measures, _MEASURES, strict=True):
        _draw_measure(axis, rows, competitors, column)
        axis.set_title(title, fontsize=10, color=INK)
        axis.set_xlabel(unit, fontsize=9, color=INK)
    measures[-1].tick_params(labelleft=False)
    handles, labels = totals.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    return figure


def _draw_totals(axis: Axes, rows: pd.DataFrame, competitors: list[str]) -> None:
    from matplotlib.ticker import StrMethodFormatter

    dress(axis)
    actual = rows.drop_duplicates("cutoff_date").sort_values("cutoff_date")
    cutoffs = list(actual["cutoff_date"])
    places = np.arange(len(cutoffs), dtype=np.float64)
    axis.bar(places, actual["actual_value"], width=0.86, color=GRID, edgecolor=MUTED, linewidth=0.8, label="what came")
    for number, model in enumerate(competitors):
        own = rows[rows["model"] == model].sort_values("cutoff_date")
        # beside each other within the bar: forecasts can be close
        at = [cutoffs.index(cutoff) + 0.15 * (number - (len(competitors) - 1) / 2) for cutoff in own["cutoff_date"]]
        shape, name = _NAMES[model]
        axis.plot(
            at, own["predicted_value"], linestyle="none", marker=shape, markersize=7, color=_colour(own),
            markeredgecolor="white", markeredgewidth=0.6, zorder=3,
            label=f"{name} (taken)" if own["is_winner"].any() else name,
        )  # fmt: skip
    axis.set_xticks(places, [f"{cutoff:%Y-%m-%d}" for cutoff in cutoffs])
    axis.grid(visible=False, axis="x")
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_title(f"money of the {rows['holdout_days'].iloc[0]} days after", fontsize=10, color=INK)
    axis.set_ylabel("all customers together", fontsize=9, color=INK)
    axis.set_xlabel("forecast as of", fontsize=9, color=INK)


def _draw_measure(axis: Axes, rows: pd.DataFrame, competitors: list[str], column: str) -> None:
    """One row for each competitor: a dot for each hold-out, a stroke at their mean."""
    dress(axis)
    for number, model in enumerate(competitors):
        own = rows.loc[rows["model"] == model].sort_values("cutoff_date")
        known = own[column].dropna()
        if known.empty:
            axis.text(
                0.03, number, "orders nobody" if column == "spearman" else "not known", fontsize=8, color=MUTED,
                transform=axis.get_yaxis_transform(), verticalalignment="center",
            )  # fmt: skip
            continue
        colour = _colour(own)
        axis.plot(known, np.full(len(known), number), "o", color=colour, markersize=5, alpha=0.5, markeredgewidth=0)
        axis.plot([known.mean()], [number], "|", color=colour, markersize=18, markeredgewidth=2.5)
    axis.set_yticks(range(len(competitors)), [_NAMES[model][1] for model in competitors])
    axis.set_ylim(len(competitors) - 0.5, -0.5)
    shown = rows[column].dropna()
    low, high = float(shown.min()), float(shown.max())
    # with zero, unless nothing is known or all of it is zero
    axis.set_xlim(1.1 * low if low < 0 else 0.0, 1.1 * high if high > 0 else 1.0)


def _colour(own: pd.DataFrame) -> str:
    if own["is_winner"].any():
        return CHOSEN
    return LINE if (own["kind"] == "model").any() else INK
