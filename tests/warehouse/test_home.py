"""A home belongs to one landing folder, and one refresh at a time works on it."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from warehouse.database import open_warehouse, refresh_lock
from warehouse.errors import HomeError, RegularsError, WarehouseBusyError
from warehouse.home import Home, default_home
from warehouse.ledger import has_loaded
from warehouse.settings import PROJECT_ROOT


def test_home_is_data_in_the_checkout_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_home().root == PROJECT_ROOT / "data"
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path))
    assert default_home().root == tmp_path


def test_another_landing_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.bind(tmp_path / "a", is_sample=False)
    assert home.bind(tmp_path / "a", is_sample=False).landing == tmp_path / "a"
    with pytest.raises(HomeError, match="--home DIR"):
        home.bind(tmp_path / "b", is_sample=False)
    assert Home(tmp_path / "home").origin().landing == tmp_path / "a"


def test_a_home_that_holds_nothing_yet_may_be_bound_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.bind(tmp_path / "mistyped", is_sample=False)
    assert not has_loaded(home.warehouse)
    assert home.bind(tmp_path / "right", is_sample=False, holds_lines=False).landing == tmp_path / "right"
    assert home.origin().landing == tmp_path / "right"


def test_sample_data_never_shares_a_home_with_real_data(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.bind(home.landing, is_sample=False)
    with pytest.raises(HomeError):
        home.bind(home.landing, is_sample=True)
    assert home.sample.root != home.root


def test_a_damaged_origin_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.origin_file.write_text("{")
    with pytest.raises(HomeError, match=r"origin\.json is damaged"):
        home.origin()


def test_a_second_refresh_is_told_who_holds_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from warehouse.database import refresh_lock; from warehouse.home import Home\n"
        "with refresh_lock(Home(Path(sys.argv[1])), purpose='refresh run 1'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT_ROOT
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseBusyError, match=rf"refresh run 1 \(process {holder.pid}"), refresh_lock(home):
            pass
        holder.kill()  # the operating system frees the lock of a process that died
        holder.wait()
        with refresh_lock(home):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


def test_a_held_warehouse_names_the_process_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table t (a int)')\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseBusyError, match=str(holder.pid)), open_warehouse(path):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("not a database, only text that is long enough to be read as one " * 100)
    with pytest.raises(RegularsError, match=r"warehouse\.duckdb can't be opened"), open_warehouse(path):
        pass


def test_a_connection_is_closed_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with pytest.raises(duckdb.ParserException), open_warehouse(path) as connection:
        connection.execute("selec")
    with open_warehouse(path) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
