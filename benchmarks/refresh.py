"""Time by step and peak memory of a full refresh, next to the floor.

    make bench            # the real files where REGULARS_REAL_DATA names them, else the sample

A first refresh in a new home also parses the dbt project, once per release; it is shown
on its own. Then each round runs the floor and a full refresh of everything (files are
read, tables built, checks run, a snapshot published), in processes of their own; the
ratio is taken round by round, so that a machine whose speed drifts does not bend it.
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


def forget_data(home: Path) -> None:
    """Leave of a home only what does not depend on the data: the parsed dbt project and run history."""
    for path in home.iterdir():
        if path.name in ("dbt", "dagster"):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


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
        home, out = scratch / "home", scratch / "floor.duckdb"
        refresh = ["regulars", "refresh", "--landing", str(landing), "--home", str(home)]
        floor = [sys.executable, "-m", "benchmarks.floor", str(scratch / "lines.csv"), str(out)]
        first, _ = run(refresh, scratch / "refresh.log")
        floors, refreshes, ratios = [], [], []
        for _ in range(ROUNDS):
            out.unlink(missing_ok=True)
            floors.append(run(floor, scratch / "floor.log"))
            forget_data(home)
            refreshes.append(run(refresh, scratch / "refresh.log"))
            ratios.append(refreshes[-1][0] / floors[-1][0])
        print((scratch / "refresh.log").read_text())
        print(f"first run in a new home {first:6.1f} s")
        for name, runs in (("floor", floors), ("refresh", refreshes)):
            seconds, memory = zip(*runs, strict=True)
            print(f"{name:8} {statistics.median(seconds):6.1f} s   peak {statistics.median(memory):7.0f} MiB")
        print(f"ratio    {statistics.median(ratios):6.1f} ×   (rounds: {', '.join(f'{one:.1f}' for one in ratios)})")


if __name__ == "__main__":
    main()
