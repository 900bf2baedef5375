"""The evidence for the number of segments, drawn.

Belongs here: elbow and silhouette plots as PNG bytes. Does not belong here: what is
drawn, which :mod:`ml.cluster_evidence` measured, and where it is shown.
"""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

_INK, _LINE, _CHOSEN = "#334155", "#2563eb", "#dc2626"
_COLOURS = 48
_TITLES = {"kmeans": "k-means", "hierarchical": "Hierarchical (Ward)", "mixture": "Gaussian mixture"}


def draw_cluster_selection(selection: pd.DataFrame) -> bytes:
    """Draw inertia with its elbow, and silhouettes with the choice, for each algorithm.

    Drawn through matplotlib's objects, without its global state, so that it works in any
    thread and without a display.

    Parameters
    ----------
    selection : DataFrame
        ``ml.cluster_selection``: ``algorithm, k, inertia, is_elbow, silhouette,
        resample_silhouette, is_chosen``.

    Returns
    -------
    bytes
        A PNG of 960 by 480 pixels.

    Raises
    ------
    ValueError
        If there is no row.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
    from PIL import Image

    if selection.empty:
        raise ValueError("there is no evidence to draw")
    algorithms = list(dict.fromkeys(selection["algorithm"]))
    figure = Figure(figsize=(3.2 * len(algorithms), 4.8), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(algorithms), squeeze=False)
    for column, algorithm in enumerate(algorithms):
        rows = selection[selection["algorithm"] == algorithm].sort_values("k")
        upper, lower = axes[0][column], axes[1][column]
        upper.plot(rows["k"], rows["inertia"], marker="o", markersize=4, color=_LINE, linewidth=1.5)
        elbow = rows[rows["is_elbow"]]
        upper.plot(elbow["k"], elbow["inertia"], "D", markersize=9, markerfacecolor="none", color=_INK, label="elbow")
        upper.set_title(_TITLES.get(algorithm, algorithm), fontsize=10, color=_INK)
        upper.set_ylim(bottom=0)
        lower.plot(
            rows["k"], rows["silhouette"], marker="o", markersize=4, color=_LINE, linewidth=1.5, label="this fit"
        )
        lower.plot(
            rows["k"], rows["resample_silhouette"], linestyle="--", color=_INK, linewidth=1.2, label="mean of refits"
        )
        chosen = rows[rows["is_chosen"]]
        lower.plot(chosen["k"], chosen["silhouette"], "o", markersize=9, color=_CHOSEN, label="chosen")
        lower.set_xlabel("segments (k)", fontsize=9, color=_INK)
        for axis in (upper, lower):
            axis.grid(visible=True, color="#e2e8f0", linewidth=0.8)
            axis.set_axisbelow(True)
            axis.tick_params(labelsize=8, colors=_INK)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            for side in ("top", "right"):
                axis.spines[side].set_visible(False)
        if not elbow.empty:
            upper.legend(fontsize=8, frameon=False)
        lower.legend(fontsize=8, frameon=False)
    axes[0][0].set_ylabel("inertia", fontsize=9, color=_INK)
    axes[1][0].set_ylabel("silhouette", fontsize=9, color=_INK)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    # few colours serve: a third of the bytes, and this travels inside metadata
    small = io.BytesIO()
    drawn.quantize(colors=_COLOURS).save(small, format="png", optimize=True)
    return small.getvalue()
