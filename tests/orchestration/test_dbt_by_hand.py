"""dbt as a person calls it: on a home's own tables, with the home's settings."""

from pathlib import Path

import duckdb

from tests.command import regulars
from tests.orchestration.conftest import copy_of
from warehouse.database import refresh_lock
from warehouse.home import Home

HAS_PLAN = "select count(*) from duckdb_tables() where schema_name = 'increments' and table_name = 'built'"


def snapshot_date(path: Path) -> str:
    with duckdb.connect(str(path), read_only=True) as connection:
        return str(connection.execute("select snapshot_date from intermediate.int_snapshot").fetchone()[0])


def test_dbt_works_on_the_warehouse_with_the_settings_and_the_next_refresh_builds_all(
    published_home: Home, tmp_path: Path
) -> None:
    # the shop's last line is of 14 February
    assert snapshot_date(published_home.warehouse) == "2024-02-15"
    run = ("dbt", "run", "--select", "int_snapshot")
    done = regulars(*run, home=published_home.root, REGULARS_RFM__SNAPSHOT="last")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS=2" in done.stdout
    assert snapshot_date(published_home.warehouse) == "2024-02-14"
    with duckdb.connect(str(published_home.warehouse), read_only=True) as connection:
        assert connection.execute(HAS_PLAN).fetchone() == (0,)


def test_a_copy_takes_what_is_tried_and_the_warehouse_stays_as_it_was(
    shop_once_published: Home, tmp_path: Path
) -> None:
    home = copy_of(shop_once_published, tmp_path / "home")
    before = home.warehouse.read_bytes()
    tried = ("dbt", "--copy", "run", "--select", "int_snapshot", "--vars", "{as_of_date: 2024-02-01}")
    done = regulars(*tried, home=home.root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert home.warehouse.read_bytes() == before
    copy = home.dbt / "copy" / "warehouse.duckdb"
    assert str(copy) in done.stderr
    assert snapshot_date(copy) == "2024-02-01"
    assert copy.stat().st_mode == home.warehouse.stat().st_mode


def test_what_dbt_says_and_its_exit_code_come_through(shop_once_published: Home, tmp_path: Path) -> None:
    home = copy_of(shop_once_published, tmp_path / "home")
    failed = regulars("dbt", "run", "--select", "int_snapshot", "--vars", "{as_of_date: '2024-13-01'}", home=home.root)
    assert failed.returncode == 1
    assert "2024-13-01" in failed.stdout
    unknown = regulars("dbt", "run", "--selecct", "dim_dates", home=home.root)
    assert unknown.returncode == 2
    assert "No such option '--selecct'" in unknown.stderr
    unread = regulars("dbt", "run", "--vars", "{as_of_date", home=home.root)
    assert unread.returncode == 2
    assert "--vars '{as_of_date' is not what dbt takes" in unread.stderr


def test_an_empty_home_and_one_at_work_are_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    empty = regulars("dbt", "run", home=home.root)
    assert empty.returncode == 2
    assert "has no warehouse yet" in empty.stderr
    assert not home.dbt.exists()
    with duckdb.connect(str(home.warehouse)):
        pass
    with refresh_lock(home, purpose="refresh"):
        busy = regulars("dbt", "--copy", "run", home=home.root)
    assert busy.returncode == 1
    assert "is in use by refresh (process" in busy.stderr
    with duckdb.connect(str(home.warehouse)):
        held = regulars("dbt", "run", home=home.root)
    assert held.returncode == 1
    assert f"{home.warehouse} is held by" in held.stderr
