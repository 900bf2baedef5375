"""The register of measures: what each aggregate is, as ``dbt_project/dbt_project.yml`` declares it.

Belongs here: reading the declarations and writing them as SQL. Does not belong here: any declaration (they stand
under ``vars`` there, so that dbt's models are made from the same ones) and what is selected (the filters).

A measure is an expression over rows: the lines or invoices of the facts, or the customers of the wide table. Whoever
wants one writes a common table expression with these rows and selects :func:`aggregates` from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import yaml

from warehouse.errors import RegularsError

PROJECT_FILE = Path(__file__).resolve().parent.parent / "dbt_project" / "dbt_project.yml"

Rows = Literal["lines", "invoices", "customers"]
Unit = Literal["money", "count", "units", "days", "number", "percent"]
Compared = Literal["days", "month_end", "publication"]
Over = Literal["days", "countries", "segments"]
Shown = Literal["tables", "periods", "countries", "segments", "means", "sizes", "playbooks", "customers"]

TABLES: Mapping[Rows, str] = {
    "lines": "marts.fct_invoice_lines",
    "invoices": "marts.fct_invoices",
    "customers": "reporting.customer_360",
}
"""Where the rows are in the published snapshot; of customers, those with ``has_purchases``."""

_GOOD = {"good": True, "bad": False, None: None}


@dataclass(frozen=True)
class Measure:
    """One aggregate."""

    key: str
    """Its name as a column and a field."""
    label: str
    """Its name in words, the same wherever it is shown."""
    sentence: str
    unit: Unit
    expressions: Mapping[Rows, str]
    """What it is over each kind of rows; empty for a share."""
    share_of: str | None
    """The measure that it is a part of, in percent of the sum over all groups that are selected."""
    adds_up: tuple[Over, ...]
    """What its parts may be summed over; over nothing else."""
    is_more_good: bool | None
    """Whether a rise is welcome; None where that can't be said."""
    compared: Compared | None
    """Of a headline card: what its change is against."""
    shown: tuple[Shown, ...]
    short: str
    """Its name where a heading says the rest."""
    column: str
    """Its name in the revenue tables."""

    def sql(self, rows: Rows) -> str:
        """Its expression over rows; money is double, and 0 where a sum over days finds nothing."""
        expression = self.expressions[rows]
        if self.unit != "money":
            return expression
        inner = f"coalesce({expression}, 0)" if "days" in self.adds_up else expression
        return f"cast({inner} as double)"

    def share_sql(self) -> str:
        """Its expression over a selection with a column of the measure that it is a part of, one row a group."""
        assert self.share_of is not None
        whole = f"sum({self.share_of}) over ()"
        return f"case when {whole} > 0 then 100.0 * {self.share_of} / {whole} end"


@cache
def project_vars() -> Mapping[str, Any]:
    """The ``vars`` of the dbt project, as they are written there."""
    # both loaders are safe ones; that of C takes 3 ms, that of Python 40
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return MappingProxyType(yaml.load(PROJECT_FILE.read_bytes(), Loader=loader)["vars"])  # noqa: S506


@cache
def measures() -> Mapping[str, Measure]:
    """Every measure by its key, in order of appearance.

    Raises
    ------
    RegularsError
        If a declaration can't be read, by the measure and what is wrong.
    """
    found = {key: _read(key, dict(given)) for key, given in project_vars()["measures"].items()}
    for one in found.values():
        if one.share_of and one.share_of not in found:
            raise RegularsError(f"Measure {one.key}: there is no measure {one.share_of} to be a share of.")
    return MappingProxyType(found)


def shown(where: Shown) -> tuple[Measure, ...]:
    """The measures of one place, in order of appearance."""
    return tuple(one for one in measures().values() if where in one.shown)


def aggregates(rows: Rows, keys: Iterable[str]) -> str:
    """Columns of a select over rows, each named by its key; shares among the keys are left to :func:`shares`."""
    wanted = [measures()[key] for key in keys]
    return ",\n".join(f"{one.sql(rows)} as {one.key}" for one in wanted if not one.share_of)


def shares(keys: Iterable[str]) -> str:
    """Columns of a select over groups with their :func:`aggregates`, each named by its key."""
    wanted = [measures()[key] for key in keys]
    return ",\n".join(f"{one.share_sql()} as {one.key}" for one in wanted if one.share_of)


def _read(key: str, given: dict[str, Any]) -> Measure:
    def one_of(name: str, allowed: Any, *, needed: bool = False) -> Any:
        value = given.pop(name, None)
        if value not in get_args(allowed) and (needed or value is not None):
            raise RegularsError(f"Measure {key}: {name} is {value!r}, not one of {', '.join(get_args(allowed))}.")
        return value

    def several(name: str, allowed: Any) -> tuple[Any, ...]:
        values = tuple(given.pop(name, ()))
        unknown = [value for value in values if value not in get_args(allowed)]
        if unknown:
            raise RegularsError(f"Measure {key}: {name} has {unknown[0]!r}; there are {', '.join(get_args(allowed))}.")
        return values

    try:
        label, sentence = given.pop("label"), given.pop("sentence")
    except KeyError as error:
        raise RegularsError(f"Measure {key} has no {error.args[0]}.") from error
    given.pop("parts", None)  # for the models alone: readers have no such rows
    more_is = given.pop("more_is", None)
    if more_is not in _GOOD:
        raise RegularsError(f"Measure {key}: more_is is {more_is!r}, not good or bad.")
    measure = Measure(
        key=key,
        label=label,
        sentence=sentence,
        unit=one_of("unit", Unit, needed=True),
        expressions={rows: given.pop(rows) for rows in get_args(Rows) if rows in given},
        share_of=given.pop("share_of", None),
        adds_up=several("adds_up", Over),
        is_more_good=_GOOD[more_is],
        compared=one_of("compared", Compared),
        shown=several("shown", Shown),
        short=given.pop("short", label),
        column=given.pop("column", key),
    )
    if given:
        raise RegularsError(f"Measure {key}: {next(iter(given))} means nothing here.")
    if bool(measure.expressions) == bool(measure.share_of):
        raise RegularsError(f"Measure {key} needs an expression, or a measure to be a share of, and not both.")
    return measure
