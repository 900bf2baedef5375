"""A home belongs to one landing folder, and one refresh at a time works on it."""

import json
import shutil
import subprocess
import sys
from contextlib import nullcontext
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


def test_a_landing_folder_inside_the_home_moves_with_it_and_one_outside_stays(tmp_path: Path) -> None:
    inside, outside = Home(tmp_path / "inside"), Home(tmp_path / "outside")
    inside.bind(inside.landing, is_sample=False)
    outside.bind(tmp_path / "delivered", is_sample=False)
    shutil.copytree(inside.root, tmp_path / "copy of inside")
    inside.root.rename(tmp_path / "moved inside")
    outside.root.rename(tmp_path / "moved outside")
    for name in ("copy of inside", "moved inside"):
        assert Home(tmp_path / name).origin().landing == tmp_path / name / "landing"
        assert Home(tmp_path / name).origin().bound_at == tmp_path / "inside"
    assert Home(tmp_path / "moved outside").origin().landing == tmp_path / "delivered"


def test_the_owner_may_say_that_a_folder_is_the_same_in_another_place(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.bind(tmp_path / "a", is_sample=False)
    with pytest.raises(HomeError, match="add --rebind"):
        home.bind(tmp_path / "b", is_sample=False)
    home.bind(tmp_path / "b", is_sample=False, rebind=True)
    assert home.origin().landing == tmp_path / "b"
    # made-up and real lines never meet, whatever is said
    with pytest.raises(HomeError):
        home.bind(tmp_path / "b", is_sample=True, rebind=True)


def test_a_home_of_an_earlier_release_opens_and_learns_its_place(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.origin_file.write_text(json.dumps({"landing": str(home.landing), "is_sample": False}) + "\n")
    assert (home.origin().landing, home.origin().bound_at) == (home.landing, None)
    home.bind(home.landing, is_sample=False)
    home.root.rename(tmp_path / "moved")
    assert Home(tmp_path / "moved").origin().landing == tmp_path / "moved" / "landing"


def test_a_home_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.bind(home.landing, is_sample=False)
    later = home.origin_file.read_text().replace('"format": 1', '"format": 2')
    home.origin_file.write_text(later)
    with pytest.raises(HomeError, match=r"later release \(format 2; this one knows 1\)"):
        home.origin()
    # whatever is to be done to it
    with pytest.raises(HomeError, match="later release"), refresh_lock(home):
        pass
    with pytest.raises(HomeError, match="later release"):
        home.bind(home.landing, is_sample=False, rebind=True)
    assert [path.name for path in home.root.iterdir()] == ["origin.json"]
    assert home.origin_file.read_text() == later


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


@pytest.mark.parametrize(("purpose", "is_waited_for"), [("looking for news", True), ("refresh run 1", False)])
def test_who_only_looks_turns_no_refresh_away(tmp_path: Path, purpose: str, is_waited_for: bool) -> None:
    home = Home(tmp_path)
    holds = (
        "import sys, time; from pathlib import Path\n"
        "from warehouse.database import refresh_lock; from warehouse.home import Home\n"
        "with refresh_lock(Home(Path(sys.argv[1])), purpose=sys.argv[2]):\n"
        "    print('held', flush=True); time.sleep(1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", holds, str(tmp_path), purpose], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        refused = nullcontext() if is_waited_for else pytest.raises(WarehouseBusyError, match=purpose)
        with refused, refresh_lock(home, purpose="refresh"):
            pass


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


def test_a_writer_waits_for_the_summary_that_a_refresh_reads_when_its_lock_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as connection:
        connection.execute("create table generation as select 1 as number")
    reads = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print('held', flush=True); time.sleep(1)"
    )
    with subprocess.Popen([sys.executable, "-c", reads, str(path)], stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"held\n"
        with open_warehouse(path) as connection:
            connection.execute("update generation set number = 2")
            assert connection.execute("select number from generation").fetchall() == [(2,)]


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
