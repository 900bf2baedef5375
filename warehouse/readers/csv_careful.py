"""Damaged CSV: one file, line by line, nothing lost.

Belongs here: telling which lines can't be split into fields and keeping their text,
so that the rest of the file loads. Does not belong here: files that are clean
(:mod:`warehouse.readers.csv_fast` reads those ten times as fast) and judging values.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from warehouse.readers.columns import column_expressions
from warehouse.readers.csv_fast import MAX_LINE_BYTES, CsvFile
from warehouse.readers.csv_fields import OpenQuoteError, StrayQuoteError, split_fields
from warehouse.readers.roles import UnusedColumn, UnusedHeader, Values, describe_unused
from warehouse.readers.staging import Staging
from warehouse.readers.text import read_lines

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""A note in quotes may run over thousands of lines; one of more than this is a quote that was never closed."""
MAX_FRUITLESS_BYTES = 512 * 1024 * 1024
FEW_LINES = 100
"""Once that many bytes were searched for closing quotes in vain, a search gives up after this many lines:
a file in which each line opens a quote would otherwise be read thousands of times."""
_BATCH_LINES = 50_000
_BATCH_BYTES = 64 * 1024 * 1024
_NUL_SHOWN = "\u2400"


@dataclass
class CarefulReading:
    """What came of one file."""

    loaded_lines: int = 0
    unreadable_lines: int = 0
    read_bytes: int = 0
    fruitless_bytes: int = 0
    """Searched for a closing quote in vain."""
    nul_lines: int = 0
    joined_lines: int = 0
    frame_lines: int = 0
    """Around the table, as the export's declaration has it: no delivery."""
    told_records: int | None = None
    """How many records the file itself says that it holds."""
    unused_columns: tuple[UnusedColumn, ...] = ()
    notes: list[str] = field(default_factory=list)


_Line = tuple[int, bytes]
"""Number and bytes of a physical line."""

_Record = tuple[int, list[str] | None, str | None, str | None]
"""Line number, fields or None, problem or None, and the line's text where there is a problem."""


def read_damaged_file(
    staging: Staging, file: CsvFile, *, on_lines: Callable[[int], None] | None = None
) -> CarefulReading:
    """Bring every line of a file into the staging area, split or with its problem.

    A record that spans lines has the number of its first line. A quote that is never
    closed costs the one line it stands in. Blank lines count in the numbering and are
    no delivery.

    Raises
    ------
    UnreadableFileError
        If one line is too large to be kept.
    """
    reading = CarefulReading()
    batch = _Batch(staging, file)
    for line_number, fields, problem, text in _records(file, reading):
        if problem is None:
            reading.loaded_lines += 1
        else:
            reading.unreadable_lines += 1
        batch.add(line_number, fields, problem, text)
        if batch.is_full(reading.read_bytes):
            batch.flush(reading.read_bytes)
            if on_lines is not None:
                on_lines(line_number)
    batch.flush()
    reading.unused_columns = tuple(batch.unused_columns())
    if reading.nul_lines:
        reading.notes.append(f"{reading.nul_lines:,} lines hold NUL bytes, shown as {_NUL_SHOWN}")
    if reading.joined_lines:
        reading.notes.append(f"{reading.joined_lines:,} records span several lines inside quotes")
    if reading.frame_lines:
        reading.notes.append(f"{reading.frame_lines:,} lines around the table hold no sales")
    return reading


def _records(file: CsvFile, reading: CarefulReading) -> Iterator[_Record]:
    delimiter, width = file.dialect.delimiter, file.dialect.width
    export = file.dialect.recognised.layout.export
    frame = [re.compile(line.pattern) for line in export.frame] if export else []
    # lines that were looked at for a closing quote and given back
    waiting: deque[_Line] = deque()
    source = _numbered_lines(file)
    while (line := waiting.popleft() if waiting else next(source, None)) is not None:
        number, raw = line
        reading.read_bytes += len(raw)
        text = raw.decode("utf-8", "replace")
        if export is not None and _is_frame(text, delimiter, frame, reading):
            continue
        if file.dialect.is_unquoted and len(raw) <= MAX_LINE_BYTES and "\x00" not in text:
            fields = text.split(delimiter)
            if len(fields) == width:
                yield number, fields, None, None
            elif raw.strip(b" \r"):
                yield number, None, _wrong_width(number, len(fields), width), text
            continue
        if '"' not in text and "\x00" not in text and len(raw) <= MAX_LINE_BYTES:
            fields = text.split(delimiter)
            if len(fields) == width and width > 1:
                yield number, fields, None, None
                continue
        if raw.strip(b" \r"):
            yield _split_odd_line(number, raw, text, delimiter, width, waiting, source, reading)


def _split_odd_line(
    number: int,
    raw: bytes,
    text: str,
    delimiter: str,
    width: int,
    waiting: deque[_Line],
    source: Iterator[_Line],
    reading: CarefulReading,
) -> _Record:
    """Split a line that has quotes, NUL bytes or the wrong number of fields; say what is wrong if it won't go."""
    if "\x00" in text:
        reading.nul_lines += 1
        text = text.replace("\x00", _NUL_SHOWN)
    if len(raw) > MAX_LINE_BYTES:
        problem = (
            f"line {number} is {len(raw):,} bytes long, more than the {MAX_LINE_BYTES:,} a line may have; "
            "a quote or a line end is missing"
        )
        return number, None, problem, text
    try:
        fields = split_fields(text, delimiter)
    except OpenQuoteError:
        joined = _join_following(text, delimiter, width, waiting, source, reading)
        if isinstance(joined, str):
            return number, None, f"line {number} opens a quote that {joined}", text
        reading.joined_lines += 1
        fields = joined
    except StrayQuoteError:
        problem = f"line {number} has text after a closing quote; a quote inside a quoted field must be doubled"
        return number, None, problem, text
    if len(fields) > width and not any(fields[width:]):
        # spreadsheets pad lines with empty fields; nothing is lost without them
        del fields[width:]
    if len(fields) != width:
        return number, None, _wrong_width(number, len(fields), width), text
    return number, fields, None, None


def _wrong_width(number: int, fields: int, width: int) -> str:
    return f"line {number} has {fields} field{'' if fields == 1 else 's'}, the header has {width}"


def _is_frame(text: str, delimiter: str, frame: Sequence[re.Pattern[str]], reading: CarefulReading) -> bool:
    """Whether a line of an export is no delivery: one of its frame, or nothing but separators."""
    bare = text.rstrip("\r")
    if not bare.strip(f'{delimiter}" '):
        reading.frame_lines += bool(bare.strip())
        return True
    for pattern in frame:
        found = pattern.fullmatch(bare.rstrip(delimiter))
        if found:
            reading.frame_lines += 1
            told = found.groupdict().get("records")
            reading.told_records = int(told) if told else reading.told_records
            return True
    return False


def _join_following(
    text: str,
    delimiter: str,
    width: int,
    waiting: deque[_Line],
    source: Iterator[_Line],
    reading: CarefulReading,
) -> list[str] | str:
    """Take in following lines until the quote closes and the fields fit.

    Returns what is wrong with the quote if they don't; then the lines are given back.

    A quote that closes so that the fields fit is a note, whatever its lines look like:
    they never become sales. There is one exception, a closing quote that was forgotten: the
    line has all its fields if the quote is read as itself, and so has each line down to the
    one whose quote (``RULER 12"``) seems to close it. Then the quote costs its own line only.
    """
    taken: list[_Line] = []
    pieces, size = [text], len(text)
    forgotten = text.count(delimiter) == width - 1
    outcome: list[str] | str = "is never closed"
    attempts = 0
    while size <= MAX_RECORD_BYTES:
        if len(taken) >= FEW_LINES and reading.fruitless_bytes > MAX_FRUITLESS_BYTES:
            break
        following = waiting.popleft() if waiting else next(source, None)
        if following is None:
            break
        taken.append(following)
        if len(following[1]) > MAX_LINE_BYTES:
            break
        added = following[1].decode("utf-8", "replace").replace("\x00", _NUL_SHOWN)
        pieces.append(added)
        size += len(added) + 1
        forgotten = forgotten and _is_record(added, delimiter, width)
        if not _closes_quote(added):
            continue
        attempts += 1
        if attempts > width:
            # each attempt ends one quoted field, and a record has no more of them
            break
        try:
            fields = split_fields("\n".join(pieces), delimiter)
        except OpenQuoteError:
            # one note ended and the next began
            continue
        except StrayQuoteError:
            break
        if len(fields) == width and not forgotten:
            outcome = fields
        elif not forgotten:
            outcome = f"closes on line {following[0]}, where {len(fields)} fields end; the header has {width}"
        break
    if isinstance(outcome, str):
        waiting.extendleft(reversed(taken))
        reading.fruitless_bytes += size
    else:
        reading.read_bytes += sum(len(raw) for _, raw in taken)
    return outcome


def _closes_quote(text: str) -> bool:
    """Whether a line that begins inside quotes has a quote that ends them; doubled ones don't."""
    position = text.find('"')
    while position >= 0:
        if text[position + 1 : position + 2] != '"':
            return True
        position = text.find('"', position + 2)
    return False


def _is_record(text: str, delimiter: str, width: int) -> bool:
    """Whether a line by itself has as many fields as the header, quotes read as quotes or as themselves."""
    if width == 1:
        return False
    if text.count(delimiter) == width - 1:
        return True
    try:
        return len(split_fields(text, delimiter)) == width
    except ValueError:
        return False


def _numbered_lines(file: CsvFile) -> Iterator[_Line]:
    for number, raw in enumerate(
        read_lines(file.path, is_gzip=file.is_gzip, is_cr_ended=file.facts.is_cr_ended), start=1
    ):
        if number <= file.dialect.header_line:
            continue
        yield number, raw


class _Batch:
    """Collects lines and hands them to DuckDB in bounded pieces."""

    def __init__(self, staging: Staging, file: CsvFile) -> None:
        self._staging = staging
        self._file_id = file.file_id
        self._recognised = file.dialect.recognised
        self._unused: dict[UnusedHeader, Counter[Values]] = {header: Counter() for header in self._recognised.unused}
        self._empty = [""] * file.dialect.width
        self._ordinal = 0
        self._flushed_bytes = 0
        self._clear()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._fields: list[list[str]] = []
        self._problems: list[str | None] = []
        self._texts: list[str | None] = []

    def add(self, number: int, fields: list[str] | None, problem: str | None, text: str | None) -> None:
        self._numbers.append(number)
        self._fields.append(self._empty if fields is None else fields)
        self._problems.append(problem)
        self._texts.append(text)

    def unused_columns(self) -> list[UnusedColumn]:
        """What the columns with a role hold, once everything is flushed."""
        described = (describe_unused(header, counts) for header, counts in self._unused.items())
        return [column for column in described if column is not None]

    def is_full(self, read_bytes: int) -> bool:
        """Tell whether to flush, by lines or by the bytes of the file that were read so far."""
        return len(self._numbers) >= _BATCH_LINES or read_bytes - self._flushed_bytes >= _BATCH_BYTES

    def flush(self, read_bytes: int = 0) -> None:
        self._flushed_bytes = read_bytes
        if not self._numbers:
            return
        columns = list(zip(*self._fields, strict=True))
        first = self._ordinal + 1
        self._ordinal += len(self._numbers)
        data = {
            "ordinal": pa.array(range(first, self._ordinal + 1), pa.int64()),
            "row_number": pa.array(self._numbers, pa.int64()),
            "problem": pa.array(self._problems, pa.string()),
            "line_text": pa.array(self._texts, pa.string()),
        } | {f"f{position}": pa.array(columns[position], pa.string()) for position in self._recognised.positions}
        expressions = {name: name for name in ("ordinal", "row_number", "problem", "line_text")}
        expressions |= column_expressions(
            self._recognised, lambda position: f"nullif(f{position}, '')", split="problem is null"
        )
        expressions["file_id"] = str(self._file_id)
        for header, counts in self._unused.items():
            beside = [columns[position] for position in header.positions]
            values = zip(zip(*beside, strict=True) if header.beside else beside[0], self._problems, strict=True)
            counts.update(value for value, problem in values if problem is None)
        self._staging.append_arrow(self._recognised.table, pa.table(data), expressions)
        self._clear()
