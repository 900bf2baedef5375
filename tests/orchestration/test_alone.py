"""One check, or one table with its checks, by itself: it really runs, and nothing else does."""

import dagster as dg
import duckdb
import pytest

from tests.orchestration.conftest import run_alone
from warehouse.home import Home

DBT_TESTS = (
    "staging/stg_customer_ids:unique_key_stg_customer_ids_delivered_customer_id",
    "marts/fct_daily_revenue:assert_revenue_tables_agree",
    "reporting/segment_overrides:assert_every_override_is_told_once",
)
GATES = ("raw/transactions", "staging/stg_transactions", "marts/row_accounting", "ml/customer_segments")


def key(text: str) -> dg.AssetCheckKey:
    table, _, name = text.partition(":")
    return dg.AssetCheckKey(dg.AssetKey(table.split("/")), name or "great_expectations")


def passed(result: dg.ExecuteInProcessResult) -> dict[dg.AssetCheckKey, bool]:
    return {one.asset_check_key: one.passed for one in result.get_asset_check_evaluations()}


@pytest.mark.parametrize("text", [*DBT_TESTS, *GATES])
def test_a_check_alone_is_evaluated_and_is_the_only_one(published_home: Home, text: str) -> None:
    assert passed(run_alone(published_home, checks=[key(text)])) == {key(text): True}


def test_a_check_alone_sees_what_is_wrong_and_leaves_the_record_of_layers(published_home: Home) -> None:
    recorded = "select count(*), max(recorded_at) from quality.validation_results"
    built = "select is_whole, is_mixed from increments.built"
    with duckdb.connect(str(published_home.warehouse)) as con:
        before = con.execute(recorded).fetchall()
        con.execute("update marts.fct_daily_revenue set net_revenue = net_revenue + 1")
        con.execute("delete from marts.row_accounting where is_kept")
    assert passed(run_alone(published_home, checks=[key("marts/row_accounting")])) == {
        key("marts/row_accounting"): False
    }
    with duckdb.connect(str(published_home.warehouse)) as con:
        # no table was made, so that the next refresh may take in what is new
        assert con.execute(built).fetchall() == [(True, False)]
    assert passed(run_alone(published_home, checks=[key(DBT_TESTS[1])])) == {key(DBT_TESTS[1]): False}
    with duckdb.connect(str(published_home.warehouse)) as con:
        # tables that don't agree are made anew by the next one
        assert con.execute(built).fetchall() == [(False, False)]
        assert con.execute(recorded).fetchall() == before


def test_a_table_alone_is_made_anew_and_checked_by_itself(published_home: Home) -> None:
    table = dg.AssetKey(["marts", "fct_invoices"])
    own = "marts/fct_invoices:unique_fct_invoices_invoice_no"
    total = "select count(*), sum(net_revenue) from marts.fct_invoices"
    with duckdb.connect(str(published_home.warehouse)) as con:
        before = con.execute(total).fetchall()
        con.execute("update marts.fct_invoices set net_revenue = 0")
        # what the others say is not known to be of now
        con.execute("update marts.fct_monthly_revenue set net_revenue = net_revenue + 1")
    result = run_alone(published_home, assets=[table], checks=[key(own), key(DBT_TESTS[1])])
    assert result.success
    assert passed(result) == {key(own): True}
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [table]
    with duckdb.connect(str(published_home.warehouse)) as con:
        assert con.execute(total).fetchall() == before
