"""What a monitor scrapes: how the figures stand and how the server answers, in Prometheus' text format.

Belongs here: names and help texts of the metrics, and the counting of requests. Does not belong here: any rule or
figure: status, probe and Data health tell the same (:mod:`serving.queries.health`, :mod:`serving.api.health`).

Read when it is asked for, from what is on the disk; only requests are counted as they come. What is not known has no
series, rather than 0. Nothing here names a customer or an amount of money.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import date, datetime
from datetime import time as clock
from typing import get_args
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from flask import request as page_request
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.health import UnreadableSettingsError, ages_of, judge
from serving.api.problems import responses
from serving.queries import health as queries
from serving.snapshot import NoSnapshotError, Reading, SnapshotReader
from warehouse.errors import RegularsError
from warehouse.freshness import Age
from warehouse.home import Home
from warehouse.last_refresh import Outcome, read_last_refresh
from warehouse.settings import load_settings
from warehouse.stopped import read_stopped

log = logging.getLogger(__name__)

PATH = "/metrics"

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60)
"""From an answer that was kept to an upload that takes all of its time."""

_RULE = "regulars.rule"


class Metrics:
    """Everything that is told of one server and its home."""

    def __init__(self, reader: SnapshotReader) -> None:
        # one of its own: the library's belongs to the process, which may have several servers
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "regulars_http_request_duration_seconds",
            "Requests and how long each took, until the last byte was handed on. By the template of the address, which "
            "is empty for what was refused before it was looked up, and by status.",
            ["route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_Home(reader))
        ProcessCollector(registry=self.registry)


class Measured:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp, *, requests: Histogram) -> None:
        self.app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # of an error that nobody foresaw the answer is made outside of here
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self.app(scope, receive, watched)
        finally:
            # FastAPI leaves its route in the scope, and name_rule that of a page
            route = getattr(scope.get("route"), "path_format", None) or scope.get(_RULE, "")
            self._requests.labels(route, str(status)).observe(time.perf_counter() - began)


def name_rule() -> None:
    """Leave the template of a page's address for :class:`Measured`; for Flask, before each request."""
    if page_request.url_rule is not None:
        page_request.environ["asgi.scope"][_RULE] = page_request.url_rule.rule


def metrics_router(metrics: Metrics) -> APIRouter:
    """The address that a monitor scrapes. Every token may: counts of a shop's orders are nobody else's business."""
    router = APIRouter(tags=["health"])

    @router.get(
        PATH,
        summary="How figures and server stand, for Prometheus",
        response_class=PlainTextResponse,
        responses={
            200: {"description": "Prometheus' text format, version 0.0.4.", "content": {"text/plain": {}}},
            **responses(500),
        },
    )
    def scraped() -> PlainTextResponse:
        """Names no customer and no money. What is not known is left out."""
        return PlainTextResponse(
            generate_latest(metrics.registry),
            headers={"Cache-Control": "no-store"},
            media_type=CONTENT_TYPE_PLAIN_0_0_4,
        )

    return router


class _Home(Collector):
    """How a home stands at the moment of a scrape."""

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader

    def collect(self) -> Iterator[Metric]:
        """All of it, as far as it is known."""
        home = self._reader.home.to_read
        yield from _fitness(home)
        yield from _refreshes(home)
        try:
            with self._reader.reading() as reading:
                yield from _published(reading)
        except NoSnapshotError:
            return
        except RegularsError as error:
            log.warning("%s", error)


def _fitness(home: Home) -> Iterator[Metric]:
    ready, valid = 0, 1
    ages: tuple[Age, Age] | None = None
    try:
        ages = ages_of(home)
        judge(home, ages)
        ready = 1
    except UnreadableSettingsError:
        valid = 0
    except RegularsError as error:
        log.info("Not ready: %s", error)
    yield Gauge("regulars_settings_valid", "1 while regulars.toml and what overrides it can be read.", valid)
    yield Gauge("regulars_ready", "1 while /readyz answers 200: published, and as new as [freshness] asks for.", ready)
    for name, what, age in zip(
        ("snapshot", "delivery"), ("The published snapshot", "The newest delivery in it"), ages or (), strict=False
    ):
        if age.at is not None:
            text = f"{what}: when it was made or taken in, Unix time."
            yield Gauge(f"regulars_{name}_timestamp_seconds", text, age.at.timestamp())
        if age.limit_hours is not None:
            text = f"{what}: how old [freshness] lets it become."
            yield Gauge(f"regulars_{name}_age_limit_seconds", text, age.limit_hours * 3600)
            text = f"{what}: 1 while it is no older than that. Without a rule there is no series."
            yield Gauge(f"regulars_{name}_is_fresh", text, not age.is_over)


def _refreshes(home: Home) -> Iterator[Metric]:
    stopped = last = None
    try:
        stopped, last = read_stopped(home), read_last_refresh(home)
    except RegularsError as error:
        log.warning("%s", error)
        return
    text = "1 while the newest refresh was stopped by a check or a step, and what is published is from before it."
    yield Gauge("regulars_refresh_stopped", text, stopped is not None)
    if last is None:
        return
    outcome = Gauge(
        "regulars_last_refresh_outcome",
        "1 at what came of the newest refresh that was a run; one with nothing new is none.",
        labels=["outcome"],
    )
    for one in get_args(Outcome):
        outcome.add_metric([one], last.outcome == one)
    yield outcome
    if last.ended_at is not None:
        text = "When the newest refresh that was a run ended, Unix time."
        yield Gauge("regulars_last_refresh_timestamp_seconds", text, last.ended_at.timestamp())
        if last.started_at is not None:
            text = "How long that run took."
            took = (last.ended_at - last.started_at).total_seconds()
            yield Gauge("regulars_last_refresh_duration_seconds", text, took)


def _published(reading: Reading) -> Iterator[Metric]:
    text = "1 while the published file can't be read, and an older snapshot is shown in its place."
    yield Gauge("regulars_snapshot_damaged", text, reading.damaged is not None)
    rows = Gauge("regulars_table_rows", "Rows of each published table.", labels=["layer", "table"])
    for table in queries.table_rows(reading):
        rows.add_metric([table["layer"], table["table_name"]], table["row_count"])
    yield rows

    accounting = queries.row_accounting(reading)
    yield Gauge("regulars_delivered_lines", "Lines in the files that are in use.", accounting.delivered_rows)
    aside = Gauge("regulars_set_aside_lines", "Those of them that do not count, by why.", labels=["disposition"])
    for line in accounting.lines:
        if not line.is_kept:
            aside.add_metric([line.disposition], line.row_count)
    yield aside

    missing = queries.missing_files(reading)["status"]
    files = Gauge("regulars_missing_files", "Files in landing that are not in the figures, by why.", labels=["status"])
    for status in ("rejected", "in_transit"):
        files.add_metric([status], int(missing.eq(status).sum()))
    yield files

    checks = Gauge(
        "regulars_checks",
        "Checks of what is published by how they came out: passed, warned (of severity warning: the refresh went on), "
        "failed (of severity error), could_not_run (nothing is known).",
        labels=["layer", "outcome"],
    )
    for layer in queries.checks_by_layer(reading).to_dict("records"):
        for outcome in ("passed", "warned", "failed", "could_not_run"):
            checks.add_metric([layer["layer"], outcome], layer[outcome])
    yield checks

    if reading.about.last_date is not None:
        text = "Beginning of the last day with sales or returns, by the shop's clock, Unix time."
        yield Gauge("regulars_last_day_timestamp_seconds", text, _began(reading.about.last_date))


def _began(day: date) -> float:
    return datetime.combine(day, clock(), ZoneInfo(load_settings().shop.timezone)).timestamp()
