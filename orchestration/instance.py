"""Dagster's own state, under the home.

Belongs here: the instance's configuration and its files. Does not belong here: anything
that runs.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from warehouse.home import HOME_VARIABLE, Home

if TYPE_CHECKING:
    import dagster as dg

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


@contextmanager
def event_files_kept_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Keep the event log's SQLite files open for the length of a run.

    Dagster opens and closes them for each event, and SQLite copies its write-ahead log
    back whenever the last one closes: about 2 s of a refresh, whatever its size. Another
    storage, which a person may have chosen in ``dagster.yaml``, is left alone.
    """
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

    with ExitStack() as open_files:
        storage = instance.event_log_storage
        if isinstance(storage, SqliteEventLogStorage):
            # both files exist, with their tables, once they were connected to
            for connected, shard in ((storage.index_connection(), "index"), (storage.run_connection(run_id), run_id)):
                with connected:
                    pass
                kept = open_files.enter_context(closing(sqlite3.connect(storage.path_for_shard(shard))))
                kept.execute("select count(*) from sqlite_master").fetchone()
        yield
