"""Segments over HTTP: sizes, profiles, evidence, moves, cohorts, categories.

Belongs here: their fields and operations. Does not belong here: what the figures are
(:mod:`serving.queries.segments`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from serving.api.models import Answer, Day, Envelope, Money
from serving.api.problems import RefusedError
from serving.api.requests import GivenFilters, IsoDay, MethodParameter, SnapshotReading, answer, subject_router
from serving.queries import segments as queries

router = subject_router("segments")

_Name = Annotated[str, Field(description="Name of the segment.", examples=["Champions"])]
_Kind = Annotated[str | None, Field(description="Kind of customer: the name without a number.")]
_Count = Annotated[int, Field(description="Customers.", ge=0)]


class SegmentSize(Answer):
    """How large a segment is."""

    segment: _Name
    kind: _Kind
    customers: _Count
    customers_pct: Annotated[float, Field(description="Of the customers that fit, in percent.")]
    monetary_net: Annotated[Money, Field(description="What its customers spent, less returns (money).")]
    money_pct: Annotated[float | None, Field(description="Share of that money, in percent.")]
    clv: Annotated[Money | None, Field(description="Expected net revenue of all its customers (money).")]


class SegmentProfile(Answer):
    """A segment's figures side by side; money as setting rfm.monetary says."""

    segment: _Name
    kind: _Kind
    is_everyone: Annotated[bool, Field(description="Whether it is the row of all customers, to compare with.")]
    customers: _Count
    customers_pct: Annotated[float | None, Field(description="Of the customers that fit, in percent.")]
    recency_days_mean: Annotated[float | None, Field(description="Mean days since the last purchase.")]
    recency_days_median: Annotated[float | None, Field(description="Median of the same.")]
    frequency_mean: Annotated[float | None, Field(description="Mean purchases, counted as rfm.frequency says.")]
    frequency_median: Annotated[float | None, Field(description="Median of the same.")]
    monetary_sum: Annotated[Money | None, Field(description="Money of the whole segment.")]
    monetary_pct: Annotated[float | None, Field(description="Its share, in percent.")]
    monetary_mean: Annotated[Money | None, Field(description="Mean money per customer.")]
    monetary_median: Annotated[Money | None, Field(description="Median of the same.")]
    order_value: Annotated[Money | None, Field(description="Money per invoice.")]
    one_time_pct: Annotated[float | None, Field(description="Who ordered once, in percent.")]
    clv_mean: Annotated[Money | None, Field(description="Mean expected net revenue (money).")]
    clv_sum: Annotated[Money | None, Field(description="The same for the whole segment (money).")]


class ClusterEvidence(Answer):
    """What speaks for and against a number of segments."""

    algorithm: Annotated[str, Field(description="Clustering algorithm.", examples=["kmeans"])]
    k: Annotated[int, Field(description="Number of segments.")]
    silhouette: Annotated[float | None, Field(description="Mean silhouette, −1 to 1; higher is better.")]
    davies_bouldin: Annotated[float | None, Field(description="Davies–Bouldin index; lower is better.")]
    calinski_harabasz: Annotated[float | None, Field(description="Calinski–Harabasz index; higher is better.")]
    inertia: Annotated[float | None, Field(description="Sum of squared distances to the centres.")]
    bic: Annotated[float | None, Field(description="Bayesian information criterion; mixtures only.")]
    is_elbow: Annotated[bool | None, Field(description="Whether the inertia bends here.")]
    smallest_share_pct: Annotated[float | None, Field(description="Share of the smallest segment, in percent.")]
    seed_stability: Annotated[float | None, Field(description="Agreement between random starts, up to 1.")]
    bootstrap_stability: Annotated[float | None, Field(description="Agreement between resamples, up to 1.")]
    is_chosen: Annotated[bool, Field(description="Whether the segments in force have this number.")]
    reason: Annotated[str | None, Field(description="Why it was chosen or not.")]


class SegmentMove(Answer):
    """Customers who were in one RFM segment at a month end and in one at a later."""

    from_month_end: Annotated[Day | None, Field(description="The earlier month end.")]
    to_month_end: Annotated[Day, Field(description="The later month end.")]
    from_segment: Annotated[str, Field(description="Segment then; `New Customer` for who first bought since.")]
    to_segment: Annotated[str, Field(description="Segment at the later one.")]
    customers: _Count
    monetary_before: Annotated[Money, Field(description="Their money at the earlier month end.")]
    monetary: Annotated[Money, Field(description="Their money at the later month end.")]
    is_move: Annotated[bool, Field(description="False for who stayed, and for new customers.")]


class CohortMonth(Answer):
    """A cohort (who first bought in a month) at an age in months."""

    cohort_month: Annotated[Day, Field(description="First day of the month of the first purchases.")]
    age_months: Annotated[int, Field(description="Months since.", ge=0)]
    month_start: Annotated[Day, Field(description="First day of the month that is told.")]
    is_complete_month: Annotated[bool, Field(description="Whether that month is over.")]
    cohort_customers: Annotated[int, Field(description="Customers of the cohort; must not be summed over ages.")]
    active_customers: Annotated[int, Field(description="Those who bought in this month.")]
    retention_pct: Annotated[float, Field(description="Active in percent of the cohort.")]
    net_revenue_as_booked: Annotated[Money, Field(description="What the cohort brought in this month (money).")]
    cumulative_net_revenue_as_booked: Annotated[Money, Field(description="The same up to this month (money).")]
    net_revenue_per_customer: Annotated[Money, Field(description="Of this month, per customer of the cohort (money).")]


class CategoryAffinity(Answer):
    """What a segment spends on a category."""

    segment: _Name
    category: Annotated[str, Field(description="Product category.")]
    customers: Annotated[int, Field(description="Customers who kept something of it.")]
    net_revenue: Annotated[Money, Field(description="Their net spend on it (money).")]
    share_pct: Annotated[float | None, Field(description="Of the segment's net spend, in percent.")]
    all_share_pct: Annotated[float | None, Field(description="Of all customers' net spend, in percent.")]
    index_to_all: Annotated[float | None, Field(description="100: the same share as all customers; 200: twice.")]


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
    return answer(reading, queries.category_affinity(reading, filters))


@router.get("/segments/evidence", summary="Evidence for the number of segments")
def evidence(reading: SnapshotReading, method: MethodParameter = "kmeans") -> Envelope[list[ClusterEvidence]]:
    """Of all customers; none for RFM segments, which are made by rule."""
    return answer(reading, queries.cluster_evidence(reading, method))


@router.get("/segments/moves", summary="Moves between RFM segments")
def moves(
    reading: SnapshotReading,
    filters: GivenFilters,
    from_month_end: Annotated[IsoDay | None, Query(description="Last day of a month that is over.")] = None,
    to_month_end: Annotated[IsoDay | None, Query(description="Last day of a later month that is over.")] = None,
) -> Envelope[list[SegmentMove]]:
    """Between two month ends, by default the last two. Only RFM segments have a monthly history."""
    known = queries.flow_months(reading) if from_month_end or to_month_end else []
    for day in (from_month_end, to_month_end):
        if day and day not in known:
            told = ", ".join(map(str, known)) or "none"
            raise RefusedError(f"{day} is no month end of this history; there are {told}.")
    try:
        return answer(reading, queries.segment_flows(reading, filters, from_month_end, to_month_end))
    except ValueError as error:
        raise RefusedError(str(error)) from error


@router.get("/segments/cohorts", summary="Cohorts by month of the first purchase")
def cohorts(reading: SnapshotReading) -> Envelope[list[CohortMonth]]:
    """Retention and revenue of all customers; filters don't apply to cohorts."""
    return answer(reading, queries.cohort_grid(reading))
