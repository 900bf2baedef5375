"""What a refresh costs, next to an earlier build of this project and to a bare script.

    python -m benchmarks.refresh [--rounds N] [--copies N] [--before COMMIT] [--write]

The lines of the real files where REGULARS_REAL_DATA names them, else of the sample, lie twice in one CSV,
the second time on other orders, so that nothing is a repeat; the last day comes later, as a file of its own.
With ``--copies 20`` that is ten million lines.
Each round runs, in turn and in processes of their own: the bare script (:mod:`benchmarks.floor`), a full
refresh by both builds in a new home, one more day, and nothing new. Ratios are taken round by
round, so that a machine whose speed drifts does not bend them. The dbt project is parsed before the clock
starts: that is paid once per release. ``--write`` puts the table into docs/performance.md.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks.daily_files import daily_files, one_csv
from benchmarks.documents import write_section

ROUNDS = 3
BEFORE = "bf439ab"
"""The build that the goals for speed were set by."""
ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"
FLOOR, FULL, DAY, NOTHING, PUBLISH, GATES = (
    "the bare script",
    "full refresh",
    "one more day",
    "nothing new",
    "publish, of the full refresh",
    "all gates, of the full refresh",
)
GOALS = {FULL: 0.4, DAY: 0.15, NOTHING: 0.15, PUBLISH: 0.4}
"""Times the earlier build, at most."""
MOST_FLOORS = 3.2
"""Full refreshes cost at most so many bare scripts."""
_STEP = re.compile(r"([a-z ]+?) (\d+\.\d)(?=[,;])")


class Usage(NamedTuple):
    """What one command cost, its children included; ``peak`` is the largest process's, in MiB."""

    wall: float
    cpu: float
    peak: float


def measure(command: list[str], log: Path, env: dict[str, str] | None = None, cwd: Path = ROOT) -> Usage:
    """Run one command to its end, which has to be a good one."""
    with log.open("w") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=cwd)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    if status != 0:
        sys.exit(f"{' '.join(command)} failed; its output:\n{log.read_text()}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def run(command: list[str], log: Path, env: dict[str, str] | None = None) -> tuple[float, float]:
    """Wall seconds and peak MiB of one command."""
    used = measure(command, log, env)
    return used.wall, used.peak


class Build:
    """One build of the project at work on a home of its own."""

    def __init__(self, checkout: Path, landing: Path, home: Path) -> None:
        self.home = home
        # python -m takes the folder that it is called in before any other
        self.checkout = checkout
        self.environment = {**os.environ, "PYTHONPATH": str(checkout), "REGULARS_HOME": str(home), "DO_NOT_TRACK": "1"}
        self.command = [sys.executable, "-m", "orchestration.cli", "refresh", "--landing", str(landing)]
        home.mkdir(parents=True)
        code = "from orchestration.instance import prepare_dagster_home; from warehouse.home import default_home; "
        code += "prepare_dagster_home(default_home()); import orchestration.definitions"
        measure([sys.executable, "-c", code], home / "log", self.environment, checkout)

    def refresh(self) -> tuple[Usage, dict[str, float]]:
        """Cost of one refresh, and of its steps in wall seconds by what they are called."""
        used = measure(self.command, self.home / "log", self.environment, self.checkout)
        # wrapped at the width of a terminal
        told = " ".join((self.home / "log").read_text().split())
        _, _, steps = told.rpartition("Seconds ")
        return used, {step.strip(): float(seconds) for step, seconds in _STEP.findall(steps)}


def one_round(before: Path, big: Path, day: Path, scratch: Path) -> dict[tuple[str, str], Usage]:
    """Cost of each work by each build; ``before``, ``now`` or ``script``."""
    costs: dict[tuple[str, str], Usage] = {}
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        place = Path(folder)
        landing = place / "landing"
        landing.mkdir()
        (landing / big.name).hardlink_to(big)
        builds = {
            "before": Build(before, landing, place / "before"),
            "now": Build(ROOT, landing, place / "now"),
        }
        script = [sys.executable, "-m", "benchmarks.floor", str(big), str(place / "floor.duckdb")]
        costs[FLOOR, "script"] = measure(script, place / "log")
        for work in (FULL, DAY, NOTHING):
            if work == DAY:
                (landing / day.name).hardlink_to(day)
            for name, build in builds.items():
                costs[work, name], steps = build.refresh()
                if work == FULL:
                    for part, called in ((PUBLISH, "publish"), (GATES, "check")):
                        seconds = sum(taken for step, taken in steps.items() if step.startswith(called))
                        costs[part, name] = Usage(seconds, float("nan"), float("nan"))
    return costs


def as_markdown(rounds: list[dict[tuple[str, str], Usage]], lines: int, sort: str) -> str:
    """The table, with machine, versions and spread."""

    def middle(work: str, build: str, figure: str) -> str:
        return f"{statistics.median(getattr(one[work, build], figure) for one in rounds):.1f}"

    def ratio(work: str, figure: str, over: tuple[str, str] | None = None) -> str:
        ratios = sorted(
            getattr(one[work, "now"], figure) / getattr(one[over or (work, "before")], figure) for one in rounds
        )
        return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"

    table = [
        "| work | before, s | now, s | now ÷ before | goal | before, CPU s | now, CPU s | now ÷ before |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for work, goal in GOALS.items():
        cpu = ["–"] * 3
        if work != PUBLISH:
            cpu = [middle(work, "before", "cpu"), middle(work, "now", "cpu"), ratio(work, "cpu")]
        cells = [work, middle(work, "before", "wall"), middle(work, "now", "wall"), ratio(work, "wall"), f"≤ {goal}"]
        table.append(f"| {' | '.join([*cells, *cpu])} |")
    script, gates = (FLOOR, "script"), (FULL, "now")
    told = [
        f"The bare script takes {middle(*script, 'wall')} s, {middle(*script, 'cpu')} s of CPU and "
        f"{middle(*script, 'peak').partition('.')[0]} MiB. A full refresh takes {ratio(FULL, 'wall', script)} times "
        f"that (goal ≤ {MOST_FLOORS}), and {ratio(FULL, 'cpu', script)} times its CPU; its largest process has "
        f"{middle(FULL, 'now', 'peak').partition('.')[0]} MiB, before "
        f"{middle(FULL, 'before', 'peak').partition('.')[0]}.",
        f"All gates of Great Expectations take {ratio(GATES, 'wall', gates)} of a full refresh (goal ≤ 0.2).",
    ]
    packages = ", ".join(f"{package} {version(package)}" for package in ("duckdb", "dbt-core", "dagster"))
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    made = (
        f"{lines:,} lines ({sort}); medians of {len(rounds)} rounds, with the best and the worst. {os.cpu_count()} "
        f"cores ({platform.machine()}), load {load} at the end, Python {platform.python_version()}, {packages}."
    )
    return "\n".join([made, "", *table, "", *told])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--copies", type=int, default=2, help="how often the lines lie in the one CSV")
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help="the build to compare with")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        scratch = Path(folder)
        before = scratch / "before"
        subprocess.run(["git", "worktree", "add", "-q", "--detach", str(before), asked.before], check=True, cwd=ROOT)
        try:
            (*history, last), sort = daily_files(scratch)
            big = scratch / "lines.csv"
            lines = one_csv(history, big, asked.copies)
            day = scratch / "last-day.csv"
            day.write_bytes(last.read_bytes())
            rounds = []
            for number in range(asked.rounds):
                rounds.append(one_round(before, big, day, scratch))
                for (work, build), used in rounds[-1].items():
                    print(f"{number + 1} {work:32} {build:7} {used.wall:6.1f} s {used.cpu:6.1f} s CPU", flush=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(before)], check=True, cwd=ROOT)
    text = as_markdown(rounds, lines, sort)
    print(text)
    if asked.write:
        name = "what a refresh costs" if asked.copies == 2 else f"what a refresh of {asked.copies} copies costs"
        write_section(DOCUMENT, name, f"With {lines:,} lines", text)


if __name__ == "__main__":
    main()
