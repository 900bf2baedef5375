"""What must hold of the facts, dimensions and RFM before models see them.

Belongs here: totals that agree to the penny, every line accounted for, ranges that
the definitions promise. Does not belong here: keys, references and rules of single
rows, which are dbt contracts and dbt tests.
"""

from __future__ import annotations

from expectations.checks import (
    Check,
    Circumstances,
    Suite,
    finds_no_rows,
    has_rows,
    is_filled,
    is_one_of,
    is_unique,
    lies_between,
)

DISPOSITIONS = (
    *("unreadable", "after_as_of", "duplicate", "adjustment", "non_product", "return"),
    *("non_positive_quantity", "non_positive_price", "sale"),
)

RFM_SEGMENTS = (
    *("Champions", "Loyal", "Potential Loyalist", "New", "Promising", "Need Attention"),
    *("About To Sleep", "At Risk", "Can't Lose", "Hibernating", "Lost"),
)

SCORE_REASON = "Scores are shares of customers worse off, in fifths; the segments are defined for 1 to 5 alone."


def suites(circumstances: Circumstances) -> tuple[Suite, ...]:
    """List the suites of the marts."""
    del circumstances  # the identities hold under any settings
    return (
        Suite(
            layer="marts",
            table="marts.row_accounting",
            noun="dispositions",
            keys=("disposition",),
            checks=(
                is_one_of(
                    "disposition",
                    DISPOSITIONS,
                    reason="A reason that readers don't know can't be explained to them.",
                ),
                finds_no_rows(
                    "lines_add_up",
                    """
                    select
                        (select coalesce(sum(row_count), 0) from this_table) as accounted_lines,
                        (select count(*) from raw.transactions) as delivered_lines
                    where accounted_lines <> delivered_lines
                    """,
                    claim="every delivered line is counted under exactly one disposition",
                    fault="lines accounted for are not the lines delivered",
                    noun="tables",
                    reason="Lines that vanish without a reason are revenue that vanishes without a reason.",
                ),
                finds_no_rows(
                    "amounts_add_up",
                    """
                    select
                        (select coalesce(sum(gross_amount), 0) from this_table) as accounted_amount,
                        (
                            select coalesce(sum(cast(quantity_units * unit_price as decimal(18, 4))), 0)
                            from staging.stg_transactions
                            where abs(quantity_units::double * unit_price::double) < 1e14
                        ) as delivered_amount
                    where accounted_amount <> delivered_amount
                    """,
                    claim="the amounts of all dispositions add up to those of all lines, to the penny",
                    fault="amounts accounted for are not the amounts delivered",
                    noun="tables",
                    reason="What was set aside has to be known by its money, not only by its number.",
                ),
                finds_no_rows(
                    "kept_and_set_aside",
                    """
                    select *
                    from (
                        select
                            'marts.fct_invoice_lines' as table_name,
                            (select count(*) from marts.fct_invoice_lines) as lines,
                            (select coalesce(sum(row_count), 0) from this_table where is_kept) as accounted_lines
                        union all
                        select
                            'marts.set_aside_lines',
                            (select count(*) from marts.set_aside_lines),
                            (select coalesce(sum(row_count), 0) from this_table where not is_kept)
                    ) as counts
                    where lines <> accounted_lines
                    """,
                    claim="the facts hold the kept lines and set_aside_lines all others",
                    fault="a table does not hold the lines that the accounting says",
                    noun="tables",
                    reason="A join that repeats or drops lines shows here first.",
                ),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.fct_invoice_lines",
            noun="lines",
            keys=("invoice_no", "stock_code", "line_id"),
            checks=(
                has_rows("kept lines", reason="Every other check passes on an empty table, and so would publishing."),
                is_one_of("line_type", ("sale", "return"), reason="Only sales and returns enter the facts."),
                finds_no_rows(
                    "net_is_at_most_gross",
                    """
                    select invoice_no, stock_code, net_revenue, gross_revenue, line_id
                    from this_table
                    where net_revenue > gross_revenue
                    """,
                    column="net_revenue",
                    claim="net_revenue is at most gross_revenue",
                    fault="net_revenue above gross_revenue",
                    reason="Returns only ever take away; more net than gross means that a return was added.",
                ),
                finds_no_rows(
                    "returned_is_at_most_bought",
                    """
                    select invoice_no, stock_code, returned_quantity, quantity_units, line_id
                    from this_table
                    where line_type = 'sale' and returned_quantity not between 0 and greatest(quantity_units, 0)
                    """,
                    column="returned_quantity",
                    claim="at most what was bought is returned",
                    fault="more returned than bought",
                    reason="A unit returned twice takes a customer's money twice.",
                ),
                finds_no_rows(
                    "matched_is_at_most_returned",
                    """
                    select invoice_no, stock_code, matched_quantity, quantity_units, line_id
                    from this_table
                    where line_type = 'return' and matched_quantity not between 0 and greatest(-quantity_units, 0)
                    """,
                    column="matched_quantity",
                    claim="a return is matched with at most its own units",
                    fault="more matched than returned",
                    reason="A return that reverses more than it says makes sales vanish.",
                ),
                finds_no_rows(
                    "net_adds_up",
                    """
                    select *
                    from (
                        select
                            coalesce(sum(net_revenue), 0) as net,
                            coalesce(sum(gross_revenue), 0) + coalesce(sum(return_amount), 0) as gross_less_returns,
                            (select coalesce(sum(gross_amount), 0) from marts.row_accounting where is_kept)
                                as kept_amount,
                            coalesce(sum(returned_quantity), 0) as returned_units,
                            coalesce(sum(matched_quantity), 0) as matched_units
                        from this_table
                    ) as totals
                    where net <> gross_less_returns or net <> kept_amount or returned_units <> matched_units
                    """,
                    column="net_revenue",
                    claim="net revenue is gross less returns and the kept lines' amount, to the penny",
                    fault="net revenue does not add up",
                    noun="tables",
                    reason="Matching moves a return to the sale it reverses; it must not create or lose money.",
                ),
                _totals_agree(),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.dim_dates",
            noun="days",
            keys=("date",),
            checks=(
                finds_no_rows(
                    "trading_days_agree",
                    """
                    select
                        coalesce(days.date, sales.date) as date,
                        days.is_trading_day,
                        sales.date is not null as has_sale
                    from this_table as days
                    full join (
                        select distinct invoice_date as date from marts.fct_invoice_lines where line_type = 'sale'
                    ) as sales on days.date = sales.date
                    where coalesce(days.is_trading_day, false) <> (sales.date is not null)
                    """,
                    column="is_trading_day",
                    claim="the trading days are the days with a sale",
                    fault="is_trading_day disagrees with the sales",
                    reason="A closed day taken for a trading day is an anomaly of its own making.",
                ),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.fct_daily_revenue",
            noun="days",
            keys=("date",),
            checks=(
                has_rows("days", reason="Without a day there is no revenue to watch."),
                is_filled("date", reason="A day without a date can't be compared with the days before it."),
                is_filled("net_revenue_as_booked", reason="The search for odd days refuses gaps."),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.customer_rfm",
            noun="customers",
            keys=("customer_id",),
            checks=(
                has_rows("identified customers", reason="Without customers there is nothing to segment."),
                is_unique("customer_id", reason="One row per customer is what every reader takes for granted."),
                lies_between("r_score", 1, 5, reason=SCORE_REASON),
                lies_between("f_score", 1, 5, reason=SCORE_REASON),
                lies_between("m_score", 1, 5, reason=SCORE_REASON),
                is_filled("rfm_segment", reason="A score triple without a segment is a hole in the seed."),
                is_one_of("rfm_segment", RFM_SEGMENTS, reason="Playbooks and mails are written for these eleven."),
                lies_between("frequency", 1, reason="A customer is here because of a purchase."),
                finds_no_rows(
                    "snapshot_is_after_last_purchase",
                    """
                    select customer_id, last_purchase_at, snapshot_date, recency_days
                    from this_table
                    where last_purchase_at::date > snapshot_date or recency_days < 0 or recency_days is null
                    """,
                    column="recency_days",
                    claim="no purchase lies after the snapshot",
                    fault="purchases after the snapshot",
                    reason="A purchase from the future would be seen by an as-of run that must not know it.",
                ),
                finds_no_rows(
                    "customers_and_money_agree",
                    """
                    select
                        scored.customers,
                        sold.customers as customers_with_sales,
                        scored.gross,
                        sold.gross as gross_of_sales,
                        scored.net,
                        sold.net as net_of_sales
                    from (
                        select count(*) as customers, sum(monetary_gross) as gross, sum(monetary_net) as net
                        from this_table
                    ) as scored
                    cross join (
                        select
                            count(distinct customer_id) as customers,
                            sum(gross_revenue) as gross,
                            sum(net_revenue) as net
                        from marts.fct_invoice_lines
                        where customer_id is not null and line_type = 'sale'
                    ) as sold
                    where scored.customers <> sold.customers
                        or scored.gross is distinct from sold.gross
                        or scored.net is distinct from sold.net
                    """,
                    claim="customers and their money are those of the identified sales, to the penny",
                    fault="customers or their money differ from the sales",
                    noun="tables",
                    reason="Money that is no customer's, or a customer's twice, misleads every ranking.",
                ),
            ),
        ),
    )


def _totals_agree() -> Check:
    measures = ("gross_revenue", "returned_revenue", "net_revenue")
    tables = ("fct_invoices", "fct_daily_revenue", "fct_monthly_revenue", "fct_country_revenue")
    sums = ", ".join(f"coalesce(sum({name}), 0) as {name}" for name in measures)
    groups = " union all ".join(f"select 'marts.{table}' as table_name, {sums} from marts.{table}" for table in tables)
    return finds_no_rows(
        "revenue_totals_agree",
        f"""
        select
            grouped.table_name,
            grouped.gross_revenue,
            lines.gross_revenue as gross_of_lines,
            grouped.returned_revenue,
            lines.returned_revenue as returned_of_lines,
            grouped.net_revenue,
            lines.net_revenue as net_of_lines
        from ({groups}) as grouped
        cross join (select {sums} from this_table) as lines
        where {" or ".join(f"grouped.{name} <> lines.{name}" for name in measures)}
        """,
        claim="revenue by invoice, day, month and country adds up to the lines, to the penny",
        fault="totals differ from the lines",
        noun="tables",
        reason="Readers add these tables up and expect one answer.",
    )
