"""What a check is, and the catalogue in which all of them are listed.

Belongs here: the fields of a check, and reading `catalogue/`: one file a layer, one entry a
check. Does not belong here: what must hold of which table (the catalogue), and Great
Expectations (:mod:`expectations.runner`), so that checks can be listed without importing it.

Texts and queries of the catalogue are Jinja templates. They know the figures of
`catalogue/limits.yml`, ``settings``, ``recorded_at``, ``export_formats`` and the functions of
:mod:`expectations.phrases`; long queries are files of their own beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from expectations import phrases
from warehouse.formats import export_formats
from warehouse.quality import MISSING_FILES
from warehouse.settings import Settings
from warehouse.wording import currency_symbol

Severity = Literal["error", "warning"]

LAYERS = ("raw", "staging", "marts", "ml", "reporting")

CATALOGUE = Path(__file__).parent / "catalogue"

NO_ROWS = "expect_no_rows"
"""Our expectation for claims that only SQL can make; see `expectations.no_rows`."""

TOLD = "told"
"""Column of such a query that puts a row into words; the message then has these, not names and values of columns."""

ADVICE = "advice"
"""Column of such a query with lines to type, which end the message; equal ones once."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Check:
    """One expectation of one table; its fields are those of an entry in the catalogue.

    Attributes
    ----------
    name
        Unique within the suite, lower case, stable: history is kept under it.
    claim
        What holds when it passes, in words.
    fault
        What is the matter when it does not; the message is built on it.
    reason
        Why it is worth stopping, or warning, for.
    rows
        One select statement that finds offending rows in ``this_table``, the suite's, and others,
        which are named with their schema. Its first columns should say where to look: a few rows of
        the answer are kept as examples. Columns :data:`TOLD` and :data:`ADVICE` go into the message instead.
    expectation, arguments
        Where there is no query: the expectation's type, as Great Expectations names it, and what it takes.
    severity
        Whether a failure stops the run.
    column
        The column it is about, if it is about one.
    noun
        What one offending row is, in the plural; by default the suite's.
    remedy
        What a person can do about it.
    """

    name: str
    claim: str
    fault: str
    reason: str
    rows: str | None = None
    expectation: str = NO_ROWS
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "error"
    column: str | None = None
    noun: str | None = None
    remedy: str | None = None

    def __post_init__(self) -> None:
        """Refuse an entry that says nothing to be evaluated."""
        if (self.rows is None) == (self.expectation == NO_ROWS):
            raise ValueError(f"check {self.name} needs either rows or an expectation")


@dataclass(frozen=True)
class Suite:
    """What must hold of one table.

    Attributes
    ----------
    layer
        The layer after which it is run.
    table
        Schema and name; the suite's name too.
    noun
        What one row is, in the plural.
    checks
        The expectations.
    """

    layer: str
    table: str
    noun: str
    checks: tuple[Check, ...]


def tables_of(layer: str) -> tuple[str, ...]:
    """Tables of a layer that have checks, in the order of the catalogue.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    return tuple(entry["table"] for entry in _entries(layer))


def suites_of(
    layer: str, *, settings: Settings | None = None, recorded_at: datetime | None = None
) -> tuple[Suite, ...]:
    """List a layer's suites without evaluating them and without Great Expectations.

    Parameters
    ----------
    settings
        The shop's settings; by default the defaults.
    recorded_at
        When the checks run, with its time zone; no sale may lie a day after it.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    moment = (recorded_at or datetime.now(UTC)).astimezone(UTC)
    known = {"settings": settings or Settings(), "recorded_at": moment}
    return tuple(
        Suite(
            layer,
            entry["table"],
            entry["noun"],
            tuple(Check(**_written_out(_rendered(check, known))) for check in entry["checks"]),
        )
        for entry in _entries(layer)
    )


@cache
def _entries(layer: str) -> Sequence[Mapping[str, Any]]:
    if layer not in LAYERS:
        raise ValueError(f"there are no suites for layer {layer!r}; there are for {', '.join(LAYERS)}")
    entries: Sequence[Mapping[str, Any]] = _read(f"{layer}.yml")
    return entries


def _read(name: str) -> Any:
    return yaml.load((CATALOGUE / name).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - the safe one


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(CATALOGUE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - it is SQL
    )
    templates.globals.update(_read("limits.yml"), export_formats=export_formats, missing_files=MISSING_FILES)
    templates.globals.update(currency_symbol=currency_symbol)
    templates.globals.update(inspect.getmembers(phrases, inspect.isfunction))
    templates.filters.update(pct="{:.0%}".format, thousands="{:,}".format)
    return templates


def _rendered(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _rendered(one, known) for name, one in value.items()}
    if isinstance(value, str) and "{" in value:
        return _templates().from_string(value).render(known)
    return value


def _written_out(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry in one of the short forms, in full."""
    if "has_rows" in entry:
        # every other check passes on an empty table
        noun = entry.pop("has_rows")
        entry |= {"name": "has_rows", "claim": f"there are {noun}", "fault": f"no {noun} at all"}
        entry |= {"expectation": "expect_table_row_count_to_be_between", "arguments": {"min_value": 1}}
    elif "has_columns" in entry:
        columns = entry.pop("has_columns")
        entry |= {"name": "has_columns", "claim": f"the columns {', '.join(columns)} exist"}
        entry |= {"fault": "columns are missing", "expectation": "expect_table_columns_to_match_set"}
        entry |= {"arguments": {"column_set": columns, "exact_match": False}}
    elif "agrees" in entry:
        entry["rows"] = _differences(**entry.pop("agrees"))
    return entry


def _differences(
    *,
    that: str,
    this: str = "this_table",
    by: Sequence[str] = (),
    equal: Sequence[str] = (),
    absent_is_null: bool = False,
) -> str:
    """Query of the rows of two tables, or selects, that don't agree.

    Parameters
    ----------
    this, that
        What is checked, and what it has to agree with.
    by
        Columns by which rows belong together; without any, both are one row.
    equal
        Columns that have to be.
    absent_is_null
        Whether a row that only one side has counts as one without values; if not, it differs.
    """
    one, other = (f"({side})" if " " in side.strip() else side for side in (this, that))
    columns = [f"coalesce(one.{key}, other.{key}) as {key}" for key in by]
    columns += [f"one.{column}, other.{column} as expected_{column}" for column in equal]
    faults = [f"one.{column} is distinct from other.{column}" for column in equal]
    if by and not absent_is_null:
        columns.append(f"one.{by[0]} is null as is_missing")
        faults += [f"one.{by[0]} is null", f"other.{by[0]} is null"]
    joined = " and ".join(f"one.{key} = other.{key}" for key in by) or "true"
    return (
        f"select {', '.join(columns)} from {one} as one full join {other} as other on {joined} "
        f"where {' or '.join(faults)}"
    )
