"""Lists that people page through: sorted, filtered and counted in DuckDB.

Belongs here: what a list is (its columns and the rows that it starts from), and turning
a table's own sorting and filtering into bound SQL. Does not belong here: which lists
there are (each subject's module has its own), and the table widget.

Column names come from a list's declaration only; a name or an operation that it doesn't
know is refused. Values are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

import pandas as pd

from serving.filters import Clause, Filters
from serving.snapshot import Reading
from warehouse.documentation import Kind, documented_column, documented_table
from warehouse.errors import RegularsError
from warehouse.measures import Shown, shown

MAX_CONDITIONS = 50
"""Of one column, and values in all; people set two or three."""


class UnknownColumnError(RegularsError):
    """A request names a column or an operation that the list doesn't have."""

    status = 400
    kind = "unknown-column"


@dataclass(frozen=True)
class Column:
    """One column of a list.

    What it means, and of which kind it is, says the documentation of the column that it stands for; a column that
    is worked out for the list says so itself.
    """

    name: str
    """Of the rows' select statement."""
    title: str
    kind: Kind = "text"
    about: str = ""
    """A sentence that is shown on its header, and told of the same field over HTTP; only where no column has one."""
    of: str = ""
    """Full name of the documented column, such as ``marts.fct_invoices.invoice_no``; by default the one of this name
    in the list's tables."""
    is_nullable: bool = False
    """As documented, or as a measure may be."""
    link: Literal["", "customer", "segment"] = ""
    """A customer's number as a link to the story; a segment's name beside its colour."""
    width: int | None = None
    """Pixels; by default what the kind needs."""

    def documented(self, tables: Sequence[str]) -> Column:
        """The column with the text and kind of what it stands for; itself where it has a text of its own.

        Raises
        ------
        RegularsError
            If it names a column that is not documented.
        """
        of = self.of or next((f"{one}.{self.name}" for one in tables if self.name in documented_table(one).columns), "")
        if self.about or not of:
            return self
        found = documented_column(of)
        kind = found.kind if self.kind == "text" else self.kind
        return replace(self, of=of, about=found.text, kind=kind, is_nullable=found.is_nullable)


def measure_columns(where: Shown) -> tuple[Column, ...]:
    """A column for each measure of one place.

    Counts, and what adds up over days, are 0 where there is nothing; other measures may be null.
    """
    return tuple(
        Column(
            one.key,
            one.label,
            "number" if one.unit == "days" else one.unit,
            f"{one.sentence} In the shop's currency." if one.unit == "money" else one.sentence,
            of=f"measures.{one.key}",
            is_nullable=one.unit != "count" and "days" not in one.adds_up,
        )
        for one in shown(where)
    )


@dataclass(frozen=True)
class ListSpec:
    """A list that can be shown, sorted, filtered and downloaded."""

    name: str
    """In addresses, such as ``customers``."""
    title: str
    columns: tuple[Column, ...]
    rows: str | Callable[[Filters, str], Clause]
    """A select statement that may ask for the list's ``$context`` (such as a customer id), or from the filters and
    the context to one."""
    order_by: str
    """Such as ``monetary_net desc, customer_id``; ends in what is unique, so that pages never overlap."""
    tables: tuple[str, ...] = ()
    """Whose columns its columns are, such as ``reporting.customer_360``; of two with a column the first counts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(column.documented(self.tables) for column in self.columns))

    def clause(self, filters: Filters, context: str) -> Clause:
        """All its rows; a statement that is always the same knows no filters."""
        if callable(self.rows):
            return self.rows(filters, context)
        return Clause(self.rows, {"context": context} if "$context" in self.rows else {})

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises
        ------
        UnknownColumnError
            If the list has none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownColumnError(f"The list {self.name} has no column {name[:60]!r}.")


@dataclass(frozen=True)
class ListRequest:
    """How a person sorted and filtered a list, in the form of AG Grid's models.

    ``filter_model`` maps a column to a condition such as
    ``{"filterType": "text", "type": "contains", "filter": "mug"}``, or to
    ``{"operator": "OR", "conditions": [...]}``; ``sort_model`` is a list of ``{"colId", "sort"}``.
    """

    filter_model: Mapping[str, Any] = field(default_factory=dict)
    sort_model: Sequence[Mapping[str, Any]] = ()


EVERYTHING = ListRequest()
"""Unsorted and unfiltered: the list's own order."""


def fetch_list(
    reading: Reading,
    spec: ListSpec,
    filters: Filters,
    context: str = "",
    request: ListRequest = EVERYTHING,
    *,
    offset: int = 0,
    limit: int | None = None,
) -> pd.DataFrame:
    """Rows of a list in the order that was asked for; columns as declared."""
    clause, order = _narrowed(spec, filters, context, request)
    names = ", ".join(f'"{column.name}"' for column in spec.columns)
    sql = f"select {names} from ({clause.sql}) as rows order by {order}"
    parameters = dict(clause.parameters)
    if limit is not None:
        sql += " limit $row_limit offset $row_offset"
        parameters |= {"row_limit": limit, "row_offset": offset}
    return reading.query(sql, parameters)


def count_list(
    reading: Reading, spec: ListSpec, filters: Filters, context: str = "", request: ListRequest = EVERYTHING
) -> int:
    """How many rows there are in all pages together."""
    clause, _ = _narrowed(spec, filters, context, request)
    return int(reading.value(f"select count(*) from ({clause.sql}) as rows", clause.parameters))


def _narrowed(spec: ListSpec, filters: Filters, context: str, request: ListRequest) -> tuple[Clause, str]:
    base = spec.clause(filters, context)
    bound = _Bound()
    conditions = [
        _condition(spec.column(name), model, bound) for name, model in sorted(dict(request.filter_model).items())
    ]
    sql = f"select * from ({base.sql}) as rows"
    if conditions:
        sql += f" where {' and '.join(conditions)}"
    if len(request.sort_model) > len(spec.columns):
        raise UnknownColumnError(f"The list {spec.name} has {len(spec.columns)} columns to sort by, not more.")
    order = []
    for asked in request.sort_model:
        if not isinstance(asked, Mapping):
            raise UnknownColumnError(f"The sorting of the list {spec.name} can't be read.")
        column = spec.column(str(asked.get("colId", "")))
        direction = "desc" if asked.get("sort") == "desc" else "asc"
        order.append(f'"{column.name}" {direction} nulls last')
    return Clause(sql, {**base.parameters, **bound.parameters}), ", ".join([*order, spec.order_by])


class _Bound:
    """Hands out a parameter's name for each value."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}

    def __call__(self, value: Any) -> str:
        if len(self.parameters) >= MAX_CONDITIONS:
            raise UnknownColumnError(f"More than {MAX_CONDITIONS} conditions on one list.")
        name = f"condition_{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


_COMPARISONS = {
    "equals": "=",
    "notEqual": "is distinct from",
    "greaterThan": ">",
    "greaterThanOrEqual": ">=",
    "lessThan": "<",
    "lessThanOrEqual": "<=",
}


_MATCHES = {
    "contains": "contains({sql}, {value})",
    "notContains": "not coalesce(contains({sql}, {value}), false)",
    "startsWith": "starts_with({sql}, {value})",
    "endsWith": "ends_with({sql}, {value})",
    "equals": "{sql} = {value}",
    "notEqual": "{sql} is distinct from {value}",
}


def _condition(column: Column, model: Any, bound: _Bound) -> str:
    given = model.get("conditions", ()) if isinstance(model, Mapping) else None
    if not isinstance(given, list | tuple):
        raise UnknownColumnError(f"The filter on {column.name} can't be read.")
    if len(given) > MAX_CONDITIONS:
        raise UnknownColumnError(f"More than {MAX_CONDITIONS} conditions on {column.name}.")
    if "conditions" in model:
        # one level, as the table's own filters have: deeper ones would be as deep as somebody likes
        if any(isinstance(one, Mapping) and "conditions" in one for one in given):
            raise UnknownColumnError(f"The filter on {column.name} has conditions within conditions.")
        parts = [_condition(column, one, bound) for one in given]
        joined = " or " if model.get("operator") == "OR" else " and "
        return f"({joined.join(parts)})" if parts else "true"
    operation = str(model.get("type"))
    quoted = f'"{column.name}"'
    if operation in ("blank", "notBlank"):
        is_blank = f"({quoted} is null or cast({quoted} as varchar) = '')"
        return is_blank if operation == "blank" else f"not {is_blank}"
    try:
        if column.kind in ("count", "units", "number", "money", "percent"):
            return _compared(quoted, operation, float, model.get("filter"), model.get("filterTo"), bound)
        if column.kind in ("date", "moment"):
            day = f"cast({quoted} as date)"
            return _compared(day, operation, _day, model.get("dateFrom"), model.get("dateTo"), bound)
    except (TypeError, ValueError, OverflowError) as error:
        raise UnknownColumnError(f"The filter on {column.title} needs a {column.kind}: {error}.") from error
    return _text_condition(f"lower(cast({quoted} as varchar))", operation, model.get("filter"), bound)


def _compared(sql: str, operation: str, read: Callable[[Any], Any], low: Any, high: Any, bound: _Bound) -> str:
    if operation == "inRange":
        return f"{sql} between {bound(read(low))} and {bound(read(high))}"
    if operation not in _COMPARISONS:
        raise UnknownColumnError(f"No such comparison: {operation[:40]!r}.")
    return f"{sql} {_COMPARISONS[operation]} {bound(read(low))}"


def _text_condition(sql: str, operation: str, given: Any, bound: _Bound) -> str:
    text = str(given if given is not None else "").lower()
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UnknownColumnError("The text to filter by holds half a character.")
    value = bound(text)
    if operation not in _MATCHES:
        raise UnknownColumnError(f"No such comparison: {operation[:40]!r}.")
    return _MATCHES[operation].format(sql=sql, value=value)


def _day(text: Any) -> date:
    return date.fromisoformat(str(text)[:10])
