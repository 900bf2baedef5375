"""Unusual days and weeks over HTTP, with who drove them.

Belongs here: their fields and operations. Does not belong here: what is unusual (``ml``) and what is selected
(:mod:`serving.queries.anomalies`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from serving.answers import Answer
from serving.api.models import Envelope
from serving.api.problems import NotFoundError, responses
from serving.api.requests import GivenFilters, IsoDay, SnapshotReading, answer, subject_router
from serving.lists import LISTS
from serving.queries import anomalies as queries

router = subject_router("anomalies")

_Series = Annotated[
    str, Query(min_length=1, max_length=200, description="`total`, the whole shop, or a country.", examples=["total"])
]
_Grain = Annotated[Literal["day", "week"], Query(description="Days, or weeks dated by their Monday.")]


class Anomaly(Answer, of=LISTS["anomalies"], columns="* country=ml.revenue_anomalies.country"):
    """An unusual day or week."""

    grain: Literal["day", "week"]
    direction: Literal["spike", "drop", "silence"]


class ExpectedPeriod(
    Answer,
    of="ml.revenue_expectations",
    columns="""
        date actual expected lower upper score
        direction=ml.revenue_anomalies.direction? cause=ml.revenue_anomalies.cause?
    """,
):
    """A day or week with the band in which it was expected; no direction and no cause where it is not unusual."""

    is_flagged: Annotated[bool, Field(description="Whether it is unusual.")]


class Driver(
    Answer, of="ml.anomaly_drivers", columns="dimension rank member label actual expected difference share_pct"
):
    """Who or what accounts for the difference of an unusual period; dimensions overlap."""


@router.get("/anomalies", summary="Unusual days and weeks")
def list_anomalies(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[Anomaly]]:
    """The latest first. Of the filters only days and countries apply: other groups have no series of their own."""
    return answer(reading, queries.anomalies(reading, filters))


@router.get("/anomalies/expectations", summary="A series with the band it was expected in")
def list_expectations(
    reading: SnapshotReading, filters: GivenFilters, series: _Series = "total", grain: _Grain = "day"
) -> Envelope[list[ExpectedPeriod]]:
    """Ascending by date; none for a country with sales on too few days to say what is unusual."""
    return answer(reading, queries.expectations(reading, series, grain, filters))


@router.get("/anomalies/drivers", summary="What drove an unusual day or week", responses=responses(404))
def list_drivers(
    reading: SnapshotReading,
    date: Annotated[IsoDay, Query(description="The day, or the Monday of the week.", examples=["2011-12-09"])],
    series: _Series = "total",
    grain: _Grain = "day",
) -> Envelope[list[Driver]]:
    """By dimension and rank; 404 if the period isn't unusual."""
    found = queries.anomaly_drivers(reading, series, grain, date)
    if found.empty:
        raise NotFoundError(f"The {grain} {date} of {series[:60]!r} is not unusual; /anomalies lists those that are.")
    return answer(reading, found)
