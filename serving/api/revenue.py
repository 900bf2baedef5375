"""Revenue over HTTP: by month, day and country.

Belongs here: its fields and operations. Does not belong here: what revenue is
(:mod:`serving.queries.revenue`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.api.models import Answer, Day, Envelope, Money
from serving.api.requests import GivenFilters, SnapshotReading, answer, subject_router
from serving.queries import revenue as queries

router = subject_router("revenue")


class _Revenue(Answer):
    gross_revenue: Annotated[Money, Field(description="Sold, before returns (money).", examples=[12345.67])]
    returned_revenue: Annotated[
        Money, Field(description="Worth of what of these sales came back later (money, positive).")
    ]
    unmatched_return_revenue: Annotated[
        Money, Field(description="Returns dated here that no earlier sale was found for (money, positive).")
    ]
    total_return_revenue: Annotated[Money, Field(description="Both kinds of returns together (money, positive).")]
    net_revenue: Annotated[Money, Field(description="Gross less both kinds of returns (money).")]
    net_revenue_as_booked: Annotated[
        Money, Field(description="Gross less the returns booked in this time, whenever the goods were bought (money).")
    ]
    invoices: Annotated[int, Field(description="Invoices with a sale.")]
    customers: Annotated[int, Field(description="Identified customers who bought; must not be summed.")]


class RevenueMonth(_Revenue):
    """Revenue of a calendar month."""

    month_start: Annotated[Day, Field(description="First day of the month.", examples=["2011-09-01"])]
    is_complete_month: Annotated[bool, Field(description="Whether data and the chosen days hold the whole month.")]


class RevenueDay(_Revenue):
    """Revenue of a calendar day."""

    date: Annotated[Day, Field(description="The day.", examples=["2011-09-01"])]
    is_trading_day: Annotated[bool, Field(description="Whether the whole shop sold anything.")]


class CountryRevenue(Answer):
    """Revenue of a country."""

    country: Annotated[str, Field(description="Country of the invoice.", examples=["France"])]
    iso_alpha3: Annotated[str | None, Field(description="Three-letter ISO code; null for what is no country.")]
    is_home_country: Annotated[bool, Field(description="Whether it is the shop's own.")]
    net_revenue: Annotated[Money, Field(description="Net revenue (money).")]
    gross_revenue: Annotated[Money, Field(description="Before returns (money).")]
    total_return_revenue: Annotated[Money, Field(description="All returns, matched or not (money, positive).")]
    customers: Annotated[int, Field(description="Identified customers who bought.")]
    invoices: Annotated[int, Field(description="Invoices with a sale.")]
    share_pct: Annotated[float | None, Field(description="Share of the net revenue of all that fits, in percent.")]


@router.get("/revenue/monthly", summary="Revenue by month")
def monthly(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[RevenueMonth]]:
    """Every month of the data within the chosen days, ascending; none if no invoice fits."""
    return answer(reading, queries.monthly_revenue(reading, filters))


@router.get("/revenue/daily", summary="Revenue by day")
def daily(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[RevenueDay]]:
    """Every day of the data within the chosen days, closed ones with zeros; none if no invoice fits."""
    return answer(reading, queries.daily_revenue(reading, filters))


@router.get("/revenue/countries", summary="Revenue by country")
def by_country(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[CountryRevenue]]:
    """Countries by net revenue, highest first."""
    return answer(reading, queries.country_revenue(reading, filters))
