"""What a day costs on top of a history, and whether its tables are those of a full rebuild.

    python -m benchmarks.days [--days N] [--write]

The last days of the real files where REGULARS_REAL_DATA names them, else of the sample, come one by one on top of all
days before them, each with a refresh of its own. At the end everything is built anew from the same deliveries, and
every table of the private file that SQL made is compared, row by row. ``--write`` puts the table into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import duckdb

from benchmarks.daily_files import daily_files
from benchmarks.documents import write_section
from benchmarks.refresh import DOCUMENT, ROOT, Build, Usage

TOUCHED = ("stg_transactions", "int_line_dispositions", "fct_invoice_lines", "fct_invoices")
_COUNTED = "select count(*) from {}"


def rows_changed(home: Path) -> list[int]:
    """Rows that the last refresh took away from or put into each of ``TOUCHED``."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        counted = [con.execute(_COUNTED.format(f"increments.{table}")).fetchone() for table in TOUCHED]
    return [row[0] for row in counted if row is not None]


def differing_tables(one: Path, other: Path) -> tuple[int, list[str]]:
    """How many tables SQL made in both homes, and those that are not equal."""
    with duckdb.connect() as con:
        for name, home in (("one", one), ("other", other)):
            con.execute(f"attach '{home / 'warehouse.duckdb'}' as {name} (read_only)")
        tables = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'one' "
            "and schema_name in ('staging', 'intermediate', 'marts') order by all"
        ).fetchall()
        differing = []
        for (table,) in tables:
            for here, there in (("one", "other"), ("other", "one")):
                found = con.execute(f"from {here}.{table} except all from {there}.{table} limit 1").fetchone()
                if found is not None:
                    differing.append(table)
    return len(tables), sorted(set(differing))


def as_markdown(days: list[tuple[str, int, Usage, list[int]]], first: Usage, full: Usage, compared: str) -> str:
    """The table, a row a day."""
    heads = ["day", "lines", "s", "CPU s", *(f"rows of `{table}`" for table in TOUCHED)]
    table = [f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for day, lines, used, changed in days:
        cells = [day, f"{lines:,}", f"{used.wall:.1f}", f"{used.cpu:.1f}", *(f"{rows:,}" for rows in changed)]
        table.append(f"| {' | '.join(cells)} |")
    told = (
        f"The history before them took {first.wall:.1f} s ({first.cpu:.1f} s of CPU), a rebuild of everything after "
        f"them {full.wall:.1f} s ({full.cpu:.1f} s). {compared}"
    )
    return "\n".join([*table, "", told])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="regulars-days-") as folder:
        scratch = Path(folder)
        paths, _ = daily_files(scratch)
        landing = scratch / "landing"
        landing.mkdir()
        for path in paths[: -asked.days]:
            (landing / path.name).write_bytes(path.read_bytes())
        build = Build(ROOT, landing, scratch / "home")
        first, _ = build.refresh()
        days = []
        for path in paths[-asked.days :]:
            (landing / path.name).write_bytes(path.read_bytes())
            used, _ = build.refresh()
            days.append((path.stem, path.read_bytes().count(b"\n") - 1, used, rows_changed(build.home)))
            print(*days[-1], flush=True)
        kept = scratch / "kept"
        kept.mkdir()
        (kept / "warehouse.duckdb").write_bytes((build.home / "warehouse.duckdb").read_bytes())
        build.command.append("--full")
        full, _ = build.refresh()
        compared, differing = differing_tables(kept, build.home)
    told = "equal, value for value" if not differing else f"equal but for {', '.join(differing)}"
    text = as_markdown(days, first, full, f"All {compared} tables of staging, intermediate and marts are {told}.")
    print(text)
    if asked.write:
        write_section(DOCUMENT, "days on top of a history", "Ten days, one by one", text)


if __name__ == "__main__":
    main()
