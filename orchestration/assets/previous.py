"""The published snapshot before, as far as a new one is compared with it.

Belongs here: the asset that copies the segments of the previous publication into the
private file. Does not belong here: the comparison (``dbt_project/models/reporting``).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration.ml_tables import table_spec, write_table
from orchestration.previous import previous_snapshot, read_previous
from orchestration.resources import RefreshOptions, WarehouseResource
from warehouse.ledger import active_content_hashes
from warehouse.versions import RefreshVersion

_COLUMNS = """
    customer_id,
    kmeans_segment,
    hierarchical_segment,
    mixture_segment,
    rfm_segment,
    audience_segment,
    slipping_segment
"""


def recall_previous(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The segments that every customer had in the publication before."""
    # after loading, because only then it is known what this refresh is made from
    spec = table_spec(manifest, "customer_segments", [["raw", "transactions"]], kinds={"duckdb"}, schema="previous")

    @dg.multi_asset(name="recall_previous", specs=[spec])
    def previous(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, refresh: RefreshOptions
    ) -> dg.MaterializeResult:
        with warehouse.get_connection() as connection:
            version = RefreshVersion.of(
                active_content_hashes(connection), warehouse.settings, refresh.as_of, memo=warehouse.home.code_memo
            )
            snapshot = previous_snapshot(warehouse.home, version)
            segments = read_previous(connection, snapshot, "reporting.customer_360", _COLUMNS)
            publication = None if snapshot is None or segments is None else snapshot.publication
            if segments is None or publication is None:
                context.log.info("Nothing published before to compare with.")
                segments = connection.execute(
                    f"select {', '.join(f'null::varchar as {name.strip()}' for name in _COLUMNS.split(','))} limit 0"
                ).df()
            segments["previous_publication_id"] = None if publication is None else publication.publication_id
            segments["previous_snapshot_date"] = None if publication is None else publication.snapshot_date
            return write_table(connection, manifest, "customer_segments", segments, schema="previous")

    return previous
