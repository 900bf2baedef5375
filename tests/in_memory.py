"""A folder in memory for what a whole test run writes.

Belongs here: whether there is room, and sweeping up after runs that were killed. Does not belong here: what is kept
in it (``conftest.py``).

A refresh by the command waits for the disk 664 times, since DuckDB and Dagster's records have each commit written
down before they go on; and a home is 40 to 120 MB, of which two test processes make hundreds. In memory nothing is
waited for.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory that is there already."""

ROOM_BYTES = 12 * 2**30
"""Shared homes and those of modules come to some 7 GB at the end of a run; those of tests go with their tests."""
WORKING_BYTES = 4 * 2**30
"""What the tests themselves need of the memory at the least: two processes of 1 to 2 GB each."""

_PREFIX = "regulars-tests-"


def has_room(memory: Path = SHARED_MEMORY) -> bool:
    """Whether all files of a test run fit there, and leave enough to work with."""
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return False
    there = os.statvfs(memory)
    # tests run programs that they have written
    if there.f_flag & os.ST_NOEXEC or there.f_bavail * there.f_frsize < ROOM_BYTES:
        return False
    with open("/proc/meminfo", encoding="ascii") as told:
        available_kib = next(int(line.split()[1]) for line in told if line.startswith("MemAvailable:"))
    return min(available_kib * 1024, _most_of_container()) >= ROOM_BYTES + WORKING_BYTES


def _most_of_container() -> float:
    """The memory that a container may have, its files there included; infinite where nothing is said."""
    for told in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        # "max" is no limit
        if told.is_file() and (limit := told.read_text().strip()).isdecimal():
            return int(limit)
    return math.inf


class FolderInMemory:
    """A new folder there, until it is given back; what killed runs left is taken away first."""

    def __init__(self, memory: Path = SHARED_MEMORY) -> None:
        for left in memory.glob(f"{_PREFIX}*"):
            # a run that is at work holds its own; another person's is none of our business
            with suppress(Timeout, OSError), FileLock(left / "lock", timeout=0):
                shutil.rmtree(left, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=memory))
        self._lock = FileLock(self.path / "lock")
        self._lock.acquire()

    def give_back(self) -> None:
        """Take it away with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
