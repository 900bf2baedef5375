"""What was set aside, and whether it is more than its reason should cost.

Belongs here: thresholds of what a reason, a habit or a list may take from a shop, orders
that two files tell differently, and customers who are none. Does not belong here: which
lines are set aside for what (dbt), and identities of totals (:mod:`expectations.marts`).
"""

from __future__ import annotations

from expectations.checks import ADVICE, TOLD, Check, finds_no_rows
from expectations.phrases import (
    amount,
    counted,
    lines_of_text,
    number,
    percent,
    shown,
    source_entry,
    toml_list,
)

HABIT_SHARE = 0.05
"""A twentieth of a source's money or customers is more than fees, postage or adjustments cost.

Of the UCI history postage takes 2.6 % of the money that came in or went out, fees 2.2 %, the
amounts typed in by hand 1.9 %, adjustments 0.3 %, and none of them a tenth of a per cent of the
customers but the last, 0.2 %.
"""

REASON_LINES_SHARE = 0.02
"""Twice what any reason takes of the UCI history's lines: 1.0 %, repeats; of all others together 0.7 %."""

REASON_MONEY_SHARE = 0.05
"""As for habits, and twice what any reason takes of the UCI history's money. It is the one share by which what is no
product by its name is judged too: it is likely right, so that it is told and stops nothing."""

REASON_CUSTOMERS_SHARE = 0.02
"""Ten times what any reason takes of the UCI history's customers, 0.2 %: customers lost are seldom meant to be."""

STATUS_SHARE = 0.25
"""What a status sets aside is asked for, and a tenth of a web shop's orders come to nothing; not a quarter."""

REPEATS_SHARE = 0.02
"""Twice the repeats within one file of the UCI history, 1.0 %; a till that sells the same twice has more."""

DEFAULT_CUSTOMER_ORDERS = 20
"""Fewer orders may be anybody's regular."""

DEFAULT_CUSTOMER_SHARE = 0.1
"""One order in ten of one person is no shop's customer but its till's; of the UCI history the first has 1.1 %."""

DEFAULT_CUSTOMER_TIMES = 4
"""Times the orders of the next; of the UCI history 1.04 times."""


def habits_cost_little() -> Check:
    """No habit that nothing bears out takes much of a source: it may be another shop's habit."""
    return finds_no_rows(
        "habits_cost_little",
        _costly_habits(),
        claim=f"no habit without evidence of its own takes over {HABIT_SHARE:.0%} of a source's money or customers",
        fault=f"a habit of other shops takes over {HABIT_SHARE:.0%} of a source's money or customers",
        noun="habits",
        reason="Half a shop's orders may begin with A, and its best product may be called POST.",
        remedy="If this source does not have it, say so in regulars.toml; exclude_non_product = false under [cleaning] "
        "counts everything as a product",
    )


def _costly_habits() -> str:
    sentence = f"""
        source || ': ' || case
            when rule = 'prefix_a' then 'numbers that begin with A are taken for adjustments'
            else 'code ' || {shown("stock_code")} || ', which no line describes, is taken for no product ('
                || replace(rule, '_', ' ') || ')'
        end
        || ', ' || {counted("lines", "line")} || ' with ' || {amount("taken")} || ' of ' || {amount("money")} || ' ('
        || {percent("money_share")} || ')' || case when lost_customers > 0
            then ' and all that ' || {counted("lost_customers", "customer")} || ' of ' || {number("customers")}
                || ' bought'
            else ''
        end || ', e.g. ' || file_name || ' line ' || row_number
    """
    profile = lines_of_text(source_entry("mapping", "layout", "file_name", "file_count"), "'profile = \"plain\"'")
    return f"""
        with set_aside as (
            select delivered_line_id, rule, stock_code, description, signed_amount, customer_id
            from intermediate.int_line_dispositions
            where rule = 'prefix_a' or disposition = 'non_product' and rule <> 'told_by_system'
        ),
        -- a code is judged by all lines that have it: one description bears it out
        undescribed as (
            select stock_code
            from set_aside
            where rule <> 'prefix_a'
            group by stock_code
            having count(description) = 0
        ),
        kept_customers as (
            select customer_id from marts.fct_invoice_lines where customer_id is not null group by customer_id
        ),
        sources as (
            select
                source,
                sum(money) as money,
                count(distinct customer_id) as customers
            from (
                select source, customer_id, sum(greatest(signed_amount, 0)) as money
                from staging.stg_transactions
                where is_readable
                group by source, customer_id
            ) as spent
            group by source
        ),
        rules as (
            select
                staged.source,
                set_aside.rule,
                case when set_aside.rule <> 'prefix_a' then set_aside.stock_code end as stock_code,
                count(*) as lines,
                sum(greatest(set_aside.signed_amount, 0)) as taken,
                count(distinct set_aside.customer_id) filter (where kept_customers.customer_id is null)
                    as lost_customers,
                arg_min(staged.row_number, staged.delivered_line_id) as row_number,
                arg_min(staged.file_name, staged.delivered_line_id) as file_name,
                arg_min(staged.load_id, staged.delivered_line_id) as load_id
            from set_aside
            inner join staging.stg_transactions as staged on set_aside.delivered_line_id = staged.delivered_line_id
            inner join staging.stg_deliveries as deliveries on staged.load_id = deliveries.load_id
            left join kept_customers on set_aside.customer_id = kept_customers.customer_id
            where (set_aside.rule = 'prefix_a' or set_aside.stock_code in (select stock_code from undescribed))
                -- whoever set the profile said so
                and deliveries.set_profile is distinct from 'uci'
            group by
                staged.source, set_aside.rule,
                case when set_aside.rule <> 'prefix_a' then set_aside.stock_code end
        ),
        shares as (
            select
                rules.*,
                sources.money,
                sources.customers,
                ledger.layout,
                ledger.source_mapping as mapping,
                (select count(*) from raw.deliveries where _source = rules.source) as file_count,
                coalesce(rules.taken / nullif(sources.money, 0), 0) as money_share,
                coalesce(rules.lost_customers / nullif(sources.customers, 0), 0) as customer_share
            from rules
            inner join sources on rules.source = sources.source
            left join quality.load_ledger as ledger on rules.load_id = ledger.load_id
        )
        select
            source,
            rule,
            stock_code,
            taken as amount,
            {sentence} as {TOLD},
            case
                when rule = 'prefix_a' then {profile}
                else '[cleaning]' || chr(10) || 'product_codes = ' || {toml_list("[stock_code]")}
            end as {ADVICE}
        from shares
        where money_share > {HABIT_SHARE} or customer_share > {HABIT_SHARE}
    """


def reasons_cost_little() -> Check:
    """No reason sets aside more of the whole than reasons do."""
    # after_as_of is asked for, duplicates are told elsewhere, sums are no lines; postage stands on every third line
    told_elsewhere = "('after_as_of', 'duplicate', 'summary')"
    over_lines = f"line_pct > {100 * REASON_LINES_SHARE} and disposition <> 'non_product'"
    sentence = f"""
        reason || ': ' || {counted("line_count", "line")} || ' (' || {percent("line_pct / 100")} || ' of all), '
        || case
            when lines_without_amount = line_count then 'amounts unknown'
            else {amount("amount")} || ' (' || {percent("coalesce(amount_pct, 0) / 100")} || ' of the money)'
                || case when lines_without_amount > 0
                    then ' and amounts unknown on ' || {number("lines_without_amount")} else '' end
        end
        || coalesce(' (as text: ' || {shown("example_amount_text")} || ')', '')
        || case when lost_customer_count > 0
            then ', all that ' || {counted("lost_customer_count", "customer")} || ' bought' else '' end
        || ', e.g. ' || example_file_name || ' line ' || example_row_number
    """
    return finds_no_rows(
        "reasons_cost_little",
        f"""
        select
            disposition, reason, line_count, amount, example_file_name as file_name,
            example_row_number as row_number, {sentence} as {TOLD}
        from this_table
        where disposition not in {told_elsewhere}
            and case
                when disposition = 'not_a_sale'
                    then greatest(line_pct, coalesce(amount_pct, 0), coalesce(lost_customer_pct, 0))
                        > {100 * STATUS_SHARE}
                else {over_lines} or coalesce(amount_pct, 0) > {100 * REASON_MONEY_SHARE}
                    or coalesce(lost_customer_pct, 0) > {100 * REASON_CUSTOMERS_SHARE}
            end
        """,
        claim=f"no reason sets aside over {REASON_LINES_SHARE:.0%} of the lines, {REASON_MONEY_SHARE:.0%} of the money "
        f"or {REASON_CUSTOMERS_SHARE:.0%} of the customers",
        fault="a reason sets aside much of what was delivered",
        noun="reasons",
        severity="warning",
        reason="What is set aside is in no figure; so much of it is a habit that was misread more often than an error.",
        remedy="marts.set_aside_lines has every such line with its file, and Data health shows them. A code that is a "
        "product after all can be named in product_codes under [cleaning] in regulars.toml",
    )


def reasons_add_up() -> Check:
    """Reasons hold exactly what was set aside."""
    return finds_no_rows(
        "reasons_add_up",
        """
        select
            coalesce(accounted.disposition, told.disposition) as disposition,
            accounted.lines,
            told.lines as lines_of_reasons,
            accounted.amount,
            told.amount as amount_of_reasons
        from (
            select disposition, row_count as lines, gross_amount as amount
            from marts.row_accounting
            where not is_kept and row_count > 0
        ) as accounted
        full join (
            select disposition, sum(line_count) as lines, sum(amount) as amount from this_table group by disposition
        ) as told on accounted.disposition = told.disposition
        where accounted.lines is distinct from told.lines or accounted.amount is distinct from told.amount
        """,
        claim="lines and amounts of all reasons are those that were set aside, to the penny",
        fault="reasons don't add up to what was set aside",
        noun="dispositions",
        reason="What is set aside for a reason that nobody tells is lost quietly.",
    )


def repeats_within_a_file_are_few() -> Check:
    """Few equal lines of one file are taken for slips; where they are many they are sales."""
    return finds_no_rows(
        "repeats_within_a_file_are_few",
        f"""
        with dropping as (
            select source, line_count from marts.source_profiles where exact_duplicates = 'drop'
        ),
        repeats as (
            select
                staged.source,
                staged.load_id,
                staged.content_key,
                count(*) - 1 as repeats,
                sum(staged.signed_amount) * (count(*) - 1) / count(*) as amount,
                min(staged.file_name) as file_name,
                max(staged.row_number) as row_number
            from staging.stg_transactions as staged
            where staged.content_key in (
                select staged.content_key
                from intermediate.int_line_dispositions as lines
                inner join staging.stg_transactions as staged on lines.delivered_line_id = staged.delivered_line_id
                where lines.rule = 'repeated_line'
            )
            group by staged.source, staged.load_id, staged.content_key
            having count(*) > 1
        )
        select
            dropping.source,
            sum(repeats.repeats) as lines,
            dropping.source || ': ' || {counted("sum(repeats.repeats)", "line")} || ' ('
            || {percent("sum(repeats.repeats) / any_value(dropping.line_count)")} || ') with '
            || {amount("sum(repeats.amount)")} || ', e.g. ' || min(repeats.file_name) || ' line '
            || arg_min(repeats.row_number, repeats.file_name) as {TOLD},
            '[cleaning]' || chr(10) || 'exact_duplicates = "overlap"' as {ADVICE}
        from dropping
        inner join repeats on dropping.source = repeats.source
        group by dropping.source
        having sum(repeats.repeats) > {REPEATS_SHARE} * any_value(dropping.line_count)
        """,
        claim=f"at most {REPEATS_SHARE:.0%} of a source's lines are dropped as equal to another one of the same file",
        fault="many lines are dropped because the same file has an equal one",
        noun="sources",
        severity="warning",
        reason="Two of a kind on one bill may be two; a shop that writes them so loses the second each time.",
        remedy="If they are sales, say so in regulars.toml; lines that come again in another file still count once",
    )


def orders_are_told_once() -> Check:
    """No two files tell one order differently so that both versions count."""
    return finds_no_rows(
        "orders_are_told_once",
        f"""
        with doubtful as (
            select older.invoice_no, older.load_id, older.newest_load_id, older.amount, newest.amount as newest_amount
            from intermediate.int_order_versions as older
            inner join intermediate.int_order_versions as newest
                on older.invoice_no = newest.invoice_no and older.newest_load_id = newest.load_id
            where not older.is_as_newest and not older.is_replaced and not older.is_cut_in_newest
        ),
        versions as (
            select
                lines.invoice_no,
                staged.load_id,
                min(staged.file_name) as file_name,
                min(staged.invoiced_at) as first_at,
                max(staged.invoiced_at) as last_at,
                coalesce(sum(staged.signed_amount) filter (where lines.disposition <> 'duplicate'), 0) as counted
            from intermediate.int_line_dispositions as lines
            inner join staging.stg_transactions as staged on lines.delivered_line_id = staged.delivered_line_id
            where lines.invoice_no in (select invoice_no from doubtful)
            group by lines.invoice_no, staged.load_id
        ),
        compared as (
            select
                doubtful.*,
                older.file_name,
                newest.file_name as newest_file_name,
                (select sum(counted) from versions where versions.invoice_no = doubtful.invoice_no) as counted
            from doubtful
            inner join versions as older on doubtful.invoice_no = older.invoice_no and doubtful.load_id = older.load_id
            inner join versions as newest
                on doubtful.invoice_no = newest.invoice_no
                and doubtful.newest_load_id = newest.load_id
                -- an order that was cut in two between its files is told once, by both
                and older.first_at <= newest.last_at
                and newest.first_at <= older.last_at
        )
        select
            invoice_no,
            file_name,
            newest_file_name,
            'order ' || invoice_no || ' is ' || {amount("amount")} || ' in ' || file_name || ' and '
            || {amount("newest_amount")} || ' in ' || newest_file_name || ', and ' || {amount("counted")} || ' counts'
                as {TOLD}
        from compared
        -- equal lines count once, so that an order that only grew comes out right
        where counted <> newest_amount
        """,
        claim="no two files tell one order differently and both count",
        fault="two files tell one order differently, and both versions count",
        noun="orders",
        severity="warning",
        reason="An order that was edited between two exports counts twice, less what is equal in both.",
        remedy="If one file is the newer version, take the order out of the other, or deliver the newer export "
        "under the older one's name",
    )


def nobody_has_most_orders() -> Check:
    """No customer has so many orders that it must be the one that a till writes where nobody is named."""
    return finds_no_rows(
        "nobody_has_most_orders",
        f"""
        select
            first.customer_id,
            first.invoice_count as orders,
            'customer ' || first.customer_id || ' has ' || {number("first.invoice_count")} || ' of '
            || {counted("all_orders", "order")} || ' (' || {percent("first.invoice_count / all_orders")}
            || ') with ' || {amount("first.monetary_net")} || ', the next customer '
            || {number("next_orders")} as {TOLD}
        from (
            select
                customer_id,
                invoice_count,
                monetary_net,
                row_number() over (order by invoice_count desc, customer_id asc) as place,
                coalesce(lead(invoice_count) over (order by invoice_count desc, customer_id asc), 0) as next_orders,
                sum(invoice_count) over () as all_orders
            from this_table
        ) as first
        where place = 1
            and invoice_count >= {DEFAULT_CUSTOMER_ORDERS}
            and invoice_count > {DEFAULT_CUSTOMER_SHARE} * all_orders
            and invoice_count > {DEFAULT_CUSTOMER_TIMES} * next_orders
        """,
        column="invoice_count",
        claim=f"no customer has over {DEFAULT_CUSTOMER_SHARE:.0%} of all orders and {DEFAULT_CUSTOMER_TIMES} times the "
        "next one's",
        fault="one customer has most of the orders, as the one has that a till writes for everybody who is not named",
        noun="customers",
        severity="warning",
        reason="Such a customer is the top Champion, and takes part in every mean, segment and export.",
        remedy='If it stands for nobody, say nobody = ["ID"] under [cleaning] in regulars.toml',
    )
