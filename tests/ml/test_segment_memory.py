"""How a fit is compared with the one before it."""

import json

import numpy as np
import pandas as pd
import pytest

from ml.cluster_selection import Choices
from ml.features import RFM_COLUMNS, fit_scaler
from ml.segment_memory import match_to_previous
from ml.segments import FitBefore, segment_customers

# standard, mean 0 and deviation 1 on each feature: scaled units are the features' own
SCALER = fit_scaler(np.array([[-1.0] * 3, [1.0] * 3]), "standard")


def centres(**places):
    """Rows of ml.segment_centroids from name=(id, recency, frequency, money)."""
    rows = [
        ("kmeans", cluster_id, name.replace("_", " "), feature, position, value)
        for name, (cluster_id, *values) in places.items()
        for position, (feature, value) in enumerate(zip(RFM_COLUMNS, values, strict=True))
    ]
    return pd.DataFrame(
        rows, columns=["algorithm", "cluster_id", "segment_name", "feature", "position", "unscaled_value"]
    )


def test_equal_fits_have_no_drift_and_nothing_to_tell():
    now = centres(Champions=(0, -1, 2, 2), Dormant=(9, 1, -1, -1))
    changes = match_to_previous(now, now, SCALER, "kmeans")
    assert changes.notes == ()
    assert [one["drift"] for one in changes.figures["segments"]] == [0.0, 0.0]


def test_drift_is_told_in_scaled_units_and_in_days_orders_and_money():
    before = centres(Champions=(0, -1, 2, 2), Dormant=(9, 1, -1, -1))
    now = centres(Champions=(0, -1, 2.3, 2.4), Dormant=(9, 1, -1, -1))
    changes = match_to_previous(now, before, SCALER, "kmeans")
    first = changes.figures["segments"][0]
    # 0.3 and 0.4: a right-angled triangle
    assert first["drift"] == pytest.approx(0.5)
    assert first["recency_days_change"] == 0
    assert first["frequency_change"] == pytest.approx(0.3)
    assert first["monetary_change"] == pytest.approx(0.4)
    assert len(changes.notes) == 1
    assert changes.notes[0].startswith("The centre of Champions moved 0.50 standard deviations")


def test_a_name_that_moved_is_told_even_when_the_centre_did_not():
    before = centres(Promising=(3, 0, 0, 0), Dormant=(9, 1, -1, -1))
    now = centres(Rising_Stars=(2, 0, 0, 0), Dormant=(9, 1, -1, -1))
    changes = match_to_previous(now, before, SCALER, "kmeans")
    assert changes.figures["moved_names"] == [{"from": "Promising", "to": "Rising Stars"}]
    assert changes.notes == ("The segment that was Promising is called Rising Stars now.",)


def test_segments_are_matched_as_a_whole_not_one_by_one():
    # both of before are nearest to the same centre of now; one of them has to take the other
    before = centres(At_Risk=(7, 0.0, 0, 0), Dormant=(9, 0.4, 0, 0))
    now = centres(At_Risk=(7, -3.0, 0, 0), Dormant=(9, 0.1, 0, 0))
    matched = match_to_previous(now, before, SCALER, "kmeans").figures["segments"]
    # 3.0^2 + 0.3^2 = 9.09 against 3.4^2 + 0.1^2 = 11.57
    assert [(one["segment_name"], one["segment_name_before"]) for one in matched] == [
        ("At Risk", "At Risk"),
        ("Dormant", "Dormant"),
    ]


def test_a_changed_k_tells_who_is_new_and_who_is_gone():
    two = centres(Champions=(0, -1, 2, 2), Dormant=(9, 1, -1, -1))
    three = centres(Champions=(0, -1, 2, 2), At_Risk=(7, 0, 0, 0), Dormant=(9, 1, -1, -1))
    grown = match_to_previous(three, two, SCALER, "kmeans")
    assert (grown.figures["k_before"], grown.figures["k_now"]) == (2, 3)
    assert grown.figures["new_segments"] == ["At Risk"]
    assert "There are 3 segments by kmeans, 2 before." in grown.notes
    assert "New by kmeans: At Risk." in grown.notes
    shrunk = match_to_previous(two, three, SCALER, "kmeans")
    assert shrunk.figures["vanished_segments"] == ["At Risk"]
    assert "No longer there by kmeans: At Risk." in shrunk.notes


def test_a_fit_before_without_the_algorithm_has_nothing_to_compare():
    now = centres(Champions=(0, -1, 2, 2))
    assert match_to_previous(now, now.assign(algorithm="other"), SCALER, "kmeans") is None


def test_memory_changes_the_record_and_nothing_else(made_up_customers):
    first = segment_customers(made_up_customers(n=380), data_version="before")
    alone = segment_customers(made_up_customers(), data_version="now")
    after = segment_customers(
        made_up_customers(), data_version="now", before=FitBefore(first.segment_centroids, "before")
    )
    for table in ("customer_segments", "cluster_selection", "segment_profiles", "segment_centroids"):
        pd.testing.assert_frame_equal(getattr(alone, table), getattr(after, table), check_exact=True)
    assert alone.model_runs["changes"].isna().all()
    assert alone.model_runs["previous_data_version"].isna().all()
    assert (after.model_runs["previous_data_version"] == "before").all()
    for changes in after.model_runs["changes"]:
        told = json.loads(changes)
        assert told["moved_names"] == []
        assert all(one["drift"] < 0.1 for one in told["segments"])


def test_other_features_than_before_are_told(made_up_customers):
    customers = made_up_customers()
    home = pd.DataFrame({"customer_id": customers["customer_id"], "is_home_country": np.arange(len(customers)) % 2})
    plain = segment_customers(customers, Choices(k=4))
    wider = segment_customers(customers, Choices(k=4), extra=home, before=FitBefore(plain.segment_centroids))
    assert "added: is_home_country" in wider.model_runs["change_notes"].iloc[0]
