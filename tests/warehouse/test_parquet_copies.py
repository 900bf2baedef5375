"""Parquet copies beside the snapshot: the same tables, put in place at once, and never half of a set."""

import json
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from warehouse.errors import PublishError
from warehouse.home import Home
from warehouse.publishing import current_publication, parquet, publish, rollback

ROOT = Path(__file__).parents[2]
NOON = datetime(2011, 12, 9, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose first generation was published with copies."""
    made = Home(tmp_path / "home")
    made.root.mkdir()
    do_publish(made, 1)
    return made


def do_publish(home: Home, generation: int, *, with_copies: bool = True) -> None:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute(
            f"""
            create schema if not exists marts; create schema if not exists ml;
            create or replace table marts.generation as select {generation} as generation;
            create or replace table ml.generation as select {generation} as generation;
            create or replace table marts.lines as select
                md5(i::varchar)::uuid as line_id, (i / 7)::decimal(28, 4) as net_revenue, i % 2 = 0 as is_even,
                date '2011-12-09' + i::int as day, timestamp '2011-12-09 08:26:00' as sold_at, i / 7.0 as share,
                case when i > 1 then 'it''s "é"' end as name, [i::varchar, 'b'] as words
            from range(3) t(i);
            create or replace table marts.nothing (day date);
            comment on table marts.lines is 'One line; the shop''s own';
            comment on column marts.lines.net_revenue is 'Net of "matched" returns';
            """
        )
    publish(home, **asked(generation), parquet=with_copies)


def asked(generation: int) -> dict:
    return {
        "data_version": str(generation),
        "settings_fingerprint": "settings",
        "code_fingerprint": "code",
        "as_of_date": None,
        "is_sample": False,
        "landing": "/landing",
        "published_at": NOON,
    }


def differing(home: Home) -> list[str]:
    """Tables of the published file whose copies have other rows, columns or types, and copies of no table."""
    copies = {f"{path.parent.name}.{path.stem}": path for path in home.parquet.glob("*/*.parquet")}
    found = []
    with duckdb.connect() as con:
        con.execute(f"attach '{home.published}' as snapshot (read_only)")
        tables = {
            f"{schema}.{table}"
            for schema, table in con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        }
        for name in sorted(tables & copies.keys()):
            table, copy = f"snapshot.{name}", f"read_parquet('{copies[name]}')"
            types = [
                con.execute(f"select column_name, column_type from (describe from {one})").fetchall()
                for one in (table, copy)
            ]
            rows = [
                con.execute(f"from {one} except all from {other}").fetchall()
                for one, other in ((table, copy), (copy, table))
            ]
            if types[0] != types[1] or rows != [[], []]:
                found.append(name)
    return [*found, *sorted(tables ^ copies.keys())]


def generations(home: Home) -> set[int]:
    paths = [str(home.parquet / schema / "generation.parquet") for schema in ("marts", "ml")]
    with duckdb.connect() as con:
        return {row[0] for row in con.execute(f"select generation from read_parquet({paths})").fetchall()}


def test_copies_have_the_rows_types_and_comments_of_the_snapshot(home: Home) -> None:
    assert differing(home) == []
    path = home.parquet / "marts" / "lines.parquet"
    told = pq.read_schema(path).metadata
    assert told[b"comment"].decode() == "One line; the shop's own"
    assert json.loads(told[b"column_comments"]) == {"net_revenue": 'Net of "matched" returns'}
    # a reader that knows nothing of DuckDB
    assert [str(row) for row in pq.read_table(path)["net_revenue"].to_pylist()] == ["0.0000", "0.1429", "0.2857"]
    assert path.stat().st_mode & 0o222 == 0


def test_a_shops_tables_are_all_of_types_that_parquet_has(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, home.published)
    parquet.write_parquet(home, home.published, 2)
    parquet.show_parquet(home, 2)
    assert differing(home) == []


def test_who_reads_a_set_keeps_it_and_an_old_one_goes(home: Home) -> None:
    resolved = home.parquet.resolve()
    do_publish(home, 2)
    assert generations(home) == {2}
    assert differing(home) == []
    # whoever had looked up where the link leads reads on
    with duckdb.connect() as con:
        assert con.execute(f"from read_parquet('{resolved}/ml/generation.parquet')").fetchall() == [(1,)]
    do_publish(home, 3)
    assert [path.name for path in sorted(home.parquet_sets.iterdir())] == ["000002", "000003"]


def test_a_rollback_brings_its_copies_along(home: Home) -> None:
    do_publish(home, 2)
    rollback(home, at=NOON, parquet=True)
    assert generations(home) == {1}
    assert differing(home) == []


def test_a_moved_home_keeps_its_copies(home: Home, tmp_path: Path) -> None:
    moved = Home(home.root.rename(tmp_path / "elsewhere"))
    assert differing(moved) == []


def test_without_the_setting_no_stale_copies_stay(home: Home) -> None:
    do_publish(home, 2, with_copies=False)
    assert not home.parquet.exists()
    assert not list(home.parquet_sets.iterdir())


ACT_AND_DIE = """
    import os, signal, sys
    from datetime import datetime
    from pathlib import Path
    from warehouse.home import Home
    from warehouse.publishing import parquet, release

    act, step = sys.argv[2:4]
    room = release if hasattr(release, step) else parquet
    real = getattr(room, step)

    def deadly(*arguments, **named):
        real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(room, step, deadly)
    home, noon = Home(Path(sys.argv[1])), datetime(2011, 12, 9)
    if act == "rollback":
        release.rollback(home, at=noon, parquet=True)
    release.publish(home, data_version="3", settings_fingerprint="s", code_fingerprint="c", as_of_date=None,
                    is_sample=False, landing="/landing", published_at=noon, parquet=True)
"""


@pytest.mark.parametrize(
    ("act", "step", "is_swapped"),
    [
        ("publish", "_write_tables", False),
        ("publish", "write_parquet", False),
        ("publish", "swap_in", False),
        ("publish", "show_parquet", True),
        ("rollback", "swap_in", False),
    ],
)
def test_a_kill_at_any_moment_leaves_one_whole_set_and_the_next_act_makes_up(
    home: Home, act: str, step: str, is_swapped: bool
) -> None:
    do_publish(home, 2)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("update marts.generation set generation = 3; update ml.generation set generation = 3")
    command = [sys.executable, "-c", textwrap.dedent(ACT_AND_DIE), str(home.root), act, step]
    killed = subprocess.run(command, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert generations(home) == {3 if is_swapped else 2}
    # asked for what readers see already, a rollback changes nothing, and brings the copies in line
    shown = current_publication(home)
    with pytest.raises(PublishError, match="already"):
        rollback(home, at=NOON, to=shown.shown_id, parquet=True)
    assert differing(home) == []
    do_publish(home, 4)
    assert generations(home) == {4}
    assert differing(home) == []
    assert [path.name for path in home.published.parent.rglob("*partial*")] == []


def test_a_file_system_without_links_is_told_and_nothing_is_published(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    # what vfat answers; no such file system can be mounted in a test
    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(PublishError, match=r"set publish\.parquet = false"):
        do_publish(home, 2)
    assert current_publication(home).data_version == "1"
    assert generations(home) == {1}
