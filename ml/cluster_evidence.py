"""What speaks for and against a number of clusters: how well separated, how stable.

Belongs here: silhouettes and other indices, agreement of labelings, refits on resampled
customers and from other seeds. Does not belong here: the rule that reads the evidence
(:mod:`ml.cluster_choice`), and the fits themselves (:mod:`ml.clustering`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.clustering import (
    ALGORITHMS,
    BLOCK_DISTANCES,
    Algorithm,
    Fit,
    IntArray,
    WardTree,
    count_different,
    fit_kmeans,
    fit_mixture,
    nearest_centroids,
    sample_rows,
)
from ml.features import FloatArray

# Silhouettes compare every pair: exact up to here (0.2 s for all fits of 4,300 customers), on a sample above.
INDEX_SAMPLE_CUSTOMERS = 10_000
# Refits on resampled customers. The standard error of a mean silhouette over twenty is 0.002 on the
# real data, a fifth of what counts as a difference.
RESAMPLES = 20
# A resample is at most this large; Ward's tree and the mixture, which cost more, take its first rows.
RESAMPLE_CUSTOMERS = 5_000
RESAMPLE_HIERARCHY_CUSTOMERS = 800
RESAMPLE_MIXTURE_CUSTOMERS = 1_500
# The silhouette of a refit is measured on this many different customers of its resample.
RESAMPLE_INDEX_CUSTOMERS = 800
# Two labelings are compared on this many customers: the index is then right to about 0.01.
PROBE_CUSTOMERS = 2_000
# Fits from other random starts, on at most RESAMPLE_CUSTOMERS customers.
OTHER_SEEDS = 3


@dataclass(frozen=True)
class Stability:
    """How refits compare with the fits that are kept.

    Attributes
    ----------
    by_fit
        One row per algorithm and k, in the order of the fits: ``algorithm, k,
        resample_silhouette, resample_inertia`` (per customer), ``bootstrap_stability,
        seed_stability`` (NaN where undefined).
    kmeans_centroids
        For each k, the scaled centroids of every k-means refit on a resample.
    """

    by_fit: pd.DataFrame
    kmeans_centroids: Mapping[int, Sequence[FloatArray]]


def measure_silhouettes(points: FloatArray, labelings: Sequence[IntArray]) -> FloatArray:
    """Mean silhouette of several labelings of the same points (Rousseeuw 1987), in one pass.

    Equal to ``sklearn.metrics.silhouette_score`` for each; distances, which are nearly
    all of the cost, are made once instead of once per labeling.

    Parameters
    ----------
    points : float array, shape (n, n_features)
    labelings
        Integer labels of shape (n,) each.

    Returns
    -------
    float array, shape (len(labelings),)
        -1 to 1; NaN where there are fewer than two clusters, or as many as points.
    """
    from scipy.spatial.distance import cdist

    n = len(points)
    codes = [np.unique(labels, return_inverse=True)[1] for labels in labelings]
    sizes = [np.bincount(code) for code in codes]
    starts = np.cumsum([0, *[len(size) for size in sizes]])
    membership = np.zeros((n, int(starts[-1])))
    for code, start in zip(codes, starts[:-1], strict=True):
        membership[np.arange(n), start + code] = 1.0

    totals = np.zeros(len(codes))
    block = max(1, BLOCK_DISTANCES // n)
    for low in range(0, n, block):
        high = min(low + block, n)
        sums = cdist(points[low:high], points) @ membership
        for position, (code, size) in enumerate(zip(codes, sizes, strict=True)):
            if not 2 <= len(size) < n:
                continue
            to_clusters = sums[:, starts[position] : starts[position + 1]]
            own = code[low:high]
            rows = np.arange(high - low)
            # a point is not its own neighbour; alone in its cluster it scores 0 by definition
            within = to_clusters[rows, own] / np.maximum(size[own] - 1, 1)
            others = to_clusters / size
            others[rows, own] = np.inf
            nearest_other = others.min(axis=1)
            larger = np.maximum(within, nearest_other)
            score = np.divide(nearest_other - within, larger, out=np.zeros_like(within), where=larger > 0)
            totals[position] += np.where(size[own] > 1, score, 0.0).sum()
    is_defined = np.array([2 <= len(size) < n for size in sizes], dtype=bool)
    result: FloatArray = np.where(is_defined, totals / n, np.nan)
    return result


def measure_agreement(left: IntArray, right: IntArray) -> float:
    """Adjusted Rand index of two labelings of the same points (Hubert and Arabie 1985).

    Parameters
    ----------
    left, right : int arrays, shape (n,)
        Labels from 0; their numbering plays no part.

    Returns
    -------
    float
        1 for equal divisions, about 0 for unrelated ones; NaN for fewer than two points.
    """
    n = len(left)
    if n < 2:
        return float("nan")
    columns = int(right.max()) + 1
    table = np.bincount(left * columns + right, minlength=(int(left.max()) + 1) * columns).reshape(-1, columns)

    def pairs(counts: IntArray) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    together, in_left, in_right = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = in_left * in_right / (n * (n - 1) / 2)
    most = (in_left + in_right) / 2
    # both are one cluster, or both are single points: equal, and nothing else is possible
    return 1.0 if most == expected else (together - expected) / (most - expected)


def measure_fits(points: FloatArray, fits: Sequence[Fit], *, random_state: int) -> pd.DataFrame:
    """Indices of separation and size of each fit.

    Inertia and shares count everyone. Above ``INDEX_SAMPLE_CUSTOMERS`` points the other
    indices are measured on a sample of that many.

    Parameters
    ----------
    points : float array, shape (n, n_features)
        Scaled.

    Returns
    -------
    DataFrame, one row per fit
        ``algorithm, k, silhouette`` (Rousseeuw 1987), ``inertia`` (sum of squared
        distances to the own centroid), ``davies_bouldin`` (Davies and Bouldin 1979, lower
        is better), ``calinski_harabasz`` (Caliński and Harabasz 1974, higher is better),
        ``smallest_share`` (0 to 1), ``bic`` (NaN but for mixtures). NaN where undefined.
    """
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    rows = sample_rows(len(points), INDEX_SAMPLE_CUSTOMERS, random_state)
    sample = points[rows]
    measured = []
    sampled_labels = []
    for fit in fits:
        labels = fit.label(points)
        inertia = float(((points - fit.centroids[labels]) ** 2).sum())
        seen = labels[rows]
        sampled_labels.append(seen)
        is_defined = 2 <= len(np.unique(seen)) < len(seen)
        measured.append(
            {
                "algorithm": fit.algorithm,
                "k": fit.k,
                "inertia": inertia,
                "davies_bouldin": float(davies_bouldin_score(sample, seen)) if is_defined else math.nan,
                "calinski_harabasz": float(calinski_harabasz_score(sample, seen)) if is_defined else math.nan,
                "smallest_share": float(np.bincount(labels, minlength=fit.k).min() / len(labels)),
                "bic": math.nan if fit.bic is None else fit.bic,
            }
        )
    table = pd.DataFrame(measured)
    table.insert(2, "silhouette", measure_silhouettes(sample, sampled_labels))
    return table


def measure_stability(points: FloatArray, fits: Sequence[Fit], *, random_state: int) -> Stability:
    """Refit on resampled customers and from other seeds, and compare with the fits that are kept.

    A resample draws customers with replacement (Efron 1979; as evidence for a number of
    clusters: Hennig, Computational Statistics and Data Analysis 52, 2007). All algorithms
    and all k see the same resamples.

    Parameters
    ----------
    points : float array, shape (n, n_features)
        Scaled.
    fits
        What is kept: one per algorithm and k.
    """
    n = len(points)
    ks = sorted({fit.k for fit in fits})
    probe = points[sample_rows(n, PROBE_CUSTOMERS, random_state)]
    kept = {(fit.algorithm, fit.k): fit.label(probe) for fit in fits}
    silhouettes: dict[tuple[Algorithm, int], list[float]] = {key: [] for key in kept}
    resampled: dict[tuple[Algorithm, int], list[float]] = {key: [] for key in kept}
    reseeded: dict[tuple[Algorithm, int], list[float]] = {key: [] for key in kept}
    inertias: dict[tuple[Algorithm, int], list[float]] = {key: [] for key in kept}
    kmeans_centroids: dict[int, list[FloatArray]] = {k: [] for k in ks}

    for number in range(RESAMPLES):
        generator = np.random.default_rng([random_state, number])
        drawn = generator.integers(0, n, size=min(n, RESAMPLE_CUSTOMERS))
        resample = points[drawn]
        refits = _refit(resample, ks, random_state=random_state + number)
        for fit in refits:
            if fit.algorithm == "kmeans":
                kmeans_centroids[fit.k].append(fit.centroids)
            labels = fit.label(probe)
            resampled[fit.algorithm, fit.k].append(measure_agreement(labels, kept[fit.algorithm, fit.k]))
            inertias[fit.algorithm, fit.k].append(float(((probe - fit.centroids[labels]) ** 2).sum() / len(probe)))
        # in drawn order, which is random, so the first are as good as any
        different = drawn[np.sort(np.unique(drawn, return_index=True)[1])][:RESAMPLE_INDEX_CUSTOMERS]
        measured = measure_silhouettes(points[different], [fit.label(points[different]) for fit in refits])
        for fit, silhouette in zip(refits, measured, strict=True):
            silhouettes[fit.algorithm, fit.k].append(float(silhouette))

    for number in range(1, OTHER_SEEDS + 1):
        seed = random_state + 1_000 * number
        subset = points[sample_rows(n, RESAMPLE_CUSTOMERS, seed)]
        for k in ks:
            if count_different(subset, enough=k) < k:
                continue
            start = fit_kmeans(subset, k, random_state=seed)
            for fit in (start, fit_mixture(subset, start, random_state=seed)):
                reseeded[fit.algorithm, k].append(measure_agreement(fit.label(probe), kept[fit.algorithm, k]))

    by_fit = pd.DataFrame(
        {
            "algorithm": [algorithm for algorithm, _ in kept],
            "k": [k for _, k in kept],
            "resample_silhouette": [_mean(silhouettes[key]) for key in kept],
            "resample_inertia": [_mean(inertias[key]) for key in kept],
            "bootstrap_stability": [_mean(resampled[key]) for key in kept],
            "seed_stability": [_mean(reseeded[key]) for key in kept],
        }
    )
    return Stability(by_fit=by_fit, kmeans_centroids=kmeans_centroids)


def measure_customer_stability(points: FloatArray, centroids: FloatArray, refits: Sequence[FloatArray]) -> FloatArray:
    """Share of refits that put each point into the cluster that it is in now.

    A refit's clusters are matched to the present ones by the one-to-one assignment of
    centroids with the smallest sum of squared distances.

    Parameters
    ----------
    points : float array, shape (n, n_features)
        Scaled.
    centroids : float array, shape (k, n_features)
        The fit that is kept.
    refits
        Centroids of each refit, same shape and scale.

    Returns
    -------
    float array, shape (n,)
        0 to 1; NaN if there is no refit.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    if not refits:
        return np.full(len(points), np.nan)
    now = nearest_centroids(points, centroids)[0]
    agreeing = np.zeros(len(points))
    for refit in refits:
        rows, columns = linear_sum_assignment(cdist(refit, centroids, "sqeuclidean"))
        matched = np.empty(len(centroids), dtype=np.int64)
        matched[rows] = columns
        agreeing += matched[nearest_centroids(points, refit)[0]] == now
    return agreeing / len(refits)


def _refit(resample: FloatArray, ks: Sequence[int], *, random_state: int) -> list[Fit]:
    """All algorithms for every k that the resample allows."""
    fits: list[Fit] = []
    few = resample[:RESAMPLE_HIERARCHY_CUSTOMERS]
    some = resample[:RESAMPLE_MIXTURE_CUSTOMERS]
    most = min(count_different(few, enough=ks[-1]), ks[-1])
    tree = WardTree(few, random_state=random_state)
    for k in ks:
        if k > most:
            continue
        # two starts: one alone often ends in a poor optimum, and that is the start's doing, not the sample's
        start = fit_kmeans(resample, k, random_state=random_state, restarts=2)
        fits += [start, tree.cut(k), fit_mixture(some, start, random_state=random_state)]
    assert {fit.algorithm for fit in fits} <= set(ALGORITHMS)
    return fits


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan
