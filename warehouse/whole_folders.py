"""A folder of files that appears whole or not at all, also where a process is killed while it writes.

Belongs here: making one beside its place, putting it there, and clearing up after processes that died. Does not belong
here: what is in it; single files (:mod:`warehouse.small_files`).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from warehouse.small_files import flush_to_disk

_PARTIAL_SUFFIX = ".partial"
_MADE_AS = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}\.partial")
_NEW, _OLD = "new", "old"


def write_whole_folder(folder: Path, content: Mapping[str, bytes], *, is_private: bool) -> None:
    """Put files (path to bytes) in place of a folder, if there is one; ``is_private``: for their owner alone.

    Between two renames there is neither the old folder nor the new one. Who is killed just then has lost
    nothing: :func:`sweep_folders` puts the old one back.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # beside it, so that the rename stays on one file system
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    partial = made.with_name(made.name + _PARTIAL_SUFFIX)
    with held(made):
        # nobody ever sees it under this name and not held
        made.rename(partial)
        try:
            _write(partial / _NEW, content, is_private=is_private)
            replaced = partial / _OLD
            if folder.exists():
                folder.rename(replaced)
            try:
                (partial / _NEW).rename(folder)
            except OSError:
                if replaced.exists():
                    replaced.rename(folder)
                raise
            flush_to_disk(folder.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def sweep_folders(parent: Path) -> None:
    """Clear up what killed processes left below ``parent``, addresses perhaps; who is still at work is let work."""
    for partial in sorted(parent.glob(f".*{_PARTIAL_SUFFIX}")):
        found = _MADE_AS.fullmatch(partial.name)
        if found is None or not partial.is_dir():
            continue
        with held(partial) as is_ours:
            if is_ours:
                replaced, place = partial / _OLD, parent / found["name"]
                if replaced.exists() and not place.exists():
                    replaced.rename(place)
                shutil.rmtree(partial, ignore_errors=True)


def _write(folder: Path, content: Mapping[str, bytes], *, is_private: bool) -> None:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # readable by the owner alone from the first byte on
        mode = 0o600 if is_private else 0o666
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    if is_private:
        folder.chmod(0o700)


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Hold a folder until we are done or dead; False if another process does, or nothing can be held there."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        # who held it is done
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = True
        except OSError:
            is_ours = False
        yield is_ours
    finally:
        os.close(descriptor)
