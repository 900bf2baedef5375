"""What the files of shop systems say themselves, against what was read of them.

Belongs here: totals of orders and counts of records. Does not belong here: how a total
is made of a system's columns (dbt, ``models/staging/exports``). A reading that is wrong in
every line, such as a unit price taken for a line's, is plausible in each; here it shows.
"""

from __future__ import annotations

from collections.abc import Mapping

from expectations.checks import ADVICE, TOLD, Check, finds_no_rows
from expectations.phrases import amount, counted, literal, number, shown, toml_text
from warehouse.formats import export_formats

SHOWN_ORDERS = 3
"""The first orders of a source that are named."""


def orders_add_up(tolerated: Mapping[str, int]) -> Check:
    """Each order comes to what its file says that it comes to.

    Parameters
    ----------
    tolerated
        By source: how many orders may differ, because the system itself is wrong about them.
    """
    allowed = ", ".join(f"({literal(source)}, {orders})" for source, orders in sorted(tolerated.items()))
    order = f"""
        'order ' || coalesce(invoice_no, '(without a number)') || ' (' || file_name || ' line ' || row_number || '): '
        || told_as || ' ' || {amount("told_amount")} || ', read ' || {amount("counted_amount")}
    """
    return finds_no_rows(
        "orders_add_up",
        f"""
        with failing as (
            select *, row_number() over (partition by source order by file_name, row_number, invoice_no) as place
            from this_table
            where not is_reconciled
        ),
        sources as (
            select
                source,
                count(*) as orders,
                string_agg({order}, '; ' order by place) filter (where place <= {SHOWN_ORDERS}) as named
            from failing
            group by source
        ),
        judged as (
            select
                sources.*,
                (select count(*) from this_table as told where told.source = sources.source) as told_orders,
                coalesce(allowed.orders, 0) as allowed_orders
            from sources
            left join (values {allowed or "(null, 0)"}) as allowed (source, orders) on sources.source = allowed.source
        )
        select
            source,
            orders,
            source || ', ' || {number("orders")} || ' of ' || {counted("told_orders", "order")} || ': ' || named
                as {TOLD},
            '[cleaning.unreconciled_orders]' || chr(10)
            || string_agg({toml_text("source")} || ' = ' || orders, chr(10) order by source) over () as {ADVICE}
        from judged
        where orders > allowed_orders
        """,
        claim="the lines of each order add up to what its file says of it",
        fault="orders do not add up to what their file says of them",
        noun="sources",
        reason="A discount counted twice, or a line that is missing, is plausible by itself; the total gives it away.",
        remedy="Export the file again. If the system itself is wrong about these orders, say in regulars.toml how many "
        "may differ",
    )


def records_are_complete() -> Check:
    """A file that counts its records holds as many."""
    counts = " union all ".join(
        f"select _load_id, '{line.counts}' as of_column, count(distinct {line.counts}) as records "
        f"from raw.{name} group by _load_id"
        for name, export in export_formats().items()
        for line in export.frame
        if line.counts
    )
    return finds_no_rows(
        "records_are_complete",
        f"""
        select
            delivery._file_name as file_name,
            delivery._told_records as told_records,
            coalesce(held.records, 0) as records,
            {shown("delivery._file_name")} || ' says that it holds ' || {counted("delivery._told_records", "record")}
            || ' and holds ' || {number("coalesce(held.records, 0)")} as {TOLD}
        from this_table as delivery
        left join ({counts}) as held
            on delivery._load_id = held._load_id and delivery._records_of = held.of_column
        where delivery._told_records is not null and delivery._told_records <> coalesce(held.records, 0)
        """,
        claim="each file holds as many records as it says",
        fault="files hold other numbers of records than they say",
        noun="files",
        reason="A file that was cut off looks like a smaller one.",
        remedy="Export the file again and put it into landing.",
    )
