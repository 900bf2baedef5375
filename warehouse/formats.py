"""The exports of shop systems: what is declared of each, and nothing of what its money means.

Belongs here: the shape of a declaration and reading all of them. A declaration stands in
the documentation of its dbt model (``dbt_project/models/staging/exports/<format>.yml``,
under ``config.meta.export_format``), since the two describe one thing and change together.
Does not belong here: recognising a header (:mod:`warehouse.readers.headers`), and SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from warehouse.errors import RegularsError
from warehouse.settings import PROJECT_ROOT

DECLARATIONS = PROJECT_ROOT / "dbt_project" / "models" / "staging" / "exports"

LimitSubject = Literal["refunds", "refund_dates", "customers", "cancellations", "quantities", "prices", "times"]
"""What a format may be unable to tell."""

SUBJECTS: Mapping[str, str] = {
    "refunds": "refunds",
    "refund_dates": "when a refund was made",
    "customers": "customers",
    "cancellations": "cancelled orders",
    "quantities": "units before refunds",
    "prices": "prices after every discount",
    "times": "times of day",
}
"""The same in words that go on after "doesn't show: "."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where it is there; the unit tests of the models stand in the same files."""

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Headers = Annotated[tuple[str, ...], Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NotRead(_Part):
    """Another export of the same system, which holds no lines or no prices."""

    headers: _Headers
    """It is told by these, all of them."""
    because: str
    """What to do instead; goes on after "this is "."""


class FrameLine(_Part):
    """Lines around the table that are no delivery, such as a count at the end."""

    pattern: str
    """A regular expression for the whole line. A group called ``records`` is a count of records."""
    counts: _Name | None = None
    """The column whose distinct values the count is of."""

    @model_validator(mode="after")
    def _compiles(self) -> FrameLine:
        groups = re.compile(self.pattern).groupindex
        if ("records" in groups) != (self.counts is not None):
            raise ValueError("a pattern with a group called records needs counts, and the other way round")
        return self


class ExportFormat(_Part):
    """One export of one system: everything about its files that is no SQL."""

    name: _Name
    """That of the declaration's file, of the raw table, and after ``stg_`` of the model."""
    title: str
    """What people call it, such as "Shopify orders"."""
    columns: dict[_Name, _Headers]
    """Our columns with the headers that hold them in the system's versions and languages; of several
    that are there the first counts."""
    needed: Annotated[tuple[_Name, ...], Field(min_length=2)]
    """A file is this export if it has all of these."""
    date: _Name
    """The column of times whose style is decided for each file."""
    time: _Name | None = None
    """A clock time in a column of its own, which is joined to the date by a blank."""
    date_order: Literal["day_first", "month_first"] | None = None
    """Where the system writes one order whatever the language."""
    clock: Literal["as_written", "shop"] = "shop"
    """A UTC offset is dropped, because the shop's own clock time is written; or converted to the shop's clock."""
    decimal_mark: Literal[".", ","] | None = None
    """Where the system writes one mark whatever the language."""
    numbers: Annotated[tuple[_Name, ...], Field(min_length=1)]
    """Columns of amounts and quantities, whose decimal mark is decided for each file."""
    fill_down: tuple[_Name, ...] = ()
    """Columns that are blank below the first row of an order and nothing else ties to it; the order number first."""
    is_unquoted: bool = False
    """Quotes are part of the text as long as tabs part the fields: a product may be called ``12" tray``."""
    frame: tuple[FrameLine, ...] = ()
    prices_include_tax: bool | None = None
    limits: dict[LimitSubject, str] = {}
    """What the file can't tell, each as a sentence for people."""
    not_read: tuple[NotRead, ...] = ()

    @model_validator(mode="after")
    def _names_its_columns(self) -> ExportFormat:
        named = {*self.needed, self.date, *self.numbers, *self.fill_down}
        named |= {self.time} if self.time else set()
        named |= {line.counts for line in self.frame if line.counts}
        unknown = sorted(named - self.columns.keys())
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is none of its columns")
        return self

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Text columns of its raw table, in order; a clock time stands beside its date and not alone."""
        return tuple(column for column in self.columns if column != self.time)


@cache
def export_formats() -> dict[str, ExportFormat]:
    """All declared formats by name, in order of their names.

    Raises
    ------
    RegularsError
        Naming the declaration and what is wrong with it.
    """
    found = {}
    for path in sorted(DECLARATIONS.glob("*.yml")):
        told: Any = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 (both are safe ones)
        try:
            (model,) = told["models"]
            found[path.stem] = ExportFormat(name=path.stem, **model["config"]["meta"]["export_format"])
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            raise RegularsError(f"{path.name} is no declaration as warehouse/formats.py has it: {error}") from error
    return found
