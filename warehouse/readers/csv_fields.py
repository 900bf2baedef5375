"""Splitting one line of delimited text, and finding delimiter and header at a file's start.

Belongs here: the one grammar that the careful reader follows, which is the one
DuckDB's strict reader follows. Does not belong here: reading whole files.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.readers.errors import HeaderError, UnreadableFileError
from warehouse.readers.header_words import guess_columns
from warehouse.readers.headers import recognise
from warehouse.readers.layouts import Recognised
from warehouse.settings import Settings

DELIMITERS = (",", ";", "\t", "|")
HEADER_WITHIN_LINES = 30
"""Exports put a title or a few lines about the report above the header; some, a page of them."""


class OpenQuoteError(ValueError):
    """A quote is opened and not closed within the text."""


class StrayQuoteError(ValueError):
    """A quoted field goes on after its closing quote."""


class UnknownDialectError(UnreadableFileError):
    """No line near the beginning is a known header; ``error`` tells of the nearest one and where it is."""

    def __init__(self, error: HeaderError, delimiter: str, line_number: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.delimiter = delimiter
        self.line_number = line_number


@dataclass(frozen=True)
class Dialect:
    """How a file separates fields and where its header is (lines count from 1)."""

    delimiter: str
    header_line: int
    recognised: Recognised

    @property
    def width(self) -> int:
        """Number of headers."""
        return len(self.recognised.headers)

    @property
    def is_unquoted(self) -> bool:
        """Whether quotes are part of the text; a program that has written commas or semicolons instead quotes."""
        export = self.recognised.layout.export
        return export is not None and export.is_unquoted and self.delimiter == "\t"


def split_fields(line: str, delimiter: str) -> list[str]:
    """Split one record into its fields.

    A field in double quotes may hold delimiters and line ends, a doubled quote
    stands for one; one space before it and any after it don't count. A quote inside an
    unquoted field (``12" RULER``) is itself.

    Raises
    ------
    OpenQuoteError
        If the record ends inside quotes.
    StrayQuoteError
        If text follows a closing quote.
    """
    if '"' not in line:
        return line.split(delimiter)
    fields: list[str] = []
    position, length = 0, len(line)
    while True:
        start = position
        if line.startswith(' "', position):
            position += 1
        if position < length and line[position] == '"':
            value = ""
            while True:
                close = line.find('"', position + 1)
                while close >= 0 and line[close + 1 : close + 2] == '"':
                    close = line.find('"', close + 2)
                if close < 0:
                    raise OpenQuoteError
                value += line[position + 1 : close].replace('""', '"')
                position = close + 1
                while position < length and line[position] == " ":
                    position += 1
                if position == close + 1 or line[position : position + 1] != '"':
                    break
                # "5" "PLATE": quotes reopened after a space go on with the same field
                value += line[close + 1 : position]
            fields.append(value)
            if position < length and line[position] != delimiter:
                raise StrayQuoteError
        else:
            end = line.find(delimiter, start)
            position = length if end < 0 else end
            fields.append(line[start:position])
        if position >= length:
            return fields
        position += 1


def find_header(head: str, file_name: str, settings: Settings) -> Dialect:
    """Find the line and the delimiter that make a known header.

    Parameters
    ----------
    head
        The beginning of the text.
    file_name
        Name relative to landing; mappings and customers files go by it.

    Raises
    ------
    UnknownDialectError
        If no line near the beginning is a known header; it is about the line that comes
        nearest.
    UnreadableFileError
        If there are blank lines only, or a mapping can't work.
    """
    lines = head.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:HEADER_WITHIN_LINES]
    nearest: tuple[tuple[int, int, int, int], UnknownDialectError] | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        for delimiter in DELIMITERS:
            try:
                headers = split_fields(line.removeprefix("\ufeff"), delimiter)
            except ValueError:
                continue
            try:
                recognised = recognise(headers, file_name, settings)
            except HeaderError as error:
                rank = (error.nearness, len(guess_columns(headers)), -number, len(headers))
                if nearest is None or rank > nearest[0]:
                    nearest = (rank, UnknownDialectError(error, delimiter, number))
                continue
            if recognised.mapping and recognised.mapping.delimiter not in (None, delimiter):
                continue
            return Dialect(delimiter, number, recognised)
    if nearest is None:
        raise UnreadableFileError("the file holds blank lines only; deliver it again, or remove it")
    raise nearest[1]
