"""Parquet copies of a snapshot, for tools that can't open DuckDB.

Belongs here: writing them from the finished snapshot, the one atomic step that shows readers another set, removing old
ones. Does not belong here: what is in the tables (:mod:`warehouse.publishing.building`).

A set is a folder, ``published/parquet-sets/NUMBER/SCHEMA/TABLE.parquet``. ``published/parquet`` is a symbolic link to
the set that belongs to the published file, replaced by one rename right after that file is. A process that is killed
in between leaves the set before; what it published is not yet recorded in the private warehouse, so the next refresh
publishes again. After a rollback that was killed there, the next publication or rollback makes up for it.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

from warehouse.errors import PublishError
from warehouse.home import Home
from warehouse.publishing.files import PARTIAL_SUFFIX, beside
from warehouse.publishing.sql import literal, quoted, scratch_connection
from warehouse.small_files import flush_to_disk

KEPT_SETS = 2
"""The shown one, and the one before for who has its path."""

_NO_LINK = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS}


def write_parquet(home: Home, snapshot: Path, number: int) -> None:
    """Write the set of publication ``number`` from its finished file; readers see it after :func:`show_parquet`.

    Raises
    ------
    PublishError
        If a copy does not have the snapshot's rows, or the file system has no symbolic links.
    OSError, duckdb.Error
        What the disk answered; nothing is left then.
    """
    finished = _set_folder(home, number)
    partial = finished.with_name(finished.name + PARTIAL_SUFFIX)
    # left by a publication of the same number that was not finished
    for leftover in (partial, finished):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir(parents=True)
    try:
        _write_tables(home, snapshot, partial)
        _link(beside(home.parquet, PARTIAL_SUFFIX), finished)
        partial.rename(finished)
        flush_to_disk(home.parquet_sets)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def show_parquet(home: Home, number: int | None) -> None:
    """Show readers the set of publication ``number`` in one step, and remove older ones; all of them if it is None."""
    link = beside(home.parquet, PARTIAL_SUFFIX)
    if number is None:
        for path in (home.parquet, link):
            path.unlink(missing_ok=True)
    else:
        _link(link, _set_folder(home, number))
        os.replace(link, home.parquet)  # noqa: PTH105 -- the one atomic step, by its own name
        flush_to_disk(home.parquet.parent)
    if home.parquet_sets.is_dir():
        sets = sorted(path for path in home.parquet_sets.iterdir() if not path.name.endswith(PARTIAL_SUFFIX))
        kept = [] if number is None else sets[-KEPT_SETS:]
        for path in home.parquet_sets.iterdir():
            if path not in kept:
                shutil.rmtree(path)


def settle_parquet(home: Home, number: int) -> None:
    """Show the set of publication ``number``, which readers see, where a process was killed before it could."""
    finished = _set_folder(home, number)
    if home.parquet.is_symlink() and finished.is_dir() and home.parquet.resolve() != finished.resolve():
        show_parquet(home, number)


def _set_folder(home: Home, number: int) -> Path:
    return home.parquet_sets / f"{number:06d}"


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    try:
        # relative, so that the home can be moved
        link.symlink_to(target.relative_to(link.parent))
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        raise PublishError(
            f"{link.parent} is on a file system without symbolic links, by which Parquet copies are put in place at "
            "once: set publish.parquet = false, or move the home."
        ) from error


def _write_tables(home: Home, snapshot: Path, folder: Path) -> None:
    with scratch_connection(home) as con:
        con.execute(f"attach {literal(snapshot)} as snapshot (read_only)")
        tables = con.execute(
            """
            select
                schema_name, table_name, coalesce(tables.comment, ''),
                map_from_entries(list((column_name, columns.comment)) filter (columns.comment is not null))
            from duckdb_tables() as tables
            join duckdb_columns() as columns using (database_name, schema_name, table_name)
            where database_name = 'snapshot'
            group by all order by all
            """
        ).fetchall()
        for schema, table, comment, columns in tables:
            name = f"snapshot.{quoted(schema)}.{quoted(table)}"
            path = folder / schema / f"{table}.parquet"
            path.parent.mkdir(exist_ok=True)
            told = f"comment: {literal(comment)}, column_comments: {literal(json.dumps(columns or {}))}"
            con.execute(f"copy {name} to {literal(path)} (format parquet, compression zstd, kv_metadata {{{told}}})")
            counts = con.execute(
                f"select (select count(*) from {name}), (select count(*) from read_parquet({literal(path)}))"
            ).fetchone()
            if counts is None or counts[0] != counts[1]:
                raise PublishError(f"The Parquet copy of {schema}.{table} does not hold the snapshot's rows: {counts}.")
            path.chmod(0o444)
            flush_to_disk(path)
    for made in (*sorted(path for path in folder.iterdir()), folder):
        flush_to_disk(made)
