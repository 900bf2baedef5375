"""Customer segments: three clusterings on the same features, how many, what each is called.

Belongs here: the whole of one segmentation, from the RFM table to the tables of schema
``ml``. Does not belong here: its parts. Features and scaling are in :mod:`ml.features`,
fits in :mod:`ml.clustering`, evidence in :mod:`ml.cluster_evidence`, the number of segments
in :mod:`ml.cluster_selection`, names in :mod:`ml.segment_names`, labelling in
:mod:`ml.segment_model`, tables in :mod:`ml.segment_tables`, the record of the fit in
:mod:`ml.segment_runs`, the comparison with the fit before in :mod:`ml.segment_memory`. Nor
the rule-based RFM segments, which are SQL.

Two rules hold throughout. The result is a function of the customers and the settings:
rows are sorted first and the arithmetic runs on one thread, because sums that threads
finish in another order differ in their last bits. And a segment's id and name are a
function of the fitted model and its members, never of the order in which a library numbered
its clusters.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from ml.cluster_evidence import (
    RESAMPLES,
    Stability,
    measure_agreement,
    measure_customer_stability,
    measure_fits,
    measure_stability,
)
from ml.cluster_selection import Choices, numbers_to_try, settle
from ml.clustering import ALGORITHMS, Algorithm, Fit, WardTree, fit_kmeans, fit_mixture
from ml.features import BoolArray, FeatureMatrix, FloatArray, build_feature_matrix, find_iqr_outliers, fit_scaler
from ml.runs import describe_run
from ml.segment_memory import Changes, match_to_previous
from ml.segment_model import Clusters, SegmentModel
from ml.segment_names import name_segments, number_segments, place_clusters
from ml.segment_runs import PARAMETERS, Told, fit_figures, json_number, tell_samples
from ml.segment_tables import customers_table, profile_segments

MODEL = "customer_segments"


@dataclass(frozen=True)
class Segmentation:
    """What one segmentation brings into schema ``ml``; each frame is one table, in its final order.

    Attributes
    ----------
    customer_segments
        Per customer: label and name by each algorithm, ``mixture_probability``; by k-means
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


@dataclass(frozen=True)
class FitBefore:
    """What is compared with: the fit that was published before.

    Attributes
    ----------
    centroids
        Its ``ml.segment_centroids``.
    data_version
        The version of the data that it saw, if that is known.
    """

    centroids: pd.DataFrame
    data_version: str | None = None


def segment_customers(
    rfm: pd.DataFrame,
    choices: Choices | None = None,
    *,
    extra: pd.DataFrame | None = None,
    claims: pd.DataFrame | None = None,
    data_version: str = "",
    before: FitBefore | None = None,
) -> Segmentation:
    """Divide customers into segments by recency, frequency and money, in three ways.

    k-means, agglomerative clustering and a Gaussian mixture. Each k
    from ``k_min`` to ``k_max`` is fitted and kept as evidence, even where ``k`` is fixed;
    :func:`ml.cluster_choice.choose_k` documents how ``auto`` chooses, for each algorithm
    on its own evidence.

    Parameters
    ----------
    rfm : DataFrame, one row per identified customer, in any order
        ``customer_id``; ``recency_days`` (days, lower is more recent); ``frequency``
        (count); ``monetary`` (shop's currency, may be zero or negative).
    choices
        How many segments, and how they are made; by default the defaults.
    extra : DataFrame or None
        ``customer_id`` and further features, such as category shares in percent or a
        home-country flag as 0 or 1; together they weigh as much as one of the three. Ids
        depend on recency, frequency and money alone.
    claims : DataFrame or None
        ``customer_id`` and a boolean column for each name that a segment may be given:
        whether what the name says is true of the customer. Without it every segment is a
        "Group" with its id. See :func:`ml.segment_names.name_segments`.
    data_version
        Copied to ``model_runs``.
    before
        The fit before, if there was one; only ``model_runs`` depends on it.

    Raises
    ------
    ValueError
        If there is no customer, a customer repeats, or a feature or a customer's claims are missing.
    """
    # Loaded before the threads are limited: a limit reaches only the libraries that are there.
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    choices = choices or Choices()
    features = build_feature_matrix(rfm, extra=extra)
    is_excluded = np.zeros(len(features.unscaled), dtype=np.bool_)
    if choices.outliers == "iqr_exclude":
        rfm_only = features.unscaled[:, : len(features.columns) - len(features.extra_columns)]
        is_excluded = find_iqr_outliers(rfm_only, choices.scaler)

    fitted_values = features.unscaled[~is_excluded]
    fitted_scaler = fit_scaler(fitted_values, choices.scaler, features.columns, extra_columns=features.extra_columns)
    points = fitted_scaler.transform(fitted_values)
    held, names = _align_claims(claims, features)

    told: dict[Algorithm, Told] = {algorithm: Told() for algorithm in ALGORITHMS}
    with threadpool_limits(limits=1):
        tried = numbers_to_try(points, choices, told["kmeans"])
        tree = WardTree(points, random_state=choices.random_state)
        fits = _fit_all(points, tried, tree, random_state=choices.random_state)
        stability = measure_stability(points, fits, random_state=choices.random_state)
        evidence = measure_fits(points, fits, random_state=choices.random_state).merge(
            stability.by_fit, on=["algorithm", "k"], validate="one_to_one"
        )
        selection = settle(evidence, choices.k, told)
        kept = selection[selection["is_chosen"]]
        chosen = dict(zip(kept["algorithm"].tolist(), kept["k"].tolist(), strict=True))
        clusters: dict[Algorithm, Clusters] = {}
        for fit in fits:
            if chosen[fit.algorithm] == fit.k:
                places = place_clusters(
                    fitted_values, fit.label(points), features.columns, fitted_scaler.inverse(fit.centroids)
                )
                # of everyone who will be labelled so, the excluded too: of them the name is to be true
                members = fit.label(fitted_scaler.transform(features.unscaled))
                named = name_segments(number_segments(places), held, names, members)
                clusters[fit.algorithm] = Clusters.named(fit, named)
        model = SegmentModel(scaler=fitted_scaler, clusters=clusters)
        labels = {algorithm: model.assign(features.unscaled, algorithm) for algorithm in ALGORITHMS}
        customer_stability = _stability_of_customers(model, features, stability)
        tree_agreement = _agreement_with_tree(tree, model)

    customers = customers_table(features, labels, customer_stability, is_excluded)
    tell_samples(told, len(points))
    for algorithm in ALGORITHMS:
        if not clusters[algorithm].fit.has_converged:
            told[algorithm].warnings.append("The mixture did not converge; its segments may move at the next fit.")
    centroids = model.centroids_table()
    changes: dict[Algorithm, Changes | None] = {
        algorithm: None if before is None else match_to_previous(centroids, before.centroids, fitted_scaler, algorithm)
        for algorithm in ALGORITHMS
    }
    parameters = {**asdict(choices), "features": list(features.columns), "resamples": RESAMPLES}
    runs = []
    for algorithm in ALGORITHMS:
        row = selection[(selection["algorithm"] == algorithm) & selection["is_chosen"]].iloc[0]
        change = changes[algorithm]
        figures = {
            **fit_figures(row, clusters[algorithm], fitted_scaler),
            "customers": len(features.unscaled),
            "customers_excluded_from_fit": int(is_excluded.sum()),
            "notes": told[algorithm].notes,
        }
        if algorithm == "hierarchical":
            figures["agreement_with_tree"] = json_number(tree_agreement)
        runs.append(
            describe_run(
                MODEL,
                algorithm,
                data_version=data_version,
                parameters={**parameters, **PARAMETERS[algorithm]},
                figures=figures,
                warnings=told[algorithm].warnings,
                previous_data_version=before.data_version if before and change else None,
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


def _fit_all(points: FloatArray, tried: list[int], tree: WardTree, *, random_state: int) -> list[Fit]:
    """Every algorithm for every k, by algorithm and k."""
    by_kmeans = [fit_kmeans(points, number, random_state=random_state) for number in tried]
    by_tree = [tree.cut(min(number, len(tree.points))) for number in tried]
    by_mixture = [fit_mixture(points, start, random_state=random_state) for start in by_kmeans]
    return [*by_kmeans, *by_tree, *by_mixture]


def _align_claims(claims: pd.DataFrame | None, features: FeatureMatrix) -> tuple[BoolArray, list[str]]:
    """Claims in the order of the features' customers, and the names that make them."""
    if claims is None:
        return np.zeros((len(features.unscaled), 0), dtype=np.bool_), []
    table = claims.set_index("customer_id").reindex(features.customer_ids)
    if table.isna().to_numpy().any():
        raise ValueError("every customer needs to be told of each claim whether it is true of him or her")
    return table.to_numpy(dtype=np.bool_), [str(name) for name in table.columns]


def _stability_of_customers(model: SegmentModel, features: FeatureMatrix, stability: Stability) -> FloatArray:
    centroids = model.centroids
    points = model.scaler.transform(features.unscaled)
    return measure_customer_stability(points, centroids, stability.kmeans_centroids[len(centroids)])


def _agreement_with_tree(tree: WardTree, model: SegmentModel) -> float:
    """How far the nearest centroid says the same as the branch that a customer hangs on."""
    fit = model.clusters["hierarchical"].fit
    return measure_agreement(tree.cut_labels(fit.k), fit.label(tree.points))
