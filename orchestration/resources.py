"""What steps are handed: the warehouse and the settings (one run at a time), the run's options, and a second core.

Belongs here: Dagster resources. Does not belong here: anything a step does with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field, PrivateAttr, field_validator

from ml.beside import Beside, is_core_free
from orchestration.killed_runs import say_at_work
from warehouse.damage import make_room, note_damage
from warehouse.database import is_damage, open_warehouse, refresh_lock
from warehouse.errors import WarehouseBusyError
from warehouse.home import Home
from warehouse.settings import Settings, load_settings


class WarehouseResource(DuckDBResource):
    """The private DuckDB file, held for one run at a time.

    dagster-duckdb's own connection has no read-only mode, stays open after an error
    and reports a held file only after ten tries; this one closes, and names the holder.
    """

    database: str = Field(description="The private DuckDB file; the folder it lies in is the shop's home.")
    wait_seconds: float = Field(
        default=1800.0, description="How long to stand in line for another run on the same home."
    )

    _settings: Settings | None = PrivateAttr(default=None)

    @property
    def home(self) -> Home:
        """The paths of this shop's state."""
        return Home(Path(self.database).parent)

    @property
    def settings(self) -> Settings:
        """The settings as they were when the run began to work: who changes the file meanwhile changes the next run."""
        return self._settings or load_settings()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WarehouseResource]:
        """Hold the home for the length of the run."""
        run = f"run {context.run.run_id[:8]}" if context.run else "outside a run"
        log = context.log
        if context.run and context.instance:
            say_at_work(context.instance, context.run.run_id)
        with refresh_lock(
            self.home,
            wait_seconds=self.wait_seconds,
            purpose=f"refresh {run}",
            on_wait=lambda holder: log.info(f"Waiting for {holder}.") if log else None,
        ):
            mended = make_room(self.home)
            if mended is not None and log:
                log.warning(mended)
            self._settings = load_settings()
            try:
                yield self
            finally:
                self._settings = None

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
        except duckdb.Error as error:
            self.note_if_damaged([str(error)])
            raise

    def note_if_damaged(self, told: Iterable[str]) -> None:
        """Have the next run make the private file anew, if what a step was told is of damage to it."""
        for text in told:
            if is_damage(text):
                note_damage(self.home, text.splitlines()[0])
                return


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


class FitsBeside(dg.ConfigurableResource):
    """Fits of later steps that one step has started on another core, for the length of a run."""

    fewest_customers: int = Field(
        default=1_000,
        description="Of fewer customers one fit follows the other: a process imports for longer than it would fit.",
    )
    most_customers: int = Field(
        default=250_000,
        description="Of more customers one fit follows the other: two at once would hold some gigabytes more.",
    )
    _started: dict[str, Beside] = PrivateAttr(default_factory=dict)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[FitsBeside]:
        """End with the run whatever nobody waited for."""
        try:
            yield self
        finally:
            for fit in self._started.values():
                fit.stop()
            self._started.clear()

    def is_room_for(self, customers: int) -> bool:
        """Whether there are a core and the memory for another fit, and it would be done sooner there."""
        return is_core_free() and self.fewest_customers <= customers <= self.most_customers

    def start(self, step: str, module: str, function: str, arguments: dict[str, Any]) -> None:
        """Begin what ``step`` would do first."""
        self._started[step] = Beside(module, function, arguments)

    def take(self, step: str) -> Any:
        """The result of what was begun for ``step``, which may take a while; None if nothing was.

        Raises
        ------
        Exception
            What the fit raised.
        """
        fit = self._started.pop(step, None)
        if fit is None:
            return None
        try:
            return fit.result()
        finally:
            fit.stop()
