"""Sentences of checks write figures as pages, report and summary do."""

from __future__ import annotations

from datetime import date

import duckdb

from expectations import phrases
from warehouse import wording


def written(expression: str, kind: str, values: list[object]) -> list[str]:
    found = duckdb.execute(f"select {expression} from (select unnest($1::{kind}[]) as value)", [values]).fetchall()
    return [one for (one,) in found]


def test_checks_write_amounts_as_pages_do() -> None:
    amounts = [0, 0.004, 0.005, 0.125, 99.995, 1234.5, -0.004, -0.005, -10, -1234.565, 8_294_883.51]
    assert written(phrases.amount("value"), "double", amounts) == [wording.number(one, 2) for one in amounts]


def test_checks_write_shares_counts_and_days_as_pages_do() -> None:
    shares = [0, 0.0005, 0.125, 0.3335, 1]
    assert written(phrases.percent("value"), "double", shares) == [wording.percent(100 * one) for one in shares]
    assert written(phrases.counted("value", "line"), "bigint", [0, 1, 2400]) == ["0 lines", "1 line", "2,400 lines"]
    days = [date(2024, 4, 5), date(2011, 12, 9)]
    assert written(phrases.day("value"), "date", days) == [wording.day(one) for one in days]
