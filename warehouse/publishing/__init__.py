"""Write, audit, publish: how readers get a snapshot, and how an earlier one comes back.

Belongs here: building a snapshot file beside the published one, verifying it, the one
atomic rename, the record of publications, the last few snapshots and rollback. Does not
belong here: what is in the tables, whether the checks on them passed (nobody calls
:func:`publish` unless they did), and who may refresh (callers hold
:func:`warehouse.database.refresh_lock`).

What holds at every moment, through a crash or a full disk: ``published/regulars.duckdb``
is one whole snapshot. It is only ever replaced by ``os.replace``; a reader who has it
open keeps the file that it opened. A snapshot carries the whole record of publications,
its own row included, so the file says of itself what it is. The private warehouse's
``quality.publications`` is a copy of that record, written after the rename: a crash in
between loses nothing, because the next publication or rollback copies what is missing.
"""

from warehouse.publishing.building import PUBLISHED_SCHEMAS, STORAGE_VERSION
from warehouse.publishing.record import PUBLISHED, ROLLED_BACK, Publication, current_publication, last_published_version
from warehouse.publishing.release import publish, rollback
from warehouse.publishing.snapshots import KEPT_SNAPSHOTS, Snapshot, list_snapshots

__all__ = [
    "KEPT_SNAPSHOTS",
    "PUBLISHED",
    "PUBLISHED_SCHEMAS",
    "ROLLED_BACK",
    "STORAGE_VERSION",
    "Publication",
    "Snapshot",
    "current_publication",
    "last_published_version",
    "list_snapshots",
    "publish",
    "rollback",
]
