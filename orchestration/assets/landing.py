"""Landing to raw: delivered files into the private warehouse.

Belongs here: the asset that calls the loader and decides whether there is anything
new to build from. Does not belong here: how files are read (``warehouse/readers``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.assets.snapshot import SNAPSHOT_KEY
from orchestration.documented_tables import documented_source
from orchestration.freshness import within
from orchestration.metadata import column_schema, table_metadata, told_in_intervals
from orchestration.resources import RefreshOptions, WarehouseResource
from orchestration.standing_checks import checks_that_stand
from warehouse.calendar import knows_holidays, write_calendar
from warehouse.ledger import active_content_hashes
from warehouse.loading import LoadReport, load_landing
from warehouse.news import is_key_new, is_published
from warehouse.pseudonyms import keep_key
from warehouse.quality import next_moment
from warehouse.readers.layouts import raw_tables
from warehouse.settings import Freshness
from warehouse.versions import RefreshVersion
from warehouse.wording import count

RAW_TABLES = (
    *(["raw", name] for name in raw_tables()),
    ["raw", "sales_lines"],
    ["raw", "deliveries"],
    ["raw", "pseudonym_key"],
    ["raw", "unused_columns"],
    ["raw", "calendar_days"],
    ["quality", "load_ledger"],
    ["quality", "source_limits"],
)
LANDING = ["landing", "files"]
_SECRET = ["raw", "pseudonym_key"]
NOTHING_NEW = "nothing_new"


def landing_folder(limits: Freshness) -> dg.AssetSpec:
    """The folder itself, which others fill; a load notes each delivery that it took in."""
    return dg.AssetSpec(
        LANDING,
        description="The folder that sales files are delivered to.",
        group_name="landing",
        kinds={"file"},
        freshness_policy=within(limits.max_delivery_age_hours),
    )


def load_landing_files(manifest: Mapping[str, Any], deliverers: Sequence[Sequence[str]] = ()) -> dg.AssetsDefinition:
    """The asset of the loaded files; ``deliverers`` are assets that put files into landing, and go first."""
    specs = [
        dg.AssetSpec(
            [schema, table],
            description=documented_source(manifest, schema, table)["description"],
            group_name=schema,
            owners=["team:data"],
            kinds={"duckdb", "python"},
            deps=[LANDING, *deliverers],
            # nothing delivered since the last publication: whatever follows is skipped, not failed
            skippable=True,
            metadata={"dagster/column_schema": column_schema(documented_source(manifest, schema, table)["columns"])},
        )
        for schema, table in RAW_TABLES
    ]
    return dg.multi_asset(name="load_landing_files", specs=specs)(_load)


def _load(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, refresh: RefreshOptions
) -> Iterator[dg.MaterializeResult | dg.AssetObservation]:
    """Load what was delivered, in one transaction; go on only if an answer could differ."""
    home = warehouse.home
    settings = warehouse.settings
    tell = told_in_intervals(context.log.info)
    origin = home.origin_or_own()
    if origin.landing == home.landing:
        home.landing.mkdir(parents=True, exist_ok=True)
    with warehouse.get_connection() as connection:
        report = load_landing(
            connection,
            origin.landing,
            settings,
            loaded_at=next_moment(connection),
            scratch=home.scratch,
            progress=lambda stage, done, total: tell(f"{stage}: {count(done)} of {count(total)}"),
        )
        # only now: a home that nothing was loaded into stays free for another folder
        home.bind(origin.landing, is_sample=origin.is_sample)
        for outcome in report.files:
            if outcome.problem:
                context.log.warning(outcome.problem)
        for told in report.gone:
            context.log.warning(told)
        if any(outcome.status == "loaded" for outcome in report.files):
            context.log_event(dg.AssetMaterialization(LANDING, metadata=_report_metadata(report)))
        has_new_key = settings.shop.customer_ids == "pseudonyms" and is_key_new(home, keep_key(connection, home))
        version = RefreshVersion.of(active_content_hashes(connection), settings, refresh.as_of, memo=home.code_memo)
        metadata = _report_metadata(report)
        if is_published(connection, home, version) and not has_new_key and not refresh.full:
            context.log.info("Nothing new since the last publication.")
            for standing in checks_that_stand(context.instance, context.run.run_id, SNAPSHOT_KEY):
                context.log_event(standing)
            yield dg.AssetObservation(["raw", "transactions"], metadata={NOTHING_NEW: True, **metadata})
            return
        write_calendar(connection, settings)
        if not knows_holidays(settings):
            context.log.warning(
                f"No public holidays are known of shop.home_country {settings.shop.home_country}: days on which the "
                "shop was closed for one count as silent unless calendar.closures names them."
            )
        for key in RAW_TABLES:
            shown = {} if key == _SECRET else table_metadata(connection, *key)
            yield dg.MaterializeResult(asset_key=key, metadata={**shown, **metadata})


def _report_metadata(report: LoadReport) -> dict[str, int]:
    statuses = [outcome.status for outcome in report.files]
    return {f"files_{status}": statuses.count(status) for status in sorted(set(statuses))}
