"""Customer segments: k-means on RFM, how many, and what each is called.

Belongs here: fitting, the evidence for a number of segments and the rule that reads it,
labelling with a fitted model, ids and names of segments. Does not belong here: features
and scaling (:mod:`ml.features`), the rule-based RFM segments (SQL), writing tables.

Two rules hold throughout. The result is a function of the customers and the settings:
rows are sorted first and the arithmetic runs on one thread, because sums that threads
finish in another order differ in their last bits. And a segment's id and name are a
function of the fitted model, never of the order in which k-means numbered its clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.features import (
    RFM_COLUMNS,
    FeatureMatrix,
    FloatArray,
    OutlierRule,
    Scaler,
    ScalerMethod,
    build_feature_matrix,
    find_iqr_outliers,
    fit_scaler,
)
from ml.runs import describe_run

IntArray = NDArray[np.int64]

# Ten starts find the same optimum from most seeds; one start does not (on the real data,
# calendar recency: inertia 4,319 with one, 4,313 with ten). They cost 20 ms per k there.
RESTARTS = 10
# Above this many customers the ten starts run on a sample of this size and only the best
# is finished on everyone, so that time grows with one fit instead of ten.
RESTARTS_SAMPLE_CUSTOMERS = 50_000
# Silhouettes compare every pair: exact up to here (0.6 s for all k), on a sample above.
SILHOUETTE_SAMPLE_CUSTOMERS = 10_000
# Pairwise distances are made in blocks of at most this many numbers (64 MB).
_BLOCK_DISTANCES = 8_000_000

# A segment below this share of the customers is too small to plan a campaign for, and is
# how k-means answers to a handful of outliers (unscaled money: 13 of 4,339).
MIN_CLUSTER_SHARE = 0.02
# Below 0.5 a silhouette tells of no clear structure (Kaufman and Rousseeuw 1990, p. 88):
# customers form one long cloud from little to much. Its best silhouette is always that of
# cutting it in two, which says no more than "more" and "less".
CLEAR_STRUCTURE_SILHOUETTE = 0.50
# Closer than this, two silhouettes are level: the finer division is taken.
LEVEL_SILHOUETTE = 0.01


class Archetype(NamedTuple):
    """A kind of customer, and where it stands relative to the shop's average customer.

    ``recency`` and ``value`` are in standard deviations of log1p over all customers:
    recency of days since the last purchase (negative: more recent than average), value
    the mean of frequency and money.
    """

    name: str
    recency: float
    value: float


# From most to least valuable to keep; a segment's id is its rank in this order. The places are
# where such clusters lie on the real data, k = 2 to 8, from its first four months to all thirteen.
ARCHETYPES = (
    Archetype("Champions", -1.3, 1.5),
    Archetype("Loyal Regulars", -0.5, 0.9),
    Archetype("Rising Stars", -1.4, 0.4),
    Archetype("Promising", -0.9, -0.4),
    Archetype("Newcomers", -0.4, -1.2),
    Archetype("Need Attention", -0.2, 0.0),
    Archetype("Can't Lose", 0.9, 1.3),
    Archetype("At Risk", 0.3, 0.4),
    Archetype("Hibernating", 0.9, -0.2),
    Archetype("Dormant", 0.8, -0.9),
)
SINGLE_SEGMENT_NAME = "All Customers"


@dataclass(frozen=True)
class SegmentModel:
    """A fitted segmentation: all that is needed to label any customer, as plain numbers.

    Attributes
    ----------
    scaler
        Fitted on the customers that the clusters were fitted on.
    centroids : float array, shape (k, n_features)
        Scaled; row number is cluster id.
    names
        Segment name of each cluster id; unique.
    """

    scaler: Scaler
    centroids: FloatArray
    names: tuple[str, ...]

    def assign(self, values: FloatArray) -> tuple[IntArray, FloatArray]:
        """Label customers with the nearest centroid, without fitting anything.

        Parameters
        ----------
        values : float array, shape (n, n_features)
            Unscaled features, columns as in ``scaler.columns``.

        Returns
        -------
        cluster ids, int array of shape (n,); distances to that centroid in scaled units, shape (n,)
        """
        return _nearest(self.scaler.transform(values), self.centroids)


@dataclass(frozen=True)
class Segmentation:
    """What one segmentation brings into schema ``ml``; each frame is one table, in its final order.

    Attributes
    ----------
    customer_segments
        Per customer: ``customer_id, kmeans_label, cluster_id, segment_name, distance,
        is_outlier_excluded``. ``distance`` is Euclidean, in scaled units.
    cluster_selection
        Per k: ``algorithm, k, silhouette`` (-1 to 1, null where undefined), ``inertia``
        (sum of squared scaled distances), ``is_chosen, reason``.
    segment_profiles
        Per segment: sizes, means and money of everyone labelled so, excluded outliers
        too; ``_pct`` from 0 to 100.
    model_runs
        One row, see :func:`ml.runs.describe_run`.
    model
        Labels customers who are not here yet.
    """

    customer_segments: pd.DataFrame
    cluster_selection: pd.DataFrame
    segment_profiles: pd.DataFrame
    model_runs: pd.DataFrame
    model: SegmentModel


@dataclass(frozen=True)
class _Fit:
    """k-means for one k: scaled centroids, the label of each fitted row, inertia."""

    centroids: FloatArray
    labels: IntArray
    inertia: float


def segment_customers(
    rfm: pd.DataFrame,
    *,
    k: int | Literal["auto"] = "auto",
    k_min: int = 2,
    k_max: int = 8,
    scaler: ScalerMethod = "log_standard",
    outliers: OutlierRule = "keep",
    random_state: int = 42,
    data_version: str = "",
) -> Segmentation:
    """Divide customers into segments by recency, frequency and money.

    Lloyd's k-means from k-means++ starts (Arthur and Vassilvitskii, SODA 2007). Each k
    from ``k_min`` to ``k_max`` is fitted and kept as evidence, even where ``k`` is fixed;
    :func:`choose_k` documents how ``auto`` chooses.

    Parameters
    ----------
    rfm : DataFrame, one row per identified customer, in any order
        ``customer_id``; ``recency_days`` (days, lower is more recent); ``frequency``
        (count); ``monetary`` (shop's currency, may be zero or negative).
    k
        Number of segments, or ``auto``. With fewer different customers than that, as
        many as there are, and ``model_runs`` warns.
    outliers
        ``iqr_exclude`` fits scaler and clusters without the customers beyond the fences
        of :func:`ml.features.find_iqr_outliers`; they are labelled all the same, and marked.
    random_state
        Seed of the starts and of the samples that large inputs need.
    data_version
        Copied to ``model_runs``.

    Raises
    ------
    ValueError
        If there is no customer, a customer repeats or a feature is missing, or if
        ``k`` or the range of k makes no sense.
    """
    # Loaded before the threads are limited: a limit reaches only the libraries that are there.
    import sklearn.cluster  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if k != "auto" and k < 1:
        raise ValueError(f"k is {k}; a customer needs at least one segment to be in")
    if not 2 <= k_min <= k_max:
        raise ValueError(f"k_min {k_min} and k_max {k_max}: expected 2 <= k_min <= k_max")

    features = build_feature_matrix(rfm, RFM_COLUMNS)
    is_excluded = np.zeros(len(features.unscaled), dtype=np.bool_)
    if outliers == "iqr_exclude":
        is_excluded = find_iqr_outliers(features.unscaled, scaler)
    elif outliers != "keep":
        raise ValueError(f"unknown outlier rule {outliers!r}; known are keep, iqr_exclude")

    fitted_values = features.unscaled[~is_excluded]
    fitted_scaler = fit_scaler(fitted_values, scaler, features.columns)
    points = fitted_scaler.transform(fitted_values)

    warnings: list[str] = []
    with threadpool_limits(limits=1):
        tried = _numbers_to_try(points, k=k, k_min=k_min, k_max=k_max, warnings=warnings)
        fits = {number: _fit_kmeans(points, number, random_state=random_state, warnings=warnings) for number in tried}
        silhouettes = _measure_silhouettes(points, list(fits.values()), random_state=random_state, warnings=warnings)
        evidence = pd.DataFrame(
            {
                "k": pd.array(tried, dtype="int32"),
                "silhouette": silhouettes,
                "inertia": [fit.inertia for fit in fits.values()],
                "smallest_share": [_smallest_share(fit) for fit in fits.values()],
            }
        )
        chosen, reasons = _settle_k(evidence, k=k, tried=tried, warnings=warnings)

        order, names = name_segments(_place_clusters(fitted_values, fits[chosen].labels, features.columns))
        centroids = fits[chosen].centroids[order]
        model = SegmentModel(scaler=fitted_scaler, centroids=centroids, names=names)
        labels, distances = model.assign(features.unscaled)

    segment_names = np.array(names, dtype=object)[labels]
    customers = pd.DataFrame(
        {
            "customer_id": pd.array(features.customer_ids, dtype="str"),
            "kmeans_label": labels.astype(np.int32),
            "cluster_id": labels.astype(np.int32),
            "segment_name": pd.array(segment_names, dtype="str"),
            "distance": distances,
            "is_outlier_excluded": is_excluded,
        }
    )
    selection = pd.DataFrame(
        {
            "algorithm": pd.array(["kmeans"] * len(tried), dtype="str"),
            "k": evidence["k"],
            "silhouette": evidence["silhouette"],
            "inertia": evidence["inertia"],
            "is_chosen": [number == chosen for number in tried],
            "reason": pd.array(reasons, dtype="str"),
        }
    )
    chosen_silhouette = float(silhouettes[tried.index(chosen)])
    run = describe_run(
        "customer_segments",
        "kmeans",
        data_version=data_version,
        parameters={
            "k": k,
            "k_min": k_min,
            "k_max": k_max,
            "scaler": scaler,
            "outliers": outliers,
            "random_state": random_state,
            "restarts": RESTARTS,
            "features": list(features.columns),
        },
        figures={
            "k": chosen,
            "customers": len(features.unscaled),
            "customers_excluded_from_fit": int(is_excluded.sum()),
            "silhouette": None if math.isnan(chosen_silhouette) else chosen_silhouette,
            "inertia": fits[chosen].inertia,
            "scaler": fitted_scaler.as_dict(),
            "centroids": centroids.tolist(),
            "segment_names": list(names),
        },
        warnings=warnings,
    )
    return Segmentation(
        customer_segments=customers,
        cluster_selection=selection,
        segment_profiles=profile_segments(features, labels, names),
        model_runs=run,
        model=model,
    )


def choose_k(evidence: pd.DataFrame) -> tuple[int, list[str]]:
    """Choose the number of segments from what was measured, and say why for each.

    1. A k whose smallest cluster holds less than ``MIN_CLUSTER_SHARE`` of the customers
       is refused (unless all are).
    2. The highest silhouette wins. But where even the best is below
       ``CLEAR_STRUCTURE_SILHOUETTE``, k = 2 is passed over if there is a larger one: it
       only cuts one continuous cloud in half.
    3. Silhouettes less than ``LEVEL_SILHOUETTE`` below the highest are level with it; the
       largest k among them is taken.

    Inertia falls with every k and so decides nothing; it is kept for the elbow plot.

    Parameters
    ----------
    evidence : DataFrame, one row per k, ascending
        ``k``, ``silhouette`` (NaN where undefined), ``smallest_share`` (0 to 1).

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
    share = dict(zip(ks, evidence["smallest_share"].astype(float), strict=True))
    reasons: dict[int, str] = {}

    able = [number for number in ks if not math.isnan(silhouette[number])]
    for number in set(ks) - set(able):
        reasons[number] = "no silhouette: it needs at least two clusters and one with two customers"
    if not able:
        reasons[ks[-1]] = "chosen: no silhouette tells the candidates apart"
        return ks[-1], [reasons[number] for number in ks]

    large_enough = [number for number in able if share[number] >= MIN_CLUSTER_SHARE]
    for number in set(able) - set(large_enough):
        reasons[number] = (
            f"refused: its smallest cluster holds {share[number]:.2%} of customers, below {MIN_CLUSTER_SHARE:.0%}"
        )
    candidates = large_enough or able
    best = max(candidates, key=lambda number: silhouette[number])
    is_continuous = silhouette[best] < CLEAR_STRUCTURE_SILHOUETTE
    if is_continuous and 2 in candidates and len(candidates) > 1:
        candidates = [number for number in candidates if number != 2]
        reasons[2] = (
            f"passed over: silhouette {silhouette[2]:.4f} is below {CLEAR_STRUCTURE_SILHOUETTE:.2f}, "
            "so two halves are a cut through one cloud"
        )
        best = max(candidates, key=lambda number: silhouette[number])
    chosen = max(number for number in candidates if silhouette[number] > silhouette[best] - LEVEL_SILHOUETTE)

    for number in candidates:
        behind = silhouette[best] - silhouette[number]
        if number == chosen and number == best:
            reasons[number] = f"chosen: highest silhouette of {_listed(candidates)}"
        elif number == chosen:
            reasons[number] = f"chosen: silhouette level with the highest (k = {best}, {behind:.4f} more), and finer"
        elif behind < LEVEL_SILHOUETTE:
            reasons[number] = f"silhouette level with that of k = {chosen}, which is finer"
        else:
            reasons[number] = f"silhouette {behind:.4f} below the highest (k = {best})"
    if not large_enough:
        reasons[chosen] += f"; every k has a cluster below {MIN_CLUSTER_SHARE:.0%} of customers"
    return chosen, [reasons[number] for number in ks]


def name_segments(places: FloatArray) -> tuple[IntArray, tuple[str, ...]]:
    """Name each cluster after the kind of customer it resembles most, and order clusters by name.

    The one assignment of :data:`ARCHETYPES` to clusters with the smallest sum of squared
    distances is taken (Kuhn's assignment problem), so names are unique and do not depend
    on the order of the clusters. Beyond ten clusters a kind is used again, as "Dormant 2".

    Parameters
    ----------
    places : float array, shape (k, 2)
        Where each cluster's customers stand on average: recency and value, in the units
        of :class:`Archetype`. Any order.

    Returns
    -------
    The rows of ``places`` in their final order (position is cluster id), shape (k,); and
    the name of each cluster id.
    """
    from scipy.optimize import linear_sum_assignment

    k = len(places)
    if k == 1:
        return np.zeros(1, dtype=np.int64), (SINGLE_SEGMENT_NAME,)
    ideals = np.array([[kind.recency, kind.value] for kind in ARCHETYPES])
    cost = ((places[:, None, :] - ideals[None, :, :]) ** 2).sum(axis=2)
    # A second use of a kind costs more than any first one, so kinds repeat only where k exceeds their number.
    rounds = math.ceil(k / len(ARCHETYPES))
    surcharge = 1.0 + float(cost.max()) * k
    cost = np.concatenate([cost + surcharge * repeat for repeat in range(rounds)], axis=1)
    rows, columns = linear_sum_assignment(cost)
    kind_of = dict(zip(rows.tolist(), (columns % len(ARCHETYPES)).tolist(), strict=True))

    # within one kind the more valuable cluster comes first
    order = sorted(range(k), key=lambda row: (kind_of[row], -places[row, 1], places[row, 0]))
    names: list[str] = []
    uses: dict[str, int] = {}
    for row in order:
        name = ARCHETYPES[kind_of[row]].name
        uses[name] = uses.get(name, 0) + 1
        names.append(name if uses[name] == 1 else f"{name} {uses[name]}")
    return np.array(order, dtype=np.int64), tuple(names)


def profile_segments(
    features: FeatureMatrix, labels: IntArray, names: Sequence[str], algorithm: str = "kmeans"
) -> pd.DataFrame:
    """Size, means and money of each segment, in each feature's own unit.

    Parameters
    ----------
    features
        Unscaled ``recency_days``, ``frequency`` and ``monetary`` of shape (n, 3).
    labels : int array, shape (n,)
        Cluster id of each customer, an index into ``names``.

    Returns
    -------
    DataFrame, one row per segment that has a customer, by cluster id
        ``monetary_pct`` is the share of the sum of all segments' money; null where
        that sum is not positive, when a share has no meaning.
    """
    table = pd.DataFrame(features.unscaled, columns=list(features.columns)).assign(cluster_id=labels.astype(np.int32))
    grouped = table.groupby("cluster_id", sort=True)
    profiles = grouped.agg(
        customers=("recency_days", "size"),
        recency_days_mean=("recency_days", "mean"),
        frequency_mean=("frequency", "mean"),
        monetary_mean=("monetary", "mean"),
        monetary_sum=("monetary", "sum"),
    ).reset_index()
    total = float(profiles["monetary_sum"].sum())
    profiles["algorithm"] = pd.array([algorithm] * len(profiles), dtype="str")
    profiles["segment_name"] = pd.array([names[number] for number in profiles["cluster_id"]], dtype="str")
    profiles["customers_pct"] = 100.0 * profiles["customers"] / len(table)
    profiles["monetary_pct"] = 100.0 * profiles["monetary_sum"] / total if total > 0 else float("nan")
    return profiles[
        [
            "algorithm",
            "cluster_id",
            "segment_name",
            "customers",
            "customers_pct",
            "recency_days_mean",
            "frequency_mean",
            "monetary_mean",
            "monetary_sum",
            "monetary_pct",
        ]
    ]


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
    block = max(1, _BLOCK_DISTANCES // n)
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


def _numbers_to_try(
    points: FloatArray, *, k: int | Literal["auto"], k_min: int, k_max: int, warnings: list[str]
) -> list[int]:
    """List the ks that the customers allow: never more clusters than different customers."""
    wanted = list(range(k_min, k_max + 1))
    if k != "auto":
        wanted = sorted({*wanted, k})
    # Counting distinct rows sorts them; it only matters where customers are few or alike.
    different = len(np.unique(points[:100_000], axis=0))
    if different < wanted[-1] and len(points) > 100_000:
        different = len(np.unique(points, axis=0))
    allowed = [number for number in wanted if number <= different]
    smallest_wanted = k_min if k == "auto" else k
    if smallest_wanted > different:
        warnings.append(
            f"{smallest_wanted} segments were asked for, but the {len(points)} customers differ in only {different} "
            f"ways by recency, frequency and money: {different} made."
        )
        allowed = sorted({*allowed, different})
    return allowed


def _settle_k(
    evidence: pd.DataFrame, *, k: int | Literal["auto"], tried: list[int], warnings: list[str]
) -> tuple[int, list[str]]:
    if k == "auto":
        chosen, reasons = choose_k(evidence)
        share = float(evidence.loc[evidence["k"] == chosen, "smallest_share"].iloc[0])
        if share < MIN_CLUSTER_SHARE:
            warnings.append(
                f"The smallest segment holds only {share:.2%} of customers, whatever the number of segments: a few "
                "customers are far from all others. The scaler log_standard or outliers = iqr_exclude helps."
            )
        return chosen, reasons
    chosen = k if k in tried else tried[-1]
    told = f"chosen: fixed by setting k = {k}"
    if chosen != k:
        told += ", lowered to the number of different customers"
    return chosen, [told if number == chosen else "evidence only: k is fixed by setting" for number in tried]


def _fit_kmeans(points: FloatArray, k: int, *, random_state: int, warnings: list[str]) -> _Fit:
    from sklearn.cluster import KMeans

    if len(points) <= RESTARTS_SAMPLE_CUSTOMERS:
        fit = KMeans(n_clusters=k, n_init=RESTARTS, random_state=random_state).fit(points)
    else:
        sample = _sample_rows(len(points), RESTARTS_SAMPLE_CUSTOMERS, random_state)
        start = KMeans(n_clusters=k, n_init=RESTARTS, random_state=random_state).fit(points[sample]).cluster_centers_
        fit = KMeans(n_clusters=k, init=start, n_init=1, random_state=random_state).fit(points)
        told = f"The starts of k-means ran on a sample of {RESTARTS_SAMPLE_CUSTOMERS} of {len(points)} customers."
        if told not in warnings:
            warnings.append(told)
    return _Fit(
        centroids=np.asarray(fit.cluster_centers_, dtype=np.float64),
        labels=np.asarray(fit.labels_, dtype=np.int64),
        inertia=float(fit.inertia_),
    )


def _measure_silhouettes(
    points: FloatArray, fits: Sequence[_Fit], *, random_state: int, warnings: list[str]
) -> FloatArray:
    if len(points) <= SILHOUETTE_SAMPLE_CUSTOMERS:
        return measure_silhouettes(points, [fit.labels for fit in fits])
    sample = _sample_rows(len(points), SILHOUETTE_SAMPLE_CUSTOMERS, random_state)
    warnings.append(
        f"Silhouettes were measured on a sample of {SILHOUETTE_SAMPLE_CUSTOMERS} of {len(points)} customers."
    )
    return measure_silhouettes(points[sample], [fit.labels[sample] for fit in fits])


def _sample_rows(n: int, size: int, random_state: int) -> IntArray:
    return np.sort(np.random.default_rng(random_state).choice(n, size=size, replace=False))


def _place_clusters(values: FloatArray, labels: IntArray, columns: Sequence[str]) -> FloatArray:
    """Recency and value of each cluster relative to all customers, in the units of :class:`Archetype`.

    Logarithms whatever scaler the clustering used: on plain money one customer's millions
    would make everybody else look alike.
    """
    relative = fit_scaler(values, "log_standard", columns).transform(values)
    at = {name: position for position, name in enumerate(columns)}
    recency = relative[:, at["recency_days"]]
    value = (relative[:, at["frequency"]] + relative[:, at["monetary"]]) / 2
    sizes = np.bincount(labels)
    return np.column_stack([np.bincount(labels, weights=of) / sizes for of in (recency, value)])


def _smallest_share(fit: _Fit) -> float:
    return float(np.bincount(fit.labels, minlength=len(fit.centroids)).min() / len(fit.labels))


def _nearest(points: FloatArray, centroids: FloatArray) -> tuple[IntArray, FloatArray]:
    from scipy.spatial.distance import cdist

    labels = np.empty(len(points), dtype=np.int64)
    distances = np.empty(len(points))
    block = max(1, _BLOCK_DISTANCES // len(centroids))
    for low in range(0, len(points), block):
        between = cdist(points[low : low + block], centroids)
        labels[low : low + block] = between.argmin(axis=1)
        distances[low : low + block] = between.min(axis=1)
    return labels, distances


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"k = {number}" for number in numbers)
