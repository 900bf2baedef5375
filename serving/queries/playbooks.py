"""Playbooks: what to do about each segment, its draft email, and who came and went.

Belongs here: the published playbooks, emails and redrafts of one method, and the changes
of its audiences since the publication before. Does not belong here: members of an audience
for other programs (:mod:`serving.queries.audiences`), and the wording itself (it is in dbt).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from serving.filters import Clause, Filters, Method
from serving.queries.lists import Column, ListSpec
from serving.snapshot import Reading

PLAN: Mapping[str, str] = {
    "who": "Who",
    "signals": "Signals",
    "goal": "Goal",
    "strategy": "Strategy",
    "channel": "Channel",
    "offer": "Offer",
    "measure": "Measure",
    "measure_how": "How to measure",
}
"""A playbook's texts in their order, with their headings."""


def playbooks(reading: Reading, method: Method) -> pd.DataFrame:
    """What to do about each segment of a method, the one with the most money first.

    Returns
    -------
    DataFrame
        The rows of ``reporting.segment_playbooks``: figures of all the segment's customers
        (money in the shop's currency, shares 0 to 100) and the texts.
    """
    return reading.query(
        """
        select * from reporting.segment_playbooks
        where method = $method
        order by monetary_sum desc, segment_name
        """,
        {"method": method},
    )


def emails(reading: Reading, method: Method) -> pd.DataFrame:
    """The draft email of each segment of a method, and its redraft where a language model made one.

    Returns
    -------
    DataFrame
        The rows of ``reporting.segment_emails`` by segment, with ``redraft_subject``,
        ``redraft_body``, ``redraft_model``, ``redraft_status`` (``redrafted``, ``failed``,
        ``not_asked``) and ``redraft_problem``; these are null where none was asked for.
    """
    return reading.query(
        """
        select
            e.*, r.subject as redraft_subject, r.body as redraft_body, r.model as redraft_model,
            r.status as redraft_status, r.problem as redraft_problem
        from reporting.segment_emails as e
        left join reporting.segment_email_redrafts as r using (method, segment_name)
        where e.method = $method
        order by e.segment_name
        """,
        {"method": method},
    )


def audience_changes(reading: Reading, method: Method) -> pd.DataFrame:
    """How many entered and left each segment since the publication before; all customers of the shop.

    Returns
    -------
    DataFrame
        By segment, those that only existed before included: ``segment``, ``customers_before``,
        ``entered_customers``, ``left_customers``, ``customers_now`` (before, plus entered, less
        left), and the money of those who came and went: ``entered_monetary``,
        ``entered_clv``, ``left_monetary``, ``left_clv`` (what they are worth now; a customer who is
        gone from the shop counts as 0).
    """
    return reading.query(
        """
        with sides as (
            select 'now' as side, segment_name as segment, customers, null as monetary, null as clv
            from reporting.segment_claims
            where method = $method
            union all
            select 'entered', to_segment, null, monetary, clv
            from reporting.audience_changes
            where method = $method and to_segment is not null
            union all
            select 'left', from_segment, null, monetary, clv
            from reporting.audience_changes
            where method = $method and from_segment is not null
        )

        select
            segment,
            coalesce(max(customers), 0) as customers_now,
            count(*) filter (side = 'entered') as entered_customers,
            count(*) filter (side = 'left') as left_customers,
            customers_now - entered_customers + left_customers as customers_before,
            coalesce(sum(monetary) filter (side = 'entered'), 0) as entered_monetary,
            round(coalesce(sum(clv) filter (side = 'entered'), 0), 2) as entered_clv,
            coalesce(sum(monetary) filter (side = 'left'), 0) as left_monetary,
            round(coalesce(sum(clv) filter (side = 'left'), 0), 2) as left_clv
        from sides
        group by segment
        order by segment
        """,
        {"method": method},
    )


def audience_flows(reading: Reading, method: Method) -> pd.DataFrame:
    """From which segment to which the customers went since the publication before.

    Returns
    -------
    DataFrame
        ``from_segment`` (null: had none before), ``to_segment`` (null: has none any more),
        ``customers`` and their ``monetary`` now; most customers first.
    """
    return reading.query(
        """
        select from_segment, to_segment, count(*) as customers, coalesce(sum(monetary), 0) as monetary
        from reporting.audience_changes
        where method = $method
        group by from_segment, to_segment
        order by customers desc, from_segment nulls last, to_segment nulls last
        """,
        {"method": method},
    )


def compared_publication(reading: Reading, method: Method) -> dict[str, object] | None:
    """The publication that changes are counted from: ``publication_id`` and ``snapshot_date``.

    None if no change is recorded: it is the first one, or nobody changed segment.
    """
    found = reading.rows(
        """
        select previous_publication_id as publication_id, previous_snapshot_date as snapshot_date
        from reporting.audience_changes
        where method = $method
        group by all
        order by publication_id desc
        limit 1
        """,
        {"method": method},
    )
    return found[0] if found else None


# ---- lists ---------------------------------------------------------------------


def moved_customers(filters: Filters) -> Clause:
    """Who entered or left a segment of the method; segments keep who came from or went to one of them."""
    sql, asked = "select * from reporting.audience_changes where method = $method", {"method": filters.method}
    if not filters.segments:
        return Clause(sql, asked)
    one_of_them = "from_segment in (select unnest($segments)) or to_segment in (select unnest($segments))"
    return Clause(f"{sql} and ({one_of_them})", {**asked, "segments": list(filters.segments)})


def _changes(filters: Filters, _: str) -> Clause:
    # those who are gone fit no other filter
    others = replace(filters, segments=())
    return Clause(
        f"""
        select a.* replace (round(a.clv, 2) as clv), c.country, c.recency_days
        from moved as a
        left join reporting.customer_360 as c on a.customer_id = c.customer_id
        where {others.is_everything} or a.customer_id in (select customer_id from chosen)
        """
    ).over(moved=moved_customers(filters), chosen=others.customers())


CHANGES = ListSpec(
    name="audience_changes",
    title="Customers who entered or left a segment",
    columns=(
        Column("customer_id", "Customer", link="customer", width=130),
        Column("from_segment", "Before", link="segment"),
        Column("to_segment", "Now", link="segment"),
        Column("change", "Change", width=110),
        Column("monetary", "Money"),
        Column("clv", "Expected revenue"),
        Column("recency_days", "Days since last order"),
        Column("country", "Country"),
    ),
    rows=_changes,
    order_by="monetary desc nulls last, customer_id",
    tables=("reporting.audience_changes", "reporting.customer_360"),
)

LISTS: tuple[ListSpec, ...] = (CHANGES,)
