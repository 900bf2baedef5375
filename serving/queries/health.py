"""How sound the data are: how fresh, what was checked, what was kept and what set aside.

Belongs here: selections from the snapshot's record of itself (schema ``quality``), its row
accounting and its models' warnings. Does not belong here: the checks (``expectations``)
and the rules by which lines are set aside (dbt).

All of it is about the warehouse as a whole: no filter applies. A refresh that a check
stopped publishes nothing, so its results are here only from the next publication on; that it was
stopped, and why, is told by :attr:`serving.snapshot.Reading.stopped`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from serving.queries.lists import Column, ListSpec
from serving.queries.products import product_code
from serving.snapshot import Reading
from warehouse.measures import measures
from warehouse.quality import CHECK_RESULTS, CHECKS_BY_LAYER, LAYER_ORDER, MISSING_FILES

# short enough for the side of a chart on a phone
DISPOSITIONS: Mapping[str, str] = {
    "unreadable": "Unreadable",
    "after_as_of": "After as-of date",
    "summary": "Sums of orders",
    "duplicate": "Repeats",
    "not_a_sale": "Not sales",
    "adjustment": "Adjustments",
    "non_product": "Not products",
    "return": "Returns",
    "non_positive_quantity": "No units sold",
    "non_positive_price": "Given away",
    "sale": "Sales",
}
"""What people read for each disposition."""

_MODELS: Mapping[str, str] = {
    "customer_segments": "Segments",
    "customer_value": "Expected revenue",
    "revenue_anomalies": "Unusual days",
}


def freshness(reading: Reading) -> dict[str, datetime | None]:
    """How new the published data are, beside what the snapshot says of itself; from it alone (no clock is read).

    Returns
    -------
    dict
        ``last_invoiced_at`` (of the latest kept line, the shop's own clock); UTC without a zone ``last_delivered_at``
        (latest modification of a file whose lines are in use), ``last_recorded_at`` (of a delivery) and
        ``published_at``. None where there is none.
    """
    found = reading.row(
        """
        select
            (select max(invoiced_at) from marts.fct_invoice_lines) as last_invoiced_at,
            (select max(delivered_at) from quality.load_ledger where status = 'loaded') as last_delivered_at,
            (select max(recorded_at) from quality.load_ledger) as last_recorded_at
        """
    )
    return {**found, "published_at": reading.about.published_at.replace(tzinfo=None)}


def checks_by_layer(reading: Reading) -> pd.DataFrame:
    """How the checks of each layer's latest run came out; see :data:`warehouse.quality.CHECKS_BY_LAYER`."""
    return reading.query(CHECKS_BY_LAYER)


def open_checks(reading: Reading) -> pd.DataFrame:
    """The rows of :data:`warehouse.quality.CHECK_RESULTS` that did not pass in their layer's latest run, worst first.

    ``outcome`` is ``failed``, ``could not run`` or ``warned``.
    """
    return reading.query(
        f"""
        select * from ({CHECK_RESULTS}) as results
        where is_latest and outcome <> 'passed'
        order by
            list_position(['failed', 'could not run', 'warned'], outcome),
            {LAYER_ORDER}, table_name, check_name
        """
    )


@dataclass(frozen=True)
class AccountedLines:
    """What became of delivered lines of one kind."""

    disposition: str
    is_kept: bool
    row_count: int
    gross_amount: Decimal
    """Quantity times price, signed; exact."""
    description: str


@dataclass(frozen=True)
class RowAccounting:
    """Where every delivered line went; rows and money add up exactly."""

    lines: tuple[AccountedLines, ...]
    """In the order in which dispositions are tried; one that no line has is there with 0."""
    delivered_rows: int
    """Lines of all kinds: rows of the files, and ``derived_rows``."""
    derived_rows: int
    """Lines that are not rows of a file: refunds that an export gives in a column of the sale's row."""
    delivered_amount: Decimal
    kept_rows: int
    kept_amount: Decimal
    delivered_lines_of_files: int
    """What the load ledger counted in the files that are loaded: equal to ``delivered_rows``, or lines were lost."""
    sales_rows: int
    """Lines of the sales table: equal to ``kept_rows``, or lines were lost."""
    sales_amount: Decimal

    @property
    def does_add_up(self) -> bool:
        """Whether the files, the accounting and the sales table agree, to the last digit."""
        return (
            self.delivered_lines_of_files == self.delivered_rows - self.derived_rows
            and self.sales_rows == self.kept_rows
            and self.sales_amount == self.kept_amount
        )


def row_accounting(reading: Reading) -> RowAccounting:
    """Where every delivered line went, with the totals at both ends counted independently."""
    lines = tuple(
        AccountedLines(**row)
        for row in reading.rows(
            """
            select disposition, is_kept, row_count, gross_amount, description
            from marts.row_accounting
            order by precedence, disposition
            """
        )
    )
    ends = reading.row(
        f"""
        select
            (
                select cast(coalesce(sum(delivered_lines), 0) as bigint)
                from quality.load_ledger where status = 'loaded' and kind = 'transactions'
            ) as delivered_lines_of_files,
            (
                select cast(coalesce(sum(derived_row_count), 0) as bigint) from marts.row_accounting
            ) as derived_rows,
            (select count(*) from marts.fct_invoice_lines) as sales_rows,
            (
                select cast(coalesce({measures()["net_revenue"].expressions["lines"]}, 0) as decimal(28, 4))
                from marts.fct_invoice_lines
            ) as sales_amount
        """
    )
    kept = [line for line in lines if line.is_kept]
    return RowAccounting(
        lines=lines,
        delivered_rows=sum(line.row_count for line in lines),
        delivered_amount=sum((line.gross_amount for line in lines), Decimal(0)),
        kept_rows=sum(line.row_count for line in kept),
        kept_amount=sum((line.gross_amount for line in kept), Decimal(0)),
        **ends,
    )


def source_profiles(reading: Reading) -> pd.DataFrame:
    """The rows of ``marts.source_profiles``, the source with most lines first."""
    return reading.query("select * from marts.source_profiles order by line_count desc, source")


def source_limits(reading: Reading) -> pd.DataFrame:
    """The rows of ``quality.source_limits`` by source; refunds and customers first, which weigh most."""
    return reading.query(
        """
        select * from quality.source_limits
        order by source, coalesce(list_position(['refunds', 'customers'], subject), 3), subject
        """
    )


def replaced_orders(reading: Reading) -> pd.DataFrame:
    """Orders that came again in a newer file, which counts in their place; none where no files overlap.

    Returns
    -------
    DataFrame
        ``source``, ``orders``, ``changed_orders`` (of them, those that the newer file tells otherwise), ``lines``
        (of the older files: set aside). The source with most orders first.
    """
    return reading.query(
        """
        select
            source,
            count(distinct invoice_no) as orders,
            count(distinct invoice_no) filter (where not is_as_newest) as changed_orders,
            cast(sum(line_count) as bigint) as lines
        from marts.order_versions
        where is_replaced
        group by source
        order by orders desc, source
        """
    )


def order_totals(reading: Reading) -> pd.DataFrame:
    """The rows of ``marts.order_totals`` by source, most orders first; counts as ``orders, reconciled_orders``."""
    return reading.query(
        """
        select source, told_as, order_count as orders, reconciled_order_count as reconciled_orders
        from marts.order_totals
        order by source, order_count desc, told_as
        """
    )


def clocks(reading: Reading) -> pd.DataFrame:
    """What was done about times with a UTC offset.

    Returns
    -------
    DataFrame
        ``clock`` (in words), ``files`` (in use): none where no file in use has such times.
    """
    return reading.query(
        """
        select clock, count(*) as files
        from quality.load_ledger
        where status = 'loaded' and clock is not null
        group by clock
        order by files desc, clock
        """
    )


def model_notes(reading: Reading) -> pd.DataFrame:
    """The rows of ``reporting.model_notes``, those with warnings first."""
    return reading.query("select * from reporting.model_notes order by has_warnings desc, model, algorithm")


def model_title(note: Any) -> str:
    """What people read for the model of a row of :func:`model_notes`, such as ``Expected revenue, bg nbd``."""
    return f"{_MODELS[note.model]}, {note.algorithm.replace('_', ' ')}"


def model_warnings(reading: Reading, model: str) -> list[str]:
    """What a model's fits warn of."""
    notes = model_notes(reading)
    return notes.loc[notes["model"].eq(model) & notes["has_warnings"], "warnings"].tolist()


def value_caveats(reading: Reading) -> list[str]:
    """What to keep in mind in customer value, of the fits that it comes from; mostly one remark or none."""
    notes = model_notes(reading)
    return notes.loc[notes["is_about_customer_value"] & notes["has_warnings"], "warnings"].tolist()


def load_summary(reading: Reading) -> pd.DataFrame:
    """Deliveries by what became of them.

    Returns
    -------
    DataFrame
        ``status`` (``loaded``, ``already_loaded``, ``superseded``, ``withdrawn``, ``rejected``,
        ``in_transit``), ``deliveries``, ``files`` (distinct names), ``delivered_lines``,
        ``unreadable_lines`` (null counts as 0), ``last_recorded_at`` (UTC). In that order.
    """
    return reading.query(
        """
        select
            status,
            count(*) as deliveries,
            count(distinct file_name) as files,
            cast(coalesce(sum(delivered_lines), 0) as bigint) as delivered_lines,
            cast(coalesce(sum(unreadable_lines), 0) as bigint) as unreadable_lines,
            max(recorded_at) as last_recorded_at
        from quality.load_ledger
        group by status
        order by
            list_position(['loaded', 'already_loaded', 'superseded', 'withdrawn', 'rejected', 'in_transit'], status),
            status
        """
    )


def missing_files(reading: Reading) -> pd.DataFrame:
    """Files in landing that are not in the figures (:data:`warehouse.quality.MISSING_FILES`); rejected first, by name.

    A rejected file that has left landing is nobody's worry any more, and not told.
    """
    return reading.query(f"select * from ({MISSING_FILES}) as missing order by status = 'in_transit', file_name")


def table_rows(reading: Reading) -> list[dict[str, Any]]:
    """Rows of each published table: ``layer``, ``table_name``, ``row_count``; by name."""
    tables = reading.rows(
        """
        select schema_name as layer, table_name
        from duckdb_tables()
        where database_name = current_database()
        order by layer, table_name
        """
    )
    counts = " union all ".join(
        f"select '{layer}' as layer, '{name}' as table_name, count(*) as row_count from {layer}.{name}"
        for layer, name in (table.values() for table in tables)
    )
    return reading.rows(f"select * from ({counts}) as counted order by layer, table_name")


# ---- lists ---------------------------------------------------------------------


_PUBLICATIONS = """
    select
        publication_id,
        published_at,
        action,
        snapshot_date,
        is_sample,
        lines,
        customers,
        net_revenue,
        lines - lag(lines) over before as lines_change,
        customers - lag(customers) over before as customers_change,
        net_revenue - lag(net_revenue) over before as net_revenue_change,
        data_version <> lag(data_version) over before as has_new_data,
        settings_fingerprint <> lag(settings_fingerprint) over before as has_new_settings,
        code_fingerprint <> lag(code_fingerprint) over before as has_new_code,
        case
            when lag(publication_id) over before is null then 'first publication'
            else coalesce(
                nullif(
                    concat_ws(
                        ', ',
                        case when has_new_data then 'data' end,
                        case when has_new_settings then 'settings' end,
                        case when has_new_code then 'code' end
                    ),
                    ''
                ),
                'nothing'
            )
        end as changed
    from quality.publications
    window before as (order by publication_id)
"""

REASONS = ListSpec(
    name="set_aside_reasons",
    title="Why lines were set aside",
    columns=(
        Column("disposition", "Kind", width=175),
        Column("reason", "Why", width=360),
        Column("rule", "Rule", width=150),
        Column("line_count", "Lines"),
        Column("line_pct", "Lines, %"),
        Column("amount", "Amount"),
        Column("amount_pct", "Amount, %"),
        Column("lines_without_amount", "Without"),
        Column("example_amount_text", "As delivered", width=150),
        Column("customer_count", "Customers"),
        Column("lost_customer_count", "Lost"),
        Column("lost_customer_pct", "Lost, %"),
        Column("file_count", "Files"),
        Column("example_file_name", "For example", width=200),
        Column("example_row_number", "Line"),
    ),
    rows="select * from marts.set_aside_reasons",
    # what weighs most first; the rest only so that the order is always the same
    order_by="line_count desc, disposition, reason",
    tables=("marts.set_aside_reasons",),
)

LISTS: tuple[ListSpec, ...] = (
    REASONS,
    ListSpec(
        name="set_aside_lines",
        title="Lines set aside",
        columns=(
            Column("disposition", "Kind", width=175),
            Column("reason", "Why", width=330),
            Column("rule", "Rule", width=130),
            Column("file_name", "File"),
            Column("sheet", "Sheet", width=110),
            Column("row_number", "Line"),
            Column("invoice_no", "Invoice", width=165),
            Column("stock_code", "Product", width=150),
            Column("description", "Description", width=240),
            Column("quantity_units", "Units"),
            Column("unit_price", "Price"),
            Column("signed_amount", "Amount"),
            # no link: who only has set-aside lines is no customer
            Column("customer_id", "Customer", width=120),
            Column("country", "Country", width=150),
            Column("invoiced_at", "Invoiced"),
            Column("line_text", "As delivered", width=420),
        ),
        rows=f"select * replace ({product_code('stock_code')} as stock_code) from marts.set_aside_lines",
        order_by="file_name, sheet nulls first, row_number, invoice_no, stock_code",
        tables=("marts.set_aside_lines",),
    ),
    ListSpec(
        name="order_versions",
        title="Orders in several files",
        columns=(
            Column("invoice_no", "Order", width=170),
            Column("source", "Source", width=150),
            Column("file_name", "File", width=240),
            Column("delivered_at", "Delivered (UTC)"),
            Column("line_count", "Lines"),
            Column("amount", "Amount"),
            Column("is_newest", "Newest"),
            Column("is_as_newest", "Same"),
            Column("is_replaced", "Replaced"),
        ),
        rows="select * from marts.order_versions",
        order_by="invoice_no, source, delivered_at, file_name",
        tables=("marts.order_versions",),
    ),
    ListSpec(
        name="validation_results",
        title="Results of all checks",
        columns=(
            Column("layer", "Layer", width=110),
            Column("table_name", "Table", width=220),
            Column("check_name", "Check", width=280),
            Column("outcome", "Outcome", about="`passed`, `warned`, `failed` or `could not run`.", width=130),
            Column("message", "What was found", width=480),
            Column("reason", "Why it matters", width=420),
            Column("unexpected_count", "Odd rows"),
            Column("element_count", "Rows looked at"),
            Column("examples", "Examples", width=260),
            Column("is_latest", "Latest run", "flag", "Whether it comes from the layer's latest run."),
            Column("recorded_at", "When (UTC)"),
            Column("run_id", "Run", width=300),
        ),
        rows=CHECK_RESULTS,
        order_by="recorded_at desc, layer, table_name, check_name, run_id",
        tables=("quality.validation_results",),
    ),
    ListSpec(
        name="load_ledger",
        title="Delivered files",
        columns=(
            Column("load_id", "No.", width=90),
            Column("file_name", "File", width=200),
            Column("status", "Status", width=140),
            Column("problem", "Problem", width=360),
            Column("is_in_landing", "In landing"),
            Column("kind", "Kind", width=130),
            Column("source", "Source", width=140),
            Column("delivered_lines", "Lines"),
            Column("unreadable_lines", "Unreadable"),
            Column("first_invoiced_at", "From"),
            Column("last_invoiced_at", "To"),
            Column("notes", "Notes", width=320),
            Column("recorded_at", "Recorded (UTC)"),
            Column("delivered_at", "Delivered (UTC)"),
            Column("superseded_by", "Replaced by"),
            Column("size_bytes", "Bytes"),
            Column("file_format", "Format", width=100),
            Column("layout", "Layout", width=140),
            Column("encoding", "Encoding", width=110),
            Column("date_style", "Dates", width=150),
            Column("clock", "Clock", width=220),
            Column("content_hash", "SHA-256", width=300),
        ),
        rows="select * from quality.load_ledger",
        # what needs a person first
        order_by="status <> 'rejected', load_id desc",
        tables=("quality.load_ledger",),
    ),
    ListSpec(
        name="publications",
        title="Publications",
        columns=(
            Column("publication_id", "No.", width=90),
            Column("published_at", "When (UTC)"),
            Column("action", "What", width=120),
            Column("changed", "What was new", about="Against the publication before, such as `data, code`.", width=190),
            Column("lines", "Lines"),
            Column("lines_change", "Change", "count", "Change from the publication before."),
            Column("customers", "Customers"),
            Column("customers_change", "Change", "count", "Change from the publication before."),
            Column("net_revenue", "Net revenue"),
            Column("net_revenue_change", "Change", "money", "Change from the publication before."),
            Column("snapshot_date", "Recency to"),
            Column("is_sample", "Sample"),
        ),
        rows=_PUBLICATIONS,
        order_by="publication_id desc",
        tables=("quality.publications",),
    ),
)
