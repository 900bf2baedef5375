"""Errors as problem details (RFC 9457): one shape for everything that goes wrong over HTTP.

Belongs here: which error is which status, and what a caller is told. Does not belong here: the
words of an error that a person is meant to read (they come with the exception).

Nothing of the inside leaves: an error that nobody foresaw is logged with a reference, and the caller gets that
reference alone.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from serving.snapshot import NoSnapshotError
from warehouse.errors import RegularsError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 30
_MAX_TOLD_ERRORS = 20


class InvalidField(BaseModel):
    """One part of a request that can't be used."""

    location: Annotated[str, Field(description="Where it stood: `query`, `path`, `header` or `body`.")]
    name: Annotated[str, Field(description="Its name; positions within a list follow a dot.")]
    message: Annotated[str, Field(description="What was expected.")]


class Problem(BaseModel):
    """Problem details as in RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:regulars:problem:not-found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no customer '99999'.",
                    "instance": "/api/v1/customers/99999",
                }
            ]
        }
    )

    type: Annotated[str, Field(description="Names the kind of problem; `about:blank` where the status says it all.")]
    title: Annotated[str, Field(description="The kind of problem in words.")]
    status: Annotated[int, Field(description="The HTTP status.", ge=400, le=599)]
    detail: Annotated[str, Field(description="What happened here, and what to do.")]
    instance: Annotated[str, Field(description="The path that was asked for.")]
    errors: Annotated[
        list[InvalidField] | None, Field(description="What of the request can't be used; only with status 422.")
    ] = None
    reference: Annotated[
        str | None, Field(description="By which the server's log tells more; only with status 500.")
    ] = None


class RefusedError(RegularsError):
    """A request that is well formed and still can't be answered, such as a filter on a segment that isn't there."""

    status = 400
    kind = "refused"


class NotFoundError(RegularsError):
    """What the address names isn't in the snapshot."""

    status = 404
    kind = "not-found"


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation can answer with, for the OpenAPI document."""
    told = {
        400: "Well formed, but it can't be answered, such as a filter on a segment that the method doesn't have.",
        403: "The token lacks the role that this needs.",
        404: "Not in the snapshot.",
        413: "Too large.",
        415: "Not a kind of file that can be read.",
        422: "A parameter is unknown or out of its limits.",
        503: "Nothing is published yet, or too much is going on at once.",
        504: "Took too long.",
    }
    return {
        status: {
            "description": told.get(status, HTTPStatus(status).phrase),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    kind: str = "",
    headers: Mapping[str, str] | None = None,
    errors: Sequence[InvalidField] | None = None,
    reference: str | None = None,
) -> JSONResponse:
    """The answer to a request that failed.

    Parameters
    ----------
    kind
        Last part of the problem's type; ``about:blank`` without.
    """
    told = Problem(
        type=f"urn:regulars:problem:{kind}" if kind else "about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=list(errors) if errors else None,
        reference=reference,
    )
    return JSONResponse(
        jsonable_encoder(told, exclude_none=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error of ``app`` with problem details."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RegularsError, _explained)
    app.add_exception_handler(Exception, _unforeseen)
    _describe(app)


def _describe(app: FastAPI) -> None:
    """Put the shape of a problem into the OpenAPI document, which :func:`responses` points to."""
    written_by_fastapi = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = written_by_fastapi()
            _, told = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
            document.setdefault("components", {}).setdefault("schemas", {}).update(told["$defs"])
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kinds = {404: "not-found", 405: "method-not-allowed"}
    detail = error.detail
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is nothing at this address; /docs lists what there is."
    return problem(
        request, error.status_code, str(detail), kind=kinds.get(error.status_code, ""), headers=error.headers
    )


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        InvalidField(
            location=str(one["loc"][0]),
            name=".".join(str(part) for part in one["loc"][1:])[:200],
            message=str(one["msg"])[:300],
        )
        for one in error.errors()[:_MAX_TOLD_ERRORS]
    ]
    told = "; ".join(f"{one.name}: {one.message}" for one in errors[:3])
    return problem(request, 422, f"The request can't be used: {told}.", kind="invalid-request", errors=errors)


async def _explained(request: Request, error: Exception) -> JSONResponse:
    """Errors that carry words for a person; those without a status are the server's own fault."""
    if isinstance(error, NoSnapshotError):
        log.info("%s", error)
        # the message names a folder of this machine, which is nobody's business out there
        return problem(
            request,
            503,
            "Nothing is published yet. Run `make run` (or `regulars refresh`) first; the next request sees it.",
            kind="no-snapshot",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    status = getattr(error, "status", None)
    if not isinstance(status, int) or not 400 <= status <= 599:
        return await _unforeseen(request, error)
    wait_seconds = getattr(error, "retry_after_seconds", None) or (RETRY_AFTER_SECONDS if status == 503 else None)
    headers = {"Retry-After": str(wait_seconds)} if wait_seconds else {}
    return problem(request, status, str(error), kind=str(getattr(error, "kind", "refused")), headers=headers)


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    reference = uuid.uuid4().hex[:12]
    log.error("%s %s failed, reference %s", request.method, request.url.path, reference, exc_info=error)
    return problem(
        request,
        500,
        f"Something went wrong on the server. Its log tells more under the reference {reference}.",
        kind="internal",
        reference=reference,
    )
