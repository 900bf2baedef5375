"""Tables that Python writes: what their documentation says of a row holds of every row."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml

from orchestration.documented_tables import replace_table
from warehouse.errors import RegularsError
from warehouse.settings import PROJECT_ROOT

SOUND: dict[str, dict[str, Any]] = {
    "customer_segments": {
        "kmeans_label": 1, "kmeans_segment": "Regulars", "cluster_id": 1, "segment_name": "Regulars",
        "mixture_probability": 0.5, "distance": 0.25, "stability": None,
    },
    "cluster_selection": {
        "algorithm": "kmeans", "k": 3, "silhouette": -1.0, "resample_silhouette": None, "inertia": 0.0,
        "davies_bouldin": 0.5, "calinski_harabasz": 10.0, "smallest_share_pct": 33.3, "seed_stability": 1.0,
        "bootstrap_stability": 1.0,
    },
    "segment_profiles": {"algorithm": "kmeans", "cluster_id": 1, "segment_name": "Regulars"},
    "segment_scaler": {"method": "minmax", "center": 0.0, "scale": 1.0},
    "segment_centroids": {"scaled_value": -1.0, "weight": 0.0},
    "mixture_covariances": {"feature": "a", "other_feature": "b", "covariance": -1.0},
    "customer_clv": {
        "model": "zero", "repeat_purchase_days": 0, "days_to_last_purchase": 0, "observed_days": 9, "p_alive": None,
        "expected_purchases": 0.0, "expected_purchases_low": None, "expected_purchases_high": None,
        "expected_purchase_value": None, "clv": 5.0, "clv_low": 5.0, "clv_high": 5.0,
    },
    "clv_holdout": {
        "kind": "model", "spearman": -1.0, "top_decile_capture_pct": 100.0, "interval_coverage_pct": None,
    },
    "clv_coverage": {"fifth": 5, "bought_nothing_pct": 100.0, "interval_coverage_pct": 0.0},
    "revenue_anomalies": {
        "grain": "week", "date": pd.Timestamp("2011-03-07"), "actual": 5.0, "expected": 20.0, "difference": -15.0,
        "score": -3.0, "threshold": 3.0, "direction": "drop",
    },
    "revenue_expectations": {"lower": 1.0, "expected": 1.0, "upper": 1.0},
    "anomaly_drivers": {"dimension": "country", "actual": 5.0, "expected": 3.0, "difference": 2.0},
}  # fmt: skip
"""Of each table a row on the border of what its rules allow, in the columns that they are about."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    path = PROJECT_ROOT / "dbt_project" / "models" / "reporting" / "_reporting__sources.yml"
    (ml,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    return {
        "sources": {
            table["name"]: {
                **table,
                "schema": "ml",
                "columns": {column["name"]: column for column in table["columns"]},
            }
            for table in ml["tables"]
        }
    }


def write(manifest: dict[str, Any], table: str, *changes: dict[str, Any]) -> None:
    columns = manifest["sources"][table]["columns"]
    fill = {"integer": 0, "bigint": 0, "double": 0.0, "boolean": False, "varchar": "x", "date": pd.Timestamp(0)}
    sound = {name: fill[column["data_type"]] for name, column in columns.items()} | SOUND[table]
    with duckdb.connect() as connection:
        replace_table(connection, manifest, "ml", table, pd.DataFrame([sound | change for change in changes]))


@pytest.mark.parametrize("table", SOUND)
def test_a_row_on_the_border_is_written(manifest: dict[str, Any], table: str) -> None:
    write(manifest, table, {})


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("customer_segments", {"cluster_id": 2}),
        ("customer_segments", {"segment_name": "Dormant"}),
        ("customer_segments", {"hierarchical_segment": None}),
        ("customer_segments", {"mixture_probability": 1.01}),
        ("customer_segments", {"stability": 1.5}),
        ("customer_segments", {"distance": float("inf")}),
        ("cluster_selection", {"algorithm": "dbscan"}),
        ("cluster_selection", {"silhouette": 1.1}),
        ("cluster_selection", {"inertia": -0.1}),
        ("cluster_selection", {"smallest_share_pct": 34.0}),
        ("cluster_selection", {"bootstrap_stability": 1.1}),
        ("segment_scaler", {"method": "robust"}),
        ("segment_scaler", {"scale": 0.0}),
        ("segment_centroids", {"scaled_value": float("inf")}),
        ("segment_centroids", {"weight": -0.1}),
        ("mixture_covariances", {"other_feature": "a", "covariance": 0.0}),
        ("customer_clv", {"model": "guess"}),
        ("customer_clv", {"repeat_purchase_days": 1, "days_to_last_purchase": 5, "p_alive": 1.5}),
        # nothing is known of whether a one-time buyer is still there
        ("customer_clv", {"p_alive": 1.0}),
        ("customer_clv", {"clv_low": -1.0}),
        ("customer_clv", {"days_to_last_purchase": 6}),
        ("customer_clv", {"repeat_purchase_days": 1, "days_to_last_purchase": 10}),
        ("customer_clv", {"expected_purchases": -1.0}),
        ("customer_clv", {"expected_purchases_low": 1.0, "expected_purchases_high": 2.0}),
        ("customer_clv", {"clv": float("inf"), "clv_high": float("inf")}),
        ("customer_clv", {"clv_low": 6.0}),
        ("customer_clv", {"clv_low": None}),
        ("clv_holdout", {"kind": "guess"}),
        ("clv_holdout", {"spearman": 1.1}),
        ("clv_holdout", {"top_decile_capture_pct": 101.0}),
        ("clv_coverage", {"fifth": 6}),
        ("clv_coverage", {"interval_coverage_pct": 101.0}),
        ("revenue_anomalies", {"grain": "month"}),
        ("revenue_anomalies", {"date": pd.Timestamp("2011-03-08")}),
        ("revenue_anomalies", {"direction": "spike"}),
        ("revenue_anomalies", {"score": -2.9}),
        ("revenue_anomalies", {"score": float("-inf")}),
        ("revenue_anomalies", {"difference": -15.01}),
        ("revenue_anomalies", {"cause": None}),
        ("revenue_expectations", {"expected": 1.1}),
        ("revenue_expectations", {"upper": float("inf")}),
        ("anomaly_drivers", {"dimension": "weather"}),
        ("anomaly_drivers", {"difference": 2.01}),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused(manifest: dict[str, Any], table: str, change: dict[str, Any]) -> None:
    with pytest.raises(RegularsError, match=rf"ml\.{table}: the model returned a row that breaks a rule"):
        write(manifest, table, change)


def test_a_silence_among_days_of_returns_may_be_above_what_is_expected(manifest: dict[str, Any]) -> None:
    silence = {"direction": "silence", "actual": 0.0, "expected": -488.0, "difference": 488.0, "score": 2.5}
    write(manifest, "revenue_anomalies", silence | {"grain": "day"})


def test_two_segments_of_one_name_are_refused(manifest: dict[str, Any]) -> None:
    with pytest.raises(RegularsError, match="segment_profiles"):
        write(manifest, "segment_profiles", {}, {"cluster_id": 2})
