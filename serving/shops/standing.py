"""How one shop stands, from its published folder alone.

Belongs here: what is looked at, and that nothing found there keeps the other shops from being shown. Does not belong
here: how it looks (:mod:`serving.shops.page`).

No sentence has an amount, a customer or a value of a line in it: who may look at this page need not be let in by each
shop.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from serving.queries.health import checks_by_layer, missing_files, open_checks
from serving.shops.listing import Shop
from serving.snapshot import NoSnapshotError, SnapshotReader
from warehouse.errors import PublishError, RegularsError, SettingsError
from warehouse.freshness import Age, read_ages
from warehouse.home import Home
from warehouse.last_refresh import RefreshNote, read_last_refresh
from warehouse.settings import Freshness, load_settings
from warehouse.wording import plural

log = logging.getLogger(__name__)


@dataclass
class ShopStanding:
    """One shop, now."""

    shop: Shop
    ages: tuple[Age, ...] = ()
    """Of what is published, and of the newest delivery in it where there is a rule for that; none if unknown."""
    last_refresh: RefreshNote | None = None
    checks: int = 0
    open_checks: list[str] = field(default_factory=list)
    """Those that did not pass, by table and name; the worst first."""
    faults: list[str] = field(default_factory=list)
    """What somebody has to do something about, one sentence each."""
    remarks: list[str] = field(default_factory=list)
    """What is worth knowing, and lets figures stand."""
    is_sample: bool = False

    @property
    def state(self) -> str:
        """``broken``, ``remarks`` or ``fine``."""
        if self.faults:
            return "broken"
        return "remarks" if self.remarks else "fine"


def stand_of(shop: Shop, reader: SnapshotReader, now: datetime) -> ShopStanding:
    """Look at a shop; what can't be read of it is one of its faults."""
    found = ShopStanding(shop)
    try:
        if not shop.home.is_dir():
            found.faults.append("Its home is not there: it was moved, or its disk is not mounted.")
            return found
        home = reader.home.to_read
        limits = _limits(shop, found)
        found.last_refresh = read_last_refresh(home)
        _look(reader, found)
        _ages(home, limits, now, found)
    except NoSnapshotError:
        found.faults.append("Nothing is published yet.")
        if found.last_refresh is not None and found.last_refresh.outcome == "failed":
            found.faults.append("The newest refresh failed.")
    except (RegularsError, duckdb.Error, OSError) as error:
        # it names paths of the machine, which its log may have and a page may not
        log.warning("%s: %s", shop.name, error)
        found.faults.append("What is published, or a note beside it, can't be read. `regulars status` says why.")
    return found


def reader_of(shop: Shop) -> SnapshotReader:
    """The reader of a shop's home, to be kept from one look to the next."""
    return SnapshotReader(Home(shop.home))


def _limits(shop: Shop, found: ShopStanding) -> Freshness:
    if shop.settings is None:
        return Freshness()
    try:
        return load_settings(shop.settings).freshness
    except SettingsError as error:
        log.warning("%s: %s", shop.name, error)
        found.faults.append("Its settings can't be read, and until they are mended no refresh starts.")
        return Freshness()


def _look(reader: SnapshotReader, found: ShopStanding) -> None:
    with reader.reading() as reading:
        found.is_sample = reading.about.is_sample
        found.checks = int(checks_by_layer(reading)["checks"].sum())
        told = open_checks(reading)
        found.open_checks = [f"{one.table_name}: {one.check_name} ({one.outcome})" for one in told.itertuples()]
        failed = int((told["outcome"] != "warned").sum())
        if failed:
            found.faults.append(f"{plural(failed, 'check')} failed.")
        if len(told) > failed:
            found.remarks.append(f"{plural(len(told) - failed, 'check')} warned.")
        if missing := len(missing_files(reading)):
            found.remarks.append(f"{plural(missing, 'delivered file')} not in the figures.")
        if reading.damaged is not None:
            found.faults.append("What was published last is damaged; an older snapshot is shown.")
        if reading.stopped is not None:
            found.faults.append("The newest refresh was stopped, and figures are from before it.")
            found.faults += reading.stopped.causes


def _ages(home: Home, limits: Freshness, at: datetime, found: ShopStanding) -> None:
    try:
        published, delivered = read_ages(home, limits, at)
    except PublishError:
        # said already: an older snapshot is shown
        return
    found.ages = (published,) if delivered.limit_hours is None else (published, delivered)
    found.faults += [age.told for age in found.ages if age.is_over]
