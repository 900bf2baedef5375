"""Marts to ml: customer segments and revenue anomalies, written back.

Belongs here: reading what a model needs, calling it, writing its answer. Does not
belong here: the models (``ml/``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from orchestration.documented_tables import replace_table
from orchestration.metadata import table_metadata
from orchestration.resources import WarehouseResource
from warehouse.errors import RegularsError
from warehouse.ledger import active_content_hashes
from warehouse.settings import load_settings
from warehouse.versions import data_version

_OWNERS = ["team:data-science"]


def _spec(table: str, deps: list[list[str]], kinds: set[str]) -> dg.AssetSpec:
    return dg.AssetSpec(["ml", table], deps=deps, group_name="ml", owners=_OWNERS, kinds={"duckdb", *kinds})


def fit_segments(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """k-means on recency, frequency and money."""
    tables = ("customer_segments", "cluster_selection", "segment_profiles", "model_runs")

    @dg.multi_asset(
        name="fit_segments",
        specs=[_described(_spec(table, [["marts", "customer_rfm"]], {"scikitlearn"}), manifest) for table in tables],
    )
    def segments(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
        from ml.segments import segment_customers

        chosen = load_settings().segmentation
        with warehouse.get_connection() as connection:
            rfm = connection.execute(
                "select customer_id, recency_days, frequency, monetary::double as monetary from marts.customer_rfm"
            ).df()
            if rfm.empty:
                raise RegularsError("No identified customer has a purchase, so there is nobody to segment.")
            fitted = segment_customers(
                rfm,
                k=chosen.k,
                k_min=chosen.k_min,
                k_max=chosen.k_max,
                scaler=chosen.scaler,
                outliers=chosen.outliers,
                random_state=chosen.random_state,
                data_version=data_version(active_content_hashes(connection)),
            )
            for table in tables:
                yield _write(connection, manifest, table, getattr(fitted, table))

    return segments


def flag_anomalies(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Trading days whose revenue is far from the trading days before them."""

    @dg.multi_asset(
        name="flag_anomalies",
        specs=[_described(_spec("revenue_anomalies", [["marts", "fct_daily_revenue"]], {"python"}), manifest)],
    )
    def anomalies(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
        from ml.anomalies import flag_revenue_anomalies

        chosen = load_settings().anomalies
        with warehouse.get_connection() as connection:
            daily = connection.execute(
                """
                select date, net_revenue_as_booked::double as net_revenue
                from marts.fct_daily_revenue
                where is_trading_day
                order by date
                """
            ).df()
            flags = flag_revenue_anomalies(daily, window_days=chosen.window_days, threshold=chosen.threshold)
            yield _write(connection, manifest, "revenue_anomalies", flags)

    return anomalies


def _described(spec: dg.AssetSpec, manifest: Mapping[str, Any]) -> dg.AssetSpec:
    schema, table = spec.key.path
    for source in manifest["sources"].values():
        if (source["schema"], source["name"]) == (schema, table):
            return spec.replace_attributes(description=source["description"])
    raise RegularsError(f"{schema}.{table} is not documented as a source in dbt_project.")


def _write(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], table: str, frame: pd.DataFrame
) -> dg.MaterializeResult:
    replace_table(connection, manifest, "ml", table, frame)
    return dg.MaterializeResult(asset_key=["ml", table], metadata=table_metadata(connection, "ml", table))
