"""Customers over HTTP: the list and one customer's story.

Belongs here: their fields and operations. Does not belong here: what the figures are
(:mod:`serving.queries.customers`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import Path, Query
from pydantic import Field

from serving.api.models import Answer, Day, Envelope, Money, PagedEnvelope, ShopTime, Units, page_info, records
from serving.api.playbooks import Playbook
from serving.api.problems import NotFoundError, responses
from serving.api.requests import (
    GivenFilters,
    GivenPage,
    MethodParameter,
    PageRequest,
    SnapshotReading,
    answer,
    page_of,
    subject_router,
)
from serving.queries.customers import CustomerStory, customer_story
from serving.queries.lists import Column, ListRequest, ListSpec
from serving.snapshot import Reading

router = subject_router("customers")


class CustomerRow(Answer):
    """An identified customer who bought."""

    customer_id: Annotated[str, Field(description="Customer number as text.", examples=["17850"])]
    segment: Annotated[str | None, Field(description="Segment by the chosen `method`.", examples=["Champions"])]
    country: Annotated[str | None, Field(description="Country with most of what was bought.", examples=["France"])]
    customer_type: Annotated[str | None, Field(description="`one_time` for who ordered once, else `returning`.")]
    recency_days: Annotated[int | None, Field(description="Days from the last purchase to `snapshot.snapshot_date`.")]
    frequency: Annotated[int | None, Field(description="Purchases, counted as setting rfm.frequency says.")]
    monetary_net: Annotated[
        Money | None,
        Field(description="Spend less returns; below zero for who gave more back (money).", examples=[1234.5]),
    ]
    monetary_gross: Annotated[Money | None, Field(description="Spend before returns (money).")]
    invoice_count: Annotated[int | None, Field(description="Invoices with a sale.")]
    purchase_days: Annotated[int | None, Field(description="Days with a purchase.")]
    first_purchase_at: Annotated[ShopTime | None, Field(description="First purchase, the shop's own clock.")]
    last_purchase_at: Annotated[ShopTime | None, Field(description="Last purchase, the shop's own clock.")]
    cohort_month: Annotated[Day | None, Field(description="First day of the month of the first purchase.")]
    r_score: Annotated[int | None, Field(description="Recency score, 1 to 5, 5 bought most recently.")]
    f_score: Annotated[int | None, Field(description="Frequency score, 1 to 5.")]
    m_score: Annotated[int | None, Field(description="Money score, 1 to 5.")]
    rfm_score: Annotated[str | None, Field(description="The three scores side by side.", examples=["543"])]
    rfm_segment: Annotated[str | None, Field(description="Standard segment by the scores.")]
    kmeans_segment: Annotated[str | None, Field(description="Segment by k-means.")]
    hierarchical_segment: Annotated[str | None, Field(description="Segment by hierarchical clustering.")]
    mixture_segment: Annotated[str | None, Field(description="Segment by Gaussian mixture.")]
    audience_segment: Annotated[str | None, Field(description="Segment for campaigns: k-means or an override.")]
    is_overridden: Annotated[bool | None, Field(description="Whether a person's override is active.")]
    stability: Annotated[
        float | None,
        Field(description="Share of refits that agree on the k-means segment, 0 to 1."),
    ]
    clv: Annotated[Money | None, Field(description="Expected net revenue within `clv_horizon_days` (money).")]
    clv_low: Annotated[Money | None, Field(description="Lower end of its interval (money).")]
    clv_high: Annotated[Money | None, Field(description="Upper end of its interval (money).")]
    clv_horizon_days: Annotated[int | None, Field(description="Days ahead that expectations reach.")]
    expected_purchases: Annotated[float | None, Field(description="Expected days with a purchase within them.")]
    p_alive: Annotated[
        float | None, Field(description="Probability of not having dropped out, 0 to 1; see the notes in /health.")
    ]
    top_category: Annotated[str | None, Field(description="Category with most of what was bought and kept.")]


class CustomerFacts(CustomerRow):
    """All that is known of a customer; figures of purchases are null for who only gave things back."""

    has_purchases: Annotated[bool, Field(description="Whether anything that was bought counts.")]
    country_iso_alpha2: Annotated[str | None, Field(description="Two-letter ISO code of the country.")]
    is_home_country: Annotated[bool | None, Field(description="Whether it is the shop's own.")]
    age_years: Annotated[int | None, Field(description="As told by the customers file.")]
    gender: Annotated[str | None, Field(description="As told by the customers file.")]
    location: Annotated[str | None, Field(description="As told by the customers file.")]
    line_count: Annotated[int | None, Field(description="Sale lines.")]
    monetary: Annotated[Money | None, Field(description="Spend that scores are made by: net or gross (money).")]
    last_month_rfm_segment: Annotated[str | None, Field(description="Standard segment at the last month end.")]
    has_positive_monetary: Annotated[
        bool | None, Field(description="False for who gave back as much as was bought, or more.")
    ]
    is_outlier_excluded: Annotated[bool | None, Field(description="Whether left out of fitting and only labelled.")]
    mixture_probability: Annotated[float | None, Field(description="Probability of the mixture segment, 0 to 1.")]
    override_reason: Annotated[str | None, Field(description="Why a person overrode the segment.")]
    override_author: Annotated[str | None, Field(description="Who.")]
    override_expires_on: Annotated[Day | None, Field(description="Last day of it.")]
    clv_model: Annotated[str | None, Field(description="Model of `clv` and `expected_purchases`.")]
    clv_interval_pct: Annotated[float | None, Field(description="Share of customers that the intervals should hold.")]
    expected_purchases_low: Annotated[float | None, Field(description="Lower end of the interval.")]
    expected_purchases_high: Annotated[float | None, Field(description="Upper end of the interval.")]
    expected_purchase_value: Annotated[Money | None, Field(description="Expected net value of one such day (money).")]
    top_category_pct: Annotated[float | None, Field(description="Share of the top category, in percent.")]
    order_value: Annotated[Money | None, Field(description="Net spend divided by orders (money).")]
    returned_revenue: Annotated[Money, Field(description="Returns matched with a purchase (money, positive).")]
    unmatched_return_revenue: Annotated[
        Money, Field(description="Returns matched with none, taken off the spend too (money, positive).")
    ]
    total_return_revenue: Annotated[Money, Field(description="All returns, matched or not (money, positive).")]
    return_count: Annotated[int, Field(description="Invoices with returns.")]
    usual_gap_days: Annotated[float | None, Field(description="Median days between purchase days.")]
    overdue_days: Annotated[
        float | None, Field(description="Days since the last purchase beyond the usual gap; 0 within it.")
    ]
    set_aside_lines: Annotated[int, Field(description="Delivered lines that are not in the figures.")]
    recency_rank_pct: Annotated[float | None, Field(description="Customers who bought longer ago, in percent.")]
    frequency_rank_pct: Annotated[float | None, Field(description="Customers who bought less often, in percent.")]
    monetary_rank_pct: Annotated[float | None, Field(description="Customers who spent less, in percent.")]


class CustomerMonth(Answer):
    """The customer as of a month end."""

    month_end: Annotated[Day, Field(description="Last day of the month.")]
    recency_days: Annotated[int, Field(description="Days since the last purchase.")]
    frequency: Annotated[int, Field(description="Purchases so far.")]
    monetary_net: Annotated[Money, Field(description="Net spend so far (money).")]
    rfm_score: Annotated[str, Field(description="Scores as they were then.")]
    rfm_segment: Annotated[str, Field(description="Standard segment as it was then.")]


class CustomerCategory(Answer):
    """What the customer spent on a category."""

    category: Annotated[str, Field(description="Product category.")]
    net_revenue: Annotated[Money, Field(description="Net spend (money).")]
    share_pct: Annotated[float | None, Field(description="Of the customer's, in percent.")]
    shop_share_pct: Annotated[float | None, Field(description="Of all customers', in percent.")]


class Customer(Answer):
    """One customer's story."""

    facts: CustomerFacts
    history: Annotated[list[CustomerMonth], Field(description="Month ends, ascending.")]
    categories: Annotated[list[CustomerCategory], Field(description="Most money first.")]
    playbook: Annotated[Playbook | None, Field(description="What to do, by the chosen method's segment.")]


class CustomerOrder(Answer):
    """One of the customer's orders."""

    invoice_no: Annotated[str, Field(description="Invoice number.")]
    invoiced_at: Annotated[ShopTime, Field(description="The shop's own clock.")]
    days_since_previous_order: Annotated[int | None, Field(description="Days after the order before.")]
    country: Annotated[str, Field(description="Country of the invoice.")]
    line_count: Annotated[int, Field(description="Lines.")]
    quantity_units: Annotated[Units, Field(description="Units.")]
    gross_revenue: Annotated[Money, Field(description="Before returns (money).")]
    returned_revenue: Annotated[Money, Field(description="What of it came back later (money).")]
    net_revenue: Annotated[Money, Field(description="Less what came back (money).")]


class CustomerReturn(Answer):
    """A line that the customer gave back."""

    invoice_no: Annotated[str, Field(description="Number of the return.")]
    invoiced_at: Annotated[ShopTime, Field(description="The shop's own clock.")]
    stock_code: Annotated[str, Field(description="Stock code.")]
    description: Annotated[str | None, Field(description="Name of the product.")]
    returned_units: Annotated[Units, Field(description="Units.")]
    return_amount: Annotated[Money, Field(description="Their worth (money).")]
    reversed_invoices: Annotated[str | None, Field(description="Invoices that it takes back; null if none was found.")]
    sold_at: Annotated[ShopTime | None, Field(description="When they were bought.")]
    days_after_purchase: Annotated[int | None, Field(description="Days after the purchase.")]
    matched_by: Annotated[
        str | None,
        Field(
            description="How the purchase was found: `stock_code`, or `near_stock_code` where the return's code is a "
            "character off."
        ),
    ]
    matched_amount: Annotated[Money, Field(description="What of the amount is taken off a purchase (money).")]
    unmatched_amount: Annotated[
        Money, Field(description="What of it fits no purchase; taken off the spend too (money).")
    ]


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
    asked = ListRequest({}, [{"colId": str(sort), "sort": direction}] if sort else ())
    return page_of(reading, _CUSTOMERS, filters, page, request=asked)


CustomerId = Annotated[
    str, Path(min_length=1, max_length=200, description="Customer number as text.", examples=["17850"])
]


def _story(reading: Reading, customer_id: str) -> CustomerStory:
    story = customer_story(reading, customer_id)
    if story is None:
        raise NotFoundError(f"There is no customer {customer_id[:60]!r}.")
    return story


def _cut(reading: Reading, rows: pd.DataFrame, page: PageRequest) -> Any:
    part = rows.iloc[page.offset : page.offset + page.limit]
    return answer(reading, part) | {"page": page_info(len(rows), page.limit, page.offset)}


# ids may hold a slash; the longer paths come first, because the id would swallow their ends
@router.get("/customers/{customer_id:path}/orders", summary="Orders of one customer", responses=responses(404))
def list_orders(reading: SnapshotReading, customer_id: CustomerId, page: GivenPage) -> PagedEnvelope[CustomerOrder]:
    """The newest first."""
    return _cut(reading, _story(reading, customer_id).orders, page)


@router.get("/customers/{customer_id:path}/returns", summary="Returns of one customer", responses=responses(404))
def list_returns(reading: SnapshotReading, customer_id: CustomerId, page: GivenPage) -> PagedEnvelope[CustomerReturn]:
    """The newest first."""
    return _cut(reading, _story(reading, customer_id).returns, page)


@router.get("/customers/{customer_id:path}", summary="One customer", responses=responses(404))
def get_customer(
    reading: SnapshotReading, customer_id: CustomerId, method: MethodParameter = "kmeans"
) -> Envelope[Customer]:
    """All that is known of a customer; `method` chooses whose segment and playbook are told."""
    story = _story(reading, customer_id)
    playbook = story.playbook(method)
    return answer(
        reading,
        {
            "facts": records([story.facts | {"segment": story.segment(method)}])[0],
            "history": records(story.history),
            "categories": records(story.categories),
            "playbook": records([playbook])[0] if playbook else None,
        },
    )
