"""Names and ids of segments: a function of the model alone."""

import numpy as np
import pytest

from ml.features import RFM_COLUMNS
from ml.segment_names import ARCHETYPES, name_segments, place_clusters


def test_names_and_ids_do_not_depend_on_the_order_of_the_clusters():
    places = np.array([[-1.16, 1.27], [0.38, 0.37], [-0.77, -0.28], [0.89, -0.95]])
    expected = [(0, "Champions"), (7, "At Risk"), (3, "Promising"), (9, "Dormant")]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]):
        assert [name[:2] for name in name_segments(places[order])] == [expected[row] for row in order]


def test_a_cluster_where_a_kind_stands_has_the_number_of_that_kind():
    ideals = np.array([[kind.recency, kind.value] for kind in ARCHETYPES])
    assert [name.cluster_id for name in name_segments(ideals)] == list(range(10))


def test_a_second_use_of_a_kind_has_ten_more_and_a_number():
    ideals = np.array([[kind.recency, kind.value] for kind in ARCHETYPES])
    extra = ideals[-1] + [0.0, -0.1]
    names = name_segments(np.vstack([ideals, extra]))
    assert names[9] == (9, "Dormant", "Dormant")
    # the less valuable of the two
    assert names[10] == (19, "Dormant 2", "Dormant")


@pytest.mark.parametrize("k", [2, 5, len(ARCHETYPES), len(ARCHETYPES) + 1, 50])
def test_names_and_ids_are_unique_for_any_number_of_segments(k):
    names = name_segments(np.random.default_rng(k).normal(size=(k, 2)))
    assert len({name.name for name in names}) == k
    assert len({name.cluster_id for name in names}) == k
    if k <= len(ARCHETYPES):
        assert {name.name for name in names} <= {kind.name for kind in ARCHETYPES}


def test_one_segment_is_no_kind_at_all():
    assert name_segments(np.zeros((1, 2))) == [(100, "All Customers", "All Customers")]


# where k-means' four clusters of the real data stood after 150, 180, 215, 265 and 305 daily files
@pytest.mark.parametrize(
    "places",
    [
        [[-1.17, 1.84], [-1.59, -0.07], [0.07, 0.41], [0.69, -0.71]],
        [[-1.19, 1.78], [-1.44, -0.07], [0.15, 0.39], [0.69, -0.74]],
        [[-1.25, 1.67], [-1.36, -0.10], [0.20, 0.35], [0.71, -0.77]],
        [[-1.09, 1.70], [-0.98, -0.42], [0.01, 0.51], [0.93, -0.73]],
        [[-1.27, 1.50], [-0.73, -0.47], [0.07, 0.44], [0.96, -0.76]],
    ],
)
def test_names_stay_put_wherever_the_real_data_ever_stood(places):
    expected = ["Champions", "Promising", "At Risk", "Dormant"]
    assert [name.name for name in name_segments(np.array(places))] == expected
    # nor do they hang by a thread: 0.06 standard deviations this way or that change nothing
    rng = np.random.default_rng(0)
    for _ in range(50):
        moved = np.array(places) + rng.uniform(-0.06, 0.06, size=(4, 2))
        assert [name.name for name in name_segments(moved)] == expected


def test_a_cluster_that_nobody_is_in_stands_where_its_centroid_is():
    values = np.array([[1.0, 10.0, 100.0], [100.0, 1.0, 10.0]])
    centroids = np.array([[1.0, 10.0, 100.0], [100.0, 1.0, 10.0], [1.0, 10.0, 100.0]])
    places = place_clusters(values, np.array([0, 1]), RFM_COLUMNS, centroids)
    assert places[2] == pytest.approx(places[0])
    # two customers are one standard deviation off their mean each
    assert places[0] == pytest.approx([-1.0, 1.0])
