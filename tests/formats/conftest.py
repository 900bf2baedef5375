"""Files of shop systems, delivered and read: whole refreshes, and loads with the project's SQL alone.

Belongs here: homes and warehouses that tests of formats share. Does not belong here: what is
in the files (:mod:`tests.formats.writers`), what must be found in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.dbt_project.conftest import Dbt, dbt, environment, explain  # noqa: F401
from tests.formats.history import LAST_NEWS, History, invented
from tests.orchestration.conftest import refresh
from warehouse.home import Home
from warehouse.loading import ensure_raw_schema, load_landing
from warehouse.settings import Settings

AFTER_ALL = datetime(LAST_NEWS.year, LAST_NEWS.month, LAST_NEWS.day, 18, tzinfo=UTC) + timedelta(days=1)
"""When files were exported, unless a test says otherwise."""

COUNTED = ("path:models/staging", "+set_aside_lines", "+fct_invoices", "+fct_daily_revenue", "+customer_rfm")
"""The models that say what was sold to whom; what is fitted to that is left out."""


@dataclass(frozen=True)
class Delivery:
    """The bytes of a file and when they were written."""

    content: bytes
    written_at: datetime = AFTER_ALL

    def put(self, path: Path) -> None:
        """Write it to a path, with its time."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        os.utime(path, (self.written_at.timestamp(), self.written_at.timestamp()))


Deliveries = Mapping[str, Delivery]
"""Name in landing to what is delivered there."""


@dataclass(frozen=True)
class Workbench:
    """Loads landing folders and runs the project's SQL on them; ``seeded`` is a warehouse with seeds and no line."""

    dbt: Dbt
    seeded: Path

    def __repr__(self) -> str:
        # hypothesis prints it, and the project's manifest is megabytes
        return "Workbench()"

    def counted(self, folder: Path, batches: Sequence[Deliveries], *, since: datetime = AFTER_ALL) -> Path:
        """The warehouse after batches of deliveries came one by one, each loaded before the next, a day after it.

        Raises
        ------
        AssertionError
            With the files that were not loaded, or the models that failed.
        """
        folder.mkdir(parents=True)
        warehouse, landing = folder / "warehouse.duckdb", folder / "landing"
        warehouse.write_bytes(self.seeded.read_bytes())
        with duckdb.connect(str(warehouse)) as con:
            con.execute("set TimeZone = 'UTC'")
            for number, batch in enumerate(batches, 1):
                for name, delivery in batch.items():
                    delivery.put(landing / name)
                report = load_landing(
                    con,
                    landing,
                    Settings(),
                    loaded_at=since.replace(tzinfo=None) + timedelta(days=number),
                    scratch=folder / "scratch",
                )
                assert not report.with_status("rejected", "in_transit"), report.files
        result = self.dbt.run("run", warehouse, COUNTED, {"customer_ids": "plain"})
        assert result.success, explain(result)
        return warehouse


@pytest.fixture(scope="session")
def history() -> History:
    """Three hundred orders with everything that happens in shops. The truth of all files made of it."""
    return invented()


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Deliveries], duckdb.DuckDBPyConnection]]:
    """Whole refreshes: ``connection = refreshed(files)`` reads what was published of a landing folder with them.

    Connections are closed when the module's tests are over.
    """
    with ExitStack() as connections:

        def run(files: Deliveries) -> duckdb.DuckDBPyConnection:
            home = Home(tmp_path_factory.mktemp("formats") / "home")
            return connections.enter_context(duckdb.connect(str(published(home, files)), read_only=True))

        yield run


def published(home: Home, files: Deliveries) -> Path:
    """The snapshot of a home after more files came and it was refreshed."""
    for name, delivery in files.items():
        delivery.put(home.landing / name)
    # customers are compared with the truth by the ids that the files have
    with environment(REGULARS_SHOP__CUSTOMER_IDS="plain"):
        outcome = refresh(home)
    assert outcome.succeeded, outcome.problems
    return home.published


@pytest.fixture(scope="module")
def workbench(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Workbench:  # noqa: F811
    """A warehouse with the seeds, to begin from."""
    seeded = tmp_path_factory.mktemp("seeded") / "warehouse.duckdb"
    with duckdb.connect(str(seeded)) as con:
        ensure_raw_schema(con)
    result = dbt.run("seed", seeded, ("path:seeds",))
    assert result.success, explain(result)
    return Workbench(dbt, seeded)
