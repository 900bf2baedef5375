"""Customers: the list, the search, and one customer's whole story.

Belongs here: what is known of customers one by one. Does not belong here: segments as
such (:mod:`serving.queries.segments`), what to do about them
(:mod:`serving.queries.playbooks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from serving.filters import SEGMENT_COLUMNS, Clause, Filters
from serving.queries.lists import Column, ListSpec, fetch_list
from serving.queries.products import product_code
from serving.snapshot import Reading
from warehouse.measures import aggregates, shown

# how alike two ids are is worked out for every customer: a long text would make that dear
_MAX_COMPARED_TEXT = 40


@dataclass(frozen=True)
class CustomerSearch:
    """What a search for the beginning of an id found."""

    text: str
    matches: int
    """Customers who fit the search and all other filters."""
    other_matches: int
    """Ids that begin so as well, of customers who don't fit the other filters or bought nothing."""
    found: pd.DataFrame
    """The first of them, those who fit before the others; see :func:`find_customers`."""


@dataclass(frozen=True)
class CustomerSummary:
    """The customers under the filters, taken together. Money in the shop's currency."""

    figures: Mapping[str, Any]
    """The measures of customers by their key; None with no customer, or no model of their value."""
    horizon_days: int | None
    customers_without_purchases: int
    """Customers of the whole shop who are on no list, because nothing that they bought counts."""


@dataclass(frozen=True)
class CustomerStory:
    """Everything that the snapshot knows of one customer; money in the shop's currency.

    Figures of purchases are None, and frames empty, for one who only gave things back.
    """

    facts: dict[str, Any]
    """The customer's row of ``reporting.customer_360`` as plain values."""
    is_gap_known: bool
    """Whether anybody has come on a second day: else the shop's gap is the longest time that a customer is known."""
    history: pd.DataFrame
    """The customer's rows of ``marts.customer_rfm_monthly``, month ends ascending, each as it looked then."""
    months: pd.DataFrame
    """Months with an order or a return, ascending: ``month_start, invoices, gross_revenue,
    booked_return_revenue`` (0 or more), ``return_invoices``."""
    returns: pd.DataFrame
    """Returned lines, the newest first: the columns of the list ``customer_returns``."""
    categories: pd.DataFrame
    """Categories by the customer's money, most first: ``category, net_revenue, share_pct``, and the
    shop's ``shop_share_pct`` over all customers."""
    playbooks: pd.DataFrame
    """The rows of ``reporting.segment_playbooks`` for the customer's segments, one per ``method``."""

    def segment(self, method: str) -> str | None:
        """The customer's segment by a method; None if there is none."""
        value: str | None = self.facts[SEGMENT_COLUMNS[method]]
        return value

    def playbook(self, method: str) -> dict[str, Any] | None:
        """What to do about the customer's segment by a method; None without a segment."""
        rows = self.playbooks[self.playbooks["method"] == method].to_dict("records")
        return {str(name): value for name, value in rows[0].items()} if rows else None


# ---- search --------------------------------------------------------------------


def find_customers(reading: Reading, filters: Filters, text: str, limit: int = 12) -> CustomerSearch:
    """Customers whose id begins with a text, whatever its case.

    Those who fit the other filters come first, then the rest: a search that finds nobody
    because of a filter says so.

    Returns
    -------
    CustomerSearch
        Its frame has ``customer_id``, ``country``, ``segment`` (by the chosen method, None
        without purchases), ``monetary_net``, ``has_purchases`` and ``is_under_filters``, at most
        ``limit`` rows; shorter ids first, equal ones by their letters.
    """
    begun = Clause(
        f"""
        select
            customer_id, country, {filters.segment_column} as segment, monetary_net, has_purchases,
            customer_id in (select customer_id from fitting) as is_under_filters
        from reporting.customer_360
        where starts_with(lower(customer_id), lower($searched))
        """,
        {"searched": text.strip()},
    ).over(fitting=replace(filters, customer="").customers())
    counted = reading.row(
        """
        select count(*) filter (is_under_filters) as inside, count(*) filter (not is_under_filters) as outside
        from begun
        """,
        begun=begun,
    )
    found = reading.query(
        "select * from begun order by is_under_filters desc, length(customer_id), customer_id limit $row_limit",
        {"row_limit": limit},
        begun=begun,
    )
    return CustomerSearch(text.strip(), counted["inside"], counted["outside"], found)


def closest_customers(reading: Reading, text: str, limit: int = 5) -> list[str]:
    """Ids that look most like a text that is no id: fewest letters changed, swapped, added or left out."""
    return [
        row["customer_id"]
        for row in reading.rows(
            """
            select customer_id
            from reporting.customer_360
            order by damerau_levenshtein(lower(customer_id), lower($searched)), length(customer_id), customer_id
            limit $row_limit
            """,
            {"searched": text.strip()[:_MAX_COMPARED_TEXT], "row_limit": limit},
        )
    ]


def customer_summary(reading: Reading, filters: Filters) -> CustomerSummary:
    """The customers under the filters, taken together."""
    row = reading.row(
        f"""
        select
            {aggregates("customers", [one.key for one in shown("customers")])},
            max(clv_horizon_days) as horizon_days,
            (select count(*) from reporting.customer_360 where not has_purchases) as customers_without_purchases
        from chosen
        """,
        chosen=filters.customers(),
    )
    horizon_days, without = row.pop("horizon_days"), row.pop("customers_without_purchases")
    return CustomerSummary(row, horizon_days, without)


# ---- one customer --------------------------------------------------------------


def customer_story(reading: Reading, customer_id: str) -> CustomerStory | None:
    """Everything known of one customer; None if no customer has exactly that id."""
    customer = {"of_customer": customer_id}
    found = reading.rows(
        """
        select
            *,
            -- of a delivery, not of the customer: the same lines come in more files, and are set aside once more
            (select count(*) from marts.set_aside_lines where customer_id = $of_customer) as set_aside_lines
        from reporting.customer_360
        where customer_id = $of_customer
        """,
        customer,
    )
    if not found:
        return None
    facts = found[0]
    return CustomerStory(
        facts=facts,
        is_gap_known=bool(reading.row("select max(purchase_days) > 1 as is_known from marts.customer_rfm")["is_known"]),
        history=reading.query(
            "select * from marts.customer_rfm_monthly where customer_id = $of_customer order by month_end", customer
        ),
        months=reading.query(
            f"""
            select
                month_start,
                {aggregates("invoices", ["invoices", "gross_revenue", "booked_return_revenue"])},
                count(*) filter (is_return) as return_invoices
            from marts.fct_invoices
            where customer_id = $of_customer
            group by month_start
            order by month_start
            """,
            customer,
        ),
        returns=fetch_list(reading, RETURNS, Filters(), customer_id),
        categories=_categories(reading, customer),
        playbooks=_playbooks(reading, facts),
    )


def _categories(reading: Reading, customer: dict[str, Any]) -> pd.DataFrame:
    return reading.query(
        """
        with shop as (
            select category, 100.0 * sum(kept_revenue) / nullif(sum(sum(kept_revenue)) over (), 0) as shop_share_pct
            from marts.customer_category_shares
            group by category
        )

        select own.category, own.net_revenue, own.share_pct, shop.shop_share_pct
        from marts.customer_category_shares as own
        inner join shop using (category)
        where own.customer_id = $of_customer
        order by own.net_revenue desc, own.category
        """,
        customer,
    )


def _playbooks(reading: Reading, facts: dict[str, Any]) -> pd.DataFrame:
    return reading.query(
        """
        with segments as (select unnest($methods) as method, unnest($segments) as segment_name)

        select * from reporting.segment_playbooks inner join segments using (method, segment_name)
        order by method, segment_name
        """,
        {"methods": list(SEGMENT_COLUMNS), "segments": [facts[column] for column in SEGMENT_COLUMNS.values()]},
    )


# ---- lists ---------------------------------------------------------------------


def _customers(filters: Filters, _: str) -> Clause:
    return Clause(
        """
        select
            * replace (
                round(order_value::double, 2) as order_value, round(clv, 2) as clv, round(clv_low, 2) as clv_low,
                round(clv_high, 2) as clv_high, round(silence_ratio, 1) as silence_ratio,
                round(expected_gap_days, 1) as expected_gap_days
            ),
            first_purchase_at::date as first_purchase_date,
            last_purchase_at::date as last_purchase_date
        from chosen
        """
    ).over(chosen=filters.customers())


CUSTOMERS = ListSpec(
    name="customers",
    title="Customers",
    columns=(
        Column("customer_id", "Customer", link="customer", width=130),
        Column("segment", "Segment", link="segment", about="Segment by the chosen method."),
        Column("monetary_net", "Spent"),
        Column("frequency", "Orders"),
        Column("recency_days", "Days since last order"),
        Column("order_value", "Average order"),
        Column("clv", "Expected revenue"),
        Column("clv_low", "Expected, low"),
        Column("clv_high", "Expected, high"),
        Column("expected_gap_days", "Usual gap, days"),
        Column("silence_ratio", "Silence, in gaps"),
        Column("is_slipping", "Slipping"),
        Column("is_dormant", "Dormant"),
        Column("country", "Country", width=150),
        Column("customer_type", "Type", width=120),
        Column("rfm_score", "RFM score", width=120),
        Column("rfm_segment", "RFM segment", link="segment"),
        Column("top_category", "Top category"),
        Column("first_purchase_date", "First order", "date", of="reporting.customer_360.first_purchase_at"),
        Column("last_purchase_date", "Last order", "date", of="reporting.customer_360.last_purchase_at"),
        Column("is_overridden", "By hand"),
    ),
    rows=_customers,
    order_by="monetary_net desc, customer_id",
    tables=("reporting.customer_360",),
)


ORDERS = ListSpec(
    name="customer_orders",
    title="Orders of one customer",
    columns=(
        Column("invoice_no", "Invoice", width=165),
        Column("invoiced_at", "When"),
        Column("days_since_previous_order", "Days since previous"),
        Column("line_count", "Lines", width=100),
        Column("quantity_units", "Units", width=100),
        Column("gross_revenue", "Gross revenue"),
        Column("returned_revenue", "Returned later"),
        Column("net_revenue", "Net revenue"),
        Column("country", "Country"),
    ),
    rows="select * from marts.fct_invoices where customer_id = $context and not is_return",
    order_by="invoiced_at desc, invoice_no",
    tables=("marts.fct_invoices",),
)


RETURNS = ListSpec(
    name="customer_returns",
    title="Returns of one customer",
    columns=(
        Column("invoice_no", "Return", width=165),
        Column("invoiced_at", "When"),
        Column("stock_code", "Product", width=150),
        Column("description", "Description", width=250),
        Column("returned_units", "Units", width=100),
        Column("return_amount", "Amount"),
        Column("reversed_invoices", "Reverses", width=180),
        Column("sold_at", "Bought"),
        Column("days_after_purchase", "Days after purchase"),
        Column("matched_amount", "Matched"),
        Column("unmatched_amount", "Unmatched"),
        Column("is_matched_in_full", "In full"),
        Column("matched_by", "Matched by"),
    ),
    rows=f"""
        select r.* replace ({product_code("r.stock_code")} as stock_code), p.description
        from marts.fct_returns as r
        left join marts.dim_products as p on r.stock_code = p.stock_code
        where r.customer_id = $context
    """,
    order_by="invoiced_at desc, invoice_no, stock_code, line_id",
    tables=("marts.fct_returns", "marts.dim_products"),
)


LINES = ListSpec(
    name="customer_lines",
    title="Invoice lines of one customer",
    columns=(
        Column("invoiced_at", "When"),
        Column("invoice_no", "Invoice", width=165),
        Column("line_type", "Kind", width=100),
        Column("stock_code", "Product", width=150),
        Column("description", "Description", width=250),
        Column("category", "Category"),
        Column("quantity_units", "Units", width=100),
        Column("unit_price", "Price", width=110),
        Column("gross_revenue", "Gross revenue"),
        Column("returned_quantity", "Units returned"),
        Column("net_revenue", "Net revenue"),
    ),
    rows=f"""
        select l.* replace ({product_code("l.stock_code")} as stock_code), p.description, p.category
        from marts.fct_invoice_lines as l
        left join marts.dim_products as p on l.stock_code = p.stock_code
        where l.customer_id = $context
    """,
    order_by="invoiced_at desc, invoice_no, stock_code, line_id",
    tables=("marts.fct_invoice_lines", "marts.dim_products"),
)

LISTS: tuple[ListSpec, ...] = (CUSTOMERS, ORDERS, RETURNS, LINES)
