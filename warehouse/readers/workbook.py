"""Workbooks (Excel and OpenDocument): every sheet in sight that has a known header.

Belongs here: finding the header in a sheet, native cells as text, hidden sheets and error
cells. Does not belong here: which reading of a date or number in text holds.

fastexcel reads two sheets with a million lines in about 5 s. Asked for strings, it
renders native cells as needed here: dates as ``2010-12-01 08:26:00``, whole numbers
without a point (``17850``), others without float noise (``2.55``).
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.readers.cell_currencies import CellCurrencies
from warehouse.readers.columns import column_expressions
from warehouse.readers.csv_fields import HEADER_WITHIN_LINES
from warehouse.readers.errors import HeaderError, UnreadableFileError, first_line
from warehouse.readers.header_words import guess_columns
from warehouse.readers.headers import recognise
from warehouse.readers.layouts import Recognised
from warehouse.readers.roles import UnusedColumn, UnusedHeader, Values, describe_unused
from warehouse.readers.staging import Staging
from warehouse.settings import Settings
from warehouse.wording import currency_symbol

_NEAR_MISS = 3
"""A sheet with this many needed columns was meant as data; loading the workbook without it would be half a load."""

_ERROR_TEXTS = {
    "NA": "#N/A",
    "Div0": "#DIV/0!",
    "Ref": "#REF!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}
_NOTHING_WITHOUT = frozenset(
    {"invoice", "stock_code", "quantity", "invoice_date", "unit_price", "line_amount", "discount_amount", "tax_amount"}
)
"""Columns in which an error cell costs the line; its text stays, so that the line says why. Elsewhere it is a blank."""
_MONEY_COLUMNS = ("unit_price", "line_amount")
_ID_COLUMNS = ("invoice", "stock_code", "customer_id")


@dataclass(frozen=True)
class WorkbookReading:
    """What came of one workbook."""

    recognised: Recognised
    sheets: tuple[str, ...]
    loaded_lines: int
    notes: tuple[str, ...]
    unused_columns: tuple[UnusedColumn, ...] = ()


@dataclass(frozen=True)
class _Sheet:
    """One sheet as text; ``errors`` are its error cells by row and column (from 0)."""

    name: str
    batch: pa.RecordBatch
    visible: str
    errors: dict[tuple[int, int], str]

    @property
    def is_hidden(self) -> bool:
        return self.visible != "visible"


@dataclass
class _Load:
    """What was loaded of a workbook so far."""

    staging: Staging
    file_id: int
    is_open_document: bool
    currencies: CellCurrencies | None = None
    recognised: Recognised | None = None
    sheets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: int = 0
    rows_before: int = 0
    unused: dict[UnusedHeader, Counter[Values]] = field(default_factory=dict)

    def add(self, sheet: _Sheet, header_row: int, recognised: Recognised) -> None:
        """Bring a sheet's lines into the staging area, if its layout is that of the sheets before it."""
        if self.recognised is not None and recognised.layout is not self.recognised.layout:
            self.notes.append(
                f"sheet '{sheet.name}' ({sheet.batch.num_rows:,} rows) not loaded: it has layout "
                f"{recognised.layout.name}, the sheets before it {self.recognised.layout.name}; deliver it as a file "
                "of its own"
            )
            return
        self.recognised = self.recognised or recognised
        self.notes.extend(f"sheet '{sheet.name}': {note}" for note in recognised.notes)
        batch = _with_error_texts(sheet, header_row, recognised, self.notes)
        self._note_truth_values(sheet, batch, header_row, recognised)
        batch = self._with_currencies(sheet.name, batch, recognised)
        self.lines += self._append(sheet.name, batch.slice(header_row + 1), header_row + 2, recognised)
        self.rows_before += batch.num_rows
        self.sheets.append(sheet.name)

    def _append(self, sheet: str, body: pa.RecordBatch, first_row: int, recognised: Recognised) -> int:
        data = {
            "row_number": pa.array(range(first_row, first_row + body.num_rows), pa.int64()),
            "sheet": pc.fill_null(pa.nulls(body.num_rows, pa.string()), sheet),
        } | {f"f{position}": body.column(position) for position in recognised.positions}
        expressions = {
            "file_id": str(self.file_id),
            "ordinal": f"row_number + {self.rows_before}",
            "sheet": "sheet",
            "row_number": "row_number",
        } | column_expressions(recognised, self._field)
        lines = pa.table(data).filter(_is_no_frame(body, recognised))
        fields = ", ".join(f"nullif(f{position}, '')" for position in recognised.positions)
        for header in recognised.unused:
            counts = self.unused.setdefault(header, Counter())
            columns = [body.column(position).to_pylist() for position in header.positions]
            counts.update(zip(*columns, strict=True) if header.beside else columns[0])
        return self.staging.append_arrow(recognised.table, lines, expressions, f"coalesce({fields}) is not null")

    def _with_currencies(self, sheet: str, batch: pa.RecordBatch, recognised: Recognised) -> pa.RecordBatch:
        """Put the sign that a cell's format shows behind its amount, as text files have it."""
        money = {position for column in _MONEY_COLUMNS for position in recognised.columns.get(column, ())}
        if self.currencies is None or recognised.layout.export is not None or not money:
            return batch
        signs = {cell: sign for cell, sign in self.currencies.of_sheet(sheet).items() if cell[1] in money}
        columns = list(batch.columns)
        for position in {column for _, column in signs}:
            beside = pa.array([signs.get((row, position)) for row in range(batch.num_rows)], pa.string())
            signed = pc.binary_join_element_wise(columns[position], beside, " ")
            # a text in such a cell says itself what it is
            is_number = pc.match_substring_regex(columns[position], r"^-?[\d.]+([eE][-+]?\d+)?$")
            columns[position] = pc.if_else(pc.and_(pc.is_valid(beside), is_number), signed, columns[position])
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _field(self, position: int) -> str:
        if self.is_open_document:
            # native dates come as 2010-12-01T08:26:00 from these, and with a blank from Excel
            whole = r"'^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}\S*)$'"
            return rf"nullif(regexp_replace(f{position}, {whole}, '\1 \2'), '')"
        return f"nullif(f{position}, '')"

    def _note_truth_values(self, sheet: _Sheet, batch: pa.RecordBatch, header_row: int, recognised: Recognised) -> None:
        for column in _ID_COLUMNS:
            for position in recognised.columns.get(column, ()):
                is_truth = pc.is_in(batch.column(position).slice(header_row + 1), pa.array(["true", "false"]))
                found = pc.sum(is_truth).as_py() or 0
                if found:
                    self.notes.append(
                        f"sheet '{sheet.name}': column '{recognised.headers[position]}' has {_cells(found)} with TRUE "
                        f"or FALSE, read as the {column.replace('_', ' ')} true or false; mend the workbook"
                    )


def read_workbook(
    staging: Staging, file_id: int, path: Path, name: str, settings: Settings, *, is_open_document: bool = False
) -> WorkbookReading:
    """Bring the lines of every sheet with a known header into the staging area.

    Row numbers are the sheet's own. Other sheets are named in the notes. The header
    may stand below a title, within the first thirty rows. A hidden sheet is loaded only
    where no sheet in sight has a known header: people hide what they no longer mean.

    Raises
    ------
    UnreadableFileError
        If the workbook is damaged, no sheet has a known header, or a sheet that is
        meant as data lacks a column.
    """
    try:
        reader = fastexcel.read_excel(path)
        names = reader.sheet_names
    except fastexcel.FastExcelError as error:
        raise _damaged(error) from error
    own = settings.shop.currency
    try:
        currencies = None if is_open_document else CellCurrencies(path, {own, currency_symbol(own).strip()})
    except (zipfile.BadZipFile, KeyError) as error:
        raise _damaged(error) from error
    load = _Load(staging, file_id, is_open_document, currencies)
    nearest: HeaderError | None = None
    hidden: list[tuple[_Sheet, int, Recognised]] = []
    for sheet_name in names:
        sheet = _load_sheet(reader, sheet_name)
        if sheet is None or sheet.batch.num_rows == 0:
            load.notes.append(f"sheet '{sheet_name}' not loaded: it is empty")
            continue
        try:
            header_row, recognised = _find_header(sheet, name, settings)
        except HeaderError as error:
            if error.nearness >= _NEAR_MISS and not sheet.is_hidden:
                raise error
            load.notes.append(f"sheet '{sheet_name}' ({sheet.batch.num_rows:,} rows) not loaded: no known header")
            if nearest is None or error.nearness > nearest.nearness:
                nearest = error
            continue
        if sheet.is_hidden:
            hidden.append((sheet, header_row, recognised))
        else:
            load.add(sheet, header_row, recognised)
    has_seen_one = load.recognised is not None
    for sheet, header_row, recognised in hidden:
        rows = f"sheet '{sheet.name}' ({sheet.batch.num_rows - header_row - 1:,} rows below its header)"
        if has_seen_one:
            load.notes.append(f"{rows} is hidden and was not loaded; show it in the workbook if its lines count")
        else:
            load.notes.append(f"{rows} is hidden and was loaded, since no sheet in sight has a known header")
            load.add(sheet, header_row, recognised)
    if load.recognised is None:
        raise nearest or UnreadableFileError("the workbook holds empty sheets only; deliver it again, or remove it")
    described = (describe_unused(header, counts) for header, counts in load.unused.items())
    unused = tuple(column for column in described if column is not None)
    return WorkbookReading(load.recognised, tuple(load.sheets), load.lines, tuple(load.notes), unused)


def _load_sheet(reader: fastexcel.ExcelReader, name: str) -> _Sheet | None:
    try:
        # skip_rows=0 keeps empty rows at the top, so that positions are the sheet's row numbers
        loaded = reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        batch, found = loaded.to_arrow_with_errors()
    except fastexcel.SheetNotFoundError:
        # a chart sheet has a name and no cells
        return None
    except fastexcel.FastExcelError as error:
        raise _damaged(error) from error
    errors = {cell.offset_position: cell.detail for cell in found.errors} if found is not None else {}
    return _Sheet(name, batch, loaded.visible, errors)


def _find_header(sheet: _Sheet, name: str, settings: Settings) -> tuple[int, Recognised]:
    """Position (from 0) of the header row, and what it says."""
    nearest: tuple[tuple[int, int], HeaderError, int] | None = None
    for position in range(min(HEADER_WITHIN_LINES, sheet.batch.num_rows)):
        headers = [column[position].as_py() or "" for column in sheet.batch.columns]
        if not any(header.strip() for header in headers):
            continue
        try:
            return position, recognise(headers, name, settings)
        except HeaderError as error:
            rank = (error.nearness, len(guess_columns(headers)))
            if nearest is None or rank > nearest[0]:
                nearest = rank, error, position
    if nearest is None:
        raise HeaderError(
            f"sheet '{sheet.name}': no known header was found: the first {HEADER_WITHIN_LINES} rows are empty, and "
            "the header is not looked for below them; delete the empty rows",
            nearness=0,
        )
    _, found, row = nearest
    raise HeaderError(
        f"sheet '{sheet.name}': {found}",
        found.nearness,
        headers=found.headers,
        closest=found.closest,
        below=lambda: _rows(sheet.batch.slice(row + 1)),
    ) from found


def _rows(batch: pa.RecordBatch) -> Iterator[Sequence[str | None]]:
    for start in range(0, batch.num_rows, 10_000):
        yield from zip(*(column.to_pylist() for column in batch.slice(start, 10_000).columns), strict=True)


def _with_error_texts(sheet: _Sheet, header_row: int, recognised: Recognised, notes: list[str]) -> pa.RecordBatch:
    """Tell of error cells below the header, and keep their texts where the line is nothing without the value."""
    if not sheet.errors:
        return sheet.batch
    costly = {
        position for column, found in recognised.columns.items() if column in _NOTHING_WITHOUT for position in found
    } | set(recognised.time)
    columns = list(sheet.batch.columns)
    for position in recognised.positions:
        cells = {
            row: _error_text(detail)
            for (row, column), detail in sheet.errors.items()
            if column == position and row > header_row
        }
        if not cells:
            continue
        kinds = ", ".join(f"{text} {count:,}" for text, count in Counter(cells.values()).most_common())
        fate = "their lines are set aside" if position in costly else "they count as blank"
        notes.append(
            f"sheet '{sheet.name}': column '{recognised.headers[position]}' has {_cells(len(cells))} with an error of "
            f"the spreadsheet ({kinds}), the first in row {min(cells) + 1}; {fate}"
        )
        if position in costly:
            values = columns[position].to_pylist()
            for row, text in cells.items():
                values[row] = text
            columns[position] = pa.array(values, pa.string())
    return pa.RecordBatch.from_arrays(columns, names=sheet.batch.schema.names)


def _is_no_frame(body: pa.RecordBatch, recognised: Recognised) -> pa.Array:
    """Which rows are none of the lines that an export has around its table, such as a count at the end."""
    export = recognised.layout.export
    if export is None or not export.frame:
        return pa.repeat(pa.scalar(True), body.num_rows)
    patterns = [re.compile(line.pattern) for line in export.frame]
    rows = zip(*(column.to_pylist() for column in body.columns), strict=True)
    texts = (",".join(cell or "" for cell in row).strip(",") for row in rows)
    return pa.array([not any(pattern.fullmatch(text) for pattern in patterns) for text in texts], pa.bool_())


def _cells(count: int) -> str:
    return f"{count:,} cell{'' if count == 1 else 's'}"


def _error_text(detail: str) -> str:
    """Text of an error cell as the spreadsheet shows it; fastexcel names it ``Error(NA)``."""
    _, _, name = detail.partition("Error(")
    return _ERROR_TEXTS.get(name.partition(")")[0], "#ERROR!")


def _damaged(error: Exception) -> UnreadableFileError:
    return UnreadableFileError(f"the workbook is damaged or has a password ({first_line(error)}); save it again")
