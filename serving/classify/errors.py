"""Why an upload is not classified, in the words that API, page and command line share.

Belongs here: one error per kind of refusal, each with the HTTP status that fits. Does not
belong here: problem details and pages.
"""

from __future__ import annotations

from typing import ClassVar

from warehouse.errors import RegularsError


class UploadRefusedError(RegularsError):
    """An upload that gets no labels; the message says why and what to do."""

    status: ClassVar[int] = 422
    kind: ClassVar[str] = "upload-refused"
    retry_after_seconds: int | None = None


class UploadTooLargeError(UploadRefusedError):
    """More bytes or memory than an upload may have."""

    status = 413
    kind = "upload-too-large"


class UnknownKindError(UploadRefusedError):
    """Not CSV, XLSX or Parquet, or a kind of them that is not opened (macros, links, passwords)."""

    status = 415
    kind = "upload-of-unknown-kind"


class UnreadableUploadError(UploadRefusedError):
    """The right kind of file, and no sales lines that can be read; or too many of them."""

    status = 422
    kind = "upload-unreadable"


class BadRequestError(UploadRefusedError):
    """The request holds no file, more than one, or is no form."""

    status = 400
    kind = "no-upload"


class SlowUploadError(UploadRefusedError):
    """The file did not arrive in time."""

    status = 408
    kind = "upload-too-slow"


class ClassifierBusyError(UploadRefusedError):
    """As many uploads as there may be at once are at work."""

    status = 503
    kind = "classifier-busy"

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NoRecipeError(UploadRefusedError):
    """The published snapshot does not carry the SQL that made it, or only part of it."""

    status = 503
    kind = "no-recipe"


class TooLongError(UploadRefusedError):
    """The answer took longer than it may."""

    status = 504
    kind = "upload-takes-too-long"


BY_NAME: dict[str, type[UploadRefusedError]] = {
    kind.__name__: kind
    for kind in (
        UploadRefusedError,
        UploadTooLargeError,
        UnknownKindError,
        UnreadableUploadError,
        NoRecipeError,
    )
}
"""The errors that the process which reads a file hands to the one that asked."""
