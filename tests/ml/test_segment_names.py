"""Ids and names of segments: a function of the model and of who is in it."""

import numpy as np
import pytest

from ml.features import RFM_COLUMNS
from ml.segment_names import PLACES, name_segments, number_segments, place_clusters
from warehouse.claims import claims


def test_ids_do_not_depend_on_the_order_of_the_clusters():
    places = np.array([[-1.16, 1.27], [0.38, 0.37], [-0.77, -0.28], [0.89, -0.95]])
    expected = [0, 7, 3, 9]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]):
        assert number_segments(places[order]) == [expected[row] for row in order]


def test_a_cluster_at_a_place_has_its_number_and_a_second_one_ten_more():
    assert number_segments(np.array(PLACES)) == list(range(10))
    # the less valuable of the two at the last
    assert number_segments(np.array([*PLACES, (PLACES[-1][0], PLACES[-1][1] - 0.1)]))[-2:] == [9, 19]


@pytest.mark.parametrize("k", [2, 5, 10, 11, 50])
def test_ids_are_unique_for_any_number_of_segments(k):
    assert len(set(number_segments(np.random.default_rng(k).normal(size=(k, 2))))) == k


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
def test_ids_stay_put_wherever_the_real_data_ever_stood(places):
    assert number_segments(np.array(places)) == [0, 3, 7, 9]
    # nor do they hang by a thread: 0.06 standard deviations this way or that change nothing
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert number_segments(np.array(places) + rng.uniform(-0.06, 0.06, size=(4, 2))) == [0, 3, 7, 9]


def test_a_cluster_that_nobody_is_in_stands_where_its_centroid_is():
    values = np.array([[1.0, 10.0, 100.0], [100.0, 1.0, 10.0]])
    centroids = np.array([[1.0, 10.0, 100.0], [100.0, 1.0, 10.0], [1.0, 10.0, 100.0]])
    places = place_clusters(values, np.array([0, 1]), RFM_COLUMNS, centroids)
    assert places[2] == pytest.approx(places[0])
    # two customers are one standard deviation off their mean each
    assert places[0] == pytest.approx([-1.0, 1.0])


# ---- names: ten customers in two clusters ----------------------------------------

FIRST, SECOND = [1] * 5 + [0] * 5, [0] * 5 + [1] * 5
LABELS = np.array(SECOND)


def named(ids, claims_of_all, labels=LABELS):
    held = np.array(list(claims_of_all.values()), dtype=bool).T.reshape(len(labels), -1)
    return [name.name for name in name_segments(ids, held, list(claims_of_all), labels)]


def test_a_name_is_given_where_its_claim_is_true_of_four_in_five_and_not_below():
    assert named([3, 7], {"Busy": [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]}) == ["Busy", "Group 7"]
    assert named([3, 7], {"Busy": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]}) == ["Group 3", "Group 7"]


def test_of_two_true_names_the_one_that_tells_the_cluster_from_the_others_is_given():
    # seven have come back; only the first five have bought much
    assert named([3, 7], {"Repeat": [1] * 7 + [0] * 3, "Big": FIRST}) == ["Big", "Group 7"]


def test_what_is_true_of_four_in_five_of_all_customers_names_no_cluster():
    assert named([3, 7], {"Repeat": [1] * 10}) == ["Group 3", "Group 7"]
    assert named([3, 7], {"Repeat": [1] * 8 + [0] * 2}) == ["Group 3", "Group 7"]
    assert named([3, 7], {"Repeat": [1] * 7 + [0] * 3}) == ["Repeat", "Group 7"]


def test_no_two_clusters_share_a_name():
    # ten customers in three clusters, the claim true of the first two
    labels = np.array([0] * 3 + [1] * 4 + [2] * 3)
    assert named([3, 5, 7], {"Repeat": [1] * 7 + [0] * 3}, labels) == ["Group 3", "Repeat", "Group 7"]


def test_names_do_not_depend_on_the_order_of_clusters_or_customers():
    told = {"Buyers": [1] * 10, "Big": FIRST, "Small": SECOND, "Even": [1, 0] * 5}
    assert named([3, 7], told) == ["Big", "Small"]
    assert named([7, 3], told, 1 - LABELS) == ["Small", "Big"]
    shuffled = np.random.default_rng(0).permutation(10)
    again = {name: [held[place] for place in shuffled] for name, held in told.items()}
    assert named([3, 7], again, LABELS[shuffled]) == ["Big", "Small"]


def test_a_cluster_that_nobody_is_in_and_a_model_of_one_have_no_claim():
    assert named([3, 7, 9], {"Buyers": [1] * 10, "Big": FIRST, "Small": SECOND})[2] == "Group 9"
    assert named([100], {"Buyers": [1] * 10}) == ["All Customers"]


def test_no_cluster_can_be_taken_for_a_segment_of_the_grid():
    words = {word for name in claims("rfm") for word in name.lower().split()}
    assert not [name for name in [*claims("clusters"), "Group 3"] if words & set(name.lower().split())]
