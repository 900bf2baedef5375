"""What the tables were made from: whether they can take in what is new, and whether they may be published.

Belongs here: the schema ``increments`` of the private file as far as it outlives a refresh: what the tables
were made from, and which deliveries differ since. Does not belong here: how a table takes in what is
new (``dbt_project/macros/increments.sql``).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import duckdb

from warehouse.quality import CHECKS_BY_LAYER, next_moment
from warehouse.versions import RefreshVersion
from warehouse.wording import count, plural

MOST_TOUCHED = 0.25
"""With more of the lines touched than this part of them, making everything anew is the shorter way."""

# Grain of built: one row, once staging was begun. Of built_deliveries: one delivery as it was then. Of deliveries: one
# that differs since the build before.
_SCHEMA = """
    create schema if not exists increments;
    create table if not exists increments.built (
        run_id varchar not null,
        -- UTC
        begun_at timestamp not null,
        data_version varchar not null,
        settings_fingerprint varchar not null,
        code_fingerprint varchar not null,
        as_of_date varchar,
        -- whether this run's tables take in what is new
        is_increment boolean not null,
        -- whether all tables were made to the last
        is_whole boolean not null,
        -- whether some were made by themselves since
        is_mixed boolean not null
    );
"""

_DIFFERING_DELIVERIES = """
    create or replace table increments.deliveries as
    select _load_id as load_id from (
        (from raw.deliveries except all from increments.built_deliveries)
        union all
        (from increments.built_deliveries except all from raw.deliveries)
    )
    group by _load_id
"""

# how an order is keyed, and what its letters mean, hangs on what systems there are
_SOURCES = "select distinct _source, _layout, _profile, _is_export, _tells_whole_orders from {}"


class BuildPlan(NamedTuple):
    """How a refresh makes its tables."""

    is_increment: bool
    """Whether tables take in what is new."""
    reason: str
    """One sentence for the log."""


def begin_build(
    con: duckdb.DuckDBPyConnection,
    version: RefreshVersion,
    run_id: str,
    *,
    full: bool,
    most_touched: float = MOST_TOUCHED,
) -> BuildPlan:
    """Decide how the tables of this run are made, and note what they are made from.

    Until :func:`end_build` the tables count as half made, so whatever stops the run, the next one makes all anew.
    """
    con.execute(_SCHEMA)
    con.execute("begin transaction")
    try:
        asked = BuildPlan(is_increment=False, reason="Everything is built, as asked.")
        plan = asked if full else _plan(con, version, most_touched)
        begun_at = next_moment(con)
        con.execute("delete from increments.built")
        con.execute(
            "insert into increments.built values (?, ?, ?, ?, ?, ?, ?, false, false)",
            [
                *(run_id, begun_at.replace(tzinfo=None), version.data_version, version.settings_fingerprint),
                *(version.code_fingerprint, version.as_of_date, plan.is_increment),
            ],
        )
        con.execute("create or replace table increments.built_deliveries as from raw.deliveries")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return plan


def is_increment_of(con: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether the tables of this run, whose staging was begun in it, take in what is new."""
    con.execute(_SCHEMA)
    row = con.execute("select is_increment from increments.built where run_id = ?", [run_id]).fetchone()
    return bool(row and row[0])


def end_build(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Note that all tables of this run were made; does nothing for a run that began no build."""
    con.execute("update increments.built set is_whole = true where run_id = ?", [run_id])


def note_made_alone(con: duckdb.DuckDBPyConnection) -> None:
    """Note that some tables are made by themselves: no other knows what they have taken in since."""
    con.execute(_SCHEMA)
    con.execute("update increments.built set is_mixed = true")


def note_half_made(con: duckdb.DuckDBPyConnection) -> None:
    """Note that tables which were to be made by themselves were not made to the last."""
    con.execute("update increments.built set is_whole = false")


def why_unpublishable(con: duckdb.DuckDBPyConnection, version: RefreshVersion, layers: Collection[str]) -> str | None:
    """Why the tables must not go before readers as what the deliveries of now say; None if they may.

    They have to be made from these deliveries under this code and these settings, to the last of them, and the
    newest results of the checks of each of ``layers`` have to be of them, and no failure.
    """
    if not _has_table(con, "increments", "built") or not _has_table(con, "quality", "validation_results"):
        return "nothing tells what the tables were made from, and how they were checked"
    row = con.execute(
        "select data_version, settings_fingerprint, code_fingerprint, as_of_date, is_whole, begun_at "
        "from increments.built"
    ).fetchone()
    if row is None:
        return "nothing was built yet"
    *made_from, is_whole, begun_at = row
    if RefreshVersion(*made_from) != version:
        return "the tables were made from other deliveries, settings or code than those of now"
    if not is_whole:
        return "the tables were not made to the last"
    loaded = con.execute("select max(recorded_at) from quality.load_ledger").fetchone()
    checked = {layer: told for layer, *told in con.execute(CHECKS_BY_LAYER).fetchall()}
    for layer in layers:
        _, checked_at, _, _, _, failed, could_not_run = checked.get(layer, [None] * 7)
        # what was loaded is checked before anything is made of it
        made_at = loaded[0] if layer == "raw" and loaded is not None else begun_at
        if checked_at is None or checked_at < made_at:
            return f"the checks of layer {layer} have not been run on these tables"
        if failed or could_not_run:
            return f"the checks of layer {layer} did not pass"
    return None


def changed_rows(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows that this build took away or put in, by table; one that is made anew is not among them."""
    # one look into the catalogue, which counts every table's rows each time that it is asked
    names = con.execute(
        """
        select table_name from duckdb_tables()
        where database_name = current_database() and schema_name = 'increments' and not starts_with(table_name, 'built')
        """
    ).fetchall()
    counts = " union all ".join(f"select '{name}', count(*) from increments.\"{name}\"" for (name,) in names)
    return dict(con.execute(counts).fetchall()) if names else {}


def _has_table(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = ? and table_name = ?",
        [schema, table],
    )
    return found.fetchone() is not None


def _plan(con: duckdb.DuckDBPyConnection, version: RefreshVersion, most_touched: float) -> BuildPlan:
    row = con.execute(
        "select settings_fingerprint, code_fingerprint, as_of_date, is_whole, is_mixed from increments.built"
    ).fetchone()
    anew = _why_anew(con, row, version)
    if anew is not None:
        return BuildPlan(is_increment=False, reason=f"Everything is built: {anew}.")
    con.execute(_DIFFERING_DELIVERIES)
    touched, lines = con.execute(
        """
        select
            count(*) filter (_load_id in (from increments.deliveries)),
            count(*)
        from raw.sales_lines
        """
    ).fetchone() or (0, 0)
    deliveries = con.execute("select count(*) from increments.deliveries").fetchone()
    news = plural(deliveries[0] if deliveries else 0, "delivery", "deliveries")
    if touched > most_touched * lines:
        return BuildPlan(
            is_increment=False,
            reason=f"Everything is built: {news} with {count(touched)} of {count(lines)} lines came or changed.",
        )
    return BuildPlan(
        is_increment=True,
        reason=f"Built is what is touched by {news} with {count(touched)} of {count(lines)} lines.",
    )


def _why_anew(
    con: duckdb.DuckDBPyConnection, built: tuple[str, str, str | None, bool, bool] | None, version: RefreshVersion
) -> str | None:
    if built is None:
        return "nothing was built yet"
    settings, code, as_of, is_whole, is_mixed = built
    if not is_whole:
        return "the last build did not come to its end"
    if is_mixed:
        return "some tables were made by themselves"
    if code != version.code_fingerprint:
        return "the program was renewed"
    if settings != version.settings_fingerprint:
        return "the settings changed"
    if as_of != version.as_of_date:
        return "the as-of date changed"
    before, now = (
        set(con.execute(_SOURCES.format(table)).fetchall())
        for table in ("increments.built_deliveries", "raw.deliveries")
    )
    if before != now:
        return "there are other sources than before"
    return None
