"""What must hold of the typed lines before money is counted.

Belongs here: completeness against raw, values so far out that one line would change
every figure. Does not belong here: what was lost or guessed in typing (see
:mod:`expectations.readings`) and columns that nothing reads
(:mod:`expectations.unread_columns`), which lines count (dispositions are dbt's), and
rules that dbt tests row by row.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from expectations.checks import Check, Circumstances, Suite, finds_no_rows, has_rows
from expectations.raw import LINEAGE as RAW_LINEAGE
from expectations.raw import REDELIVER, UNREADABLE_LINES
from expectations.readings import (
    amounts_are_in_the_shops_currency,
    few_months_are_uncertain,
    files_have_prices,
    ids_are_ids,
    ids_are_whole,
    lines_are_complete,
    lost_values_are_told,
    months_are_certain,
    small_files_have_prices,
    values_survive,
)
from expectations.unread_columns import cancellation_days_are_few, columns_are_read

LINEAGE = tuple(name.removeprefix("_") for name in RAW_LINEAGE)

QUANTITY_LIMIT_UNITS = 1_000_000
"""Twelve times the largest true quantity known: 80,995 paper birdies, bought and cancelled within minutes."""

UNIT_PRICE_LIMIT = 1_000_000
"""Twenty-five times the largest true price known: 38,970.00, a manual correction."""

LINE_AMOUNT_LIMIT = 1_000_000
"""Six times the largest true line known, 168,469.60. The UCI history's 373 days come to 9.7 million in all,
so that one line above this is a typing slip that would be a tenth of all revenue and the best customer there is."""

EARLIEST_SALE = date(1990, 1, 1)
"""Spreadsheets write 1899, 1900 or 1904 for an empty date, computers 1970; no till roll in a CSV is older than this."""

ANONYMOUS_SHARE = 0.75
"""A quarter of the UCI lines have no customer; three quarters mean that the column is another one or empty."""


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
                _one_row_per_delivered_line("raw.sales_lines", beside="a refund that its row tells of"),
                finds_no_rows(
                    "quantity_is_plausible",
                    f"""
                    select file_name, row_number, quantity_units, invoice_no, stock_code
                    from this_table
                    where is_readable and abs(quantity_units) > {QUANTITY_LIMIT_UNITS}
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
                    select file_name, row_number, signed_amount as amount, quantity_units, unit_price
                    from this_table
                    where is_readable and abs(signed_amount) > {LINE_AMOUNT_LIMIT}
                    """,
                    claim=f"the amount of a line is within ±{LINE_AMOUNT_LIMIT:,}",
                    fault=f"the amount of a line outside ±{LINE_AMOUNT_LIMIT:,}",
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
                columns_are_read(circumstances.settings.shop.currency),
                cancellation_days_are_few(),
                months_are_certain(UNREADABLE_LINES),
                few_months_are_uncertain(UNREADABLE_LINES),
                values_survive(UNREADABLE_LINES),
                lost_values_are_told(UNREADABLE_LINES),
                files_have_prices(UNREADABLE_LINES),
                small_files_have_prices(UNREADABLE_LINES),
                lines_are_complete(),
                amounts_are_in_the_shops_currency(),
                ids_are_whole(),
                ids_are_ids(),
                finds_no_rows(
                    "customers_are_known",
                    f"""
                    select
                        count(*) filter (where customer_id is null) as lines_without_customer,
                        count(*) filter (where customer_id_doubt = 'placeholder') as of_them_guest_or_the_like,
                        count(*) as readable_lines
                    from this_table
                    -- who sells where customers are nameless knows it, and is told elsewhere
                    where is_readable and source not in (
                        select limits.source from quality.source_limits as limits where limits.subject = 'customers'
                    )
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


def _one_row_per_delivered_line(source: str, *, beside: str | None = None) -> Check:
    # what a row tells beside itself has its number and the 32nd bit
    own = "where delivered_line_id & 2147483648 = 0" if beside else ""
    return finds_no_rows(
        "one_row_per_delivered_line",
        # sums of hashes compare the two sets of ids in one pass each; a join of a hundred
        # million ids would not fit into memory
        f"""
        select
            staged.lines as lines_in_staging,
            delivered.lines as lines_in_raw
        from (select count(*) as lines, sum(hash(delivered_line_id)) as ids from this_table {own}) as staged
        cross join (select count(*) as lines, sum(hash(_line_id)) as ids from {source}) as delivered
        where staged.lines <> delivered.lines or staged.ids is distinct from delivered.ids
        """,
        claim=f"the lines are those of {source}, one for one{f', beside {beside}' if beside else ''}",
        fault=f"the lines are not those of {source}, one for one",
        noun="tables",
        reason="Staging drops nothing: a line that is lost here is missing from the accounting too.",
        remedy="Run a full refresh.",
    )


def _latest_sale(circumstances: Circumstances) -> datetime:
    # a day of grace, because the shop's clock and time zone are not ours
    return circumstances.recorded_at.astimezone(UTC) + timedelta(days=1)
