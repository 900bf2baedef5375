"""Exports in a process that is there to be killed.

Belongs here: what that process runs. Nothing of the tests is imported, so that it leaves nothing behind in the
machine's temporary folder either.
"""

import os
import signal
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from serving.export import ExportRequest, contacts_from_book, deliver, export_audiences
from serving.export.webhook import Policy
from serving.snapshot import SnapshotReader
from warehouse.home import Home


def export_over_and_over(root: Path, parent: Path, book: Path | None, begun: Connection) -> None:
    """Replace one export by another, until the end of this process."""
    home = Home(root)
    contacts = contacts_from_book(book, home) if book else None
    begun.send(True)
    with SnapshotReader(home).reading() as reading:
        for holdout_pct in cycle((10, 20)):
            request = ExportRequest(campaign="x", holdout_pct=holdout_pct, layout="mailchimp")
            export_audiences(reading, request, parent, overwrite=True, contacts=contacts)


def export_and_die_between_the_renames(root: Path, parent: Path) -> None:
    """The old folder is out of its place, the new one not yet there."""
    rename = Path.rename

    def deadly(path: Path, target: Any) -> Path:
        if path.name == "new":
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(path, target)

    Path.rename = deadly  # type: ignore[method-assign]
    with SnapshotReader(Home(root)).reading() as reading:
        export_audiences(reading, ExportRequest(campaign="x", holdout_pct=20), parent, overwrite=True)


def export_and_deliver(root: Path, parent: Path, url: str, secret: str) -> None:
    """A campaign with its delivery."""
    with SnapshotReader(Home(root)).reading() as reading:
        exported = export_audiences(reading, ExportRequest(campaign="x"), parent)
    deliver(exported, url, secret=secret, policy=Policy(batch_customers=5, attempts=2, first_wait_seconds=0.01))
