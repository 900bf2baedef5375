"""Reads any number of delivered files into a staging area, each by the reader that fits.

Belongs here: the order of things (what is it, where are its columns, fast or careful,
which styles) and what is reported of each file. Does not belong here: how each
format is read, and what the ledger makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from warehouse.readers.content import HEAD_BYTES, describe_text, detect_format, expected_instead
from warehouse.readers.csv_fast import CsvFile, read_clean_files
from warehouse.readers.csv_fields import find_header
from warehouse.readers.errors import UnreadableFileError, explain_os_error, is_disk_full
from warehouse.readers.layouts import DATE_COLUMNS, KINDS, NUMBER_COLUMNS, Kind, Recognised
from warehouse.readers.staging import Staging
from warehouse.readers.text import inspect_text, read_head, transcode_latin, transcode_wide, wide_encoding
from warehouse.readers.values import FileHints, check_date_format, decide_styles
from warehouse.settings import Settings, SourceMapping

READER_VERSION = "3"
"""Raise it when files would be read otherwise than before; rejected ones are then tried again."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class UnusedColumn:
    """A column that looks like it matters and that nothing uses, with its values and their lines."""

    header: str
    role: Literal["status", "currency"]
    values: tuple[tuple[str | None, int], ...]


@dataclass(frozen=True)
class ReadRequest:
    """One file to read. ``name`` is what people know it by, relative to landing."""

    file_id: int
    path: Path
    name: str


@dataclass
class FileReading:
    """What came of one file; the columns of the ledger that describe content."""

    file_id: int
    name: str
    problem: str | None = None
    kind: Kind | None = None
    file_format: str | None = None
    layout: str | None = None
    source_mapping: str | None = None
    sheets: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal_mark: str | None = None
    date_style: str | None = None
    date_style_evidence: str | None = None
    assumed_lines: int = 0
    clock: str | None = None
    loaded_lines: int = 0
    unreadable_lines: int = 0
    first_invoiced_at: datetime | None = None
    last_invoiced_at: datetime | None = None
    notes: list[str] = field(default_factory=list)
    mapping: SourceMapping | None = None
    """The mapping of the settings that was used."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Decimal mark by column, for sales."""
    unused_columns: Sequence[UnusedColumn] = ()

    @property
    def source(self) -> str | None:
        """What the file is judged together with: the mapping's name, else the layout."""
        return self.source_mapping or self.layout

    @property
    def delivered_lines(self) -> int:
        """Every line below the header that is not blank."""
        return self.loaded_lines + self.unreadable_lines


def read_deliveries(
    staging: Staging,
    requests: Sequence[ReadRequest],
    settings: Settings,
    scratch: Path,
    *,
    dates_table: str,
    progress: Progress | None = None,
) -> dict[int, FileReading]:
    """Read files into the staging area.

    A file that can't be read has a ``problem`` and no lines; it never stops the others.

    Parameters
    ----------
    scratch
        A folder for transcoded copies; they are gone when this returns.
    dates_table
        Name for the temporary table of parsed dates, see :func:`decide_styles`.

    Returns
    -------
    dict
        One reading for each request, by ``file_id``.

    Raises
    ------
    OSError, duckdb.Error
        If the disk is full or DuckDB itself fails; nothing a file can cause.
    """
    readings = {request.file_id: FileReading(request.file_id, request.name) for request in requests}
    mapped: dict[int, Recognised] = {}
    texts: list[CsvFile] = []
    temporary: list[Path] = []
    report = progress or (lambda stage, done, total: None)
    try:
        for position, request in enumerate(requests):
            report("looking at files", position, len(requests))
            reading = readings[request.file_id]
            try:
                _read_or_prepare(staging, request, reading, settings, scratch, texts, mapped, temporary)
            except (UnreadableFileError, OSError) as error:
                _reject(reading, error)
        clean = read_clean_files(staging, [text for text in texts if text.looks_clean])
        damaged = [text for text in texts if text.file_id not in clean]
        for text in texts:
            readings[text.file_id].loaded_lines = clean.get(text.file_id, 0)
        if damaged:
            from warehouse.readers.csv_careful import read_damaged_file
        for position, text in enumerate(damaged):
            report("reading damaged files line by line", position, len(damaged))
            reading = readings[text.file_id]
            try:
                careful = read_damaged_file(staging, text)
            except (UnreadableFileError, OSError) as error:
                staging.forget(text.dialect.recognised.kind, text.file_id)
                _reject(reading, error)
                continue
            reading.loaded_lines, reading.unreadable_lines = careful.loaded_lines, careful.unreadable_lines
            reading.notes.extend(careful.notes)
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)
    report("deciding date and number styles", 0, 1)
    hints = {
        reading.file_id: _hints(reading, mapped[reading.file_id])
        for reading in readings.values()
        if reading.problem is None and reading.kind in DATE_COLUMNS
    }
    for file_id, styles in decide_styles(staging, hints, dates_table).items():
        reading = readings[file_id]
        reading.date_style = styles.date_style
        reading.date_style_evidence = styles.date_style_evidence
        if reading.kind == "transactions":
            reading.marks = getattr(styles, "marks", None) or dict.fromkeys(NUMBER_COLUMNS, styles.decimal_mark)
            reading.decimal_mark = reading.marks.get("unit_price", ".")
            reading.assumed_lines = getattr(styles, "assumed_lines", 0)
            reading.clock = getattr(styles, "clock", None)
            reading.first_invoiced_at, reading.last_invoiced_at = styles.first_at, styles.last_at
        reading.notes.extend(styles.notes)
    for reading in readings.values():
        if reading.problem is None and reading.delivered_lines == 0:
            reading.notes.append("header only, no lines")
    return readings


def _reject(reading: FileReading, error: UnreadableFileError | OSError) -> None:
    if is_disk_full(error):
        raise error
    reading.problem = explain_os_error(error) if isinstance(error, OSError) else str(error)
    reading.loaded_lines = reading.unreadable_lines = 0


def _hints(reading: FileReading, recognised: Recognised) -> FileHints:
    mapping = recognised.mapping
    return FileHints(
        reading.name,
        reading.delimiter,
        mapping.decimal_mark if mapping else None,
        mapping.date_format if mapping else None,
        recognised.kind,
    )


def _read_or_prepare(
    staging: Staging,
    request: ReadRequest,
    reading: FileReading,
    settings: Settings,
    scratch: Path,
    texts: list[CsvFile],
    mapped: dict[int, Recognised],
    temporary: list[Path],
) -> None:
    """Read workbooks and Parquet at once; get text files ready to be read together."""
    with request.path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    reading.file_format = detect_format(request.path, head)
    if reading.file_format == "xlsx":
        # fastexcel and pyarrow take 0.3 s to import, which a folder of CSV files need not pay
        from warehouse.readers.workbook import read_workbook

        try:
            workbook = read_workbook(staging, request.file_id, request.path, request.name, settings)
        except UnreadableFileError:
            _forget_everywhere(staging, request.file_id)
            raise
        recognised = workbook.recognised
        reading.sheets = ", ".join(workbook.sheets)
        reading.loaded_lines = workbook.loaded_lines
        reading.notes.extend(workbook.notes)
    elif reading.file_format == "parquet":
        from warehouse.readers.parquet import read_parquet_file

        path = _plain_path(request, scratch, temporary)
        parquet = read_parquet_file(staging, request.file_id, path, request.name, settings)
        recognised = parquet.recognised
        reading.loaded_lines = parquet.loaded_lines
        reading.notes.extend(parquet.notes)
    else:
        text = _prepare_text(request, reading, settings, scratch, temporary)
        recognised = text.dialect.recognised
        texts.append(text)
    if recognised.mapping is not None:
        reading.source_mapping = recognised.mapping.name
        reading.mapping = recognised.mapping
        if recognised.mapping.date_format is not None:
            try:
                check_date_format(staging.con, recognised.mapping.date_format, recognised.mapping.name)
            except UnreadableFileError:
                texts[:] = [text for text in texts if text.file_id != request.file_id]
                _forget_everywhere(staging, request.file_id)
                raise
    mapped[request.file_id] = recognised
    reading.kind = recognised.kind
    reading.layout = recognised.layout.name


def _forget_everywhere(staging: Staging, file_id: int) -> None:
    for kind in KINDS:
        staging.forget(kind, file_id)


def _prepare_text(
    request: ReadRequest, reading: FileReading, settings: Settings, scratch: Path, temporary: list[Path]
) -> CsvFile:
    """Make sure that a text is UTF-8, find its header and look at all its bytes."""
    path, is_gzip = request.path, reading.file_format == "csv.gz"
    head = read_head(path, HEAD_BYTES, is_gzip=is_gzip)
    if is_gzip:
        if not head:
            raise UnreadableFileError("the gzip file holds nothing (0 bytes); deliver it again, or remove it")
        if head.startswith((b"PK\x03\x04", b"PAR1", b"\x1f\x8b")):
            raise UnreadableFileError("the gzip file holds another archive, workbook or Parquet file; unpack it")
    wide = wide_encoding(head)
    if wide is not None:
        copy = _scratch_file(request, scratch, temporary)
        transcode_wide(path, copy, wide, is_gzip=is_gzip)
        path, is_gzip = copy, False
        head = read_head(path, HEAD_BYTES, is_gzip=False)
    try:
        dialect = find_header(_decode_head(head), request.name, settings)
    except UnreadableFileError as error:
        what = describe_text(head)
        if what is not None:
            raise UnreadableFileError(expected_instead(what)) from error
        raise
    facts = inspect_text(path, is_gzip=is_gzip)
    if facts.is_utf8:
        reading.encoding = wide.upper() if wide else ("UTF-8 with BOM" if facts.has_bom else "UTF-8")
    else:
        copy = _scratch_file(request, scratch, temporary)
        counts = transcode_latin(path, copy, is_gzip=is_gzip)
        path, is_gzip = copy, False
        facts = inspect_text(path, is_gzip=False)
        reading.encoding = "mixed" if counts.utf8_lines else "Latin-1"
        if counts.utf8_lines:
            reading.notes.append(
                f"mixed encodings: {counts.latin_lines:,} lines read as Latin-1, {counts.utf8_lines:,} as UTF-8"
            )
    reading.delimiter = dialect.delimiter
    reading.notes.extend(dialect.recognised.notes)
    if dialect.header_line > 1:
        reading.notes.append(f"the header is on line {dialect.header_line}; the lines above it are not data")
    return CsvFile(request.file_id, path, is_gzip, dialect, facts)


def _decode_head(head: bytes) -> str:
    """Text of the first bytes, whatever their encoding; only headers are read from it."""
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start > len(head) - 4:
            # a character that is cut in two by the end of the head
            return head[: error.start].decode("utf-8-sig")
        return head.decode("cp1252", "replace")


def _scratch_file(request: ReadRequest, scratch: Path, temporary: list[Path]) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / f"text_{request.file_id}_{len(temporary)}.csv"
    temporary.append(path)
    return path


def _plain_path(request: ReadRequest, scratch: Path, temporary: list[Path]) -> Path:
    """Return a path that DuckDB can be told; odd bytes in a name go through a link."""
    if str(request.path).isprintable():
        return request.path
    scratch.mkdir(parents=True, exist_ok=True)
    link = scratch / f"link_{request.file_id}_{len(temporary)}.parquet"
    temporary.append(link)
    link.symlink_to(request.path.absolute())
    return link
