"""Dagster's records in PostgreSQL: where those of a home lie, and whose they are.

Belongs here: the part of ``dagster.yaml`` that says so, a schema for each home, and telling a home from its copy. Does
not belong here: records in files of the home (:mod:`orchestration.instance`), what is in the records.

Records in a database no longer lie in the home that they tell of: a copy of the home, or a restored backup, would find
the other's runs at work, take them for killed and end them. So each home has a schema of its own, whose name is drawn
by lot and kept in the home, and the schema remembers whose it is by the number that the file system gave to that very
file: moving a home keeps it, copying does not.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import HomeError, RecordsError, SettingsError
from warehouse.home import Home
from warehouse.settings import Dagster
from warehouse.small_files import write_whole

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812

_BEGIN = "# Records in PostgreSQL, as [dagster] of the settings says; goes when that does.\n"
_BLOCK = re.compile(re.escape(_BEGIN) + r"storage: (.*)\n")
_OTHER_STORAGE = re.compile(r"^(storage|run_storage|event_log_storage|schedule_storage)\s*:", re.MULTILINE)
_CONNECT_SECONDS = 10
_OWNERS = """
    create table if not exists regulars_home (
        only_row boolean primary key default true check (only_row),
        home text not null, machine text not null, machine_id text, file_number bigint not null
    )
"""


@dataclass(frozen=True)
class Records:
    """Where the records of a home lie, as its ``dagster.yaml`` says."""

    schema: str
    database: dict[str, Any]
    """Dagster's own words for it (``postgres_db``)."""

    @property
    def place(self) -> str:
        """For people; there is no password in it."""
        told = self.database
        return f"{told['hostname'] or 'this machine'}:{told['port']}/{told['db_name']}"


def with_records(config: str, told: Dagster, home: Home) -> str:
    """``dagster.yaml`` with records where the settings have them, and all else as it was.

    Raises
    ------
    SettingsError
        If the settings name PostgreSQL and it can't be used as things are.
    """
    rest = _BLOCK.sub("", config)
    server = told.server
    if server is None:
        return rest
    if _OTHER_STORAGE.search(rest):
        raise SettingsError(
            f"dagster.records names a database, and {home.dagster / 'dagster.yaml'} has a storage of its own: "
            "take one of the two away."
        )
    try:
        import dagster_postgres  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "dagster.records names PostgreSQL, which needs the package dagster-postgres (extra `postgresql`)."
        ) from error
    schema = _schema_of(home) or _new_schema(home)
    database: dict[str, Any] = {
        # what SQLAlchemy takes for postgresql:// by itself, psycopg, refuses Dagster's NOTIFY
        "scheme": "postgresql+psycopg2",
        "username": server.user,
        "hostname": server.host,
        "port": server.port,
        "db_name": server.database,
        "params": {
            "connect_timeout": _CONNECT_SECONDS,
            **server.options,
            "options": f"-c search_path={schema} -c timezone=UTC",
        },
    }
    if server.password_variable:
        database["password"] = {"env": server.password_variable}
    separator = "" if rest.endswith("\n") else "\n"
    return f"{rest}{separator}{_BEGIN}storage: {json.dumps({'postgres': {'postgres_db': database}})}\n"


def records_in_postgresql(home: Home) -> Records | None:
    """Where this home's own records lie; None if in its files, or nowhere yet.

    What a restored backup has in its ``dagster.yaml`` is another's, and becomes its own with the first refresh.
    """
    config = home.dagster / "dagster.yaml"
    found = _BLOCK.search(config.read_text()) if config.exists() else None
    if found is None:
        return None
    database = json.loads(found[1])["postgres"]["postgres_db"]
    told = re.search(r"search_path=(\w+)", database["params"]["options"])
    assert told is not None
    return Records(told[1], database)


def has_records(home: Home) -> bool:
    """Whether Dagster has written anything down for this home that may be looked at."""
    found = records_in_postgresql(home)
    if found is None:
        return (home.dagster / "dagster.yaml").exists()
    return found.schema == _schema_of(home)


def require_own_records(home: Home) -> None:
    """See that records in PostgreSQL are those of this home and no other's; the first who asks makes its schema.

    Raises
    ------
    HomeError
        If they are another home's.
    RecordsError
        If the server can't be reached, or refuses.
    """
    found = records_in_postgresql(home)
    if found is None:
        return
    if found.schema != _schema_of(home):
        raise HomeError(
            f"Dagster's records that {home.dagster / 'dagster.yaml'} names (schema {found.schema}) are another home's. "
            f"The next `regulars refresh --home {home.root}` begins records of this one."
        )
    with _connected(found) as connection, connection, connection.cursor() as cursor:
        told = _owner_told(home)
        # processes of a new home may start at once; released with the transaction
        cursor.execute("select pg_advisory_xact_lock(hashtext(%s))", (found.schema,))
        # who has the schema already may lack the right to make one
        cursor.execute("select 1 from pg_namespace where nspname = %s", (found.schema,))
        if cursor.fetchone() is None:
            cursor.execute(f"create schema {found.schema}")
        cursor.execute(_OWNERS)
        cursor.execute("insert into regulars_home values (true, %s, %s, %s, %s) on conflict do nothing", told)
        cursor.execute("select home, machine, machine_id, file_number from regulars_home")
        owner = cursor.fetchone()
        assert owner is not None
        if not _is_same(owner, told):
            raise HomeError(
                f"Dagster's records in PostgreSQL (schema {found.schema} of {found.place}) are those of {owner[0]} on "
                f"{owner[1]}, and {home.root} looks like a copy of it. If it is one, `regulars records --begin-anew "
                f"--home {home.root}` gives it records of its own. If that home is gone and this one takes its place: "
                f"`regulars records --take-over --home {home.root}`."
            )
        if owner[0] != told[0]:
            cursor.execute("update regulars_home set home = %s, machine = %s", told[:2])


def take_over(home: Home) -> None:
    """Make records that another home had those of this one, which takes its place.

    Raises
    ------
    HomeError, RecordsError
        As of :func:`require_own_records`.
    """
    found = records_in_postgresql(home)
    if found is not None and found.schema == _schema_of(home):
        with _connected(found) as connection, connection, connection.cursor() as cursor:
            cursor.execute("select 1 from pg_namespace where nspname = %s", (found.schema,))
            if cursor.fetchone() is not None:
                cursor.execute("delete from regulars_home")
    require_own_records(home)


def begin_anew(home: Home) -> None:
    """Leave the records that this home names to whom they belong."""
    _identity(home).unlink(missing_ok=True)


@contextmanager
def explained_server(home: Home) -> Iterator[None]:
    """Say in one line that records in PostgreSQL could not be read or kept.

    Raises
    ------
    RecordsError
        In place of what the driver, or Dagster after some more attempts, says.
    """
    found = records_in_postgresql(home)
    if found is None:
        yield
        return
    from dagster_postgres.utils import DagsterPostgresException
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except (DBAPIError, DagsterPostgresException) as error:
        cause = error if isinstance(error, DBAPIError) else error.__cause__
        raise _away(found, getattr(cause, "orig", None) or error) from error


@contextmanager
def _connected(records: Records) -> Iterator[Connection]:
    import psycopg2

    told = records.database
    variable = told.get("password", {}).get("env")
    if variable is not None and not os.environ.get(variable):
        raise SettingsError(f"dagster.records takes its password from {variable}, and that variable is not set.")
    try:
        # closed as well as committed
        with closing(
            psycopg2.connect(
                host=told["hostname"] or None,
                port=told["port"],
                user=told["username"],
                dbname=told["db_name"],
                password=os.environ[variable] if variable else None,
                **told["params"],
            )
        ) as connection:
            yield connection
    except psycopg2.Error as error:
        raise _away(records, error) from error


def _away(records: Records, error: BaseException) -> RecordsError:
    # the driver tells each address of a name on a line, and below it a hint
    told = " ".join(str(error).split())
    return RecordsError(
        f"Dagster's records in PostgreSQL ({records.place}) could not be read or kept: {told.rstrip('.?')}. Readers "
        "have the last good snapshot: see to that server, and refresh again."
    )


def _is_same(owner: tuple[Any, ...], told: tuple[Any, ...]) -> bool:
    # a container has no machine-id, and another name each time
    is_elsewhere = owner[2] is not None and told[2] is not None and owner[2] != told[2]
    return bool(owner[3] == told[3]) and not is_elsewhere


def _owner_told(home: Home) -> tuple[str, str, str | None, int]:
    machine = Path("/etc/machine-id")
    machine_id = machine.read_text().strip() if machine.exists() else ""
    return str(home.root), socket.gethostname(), machine_id or None, _identity(home).stat().st_ino


def _identity(home: Home) -> Path:
    return home.dagster / "records.json"


def _schema_of(home: Home) -> str | None:
    try:
        return str(json.loads(_identity(home).read_text())["schema"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise HomeError(
            f"{_identity(home)} is damaged ({error}). It names the records of this home in PostgreSQL; delete it, and "
            "they begin anew."
        ) from error


def _new_schema(home: Home) -> str:
    readable = re.sub(r"\W+", "_", home.root.name.lower(), flags=re.ASCII)[:30]
    told = json.dumps({"schema": f"regulars_{readable}_{secrets.token_hex(4)}"}) + "\n"
    mine = _identity(home).with_suffix(f".{os.getpid()}.partial")
    write_whole(mine, told)
    try:
        # pages and daemon may start at once, and must agree
        os.link(mine, _identity(home))
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    schema = _schema_of(home)
    assert schema is not None
    return schema
