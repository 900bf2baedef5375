"""Excel workbooks: every sheet that has a known header.

Belongs here: finding the header in a sheet, and native cells as text. Does not
belong here: which reading of a date or number in text holds.

fastexcel reads two sheets with a million lines in about 5 s. Asked for strings, it
renders native cells as needed here: dates as ``2010-12-01 08:26:00``, whole numbers
without a point (``17850``), others without float noise (``2.55``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.readers.csv_fields import HEADER_WITHIN_LINES
from warehouse.readers.errors import HeaderError, UnreadableFileError, first_line
from warehouse.readers.layouts import Recognised, recognise
from warehouse.readers.staging import Staging
from warehouse.settings import Settings

_NEAR_MISS = 3
"""A sheet with this many needed columns was meant as data; loading the workbook without it would be half a load."""


@dataclass(frozen=True)
class WorkbookReading:
    """What came of one workbook."""

    recognised: Recognised
    sheets: tuple[str, ...]
    loaded_lines: int
    notes: tuple[str, ...]


def read_workbook(staging: Staging, file_id: int, path: Path, name: str, settings: Settings) -> WorkbookReading:
    """Bring the lines of every sheet with a known header into the staging area.

    Row numbers are the sheet's own. Other sheets are named in the notes. The header
    may stand below a title, within the first ten rows.

    Raises
    ------
    UnreadableFileError
        If the workbook is damaged, no sheet has a known header, or a sheet that is
        meant as data lacks a column.
    """
    try:
        reader = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise _damaged(error) from error
    chosen: Recognised | None = None
    loaded: list[str] = []
    notes: list[str] = []
    nearest: tuple[int, str] | None = None
    lines = rows_before = 0
    for sheet in reader.sheet_names:
        batch = _load_sheet(reader, sheet)
        if batch is None or batch.num_rows == 0:
            notes.append(f"sheet '{sheet}' not loaded: it is empty")
            continue
        try:
            header_row, recognised = _find_header(batch, name, settings)
        except HeaderError as error:
            if error.nearness >= _NEAR_MISS:
                raise UnreadableFileError(f"sheet '{sheet}': {error}") from error
            notes.append(f"sheet '{sheet}' ({batch.num_rows:,} rows) not loaded: no known header")
            if nearest is None or error.nearness > nearest[0]:
                nearest = (error.nearness, f"sheet '{sheet}': {error}")
            continue
        if chosen is not None and recognised.layout is not chosen.layout:
            notes.append(
                f"sheet '{sheet}' ({batch.num_rows:,} rows) not loaded: it has layout {recognised.layout.name}, "
                f"the sheets before it {chosen.layout.name}; deliver it as a file of its own"
            )
            continue
        chosen = chosen or recognised
        notes.extend(f"sheet '{sheet}': {note}" for note in recognised.notes)
        lines += _append_sheet(staging, file_id, sheet, batch, header_row, recognised, rows_before)
        rows_before += batch.num_rows
        loaded.append(sheet)
    if chosen is None:
        raise UnreadableFileError(
            nearest[1] if nearest else "the workbook holds empty sheets only; deliver it again, or remove it"
        )
    return WorkbookReading(chosen, tuple(loaded), lines, tuple(notes))


def _load_sheet(reader: fastexcel.ExcelReader, sheet: str) -> pa.RecordBatch | None:
    try:
        # skip_rows=0 keeps empty rows at the top, so that positions are the sheet's row numbers
        loaded = reader.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string", eager=True)
    except fastexcel.SheetNotFoundError:
        # a chart sheet has a name and no cells
        return None
    except fastexcel.FastExcelError as error:
        raise _damaged(error) from error
    return loaded if isinstance(loaded, pa.RecordBatch) else loaded.to_arrow()


def _find_header(batch: pa.RecordBatch, name: str, settings: Settings) -> tuple[int, Recognised]:
    """Position (from 0) of the header row, and what it says."""
    nearest: HeaderError | None = None
    for position in range(min(HEADER_WITHIN_LINES, batch.num_rows)):
        headers = [column[position].as_py() or "" for column in batch.columns]
        if not any(header.strip() for header in headers):
            continue
        try:
            return position, recognise(headers, name, settings)
        except HeaderError as error:
            if nearest is None or error.nearness > nearest.nearness:
                nearest = error
    raise nearest or HeaderError("no known header was found: the first rows are empty", nearness=0)


def _append_sheet(
    staging: Staging,
    file_id: int,
    sheet: str,
    batch: pa.RecordBatch,
    header_row: int,
    recognised: Recognised,
    rows_before: int,
) -> int:
    body = batch.slice(header_row + 1)
    first_row = header_row + 2
    data = {
        "row_number": pa.array(range(first_row, first_row + body.num_rows), pa.int64()),
        "sheet": pc.fill_null(pa.nulls(body.num_rows, pa.string()), sheet),
    } | {column: body.column(position) for column, position in recognised.columns.items()}
    expressions = {
        "file_id": str(file_id),
        "ordinal": f"row_number + {rows_before}",
        "sheet": "sheet",
        "row_number": "row_number",
    } | {column: f"nullif({column}, '')" for column in recognised.columns}
    not_blank = f"coalesce({', '.join(expressions[column] for column in recognised.columns)}) is not null"
    return staging.append_arrow(recognised.kind, pa.table(data), expressions, not_blank)


def _damaged(error: Exception) -> UnreadableFileError:
    return UnreadableFileError(f"the workbook is damaged or has a password ({first_line(error)}); save it again")
