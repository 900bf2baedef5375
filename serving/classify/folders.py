"""One temporary folder per upload, gone with its answer.

Belongs here: making it, removing it, and removing those that a killed server left; the names of the files in which
the one who asks and the process that reads hand things over. Does not belong here: what is put into them.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

JOB, ANSWER, REFUSAL = "job.json", "answer.json", "refusal.json"
REFUSED = 3
"""Exit code: the reason is in :data:`REFUSAL`."""
TABLES = ("customers", "segments", "set_aside", "accounting")
"""Parts of the answer that are tables, each in a file of its own."""
_PREFIX = "upload-"


@contextmanager
def upload_folder(scratch: Path) -> Iterator[Path]:
    """A new folder below ``scratch`` that nobody else may read; removed whatever happens.

    A lock beside it, which the operating system frees if we die, tells that it is in use.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    folder = scratch / f"{_PREFIX}{uuid.uuid4().hex}"
    # the lock comes first: a folder without one that is held has lost its owner
    lock = FileLock(_lock_of(folder), thread_local=False)
    lock.acquire()
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        lock.release()
        _lock_of(folder).unlink(missing_ok=True)


def sweep(scratch: Path) -> int:
    """Remove folders whose owner was killed; returns how many."""
    swept = 0
    for folder in sorted(scratch.glob(f"{_PREFIX}*/")):
        lock = FileLock(_lock_of(folder), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
        finally:
            lock.release()
            _lock_of(folder).unlink(missing_ok=True)
    return swept


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
