"""What a database is asked for: whole orders, of the columns that are used.

Belongs here: which columns there are and which are wanted, and the statement that
brings every row of the orders that have a new one. Does not belong here: running it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import TypeEngine

from warehouse.databases.values import Watermark, WatermarkKind, kind_of_watermark
from warehouse.errors import PullError
from warehouse.readers.errors import UnreadableFileError
from warehouse.readers.headers import quoted, recognise
from warehouse.readers.layouts import normalise
from warehouse.settings import Database, Settings

_BINDS: dict[WatermarkKind, TypeEngine[Any]] = {
    "date": sa.Date(),
    "time": sa.DateTime(),
    "instant": sa.DateTime(timezone=True),
    # a plain integer has 32 bits
    "number": sa.BigInteger(),
}
_MARIADB_TIMESTAMP = 7
"""PyMySQL's code of the type that holds instants; DATETIME, which doesn't, has another."""


@dataclass(frozen=True)
class Question:
    """One database's columns, and those that a pull brings."""

    database: Database
    columns: tuple[str, ...]
    """Every column, as the database calls it."""
    wanted: tuple[str, ...]
    """Those that land in the file, in their order."""
    utc: frozenset[str]
    """Those whose times are instants on the UTC clock without saying so."""
    order: str
    watermark: str
    watermark_kind: WatermarkKind | None
    """None where no row has one."""

    @property
    def definition(self) -> str:
        """Hash of what is asked for; when it changes, what was pulled before says too little."""
        said = (self.database.table, self.database.query, self.wanted, self.order, self.watermark)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    def statement(self, since: Watermark | None) -> sa.Executable:
        """Every row of the orders that have a row at or after ``since``; the watermark comes last.

        Rows whose watermark is null may have changed at any time, so their orders always come.
        """
        rows = _from(self.database, self.columns, "r")
        query = sa.select(*(rows.c[name] for name in self.wanted), rows.c[self.watermark].label("_watermark"))
        if since is None:
            return query
        recent = _from(self.database, self.columns, "w")
        orders = sa.select(recent.c[self.order]).where(self._is_new(recent, since)).distinct().subquery("n")
        # a join and a union: with `in (…) or …` PostgreSQL goes through all orders for each row once they
        # outgrow its working memory; half a million rows took 0.6 s this way, and were given up after 40 s that way
        return sa.union_all(
            query.select_from(rows.join(orders, rows.c[self.order] == orders.c[self.order])),
            query.where(rows.c[self.order].is_(None), self._is_new(rows, since)),
        )

    def _is_new(self, rows: FromClause, since: Watermark) -> sa.ColumnElement[bool]:
        watermark = rows.c[self.watermark]
        return sa.or_(watermark >= sa.literal(since.value, _BINDS[since.kind]), watermark.is_(None))


def ask(connection: Connection, database: Database, settings: Settings) -> Question:
    """Look at a database's columns and choose those that are used.

    What nothing uses stays where it is: an address, a telephone number. Only a column that
    looks like a status, a currency, a kind or a refund comes along, so that a refresh can warn of it.

    Raises
    ------
    PullError
        If a column is missing, or the watermark can't be compared.
    """
    probe = connection.execute(sa.select(sa.text("*")).select_from(_from(database, (), "r")).limit(0))
    columns = tuple(probe.keys())
    described = probe.cursor.description if probe.cursor is not None else ()
    is_mariadb = connection.dialect.name in ("mariadb", "mysql")
    utc = frozenset(column[0] for column in described or () if is_mariadb and column[1] == _MARIADB_TIMESTAMP)
    probe.close()
    watermark = _named(database, columns, database.watermark, "watermark")
    for mapped in database.columns:
        if not any(normalise(header) in map(normalise, columns) for header in database.headers_of(mapped)):
            _named(database, columns, database.headers_of(mapped)[0], f"columns.{mapped}")
    try:
        recognised = recognise(columns, f"{database.name}/{database.file_pattern}", settings)
    except UnreadableFileError as error:
        told = str(error).replace("landing.sources", "landing.databases")
        raise PullError(f"Database {database.name!r}: {told}") from error
    positions = recognised.columns.get("invoice", ())
    if len(positions) != 1 or recognised.mapping is None or recognised.mapping.name != database.name:
        raise PullError(
            f"Database {database.name!r}: nothing says which one column holds the order number, by which an order that "
            f"comes again replaces its earlier version; map it as columns.invoice. Its columns are {quoted(columns)}"
        )
    kept = {*recognised.positions, *(position for unused in recognised.unused for position in unused.positions)}
    return Question(
        database,
        columns,
        tuple(name for position, name in enumerate(columns) if position in kept),
        utc,
        columns[positions[0]],
        watermark,
        _watermark_kind(connection, database, columns, watermark),
    )


def _from(database: Database, columns: tuple[str, ...], alias: str) -> FromClause:
    if database.table is not None:
        schema, _, name = database.table.rpartition(".")
        return sa.table(name, *map(sa.column, columns), schema=schema or None).alias(alias)
    assert database.query is not None, "either table or query, says the settings"
    # a colon is the query's own (a cast, a time), never a parameter
    query = re.sub(r":", r"\\:", database.query.strip().rstrip(";"))
    return sa.text(query).columns(*map(sa.column, columns)).subquery(alias)


def _named(database: Database, columns: tuple[str, ...], name: str, key: str) -> str:
    exact = [column for column in columns if column == name]
    alike = exact or [column for column in columns if normalise(column) == normalise(name)]
    if len(alike) != 1:
        raise PullError(
            f"Database {database.name!r} has {'no' if not alike else 'more than one'} column {name!r}, which {key} "
            f"names; its columns are {quoted(columns)}"
        )
    return alike[0]


def _watermark_kind(
    connection: Connection, database: Database, columns: tuple[str, ...], watermark: str
) -> WatermarkKind | None:
    rows = _from(database, columns, "r")
    value = connection.execute(
        sa.select(rows.c[watermark]).where(rows.c[watermark].is_not(None)).limit(1)
    ).scalar_one_or_none()
    if value is None:
        return None
    kind = kind_of_watermark(value)
    if kind is None:
        raise PullError(
            f"Database {database.name!r}: its watermark {watermark!r} holds {type(value).__name__} values such as "
            f"{str(value)[:40]!r}, of which nothing says that they grow; name a column that holds a time, a date or a "
            "whole number"
        )
    return kind
