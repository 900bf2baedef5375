"""What a home survives: the tests of faults, at a size that no run of all tests has time for.

    python -m benchmarks.reliability [--share 0.1] [--only kills] [--seed 12] [--write]

Each is a test that ``make test`` runs at a small, seeded share: refreshes that are killed at random moments and then
equal an undisturbed one; files bent at random through the reader of every format, each recorded with its reason and
none half loaded; random sequences of deliveries after which tables that took in what was new equal those made anew; a
reader in a loop over publications, without an error. ``--write`` puts what came out into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import NamedTuple

from benchmarks.documents import write_section
from benchmarks.refresh import DOCUMENT, ROOT


class Trial(NamedTuple):
    """One test, and how often it tries what it tries."""

    what: str
    variable: str
    times: int
    test: str


TRIALS = {
    "kills": Trial(
        "refreshes killed at a random moment, then equal to an undisturbed one",
        "REGULARS_KILLS",
        1000,
        "tests/orchestration/test_interruption.py::test_kill_at_any_moment_then_refresh_equals_an_undisturbed_run",
    ),
    "files": Trial(
        "bent files through every reader, each recorded and none half loaded",
        "REGULARS_HOSTILE_FILES",
        10_000,
        "tests/formats/test_hostile_files.py::test_files_that_no_system_wrote",
    ),
    "sequences": Trial(
        "random sequences of deliveries, equal to tables made anew after each",
        "REGULARS_SEQUENCES",
        100,
        "tests/dbt_project/test_increments.py::test_any_sequence_of_deliveries",
    ),
    "publications": Trial(
        "publications beside a reader in a loop",
        "REGULARS_PUBLICATIONS",
        50,
        "tests/warehouse/test_publishing.py::test_a_reader_in_a_loop_sees_no_error_and_no_half_state",
    ),
}


def tried(trial: Trial, times: int, seed: int) -> tuple[bool, float]:
    """Run it so often; whether it passed, and how many seconds it took. What failed is shown as it is."""
    started = time.perf_counter()
    environment = {**os.environ, trial.variable: str(times), "REGULARS_SEED": str(seed)}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", trial.test], cwd=ROOT, env=environment, check=False)
    return done.returncode == 0, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the full number of times (default: all)")
    parser.add_argument("--only", choices=TRIALS, action="append", help="one of them; may be given again")
    parser.add_argument("--seed", type=int, default=11, help="of the moments to kill at (default: 11, as in the tests)")
    parser.add_argument("--write", action="store_true", help="put what came out into docs/performance.md")
    asked = parser.parse_args()
    lines = ["| tried | times | came out | minutes |", "| --- | ---: | --- | ---: |"]
    has_failed = False
    for name in asked.only or TRIALS:
        trial = TRIALS[name]
        times = max(1, round(trial.times * asked.share))
        passed, seconds = tried(trial, times, asked.seed)
        has_failed = has_failed or not passed
        lines.append(f"| {trial.what} | {times:,} | {'as it should' if passed else '**not**'} | {seconds / 60:.1f} |")
    told = "\n".join(lines)
    print(told)
    if asked.write:
        write_section(DOCUMENT, "what a home survives", "What a home survives", told)
    sys.exit(has_failed)


if __name__ == "__main__":
    main()
