"""Reporting to readers: the published snapshot.

Belongs here: the asset that publishes once every check has passed. Does not belong
here: how a snapshot is built and swapped in (:mod:`warehouse.publishing`).
"""

import time

import dagster as dg
import duckdb

from expectations.checks import LAYERS
from orchestration.freshness import within
from orchestration.resources import RefreshOptions, WarehouseResource
from warehouse.documentation import documented_tables
from warehouse.errors import PublishError
from warehouse.increments import why_unpublishable
from warehouse.ledger import active_content_hashes
from warehouse.pseudonyms import KEY_CHECK, copied_key, key_check
from warehouse.publishing import publish
from warehouse.quality import CHECKS_BY_LAYER, next_moment
from warehouse.settings import Freshness
from warehouse.versions import RefreshVersion

SNAPSHOT_KEY = dg.AssetKey(["published", "snapshot"])


def published_snapshot(upstream: list[dg.AssetKey], limits: Freshness) -> dg.AssetsDefinition:
    """The asset that puts a new snapshot before the readers, after all of ``upstream``."""

    @dg.asset(
        key=SNAPSHOT_KEY,
        deps=upstream,
        group_name="published",
        owners=["team:data"],
        kinds={"duckdb"},
        freshness_policy=within(limits.max_age_hours),
        description="What people read: marts, ml, reporting and quality, swapped in whole.",
    )
    def snapshot(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, refresh: RefreshOptions
    ) -> dg.MaterializeResult:
        settings = warehouse.settings
        origin = warehouse.home.origin_or_own()
        with warehouse.get_connection(read_only=True) as connection:
            version = RefreshVersion.of(
                active_content_hashes(connection), settings, refresh.as_of, memo=warehouse.home.code_memo
            )
            published_at = next_moment(connection)
            why_not = why_unpublishable(connection, version, LAYERS)
            secret = copied_key(connection) if settings.shop.customer_ids == "pseudonyms" else None
            course = _course(connection) if why_not is None else {}
        if why_not is not None:
            raise PublishError(f"Nothing is published: {why_not}. Run the whole refresh; readers keep what they see.")
        about = {
            "currency": settings.shop.currency,
            "home_country": settings.shop.home_country,
            "rfm_frequency": settings.rfm.frequency,
            "rfm_monetary": settings.rfm.monetary,
        }
        if secret is not None:
            about[KEY_CHECK] = key_check(secret)
        done = publish(
            warehouse.home,
            data_version=version.data_version,
            settings_fingerprint=version.settings_fingerprint,
            code_fingerprint=version.code_fingerprint,
            as_of_date=version.as_of_date,
            is_sample=origin.is_sample,
            landing=origin.landing,
            published_at=published_at,
            about=about,
            known=documented_tables().keys(),
            parquet=settings.publish.parquet,
            keep=settings.keep.snapshots,
        )
        return dg.MaterializeResult(
            metadata={
                "publication_id": done.publication_id,
                "snapshot": dg.MetadataValue.path(str(warehouse.home.published)),
                "customers": done.customers,
                "lines": done.lines,
                "net_revenue": float(done.net_revenue or 0),
                "is_sample": origin.is_sample,
                "seconds_of_run": _seconds_of_run(context),
                **course,
            }
        )

    return snapshot


def _course(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """How sound each publication was, in numbers that Dagster's pages plot from one to the next."""
    [(delivered, set_aside)] = connection.execute(
        "select sum(row_count), coalesce(sum(row_count) filter (not is_kept), 0) from marts.row_accounting"
    ).fetchall()
    [(passed, warned)] = connection.execute(
        f"select sum(passed), sum(warned) from ({CHECKS_BY_LAYER}) as layers"
    ).fetchall()
    return {
        "delivered_lines": int(delivered),
        "set_aside_pct": 100 * int(set_aside) / int(delivered) if delivered else 0.0,
        "checks_passed": int(passed),
        "checks_warned": int(warned),
    }


def _seconds_of_run(context: dg.AssetExecutionContext) -> float:
    """From the run's start up to here, which is all but its last records."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return time.time() - record.start_time if record is not None and record.start_time is not None else 0.0
