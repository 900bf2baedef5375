"""A private file that can't be read any more, or is gone: made anew, where nothing would be lost by it.

Belongs here: telling damage from a file that is merely held or forbidden, and whether landing still has all that the
file had. Does not belong here: loading it again, which is what a refresh does with a home that has no private file; a
damaged snapshot (:mod:`warehouse.publishing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.database import is_damage
from warehouse.errors import HomeError
from warehouse.home import Home
from warehouse.publishing.snapshots import snapshot_files
from warehouse.publishing.sql import literal
from warehouse.readers.landing_files import hash_file, list_landing
from warehouse.wording import count, plural

_MOST_NAMES = 5


def note_damage(home: Home, text: str) -> None:
    """Remember for the next refresh that some part of the private file can't be read: opening it does not tell."""
    home.damage_note.write_text(f"{text}\n")


def make_room(home: Home) -> str | None:
    """Move a damaged private file out of the way, so that loading makes it anew; call it under the home's lock.

    Returns
    -------
    str | None
        What was done, for people; None if there was nothing to do.

    Raises
    ------
    HomeError
        If the file is damaged or gone, and lines in use came from files that landing has no more. Nothing is moved.
    """
    why = _damage(home)
    is_lost = not home.warehouse.exists() and home.published.exists()
    if why is None and not is_lost:
        return None
    what = f"{home.warehouse} is {'gone' if is_lost else f'damaged ({why})'}"
    landing = home.origin_or_own().landing
    missing, lines = _missing(home, landing)
    if missing:
        names = ", ".join(missing[:_MOST_NAMES]) + (" …" if len(missing) > _MOST_NAMES else "")
        raise HomeError(
            f"{what}, and {landing} no longer has {plural(len(missing), 'file')} that it was made from, with "
            f"{count(lines)} lines: {names}. Nothing was changed, and readers keep what they see. "
            "Put these files back into landing, or restore a backup, and refresh again; "
            "or begin a new home with what is there (--home)."
        )
    told = f"{what}. Landing has every file that it was made from, so all of it is loaded and built anew."
    if why is not None:
        aside = home.warehouse.with_name(f"{home.warehouse.stem}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}.duckdb")
        # its log first: beside a file that was made anew it would be taken for that one's
        for suffix in (".wal", ""):
            path = home.warehouse.with_name(home.warehouse.name + suffix)
            if path.exists():
                path.rename(aside.with_name(aside.name + suffix))
        home.damage_note.unlink(missing_ok=True)
        told += f" The damaged one lies at {aside}; delete it once you need it no more."
    return told


def _damage(home: Home) -> str | None:
    """What is wrong with the private file; None if it can be opened, or if something else keeps it from that."""
    if not home.warehouse.exists():
        return None
    if home.damage_note.exists():
        return home.damage_note.read_text().strip()
    try:
        duckdb.connect(str(home.warehouse)).close()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        return first if is_damage(first) else None
    return None


def _missing(home: Home, landing: Path) -> tuple[list[str], int]:
    """Files whose lines readers see and that landing has under no name, and how many lines they brought."""
    in_force = next(_ledgers(home), [])
    if not in_force:
        return [], 0
    found = list_landing(landing)
    there = {hash_file(file.path) for file in (*found.files, *found.uploads)}
    missing = [(name, lines) for name, content, lines in in_force if content not in there]
    return [name for name, _ in missing], sum(lines or 0 for _, lines in missing)


def _ledgers(home: Home) -> Iterator[list[tuple[str, str, int]]]:
    """Deliveries in force by the published snapshot, or by the newest that can be read."""
    kept = sorted(snapshot_files(home), reverse=True)
    with closing(duckdb.connect(":memory:")) as con:
        for place, path in enumerate([home.published, *(path for _, path in kept)]):
            try:
                con.execute(f"attach {literal(path)} as snapshot_{place} (read_only)")
                yield con.execute(
                    f"select file_name, content_hash, loaded_lines from snapshot_{place}.quality.load_ledger "
                    "where status = 'loaded' order by file_name"
                ).fetchall()
            except duckdb.Error:
                # told by whoever reads the snapshot; the one before knows nearly as much
                continue
