"""Small parts of SQL that the rooms of publishing share.

Belongs here: a connection to attach files to, a transaction, quoting. Does not belong here: what
is written with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from warehouse.database import as_readable_error
from warehouse.home import Home


@contextmanager
def scratch_connection(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database to attach files to.

    Not the warehouse itself: a disk that fills up while a snapshot is written makes
    DuckDB give up on the whole instance, and the private file should not be part of that.
    """
    home.scratch.mkdir(parents=True, exist_ok=True)
    with closing(duckdb.connect(":memory:", config={"temp_directory": str(home.scratch)})) as con:
        con.execute("set TimeZone = 'UTC'")
        yield con


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All statements within, or none."""
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


def attach_warehouse(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Attach the private warehouse as ``source``, to be read.

    Raises
    ------
    WarehouseBusyError
        If another process holds it.
    """
    try:
        con.execute(f"attach {literal(home.warehouse)} as source (read_only)")
    except duckdb.IOException as error:
        raise as_readable_error(error, home.warehouse) from error


def quoted(identifier: str) -> str:
    """Give a name as SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str | Path) -> str:
    """Give text as SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def first_line(error: BaseException) -> str:
    """Say an error in one line."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
