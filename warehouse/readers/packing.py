"""Packed deliveries: what a file is packed in, and a scratch copy of the one table inside.

Belongs here: telling archives by their bytes, unpacking them within bounds, and what to
do about those that are not unpacked. Does not belong here: gzip around a text, which
DuckDB reads as it is, and what the unpacked bytes are (:mod:`warehouse.readers.content`).
"""

from __future__ import annotations

import bz2
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from warehouse.readers.errors import UnreadableFileError, first_line, is_disk_full

Packing = Literal["bz2", "xz", "zst", "zip"]

MAX_UNPACKED_BYTES = 6 * 1024**3
HARMLESS_BYTES = 256 * 1024**2
MAX_RATIO = 200
"""Unpacked to packed, beyond ``HARMLESS_BYTES``. Sales lines reach 5 to 30, a bomb a thousand and more."""

_SIGNATURES: tuple[tuple[bytes, Packing], ...] = (
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
_NAMES: dict[Packing, str] = {"bz2": "bzip2 file", "xz": "xz file", "zst": "zstd file", "zip": "zip archive"}
_CHUNK_BYTES = 4 * 1024 * 1024
_IS_ENCRYPTED = 0x1
# what Windows, macOS and Excel put beside the files
_LITTER = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")


def detect_packing(path: Path, head: bytes) -> Packing | None:
    """Tell what a file is packed in; None for plain files, gzip and workbooks (which are zips of their own)."""
    for signature, packing in _SIGNATURES:
        if head.startswith(signature):
            return packing
    if head.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(path) as archive:
                return None if _is_document(archive.namelist()) else "zip"
        except (zipfile.BadZipFile, EOFError, ValueError):
            # whoever reads it as a workbook says that it is damaged
            return None
    return None


def unpack(path: Path, packing: Packing, target: Path) -> str | None:
    """Write the one file inside to ``target``.

    Returns
    -------
    str or None
        Its name inside the archive; None where the packing keeps no name.

    Raises
    ------
    UnreadableFileError
        If it is damaged, locked, holds several files or none, or unpacks to more than any
        delivery has.
    OSError
        If the copy can't be written.
    """
    if packing == "zip":
        return _unpack_zip(path, target)
    limit = _limit(path.stat().st_size)
    with target.open("wb") as out:
        for chunk in _bounded(_chunks(path, packing), limit, _NAMES[packing]):
            out.write(chunk)
    return None


def _is_document(names: list[str]) -> bool:
    return any(name in names for name in ("[Content_Types].xml", "mimetype", "xl/workbook.xml", "xl/workbook.bin"))


def _unpack_zip(path: Path, target: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = _the_one_file(archive)
            with archive.open(inside) as stream, target.open("wb") as out:
                # against what is packed of this one file: the archive's size would let its neighbours vouch for it
                for chunk in _bounded(_read(stream), _limit(inside.compress_size), _NAMES["zip"]):
                    out.write(chunk)
            return inside.filename
    except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, ValueError, NotImplementedError) as error:
        raise UnreadableFileError(
            f"the zip archive is damaged, or packed in a way that is not read ({first_line(error)}); "
            "deliver the file inside it instead"
        ) from error


def _the_one_file(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
    if len(files) != 1:
        held = ", ".join(entry.filename for entry in files[:3]) + (" …" if len(files) > 3 else "")
        told = f"holds {len(files)} files ({held})" if files else "holds no file"
        raise UnreadableFileError(f"the file is a zip archive that {told}; unpack it into landing")
    if files[0].flag_bits & _IS_ENCRYPTED:
        raise UnreadableFileError("the zip archive is locked with a password; unpack it into landing")
    return files[0]


def _is_litter(name: str) -> bool:
    lowered = name.replace("\\", "/").lower()
    base = PurePosixPath(lowered).name
    return lowered.startswith(_LITTER[0]) or base in _LITTER or base.startswith((".", "~$"))


def _chunks(path: Path, packing: Packing) -> Iterator[bytes]:
    """Unpacked bytes in pieces."""
    try:
        with _opened(path, packing) as stream:
            yield from _read(stream)
    except (EOFError, OSError, lzma.LZMAError, ValueError) as error:
        if isinstance(error, FileNotFoundError | PermissionError) or is_disk_full(error):
            raise
        raise UnreadableFileError(
            f"the {_NAMES[packing]} is cut off or damaged ({first_line(error)}); deliver it again"
        ) from error


def _opened(path: Path, packing: Packing) -> IO[bytes] | Any:
    if packing == "bz2":
        return bz2.open(path, "rb")
    if packing == "xz":
        return lzma.open(path, "rb")
    # Python's own zstd came with version 3.14
    import pyarrow as pa

    return pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd")


def _read(stream: IO[bytes] | Any) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def _bounded(chunks: Iterator[bytes], limit: int, what: str) -> Iterator[bytes]:
    unpacked = 0
    for chunk in chunks:
        unpacked += len(chunk)
        if unpacked > limit:
            raise UnreadableFileError(
                f"the {what} unpacks to more than {limit:,} bytes, which no delivery of its size does; "
                "deliver the file inside it instead"
            )
        yield chunk


def _limit(packed_bytes: int) -> int:
    return min(MAX_UNPACKED_BYTES, max(HARMLESS_BYTES, MAX_RATIO * packed_bytes))
