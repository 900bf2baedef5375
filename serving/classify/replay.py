"""The warehouse's own SQL, run again on uploaded lines.

Belongs here: an empty database shaped like the warehouse, the lines in its raw tables, and
the recipe that the snapshot carries. Does not belong here: any rule of its own; every
statement that makes a table comes from the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from serving.classify.errors import NoRecipeError, UnreadableUploadError
from serving.classify.inspection import too_many_lines
from serving.classify.limits import UploadLimits
from serving.snapshot import Reading
from warehouse.errors import RegularsError
from warehouse.loading import ensure_raw_schema, read_file
from warehouse.publishing.sql import quoted
from warehouse.readers.reading import FileReading
from warehouse.settings import Settings

_DELIVERED_SCHEMA = "raw"
_REFRESH = "Run `regulars refresh` once, then upload again."
_REBUILD = "Run `regulars refresh --full` once, then upload again."


@dataclass(frozen=True)
class Step:
    """One table of the recipe; see ``quality.classification_recipe``."""

    database: str
    schema: str
    table: str
    kind: str
    depends_on: tuple[str, ...]
    sql: str
    as_of_sql: str | None

    @property
    def key(self) -> str:
        """Such as ``marts.customer_rfm``."""
        return f"{self.schema}.{self.table}"


def read_recipe(reading: Reading, targets: Sequence[str]) -> list[Step]:
    """The steps that make ``targets`` (``schema.table``) and all that they descend from, in order.

    Raises
    ------
    NoRecipeError
        If the snapshot carries no recipe, or a step of it is missing.
    """
    if not reading.has("quality.classification_recipe"):
        raise NoRecipeError(
            "The published snapshot was made by a version that did not keep how its labels are made, so nothing "
            f"can be classified by it. {_REFRESH}"
        )
    rows = reading.rows(
        'select database_name as database, schema_name as "schema", table_name as "table", kind, depends_on, sql, '
        "as_of_sql from quality.classification_recipe order by step"
    )
    found = [Step(**row | {"depends_on": tuple(row["depends_on"])}) for row in rows]
    steps = {step.key: step for step in found}
    wanted: set[str] = set()
    waiting = [*targets]
    while waiting:
        key = waiting.pop()
        if key in wanted or key.startswith(f"{_DELIVERED_SCHEMA}."):
            continue
        if key not in steps:
            raise NoRecipeError(
                f"The published snapshot does not tell how {key} was made (only part of the warehouse was built since "
                f"the program was renewed), so nothing can be classified by it. {_REBUILD}"
            )
        wanted.add(key)
        waiting.extend(steps[key].depends_on)
    return [step for key, step in steps.items() if key in wanted]


@contextmanager
def upload_database(folder: Path, name: str, limits: UploadLimits) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database called ``name`` that can reach no file outside ``folder``."""
    spill = folder / "spill"
    spill.mkdir()
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{limits.database_bytes}B",
        "temp_directory": str(spill),
        "max_temp_directory_size": f"{limits.spill_bytes}B",
        "threads": str(limits.threads),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("set TimeZone = 'UTC'")
        # the order of insertion stays: a text's lines are numbered, and blanks filled, in the order they are read
        connection.execute(f"attach ':memory:' as {quoted(name)}")
        connection.execute(f"use {quoted(name)}")
        connection.execute("set allowed_directories = [$folder]", {"folder": str(folder)})
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection
    finally:
        connection.close()


def known_profiles(reading: Reading) -> dict[str, str]:
    """What the published lines told of each source's habits: ``uci`` or ``plain`` by source.

    None of it where the snapshot was made by a version that did not look.
    """
    if not reading.has("marts.source_profiles"):
        return {}
    return {row["source"]: row["profile"] for row in reading.rows("select source, profile from marts.source_profiles")}


def load_upload(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    settings: Settings,
    limits: UploadLimits,
    *,
    read_at: datetime,
    profiles: Mapping[str, str] | None = None,
) -> FileReading:
    """Bring a file's lines into the raw tables, as a delivery's would be.

    Parameters
    ----------
    profiles
        What is known of each source's habits (:func:`known_profiles`): a few lines of a shop
        mean what all its lines mean.

    Raises
    ------
    UnreadableUploadError
        With the loader's own words, if it can't be read; if it holds no sales, or too many lines.
    """
    scratch = path.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    try:
        outcome = read_file(connection, path, settings, scratch=scratch, read_at=read_at, name=name, into="read")
    except RegularsError as error:
        raise UnreadableUploadError(str(error)) from error
    if outcome.reading.kind != "transactions":
        kind = str(outcome.reading.kind).replace("_", " ")
        raise UnreadableUploadError(
            f"{name}: it holds {kind}, not sales; upload the sales lines of the customers to be classified."
        )
    if outcome.reading.delivered_lines > limits.lines:
        raise too_many_lines(name, limits)
    # only now: what it asks of the catalog leaves a result open, and workbooks are registered on none
    ensure_raw_schema(connection)
    for table, read in (
        (f"raw.{outcome.reading.raw_table}", outcome.lines_table),
        ("raw.deliveries", outcome.deliveries_table),
        ("raw.unused_columns", outcome.unused_columns_table),
    ):
        connection.execute(f"insert into {table} by name select * from {read}")
        connection.execute(f"drop table {read}")
    profile = (profiles or {}).get(outcome.reading.source or "")
    if profile is not None:
        connection.execute("update raw.deliveries set _profile = $profile where _profile is null", {"profile": profile})
    return outcome.reading


def put_key(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """Give the recipe the key of pseudonyms that it looks for where the warehouse has it."""
    connection.execute("insert into raw.pseudonym_key values ($key)", {"key": key})


def replay(connection: duckdb.DuckDBPyConnection, steps: Sequence[Step], *, as_of: date | None) -> None:
    """Make every table of the recipe from the raw lines.

    Parameters
    ----------
    as_of
        Nothing dated on or after it is seen and recency counts to it; None for the rule
        that the snapshot was made with.
    """
    if as_of is not None:
        # a date object writes digits and dashes, whatever was typed
        connection.execute(f"set variable as_of_date = date '{as_of.isoformat()}'")
    for step in steps:
        sql = step.sql if as_of is None or step.as_of_sql is None else step.as_of_sql
        connection.execute(f"create schema if not exists {quoted(step.schema)}")
        relation = "view" if step.kind == "view" else "table"
        connection.execute(f"create {relation} {quoted(step.schema)}.{quoted(step.table)} as {sql}")
