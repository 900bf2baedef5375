"""What answers look like: the kinds of values, and the envelope around them.

Belongs here: money, days and times as JSON; the snapshot that an answer comes from; pages. Does not
belong here: the fields of a subject (they stand in its module).

Money is a number with at most two decimals, in the currency that ``snapshot.currency`` names once per answer; a
quantity has at most three. Days are ``YYYY-MM-DD``. Moments of the pipeline are UTC and say so; times of invoices are
the shop's own clock, without a zone.
Where there is no figure the value is null, never 0, NaN or infinite.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from serving.queries.lists import Column, ListSpec
from serving.snapshot import About
from warehouse.documentation import Kind, documented_tables

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
UnitPrice = float
"""In the shop's currency, with up to four decimals."""
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


_TYPES: Mapping[Kind, Any] = {
    "text": str,
    "count": Annotated[int, Field(ge=0)],
    "units": Units,
    "number": float,
    "money": Money,
    "percent": float,
    "date": Day,
    "moment": ShopTime,
    "flag": bool,
}

_EXAMPLES: Mapping[str, Any] = {
    "customer_id": "17850",
    "country": "France",
    "segment": "Champions",
    "segment_name": "Champions",
    "rfm_score": "543",
    "monetary_net": 1234.5,
    "gross_revenue": 12345.67,
    "month_start": "2011-09-01",
    "date": "2011-09-01",
    "algorithm": "kmeans",
    "layer": "marts",
    "told_as": "Subtotal",
    "title": "Etsy sold order items",
    "publication_id": 12,
    "currency": "GBP",
    "home_country": "United Kingdom",
}
"""By field, wherever it stands."""


class Answer(BaseModel):
    """Base of everything that is answered: fields as declared, nothing else.

    A class that repeats documented columns names them, and has neither their texts nor, as a rule, their types::

        class Month(Answer, of="marts.fct_monthly_revenue", columns="month_start invoices=invoice_count"):
            is_odd: Annotated[bool, Field(description="What no column says.")]

    ``of`` is a documented table, or a list, whose columns may be worked out for it; without ``columns``, and at a
    ``*``, all of them are taken. ``a=b`` is a field called otherwise than its column; a column of another table is
    named in full. ``?`` says that it may be null where the column may not. A field that is both named and annotated
    has the annotated type.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    stands_for: ClassVar[Mapping[str, str]] = {}
    """Fields of this class alone with the documented columns behind them."""

    def __init_subclass__(cls, *, of: str | ListSpec = "", columns: str = "", **settings: Any) -> None:
        super().__init_subclass__(**settings)
        own = inspect.get_annotations(cls)
        named = {}
        every = " ".join(_columns_of(of))
        for word in (columns or every).replace("*", every).split():
            field, _, column = word.removesuffix("?").partition("=")
            found = _column(of, column or field)
            named[field] = replace(found, is_nullable=found.is_nullable or word.endswith("?"))
        fields = {
            name: Annotated[
                own.get(name) or (_TYPES[column.kind] | None if column.is_nullable else _TYPES[column.kind]),
                Field(description=column.about),
            ]
            for name, column in named.items()
        }
        cls.__annotations__ = {name: _with_example(name, told) for name, told in {**fields, **own, **fields}.items()}
        cls.stands_for = {name: column.of for name, column in named.items() if column.of}


def _columns_of(of: str | ListSpec) -> list[str]:
    if isinstance(of, ListSpec):
        return [one.name for one in of.columns]
    return [*documented_tables()[of].columns] if of else []


def _column(of: str | ListSpec, name: str) -> Column:
    if isinstance(of, ListSpec) and "." not in name:
        return of.column(name)
    return Column(name, name, of=name if "." in name else f"{of}.{name}").documented(())


def _with_example(name: str, told: Any) -> Any:
    return Annotated[told, Field(examples=[_EXAMPLES[name]])] if name in _EXAMPLES else told


class Snapshot(
    Answer, of="quality.publications", columns="publication_id published_at snapshot_date is_sample data_version"
):
    """The published snapshot that an answer comes from."""

    published_at: Moment
    first_date: Annotated[Day | None, Field(description="First day with an invoice.")]
    last_date: Annotated[Day | None, Field(description="Last day with an invoice.")]
    currency: Annotated[str, Field(description="ISO 4217 code of all money in this answer.")]
    home_country: Annotated[str, Field(description="The shop's own country.")]

    @classmethod
    def of(cls, about: About) -> Snapshot:
        """What is told of the snapshot outside; never a path."""
        return cls.model_validate({name: getattr(about, name) for name in cls.model_fields})


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
