"""What must hold of the facts, dimensions and RFM before models see them.

Belongs here: totals that agree to the penny, every line accounted for, ranges that
the definitions promise. Does not belong here: what setting lines aside may cost (see
:mod:`expectations.losses`), keys, references and rules of single rows, which are dbt
contracts and dbt tests.
"""

from __future__ import annotations

from expectations.checks import (
    Circumstances,
    Suite,
    finds_no_rows,
    has_rows,
    is_filled,
    is_one_of,
    lies_between,
)
from expectations.losses import (
    habits_cost_little,
    nobody_has_most_orders,
    orders_are_told_once,
    reasons_add_up,
    reasons_cost_little,
    repeats_within_a_file_are_few,
)
from expectations.reconciliation import orders_add_up

DISPOSITIONS = (
    *("unreadable", "after_as_of", "summary", "duplicate", "not_a_sale", "adjustment", "non_product"),
    *("return", "non_positive_quantity", "non_positive_price", "sale"),
)

PRICE_ROUNDING = 0.00005
"""A price that was made from an amount is rounded to four decimals, and so is what a return takes back in parts."""

RFM_SEGMENTS = (
    *("Champions", "Loyal", "Potential Loyalist", "New", "Promising", "Need Attention"),
    *("About To Sleep", "At Risk", "Can't Lose", "Hibernating", "Lost"),
)

NEW_CUSTOMER = "New Customer"
"""Where `marts.segment_moves` says that a customer came from who was in no segment before."""

SCORE_REASON = "Scores are shares of customers worse off, in fifths; the segments are defined for 1 to 5 alone."


def suites(circumstances: Circumstances) -> tuple[Suite, ...]:
    """List the suites of the marts."""
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
                        (select count(*) from staging.stg_transactions) as delivered_lines
                    where accounted_lines <> delivered_lines
                    """,
                    claim="every delivered line is counted under exactly one disposition",
                    fault="lines accounted for are not the lines delivered",
                    noun="tables",
                    reason="Lines that vanish without a reason are revenue that vanishes without a reason.",
                ),
                finds_no_rows(
                    "amounts_add_up",
                    # without signs: a credit note in positive figures is a return, and so turns its sign
                    """
                    select *
                    from (
                        select
                            sum(abs(signed_amount)) as disposed_amount,
                            sum(signed_amount) as disposed_net_amount,
                            (select sum(abs(signed_amount)) from staging.stg_transactions) as delivered_amount,
                            (select sum(gross_amount) from this_table) as accounted_net_amount
                        from intermediate.int_line_dispositions
                    ) as totals
                    where coalesce(disposed_amount, 0) <> coalesce(delivered_amount, 0)
                        or coalesce(disposed_net_amount, 0) <> coalesce(accounted_net_amount, 0)
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
            table="intermediate.int_order_totals",
            noun="orders",
            keys=("source", "invoice_no"),
            checks=(orders_add_up(circumstances.settings.cleaning.unreconciled_orders),),
        ),
        Suite(
            layer="marts",
            table="marts.set_aside_reasons",
            noun="reasons",
            keys=("disposition", "reason"),
            checks=(
                reasons_add_up(),
                reasons_cost_little(),
                habits_cost_little(),
                repeats_within_a_file_are_few(),
                orders_are_told_once(),
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
                    f"""
                    select invoice_no, stock_code, net_revenue, gross_revenue, line_id
                    from this_table
                    where net_revenue > gross_revenue + {PRICE_ROUNDING} * abs(quantity_units)
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
                finds_no_rows(
                    "scores_are_known",
                    """
                    select customer_id, r_score, f_score, m_score, rfm_segment
                    from this_table
                    where not coalesce(
                        r_score between 1 and 5 and f_score between 1 and 5 and m_score between 1 and 5, false
                    ) or rfm_segment is null
                    """,
                    column="rfm_segment",
                    claim="all scores are 1 to 5, and have a segment",
                    fault="scores outside 1 to 5, or without a segment",
                    reason=SCORE_REASON,
                ),
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
                        sold.gross as gross_of_lines,
                        scored.net,
                        sold.net as net_of_lines
                    from (
                        select count(*) as customers, sum(monetary_gross) as gross, sum(monetary_net) as net
                        from this_table
                    ) as scored
                    cross join (
                        select
                            count(*) as customers,
                            sum(gross) as gross,
                            sum(net) as net
                        from (
                            select customer_id, sum(gross_revenue) as gross, sum(net_revenue) as net
                            from marts.fct_invoice_lines
                            where customer_id is not null
                            group by customer_id
                            having bool_or(line_type = 'sale')
                        ) as bought
                    ) as sold
                    where scored.customers <> sold.customers
                        or scored.gross is distinct from sold.gross
                        or scored.net is distinct from sold.net
                    """,
                    claim="customers are those of the identified sales, and their money that of all their lines, "
                    "to the penny",
                    fault="customers or their money differ from their lines",
                    noun="tables",
                    reason="Money that is no customer's, or a customer's twice, misleads every ranking.",
                ),
                nobody_has_most_orders(),
            ),
        ),
        *_history(),
        *_insight(),
    )


def _history() -> tuple[Suite, ...]:
    """Suites of what was known at the end of each month."""
    return (
        Suite(
            layer="marts",
            table="marts.customer_rfm_monthly",
            noun="customers at month ends",
            keys=("customer_id", "month_end"),
            checks=(
                finds_no_rows(
                    "scores_are_known",
                    """
                    select customer_id, month_end, r_score, f_score, m_score, rfm_segment
                    from this_table
                    where r_score not between 1 and 5 or f_score not between 1 and 5 or m_score not between 1 and 5
                        or rfm_segment is null
                    """,
                    column="rfm_segment",
                    claim="all scores are 1 to 5, and have a segment",
                    fault="scores outside 1 to 5, or without a segment",
                    reason=SCORE_REASON,
                ),
                finds_no_rows(
                    "nothing_from_later",
                    """
                    select customer_id, month_end, recency_days, is_new_customer
                    from this_table
                    where recency_days < 0 or month_end >= (select max(snapshot_date) from marts.customer_rfm)
                        or snapshot_date <> month_end + 1
                    """,
                    column="recency_days",
                    claim="no month end knows a purchase after it, and none is told before it was reached",
                    fault="month ends that know what came later",
                    reason="A past that changes with the future can't be compared with anything.",
                ),
                finds_no_rows(
                    "nobody_is_lost",
                    """
                    select month_end, customers, newcomers, customers_before
                    from (
                        select
                            month_end,
                            count(*) as customers,
                            count(*) filter (is_new_customer) as newcomers,
                            coalesce(lag(count(*)) over (order by month_end), 0) as customers_before
                        from this_table
                        group by month_end
                    ) as month_ends
                    where customers <> customers_before + newcomers
                    """,
                    claim="everyone of one month end is at the next, with the new customers and nobody else",
                    fault="customers lost or found between month ends",
                    noun="month ends",
                    reason="Who bought once stays a customer: the segments are there to say how far gone.",
                ),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.segment_moves",
            noun="ways between segments",
            keys=("month_end", "from_segment", "to_segment"),
            checks=(
                is_one_of("to_segment", RFM_SEGMENTS, reason="A segment that readers don't know has no colour."),
                is_one_of(
                    "from_segment",
                    (*RFM_SEGMENTS, NEW_CUSTOMER),
                    reason="Who was in no segment before is a new customer; there is no other place to come from.",
                ),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.cohort_retention",
            noun="cohort months",
            keys=("cohort_month", "age_months"),
            checks=(
                lies_between("retention_pct", 0, 100, reason="A part of a cohort is between none and all of it."),
                finds_no_rows(
                    "every_age_is_there_once",
                    """
                    select
                        cohort_month,
                        count(*) as ages,
                        max(age_months) as oldest_age_months,
                        max(retention_pct) filter (age_months = 0) as retention_pct_at_age_0
                    from this_table
                    group by cohort_month
                    having count(*) <> max(age_months) + 1
                        or count(distinct age_months) <> count(*)
                        or max(retention_pct) filter (age_months = 0) is distinct from 100
                    """,
                    column="age_months",
                    claim="a cohort has every age from 0 on once, and is whole at age 0",
                    fault="ages are missing or repeated, or a cohort is not whole at age 0",
                    noun="cohorts",
                    reason="A month in which nobody came back is the finding; left out, it reads as if all was well.",
                ),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.fct_monthly_customers",
            noun="months",
            keys=("month_start",),
            checks=(
                finds_no_rows(
                    "kinds_add_up",
                    """
                    select month_start, customers, new_customers, existing_customers, one_time_customers
                    from this_table
                    where customers <> new_customers + existing_customers
                        or one_time_customers not between 0 and new_customers
                        or one_time_customers_so_far not between one_time_customers and customers_so_far
                    """,
                    claim="customers are new or existing, and one-time customers are new ones",
                    fault="kinds of customers don't add up",
                    reason="Readers stack these bars and expect the whole.",
                ),
            ),
        ),
    )


def _insight() -> tuple[Suite, ...]:
    """Suites of what is bought, and by how few."""
    return (
        Suite(
            layer="marts",
            table="marts.customer_category_shares",
            noun="customers' categories",
            keys=("customer_id", "category"),
            checks=(
                finds_no_rows(
                    "shares_add_up",
                    """
                    select
                        coalesce(shares.customer_id, scored.customer_id) as customer_id,
                        shares.share_pct,
                        shares.top_categories,
                        shares.gross,
                        scored.monetary_gross
                    from (
                        select
                            customer_id,
                            sum(share_pct) as share_pct,
                            count(*) filter (is_top_category) as top_categories,
                            count(*) - count(distinct category) as repeats,
                            sum(gross_revenue) as gross,
                            sum(net_revenue) as net
                        from this_table
                        group by customer_id
                    ) as shares
                    full join marts.customer_rfm as scored on shares.customer_id = scored.customer_id
                    where shares.gross is distinct from scored.monetary_gross
                        or shares.net is distinct from scored.monetary_net
                        or shares.top_categories <> 1
                        or shares.repeats <> 0
                        or abs(shares.share_pct - 100) > 1e-6
                    """,
                    column="share_pct",
                    claim="a customer's categories add up to 100 % and to the money of customer_rfm; one is the top",
                    fault="categories don't add up to what the customer spent",
                    noun="customers",
                    reason="A product without a category, or with two, would show here.",
                ),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.product_pairs",
            noun="pairs",
            keys=("stock_code_a", "stock_code_b"),
            checks=(
                finds_no_rows(
                    "pairs_are_possible",
                    """
                    select stock_code_a, stock_code_b, invoices_together, invoices_a, invoices_b, invoice_count, lift
                    from this_table
                    where stock_code_a >= stock_code_b
                        or invoices_together not between 1 and least(invoices_a, invoices_b)
                        or greatest(invoices_a, invoices_b) > invoice_count
                        or lift <= 0
                        or not isfinite(lift)
                    """,
                    claim="a pair is named once, and is on no more invoices than each of the two",
                    fault="impossible pairs",
                    reason="Recommendations are drawn from this; an impossible one is seen by customers.",
                ),
            ),
        ),
        Suite(
            layer="marts",
            table="marts.revenue_concentration",
            noun="shares of customers",
            keys=("top_pct",),
            checks=(
                finds_no_rows(
                    "wider_shares_hold_narrower_ones",
                    """
                    select top_pct, customers, customers_before, lowest_net_revenue, lowest_before
                    from (
                        select
                            *,
                            lag(customers) over (order by top_pct) as customers_before,
                            lag(lowest_net_revenue) over (order by top_pct) as lowest_before
                        from this_table
                    ) as shares
                    where customers < customers_before or lowest_net_revenue > lowest_before
                    """,
                    claim="a wider share of customers holds the narrower one",
                    fault="shares are not nested",
                    reason="The curve that is drawn from them would bend back.",
                ),
            ),
        ),
    )
