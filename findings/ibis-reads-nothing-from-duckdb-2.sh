#!/usr/bin/env bash
# Ibis 12.0.0 asks for duckdb>=0.10.3 without an upper bound, so pip installs it beside DuckDB 2.0.0 without a word.
# It connects, and from then on not even the list of tables comes back, because DuckDB 2 took away
# fetch_arrow_table, which Ibis calls. With DuckDB 1.5.6 the same program answers.
# Seen on 29 November 2026 with ibis-framework 12.0.0 on Python 3.11; fails if it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cat >"$folder/ask.py" <<'PY'
import sys

import duckdb
import ibis

path = sys.argv[1]
with duckdb.connect(path) as made:
    made.execute("create or replace table revenue as select 1 as day, 2.50::decimal(18, 4) as amount")
backend = ibis.duckdb.connect(path, read_only=True)
try:
    assert backend.list_tables() == ["revenue"]
    print(duckdb.__version__, "answers", backend.table("revenue").amount.sum().execute())
except AttributeError as error:
    print(duckdb.__version__, "fails:", error)
PY
for version in 2.0.0 1.5.6; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q --disable-pip-version-check "ibis-framework[duckdb]==12.0.0" "duckdb==$version"
    "$folder/$version/bin/python" "$folder/ask.py" "$folder/$version.duckdb"
done | tee "$folder/seen"
grep -q "^2.0.0 fails: .*fetch_arrow_table" "$folder/seen"
grep -q "^1.5.6 answers 2.5" "$folder/seen"
