"""Revenue over HTTP: by month, day and country.

Belongs here: its fields and operations. Does not belong here: what revenue is
(:mod:`serving.queries.revenue`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.answers import Answer
from serving.api.models import Envelope
from serving.api.requests import GivenFilters, SnapshotReading, answer, subject_router
from serving.queries import revenue as queries
from serving.queries.revenue import COUNTRIES

router = subject_router("revenue")


class RevenueMonth(Answer, of="marts.fct_monthly_revenue", columns="month_start", measures="periods"):
    """Revenue of a calendar month."""

    is_complete_month: Annotated[bool, Field(description="Whether data and the chosen days hold the whole month.")]


class RevenueDay(
    Answer,
    of="marts.dim_dates",
    columns="date is_trading_day is_closed_day is_complete_day holiday_name closure_reason promotion_name",
    measures="periods?",
):
    """Revenue of a calendar day; null on a day on which the shop was closed and nothing was booked."""


class CountryRevenue(Answer, of=COUNTRIES):
    """Revenue of a country."""


@router.get("/revenue/monthly", summary="Revenue by month")
def monthly(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[RevenueMonth]]:
    """Every month of the data within the chosen days, ascending; none if no invoice fits."""
    return answer(reading, queries.monthly_revenue(reading, filters))


@router.get("/revenue/daily", summary="Revenue by day")
def daily(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[RevenueDay]]:
    """Every day of the data within the chosen days, closed ones with nulls; none if no invoice fits."""
    return answer(reading, queries.daily_revenue(reading, filters))


@router.get("/revenue/countries", summary="Revenue by country")
def by_country(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[CountryRevenue]]:
    """Countries by net revenue, highest first."""
    return answer(reading, queries.country_revenue(reading, filters))
