"""What is around an answer over HTTP: the snapshot that it comes from, and pages.

Belongs here: the envelope, and rows of a frame as JSON can hold them. Does not belong here: kinds of values
(:mod:`serving.answers`), and the fields of a subject (they stand in its module).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar

import pandas as pd
from pydantic import Field

from serving.answers import Answer, Day, Moment
from warehouse.wording import is_missing

T = TypeVar("T")
FirstDate = Annotated[Day | None, Field(description="First day with an invoice.")]
LastDate = Annotated[Day | None, Field(description="Last day with an invoice.")]


class Snapshot(
    Answer, of="quality.publications", columns="publication_id published_at snapshot_date is_sample data_version"
):
    """The published snapshot that an answer comes from."""

    published_at: Moment
    first_date: FirstDate
    last_date: LastDate
    currency: Annotated[str, Field(description="ISO 4217 code of all money in this answer.")]
    home_country: Annotated[str, Field(description="The shop's own country.")]


_Snapshot = Annotated[Snapshot, Field(description="The published snapshot that the answer comes from.")]


class Envelope(Answer, Generic[T]):
    """An answer with the snapshot that it comes from."""

    snapshot: _Snapshot
    data: Annotated[T, Field(description="The answer.")]


class PageInfo(Answer):
    """Which part of a list this is."""

    total: Annotated[int, Field(description="Rows of all pages together.", ge=0)]
    limit: Annotated[int, Field(description="Rows that were asked for.", ge=1)]
    offset: Annotated[int, Field(description="Rows before the first of this page.", ge=0)]
    next_offset: Annotated[int | None, Field(description="Where the next page begins; null on the last.")]


class PagedEnvelope(Answer, Generic[T]):
    """A page of a list. Pages of one snapshot never overlap; ``snapshot.publication_id`` tells a new one."""

    snapshot: _Snapshot
    page: Annotated[PageInfo, Field(description="Which part of the list this is.")]
    data: Annotated[list[T], Field(description="The rows of the page.")]


def plain(value: Any) -> Any:
    """A value of a frame, or a whole one, as Python's own; None where there is no figure."""
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict(orient="records")]
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    is_figure = not is_missing(value) and not (isinstance(value, float) and math.isinf(value))
    return value if is_figure else None
