"""Two that would refresh one home: one works, the other says so."""

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.command import REGULARS, regulars
from tests.tiny_shop import deliver, small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT


def start_daemon(home: Home, log: Path) -> "subprocess.Popen[str]":
    """One that holds the home and has become Dagster's, or has ended."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [*REGULARS, "daemon", "--home", str(home.root)],
            cwd=PROJECT_ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    while process.poll() is None and "dagster-daemon" not in Path(f"/proc/{process.pid}/cmdline").read_text():
        time.sleep(0.02)
    return process


def test_a_second_daemon_of_a_home_is_refused_while_the_first_works(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    deliver(home.landing, small_history(1))
    first = start_daemon(home, tmp_path / "first.log")
    try:
        assert first.poll() is None
        for command in (["daemon"], ["ui"]):
            second = regulars(*command, home=home.root)
            assert second.returncode == 2
            assert second.stderr == (
                f"regulars: A daemon works on {home.root} already (process {first.pid}), and one is enough: two would "
                "start every run twice. Stop it first, or open the pages alone with `regulars ui --pages-only`.\n"
            )
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    # killed, it holds nothing back
    third = start_daemon(home, tmp_path / "third.log")
    try:
        assert third.poll() is None, (tmp_path / "third.log").read_text()
    finally:
        os.killpg(third.pid, signal.SIGKILL)
        third.wait()
