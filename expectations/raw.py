"""What must hold of the files as they were loaded, before anything is made of them.

Belongs here: deliveries, the ledger, lines that the reader could not split. Does not
belong here: what a line says (see `expectations.staging`).
"""

from __future__ import annotations

from expectations.checks import (
    Check,
    Circumstances,
    Severity,
    Suite,
    finds_no_rows,
    has_columns,
    has_rows,
    is_filled,
    is_unique,
)

LINEAGE = ("_file_name", "_row_number")

UNREADABLE_SHARE = 0.05
"""Above this share of a file's lines, the file was misread or is damaged.

The 305 daily files of the UCI history have no such line; a stray delimiter in a
description spoils one line, a wrong delimiter or a truncated file most of them.
"""

UNREADABLE_LINES = 20
"""In a file of a few lines a single slip is a large share, and no reason to stop the shop's figures."""

REDELIVER = "Correct the file and deliver it again under the same name."


def suites(circumstances: Circumstances) -> tuple[Suite, ...]:
    """List the suites of the raw layer."""
    del circumstances  # what was delivered is judged the same under any settings
    return (
        Suite(
            layer="raw",
            table="raw.transactions",
            noun="lines",
            keys=LINEAGE,
            checks=(
                has_columns(
                    (
                        *("_line_id", "_load_id", "_file_name", "_sheet", "_row_number", "_layout"),
                        *("_decimal_mark", "_loaded_at", "invoice", "stock_code", "description", "quantity"),
                        *("invoice_date", "unit_price", "customer_id", "country", "invoiced_at"),
                        *("_problem", "_line_text"),
                    ),
                    reason="Staging reads these columns by name; without one nothing after it means anything.",
                ),
                has_rows("lines", reason="An empty warehouse would be published as a shop without sales."),
                is_filled("_file_name", reason="A line that can't be traced to its file can't be corrected."),
                is_filled("_row_number", reason="A line that can't be traced to its row can't be corrected."),
                is_unique("_line_id", reason="Every later layer joins on it; a repeat would count lines twice."),
                _files_are_readable("files_are_readable", f"more than {UNREADABLE_LINES} lines", ">", "error"),
                _files_are_readable("small_files_are_readable", f"at most {UNREADABLE_LINES} lines", "<=", "warning"),
            ),
        ),
        Suite(
            layer="raw",
            table="quality.load_ledger",
            noun="deliveries",
            keys=("file_name", "load_id"),
            checks=(
                has_rows("deliveries", reason="Lines without a ledger can't be told new from already loaded."),
                finds_no_rows(
                    "ledger_equals_raw",
                    """
                    select
                        coalesce(ledger.file_name, loaded.file_name) as file_name,
                        coalesce(ledger.load_id, loaded.load_id) as load_id,
                        coalesce(ledger.delivered_lines, 0) as lines_in_ledger,
                        coalesce(loaded.lines, 0) as lines_in_raw
                    from (select * from this_table where status = 'loaded') as ledger
                    full join (
                        select _load_id as load_id, min(_file_name) as file_name, count(*) as lines
                        from raw.transactions
                        group by _load_id
                        union all
                        select _load_id, min(_file_name), count(*)
                        from raw.customers
                        group by _load_id
                        union all
                        select _load_id, min(_file_name), count(*)
                        from raw.segment_overrides
                        group by _load_id
                    ) as loaded on ledger.load_id = loaded.load_id
                    where coalesce(ledger.delivered_lines, 0) <> coalesce(loaded.lines, 0)
                    """,
                    claim="every loaded delivery has exactly the lines in raw that the ledger says",
                    fault="the ledger and raw disagree on the number of lines",
                    reason="A difference means a load was cut short, or lines were lost or loaded twice.",
                    remedy="Run a full refresh; if it stays, the warehouse file was changed by hand.",
                ),
                finds_no_rows(
                    "no_file_is_rejected",
                    """
                    select file_name, load_id, problem
                    from this_table as delivery
                    where status = 'rejected'
                        and not exists (
                            select 1 from this_table as later
                            where later.file_name = delivery.file_name and later.load_id > delivery.load_id
                        )
                    """,
                    claim="no file's latest delivery was rejected",
                    fault="files could not be loaded",
                    noun="files",
                    severity="warning",
                    reason="Their sales are missing from every figure, while the good files go on.",
                    remedy=REDELIVER,
                ),
            ),
        ),
        Suite(
            layer="raw",
            table="raw.customers",
            noun="lines",
            keys=LINEAGE,
            checks=(
                has_columns(
                    ("_line_id", "_file_name", "_sheet", "_row_number", "customer_id", "age", "gender", "location"),
                    reason="Staging reads these columns by name. The table may be empty: customer files are optional.",
                ),
            ),
        ),
        Suite(
            layer="raw",
            table="raw.segment_overrides",
            noun="lines",
            keys=LINEAGE,
            checks=(
                has_columns(
                    (
                        *("_line_id", "_load_id", "_file_name", "_sheet", "_row_number", "customer_id", "segment"),
                        *("reason", "author", "expires_on", "expires_at", "_problem", "_line_text"),
                    ),
                    reason="Staging reads these columns by name. The table may be empty: nobody has to override.",
                ),
                finds_no_rows(
                    "expiries_read_one_way_only",
                    """
                    select
                        ledger.file_name,
                        arg_min(lines.expires_on, lines._row_number) as expires_on,
                        min(lines._row_number) as row_number,
                        ledger.date_style as read_as
                    from this_table as lines
                    join quality.load_ledger as ledger on lines._load_id = ledger.load_id
                    where lines.expires_at is not null and ledger.date_style_evidence like 'assumed: %'
                    group by ledger.file_name, ledger.date_style
                    """,
                    column="expires_on",
                    claim="no file's expiries read as well with day and month exchanged",
                    fault="every expiry of a file reads as well with day and month exchanged",
                    noun="files",
                    severity="warning",
                    reason="An override may end months earlier or later than its author meant.",
                    remedy="Write the dates as YYYY-MM-DD, or set date_format under landing.sources in regulars.toml.",
                ),
            ),
        ),
    )


def _files_are_readable(name: str, extent: str, comparison: str, severity: Severity) -> Check:
    unreadable = "count(*) filter (where _problem is not null)"
    return finds_no_rows(
        name,
        f"""
        select
            _file_name as file_name,
            min(_row_number) filter (where _problem is not null) as row_number,
            {unreadable} as unreadable_lines,
            count(*) as lines,
            arg_min(_problem, _row_number) filter (where _problem is not null) as problem
        from this_table
        group by _load_id, _file_name
        having {unreadable} > {UNREADABLE_SHARE} * count(*) and {unreadable} {comparison} {UNREADABLE_LINES}
        """,
        claim=f"no file has over {UNREADABLE_SHARE:.0%} of its lines and {extent} that can't be split into fields",
        fault=f"over {UNREADABLE_SHARE:.0%} of the lines and {extent} can't be read",
        noun="files",
        severity=severity,
        reason="So many unreadable lines mean a wrong delimiter or a damaged file, and figures without it."
        if severity == "error"
        else "Few lines are set aside without harm to the figures, but the file deserves a look.",
        remedy=REDELIVER,
    )
