"""What a warehouse's record of itself answers: which files are missing, how its checks came out, what comes next.

Belongs here: rules on schema ``quality`` that summary, pages, interface, report and checks share, as SQL that each
runs on the file that it has open; the clock of the record. Does not belong here: writing the record
(:mod:`warehouse.ledger`, ``expectations/results.py``), and putting answers into words.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb

MISSING_FILES = """
    select
        file_name,
        load_id,
        status,
        recorded_at,
        problem,
        exists (
            select 1 from quality.load_ledger as former
            where former.file_name = latest.file_name and former.status in ('loaded', 'already_loaded')
        ) as has_former
    from (
        -- before anything is left out: a file whose last delivery was read is mended
        select * from quality.load_ledger
        qualify row_number() over (partition by file_name order by load_id desc) = 1
    ) as latest
    -- a refused version is over, too, once the version before it was put back, or the file was taken away
    where (status = 'rejected' and superseded_by is null and is_in_landing) or status = 'in_transit'
"""
"""Files in landing whose latest delivery is not in the figures.

``file_name``, ``load_id``, ``status`` (``rejected`` or ``in_transit``), ``recorded_at`` (UTC), ``problem`` and
``has_former`` (an earlier version of the file is in use meanwhile); in no order.
"""

CHECK_RESULTS = """
    select
        results.*,
        case
            when results.status = 'passed' then 'passed'
            -- a warning lets a refresh go on, a failure stops it
            when results.status = 'failed' and results.severity = 'warning' then 'warned'
            when results.status = 'failed' then 'failed'
            -- says nothing of the data
            else 'could not run'
        end as outcome,
        -- of its layer: a refresh that was stopped early has no later layers
        results.run_id = max_by(results.run_id, (results.recorded_at, results.run_id)) over (
            partition by results.layer
        ) as is_latest
    from quality.validation_results as results
"""
"""``quality.validation_results`` with the ``outcome`` of each check, and whether it is of its layer's latest run."""

LAYER_ORDER = "list_position(['raw', 'staging', 'marts', 'ml', 'reporting'], layer)"
"""In which data flow through the layers."""

CHECKS_BY_LAYER = f"""
    select
        layer,
        run_id,
        max(recorded_at) as recorded_at,
        count(*) as checks,
        count(*) filter (outcome = 'passed') as passed,
        count(*) filter (outcome = 'warned') as warned,
        count(*) filter (outcome = 'failed') as failed,
        count(*) filter (outcome = 'could not run') as could_not_run
    from ({CHECK_RESULTS}) as results
    where is_latest
    group by layer, run_id
    order by {LAYER_ORDER}
"""
"""How the checks of each layer's latest run came out, in the order of the layers; the four add up to ``checks``."""

_MOMENTS = (
    ("quality", "load_ledger", "recorded_at"),
    ("quality", "validation_results", "recorded_at"),
    ("quality", "publications", "published_at"),
    ("increments", "built", "begun_at"),
    ("databases", "pulls", "started_at"),
)


def next_moment(con: duckdb.DuckDBPyConnection, now: datetime | None = None) -> datetime:
    """The moment, in UTC, to record something at: now, or right after the newest that is recorded.

    What is newer is told by these moments: which results of a check stand, what was loaded since it ran, which pull
    brought an order last. A machine's clock is set back, or starts in 1970 where nothing keeps it; the record's never.

    Parameters
    ----------
    con
        Open on the private warehouse.
    now
        By the machine's clock unless another is given.
    """
    there = set(
        con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
    )
    newest = [
        con.execute(f"select max({column}) from {schema}.{table}").fetchall()[0][0]
        for schema, table, column in _MOMENTS
        if (schema, table) in there
    ]
    moments = [moment.replace(tzinfo=UTC) + timedelta(microseconds=1) for moment in newest if moment is not None]
    return max([now or datetime.now(UTC), *moments])
