"""Evidence for a number of segments, and the rule that reads it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, davies_bouldin_score, silhouette_score

from ml.cluster_choice import CLEAR_STRUCTURE_SILHOUETTE, LEVEL_ELBOW, MIN_CLUSTER_SHARE, choose_k, measure_elbow
from ml.cluster_evidence import (
    measure_agreement,
    measure_customer_stability,
    measure_fits,
    measure_silhouettes,
    measure_stability,
)
from ml.clustering import WardTree, fit_kmeans, fit_mixture
from ml.segments import segment_customers


def test_silhouettes_equal_the_reference_implementation():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(700, 3))
    # sizes very unequal, one of them a single point
    labelings = [rng.integers(0, k, size=700) for k in (2, 5, 9)]
    labelings.append(np.where(np.arange(700) == 13, 1, 0))
    ours = measure_silhouettes(points, labelings)
    assert ours == pytest.approx([silhouette_score(points, labels) for labels in labelings], abs=1e-12)


def test_silhouette_of_one_cluster_or_of_single_points_is_undefined():
    points = np.arange(6.0).reshape(3, 2)
    assert np.isnan(measure_silhouettes(points, [np.zeros(3, dtype=int), np.arange(3)])).all()


def test_agreement_equals_the_reference_implementation():
    rng = np.random.default_rng(0)
    for left_k, right_k in ((2, 2), (3, 7), (1, 4)):
        left, right = rng.integers(0, left_k, size=200), rng.integers(0, right_k, size=200)
        assert measure_agreement(left, right) == pytest.approx(adjusted_rand_score(left, right), abs=1e-12)


def test_agreement_does_not_depend_on_the_numbering():
    left = np.array([0, 0, 1, 1, 2])
    assert measure_agreement(left, np.array([2, 2, 0, 0, 1])) == 1.0
    assert measure_agreement(np.zeros(4, dtype=int), np.zeros(4, dtype=int)) == 1.0


def test_indices_of_a_fit_equal_the_reference_implementations():
    points = np.random.default_rng(1).normal(size=(300, 3))
    fit = fit_kmeans(points, 4, random_state=0)
    row = measure_fits(points, [fit], random_state=0).iloc[0]
    labels = fit.label(points)
    assert row["silhouette"] == pytest.approx(silhouette_score(points, labels))
    assert row["davies_bouldin"] == pytest.approx(davies_bouldin_score(points, labels))
    assert row["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(points, labels))
    assert row["inertia"] == pytest.approx(sum(((points[labels == k] - fit.centroids[k]) ** 2).sum() for k in range(4)))
    assert row["smallest_share"] == np.bincount(labels).min() / 300


def test_clear_clusters_are_found_by_every_refit_and_noise_by_none():
    rng = np.random.default_rng(2)
    corners = np.array([[0, 0], [8, 0], [0, 8], [8, 8]])
    clear = corners[np.arange(400) % 4] + rng.normal(size=(400, 2))
    noise = rng.normal(size=(400, 2))
    stability = {}
    for name, points in (("clear", clear), ("noise", noise)):
        start = fit_kmeans(points, 4, random_state=0)
        fits = [start, WardTree(points, random_state=0).cut(4), fit_mixture(points, start, random_state=0)]
        stability[name] = measure_stability(points, fits, random_state=0).by_fit["bootstrap_stability"]
    assert (stability["clear"] > 0.99).all()
    assert (stability["noise"] < 0.8).all()


def test_customer_stability_matches_clusters_by_centroid_not_by_number():
    points = np.array([[0.0], [1.0], [9.0], [10.0]])
    centroids = np.array([[0.5], [9.5]])
    # the same clusters numbered the other way, and one refit that cuts elsewhere: at 0.75
    refits = [np.array([[9.5], [0.5]]), np.array([[-3.0], [4.5]])]
    assert measure_customer_stability(points, centroids, refits).tolist() == [1.0, 0.5, 1.0, 1.0]
    assert np.isnan(measure_customer_stability(points, centroids, [])).all()


def test_elbow_is_farthest_below_the_chord():
    # by hand: stretched to 0..1, k = 3 lies at (1/3, 0.2): 1 - 1/3 - 0.2 = 0.4667; k = 4 at (2/3, 0.1): 0.2333
    distances = measure_elbow([2, 3, 4, 5], [110.0, 30.0, 20.0, 10.0])
    assert distances == pytest.approx([0, 0.466667, 0.233333, 0], abs=1e-6)


def test_there_is_no_elbow_without_a_falling_curve():
    assert np.isnan(measure_elbow([2, 3], [2.0, 1.0])).all()
    assert np.isnan(measure_elbow([2, 3, 4], [1.0, 1.0, 1.0])).all()


def evidence(silhouettes, bends=None, share=0.1):
    ks = sorted(silhouettes)
    return pd.DataFrame(
        {
            "k": ks,
            "silhouette": [silhouettes[k] for k in ks],
            "elbow_distance": [np.nan if bends is None else bends.get(k, 0.0) for k in ks],
            "smallest_share": share,
        }
    )


def test_where_clusters_are_clear_the_highest_silhouette_is_chosen():
    bends = {3: 0.1, 4: 0.3}
    assert choose_k(evidence({2: 0.51, 3: 0.62, 4: 0.55}, bends))[0] == 3
    assert choose_k(evidence({2: CLEAR_STRUCTURE_SILHOUETTE, 3: 0.30, 4: 0.30}, bends))[0] == 2


def test_of_level_clear_silhouettes_the_finer_is_chosen():
    assert choose_k(evidence({3: 0.6374, 4: 0.6325, 5: 0.6182}))[0] == 4
    # 0.01 below is not level
    assert choose_k(evidence({3: 0.60, 4: 0.59}))[0] == 3


def test_in_one_cloud_the_elbow_is_chosen_and_two_halves_are_not():
    chosen, reasons = choose_k(evidence({2: 0.43, 3: 0.337, 4: 0.333, 5: 0.316}, {3: 0.2, 4: 0.3}))
    assert chosen == 4
    assert "two halves are a cut through one cloud" in reasons[0]
    assert reasons[2].startswith("chosen: inertia bends most here")


def test_of_level_bends_the_higher_silhouette_is_chosen():
    bends = {3: 0.1, 4: 0.3, 5: 0.3 + LEVEL_ELBOW - 0.001}
    chosen, reasons = choose_k(evidence({2: 0.43, 3: 0.40, 4: 0.333, 5: 0.316, 6: 0.3}, bends))
    assert chosen == 4
    assert reasons[2] == "chosen: bend of inertia level with the largest (k = 5), and silhouette higher"
    bends[5] = 0.3 + LEVEL_ELBOW + 0.001
    assert choose_k(evidence({2: 0.43, 3: 0.40, 4: 0.333, 5: 0.316, 6: 0.3}, bends))[0] == 5


def test_a_tiny_cluster_is_refused_unless_every_k_has_one():
    table = evidence({2: 0.9, 3: 0.6})
    table.loc[0, "smallest_share"] = MIN_CLUSTER_SHARE - 0.001
    chosen, reasons = choose_k(table)
    assert chosen == 3
    assert reasons[0].startswith("refused: its smallest cluster holds 1.90%")
    table["smallest_share"] = 0.001
    chosen, reasons = choose_k(table)
    assert chosen == 2
    assert "every k has a cluster below 2%" in reasons[0]


def test_no_evidence_is_an_error():
    with pytest.raises(ValueError, match="no number of segments"):
        choose_k(evidence({}))


@pytest.mark.real_data
def test_the_choice_does_not_flip_on_noise(published_rfm):
    # twenty resamples were tried when the rule was made; k-means found 4 in each
    rfm = published_rfm(recency="calendar", frequency="invoices")
    rng = np.random.default_rng(5)
    drawn = rfm.iloc[rng.choice(len(rfm), len(rfm))].reset_index(drop=True)
    drawn["customer_id"] = [f"{row:05d}" for row in range(len(drawn))]
    for customers in (drawn, rfm.sample(frac=0.9, random_state=1)):
        selection = segment_customers(customers).cluster_selection
        assert selection.query("is_chosen and algorithm == 'kmeans'")["k"].tolist() == [4]
