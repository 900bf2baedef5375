"""What was published before: the snapshot that a new one is compared with.

Belongs here: finding that snapshot and reading one of its tables. Does not belong here:
what is compared (segments' drift in ``ml/``, audiences in ``dbt_project/``).
"""

from __future__ import annotations

import logging

import duckdb
import pandas as pd

from warehouse.home import Home
from warehouse.publishing import Snapshot, list_snapshots
from warehouse.versions import RefreshVersion

log = logging.getLogger(__name__)


def previous_snapshot(home: Home, version: RefreshVersion) -> Snapshot | None:
    """The snapshot that readers see, or the newest before it that was made from something else.

    A refresh that is repeated (``--full``, nothing new) is compared with what its first
    run was compared with, and so gives the same tables.

    Parameters
    ----------
    version
        What the refresh at work is made from.
    """
    candidates = list_snapshots(home)
    shown = next((one.publication_id for one in candidates if one.is_current), None)
    if shown is None:
        return None
    for snapshot in reversed(candidates):
        if snapshot.publication_id > shown:
            continue  # taken back by a rollback: readers don't know it
        if snapshot.publication is None:
            log.warning("%s; not compared with it", snapshot.problem)
        elif snapshot.publication.version != version:
            return snapshot
    return None


def read_previous(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot | None, table: str, columns: str = "*"
) -> pd.DataFrame | None:
    """One table of the snapshot that :func:`previous_snapshot` found.

    Parameters
    ----------
    snapshot
        Found once by each step: finding it opens every kept snapshot.
    table
        Schema and name, such as ``ml.segment_centroids``.
    columns
        What to select from it.

    Returns
    -------
    DataFrame, or None
        None if nothing was published before, or by a release that did not have the
        table or one of the columns.
    """
    if snapshot is None:
        return None
    path = str(snapshot.path).replace("'", "''")
    connection.execute(f"attach '{path}' as previous_snapshot (read_only)")
    try:
        return connection.execute(f"select {columns} from previous_snapshot.{table}").df()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        log.info("%s of publication %d is of another release: %s", table, snapshot.publication_id, error)
        return None
    finally:
        connection.execute("detach previous_snapshot")
