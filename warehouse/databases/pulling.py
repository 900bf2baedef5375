"""One pull of each database that the settings name.

Belongs here: the order of a pull, and that one that breaks stops no other and leaves
nothing behind. Does not belong here: when to pull (``orchestration``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.databases import state
from warehouse.databases.asking import ask
from warehouse.databases.connecting import connected
from warehouse.databases.delivery import clear_remains, compare, fetch, put_into_landing
from warehouse.databases.state import Pull
from warehouse.errors import PullError, SettingsError
from warehouse.quality import next_moment
from warehouse.settings import Database, Settings

REPLACED = ".replaced"
"""Folder beside the files of a database for those that a pull with other columns replaced; hidden from loading."""

OpenState = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
Progress = Callable[[str], None]


def pull_databases(
    open_state: OpenState,
    landing: Path,
    scratch: Path,
    settings: Settings,
    *,
    names: Collection[str] = (),
    full: bool = False,
    progress: Progress | None = None,
) -> list[Pull]:
    """Bring what is new in each database into landing; the caller holds the home.

    Parameters
    ----------
    open_state
        Opens the private warehouse. It is never open while a database is waited for.
    names
        Only these databases; all if none is named.
    full
        Everything again, whatever was pulled before.

    Returns
    -------
    list of Pull
        One each. A pull that failed has its ``problem``, and left landing and the record of
        earlier pulls as they were.

    Raises
    ------
    SettingsError
        If a name is none of the databases'.
    """
    known = [database.name for database in settings.landing.databases]
    unknown = sorted(set(names) - set(known))
    if unknown:
        listed = f"there are {', '.join(known)}" if known else "there are none: see docs/sources.md"
        raise SettingsError(f"No database under [[landing.databases]] is called {', '.join(unknown)}; {listed}.")
    scratch.mkdir(parents=True, exist_ok=True)
    return [
        _pull(open_state, landing, scratch, settings, database, full=full, tell=progress or (lambda told: None))
        for database in settings.landing.databases
        if not names or database.name in names
    ]


def _pull(
    open_state: OpenState,
    landing: Path,
    scratch: Path,
    settings: Settings,
    database: Database,
    *,
    full: bool,
    tell: Progress,
) -> Pull:
    with open_state() as con:
        state.ensure_schema(con)
        # by it the file is named, and of two files the later name holds an order's newer version
        started_at = next_moment(con).replace(tzinfo=None)
    fetched = scratch / f"pull_{database.name}.parquet"
    try:
        return _pull_or_raise(
            open_state, landing, fetched, settings, database, started_at=started_at, full=full, tell=tell
        )
    except (PullError, OSError) as error:
        problem = (
            str(error)
            if isinstance(error, PullError)
            else f"Database {database.name!r}: its rows could not be written: {error.strerror or error}"
            + (f" ({error.filename})" if error.filename else "")
        )
        failed = Pull(database.name, started_at, _now(), "failed", problem=problem)
        with open_state() as con:
            state.write_failed(con, failed)
        return failed
    finally:
        fetched.unlink(missing_ok=True)


def _pull_or_raise(
    open_state: OpenState,
    landing: Path,
    fetched: Path,
    settings: Settings,
    database: Database,
    *,
    started_at: datetime,
    full: bool,
    tell: Progress,
) -> Pull:
    folder = landing / database.name
    with open_state() as con:
        state.settle(con, database.name, landing)
        known = state.read_known(con, database.name)
    clear_remains(folder)
    tell(f"{database.name}: asking what is new")
    with connected(database) as connection:
        question = ask(connection, database, settings)
        goes_on = known is not None and known.definition == question.definition and not full
        since = known.until.back(database.look_back) if goes_on and known is not None and known.until else None
        pulled_lines = fetch(
            connection, question, since, fetched, lambda rows: tell(f"{database.name}: {rows:,} rows pulled")
        )
    with open_state() as con:
        found = compare(
            con, question, fetched, known_pull=known.pull_id if goes_on and known else None, started_at=started_at
        )
        # a pull that saw nothing goes on where the one before stood
        until = found.until or (known.until if goes_on and known else None)
        target = _free_name(folder, started_at) if found.new_lines else None
        pull = Pull(
            database.name,
            started_at,
            _now(),
            "delivered" if target else "nothing_new",
            pulled_lines=pulled_lines,
            delivered_orders=found.new_orders,
            delivered_lines=found.new_lines,
            file_name=target.relative_to(landing).as_posix() if target else None,
            notes="; ".join(found.notes) or None,
        )
        pull_id = None

        def write_down() -> None:
            nonlocal pull_id
            pull_id = state.begin(
                con,
                pull,
                definition=question.definition,
                is_complete=since is None,
                since=since,
                kind=until.kind if until else None,
                until=until,
            )

        if target is None:
            write_down()
        else:
            put_into_landing(con, question, fetched, target, delivered_at=started_at, before_rename=write_down)
            assert pull_id is not None
            state.finish(con, pull_id)
        con.execute("drop table pulled_orders")
        _set_aside(folder, landing, state.files_of_other_definitions(con, database.name))
    return pull


def _set_aside(folder: Path, landing: Path, file_names: list[str]) -> None:
    """Take files out of loading's sight whose columns are no longer those that the settings name.

    Every order of theirs has come again; read with today's mapping they would be refused.
    """
    for file_name in file_names:
        if (landing / file_name).exists():
            (folder / REPLACED).mkdir(exist_ok=True)
            (landing / file_name).rename(folder / REPLACED / Path(file_name).name)


def _free_name(folder: Path, started_at: datetime) -> Path:
    """A name that no pull had, so that nothing is replaced."""
    at = started_at
    while (path := folder / f"{folder.name}-{at:%Y%m%dT%H%M%S%f}Z.parquet").exists():
        at += timedelta(microseconds=1)
    return path


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
