"""When tables take in what is new, and when they are made anew; what made them so is told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from warehouse.increments import (
    begin_build,
    changed_rows,
    end_build,
    is_increment_of,
    note_made_alone,
)
from warehouse.loading import ensure_raw_schema
from warehouse.versions import RefreshVersion

VERSION = RefreshVersion("data", "settings", "code", None)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with four deliveries of ten lines each, built to the last table."""
    with duckdb.connect() as connection:
        ensure_raw_schema(connection)
        for load_id in range(1, 5):
            deliver(connection, load_id)
        begin_build(connection, VERSION, "first", full=False)
        end_build(connection, "first")
        yield connection


def deliver(con: duckdb.DuckDBPyConnection, load_id: int, lines: int = 10, source: str = "invoice_lines") -> None:
    con.execute(
        "insert into raw.deliveries by name select $id as _load_id, $id || '.csv' as _file_name, "
        "$source as _source, 'invoice_lines' as _layout, '.' as _quantity_mark, '.' as _unit_price_mark, "
        "'.' as _line_amount_mark, '.' as _discount_amount_mark, '.' as _tax_amount_mark, "
        "timestamp '2024-01-01' as _loaded_at",
        {"id": load_id, "source": source},
    )
    con.execute(
        "insert into raw.transactions by name select $id * 1000 + row as _line_id, $id as _load_id, "
        "$id || '.csv' as _file_name, row as _row_number from range($lines) as rows (row)",
        {"id": load_id, "lines": lines},
    )


def test_the_first_build_makes_everything() -> None:
    with duckdb.connect() as con:
        ensure_raw_schema(con)
        assert begin_build(con, VERSION, "first", full=False) == (
            False,
            "Everything is built: nothing was built yet.",
        )


def test_a_small_delivery_is_taken_in(con: duckdb.DuckDBPyConnection) -> None:
    deliver(con, 5, lines=7)
    assert begin_build(con, VERSION, "second", full=False) == (
        True,
        "Built is what is touched by 1 delivery with 7 of 47 lines.",
    )
    assert con.execute("from increments.deliveries").fetchall() == [(5,)]
    assert is_increment_of(con, "second")
    assert not is_increment_of(con, "another run")


def test_deliveries_that_went_or_were_read_anew_count_as_well(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from raw.deliveries where _load_id = 1")
    con.execute("delete from raw.transactions where _load_id = 1")
    # read again under the same number, later
    con.execute("update raw.deliveries set _loaded_at = timestamp '2024-01-02' where _load_id = 2")
    assert begin_build(con, VERSION, "second", full=False, most_touched=0.5).is_increment
    assert con.execute("from increments.deliveries order by all").fetchall() == [(1,), (2,)]


def test_with_most_lines_touched_everything_is_the_shorter_way(con: duckdb.DuckDBPyConnection) -> None:
    deliver(con, 5, lines=60)
    assert begin_build(con, VERSION, "second", full=False) == (
        False,
        "Everything is built: 1 delivery with 60 of 100 lines came or changed.",
    )


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (replace(VERSION, settings_fingerprint="other"), "the settings changed"),
        (replace(VERSION, code_fingerprint="other"), "the program was renewed"),
        (replace(VERSION, as_of_date="2024-01-01"), "the as-of date changed"),
    ],
)
def test_what_touches_history_builds_everything(
    con: duckdb.DuckDBPyConnection, version: RefreshVersion, reason: str
) -> None:
    assert begin_build(con, version, "second", full=False) == (False, f"Everything is built: {reason}.")


def test_another_source_builds_everything(con: duckdb.DuckDBPyConnection) -> None:
    # what a letter before a number means hangs on which sources there are
    deliver(con, 5, lines=1, source="till")
    assert begin_build(con, VERSION, "second", full=False) == (
        False,
        "Everything is built: there are other sources than before.",
    )


def test_after_a_build_that_stopped_half_way_everything_is_built(con: duckdb.DuckDBPyConnection) -> None:
    deliver(con, 5)
    assert begin_build(con, VERSION, "stopped", full=False).is_increment
    assert begin_build(con, VERSION, "third", full=False) == (
        False,
        "Everything is built: the last build did not come to its end.",
    )


def test_the_end_of_another_run_ends_nothing(con: duckdb.DuckDBPyConnection) -> None:
    begin_build(con, VERSION, "stopped", full=False)
    end_build(con, "another run")
    assert not begin_build(con, VERSION, "third", full=False).is_increment


def test_after_some_tables_were_made_by_themselves_everything_is_built(con: duckdb.DuckDBPyConnection) -> None:
    note_made_alone(con)
    assert begin_build(con, VERSION, "second", full=False) == (
        False,
        "Everything is built: some tables were made by themselves.",
    )


def test_full_builds_everything_and_the_next_takes_in(con: duckdb.DuckDBPyConnection) -> None:
    assert begin_build(con, VERSION, "second", full=True) == (False, "Everything is built, as asked.")
    end_build(con, "second")
    deliver(con, 5)
    assert begin_build(con, VERSION, "third", full=False).is_increment


def test_rows_that_changed_are_told_of_tables_that_take_in(con: duckdb.DuckDBPyConnection) -> None:
    deliver(con, 5)
    begin_build(con, VERSION, "second", full=False)
    assert changed_rows(con) == {"deliveries": 1}
