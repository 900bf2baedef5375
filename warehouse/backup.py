"""A copy of a home to restore from, made while nothing else works on it.

Belongs here: what is copied, and that a backup is whole or not there. Does not belong here: restoring, which is to put
the folder somewhere and to refresh it; how long backups are kept.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.database import open_warehouse, refresh_lock
from warehouse.errors import HomeError
from warehouse.home import Home

_PARTIAL_SUFFIX = ".partial"


@dataclass
class Backup:
    """What a backup has, and what it has not."""

    folder: Path
    files: int = 0
    size_bytes: int = 0
    changing: list[str] = field(default_factory=list)
    """Files that changed or went while they were copied, and are left out."""
    landing_outside: Path | None = None
    """Where delivered files lie that belong to the home and are not in it."""


def back_up(
    home: Home, folder: Path, *, wait_seconds: float = 0.0, on_wait: Callable[[str], None] | None = None
) -> Backup:
    """Copy what a home can't make anew to ``folder``, while its lock keeps refreshes away.

    Left out are Dagster's run history, Data Docs, dbt's files, temporary files and the sample, which come anew.

    Parameters
    ----------
    folder
        A folder that does not exist yet, or an empty one; outside of the home.
    wait_seconds, on_wait
        As for :func:`warehouse.database.refresh_lock`.

    Raises
    ------
    HomeError
        If there is nothing to copy, or no place for it.
    WarehouseBusyError
        If a refresh or another program works on the home.
    OSError
        What the disk answered; nothing is left then.
    """
    root, folder = home.root.resolve(), folder.expanduser().resolve()
    if not home.warehouse.exists():
        raise HomeError(f"{home.root} has nothing to back up: there is no {home.warehouse.name} in it.")
    if folder.is_relative_to(root):
        raise HomeError(f"{folder} lies inside the home that it would be a copy of; name a folder outside of {root}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HomeError(f"{folder} exists and is not empty; name a new folder for each backup.")
    partial = folder.with_name(folder.name + _PARTIAL_SUFFIX)
    if partial.exists():
        # a backup that was killed
        shutil.rmtree(partial)
    done = Backup(folder)
    origin = home.origin_or_own()
    if not origin.landing.resolve().is_relative_to(root):
        done.landing_outside = origin.landing
    try:
        with refresh_lock(home, wait_seconds=wait_seconds, purpose="backup", on_wait=on_wait):
            # brings a log that a killed process left into the file, and tells who else has it open
            with open_warehouse(home.warehouse):
                pass
            # customers' addresses are in it
            partial.mkdir(parents=True, mode=0o700)
            _copy(root, partial, done)
        with open_warehouse(partial / home.warehouse.name, read_only=True) as copied:
            copied.execute("select count(*) from quality.load_ledger")
        os.sync()
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return done


def _copy(root: Path, to: Path, done: Backup) -> None:
    links: dict[tuple[int, int], Path] = {}
    for path in _to_copy(root):
        target = to / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(path.readlink())
            continue
        try:
            before = path.stat()
            twin = links.get((before.st_dev, before.st_ino))
            if twin is not None:
                # the published file is one of the kept snapshots
                os.link(twin, target)
                continue
            shutil.copy2(path, target)
            after = path.stat()
        except FileNotFoundError:
            after = None
        if after is None or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            # only who delivers or exports changes files now; a file that arrives is for the next backup
            target.unlink(missing_ok=True)
            done.changing.append(str(path.relative_to(root)))
            continue
        if before.st_nlink > 1:
            links[before.st_dev, before.st_ino] = target
        done.files += 1
        done.size_bytes += before.st_size


def _to_copy(root: Path) -> Iterator[Path]:
    home = Home(root)
    comes_anew = {home.scratch, home.dbt, home.data_docs, home.sample.root, home.code_memo}
    # the lock, and who holds it
    comes_anew |= set(root.glob(f"{home.lock.stem}.*")) - {home.warehouse}
    # a person may have changed the configuration; run records are written without the lock
    comes_anew |= set(home.dagster.glob("*")) - {home.dagster / "dagster.yaml"}

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path in comes_anew:
                continue
            if path.is_dir() and not path.is_symlink():
                yield from walk(path)
            else:
                yield path

    return walk(root)
