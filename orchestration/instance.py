"""Dagster's own state, under the home.

Belongs here: the instance's configuration. Does not belong here: anything that runs.
"""

from __future__ import annotations

import os

from warehouse.home import HOME_VARIABLE, Home

_INSTANCE_CONFIG = """\
# Written by Regulars; edits are kept.
telemetry:
  enabled: false
nux:
  enabled: false
# DuckDB lets one process write: a second run waits in the queue
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
"""


def prepare_dagster_home(home: Home) -> None:
    """Point this process, and those it starts, at the home's own Dagster instance."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    config = home.dagster / "dagster.yaml"
    if not config.exists():
        config.write_text(_INSTANCE_CONFIG)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ[HOME_VARIABLE] = str(home.root)
