#!/usr/bin/env bash
# DuckDB 2.0.0: in the columns of a SELECT, IN with a list of five constants or more, and list_contains with such a list,
# leave the branch of CASE that they stand in. The optimizer answers them by a join (MARK) of every row with the
# list, before CASE decides. So what is compared is computed for rows that the branch is never asked about: where it
# can't be computed for them, the query stops with an error from which the CASE should have kept it, and where it can, it
# costs every row. With four constants, inside an aggregate, as a regular expression, or with `in_clause` among the
# disabled optimizers neither happens.
# Seen on 1 December 2026 with the Python package duckdb 2.0.0; fails if any of it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.0
"$folder/env/bin/python" - <<'PY'
import duckdb

con = duckdb.connect()
con.execute("create table cells as select * from (values ('2', true), ('4', true), ('none', false)) as v (text, is_number)")
FOUR, FIVE = "1, 2, 3, 4", "1, 2, 3, 4, 5"
NUMBER = "cast(text as integer)"


def ask(sql):
    try:
        return con.execute(f"{sql} from cells").fetchall()
    except duckdb.Error as error:
        return str(error).splitlines()[0]


def guarded(test):
    return f"select case when is_number then {test} else false end"


seen = {
    "in, four": ask(guarded(f"{NUMBER} in ({FOUR})")),
    "in, five": ask(guarded(f"{NUMBER} in ({FIVE})")),
    "list_contains, four": ask(guarded(f"list_contains([{FOUR}], {NUMBER})")),
    "list_contains, five": ask(guarded(f"list_contains([{FIVE}], {NUMBER})")),
    "regular expression": ask(guarded(f"regexp_full_match(cast({NUMBER} as varchar), '1|2|3|4|5')")),
    "in, five, in an aggregate": ask(f"select sum(case when is_number and {NUMBER} in ({FIVE}) then 1 end)"),
}
for name, members in (("four", FOUR), ("five", FIVE)):
    plan = con.execute(f"explain {guarded(f'{NUMBER} in ({members})')} from cells").fetchall()[0][1]
    seen[f"a join for {name}"] = "MARK" in plan
con.execute("set disabled_optimizers = 'in_clause'")
seen["in, five, without in_clause"] = ask(guarded(f"{NUMBER} in ({FIVE})"))
for what, found in seen.items():
    print(f"{what}: {found}")
kept, error = [(True,), (True,), (False,)], "Conversion Error: Could not convert string 'none' to INT32"
for what in ("in, four", "list_contains, four", "regular expression", "in, five, without in_clause"):
    assert seen[what] == kept, what
for what in ("in, five", "list_contains, five"):
    assert str(seen[what]).startswith(error), what
assert seen["in, five, in an aggregate"] == [(2,)], seen
assert (seen["a join for four"], seen["a join for five"]) == (False, True), seen
PY
