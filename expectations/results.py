"""What came of the checks, and where it is kept.

Belongs here: the result of one check and of one layer, and `quality.validation_results`.
Does not belong here: evaluating (see `expectations.runner`) and showing (see
`expectations.data_docs`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from expectations.checks import Severity

Status = Literal["passed", "failed", "error"]

RESULTS_TABLE = "quality.validation_results"

_RESULTS_DDL = f"""
create schema if not exists quality;
create table if not exists {RESULTS_TABLE} (
    run_id varchar not null,
    recorded_at timestamp not null,
    layer varchar not null,
    suite varchar not null,
    table_name varchar not null,
    check_name varchar not null,
    expectation varchar not null,
    column_name varchar,
    severity varchar not null check (severity in ('error', 'warning')),
    status varchar not null check (status in ('passed', 'failed', 'error')),
    observed varchar,
    unexpected_count bigint,
    element_count bigint,
    examples varchar not null,
    reason varchar not null,
    message varchar not null
);
"""


@dataclass(frozen=True)
class CheckResult:
    """What came of one check. Every value is plain JSON.

    Attributes
    ----------
    status
        ``passed``, ``failed`` (the data are not as claimed), or ``error``: the check
        could not be evaluated, so nothing is known. An error is never a pass and
        never bad data.
    observed
        What was seen, as text: the count of rows, or of offending ones.
    unexpected_count
        Offending rows; None if unknown or if the check is not about rows.
    element_count
        Rows looked at; None if unknown.
    examples
        A few offending rows, with the columns by which to find them.
    message
        One line for people. For a failure it names the table, the fault, how many, and
        where the first one is.
    """

    layer: str
    suite: str
    table_name: str
    check_name: str
    expectation: str
    column_name: str | None
    severity: Severity
    status: Status
    observed: str | None
    unexpected_count: int | None
    element_count: int | None
    examples: tuple[dict[str, Any], ...]
    reason: str
    message: str

    @property
    def is_blocking(self) -> bool:
        """Whether the run must stop: a failure that matters, or a check that did not run."""
        return self.status == "error" or (self.status == "failed" and self.severity == "error")

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "examples": list(self.examples)}


@dataclass(frozen=True)
class LayerReport:
    """What came of a layer's suites."""

    layer: str
    run_id: str
    recorded_at: datetime
    results: tuple[CheckResult, ...]
    seconds: float = field(compare=False, default=0.0)
    """Time for the checks, without importing Great Expectations and without pages."""

    @property
    def blocking_failures(self) -> tuple[CheckResult, ...]:
        """What must stop the run."""
        return tuple(result for result in self.results if result.is_blocking)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """What a person should look at, while the run goes on."""
        return tuple(result for result in self.results if result.status == "failed" and not result.is_blocking)

    @property
    def errors(self) -> tuple[CheckResult, ...]:
        """Checks that could not be evaluated."""
        return tuple(result for result in self.results if result.status == "error")

    @property
    def passed(self) -> bool:
        """Whether what follows may run."""
        return not self.blocking_failures

    def summary(self) -> str:
        """One line: how many checks, how many of each outcome."""
        parts = [f"{len(self.results)} checks"]
        failed = len(self.blocking_failures) - len(self.errors)
        for count, word in ((failed, "failed"), (len(self.errors), "not evaluated"), (len(self.warnings), "warned")):
            if count:
                parts.append(f"{count} {word}")
        if len(parts) == 1:
            parts.append("all passed")
        return f"{self.layer}: " + ", ".join(parts)


def create_results_table(con: duckdb.DuckDBPyConnection) -> None:
    """Make `quality.validation_results` if it is not there yet."""
    con.execute(_RESULTS_DDL)


def save_results(con: duckdb.DuckDBPyConnection, report: LayerReport) -> int:
    """Keep a layer's results, in place of what the same run kept for it before.

    Parameters
    ----------
    con
        A connection that may write.
    report
        What :func:`expectations.runner.run_layer` returned.

    Returns
    -------
    int
        Rows written, one per check.
    """
    create_results_table(con)
    rows = [_as_row(report, result) for result in report.results]
    con.begin()
    try:
        con.execute(f"delete from {RESULTS_TABLE} where run_id = ? and layer = ?", [report.run_id, report.layer])
        if rows:
            con.executemany(f"insert into {RESULTS_TABLE} values ({', '.join('?' * len(rows[0]))})", rows)
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return len(rows)


def _as_row(report: LayerReport, result: CheckResult) -> Sequence[Any]:
    return [
        report.run_id,
        report.recorded_at.astimezone(UTC).replace(tzinfo=None),
        result.layer,
        result.suite,
        result.table_name,
        result.check_name,
        result.expectation,
        result.column_name,
        result.severity,
        result.status,
        result.observed,
        result.unexpected_count,
        result.element_count,
        json.dumps(list(result.examples), ensure_ascii=False),
        result.reason,
        result.message,
    ]
