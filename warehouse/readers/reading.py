"""Reads any number of delivered files into a staging area, each by the reader that fits.

Belongs here: the order of things (what is it, where are its columns, fast or careful,
which styles) and what is reported of each file. Does not belong here: how each
format is read, and what the ledger makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.formats import ExportFormat
from warehouse.readers.content import HEAD_BYTES, describe_text, detect_format, expected_instead
from warehouse.readers.csv_fast import CsvFile, read_clean_files
from warehouse.readers.csv_fields import UnknownDialectError, find_header, split_fields
from warehouse.readers.errors import HeaderError, UnreadableFileError, explain_os_error, is_disk_full
from warehouse.readers.header_words import says_per_cent
from warehouse.readers.headers import name_fits
from warehouse.readers.layouts import Kind, Recognised, date_column_of
from warehouse.readers.packing import Packing, detect_packing, unpack
from warehouse.readers.refusals import explain_refusal
from warehouse.readers.roles import UnusedColumn
from warehouse.readers.second_headers import find_other_headers
from warehouse.readers.staging import Staging
from warehouse.readers.text import inspect_text, read_head, read_lines, transcode_latin, transcode_wide, wide_encoding
from warehouse.readers.values import FileHints, check_date_format, decide_styles
from warehouse.settings import Settings, SourceMapping

if TYPE_CHECKING:
    from warehouse.readers.parquet import ParquetReading
    from warehouse.readers.workbook import WorkbookReading

READER_VERSION = "12"
"""Raise it when files would be read otherwise than before; rejected ones are then tried again."""

_ENOUGH_WORTHLESS_LINES = 5
"""A handful of gifts may be all that a file holds; so many lines without a price are no sales."""

_ASSUMED_ENCODING = (
    "It was read as Windows-1252; if these are not its words, say under [[landing.sources]] what it is in, such as "
    'encoding = "shift_jis", "gb18030", "cp1250" or "cp1254", and then its headers are known'
)

_DISCOUNT_UNITS = {"per_cent": Decimal("0.01"), "share": Decimal(1)}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ReadRequest:
    """One file to read. ``name`` is what people know it by, relative to landing."""

    file_id: int
    path: Path
    name: str
    delivered_at: datetime | None = None
    """When the file was last written, UTC without zone."""
    loaded_at: datetime | None = None
    """When its bytes were first read, UTC without zone; no sale lies after it."""


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
    export: ExportFormat | None = None
    """The declaration of the shop system's export that the file is."""
    raw_table: str | None = None
    """The table of schema ``raw`` that the lines go to."""
    told_records: int | None = None
    """How many records the file itself says that it holds."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Headers that each of our columns is read from, or the constant that stands for it."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Decimal mark by column, for sales."""
    unused_columns: tuple[UnusedColumn, ...] = ()
    discount_unit: Decimal | None = None
    """What share of the amount a discount of 1 is; None where discounts are amounts."""

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
    known_styles: Mapping[str, Mapping[str, int]] | None = None,
    progress: Progress | None = None,
) -> dict[int, FileReading]:
    """Read files into the staging area.

    A file that can't be read has a ``problem`` and no lines; it never stops the others.

    Parameters
    ----------
    scratch
        A folder for unpacked and transcoded copies; they are gone when this returns.
    dates_table
        Name for the temporary table of parsed dates, see :func:`decide_styles`.
    known_styles
        How earlier deliveries of each source wrote their dates; see :class:`FileHints`.

    Returns
    -------
    dict
        One reading for each request, by ``file_id``.

    Raises
    ------
    OSError, duckdb.Error
        If the disk is full or DuckDB itself fails; nothing a file can cause.
    """
    round_ = _Round(staging, settings, scratch, {request.file_id: request for request in requests})
    report = progress or (lambda stage, done, total: None)
    try:
        for position, request in enumerate(requests):
            report("looking at files", position, len(requests))
            try:
                round_.read_or_prepare(request)
            except (UnreadableFileError, OSError) as error:
                round_.reject(request.file_id, error)
        round_.read_texts(report)
    finally:
        for path in round_.temporary:
            path.unlink(missing_ok=True)
    round_.look_for_other_headers()
    round_.fill_down()
    round_.look_for_worthless_files()
    round_.decide_discounts()
    report("deciding date and number styles", 0, 1)
    round_.decide_styles(dates_table, known_styles or {})
    for reading in round_.readings.values():
        if reading.problem is None and reading.delivered_lines == 0:
            reading.notes.append("header only, no lines")
    return round_.readings


class _Round:
    """Files that are read together, and what came of each so far."""

    def __init__(
        self, staging: Staging, settings: Settings, scratch: Path, requests: Mapping[int, ReadRequest]
    ) -> None:
        self.staging = staging
        self.settings = settings
        self.scratch = scratch
        self.requests = requests
        self.readings = {file_id: FileReading(file_id, request.name) for file_id, request in requests.items()}
        self.recognised: dict[int, Recognised] = {}
        self.texts: list[CsvFile] = []
        self.temporary: list[Path] = []
        self._clean: set[int] = set()

    def reject(self, file_id: int, error: UnreadableFileError | OSError) -> None:
        """Keep why a file can't be read, and nothing of its lines."""
        if is_disk_full(error):
            raise error
        self.staging.forget(file_id)
        self.texts = [text for text in self.texts if text.file_id != file_id]
        reading = self.readings[file_id]
        if isinstance(error, OSError):
            reading.problem = explain_os_error(error)
        elif isinstance(error, HeaderError):
            try:
                reading.problem = explain_refusal(error, reading.name)
            except UnreadableFileError as further:
                # what stands below its header can't be read either
                reading.problem = f"{error}. Besides, {further}"
        else:
            reading.problem = str(error)
        reading.loaded_lines = reading.unreadable_lines = 0

    def read_or_prepare(self, request: ReadRequest) -> None:
        """Read workbooks and Parquet at once; get text files ready to be read together."""
        reading = self.readings[request.file_id]
        path, name, packing = self._unpacked(request)
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        content = detect_format(path, head)
        if packing is not None and content == "csv.gz":
            raise UnreadableFileError(f"the {packing} file holds another archive; unpack it into landing")
        reading.file_format = f"{content}.{packing}" if packing else content
        if content in ("xlsx", "ods"):
            # fastexcel and pyarrow take 0.3 s to import, which a folder of CSV files need not pay
            from warehouse.readers.workbook import read_workbook

            workbook = read_workbook(
                self.staging, request.file_id, path, name, self.settings, is_open_document=content == "ods"
            )
            reading.sheets = ", ".join(workbook.sheets)
            found: WorkbookReading | ParquetReading = workbook
        elif content == "parquet":
            from warehouse.readers.parquet import read_parquet_file

            found = read_parquet_file(
                self.staging, request.file_id, self._plain_path(path, request.file_id), name, self.settings
            )
        else:
            text = self._prepare_text(request.file_id, path, name, is_gzip=content == "csv.gz")
            self.texts.append(text)
            self._keep(request.file_id, text.dialect.recognised)
            return
        reading.loaded_lines = found.loaded_lines
        reading.notes.extend(found.notes)
        reading.unused_columns = found.unused_columns
        self._keep(request.file_id, found.recognised)

    def read_texts(self, report: Progress) -> None:
        """Read the text files: those that are clean together, the others line by line."""

        def keep(file_id: int, column: UnusedColumn) -> None:
            self.readings[file_id].unused_columns += (column,)

        looking_clean = [text for text in self.texts if text.looks_clean]
        clean = read_clean_files(self.staging, looking_clean, on_unused=keep)
        self._clean = set(clean)
        for file_id, lines in clean.items():
            self.readings[file_id].loaded_lines = lines
        damaged = [text for text in self.texts if text.file_id not in clean]
        if damaged:
            from warehouse.readers.csv_careful import read_damaged_file
        for position, text in enumerate(damaged):
            report("reading damaged files line by line", position, len(damaged))
            reading = self.readings[text.file_id]
            try:
                careful = read_damaged_file(self.staging, text)
            except (UnreadableFileError, OSError) as error:
                self.reject(text.file_id, error)
                continue
            reading.loaded_lines, reading.unreadable_lines = careful.loaded_lines, careful.unreadable_lines
            reading.unused_columns = careful.unused_columns
            reading.told_records = careful.told_records
            reading.notes.extend(careful.notes)

    def look_for_other_headers(self) -> None:
        """Refuse files whose lines stand in two orders of columns, one below the other."""
        files = {
            file_id: recognised
            for file_id, recognised in self.recognised.items()
            if self.readings[file_id].problem is None
        }
        for file_id, (line, header, expected) in find_other_headers(self.staging, files).items():
            self.reject(
                file_id,
                UnreadableFileError(
                    f"line {line} is a second line of headers, and its columns are others than the first's: '{header}' "
                    f"stands where '{expected}' is expected. What is below it can't be read by the first; deliver both "
                    "parts as files of their own"
                ),
            )

    def fill_down(self) -> None:
        """Let blanks take the value above, where a mapping asks for it; clean text has done so."""
        for file_id, recognised in self.recognised.items():
            if self.readings[file_id].problem is None and file_id not in self._clean:
                self.staging.fill_down(file_id, recognised)

    def look_for_worthless_files(self) -> None:
        """Tell of files whose every price and amount is empty or 0; a workbook of that kind is refused."""
        sales = [
            reading
            for reading in self.readings.values()
            if reading.problem is None and reading.raw_table == "transactions" and reading.loaded_lines
        ]
        worthy = self._files_with("unit_price >= '1' and unit_price < ':'", sales)
        doubtful = [reading for reading in sales if reading.file_id not in worthy]
        # a currency sign may stand there, and no digit
        worthy |= self._files_with(
            " or ".join(f"trim({column}, '0.,+-() €$£%') != ''" for column in ("unit_price", "line_amount")), doubtful
        )
        for reading in sales:
            if reading.file_id in worthy:
                continue
            is_workbook = (reading.file_format or "").startswith(("xlsx", "ods"))
            told = "every price is empty or 0"
            if is_workbook:
                told += ", which is what formulas look like whose results were never stored"
            if is_workbook and reading.loaded_lines >= _ENOUGH_WORTHLESS_LINES:
                lines = f"{reading.loaded_lines:,} lines"
                self.reject(
                    reading.file_id,
                    UnreadableFileError(
                        f"{told} ({lines}); open and save it in the spreadsheet program, or deliver values"
                    ),
                )
            else:
                reading.notes.append(told)

    def _files_with(self, condition: str, readings: Sequence[FileReading]) -> set[int]:
        """Which of the files have a line of which a condition holds."""
        if not readings:
            return set()
        rows = self.staging.con.execute(
            f"select distinct file_id from ({self.staging.lines('transactions')}) where ({condition}) "
            "and file_id in (select unnest($ids)::integer)",
            {"ids": [reading.file_id for reading in readings]},
        ).fetchall()
        return {row[0] for row in rows}

    def decide_discounts(self) -> None:
        """Tell whether a discount is a part of the amount: as its mapping says, else by its header.

        Below a header that says per cent, a spreadsheet shows 10 % and stores 0.1.
        """
        per_cent = []
        for reading in self.readings.values():
            said = reading.mapping.discount_is if reading.mapping is not None else None
            if said in _DISCOUNT_UNITS:
                reading.discount_unit = _DISCOUNT_UNITS[said]
            elif said is None and reading.problem is None and says_per_cent(reading.columns.get("discount_amount", "")):
                reading.discount_unit = _DISCOUNT_UNITS["per_cent"]
                per_cent.append(reading)
        number = "abs(try_cast(replace(discount_amount, ',', '.') as double))"
        parts = self._files_with(f"{number} > 0 and {number} < 1", per_cent)
        parts -= self._files_with(f"contains(discount_amount, '%') or {number} >= 1", per_cent)
        for reading in per_cent:
            if reading.file_id in parts:
                reading.discount_unit = _DISCOUNT_UNITS["share"]
                reading.notes.append("no discount reaches 1: they were read as shares of the amount, not as per cent")

    def decide_styles(self, dates_table: str, known_styles: Mapping[str, Mapping[str, int]]) -> None:
        """Decide how each file writes dates and numbers, and read its dates."""
        hints = {
            reading.file_id: self._hints(reading, known_styles)
            for reading in self.readings.values()
            if reading.problem is None and reading.raw_table and date_column_of(reading.raw_table)
        }
        for file_id, styles in decide_styles(self.staging, hints, dates_table).items():
            reading = self.readings[file_id]
            reading.date_style = styles.date_style
            reading.date_style_evidence = styles.date_style_evidence
            if reading.kind == "transactions":
                reading.marks = styles.marks
                reading.decimal_mark = styles.decimal_mark
                reading.assumed_lines = styles.assumed_lines
                reading.clock = styles.clock
                reading.first_invoiced_at, reading.last_invoiced_at = styles.first_at, styles.last_at
            reading.notes.extend(styles.notes)

    def _keep(self, file_id: int, recognised: Recognised) -> None:
        reading, mapping = self.readings[file_id], recognised.mapping
        reading.kind = recognised.kind
        reading.layout = recognised.layout.name
        reading.raw_table = recognised.table
        reading.export = recognised.layout.export
        reading.columns = recognised.named_columns
        if mapping is not None:
            # files of one system are judged together, whatever an entry says of some of them
            reading.source_mapping = mapping.name if reading.export is None else None
            reading.mapping = mapping
            if mapping.date_format is not None:
                check_date_format(self.staging.con, mapping.date_format, mapping.name)
        self.recognised[file_id] = recognised

    def _hints(self, reading: FileReading, known_styles: Mapping[str, Mapping[str, int]]) -> FileHints:
        # what the settings say of a file, else what is declared of the system that wrote it; each for itself, since
        # an entry that says how a file's dates are written says nothing of its clock
        mapping, export = reading.mapping, reading.export
        request = self.requests[reading.file_id]
        return FileHints(
            reading.name,
            reading.delimiter,
            (mapping.decimal_mark if mapping else None) or (export.decimal_mark if export else None),
            mapping.date_format if mapping else None,
            reading.raw_table or "transactions",
            source=reading.source or "",
            date_order=(mapping.date_order if mapping else None)
            or (export.date_order if export else None)
            or self.settings.landing.date_order,
            clock=(mapping.clock if mapping else None) or (export.clock if export else None),
            timezone=self.settings.shop.timezone,
            loaded_at=request.loaded_at,
            delivered_at=request.delivered_at,
            known_styles=known_styles,
        )

    def _unpacked(self, request: ReadRequest) -> tuple[Path, str, Packing | None]:
        """Path and name of the table itself, and what it was packed in."""
        with request.path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        packing = detect_packing(request.path, head)
        if packing is None:
            return request.path, request.name, None
        copy = self._scratch_file(request.file_id)
        inside = unpack(request.path, packing, copy)
        with copy.open("rb") as stream:
            if detect_packing(copy, stream.read(HEAD_BYTES)) is not None:
                raise UnreadableFileError(f"the {packing} file holds another archive; unpack it into landing")
        suffix = _suffix(copy)
        if suffix:
            # fastexcel goes by the suffix
            named = copy.with_suffix(suffix)
            self.temporary.append(named)
            copy.rename(named)
            copy = named
        is_meant = any(name_fits(mapping, request.name) for mapping in self.settings.landing.all_sources)
        return copy, request.name if inside is None or is_meant else f"{request.name}/{inside}", packing

    def _prepare_text(self, file_id: int, path: Path, name: str, *, is_gzip: bool) -> CsvFile:
        """Make sure that a text is UTF-8, find its header and look at all its bytes."""
        reading = self.readings[file_id]
        head = read_head(path, HEAD_BYTES, is_gzip=is_gzip)
        if not head:
            packed = "gzip file" if is_gzip else "file"
            raise UnreadableFileError(f"the {packed} holds nothing (0 bytes); deliver it again, or remove it")
        if is_gzip and head.startswith((b"PK\x03\x04", b"PAR1", b"\x1f\x8b")):
            raise UnreadableFileError("the gzip file holds another archive, workbook or Parquet file; unpack it")
        wide = wide_encoding(head) or self._said_encoding(name)
        if wide is not None:
            copy = self._scratch_file(file_id)
            transcode_wide(path, copy, wide, is_gzip=is_gzip)
            path, is_gzip = copy, False
            head = read_head(path, HEAD_BYTES, is_gzip=False)
        try:
            dialect = find_header(_decode_head(head), name, self.settings)
        except UnreadableFileError as error:
            what = describe_text(head)
            if what is not None:
                raise UnreadableFileError(expected_instead(what)) from error
            if isinstance(error, UnknownDialectError):
                is_cr_ended = b"\r" in head and b"\n" not in head
                told = _told_with_lines(error, path, is_gzip=is_gzip, is_cr_ended=is_cr_ended)
                if wide is None and not _is_utf8(head):
                    told.args = (f"{told}. {_ASSUMED_ENCODING}",)
                raise told from error
            raise
        facts = inspect_text(path, is_gzip=is_gzip)
        if facts.is_utf8:
            reading.encoding = wide.upper() if wide else ("UTF-8 with BOM" if facts.has_bom else "UTF-8")
        else:
            copy = self._scratch_file(file_id)
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
        return CsvFile(file_id, path, is_gzip, dialect, facts)

    def _said_encoding(self, name: str) -> str | None:
        """The encoding that a mapping says for files of this name, whose header can't be read without it."""
        said = (source.encoding for source in self.settings.landing.all_sources if name_fits(source, name))
        return next((encoding for encoding in said if encoding is not None), None)

    def _scratch_file(self, file_id: int) -> Path:
        self.scratch.mkdir(parents=True, exist_ok=True)
        path = self.scratch / f"text_{file_id}_{len(self.temporary)}.csv"
        self.temporary.append(path)
        return path

    def _plain_path(self, path: Path, file_id: int) -> Path:
        """Return a path that DuckDB can be told; odd bytes in a name go through a link."""
        if str(path).isprintable():
            return path
        self.scratch.mkdir(parents=True, exist_ok=True)
        link = self.scratch / f"link_{file_id}_{len(self.temporary)}.parquet"
        self.temporary.append(link)
        link.symlink_to(path.absolute())
        return link


def _suffix(path: Path) -> str | None:
    """The suffix of an unpacked workbook; None for what is read by its bytes alone."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    found = detect_format(path, head) if head.startswith(b"PK") else None
    return f".{found}" if found else None


def _told_with_lines(error: UnknownDialectError, path: Path, *, is_gzip: bool, is_cr_ended: bool) -> HeaderError:
    """The error of a header that no layout knows, with a way to read what stands below it."""

    def below() -> Iterator[Sequence[str | None]]:
        lines = read_lines(path, is_gzip=is_gzip, is_cr_ended=is_cr_ended)
        for number, raw in enumerate(lines, start=1):
            if number > error.line_number and raw.strip():
                text = _decode_head(raw)
                try:
                    yield split_fields(text, error.delimiter)
                except ValueError:
                    yield [text]

    found = error.error
    return HeaderError(str(found), found.nearness, headers=found.headers, closest=found.closest, below=below)


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character that is cut in two by the end of the head
        return error.start > len(head) - 4
    return True


def _decode_head(head: bytes) -> str:
    """Text of the first bytes, whatever their encoding; only headers are read from it."""
    return head.decode("utf-8-sig", "ignore") if _is_utf8(head) else head.decode("cp1252", "replace")
