"""Dagster's own state, under the home.

Belongs here: the instance's configuration and its files. Does not belong here: anything
that runs.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestration.records import explained_server, require_own_records, with_records
from warehouse.errors import HomeError, RecordsError
from warehouse.home import HOME_VARIABLE, Home
from warehouse.rights import explain_refusal
from warehouse.settings import Dagster, load_settings
from warehouse.wording import count

if TYPE_CHECKING:
    import dagster as dg
    from sqlalchemy import Connection

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
# the sensor looks every half minute
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 90
"""


_SQLITE_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def prepare_dagster_home(home: Home, dagster: Dagster | None = None) -> None:
    """Point this process, and those it starts, at the home's own Dagster instance.

    Parameters
    ----------
    dagster
        Where its records are to lie, in place of what the settings say.

    Raises
    ------
    SettingsError
        If the settings can't be used.
    HomeError
        If its records in PostgreSQL are another home's.
    RecordsError
        If PostgreSQL can't be reached.
    """
    told = load_settings().dagster if dagster is None else dagster
    home.root.mkdir(parents=True, exist_ok=True)
    # first rows of raw tables are in its records; who has opened it to others has decided so
    home.dagster.mkdir(mode=0o700, exist_ok=True)
    config = home.dagster / "dagster.yaml"
    before = config.read_text() if config.exists() else None
    wanted = with_records(_INSTANCE_CONFIG if before is None else before, told, home)
    if wanted != before:
        # pages and daemon may start at once, and neither may read half of it
        partial = config.with_name(f"{config.name}.{os.getpid()}.partial")
        partial.write_text(wanted)
        partial.replace(config)
    require_own_records(home)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ[HOME_VARIABLE] = str(home.root)


def be_the_only_daemon(home: Home) -> None:
    """Hold the home for this process's schedule and sensors until it ends, also where it goes on as another program.

    Raises
    ------
    HomeError
        If another process does. Dagster would let both start every run, and take the same one from the queue.
    """
    descriptor = os.open(home.dagster / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 20).decode()
        os.close(descriptor)
        raise HomeError(
            f"A daemon works on {home.root} already (process {holder}), and one is enough: two would start every run "
            "twice. Stop it first, or open the pages alone with `regulars ui --pages-only`."
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    # what it starts itself closes all but its own files
    os.set_inheritable(descriptor, True)


def instance_of_command(home: Home) -> dg.DagsterInstance:
    """The home's instance for a run in a process that a person started.

    What such a run writes is on its terminal. Dagster's copy of it in a file is brought to the terminal by
    helper processes, whom a terminal's Ctrl-C reaches too; they answer with a traceback.
    """
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    kept_nowhere = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    return dg.DagsterInstance.from_ref(
        InstanceRef.from_dir(str(home.dagster), overrides={"compute_logs": kept_nowhere})
    )


@contextmanager
def explained_records(home: Home) -> Iterator[None]:
    """Say in one line that Dagster's own records could not be kept, which is a full disk or a server that is away.

    Raises
    ------
    RecordsError
        In place of the database's error, under which lie a hundred lines of others.
    HomeError
        If the files are another user's, or what a person wrote into ``dagster.yaml`` can't be used.
    """
    from dagster._core.errors import DagsterInvalidConfigError
    from sqlalchemy.exc import DBAPIError
    from yaml import YAMLError

    try:
        with explained_server(home):
            yield
    except (YAMLError, DagsterInvalidConfigError) as error:
        # Dagster adds all that it would take, on one line of four thousand characters
        faults = [one.message.partition(" Expected: ")[0] for one in getattr(error, "errors", [])]
        told = " ".join(faults) or " ".join(str(error).split())
        raise HomeError(
            f"{home.dagster / 'dagster.yaml'} can't be used: {told.rstrip('.')}. "
            "Mend it, or delete it, and it is written anew."
        ) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorname", "").startswith(_SQLITE_DAMAGE):
            raise RecordsError(
                f"Dagster's records in {home.dagster} are damaged ({error.orig}). They are the history of runs, and no "
                "figure is made from them: end daemon and pages, delete all that is in there but dagster.yaml, and "
                "refresh again."
            ) from error
        for path in (home.dagster, *home.dagster.rglob("*.db")):
            # one command as another user, and its files are that user's
            if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
                raise HomeError(explain_refusal(path)) from error
        free_mib = shutil.disk_usage(home.dagster).free / 2**20
        raise RecordsError(
            f"Dagster's records in {home.dagster} could not be kept ({error.orig}); {count(free_mib)} MiB are free "
            "there. Readers have the last good snapshot: make room and refresh again."
        ) from error


@contextmanager
def event_log_kept_open(instance: dg.DagsterInstance) -> Iterator[None]:
    """One connection to each file of the event log, or to PostgreSQL, for the length of a run; SQLite flushes less.

    Dagster makes an engine and a connection for each of a run's four hundred events, SQLite copies
    its write-ahead log back whenever the last connection closes, and each commit waits for the disk:
    some 2 s of a refresh, whatever its size. With ``synchronous = normal`` a process that dies
    loses no event. A machine that loses power may lose the run's last ones, and never the files; what was
    published is on the disk before its event is. PostgreSQL is asked for a password with each connection, which
    costs a processor ten times what the event does. Another storage, which a person may have chosen in
    ``dagster.yaml``, is left alone.

    For each event of a table or check Dagster also makes an engine and a connection to ask whether the
    storage has been migrated to the tables of its newest release, which no run changes: asked once.
    """
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
    from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
    from sqlalchemy import create_engine

    storage = instance.event_log_storage
    if type(storage).__name__ == "PostgresEventLogStorage":
        with _server_kept_open(storage):
            yield
        return
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    with ExitStack() as open_files:
        opened: dict[str, Connection] = {}
        connect_anew = storage._connect

        @contextmanager
        def connect(shard: str) -> Iterator[Connection]:
            if shard not in opened:
                # Dagster's own way makes the file and its tables
                with connect_anew(shard):
                    pass
                # the lock below lets one thread at a time use it
                arguments = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
                engine = create_engine(storage.conn_string_for_shard(shard), connect_args=arguments)
                open_files.callback(engine.dispose)
                opened[shard] = open_files.enter_context(engine.connect())
                with opened[shard].begin():
                    opened[shard].exec_driver_sql("pragma synchronous = normal")
            with storage._db_lock, opened[shard].begin():
                yield opened[shard]

        storage._connect = connect  # type: ignore[method-assign]
        storage.has_table = cache(storage.has_table)  # type: ignore[method-assign]
        try:
            yield
        finally:
            del storage._connect, storage.has_table


@contextmanager
def _server_kept_open(storage: Any) -> Iterator[None]:
    from sqlalchemy import create_engine

    # a connection that the server has dropped, as one that was restarted does, is noticed and made anew
    pooled = create_engine(storage.postgres_url, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True)
    connecting_anew, storage._engine = storage._engine, pooled
    storage.has_table = cache(storage.has_table)
    try:
        yield
    finally:
        storage._engine = connecting_anew
        del storage.has_table
        pooled.dispose()
