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

    def __init_subclass__(cls, *, status: int, kind: str) -> None:
        super().__init_subclass__()
        cls.status, cls.kind = status, kind


class UploadTooLargeError(UploadRefusedError, status=413, kind="upload-too-large"):
    """More bytes or memory than an upload may have."""


class UnknownKindError(UploadRefusedError, status=415, kind="upload-of-unknown-kind"):
    """Not CSV, XLSX or Parquet, or a kind of them that is not opened (macros, links, passwords)."""


class UnreadableUploadError(UploadRefusedError, status=422, kind="upload-unreadable"):
    """The right kind of file, and no sales lines that can be read; or too many of them."""


class BadRequestError(UploadRefusedError, status=400, kind="no-upload"):
    """The request holds no file, more than one, or is no form."""


class SlowUploadError(UploadRefusedError, status=408, kind="upload-too-slow"):
    """The file did not arrive in time."""


class ClassifierBusyError(UploadRefusedError, status=503, kind="classifier-busy"):
    """As many uploads as there may be at once are at work."""

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NoRecipeError(UploadRefusedError, status=503, kind="no-recipe"):
    """The published snapshot does not carry the SQL that made it, or only part of it."""


class TooLongError(UploadRefusedError, status=504, kind="upload-takes-too-long"):
    """The answer took longer than it may."""


def too_much_memory(name: str) -> UploadTooLargeError:
    """The one message for a file that asks for more memory or room than an upload may have."""
    return UploadTooLargeError(
        f"{name}: reading it takes more memory than an upload may have. Save it as CSV or Parquet with only the "
        "columns of sales lines, or split it by customers."
    )


BY_NAME: dict[str, type[UploadRefusedError]] = {
    kind.__name__: kind
    for kind in (UploadRefusedError, UploadTooLargeError, UnknownKindError, UnreadableUploadError, NoRecipeError)
}
"""The errors that the process which reads a file hands to the one that asked."""
