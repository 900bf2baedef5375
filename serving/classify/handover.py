"""What the one who asks and the process that reads a file agree on.

Belongs here: the names of the files between them, and the words that both use. Does not
belong here: what is in those files.
"""

from __future__ import annotations

from serving.classify.errors import UploadTooLargeError

JOB, ANSWER, REFUSAL = "job.json", "answer.json", "refusal.json"
REFUSED = 3
"""Exit code: the reason is in :data:`REFUSAL`."""
TABLES = ("customers", "segments", "set_aside", "accounting")
"""Parts of the answer that are tables, each in a file of its own."""


def too_much_memory(name: str) -> UploadTooLargeError:
    """The one message for a file that asks for more memory or room than an upload may have."""
    return UploadTooLargeError(
        f"{name}: reading it takes more memory than an upload may have. Save it as CSV or Parquet with only the "
        "columns of sales lines, or split it by customers."
    )
