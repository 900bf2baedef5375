"""The rule that chooses the number of clusters, and what it says of each.

Belongs here: reading the evidence. Does not belong here: measuring it
(:mod:`ml.cluster_evidence`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ml.features import FloatArray

# A segment below this share of the customers is too small to plan a campaign for, and is
# how k-means answers to a handful of outliers (unscaled money: 13 of 4,339).
MIN_CLUSTER_SHARE = 0.02
# Below 0.5 a silhouette tells of no clear structure (Kaufman and Rousseeuw 1990, p. 88):
# customers form one long cloud from little to much. Its best silhouette is always that of
# cutting it in two, which says no more than "more" and "less", and the others are level.
CLEAR_STRUCTURE_SILHOUETTE = 0.50
# Closer than this, two silhouettes are level: the finer division is taken.
LEVEL_SILHOUETTE = 0.01
# Closer than this, two bends of the inertia curve are level. On the real data k = 3 lies 0.065
# behind the elbow at k = 4 and k = 5 only 0.015; the silhouette then settles it.
LEVEL_ELBOW = 0.03


def choose_k(evidence: pd.DataFrame) -> tuple[int, list[str]]:
    """Choose the number of clusters from what was measured, and say why for each.

    1. A k whose smallest cluster holds less than ``MIN_CLUSTER_SHARE`` of the customers
       is refused (unless all are).
    2. Where the best silhouette reaches ``CLEAR_STRUCTURE_SILHOUETTE`` there are clusters
       to be found: the highest silhouette wins; among those less than
       ``LEVEL_SILHOUETTE`` below it the largest k.
    3. Otherwise customers form one cloud, whose silhouettes say next to nothing: the elbow
       of the inertia curve wins; among bends less than ``LEVEL_ELBOW`` smaller, the
       highest silhouette.

    Both silhouette and inertia are means over refits on resampled customers, so that a
    few customers more or less do not turn the choice. Measured on the real data with
    silhouettes alone (the finest of the level ones), k = 3, 4, 5 and 6 came out of twenty
    resamples of the same customers; by this rule k = 4 did in every one.

    Parameters
    ----------
    evidence : DataFrame, one row per k, ascending
        ``k``, ``silhouette`` (NaN where undefined), ``elbow_distance`` (see
        :func:`measure_elbow`; NaN where undefined), ``smallest_share`` (0 to 1).

    Returns
    -------
    The chosen k, and one reason for each row of ``evidence``.

    Raises
    ------
    ValueError
        If ``evidence`` has no row.
    """
    if evidence.empty:
        raise ValueError("no number of segments was tried, so none can be chosen")
    ks = [int(number) for number in evidence["k"]]
    silhouette = dict(zip(ks, evidence["silhouette"].astype(float), strict=True))
    bend = dict(zip(ks, evidence["elbow_distance"].astype(float), strict=True))
    share = dict(zip(ks, evidence["smallest_share"].astype(float), strict=True))
    reasons: dict[int, str] = {}

    able = [number for number in ks if not math.isnan(silhouette[number])]
    for number in set(ks) - set(able):
        reasons[number] = "no silhouette: it needs at least two clusters and one with two customers"
    if not able:
        reasons[ks[-1]] = "chosen: no silhouette tells the candidates apart"
        return ks[-1], [reasons[number] for number in ks]

    candidates = [number for number in able if share[number] >= MIN_CLUSTER_SHARE]
    for number in set(able) - set(candidates):
        reasons[number] = (
            f"refused: its smallest cluster holds {share[number]:.2%} of customers, below {MIN_CLUSTER_SHARE:.0%}"
        )
    all_are_tiny = not candidates
    candidates = candidates or able
    has_elbow = not any(math.isnan(bend[number]) for number in candidates)
    if has_elbow and max(silhouette[number] for number in candidates) < CLEAR_STRUCTURE_SILHOUETTE:
        chosen = _by_elbow(candidates, silhouette, bend, reasons)
    else:
        chosen = _by_silhouette(candidates, silhouette, reasons)
    if all_are_tiny:
        reasons[chosen] += f"; every k has a cluster below {MIN_CLUSTER_SHARE:.0%} of customers"
    return chosen, [reasons[number] for number in ks]


def measure_elbow(ks: Sequence[int], inertia: Sequence[float]) -> FloatArray:
    """How far inertia lies below the straight line from its first to its last k.

    Both axes are stretched to 0..1 first, so the distance has no unit (the idea of
    Satopää and others, "Finding a Kneedle in a Haystack", 2011). The elbow is where it is
    largest. It depends on the range of k that is looked at.

    Parameters
    ----------
    ks
        Ascending.
    inertia
        One for each of ``ks``.

    Returns
    -------
    float array, shape (len(ks),)
        0 at both ends; NaN if there are fewer than three ks or inertia does not fall.
    """
    if len(ks) < 3 or not inertia[0] > inertia[-1]:
        return np.full(len(ks), np.nan)
    across = (np.asarray(ks, dtype=np.float64) - ks[0]) / (ks[-1] - ks[0])
    down = (np.asarray(inertia, dtype=np.float64) - inertia[-1]) / (inertia[0] - inertia[-1])
    below_chord: FloatArray = 1.0 - across - down
    return below_chord


def _by_elbow(
    candidates: Sequence[int], silhouette: dict[int, float], bend: dict[int, float], reasons: dict[int, str]
) -> int:
    elbow = max(candidates, key=lambda number: (bend[number], -number))
    level = [number for number in candidates if bend[number] > bend[elbow] - LEVEL_ELBOW]
    chosen = max(level, key=lambda number: (silhouette[number], -number))
    for number in candidates:
        behind = bend[elbow] - bend[number]
        if number == chosen == elbow:
            reasons[number] = f"chosen: inertia bends most here (of {_listed(candidates)})"
            if len(level) > 1:
                reasons[number] += f"; silhouette highest of {_listed(level)}, whose bends are level"
        elif number == chosen:
            reasons[number] = f"chosen: bend of inertia level with the largest (k = {elbow}), and silhouette higher"
        elif number in level:
            reasons[number] = (
                f"bend of inertia level with that of k = {chosen}, "
                f"silhouette {silhouette[chosen] - silhouette[number]:.4f} lower"
            )
        else:
            reasons[number] = f"inertia bends less than at k = {elbow} ({behind:.3f} nearer to the straight line)"
    if 2 in candidates and chosen != 2 and silhouette[2] == max(silhouette[number] for number in candidates):
        reasons[2] += (
            f"; highest silhouette, but {silhouette[2]:.4f} is below {CLEAR_STRUCTURE_SILHOUETTE:.2f}, "
            "so two halves are a cut through one cloud"
        )
    return chosen


def _by_silhouette(candidates: Sequence[int], silhouette: dict[int, float], reasons: dict[int, str]) -> int:
    best = max(candidates, key=lambda number: silhouette[number])
    chosen = max(number for number in candidates if silhouette[number] > silhouette[best] - LEVEL_SILHOUETTE)
    for number in candidates:
        behind = silhouette[best] - silhouette[number]
        if number == chosen == best:
            reasons[number] = f"chosen: highest silhouette of {_listed(candidates)}"
        elif number == chosen:
            reasons[number] = f"chosen: silhouette level with the highest (k = {best}, {behind:.4f} more), and finer"
        elif behind < LEVEL_SILHOUETTE:
            reasons[number] = f"silhouette level with that of k = {chosen}, which is finer"
        else:
            reasons[number] = f"silhouette {behind:.4f} below the highest (k = {best})"
    return chosen


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"k = {number}" for number in numbers)
