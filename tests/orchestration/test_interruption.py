"""A refresh that is killed leaves nothing that the next one would not mend."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from tests.orchestration.conftest import deliver, differing_tables, refresh, small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

KILLS = 10


def test_kill_at_ten_moments_then_refresh_equals_an_undisturbed_run(tmp_path: Path) -> None:
    undisturbed, disturbed = Home(tmp_path / "undisturbed"), Home(tmp_path / "disturbed")
    for home in (undisturbed, disturbed):
        deliver(home.landing, small_history())
    started = time.monotonic()
    command = [sys.executable, "-m", "orchestration.cli", "refresh", "--full"]
    environment = {**os.environ, "DO_NOT_TRACK": "1"}
    subprocess.run(
        command,
        env={**environment, "REGULARS_HOME": str(undisturbed.root)},
        cwd=PROJECT_ROOT,
        check=True,
        capture_output=True,
    )
    whole = time.monotonic() - started

    rng = random.Random(11)
    killed = 0
    # evenly spread over the whole run, each at a random place of its stretch
    for number in range(KILLS):
        process = subprocess.Popen(
            command,
            env={**environment, "REGULARS_HOME": str(disturbed.root)},
            cwd=PROJECT_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(whole * (number + rng.random()) / KILLS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        if disturbed.published.exists():
            with duckdb.connect(str(disturbed.published), read_only=True) as reader:
                assert reader.execute("select count(*) > 0 from marts.fct_invoice_lines").fetchone() == (True,)
    assert killed >= KILLS - 2  # the last stretches may find the run already over

    outcome = refresh(disturbed, full=True)
    assert outcome.succeeded, outcome.problems
    assert differing_tables(undisturbed.published, disturbed.published) == []
    leftovers = [
        path.name for path in disturbed.published.parent.iterdir() if path.name not in ("regulars.duckdb", "snapshots")
    ]
    assert leftovers == []
