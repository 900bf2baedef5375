"""A form with one file, taken apart while it arrives.

Belongs here: reading ``multipart/form-data`` within limits. Does not belong here: where the file goes
(:mod:`serving.classify.service`), and what the limits are (:mod:`serving.classify.limits`).
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.classify.errors import BadRequestError, SlowUploadError, UnknownKindError, UploadTooLargeError
from serving.classify.limits import UploadLimits
from serving.classify.service import Upload

FIELD = "file"
_FORM_BYTES = 1024 * 1024
"""What a form may have beside the file: boundaries, headers, other fields."""


async def receive(request: Request, upload: Upload, limits: UploadLimits) -> None:
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
    """What the parser, which bounds the headers of a part, finds in a form, as it finds it."""

    def __init__(self, upload: Upload) -> None:
        self.files = 0
        self.is_complete = False
        self._upload = upload
        self._is_file = False
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
        self._is_file, self._disposition = False, b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
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
