"""Health over HTTP: is the process alive, how fresh are the data, did their checks pass.

Belongs here: their fields and operations. Does not belong here: what a check is
(``expectations``) and what is selected (:mod:`serving.queries.health`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from serving.api.models import Answer, Day, Envelope, Moment, Money, PagedEnvelope, ShopTime, records
from serving.api.requests import GivenPage, SnapshotReading, answer, page_of, subject_router
from serving.filters import Filters
from serving.queries import health as queries

router = subject_router("health")
liveness = APIRouter(tags=["health"])


class Liveness(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Freshness(Answer):
    """How new the data are; no clock is read, so compare with your own."""

    last_invoiced_at: Annotated[ShopTime | None, Field(description="Latest sale or return, the shop's own clock.")]
    first_date: Annotated[Day | None, Field(description="First day with an invoice.")]
    last_date: Annotated[Day | None, Field(description="Last day with an invoice.")]
    snapshot_date: Annotated[Day | None, Field(description="The day that recency is counted to.")]
    as_of_date: Annotated[Day | None, Field(description="The as-of date that was asked for; null if none was.")]
    last_delivered_at: Annotated[Moment | None, Field(description="Latest change of a file that is in use, UTC.")]
    last_recorded_at: Annotated[Moment | None, Field(description="When a delivery was last recorded, UTC.")]
    published_at: Annotated[Moment, Field(description="When the snapshot was published, UTC.")]
    publication_id: Annotated[int, Field(description="Which publication it is.")]
    is_sample: Annotated[bool, Field(description="Whether it was made from made-up data.")]


class LayerChecks(Answer):
    """How the checks of a layer came out in its latest run; the four add up to ``checks``."""

    layer: Annotated[str, Field(description="Layer of the warehouse.", examples=["marts"])]
    recorded_at: Annotated[Moment, Field(description="When, UTC.")]
    checks: Annotated[int, Field(description="All of them.")]
    passed: Annotated[int, Field(description="As expected.")]
    warned: Annotated[int, Field(description="Not as expected, but of severity warning.")]
    failed: Annotated[int, Field(description="Not as expected, of severity error.")]
    could_not_run: Annotated[int, Field(description="Could not be evaluated: nothing is known.")]


class OpenCheck(Answer):
    """A check that did not pass."""

    layer: Annotated[str, Field(description="Layer of the warehouse.")]
    table_name: Annotated[str | None, Field(description="Table that it is about.")]
    check_name: Annotated[str, Field(description="Its name.")]
    outcome: Annotated[Literal["failed", "could not run", "warned"], Field(description="How it came out.")]
    message: Annotated[str | None, Field(description="What was found.")]
    reason: Annotated[str | None, Field(description="Why it matters.")]
    unexpected_count: Annotated[int | None, Field(description="Offending rows.")]
    element_count: Annotated[int | None, Field(description="Rows looked at.")]


class ModelNote(Answer):
    """What to be wary of in a model's figures."""

    model: Annotated[str, Field(description="What was modelled.")]
    algorithm: Annotated[str, Field(description="How.")]
    is_about_customer_value: Annotated[bool, Field(description="Whether customer value comes from this fit.")]
    has_warnings: Annotated[bool, Field(description="Whether there is something to be wary of.")]
    warnings: Annotated[str | None, Field(description="What, in words.")]
    change_notes: Annotated[str | None, Field(description="What changed since the fit before.")]


class Deliveries(Answer):
    """Deliveries by what became of them."""

    status: Annotated[
        str, Field(description="`loaded`, `already_loaded`, `superseded`, `withdrawn`, `rejected` or `in_transit`.")
    ]
    deliveries: Annotated[int, Field(description="How many.")]
    files: Annotated[int, Field(description="Distinct names.")]
    delivered_lines: Annotated[int, Field(description="Lines in them.")]
    unreadable_lines: Annotated[int, Field(description="Lines that would not split into fields.")]
    last_recorded_at: Annotated[Moment | None, Field(description="The latest, UTC.")]


class MissingFile(Answer):
    """A file in landing that is not in the figures."""

    file_name: Annotated[str, Field(description="Its name.")]
    status: Annotated[Literal["rejected", "in_transit"], Field(description="Refused, or still being written.")]
    recorded_at: Annotated[Moment, Field(description="When that was seen, UTC.")]
    problem: Annotated[str | None, Field(description="Why, and what to do; may be several lines.")]
    has_former: Annotated[bool, Field(description="Whether an earlier version of it is in use meanwhile.")]


class SourceLimit(Answer):
    """A matter that the files of a source can't tell."""

    source: Annotated[str, Field(description="Files of one layout or mapping.")]
    title: Annotated[str, Field(description="What people call such files.", examples=["Etsy sold order items"])]
    subject: Annotated[
        Literal["refunds", "refund_dates", "customers", "cancellations", "quantities", "prices", "times"],
        Field(description="What they can't tell."),
    ]
    told: Annotated[str, Field(description="The same as a sentence.")]


class ReplacedOrders(Answer):
    """Orders of a source that came again in a newer file, which counts in their place."""

    source: Annotated[str, Field(description="Files of one layout or mapping.")]
    orders: Annotated[int, Field(description="How many.", ge=1)]
    changed_orders: Annotated[int, Field(description="Of them, those that the newer file tells otherwise.", ge=0)]
    lines: Annotated[int, Field(description="Their lines in the older files, all set aside.", ge=1)]


class OrderTotals(Answer):
    """Orders against what their own files say that they come to."""

    source: Annotated[str, Field(description="Files of one layout or mapping.")]
    told_as: Annotated[str | None, Field(description="What the files call the figure.", examples=["Subtotal"])]
    orders: Annotated[int, Field(description="Orders that have it.", ge=1)]
    reconciled_orders: Annotated[int, Field(description="Of them, those whose lines add up to it.", ge=0)]


class Health(Answer):
    """How sound the published data are."""

    status: Annotated[
        Literal["ok", "warnings", "failures"],
        Field(description="`failures` if a check failed or could not run; `warnings` if one of severity warning did."),
    ]
    freshness: Freshness
    layers: list[LayerChecks]
    open_checks: Annotated[list[OpenCheck], Field(description="The worst first.")]
    model_notes: Annotated[list[ModelNote], Field(description="Those with warnings first.")]
    deliveries: list[Deliveries]
    missing_files: Annotated[list[MissingFile], Field(description="Rejected ones first, then by name.")]
    source_limits: Annotated[list[SourceLimit], Field(description="What figures are to be read with in mind.")]
    replaced_orders: Annotated[list[ReplacedOrders], Field(description="Most orders first.")]
    order_totals: Annotated[list[OrderTotals], Field(description="By source.")]


class Publication(Answer):
    """A publication or rollback."""

    publication_id: Annotated[int, Field(description="Counts up by one.")]
    published_at: Annotated[Moment, Field(description="UTC.")]
    action: Annotated[str, Field(description="`published`, or `rolled_back`: an earlier snapshot was put back.")]
    changed: Annotated[str, Field(description="What was new against the one before.")]
    lines: Annotated[int | None, Field(description="Kept lines.")]
    customers: Annotated[int | None, Field(description="Customers with a purchase.")]
    net_revenue: Annotated[Money | None, Field(description="Net revenue of all kept lines (money).")]
    snapshot_date: Annotated[Day | None, Field(description="The day that recency is counted to.")]
    is_sample: Annotated[bool, Field(description="Whether it was made from made-up data.")]


_PUBLICATIONS = next(spec for spec in queries.LISTS if spec.name == "publications")


@router.get("/health", summary="How sound the published data are")
def health(reading: SnapshotReading) -> Envelope[Health]:
    """200 whenever something is published; look at ``data.status``."""
    layers = records(queries.checks_by_layer(reading))
    status = "ok"
    if any(layer["warned"] for layer in layers):
        status = "warnings"
    if any(layer["failed"] or layer["could_not_run"] for layer in layers):
        status = "failures"
    return answer(
        reading,
        {
            "status": status,
            "freshness": asdict(queries.freshness(reading)),
            "layers": layers,
            "open_checks": records(queries.open_checks(reading)),
            "model_notes": records(queries.model_notes(reading)),
            "deliveries": records(queries.load_summary(reading)),
            "missing_files": records(queries.missing_files(reading)),
            "source_limits": records(queries.source_limits(reading)),
            "replaced_orders": records(queries.replaced_orders(reading)),
            "order_totals": records(queries.order_totals(reading)),
        },
    )


@router.get("/freshness", summary="How new the published data are")
def freshness(reading: SnapshotReading) -> Envelope[Freshness]:
    """From the snapshot alone."""
    return answer(reading, asdict(queries.freshness(reading)))


@router.get("/publications", summary="Publications, page by page")
def publications(reading: SnapshotReading, page: GivenPage) -> PagedEnvelope[Publication]:
    """The latest first; the first of them is what is answered from."""
    return page_of(reading, _PUBLICATIONS, Filters(), page)


@liveness.get("/healthz", summary="Whether the process lives")
def healthz(response: Response) -> Liveness:
    """Says nothing of the data; see /api/v1/health for that."""
    response.headers["Cache-Control"] = "no-store"
    return Liveness()
