"""Time by step and peak memory of a full refresh, next to the floor.

    make bench            # the real files where REGULARS_REAL_DATA names them, else the sample

Each round runs the floor and then a refresh into a new home, in processes of their
own; the ratio is taken round by round, so that a machine whose speed drifts does not
bend it.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3


def run(command: list[str], log: Path, env: dict[str, str] | None = None) -> tuple[float, float]:
    """Wall seconds and peak MiB of one command."""
    with log.open("w") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    if status != 0:
        sys.exit(f"{' '.join(command)} failed; its output:\n{log.read_text()}")
    return wall, usage.ru_maxrss / 1024


def one_csv(landing: Path, target: Path) -> int:
    """Put the daily files one after the other; returns the number of lines."""
    lines = 0
    with target.open("wb") as out:
        for number, path in enumerate(sorted(landing.glob("[0-9]*.csv"))):
            header, _, body = path.read_bytes().partition(b"\n")
            out.write((header + b"\n" if number == 0 else b"") + body)
            lines += body.count(b"\n")
    return lines


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        scratch = Path(folder)
        real = os.environ.get("REGULARS_REAL_DATA")
        if real:
            landing = Path(real)
        else:
            landing = scratch / "sample" / "landing"
            subprocess.run(["regulars", "sample", "--home", str(scratch)], check=True, stdout=subprocess.DEVNULL)
        lines = one_csv(landing, scratch / "lines.csv")
        print(f"{'real files' if real else 'sample history'}: {lines:,} lines; {ROUNDS} rounds, {os.cpu_count()} cores")
        floors, refreshes, ratios = [], [], []
        for number in range(ROUNDS):
            out, home = scratch / "floor.duckdb", scratch / f"home-{number}"
            out.unlink(missing_ok=True)
            command = [sys.executable, "-m", "benchmarks.floor", str(scratch / "lines.csv"), str(out)]
            floors.append(run(command, scratch / "floor.log"))
            command = ["regulars", "refresh", "--landing", str(landing), "--home", str(home)]
            refreshes.append(run(command, scratch / "refresh.log"))
            ratios.append(refreshes[-1][0] / floors[-1][0])
            shutil.rmtree(home)
        print((scratch / "refresh.log").read_text())
        for name, runs in (("floor", floors), ("refresh", refreshes)):
            seconds, memory = zip(*runs, strict=True)
            print(f"{name:8} {statistics.median(seconds):6.1f} s   peak {statistics.median(memory):7.0f} MiB")
        print(f"ratio    {statistics.median(ratios):6.1f} ×   (rounds: {', '.join(f'{one:.1f}' for one in ratios)})")


if __name__ == "__main__":
    main()
