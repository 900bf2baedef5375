"""Where every delivered line went, over HTTP.

Belongs here: its fields and operations. Does not belong here: the rules by which lines are set aside (dbt),
and what is selected (:mod:`serving.queries.health`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import Query
from pydantic import Field

from serving.answers import Answer, Money, UnitPrice
from serving.api.models import Envelope, PagedEnvelope
from serving.api.requests import GivenPage, SnapshotReading, answer, page_of, subject_router
from serving.filters import Filters
from serving.lists import LISTS
from serving.queries import health as queries
from serving.queries.lists import ListRequest, fetch_list

router = subject_router("accounting")

Disposition = StrEnum("LineDisposition", {name: name for name in queries.DISPOSITIONS})  # type: ignore[misc]


class AccountedLines(
    Answer, of="marts.row_accounting", columns="disposition is_kept row_count gross_amount description"
):
    """Delivered lines of one kind."""

    disposition: Disposition


class WarehouseAccounting(Answer):
    """Every delivered line by what became of it, with both ends counted on their own."""

    does_add_up: Annotated[bool, Field(description="Whether files, accounting and sales agree to the last digit.")]
    delivered_rows: Annotated[int, Field(description="Lines of all kinds together.")]
    derived_rows: Annotated[
        int, Field(description="Of them, lines that are not rows of a file: refunds in a column of the sale's row.")
    ]
    delivered_amount: Annotated[Money, Field(description="Amount of all lines, in the shop's currency.")]
    kept_rows: Annotated[int, Field(description="Lines that are in the figures.")]
    kept_amount: Annotated[Money, Field(description="Amount of the kept lines, in the shop's currency.")]
    delivered_lines_of_files: Annotated[int, Field(description="Lines that were counted while the files were read.")]
    sales_rows: Annotated[int, Field(description="Lines of the sales table.")]
    sales_amount: Annotated[Money, Field(description="Net revenue of the sales table, in the shop's currency.")]
    lines: Annotated[list[AccountedLines], Field(description="In the order in which the rules are tried.")]
    reasons: Annotated[list[SetAsideReason], Field(description="Of the lines set aside, most lines first.")]
    sources: Annotated[list[SourceProfile], Field(description="How each source was judged, most lines first.")]


class WarehouseLine(Answer, of=LISTS["set_aside_lines"]):
    """A delivered line of the warehouse that is not in the figures."""

    disposition: Disposition
    unit_price: UnitPrice | None


class SetAsideReason(Answer, of=LISTS["set_aside_reasons"]):
    """Why lines are not in the figures, and what that leaves out."""

    disposition: Disposition


class SourceProfile(Answer, of="marts.source_profiles"):
    """How the files of one source were judged."""


@router.get("/accounting", summary="Where every delivered line went")
def accounting(reading: SnapshotReading) -> Envelope[WarehouseAccounting]:
    """Of the whole warehouse; no filter applies."""
    found = queries.row_accounting(reading)
    told = {
        "does_add_up": found.does_add_up,
        "reasons": fetch_list(reading, queries.REASONS, Filters()),
        "sources": queries.source_profiles(reading),
    }
    return answer(reading, vars(found) | told)


@router.get("/accounting/set-aside", summary="Lines that are not in the figures, page by page")
def set_aside(
    reading: SnapshotReading,
    page: GivenPage,
    disposition: Annotated[Disposition | None, Query(description="Keep those under one rule.")] = None,
) -> PagedEnvelope[WarehouseLine]:
    """By file and line."""
    wanted = (
        {"disposition": {"filterType": "text", "type": "equals", "filter": str(disposition)}} if disposition else {}
    )
    return page_of(reading, LISTS["set_aside_lines"], Filters(), page, request=ListRequest(wanted))
