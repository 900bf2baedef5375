"""Three ways to divide scaled points into clusters, each described by plain numbers.

Belongs here: fitting k-means, Ward's tree and Gaussian mixtures for a given number of
clusters, and labelling points with what was fitted. Does not belong here: features and
scaling (:mod:`ml.features`), how many clusters (:mod:`ml.cluster_choice`), what they are
called (:mod:`ml.segment_names`).

A fit never keeps a library's object: centroids, weights and covariances are all there is,
so that a fit written to a table labels exactly as the one in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ml.features import FloatArray

IntArray = NDArray[np.int64]
Algorithm = Literal["kmeans", "hierarchical", "mixture"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

# Ten starts find the same optimum from most seeds; one start does not (on the real data,
# calendar recency: inertia 4,319 with one, 4,313 with ten). They cost 20 ms per k there.
RESTARTS = 10
# Above this many customers the ten starts run on a sample of this size and only the best
# is finished on everyone, so that time grows with one fit instead of ten.
RESTARTS_SAMPLE_CUSTOMERS = 50_000
# Ward's tree needs every pair at once: 100 MB and 0.3 s for this many, and the square of that beyond.
HIERARCHY_SAMPLE_CUSTOMERS = 5_000
# Expectation-maximisation on everyone gains nothing beyond: standard errors are below a hundredth.
MIXTURE_SAMPLE_CUSTOMERS = 20_000
# A component may not become thinner than this share of a feature's variance. Orders are whole
# numbers and a third of customers have exactly one: without it a component sits on "one order",
# its likelihood grows without bound and the others take the leavings (real data, k = 4:
# silhouette 0.17 without, 0.32 with; agreement between resamples 0.73 to 0.92 with).
MIXTURE_LEAST_VARIANCE = 0.05
_MIXTURE_ITERATIONS = 300
# Pairwise distances are made in blocks of at most this many numbers (64 MB).
BLOCK_DISTANCES = 8_000_000


@dataclass(frozen=True)
class Fit:
    """One clustering of scaled points.

    Attributes
    ----------
    algorithm
        ``kmeans`` and ``hierarchical`` label by the nearest centroid, ``mixture`` by the
        most probable component.
    centroids : float array, shape (k, n_features)
        Scaled.
    weights : float array, shape (k,)
        Share of the fitted points, or weight of the component; adds up to 1.
    covariances : float array, shape (k, n_features, n_features), or None
        Of the mixture's components, scaled; None for the others.
    bic
        Bayesian information criterion (Schwarz 1978), lower is better; None where there
        is no likelihood.
    has_converged
        Whether the iterations came to rest.
    """

    algorithm: Algorithm
    centroids: FloatArray
    weights: FloatArray
    covariances: FloatArray | None = None
    bic: float | None = None
    has_converged: bool = True

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.centroids)

    def label(self, points: FloatArray) -> IntArray:
        """Number of the cluster, row of ``centroids``, of each scaled point; shape (n,)."""
        if self.covariances is None:
            return nearest_centroids(points, self.centroids)[0]
        return most_probable_components(points, self.weights, self.centroids, self.covariances)[0]


def fit_kmeans(points: FloatArray, k: int, *, random_state: int, restarts: int = RESTARTS) -> Fit:
    """Lloyd's k-means from the best of several k-means++ starts (Arthur and Vassilvitskii, SODA 2007).

    Above ``RESTARTS_SAMPLE_CUSTOMERS`` points the starts run on a sample of them.

    Parameters
    ----------
    points : float array, shape (n, n_features)
        Scaled; at least ``k`` different ones.
    """
    from sklearn.cluster import KMeans

    if len(points) <= RESTARTS_SAMPLE_CUSTOMERS:
        fit = KMeans(n_clusters=k, n_init=restarts, random_state=random_state).fit(points)
    else:
        sample = points[sample_rows(len(points), RESTARTS_SAMPLE_CUSTOMERS, random_state)]
        start = KMeans(n_clusters=k, n_init=restarts, random_state=random_state).fit(sample).cluster_centers_
        fit = KMeans(n_clusters=k, init=start, n_init=1, random_state=random_state).fit(points)
    labels = np.asarray(fit.labels_, dtype=np.int64)
    return Fit(
        algorithm="kmeans",
        centroids=np.asarray(fit.cluster_centers_, dtype=np.float64),
        weights=np.bincount(labels, minlength=k) / len(labels),
    )


class WardTree:
    """Agglomerative clustering by Ward's criterion (Ward 1963); one tree, cut for any number of clusters.

    A cut gives centroids, and everyone belongs to the nearest: a new customer is labelled
    by the same rule as those who were fitted, from a table, and a large shop's tree can
    be grown on a sample.

    Parameters
    ----------
    points : float array, shape (n, n_features)
        Scaled.
    sample_size
        Above this many points a sample is taken; by default ``HIERARCHY_SAMPLE_CUSTOMERS``.
    """

    def __init__(self, points: FloatArray, *, random_state: int, sample_size: int | None = None) -> None:
        from scipy.cluster.hierarchy import linkage

        points = points[sample_rows(len(points), sample_size or HIERARCHY_SAMPLE_CUSTOMERS, random_state)]
        self.points = points
        self._merges = linkage(points, method="ward") if len(points) > 1 else None

    def cut_labels(self, k: int) -> IntArray:
        """Label the tree's own points by the branch that they hang on when the tree is cut into ``k``."""
        n = len(self.points)
        if self._merges is None or k >= n:
            return np.arange(n, dtype=np.int64)
        # The first n - k merges stand. From the last of them down, each node hands its branch to its two children.
        kept = self._merges[: n - k, :2].astype(np.int64)
        branch = np.arange(2 * n - k, dtype=np.int64)
        for number in range(len(kept) - 1, -1, -1):
            branch[kept[number]] = branch[n + number]
        labels: IntArray = np.unique(branch[:n], return_inverse=True)[1].astype(np.int64)
        return labels

    def cut(self, k: int) -> Fit:
        """Centroids of the ``k`` branches.

        Raises
        ------
        ValueError
            If the tree has fewer than ``k`` points.
        """
        if len(self.points) < k:
            raise ValueError(f"a tree of {len(self.points)} points can't be cut into {k}")
        labels = self.cut_labels(k)
        centroids = label_means(self.points, labels, k)
        # equal points can hang on two branches, whose centroids are then one
        nearest = nearest_centroids(self.points, centroids)[0]
        return Fit(
            algorithm="hierarchical",
            centroids=centroids,
            weights=np.bincount(nearest, minlength=k) / len(nearest),
        )


def fit_mixture(points: FloatArray, start: Fit, *, random_state: int) -> Fit:
    """Gaussian mixture with full covariances by expectation-maximisation (Dempster, Laird and Rubin 1977).

    Starts from the k-means clusters: a random start finds another optimum on every
    resample, this one mostly the same. Above ``MIXTURE_SAMPLE_CUSTOMERS`` points a
    sample of that many is fitted.

    Parameters
    ----------
    points : float array, shape (n, n_features)
        Scaled.
    start
        A fit of the wanted number of clusters, whose centroids and clusters are the start.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if len(points) > MIXTURE_SAMPLE_CUSTOMERS:
        points = points[sample_rows(len(points), MIXTURE_SAMPLE_CUSTOMERS, random_state)]
    n, d = points.shape
    # of equal points alone nothing varies; any width serves then
    least_variance = MIXTURE_LEAST_VARIANCE * float(points.var(axis=0).mean()) or 1e-6
    ridge = least_variance * np.eye(d)
    k = start.k
    labels = nearest_centroids(points, start.centroids)[0]
    counts = np.bincount(labels, minlength=k)
    covariances = np.array([_covariance(points[labels == number]) + ridge for number in range(k)])
    if k == 1 or n < 2:
        log_likelihood = float(_log_densities(points, np.ones(1), points.mean(axis=0)[None], covariances).sum())
        parameters = d + d * (d + 1) // 2
        return Fit(
            algorithm="mixture",
            centroids=points.mean(axis=0)[None],
            weights=np.ones(1),
            covariances=covariances,
            bic=parameters * float(np.log(n)) - 2 * log_likelihood,
        )
    import warnings

    with warnings.catch_warnings():
        # told by has_converged
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianMixture(
            n_components=k,
            covariance_type="full",
            reg_covar=least_variance,
            weights_init=(counts + 1) / (n + k),
            means_init=start.centroids,
            precisions_init=np.linalg.inv(covariances),
            max_iter=_MIXTURE_ITERATIONS,
            random_state=random_state,
        ).fit(points)
    return Fit(
        algorithm="mixture",
        centroids=np.asarray(model.means_, dtype=np.float64),
        weights=np.asarray(model.weights_, dtype=np.float64),
        covariances=np.asarray(model.covariances_, dtype=np.float64),
        bic=float(model.bic(points)),
        has_converged=bool(model.converged_),
    )


def nearest_centroids(points: FloatArray, centroids: FloatArray) -> tuple[IntArray, FloatArray]:
    """Nearest centroid of each point.

    Parameters
    ----------
    points : float array, shape (n, n_features)
    centroids : float array, shape (k, n_features)

    Returns
    -------
    Rows of ``centroids``, shape (n,), the first among equals; Euclidean distances to them, shape (n,).
    """
    from scipy.spatial.distance import cdist

    labels = np.empty(len(points), dtype=np.int64)
    distances = np.empty(len(points))
    block = max(1, BLOCK_DISTANCES // len(centroids))
    for low in range(0, len(points), block):
        between = cdist(points[low : low + block], centroids)
        labels[low : low + block] = between.argmin(axis=1)
        distances[low : low + block] = between.min(axis=1)
    return labels, distances


def most_probable_components(
    points: FloatArray, weights: FloatArray, centroids: FloatArray, covariances: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Component of a Gaussian mixture that each point most probably comes from, by Bayes' rule.

    Parameters
    ----------
    points : float array, shape (n, n_features)
    weights, centroids, covariances : float arrays, shapes (k,), (k, n_features), (k, n_features, n_features)

    Returns
    -------
    Rows of ``centroids``, shape (n,); probability of that component, 0 to 1, shape (n,).
    """
    labels = np.empty(len(points), dtype=np.int64)
    probabilities = np.empty(len(points))
    block = max(1, BLOCK_DISTANCES // len(centroids))
    for low in range(0, len(points), block):
        densities = _log_densities(points[low : low + block], weights, centroids, covariances)
        best = densities.max(axis=1)
        labels[low : low + block] = densities.argmax(axis=1)
        probabilities[low : low + block] = 1.0 / np.exp(densities - best[:, None]).sum(axis=1)
    return labels, probabilities


def label_means(points: FloatArray, labels: IntArray, k: int) -> FloatArray:
    """Mean of the points of each label 0 to ``k`` - 1; NaN where it has none. Shape (k, n_features)."""
    sizes = np.bincount(labels, minlength=k).astype(np.float64)
    sums = np.column_stack([np.bincount(labels, weights=column, minlength=k) for column in points.T])
    means: FloatArray = np.divide(sums, sizes[:, None], out=np.full_like(sums, np.nan), where=sizes[:, None] > 0)
    return means


def sample_rows(n: int, size: int, random_state: int) -> IntArray:
    """Ascending row numbers of a sample without replacement; all of ``n`` rows if ``size`` is not below it."""
    if size >= n:
        return np.arange(n, dtype=np.int64)
    return np.sort(np.random.default_rng(random_state).choice(n, size=size, replace=False))


def count_different(points: FloatArray, *, enough: int) -> int:
    """Number of different points; may stop early once it is sure to be at least ``enough``."""
    # counting sorts the rows; it only matters where customers are few or alike
    different = len(np.unique(points[:100_000], axis=0))
    if different < enough and len(points) > 100_000:
        different = len(np.unique(points, axis=0))
    return different


def _covariance(points: FloatArray) -> FloatArray:
    if len(points) < 2:
        return np.zeros((points.shape[1], points.shape[1]))
    covariance: FloatArray = np.atleast_2d(np.cov(points, rowvar=False, bias=True))
    return covariance


def _log_densities(
    points: FloatArray, weights: FloatArray, centroids: FloatArray, covariances: FloatArray
) -> FloatArray:
    """Log of weight times density of each component, up to no constant; shape (n, k)."""
    n, d = points.shape
    result = np.empty((n, len(centroids)))
    for number, (weight, center, covariance) in enumerate(zip(weights, centroids, covariances, strict=True)):
        offset = points - center
        mahalanobis = np.einsum("ij,jk,ik->i", offset, np.linalg.inv(covariance), offset)
        constant = np.log(weight) - 0.5 * (np.linalg.slogdet(covariance)[1] + d * np.log(2 * np.pi))
        result[:, number] = constant - 0.5 * mahalanobis
    return result
