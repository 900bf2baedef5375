"""A refresh that is killed leaves nothing that the next one would not mend."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.jobs import landing_sensor
from orchestration.killed_runs import end_killed_runs
from tests.command import PROCESSES, REGULARS, regulars
from tests.orchestration.conftest import differing_tables, refresh
from tests.orchestration.killable import refresh_and_tell
from tests.tiny_shop import deliver, small_history
from warehouse.database import refresh_lock
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

STEPS = 16
KILLS = int(os.environ.get("REGULARS_KILLS", "10"))
SEED = int(os.environ.get("REGULARS_SEED", "11"))


def run_until_killed(home: Home, *, finished_steps: int, and_then_seconds: float) -> bool:
    """Start a full refresh and kill it some time after a number of steps; False if it was over before."""
    reader, writer = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=refresh_and_tell, args=(home.root, writer))
    process.start()
    # the child has the only other end, so that its end is the end of what can be read
    writer.close()
    seen = 0
    with open(reader.fileno(), encoding="utf-8", closefd=False) as lines:
        while seen < finished_steps and (line := lines.readline()):
            seen += "✓" in line
        time.sleep(and_then_seconds)
        process.kill()
        process.join()
    reader.close()
    return process.exitcode == -signal.SIGKILL


def test_kill_at_any_moment_then_refresh_equals_an_undisturbed_run(shop_once_published: Home, tmp_path: Path) -> None:
    disturbed = Home(tmp_path / "disturbed")
    deliver(disturbed.landing, small_history())
    disturbed.bind(disturbed.landing, is_sample=False)

    rng = random.Random(SEED)
    # after one step or another, none of them twice before each was, and a random moment later
    moments = [step for _ in range(0, KILLS, STEPS) for step in rng.sample(range(STEPS), STEPS)][:KILLS]
    killed = 0
    for finished_steps in moments:
        killed += run_until_killed(disturbed, finished_steps=finished_steps, and_then_seconds=rng.random() / 2)
        if disturbed.published.exists():
            with duckdb.connect(str(disturbed.published), read_only=True) as reader:
                assert reader.execute("select count(*) > 0 from marts.fct_invoice_lines").fetchone() == (True,)
    assert killed >= 0.8 * KILLS, "the refreshes were over before they could be killed"

    outcome = refresh(disturbed, full=True)
    assert outcome.succeeded, outcome.problems
    assert differing_tables(shop_once_published.published, disturbed.published) == []
    leftovers = {path.name for path in disturbed.published.parent.iterdir()} - {"regulars.duckdb", "snapshots"}
    assert leftovers == set()


def statuses(instance: dg.DagsterInstance) -> list[str]:
    return [run.status.value for run in instance.get_runs()]


def test_a_killed_refresh_holds_up_no_run_and_one_at_work_is_let_work(published_home: Home) -> None:
    reader, writer = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=refresh_and_tell, args=(published_home.root, writer))
    process.start()
    writer.close()
    tick = landing_sensor(published_home)
    with (
        open(reader.fileno(), encoding="utf-8", closefd=False) as lines,
        dg.DagsterInstance.from_config(str(published_home.dagster)) as instance,
    ):
        assert "✓" in lines.readline()
        tick(dg.build_sensor_context(instance=instance))
        assert statuses(instance)[0] == "STARTED"
        # cron's refresh beside it is no run: it says who works, and holds nothing up
        runs = len(statuses(instance))
        beside = regulars("refresh", "--full", home=published_home.root)
        assert beside.returncode == 1
        assert "is in use by refresh run" in beside.stdout + beside.stderr
        assert len(statuses(instance)) == runs
        process.kill()
        process.join()
        # so Dagster's own records would stay, and the queue behind it
        assert statuses(instance)[0] == "STARTED"
        told = regulars("status", home=published_home.root)
        assert "it was killed" in told.stdout
        tick(dg.build_sensor_context(instance=instance))
        assert statuses(instance)[0] == "FAILURE"
        [event] = instance.all_logs(instance.get_runs(limit=1)[0].run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert "was killed" in event.message
        assert list((published_home.dagster / "at_work").iterdir()) == []
    reader.close()


@pytest.mark.parametrize(
    ("ago_seconds", "is_held", "becomes"),
    [
        (3600, False, "FAILURE"),
        (3600, True, "STARTED"),
        (5, False, "STARTED"),
        # the clock was set back since
        (-86_400, False, "FAILURE"),
        (-86_400, True, "STARTED"),
    ],
)
def test_a_run_that_never_said_it_is_at_work_is_over_once_nobody_holds_the_home(
    tmp_path: Path, ago_seconds: float, is_held: bool, becomes: str
) -> None:
    home = Home(tmp_path)

    @dg.job
    def refresh() -> None: ...

    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        run = instance.create_run_for_job(refresh)
        started = dg.DagsterEvent("PIPELINE_START", run.job_name)
        instance.handle_new_event(
            dg.EventLogEntry(
                None, 20, "", run.run_id, time.time() - ago_seconds, dagster_event=started, job_name=run.job_name
            )
        )
        with refresh_lock(home) if is_held else nullcontext():
            end_killed_runs(instance, home)
        assert statuses(instance) == [becomes]


@pytest.mark.parametrize(
    ("after", "asked", "code"), [("load files", signal.SIGINT, 130), ("check staging", signal.SIGTERM, 143)]
)
def test_a_refresh_that_is_asked_to_stop_says_so_in_one_line_and_leaves_all_as_it_was(
    published_home: Home, after: str, asked: signal.Signals, code: int
) -> None:
    before = published_home.published.stat().st_ino
    process = subprocess.Popen(
        [*REGULARS, "refresh", "--full"],
        env={**os.environ, "REGULARS_HOME": str(published_home.root), "COLUMNS": "200"},
        cwd=PROJECT_ROOT,
        # shells start what works in the background deaf to it
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        # a terminal's Ctrl-C reaches every process of its group
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    while after not in said and (line := process.stderr.readline()):
        said += line
    # in the midst of the step that follows
    time.sleep(0.5)
    os.killpg(process.pid, asked)
    shown, rest = process.communicate()
    assert process.returncode == code, rest
    assert shown == ""
    told = [line for line in rest.splitlines() if not line.startswith(("  ✓", "  ✗"))]
    assert len(told) == 1
    assert told[0].startswith("regulars: Stopped by ")
    assert "the next refresh does the rest" in told[0]
    with dg.DagsterInstance.from_config(str(published_home.dagster)) as instance:
        assert statuses(instance)[0] == "CANCELED"
    assert published_home.published.stat().st_ino == before
    assert {path.name for path in published_home.published.parent.iterdir()} == {
        "last_refresh.json",
        "regulars.duckdb",
        "snapshots",
    }
    with refresh_lock(published_home):
        pass


# what was committed stands in the log alone when a process ends so
WRITE_AND_DIE = """
import json, os, sys
import duckdb

connection = duckdb.connect(sys.argv[1])
for statement in json.load(sys.stdin):
    connection.execute(statement)
os._exit(0)
"""


def test_a_crash_right_after_any_table_was_made_leaves_a_file_that_opens(
    shop_once_published: Home, tmp_path: Path
) -> None:
    # DuckDB can't replay a comment on a table whose rules call a function (findings/duckdb-replay-of-checks.sh)
    with duckdb.connect(str(shop_once_published.warehouse), read_only=True) as made:
        tables = made.execute(
            """
            select schema_name, table_name, sql, any_value(column_name)
            from duckdb_tables() join duckdb_columns() using (database_name, schema_name, table_name)
            where database_name = current_database() and schema_name <> 'main'
            group by all order by all
            """
        ).fetchall()
    assert len(tables) > 60
    statements = [f"create schema {schema}" for schema in sorted({schema for schema, *_ in tables})]
    for schema, table, sql, column in tables:
        statements += [sql, f"comment on column {schema}.{table}.{column} is 'what it is'"]
    written = tmp_path / "written.duckdb"
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, written], input=json.dumps(statements), text=True, check=True)
    with duckdb.connect(str(written)) as opened:
        assert opened.execute("select count(*) from duckdb_tables()").fetchone() == (len(tables),)
