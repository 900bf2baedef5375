"""How a database is reached, and what its refusals mean.

Belongs here: the URL and the values that the environment gives it, connections that
only read, and driver errors in words. Does not belong here: what is asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from warehouse.errors import PullError
from warehouse.settings import PLACEHOLDER, Database

CONNECT_SECONDS = 15
SILENT_SECONDS = 1800
"""A server that says nothing for so long is gone; a large table without an index may take minutes to begin."""

ARGUMENTS: dict[str, dict[str, object]] = {
    "postgresql": {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "regulars",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 6,
    },
    "mariadb": {"connect_timeout": CONNECT_SECONDS, "read_timeout": SILENT_SECONDS, "write_timeout": 60},
}
# times with a zone are told on one clock, whatever the server's or the user's zone is
SESSION = {
    "postgresql": ("set time zone 'UTC'", "set session characteristics as transaction read only"),
    "mariadb": ("set time_zone = '+00:00'", "set session transaction read only"),
}

# what the codes of either server mean, and what to do about it
_CAUSES = (
    (
        {"28P01", "28000", "1045", "1698"},
        ("password authentication failed", "no password supplied", "no pg_hba.conf entry"),
        "it refuses the user or the password: look at {secret}, and whether that user may come from this machine",
    ),
    ({"3D000", "1049", "1044"}, ("does not exist (connection)",), "there is no such database: look at the url"),
    ({"42P01", "1146", "3F000"}, (), "there is no such table: name it as schema.table, or look at the query"),
    ({"42703", "1054"}, (), "there is no such column: look at watermark, columns and the query"),
    ({"42501", "1142", "1143", "1370"}, (), "the user may not read that: grant it select"),
    ({"42601", "1064"}, (), "the query has an error"),
    (
        {"42883", "22007", "22P02", "42804"},
        (),
        "the watermark can't be compared with the one of the last pull: name a column that holds a time, a date or "
        "a whole number",
    ),
)
_LOST = {"2006", "2013", "57P01", "57P02", "57P03", "08006", "08003", "0"}


def url_of(database: Database) -> URL:
    """The URL with the values of the environment in place.

    Raises
    ------
    PullError
        Naming the variable that is missing; never its value.
    """
    whole = PLACEHOLDER.fullmatch(database.url)
    given = _variable(database, whole[1]) if whole else database.url
    try:
        url = sa.make_url(given)
        if not whole:
            # filled in after the URL was taken apart, so that any character may stand in a password
            url = url.set(
                username=_filled(database, url.username),
                password=_filled(database, url.password),
                host=_filled(database, url.host),
                database=_filled(database, url.database),
                query={
                    key: _filled(database, value) or "" for key, value in url.query.items() if isinstance(value, str)
                },
            )
    except (ArgumentError, ValueError) as error:
        # the parser's own message may repeat the URL
        raise PullError(
            f"Database {database.name!r}: its url can't be read; write it as postgresql://user:${{VARIABLE}}@host:5432/"
            "name or mariadb://…"
        ) from (None if whole else error)
    drivers = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"} | dict.fromkeys(
        ("mariadb", "mysql"), "mariadb+pymysql"
    )
    driver = drivers.get(url.drivername.partition("+")[0])
    if driver is None:
        raise PullError(
            f"Database {database.name!r}: its url is of kind {url.drivername!r}; sales are pulled from postgresql://… "
            "and mariadb://…"
        )
    return url.set(drivername=driver)


@contextmanager
def connected(database: Database) -> Iterator[Connection]:
    """A connection that only reads, on the UTC clock.

    If anything goes wrong inside, the connection is cut rather than closed: closing one
    whose rows were not all fetched may fetch them first.

    Raises
    ------
    PullError
        If the driver is not installed, a variable is missing, or the server refuses or is lost.
    """
    url = url_of(database)
    family, _, module = url.drivername.partition("+")
    if find_spec(module) is None:
        raise PullError(
            f"Database {database.name!r}: the driver {module} is not installed; make the environment again from the "
            "lock files, or install regulars[databases]"
        )
    engine = sa.create_engine(url, poolclass=NullPool, connect_args=dict(ARGUMENTS[family]))
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise PullError(_explained(database, url, error, is_connected=False)) from _without_secret(error)
    driver = connection.connection.driver_connection
    try:
        for statement in SESSION[family]:
            connection.exec_driver_sql(statement)
        # what was set for the session holds from the next transaction on
        connection.commit()
        yield connection
    except DBAPIError as error:
        _cut(connection, driver)
        raise PullError(_explained(database, url, error, is_connected=True)) from _without_secret(error)
    except BaseException:
        _cut(connection, driver)
        raise
    finally:
        connection.close()
        engine.dispose()


def _cut(connection: Connection, driver: object) -> None:
    # PyMySQL fetches what is left of a result wherever it lets go of one, even from a server that is gone
    unread = getattr(driver, "_result", None)
    if unread is not None:
        unread.unbuffered_active = False
    if not connection.invalidated:
        connection.invalidate()


def _filled(database: Database, part: str | None) -> str | None:
    return None if part is None else PLACEHOLDER.sub(lambda found: _variable(database, found[1]), part)


def _variable(database: Database, name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise PullError(
            f"Database {database.name!r}: its url needs the environment variable {name}, which is not set; set it "
            "where refreshes run"
        )
    return value


def _explained(database: Database, url: URL, error: DBAPIError, *, is_connected: bool) -> str:
    """What the server or the driver said, with what to do; without a password, whatever it said."""
    code, told = _code_and_text(error)
    if url.password:
        told = told.replace(url.password, "***")
    place = f"{url.host or 'this machine'}{f':{url.port}' if url.port else ''}/{url.database or ''}"
    head = f"Database {database.name!r} ({place})"
    lowered = told.lower()
    if not is_connected and "database" in lowered and "does not exist" in lowered:
        code = "3D000"
    for codes, phrases, meaning in _CAUSES:
        if code in codes or any(phrase in lowered for phrase in phrases):
            return f"{head}: {meaning.format(secret=_secret(database))} ({told})"
    if not is_connected:
        return f"{head} can't be reached: is the server running, and are host and port right? ({told})"
    if error.connection_invalidated or code in _LOST or "connection" in lowered:
        lost = "the connection was lost half-way; nothing of this pull was kept, and the next one asks for it again"
        return f"{head}: {lost} ({told})"
    return f"{head}: {told}"


def _code_and_text(error: DBAPIError) -> tuple[str, str]:
    cause = error.orig
    code = getattr(cause, "sqlstate", None)
    arguments: tuple[object, ...] = getattr(cause, "args", ())
    if len(arguments) > 1 and isinstance(arguments[0], int):
        return str(arguments[0]), " ".join(str(arguments[1] or "no more was said").split())
    text = " ".join(str(cause).split())
    # libpq tells of every address it tried, one after the other
    return code or "", text if len(text) <= 300 else text[:299] + "…"


def _secret(database: Database) -> str:
    names = PLACEHOLDER.findall(database.url)
    return "the user in its url" + (f" and the variable {' and '.join(names)}" if names else "")


def _without_secret(error: DBAPIError) -> Exception | None:
    """The driver's own error as the cause; SQLAlchemy's would add the statement and its values."""
    return error.orig if isinstance(error.orig, Exception) else None
