"""What must hold of the typed lines before money is counted.

Belongs here: completeness against raw, values so far out that one line would change
every figure, files whose values did not survive typing. Does not belong here: which
lines count (dispositions are dbt's), and rules that dbt tests row by row.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from expectations.checks import Check, Circumstances, Severity, Suite, finds_no_rows, has_rows, is_filled, is_unique
from expectations.raw import LINEAGE as RAW_LINEAGE
from expectations.raw import REDELIVER, UNREADABLE_LINES

LINEAGE = tuple(name.removeprefix("_") for name in RAW_LINEAGE)

QUANTITY_LIMIT_UNITS = 1_000_000
"""Twelve times the largest true quantity known: 80,995 paper birdies, bought and cancelled within minutes."""

UNIT_PRICE_LIMIT = 1_000_000
"""Twenty-five times the largest true price known: 38,970.00, a manual correction."""

LINE_AMOUNT_LIMIT = 1_000_000
"""Six times the largest true line known, 168,469.60. The UCI history's 373 days come to 9.7 million in all,
so that one line above this is a typing slip that would be a tenth of all revenue and the best customer there is."""

LOST_VALUES_SHARE = 0.05
"""Above this share of a file's lines with a value that would not type, the file's number or date style was misread."""

EARLIEST_SALE = date(1990, 1, 1)
"""Spreadsheets write 1899, 1900 or 1904 for an empty date, computers 1970; no till roll in a CSV is older than this."""

ANONYMOUS_SHARE = 0.75
"""A quarter of the UCI lines have no customer; three quarters mean that the column is another one or empty."""

SEVERAL_CUSTOMERS_SHARE = 0.001
"""None of the 25,900 UCI invoices has two customers; a few may be corrections, more mean reused numbers."""


def suites(circumstances: Circumstances) -> tuple[Suite, ...]:
    """List the suites of the staging layer."""
    return (
        Suite(
            layer="staging",
            table="staging.stg_transactions",
            noun="lines",
            keys=LINEAGE,
            checks=(
                has_rows("lines", reason="Every other check passes on an empty table."),
                _one_row_per_delivered_line("raw.transactions"),
                is_filled("file_name", reason="A line that can't be traced to its file can't be corrected."),
                is_filled("row_number", reason="A line that can't be traced to its row can't be corrected."),
                is_unique("delivered_line_id", reason="Dispositions are one per line; a repeat would count it twice."),
                finds_no_rows(
                    "quantity_is_plausible",
                    f"""
                    select file_name, row_number, quantity_units, invoice_no, stock_code
                    from this_table
                    where is_readable and abs(quantity_units::bigint) > {QUANTITY_LIMIT_UNITS}
                    """,
                    column="quantity_units",
                    claim=f"quantity_units is within ±{QUANTITY_LIMIT_UNITS:,}",
                    fault=f"quantity_units outside ±{QUANTITY_LIMIT_UNITS:,}",
                    reason="The largest true quantity known is 80,995; more than twelve times that is a typing slip "
                    "that changes every figure.",
                    remedy=REDELIVER,
                ),
                finds_no_rows(
                    "unit_price_is_plausible",
                    f"""
                    select file_name, row_number, unit_price, invoice_no, stock_code
                    from this_table
                    where is_readable and abs(unit_price) > {UNIT_PRICE_LIMIT}
                    """,
                    column="unit_price",
                    claim=f"unit_price is within ±{UNIT_PRICE_LIMIT:,}",
                    fault=f"unit_price outside ±{UNIT_PRICE_LIMIT:,}",
                    reason="The largest true price known is 38,970.00; more than twenty-five times that is a misread "
                    "decimal mark.",
                    remedy=REDELIVER,
                ),
                finds_no_rows(
                    "line_amount_is_plausible",
                    f"""
                    select
                        file_name,
                        row_number,
                        round(quantity_units::double * unit_price::double, 2) as amount,
                        quantity_units,
                        unit_price
                    from this_table
                    where is_readable and abs(quantity_units::double * unit_price::double) > {LINE_AMOUNT_LIMIT}
                    """,
                    claim=f"quantity times price is within ±{LINE_AMOUNT_LIMIT:,}",
                    fault=f"quantity times price outside ±{LINE_AMOUNT_LIMIT:,}",
                    reason="The largest true line known is 168,469.60; one line of a million would be the best "
                    "customer there is.",
                    remedy=REDELIVER,
                ),
                finds_no_rows(
                    "date_is_plausible",
                    f"""
                    select file_name, row_number, invoiced_at, invoice_no
                    from this_table
                    where is_readable and (
                        invoiced_at < timestamp '{EARLIEST_SALE:%Y-%m-%d}'
                        or invoiced_at > timestamp '{_latest_sale(circumstances):%Y-%m-%d %H:%M:%S}'
                    )
                    """,
                    column="invoiced_at",
                    claim=f"invoiced_at lies between {EARLIEST_SALE:%Y} and tomorrow",
                    fault=f"invoiced_at before {EARLIEST_SALE:%Y} or in the future",
                    reason="Recency is counted from the last line: one line in the future makes every customer lost.",
                    remedy=REDELIVER,
                ),
                _values_survive("values_survive_typing", f"more than {UNREADABLE_LINES} lines", ">", "error"),
                _values_survive("values_of_small_files_survive", f"at most {UNREADABLE_LINES} lines", "<=", "warning"),
                finds_no_rows(
                    "invoice_has_one_customer",
                    f"""
                    select invoice_no, min(customer_id) as customer_id, max(customer_id) as other_customer_id
                    from this_table
                    where is_readable and layout <> 'transactions'
                    group by invoice_no
                    having min(customer_id) <> max(customer_id)
                    qualify count(*) over () > {SEVERAL_CUSTOMERS_SHARE} * (
                        select count(distinct invoice_no) from this_table where is_readable
                    )
                    """,
                    column="customer_id",
                    claim=f"at most {SEVERAL_CUSTOMERS_SHARE:.1%} of invoices name two customers",
                    fault="invoices name several customers",
                    noun="invoices",
                    severity="warning",
                    reason="Frequency counts invoices; numbers used twice make customers look less frequent.",
                ),
                finds_no_rows(
                    "customers_are_known",
                    f"""
                    select
                        count(*) filter (where customer_id is null) as lines_without_customer,
                        count(*) as readable_lines
                    from this_table
                    where is_readable
                    having count(*) filter (where customer_id is null) > {ANONYMOUS_SHARE} * count(*)
                    """,
                    column="customer_id",
                    claim=f"at most {ANONYMOUS_SHARE:.0%} of lines have no customer",
                    fault=f"more than {ANONYMOUS_SHARE:.0%} of lines have no customer",
                    noun="tables",
                    severity="warning",
                    reason="Customer tables then speak of a small part of the shop; is another column the customer's?",
                ),
            ),
        ),
        Suite(
            layer="staging",
            table="staging.stg_customers",
            noun="lines",
            keys=LINEAGE,
            checks=(_one_row_per_delivered_line("raw.customers"),),
        ),
        Suite(
            layer="staging",
            table="staging.stg_segment_overrides",
            noun="overrides",
            keys=LINEAGE,
            checks=(
                _one_row_per_delivered_line("raw.segment_overrides"),
                finds_no_rows(
                    "overrides_are_readable",
                    "select file_name, row_number, problem, customer_id from this_table where not is_readable",
                    claim="every override has customer, segment, reason, author and last day",
                    fault="overrides lack a value, or can't be read",
                    severity="warning",
                    reason="Such an override does not count, while its author thinks that it does.",
                    remedy=REDELIVER,
                ),
            ),
        ),
    )


_LOST = "is_quantity_lost or is_unit_price_lost or is_invoice_date_lost"


def _one_row_per_delivered_line(source: str) -> Check:
    return finds_no_rows(
        "one_row_per_delivered_line",
        # sums of hashes compare the two sets of ids in one pass each; a join of a hundred
        # million ids would not fit into memory
        f"""
        select
            staged.lines as lines_in_staging,
            delivered.lines as lines_in_raw
        from (select count(*) as lines, sum(hash(delivered_line_id)) as ids from this_table) as staged
        cross join (select count(*) as lines, sum(hash(_line_id)) as ids from {source}) as delivered
        where staged.lines <> delivered.lines or staged.ids is distinct from delivered.ids
        """,
        claim=f"the lines are those of {source}, one for one",
        fault=f"the lines are not those of {source}, one for one",
        noun="tables",
        reason="Staging drops nothing: a line that is lost here is missing from the accounting too.",
        remedy="Run a full refresh.",
    )


def _values_survive(name: str, extent: str, comparison: str, severity: Severity) -> Check:
    lost = f"count(*) filter (where {_LOST})"
    return finds_no_rows(
        name,
        f"""
        select
            file_name,
            min(row_number) filter (where {_LOST}) as row_number,
            {lost} as lines_with_lost_values,
            count(*) as lines,
            arg_min(unreadable_reason, row_number) filter (where {_LOST}) as problem
        from this_table
        group by load_id, file_name
        having {lost} > {LOST_VALUES_SHARE} * count(*) and {lost} {comparison} {UNREADABLE_LINES}
        """,
        claim=f"no file has a value that would not type on over {LOST_VALUES_SHARE:.0%} of its lines and {extent}",
        fault=f"values would not type on over {LOST_VALUES_SHARE:.0%} of the lines and {extent}",
        noun="files",
        severity=severity,
        reason="So many values lost mean that the file's decimal mark or date style was misread."
        if severity == "error"
        else "Few lines are set aside without harm to the figures, but the file deserves a look.",
        remedy="Name the file's style under landing.sources in regulars.toml, or correct the file and deliver it "
        "again under the same name.",
    )


def _latest_sale(circumstances: Circumstances) -> datetime:
    # a day of grace, because the shop's clock and time zone are not ours
    return circumstances.recorded_at.astimezone(UTC) + timedelta(days=1)
