"""Playbooks over HTTP: what to do about each segment, draft emails, who came and went.

Belongs here: their fields and operations. Does not belong here: the texts (dbt seeds), and what is selected
(:mod:`serving.queries.playbooks`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.api.models import Answer, Envelope, Money, PagedEnvelope, measured
from serving.api.requests import (
    GivenFilters,
    GivenPage,
    MethodParameter,
    SnapshotReading,
    answer,
    page_of,
    subject_router,
)
from serving.filters import Method
from serving.queries import playbooks as queries

router = subject_router("playbooks")

_Segment = Annotated[str, Field(description="Name of the segment.", examples=["Champions"])]
_Text = str | None


class Playbook(measured("playbooks")):  # type: ignore[misc]
    """What to do about a segment, with its own figures; of all its customers, whatever the filters."""

    method: Annotated[Method, Field(description="Which way of segmenting made it.")]
    segment_name: _Segment
    segment_kind: Annotated[str, Field(description="Kind of customer; the playbook is that of the kind.")]
    has_own_playbook: Annotated[bool, Field(description="False where the general texts serve.")]
    horizon_days: Annotated[int | None, Field(description="Days ahead that expectations reach.")]
    clv_note: Annotated[_Text, Field(description="What to be wary of in them.")]
    top_category: Annotated[_Text, Field(description="Category with most of the net spend.")]
    top_category_pct: Annotated[float | None, Field(description="Its share, in percent.")]
    summary: Annotated[_Text, Field(description="The figures in a sentence or two.")]
    who: Annotated[_Text, Field(description="Who they are.")]
    signals: Annotated[_Text, Field(description="What tells them.")]
    goal: Annotated[_Text, Field(description="What to aim for.")]
    strategy: Annotated[_Text, Field(description="What to do.")]
    channel: Annotated[_Text, Field(description="Where and how often.")]
    offer: Annotated[_Text, Field(description="What to offer, and what not.")]
    measure: Annotated[_Text, Field(description="What to measure.")]
    measure_how: Annotated[_Text, Field(description="How to measure it.")]


class Email(Answer):
    """A draft email for a segment, to be read and completed by a person before it is sent."""

    method: Annotated[Method, Field(description="Which way of segmenting made the segment.")]
    segment_name: _Segment
    segment_kind: Annotated[str, Field(description="Kind of customer; the draft is that of the kind.")]
    customers: Annotated[int, Field(description="The most that it can reach.")]
    subject: Annotated[str, Field(description="Subject line.")]
    preheader: Annotated[_Text, Field(description="The line after the subject.")]
    body: Annotated[str, Field(description="Text; what stands in square brackets is to be filled in.")]
    note_to_marketer: Annotated[_Text, Field(description="For the sender, not for the customer.")]
    redraft_subject: Annotated[_Text, Field(description="Subject by a language model; null without one.")]
    redraft_body: Annotated[_Text, Field(description="Text by a language model; null without one.")]
    redraft_model: Annotated[_Text, Field(description="Which model.")]
    redraft_status: Annotated[_Text, Field(description="`redrafted`, `failed` or `not_asked`.")]
    redraft_problem: Annotated[_Text, Field(description="What went wrong, or why it was not asked.")]


class AudienceChange(Answer):
    """How many entered and left a segment since the publication before."""

    segment: _Segment
    customers_before: Annotated[int, Field(description="Customers in the publication before.")]
    entered_customers: Annotated[int, Field(description="Who came.")]
    left_customers: Annotated[int, Field(description="Who went.")]
    customers_now: Annotated[int, Field(description="Before, plus entered, less left.")]
    entered_monetary: Annotated[Money, Field(description="Money of who came.")]
    entered_clv: Annotated[Money, Field(description="Expected net revenue of who came (money).")]
    left_monetary: Annotated[Money, Field(description="Money of who went.")]
    left_clv: Annotated[Money, Field(description="Expected net revenue of who went (money).")]


class CustomerChange(Answer):
    """A customer who entered or left a segment since the publication before."""

    customer_id: Annotated[str, Field(description="Customer number as text.")]
    from_segment: Annotated[_Text, Field(description="Segment before; null if there was none.")]
    to_segment: Annotated[_Text, Field(description="Segment now; null if there is none any more.")]
    change: Annotated[str, Field(description="`joined`, `moved` or `gone`.")]
    monetary: Annotated[Money | None, Field(description="Spend (money).")]
    clv: Annotated[Money | None, Field(description="Expected net revenue (money).")]
    recency_days: Annotated[int | None, Field(description="Days since the last purchase.")]
    country: Annotated[_Text, Field(description="Country.")]


_CHANGES = next(spec for spec in queries.LISTS if spec.name == "audience_changes")


@router.get("/playbooks", summary="What to do about each segment")
def list_playbooks(reading: SnapshotReading, method: MethodParameter = "kmeans") -> Envelope[list[Playbook]]:
    """The segment with the most money first."""
    return answer(reading, queries.playbooks(reading, method))


@router.get("/playbooks/emails", summary="Draft emails")
def list_emails(reading: SnapshotReading, method: MethodParameter = "kmeans") -> Envelope[list[Email]]:
    """By segment."""
    return answer(reading, queries.emails(reading, method))


@router.get("/playbooks/changes", summary="Who entered and left, by segment")
def list_changes(reading: SnapshotReading, method: MethodParameter = "kmeans") -> Envelope[list[AudienceChange]]:
    """Since the publication before; of all customers."""
    return answer(reading, queries.audience_changes(reading, method))


@router.get("/playbooks/changes/customers", summary="Who entered and left, customer by customer")
def list_customer_changes(
    reading: SnapshotReading, filters: GivenFilters, page: GivenPage
) -> PagedEnvelope[CustomerChange]:
    """Most money first. `segment` keeps who came from or went to it; who is gone fits no other filter."""
    return page_of(reading, _CHANGES, filters, page)
