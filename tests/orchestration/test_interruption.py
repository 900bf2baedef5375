"""A refresh that is killed leaves nothing that the next one would not mend."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from tests.orchestration.conftest import differing_tables, refresh
from tests.tiny_shop import deliver, small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

STEPS = 16
KILLS = 10


def run_until_killed(home: Home, *, finished_steps: int, and_then_seconds: float) -> bool:
    """Start a full refresh and kill it some time after a number of steps; False if it was over before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "refresh", "--full"],
        env={**os.environ, "DO_NOT_TRACK": "1", "REGULARS_HOME": str(home.root)},
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen = 0
    with process.stderr as lines:
        while seen < finished_steps and (line := lines.readline()):
            seen += "✓" in line
        time.sleep(and_then_seconds)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def test_kill_at_ten_moments_then_refresh_equals_an_undisturbed_run(tmp_path: Path) -> None:
    undisturbed, disturbed = Home(tmp_path / "undisturbed"), Home(tmp_path / "disturbed")
    for home in (undisturbed, disturbed):
        deliver(home.landing, small_history())
    assert refresh(undisturbed).succeeded

    rng = random.Random(11)
    # ten of the steps, each at a random moment after the step before
    moments = rng.sample(range(STEPS), KILLS)
    killed = 0
    for finished_steps in moments:
        killed += run_until_killed(disturbed, finished_steps=finished_steps, and_then_seconds=rng.random() / 2)
        if disturbed.published.exists():
            with duckdb.connect(str(disturbed.published), read_only=True) as reader:
                assert reader.execute("select count(*) > 0 from marts.fct_invoice_lines").fetchone() == (True,)
    assert killed >= KILLS - 2, "the refreshes were over before they could be killed"

    outcome = refresh(disturbed, full=True)
    assert outcome.succeeded, outcome.problems
    assert differing_tables(undisturbed.published, disturbed.published) == []
    leftovers = {path.name for path in disturbed.published.parent.iterdir()} - {"regulars.duckdb", "snapshots"}
    assert leftovers == set()
