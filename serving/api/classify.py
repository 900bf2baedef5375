"""Labels for an uploaded file over HTTP.

Belongs here: the route, its parameters and the two forms of its answer. Does not belong here: taking the form apart
(:mod:`serving.api.forms`), the answer's fields, limits and labels (:mod:`serving.classify`), problem details.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from serving.api.forms import FIELD, receive
from serving.api.problems import responses
from serving.classify.answer import ClassificationAnswer
from serving.classify.limits import UploadLimits
from serving.classify.results import Classification
from serving.classify.service import classifier_of
from serving.classify.writing import written
from serving.roles import takes_away
from serving.snapshot import SnapshotReader


def classify_router(reader: SnapshotReader, limits: UploadLimits) -> APIRouter:
    """The route ``POST /classify_customers``."""
    router = APIRouter(tags=["classify"])
    classifier = classifier_of(reader.home, limits)

    @router.post(
        "/classify_customers",
        summary="Label the customers of a file",
        response_class=Response,
        responses={
            200: {
                "description": "The labels, as JSON or CSV.",
                "model": ClassificationAnswer,
                "content": {"text/csv": {"schema": {"type": "string"}}},
            },
            **responses(400, 403, 408, 413, 415, 422, 503, 504),
        },
        dependencies=[takes_away("classify", reader.home)],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": [FIELD],
                            "properties": {
                                FIELD: {
                                    "type": "string",
                                    "format": "binary",
                                    "description": (
                                        "Sales lines as CSV (plain or gzip), XLSX or Parquet, in any layout that the "
                                        f"loader knows; at most {limits.upload_bytes:,} bytes, {limits.lines:,} lines."
                                    ),
                                }
                            },
                        }
                    }
                },
            }
        },
    )
    async def classify_customers(
        request: Request,
        method: Annotated[
            Literal["kmeans", "hierarchical", "mixture"], Query(description="Whose segments.")
        ] = "kmeans",
        as_of: Annotated[
            date | None,
            Query(
                description="Nothing dated on or after this day is seen, and recency counts to it; by default the rule "
                "that the snapshot was made with, on the file's own lines."
            ),
        ] = None,
        format: Annotated[Literal["json", "csv"], Query(description="Form of the answer.")] = "json",  # noqa: A002
        table: Annotated[
            Literal["customers", "set_aside"], Query(description="With `format=csv`: which rows.")
        ] = "customers",
    ) -> Response:
        """Label every customer of a file of sales with the segments of the published snapshot.

        The file goes through the same rules as the warehouse's own deliveries, with the
        settings that the snapshot was made with; only how a file is read (`landing.sources`)
        is today's. It is not kept.
        """
        with classifier.receiving() as upload:
            await receive(request, upload, limits)
            done = await run_in_threadpool(partial(classifier.classify, upload, method=method, as_of=as_of))
        return await run_in_threadpool(_written, done, format, table)

    return router


def _written(done: Classification, form: str, table: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    if form == "csv":
        # a name of ours: what was typed has no place in a header
        headers["Content-Disposition"] = f'attachment; filename="{table}-{done.method}.csv"'
    media_type = "application/json" if form == "json" else "text/csv; charset=utf-8"
    return Response(written(done, form, table), media_type=media_type, headers=headers)
