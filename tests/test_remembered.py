"""What is recalled is what would be measured."""

import pickle

import numpy as np
import pandas as pd
import pytest

import ml.segment_plots
import ml.segments
from ml.cluster_evidence import RESAMPLES, measure_stability
from ml.clustering import WardTree, fit_kmeans, fit_mixture
from ml.segment_plots import draw_cluster_selection
from tests import remembered


def test_the_same_points_are_recalled_and_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def watched(points, fits, *, random_state):
        measured.append(random_state)
        return measure_stability(points, fits, random_state=random_state)

    monkeypatch.setitem(remembered._ANSWERING, (ml.segments, "measure_stability"), watched)
    # points that no other test has
    points = np.random.default_rng(20261201).normal(size=(30, 3))
    start = fit_kmeans(points, 2, random_state=1)
    fits = [start, WardTree(points, random_state=1).cut(2), fit_mixture(points, start, random_state=1)]
    with remembered.remembered_answers():
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


def test_a_picture_is_recalled_to_the_byte_and_other_evidence_is_drawn() -> None:
    selection = pd.DataFrame(
        {
            "algorithm": "kmeans",
            "k": [2, 3, 4],
            "inertia": [9.0, 4.0, 3.0],
            "is_elbow": [False, True, False],
            "silhouette": [0.3, 0.5, 0.4],
            "resample_silhouette": [0.2, 0.5, 0.4],
            "is_chosen": [False, True, False],
        }
    )
    drawn = draw_cluster_selection(selection)
    other = selection.assign(silhouette=selection["silhouette"] + 0.01)
    with remembered.remembered_answers():
        asked = ml.segment_plots.draw_cluster_selection
        assert asked(selection) == drawn
        assert asked(pickle.loads(pickle.dumps(selection))) == drawn
        assert asked(other) != drawn
