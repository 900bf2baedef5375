"""Whether a refresh would find anything new, told in a second and without the pipeline.

Belongs here: comparing landing, ledger and settings with the last publication. Does not belong here:
loading what is new, and building from it.
"""

from __future__ import annotations

import logging

import duckdb

from warehouse.database import LOOKING, open_warehouse, refresh_lock
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.ledger import Ledger, active_content_hashes, read_ledger, read_withdrawal_candidates
from warehouse.loading import scan_files
from warehouse.pseudonyms import copied_key, key_check, published_key_check, read_key
from warehouse.publishing import last_published_version
from warehouse.publishing.snapshots import shown_id
from warehouse.readers.landing_files import list_landing
from warehouse.settings import Settings
from warehouse.versions import RefreshVersion
from warehouse.withdrawals import find_withdrawn

log = logging.getLogger(__name__)


def is_all_published(home: Home, settings: Settings, as_of_date: str | None) -> bool:
    """Whether a refresh would write nothing and publish nothing; nothing is written to the warehouse.

    True only where that is certain. Whatever else there is to do, to wait for or to tell is left to the
    refresh, which does and tells it as ever: a home that another process works on, a file that still
    arrives or has left landing, an earlier run that was killed, a comparison that fails.
    """
    origin = home.origin()
    killed = home.warehouse.with_name(f"{home.warehouse.name}.wal")
    if origin is None or not home.warehouse.exists() or not home.published.exists() or killed.exists():
        return False
    try:
        listed = list_landing(origin.landing)
        present = {file.name for file in (*listed.files, *listed.uploads)}
        # files are hashed after the home is let go: a gigabyte takes a second
        with (
            refresh_lock(home, purpose=f"{LOOKING} for news"),
            open_warehouse(home.warehouse, read_only=True) as connection,
        ):
            version = RefreshVersion.of(active_content_hashes(connection), settings, as_of_date, memo=home.code_memo)
            if not is_published(connection, home, version):
                return False
            if settings.shop.customer_ids == "pseudonyms":
                key = read_key(home)
                if key is None or key != copied_key(connection) or is_key_new(home, key):
                    return False
            ledger = read_ledger(connection)
            if not _knows_presence(ledger, present):
                return False
            if find_withdrawn(connection, read_withdrawal_candidates(connection, ledger, present)):
                return False
        scan = scan_files(listed.files, ledger, settings)
        # what changed while it was looked at may have been hashed in between
        return not scan.has_news and not scan.in_transit and list_landing(origin.landing) == listed
    except (RegularsError, duckdb.Error) as error:
        log.info("Could not be compared with the last publication: %s", error)
        return False


def is_published(connection: duckdb.DuckDBPyConnection, home: Home, version: RefreshVersion) -> bool:
    """Whether the newest publication was made from the same, and readers have a snapshot that can be read."""
    return last_published_version(connection) == version and shown_id(home) is not None


def is_key_new(home: Home, key: str) -> bool:
    """Whether what readers see has pseudonyms of another key: it makes others of the same files."""
    published = published_key_check(home)
    return published is not None and key_check(key) != published


def _knows_presence(ledger: Ledger, present: set[str]) -> bool:
    """Whether the ledger has nothing in transit and tells of landing what is so."""
    entries = ledger.by_id.values()
    there = {ledger.latest[name].load_id for name in present if name in ledger.latest}
    return there == {entry.load_id for entry in entries if entry.is_in_landing} and not any(
        entry.status == "in_transit" for entry in entries
    )
