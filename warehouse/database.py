"""How the pipeline's DuckDB file is opened, and who may hold it.

Belongs here: connections to the private warehouse and to the published snapshot,
the refresh lock, and the translation of DuckDB's lock error. Does not belong here:
what is written or read.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from warehouse.errors import HomeError, RegularsError, WarehouseBusyError
from warehouse.home import Home
from warehouse.rights import explain_refusal

_SIGNS_OF_DAMAGE = ("not a valid DuckDB database file", "Corrupt database file", "Could not read enough bytes from")
_SIGNS_OF_REFUSAL = ("Permission denied", "Read-only file system")
_LOCK_HOLDER = re.compile(r"Conflicting lock is held in (?P<holder>.+?)(?:\. |\.$| by user|$)")


LOOKING = "looking"
"""How the purpose begins of who holds a home only to look at it, and for less than :data:`_LOOK_SECONDS`."""

_LOOK_SECONDS = 10.0


@contextmanager
def open_warehouse(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB file and close it again, whatever happens; one that is made by it is its owner's alone.

    Who writes waits :data:`_LOOK_SECONDS` for other processes, as a refresh reads the file for its summary when its
    lock is free again. Who reads is told at once: a refresh that writes takes longer.

    Raises
    ------
    WarehouseBusyError
        If another process holds the file; its command and PID are named.
    RegularsError
        If the file is not a DuckDB database, or can't be read.
    """
    is_new = not path.exists()
    connection = _connect(path, patience_seconds=0.0 if read_only else _LOOK_SECONDS, read_only=read_only)
    try:
        if is_new:
            # customers' addresses will be in it, and the key of their pseudonyms
            path.chmod(0o600)
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _connect(path: Path, *, patience_seconds: float, read_only: bool) -> duckdb.DuckDBPyConnection:
    give_up = time.monotonic() + patience_seconds
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except duckdb.IOException as error:
            readable = as_readable_error(error, path)
            if not isinstance(readable, WarehouseBusyError) or time.monotonic() >= give_up:
                raise readable from error
            time.sleep(0.1)


def is_damage(text: str) -> bool:
    """Whether what DuckDB says is of a file whose content is not what it wrote, not of a lock, a right or a disk."""
    return any(sign in text for sign in _SIGNS_OF_DAMAGE)


def as_readable_error(error: Exception, path: Path) -> RegularsError:
    """Turn DuckDB's refusal to open ``path`` into one line that says who holds it."""
    text = str(error)
    if any(sign in text for sign in _SIGNS_OF_REFUSAL):
        return HomeError(explain_refusal(path))
    if "lock" in text.lower():
        found = _LOCK_HOLDER.search(text)
        holder = found["holder"] if found else "another process"
        return WarehouseBusyError(
            f"{path} is held by {holder}. DuckDB lets one process write and locks all others out: "
            "close it there (BI tools belong on the published snapshot) and refresh again."
        )
    return RegularsError(f"{path} can't be opened: {text.splitlines()[0]}")


@contextmanager
def refresh_lock(
    home: Home, *, wait_seconds: float = 0.0, purpose: str = "refresh", on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Let one refresh at a time work on a home; the operating system frees it if we die.

    Who only looks, as schedule and sensor do, is always waited for: a refresh from cron is not refused for it.

    Parameters
    ----------
    wait_seconds
        How long to stand in line before giving up.
    purpose
        What we are about to do, shown to those who wait for us.
    on_wait
        Called once with the holder's description if we have to stand in line.

    Raises
    ------
    WarehouseBusyError
        If the holder outlasted ``wait_seconds``; the holder is named.
    HomeError
        If a later release has changed the home.
    """
    home.refuse_newer()
    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.lock)
    holder_file = _holder_file(home)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = _describe_holder(holder_file)
        if on_wait is not None and wait_seconds > 0:
            on_wait(holder)
        try:
            lock.acquire(timeout=max(wait_seconds, _LOOK_SECONDS) if holder.startswith(LOOKING) else wait_seconds)
        except Timeout as error:
            raise WarehouseBusyError(
                f"{home.root} is in use by {_describe_holder(holder_file)}; one refresh runs at a time. "
                "Try again when it is done."
            ) from error
    try:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        holder_file.write_text(json.dumps({"pid": os.getpid(), "purpose": purpose, "since": started}))
        yield
    finally:
        holder_file.unlink(missing_ok=True)
        lock.release()


@dataclass(frozen=True)
class LockHolder:
    """Who works on a home, since when."""

    purpose: str
    process_id: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.purpose} (process {self.process_id}, since {self.since.isoformat(timespec='seconds')})"


def lock_holder(home: Home) -> LockHolder | None:
    """Who works on the home now; None if nobody does."""
    holder = _read_holder(_holder_file(home))
    if holder is None:
        return None
    # a process that was killed leaves the file, and the operating system frees the lock
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return holder
    lock.release()
    return None


def _holder_file(home: Home) -> Path:
    return home.lock.with_suffix(".holder.json")


def _read_holder(holder_file: Path) -> LockHolder | None:
    try:
        kept = json.loads(holder_file.read_text())
        return LockHolder(kept["purpose"], kept["pid"], datetime.fromisoformat(kept["since"]))
    except (OSError, ValueError, KeyError):
        # the holder is between taking the lock and saying who it is
        return None


def _describe_holder(holder_file: Path) -> str:
    return str(_read_holder(holder_file) or "another process")
