"""Customers over HTTP: the list and one customer's story.

Belongs here: their fields and operations. Does not belong here: what the figures are
(:mod:`serving.queries.customers`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from serving.answers import Answer
from serving.api.models import Envelope, PagedEnvelope
from serving.api.playbooks import Playbook
from serving.api.problems import NotFoundError, responses
from serving.api.requests import (
    GivenFilters,
    GivenPage,
    MethodParameter,
    SnapshotReading,
    answer,
    page_of,
    subject_router,
)
from serving.filters import DEFAULT_METHOD, Filters
from serving.queries.customers import ORDERS, RETURNS, CustomerStory, customer_story
from serving.queries.lists import Column, ListRequest, ListSpec
from serving.snapshot import Reading

router = subject_router("customers")


class CustomerRow(
    Answer,
    of="reporting.customer_360",
    columns="""
        customer_id country customer_type recency_days frequency monetary_net monetary_gross invoice_count
        purchase_days expected_gap_days silence_ratio is_slipping is_dormant first_purchase_at last_purchase_at
        cohort_month r_score f_score m_score rfm_score rfm_segment kmeans_segment hierarchical_segment mixture_segment
        audience_segment is_overridden stability clv clv_low clv_high clv_horizon_days expected_purchases top_category
    """,
):
    """An identified customer who bought."""

    segment: Annotated[str | None, Field(description="Segment by the chosen `method`.")]


class CustomerFacts(
    CustomerRow,
    of="reporting.customer_360",
    columns="""
        has_purchases country_iso_alpha2 is_home_country p_alive age_years gender location line_count monetary
        last_month_rfm_segment has_positive_monetary is_outlier_excluded mixture_probability override_reason
        override_author override_expires_on clv_model clv_interval_pct expected_purchases_low expected_purchases_high
        expected_purchase_value top_category_pct order_value returned_revenue unmatched_return_revenue
        total_return_revenue return_count recency_rank_pct frequency_rank_pct monetary_rank_pct
    """,
):
    """All that is known of a customer; figures of purchases are null for a customer who only returned goods."""

    set_aside_lines: Annotated[
        int, Field(description="Lines that name the customer and were set aside, such as postage or repeats.", ge=0)
    ]


class CustomerMonth(
    Answer,
    of="marts.customer_rfm_monthly",
    columns="month_end recency_days frequency monetary_net rfm_score rfm_segment",
):
    """The customer as of a month end."""


class CustomerCategory(Answer, of="marts.customer_category_shares", columns="category net_revenue share_pct"):
    """What the customer spent on a category."""

    shop_share_pct: Annotated[
        float | None, Field(description="Share of the category in all customers' net spend, 0 to 100.")
    ]


class Customer(Answer):
    """One customer's story."""

    facts: Annotated[CustomerFacts, Field(description="What is known of the customer.")]
    history: Annotated[list[CustomerMonth], Field(description="Month ends, ascending.")]
    categories: Annotated[list[CustomerCategory], Field(description="Most money first.")]
    playbook: Annotated[Playbook | None, Field(description="What to do, by the chosen method's segment.")]


class CustomerOrder(Answer, of=ORDERS):
    """One of the customer's orders."""


class CustomerReturn(
    Answer,
    of=RETURNS,
    columns="""
        invoice_no invoiced_at stock_code description returned_units return_amount reversed_invoices sold_at
        days_after_purchase matched_by matched_amount unmatched_amount
    """,
):
    """A line that the customer returned."""


_CUSTOMERS = ListSpec(
    name="api-customers",
    title="Customers",
    columns=tuple(Column(name, name) for name in CustomerRow.model_fields),
    rows=lambda filters, _: filters.customers(),
    order_by="monetary_net desc, customer_id",
)
CustomerColumn = StrEnum("CustomerColumn", {name: name for name in CustomerRow.model_fields})  # type: ignore[misc]


@router.get("/customers", summary="Customers, page by page")
def list_customers(
    reading: SnapshotReading,
    filters: GivenFilters,
    page: GivenPage,
    sort: Annotated[
        CustomerColumn | None, Query(description="Column to sort by; by default net spend, highest first.")
    ] = None,
    direction: Annotated[Literal["asc", "desc"], Query(description="Direction of `sort`; nulls last.")] = "asc",
) -> PagedEnvelope[CustomerRow]:
    """Identified customers who bought and fit the filters. Ties are broken by net spend, then id."""
    asked = ListRequest(sort_model=[{"colId": str(sort), "sort": direction}] if sort else ())
    return page_of(reading, _CUSTOMERS, filters, page, request=asked)


CustomerId = Annotated[
    str, Path(min_length=1, max_length=200, description="Customer number as text.", examples=["17850"])
]


def _story(reading: Reading, customer_id: str) -> CustomerStory:
    story = customer_story(reading, customer_id)
    if story is None:
        raise NotFoundError(f"There is no customer {customer_id[:60]!r}.")
    return story


# ids may hold a slash; the longer paths come first, because the id would swallow their ends
@router.get("/customers/{customer_id:path}/orders", summary="Orders of one customer", responses=responses(404))
def list_orders(reading: SnapshotReading, customer_id: CustomerId, page: GivenPage) -> PagedEnvelope[CustomerOrder]:
    """The newest first."""
    _story(reading, customer_id)
    return page_of(reading, ORDERS, Filters(), page, context=customer_id)


@router.get("/customers/{customer_id:path}/returns", summary="Returns of one customer", responses=responses(404))
def list_returns(reading: SnapshotReading, customer_id: CustomerId, page: GivenPage) -> PagedEnvelope[CustomerReturn]:
    """The newest first."""
    _story(reading, customer_id)
    return page_of(reading, RETURNS, Filters(), page, context=customer_id)


@router.get("/customers/{customer_id:path}", summary="One customer", responses=responses(404))
def get_customer(
    reading: SnapshotReading, customer_id: CustomerId, method: MethodParameter = DEFAULT_METHOD
) -> Envelope[Customer]:
    """Everything known about a customer; `method` chooses whose segment and playbook are given."""
    story = _story(reading, customer_id)
    return answer(
        reading,
        {
            "facts": story.facts | {"segment": story.segment(method)},
            "history": story.history,
            "categories": story.categories,
            "playbook": story.playbook(method),
        },
    )
