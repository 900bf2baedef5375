"""A fitted segmentation as plain tables: made from a fit, read back, and used to label anyone.

Belongs here: ``segment_scaler``, ``segment_centroids`` and ``mixture_covariances``, and
labelling with them. Does not belong here: fitting; nothing here learns from data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.clustering import ALGORITHMS, Algorithm, Fit, IntArray, most_probable_components, nearest_centroids
from ml.features import FloatArray, Scaler
from ml.segment_names import SegmentName


@dataclass(frozen=True)
class Clusters:
    """One algorithm's clusters with their names; row numbers are the same everywhere, by ascending id.

    Attributes
    ----------
    fit
        Scaled centroids, weights and, for the mixture, covariances.
    names
        Id and name of each cluster.
    """

    fit: Fit
    names: tuple[SegmentName, ...]

    @classmethod
    def named(cls, fit: Fit, names: list[SegmentName]) -> Clusters:
        """Bring a fit's clusters, in any order, into the order of their ids."""
        order = sorted(range(fit.k), key=lambda row: names[row].cluster_id)
        ordered = Fit(
            algorithm=fit.algorithm,
            centroids=fit.centroids[order],
            weights=fit.weights[order],
            covariances=None if fit.covariances is None else fit.covariances[order],
            bic=fit.bic,
            has_converged=fit.has_converged,
        )
        return cls(fit=ordered, names=tuple(names[row] for row in order))


@dataclass(frozen=True)
class Assignment:
    """Labels of customers by one algorithm.

    Attributes
    ----------
    rows : int array, shape (n,)
        Row of the cluster in :class:`Clusters`.
    cluster_ids : int array, shape (n,)
    segment_names : array of str, shape (n,)
    distances : float array, shape (n,)
        Euclidean distance to the cluster's centre, in scaled units.
    probabilities : float array, shape (n,), or None
        Of the mixture's component, 0 to 1; None for the others.
    """

    rows: IntArray
    cluster_ids: IntArray
    segment_names: NDArray[np.object_]
    distances: FloatArray
    probabilities: FloatArray | None


@dataclass(frozen=True)
class SegmentModel:
    """All that is needed to label any customer, as plain numbers.

    Attributes
    ----------
    scaler
        Fitted on the customers that the clusters were fitted on.
    clusters
        By algorithm.
    """

    scaler: Scaler
    clusters: Mapping[Algorithm, Clusters]

    @property
    def names(self) -> tuple[str, ...]:
        """Segment names by k-means, by ascending cluster id."""
        return tuple(name.name for name in self.clusters["kmeans"].names)

    @property
    def centroids(self) -> FloatArray:
        """Scaled centroids of k-means, by ascending cluster id; shape (k, n_features)."""
        return self.clusters["kmeans"].fit.centroids

    def assign(self, values: FloatArray, algorithm: Algorithm = "kmeans") -> Assignment:
        """Label customers without fitting anything.

        Parameters
        ----------
        values : float array, shape (n, n_features)
            Unscaled features, columns as in ``scaler.columns``.
        algorithm
            Whose clusters.

        Raises
        ------
        ValueError
            If the model has no such algorithm.
        """
        if algorithm not in self.clusters:
            raise ValueError(f"the model has no clusters of {algorithm}; it has {', '.join(self.clusters)}")
        clusters = self.clusters[algorithm]
        fit = clusters.fit
        points = self.scaler.transform(values)
        probabilities = None
        if fit.covariances is None:
            rows, distances = nearest_centroids(points, fit.centroids)
        else:
            rows, probabilities = most_probable_components(points, fit.weights, fit.centroids, fit.covariances)
            distances = np.sqrt(((points - fit.centroids[rows]) ** 2).sum(axis=1))
        return Assignment(
            rows=rows,
            cluster_ids=np.array([name.cluster_id for name in clusters.names], dtype=np.int64)[rows],
            segment_names=np.array([name.name for name in clusters.names], dtype=object)[rows],
            distances=distances,
            probabilities=probabilities,
        )

    def centroids_table(self) -> pd.DataFrame:
        """Rows of ``ml.segment_centroids``: one per algorithm, cluster and feature."""
        parts = []
        for algorithm, clusters in self.clusters.items():
            unscaled = self.scaler.inverse(clusters.fit.centroids)
            for row, name in enumerate(clusters.names):
                parts.append(
                    pd.DataFrame(
                        {
                            "algorithm": algorithm,
                            "cluster_id": np.int32(name.cluster_id),
                            "segment_name": name.name,
                            "feature": list(self.scaler.columns),
                            "position": np.arange(len(self.scaler.columns), dtype=np.int32),
                            "scaled_value": clusters.fit.centroids[row],
                            "unscaled_value": unscaled[row],
                            "weight": clusters.fit.weights[row],
                        }
                    )
                )
        return pd.concat(parts, ignore_index=True)

    def covariances_table(self) -> pd.DataFrame:
        """Rows of ``ml.mixture_covariances``: one per component and pair of features.

        ``precision`` is the inverse matrix's entry and ``log_determinant`` that of the
        covariance matrix (the same on all rows of a component): SQL has neither.
        """
        clusters = self.clusters["mixture"]
        assert clusters.fit.covariances is not None
        columns = self.scaler.columns
        parts = []
        for name, covariance in zip(clusters.names, clusters.fit.covariances, strict=True):
            parts.append(
                pd.DataFrame(
                    {
                        "cluster_id": np.int32(name.cluster_id),
                        "feature": np.repeat(np.array(columns, dtype=object), len(columns)),
                        "other_feature": np.tile(np.array(columns, dtype=object), len(columns)),
                        "covariance": covariance.ravel(),
                        "precision": np.linalg.inv(covariance).ravel(),
                        "log_determinant": float(np.linalg.slogdet(covariance)[1]),
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    @classmethod
    def from_tables(
        cls, scaler: pd.DataFrame, centroids: pd.DataFrame, covariances: pd.DataFrame | None = None
    ) -> SegmentModel:
        """Rebuild a model from its tables, rows in any order; it labels as the one that wrote them.

        Parameters
        ----------
        scaler, centroids, covariances
            ``ml.segment_scaler``, ``ml.segment_centroids``, ``ml.mixture_covariances``.
            Without covariances the model has no mixture.

        Raises
        ------
        ValueError
            If features differ between the tables, a number is missing, or there is no
            cluster.
        """
        scaling = Scaler.from_table(scaler)
        features = list(scaling.columns)
        if centroids.empty:
            raise ValueError("there is no cluster to label with: the table of centroids is empty")
        clusters: dict[Algorithm, Clusters] = {}
        for algorithm in ALGORITHMS:
            rows = centroids[centroids["algorithm"] == algorithm]
            if rows.empty or (algorithm == "mixture" and covariances is None):
                continue
            wide = rows.set_index(["cluster_id", "feature"])["scaled_value"].unstack("feature").sort_index()  # noqa: PD010
            if set(wide.columns) != set(features) or wide.isna().to_numpy().any():
                raise ValueError(
                    f"centroids of {algorithm} have features {sorted(map(str, wide.columns))}, "
                    f"the scaler has {sorted(features)}, and every cluster needs all of them"
                )
            first = rows.drop_duplicates("cluster_id").set_index("cluster_id").loc[wide.index]
            spread = None
            if algorithm == "mixture":
                assert covariances is not None
                spread = _square(covariances, wide.index.tolist(), features)
            names = tuple(
                SegmentName(int(number), str(name))
                for number, name in zip(wide.index, first["segment_name"], strict=True)
            )
            clusters[algorithm] = Clusters(
                fit=Fit(
                    algorithm=algorithm,
                    centroids=wide[features].to_numpy(dtype=np.float64),
                    weights=first["weight"].to_numpy(dtype=np.float64),
                    covariances=spread,
                ),
                names=names,
            )
        return cls(scaler=scaling, clusters=clusters)


def _square(covariances: pd.DataFrame, cluster_ids: list[int], features: list[str]) -> FloatArray:
    found = covariances.set_index(["cluster_id", "feature", "other_feature"])["covariance"]
    wanted = pd.MultiIndex.from_product([cluster_ids, features, features])
    values = found.reindex(wanted).to_numpy(dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("covariances are missing for a component of the mixture or a pair of features")
    return values.reshape(len(cluster_ids), len(features), len(features))
