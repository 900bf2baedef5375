"""A refresh from landing to snapshot, and what happens when something is wrong."""

import base64
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.orchestration.conftest import differing_tables, refresh
from tests.tiny_shop import HEADER, deliver, small_history
from warehouse.database import refresh_lock
from warehouse.documentation import documented_tables
from warehouse.home import Home


def test_a_refresh_publishes_what_was_delivered_and_nothing_raw(small_home: Home, ask) -> None:
    outcome = refresh(small_home)
    assert outcome.succeeded, outcome.problems
    delivered = sum(content.count("\n") - 1 for content in small_history().values())
    assert ask(small_home.published, "select sum(row_count) from marts.row_accounting") == [(delivered,)]
    assert ask(small_home.published, "select count(distinct customer_id) = count(*) from ml.customer_segments") == [
        (True,)
    ]
    schemas = ask(small_home.published, "select distinct schema_name from duckdb_tables() order by 1")
    assert schemas == [("marts",), ("ml",), ("quality",), ("reporting",)]
    # all that is documented is there, and nothing else
    names = ask(small_home.published, "select schema_name || '.' || table_name from duckdb_tables()")
    assert {name for (name,) in names} == {name for name in documented_tables() if not name.startswith("previous.")}
    assert outcome.checks_passed > 0
    with (
        duckdb.connect(str(small_home.published), read_only=True) as connection,
        pytest.raises(duckdb.CatalogException),
    ):
        connection.execute("select * from raw.transactions")
    # thirty customers in six weeks are few: the models say so, and names of segments are not true of all
    warned = [warning.partition(":")[0] for warning in outcome.checks_warned]
    assert warned == ["ml/model_runs", "reporting/segment_claims"]


def evidence(home: Home, folder: Path) -> dict[str, str]:
    """What Dagster shows as evidence of the models' tables after the home's last refresh."""
    # opening the record may write to it, and the homes are shared
    record = shutil.copytree(home.dagster, folder)
    with dg.DagsterInstance.from_config(str(record)) as instance:
        found = {}
        for table in ("cluster_selection", "customer_clv", "revenue_anomalies"):
            event = instance.get_latest_materialization_event(dg.AssetKey(["ml", table]))
            assert event is not None
            assert event.asset_materialization is not None
            found[table] = str(event.asset_materialization.metadata["evidence"].value)
        return found


def test_dagster_shows_the_evidence_as_pictures_or_says_why_not(
    published_small: Home, shop_once_published: Home, tmp_path: Path
) -> None:
    for table, shown in evidence(published_small, tmp_path / "eight-months").items():
        title, _, picture = shown.removesuffix(")").partition("](data:image/png;base64,")
        assert title.startswith("!["), table
        assert base64.b64decode(picture, validate=True).startswith(b"\x89PNG\r\n"), table
    # hold-outs take four months of sales, and this shop has six weeks
    assert "too short for hold-outs" in evidence(shop_once_published, tmp_path / "six-weeks")["customer_clv"]


def test_nothing_new_publishes_nothing_and_a_full_rebuild_is_equal_even_without_the_files(
    published_home: Home, shop_once_published: Home
) -> None:
    inode = published_home.published.stat().st_ino
    again = refresh(published_home)
    assert again.succeeded
    assert again.nothing_new

    # files that left landing keep their lines
    for path in sorted(published_home.landing.iterdir())[:10]:
        path.unlink()
    assert refresh(published_home).nothing_new
    assert published_home.published.stat().st_ino == inode

    # what a model that was tried, or an earlier release, has left
    with duckdb.connect(str(published_home.warehouse)) as connection:
        connection.execute("create table marts.fct_weekday_revenue as select 1 as weekday")
    rebuilt = refresh(published_home, full=True, measures_all=True)
    assert rebuilt.succeeded
    assert not rebuilt.nothing_new
    assert published_home.published.stat().st_ino != inode
    assert differing_tables(shop_once_published.published, published_home.published) == []


def test_a_changed_setting_is_something_new(published_home: Home, monkeypatch: pytest.MonkeyPatch, ask) -> None:
    monkeypatch.setenv("REGULARS_SEGMENTATION__K", "3")
    again = refresh(published_home)
    assert again.succeeded, again.problems
    assert not again.nothing_new
    assert ask(published_home.published, "select count(*) from ml.segment_profiles where algorithm = 'kmeans'") == [
        (3,)
    ]


def test_other_names_and_another_order_give_equal_tables(shop_once_published: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    files = list(small_history().items())
    # half of it first, the rest later, latest days first, under other names
    renamed = {f"delivery-{900 - number}.csv": content for number, (_, content) in enumerate(files)}
    half = dict(list(renamed.items())[20:])
    deliver(other.landing, half)
    assert refresh(other).succeeded
    deliver(other.landing, renamed)
    assert refresh(other, measures_all=True).succeeded
    lineage = {"marts.set_aside_lines": ["file_name", "sheet", "row_number"], "ml.model_runs": []}
    assert (
        differing_tables(shop_once_published.published, other.published, but={k: v for k, v in lineage.items() if v})
        == []
    )


def test_as_of_sees_nothing_dated_on_or_after_the_day(small_home: Home, tmp_path: Path, ask) -> None:
    assert refresh(small_home, as_of="2024-02-01").succeeded
    earlier = Home(tmp_path / "earlier")
    deliver(earlier.landing, {name: text for name, text in small_history().items() if name < "2024-02-01"})
    assert refresh(earlier, as_of="2024-02-01").succeeded
    accounting = {"marts.row_accounting": ["row_count", "gross_amount"], "ml.model_runs": ["data_version"]}
    differing = differing_tables(small_home.published, earlier.published, but=accounting)
    # what was set aside for its date is there in one of both alone
    assert [table for table in differing if not table.startswith("marts.set_aside_")] == []
    unseen = "select row_count from marts.row_accounting where disposition = 'after_as_of'"
    assert ask(small_home.published, unseen)[0][0] > 0
    assert ask(small_home.published, "select distinct snapshot_date::varchar from marts.customer_rfm") == [
        ("2024-02-01",)
    ]


def test_what_follows_a_failed_check_does_not_run(small_home: Home) -> None:
    line = "699999,20001,ITEM 20001,900000,2024-02-20 10:00:00,99.00,10001.0,United Kingdom\n"
    deliver(small_home.landing, {"2024-02-20.csv": HEADER + line})
    outcome = refresh(small_home)
    assert not outcome.succeeded
    assert "published__snapshot" not in outcome.seconds_by_step
    assert not small_home.published.exists()
    failed_at = next(step for step in outcome.seconds_by_step if step.startswith("validate_staging"))
    assert list(outcome.seconds_by_step)[-1] == failed_at


def test_one_hostile_file_does_not_stop_the_good_ones(small_home: Home, ask) -> None:
    (small_home.landing / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    deliver(small_home.landing, {"empty.csv": "", "columns.csv": "a,b\n1,2\n"})
    outcome = refresh(small_home)
    assert outcome.succeeded, outcome.problems
    rejected = dict(
        ask(small_home.published, "select file_name, problem from quality.load_ledger where status = 'rejected'")
    )
    assert set(rejected) == {"picture.csv", "empty.csv", "columns.csv"}
    assert "PNG" in rejected["picture.csv"]


def test_a_foreign_process_on_the_warehouse_is_named(published_home: Home) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(published_home.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        outcome = refresh(published_home, full=True)
        assert not outcome.succeeded
        assert len(outcome.problems) == 1
        assert f"PID {holder.pid}" in outcome.problems[0]
        assert "BI tools belong on the published snapshot" in outcome.problems[0]
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    assert refresh(published_home).succeeded


def test_a_second_refresh_is_told_who_is_at_work(published_home: Home) -> None:
    with refresh_lock(published_home, purpose="refresh run 12345678"):
        outcome = refresh(published_home)
    assert not outcome.succeeded
    assert len(outcome.problems) == 1
    assert "is in use by refresh run 12345678 (process" in outcome.problems[0]
    assert refresh(published_home).succeeded


def test_a_check_that_breaks_is_no_bad_data_and_no_pass(small_home: Home, monkeypatch: pytest.MonkeyPatch, ask) -> None:
    from dataclasses import replace

    from expectations import runner
    from expectations.checks import Check, suites_of

    broken = Check("broken", claim="-", fault="-", reason="-", rows="selec from this_table")

    def with_a_broken_one(layer, **circumstances):
        first, *others = suites_of(layer, **circumstances)
        return (replace(first, checks=(*first.checks, broken)) if layer == "staging" else first, *others)

    monkeypatch.setattr(runner, "suites_of", with_a_broken_one)
    outcome = refresh(small_home)
    assert not outcome.succeeded
    assert not small_home.published.exists()
    assert "could not check" in " ".join(outcome.problems)
    found = ask(
        small_home.warehouse,
        "select status, count(*) from quality.validation_results where layer = 'staging' group by 1 order by 1",
    )
    assert found[0] == ("error", 1)
    assert [status for status, _ in found] == ["error", "passed"]


def test_a_line_that_would_bend_every_figure_is_named_and_readers_see_neither_error_nor_half_state(
    published_home: Home, tmp_path: Path
) -> None:
    code = (
        "import duckdb, pathlib, sys\n"
        "path, stop = sys.argv[1:]\n"
        "reads = 0\n"
        "while not pathlib.Path(stop).exists():\n"
        "    with duckdb.connect(path, read_only=True) as connection:\n"
        "        lines = connection.execute('select count(*) from marts.fct_invoice_lines').fetchone()[0]\n"
        "        told = connection.execute("
        "'select lines from quality.publications order by publication_id desc').fetchone()[0]\n"
        "        assert lines == told, (lines, told)\n"
        "    reads += 1\n"
        "print(reads)\n"
    )
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(published_home.published), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = "699999,20001,ITEM 20001,{},2024-02-20 10:00:00,99.00,10001.0,United Kingdom\n"
    outcomes, snapshots = [], []
    # the mended file replaces the broken one by its name
    for quantity in (5, 900_000, 6):
        deliver(published_home.landing, {"2024-02-20.csv": HEADER + line.format(quantity)})
        outcomes.append(refresh(published_home))
        snapshots.append(published_home.published.read_bytes())
    stop.touch()
    read, errors = reader.communicate(timeout=60)
    assert [outcome.succeeded for outcome in outcomes] == [True, False, True]
    told = " ".join(outcomes[1].problems)
    assert "2024-02-20.csv" in told
    assert "line 2" in told
    assert snapshots[1] == snapshots[0] != snapshots[2]
    assert reader.returncode == 0, errors
    assert int(read) > 20


def test_one_core_gives_the_tables_that_two_give(
    small_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration import resources

    begun: list[str] = []

    class Watched(resources.Beside):
        def __init__(self, module: str, function: str, arguments: dict) -> None:
            begun.append(function)
            super().__init__(module, function, arguments)

    monkeypatch.setattr(resources, "Beside", Watched)
    alone = Home(tmp_path / "alone")
    deliver(alone.landing, small_history())
    # a shop as small as this is fitted in one process on any machine
    monkeypatch.setattr(resources.FitsBeside, "is_room_for", lambda *_: True)
    assert refresh(small_home).succeeded
    assert begun == ["segment_customers"]
    monkeypatch.setattr(resources.FitsBeside, "is_room_for", lambda *_: False)
    assert refresh(alone).succeeded
    assert begun == ["segment_customers"]
    assert differing_tables(small_home.published, alone.published) == []
