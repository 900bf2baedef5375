#!/usr/bin/env bash
# DuckDB 2.0.0: the product of two amounts that fit DECIMAL(18) is a DECIMAL(18) again, with the
# decimals of both added up, so that a quantity with three decimals times a price with four
# leaves 11 digits before the point. Beyond that a query stops with an error, however the
# product is cast afterwards, and TRY_CAST around it does not help: the error comes first.
# What helps is one factor of more than 18 digits.
# Seen on 28 November 2026 with the Python package duckdb 2.0.0; fails if any of it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.0
"$folder/env/bin/python" - <<'PY'
import duckdb

con = duckdb.connect()
factors = "(select 1000000000::decimal(18, 3) as quantity, 99999::decimal(18, 4) as price)"
small = "(select 2::decimal(18, 3) as quantity, 3::decimal(18, 4) as price)"


def ask(sql):
    try:
        return con.execute(sql).fetchone()[0]
    except duckdb.Error as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


seen = {
    "type of the product": ask(f"select typeof(quantity * price) from {small}"),
    "10^9 x 99,999": ask(f"select quantity * price from {factors}"),
    "the same in try_cast": ask(f"select try_cast(quantity * price as decimal(38, 7)) from {factors}"),
    "one factor widened": ask(f"select cast(quantity as decimal(24, 3)) * price from {factors}"),
}
for what, found in seen.items():
    print(f"{what}: {found}")
assert seen["type of the product"] == "DECIMAL(18,7)", seen
assert str(seen["10^9 x 99,999"]).startswith("OutOfRangeException: Out of Range Error: Overflow in multiplication"), seen
assert str(seen["the same in try_cast"]).startswith("OutOfRangeException"), seen
assert str(seen["one factor widened"]) == "99999000000000.0000000", seen
PY
