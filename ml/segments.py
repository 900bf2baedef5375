"""Customer segments: three clusterings on the same features, how many, what each is called.

Belongs here: the whole of one segmentation, from the RFM table to the tables of schema
``ml``. Does not belong here: its parts. Features and scaling are in :mod:`ml.features`,
fits in :mod:`ml.clustering`, evidence in :mod:`ml.cluster_evidence`, the rule for the
number of segments in :mod:`ml.cluster_choice`, names in :mod:`ml.segment_names`,
labelling in :mod:`ml.segment_model`, the comparison with the fit before in
:mod:`ml.segment_memory`. Nor the rule-based RFM segments, which are SQL.

Two rules hold throughout. The result is a function of the customers and the settings:
rows are sorted first and the arithmetic runs on one thread, because sums that threads
finish in another order differ in their last bits. And a segment's id and name are a
function of the fitted model, never of the order in which a library numbered its clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ml import cluster_evidence, clustering
from ml.cluster_choice import MIN_CLUSTER_SHARE, choose_k, measure_elbow
from ml.cluster_evidence import (
    RESAMPLES,
    Stability,
    measure_agreement,
    measure_customer_stability,
    measure_fits,
    measure_stability,
)
from ml.clustering import (
    ALGORITHMS,
    MIXTURE_LEAST_VARIANCE,
    RESTARTS,
    Algorithm,
    Fit,
    WardTree,
    count_different,
    fit_kmeans,
    fit_mixture,
)
from ml.features import (
    BoolArray,
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
from ml.segment_memory import Changes, match_to_previous
from ml.segment_model import Assignment, Clusters, SegmentModel
from ml.segment_names import name_segments, place_clusters

MODEL = "customer_segments"


@dataclass(frozen=True)
class Segmentation:
    """What one segmentation brings into schema ``ml``; each frame is one table, in its final order.

    Attributes
    ----------
    customer_segments
        Per customer: label and name by each algorithm, ``mixture_probability``; those of
        the algorithm in force (k-means) again as ``cluster_id, segment_name`` with
        ``distance`` (Euclidean, scaled units) and ``stability`` (0 to 1);
        ``has_positive_monetary, is_outlier_excluded``.
    cluster_selection
        Per algorithm and k: what was measured, see :mod:`ml.cluster_evidence`, and
        ``is_elbow, is_chosen, reason``.
    segment_profiles
        Per algorithm and segment: sizes, means, medians and money of everyone labelled
        so, excluded outliers too; ``_pct`` from 0 to 100.
    segment_scaler, segment_centroids, mixture_covariances
        The model as tables, see :class:`ml.segment_model.SegmentModel`.
    model_runs
        One row per algorithm, see :func:`ml.runs.describe_run`.
    model
        Labels customers who are not here yet.
    """

    customer_segments: pd.DataFrame
    cluster_selection: pd.DataFrame
    segment_profiles: pd.DataFrame
    segment_scaler: pd.DataFrame
    segment_centroids: pd.DataFrame
    mixture_covariances: pd.DataFrame
    model_runs: pd.DataFrame
    model: SegmentModel


def segment_customers(
    rfm: pd.DataFrame,
    *,
    extra: pd.DataFrame | None = None,
    k: int | Literal["auto"] = "auto",
    k_min: int = 2,
    k_max: int = 8,
    scaler: ScalerMethod = "log_standard",
    outliers: OutlierRule = "keep",
    random_state: int = 42,
    data_version: str = "",
    previous_centroids: pd.DataFrame | None = None,
    previous_data_version: str | None = None,
) -> Segmentation:
    """Divide customers into segments by recency, frequency and money, in three ways.

    k-means, which is in force, agglomerative clustering and a Gaussian mixture. Each k
    from ``k_min`` to ``k_max`` is fitted and kept as evidence, even where ``k`` is fixed;
    :func:`ml.cluster_choice.choose_k` documents how ``auto`` chooses, for each algorithm
    on its own evidence.

    Parameters
    ----------
    rfm : DataFrame, one row per identified customer, in any order
        ``customer_id``; ``recency_days`` (days, lower is more recent); ``frequency``
        (count); ``monetary`` (shop's currency, may be zero or negative).
    extra : DataFrame or None
        ``customer_id`` and further features, such as category shares in percent or a
        home-country flag as 0 or 1; together they weigh as much as one of the three.
        Names depend on recency, frequency and money alone.
    k
        Number of segments of every algorithm, or ``auto``. With fewer different customers
        than that, as many as there are, and ``model_runs`` warns.
    outliers
        ``iqr_exclude`` fits scaler and clusters without the customers beyond the fences
        of :func:`ml.features.find_iqr_outliers` in recency, frequency or money; they are
        labelled all the same, and marked.
    random_state
        Seed of the starts, of the resamples, and of the samples that large inputs need.
    data_version
        Copied to ``model_runs``.
    previous_centroids, previous_data_version
        ``ml.segment_centroids`` of the fit before and the version of the data it saw;
        only ``model_runs`` depends on them.

    Raises
    ------
    ValueError
        If there is no customer, a customer repeats or a feature is missing, or if
        ``k`` or the range of k makes no sense.
    """
    # Loaded before the threads are limited: a limit reaches only the libraries that are there.
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if k != "auto" and k < 1:
        raise ValueError(f"k is {k}; a customer needs at least one segment to be in")
    if not 2 <= k_min <= k_max:
        raise ValueError(f"k_min {k_min} and k_max {k_max}: expected 2 <= k_min <= k_max")

    features = build_feature_matrix(rfm, extra=extra)
    is_excluded = np.zeros(len(features.unscaled), dtype=np.bool_)
    if outliers == "iqr_exclude":
        rfm_only = features.unscaled[:, : len(features.columns) - len(features.extra_columns)]
        is_excluded = find_iqr_outliers(rfm_only, scaler)
    elif outliers != "keep":
        raise ValueError(f"unknown outlier rule {outliers!r}; known are keep, iqr_exclude")

    fitted_values = features.unscaled[~is_excluded]
    fitted_scaler = fit_scaler(fitted_values, scaler, features.columns, extra_columns=features.extra_columns)
    points = fitted_scaler.transform(fitted_values)

    told: dict[Algorithm, _Told] = {algorithm: _Told() for algorithm in ALGORITHMS}
    with threadpool_limits(limits=1):
        tried = _numbers_to_try(points, k=k, k_min=k_min, k_max=k_max, told=told["kmeans"])
        tree = WardTree(points, random_state=random_state)
        fits = _fit_all(points, tried, tree, random_state=random_state)
        stability = measure_stability(points, fits, random_state=random_state)
        evidence = measure_fits(points, fits, random_state=random_state).merge(
            stability.by_fit, on=["algorithm", "k"], validate="one_to_one"
        )
        selection = _settle(evidence, k=k, told=told)
        kept = selection[selection["is_chosen"]]
        chosen = dict(zip(kept["algorithm"].tolist(), kept["k"].tolist(), strict=True))
        clusters: dict[Algorithm, Clusters] = {}
        for fit in fits:
            if chosen[fit.algorithm] == fit.k:
                places = place_clusters(
                    fitted_values, fit.label(points), features.columns, fitted_scaler.inverse(fit.centroids)
                )
                clusters[fit.algorithm] = Clusters.named(fit, name_segments(places))
        model = SegmentModel(scaler=fitted_scaler, clusters=clusters)
        labels = {algorithm: model.assign(features.unscaled, algorithm) for algorithm in ALGORITHMS}
        customer_stability = _stability_of_customers(model, features, stability)
        tree_agreement = _agreement_with_tree(tree, model)

    customers = _customers_table(features, labels, customer_stability, is_excluded)
    _tell_samples(told, len(points))
    for algorithm in ALGORITHMS:
        if not clusters[algorithm].fit.has_converged:
            told[algorithm].warnings.append("The mixture did not converge; its segments may move at the next fit.")
    centroids = model.centroids_table()
    changes: dict[Algorithm, Changes | None] = {
        algorithm: None
        if previous_centroids is None
        else match_to_previous(centroids, previous_centroids, fitted_scaler, algorithm)
        for algorithm in ALGORITHMS
    }
    parameters = {
        "k": k,
        "k_min": k_min,
        "k_max": k_max,
        "scaler": scaler,
        "outliers": outliers,
        "random_state": random_state,
        "features": list(features.columns),
        "resamples": RESAMPLES,
    }
    runs = []
    for algorithm in ALGORITHMS:
        row = selection[(selection["algorithm"] == algorithm) & selection["is_chosen"]].iloc[0]
        change = changes[algorithm]
        figures = {
            **_figures(row, clusters[algorithm], fitted_scaler),
            "customers": len(features.unscaled),
            "customers_excluded_from_fit": int(is_excluded.sum()),
            "notes": told[algorithm].notes,
        }
        if algorithm == "hierarchical":
            figures["agreement_with_tree"] = _json_number(tree_agreement)
        runs.append(
            describe_run(
                MODEL,
                algorithm,
                data_version=data_version,
                parameters={**parameters, **_PARAMETERS[algorithm]},
                figures=figures,
                warnings=told[algorithm].warnings,
                previous_data_version=previous_data_version if change else None,
                changes=change.figures if change else None,
                change_notes=change.notes if change else (),
            )
        )
    return Segmentation(
        customer_segments=customers,
        cluster_selection=selection,
        segment_profiles=pd.concat(
            [
                profile_segments(
                    features,
                    labels[algorithm],
                    clusters[algorithm],
                    stability=customer_stability if algorithm == "kmeans" else None,
                )
                for algorithm in ALGORITHMS
            ],
            ignore_index=True,
        ),
        segment_scaler=fitted_scaler.as_table(),
        segment_centroids=centroids,
        mixture_covariances=model.covariances_table(),
        model_runs=pd.concat(runs, ignore_index=True),
        model=model,
    )


def profile_segments(
    features: FeatureMatrix, labels: Assignment, clusters: Clusters, *, stability: FloatArray | None = None
) -> pd.DataFrame:
    """Size, means, medians and money of each segment, in each feature's own unit.

    Parameters
    ----------
    features
        Unscaled; ``recency_days``, ``frequency`` and ``monetary`` are looked at.
    labels
        The customers' labels by ``clusters``.
    stability : float array, shape (n,), or None
        Of each customer, 0 to 1; None for algorithms that it was not measured for.

    Returns
    -------
    DataFrame, one row per segment that has a customer, by cluster id
        ``monetary_pct`` is the share of the sum of all segments' money; null where
        that sum is not positive, when a share has no meaning.
    """
    table = pd.DataFrame(features.unscaled, columns=list(features.columns)).assign(
        cluster_id=labels.cluster_ids.astype(np.int32),
        stability=np.full(len(labels.rows), np.nan) if stability is None else stability,
    )
    profiles = (
        table.groupby("cluster_id", sort=True)
        .agg(
            customers=("recency_days", "size"),
            recency_days_mean=("recency_days", "mean"),
            recency_days_median=("recency_days", "median"),
            frequency_mean=("frequency", "mean"),
            frequency_median=("frequency", "median"),
            monetary_mean=("monetary", "mean"),
            monetary_median=("monetary", "median"),
            monetary_sum=("monetary", "sum"),
            stability_mean=("stability", "mean"),
        )
        .reset_index()
    )
    names = {name.cluster_id: name for name in clusters.names}
    total = float(profiles["monetary_sum"].sum())
    profiles["algorithm"] = pd.array([clusters.fit.algorithm] * len(profiles), dtype="str")
    profiles["segment_name"] = pd.array([names[number].name for number in profiles["cluster_id"]], dtype="str")
    profiles["segment_kind"] = pd.array([names[number].kind for number in profiles["cluster_id"]], dtype="str")
    profiles["customers_pct"] = 100.0 * profiles["customers"] / len(table)
    profiles["monetary_pct"] = 100.0 * profiles["monetary_sum"] / total if total > 0 else float("nan")
    return profiles[
        [
            "algorithm",
            "cluster_id",
            "segment_name",
            "segment_kind",
            "customers",
            "customers_pct",
            "recency_days_mean",
            "recency_days_median",
            "frequency_mean",
            "frequency_median",
            "monetary_mean",
            "monetary_median",
            "monetary_sum",
            "monetary_pct",
            "stability_mean",
        ]
    ]


_PARAMETERS: dict[Algorithm, dict[str, Any]] = {
    "kmeans": {"restarts": RESTARTS},
    "hierarchical": {"linkage": "ward"},
    "mixture": {"covariance": "full", "least_variance": MIXTURE_LEAST_VARIANCE},
}


class _Told:
    """What is said of one algorithm's fit: doubts, and how it was made."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []


def _numbers_to_try(points: FloatArray, *, k: int | Literal["auto"], k_min: int, k_max: int, told: _Told) -> list[int]:
    """List the ks that the customers allow: never more clusters than different customers."""
    wanted = list(range(k_min, k_max + 1))
    if k != "auto":
        wanted = sorted({*wanted, k})
    different = count_different(points, enough=wanted[-1])
    allowed = [number for number in wanted if number <= different]
    smallest_wanted = k_min if k == "auto" else k
    if smallest_wanted > different:
        told.warnings.append(
            f"{smallest_wanted} segments were asked for, but the {len(points)} customers differ in only {different} "
            f"ways by what they are segmented on: {different} made."
        )
        allowed = sorted({*allowed, different})
    return allowed


def _fit_all(points: FloatArray, tried: list[int], tree: WardTree, *, random_state: int) -> list[Fit]:
    """Every algorithm for every k, by algorithm and k."""
    by_kmeans = [fit_kmeans(points, number, random_state=random_state) for number in tried]
    by_tree = [tree.cut(min(number, len(tree.points))) for number in tried]
    by_mixture = [fit_mixture(points, start, random_state=random_state) for start in by_kmeans]
    return [*by_kmeans, *by_tree, *by_mixture]


def _settle(evidence: pd.DataFrame, *, k: int | Literal["auto"], told: dict[Algorithm, _Told]) -> pd.DataFrame:
    """The table ``cluster_selection``: the evidence with elbow, choice and reasons."""
    parts = []
    for algorithm in ALGORITHMS:
        rows = evidence[evidence["algorithm"] == algorithm].sort_values("k").reset_index(drop=True)
        tried = [int(number) for number in rows["k"]]
        # a few customers can be too alike when resampled; then the one fit has to do
        is_resampled = not rows[["resample_silhouette", "resample_inertia"]].isna().to_numpy().any()
        bend = measure_elbow(tried, rows["resample_inertia" if is_resampled else "inertia"].tolist())
        if k == "auto":
            read = rows["resample_silhouette" if is_resampled else "silhouette"]
            chosen, reasons = choose_k(rows[["k", "smallest_share"]].assign(silhouette=read, elbow_distance=bend))
            share = float(rows.loc[rows["k"] == chosen, "smallest_share"].iloc[0])
            if share < MIN_CLUSTER_SHARE:
                told[algorithm].warnings.append(
                    f"The smallest segment holds only {share:.2%} of customers, whatever the number of segments: a few "
                    "customers are far from all others. The scaler log_standard or outliers = iqr_exclude helps."
                )
        else:
            chosen = k if k in tried else tried[-1]
            reason = f"chosen: fixed by setting k = {k}"
            if chosen != k:
                reason += ", lowered to the number of different customers"
            reasons = [reason if number == chosen else "evidence only: k is fixed by setting" for number in tried]
        elbow = None if np.isnan(bend).any() else tried[int(bend.argmax())]
        parts.append(
            pd.DataFrame(
                {
                    "algorithm": pd.array([algorithm] * len(rows), dtype="str"),
                    "k": pd.array(tried, dtype="int32"),
                    "silhouette": rows["silhouette"],
                    "resample_silhouette": rows["resample_silhouette"],
                    "inertia": rows["inertia"],
                    "elbow_distance": bend,
                    "is_elbow": [number == elbow for number in tried],
                    "davies_bouldin": rows["davies_bouldin"],
                    "calinski_harabasz": rows["calinski_harabasz"],
                    "smallest_share_pct": 100.0 * rows["smallest_share"],
                    "seed_stability": rows["seed_stability"],
                    "bootstrap_stability": rows["bootstrap_stability"],
                    "bic": rows["bic"],
                    "is_chosen": [number == chosen for number in tried],
                    "reason": pd.array(reasons, dtype="str"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _stability_of_customers(model: SegmentModel, features: FeatureMatrix, stability: Stability) -> FloatArray:
    centroids = model.centroids
    points = model.scaler.transform(features.unscaled)
    return measure_customer_stability(points, centroids, stability.kmeans_centroids[len(centroids)])


def _agreement_with_tree(tree: WardTree, model: SegmentModel) -> float:
    """How far the nearest centroid says the same as the branch that a customer hangs on."""
    fit = model.clusters["hierarchical"].fit
    return measure_agreement(tree.cut_labels(fit.k), fit.label(tree.points))


def _customers_table(
    features: FeatureMatrix, labels: dict[Algorithm, Assignment], stability: FloatArray, is_excluded: BoolArray
) -> pd.DataFrame:
    table: dict[str, Any] = {"customer_id": pd.array(features.customer_ids, dtype="str")}
    for algorithm in ALGORITHMS:
        table[f"{algorithm}_label"] = labels[algorithm].cluster_ids.astype(np.int32)
        table[f"{algorithm}_segment"] = pd.array(labels[algorithm].segment_names, dtype="str")
    table["mixture_probability"] = labels["mixture"].probabilities
    table["cluster_id"] = table["kmeans_label"]
    table["segment_name"] = table["kmeans_segment"]
    table["distance"] = labels["kmeans"].distances
    table["stability"] = stability
    table["has_positive_monetary"] = features.unscaled[:, features.columns.index("monetary")] > 0
    table["is_outlier_excluded"] = is_excluded
    return pd.DataFrame(table)


def _tell_samples(told: dict[Algorithm, _Told], n: int) -> None:
    """Say what was done on a sample: a note, not a warning, because nothing is doubtful about it."""
    if n > clustering.RESTARTS_SAMPLE_CUSTOMERS:
        told["kmeans"].notes.append(
            f"The starts of k-means ran on a sample of {clustering.RESTARTS_SAMPLE_CUSTOMERS} of {n} customers."
        )
    if n > clustering.HIERARCHY_SAMPLE_CUSTOMERS:
        told["hierarchical"].notes.append(
            f"The tree was grown on a sample of {clustering.HIERARCHY_SAMPLE_CUSTOMERS} of {n} customers; "
            "everyone else is with the nearest centroid."
        )
    if n > clustering.MIXTURE_SAMPLE_CUSTOMERS:
        told["mixture"].notes.append(
            f"The mixture was fitted on a sample of {clustering.MIXTURE_SAMPLE_CUSTOMERS} of {n} customers."
        )
    for algorithm in ALGORITHMS:
        if n > cluster_evidence.INDEX_SAMPLE_CUSTOMERS:
            told[algorithm].notes.append(
                "Silhouettes and indices were measured on a sample of "
                f"{cluster_evidence.INDEX_SAMPLE_CUSTOMERS} of {n} customers."
            )
        if n > cluster_evidence.RESAMPLE_CUSTOMERS:
            told[algorithm].notes.append(f"Resamples are of {cluster_evidence.RESAMPLE_CUSTOMERS} of {n} customers.")


def _figures(row: pd.Series, clusters: Clusters, scaler: Scaler) -> dict[str, Any]:
    """What the fit found, ready for JSON."""
    figures: dict[str, Any] = {
        name: _json_number(row[name])
        for name in (
            "silhouette",
            "resample_silhouette",
            "inertia",
            "davies_bouldin",
            "calinski_harabasz",
            "smallest_share_pct",
            "seed_stability",
            "bootstrap_stability",
            "bic",
        )
    }
    return {
        **figures,
        "k": int(row["k"]),
        "scaler": scaler.as_dict(),
        "centroids": clusters.fit.centroids.tolist(),
        "cluster_ids": [name.cluster_id for name in clusters.names],
        "segment_names": [name.name for name in clusters.names],
    }


def _json_number(value: Any) -> float | None:
    return None if value is None or math.isnan(float(value)) else float(value)
