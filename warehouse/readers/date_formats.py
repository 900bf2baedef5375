"""Dates by a format that the settings name.

Belongs here: checking such a format and reading a file's dates by it. Does not belong
here: any guess at a format (see :mod:`warehouse.readers.date_styles`).
"""

from __future__ import annotations

import re

import duckdb

from warehouse.readers.errors import UnreadableFileError, first_line
from warehouse.readers.file_styles import FileHints
from warehouse.readers.utc_offsets import is_converted, offset_minutes_sql

EXCEL_SERIAL = "excel_serial"
"""The format of dates that a workbook stores as days since 1899-12-30."""

_TRAILING_OFFSET = r"([Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)\s*$"


def check_date_format(con: duckdb.DuckDBPyConnection, date_format: str, mapping_name: str) -> None:
    """Refuse a format of the settings that DuckDB can't use.

    Raises
    ------
    UnreadableFileError
        Naming the mapping and what is wrong with the format.
    """
    if date_format == EXCEL_SERIAL:
        return
    try:
        con.execute("select try_strptime('2010-12-01', $format)", {"format": date_format})
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"landing.sources {mapping_name!r} has date_format {date_format!r}, which is neither {EXCEL_SERIAL!r} "
            f"nor a strptime format ({first_line(error)})"
        ) from error


def write_by_format(
    con: duckdb.DuckDBPyConnection, readings: str, dates_table: str, file_id: int, hints: FileHints
) -> None:
    """Add the dates of one file to ``dates_table``, read by the format of its hints.

    A date that begins with its year is taken beside any format, as native cells of a workbook
    arrive so; ``excel_serial`` takes day numbers of any size.
    """
    assert hints.date_format is not None, "a file without a format is decided by its values"
    parameters: dict[str, object] = {"file_id": file_id}
    if hints.date_format == EXCEL_SERIAL:
        read_at = """
            timestamp '1899-12-30'
            + to_seconds(round(try_cast(replace(trim(text), ',', '.') as double) * 86400)::bigint)
        """
        read_at = f"case when abs(try_cast(replace(trim(text), ',', '.') as double)) < 1e6 then {read_at} end"
    else:
        parameters["format"] = hints.date_format
        read_at = "try_strptime(trim(text), $format)"
        if _carries_offset(hints.date_format):
            con.execute(
                rf"update {readings} set zone = nullif(regexp_extract(text, '{_TRAILING_OFFSET}', 1), '') "
                "where file_id = ?",
                [file_id],
            )
            # with %z DuckDB gives an instant, without it the clock time as written
            is_instant = re.search(r"%[zZ]", hints.date_format) is not None
            minutes = f"to_minutes(coalesce({offset_minutes_sql('zone')}, 0))"
            utc = f"timezone('UTC', {read_at})" if is_instant else f"({read_at} - {minutes})"
            if is_converted(hints):
                parameters["timezone"] = hints.timezone
                read_at = f"timezone($timezone, timezone('UTC', {utc}))"
            else:
                read_at = f"({utc} + {minutes})"
    beside = "case when shape = 'year_first' then only_at end"
    con.execute(
        f"insert into {dates_table} select file_id, text, coalesce({read_at}, {beside}) from {readings} "
        "where file_id = $file_id",
        parameters,
    )


def _carries_offset(date_format: str) -> bool:
    return re.search(r"%[zZ]|Z$", date_format.strip()) is not None
