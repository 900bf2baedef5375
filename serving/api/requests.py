"""What every operation takes: the snapshot, the filters, the page.

Belongs here: dependencies that read a request strictly. Does not belong here: what a filter means
(:mod:`serving.filters`).

The dashboard forgives a bent link; a program is told. A parameter that an operation doesn't know, a value out of its
limits, a segment or country that isn't there: each is an error, so that no answer is silently about something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BeforeValidator, StringConstraints
from starlette.exceptions import HTTPException

from serving.api.models import plain
from serving.api.problems import RefusedError, responses
from serving.filters import DEFAULT_METHOD, MAX_CHOICES, MAX_CUSTOMER_TEXT, METHOD_LABELS, Clustering, Filters, Method
from serving.queries.choices import countries, segments_of
from serving.queries.lists import EVERYTHING, ListRequest, ListSpec, count_list, fetch_list
from serving.snapshot import Reading, SnapshotReader

ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PREFIX = "/api/v1"
MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
MAX_OFFSET = 100_000_000
CACHE_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
"""An answer may be kept, and is asked after each time: ``If-None-Match`` makes that cheap."""


def provide(reader: SnapshotReader) -> Callable[[Request], None]:
    """A dependency that hands the reader to all operations below it."""

    def hand_over(request: Request) -> None:
        request.state.snapshot_reader = reader

    return hand_over


def only_known_parameters(request: Request) -> None:
    """Refuse a query parameter that the operation doesn't have, so that a slip of the pen is no silent filter."""
    method = "get" if request.method == "HEAD" else request.method.lower()
    operation = request.app.openapi()["paths"].get(request.scope["route"].path_format, {}).get(method)
    if operation is None:
        return
    known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        told = f"unknown parameter; there are {', '.join(sorted(known)) or 'none'}"
        raise RequestValidationError([{"loc": ("query", name), "msg": told, "type": "unknown"} for name in unknown])


def _reading(request: Request, response: Response) -> Iterator[Reading]:
    with request.state.snapshot_reader.reading() as reading:
        response.headers["ETag"] = reading.etag
        response.headers.update(CACHE_HEADERS)
        yield reading


# closed before the answer is sent, however slowly a client takes it
SnapshotReading = Annotated[Reading, Depends(_reading, scope="function")]


def _iso_day(value: Any) -> Any:
    # pydantic would also take a number, as seconds since 1970
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("a day such as 2011-09-01 is expected")
    return value


IsoDay = Annotated[date, BeforeValidator(_iso_day)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]

MethodParameter = Annotated[
    Method, Query(description="Which way of segmenting names the segments: " + ", ".join(METHOD_LABELS) + ".")
]

ClusteringParameter = Annotated[Clustering, Query(description="Which clustering.")]


def _filters(
    reading: SnapshotReading,
    method: MethodParameter = DEFAULT_METHOD,
    segment: Annotated[
        list[_Name] | None,
        Query(max_length=MAX_CHOICES, description="Keep customers of these segments (by `method`); repeatable."),
    ] = None,
    country: Annotated[
        list[_Name] | None, Query(max_length=MAX_CHOICES, description="Keep these countries; repeatable.")
    ] = None,
    start: Annotated[
        IsoDay | None, Query(alias="from", description="First day; customers must have bought within the days.")
    ] = None,
    end: Annotated[IsoDay | None, Query(alias="to", description="Last day, included.")] = None,
    min_frequency: Annotated[
        int | None, Query(ge=0, le=10**9, description="Keep customers with at least so many purchases.")
    ] = None,
    min_clv: Annotated[
        float | None,
        Query(gt=-1e15, lt=1e15, allow_inf_nan=False, description="Keep customers worth at least so much (money)."),
    ] = None,
    customer: Annotated[
        str, Query(max_length=MAX_CUSTOMER_TEXT, description="Keep customers whose id begins with this.")
    ] = "",
    slipping: Annotated[
        bool,
        Query(
            description="Keep customers who are slipping alone: two visits or more, silent for twice the usual gap, "
            "and not dormant."
        ),
    ] = False,
) -> Filters:
    if start and end and start > end:
        raise RefusedError(f"The range from {start} to {end} ends before it begins.")
    _refuse_unknown("segment", segment, segments_of(reading, method) if segment else [], f" by {method}")
    _refuse_unknown("country", country, countries(reading) if country else [], "")
    return Filters(
        method=method,
        segments=tuple(sorted(set(segment or ()))),
        countries=tuple(sorted(set(country or ()))),
        start=start,
        end=end,
        min_frequency=min_frequency,
        min_clv=min_clv,
        customer=customer.strip(),
        slipping=slipping,
    )


def _refuse_unknown(what: str, given: list[str] | None, known: list[str], of: str) -> None:
    unknown = sorted(set(given or ()) - set(known))
    if unknown:
        named = ", ".join(repr(name[:60]) for name in unknown[:5])
        raise RefusedError(f"There is no {what} {named}{of}; there are {', '.join(known[:60]) or 'none'}.")


GivenFilters = Annotated[Filters, Depends(_filters, scope="function")]


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is asked for."""

    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows of a page.")] = DEFAULT_LIMIT
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Rows to pass over.")] = 0


GivenPage = Annotated[PageRequest, Depends()]


class SnapshotRoute(APIRoute):
    """Answers 304 where the caller already has the snapshot's answer.

    After the operation, not before: only a request that is good and finds something may be
    answered with "not modified" (RFC 9110, section 13.2.1); the others end in an exception.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The operation, with the condition of the request looked at in the end."""
        operation = super().get_route_handler()

        async def conditional(request: Request) -> Response:
            response = await operation(request)
            etag = response.headers.get("etag")
            given = request.headers.get("if-none-match", "")
            if etag is None or not _matches(given, etag):
                return response
            kept = {name: response.headers[name] for name in ("etag", "cache-control", "vary")}
            return Response(status_code=304, headers=kept)

        return conditional


def _matches(if_none_match: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags


def closed(router: APIRouter) -> APIRouter:
    """The router, with HEAD beside every GET and 405 for methods that a path doesn't have.

    Without it the dashboard, which answers every path, would get what is left over.
    """
    methods: dict[str, set[str]] = {}
    for route in [one for one in router.routes if isinstance(one, APIRoute)]:
        # the router puts its prefix before what is added
        path = route.path.removeprefix(router.prefix)
        own = route.methods or set()
        methods.setdefault(path, set()).update(own)
        if "GET" in own and "HEAD" not in methods[path]:
            router.add_api_route(path, route.endpoint, methods=["HEAD"], include_in_schema=False)
            methods[path].add("HEAD")
    for path, allowed in methods.items():
        others = sorted(set(ALL_METHODS) - allowed)
        # a second application of the process finds the router closed
        if others:
            router.add_api_route(path, _refusal(allowed), methods=others, include_in_schema=False)
    return router


def _refusal(allowed: set[str]) -> Callable[[], None]:
    def refuse() -> None:
        told = ", ".join(sorted(allowed))
        raise HTTPException(405, f"This address takes {told} only.", headers={"Allow": told})

    return refuse


def subject_router(subject: str) -> APIRouter:
    """A router for one subject, with the problems that every operation can answer with."""
    return APIRouter(
        prefix=PREFIX,
        tags=[subject],
        route_class=SnapshotRoute,
        dependencies=[Depends(only_known_parameters)],
        responses=responses(400, 422, 500, 503),
    )


def answer(reading: Reading, rows: pd.DataFrame | Mapping[str, Any]) -> Any:
    """Rows, or one, with the snapshot that they come from; FastAPI leaves of both what the answer declares."""
    return {"snapshot": vars(reading.about), "data": plain(rows)}


def page_of(
    reading: Reading,
    spec: ListSpec,
    filters: Filters,
    page: PageRequest,
    *,
    request: ListRequest = EVERYTHING,
    context: str = "",
) -> Any:
    """One page of a list, with how many rows there are in all."""
    total, following = count_list(reading, spec, filters, context, request), page.offset + page.limit
    frame = fetch_list(reading, spec, filters, context, request, offset=page.offset, limit=page.limit)
    told = {"total": total, **vars(page), "next_offset": following if following < total else None}
    return answer(reading, frame) | {"page": told}
