"""Apache Spark beside the private DuckDB file: whether it can be used here, its session, and the way there.

Belongs here: what Spark needs of a machine, the one session of a process, and handing it tables of the private file as
Parquet. Does not belong here: what is made of them (``dbt_project/``), which tables (:mod:`orchestration.engine`),
and how the private file takes in what was made (``dbt_project/macros/materializations.sql``).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse.errors import EngineError
from warehouse.home import Home

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

JAVA_VERSIONS = (17, 21)
"""Those that Spark 4 is tested with by its makers; later ones lack what its file access is built on."""

_PACKAGES = ("pyspark", "dbt-spark")
_PATIENCE = "spark.regulars.secondsWithoutWorker"
_MEMORY_VARIABLE = "SPARK_DRIVER_MEMORY"
_JAVA_OPTIONS_VARIABLE = "SPARK_SUBMIT_OPTS"
# Java leaves methods of more than 8,000 bytes to its interpreter, and what Spark writes for a model is often longer
_JAVA_OPTIONS = "-XX:-DontCompileHugeMethods"
_LOOKS_EVERY_SECONDS = 2

# What no model could do without. Wall clocks are times without a zone, and "a" is a column, as in DuckDB. With ANSI an
# overflow or a text that is no number is an error; without, it would be a null that nobody sees.
_REQUIRED = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    # a catalogue on disk would outlive the tables that are named in it
    "spark.sql.catalogImplementation": "in-memory",
    # pyspark turns it on, and it would fill the log
    "spark.ui.showConsoleProgress": "false",
}

# What spark-defaults.conf, found by SPARK_CONF_DIR, may set otherwise.
_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.executor.extraJavaOptions": _JAVA_OPTIONS,
    # on a cluster that has been taken away a query would wait for ever
    _PATIENCE: "300",
    # merged as far as they are small once the data are known, so many are no harm
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
}

# On one machine a refresh looks up no name and opens no port to the outside.
_ON_ONE_MACHINE = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}

_SPARK_TYPES = {
    "VARCHAR": "string",
    "UUID": "string",
    "HUGEINT": "decimal(38,0)",
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp_ntz",
    "VARCHAR[]": "array<string>",
}
# what Parquet has in another way than Spark reads it, by its type in DuckDB
_WRITTEN_AS = {"UUID": "varchar", "HUGEINT": "decimal(38, 0)", "TIMESTAMP WITH TIME ZONE": "timestamp"}


def require_spark() -> None:
    """Make sure that Spark can be started here.

    Raises
    ------
    EngineError
        If a package or a Java that Spark runs on is missing, with what to do.
    """
    missing = [name for name in _PACKAGES if not _is_installed(name)]
    if missing:
        raise EngineError(
            f'warehouse.engine is "spark", and {" and ".join(missing)} {"is" if len(missing) == 1 else "are"} not '
            "installed. `make run ENGINE=spark` installs what it needs, as does `pip install --require-hashes -r "
            'requirements-spark.lock`; or set warehouse.engine to "duckdb".'
        )
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    wanted = " or ".join(map(str, JAVA_VERSIONS))
    do = f'Install a Java {wanted} (Debian: openjdk-17-jre-headless), or set warehouse.engine to "duckdb".'
    if java is None:
        place = f"in JAVA_HOME ({home})" if home else "on the PATH"
        raise EngineError(f'warehouse.engine is "spark", which runs on Java, and there is no java {place}. {do}')
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if told.returncode != 0 or found is None:
        raise EngineError(f"{java} does not say which Java it is: {(told.stderr or told.stdout).strip()[:200]}. {do}")
    if int(found[1]) not in JAVA_VERSIONS:
        raise EngineError(
            f"{java} is Java {found[1]}, and Spark runs on {wanted}. {do} "
            "Where several are installed, JAVA_HOME says which is meant."
        )


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


@contextmanager
def spark_session(home: Home) -> Iterator[SparkSession]:
    """Open Spark until the end of the block; dbt works in the session that it finds in its process.

    What Spark has to say goes to ``spark.log`` beside dbt's log.

    Raises
    ------
    EngineError
        If Spark can't be started.
    """
    require_spark()
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    # its own interface for pandas, which nobody uses here
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    log = _log(home)
    try:
        with _said_in(log), _how_java_starts():
            # spark-defaults.conf is known from here on, so nothing that it says is overwritten
            SparkContext._ensure_initialized()
    except (PySparkException, OSError, RuntimeError) as error:
        raise _not_started(error, log) from error
    conf = SparkConf().set("spark.app.name", "regulars").setAll(list(_REQUIRED.items()))
    conf.set("spark.sql.warehouse.dir", str(made_folder(home)))
    for key, value in {**_DEFAULTS, "spark.local.dir": str(home.scratch)}.items():
        conf.setIfMissing(key, value)
    if is_local := conf.get("spark.master").startswith("local"):
        for key, value in _ON_ONE_MACHINE.items():
            conf.setIfMissing(key, value)
    patience = conf.get(_PATIENCE)
    try:
        if not patience.isdecimal():
            raise EngineError(f'{_PATIENCE} is "{patience}", and has to be a whole number of seconds.')
        session = SparkSession.builder.config(conf=conf).getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    except (PySparkException, Py4JError, OSError, RuntimeError) as error:
        # the error asks Java for its words
        told = _not_started(error, log, at=conf.get("spark.master"))
        _end_java()
        raise told from error
    except EngineError:
        _end_java()
        raise
    is_over = threading.Event()
    watch = threading.Thread(target=_stop_without_workers, args=(session.sparkContext, int(patience), is_over))
    if not is_local:
        watch.start()
    try:
        yield session
    finally:
        is_over.set()
        if not is_local:
            watch.join()
        # a process that is gone has stopped, and what it was asked for last says why
        with suppress(OSError):
            session.stop()
        _end_java()


def _stop_without_workers(context: SparkContext, patience_seconds: int, is_over: threading.Event) -> None:
    """Stop Spark once queries have waited too long for a worker; by itself it waits for ever."""
    from py4j.protocol import Py4JError

    waited_since = None
    while not is_over.wait(_LOOKS_EVERY_SECONDS):
        try:
            # the driver is one of those that have memory for tables
            has_workers = context._jsc.sc().getExecutorMemoryStatus().size() > 1
            is_waiting = not has_workers and bool(context.statusTracker().getActiveJobsIds())
        except (Py4JError, OSError):
            # Spark's process is gone, which every query will tell
            return
        if not is_waiting:
            waited_since = None
        elif waited_since is None:
            waited_since = time.monotonic()
        elif time.monotonic() - waited_since >= patience_seconds:
            # Java's side alone: who asks for the session next would be given a new, empty one
            context._jsc.sc().stop()
            return


def why_spark_ended(session: SparkSession, home: Home) -> str | None:
    """What became of a session that ended by itself; None while it can be used."""
    from py4j.protocol import Py4JError

    context, log = session.sparkContext, _log(home)
    try:
        if not context._jsc.sc().isStopped():
            return None
    except (Py4JError, OSError):
        return (
            f"Spark's own process ended in the middle of its work; {log} may say why. If the machine was short of "
            "memory, spark.driver.memory says how much of it Spark may have. What is published stays; refresh again."
        )
    return (
        f"Spark at {context.master} is gone: nobody answers there, or no worker was free for "
        f"{context.getConf().get(_PATIENCE)} seconds ({_PATIENCE}). See {log}, and on Spark's own page whether its "
        "workers have the memory and cores that are asked for. What is published stays; refresh again."
    )


def _log(home: Home) -> Path:
    return home.dbt / "logs" / "spark.log"


def _not_started(error: Exception, log: Path, *, at: str | None = None) -> EngineError:
    where = "" if at is None else f" at {at}"
    return EngineError(f"Spark can't be started{where}: {str(error).splitlines()[0]} See {log}.")


@contextmanager
def _how_java_starts() -> Iterator[None]:
    """Have Java take two gigabytes where ``spark.driver.memory`` says nothing: Spark's own default is one.

    Its options come before those of ``spark.driver.extraJavaOptions``, which may say otherwise.
    """
    before = {name: os.environ.get(name) for name in (_MEMORY_VARIABLE, _JAVA_OPTIONS_VARIABLE)}
    os.environ.setdefault(_MEMORY_VARIABLE, "2g")
    os.environ[_JAVA_OPTIONS_VARIABLE] = " ".join([_JAVA_OPTIONS, before[_JAVA_OPTIONS_VARIABLE] or ""]).strip()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _said_in(log: Path) -> Iterator[None]:
    """Have processes that are started meanwhile write what they would tell people into a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    channels = (1, 2)
    kept = [os.dup(channel) for channel in channels]
    try:
        with log.open("ab") as file:
            for channel in channels:
                os.dup2(file.fileno(), channel)
        yield
    finally:
        for channel, before in zip(channels, kept, strict=True):
            os.dup2(before, channel)
            os.close(before)


def _end_java() -> None:
    """Give Java's memory back: stopping a session leaves its process there, for the next one of this process."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    SparkContext._gateway = SparkContext._jvm = None
    if gateway is None:
        return
    with suppress(OSError):
        # it is gone already
        gateway.shutdown()
    # not ours under spark-submit
    process = getattr(gateway, "proc", None)
    if process is not None:
        # it ends with its input
        process.stdin.close()
        process.wait()


def made_folder(home: Home) -> Path:
    """Where Spark leaves the tables of one step, as ``schema/table/*.parquet``."""
    return home.spark / "made"


def clear(home: Home) -> None:
    """Remove what Spark was handed and what it made."""
    shutil.rmtree(home.spark, ignore_errors=True)


def hand_over(
    session: SparkSession,
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    tables: Collection[tuple[str, str]],
    schemas: Collection[str],
) -> None:
    """Give Spark some tables of the private file to read, and empty schemas to make others in.

    Whatever Spark had before is gone: the private file alone says what there is.

    Parameters
    ----------
    tables
        Schema and name of each table or view that is to be read; those that the file does not have are left out.
    schemas
        Where tables are made.
    """
    for (schema,) in session.sql("show databases").collect():
        if schema != "default":
            session.sql(f"drop database `{schema}` cascade")
    clear(home)
    # what a model is made by in between (dbt_project/macros/spark.sql)
    for schema in sorted({*schemas, "steps", *(schema for schema, _ in tables)}):
        session.sql(f"create database `{schema}` location {_literal(made_folder(home) / schema)}")
    there = _columns(connection)
    for schema, table in sorted(tables):
        if (schema, table) not in there:
            continue
        columns = there[schema, table]
        folder = home.spark / "read" / schema / table
        folder.mkdir(parents=True)
        written = ", ".join(
            f'cast("{name}" as {_WRITTEN_AS[kind]}) as "{name}"' if kind in _WRITTEN_AS else f'"{name}"'
            for name, kind in columns.items()
        )
        connection.execute(
            f'copy (select {written} from "{schema}"."{table}") to ? (format parquet, compression zstd)',
            [str(folder / "rows.parquet")],
        )
        declared = ", ".join(f"`{name}` {_spark_type(kind)}" for name, kind in columns.items())
        session.sql(f"create table `{schema}`.`{table}` ({declared}) using parquet location {_literal(folder)}")


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, str]]:
    """Names and types of the columns of every table and view, in order."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and not internal "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault((schema, table), {})[column] = kind
    return found


def _spark_type(kind: str) -> str:
    return _SPARK_TYPES.get(kind) or kind.lower()


def _literal(path: Path) -> str:
    text = str(path.resolve()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
