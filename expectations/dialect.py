"""The SQLAlchemy dialect through which Great Expectations reads the warehouse.

Belongs here: what duckdb-engine lacks for Great Expectations, and nothing else. Does
not belong here: queries, and who opens the file when (see `expectations.runner`).

Great Expectations reads a result after it has handed its connection back. With
duckdb-engine, whose cursors all are the connection itself, the rows are gone by then
and every check dies of ``list index out of range``. Here every cursor is a DuckDB
cursor of its own, so its result outlives the connection's next query. The other
cure, fetching all rows at execution, pulls whole tables into Python: to learn the
column names of a query asset, Great Expectations runs ``select *`` and reads only
the header (1.0 s for 541,909 lines when fetched, 1 ms when not).
"""

from __future__ import annotations

import atexit
import sys
import weakref
from typing import Any

import duckdb
from duckdb_engine import ConnectionWrapper, CursorWrapper
from duckdb_engine import Dialect as DuckDBEngineDialect
from sqlalchemy.dialects import registry

DRIVER = "regulars"
URL = f"duckdb+{DRIVER}://"
"""Give the file as ``connect_args={"database": path, "read_only": True}``, so that no character of it is special."""


class OwnResultCursor(CursorWrapper):
    """A cursor whose rows are its own, streamed as they are fetched."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, connection: ConnectionWrapper) -> None:
        super().__init__(cursor, connection)
        self._own = cursor

    def close(self) -> None:
        """Drop the rows that were not read."""
        self._own.close()


class CursorPerStatementConnection(ConnectionWrapper):
    """A connection that hands out cursors of their own and takes them along when it closes.

    An open cursor keeps the file open, and with it the lock that stands in the next
    step's way; closing must not wait for the garbage collector.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self._connection = connection
        self._cursors: weakref.WeakSet[OwnResultCursor] = weakref.WeakSet()

    def cursor(self) -> CursorWrapper:
        """Open a cursor that no other statement can disturb."""
        cursor = OwnResultCursor(self._connection.cursor(), self)
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        """Close the connection and every cursor that came from it."""
        for cursor in list(self._cursors):
            cursor.close()
        super().close()


class RegularsDialect(DuckDBEngineDialect):
    """duckdb-engine's dialect with cursors that Great Expectations can use."""

    driver = DRIVER
    supports_statement_cache = False

    def connect(self, *_: Any, database: str, read_only: bool = False, **__: Any) -> Any:
        """Open the file; ``read_only=True`` lets other readers in.

        No further configuration: DuckDB refuses a second connection within a process
        whose configuration differs, and duckdb-engine would add a user agent.
        """
        return CursorPerStatementConnection(duckdb.connect(database, read_only=read_only))


def register() -> None:
    """Make :data:`URL` known to SQLAlchemy; safe to repeat."""
    registry.register(f"duckdb.{DRIVER}", __name__, RegularsDialect.__name__)
    # once Great Expectations is imported, SQLAlchemy outlives the interpreter and holds
    # duckdb-engine, which holds DuckDB, whose binding then prints sixty lines about leaks
    # at the end of every command; registered anew it still runs only once
    atexit.unregister(_let_go)
    atexit.register(_let_go)


def _let_go() -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "duckdb_engine":
            vars(module).clear()
    registry.impls.pop(f"duckdb.{DRIVER}", None)
    # this module is held as duckdb-engine was
    vars(sys.modules[__name__]).clear()
