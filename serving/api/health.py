"""Health over HTTP: is the process alive, how fresh are the data, did their checks pass.

Belongs here: their fields and operations. Does not belong here: what a check is
(``expectations``) and what is selected (:mod:`serving.queries.health`).
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from serving.answers import Answer, Moment, ShopTime
from serving.api.models import Envelope, FirstDate, LastDate, PagedEnvelope
from serving.api.problems import responses
from serving.api.requests import GivenPage, SnapshotReading, answer, page_of, subject_router
from serving.filters import Filters
from serving.lists import LISTS
from serving.queries import health as queries
from serving.snapshot import NoSnapshotError
from warehouse.errors import PublishError, RegularsError, SettingsError
from warehouse.formats import LimitSubject
from warehouse.freshness import Age, read_ages
from warehouse.home import Home
from warehouse.settings import load_settings

log = logging.getLogger(__name__)

router = subject_router("health")
probes = APIRouter(tags=["health"])


class Liveness(Answer):
    """The process answers."""

    status: Annotated[Literal["ok"], Field(description="Always `ok`.")] = "ok"


class Readiness(Answer):
    """What is published may be relied on."""

    status: Annotated[Literal["ok"], Field(description="Always `ok`.")] = "ok"
    made_at: Annotated[Moment, Field(description="When what is published was made, UTC.")]
    taken_in_at: Annotated[Moment | None, Field(description="When the newest delivery in it was taken in, UTC.")]


class UnreadableSettingsError(RegularsError):
    """The settings have an error."""

    status = 503
    kind = "settings"


class StaleError(RegularsError):
    """What is published is older than the shop's settings allow."""

    status = 503
    kind = "stale"


class Freshness(
    Answer, of="quality.publications", columns="snapshot_date as_of_date published_at publication_id is_sample"
):
    """How new the data are; no clock is read, so compare with your own."""

    last_invoiced_at: Annotated[ShopTime | None, Field(description="Latest sale or return, the shop's own clock.")]
    first_date: FirstDate
    last_date: LastDate
    last_delivered_at: Annotated[Moment | None, Field(description="Latest change of a file that is in use, UTC.")]
    last_recorded_at: Annotated[Moment | None, Field(description="When a delivery was last recorded, UTC.")]
    published_at: Moment


class LayerChecks(Answer, of="quality.validation_results", columns="layer recorded_at"):
    """How the checks of a layer came out in its latest run; the four add up to ``checks``."""

    layer: str
    recorded_at: Moment
    checks: Annotated[int, Field(description="Checks in all.")]
    passed: Annotated[int, Field(description="Checks that found what was expected.")]
    warned: Annotated[int, Field(description="Checks of severity warning that did not.")]
    failed: Annotated[int, Field(description="Checks of severity error that did not.")]
    could_not_run: Annotated[int, Field(description="Checks that could not be evaluated, so nothing is known.")]


class OpenCheck(
    Answer,
    of=LISTS["validation_results"],
    columns="layer table_name check_name outcome message reason unexpected_count element_count",
):
    """A check that did not pass."""

    layer: str
    check_name: str
    outcome: Literal["failed", "could not run", "warned"]


class ModelNote(Answer, of="reporting.model_notes"):
    """What a model warns of."""


class Deliveries(Answer, of="quality.load_ledger", columns="status"):
    """Deliveries by what became of them."""

    status: str
    deliveries: Annotated[int, Field(description="How many.")]
    files: Annotated[int, Field(description="Distinct names.")]
    delivered_lines: Annotated[int, Field(description="Lines in these deliveries.")]
    unreadable_lines: Annotated[int, Field(description="Lines that would not split into fields.")]
    last_recorded_at: Annotated[Moment | None, Field(description="When the latest was recorded, UTC.")]


class MissingFile(Answer, of="quality.load_ledger", columns="file_name status recorded_at problem"):
    """A file in landing that is not in the figures."""

    status: Literal["rejected", "in_transit"]
    recorded_at: Moment
    has_former: Annotated[bool, Field(description="Whether an earlier version of it is in use meanwhile.")]


class SourceLimit(Answer, of="quality.source_limits", columns="source title subject told"):
    """Something that the files of a source don't show."""

    subject: LimitSubject


class ReplacedOrders(Answer, of="marts.order_versions", columns="source"):
    """Orders of a source that came again in a newer file, which counts in their place."""

    source: str
    orders: Annotated[int, Field(description="Orders that came again.", ge=1)]
    changed_orders: Annotated[int, Field(description="Of them, those that differ in the newer file.", ge=0)]
    lines: Annotated[int, Field(description="Their lines in the older files, all set aside.", ge=1)]


class OrderTotals(
    Answer,
    of="marts.order_totals",
    columns="source told_as orders=order_count reconciled_orders=reconciled_order_count",
):
    """Orders against what their own files say that they come to."""


class DamagedError(RegularsError):
    """What is published can't be read."""

    status = 503
    kind = "damaged"


class Stopped(Answer, of="quality.validation_results", columns="run_id"):
    """A refresh that something stopped: what is published is from before it."""

    stopped_at: Annotated[Moment, Field(description="When it ended, UTC.")]
    causes: Annotated[list[str], Field(description="Which checks or steps stopped it, one line each.")]
    problems: Annotated[list[str], Field(description="What they found, and what to do; some have several lines.")]


class Health(Answer):
    """How sound the published data are."""

    status: Annotated[
        Literal["ok", "warnings", "failures"],
        Field(
            description="`failures` if a check failed or could not run, the newest refresh was stopped, or the newest "
            "snapshot is damaged; `warnings` "
            "if a check of severity warning failed."
        ),
    ]
    stopped: Annotated[Stopped | None, Field(description="The newest refresh, if it was stopped; else null.")]
    damaged: Annotated[
        str | None,
        Field(description="What is wrong with the published file, if an older snapshot is answered from; else null."),
    ]
    freshness: Annotated[Freshness, Field(description="How new the data are.")]
    layers: Annotated[list[LayerChecks], Field(description="Checks by layer, in the order of the layers.")]
    open_checks: Annotated[list[OpenCheck], Field(description="The worst first.")]
    model_notes: Annotated[list[ModelNote], Field(description="Those with warnings first.")]
    deliveries: Annotated[list[Deliveries], Field(description="Deliveries by what became of them.")]
    missing_files: Annotated[list[MissingFile], Field(description="Rejected ones first, then by name.")]
    source_limits: Annotated[list[SourceLimit], Field(description="What figures are to be read with in mind.")]
    replaced_orders: Annotated[list[ReplacedOrders], Field(description="Most orders first.")]
    order_totals: Annotated[list[OrderTotals], Field(description="By source.")]


class Publication(
    Answer,
    of=LISTS["publications"],
    columns="publication_id published_at action changed lines customers net_revenue snapshot_date is_sample",
):
    """A publication or rollback."""

    published_at: Moment


@router.get("/health", summary="How sound the published data are")
def health(reading: SnapshotReading) -> Envelope[Health]:
    """200 whenever something is published; look at ``data.status``."""
    layers = queries.checks_by_layer(reading)
    is_of_before = reading.stopped is not None or reading.damaged is not None
    if is_of_before or layers[["failed", "could_not_run"]].any(axis=None):
        status = "failures"
    else:
        status = "warnings" if layers["warned"].any() else "ok"
    return answer(
        reading,
        {
            "status": status,
            "stopped": reading.stopped,
            "damaged": reading.damaged,
            "freshness": vars(reading.about) | queries.freshness(reading),
            "layers": layers,
            "open_checks": queries.open_checks(reading),
            "model_notes": queries.model_notes(reading),
            "deliveries": queries.load_summary(reading),
            "missing_files": queries.missing_files(reading),
            "source_limits": queries.source_limits(reading),
            "replaced_orders": queries.replaced_orders(reading),
            "order_totals": queries.order_totals(reading),
        },
    )


@router.get("/freshness", summary="How new the published data are")
def freshness(reading: SnapshotReading) -> Envelope[Freshness]:
    """From the snapshot alone."""
    return answer(reading, vars(reading.about) | queries.freshness(reading))


@router.get("/publications", summary="Publications, page by page")
def publications(reading: SnapshotReading, page: GivenPage) -> PagedEnvelope[Publication]:
    """The latest first; the first of them is what is answered from."""
    return page_of(reading, LISTS["publications"], Filters(), page)


@probes.get("/readyz", summary="Whether what is published may be relied on", responses=responses(503))
def readyz(request: Request, response: Response) -> Readiness:
    """200 while something is published and no older than the settings allow; 503 with the reason else."""
    response.headers["Cache-Control"] = "no-store"
    home: Home = request.state.snapshot_reader.home.to_read
    return judge(home, ages_of(home))


def ages_of(home: Home) -> tuple[Age, Age]:
    """Of what is published and of the newest delivery in it, against the settings as they are now.

    Raises
    ------
    UnreadableSettingsError
        If the settings can't be read.
    DamagedError
        If what is published can't.
    """
    try:
        limits = load_settings().freshness
    except SettingsError as error:
        # whoever probes has shown no token, and the message may quote a value
        log.warning("%s", error)
        raise UnreadableSettingsError(
            "The settings can't be read, and until they are mended no refresh starts. `regulars status` says why."
        ) from error
    try:
        return read_ages(home, limits, datetime.now(UTC))
    except PublishError as error:
        # the message names a path of the machine, which its log may have and an answer may not
        log.warning("%s", error)
        raise DamagedError("What is published can't be read. Refresh.") from error


def judge(home: Home, ages: tuple[Age, Age]) -> Readiness:
    """Whether what is published may be relied on.

    Raises
    ------
    NoSnapshotError, StaleError
        If it may not.
    """
    published, delivered = ages
    if published.at is None:
        raise NoSnapshotError(f"Nothing is published in {home.root} yet.")
    if too_old := [age.told for age in ages if age.is_over]:
        raise StaleError(" ".join(too_old))
    return Readiness(made_at=published.at, taken_in_at=delivered.at)


@probes.get("/healthz", summary="Whether the process lives")
def healthz(response: Response) -> Liveness:
    """Says nothing of the data; see /readyz and /api/v1/health for that."""
    response.headers["Cache-Control"] = "no-store"
    return Liveness()
