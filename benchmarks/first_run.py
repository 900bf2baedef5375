"""From `make run` on a fresh clone to the published sample, next to an earlier build.

    python -m benchmarks.first_run [--rounds N] [--before COMMIT] [--write]

Each round clones both builds into new folders and calls `make run` in each, with a home folder of its own and without
an environment that is there already. What pip and uv have downloaded is kept from one call to the next, and a first
call of either build, which is not counted, downloads it: a network's speed says nothing of a build. ``--write`` puts
the line into docs/performance.md.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.documents import write_section
from benchmarks.refresh import BEFORE, DOCUMENT, ROOT, Usage, measure

MOST_TIMES = 0.6
"""Times the earlier build, at most."""
_OF_THIS_ENVIRONMENT = ("PYTHONPATH", "VIRTUAL_ENV", "REGULARS_HOME", "REGULARS_REAL_DATA")


def first_run(commit: str, scratch: Path, downloads: Path) -> Usage:
    """Cost of `make run` in a new clone."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        clone, user = Path(folder) / "clone", Path(folder) / "user"
        user.mkdir()
        subprocess.run(["git", "clone", "-q", "--no-checkout", str(ROOT), str(clone)], check=True)
        subprocess.run(["git", "checkout", "-q", "--detach", commit], check=True, cwd=clone)
        own = str(Path(sys.executable).parent)
        environment = {name: value for name, value in os.environ.items() if name not in _OF_THIS_ENVIRONMENT}
        environment |= {
            "HOME": str(user),
            "PATH": os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if one != own),
            "PIP_CACHE_DIR": str(downloads / "pip"),
            "UV_CACHE_DIR": str(downloads / "uv"),
        }
        # the Python that this environment was made of
        python = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path=environment["PATH"])
        command = ["make", "run", f"PYTHON={python or sys.executable}"]
        return measure(command, Path(folder) / "log", environment, clone)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help="the build to compare with")
    parser.add_argument("--write", action="store_true", help="put the line into docs/performance.md")
    asked = parser.parse_args()
    builds = {"before": asked.before, "now": "HEAD"}
    rounds: list[dict[str, Usage]] = []
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        scratch, downloads = Path(folder), Path(folder) / "downloads"
        for number in range(asked.rounds + 1):
            costs = {name: first_run(commit, scratch, downloads) for name, commit in builds.items()}
            told = "downloads" if number == 0 else str(number)
            for name, used in costs.items():
                print(f"{told:9} {name:7} {used.wall:6.1f} s {used.cpu:6.1f} s CPU", flush=True)
            if number > 0:
                rounds.append(costs)

    def middle(build: str, figure: str) -> str:
        return f"{statistics.median(getattr(one[build], figure) for one in rounds):.0f} s"

    ratios = sorted(one["now"].wall / one["before"].wall for one in rounds)
    text = (
        "From `make run` on a fresh clone, with everything downloaded, to the published sample: "
        f"{middle('now', 'wall')} ({middle('now', 'cpu')} of CPU), "
        f"before {middle('before', 'wall')} ({middle('before', 'cpu')} of CPU): "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) times; the goal is ≤ {MOST_TIMES}."
    )
    print(text)
    if asked.write:
        write_section(DOCUMENT, "what a first run costs", "A first run", text)


if __name__ == "__main__":
    main()
