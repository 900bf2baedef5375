"""What is answered as JSON: the kinds of values, and fields that stand for documented columns.

Belongs here: money, quantities, days and times as JSON, and the base of every answer. Does not belong here: the fields
of a subject (they stand in its module), and what is around an answer over HTTP (:mod:`serving.api.models`).

Money is a number with at most two decimals, in the shop's currency; a quantity has at most three. Days are
``YYYY-MM-DD``. Moments of the pipeline are UTC and say so; times of invoices are the shop's own clock, without a zone.
Where there is no figure the value is null, never 0, NaN or infinite.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from serving.queries.lists import Column, ListSpec, measure_columns
from warehouse.documentation import Kind, documented_table
from warehouse.measures import Shown


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
    has the annotated type. ``measures`` is a place where measures are shown (:mod:`warehouse.measures`): each is a
    field, also where ``of`` has a column of its name; with ``?`` any of them may be null.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    stands_for: ClassVar[Mapping[str, str]] = {}
    """Fields of this class alone that have their texts elsewhere, and whose: a documented column, a measure, or a
    list's own column."""

    def __init_subclass__(
        cls, *, of: str | ListSpec = "", columns: str = "", measures: str = "", **settings: Any
    ) -> None:
        super().__init_subclass__(**settings)
        own = inspect.get_annotations(cls)
        named = {}
        at_home = _columns_of(of)
        every = " ".join(at_home)
        for word in (columns or every).replace("*", every).split():
            field, _, column = word.removesuffix("?").partition("=")
            found = at_home.get(column or field) or _documented(column or f"{of}.{field}")
            named[field] = replace(found, is_nullable=found.is_nullable or word.endswith("?"))
        if measures:
            where = cast("Shown", measures.removesuffix("?"))
            for one in measure_columns(where):
                named[one.name] = replace(one, is_nullable=one.is_nullable or measures.endswith("?"))
        fields = {
            name: Annotated[
                own.get(name) or (_TYPES[column.kind] | None if column.is_nullable else _TYPES[column.kind]),
                Field(description=column.about),
            ]
            for name, column in named.items()
        }
        cls.__annotations__ = {name: _with_example(name, told) for name, told in {**fields, **own, **fields}.items()}
        cls.stands_for = {name: column.of or column.name for name, column in named.items()}


def _columns_of(of: str | ListSpec) -> dict[str, Column]:
    if isinstance(of, ListSpec):
        return {column.name: column for column in of.columns}
    return {name: _documented(f"{of}.{name}") for name in documented_table(of).columns} if of else {}


def _documented(of: str) -> Column:
    return Column(of, of, of=of).documented(())


def _with_example(name: str, told: Any) -> Any:
    return Annotated[told, Field(examples=[_EXAMPLES[name]])] if name in _EXAMPLES else told
