"""Segments over HTTP: sizes, profiles, evidence, moves, cohorts, categories.

Belongs here: their fields and operations. Does not belong here: what the figures are
(:mod:`serving.queries.segments`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from serving.answers import Answer
from serving.api.models import Envelope
from serving.api.problems import RefusedError
from serving.api.requests import ClusteringParameter, GivenFilters, IsoDay, SnapshotReading, answer, subject_router
from serving.filters import Filters
from serving.queries import segments as queries
from serving.queries.lists import fetch_list
from serving.queries.moves import SEGMENT_MOVES, flow_months, segment_flows

router = subject_router("segments")


class SegmentSize(Answer, of=queries.SEGMENTS, columns="segment", measures="sizes"):
    """How large a segment is."""


class SegmentProfile(Answer, of=queries.SEGMENTS, columns="segment", measures="segments"):
    """A segment's figures side by side; money as setting rfm.monetary says."""

    is_everyone: Annotated[bool, Field(description="Whether it is the row of all customers, to compare with.")]


class ClusterEvidence(
    Answer,
    of="ml.cluster_selection",
    columns="""
        algorithm k silhouette davies_bouldin calinski_harabasz inertia bic is_elbow smallest_share_pct
        seed_stability bootstrap_stability is_chosen reason
    """,
):
    """What speaks for and against a number of segments."""


class SegmentMove(
    Answer,
    of=SEGMENT_MOVES,
    columns="* from_month_end? customers_by_purchase? customers_by_silence? customers_by_yardstick?",
):
    """Customers who were in one RFM segment at a month end and in one at a later.

    What moved them (`customers_by_…`) is null unless the one month end follows the other.
    """


class CohortMonth(Answer, of=queries.COHORTS):
    """A cohort (who first bought in a month) at an age in months."""


class CategoryAffinity(Answer, of=queries.CATEGORY_AFFINITY, columns="* share_pct? all_share_pct?"):
    """What a segment spends on a category."""

    index_to_all: float | None


@router.get("/segments", summary="Sizes of the segments")
def sizes(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[SegmentSize]]:
    """Segments of the chosen method with customers who fit; the one with the most money first."""
    return answer(reading, queries.segment_sizes(reading, filters))


@router.get("/segments/profiles", summary="Profiles of the segments")
def profiles(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[SegmentProfile]]:
    """The figures of each segment, and of all the shop's customers in the last row."""
    return answer(reading, queries.segment_profiles(reading, filters))


@router.get("/segments/categories", summary="What segments buy")
def categories(reading: SnapshotReading, filters: GivenFilters) -> Envelope[list[CategoryAffinity]]:
    """Each segment's share of spend by category, against all customers."""
    return answer(reading, fetch_list(reading, queries.CATEGORY_AFFINITY, filters))


@router.get("/segments/evidence", summary="Evidence for the number of segments")
def evidence(reading: SnapshotReading, method: ClusteringParameter = "kmeans") -> Envelope[list[ClusterEvidence]]:
    """Of all customers."""
    return answer(reading, queries.cluster_evidence(reading, method))


@router.get("/segments/moves", summary="Moves between RFM segments")
def moves(
    reading: SnapshotReading,
    filters: GivenFilters,
    from_month_end: Annotated[IsoDay | None, Query(description="Last day of a month that is over.")] = None,
    to_month_end: Annotated[IsoDay | None, Query(description="Last day of a later month that is over.")] = None,
) -> Envelope[list[SegmentMove]]:
    """Between two month ends, by default the last two. Only RFM segments have a monthly history."""
    known = flow_months(reading) if from_month_end or to_month_end else []
    for day in (from_month_end, to_month_end):
        if day and day not in known:
            told = ", ".join(map(str, known)) or "none"
            raise RefusedError(f"{day} is not a month end of this history, which has {told}.")
    try:
        return answer(reading, segment_flows(reading, filters, from_month_end, to_month_end))
    except ValueError as error:
        raise RefusedError(str(error)) from error


@router.get("/segments/cohorts", summary="Cohorts by month of the first purchase")
def cohorts(reading: SnapshotReading) -> Envelope[list[CohortMonth]]:
    """Retention and revenue of all customers; filters don't apply to cohorts."""
    return answer(reading, fetch_list(reading, queries.COHORTS, Filters()))
