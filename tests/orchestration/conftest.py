"""Whole refreshes on small and on real landing folders."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.refresh import RefreshOutcome, run_refresh
from tests.homes import build_once, regulars_refresh, shared_folder
from tests.parsed import compile_templates_once, give_parsed_project
from tests.remembered import remembered_answers
from tests.tiny_shop import deliver, small_history
from warehouse.home import HOME_VARIABLE, Home

# The code location is imported once, while tests are collected, and finds dbt's parsed project in its
# home: each test process has one of its own, and none is the checkout's.
_CODE_LOCATION_HOME = tempfile.TemporaryDirectory(prefix="regulars-code-location-")
os.environ[HOME_VARIABLE] = _CODE_LOCATION_HOME.name
give_parsed_project(Home(Path(_CODE_LOCATION_HOME.name)))
compile_templates_once()


def tables(path: Path, schemas: tuple[str, ...] = ("marts", "ml", "reporting")) -> list[str]:
    """Names of the tables in some schemas of a DuckDB file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return [
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables() order by 1, 2"
            ).fetchall()
            if schema in schemas
        ]


# What tells of the publication before is a function of the home's past, not of the files.
_ABOUT_THE_PAST = {
    "ml.model_runs": ["previous_data_version", "changes", "change_notes"],
    "reporting.model_notes": ["change_notes"],
}


def differing_tables(
    left: Path, right: Path, *, but: dict[str, list[str]] | None = None, is_past_shared: bool = False
) -> list[str]:
    """Tables that are not equal, value for value, in two snapshots.

    ``but`` leaves columns out. Unless both have the same past, so are those that tell
    of the publication before.
    """
    assert tables(left) == tables(right)
    differing = []
    left_out_of = {table: [*columns] for table, columns in (but or {}).items()}
    for table, columns in ({} if is_past_shared else _ABOUT_THE_PAST).items():
        left_out_of[table] = [*left_out_of.get(table, []), *columns]
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as l (read_only)")
        connection.execute(f"attach '{right}' as r (read_only)")
        for table in tables(left):
            if table == "reporting.audience_changes" and not is_past_shared:
                continue
            left_out = left_out_of.get(table, [])
            columns = f"* exclude ({', '.join(left_out)})" if left_out else "*"
            for one, other in (("l", "r"), ("r", "l")):
                found = connection.execute(
                    f"select count(*) from (select {columns} from {one}.{table}"
                    f" except all select {columns} from {other}.{table})"
                ).fetchone()
                if found[0]:
                    differing.append(f"{table}: {found[0]} rows only {'before' if one == 'l' else 'after'}")
    return differing


def refresh(
    home: Home,
    landing: Path | None = None,
    *,
    as_of: str | None = None,
    full: bool = False,
    measures_all: bool = False,
) -> RefreshOutcome:
    """One refresh through the job, in this process.

    Dagster records the run in memory, which takes a quarter off; ``test_cli`` has it in the home. What the test run
    has measured and drawn of the same clusterings is recalled, unless the test is about that (``measures_all``).
    """
    home.bind(landing or home.landing, is_sample=False)
    recalled = nullcontext() if measures_all else remembered_answers()
    with recalled, dg.DagsterInstance.ephemeral() as instance:
        return run_refresh(home, as_of_date=as_of, full=full, wait_seconds=0, verbose=False, instance=instance)


def copy_of(home: Home, to: Path) -> Home:
    """A home of its own with what was refreshed in another, to go on from there."""
    shutil.copytree(home.root, to)
    copy = Home(to)
    if home.origin_or_own().landing == home.landing:
        copy.origin_file.unlink()
        copy.bind(copy.landing, is_sample=False)
    return copy


@pytest.fixture
def small_home(tmp_path: Path) -> Home:
    """A home with the tiny shop's files in its landing."""
    home = Home(tmp_path / "home")
    deliver(home.landing, small_history())
    return home


@pytest.fixture(scope="session")
def shop_once_published(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The tiny shop's files, refreshed. Read-only."""

    def build(home: Home) -> None:
        deliver(home.landing, small_history())
        regulars_refresh(home)

    return build_once(shared_folder(tmp_path_factory), "shop", build)


@pytest.fixture
def published_home(shop_once_published: Home, tmp_path: Path) -> Home:
    """A home with the tiny shop's files in its landing that was refreshed once."""
    return copy_of(shop_once_published, tmp_path / "home")


@pytest.fixture(scope="session")
def real_home(published_real: Home) -> Home:
    """The real files, refreshed with default settings. Read-only."""
    return published_real


@pytest.fixture
def ask() -> Callable[..., list[tuple]]:
    """Query a DuckDB file."""

    def run(path: Path, sql: str, *values: object) -> list[tuple]:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(sql, list(values)).fetchall()

    return run


def run_alone(
    home: Home, *, assets: Sequence[dg.AssetKey] = (), checks: Sequence[dg.AssetCheckKey] = ()
) -> dg.ExecuteInProcessResult:
    """A run of these and nothing else, as Dagster's pages start one."""
    from orchestration.definitions import defs
    from orchestration.jobs import REFRESH

    job = defs.resolve_job_def(REFRESH).get_subset(asset_selection=set(assets), asset_check_selection=set(checks))
    warehouse = {"config": {"database": str(home.warehouse), "wait_seconds": 0.0}}
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            run_config={"resources": {"warehouse": warehouse}}, instance=instance, raise_on_error=False
        )
