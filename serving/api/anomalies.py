"""Odd days and weeks over HTTP, with who drove them.

Belongs here: their fields and operations. Does not belong here: what is odd (``ml``) and what is selected
(:mod:`serving.queries.anomalies`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from serving.api.models import Answer, Day, Envelope, Money
from serving.api.problems import NotFoundError, responses
from serving.api.requests import GivenFilters, IsoDay, SnapshotReading, answer, subject_router
from serving.queries import anomalies as queries

router = subject_router("anomalies")

_Series = Annotated[
    str, Query(min_length=1, max_length=200, description="`total`, the whole shop, or a country.", examples=["total"])
]
_Grain = Annotated[Literal["day", "week"], Query(description="Days, or weeks dated by their Monday.")]


class _Period(Answer):
    date: Annotated[Day, Field(description="The day, or the Monday of the week.")]
    actual: Annotated[Money, Field(description="Net revenue as booked (money).")]
    expected: Annotated[Money, Field(description="What the periods before lead one to expect (money).")]
    score: Annotated[float | None, Field(description="How far off, in usual spreads.")]


class Anomaly(_Period):
    """An odd day or week."""

    series: Annotated[str, Field(description="`total`, or a country.")]
    grain: Annotated[Literal["day", "week"], Field(description="Day or week.")]
    country: Annotated[str | None, Field(description="The country; null for the whole shop.")]
    difference: Annotated[Money, Field(description="Actual less expected (money).")]
    direction: Annotated[Literal["spike", "drop", "silence"], Field(description="Which way it is odd.")]
    cause: Annotated[str | None, Field(description="Why, in words.")]
    top_invoice_no: Annotated[str | None, Field(description="The invoice behind at least half of the difference.")]


class ExpectedPeriod(_Period):
    """A day or week with the band in which it was expected."""

    lower: Annotated[Money | None, Field(description="Lower end of the band (money).")]
    upper: Annotated[Money | None, Field(description="Upper end of the band (money).")]
    is_flagged: Annotated[bool, Field(description="Whether it is odd.")]
    direction: Annotated[str | None, Field(description="Which way; null if not odd.")]
    cause: Annotated[str | None, Field(description="Why, in words; null if not odd.")]


class Driver(Answer):
    """Who or what accounts for an odd period's difference; dimensions overlap."""

    dimension: Annotated[str, Field(description="`invoice`, `customer`, `product` or `country`.")]
    rank: Annotated[int, Field(description="1 for the largest of its dimension.")]
    member: Annotated[str | None, Field(description="Number, id, code or name; null for sales with no customer.")]
    label: Annotated[str | None, Field(description="The same in words.")]
    actual: Annotated[Money | None, Field(description="What it brought (money).")]
    expected: Annotated[Money | None, Field(description="What it usually brings (money).")]
    difference: Annotated[Money | None, Field(description="Actual less expected (money).")]
    share_pct: Annotated[float | None, Field(description="Of the period's difference, in percent.")]


@router.get("/anomalies", summary="Odd days and weeks")
def list_anomalies(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[Anomaly]]:
    """The latest first. Of the filters only days and countries apply: other groups have no series of their own."""
    return answer(reading, queries.anomalies(reading, filters))


@router.get("/anomalies/expectations", summary="A series with the band it was expected in")
def list_expectations(
    reading: SnapshotReading, filters: GivenFilters, series: _Series = "total", grain: _Grain = "day"
) -> Envelope[list[ExpectedPeriod]]:
    """Ascending by date; none for a country that sells too seldom to tell odd from usual."""
    return answer(reading, queries.expectations(reading, series, grain, filters))


@router.get("/anomalies/drivers", summary="Who drove an odd day or week", responses=responses(404))
def list_drivers(
    reading: SnapshotReading,
    date: Annotated[IsoDay, Query(description="The day, or the Monday of the week.", examples=["2011-12-09"])],
    series: _Series = "total",
    grain: _Grain = "day",
) -> Envelope[list[Driver]]:
    """By dimension and rank; 404 if the period isn't odd."""
    found = queries.anomaly_drivers(reading, series, grain, date)
    if found.empty:
        raise NotFoundError(f"The {grain} {date} of {series[:60]!r} is not odd; /anomalies lists those that are.")
    return answer(reading, found)
