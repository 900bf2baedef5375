"""Results kept in the warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from expectations.results import LayerReport, save_results
from expectations.runner import run_layer

Build = Callable[..., Path]
RECORDED_AT = datetime(2011, 12, 10, 6, 0, tzinfo=UTC)


@pytest.fixture
def warehouse(build: Build) -> Path:
    return build(
        "update staging.stg_transactions set quantity_units = 5000000, signed_amount = 10000000 where row_number = 3"
    )


def check(warehouse: Path, run_id: str, recorded_at: datetime = RECORDED_AT) -> LayerReport:
    return run_layer("staging", warehouse, run_id=run_id, recorded_at=recorded_at)


def test_saving_twice_keeps_one_row_per_check(warehouse: Path) -> None:
    report = check(warehouse, "run 1")

    with duckdb.connect(str(warehouse)) as con:
        save_results(con, report)
        written = save_results(con, report)
        kept = con.execute("select count(*), count(distinct (suite, check_name)) from quality.validation_results")

        assert kept.fetchone() == (written, written) == (len(report.results), len(report.results))


def test_runs_are_kept_side_by_side(warehouse: Path) -> None:
    reports = [check(warehouse, "run 1"), check(warehouse, "run 2")]

    with duckdb.connect(str(warehouse)) as con:
        for report in reports:
            save_results(con, report)
        kept = con.execute("select distinct run_id from quality.validation_results order by run_id").fetchall()

    assert kept == [("run 1",), ("run 2",)]


def test_failure_is_kept_with_its_example_and_in_utc(warehouse: Path) -> None:
    summer = RECORDED_AT.astimezone(timezone(timedelta(hours=1)))

    report = check(warehouse, "run 1", summer)
    with duckdb.connect(str(warehouse)) as con:
        save_results(con, report)
        row = con.execute(
            "select recorded_at, severity, status, unexpected_count, element_count, examples, message "
            "from quality.validation_results where check_name = 'quantity_is_plausible'"
        ).fetchone()

    assert row is not None
    assert row[:5] == (datetime(2011, 12, 10, 6, 0), "error", "failed", 1, 5)
    assert json.loads(row[5])[0]["file_name"] == "2011-03-04.csv"
    assert "2011-03-04.csv line 3" in row[6]


def test_summary_tells_the_outcomes_apart(warehouse: Path) -> None:
    report = check(warehouse, "run 1")

    # 5,000,000 birds at 2.00 are too many and too dear
    assert report.summary() == f"staging: {len(report.results)} checks, 2 failed"
