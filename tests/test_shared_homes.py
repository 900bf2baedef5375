"""The homes that tests share hold what their descriptions promise, and are built once."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.homes import build_once
from tests.tiny_shop import HOSTILE_CUSTOMERS, HOSTILE_DESCRIPTIONS
from warehouse.home import Home


@pytest.fixture
def small(published_small: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published_small.published), read_only=True) as connection:
        yield connection


def test_the_small_shop_has_a_little_of_everything(small: duckdb.DuckDBPyConnection) -> None:
    def values(sql: str) -> set[object]:
        return {value for (value,) in small.execute(sql).fetchall()}

    assert values("select disposition from marts.row_accounting where row_count > 0") == {
        "adjustment",
        "duplicate",
        "non_positive_price",
        "non_positive_quantity",
        "non_product",
        "return",
        "sale",
        "unreadable",
    }
    assert values("select change from reporting.audience_changes") == {"gone", "joined", "moved"}
    assert values("select status from reporting.segment_overrides") == {"active", "expired", "unknown_segment"}
    assert set(HOSTILE_CUSTOMERS) <= values("select customer_id from marts.dim_customers")
    assert set(HOSTILE_DESCRIPTIONS) <= values("select description from marts.dim_products")
    assert values("select count(distinct country) from marts.dim_customers") == {5}
    assert values("select count(*) > 60 from marts.customer_rfm") == {True}
    assert values("select direction from ml.revenue_anomalies") == {"drop", "silence", "spike"}
    assert len(values("select month_end from marts.segment_moves")) >= 3
    only_returns = "select customer_id from marts.dim_customers anti join marts.customer_rfm using (customer_id)"
    assert values(only_returns) == {"10998"}
    for table in ("marts.fct_return_matches", "marts.cohort_retention", "ml.anomaly_drivers", "ml.clv_holdout"):
        assert values(f"select count(*) > 0 from {table}") == {True}, table


def test_a_build_that_fails_is_not_tried_again(tmp_path: Path) -> None:
    tried = []

    def build(home: Home) -> None:
        tried.append(home)
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        build_once(tmp_path, "broken", build)
    with pytest.raises(pytest.fail.Exception, match="RuntimeError: no disk"):
        build_once(tmp_path, "broken", build)
    assert len(tried) == 1


def test_a_build_that_succeeded_is_not_done_again(tmp_path: Path) -> None:
    tried = []
    assert build_once(tmp_path, "whole", tried.append) == build_once(tmp_path, "whole", tried.append)
    assert len(tried) == 1
