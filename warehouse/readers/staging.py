"""Temporary tables in which delivered lines wait until their load is written.

Belongs here: the one shape that all readers produce, and cleaning up. Does not
belong here: reading files, and the raw tables.

Every batch (a temporary table or view) has, in any order: ``file_id`` INTEGER (which
file of this load), ``ordinal`` BIGINT (unique within the file, from 1), ``sheet``,
``row_number``, the columns of its raw table, ``problem`` and ``line_text``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.readers.columns import filled_down
from warehouse.readers.layouts import Recognised, columns_of

if TYPE_CHECKING:
    import pyarrow as pa

_ARROW_VIEW = "regulars_arrow_batch"


class Staging:
    """The lines of one load, before anything is written."""

    def __init__(self, con: duckdb.DuckDBPyConnection, prefix: str = "load") -> None:
        self.con = con
        self.prefix = prefix
        self._batches: defaultdict[str, list[str]] = defaultdict(list)
        self._made: list[tuple[str, str]] = []
        self._counter = 0

    def new_name(self) -> str:
        """Return a name for a temporary table that nothing else has."""
        self._counter += 1
        return f"{self.prefix}_{self._counter}"

    def keep_track(self, object_type: str, name: str) -> None:
        """Remember a temporary ``table`` or ``view``, so that :meth:`drop` removes it."""
        self._made.append((object_type, name))

    def add_batch(self, raw_table: str, name: str) -> None:
        """Count a table or view of the common shape among this load's lines for one raw table."""
        self._batches[raw_table].append(name)

    @property
    def raw_tables(self) -> tuple[str, ...]:
        """The raw tables for which there are lines."""
        return tuple(raw_table for raw_table, batches in self._batches.items() if batches)

    def lines(self, raw_table: str) -> str:
        """Write a query for all lines of a raw table: ``file_id, ordinal, sheet, row_number, …``."""
        columns = ", ".join(self.shape(raw_table))
        batches = self._batches[raw_table] or [self._shared_table(raw_table)]
        return " union all ".join(f"select {columns} from {batch}" for batch in batches)

    def append(
        self,
        raw_table: str,
        source: str,
        expressions: Mapping[str, str],
        where: str = "true",
        parameters: Sequence[Any] | None = None,
    ) -> int:
        """Add lines from a query source; returns how many.

        Parameters
        ----------
        source
            What stands after ``from``.
        expressions
            SQL for each column of the shape; columns left out are NULL.
        parameters
            Values for the placeholders in ``source``.
        """
        table = self._shared_table(raw_table)
        shape = self.shape(raw_table)
        selected = ", ".join(expressions.get(column, "null") for column in shape)
        inserted = self.con.execute(
            f"insert into {table} ({', '.join(shape)}) select {selected} from {source} where {where}", parameters
        ).fetchone()
        return int(inserted[0]) if inserted else 0

    def append_arrow(self, raw_table: str, batch: pa.Table, expressions: Mapping[str, str], where: str = "true") -> int:
        """Add lines from an Arrow table; returns how many."""
        self.con.register(_ARROW_VIEW, batch)
        try:
            return self.append(raw_table, _ARROW_VIEW, expressions, where)
        finally:
            self.con.unregister(_ARROW_VIEW)

    def fill_down(self, file_id: int, recognised: Recognised) -> None:
        """Let blanks of a file's columns take the value above, where its mapping or its declaration asks for it."""
        if not recognised.fill_down:
            return
        raw_table = recognised.table
        shared, filled = self._shared_table(raw_table), self.new_name()
        own = f"select * from {shared} where file_id = {int(file_id)}"
        self.con.execute(f"create temp table {filled} as {filled_down(own, self.shape(raw_table), recognised)}")
        self.keep_track("table", filled)
        self.forget(file_id)
        self.add_batch(raw_table, filled)

    def forget(self, file_id: int) -> None:
        """Remove what was appended of a file that turned out unreadable, or moved on."""
        for raw_table, batches in self._batches.items():
            for place, batch in enumerate(batches):
                if batch == self._shared_name(raw_table):
                    self.con.execute(f"delete from {batch} where file_id = ?", [file_id])
                elif self.con.execute(f"select 1 from {batch} where file_id = ? limit 1", [file_id]).fetchone():
                    # files that were read together share a batch
                    others = self.new_name()
                    self.con.execute(
                        f"create temp view {others} as select * from {batch} where file_id <> {int(file_id)}"
                    )
                    self.keep_track("view", others)
                    batches[place] = others

    def drop(self) -> None:
        """Remove every temporary table and view of this load."""
        for object_type, name in reversed(self._made):
            self.con.execute(f"drop {object_type} if exists {name}")
        self._made.clear()

    @staticmethod
    def shape(raw_table: str) -> tuple[str, ...]:
        """Column names of a batch, in the order they are stored."""
        return ("file_id", "ordinal", "sheet", "row_number", *columns_of(raw_table), "problem", "line_text")

    def _shared_name(self, raw_table: str) -> str:
        return f"{self.prefix}_{raw_table}"

    def _shared_table(self, raw_table: str) -> str:
        name = self._shared_name(raw_table)
        if name not in self._batches[raw_table]:
            delivered = ", ".join(f"{column} varchar" for column in columns_of(raw_table))
            self.con.execute(
                f"create temp table {name} (file_id integer, ordinal bigint, sheet varchar, row_number bigint, "
                f"{delivered}, problem varchar, line_text varchar)"
            )
            self.keep_track("table", name)
            self.add_batch(raw_table, name)
        return name
