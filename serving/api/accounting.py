"""Where every delivered line went, over HTTP.

Belongs here: its fields and operations. Does not belong here: the rules by which lines are set aside (dbt),
and what is selected (:mod:`serving.queries.health`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from serving.api.models import Answer, Envelope, Money, PagedEnvelope, ShopTime, Units, records
from serving.api.requests import GivenPage, SnapshotReading, answer, page_of, subject_router
from serving.filters import Filters
from serving.queries import health as queries
from serving.queries.lists import ListRequest

router = subject_router("accounting")

Disposition = Literal[
    "unreadable",
    "after_as_of",
    "summary",
    "duplicate",
    "not_a_sale",
    "adjustment",
    "non_product",
    "return",
    "non_positive_quantity",
    "non_positive_price",
    "sale",
]


class AccountedLines(Answer):
    """Delivered lines of one kind."""

    disposition: Annotated[Disposition, Field(description="What became of them.")]
    is_kept: Annotated[bool, Field(description="Whether they are in the figures.")]
    row_count: Annotated[int, Field(description="Lines.", ge=0)]
    gross_amount: Annotated[Money, Field(description="Quantity times price, signed (money).")]
    description: Annotated[str, Field(description="The rule in words.")]


class WarehouseAccounting(Answer):
    """Every delivered line by what became of it, with both ends counted on their own."""

    does_add_up: Annotated[bool, Field(description="Whether files, accounting and sales agree to the last digit.")]
    delivered_rows: Annotated[int, Field(description="Lines of all kinds together.")]
    derived_rows: Annotated[
        int, Field(description="Of them, lines that are no row of a file: refunds told in a column of the sale's row.")
    ]
    delivered_amount: Annotated[Money, Field(description="Their amount (money).")]
    kept_rows: Annotated[int, Field(description="Lines that are in the figures.")]
    kept_amount: Annotated[Money, Field(description="Their amount (money).")]
    delivered_lines_of_files: Annotated[int, Field(description="Lines that were counted while the files were read.")]
    sales_rows: Annotated[int, Field(description="Lines of the sales table.")]
    sales_amount: Annotated[Money, Field(description="Net revenue of the sales table (money).")]
    lines: Annotated[list[AccountedLines], Field(description="In the order in which the rules are tried.")]
    reasons: Annotated[list[SetAsideReason], Field(description="Of the lines set aside, most lines first.")]
    sources: Annotated[list[SourceProfile], Field(description="How each source was judged, most lines first.")]


class WarehouseLine(Answer):
    """A delivered line of the warehouse that is not in the figures."""

    disposition: Annotated[Disposition, Field(description="Which rule it fell under.")]
    rule: Annotated[str | None, Field(description="The habit or list behind it; null where there is none.")]
    reason: Annotated[str | None, Field(description="Why, in words.")]
    file_name: Annotated[str, Field(description="Delivered file.")]
    sheet: Annotated[str | None, Field(description="Sheet of a workbook.")]
    row_number: Annotated[int, Field(description="Line of the file, the header being line 1.")]
    invoice_no: Annotated[str | None, Field(description="Invoice number.")]
    stock_code: Annotated[str | None, Field(description="Stock code.")]
    description: Annotated[str | None, Field(description="As delivered; whoever typed it wrote it.")]
    quantity_units: Annotated[Units | None, Field(description="Units; null where it would not read.")]
    unit_price: Annotated[float | None, Field(description="Price of a unit (money, up to four decimals).")]
    signed_amount: Annotated[Money | None, Field(description="Units times price (money).")]
    customer_id: Annotated[str | None, Field(description="Customer number.")]
    country: Annotated[str | None, Field(description="Country.")]
    invoiced_at: Annotated[ShopTime | None, Field(description="The shop's own clock.")]
    line_text: Annotated[str | None, Field(description="Text of a line that could not be read.")]


class SetAsideReason(Answer):
    """Why lines are not in the figures, and what that leaves out."""

    disposition: Annotated[Disposition, Field(description="What became of them.")]
    rule: Annotated[str | None, Field(description="The habit or list behind it; null where there is none.")]
    reason: Annotated[str, Field(description="Why, in words.")]
    line_count: Annotated[int, Field(description="Lines.", ge=0)]
    line_pct: Annotated[float | None, Field(description="Of all delivered lines, 0 to 100.")]
    amount: Annotated[Money, Field(description="Of the lines on which it would read, signed (money).")]
    amount_pct: Annotated[float | None, Field(description="Of all delivered money, signs left out, 0 to 100.")]
    lines_without_amount: Annotated[int, Field(description="Lines on which the amount would not read.", ge=0)]
    example_amount_text: Annotated[str | None, Field(description="What stands in its place on one of them.")]
    customer_count: Annotated[int, Field(description="Customers on these lines.", ge=0)]
    lost_customer_count: Annotated[int, Field(description="Of them, with no line that was kept.", ge=0)]
    lost_customer_pct: Annotated[float | None, Field(description="Those of all customers that a line names, 0 to 100.")]
    file_count: Annotated[int, Field(description="Files with such lines.", ge=0)]
    example_file_name: Annotated[str, Field(description="The first of them by name.")]
    example_row_number: Annotated[int, Field(description="A line of it, the header being line 1.")]


class SourceProfile(Answer):
    """How the files of one source were judged."""

    source: Annotated[str, Field(description="Files of one layout or mapping.")]
    profile: Annotated[str, Field(description="`uci`: letters before an order's number count; `plain`: they don't.")]
    evidence: Annotated[str, Field(description="What told.")]
    line_count: Annotated[int, Field(description="Readable lines.", ge=0)]
    file_count: Annotated[int, Field(description="Files.", ge=0)]
    is_cancellation_prefix: Annotated[bool, Field(description="Whether a C before the number means a return.")]
    is_adjustment_prefix: Annotated[bool, Field(description="Whether an A before it means an adjustment.")]
    exact_duplicates: Annotated[str, Field(description="What is done with equal lines: `drop`, `overlap` or `keep`.")]


_SET_ASIDE = next(spec for spec in queries.LISTS if spec.name == "set_aside_lines")


@router.get("/accounting", summary="Where every delivered line went")
def accounting(reading: SnapshotReading) -> Envelope[WarehouseAccounting]:
    """Of the whole warehouse; no filter applies."""
    found = queries.row_accounting(reading)
    told = {
        "does_add_up": found.does_add_up,
        "reasons": records(queries.set_aside_reasons(reading)),
        "sources": records(queries.source_profiles(reading)),
    }
    return answer(reading, asdict(found) | told)


@router.get("/accounting/set-aside", summary="Lines that are not in the figures, page by page")
def set_aside(
    reading: SnapshotReading,
    page: GivenPage,
    disposition: Annotated[Disposition | None, Query(description="Keep those under one rule.")] = None,
) -> PagedEnvelope[WarehouseLine]:
    """By file and line."""
    wanted = {"disposition": {"filterType": "text", "type": "equals", "filter": disposition}} if disposition else {}
    return page_of(reading, _SET_ASIDE, Filters(), page, request=ListRequest(wanted, ()))
