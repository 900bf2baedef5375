"""The daily files that benchmarks load: real ones where REGULARS_REAL_DATA names them, else those of the sample."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb


def daily_files(scratch: Path) -> tuple[list[Path], str]:
    """The files, oldest first, and what they are; the sample is written into ``scratch``."""
    real = os.environ.get("REGULARS_REAL_DATA")
    if not real:
        command = [sys.executable, "-m", "orchestration.cli", "sample", "--home", str(scratch)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = sorted((Path(real) if real else scratch / "sample" / "landing").glob("[0-9]*.csv"))
    return found, "real files" if real else "the sample"


def one_csv(files: Sequence[Path], target: Path, copies: int = 1) -> int:
    """Put daily files into one CSV, several times over; returns the number of lines."""
    return copied(files, target, range(copies))


def copied(files: Sequence[Path], target: Path, copies: range) -> int:
    """Put copies of daily files into one file, CSV or Parquet by its name; returns the number of lines.

    The copy of number 0 is the lines themselves. Each other is on other orders, and each further pair of copies of
    other customers, so that nothing is a repeat and customers buy at most twice as often as they did.
    """
    with duckdb.connect() as con:
        con.execute("create table lines as from read_csv($files, all_varchar = true)", {"files": [*map(str, files)]})
        written = con.execute(
            f"""
            copy (
                select lines.* replace (
                    case when copy = 0 then InvoiceNo else regexp_replace(InvoiceNo, '[0-9]', (10 + copy) || '\\0') end
                        as InvoiceNo,
                    case when copy < 2 then CustomerID else (10 + copy // 2) || nullif(CustomerID, '') end as CustomerID
                )
                from lines
                cross join range({copies.start}, {copies.stop}) as copies (copy)
            ) to '{target}' {"(format parquet)" if target.suffix == ".parquet" else "(header)"}
            """
        ).fetchone()
    assert written is not None
    return int(written[0])
