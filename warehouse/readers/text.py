"""Facts about a text file's bytes, and turning other encodings into UTF-8.

Belongs here: one pass that counts lines and checks encoding and line ends, and
transcoding into a scratch file. Does not belong here: fields, headers, values.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from warehouse.readers.errors import UnreadableFileError

CHUNK_BYTES = 4 * 1024 * 1024
_TAIL_BYTES = 64 * 1024
MAX_KEPT_LINE_BYTES = 256 * 1024 * 1024
"""A line must fit into memory; one as large as this is no line of a table."""
UTF8_BOM = codecs.BOM_UTF8


@dataclass(frozen=True)
class TextFacts:
    """What one pass over a text's bytes tells.

    ``lines`` counts physical lines up to the last one that is not blank.
    """

    lines: int
    is_utf8: bool
    has_bom: bool
    has_nul: bool
    is_evenly_ended: bool
    """Every line ends in the same way, LF or CRLF, and no CR stands alone."""
    is_cr_ended: bool
    """CR alone ends lines (old Macintosh); there is no LF at all."""


@contextmanager
def open_bytes(path: Path, *, is_gzip: bool) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file's bytes, unpacked.

    Raises
    ------
    UnreadableFileError
        If a gzip file is cut off or damaged, whenever that shows.
    """
    try:
        with gzip.open(path, "rb") if is_gzip else path.open("rb") as stream:
            yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFileError(f"the gzip file is cut off or damaged ({error}); deliver it again") from error


def read_chunks(path: Path, *, is_gzip: bool) -> Iterator[bytes]:
    """Unpacked bytes in pieces."""
    with open_bytes(path, is_gzip=is_gzip) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def read_head(path: Path, size: int, *, is_gzip: bool) -> bytes:
    """Read the first ``size`` unpacked bytes, or fewer."""
    with open_bytes(path, is_gzip=is_gzip) as stream:
        return stream.read(size)


def inspect_text(path: Path, *, is_gzip: bool) -> TextFacts:
    """Look at every byte once."""
    line_feeds = carriage_returns = pairs = 0
    is_utf8, has_nul = True, False
    decoder = codecs.getincrementaldecoder("utf-8")()
    head = tail = b""
    for chunk in read_chunks(path, is_gzip=is_gzip):
        head = head or chunk[:3]
        line_feeds += chunk.count(b"\n")
        if b"\r" in chunk:
            carriage_returns += chunk.count(b"\r")
            pairs += chunk.count(b"\r\n")
        pairs += tail.endswith(b"\r") and chunk.startswith(b"\n")
        has_nul = has_nul or b"\x00" in chunk
        if is_utf8 and (decoder.getstate()[0] or not chunk.isascii()):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_utf8 = False
        tail = (tail + chunk)[-_TAIL_BYTES:] if len(chunk) < _TAIL_BYTES else chunk[-_TAIL_BYTES:]
    if is_utf8 and decoder.getstate()[0]:
        is_utf8 = False
    is_cr_ended = line_feeds == 0 and carriage_returns > 0
    end = b"\r" if is_cr_ended else b"\n"
    blank_end = tail[len(tail.rstrip(b"\r\n")) :]
    ends = carriage_returns if is_cr_ended else line_feeds
    return TextFacts(
        lines=ends - blank_end.count(end) + 1,
        is_utf8=is_utf8,
        has_bom=head.startswith(UTF8_BOM),
        has_nul=has_nul,
        is_evenly_ended=carriage_returns == pairs and pairs in (0, line_feeds),
        is_cr_ended=is_cr_ended,
    )


def wide_encoding(head: bytes) -> str | None:
    """``utf-16`` and the like if the text has two bytes a character, with or without a BOM."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = head[: 2 * (min(len(head), 200) // 2)]
    if len(start) >= 8:
        even, odd = start[0::2], start[1::2]
        if odd.count(0) > 0.9 * len(odd) and even.count(0) == 0:
            return "utf-16-le"
        if even.count(0) > 0.9 * len(even) and odd.count(0) == 0:
            return "utf-16-be"
    return None


def transcode_wide(path: Path, target: Path, encoding: str, *, is_gzip: bool) -> None:
    """Write a UTF-16 or UTF-32 text as UTF-8.

    Raises
    ------
    UnreadableFileError
        If the bytes are not of that encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with target.open("wb") as out:
            for chunk in read_chunks(path, is_gzip=is_gzip):
                out.write(decoder.decode(chunk).encode("utf-8"))
            out.write(decoder.decode(b"", final=True).encode("utf-8"))
    except UnicodeError as error:
        raise UnreadableFileError(f"the file begins as {encoding.upper()} and then breaks off ({error})") from error


@dataclass(frozen=True)
class Transcoded:
    """How many lines were taken as what."""

    latin_lines: int
    utf8_lines: int
    """Lines that have characters beyond ASCII and are valid UTF-8."""


def transcode_latin(path: Path, target: Path, *, is_gzip: bool) -> Transcoded:
    """Write a text that is not all UTF-8 as UTF-8, deciding line by line.

    A line that decodes as UTF-8 is kept; any other is read as Windows-1252, or as
    Latin-1 where Windows-1252 has no such character. Line ends stay as they are.
    """
    latin_lines = utf8_lines = 0
    with target.open("wb") as out:
        for block in _line_blocks(path, is_gzip=is_gzip):
            if block.isascii():
                out.write(block)
                continue
            lines = block.split(b"\n")
            for position, line in enumerate(lines):
                if line.isascii():
                    continue
                try:
                    line.decode("utf-8")
                    utf8_lines += 1
                except UnicodeDecodeError:
                    lines[position] = _decode_latin(line).encode("utf-8")
                    latin_lines += 1
            out.write(b"\n".join(lines))
    return Transcoded(latin_lines, utf8_lines)


def _decode_latin(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _line_blocks(path: Path, *, is_gzip: bool) -> Iterator[bytes]:
    """Pieces that end at a line's end, the last one excepted."""
    kept: list[bytes] = []
    for chunk in read_chunks(path, is_gzip=is_gzip):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield b"".join(kept) + chunk[:cut]
            kept = [chunk[cut:]]
        else:
            kept.append(chunk)
            if sum(map(len, kept)) > MAX_KEPT_LINE_BYTES:
                raise _endless_line()
    rest = b"".join(kept)
    if rest:
        yield rest


def _endless_line() -> UnreadableFileError:
    return UnreadableFileError(
        f"it has a line of more than {MAX_KEPT_LINE_BYTES:,} bytes; that is no table. Line ends are missing"
    )


def read_lines(path: Path, *, is_gzip: bool, is_cr_ended: bool) -> Iterator[bytes]:
    """Physical lines without their ends; a CR inside a line stays."""
    if is_cr_ended:
        with open_bytes(path, is_gzip=is_gzip) as stream:
            # nothing is said of the encoding yet: a refusal quotes lines of a file that was looked at no further
            wrapped = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="\r")
            for text in wrapped:
                yield text.removesuffix("\r").encode("utf-8", "surrogateescape")
        return
    with open_bytes(path, is_gzip=is_gzip) as stream:
        while line := stream.readline(MAX_KEPT_LINE_BYTES):
            if len(line) == MAX_KEPT_LINE_BYTES:
                raise _endless_line()
            if line.endswith(b"\n"):
                line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
            yield line
