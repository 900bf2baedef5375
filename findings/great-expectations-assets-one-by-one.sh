#!/usr/bin/env bash
# Great Expectations writes the whole configuration of a context as YAML, twice, each time that an asset or a batch
# definition is added to a data source, also in an ephemeral context, which is kept nowhere. So the cost of
# adding tables one by one grows with their square: with 40 tables, each with a batch definition, it is written
# 162 times. Named all at once when the data source is added, it is written twice.
# Seen on 29 November 2026 with great-expectations 1.24.1 on Python 3.11; fails if it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check great-expectations==1.24.1 sqlalchemy==2.1.9
"$folder/env/bin/python" - <<'PY'
import cProfile
import os
import pstats

os.environ["GX_ANALYTICS_ENABLED"] = "false"
import great_expectations as gx

TABLES = [f"table_{number}" for number in range(40)]


def one_by_one(context):
    source = context.data_sources.add_sql("warehouse", connection_string="sqlite://")
    for name in TABLES:
        asset = source.add_query_asset(name, query=f"select 1 as {name}")
        asset.add_batch_definition_whole_table("whole table")


def at_once(context):
    assets = [
        {
            "name": name,
            "type": "query",
            "query": f"select 1 as {name}",
            "batch_definitions": [{"name": "whole table"}],
        }
        for name in TABLES
    ]
    source = context.data_sources.add_sql("warehouse", connection_string="sqlite://", assets=assets)
    assert [asset.name for asset in source.assets] == TABLES


def dumps(add):
    context = gx.get_context(mode="ephemeral")
    profile = cProfile.Profile()
    profile.runcall(add, context)
    stats = pstats.Stats(profile)
    print(f"{add.__name__}: {stats.total_tt:.2f} s")
    return sum(
        calls
        for (path, _, name), (_, calls, *_) in stats.stats.items()
        if name == "dump" and path.endswith(os.path.join("ruamel", "yaml", "main.py"))
    )


found = dumps(one_by_one), dumps(at_once)
print("times that YAML was written:", found)
assert found == (162, 2), found
PY
