"""Labelling from the stored tables: in Python, and in SQL without any of our code."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.cluster_selection import Choices
from ml.clustering import ALGORITHMS
from ml.features import RFM_COLUMNS
from ml.segment_model import SegmentModel
from ml.segments import segment_customers

LABEL_IN_SQL = """
with
scaled as (
    select
        customers.customer_id, scaler.feature,
        (
            case
                when scaler.method = 'log_standard' then sign(customers.value) * ln(1 + abs(customers.value))
                else customers.value
            end - scaler.center
        ) / scaler.scale as value
    from (unpivot customers on columns(* exclude (customer_id)) into name feature value value) as customers
    inner join segment_scaler as scaler using (feature)
),
offsets as (
    select
        scaled.customer_id, centres.algorithm, centres.cluster_id, centres.segment_name, centres.weight,
        scaled.feature, scaled.value - centres.scaled_value as offset_value
    from scaled
    inner join segment_centroids as centres using (feature)
),
distances as (
    select algorithm, customer_id, cluster_id, segment_name, sum(offset_value ** 2) as badness
    from offsets
    where algorithm in ('kmeans', 'hierarchical')
    group by all
),
densities as (
    select
        a.algorithm, a.customer_id, a.cluster_id, a.segment_name,
        sum(a.offset_value * spread.precision * b.offset_value) + any_value(spread.log_determinant)
            - 2 * ln(any_value(a.weight)) as badness
    from offsets as a
    inner join mixture_covariances as spread on a.cluster_id = spread.cluster_id and a.feature = spread.feature
    inner join offsets as b
        on a.customer_id = b.customer_id and b.algorithm = 'mixture' and a.cluster_id = b.cluster_id
        and spread.other_feature = b.feature
    where a.algorithm = 'mixture'
    group by a.algorithm, a.customer_id, a.cluster_id, a.segment_name
)
select
    algorithm, customer_id, arg_min(cluster_id, badness) as cluster_id, arg_min(segment_name, badness) as segment_name
from (from distances union all from densities)
group by algorithm, customer_id
order by algorithm, customer_id
"""


def label_in_sql(customers, found):
    with duckdb.connect() as con:
        con.register(
            "customers", customers.astype({name: float for name in customers.columns if name != "customer_id"})
        )
        for table in ("segment_scaler", "segment_centroids", "mixture_covariances"):
            con.register(table, getattr(found, table))
        return con.execute(LABEL_IN_SQL).df()


def stored_labels(found):
    parts = [
        found.customer_segments[["customer_id", f"{algorithm}_label", f"{algorithm}_segment"]]
        .set_axis(["customer_id", "cluster_id", "segment_name"], axis=1)
        .assign(algorithm=algorithm)
        for algorithm in ALGORITHMS
    ]
    stored = pd.concat(parts)[["algorithm", "customer_id", "cluster_id", "segment_name"]]
    return stored.sort_values(["algorithm", "customer_id"]).reset_index(drop=True)


@pytest.mark.real_data
@pytest.mark.parametrize("outliers", ["keep", "iqr_exclude"])
def test_plain_sql_labels_every_real_customer_from_the_tables_alone(published_rfm, outliers):
    rfm = published_rfm(recency="calendar", frequency="invoices")
    found = segment_customers(rfm, Choices(outliers=outliers))
    pd.testing.assert_frame_equal(label_in_sql(rfm, found), stored_labels(found), check_dtype=False)


@pytest.mark.parametrize("scaler", ["log_standard", "standard", "minmax"])
def test_plain_sql_labels_by_every_scaler_and_with_extra_features(made_up_customers, scaler):
    customers = made_up_customers()
    customers.loc[3, "monetary"] = -250.0
    home = pd.DataFrame(
        {"customer_id": customers["customer_id"], "is_home_country": (np.arange(len(customers)) % 10 > 0).astype(float)}
    )
    found = segment_customers(customers, Choices(scaler=scaler, k=4), extra=home)
    labelled = label_in_sql(customers.merge(home), found)
    pd.testing.assert_frame_equal(labelled, stored_labels(found), check_dtype=False)


def test_a_model_read_back_from_its_tables_labels_as_the_one_that_wrote_them(made_up_segments):
    found = made_up_segments
    shuffled = [
        getattr(found, table).sample(frac=1, random_state=3)
        for table in ("segment_scaler", "segment_centroids", "mixture_covariances")
    ]
    again = SegmentModel.from_tables(*shuffled)
    values = np.random.default_rng(0).lognormal(3, 2, size=(500, 3))
    for algorithm in ALGORITHMS:
        ours, theirs = found.model.assign(values, algorithm), again.assign(values, algorithm)
        assert (ours.cluster_ids == theirs.cluster_ids).all()
        assert (ours.segment_names == theirs.segment_names).all()
        assert (ours.distances == theirs.distances).all()
    assert again.names == found.model.names
    assert again.clusters["mixture"].names == found.model.clusters["mixture"].names


def test_new_customers_are_labelled_as_the_fit_would_have_without_fitting_again(made_up_segments):
    found = made_up_segments
    alone = found.model.assign(np.array([[300.0, 1.0, 60.0]]))
    assert alone.segment_names.tolist() == ["Group 9"]
    assert alone.cluster_ids.tolist() == [9]


def test_the_record_of_the_run_is_enough_to_label_customers_by_hand(made_up_customers, made_up_segments):
    customers = made_up_customers()
    found = made_up_segments
    figures = json.loads(found.model_runs.query("algorithm == 'kmeans'")["figures"].item())
    raw = customers[figures["scaler"]["columns"]].to_numpy()
    scaled = (np.sign(raw) * np.log1p(np.abs(raw)) - figures["scaler"]["center"]) / figures["scaler"]["scale"]
    distances = np.linalg.norm(scaled[:, None, :] - np.array(figures["centroids"])[None, :, :], axis=2)
    by_hand = np.array(figures["cluster_ids"])[distances.argmin(axis=1)]
    assert by_hand.tolist() == found.customer_segments["kmeans_label"].tolist()


def test_centres_are_told_in_the_features_own_units_too(made_up_customers):
    found = segment_customers(made_up_customers(), Choices(k=4))
    first = found.segment_centroids.query("algorithm == 'kmeans' and segment_name == 'Group 0'")
    # made around 5 days, 60 orders and 9000
    assert first["feature"].tolist() == list(RFM_COLUMNS)
    assert first["unscaled_value"].to_numpy() == pytest.approx([5, 60, 9000], rel=0.15)
    assert first["weight"].to_numpy() == pytest.approx([0.25] * 3)


def test_tables_that_do_not_belong_together_are_refused(made_up_segments):
    found = made_up_segments
    scaler, centroids = found.segment_scaler, found.segment_centroids
    with pytest.raises(ValueError, match="the scaler has"):
        SegmentModel.from_tables(scaler, centroids[centroids["feature"] != "monetary"])
    with pytest.raises(ValueError, match="positions are"):
        SegmentModel.from_tables(scaler.iloc[1:], centroids)
    with pytest.raises(ValueError, match="centroids is empty"):
        SegmentModel.from_tables(scaler, centroids.iloc[:0])
    with pytest.raises(ValueError, match="covariances are missing"):
        SegmentModel.from_tables(scaler, centroids, found.mixture_covariances.iloc[1:])
    with pytest.raises(ValueError, match="no clusters of mixture"):
        SegmentModel.from_tables(scaler, centroids).assign(np.ones((1, 3)), "mixture")
