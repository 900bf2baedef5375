"""Columns of made-up files, decided as the readers have them decided.

Belongs here: what several tests of styles share. Does not belong here: a test.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb

from warehouse.readers.file_styles import FileHints, ValueStyles
from warehouse.readers.staging import Staging
from warehouse.readers.values import decide_styles

Columns = Mapping[str, Sequence[str]]
"""By our column name: what one file has in it, line by line."""
Decided = tuple[ValueStyles, list[datetime | None]]


def decide(con: duckdb.DuckDBPyConnection, files: Sequence[tuple[FileHints, Columns]]) -> list[Decided]:
    """Decide the styles of files that come together.

    Returns
    -------
    list
        For each file its styles, and the moment of each of its lines.
    """
    staging = Staging(con, prefix="staged")
    try:
        for file_id, (hints, columns) in enumerate(files):
            texts = ", ".join(f"unnest(${name}::varchar[]) as {name}" for name in columns)
            staging.append(
                hints.kind,
                f"(select *, row_number() over () as n from (select {texts}))",
                {"file_id": str(file_id), "ordinal": "n", "row_number": "n", **{name: name for name in columns}},
                parameters={name: list(values) for name, values in columns.items()},  # type: ignore[arg-type]
            )
        styles = decide_styles(staging, dict(enumerate(hints for hints, _ in files)), "staged_dates")
        found = con.execute("select file_id, text, read_at from staged_dates").fetchall()
        assert len(found) == len({row[:2] for row in found}), "a text stands twice, so its lines would be doubled"
        moments = {(file_id, text): read_at for file_id, text, read_at in found}
        column = {"transactions": "invoice_date", "segment_overrides": "expires_on"}
        return [
            (styles[n], [moments.get((n, text)) for text in columns.get(column[hints.kind], ())])
            for n, (hints, columns) in enumerate(files)
        ]
    finally:
        staging.drop()


def decide_numbers(con: duckdb.DuckDBPyConnection, columns: Columns, hints: FileHints | None = None) -> ValueStyles:
    """Decide the marks of one file."""
    ((styles, _),) = decide(con, [(hints or FileHints("a.csv"), columns)])
    return styles


def decide_dates(
    con: duckdb.DuckDBPyConnection, dates: Sequence[str], hints: FileHints | None = None
) -> tuple[ValueStyles, list[datetime | None]]:
    """Decide one file of sales by its dates."""
    (decided,) = decide(con, [(hints or FileHints("a.csv"), {"invoice_date": dates})])
    return decided
