"""A second line of headers within a file, as where several exports were put below each other.

Belongs here: finding one whose columns stand in another order than the first's, which would have what is below it
read by the wrong columns. Does not belong here: the first line of headers (:mod:`warehouse.readers.headers`). A
second one in the same order is a line that can't be read, like any other.
"""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.readers.header_words import guess_columns
from warehouse.readers.headers import RAW_NAMES
from warehouse.readers.layouts import Recognised, columns_of, date_column_of, normalise
from warehouse.readers.staging import Staging

_LOOKED_AT = 100
"""Lines of words looked at in each file; what has more of them has no dates."""
_ALIKE = {"description": "stock_code", "line_kind": "status"}
"""Columns that words tell apart from no more than each other: an *article* is a code or a name."""
_ENOUGH = 3
"""So many names of columns on one line are no chance."""


def find_other_headers(staging: Staging, files: Mapping[int, Recognised]) -> dict[int, tuple[int, str, str]]:
    """Find lines of headers that contradict the first.

    Parameters
    ----------
    files
        How the header of each file that was read is understood, by ``file_id``.

    Returns
    -------
    dict
        By ``file_id``: number of the line, the header that stands where another is expected, and that other.
    """
    found: dict[int, tuple[int, str, str]] = {}
    for table in {recognised.table for recognised in files.values()}:
        date = date_column_of(table)
        if date is None:
            continue
        columns = columns_of(table)
        # the place of a date holds words: next to none of the lines, and a comparison finds them
        rows = staging.con.execute(
            f"select file_id, row_number, {', '.join(columns)} from ({staging.lines(table)}) "
            f"where problem is null and {date} is not null and not ({date} >= '0' and {date} < ':') "
            rf"and not regexp_matches({date}, '\d') "
            f"qualify row_number() over (partition by file_id order by ordinal) <= {_LOOKED_AT}"
        ).fetchall()
        for file_id, row_number, *cells in rows:
            if file_id in files and file_id not in found:
                line = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
                other = _contradiction(files[file_id], line)
                if other is not None:
                    found[file_id] = (row_number, *other)
    return found


def _contradiction(recognised: Recognised, line: Mapping[str, str]) -> tuple[str, str] | None:
    """The first header of a line of headers that is another column's, and the one expected there."""
    headers = {normalise(header) for header in recognised.headers if header}
    guessed = {header: RAW_NAMES.get(column, column) for column, header in guess_columns(list(line.values())).items()}
    known = 0
    other: tuple[str, str] | None = None
    for column, cell in line.items():
        own = [recognised.headers[position] for position in recognised.columns.get(column, ())]
        if not own:
            continue
        is_own = normalise(cell) in map(normalise, own)
        is_header = normalise(cell) in headers
        known += is_header or cell in guessed
        meant = guessed.get(cell, column)
        if not is_own and (is_header or _ALIKE.get(meant, meant) != _ALIKE.get(column, column)):
            other = other or (cell, own[0])
    return other if known >= _ENOUGH else None
