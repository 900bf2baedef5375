"""A form with one file.

Belongs here: bounds on what a form may ask for, and which of its parts is the upload. Does not belong here: taking
``multipart/form-data`` apart (Starlette does), where the file goes (:mod:`serving.classify.service`), and what the
limits are (:mod:`serving.classify.limits`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from serving.classify.errors import BadRequestError, SlowUploadError, UnknownKindError, UploadTooLargeError
from serving.classify.limits import UploadLimits
from serving.classify.service import Upload

FIELD = "file"
_FORM_BYTES = 1024 * 1024
"""What a form may have beside the file: boundaries, headers, other fields."""
_MOST_PARTS = 10
"""Of files, and of other fields, which stay in memory; a browser's form has a few."""


async def receive(request: Request, upload: Upload, limits: UploadLimits) -> None:
    """Bring the form's file into the upload's folder."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise UnknownKindError(f"Send the file as multipart/form-data, in the field {FIELD!r}.")
    try:
        async with asyncio.timeout(limits.receive_seconds):
            form = await MultiPartParser(
                request.headers, _bounded(request, limits), max_files=_MOST_PARTS, max_fields=_MOST_PARTS
            ).parse()
    except TimeoutError as error:
        raise SlowUploadError(
            f"The file was still arriving after {limits.receive_seconds:g} seconds; try again, or compress it."
        ) from error
    except MultiPartException as error:
        raise BadRequestError(f"The form can't be read: {error.message}") from error
    try:
        files = [one for one in form.getlist(FIELD) if isinstance(one, UploadFile)]
        if len(files) != 1:
            found = "more than one file" if files else "no file, or not the whole of it"
            raise BadRequestError(f"The form holds {found}; send one, in the field {FIELD!r}.")
        upload.call(files[0].filename or "")
        await run_in_threadpool(upload.take, files[0].file)
    finally:
        await form.close()


async def _bounded(request: Request, limits: UploadLimits) -> AsyncGenerator[bytes, None]:
    """The body as it arrives; the parser itself would write a file of any size to the disk."""
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > limits.upload_bytes + _FORM_BYTES:
            raise UploadTooLargeError(
                f"The form is larger than the {limits.upload_bytes:,} bytes that a file may have."
            )
        yield piece
