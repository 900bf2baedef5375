"""Putting a finished file in place of the published one, at once and through a crash.

Belongs here: the partial file and the one atomic rename. Does not belong here: what
is in the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.errors import PublishError
from warehouse.home import Home
from warehouse.publishing.sql import first_line
from warehouse.small_files import flush_to_disk

PARTIAL_SUFFIX = ".partial"


@contextmanager
def partial_file(home: Home, number: int, *, failure: str) -> Iterator[Path]:
    """Give a place to build in, on the published file's own file system, and leave nothing there.

    Raises
    ------
    PublishError
        In place of what the database or the disk answered (full, not writable, broken).
    """
    partial = beside(home.published, f".{number:06d}{PARTIAL_SUFFIX}")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        yield partial
    except (duckdb.Error, OSError) as error:
        raise PublishError(
            f"{failure}: {first_line(error)} ({partial.parent}). What readers see is as it was."
        ) from error
    finally:
        _remove_partial(partial)


def swap_in(home: Home, partial: Path) -> None:
    """Put the finished file in place of the published one, in one step."""
    # Read-only, because a client that opens files for writing by default would lock all
    # other readers out, and change the kept snapshot too, which is the same file.
    partial.chmod(0o444)
    flush_to_disk(partial)
    # If someone wrote to the published file all the same, their log must not be replayed onto this one.
    beside(home.published, ".wal").unlink(missing_ok=True)
    os.replace(partial, home.published)  # noqa: PTH105 -- the one atomic step, by its own name
    flush_to_disk(home.published.parent)


def sweep_partials(home: Home) -> None:
    """Remove what a crashed publication left; the refresh lock says that nobody is building now."""
    for folder in (home.published.parent, home.snapshots):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.name.endswith(PARTIAL_SUFFIX):
                    _remove_partial(path)
                elif f"{PARTIAL_SUFFIX}." in path.name:
                    path.unlink(missing_ok=True)


def _remove_partial(partial: Path) -> None:
    for path in (partial, beside(partial, ".wal")):
        path.unlink(missing_ok=True)


def beside(path: Path, suffix: str) -> Path:
    """Give the path of a file that belongs to another."""
    return path.with_name(path.name + suffix)
