"""What a full refresh costs on either engine, of the same files by the same commit.

    python -m benchmarks.engines [--rounds N] [--copies N] [--conf FOLDER] [--write]

The lines of the real files where REGULARS_REAL_DATA names them, else of the sample, lie ``copies`` times in one CSV,
each time on other orders. Each round refreshes two new homes in turn, in processes of their own; ratios are taken round
by round. ``--conf`` is Spark's SPARK_CONF_DIR. ``--write`` puts the table into docs/scale.md.
"""

import argparse
import os
import platform
import statistics
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.daily_files import daily_files, one_csv
from benchmarks.documents import write_section
from benchmarks.refresh import ROOT, Build, Usage
from orchestration.step_labels import STEP_LABELS

ENGINES = ("duckdb", "spark")
_DBT_STEPS = {STEP_LABELS[f"dbt_{name}"] for name in ("staging", "marts", "reporting")}
MOST_TIMES = 4
"""Times DuckDB's build that Spark's may take at ten million lines."""


def one_round(big: Path, scratch: Path, conf: str | None) -> dict[str, tuple[Usage, float]]:
    """Cost of a full refresh by each engine, and the wall seconds of its dbt steps."""
    costs = {}
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        landing = Path(folder) / "landing"
        landing.mkdir()
        (landing / big.name).hardlink_to(big)
        for engine in ENGINES:
            build = Build(ROOT, landing, Path(folder) / engine)
            build.environment["REGULARS_WAREHOUSE__ENGINE"] = engine
            if conf:
                build.environment["SPARK_CONF_DIR"] = conf
            used, steps = build.refresh()
            made = sum(taken for step, taken in steps.items() if step in _DBT_STEPS)
            costs[engine] = used, made
    return costs


def as_markdown(rounds: list[dict[str, tuple[Usage, float]]], lines: int, sort: str) -> str:
    """The table, with machine, versions and spread."""

    def told(name: str, figures: dict[str, list[float]], digits: int) -> str:
        ratios = sorted(spark / duckdb for duckdb, spark in zip(figures["duckdb"], figures["spark"], strict=True))
        middles = [f"{statistics.median(figures[engine]):,.{digits}f}" for engine in ENGINES]
        return (
            f"| {name} | {' | '.join(middles)} | {statistics.median(ratios):.1f} ({ratios[0]:.1f}–{ratios[-1]:.1f}) |"
        )

    rows = [
        told("full refresh, s", {one: [costs[one][0].wall for costs in rounds] for one in ENGINES}, 0),
        told("… its CPU s", {one: [costs[one][0].cpu for costs in rounds] for one in ENGINES}, 0),
        told("… its dbt steps, s", {one: [costs[one][1] for costs in rounds] for one in ENGINES}, 0),
        told("largest process, MiB", {one: [costs[one][0].peak for costs in rounds] for one in ENGINES}, 0),
    ]
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyspark", "dbt-core", "dbt-spark"))
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    rounds_told = "one round" if len(rounds) == 1 else f"medians of {len(rounds)} rounds, with the best and the worst"
    made = (
        f"{lines:,} lines ({sort}); {rounds_told}. {os.cpu_count()} cores ({platform.machine()}), load {load} at the "
        f"end, Python {platform.python_version()}, {packages}. "
        f"The goal at ten million lines is {MOST_TIMES} times DuckDB's."
    )
    return "\n".join([made, "", "| | DuckDB | Spark | Spark ÷ DuckDB |", "| --- | ---: | ---: | ---: |", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--copies", type=int, default=2, help="how often the lines lie in the one CSV")
    parser.add_argument("--conf", help="folder with Spark's spark-defaults.conf")
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        scratch = Path(folder)
        files, sort = daily_files(scratch)
        big = scratch / "lines.csv"
        lines = one_csv(files, big, asked.copies)
        rounds = [one_round(big, scratch, asked.conf) for _ in range(asked.rounds)]
    text = as_markdown(rounds, lines, sort)
    print(text)
    if asked.write:
        write_section(ROOT / "docs" / "scale.md", "engines side by side", f"With {lines:,} lines", text)


if __name__ == "__main__":
    main()
