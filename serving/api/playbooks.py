"""Playbooks over HTTP: what to do about each segment, draft emails, who came and went.

Belongs here: their fields and operations. Does not belong here: the texts (dbt seeds), and what is selected
(:mod:`serving.queries.playbooks`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.answers import Answer, Money
from serving.api.models import Envelope, PagedEnvelope
from serving.api.requests import (
    GivenFilters,
    GivenPage,
    MethodParameter,
    SnapshotReading,
    answer,
    page_of,
    subject_router,
)
from serving.filters import DEFAULT_METHOD, Method
from serving.queries import playbooks as queries
from serving.queries.playbooks import CHANGES

router = subject_router("playbooks")


class Playbook(Answer, of="reporting.segment_playbooks", measures="playbooks"):
    """What to do about a segment, with its own figures; of all its customers, whatever the filters."""

    method: Method


_REDRAFT = "reporting.segment_email_redrafts"


class Email(
    Answer,
    of="reporting.segment_emails",
    columns=f"""
        method segment_name segment_kind customers subject preheader body note_to_marketer
        redraft_subject={_REDRAFT}.subject? redraft_body={_REDRAFT}.body? redraft_model={_REDRAFT}.model?
        redraft_status={_REDRAFT}.status? redraft_problem={_REDRAFT}.problem?
    """,
):
    """A draft email for a segment, to be read and completed by a person before it is sent."""

    method: Method


class AudienceChange(Answer, of="reporting.segment_playbooks", columns="segment=segment_name"):
    """How many entered and left a segment since the publication before."""

    customers_before: Annotated[int, Field(description="Customers in the publication before.")]
    entered_customers: Annotated[int, Field(description="Customers who entered.")]
    left_customers: Annotated[int, Field(description="Customers who left.")]
    customers_now: Annotated[int, Field(description="Customers before, plus entered, less left.")]
    entered_monetary: Annotated[Money, Field(description="Money of customers who entered, in the shop's currency.")]
    entered_clv: Annotated[
        Money, Field(description="Expected net revenue of those who entered, in the shop's currency.")
    ]
    left_monetary: Annotated[Money, Field(description="Money of customers who left, in the shop's currency.")]
    left_clv: Annotated[Money, Field(description="Expected net revenue of those who left, in the shop's currency.")]


class CustomerChange(Answer, of=CHANGES):
    """A customer who entered or left a segment since the publication before."""

    country: str | None


@router.get("/playbooks", summary="What to do about each segment")
def list_playbooks(reading: SnapshotReading, method: MethodParameter = DEFAULT_METHOD) -> Envelope[list[Playbook]]:
    """The segment with the most money first."""
    return answer(reading, queries.playbooks(reading, method))


@router.get("/playbooks/emails", summary="Draft emails")
def list_emails(reading: SnapshotReading, method: MethodParameter = DEFAULT_METHOD) -> Envelope[list[Email]]:
    """By segment."""
    return answer(reading, queries.emails(reading, method))


@router.get("/playbooks/changes", summary="Who entered and left, by segment")
def list_changes(reading: SnapshotReading, method: MethodParameter = DEFAULT_METHOD) -> Envelope[list[AudienceChange]]:
    """Since the publication before; of all customers."""
    return answer(reading, queries.audience_changes(reading, method))


@router.get("/playbooks/changes/customers", summary="Who entered and left, customer by customer")
def list_customer_changes(
    reading: SnapshotReading, filters: GivenFilters, page: GivenPage
) -> PagedEnvelope[CustomerChange]:
    """Most money first. `segment` keeps who came from or went to it; who is gone fits no other filter."""
    return page_of(reading, CHANGES, filters, page)
