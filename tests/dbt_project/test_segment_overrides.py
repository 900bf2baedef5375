"""Overrides from raw to reporting, on a few lines: whatever is delivered, everything is told and one at most counts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import Dbt, ask, explain, line, write_raw

SALES = [line(str(number), "MUG", 1, "2.00", customer, f"2011-12-0{number} 10:00:00")
         for number, customer in enumerate("ABC", start=1)]  # fmt: skip
SNAPSHOT = "2011-12-04"  # one day after the last sale
CHANGED = ["stg_segment_overrides", "segment_overrides"]


def override(customer: str | None, segment: str | None, expires: str | None, file: str = "o.csv", **other: Any) -> dict:
    """A delivered override in the fields of raw.segment_overrides."""
    return {
        "_file_name": file,
        "customer_id": customer,
        "segment": segment,
        "reason": "r",
        "author": "a",
        "expires_on": expires,
        "expires_at": expires,
        **other,
    }


def put(warehouse: Path, overrides: list[dict[str, Any]]) -> None:
    """Replace the delivered overrides."""
    with duckdb.connect(str(warehouse)) as con:
        con.execute("delete from raw.segment_overrides")
        for number, fields in enumerate(overrides):
            lineage = {"_line_id": 2 * 2**32 + number, "_load_id": 2, "_row_number": number + 2}
            row = {**lineage, "_loaded_at": "2012-01-01", **fields}
            marks = ", ".join("?" * len(row))
            con.execute(f"insert into raw.segment_overrides ({', '.join(row)}) values ({marks})", list(row.values()))


@pytest.fixture(scope="module")
def built(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's marts."""
    return dbt.build(write_raw(tmp_path_factory.mktemp("overridden"), SALES))


@pytest.fixture
def told(dbt: Dbt, built: Path, tmp_path: Path) -> Any:
    """Build what becomes of overrides, with the tests of the tables, and query it."""

    def build(overrides: list[dict[str, Any]], columns: str = "customer_id, segment_name, status") -> list[tuple]:
        warehouse = tmp_path / "warehouse.duckdb"
        warehouse.write_bytes(built.read_bytes())
        put(warehouse, overrides)
        result = dbt.run("build", warehouse, CHANGED)
        assert result.success, explain(result)
        assert {one.node.name for one in result.result} >= {
            "assert_every_override_is_told_once",
            "unique_segment_overrides_active_customer_id",
        }
        return ask(warehouse, f"select {columns} from reporting.segment_overrides order by file_name, row_number")

    return build


def test_no_overrides_make_an_empty_table(told: Any) -> None:
    assert told([]) == []


def test_an_override_counts_through_its_last_day_by_the_snapshot(told: Any) -> None:
    lines = [
        override("A.0", "potential  loyalist", SNAPSHOT),  # no spreadsheet number: the letter keeps its .0
        override("A", "POTENTIAL LOYALIST ", SNAPSHOT),
        override("B", "can’t  lose", "2011-12-03"),
        override("C", "Champions", "2099-12-31 23:59:59"),
    ]
    assert told(lines) == [
        ("A.0", "Potential Loyalist", "unknown_customer"),
        ("A", "Potential Loyalist", "active"),
        ("B", "Can't Lose", "expired"),
        ("C", "Champions", "active"),
    ]


def test_every_line_that_does_not_count_says_why(told: Any) -> None:
    lines = [
        override("A", "Champions", None),
        override("A", "Champions", None, expires_on="some day"),
        override(None, None, "2012-01-01", reason="", author=None),
        override(None, None, None, _problem="line 5 has 2 fields, the header has 5", _line_text="A,Champions"),
        override("Z", "Champions", "2012-01-01"),
        override("A", "Champion", "2012-01-01"),
        override("B", "Champions", "2012-01-01"),
        override("B", "Lost", "2011-01-01", file="p.csv"),
    ]
    assert told(lines, "status, problem") == [
        ("unreadable", "expiry is missing: every override has a last day"),
        ("unreadable", 'expiry "some day" cannot be read as a date'),
        ("unreadable", "customer is missing; segment is missing; reason is missing; author is missing"),
        ("unreadable", "line 5 has 2 fields, the header has 5"),
        ("unknown_customer", "customer Z is on no line of sales"),
        ("unknown_segment", 'no segment is called "Champion"'),
        ("superseded", "row 9 of p.csv says later"),
        ("expired", "the last day was 2011-01-01, the snapshot is of 2011-12-04"),
    ]


def test_the_last_line_of_the_last_file_counts_in_whatever_order_lines_were_loaded(told: Any) -> None:
    lines = [
        override("A", "Champions", "2012-01-01", file="a.csv", _row_number=2),
        override("A", "Lost", "2012-01-01", file="b.csv", _row_number=2),
        override("A", "At Risk", "2012-01-01", file="b.csv", _row_number=10),
        override("A", "Nobody", "2012-01-01", file="c.csv", _row_number=2),
        override("B", "Champions", "2012-01-01", file="a.csv", _row_number=3),
    ]
    expected = [
        ("A", "Champions", "superseded"),
        ("B", "Champions", "active"),
        ("A", "Lost", "superseded"),
        ("A", "At Risk", "active"),
        ("A", "Nobody", "unknown_segment"),
    ]
    assert told(lines) == expected
    random.Random(3).shuffle(lines)
    assert told(lines) == expected


def test_two_active_overrides_of_one_customer_are_found(dbt: Dbt, told: Any, tmp_path: Path) -> None:
    told([override("A", "Champions", "2012-01-01")])
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        con.execute("insert into reporting.segment_overrides from reporting.segment_overrides")
    for test in ("unique_segment_overrides_active_customer_id", "assert_every_override_is_told_once"):
        assert not dbt.run("test", warehouse, [test]).success, test
