"""Why a whole file can't be read.

Belongs here: the one error that every reader raises, and how errors of the
system and of DuckDB are turned into it. Does not belong here: problems of single
lines, which are data (``_problem`` in the raw tables).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence

import duckdb

from warehouse.errors import RegularsError


class UnreadableFileError(RegularsError):
    """A delivered file can't be read at all. The message goes on after "<file name>: "."""


class HeaderError(UnreadableFileError):
    """A header fits no layout.

    ``nearness`` is how many of the closest layout's needed columns were there: a
    sheet of notes has none or one, a sheet of sales with a column missing has most.
    ``headers`` is the header that came nearest, ``closest`` the name of its layout, where
    one is nearer than the others. ``below`` reads the fields of the lines under that header
    as often as it is called, for a message that says what was refused.
    """

    def __init__(
        self,
        message: str,
        nearness: int,
        *,
        headers: tuple[str, ...] = (),
        closest: str | None = None,
        below: Callable[[], Iterator[Sequence[str | None]]] | None = None,
    ) -> None:
        super().__init__(message)
        self.nearness = nearness
        self.headers = headers
        self.closest = closest
        self.below = below


class DiskFullError(RegularsError):
    """There is no room for the lines; nothing of the load is kept."""


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error, or what caused it, is a full disk or an exceeded quota."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    if isinstance(error, duckdb.Error):
        text = str(error).lower()
        return any(sign in text for sign in ("no space left", "disk quota", "max_temp_directory_size"))
    return False


def explain_os_error(error: OSError) -> str:
    """One line for a file that the system will not hand out."""
    if isinstance(error, PermissionError):
        return "permission to read it is denied; change its owner or mode"
    if isinstance(error, FileNotFoundError):
        return "it is gone, or a link that points nowhere"
    return f"it can't be read ({error.strerror or error})"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, for a message that fits one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
