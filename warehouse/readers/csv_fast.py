"""Well-formed CSV: many files in one statement, read by DuckDB.

Belongs here: reading files that are expected to be clean, and proving afterwards
that each was. Does not belong here: any repair; what fails the proof goes to
:mod:`warehouse.readers.csv_careful`.

The proof: a file is accepted only if DuckDB's strict reader returned exactly one row
for each physical line after the header. Ragged rows, unclosed or stray quotes,
blank lines, line ends inside quotes and overlong lines all give fewer rows; nothing
gives more once lone CRs are excluded, which :mod:`warehouse.readers.text` does. A
thread that begins inside quotes takes lines of a note for records and tells nobody, so
that a large file of 15,000 records had 15,935 rows; such a file has still more lines.
305 files with 541,909 lines take 0.3 s on two cores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.readers.columns import column_expressions, filled_down
from warehouse.readers.csv_fields import Dialect
from warehouse.readers.errors import is_disk_full
from warehouse.readers.layouts import columns_of
from warehouse.readers.roles import UnusedColumn, UnusedHeader, Values, counted_fields, describe_unused
from warehouse.readers.staging import Staging
from warehouse.readers.text import TextFacts

MAX_LINE_BYTES = 1024 * 1024
"""A sales line has about 100 bytes; one of a megabyte is a lost line end or quote."""

_SQL_DELIMITERS = {",": "','", ";": "';'", "\t": "'\\t'", "|": "'|'"}


@dataclass(frozen=True)
class CsvFile:
    """A text file in UTF-8 (as delivered, or transcoded) with a known header."""

    file_id: int
    path: Path
    is_gzip: bool
    dialect: Dialect
    facts: TextFacts

    @property
    def expected_rows(self) -> int:
        """Rows of a clean file: one for each line below the header."""
        return self.facts.lines - self.dialect.header_line

    @property
    def _has_frame(self) -> bool:
        export = self.dialect.recognised.layout.export
        return export is not None and bool(export.frame)

    @property
    def looks_clean(self) -> bool:
        """Whether nothing seen so far speaks against one row per line."""
        return (
            self.facts.is_evenly_ended
            and not self.facts.is_cr_ended
            and not self.facts.has_nul
            and self.dialect.header_line == 1
            # with one column a blank line and an empty value look the same
            and self.dialect.width > 1
            and self.expected_rows > 0
            # a spreadsheet program pads the lines around a table to its width, and they look like any other
            and not self._has_frame
            and self.path.as_posix().isprintable()
        )


Unused = Callable[[int, UnusedColumn], None]
"""Called with the ``file_id`` and each column that has a role and no use."""


def read_clean_files(staging: Staging, files: Sequence[CsvFile], *, on_unused: Unused | None = None) -> dict[int, int]:
    """Bring the lines of clean files into the staging area.

    Returns
    -------
    dict
        Lines by ``file_id``, for the files that were proved clean. The others left
        nothing behind and need the careful reader.
    """
    groups: dict[tuple[object, ...], list[CsvFile]] = defaultdict(list)
    for file in files:
        key = (file.dialect.recognised.plan, file.dialect.delimiter, file.is_gzip)
        groups[key].append(file)
    accepted: dict[int, int] = {}
    for group in groups.values():
        accepted.update(_read_group(staging, group, on_unused))
    return accepted


def _read_group(staging: Staging, files: Sequence[CsvFile], on_unused: Unused | None) -> dict[int, int]:
    """Read files of one header and dialect; halve the group where DuckDB refuses it as a whole."""
    table = staging.new_name()
    try:
        _create_table(staging, table, files)
    except duckdb.Error as error:
        staging.con.execute(f"drop table if exists {table}")
        if is_disk_full(error) or isinstance(error, duckdb.OutOfMemoryException | duckdb.FatalException):
            raise
        if len(files) == 1:
            # the careful reader will say what is wrong, line by line
            return {}
        middle = len(files) // 2
        return _read_group(staging, files[:middle], on_unused) | _read_group(staging, files[middle:], on_unused)
    staging.keep_track("table", table)
    return _accept_complete_files(staging, table, files, on_unused)


def _create_table(staging: Staging, table: str, files: Sequence[CsvFile]) -> None:
    dialect, is_gzip = files[0].dialect, files[0].is_gzip
    quote = "" if dialect.is_unquoted else '"'
    struct = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(dialect.width))
    recognised = dialect.recognised
    expressions = column_expressions(recognised, lambda position: f"c{position}")
    expressions |= {
        _unused_name(position): f"c{position}" for header in recognised.unused for position in header.positions
    }
    selected = ", ".join(f"{expression} as {column}" for column, expression in expressions.items())
    staging.con.execute(
        f"create temp table {table} as select file_index::integer as file_index, {selected} "
        f"from read_csv($paths, columns = {{{struct}}}, auto_detect = false, header = true, "
        f"delim = {_SQL_DELIMITERS[dialect.delimiter]}, quote = '{quote}', escape = '{quote}', "
        f"compression = '{'gzip' if is_gzip else 'none'}', strict_mode = true, ignore_errors = true, "
        f"max_line_size = {MAX_LINE_BYTES})",
        {"paths": [str(file.path) for file in files]},
    )


def _accept_complete_files(
    staging: Staging, table: str, files: Sequence[CsvFile], on_unused: Unused | None
) -> dict[int, int]:
    # rowid keeps the order of delivery; row_number() over (partition by file) does not
    recognised = files[0].dialect.recognised
    read = {*column_expressions(recognised, lambda position: f"c{position}")}
    # of an export, a line of separators alone is no delivery; the careful reader leaves it out
    needed = recognised.layout.export.needed if recognised.layout.export else ()
    # the first of them is hardly ever blank, and then nothing else is looked at
    tests = " ".join(f"when trim({column}) != '' then false" for column in needed)
    is_bare = f"case {tests} else true end" if needed else "false"
    found = staging.con.execute(
        f"select file_index, min(rowid), max(rowid), count(*), count(*) filter (where {is_bare}) "
        f"from {table} group by file_index"
    ).fetchall()
    accepted = [
        (index, files[index].file_id, first, rows)
        for index, first, last, rows, bare in found
        if rows == files[index].expected_rows and last - first + 1 == rows and not bare
    ]
    if not accepted:
        return {}
    starts = f"{table}_starts"
    staging.con.execute(
        f"create temp table {starts} as select unnest($indexes)::integer as file_index, "
        "unnest($ids)::integer as file_id, unnest($firsts)::bigint as first_rowid",
        {
            "indexes": [index for index, _, _, _ in accepted],
            "ids": [file_id for _, file_id, _, _ in accepted],
            "firsts": [first for _, _, first, _ in accepted],
        },
    )
    staging.keep_track("table", starts)
    texts = ", ".join(
        f"g.{column}" if column in read else f"null::varchar as {column}" for column in columns_of(recognised.table)
    )
    lines = f"{table}_lines"
    staging.con.execute(
        f"create temp view {lines} as select f.file_id, g.rowid - f.first_rowid + 1 as ordinal, "
        f"null::varchar as sheet, g.rowid - f.first_rowid + 2 as row_number, {texts}, "
        f"null::varchar as problem, null::varchar as line_text from {table} as g join {starts} as f using (file_index)"
    )
    staging.keep_track("view", lines)
    if recognised.fill_down:
        filled = f"{table}_filled"
        query = filled_down(f"select * from {lines}", staging.shape(recognised.table), recognised)
        staging.con.execute(f"create temp table {filled} as {query}")
        staging.keep_track("table", filled)
        lines = filled
    staging.add_batch(recognised.table, lines)
    if on_unused is not None:
        for header in recognised.unused:
            _tell_unused(staging, table, starts, header, on_unused)
    return {file_id: rows for _, file_id, _, rows in accepted}


def _tell_unused(staging: Staging, table: str, starts: str, header: UnusedHeader, on_unused: Unused) -> None:
    counts: dict[int, dict[Values, int]] = defaultdict(dict)
    fields = ", ".join(counted_fields(header, [f"g.{_unused_name(position)}" for position in header.positions]))
    for file_id, *found, lines in staging.con.execute(
        f"select f.file_id, {fields}, count(*) from {table} as g join {starts} as f using (file_index) group by all"
    ).fetchall():
        counts[file_id][tuple(found) if header.beside else found[0]] = lines
    for file_id, values in counts.items():
        column = describe_unused(header, values)
        if column is not None:
            on_unused(file_id, column)


def _unused_name(position: int) -> str:
    return f"unused_{position}"
