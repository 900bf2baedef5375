"""What the steps that write schema ``ml`` share.

Belongs here: an ml table as an asset: its description, and writing it. Does not belong
here: any one model's reading and fitting (``orchestration/assets/``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from orchestration.documented_tables import documented_source, replace_table
from orchestration.metadata import column_schema, table_metadata

_OWNERS = ["team:data-science"]


def table_spec(
    manifest: Mapping[str, Any], table: str, deps: Sequence[Sequence[str]], *, kinds: set[str], schema: str = "ml"
) -> dg.AssetSpec:
    """One table as an asset, described as its dbt source describes it.

    Raises
    ------
    RegularsError
        If the table is not documented.
    """
    source = documented_source(manifest, schema, table)
    return dg.AssetSpec(
        [schema, table],
        deps=[list(key) for key in deps],
        description=source["description"],
        group_name=schema,
        owners=_OWNERS,
        kinds={"duckdb", *kinds},
        metadata={"dagster/column_schema": column_schema(source["columns"])},
    )


def write_table(
    connection: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    table: str,
    frame: pd.DataFrame,
    *,
    schema: str = "ml",
    metadata: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult:
    """Replace the table by the frame's rows; what Dagster shows of it, with more ``metadata`` if given."""
    replace_table(connection, manifest, schema, table, frame)
    shown = {**table_metadata(connection, schema, table), **(metadata or {})}
    return dg.MaterializeResult(asset_key=[schema, table], metadata=shown)
