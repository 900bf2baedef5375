#!/usr/bin/env bash
# Deleting a run from a Dagster instance removes its events, materializations among them, but not the results of
# asset checks: each stays in `asset_check_executions` with its whole event, is still what the instance tells
# as the check's last execution, and names a run that is no more. So pruning runs does not bound the database of an
# instance whose assets have many checks.
# Seen on 1 December 2026 with dagster 1.13.27 on Python 3.11 and its records in SQLite; fails if it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check dagster==1.13.27
mkdir "$folder/home"
DAGSTER_DISABLE_TELEMETRY=1 "$folder/env/bin/python" - "$folder/home" <<'PY'
import sys

import dagster as dg
from sqlalchemy import text


@dg.asset(check_specs=[dg.AssetCheckSpec("has_lines", asset="lines")])
def lines():
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="has_lines", passed=True)])


key = dg.AssetCheckKey(lines.key, "has_lines")
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    for _ in range(5):
        assert dg.materialize([lines], instance=instance).success
    for run_id in instance.get_run_ids():
        instance.delete_run(run_id)
    with instance.event_log_storage.index_connection() as connection:
        kept = connection.execute(text("select count(*) from asset_check_executions")).scalar()
    last = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    seen = {
        "runs": instance.get_runs_count(),
        "materializations": len(instance.fetch_materializations(lines.key, limit=10).records),
        "check results": kept,
        "last result": last.status.value,
        "its run": instance.get_run_by_id(last.run_id),
    }
print(seen)
assert seen == {
    "runs": 0,
    "materializations": 0,
    "check results": 5,
    "last result": "SUCCEEDED",
    "its run": None,
}, seen
PY
