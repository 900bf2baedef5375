"""The tables of a segmentation that people read: one row per customer, one per segment.

Belongs here: labels and profiles as tables. Does not belong here: the tables that are the
model (:mod:`ml.segment_model`), the evidence (:mod:`ml.cluster_selection`), the record of
the fit (:mod:`ml.segment_runs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ml.clustering import ALGORITHMS, Algorithm
from ml.features import BoolArray, FeatureMatrix, FloatArray
from ml.segment_model import Assignment, Clusters


def customers_table(
    features: FeatureMatrix, labels: Mapping[Algorithm, Assignment], stability: FloatArray, is_excluded: BoolArray
) -> pd.DataFrame:
    """One row per customer, as :class:`ml.segments.Segmentation` describes it."""
    table: dict[str, Any] = {"customer_id": pd.array(features.customer_ids, dtype="str")}
    for algorithm in ALGORITHMS:
        table[f"{algorithm}_label"] = labels[algorithm].cluster_ids.astype(np.int32)
        table[f"{algorithm}_segment"] = pd.array(labels[algorithm].segment_names, dtype="str")
    table["mixture_probability"] = labels["mixture"].probabilities
    # once more under the names that others read
    table["cluster_id"] = table["kmeans_label"]
    table["segment_name"] = table["kmeans_segment"]
    table["distance"] = labels["kmeans"].distances
    table["stability"] = stability
    table["has_positive_monetary"] = features.unscaled[:, features.columns.index("monetary")] > 0
    table["is_outlier_excluded"] = is_excluded
    return pd.DataFrame(table)


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
