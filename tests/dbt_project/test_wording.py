"""Sentences that SQL makes write figures as pages, report and summary do."""

from __future__ import annotations

import json

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from tests.dbt_project.conftest import PROJECT, Dbt, environment
from warehouse import wording

# halves and what lies on both sides of them, the limit of pence, what rounds to nothing, and large ones
AMOUNTS = [0, 0.004, 0.005, 0.125, 1, 9.994, 9.995, 12.345, 99.994, 99.996, 100, 100.5, 101.5, 1234.5, 8_294_883.51]


def compiled(dbt: Dbt, expression: str, currency: str) -> str:
    """The SQL of a macro, as the models of a shop with this currency have it."""
    settings = {
        "currency": currency,
        "currency_symbol": wording.currency_symbol(currency),
        "currency_decimals": wording.currency_decimals(currency),
    }
    arguments = ["--quiet", "--log-level-file", "none", "--no-write-json", "compile", "--project-dir", str(PROJECT)]
    arguments += ["--profiles-dir", str(PROJECT), "--target-path", str(dbt.scratch / "target")]
    arguments += [
        "--log-path",
        str(dbt.scratch / "logs"),
        "--vars",
        json.dumps(settings),
        "--inline",
        f"{{{{ {expression} }}}}",
    ]
    try:
        with environment(REGULARS_PRIVATE_FILE=str(dbt.scratch / "warehouse.duckdb"), REGULARS_DBT_THREADS="1"):
            result = dbtRunner(manifest=dbt.manifest).invoke(arguments)
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert result.success, result.exception
    code = result.result.results[0].node.compiled_code
    assert isinstance(code, str)
    return code


@pytest.mark.parametrize("currency", ["GBP", "CHF", "JPY"])
def test_sql_writes_money_as_pages_do(dbt: Dbt, currency: str) -> None:
    amounts = sorted({sign * amount for amount in AMOUNTS for sign in (1, -1)})
    sql = compiled(dbt, "amount_in_words('value')", currency)
    written = duckdb.execute(f"select {sql} from (select unnest($1::double[]) as value)", [amounts]).fetchall()
    assert [one for (one,) in written] == [wording.money(amount, currency) for amount in amounts]


def test_a_share_that_is_not_all_is_not_called_so(dbt: Dbt) -> None:
    shares = [-12.3, -0.4, -0.04, 0, 0.04, 0.4, 9.94, 12.3, 99.4, 99.7, 99.96, 100, 104.2]
    sql = compiled(dbt, "share_in_words('value')", "GBP")
    written = duckdb.execute(f"select {sql} from (select unnest($1::double[]) as value)", [shares]).fetchall()
    assert [one for (one,) in written] == [
        "−12%", "−0.4%", "under 0.1%", "0.0%", "under 0.1%", "0.4%", "9.9%", "12%", "99%", "99.7%", "over 99.9%",
        "100%", "104%",
    ]  # fmt: skip


@pytest.mark.parametrize("decimals", [0, 1])
def test_sql_writes_numbers_as_pages_do(dbt: Dbt, decimals: int) -> None:
    values = [0, 0.05, 0.25, 0.35, 0.5, 1.5, 2.5, 9.95, 999.95, 12_345.5]
    sql = compiled(dbt, f"grouped_number('value', {decimals})", "GBP")
    written = duckdb.execute(f"select {sql} from (select unnest($1::double[]) as value)", [values]).fetchall()
    assert [one for (one,) in written] == [wording.number(value, decimals) for value in values]
