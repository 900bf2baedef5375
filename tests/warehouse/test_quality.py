"""Rules on the warehouse's record of itself that several rooms share."""

from __future__ import annotations

from pathlib import Path

import duckdb

from warehouse.loading import ensure_raw_schema
from warehouse.quality import CHECKS_BY_LAYER, MISSING_FILES

ROOT = Path(__file__).resolve().parents[2]


def test_a_mended_file_is_missing_no_more_and_one_that_was_spoiled_is(tmp_path: Path) -> None:
    deliveries = [
        (1, "mended.csv", "rejected", True),
        (2, "mended.csv", "loaded", True),
        (3, "mended twice.csv", "loaded", True),
        (4, "mended twice.csv", "rejected", True),
        (5, "mended twice.csv", "already_loaded", True),
        (6, "spoiled.csv", "loaded", True),
        (7, "spoiled.csv", "rejected", True),
        (8, "gone.csv", "rejected", False),
        (9, "never right.csv", "rejected", True),
        (10, "coming again.csv", "rejected", True),
        (11, "coming again.csv", "in_transit", True),
    ]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        ensure_raw_schema(connection)
        connection.executemany(
            "insert into quality.load_ledger (load_id, file_name, status, is_in_landing, recorded_at) "
            "values (?, ?, ?, ?, timestamp '2024-09-01')",
            deliveries,
        )
        missing = connection.execute(
            f"select file_name, status, has_former from ({MISSING_FILES}) as missing order by load_id"
        ).fetchall()
    assert missing == [
        ("spoiled.csv", "rejected", True),
        ("never right.csv", "rejected", False),
        ("coming again.csv", "in_transit", False),
    ]


def test_a_layer_shows_its_latest_run_in_which_equal_times_make_no_difference() -> None:
    # the second run stopped after raw; its results have the same time as the first one's
    results = [
        ("a", "raw", "passed", "error"),
        ("a", "staging", "failed", "warning"),
        ("a", "staging", "failed", "error"),
        ("a", "staging", "error", "warning"),
        ("b", "raw", "error", "error"),
        ("b", "raw", "passed", "error"),
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "create schema quality; create table quality.validation_results "
            "(run_id varchar, layer varchar, status varchar, severity varchar, recorded_at timestamp)"
        )
        connection.executemany(
            "insert into quality.validation_results values (?, ?, ?, ?, timestamp '2024-09-01')", results[::-1]
        )
        layers = connection.execute(f"select * exclude (recorded_at) from ({CHECKS_BY_LAYER}) as layers").fetchall()
    # layer, run, checks, passed, warned, failed, could not run
    assert layers == [("raw", "b", 2, 1, 0, 0, 1), ("staging", "a", 3, 0, 1, 1, 1)]


def test_nobody_else_says_which_files_are_missing_or_which_run_is_the_latest() -> None:
    rooms = ("warehouse", "expectations", "orchestration", "serving")
    own = ("superseded_by is null", "max_by(run_id", "max_by(results.run_id")
    homes = {
        path.relative_to(ROOT).as_posix()
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if any(rule in path.read_text() for rule in own)
    }
    assert homes == {"warehouse/quality.py"}
