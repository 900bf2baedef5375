"""Copies of a published snapshot with something else in them.

Belongs here: making them. Does not belong here: what is changed, and the homes themselves
(:mod:`tests.homes`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from serving.snapshot import Reading, SnapshotReader
from warehouse.home import Home


@contextmanager
def changed(home: Home, folder: Path, *statements: str) -> Iterator[Reading]:
    """A reading of a copy of the home's snapshot, made in ``folder``, after these statements."""
    copy = Home(folder / "changed")
    copy.published.parent.mkdir(parents=True)
    shutil.copyfile(home.published, copy.published)
    with duckdb.connect(str(copy.published)) as connection:
        for statement in statements:
            connection.execute(statement)
    reader = SnapshotReader(copy)
    with reader.reading() as opened:
        yield opened
    reader.close()
