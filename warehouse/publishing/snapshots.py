"""The last few snapshots, kept to go back to.

Belongs here: their files and checksums, listing them, choosing the one to put back, removing the
oldest. Does not belong here: putting one in place (:mod:`warehouse.publishing.release`).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.errors import PublishError
from warehouse.home import Home
from warehouse.publishing.files import PARTIAL_SUFFIX, beside
from warehouse.publishing.record import SNAPSHOT_NAME, Publication, attached_record, read_record
from warehouse.publishing.sql import first_line
from warehouse.settings import Keep
from warehouse.small_files import flush_to_disk

log = logging.getLogger(__name__)

KEPT_SNAPSHOTS: int = Keep.model_fields["snapshots"].default

_CHECKSUM_SUFFIX = ".sha256"

# Hard links are not to be had on some file systems, across mounts, or past a count.
_NO_HARD_LINK = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EXDEV, errno.EMLINK, errno.ENOSYS}


@dataclass(frozen=True)
class Snapshot:
    """A kept snapshot file, and what it says of itself."""

    publication_id: int
    path: Path
    size_bytes: int
    is_current: bool
    """Whether readers see this one now."""
    publication: Publication | None
    """None if the file can't be read; ``problem`` then says why."""
    problem: str | None


def list_snapshots(home: Home) -> list[Snapshot]:
    """Kept snapshots, oldest first; a damaged one is listed with its problem."""
    shown = shown_id(home)
    found = []
    with closing(duckdb.connect(":memory:")) as con:
        for number, path in snapshot_files(home):
            publication, problem = None, None
            try:
                rows = {row.publication_id: row for row in attached_record(con, path)}
                publication = rows.get(number)
                if publication is None:
                    problem = f"{path} does not name itself in quality.publications"
            except duckdb.Error as error:
                problem = f"{path} can't be read ({first_line(error)})"
            found.append(
                Snapshot(
                    publication_id=number,
                    path=path,
                    size_bytes=path.stat().st_size,
                    is_current=number == shown,
                    publication=publication,
                    problem=problem,
                )
            )
    return found


def keep_snapshot(home: Home, number: int) -> None:
    """Keep the published file under its number, a hard link or else a copy, with its checksum beside it.

    DuckDB checks a block only when it reads it, and an index perhaps never, so a file
    that opens may be damaged all the same; the checksum is what a rollback relies on.
    """
    home.snapshots.mkdir(parents=True, exist_ok=True)
    kept = home.snapshots / Path(relative_name(number)).name
    # before the file itself: a kept file always has its checksum
    summed = beside(kept, _CHECKSUM_SUFFIX + PARTIAL_SUFFIX)
    summed.write_text(f"{checksum(home.published)}  {kept.name}\n")
    flush_to_disk(summed)
    summed.replace(beside(kept, _CHECKSUM_SUFFIX))
    partial = beside(kept, PARTIAL_SUFFIX)
    partial.unlink(missing_ok=True)
    try:
        os.link(home.published, partial)
    except OSError as error:
        if error.errno not in _NO_HARD_LINK:
            raise
        shutil.copyfile(home.published, partial)
        partial.chmod(0o444)
        flush_to_disk(partial)
    partial.replace(kept)
    flush_to_disk(home.snapshots)


def sweep_snapshots(home: Home, keep: int) -> None:
    """Remove all but the newest snapshots."""
    for _, path in snapshot_files(home)[:-keep]:
        path.unlink()
        beside(path, _CHECKSUM_SUFFIX).unlink(missing_ok=True)


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_checksum(path: Path) -> str | None:
    """Give the checksum that stands beside a kept snapshot, as ``sha256sum`` writes it; None if there is none."""
    kept = beside(path, _CHECKSUM_SUFFIX)
    # of one that is empty or garbled nothing is known, either
    return next(iter(kept.read_text(errors="replace").split()), None) if kept.exists() else None


def shown_id(home: Home) -> int | None:
    """Which snapshot readers see; None if there is none, or it can't tell."""
    if not home.published.exists():
        return None
    try:
        record = read_record(home.published)
    except duckdb.Error as error:
        log.warning("%s can't be read: %s", home.published, first_line(error))
        return None
    return record[-1].shown_id if record else None


def choose_snapshot(snapshots: Sequence[Snapshot], *, to: int | None, shown: int | None) -> Snapshot:
    """Give the snapshot to put back: the one asked for, or the newest before the one that readers see.

    Raises
    ------
    PublishError
        If there is none.
    """
    if to is None:
        earlier = [snapshot for snapshot in snapshots if shown is None or snapshot.publication_id < shown]
        if not earlier:
            now = "" if shown is None else f" before {shown}, which readers see now"
            raise PublishError(f"There is no snapshot{now} to go back to. {told_available(snapshots)}")
        return earlier[-1]
    for snapshot in snapshots:
        if snapshot.publication_id == to:
            if to == shown:
                raise PublishError(f"Readers see snapshot {to} already. {told_available(snapshots)}")
            return snapshot
    raise PublishError(f"There is no snapshot {to} (any more). {told_available(snapshots)}")


def told_available(snapshots: Sequence[Snapshot]) -> str:
    """Say which snapshots could be put back."""
    able = [
        f"{snapshot.publication_id} ({snapshot.publication.published_at:%Y-%m-%d %H:%M} UTC"
        f"{', seen now' if snapshot.is_current else ''})"
        for snapshot in snapshots
        if snapshot.publication is not None
    ]
    return f"Available: {', '.join(able)}." if able else "None is available."


def snapshot_files(home: Home) -> list[tuple[int, Path]]:
    """Kept files with their numbers, oldest first."""
    if not home.snapshots.is_dir():
        return []
    named = ((SNAPSHOT_NAME.fullmatch(path.name), path) for path in home.snapshots.iterdir())
    return sorted((int(found[1]), path) for found, path in named if found)


def relative_name(number: int) -> str:
    """Name of a kept snapshot, relative to the folder of the published file."""
    return f"snapshots/regulars-{number:06d}.duckdb"
