"""A private file that is damaged or gone is made anew from landing, unless lines would be lost by it."""

import os
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.orchestration.conftest import differing_tables, refresh
from tests.tiny_shop import HEADER, deliver
from warehouse.errors import HomeError
from warehouse.home import Home

NEWS = {"news.csv": HEADER + "700001,20001,ITEM 20001,3,2024-02-20 10:00:00,6.80,10000.0,United Kingdom\n"}


def keep_snapshot(home: Home, folder: Path) -> Path:
    return Path(shutil.copy(home.published, folder / "before.duckdb"))


def test_a_file_that_is_no_database_any_more_is_made_anew(published_home: Home, tmp_path: Path) -> None:
    before = keep_snapshot(published_home, tmp_path)
    published_home.warehouse.write_bytes(os.urandom(5000))
    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems
    assert outcome.mended is not None and "is damaged" in outcome.mended
    assert differing_tables(before, published_home.published) == []
    # nothing is thrown away, and nothing is told twice
    assert len(list(published_home.root.glob("warehouse.damaged-*.duckdb"))) == 1
    again = refresh(published_home)
    assert again.nothing_new and again.mended is None


def test_a_file_that_is_gone_is_told_of(published_home: Home, tmp_path: Path) -> None:
    before = keep_snapshot(published_home, tmp_path)
    published_home.warehouse.unlink()
    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems
    assert outcome.mended is not None and "is gone" in outcome.mended
    assert differing_tables(before, published_home.published) == []


@pytest.mark.parametrize("is_readable", [True, False])
def test_lines_of_files_that_left_landing_are_not_lost(published_home: Home, is_readable: bool) -> None:
    gone = published_home.landing / "2024-01-09.csv"
    content = gone.read_bytes()
    gone.unlink()
    published_home.warehouse.write_bytes(b"no database")
    if not is_readable:
        # the snapshot before the published one tells it as well
        published_home.published.unlink()
        published_home.published.write_bytes(b"no database either")
    with pytest.raises(HomeError, match=r"no longer has 1 file that it was made from.*2024-01-09\.csv"):
        refresh(published_home)
    assert published_home.warehouse.read_bytes() == b"no database"

    # under another name it is as good
    (published_home.landing / "found again.csv").write_bytes(content)
    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems


def test_damage_that_shows_in_the_middle_of_a_run_is_mended_by_the_next(published_home: Home) -> None:
    with duckdb.connect(str(published_home.warehouse)) as con:
        con.execute("checkpoint")
        block, place = con.execute(
            "select block_id, block_offset from pragma_storage_info('raw.transactions') "
            "where persistent and column_name = 'invoice' limit 1"
        ).fetchone() or (0, 0)
    with published_home.warehouse.open("r+b") as file:
        # three headers, then blocks
        file.seek(3 * 4096 + block * 262_144 + place)
        file.write(os.urandom(64))
    deliver(published_home.landing, NEWS)
    inode = published_home.published.stat().st_ino
    stopped = refresh(published_home)
    assert not stopped.succeeded
    assert any("Corrupt database file" in problem for problem in stopped.problems), stopped.problems
    assert published_home.published.stat().st_ino == inode

    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems
    assert outcome.mended is not None and "Corrupt database file" in outcome.mended
    with duckdb.connect(str(published_home.published), read_only=True) as con:
        assert con.execute("select count(*) from marts.fct_invoice_lines where invoice_no = '700001'").fetchone() == (
            1,
        )


def test_a_damaged_snapshot_is_published_anew_though_nothing_else_is_new(published_home: Home, tmp_path: Path) -> None:
    before = keep_snapshot(published_home, tmp_path)
    published_home.published.unlink()
    published_home.published.write_bytes(b"no database")
    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems
    assert not outcome.nothing_new
    assert differing_tables(before, published_home.published) == []
