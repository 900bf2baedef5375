"""The record of every fit, which several steps write.

Belongs here: keeping a step's record until all are collected into ``ml.model_runs``.
Does not belong here: what a record says (:func:`ml.runs.describe_run`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from orchestration.documented_tables import documented_source
from orchestration.metadata import column_schema

MODELS = ("customer_segments", "customer_value", "revenue_anomalies")


def runs_key(model: str) -> dg.AssetKey:
    """The asset that holds the record of one model's fits."""
    return dg.AssetKey(["fits", model])


def runs_spec(manifest: Mapping[str, Any], model: str, deps: Sequence[Sequence[str]]) -> dg.AssetSpec:
    """The record of one model's fits as an asset of the step that fits it.

    In tables of their own, because a table that the models' gate checks can't be
    finished by a step that waits for that gate.
    """
    return dg.AssetSpec(
        runs_key(model),
        deps=[list(key) for key in deps],
        description=f"The record of this refresh's fits of {model.replace('_', ' ')}; collected in ml.model_runs.",
        group_name="fits",
        owners=["team:data-science"],
        kinds={"duckdb", "python"},
        metadata={"dagster/column_schema": column_schema(documented_source(manifest, "ml", "model_runs")["columns"])},
    )


def record_runs(connection: duckdb.DuckDBPyConnection, runs: pd.DataFrame) -> dg.MaterializeResult:
    """Keep the record of one model's fits.

    Parameters
    ----------
    runs
        Rows of :func:`ml.runs.describe_run`, all of one model.

    Raises
    ------
    ValueError
        If there is no row, or the rows are not all of one of :data:`MODELS`.
    """
    found = sorted(set(runs["model"]))
    if len(found) != 1 or found[0] not in MODELS:
        raise ValueError(f"expected fits of one of {', '.join(MODELS)}, got {', '.join(found) or 'none'}")
    connection.register("_runs", runs)
    try:
        connection.execute("create schema if not exists fits")
        connection.execute(f"create or replace table fits.{found[0]} as select * from _runs")
    finally:
        connection.unregister("_runs")
    return dg.MaterializeResult(asset_key=runs_key(found[0]), metadata={"dagster/row_count": len(runs)})
