"""Fits to ml: the record of all of them, once every one is done.

Belongs here: the asset ``ml.model_runs``. Does not belong here: any fit.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration.ml_tables import table_spec, write_table
from orchestration.model_runs import MODELS, runs_key
from orchestration.resources import WarehouseResource


def collect_model_runs(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """One table of all fits, and their doubts where Dagster shows them."""
    spec = table_spec(manifest, "model_runs", [runs_key(model).path for model in MODELS], kinds={"python"})

    @dg.multi_asset(name="collect_model_runs", specs=[spec])
    def runs(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        with warehouse.get_connection() as connection:
            collected = connection.execute(
                " union all by name ".join(f"select * from fits.{model}" for model in MODELS)
            ).df()
            told = [
                f"{row.model} ({row.algorithm}): {note}"
                for row in collected.sort_values(["model", "algorithm"]).itertuples()
                for note in (row.warnings, row.change_notes)
                if isinstance(note, str)
            ]
            for line in told:
                context.log.info(line)
            notes = dg.MetadataValue.md("\n".join(f"- {line}" for line in told) or "None.")
            return write_table(connection, manifest, "model_runs", collected, metadata={"notes": notes})

    return runs
