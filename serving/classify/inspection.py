"""Looking into an uploaded file before any reader does.

Belongs here: what kind it is by its bytes, how much it unpacks to (told by its directory,
then counted while inflating), and what in a workbook is refused. Does not belong here:
reading lines (:mod:`warehouse.readers`).
"""

from __future__ import annotations

import gzip
import struct
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from serving.classify.errors import UnknownKindError, UnreadableUploadError, UploadTooLargeError
from serving.classify.limits import UploadLimits
from warehouse.readers.content import HEAD_BYTES, Format, detect_format
from warehouse.readers.errors import UnreadableFileError

_CHUNK = 1024 * 1024
_RELATIONS_BYTES = 4 * 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_IS_ENCRYPTED = 0x1
_HYPERLINK = "/relationships/hyperlink"


def inspect_upload(path: Path, name: str, limits: UploadLimits) -> Format:
    """Kind of a file that is safe to hand to its reader.

    Parameters
    ----------
    name
        What people know the file by; only for messages.

    Raises
    ------
    UnknownKindError
        If it is no table, or a workbook with macros, links to other files or a password.
    UploadTooLargeError
        If it unpacks to more than it may.
    UnreadableUploadError
        If it is damaged, or a text of more lines than there may be.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise UnreadableUploadError(f"{name}: the file is empty (0 bytes).")
    try:
        kind = detect_format(path, head)
    except UnreadableFileError as error:
        raise UnknownKindError(f"{name}: {error}.") from error
    if kind == "ods":
        raise UnknownKindError(f"{name}: the file is an OpenDocument spreadsheet; save it as .xlsx or CSV.")
    if kind == "xlsx":
        _inspect_workbook(path, name, limits)
    elif kind == "csv.gz":
        try:
            with gzip.open(path) as stream:
                _count_text(stream, name, path.stat().st_size, limits)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableUploadError(f"{name}: the gzip file is cut off or damaged ({error}).") from error
    elif kind == "csv":
        with path.open("rb") as plain:
            _count_text(plain, name, None, limits)
    return kind


def _count_text(stream: BinaryIO | gzip.GzipFile, name: str, packed_bytes: int | None, limits: UploadLimits) -> None:
    unpacked = line_feeds = carriage_returns = 0
    while chunk := stream.read(_CHUNK):
        unpacked += len(chunk)
        line_feeds += chunk.count(b"\n")
        carriage_returns += chunk.count(b"\r")
        if packed_bytes is not None:
            _refuse_bomb(name, unpacked, packed_bytes, limits)
        # blank lines, titles and lines inside quotes are no sales lines: the count after reading is exact
        if max(line_feeds, carriage_returns) > 2 * limits.lines:
            raise too_many_lines(name, limits)


def too_many_lines(name: str, limits: UploadLimits) -> UnreadableUploadError:
    """The one message for a file with more lines than an upload may have."""
    return UnreadableUploadError(
        f"{name}: it has more than {limits.lines:,} lines, the most that are classified at once; split it by "
        "customers, or deliver it to the warehouse."
    )


def _refuse_bomb(name: str, unpacked: int, packed: int, limits: UploadLimits) -> None:
    if unpacked > limits.unpacked_bytes:
        raise UploadTooLargeError(
            f"{name}: it unpacks to more than {limits.unpacked_bytes:,} bytes, the most that is read; "
            "split it by customers, or deliver it to the warehouse."
        )
    if unpacked > limits.unpacked_harmless_bytes and unpacked > packed * limits.unpacked_ratio:
        raise UploadTooLargeError(
            f"{name}: it unpacks to more than {limits.unpacked_ratio} times its size, which no table of sales does; "
            "save it again, uncompressed or as Parquet."
        )


# ---- workbooks -----------------------------------------------------------------


def _inspect_workbook(path: Path, name: str, limits: UploadLimits) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > limits.archive_entries:
                raise UploadTooLargeError(
                    f"{name}: the workbook holds {len(entries):,} parts, more than the {limits.archive_entries:,} "
                    "that are opened; save it again."
                )
            # first what the directory says of itself: a bomb that tells the truth costs nothing
            _refuse_bomb(name, sum(entry.file_size for entry in entries), path.stat().st_size, limits)
            _refuse_parts(name, entries)
            _count_inflated(path, name, entries, limits)
            for entry in entries:
                if entry.filename.lower().endswith(".rels"):
                    _refuse_links(name, archive, entry)
                elif entry.filename.lower() == "[content_types].xml":
                    _refuse_macro_content(name, archive, entry)
    except (zipfile.BadZipFile, EOFError, zlib.error, struct.error, NotImplementedError, ValueError) as error:
        raise UnreadableUploadError(f"{name}: the workbook is cut off or damaged ({error}).") from error


def _refuse_parts(name: str, entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        part = entry.filename.replace("\\", "/").lower()
        if entry.flag_bits & _IS_ENCRYPTED:
            raise UnknownKindError(f"{name}: the workbook is locked with a password; save it without one.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnknownKindError(f"{name}: the workbook is packed in a way that Excel does not use; save it again.")
        if "vbaproject" in PurePosixPath(part).name or part.startswith(("xl/macrosheets/", "xl/dialogsheets/")):
            raise UnknownKindError(f"{name}: the workbook holds macros, which are not opened; save it as plain .xlsx.")
        if part.startswith("xl/externallinks/"):
            raise _has_links(name)
        if part.startswith(("xl/embeddings/", "xl/activex/")):
            raise UnknownKindError(f"{name}: the workbook holds embedded objects, which are not opened; remove them.")


def _count_inflated(path: Path, name: str, entries: list[zipfile.ZipInfo], limits: UploadLimits) -> None:
    """Inflate every part and compare with what the directory says: some directories lie.

    Python's own reader stops at the size that the directory gives, other readers go on;
    so the bytes are inflated here.
    """
    total, packed = 0, path.stat().st_size
    with path.open("rb") as stream:
        for entry in entries:
            stream.seek(entry.header_offset)
            header = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
            if header[0] != b"PK\x03\x04" or header[3] != entry.compress_type:
                raise zipfile.BadZipFile(f"part {entry.filename[:80]!r} is not where the directory says")
            stream.seek(header[9] + header[10], 1)
            size = 0
            inflate = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
            left = entry.compress_size
            while left > 0 and (chunk := stream.read(min(_CHUNK, left))):
                left -= len(chunk)
                if inflate is None:
                    size += len(chunk)
                while inflate is not None and chunk and not inflate.eof:
                    size += len(inflate.decompress(chunk, _CHUNK))
                    chunk = inflate.unconsumed_tail
                    _refuse_bomb(name, total + size, packed, limits)
                if size > entry.file_size:
                    break
            if size != entry.file_size or (inflate is not None and not inflate.eof):
                raise zipfile.BadZipFile(f"part {entry.filename[:80]!r} has another size than the directory says")
            total += size
            _refuse_bomb(name, total, packed, limits)


def _refuse_links(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    for relation in _parsed(archive, entry).iter():
        # an address that a person may click is no link that a program follows
        is_external = relation.get("TargetMode", "").lower() == "external"
        if is_external and not relation.get("Type", "").endswith(_HYPERLINK):
            raise _has_links(name)


def _refuse_macro_content(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    for part in _parsed(archive, entry).iter():
        content = part.get("ContentType", "").lower()
        if "macroenabled" in content or "vbaproject" in content:
            raise UnknownKindError(f"{name}: the workbook holds macros, which are not opened; save it as plain .xlsx.")


def _has_links(name: str) -> UnknownKindError:
    return UnknownKindError(
        f"{name}: the workbook has links to other files, which are not followed; break them in Excel "
        "(Data, Edit Links) and save it again."
    )


def _parsed(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> ElementTree.Element:
    if entry.file_size > _RELATIONS_BYTES:
        raise zipfile.BadZipFile(f"part {entry.filename[:80]!r} is larger than any that Excel writes")
    content = archive.read(entry)
    # entities could blow up or name files; no workbook declares any, so none gets past here
    if b"<!" in content.replace(b"\x00", b"").replace(b"<!--", b""):
        raise zipfile.BadZipFile(f"part {entry.filename[:80]!r} declares a document type")
    try:
        return ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError as error:
        raise zipfile.BadZipFile(f"part {entry.filename[:80]!r} is no XML ({error})") from error
