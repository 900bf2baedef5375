"""The code location: wiring only. Importing it opens no database and no network."""

import dagster as dg

from orchestration.assets.anomalies import flag_anomalies
from orchestration.assets.customer_value import fit_customer_value
from orchestration.assets.databases import DATABASES, pull_from_databases
from orchestration.assets.drafting import redraft_emails
from orchestration.assets.landing import landing_folder, load_landing_files
from orchestration.assets.model_runs import collect_model_runs
from orchestration.assets.previous import recall_previous
from orchestration.assets.segments import fit_segments
from orchestration.assets.snapshot import published_snapshot
from orchestration.assets.transformations import DBT_STEPS, dbt_step
from orchestration.checks import ALL_GATES
from orchestration.column_lineage import kept_column_lineage
from orchestration.dbt import load_manifest
from orchestration.engine import Engine
from orchestration.jobs import alerts_sensor, daily_schedule, landing_sensor, refresh_job
from orchestration.progress import program_logger, step_logger
from orchestration.resources import FitsBeside, RefreshOptions, WarehouseResource
from warehouse.errors import SettingsError
from warehouse.home import default_home
from warehouse.publishing import PUBLISHED_SCHEMAS
from warehouse.settings import Settings, load_settings

home = default_home()
try:
    settings = load_settings()
except SettingsError:
    # the daemon loads this anew every minute, and without it no tick could say what is wrong: each tick and each
    # step reads the settings itself, and fails by the message
    settings = Settings.model_construct()
manifest = load_manifest(home)
lineage = kept_column_lineage(home, settings)

# a shop without databases is shown no step for them
databases = settings.landing.databases
pull_steps = [pull_from_databases(databases)] if databases else []
build_steps = [
    load_landing_files(manifest, [DATABASES] if databases else []),
    recall_previous(manifest),
    *(dbt_step(name, manifest, lineage) for name in DBT_STEPS),
    fit_segments(manifest),
    fit_customer_value(manifest),
    flag_anomalies(manifest),
    collect_model_runs(manifest),
    redraft_emails(manifest),
]
# all that comes before is upstream of these, and so are its gates
published_tables = [key for step in build_steps for key in step.keys if key.path[0] in PUBLISHED_SCHEMAS]
# read by a gate alone, and by no table: what it holds may stop a publication
published_tables.append(dg.AssetKey(["raw", "unused_columns"]))

defs = dg.Definitions(
    assets=[
        landing_folder(settings.freshness),
        *pull_steps,
        *build_steps,
        published_snapshot(published_tables, settings.freshness),
    ],
    asset_checks=ALL_GATES,
    jobs=[refresh_job],
    schedules=[daily_schedule(home, settings)],
    sensors=[landing_sensor(home), alerts_sensor(home)],
    resources={
        "warehouse": WarehouseResource(database=str(home.warehouse)),
        "refresh": RefreshOptions(),
        "beside": FitsBeside(),
        "engine": Engine(),
    },
    loggers={"console": dg.colored_console_logger, "steps": step_logger, "json": program_logger},
    # a process per step would import everything again and fight over the DuckDB file
    executor=dg.in_process_executor,
)
