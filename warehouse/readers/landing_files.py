"""What lies in the landing folder, and whether it is all there yet.

Belongs here: walking the folder, names that never count, files that are still
being written, hashing. Does not belong here: what is in a file.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.errors import RegularsError
from warehouse.readers.errors import explain_os_error
from warehouse.rights import explain_refusal

UPLOAD_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
SETTLE_SECONDS = 2.0
"""A file changed this recently may still be growing; most tools write more often than that."""


@dataclass(frozen=True)
class LandingFile:
    """One file under landing, as it was when we looked.

    ``name`` is relative to landing with ``/`` between folders. ``size_bytes`` and
    ``modified_ns`` are None if the system would not say; ``problem`` then says why.
    """

    name: str
    path: Path
    size_bytes: int | None = None
    modified_ns: int | None = None
    problem: str | None = None

    @property
    def delivered_at(self) -> datetime | None:
        """Modification time, UTC without zone, as the ledger keeps it."""
        if self.modified_ns is None:
            return None
        try:
            return datetime.fromtimestamp(self.modified_ns // 1000 / 1e6, UTC).replace(tzinfo=None)
        except (ValueError, OverflowError):
            # a clock far off the calendar; the time is only for people
            return None

    def is_unchanged(self) -> bool:
        """Whether size and time on disk are still the ones we saw."""
        now = _look(self.name, self.path)
        return (now.size_bytes, now.modified_ns) == (self.size_bytes, self.modified_ns)


@dataclass(frozen=True)
class LandingContents:
    """Files to read, sorted by name, and names that are uploads in progress."""

    files: tuple[LandingFile, ...]
    uploads: tuple[LandingFile, ...]


def list_landing(landing: Path) -> LandingContents:
    """Every file under ``landing``, recursively.

    Hidden files and spreadsheet lock files (``~$…``) are not deliveries. Names that
    upload tools use until they are done count as uploads in progress.

    Raises
    ------
    RegularsError
        If the folder does not exist or can't be listed.
    """
    if not landing.is_dir():
        raise RegularsError(f"The landing folder {landing} does not exist; create it and put sales files into it.")
    try:
        os.scandir(landing).close()
    except OSError as error:
        told = explain_refusal(landing) if isinstance(error, PermissionError) else f"{error.strerror or error}."
        raise RegularsError(f"The landing folder can't be listed: {told}") from error
    files: list[LandingFile] = []
    uploads: list[LandingFile] = []

    def keep_closed_folder(error: OSError) -> None:
        folder = Path(error.filename)
        name = _shown(folder.relative_to(landing)) + "/"
        files.append(LandingFile(name, folder, problem=f"the folder can't be listed ({error.strerror or error})"))

    for folder, subfolders, names in os.walk(landing, onerror=keep_closed_folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in names:
            if name.startswith((".", "~$")):
                continue
            path = Path(folder) / name
            seen = _look(_shown(path.relative_to(landing)), path)
            (uploads if name.lower().endswith(UPLOAD_SUFFIXES) else files).append(seen)
    return LandingContents(
        tuple(sorted(files, key=lambda file: file.name)), tuple(sorted(uploads, key=lambda file: file.name))
    )


def find_unsettled(files: Iterable[LandingFile], *, wait_seconds: float) -> set[str]:
    """Names of files that change while we look.

    Only files younger than ``SETTLE_SECONDS`` are suspects. All of them share one
    wait, so a landing folder that was just filled costs ``wait_seconds`` once.
    """
    now_ns = time.time_ns()
    window_ns = int(SETTLE_SECONDS * 1e9)
    young = [file for file in files if file.modified_ns is not None and abs(now_ns - file.modified_ns) < window_ns]
    if not young:
        return set()
    if wait_seconds <= 0:
        return {file.name for file in young}
    time.sleep(wait_seconds)
    return {file.name for file in young if not file.is_unchanged()}


def hash_file(path: Path) -> str:
    """sha256 of the bytes, in hex; reads in pieces, so any size fits."""
    with path.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _look(name: str, path: Path) -> LandingFile:
    try:
        found = path.stat()
    except OSError as error:
        return LandingFile(name, path, problem=explain_os_error(error))
    if not stat.S_ISREG(found.st_mode):
        return LandingFile(name, path, problem="it is not a regular file (a pipe, socket or device)")
    return LandingFile(name, path, found.st_size, found.st_mtime_ns)


def _shown(path: Path) -> str:
    """Make a name that any database can hold: bytes that are no UTF-8 are shown as U+FFFD."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")
