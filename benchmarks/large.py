"""A hundred million lines, next to ten: do they fit, and does the time grow no faster than the lines.

    python -m benchmarks.large [--copies 20 200] [--write]

The lines of the real files where REGULARS_REAL_DATA names them, else of the sample, lie ``copies`` times in Parquet
files of ten copies each, every copy on other orders and every pair of copies of other customers. Each size is
refreshed in full in a new home, one after the other. How much memory there may be is for whoever calls: DuckDB takes
four fifths of what its control group or the machine has, as in ``systemd-run --scope -p MemoryMax=12G python -m
benchmarks.large``. Files, homes and what is spilled lie in the folder for temporary files. ``--write`` puts the table
into docs/performance.md.
"""

import argparse
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import duckdb

from benchmarks.daily_files import copied, daily_files
from benchmarks.documents import write_section
from benchmarks.refresh import DOCUMENT, ROOT, Build, Usage

COPIES_PER_FILE = 10
MIB = 2**20


class Size(NamedTuple):
    """One full refresh: of how many lines in how large files, what it cost, what it leaves on the disk."""

    lines: int
    landed_mib: float
    used: Usage
    steps: dict[str, float]
    home_mib: float


def refreshed(files: Sequence[Path], copies: int, scratch: Path) -> Size:
    """Refresh so many copies of the lines in a new home."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        landing = Path(folder) / "landing"
        landing.mkdir()
        lines = 0
        for first in range(0, copies, COPIES_PER_FILE):
            until = min(first + COPIES_PER_FILE, copies)
            lines += copied(files, landing / f"lines-{first:04}.parquet", range(first, until))
        home = Path(folder) / "home"
        used, steps = Build(ROOT, landing, home).refresh()
        return Size(lines, mib_of(landing), used, steps, mib_of(home))


def mib_of(folder: Path) -> float:
    """What the files below a folder hold."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / MIB


def as_markdown(sizes: Sequence[Size], sort: str) -> str:
    """The table, with machine and versions."""
    memory = duckdb.execute("select current_setting('memory_limit')").fetchone()
    assert memory is not None
    packages = ", ".join(f"{package} {version(package)}" for package in ("duckdb", "dbt-core", "dagster"))
    made = (
        f"Lines of {sort} in Parquet, one round; {os.cpu_count()} cores ({platform.machine()}), DuckDB's memory "
        f"{memory[0]}, load {os.getloadavg()[0]:.1f} at the end, Python {platform.python_version()}, {packages}."
    )
    table = [
        "| lines | landing, MiB | s | CPU s | CPU s per million lines | largest process, MiB | home, MiB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in sizes:
        per_million = one.used.cpu / one.lines * 1e6
        table.append(
            f"| {one.lines:,} | {one.landed_mib:,.0f} | {one.used.wall:,.0f} | {one.used.cpu:,.0f} | "
            f"{per_million:.1f} | {one.used.peak:,.0f} | {one.home_mib:,.0f} |"
        )
    longest = sorted(sizes[-1].steps.items(), key=lambda step: -step[1])[:6]
    told = "Of the largest, s: " + ", ".join(f"{step} {seconds:,.0f}" for step, seconds in longest) + "."
    return "\n".join([made, "", *table, "", told])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, nargs="+", default=[20, 200], help="how often the lines lie in landing")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    sizes = []
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        files, sort = daily_files(Path(folder))
        for copies in asked.copies:
            sizes.append(refreshed(files, copies, Path(folder)))
            print(f"{sizes[-1].lines:,} lines: {sizes[-1].used}", flush=True)
    text = as_markdown(sizes, sort)
    print(text)
    if asked.write:
        write_section(DOCUMENT, "what a hundred million lines cost", "A hundred million lines", text)


if __name__ == "__main__":
    main()
