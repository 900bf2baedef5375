"""What must hold of the files as they were loaded, before anything is made of them.

Belongs here: deliveries, the ledger, lines that the reader could not split. Does not
belong here: what a line says (see `expectations.staging`).
"""

from __future__ import annotations

from expectations.checks import (
    ADVICE,
    TOLD,
    Check,
    Circumstances,
    Severity,
    Suite,
    finds_no_rows,
    has_columns,
    has_rows,
    is_unique,
)
from expectations.phrases import shown
from expectations.reconciliation import records_are_complete
from warehouse.quality import MISSING_FILES

LINEAGE = ("_file_name", "_row_number")

UNREADABLE_SHARE = 0.05
"""Above this share of a file's lines, the file was misread or is damaged.

The 305 daily files of the UCI history have no such line; a stray delimiter in a
description spoils one line, a wrong delimiter or a truncated file most of them.
"""

UNREADABLE_LINES = 20
"""In a file of a few lines a single slip is a large share, and no reason to stop the shop's figures."""

REDELIVER = "Correct the file and deliver it again under the same name."

REBUILD = "Run a full refresh; if it stays, the warehouse file was changed by hand."

# a problem may end in lines to type
_REJECTED = f"""
    select
        file_name,
        load_id,
        split_part(problem, chr(10), 1) as problem,
        case when starts_with(problem, file_name) then '' else file_name || ': ' end
        || rtrim(split_part(problem, chr(10), 1), ':. ') as {TOLD},
        nullif(substr(problem, length(split_part(problem, chr(10), 1)) + 2), '') as {ADVICE}
    from ({MISSING_FILES}) as missing
    where status = 'rejected'
"""


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
                        *("_line_id", "_load_id", "_file_name", "_sheet", "_row_number", "invoice", "stock_code"),
                        *("description", "quantity", "invoice_date", "unit_price", "line_amount", "discount_amount"),
                        *("tax_amount", "currency", "status", "line_kind", "store", "customer_id", "country"),
                        *("invoiced_at", "_problem", "_line_text"),
                    ),
                    reason="Staging reads these columns by name; without one nothing after it means anything.",
                ),
            ),
        ),
        Suite(
            layer="raw",
            table="raw.sales_lines",
            noun="lines",
            keys=LINEAGE,
            checks=(
                _has_sales(),
                is_unique("_line_id", reason="Every later layer joins on it; a repeat would count lines twice."),
                _files_are_readable("files_are_readable", f"more than {UNREADABLE_LINES} lines", ">", "error"),
                _files_are_readable("small_files_are_readable", f"at most {UNREADABLE_LINES} lines", "<=", "warning"),
            ),
        ),
        Suite(
            layer="raw",
            table="raw.deliveries",
            noun="deliveries",
            keys=("_file_name", "_load_id"),
            checks=(
                has_columns(
                    (
                        *("_load_id", "_file_name", "_source", "_layout", "_profile", "_quantity_mark"),
                        *("_unit_price_mark", "_line_amount_mark", "_discount_amount_mark", "_tax_amount_mark"),
                        *("_not_sale_words", "_return_words", "_prices_include_tax", "_delivered_at", "_loaded_at"),
                        *("_first_invoiced_at", "_last_invoiced_at", "_is_export", "_tells_whole_orders"),
                    ),
                    reason="Staging reads from them how to type a file's lines.",
                ),
                finds_no_rows(
                    "every_file_of_sales_stands_once",
                    """
                    select
                        coalesce(ledger.file_name, lines.file_name, delivered.file_name) as file_name,
                        coalesce(ledger.load_id, lines.load_id, delivered.load_id) as load_id,
                        coalesce(delivered.deliveries, 0) as deliveries,
                        coalesce(lines.lines, 0) as lines_in_raw,
                        ledger.load_id is not null as is_in_ledger
                    from (
                        select _load_id as load_id, min(_file_name) as file_name, count(*) as deliveries
                        from this_table
                        group by _load_id
                    ) as delivered
                    full join (
                        select load_id, file_name from quality.load_ledger
                        where status = 'loaded' and kind = 'transactions'
                    ) as ledger on delivered.load_id = ledger.load_id
                    full join (
                        select _load_id as load_id, min(_file_name) as file_name, count(*) as lines
                        from raw.sales_lines
                        group by _load_id
                    ) as lines on coalesce(delivered.load_id, ledger.load_id) = lines.load_id
                    where ledger.load_id is null or coalesce(delivered.deliveries, 0) <> 1
                    """,
                    claim="every file of sales that the ledger has as loaded stands here once, no other, and so does "
                    "the file of every line",
                    fault="the ledger, the lines and the deliveries disagree",
                    reason="A file that stands twice doubles its lines in staging; one that is missing loses them.",
                    remedy=REBUILD,
                ),
                records_are_complete(),
                finds_no_rows(
                    "tax_is_in_all_prices_or_in_none",
                    f"""
                    select
                        'prices of ' || string_agg({shown("source")}, ', ' order by source) filter (is_in)
                        || ' include tax, those of ' || string_agg({shown("source")}, ', ' order by source)
                            filter (not is_in) || ' do not' as {TOLD}
                    from (
                        select _source as source, _prices_include_tax as is_in
                        from this_table
                        where _prices_include_tax is not null
                        group by _source, _prices_include_tax
                    ) as sources
                    having count(distinct is_in) = 2
                    """,
                    claim="the prices of all sources that say so include tax, or of none",
                    fault="sources differ in whether prices include tax",
                    noun="tables",
                    severity="warning",
                    reason="Their amounts are added up, and customers of the one look better than those of the other.",
                    remedy="Deliver all with tax or all without; prices_include_tax under [[landing.sources]] in "
                    "regulars.toml says what a source has, and changes no amount.",
                ),
            ),
        ),
        Suite(
            layer="raw",
            table="raw.unused_columns",
            noun="values",
            keys=("_file_name", "header", "value"),
            checks=(
                has_columns(
                    ("_load_id", "_file_name", "header", "role", "value", "lines"),
                    reason="Staging's checks look here for cancelled orders and for other currencies.",
                ),
                finds_no_rows(
                    "columns_are_those_of_deliveries",
                    """
                    select _file_name as file_name, header, _load_id as load_id
                    from this_table
                    where _load_id not in (select _load_id from raw.deliveries)
                    group by _load_id, _file_name, header
                    """,
                    claim="every column is one of a delivery in force",
                    fault="columns of no delivery in force",
                    noun="columns",
                    reason="A file that no longer counts would stop the run for ever.",
                    remedy=REBUILD,
                ),
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
                        from raw.sales_lines
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
                    remedy=REBUILD,
                ),
                finds_no_rows(
                    "no_file_is_rejected",
                    f"select file_name, load_id, problem, {TOLD}, {ADVICE} from ({_REJECTED}) as rejected",
                    claim="no file in landing was rejected",
                    fault="files could not be loaded",
                    noun="files",
                    severity="warning",
                    reason="Their sales are missing from every figure, while the good files go on.",
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


def _has_sales() -> Check:
    return finds_no_rows(
        "has_rows",
        # an empty warehouse has a cause, and the cause is what helps
        f"""
        select file_name, {TOLD}, {ADVICE} from ({_REJECTED}) as rejected
        where not exists (select 1 from this_table)
        union all
        select
            null,
            case
                when count(*) filter (status = 'loaded') = 0 then 'landing has no file that could be loaded'
                else 'landing has only ' || string_agg(
                    file_name || ' (' || case when kind = 'transactions' then 'a header without lines'
                        else replace(kind, '_', ' ') end || ')', ', ' order by file_name
                ) filter (status = 'loaded')
            end,
            null
        from quality.load_ledger
        where not exists (select 1 from this_table) and not exists ({_REJECTED})
        having not exists (select 1 from this_table) and not exists ({_REJECTED})
        """,
        claim="there are lines of sales",
        fault="no lines of sales at all",
        noun="reasons",
        reason="An empty warehouse would be published as a shop without sales.",
        remedy="Put a file of sales into the landing folder, or mend the one that is there.",
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
