"""The code location as the server sees it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dbt.clients.yaml_helper import load_yaml_text

from orchestration.assets.landing import landing_folder
from orchestration.assets.snapshot import published_snapshot
from orchestration.dbt import DBT_PROJECT
from orchestration.definitions import defs
from orchestration.jobs import REFRESH, daily_schedule, landing_sensor
from tests.tiny_shop import HEADER, deliver, small_history
from warehouse.formats import export_formats
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT, Freshness, load_settings


def test_loading_the_workspace_opens_no_database(tmp_path: Path) -> None:
    code = (
        "import duckdb, sys\n"
        "connect = duckdb.connect\n"
        "def refuse_files(database=':memory:', *args, **kwargs):\n"
        "    assert database == ':memory:', f'{database} was opened'\n"
        "    return connect(database, *args, **kwargs)\n"
        "duckdb.connect = refuse_files\n"
        "import warnings; warnings.simplefilter('error', UserWarning)\n"
        "from dagster._core.workspace.load import location_origins_from_yaml_paths\n"
        "origins = location_origins_from_yaml_paths([sys.argv[1]])\n"
        "assert [origin.location_name for origin in origins] == ['regulars'], origins\n"
        "from orchestration.definitions import defs\n"
        "import dagster as dg\n"
        "dg.Definitions.validate_loadable(defs)\n"
    )
    environment = {**os.environ, "REGULARS_HOME": str(tmp_path), "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(PROJECT_ROOT / "workspace.yaml")],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_with_settings_that_cannot_be_read_the_code_loads_and_nothing_is_made_by_defaults(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('[shop]\ncurrncy = "EUR"\n')
    deliver(tmp_path / "landing", {"2024-02-20.csv": HEADER})
    code = (
        "from orchestration.definitions import defs\n"
        "from warehouse.errors import SettingsError\n"
        "import dagster as dg\n"
        "dg.Definitions.validate_loadable(defs)\n"
        "def refused(evaluate):\n"
        "    try:\n"
        "        evaluate()\n"
        "    except Exception as error:\n"
        "        # of a run it is the cause\n"
        "        print(error if isinstance(error, SettingsError) else error.__cause__)\n"
        "with dg.instance_for_test() as instance:\n"
        "    schedule = defs.resolve_schedule_def('daily_refresh')\n"
        "    refused(lambda: schedule(dg.build_schedule_context(instance=instance)))\n"
        "    for name in ('landing_files', 'alerts'):\n"
        "        sensor = defs.resolve_sensor_def(name)\n"
        "        refused(lambda: sensor(dg.build_sensor_context(instance=instance)))\n"
        "    refused(lambda: defs.resolve_job_def('refresh').execute_in_process(instance=instance))\n"
    )
    environment = {
        **os.environ,
        "REGULARS_HOME": str(tmp_path),
        "REGULARS_SETTINGS": str(tmp_path / "shop.toml"),
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = f"{tmp_path}/shop.toml: shop.currncy is not a setting"
    assert [line.partition(" (known")[0] for line in done.stdout.splitlines()] == [told] * 4
    assert not (tmp_path / "published" / "regulars.duckdb").exists()


def test_what_reads_models_outside_of_dbt_stands_in_an_exposure() -> None:
    declared = load_yaml_text((DBT_PROJECT / "models/reporting/_reporting__exposures.yml").read_text())["exposures"]
    exposed = {
        one["name"]: {told.removeprefix("ref('").removesuffix("')") for told in one["depends_on"]} for one in declared
    }
    graph = defs.resolve_asset_graph()
    made_by_dbt = {key for key in graph.get_all_asset_keys() if "dbt" in graph.get(key).kinds}
    readers = {
        key: {parent.path[-1] for parent in graph.get(key).parent_keys & made_by_dbt}
        for key in graph.get_all_asset_keys() - made_by_dbt
    }
    # several tables come of one step, which reads the same for all
    read = {frozenset(models) for models in readers.values() if models}
    assert {frozenset(models) for models in exposed.values()} == read
    assert exposed["published_snapshot"] == readers[dg.AssetKey(["published", "snapshot"])]


def test_every_asset_is_described_owned_and_grouped_by_layer() -> None:
    specs = [spec for spec in defs.resolve_all_asset_specs() if spec.key.path[0] != "landing"]
    assert {"raw", "staging", "intermediate", "marts", "ml", "reporting", "quality", "published"} <= {
        spec.group_name for spec in specs
    }
    for spec in specs:
        assert spec.description, spec.key
        assert spec.owners, spec.key
        assert spec.group_name == spec.key.path[0], spec.key


# what is no table, and so has no columns
_NO_TABLES = {
    "landing/files": "the folder that files are delivered to",
    "published/snapshot": "a file of all published tables",
}


def test_every_table_shows_the_columns_that_it_has_and_what_each_means(
    shop_once_published: Home, ask: Callable[..., list[tuple]]
) -> None:
    made: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, data_type in ask(
        shop_once_published.warehouse,
        "select schema_name, table_name, column_name, data_type from duckdb_columns() order by table_oid, column_index",
    ):
        made.setdefault((schema, table), []).append((column, data_type.lower()))
    # its one file is no export of a shop system, and the models of systems that nobody delivers of are not built
    not_made = {("staging", f"stg_{name}") for name in export_formats()}
    without = set()
    for spec in defs.resolve_all_asset_specs():
        if "dagster/column_schema" not in spec.metadata:
            without.add(spec.key.to_user_string())
            continue
        columns = spec.metadata["dagster/column_schema"].columns
        assert columns, spec.key
        assert all(column.description for column in columns), spec.key
        told = [(column.name, column.type.replace(" ", "").lower()) for column in columns]
        table = (spec.key.path[0], spec.key.path[1])
        if table in not_made:
            table = ("staging", "stg_export_lines")
        # a table that Python writes may have its columns in another order than they are documented in
        assert sorted(told) == sorted(made[table]), spec.key
    assert without == _NO_TABLES.keys()


def test_a_column_of_an_export_is_told_by_the_headers_of_its_declaration() -> None:
    columns = {
        table: {one.name: one for one in spec.metadata["dagster/column_schema"].columns}
        for spec in defs.resolve_all_asset_specs()
        if spec.key.path[0] == "raw"
        for table in [spec.key.path[1]]
        if "dagster/column_schema" in spec.metadata
    }
    assert columns["squarespace_orders"]["phone"].description == "`Billing Phone` or `Shipping Phone`, as delivered."
    # Square writes the clock time into a column of its own
    assert columns["square_items"]["date"].description == "`Date` with `Time`, as delivered."
    assert columns["shopify_orders"]["_problem"] == columns["transactions"]["_problem"]


def test_lineage_runs_from_landing_to_the_snapshot_only_forward() -> None:
    order = ["landing", "raw", "quality", "previous", "seeds", "staging", "intermediate", "marts", "fits", "ml"]
    order += ["reporting", "published"]
    graph = defs.resolve_asset_graph()
    snapshot = dg.AssetKey(["published", "snapshot"])
    for key in graph.get_all_asset_keys():
        for parent in graph.get(key).parent_keys:
            assert order.index(parent.path[0]) <= order.index(key.path[0]), (parent, key)
    upstream = dg.AssetSelection.assets(snapshot).upstream().resolve(graph)
    # of all lines, whatever their file, checks and summaries ask; models read each kind by itself
    aside = {dg.AssetKey(["landing", "files"]), dg.AssetKey(["raw", "sales_lines"])}
    assert upstream == graph.get_all_asset_keys() - aside


def test_every_layer_has_blocking_great_expectations_checks() -> None:
    graph = defs.resolve_asset_graph()
    gated = {key.asset_key.path[0] for key in graph.asset_check_keys if key.name == "great_expectations"}
    assert gated == {"raw", "quality", "staging", "intermediate", "marts", "ml", "reporting"}
    assert all(graph.get(key).blocking for key in graph.asset_check_keys if key.name == "great_expectations")


def test_no_model_or_mart_is_used_before_its_layer_was_checked() -> None:
    """Every step after a gate waits for that gate, whichever of the layer's tables it reads."""
    from dagster._core.execution.api import create_execution_plan

    plan = create_execution_plan(
        defs.resolve_job_def(REFRESH), run_config={"resources": {"warehouse": {"config": {"database": "x"}}}}
    )
    waits_for = {key: set(steps) for key, steps in plan.get_all_step_deps().items()}
    for step, gate in (
        ("dbt_staging", "validate_raw"),
        ("dbt_marts", "validate_staging"),
        ("fit_segments", "validate_marts"),
        ("flag_anomalies", "validate_marts"),
        ("fit_customer_value", "validate_marts"),
        ("dbt_reporting", "validate_ml"),
        ("redraft_emails", "validate_reporting"),
        ("published__snapshot", "validate_reporting"),
        ("published__snapshot", "validate_ml"),
        ("published__snapshot", "validate_raw"),
    ):
        assert gate in waits_for[step], (step, waits_for[step])


def test_the_refresh_runs_daily_by_the_shops_clock() -> None:
    schedule = defs.resolve_schedule_def("daily_refresh")
    assert schedule.cron_schedule == "0 5 * * *"
    assert schedule.execution_timezone == "Europe/London"
    assert schedule.job_name == REFRESH
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_the_sensor_asks_once_for_each_change_of_landing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    sensor = landing_sensor(home)

    def tick(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
        with dg.instance_for_test() as instance:
            return sensor(dg.build_sensor_context(instance=instance, cursor=cursor))

    assert isinstance(tick(None), dg.SkipReason)
    home.landing.mkdir()
    path = home.landing / "2024-01-01.csv"
    path.write_text("InvoiceNo\n")
    assert "moments ago" in tick(None).skip_message
    os.utime(path, (time.time() - 60, time.time() - 60))
    asked = tick(None)
    assert len(asked.run_requests) == 1
    # a database that has news each time would change landing each time, and so on without end
    assert asked.run_requests[0].run_config == {"resources": {"refresh": {"config": {"pull": False}}}}
    assert "Nothing changed" in tick(asked.cursor).skip_message
    os.utime(path, (time.time() - 30, time.time() - 30))
    assert len(tick(asked.cursor).run_requests) == 1


def test_a_home_without_a_delivery_is_asked_for_no_run_and_a_lost_folder_is_not_called_empty(tmp_path: Path) -> None:
    home, elsewhere = Home(tmp_path / "home"), tmp_path / "elsewhere"

    def ticks() -> tuple[dg.SkipReason | dg.RunRequest, dg.SkipReason]:
        with dg.instance_for_test() as instance:
            by_clock = daily_schedule(home, load_settings())(dg.build_schedule_context(instance))
            return by_clock, landing_sensor(home)(dg.build_sensor_context(instance=instance))

    home.landing.mkdir(parents=True)
    for told in ticks():
        assert isinstance(told, dg.SkipReason)
        assert told.skip_message == f"{home.landing} holds no files."
    elsewhere.mkdir()
    home.bind(elsewhere, is_sample=False)
    elsewhere.rmdir()
    by_clock, by_files = ticks()
    # it fails, which is told to whoever asked for it
    assert isinstance(by_clock, dg.RunRequest)
    assert by_files.skip_message == f"{elsewhere} does not exist."


def test_a_bad_as_of_date_is_refused_before_anything_runs(tmp_path: Path) -> None:
    from orchestration.resources import RefreshOptions

    with pytest.raises(Exception, match="Invalid isoformat"):
        RefreshOptions(as_of_date="12/1/2010")


def test_source_and_snapshot_have_the_freshness_that_the_settings_ask_for_and_none_without() -> None:
    asked = Freshness(max_age_hours=48, max_delivery_age_hours=0.001)
    snapshot = published_snapshot([], asked).get_asset_spec()
    assert snapshot.freshness_policy == dg.FreshnessPolicy.time_window(timedelta(days=2))
    # the shortest that Dagster takes
    assert landing_folder(asked).freshness_policy == dg.FreshnessPolicy.time_window(timedelta(minutes=1))
    assert published_snapshot([], Freshness()).get_asset_spec().freshness_policy is None
    assert landing_folder(Freshness()).freshness_policy is None


def test_each_publication_leaves_numbers_that_can_be_followed_from_one_to_the_next(
    shop_once_published: Home, tmp_path: Path, ask: Callable[..., list[tuple]]
) -> None:
    record = shutil.copytree(shop_once_published.dagster, tmp_path / "dagster")
    with dg.DagsterInstance.from_config(str(record)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["published", "snapshot"]))
        [run] = instance.get_run_records()
    told = {name: one.value for name, one in event.asset_materialization.metadata.items()}
    # a shop of nothing but good lines
    [(lines,)] = ask(shop_once_published.warehouse, "select count(*) from raw.transactions")
    assert (told["delivered_lines"], told["set_aside_pct"], told["lines"]) == (lines, 0.0, lines)
    [(checks, passed)] = ask(
        shop_once_published.warehouse,
        "select count(*), count(*) filter (status = 'passed') from quality.validation_results",
    )
    assert (told["checks_passed"], told["checks_passed"] + told["checks_warned"]) == (passed, checks)
    assert 0 < told["seconds_of_run"] <= run.end_time - run.start_time


def test_a_delivery_is_noted_as_the_landing_folders_own(shop_once_published: Home, tmp_path: Path) -> None:
    # opening the record may write to it, and the home is shared
    record = shutil.copytree(shop_once_published.dagster, tmp_path / "dagster")
    with dg.DagsterInstance.from_config(str(record)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["landing", "files"]))
    assert event is not None
    assert event.asset_materialization.metadata["files_loaded"].value == len(small_history())
