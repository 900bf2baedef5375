"""docs/models.md anew: hold-outs of customer value, injected anomalies, names of segments and who is slipping.

    make models           # on the real files where REGULARS_REAL_DATA names them, and the sample

Refreshes each history in a home of its own, then runs :mod:`benchmarks.holdouts`,
:mod:`benchmarks.anomalies`, :mod:`benchmarks.segment_names` and :mod:`benchmarks.slipping` on what was published.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-models-") as folder:
        scratch = Path(folder)
        homes = []
        real = os.environ.get("REGULARS_REAL_DATA")
        if real:
            homes.append(scratch / "real")
            subprocess.run(["regulars", "refresh", "--landing", real, "--home", str(homes[-1])], check=True)
        subprocess.run(["regulars", "sample", "--home", str(scratch / "made_up")], check=True)
        made_up = scratch / "made_up" / "sample"
        subprocess.run(
            ["regulars", "refresh", "--landing", str(made_up / "landing"), "--home", str(made_up)], check=True
        )
        homes.append(made_up)
        for benchmark in ("holdouts", "anomalies", "segment_names", "slipping"):
            subprocess.run([sys.executable, "-m", f"benchmarks.{benchmark}", "--write", *map(str, homes)], check=True)


if __name__ == "__main__":
    main()
