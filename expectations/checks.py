"""The vocabulary in which suites are written.

Belongs here: what a check and a suite are, and one function for each kind of check.
Does not belong here: what must hold of which table (see the layers' modules), and
Great Expectations (see `expectations.runner`), so that the list of checks can be
read without importing it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from warehouse.settings import Settings

Severity = Literal["error", "warning"]

NO_ROWS = "expect_no_rows"
"""Our expectation for claims that only SQL can make; see `expectations.no_rows`."""

TOLD = "told"
"""Column of such a query that puts a row into words; the message then has these, not names and values of columns."""

ADVICE = "advice"
"""Column of such a query with lines to type, which end the message; equal ones once."""


@dataclass(frozen=True)
class Check:
    """One expectation of one table.

    Attributes
    ----------
    name
        Unique within the suite, lower case, stable: history is kept under it.
    expectation
        The expectation's type, as Great Expectations names it.
    claim
        What holds when it passes, in words.
    fault
        What is the matter when it does not; the message is built on it.
    reason
        Why it is worth stopping, or warning, for.
    severity
        Whether a failure stops the run.
    column
        The column it is about, if it is about one.
    arguments
        What the expectation takes besides the column.
    rows
        For :data:`NO_ROWS`: the query that finds offending rows in ``this_table`` and others.
    noun
        What one offending row is, in the plural; by default the suite's.
    remedy
        What a person can do about it.
    """

    name: str
    expectation: str
    claim: str
    fault: str
    reason: str
    severity: Severity = "error"
    column: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    rows: str | None = None
    noun: str | None = None
    remedy: str | None = None

    def as_warning(self) -> Check:
        """The same check, not stopping the run."""
        return replace(self, severity="warning")


@dataclass(frozen=True)
class Suite:
    """What must hold of one table.

    Attributes
    ----------
    layer
        The layer after which it is run.
    table
        Schema and name.
    noun
        What one row is, in the plural.
    keys
        Columns by which a person finds an offending row, most telling first;
        ``file_name`` and ``row_number`` where the table has them.
    checks
        The expectations.
    """

    layer: str
    table: str
    noun: str
    keys: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def name(self) -> str:
        """Name of the suite: that of its table."""
        return self.table


@dataclass(frozen=True)
class Circumstances:
    """What suites may depend on besides the tables."""

    settings: Settings
    recorded_at: datetime
    """When the checks run, in UTC."""


def has_rows(noun: str, *, reason: str, severity: Severity = "error") -> Check:
    """The table is not empty. Every other expectation passes on an empty table."""
    return Check(
        name="has_rows",
        expectation="expect_table_row_count_to_be_between",
        arguments={"min_value": 1},
        claim=f"there are {noun}",
        fault=f"no {noun} at all",
        reason=reason,
        severity=severity,
    )


def has_columns(columns: Sequence[str], *, reason: str) -> Check:
    """The columns exist; others may too."""
    return Check(
        name="has_columns",
        expectation="expect_table_columns_to_match_set",
        arguments={"column_set": list(columns), "exact_match": False},
        claim=f"the columns {', '.join(columns)} exist",
        fault="columns are missing",
        reason=reason,
    )


def is_filled(column: str, *, reason: str, severity: Severity = "error") -> Check:
    """No row lacks a value."""
    return Check(
        name=f"{column}_is_filled",
        expectation="expect_column_values_to_not_be_null",
        column=column,
        claim=f"{column} is never missing",
        fault=f"{column} is missing",
        reason=reason,
        severity=severity,
    )


def is_unique(column: str, *, reason: str) -> Check:
    """No value stands on two rows."""
    return Check(
        name=f"{column}_is_unique",
        expectation=NO_ROWS,
        column=column,
        # a plain group-by: the built-in expectation sorts the table three times over
        rows=f"select {column}, count(*) as row_count from this_table group by {column} having count(*) > 1",
        claim=f"{column} is unique",
        fault=f"{column} stands on several rows",
        noun="values",
        reason=reason,
    )


def lies_between(
    column: str,
    low: Any = None,
    high: Any = None,
    *,
    reason: str,
    severity: Severity = "error",
    remedy: str | None = None,
    name: str | None = None,
) -> Check:
    """Every value that is there lies in the closed range."""
    return Check(
        name=name or f"{column}_in_range",
        expectation="expect_column_values_to_be_between",
        column=column,
        arguments={key: value for key, value in (("min_value", low), ("max_value", high)) if value is not None},
        claim=f"{column} is {_range(low, high)}",
        fault=f"{column} is not {_range(low, high)}",
        reason=reason,
        severity=severity,
        remedy=remedy,
    )


def is_one_of(column: str, values: Sequence[Any], *, reason: str, severity: Severity = "error") -> Check:
    """Every value that is there is a known one."""
    return Check(
        name=f"{column}_is_known",
        expectation="expect_column_values_to_be_in_set",
        column=column,
        arguments={"value_set": list(values)},
        claim=f"{column} is one of {', '.join(map(str, values))}",
        fault=f"{column} is not one of {', '.join(map(str, values))}",
        reason=reason,
        severity=severity,
    )


def finds_no_rows(
    name: str,
    rows: str,
    *,
    claim: str,
    fault: str,
    reason: str,
    column: str | None = None,
    noun: str | None = None,
    severity: Severity = "error",
    remedy: str | None = None,
) -> Check:
    """A query finds nothing.

    Parameters
    ----------
    rows
        One select statement. ``this_table`` is the suite's table; other tables are
        named with their schema. Its first columns should say where to look: a few
        rows of the answer are kept as examples, in the order of its columns. Columns
        :data:`TOLD` and :data:`ADVICE` go into the message instead.
    """
    return Check(
        name=name,
        expectation=NO_ROWS,
        rows=rows,
        claim=claim,
        fault=fault,
        reason=reason,
        column=column,
        noun=noun,
        severity=severity,
        remedy=remedy,
    )


def _range(low: Any, high: Any) -> str:
    if low is not None and high is not None:
        if isinstance(low, int | float) and low == -high:
            return f"within ±{high:,}"
        return f"between {_plain(low)} and {_plain(high)}"
    return f"at least {_plain(low)}" if high is None else f"at most {_plain(high)}"


def _plain(bound: Any) -> str:
    return f"{bound:,}" if isinstance(bound, int | float) else str(bound)
