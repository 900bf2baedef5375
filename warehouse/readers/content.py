"""What a file is, told by its first bytes and never by its name.

Belongs here: signatures of file formats. Does not belong here: reading the content.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Literal

from warehouse.readers.errors import UnreadableFileError

Format = Literal["csv", "csv.gz", "xlsx", "ods", "parquet"]

HEAD_BYTES = 64 * 1024

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"{\\rtf", "an RTF document"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EXPECTED = "expected CSV (plain or gzip), XLSX or Parquet"
_AS_CSV = (
    "; where it holds one object for each line of sales, DuckDB makes CSV of it: "
    "duckdb -c \"copy (from read_json('sales.json')) to 'sales.csv'\""
)
_ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"


def detect_format(path: Path, head: bytes) -> Format:
    """Format of a file; anything without a signature counts as text.

    Raises
    ------
    UnreadableFileError
        For formats that are known and not read.
    """
    if not head:
        raise UnreadableFileError("the file is empty (0 bytes); deliver it again, or remove it")
    if head.startswith(b"\x1f\x8b"):
        return "csv.gz"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return _detect_zip(path)
    if head.startswith(_OLE):
        raise UnreadableFileError(
            "the file is an old Excel workbook (.xls) or one locked with a password; save it as .xlsx without password"
        )
    for signature, what in _FOREIGN:
        if head.startswith(signature):
            raise UnreadableFileError(f"the file is {what}, {_EXPECTED}")
    if head[4:8] == b"\x00\x01\x00\x00" and b"Standard" in head[:24]:
        raise UnreadableFileError(f"the file is an Access database, {_EXPECTED}")
    return "csv"


def describe_text(head: bytes) -> str | None:
    """Say what a file without a signature seems to be; None if it may be a table."""
    control = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\x1a")
    if control > len(head) * 0.05:
        return "a binary file"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<"):
        return "XML"
    if start.startswith((b"{", b"[")):
        return "JSON"
    return None


def expected_instead(what: str) -> str:
    """Compose the message for a file that is something else."""
    return f"the file is {what}, {_EXPECTED}{_AS_CSV if what == 'JSON' else ''}"


def _detect_zip(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
            kind = _begin(archive, "mimetype") if "mimetype" in names else b""
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise UnreadableFileError(
            f"the workbook (or zip archive) is cut off or damaged ({error}); deliver it again"
        ) from error
    if "xl/workbook.xml" in names:
        found: Format = "xlsx"
    elif kind.startswith(_ODS_TYPE):
        found = "ods"
    elif kind.startswith(_OPEN_DOCUMENT):
        raise UnreadableFileError("the file is an OpenDocument text or drawing; save its table as .xlsx or CSV")
    elif "xl/workbook.bin" in names:
        raise UnreadableFileError("the file is a binary Excel workbook (.xlsb); save it as .xlsx")
    elif "word/document.xml" in names or "ppt/presentation.xml" in names:
        raise UnreadableFileError("the file is a Word document or a presentation; save its table as .xlsx or CSV")
    else:
        held = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        raise UnreadableFileError(f"the file is a zip archive ({held}); unpack it into landing")
    if unpacked_bytes > MAX_WORKBOOK_BYTES:
        raise UnreadableFileError(
            f"the workbook unpacks to {unpacked_bytes:,} bytes, more than the {MAX_WORKBOOK_BYTES:,} that are read; "
            "deliver it as CSV or Parquet"
        )
    return found


def _begin(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read the first bytes of a part, however much it unpacks to."""
    with archive.open(name) as part:
        return part.read(200).strip()


MAX_WORKBOOK_BYTES = 6 * 1024**3
"""A million-line sheet of eight columns unpacks to about 0.4 GB; far above that is a zip bomb."""
