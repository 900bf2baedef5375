import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import PublishError, WarehouseBusyError
from warehouse.home import Home
from warehouse.publishing import (
    building,
    current_publication,
    last_published_version,
    list_snapshots,
    publish,
    rollback,
)

ROOT = Path(__file__).parents[2]
OLD_CLIENT_VARIABLE = "OLD_DUCKDB_PYTHON"
NOON = datetime(2011, 12, 9, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    """A home with a small private warehouse of generation 1."""
    made = Home(tmp_path / "home")
    made.root.mkdir()
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute(
            """
            create schema raw; create schema staging; create schema intermediate;
            create schema marts; create schema ml; create schema reporting; create schema quality;
            create table raw.transactions as select 'secret' as customer_id;
            create table staging.stg_transactions as select * from raw.transactions;
            create table marts.fct_invoice_lines (
                line_id uuid not null primary key,
                line_type varchar not null check (line_type in ('sale', 'return')),
                "net_revenue" decimal(18, 4) not null
            );
            insert into marts.fct_invoice_lines values
                (md5('1')::uuid, 'sale', 10.50), (md5('2')::uuid, 'sale', 2.40), (md5('3')::uuid, 'return', -10);
            comment on table marts.fct_invoice_lines is 'One kept line; the shop''s own';
            comment on column marts.fct_invoice_lines.net_revenue is 'Net of matched returns';
            create table marts.customer_rfm as
                select '16446' as customer_id, 1 as recency_days, date '2011-12-10' as snapshot_date;
            create view reporting.customer_360 as select customer_id from marts.customer_rfm;
            comment on view reporting.customer_360 is 'One wide row';
            create table ml.model_runs (model varchar);
            create table quality.validation_results (status varchar);
            """
        )
    set_generation(made, 1)
    return made


def set_generation(home, generation, rows=5):
    """Make every table of one generation tell it, so that a mixture would show."""
    with duckdb.connect(str(home.warehouse)) as con:
        for schema in ("marts", "ml", "reporting", "quality"):
            con.execute(
                f"create or replace table {schema}.generation as select {generation} as generation from range({rows})"
            )


def publish_generation(home, generation, **changes):
    set_generation(home, generation)
    return do_publish(home, data_version=str(generation), **changes)


def do_publish(home, **changes):
    asked = {
        "data_version": "1",
        "settings_fingerprint": "settings",
        "code_fingerprint": "code",
        "as_of_date": None,
        "is_sample": False,
        "landing": "/landing",
        "published_at": NOON,
    }
    return publish(home, **{**asked, **changes})


def read(path, query):
    with duckdb.connect(":memory:") as con:
        con.execute(f"attach '{path}' as snapshot (read_only); use snapshot")
        return con.execute(query).fetchall()


def generation_seen(home):
    """The one generation that all of the published file is of; fails on a mixture."""
    found = read(
        home.published,
        """
        select distinct generation from (
            from marts.generation union all from ml.generation
            union all from reporting.generation union all from quality.generation
        )
        """,
    )
    assert len(found) == 1
    return found[0][0]


def record_in_warehouse(home):
    return read(home.warehouse, "select publication_id, action from quality.publications order by 1")


def leftovers(home):
    expected = {home.published, home.snapshots}
    return [
        path.name
        for folder in (home.published.parent, home.snapshots)
        for path in (folder.iterdir() if folder.exists() else ())
        if path not in expected and not (path.parent == home.snapshots and path.suffix in (".duckdb", ".sha256"))
    ]


# --- what a snapshot holds ------------------------------------------------------


def test_only_the_four_published_schemas_are_in_the_snapshot(home):
    do_publish(home)
    schemas = read(home.published, "select distinct schema_name from duckdb_tables() order by 1")
    assert schemas == [("marts",), ("ml",), ("quality",), ("reporting",)]
    assert b"secret" not in home.published.read_bytes()


def test_constraints_and_comments_are_carried_over(home):
    do_publish(home)
    kinds = read(
        home.published,
        """
        select constraint_type, constraint_column_names from duckdb_constraints()
        where table_name = 'fct_invoice_lines' order by all
        """,
    )
    assert kinds == [
        ("CHECK", ["line_type"]),
        ("NOT NULL", ["line_id"]),
        ("NOT NULL", ["line_type"]),
        ("NOT NULL", ["net_revenue"]),
        ("PRIMARY KEY", ["line_id"]),
    ]
    comments = read(
        home.published,
        """
        select comment from duckdb_tables() where table_name in ('fct_invoice_lines', 'customer_360') union all
        select comment from duckdb_columns() where table_name = 'fct_invoice_lines' and comment is not null order by 1
        """,
    )
    assert comments == [("Net of matched returns",), ("One kept line; the shop's own",), ("One wide row",)]


def test_a_view_is_published_as_its_rows(home):
    do_publish(home)
    assert read(home.published, "from reporting.customer_360") == [("16446",)]
    assert read(home.published, "select count(*) from duckdb_views() where not internal") == [(0,)]


def test_what_nothing_makes_any_more_is_left_out_and_told(home, caplog):
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create table marts.fct_weekday_revenue as select 1 as weekday")
    do_publish(home, known={"marts.fct_invoice_lines", "marts.customer_rfm", "ml.model_runs"})
    names = "select table_name from duckdb_tables() where schema_name <> 'quality' order by 1"
    assert read(home.published, names) == [("customer_rfm",), ("fct_invoice_lines",), ("model_runs",)]
    assert '"marts"."fct_weekday_revenue"' in caplog.text
    assert "fct_invoice_lines" not in caplog.text


def test_odd_names_and_types_survive(home):
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute(
            """
            create type mood as enum ('happy', 'sad');
            create sequence counter;
            create table marts."Odd ""one"" t" (
                "select" integer default nextval('counter') primary key, "a b" mood unique,
                parts struct(x integer, y varchar[]), sold_at timestamptz
            );
            insert into marts."Odd ""one"" t" ("a b", parts, sold_at)
                values ('sad', {x: 1, y: ['p', 'q']}, '2011-12-09 12:50:00+01');
            comment on column marts."Odd ""one"" t"."a b" is 'it''s "quoted"';
            """
        )
    do_publish(home)
    assert read(home.published, """select "select", "a b", parts, epoch(sold_at) from marts."Odd ""one"" t" """) == [
        (1, "sad", {"x": 1, "y": ["p", "q"]}, 1323431400.0)
    ]


def test_the_snapshot_says_of_itself_what_it_is(home):
    do_publish(home, is_sample=True, as_of_date="2011-12-10", about={"currency": "GBP"}, landing=Path("/shop's"))
    about = dict(read(home.published, "from quality.about"))
    assert about["is_sample"] == "true"
    assert about["data"].startswith("Sample data")
    assert about["currency"] == "GBP"
    assert about["landing"] == "/shop's"
    seen = current_publication(home)
    assert seen is not None
    assert (seen.publication_id, seen.action, seen.is_sample) == (1, "published", True)
    # 10.50 + 2.40 - 10
    assert (seen.lines, seen.customers, seen.net_revenue) == (3, 1, Decimal("2.9000"))
    assert (seen.as_of_date, seen.snapshot_date) == (date(2011, 12, 10), date(2011, 12, 10))


def test_facts_that_the_snapshot_tells_itself_can_not_be_overwritten(home):
    with pytest.raises(ValueError, match="is_sample"):
        do_publish(home, is_sample=True, about={"is_sample": "false"})
    assert leftovers(home) == []


def test_each_publication_is_recorded_in_the_warehouse_and_in_the_snapshot(home):
    first = publish_generation(home, 1)
    second = publish_generation(home, 2, published_at=NOON.astimezone(timezone(timedelta(hours=5))))
    for path in (home.warehouse, home.published):
        rows = read(path, "select publication_id, published_at, data_version from quality.publications order by 1")
        assert rows == [(1, datetime(2011, 12, 9, 12), "1"), (2, datetime(2011, 12, 9, 12), "2")]
    assert [first.snapshot_file, second.snapshot_file] == [
        "snapshots/regulars-000001.duckdb",
        "snapshots/regulars-000002.duckdb",
    ]


def test_the_version_published_last_is_known_and_rollbacks_do_not_change_it(home):
    with duckdb.connect(str(home.warehouse)) as con:
        assert last_published_version(con) is None
    publish_generation(home, 1, as_of_date=date(2011, 12, 1))
    publish_generation(home, 2, as_of_date="2011-12-02")
    rollback(home, at=NOON)
    with duckdb.connect(str(home.warehouse)) as con:
        version = last_published_version(con)
    assert version is not None
    assert (version.data_version, version.as_of_date) == ("2", "2011-12-02")


# --- snapshots kept, and put back -----------------------------------------------


def test_the_last_five_snapshots_are_kept(home):
    for generation in range(1, 8):
        publish_generation(home, generation)
    snapshots = list_snapshots(home)
    assert [snapshot.publication_id for snapshot in snapshots] == [3, 4, 5, 6, 7]
    assert [snapshot.is_current for snapshot in snapshots] == [False] * 4 + [True]
    assert home.published.samefile(snapshots[-1].path)
    checksums = sorted(path.name for path in home.snapshots.glob("*.sha256"))
    assert checksums == [f"{snapshot.path.name}.sha256" for snapshot in snapshots]
    assert leftovers(home) == []


def test_rollback_goes_back_one_snapshot_each_time(home):
    for generation in (1, 2, 3):
        publish_generation(home, generation)
    first = rollback(home, at=NOON)
    assert (first.publication_id, first.action, first.shown_id, first.data_version) == (4, "rolled_back", 2, "2")
    assert generation_seen(home) == 2
    assert rollback(home, at=NOON).shown_id == 1
    assert generation_seen(home) == 1
    expected = [(1, "published"), (2, "published"), (3, "published"), (4, "rolled_back"), (5, "rolled_back")]
    assert record_in_warehouse(home) == expected
    assert read(home.published, "select publication_id, action from quality.publications order by 1") == expected
    with pytest.raises(PublishError, match=r"no snapshot before 1, .* Available: 1 \(.*seen now\), 2 \(.*\), 3 \("):
        rollback(home, at=NOON)


def test_rollback_can_name_a_snapshot_and_go_forward_again(home):
    for generation in (1, 2, 3):
        publish_generation(home, generation)
    assert rollback(home, at=NOON, to=1).shown_id == 1
    assert rollback(home, at=NOON, to=3).shown_id == 3
    assert generation_seen(home) == 3
    with pytest.raises(PublishError, match="see snapshot 3 already"):
        rollback(home, at=NOON, to=3)
    with pytest.raises(PublishError, match=r"no snapshot 77 .*Available: 1 "):
        rollback(home, at=NOON, to=77)


def test_rollback_leaves_the_kept_snapshots_as_they_were(home):
    publish_generation(home, 1)
    publish_generation(home, 2)
    before = {snapshot.path: snapshot.path.read_bytes() for snapshot in list_snapshots(home)}
    rollback(home, at=NOON)
    assert {snapshot.path: snapshot.path.read_bytes() for snapshot in list_snapshots(home)} == before


def test_a_publication_after_a_rollback_is_seen(home):
    publish_generation(home, 1)
    publish_generation(home, 2)
    rollback(home, at=NOON)
    assert publish_generation(home, 3).publication_id == 4
    assert generation_seen(home) == 3
    assert [snapshot.publication_id for snapshot in list_snapshots(home)] == [1, 2, 4]
    assert rollback(home, at=NOON).shown_id == 2


def test_nothing_published_is_nothing_to_roll_back_to(home):
    with pytest.raises(PublishError, match=r"no snapshot to go back to. None is available"):
        rollback(home, at=NOON)


@pytest.mark.parametrize("damage", ["header", "middle", "end", "cut", "empty"])
def test_a_damaged_snapshot_is_not_put_back_and_is_named(home, damage):
    set_generation(home, 1, rows=50_000)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create table marts.bulk as select md5(i::varchar) as text from range(50000) t(i)")
    do_publish(home)
    publish_generation(home, 2)
    kept = list_snapshots(home)[0].path
    whole = kept.read_bytes()
    broken = {
        "header": b"not a database" + whole[14:],
        "middle": whole[: len(whole) // 2] + b"\xff" * 4096 + whole[len(whole) // 2 + 4096 :],
        # may be an index, which reading every table would not touch
        "end": whole[:-4096] + b"\xff" * 4096,
        "cut": whole[: len(whole) // 2],
        "empty": b"",
    }[damage]
    kept.unlink()
    kept.write_bytes(broken)
    with pytest.raises(PublishError, match=r"Snapshot 1 could not be put back: .*regulars-000001.duckdb.*Available: "):
        rollback(home, at=NOON)
    assert generation_seen(home) == 2
    assert leftovers(home) == []
    assert record_in_warehouse(home) == [(1, "published"), (2, "published")]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_snapshot_whose_checksum_is_damaged_is_not_put_back(home, content):
    publish_generation(home, 1)
    publish_generation(home, 2)
    [checksum, _] = sorted(home.snapshots.glob("*.sha256"))
    checksum.write_bytes(content)
    with pytest.raises(PublishError, match=r"Snapshot 1 could not be put back: .*regulars-000001.duckdb"):
        rollback(home, at=NOON)
    assert generation_seen(home) == 2


def test_rollback_heals_a_published_file_that_was_lost(home):
    publish_generation(home, 1)
    publish_generation(home, 2)
    home.published.unlink()
    assert current_publication(home) is None
    assert rollback(home, at=NOON).shown_id == 2
    assert generation_seen(home) == 2


def test_a_damaged_published_file_is_replaced(home):
    publish_generation(home, 1)
    home.published.unlink()
    home.published.write_bytes(b"not a database")
    with pytest.raises(PublishError, match="can't be read"):
        current_publication(home)
    publish_generation(home, 2)
    assert generation_seen(home) == 2


def test_the_record_outlives_a_private_warehouse_made_anew(home):
    publish_generation(home, 1)
    publish_generation(home, 2)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("drop table quality.publications")
    assert publish_generation(home, 3).publication_id == 3
    assert record_in_warehouse(home) == [(1, "published"), (2, "published"), (3, "published")]
    home.warehouse.unlink()
    assert rollback(home, at=NOON).shown_id == 2


def test_where_there_are_no_hard_links_snapshots_are_copies(home, monkeypatch):
    import errno

    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    publish_generation(home, 1)
    publish_generation(home, 2)
    assert not home.published.samefile(list_snapshots(home)[-1].path)
    rollback(home, at=NOON)
    assert generation_seen(home) == 1


# --- when it goes wrong ---------------------------------------------------------


def test_nothing_to_publish_is_an_error(home, tmp_path):
    with pytest.raises(PublishError, match=r"does not exist\. Run a refresh"):
        do_publish(Home(tmp_path / "nowhere"))
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("drop schema marts cascade")
    with pytest.raises(PublishError, match="no table in marts"):
        do_publish(home)
    assert not home.published.exists()


def test_a_warehouse_that_is_held_is_named_and_readers_keep_what_they_have(home):
    publish_generation(home, 1)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()",
            str(home.warehouse),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseBusyError, match=str(holder.pid)):
            do_publish(home)
    finally:
        holder.communicate()
    assert generation_seen(home) == 1


def test_a_copy_that_lost_rows_is_not_swapped_in(home, monkeypatch):
    publish_generation(home, 1)
    set_generation(home, 2)
    copy = building._copy_relation

    def lose_a_row(con, relation):
        copy(con, relation)
        if relation.name == "customer_rfm":
            con.execute("delete from snapshot.marts.customer_rfm")

    monkeypatch.setattr(building, "_copy_relation", lose_a_row)
    with pytest.raises(PublishError, match=r"customer_rfm.* has 0 rows instead of 1"):
        do_publish(home)
    assert generation_seen(home) == 1
    assert leftovers(home) == []
    assert record_in_warehouse(home) == [(1, "published")]


def test_a_disk_that_fills_up_leaves_readers_what_they_have(home):
    publish_generation(home, 1)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create table marts.bulk as select gen_random_uuid() as id from range(1000000)")
    before = home.published.read_bytes()
    # a limit on the size of files stands in for the disk: writing past it fails all the same
    script = """
        import resource, sys
        from datetime import datetime
        from pathlib import Path
        from warehouse.errors import PublishError
        from warehouse.home import Home
        from warehouse.publishing import publish
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
        try:
            publish(Home(Path(sys.argv[1])), data_version="2", settings_fingerprint="s", code_fingerprint="c",
                    as_of_date=None, is_sample=False, landing="/landing", published_at=datetime(2011, 12, 9))
        except PublishError as error:
            print(error)
            sys.exit(7)
    """
    ran = run(script, home)
    assert ran.returncode == 7, ran.stderr
    assert ran.stdout.startswith("Snapshot 2 could not be published: ")
    assert "What readers see is as it was" in ran.stdout
    assert home.published.read_bytes() == before
    assert leftovers(home) == []
    # and with room again
    assert do_publish(home).publication_id == 2


def test_a_disk_that_fills_up_during_a_rollback_is_not_called_damage(home):
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create table marts.bulk as select gen_random_uuid() as id from range(200000)")
    publish_generation(home, 1)
    publish_generation(home, 2)
    script = """
        import resource, sys
        from datetime import datetime
        from pathlib import Path
        from warehouse.errors import PublishError
        from warehouse.home import Home
        from warehouse.publishing import rollback
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        try:
            rollback(Home(Path(sys.argv[1])), at=datetime(2011, 12, 9))
        except PublishError as error:
            print(error)
            sys.exit(7)
    """
    ran = run(script, home)
    assert ran.returncode == 7, ran.stderr
    assert ran.stdout.startswith("Snapshot 1 could not be put back: ")
    assert "File too large" in ran.stdout
    assert "damaged" not in ran.stdout
    assert generation_seen(home) == 2
    assert leftovers(home) == []


PUBLISH_AND_DIE = """
    import os, signal, sys
    from datetime import datetime
    from pathlib import Path
    from warehouse.home import Home
    from warehouse.publishing import building, release

    step, moment = sys.argv[2:4]
    room = building if hasattr(building, step) else release
    real = getattr(room, step)

    def deadly(*arguments, **named):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(room, step, deadly)
    release.publish(Home(Path(sys.argv[1])), data_version="2", settings_fingerprint="s", code_fingerprint="c",
                    as_of_date=None, is_sample=False, landing="/landing", published_at=datetime(2011, 12, 9))
"""


def run(script, home, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(home.root), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("step", "moment", "seen"),
    [
        ("_copy_relation", "after", 1),
        ("_write_about", "after", 1),
        ("_verify", "after", 1),
        ("swap_in", "before", 1),
        ("swap_in", "after", 2),
        ("_record_in_warehouse", "after", 2),
        ("keep_snapshot", "after", 2),
        ("sweep_snapshots", "after", 2),
    ],
)
def test_a_kill_at_any_moment_leaves_one_whole_snapshot_and_the_next_one_makes_up(home, step, moment, seen):
    publish_generation(home, 1)
    set_generation(home, 2)
    assert run(PUBLISH_AND_DIE, home, step, moment).returncode == -signal.SIGKILL
    assert generation_seen(home) == seen
    current = current_publication(home)
    assert current is not None
    assert current.data_version == str(seen)

    third = publish_generation(home, 3)
    assert generation_seen(home) == 3
    assert third.publication_id == seen + 1
    assert record_in_warehouse(home) == [(number, "published") for number in range(1, seen + 2)]
    assert [snapshot.problem for snapshot in list_snapshots(home)] == [None] * (seen + 1)
    assert leftovers(home) == []


# --- readers --------------------------------------------------------------------


READER = """
    import sys, time
    from pathlib import Path
    import duckdb
    published, stop, ready = map(Path, sys.argv[2:5])
    reads, generations = 0, set()
    while not stop.exists():
        with duckdb.connect(str(published), read_only=True) as con:
            rows = con.execute('''
                select generation, count(*) from (
                    from marts.generation union all from ml.generation
                    union all from reporting.generation union all from quality.generation
                ) group by all
            ''').fetchall()
            versions = con.execute('select arg_max(data_version, publication_id) from quality.publications').fetchone()
        # four tables of five rows, all of one generation, and the file's own record agrees
        assert rows == [(int(versions[0]), 20)], (rows, versions)
        reads += 1
        generations.add(rows[0][0])
        ready.touch()
    print(reads, len(generations))
"""


PUBLICATIONS = int(os.environ.get("REGULARS_PUBLICATIONS", "7"))


def test_a_reader_in_a_loop_sees_no_error_and_no_half_state(home, tmp_path):
    publish_generation(home, 1)
    stop, ready = tmp_path / "stop", tmp_path / "ready"
    reader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(READER), "-", str(home.published), str(stop), str(ready)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not ready.exists():
            assert reader.poll() is None, reader.communicate()
        for generation in range(2, 2 + PUBLICATIONS):
            publish_generation(home, generation)
            if generation % 3 == 0:
                rollback(home, at=NOON)
                with pytest.raises(PublishError):
                    rollback(home, at=NOON, to=99)
    finally:
        stop.touch()
        output, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    reads, generations = map(int, output.split())
    assert reads >= 10
    assert generations >= 3


def test_a_reader_who_has_the_file_open_keeps_it_whole(home):
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create table marts.bulk as select md5(i::varchar) as text from range(200000) t(i)")
    publish_generation(home, 1)
    reader = duckdb.connect(str(home.published), read_only=True)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create or replace table marts.bulk as select 'new' as text")
    for generation in range(2, 9):
        # more than are kept, so the file it reads has no name left
        publish_generation(home, generation)
    assert reader.execute("select count(distinct text) from marts.bulk").fetchone() == (200000,)
    assert reader.execute("select generation from marts.generation limit 1").fetchone() == (1,)
    reader.close()
    assert generation_seen(home) == 8


def held_without_a_name(folder: Path) -> list[int]:
    """Sizes of files that were removed from the folder, and whose room this process holds all the same."""
    held = {}
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            path, found = os.readlink(descriptor), descriptor.stat()
        except FileNotFoundError:
            continue
        # a name that is gone may be one of two
        if path.startswith(str(folder)) and found.st_nlink == 0:
            held[found.st_ino] = found.st_size
    return [*held.values()]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
def test_a_reader_who_never_closes_holds_one_snapshot_and_nothing_up(home):
    publish_generation(home, 1)
    reader = duckdb.connect(str(home.published), read_only=True)
    assert reader.execute("select generation from marts.generation limit 1").fetchone() == (1,)
    room = []
    for generation in range(2, 11):
        publish_generation(home, generation)
        assert generation_seen(home) == generation
        files = {path.stat().st_ino: path.stat().st_size for path in home.root.rglob("*") if path.is_file()}
        room.append((len(list_snapshots(home)), len(held_without_a_name(home.root)), sum(files.values())))
    # the five that are kept, and from then on the one that it holds
    assert [kept for kept, *_ in room] == [2, 3, 4, 5, 5, 5, 5, 5, 5]
    assert [held for _, held, _ in room] == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert room[-1][2] < 1.2 * room[4][2]
    assert leftovers(home) == []
    assert reader.execute("select generation from marts.generation limit 1").fetchone() == (1,)
    reader.close()
    assert held_without_a_name(home.root) == []


def test_a_log_that_a_writing_client_left_is_not_replayed_onto_the_new_snapshot(home):
    publish_generation(home, 1)
    log = home.published.with_name("regulars.duckdb.wal")
    log.write_bytes(b"left by a client that opened the file for writing")
    publish_generation(home, 2)
    assert not log.exists()
    assert generation_seen(home) == 2


def test_the_published_file_is_read_only(home):
    do_publish(home)
    assert home.published.stat().st_mode & 0o222 == 0


def test_clients_of_duckdb_1_2_open_the_published_file(home):
    python = os.environ.get(OLD_CLIENT_VARIABLE)
    if not python:
        pytest.skip(
            f"{OLD_CLIENT_VARIABLE} is not set: it names the Python of an environment with duckdb 1.2, made with "
            "python -m venv DIR && DIR/bin/pip install duckdb==1.2.2"
        )
    script = """
        import sys, duckdb
        con = duckdb.connect(sys.argv[1], read_only=True)
        print(duckdb.__version__, con.execute(
            "select count(*), sum(line.net_revenue) from marts.fct_invoice_lines as line, quality.publications"
        ).fetchone())
    """
    publish_generation(home, 1)
    publish_generation(home, 2)
    rollback(home, at=NOON)
    for path in (home.published, home.snapshots / "regulars-000002.duckdb"):
        ran = subprocess.run([python, "-c", textwrap.dedent(script), str(path)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        # three lines of 2.90 in all, joined with each row of the record
        rows = 3 if path == home.published else 2
        assert ran.stdout == f"1.2.2 ({3 * rows}, Decimal('{2.9 * rows:.4f}'))\n"
