"""Loading and typing lines, next to an earlier build of this project, in one run.

    python -m benchmarks.loading [COMMIT]     # COMMIT: the build to compare with, by default BEFORE

The earlier build is checked out beside this one (``git worktree``) and runs in the same
environment. Each round lets both load the same files and build staging, in processes of
their own and in turn, and the ratio is taken round by round. The dbt project is parsed before
the clock starts: that is paid once per release, not per delivery. Real files where
REGULARS_REAL_DATA names them, else the sample; then the same lines twice, in one file.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.refresh import run

if TYPE_CHECKING:
    import duckdb

    from warehouse.home import Home

BEFORE = "bf439ab"
"""The last build whose lines were read by one shop's habits."""
ROUNDS = 3
ROOT = Path(__file__).resolve().parent.parent


def measure(landing: Path, home_folder: Path, result: Path) -> None:
    """Load and type once, in this process; seconds of CPU and wall by step, and peak MiB."""
    from datetime import UTC, datetime

    from orchestration.assets.transformations import DBT_STEPS
    from orchestration.dbt import build, load_manifest, project_vars
    from warehouse.database import open_warehouse
    from warehouse.home import Home
    from warehouse.loading import load_landing
    from warehouse.settings import load_settings

    home, settings = Home(home_folder), load_settings()
    home.warehouse.parent.mkdir(parents=True, exist_ok=True)
    load_manifest(home)
    # seeds are tables of a few hundred rows: a step of their own, so that both builds type lines alone
    build(home, ["resource_type:seed"], project_vars(settings, None), full_refresh=False)
    marks = [(time.perf_counter(), time.process_time())]
    with open_warehouse(home.warehouse) as connection:
        load_landing(connection, landing, settings, loaded_at=datetime.now(UTC), scratch=home.scratch)
        exports = _exports_of(connection, home)
    marks.append((time.perf_counter(), time.process_time()))
    typing = [select for select in DBT_STEPS["staging"] if not select.startswith("resource_type")]
    variables = project_vars(settings, None, exports) if exports else project_vars(settings, None)
    done = build(home, typing, variables, full_refresh=False)
    assert not done.problems, done.problems
    marks.append((time.perf_counter(), time.process_time()))
    spans = {
        step: {"wall": after[0] - before[0], "cpu": after[1] - before[1]}
        for step, before, after in zip(("load", "type"), marks, marks[1:], strict=False)
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result.write_text(json.dumps({**spans, "peak_mib": peak}))


def _exports_of(connection: "duckdb.DuckDBPyConnection", home: "Home") -> list[str]:
    """The exports of shop systems that were loaded; sees to the key that typing asks for. None by an earlier build."""
    try:
        from warehouse.ledger import exports_in_force
        from warehouse.pseudonyms import keep_key
    except ImportError:
        return []
    keep_key(connection, home)
    return exports_in_force(connection)


def one_round(checkout: Path, landing: Path, scratch: Path) -> dict[str, float]:
    """CPU and wall of both steps together, and the peak, of one build."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        result = Path(folder) / "result.json"
        code = (
            "import sys; from pathlib import Path; "
            f"sys.path.insert(0, {str(checkout)!r}); "
            "import importlib.util as u; "
            f"spec = u.spec_from_file_location('loading', {str(Path(__file__).resolve())!r}); "
            "module = u.module_from_spec(spec); spec.loader.exec_module(module); "
            f"module.measure(Path({str(landing)!r}), Path({folder!r}) / 'home', Path({str(result)!r}))"
        )
        environment = {**os.environ, "PYTHONPATH": str(checkout), "DO_NOT_TRACK": "1"}
        run([sys.executable, "-c", code], Path(folder) / "log", environment)
        found = json.loads(result.read_text())
    return {
        "cpu": found["load"]["cpu"] + found["type"]["cpu"],
        "wall": found["load"]["wall"] + found["type"]["wall"],
        "load cpu": found["load"]["cpu"],
        "type cpu": found["type"]["cpu"],
        "peak_mib": found["peak_mib"],
    }


def compare(name: str, before: tuple[str, Path, Path], now: tuple[str, Path, Path], scratch: Path) -> None:
    """Load and type in turn, each side's build and landing folder; print both and their ratios."""
    rounds: list[tuple[dict[str, float], dict[str, float]]] = []
    for _ in range(ROUNDS):
        rounds.append((one_round(*before[1:], scratch), one_round(*now[1:], scratch)))
    print(name)
    for figure in ("wall", "cpu", "load cpu", "type cpu", "peak_mib"):
        ours, theirs = ([one[place][figure] for one in rounds] for place in (1, 0))
        ratios = sorted(new / old for old, new in zip(theirs, ours, strict=True))
        unit = "MiB" if figure == "peak_mib" else "s"
        print(
            f"  {figure:9} {before[0]} {statistics.median(theirs):7.2f} {unit:3}  "
            f"{now[0]} {statistics.median(ours):7.2f} {unit:3}  "
            f"{statistics.median(ratios):4.2f} × (rounds {ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


def main() -> None:
    # here: an earlier build measures itself with this module, and has no such files
    from benchmarks.daily_files import daily_files, one_csv

    commit = sys.argv[1] if len(sys.argv) > 1 else BEFORE
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        scratch = Path(folder)
        before = scratch / "before"
        subprocess.run(["git", "worktree", "add", "-q", "--detach", str(before), commit], check=True, cwd=ROOT)
        try:
            files, sort = daily_files(scratch)
            landing = files[0].parent
            name = f"{sort}, {len(files)} files"
            compare(name, ("before", before, landing), ("now", ROOT, landing), scratch)
            twice = scratch / "twice"
            twice.mkdir()
            lines = one_csv(files, twice / "lines.csv", copies=2)
            name = f"the same twice in one file, {lines:,} lines"
            compare(name, ("before", before, twice), ("now", ROOT, twice), scratch)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(before)], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
