#!/usr/bin/env bash
# dbt writes a contract's rules as CHECK constraints and its texts as comments on columns. A process that
# ends between the two and the next checkpoint leaves both in DuckDB's log, and where a rule calls a function
# such as isfinite, abs or greatest the file can't be opened again: replaying a comment on a column (or an added
# column or key) binds the table's rules anew, before the functions of core_functions are there, and DuckDB
# tries to download them. Without the function, without the comment, or attached to a database that is open
# already, the same log is replayed.
# Seen on 29 November 2026 with duckdb 2.0.0; fails if it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.0
cat > "$folder/write.py" <<'PY'
import os
import sys

import duckdb

con = duckdb.connect(sys.argv[1])
for statement in sys.argv[2:]:
    con.execute(statement)
os._exit(0)  # no checkpoint: what was committed stands in the log alone
PY
"$folder/env/bin/python" - "$folder" <<'PY'
import subprocess
import sys
from pathlib import Path

import duckdb

folder = Path(sys.argv[1])
COMMENT = "comment on column t.x is 'what it is'"


def opened(name, *statements, attach=False):
    path = folder / f"{name}.duckdb"
    subprocess.run([sys.executable, folder / "write.py", path, *statements], check=True)
    try:
        if attach:
            with duckdb.connect() as con:
                con.execute("select isfinite(1.0)")
                con.execute(f"attach '{path}' as written")
                return con.execute("select count(*) from written.t").fetchone()[0]
        with duckdb.connect(str(path)) as con:
            return con.execute("select count(*) from t").fetchone()[0]
    except duckdb.Error as error:
        return str(error).splitlines()[0].replace(str(folder), "FOLDER")


called = "create table t (x double, check (isfinite(x)))"
plain = "create table t (x double, check (x < cast('infinity' as double)))"
results = {
    "rule with a function, comment": opened("one", called, COMMENT),
    "rule with a function, added column": opened("two", called, "alter table t add column y integer"),
    "rule with a function alone": opened("three", called),
    "rule without a function, comment": opened("four", plain, COMMENT),
    "rule with a function, comment, attached": opened("five", called, COMMENT, attach=True),
}
for case, result in results.items():
    print(f"{case}: {result}")
*failed, alone, without, attached = results.values()
assert all("Failure while replaying WAL" in told and "core_functions" in told for told in failed), failed
assert (alone, without, attached) == (0, 0, 0)
PY
