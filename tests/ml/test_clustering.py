"""Fits against independent implementations, and labelling."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import cut_tree, linkage
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from ml.clustering import Fit, WardTree, fit_kmeans, fit_mixture, most_probable_components, nearest_centroids


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(4).normal(size=(250, 3)) * [1, 2, 0.5]


def test_ward_cuts_equal_the_reference_implementation(points):
    tree = WardTree(points, random_state=0)
    for k in (1, 2, 5, 40, 250):
        reference = cut_tree(linkage(points, "ward"), n_clusters=k).ravel()
        assert adjusted_rand_score(tree.cut_labels(k), reference) == pytest.approx(1.0)


def test_ward_centroids_are_the_means_of_the_branches(points):
    tree = WardTree(points, random_state=0)
    labels = tree.cut_labels(3)
    expected = [points[labels == number].mean(axis=0) for number in range(3)]
    assert tree.cut(3).centroids == pytest.approx(np.array(expected))


def test_a_tree_has_no_more_clusters_than_points():
    with pytest.raises(ValueError, match="can't be cut"):
        WardTree(np.zeros((2, 1)), random_state=0).cut(3)


def test_most_probable_component_equals_the_reference_implementation(points):
    model = GaussianMixture(3, random_state=0).fit(points)
    labels, probabilities = most_probable_components(points, model.weights_, model.means_, model.covariances_)
    assert (labels == model.predict(points)).all()
    assert probabilities == pytest.approx(model.predict_proba(points).max(axis=1))


def test_a_mixture_finds_the_distributions_that_points_were_drawn_from():
    rng = np.random.default_rng(6)
    wide = np.array([[1.0, 0.6], [0.6, 1.0]])
    drawn = np.vstack([rng.multivariate_normal([0, 0], wide, 3000), rng.multivariate_normal([6, 0], np.eye(2), 1000)])
    fit = fit_mixture(drawn, fit_kmeans(drawn, 2, random_state=0), random_state=0)
    first = int(fit.weights.argmax())
    assert fit.weights[first] == pytest.approx(0.75, abs=0.02)
    assert fit.centroids[first] == pytest.approx([0, 0], abs=0.1)
    # the least variance that is added is 5 % of the features' mean variance, about 4.6
    assert fit.covariances[first] == pytest.approx(wide + 0.23 * np.eye(2), abs=0.1)


def test_a_component_does_not_collapse_onto_customers_with_one_order():
    rng = np.random.default_rng(7)
    orders = np.where(np.arange(600) % 2 == 0, 1.0, rng.lognormal(2, 0.5, size=600))
    points = np.column_stack([rng.normal(size=600), np.log(orders)])
    fit = fit_mixture(points, fit_kmeans(points, 2, random_state=0), random_state=0)
    assert min(np.diag(covariance).min() for covariance in fit.covariances) > 0.04


def test_a_mixture_of_one_is_the_sample_itself(points):
    one = Fit("kmeans", points.mean(axis=0)[None], np.ones(1))
    fit = fit_mixture(points, one, random_state=0)
    reference = GaussianMixture(1, reg_covar=0.05 * points.var(axis=0).mean()).fit(points)
    assert fit.covariances == pytest.approx(reference.covariances_)
    assert fit.bic == pytest.approx(reference.bic(points))


def test_the_nearest_centroid_is_the_first_among_equals():
    labels, distances = nearest_centroids(np.array([[0.0], [3.0]]), np.array([[-1.0], [1.0]]))
    assert labels.tolist() == [0, 1]
    assert distances.tolist() == [1.0, 2.0]
