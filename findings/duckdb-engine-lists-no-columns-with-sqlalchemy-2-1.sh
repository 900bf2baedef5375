#!/usr/bin/env bash
# duckdb-engine 0.17.0 takes any SQLAlchemy from 1.3.22 on. With 2.1.9 the inspector lists a DuckDB file's tables and fails to
# list their columns, because SQLAlchemy's PostgreSQL dialect, which duckdb-engine builds on, now asks pg_collation, which
# DuckDB does not have; questions to the same tables are answered. So a BI tool on SQLAlchemy draws charts, and
# has no columns to draw them from. With SQLAlchemy 2.0.44 they are listed. DuckDB 1.5.6 and 2.0.0 behave alike.
# Seen on 29 November 2026 on Python 3.11; fails if it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cat >"$folder/ask.py" <<'PY'
import sys

import duckdb
import sqlalchemy as sa

path = sys.argv[1]
with duckdb.connect(path) as made:
    made.execute("create schema marts")
    made.execute("create table marts.revenue as select 1 as day, 2.50::decimal(18, 4) as amount")
engine = sa.create_engine(f"duckdb:///{path}", connect_args={"read_only": True})
inspector = sa.inspect(engine)
assert inspector.get_table_names(schema="marts") == ["revenue"]
with engine.connect() as connection:
    assert str(connection.execute(sa.text("select sum(amount) from marts.revenue")).scalar()) == "2.5000"
try:
    columns = [column["name"] for column in inspector.get_columns("revenue", schema="marts")]
    print(f"SQLAlchemy {sa.__version__}, DuckDB {duckdb.__version__}: lists {columns}")
except sa.exc.SQLAlchemyError as error:
    told = " ".join(str(error).split())[:110]
    print(f"SQLAlchemy {sa.__version__}, DuckDB {duckdb.__version__}: fails, {told}")
PY
python3 -m venv "$folder/env"
for alchemy in 2.0.44 2.1.9; do
    for version in 1.5.6 2.0.0; do
        "$folder/env/bin/pip" install -q --disable-pip-version-check duckdb-engine==0.17.0 "sqlalchemy==$alchemy" "duckdb==$version"
        "$folder/env/bin/python" -W ignore "$folder/ask.py" "$folder/$alchemy-$version.duckdb"
    done
done | tee "$folder/seen"
test "$(grep -c "^SQLAlchemy 2.0.44, .*: lists \['day', 'amount'\]" "$folder/seen")" = 2
test "$(grep -c "^SQLAlchemy 2.1.9, .*: fails, .*pg_collation" "$folder/seen")" = 2
