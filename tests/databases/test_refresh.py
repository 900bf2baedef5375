"""A refresh pulls first, tells of a pull that failed, and goes on with what is there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.command import regulars as command
from tests.databases.conftest import NAME, started
from tests.databases.servers import PASSWORD, PASSWORD_VARIABLE, Server
from tests.tiny_shop import small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    yield from started("postgresql")


def regulars(home: Home, *arguments: str, settings: Path) -> subprocess.CompletedProcess[str]:
    said = {"REGULARS_SETTINGS": str(settings), PASSWORD_VARIABLE: PASSWORD}
    return command(*arguments, home=home.root, **said)


def net_revenue(home: Home) -> float:
    with duckdb.connect(str(home.published), read_only=True) as published:
        (found,) = published.execute("select sum(net_revenue) from marts.fct_invoice_lines").fetchone() or (0,)
    return float(found)


def test_from_the_database_to_the_snapshot_and_on_without_it(postgres: Server, tmp_path: Path) -> None:
    settings = tmp_path / "regulars.toml"
    settings.write_text(
        f'[[landing.databases]]\nname = "{NAME}"\nurl = "{postgres.url}"\ntable = "sales"\nwatermark = "line"\n'
        "look_back = 100\n"
    )
    postgres.run(
        'create table sales (line serial, "InvoiceNo" text, "StockCode" text, "Description" text, "Quantity" integer, '
        '"InvoiceDate" timestamp, "UnitPrice" numeric(10, 2), "CustomerID" text, "Country" text)'
    )
    header, *lines = [line for content in small_history().values() for line in content.splitlines()]
    names = [f'"{name}"' for name in header.split(",")]
    postgres.run(
        f"insert into sales ({', '.join(names)}) values (:v0, :v1, :v2, cast(:v3 as integer), cast(:v4 as timestamp), "
        "cast(:v5 as numeric), :v6, :v7)",
        values=[
            {f"v{at}": value for at, value in enumerate(line.split(","))}
            for line in lines
            if not line.startswith(header)
        ],
    )
    count = sum(not line.startswith(header) for line in lines)
    net = 0.0
    for line in lines:
        if not line.startswith(header):
            net += int(line.split(",")[3]) * float(line.split(",")[5])
    home = Home(tmp_path / "home")

    # an empty landing folder is no reason to stop or to show the sample: the database fills it
    first = regulars(home, "refresh", "--sample-if-empty", settings=settings)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"{count:,} lines of" in first.stdout
    assert "pull databases" in first.stderr
    assert net_revenue(home) == pytest.approx(net, abs=0.005)

    again = regulars(home, "refresh", settings=settings)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Nothing new since the last publication" in again.stdout.replace("\n", " ")
    assert f"{NAME}, " in again.stdout
    assert ": nothing new (" in again.stdout

    postgres.kill()
    without = regulars(home, "refresh", settings=settings)
    assert without.returncode == 0, without.stdout + without.stderr
    assert "failed; the figures hold what was pulled before" in without.stdout
    assert "can't be reached" in without.stdout
    alone = regulars(home, "pull", settings=settings)
    assert alone.returncode == 1
    assert "can't be reached" in alone.stdout
    assert "can't be reached" in regulars(home, "status", settings=settings).stdout

    postgres.start()
    invoice = lines[-1].split(",")[0]
    postgres.run(
        f'insert into sales select 100000, "InvoiceNo", \'NEW\', \'NEW\', 1, "InvoiceDate", 5, "CustomerID", '
        f'"Country" from sales where "InvoiceNo" = \'{invoice}\' limit 1'
    )
    pulled = regulars(home, "pull", NAME, settings=settings)
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert "lines of 1 order in till/till-" in pulled.stdout
    # the order came again whole, with one line more of 5.00: it counts once
    assert regulars(home, "refresh", settings=settings).returncode == 0
    assert net_revenue(home) == pytest.approx(net + 5, abs=0.005)
    assert [path for path in home.root.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()] == []
    unknown = regulars(home, "pull", "shoes", settings=settings)
    assert unknown.returncode == 2
    assert "called shoes; there are till" in unknown.stderr


def test_dagster_shows_the_pull_before_loading_and_a_check_for_each_database(tmp_path: Path) -> None:
    settings = tmp_path / "regulars.toml"
    settings.write_text(
        '[[landing.databases]]\nname = "till"\nurl = "mariadb://127.0.0.1:1/shop"\ntable = "t"\nwatermark = "w"\n'
    )
    code = (
        "from dagster._core.execution.api import create_execution_plan\n"
        "import dagster as dg\n"
        "from orchestration.definitions import defs\n"
        "dg.Definitions.validate_loadable(defs)\n"
        "config = {'resources': {'warehouse': {'config': {'database': 'x'}}}}\n"
        "plan = create_execution_plan(defs.resolve_job_def('refresh'), run_config=config)\n"
        "assert 'landing__databases' in plan.get_all_step_deps()['load_landing_files']\n"
        "graph = defs.resolve_asset_graph()\n"
        "checks = {(key.asset_key.to_user_string(), key.name): graph.get(key).blocking "
        "for key in graph.asset_check_keys if key.asset_key.path[0] == 'landing'}\n"
        "assert checks == {('landing/databases', 'pulled_till'): False}, checks\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "REGULARS_HOME": str(tmp_path), "REGULARS_SETTINGS": str(settings), "DO_NOT_TRACK": "1"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
