"""Without a key nothing personal is published, and without anything personal no key is needed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.dbt_project.conftest import STAGING, Dbt, ask, explain, line, write_raw


@pytest.mark.parametrize("customer", ["ann@example.org", "+44 7700 900123"])
def test_a_build_without_the_key_fails_as_soon_as_an_id_is_personal(dbt: Dbt, tmp_path: Path, customer: str) -> None:
    warehouse = write_raw(tmp_path / "w", [line("1", "MUG", 1, "2.00", customer, "2011-12-01 10:00:00")])
    result = dbt.run("build", warehouse, STAGING)
    assert not result.success
    assert "there is no key to make a pseudonym of it with" in explain(result)
    with duckdb.connect(str(warehouse)) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'staging'").fetchall()
    assert not {"stg_customer_ids", "stg_transactions"} & {name for (name,) in tables}

    # a shop that wants its ids as they are needs none
    plain = dbt.run("build", warehouse, STAGING, {"customer_ids": "plain"})
    assert plain.success, explain(plain)
    assert ask(warehouse, "select customer_id from staging.stg_transactions") == [(customer,)]


def test_customer_numbers_need_no_key(dbt: Dbt, tmp_path: Path) -> None:
    numbers = ["17850", "0000017850", "K-1", None]
    lines = [line(str(n), "MUG", 1, "2.00", customer, "2011-12-01 10:00:00") for n, customer in enumerate(numbers)]
    warehouse = write_raw(tmp_path / "w", lines)
    result = dbt.run("build", warehouse, STAGING)
    assert result.success, explain(result)
    assert ask(warehouse, "select customer_id, is_personal from staging.stg_customer_ids order by 1") == [
        ("0000017850", False),
        ("17850", False),
        ("k-1", False),
    ]
