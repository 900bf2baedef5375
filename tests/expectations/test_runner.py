"""Great Expectations on real DuckDB files: what passes, what fails, what could not be checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from expectations.checks import LAYERS, Check, Suite, suites_of
from expectations.results import CheckResult, LayerReport
from expectations.runner import explain_exception, run_layer, run_suites
from warehouse.errors import RegularsError
from warehouse.settings import PROJECT_ROOT

Build = Callable[..., Path]
RECORDED_AT = datetime(2011, 12, 10, 6, 0, tzinfo=UTC)


def run(layer: str, warehouse: Path) -> LayerReport:
    return run_layer(layer, warehouse, run_id="run 1", recorded_at=RECORDED_AT)


def run_checks(warehouse: Path, *checks: Check) -> list[CheckResult]:
    suite = Suite("staging", "staging.stg_transactions", "lines", checks)
    report = run_suites("staging", [suite], warehouse, run_id="run 1", recorded_at=RECORDED_AT)
    return list(report.results)


def troubles(report: LayerReport) -> dict[str, CheckResult]:
    return {f"{result.suite} {result.check_name}": result for result in report.results if result.status != "passed"}


@pytest.mark.parametrize("layer", LAYERS)
def test_every_check_passes_on_sound_tables(build: Build, layer: str) -> None:
    report = run(layer, build())

    assert [result.message for result in report.results if result.status != "passed"] == []
    assert report.passed
    assert len(report.results) == sum(len(suite.checks) for suite in suites_of(layer))


@pytest.mark.parametrize(
    ("layer", "spoil", "check"),
    [
        ("raw", "delete from raw.transactions", "raw.sales_lines has_rows"),
        ("raw", "alter table raw.transactions drop column stock_code", "raw.transactions has_columns"),
        ("raw", "delete from raw.transactions where _row_number = 3", "quality.load_ledger ledger_equals_raw"),
        (
            "raw",
            "update raw.transactions set _load_id = 9 where _row_number = 3",
            "quality.load_ledger ledger_equals_raw",
        ),
        ("raw", "delete from raw.deliveries", "raw.deliveries every_file_of_sales_stands_once"),
        ("raw", "insert into raw.deliveries from raw.deliveries", "raw.deliveries every_file_of_sales_stands_once"),
        ("raw", "delete from quality.load_ledger", "raw.deliveries every_file_of_sales_stands_once"),
        (
            "raw",
            "update raw.transactions set _load_id = 9 where _row_number = 3",
            "raw.deliveries every_file_of_sales_stands_once",
        ),
        (
            "raw",
            "insert into raw.unused_columns values (9, 'gone.csv', 'Status', 'status', 'cancelled', 3)",
            "raw.unused_columns columns_are_those_of_deliveries",
        ),
        (
            "staging",
            "insert into raw.unused_columns values (1, '2011-03-04.csv', 'Status', 'status', 'cancelled', 3)",
            "staging.stg_transactions columns_that_matter_are_read",
        ),
        (
            "staging",
            "delete from staging.stg_transactions where row_number = 3",
            "staging.stg_transactions one_row_per_delivered_line",
        ),
        (
            "staging",
            "update staging.stg_transactions set unit_price = 1000000.01 where row_number = 3",
            "staging.stg_transactions unit_price_is_plausible",
        ),
        (
            "staging",
            "update staging.stg_transactions set signed_amount = -1000000.01 where row_number = 3",
            "staging.stg_transactions line_amount_is_plausible",
        ),
        (
            "staging",
            "update staging.stg_transactions set invoiced_at = timestamp '2011-12-11 06:00:01' where row_number = 3",
            "staging.stg_transactions date_is_plausible",
        ),
        (
            "marts",
            "update marts.row_accounting set row_count = 4 where disposition = 'sale'",
            "marts.row_accounting lines_add_up",
        ),
        (
            "marts",
            "update marts.row_accounting set gross_amount = 52.01 where disposition = 'sale'",
            "marts.row_accounting amounts_add_up",
        ),
        (
            "marts",
            "update intermediate.int_line_dispositions set signed_amount = 2.01 where stock_code = 'B'",
            "marts.row_accounting amounts_add_up",
        ),
        (
            "marts",
            "update staging.stg_transactions set signed_amount = 2.01 where stock_code = 'B'",
            "marts.row_accounting amounts_add_up",
        ),
        ("marts", "delete from marts.set_aside_reasons", "marts.set_aside_reasons reasons_add_up"),
        ("marts", "delete from marts.set_aside_lines", "marts.row_accounting kept_and_set_aside"),
        (
            "marts",
            "update marts.dim_dates set is_trading_day = true where date = date '2011-03-05'",
            "marts.dim_dates trading_days_agree",
        ),
        (
            "marts",
            "delete from marts.customer_rfm where customer_id = '13047'",
            "marts.customer_rfm customers_and_money_agree",
        ),
        (
            "marts",
            "update marts.customer_rfm set snapshot_date = date '2011-02-28'",
            "marts.customer_rfm_monthly nothing_from_later",
        ),
        (
            "marts",
            "delete from marts.customer_rfm_monthly where month_end = '2011-02-28' and customer_id = '17850'",
            "marts.customer_rfm_monthly nobody_is_lost",
        ),
        (
            "marts",
            "delete from marts.cohort_retention where age_months = 0",
            "marts.cohort_retention every_age_is_there",
        ),
        (
            "marts",
            "update marts.customer_category_shares set share_pct = 99.9 where customer_id = '13047'",
            "marts.customer_category_shares shares_add_up",
        ),
        (
            "marts",
            "update marts.customer_category_shares set is_top_category = true",
            "marts.customer_category_shares shares_add_up",
        ),
        (
            "marts",
            "update marts.revenue_concentration set customers = 3 where top_pct = 50",
            "marts.revenue_concentration wider_shares_hold_narrower_ones",
        ),
        (
            "marts",
            "delete from marts.fct_invoice_lines where line_id = 'l3'",
            "marts.row_accounting kept_and_set_aside",
        ),
        (
            "marts",
            "update marts.fct_invoice_lines set net_revenue = 0 where line_id = 'l3'",
            "marts.fct_invoice_lines net_adds_up",
        ),
        (
            "marts",
            "update marts.fct_invoice_lines set matched_quantity = 1 where line_id = 'l4'",
            "marts.fct_invoice_lines net_adds_up",
        ),
        (
            "marts",
            "update marts.customer_category_shares set gross_revenue = 30.0001 where customer_id = '13047'",
            "marts.customer_category_shares shares_add_up",
        ),
        ("ml", "delete from ml.customer_segments", "ml.customer_segments every_customer_is_labelled_once"),
        (
            "ml",
            "update ml.customer_segments set mixture_label = 2",
            "ml.customer_segments labels_are_those_of_the_model",
        ),
        (
            "ml",
            "update ml.customer_segments set hierarchical_segment = 'Lapsed customers'",
            "ml.customer_segments labels_are_those_of_the_model",
        ),
        (
            "ml",
            "update ml.customer_segments set has_positive_monetary = false",
            "ml.customer_segments positive_money_is_told_truly",
        ),
        ("ml", "delete from ml.segment_scaler", "ml.segment_scaler has_rows"),
        (
            "ml",
            "update ml.segment_scaler set feature = 'frequency'",
            "ml.segment_centroids every_centre_has_every_feature",
        ),
        (
            "ml",
            "delete from ml.segment_centroids where algorithm = 'kmeans' and cluster_id = 4",
            "ml.segment_centroids centres_are_those_of_the_chosen_k",
        ),
        ("ml", "update ml.segment_centroids set weight = 0.4", "ml.segment_centroids weights_add_up"),
        (
            "ml",
            "delete from ml.mixture_covariances where cluster_id = 4",
            "ml.mixture_covariances components_are_those_of_the_mixture",
        ),
        ("ml", "update ml.segment_profiles set customers_pct = 49", "ml.segment_profiles shares_add_up"),
        ("ml", "update ml.segment_profiles set customers = 2", "ml.segment_profiles profiles_agree_with_labels"),
        (
            "ml",
            "update ml.revenue_anomalies set date = date '2011-03-05'",
            "ml.revenue_anomalies anomalies_are_on_trading_days",
        ),
        (
            "ml",
            "update ml.revenue_anomalies set direction = 'silence', score = -3.5",
            "ml.revenue_anomalies anomalies_are_on_trading_days",
        ),
        ("ml", "update ml.revenue_anomalies set grain = 'week'", "ml.revenue_anomalies anomalies_are_over"),
        ("ml", "update marts.dim_dates set is_complete_day = false", "ml.revenue_anomalies anomalies_are_over"),
        (
            "ml",
            "update ml.revenue_anomalies set date = date '2011-03-05', direction = 'silence', score = -3.5;"
            " update marts.dim_dates set closure_reason = 'Stocktaking' where date = date '2011-03-05'",
            "ml.revenue_anomalies silences_have_no_known_reason",
        ),
        ("ml", "delete from ml.revenue_anomalies", "ml.revenue_expectations odd_periods_are_the_flagged_ones"),
        ("ml", "update ml.revenue_expectations set actual = 20.01", "ml.revenue_expectations actual_is_booked_revenue"),
        (
            "ml",
            "delete from ml.customer_clv where customer_id = '13047'",
            "ml.customer_clv every_customer_is_valued_once",
        ),
        ("ml", "update ml.customer_clv set model = 'zero'", "ml.customer_clv values_come_from_the_winner"),
        ("ml", "update ml.clv_holdout set is_winner = false", "ml.clv_holdout one_model_wins"),
        (
            "ml",
            "update ml.clv_holdout set actual_value = 8 where model = 'zero'",
            "ml.clv_holdout models_are_held_to_the_same_outcome",
        ),
        (
            "ml",
            # a fifth more than there is
            "insert into ml.clv_coverage select * replace (3 as fifth) from ml.clv_coverage where fifth = 1",
            "ml.clv_coverage coverage_is_of_the_holdouts_own_customers",
        ),
        ("ml", "update ml.anomaly_drivers set share_pct = 100", "ml.anomaly_drivers shares_are_those_of_a_flag"),
        ("ml", "update ml.anomaly_drivers set rank = 2", "ml.anomaly_drivers ranks_follow_differences"),
        (
            "ml",
            "update ml.anomaly_drivers set dimension = 'country', member = 'United Kingdom'",
            "ml.anomaly_drivers country_drivers_are_booked_revenue",
        ),
        (
            "ml",
            "update ml.cluster_selection set is_chosen = true",
            "ml.segment_centroids centres_are_those_of_the_chosen_k",
        ),
        (
            "ml",
            "update ml.cluster_selection set is_chosen = false",
            "ml.segment_centroids centres_are_those_of_the_chosen_k",
        ),
        ("ml", "delete from ml.cluster_selection", "ml.segment_centroids centres_are_those_of_the_chosen_k"),
        ("ml", "delete from ml.segment_centroids", "ml.customer_segments labels_are_those_of_the_model"),
        (
            "ml",
            "insert into ml.mixture_covariances values (4, 'recency_days', 'frequency', 0.5)",
            "ml.mixture_covariances covariances_are_symmetric",
        ),
        ("ml", "delete from ml.mixture_covariances", "ml.mixture_covariances components_are_those_of_the_mixture"),
        (
            "ml",
            "update ml.revenue_anomalies set actual = 20.01",
            "ml.revenue_expectations odd_periods_are_the_flagged_ones",
        ),
        ("ml", "delete from ml.revenue_anomalies", "ml.anomaly_drivers shares_are_those_of_a_flag"),
        (
            "ml",
            "update ml.revenue_expectations set grain = 'week', actual = 20.01",
            "ml.revenue_expectations actual_is_booked_revenue",
        ),
        (
            "reporting",
            "delete from reporting.customer_360 where customer_id = '13047'",
            "reporting.customer_360 customers_are_those_of_the_dimension",
        ),
        (
            "reporting",
            "update reporting.customer_360 set monetary_net = monetary_net + 0.01 where customer_id = '13047'",
            "reporting.customer_360 money_equals_rfm",
        ),
        (
            "reporting",
            "update reporting.customer_360 set mixture_segment = 'Lapsed customers'",
            "reporting.customer_360 segments_equal_the_model",
        ),
        (
            "reporting",
            "update reporting.customer_360 set clv = 11 where customer_id = '17850'",
            "reporting.customer_360 values_equal_the_model",
        ),
        (
            "reporting",
            "update reporting.customer_360 set audience_segment = 'VIP' where customer_id = '17850'",
            "reporting.customer_360 audiences_equal_segments_but_for_overrides",
        ),
        (
            "reporting",
            "delete from reporting.segment_claims where method = 'kmeans' and segment_name = 'Lapsed customers'",
            "reporting.segment_claims segments_are_those_of_the_members",
        ),
        (
            "reporting",
            "update reporting.segment_claims set is_true = false where method = 'mixture'",
            "reporting.segment_claims clusters_bear_true_names",
        ),
        (
            "reporting",
            "delete from reporting.segment_playbooks where method = 'rfm' and segment_name = 'Lost'",
            "reporting.segment_playbooks sizes_and_money_are_those_of_the_members",
        ),
        (
            "reporting",
            "delete from reporting.segment_emails where method = 'rfm' and segment_name = 'Lost'",
            "reporting.segment_emails drafts_are_those_of_the_playbooks",
        ),
        (
            "reporting",
            "delete from reporting.audience_changes where customer_id = '17850' and method = 'kmeans'",
            "reporting.audience_changes customers_before_and_changes_add_up_to_customers_now",
        ),
        (
            "reporting",
            "update ml.model_runs set warnings = 'Careful.'",
            "reporting.model_notes warnings_are_those_of_the_models",
        ),
        (
            "reporting",
            "delete from reporting.customer_360",
            "reporting.customer_360 customers_are_those_of_the_dimension",
        ),
        (
            "reporting",
            "delete from reporting.segment_playbooks",
            "reporting.segment_playbooks sizes_and_money_are_those_of_the_members",
        ),
    ],
)
def test_spoiled_table_blocks_with_the_check_for_it(build: Build, layer: str, spoil: str, check: str) -> None:
    report = run(layer, build(spoil))

    assert troubles(report)[check].status == "failed", troubles(report)
    assert troubles(report)[check] in report.blocking_failures
    assert not report.passed


def test_what_to_do_ends_as_a_sentence_where_nothing_is_to_be_pasted_below(build: Build) -> None:
    report = run("reporting", build("update reporting.segment_claims set true_pct = 10, is_true = false"))

    found = troubles(report)["reporting.segment_claims rfm_segments_bear_true_names"]
    assert found.message.endswith("and the scores in reporting.customer_360.")


def test_bad_line_is_named_by_file_and_line(build: Build) -> None:
    report = run("staging", build("update staging.stg_transactions set quantity_units = 5000000 where row_number = 3"))

    found = troubles(report)["staging.stg_transactions quantity_is_plausible"]
    assert found.message == (
        "staging.stg_transactions: quantity_units outside ±1,000,000: 1 of 5 lines, e.g. 2011-03-04.csv line 3: "
        "quantity_units 5,000,000, invoice_no 1, stock_code B. "
        "Correct the file and deliver it again under the same name."
    )
    assert found.examples == (
        {
            "file_name": "2011-03-04.csv",
            "row_number": 3,
            "quantity_units": 5_000_000,
            "invoice_no": "1",
            "stock_code": "B",
        },
    )
    assert (found.unexpected_count, found.element_count, found.severity) == (1, 5, "error")


def test_line_on_the_limit_passes(build: Build) -> None:
    spoil = "update staging.stg_transactions set quantity_units = 1000000, unit_price = 1 where row_number = 3"

    assert run("staging", build(spoil)).passed


def test_a_currency_of_small_units_has_prices_in_millions(build: Build) -> None:
    # a shop in rupiah, whose five lines cost 1 to 5 million
    rupiah = "update staging.stg_transactions set unit_price = 1000000 * (row_number - 1)"
    slip = "update staging.stg_transactions set unit_price = {} where row_number = 3"

    # beside 1, 3, 4 and 5 million the middle price is 4 million
    assert run("staging", build(rupiah, slip.format("4000000000.00"))).passed
    report = run("staging", build(rupiah, slip.format("4000000000.01")))
    assert list(troubles(report)) == ["staging.stg_transactions unit_price_is_plausible"]


def test_implausible_value_on_unreadable_line_does_not_block(build: Build) -> None:
    spoil = "update staging.stg_transactions set quantity_units = 5000000, is_readable = false where row_number = 3"

    assert run("staging", build(spoil)).passed


def test_at_most_five_examples_are_kept_of_many_and_all_are_counted(build: Build) -> None:
    copies = "insert into staging.stg_transactions select lines.* from staging.stg_transactions as lines, range(40)"
    warehouse = build(copies)
    (found,) = run_checks(warehouse, Check("all", "c", "f", "r", rows="select row_number, file_name from this_table"))

    assert found.unexpected_count == 205  # 5 lines and 40 copies of each
    assert len(found.examples) == 5
    assert found.examples[0]["row_number"] == 2


def test_broken_sql_is_an_error_not_bad_data_and_not_a_pass(build: Build) -> None:
    broken = Check("broken", "c", "f", "r", rows="select no_such_column from this_table", severity="warning")
    sound = Check("sound", "c", "f", "r", rows="select 1 from this_table where false")

    error, passed = run_checks(build(), broken, sound)

    assert error.status == "error"
    assert error.is_blocking, "an error blocks whatever the severity"
    assert "no_such_column" in error.message
    assert error.examples == ()
    assert error.unexpected_count is None
    assert passed.status == "passed", "one broken check takes no other along"


def test_error_keyed_by_metric_is_an_error(build: Build) -> None:
    """A query that fails is reported under the metric's id."""
    maximum = Check(
        "keyed",
        "c",
        "f",
        "r",
        expectation="expect_column_max_to_be_between",
        column="no_such",
        arguments={"max_value": 5},
    )

    (error,) = run_checks(build(), maximum)

    assert error.status == "error"
    assert "no_such" in error.message


def test_flat_error_is_an_error(build: Build) -> None:
    """A comparison of text with a number fails after the query, within the expectation itself."""
    check = Check(
        "flat",
        "c",
        "f",
        "r",
        expectation="expect_column_max_to_be_between",
        column="invoice_no",
        arguments={"max_value": 5},
    )

    (error,) = run_checks(build(), check)

    assert error.status == "error"


def test_both_shapes_of_exceptions_are_understood() -> None:
    raised = {"raised_exception": True, "exception_message": "no such thing\nat line 2", "exception_traceback": ""}
    fine = {"raised_exception": False, "exception_message": None, "exception_traceback": None}

    assert explain_exception(raised) == "no such thing"
    assert explain_exception({"('metric', 'a')": fine, "('metric', 'b')": raised}) == "no such thing"
    assert explain_exception(fine) is None
    assert explain_exception({}) is None


def test_missing_table_is_an_error_of_each_check(build: Build) -> None:
    # no other suite looks at it
    report = run("reporting", build("drop table reporting.model_notes"))

    found = tuple(result for result in report.results if result.table_name == "reporting.model_notes")
    assert {result.status for result in found} == {"error"}
    assert report.blocking_failures == found


def test_warning_does_not_block(build: Build) -> None:
    spoil = "update ml.model_runs set warnings = 'k was hard to choose'"

    report = run("ml", build(spoil))

    (warning,) = report.warnings
    assert warning.message == (
        "ml.model_runs: fits warned: 1 of 1 fits, e.g. model customer_segments, algorithm kmeans, "
        "warnings k was hard to choose"
    )
    assert report.passed
    assert report.blocking_failures == ()


def test_a_segment_whose_name_says_too_much_is_named_with_its_share_and_what_the_name_says(build: Build) -> None:
    spoil = (
        "update reporting.segment_claims set is_true = false, true_pct = 79.99, customers = 1, "
        "claim = 'They have been silent for longer than their expected gap.' "
        "where method in ('rfm', 'audience') and segment_name = 'Lost'"
    )

    report = run("reporting", build(spoil))

    assert report.passed
    (warning,) = report.warnings
    assert (
        "Lost: true of 79% of 1 customer. The name says: They have been silent for longer than their expected gap. "
        "Read the segment by its figures" in warning.message
    )


def held(*fifths: float) -> str:
    """Coverage of 100 customers each, and of their hold-out as a whole."""
    return (
        "delete from ml.clv_coverage; insert into ml.clv_coverage by name "
        "select date '2011-02-01' as cutoff_date, 'bg_nbd_gamma_gamma' as model, fifth, 100 as customers, "
        f"50.0 as bought_nothing_pct, list_extract({list(fifths)}, fifth) as interval_coverage_pct "
        f"from range(1, {len(fifths) + 1}) as t (fifth); update ml.clv_holdout set customers = {100 * len(fifths)}; "
        f"update ml.clv_holdout set interval_coverage_pct = {sum(fifths) / len(fifths)} where kind = 'model'"
    )


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (held(70, 90), []),
        # 79.9 in all, but neither fifth
        (held(69.9, 89.9), ["fifth 1 of the customers by forecast, 5 being the highest, the 80 % intervals held"]),
        (
            held(70, 69.8),
            ["on the hold-out from 1 Feb 2011 the 80 % intervals held 69.9%", "the 80 % intervals held 69.8%"],
        ),
        (held(90.2, 90.2), ["on the hold-out from 1 Feb 2011 the 80 % intervals held 90.2%", "2 fifths of customers"]),
        # nearly all bought nothing: an interval from zero can't hold fewer
        (held(96, 96) + "; update ml.clv_coverage set bought_nothing_pct = 92", []),
        # of another model than the one that is shown
        (held(50, 50) + "; update ml.clv_holdout set is_winner = model = 'past_spend'; "
         "update ml.customer_clv set model = 'past_spend'", []),
    ],
)  # fmt: skip
def test_intervals_that_do_not_hold_are_warned_of(build: Build, spoil: str, told: list[str]) -> None:
    report = run("ml", build(spoil))
    assert report.blocking_failures == ()
    assert len(report.warnings) == len(told)
    for warning, words in zip(report.warnings, told, strict=True):
        assert words in warning.message


def test_rejected_file_is_a_warning_until_its_next_delivery_loads(build: Build) -> None:
    insert = (
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, problem, delivered_lines) values "
    )
    rejected = insert + "(2, 'b.csv', timestamp '2011-12-10', 'rejected', 'no header', 0)"
    mended = insert + "(3, 'b.csv', timestamp '2011-12-10', 'already_loaded', null, 0)"
    warehouse = build(rejected)

    assert [found.check_name for found in run("raw", warehouse).warnings] == ["no_file_is_rejected"]
    with duckdb.connect(str(warehouse)) as con:
        con.execute(mended)
    assert run("raw", warehouse).warnings == ()


def test_a_rejected_file_that_was_taken_away_is_nobodys_worry(build: Build) -> None:
    gone = (
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, problem, delivered_lines, "
        "is_in_landing) values (2, 'b.csv', timestamp '2011-12-10', 'rejected', 'no header', 0, false)"
    )

    assert run("raw", build(gone)).warnings == ()


def test_rejected_files_are_told_whole_with_their_lines_to_type(build: Build) -> None:
    rejected = (
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, problem, delivered_lines) "
        "select 1 + i, i || '.csv', timestamp '2011-12-10', 'rejected', "
        "'no known header' || chr(10) || '[[landing.sources]]' || chr(10) || 'files = \"' || i || '.csv\"', 0 "
        "from range(1, {last}) as t (i)"
    )

    (two,) = run("raw", build(rejected.format(last=3))).warnings
    assert two.message == (
        "quality.load_ledger: files could not be loaded: 2 files:\n  1.csv: no known header\n  2.csv: no known header\n"
        '[[landing.sources]]\nfiles = "1.csv"\n[[landing.sources]]\nfiles = "2.csv"'
    )
    (many,) = run("raw", build(rejected.format(last=31))).warnings
    # by name, "27.csv" is the twentieth of 1.csv, 10.csv, 11.csv, …
    assert "\n  27.csv: no known header\n  and 10 more\n[[landing.sources]]" in many.message
    assert many.message.count("[[landing.sources]]") == 5


@pytest.mark.parametrize(
    ("ledger", "told"),
    [
        (
            "update quality.load_ledger set status = 'rejected', problem = 'column price is missing'",
            "2011-03-04.csv: column price is missing",
        ),
        (
            "update quality.load_ledger set kind = 'customers', file_name = 'customers.csv'",
            "landing has only customers.csv (customers)",
        ),
        (
            "update quality.load_ledger set delivered_lines = 0",
            "landing has only 2011-03-04.csv (a header without lines)",
        ),
        ("delete from quality.load_ledger", "landing has no file that could be loaded"),
    ],
)
def test_an_empty_warehouse_stops_with_its_cause(build: Build, ledger: str, told: str) -> None:
    report = run("raw", build("delete from raw.transactions", ledger))

    found = troubles(report)["raw.sales_lines has_rows"]
    assert found.is_blocking
    assert found.message.startswith(f"raw.sales_lines: no lines of sales at all: {told}. ")


def test_sources_that_differ_in_tax_are_named(build: Build) -> None:
    def priced(*taxes: str) -> LayerReport:
        values = ", ".join(f"({i + 2}, 'source {i}', {tax})" for i, tax in enumerate(taxes))
        return run(
            "raw",
            build(
                "insert into raw.deliveries by name select deliveries.* replace (load_id as _load_id, "
                "source as _source, tax as _prices_include_tax) "
                f"from raw.deliveries as deliveries, (values {values}) as t (load_id, source, tax)"
            ),
        )

    told = [found.message for found in priced("true", "false", "true", "null").warnings]
    assert len(told) == 1
    assert 'prices of "source 0", "source 2" include tax, those of "source 1" do not' in told[0]
    for agreeing in (("true", "true"), ("false", "null")):
        assert priced(*agreeing).warnings == ()


def test_damaged_file_blocks_and_small_slip_warns(build: Build) -> None:
    many = (
        "insert into raw.transactions (_line_id, _load_id, _file_name, _row_number, _problem) "
        "select i, 2, 'broken.csv', i, '3 fields where 8 were expected' from range(2, {last}) as t (i)"
    )
    found = troubles(run("raw", build(many.format(last=23))))

    assert found["raw.sales_lines files_are_readable"].is_blocking
    assert "broken.csv line 2: unreadable_lines 21, lines 21" in found["raw.sales_lines files_are_readable"].message
    assert "raw.sales_lines small_files_are_readable" not in found


def test_few_unreadable_lines_of_a_small_file_only_warn(build: Build) -> None:
    report = run("raw", build("update raw.transactions set _problem = 'ragged' where _row_number = 3"))

    assert [found.check_name for found in report.warnings] == ["small_files_are_readable"]
    assert report.passed


OVERRIDE = (
    "insert into raw.segment_overrides (_line_id, _load_id, _file_name, _row_number, _loaded_at, customer_id, "
    "expires_on, expires_at) values ((2::bigint << 32) + 1, 2, 'vip.csv', 3, timestamp '2011-12-10', '17850', "
    "'02/01/2012', timestamp '2012-02-01')"
)


def test_overrides_that_do_not_count_are_warned_of_with_file_and_line(build: Build) -> None:
    delivered = (
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, kind, delivered_lines, date_style, "
        "date_style_evidence) values (2, 'vip.csv', timestamp '2011-12-10', 'loaded', 'segment_overrides', 1, "
        "'month/day/year', 'assumed: month/day/year and day/month/year both fit')"
    )
    staged = (
        "insert into staging.stg_segment_overrides by name select _line_id as delivered_line_id, "
        "_file_name as file_name, _row_number as row_number, false as is_readable, 'reason is missing' as problem "
        "from raw.segment_overrides"
    )
    told = (
        "insert into reporting.segment_overrides by name "
        "select 'unknown_customer' as status, 'customer 1 is on no line' as problem, 'b' as file_name, 7 as row_number"
    )
    warehouse = build("delete from staging.stg_segment_overrides", OVERRIDE, delivered, staged, told)

    found = {layer: run(layer, warehouse) for layer in ("raw", "staging", "reporting")}

    assert all(report.passed for report in found.values())
    (raw,), (staging,), (reporting,) = ([one.message for one in report.warnings] for report in found.values())
    assert "1 files, e.g. vip.csv line 3: expires_on 02/01/2012, read_as month/day/year" in raw
    assert "1 overrides, e.g. vip.csv line 3: problem reason is missing" in staging
    assert "1 overrides, e.g. b line 7: problem customer 1 is on no line" in reporting


def test_overrides_that_the_ledger_does_not_know_stop_the_run(build: Build) -> None:
    assert troubles(run("raw", build(OVERRIDE)))["quality.load_ledger ledger_equals_raw"].is_blocking


def test_results_are_plain_json(build: Build) -> None:
    spoil = "update marts.customer_rfm set last_purchase_at = timestamp '2011-03-09', monetary_net = 0.1234"

    for result in run("marts", build(spoil)).results:
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()


def test_file_is_only_read_and_free_afterwards(build: Build) -> None:
    warehouse = build("update staging.stg_transactions set quantity_units = 5000000")
    before = warehouse.read_bytes()

    run("staging", warehouse)

    assert warehouse.read_bytes() == before
    # DuckDB refuses a writing connection while one of this process still reads
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create table public_proof (i integer)")


def test_warehouse_that_cannot_be_opened_is_one_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(RegularsError, match=r"absent\.duckdb can't be opened"):
        run("raw", tmp_path / "absent.duckdb")


def test_unknown_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no suites for layer 'gold'"):
        run("gold", tmp_path / "w.duckdb")


def test_listing_checks_does_not_import_great_expectations() -> None:
    code = (
        "import sys; from expectations.checks import suites_of, LAYERS; "
        "n = sum(len(s.checks) for layer in LAYERS for s in suites_of(layer)); "
        "sys.exit(0 if n and 'great_expectations' not in sys.modules and 'pandas' not in sys.modules else 1)"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0


def test_process_ends_in_silence_and_without_telemetry() -> None:
    """Without care, DuckDB's binding prints sixty lines of leaks at the end of every command."""
    code = (
        "import os; os.environ.pop('GX_ANALYTICS_ENABLED', None); from expectations.runner import "
        "import_great_expectations; import_great_expectations(); print(os.environ['GX_ANALYTICS_ENABLED'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "GX_ANALYTICS_ENABLED"}

    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert (ended.stdout, ended.stderr) == ("false\n", "")


@pytest.mark.parametrize("layer", LAYERS)
def test_every_check_has_a_reason_and_a_name_of_its_own(layer: str) -> None:
    for suite in suites_of(layer):
        names = [check.name for check in suite.checks]
        assert len(names) == len(set(names))
        for check in suite.checks:
            assert len(check.reason.split()) >= 4, check.name
            # rules of single rows are dbt's: constraints of the tables, or data tests
            assert not check.expectation.startswith("expect_column_values"), check.name
            assert not check.claim.endswith("."), check.name


@pytest.mark.parametrize("said", [{}, {"rows": "select 1", "expectation": "expect_column_to_exist"}])
def test_an_entry_without_anything_to_evaluate_or_with_two_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="check empty needs either rows or an expectation"):
        Check("empty", "c", "f", "r", **said)
