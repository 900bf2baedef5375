"""The evidence for the number of segments, drawn.

Belongs here: elbow and silhouette plots as PNG bytes. Does not belong here: what is
drawn, which :mod:`ml.cluster_evidence` measured, how pictures look in general
(:mod:`ml.plot_style`), and where it is shown.
"""

from __future__ import annotations

import pandas as pd

from ml.plot_style import CHOSEN, INK, LINE, as_png, dress, new_figure

_TITLES = {"kmeans": "k-means", "hierarchical": "Hierarchical (Ward)", "mixture": "Gaussian mixture"}


def draw_cluster_selection(selection: pd.DataFrame) -> bytes:
    """Draw inertia with its elbow, and silhouettes with the choice, for each algorithm.

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
    from matplotlib.ticker import MaxNLocator

    if selection.empty:
        raise ValueError("there is no evidence to draw")
    algorithms = list(dict.fromkeys(selection["algorithm"]))
    figure = new_figure(3.2 * len(algorithms), 4.8)
    axes = figure.subplots(2, len(algorithms), squeeze=False)
    for column, algorithm in enumerate(algorithms):
        rows = selection[selection["algorithm"] == algorithm].sort_values("k")
        upper, lower = axes[0][column], axes[1][column]
        upper.plot(rows["k"], rows["inertia"], marker="o", markersize=4, color=LINE, linewidth=1.5)
        elbow = rows[rows["is_elbow"]]
        upper.plot(elbow["k"], elbow["inertia"], "D", markersize=9, markerfacecolor="none", color=INK, label="elbow")
        upper.set_title(_TITLES.get(algorithm, algorithm), fontsize=10, color=INK)
        upper.set_ylim(bottom=0)
        lower.plot(rows["k"], rows["silhouette"], marker="o", markersize=4, color=LINE, linewidth=1.5, label="this fit")
        lower.plot(
            rows["k"], rows["resample_silhouette"], linestyle="--", color=INK, linewidth=1.2, label="mean of refits"
        )
        chosen = rows[rows["is_chosen"]]
        lower.plot(chosen["k"], chosen["silhouette"], "o", markersize=9, color=CHOSEN, label="chosen")
        lower.set_xlabel("segments (k)", fontsize=9, color=INK)
        for axis in (upper, lower):
            dress(axis)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if not elbow.empty:
            upper.legend(fontsize=8, frameon=False)
        lower.legend(fontsize=8, frameon=False)
    axes[0][0].set_ylabel("inertia", fontsize=9, color=INK)
    axes[1][0].set_ylabel("silhouette", fontsize=9, color=INK)
    return as_png(figure)
