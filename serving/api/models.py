"""What answers look like: the kinds of values, and the envelope around them.

Belongs here: money, days and times as JSON; the snapshot that an answer comes from; pages. Does not
belong here: the fields of a subject (they stand in its module).

Money is a number with at most two decimals, in the currency that ``snapshot.currency`` names once per answer; a
quantity has at most three. Days are ``YYYY-MM-DD``. Moments of the pipeline are UTC and say so; times of invoices are
the shop's own clock, without a zone.
Where there is no figure the value is null, never 0, NaN or infinite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar

import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from serving.snapshot import About
from warehouse.measures import Shown, Unit, shown

T = TypeVar("T")


def _pence(value: float) -> float:
    # + 0.0 turns −0.0 into 0.0
    return round(value, 2) + 0.0


def _thousandths(value: float) -> float:
    return round(value, 3) + 0.0


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Rounded = Annotated[float, AfterValidator(_pence)]
"""A figure rounded to two decimals."""
Money = Rounded
"""In the shop's currency, rounded to two decimals."""
Units = Annotated[float, AfterValidator(_thousandths)]
"""A quantity: whole, or to a thousandth where goods are weighed."""
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""UTC."""
ShopTime = Annotated[
    datetime,
    # not the format date-time of JSON Schema, which asks for a time zone
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$"}),
]
"""The shop's own clock, without a zone."""


class Answer(BaseModel):
    """Base of everything that is answered: fields as declared, nothing else."""

    model_config = ConfigDict(extra="ignore", frozen=True)


_KINDS: Mapping[Unit, Any] = {"money": Money, "count": int, "units": Units}


def measured(where: Shown) -> Any:
    """Base of an answer with a field for each measure of one place; money says so.

    Counts, and what adds up over days, are 0 where there is nothing; other measures are null.
    """
    fields: dict[str, Any] = {}
    for one in shown(where):
        kind = _KINDS.get(one.unit, float)
        told = f"{one.sentence.rstrip('.')} (money)." if one.unit == "money" else one.sentence
        is_never_null = one.unit == "count" or "days" in one.adds_up
        fields[one.key] = (kind if is_never_null else kind | None, Field(description=told))
    return create_model(f"{where.capitalize()}Measures", __base__=Answer, **fields)


class Snapshot(Answer):
    """The published snapshot that an answer comes from."""

    publication_id: Annotated[int, Field(description="Counts up by one with every publication.", examples=[12])]
    published_at: Annotated[Moment, Field(description="When it was published, UTC.")]
    snapshot_date: Annotated[Day | None, Field(description="The day that recency is counted to.")]
    first_date: Annotated[Day | None, Field(description="First day with an invoice.")]
    last_date: Annotated[Day | None, Field(description="Last day with an invoice.")]
    currency: Annotated[str, Field(description="ISO 4217 code of all money in this answer.", examples=["GBP"])]
    home_country: Annotated[str, Field(description="The shop's own country.", examples=["United Kingdom"])]
    is_sample: Annotated[bool, Field(description="Whether it was made from made-up data.")]
    data_version: Annotated[str, Field(description="Hash of the delivered files that it was made from.")]

    @classmethod
    def of(cls, about: About) -> Snapshot:
        """What is told of the snapshot outside; never a path."""
        return cls.model_validate({name: getattr(about, name) for name in cls.model_fields})


class Envelope(Answer, Generic[T]):
    """An answer with the snapshot that it comes from."""

    snapshot: Snapshot
    data: T


class PageInfo(Answer):
    """Which part of a list this is."""

    total: Annotated[int, Field(description="Rows of all pages together.", ge=0)]
    limit: Annotated[int, Field(description="Rows that were asked for.", ge=1)]
    offset: Annotated[int, Field(description="Rows before the first of this page.", ge=0)]
    next_offset: Annotated[int | None, Field(description="Where the next page begins; null on the last.")]


class PagedEnvelope(Answer, Generic[T]):
    """A page of a list. Pages of one snapshot never overlap; ``snapshot.publication_id`` tells a new one."""

    snapshot: Snapshot
    page: PageInfo
    data: list[T]


def page_info(total: int, limit: int, offset: int) -> PageInfo:
    """Which part of ``total`` rows the page is."""
    following = offset + limit
    return PageInfo(total=total, limit=limit, offset=offset, next_offset=following if following < total else None)


def plain(value: Any) -> Any:
    """A value of a frame as Python's own; None where there is no figure."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if hasattr(value, "item") and not isinstance(value, (datetime, date)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value


def records(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as dicts of plain values."""
    found: Iterable[Mapping[Any, Any]] = rows.to_dict(orient="records") if isinstance(rows, pd.DataFrame) else rows
    return [{str(name): plain(value) for name, value in row.items()} for row in found]
