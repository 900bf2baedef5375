"""What is recorded of a segmentation: parameters, figures, doubts, and what changed since the fit before.

Belongs here: the rows of ``model_runs`` for segments. Does not belong here: their shape
(:mod:`ml.runs`) and the comparison with the fit before (:mod:`ml.segment_memory`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ml import cluster_evidence, clustering
from ml.clustering import ALGORITHMS, MIXTURE_LEAST_VARIANCE, RESTARTS, Algorithm
from ml.features import Scaler
from ml.segment_model import Clusters

PARAMETERS: dict[Algorithm, dict[str, Any]] = {
    "kmeans": {"restarts": RESTARTS},
    "hierarchical": {"linkage": "ward"},
    "mixture": {"covariance": "full", "least_variance": MIXTURE_LEAST_VARIANCE},
}
"""What each algorithm was asked for besides the choices."""


class Told:
    """What is said of one algorithm's fit: doubts, and how it was made."""

    def __init__(self) -> None:
        """Nothing is said yet."""
        self.warnings: list[str] = []
        self.notes: list[str] = []


def tell_samples(told: Mapping[Algorithm, Told], n: int) -> None:
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


def fit_figures(row: pd.Series, clusters: Clusters, scaler: Scaler) -> dict[str, Any]:
    """What the fit found, ready for JSON."""
    figures: dict[str, Any] = {
        name: json_number(row[name])
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


def json_number(value: Any) -> float | None:
    """Give a number as JSON has it: none for what is not a number."""
    return None if value is None or math.isnan(float(value)) else float(value)
