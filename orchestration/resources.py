"""What steps are handed: the warehouse (one run at a time) and the run's options.

Belongs here: Dagster resources. Does not belong here: anything a step does with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field, field_validator

from warehouse.database import open_warehouse, refresh_lock
from warehouse.errors import WarehouseBusyError
from warehouse.home import Home


class WarehouseResource(DuckDBResource):
    """The private DuckDB file, held for one run at a time.

    dagster-duckdb's own connection has no read-only mode, stays open after an error
    and reports a held file only after ten tries; this one closes, and names the holder.
    """

    database: str = Field(description="The private DuckDB file; the folder it lies in is the shop's home.")
    wait_seconds: float = Field(
        default=1800.0, description="How long to stand in line for another run on the same home."
    )

    @property
    def home(self) -> Home:
        """The paths of this shop's state."""
        return Home(Path(self.database).parent)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WarehouseResource]:
        """Hold the home for the length of the run."""
        run = f"run {context.run.run_id[:8]}" if context.run else "outside a run"
        log = context.log
        with refresh_lock(
            self.home,
            wait_seconds=self.wait_seconds,
            purpose=f"refresh {run}",
            on_wait=lambda holder: log.info(f"Waiting for {holder}.") if log else None,
        ):
            yield self

    @contextmanager
    def get_connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the private file.

        Raises
        ------
        dagster.RetryRequested
            If another process holds the file: the one failure that waiting can cure.
        """
        try:
            with open_warehouse(self.home.warehouse, read_only=read_only) as connection:
                yield connection
        except WarehouseBusyError as error:
            if self.wait_seconds == 0:
                raise
            raise dg.RetryRequested(max_retries=5, seconds_to_wait=30) from error


class RefreshOptions(dg.ConfigurableResource):
    """What one run does differently; set in the launchpad or on the command line."""

    as_of_date: str = Field(
        # empty and not null, because the launchpad shows only what has a value
        default="",
        description="YYYY-MM-DD: nothing dated on or after it is seen, and recency counts to it. Empty for none.",
    )
    full: bool = Field(default=False, description="Rebuild everything even if nothing is new.")
    pull: bool = Field(default=True, description="Ask the databases under landing.databases for news first.")

    @field_validator("as_of_date")
    @classmethod
    def _iso_date(cls, value: str) -> str:
        return date.fromisoformat(value).isoformat() if value else ""

    @property
    def as_of(self) -> str | None:
        """The as-of date, None if none was asked for."""
        return self.as_of_date or None
