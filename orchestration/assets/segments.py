"""Marts to ml: customer segments, written back.

Belongs here: reading what the clusterings need, calling them, writing their answer, and
what Dagster shows of it. Does not belong here: the clusterings and their plots (``ml/``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from orchestration.metadata import picture_metadata
from orchestration.ml_tables import table_spec, write_table
from orchestration.model_runs import record_runs, runs_spec
from orchestration.previous import previous_snapshot, read_previous
from orchestration.resources import FitsBeside, RefreshOptions, WarehouseResource
from warehouse.claims import claims_sql
from warehouse.errors import RegularsError
from warehouse.ledger import active_content_hashes
from warehouse.versions import RefreshVersion

SEGMENTS_STEP = "fit_segments"
_TABLES = (
    "customer_segments",
    "cluster_selection",
    "segment_profiles",
    "segment_scaler",
    "segment_centroids",
    "mixture_covariances",
)
_MARTS = (["marts", "customer_rfm"], ["marts", "customer_category_shares"], ["marts", "dim_customers"])


def fit_segments(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Clusterings on recency, frequency and money, and what else the settings ask for."""

    @dg.multi_asset(
        name=SEGMENTS_STEP,
        specs=[
            *(table_spec(manifest, table, _MARTS, kinds={"scikitlearn"}) for table in _TABLES),
            runs_spec(manifest, "customer_segments", _MARTS),
        ],
    )
    def segments(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        refresh: RefreshOptions,
        beside: FitsBeside,
    ) -> Iterator[dg.MaterializeResult]:
        from ml.segments import segment_customers

        with warehouse.get_connection() as connection:
            fitted = beside.take(SEGMENTS_STEP)
            if fitted is None:
                fitted = segment_customers(**read_segmentation(connection, warehouse, refresh.as_of))
            for note in fitted.model_runs["change_notes"].dropna():
                context.log.info(note)
            for table in _TABLES:
                metadata = _drawn(fitted.cluster_selection) if table == "cluster_selection" else None
                yield write_table(connection, manifest, table, getattr(fitted, table), metadata=metadata)
            yield record_runs(connection, fitted.model_runs)

    return segments


def read_segmentation(
    connection: duckdb.DuckDBPyConnection, warehouse: WarehouseResource, as_of: str | None
) -> dict[str, Any]:
    """All that the clusterings are a function of, as arguments of :func:`ml.segments.segment_customers`.

    Raises
    ------
    RegularsError
        If there is no customer.
    """
    from ml.cluster_selection import Choices
    from ml.segments import MODEL, FitBefore

    settings = warehouse.settings
    chosen = settings.segmentation
    rfm = connection.execute(
        "select customer_id, recency_days, frequency, monetary::double as monetary from marts.customer_rfm"
    ).df()
    if rfm.empty:
        raise RegularsError("No identified customer has a purchase, so there is nobody to segment.")
    version = RefreshVersion.of(active_content_hashes(connection), settings, as_of, memo=warehouse.home.code_memo)
    snapshot = previous_snapshot(warehouse.home, version)
    centroids_before = read_previous(connection, snapshot, "ml.segment_centroids")
    runs_before = read_previous(connection, snapshot, "ml.model_runs", "model, data_version")
    version_before = (
        None
        if runs_before is None
        else next(iter(runs_before.loc[runs_before["model"] == MODEL, "data_version"]), None)
    )
    return {
        "rfm": rfm,
        "choices": Choices(
            k=chosen.k,
            k_min=chosen.k_min,
            k_max=chosen.k_max,
            scaler=chosen.scaler,
            outliers=chosen.outliers,
            random_state=chosen.random_state,
        ),
        "extra": read_extra_features(connection, chosen.extra_features),
        "claims": connection.execute(claims_sql("clusters", "marts.customer_rfm")).df(),
        "data_version": version.data_version,
        "before": None if centroids_before is None else FitBefore(centroids_before, version_before),
    }


def read_extra_features(connection: duckdb.DuckDBPyConnection, asked: Sequence[str]) -> pd.DataFrame | None:
    """What the setting ``segmentation.extra_features`` asks for, one row per customer; None if nothing.

    Columns ``share_<category>`` in percent for ``category_shares``, ``is_home_country`` (0
    or 1) for ``home_country``.
    """
    if not asked:
        return None
    from ml.features import build_extra_features

    def read(sql: str, name: str) -> pd.DataFrame | None:
        return connection.execute(sql).df() if name in asked else None

    return build_extra_features(
        connection.execute("select customer_id from marts.customer_rfm").df()["customer_id"],
        category_shares=read(
            "select customer_id, category, share_pct from marts.customer_category_shares", "category_shares"
        ),
        home_countries=read("select customer_id, is_home_country from marts.dim_customers", "home_country"),
    )


def _drawn(selection: pd.DataFrame) -> dict[str, Any]:
    """The evidence as a picture in Dagster's metadata."""
    from ml.segment_plots import draw_cluster_selection

    return {"evidence": picture_metadata(draw_cluster_selection(selection), "Elbow and silhouette")}
