"""Revenue over HTTP: by month, day and country.

Belongs here: its fields and operations. Does not belong here: what revenue is
(:mod:`serving.queries.revenue`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from serving.api.models import Day, Envelope, measured
from serving.api.requests import GivenFilters, SnapshotReading, answer, subject_router
from serving.queries import revenue as queries

router = subject_router("revenue")


_Revenue: Any = measured("periods")


class RevenueMonth(_Revenue):
    """Revenue of a calendar month."""

    month_start: Annotated[Day, Field(description="First day of the month.", examples=["2011-09-01"])]
    is_complete_month: Annotated[bool, Field(description="Whether data and the chosen days hold the whole month.")]


class RevenueDay(_Revenue):
    """Revenue of a calendar day."""

    date: Annotated[Day, Field(description="The day.", examples=["2011-09-01"])]
    is_trading_day: Annotated[bool, Field(description="Whether the whole shop sold anything.")]


class CountryRevenue(measured("countries")):  # type: ignore[misc]
    """Revenue of a country."""

    country: Annotated[str, Field(description="Country of the invoice.", examples=["France"])]
    iso_alpha3: Annotated[str | None, Field(description="Three-letter ISO code; null for what is no country.")]
    is_home_country: Annotated[bool, Field(description="Whether it is the shop's own.")]


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
