"""What is recalled is what would be measured."""

import pickle

import numpy as np
import pytest

import ml.segments
from ml.cluster_evidence import RESAMPLES, measure_stability
from ml.clustering import WardTree, fit_kmeans, fit_mixture
from tests import remembered


def test_the_same_points_are_recalled_and_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def watched(points, fits, *, random_state):
        measured.append(random_state)
        return measure_stability(points, fits, random_state=random_state)

    monkeypatch.setattr(remembered, "_measure", watched)
    # points that no other test has
    points = np.random.default_rng(20261201).normal(size=(30, 3))
    start = fit_kmeans(points, 2, random_state=1)
    fits = [start, WardTree(points, random_state=1).cut(2), fit_mixture(points, start, random_state=1)]
    with remembered.remembered_clusterings():
        first = ml.segments.measure_stability(points, fits, random_state=1)
        # another process has objects of its own
        recalled = ml.segments.measure_stability(points.copy(), pickle.loads(pickle.dumps(fits)), random_state=1)
        assert measured == [1]
        moved = points.copy()
        moved[7, 2] = np.nextafter(moved[7, 2], 9)
        ml.segments.measure_stability(moved, fits, random_state=1)
        ml.segments.measure_stability(points, [fits[0], fits[2], fits[1]], random_state=1)
        ml.segments.measure_stability(points, fits, random_state=2)
        assert measured == [1, 1, 1, 2]
    assert ml.segments.measure_stability is measure_stability
    assert recalled.by_fit.equals(first.by_fit)
    assert len(recalled.kmeans_centroids[2]) == RESAMPLES
    assert all(
        np.array_equal(one, other)
        for k, centroids in first.kmeans_centroids.items()
        for one, other in zip(centroids, recalled.kmeans_centroids[k], strict=True)
    )
