"""Labels for an uploaded file over HTTP.

Belongs here: the route, its parameters and answers, and taking a form apart while it
arrives. Does not belong here: limits and labels (:mod:`serving.classify`), problem details.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from serving.api.models import Units
from serving.api.problems import responses
from serving.classify.errors import BadRequestError, SlowUploadError, UnknownKindError, UploadTooLargeError
from serving.classify.limits import UploadLimits
from serving.classify.results import RECOMMENDATIONS, RFM_VALUES, Classification, rows_of
from serving.classify.service import Upload, classifier_of
from serving.downloads import csv_bytes
from serving.snapshot import SnapshotReader

FIELD = "file"
_HEADERS_BYTES = 16 * 1024
_FORM_BYTES = 1024 * 1024
"""What a form may have beside the file: boundaries, headers, other fields."""


class RfmValues(BaseModel):
    """A customer's figures, counted as the published snapshot counts them."""

    recency_days: Annotated[int, Field(description="Days since the last purchase in the file.")]
    frequency: Annotated[int, Field(description="Orders, or lines if the settings say so.")]
    monetary: Annotated[float, Field(description="Money in the shop's currency, net or gross as the settings say.")]


class Recommendations(BaseModel):
    """What to do with a segment, from the snapshot's playbooks."""

    goal: Annotated[str | None, Field(description="What to reach with the segment.")]
    strategy: Annotated[str | None, Field(description="How to go about it.")]
    channel: Annotated[str | None, Field(description="Where to reach them.")]
    offer: Annotated[str | None, Field(description="What to offer, and what not.")]
    measure: Annotated[str | None, Field(description="What tells whether it worked.")]
    measure_how: Annotated[str | None, Field(description="How to measure it.")]


class LabelledCustomer(BaseModel):
    """One customer of the file."""

    customer_id: Annotated[str, Field(description="The customer's number, as in the file.")]
    published_customer_id: Annotated[
        str | None,
        Field(
            description="The same as in the published tables, a pseudonym where the number is an e-mail address, "
            "telephone number or user name; null where the key of pseudonyms is not at hand."
        ),
    ]
    predicted_cluster_id: Annotated[int, Field(description="The cluster's id in ml.segment_profiles.")]
    cluster_name: Annotated[str, Field(description="The cluster's segment.")]
    cluster_interpretation: Annotated[
        str | None, Field(description="Who is in the segment; null if the snapshot has no customer in it.")
    ]
    cluster_recommendations: Annotated[
        Recommendations | None, Field(description="From the segment's playbook; null if there is none.")
    ]
    rfm_values: Annotated[RfmValues, Field(description="What the label was given by.")]
    has_positive_monetary: Annotated[
        bool, Field(description="False for customers who gave back as much as they bought, or more.")
    ]
    probability: Annotated[float | None, Field(description="Of the mixture's component, 0 to 1; else null.")]


class SetAsideLine(BaseModel):
    """One line of the file that counts for nothing."""

    disposition: Annotated[str, Field(description="Why it counts nowhere, as in marts.row_accounting.")]
    reason: Annotated[str, Field(description="The same in words.")]
    sheet: Annotated[str | None, Field(description="Of a workbook.")]
    row_number: Annotated[int, Field(description="Line of a text file (the header is line 1), or row of a sheet.")]
    invoice_no: Annotated[str | None, Field(description="Null if it could not be read.")]
    stock_code: Annotated[str | None, Field(description="Null if it could not be read.")]
    description: Annotated[str | None, Field(description="Of the product, as delivered.")]
    quantity_units: Annotated[Units | None, Field(description="Units; negative if they came back.")]
    unit_price: Annotated[float | None, Field(description="In the shop's currency.")]
    customer_id: Annotated[str | None, Field(description="Null if the line names none.")]
    country: Annotated[str | None, Field(description="As delivered.")]
    invoiced_at: Annotated[datetime | None, Field(description="The shop's own clock.")]
    signed_amount: Annotated[float | None, Field(description="Units times price; null if either could not be read.")]
    text: Annotated[str | None, Field(description="The line as delivered; fields parted by bars if it was split.")]


class Disposition(BaseModel):
    """How many lines were kept or set aside for one reason."""

    disposition: Annotated[str, Field(description="What became of the lines.")]
    is_kept: Annotated[bool, Field(description="Whether they count in the figures.")]
    row_count: Annotated[int, Field(description="Lines.")]
    gross_amount: Annotated[float, Field(description="Units times price, returns negative.")]
    description: Annotated[str, Field(description="What the disposition means.")]


class Accounting(BaseModel):
    """What became of each line: kept and set aside ones add up to ``delivered_lines`` and ``derived_lines``."""

    delivered_lines: Annotated[int, Field(description="Lines in the file.")]
    derived_lines: Annotated[
        int, Field(description="Lines that are no row of it: refunds that it tells in a column of the sale's row.")
    ]
    kept_lines: Annotated[int, Field(description="Lines that count.")]
    set_aside_lines: Annotated[int, Field(description="Lines that don't.")]
    kept_lines_without_customer: Annotated[int, Field(description="Kept, but of nobody: no label rests on them.")]
    dispositions: Annotated[
        list[Disposition], Field(description="Adds up to the delivered and derived lines, to the row and the penny.")
    ]


class ClassificationAnswer(BaseModel):
    """Labels of every customer with a purchase in the file."""

    method: Annotated[Literal["kmeans", "hierarchical", "mixture"], Field(description="Whose clusters the labels are.")]
    file_name: Annotated[str, Field(description="As it was sent.")]
    file_format: Annotated[str, Field(description="What it turned out to be, such as csv.")]
    layout: Annotated[str, Field(description="Which known layout its headers fit.")]
    currency: Annotated[str, Field(description="Of every amount, ISO 4217.")]
    as_of: Annotated[date | None, Field(description="What was asked for; null for the snapshot's own rule.")]
    snapshot_date: Annotated[date | None, Field(description="The day recency is counted to; null with no kept line.")]
    publication_id: Annotated[int, Field(description="The publication whose rules and model were used.")]
    notes: Annotated[list[str], Field(description="What to know before acting on the labels.")]
    customers: Annotated[list[LabelledCustomer], Field(description="One for each customer with a purchase, by number.")]
    customers_with_returns_only: Annotated[list[str], Field(description="They bought nothing, so they have no label.")]
    set_aside: Annotated[list[SetAsideLine], Field(description="One for each line that doesn't count.")]
    accounting: Annotated[Accounting, Field(description="Where every delivered line went.")]


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
            **responses(400, 408, 413, 415, 422, 503, 504),
        },
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
            await _receive(request, upload, limits)
            done = await run_in_threadpool(partial(classifier.classify, upload, method=method, as_of=as_of))
        return await run_in_threadpool(_csv if format == "csv" else _json, done, table)

    return router


def answer(done: Classification) -> ClassificationAnswer:
    """The JSON model of a classification."""
    segments = {row["predicted_cluster_id"]: row for row in rows_of(done.segments)}
    told = {
        number: (
            segment["cluster_interpretation"],
            Recommendations(**{name: segment[name] for name in RECOMMENDATIONS})
            if segment["cluster_interpretation"]
            else None,
        )
        for number, segment in segments.items()
    }
    return ClassificationAnswer(
        method=done.method,  # type: ignore[arg-type]
        file_name=done.file_name,
        file_format=done.file_format,
        layout=done.layout,
        currency=done.currency,
        as_of=done.as_of,
        snapshot_date=done.snapshot_date,
        publication_id=done.publication_id,
        notes=list(done.notes),
        customers=[
            LabelledCustomer(
                customer_id=row["customer_id"],
                published_customer_id=row["published_customer_id"],
                predicted_cluster_id=row["predicted_cluster_id"],
                cluster_name=row["cluster_name"],
                cluster_interpretation=told[row["predicted_cluster_id"]][0],
                cluster_recommendations=told[row["predicted_cluster_id"]][1],
                rfm_values=RfmValues(**{name: row[name] for name in RFM_VALUES}),
                has_positive_monetary=row["has_positive_monetary"],
                probability=row["probability"],
            )
            for row in rows_of(done.customers)
        ],
        customers_with_returns_only=list(done.returns_only),
        set_aside=[SetAsideLine(**row) for row in rows_of(done.set_aside)],
        accounting=Accounting(
            delivered_lines=done.delivered_lines,
            derived_lines=done.derived_lines,
            kept_lines=done.kept_lines,
            set_aside_lines=len(done.set_aside),
            kept_lines_without_customer=done.anonymous_lines,
            dispositions=[Disposition(**row) for row in rows_of(done.accounting)],
        ),
    )


def _json(done: Classification, table: str) -> Response:
    del table
    return Response(answer(done).model_dump_json(), media_type="application/json", headers=_NOT_KEPT)


def _csv(done: Classification, table: str) -> Response:
    frame = done.customers_with_texts() if table == "customers" else done.set_aside
    # a name of ours: what was typed has no place in a header
    disposition = f'attachment; filename="{table}-{done.method}.csv"'
    return Response(
        csv_bytes(frame),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": disposition, **_NOT_KEPT},
    )


_NOT_KEPT = {"Cache-Control": "no-store"}


# ---- the form --------------------------------------------------------------------


async def _receive(request: Request, upload: Upload, limits: UploadLimits) -> None:
    """Write the form's file to the upload's folder as it arrives.

    Starlette's own parser would first write all of it elsewhere, however large it is.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise UnknownKindError(f"Send the file as multipart/form-data, in the field {FIELD!r}.")
    if not options.get(b"boundary"):
        raise BadRequestError("The form's Content-Type names no boundary.")
    form = _Form(upload)
    received = 0
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
        async with asyncio.timeout(limits.receive_seconds):
            async for piece in request.stream():
                received += len(piece)
                if received > limits.upload_bytes + _FORM_BYTES:
                    raise UploadTooLargeError(
                        f"The form is larger than the {limits.upload_bytes:,} bytes that a file may have."
                    )
                if piece:
                    parser.write(piece)
            parser.finalize()
    except TimeoutError as error:
        raise SlowUploadError(
            f"The file was still arriving after {limits.receive_seconds:g} seconds; try again, or compress it."
        ) from error
    except FormParserError as error:
        raise BadRequestError("The form can't be read: its parts are not as its Content-Type says.") from error
    if not form.is_complete:
        raise BadRequestError("The form was cut off before its end.")
    if form.files != 1:
        found = "no file" if form.files == 0 else "more than one file"
        raise BadRequestError(f"The form holds {found}; send one, in the field {FIELD!r}.")


class _Form:
    """What the parser finds in a form, as it finds it."""

    def __init__(self, upload: Upload) -> None:
        self.files = 0
        self.is_complete = False
        self._upload = upload
        self._is_file = False
        self._headers_bytes = 0
        self._header = b""
        self._value = b""
        self._disposition = b""

    def callbacks(self) -> Any:
        """As :class:`MultipartParser` takes them."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._is_file, self._headers_bytes, self._disposition = False, 0, b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        # what else a browser's form may send with it is not looked at
        if options.get(b"name") == FIELD.encode() and b"filename" in options:
            self._is_file = True
            self.files += 1
            if self.files == 1:
                self._upload.call(options[b"filename"].decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file and self.files == 1:
            self._upload.write(data[start:end])

    def _end(self) -> None:
        self.is_complete = True

    def _count(self, size: int) -> None:
        self._headers_bytes += size
        if self._headers_bytes > _HEADERS_BYTES:
            raise BadRequestError("The form has a part with headers that are too long.")
