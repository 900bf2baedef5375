"""The record of data health: against independent SQL, and with faults put into a copy."""

import io
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from orchestration.summary import print_status
from serving.filters import Filters
from serving.queries.health import (
    LISTS,
    checks_by_layer,
    freshness,
    load_summary,
    missing_files,
    model_notes,
    open_checks,
    row_accounting,
)
from serving.queries.lists import ListRequest, count_list, fetch_list
from serving.snapshot import Reading, SnapshotReader
from tests.serving.changed import changed
from warehouse.home import Home

SPECS = {spec.name: spec for spec in LISTS}
OUTCOMES = ["passed", "warned", "failed", "could_not_run"]


def delivery(
    load_id: int, file_name: str, status: str, *, superseded_by: str = "null", is_in_landing: bool = True
) -> str:
    return f"""
        insert into quality.load_ledger (
            load_id, file_name, size_bytes, delivered_at, recorded_at, status, kind, problem, superseded_by,
            is_in_landing
        )
        values (
            {load_id}, '{file_name}', 1, timestamp '2024-09-01', timestamp '2024-09-02', '{status}', 'transactions',
            'it is cut short', {superseded_by}, {is_in_landing}
        )
    """


def test_freshness_is_that_of_the_lines_files_and_publication(reading: Reading) -> None:
    found, about = freshness(reading), reading.about
    # the history's 240th day is 27 August 2024
    assert str(about.first_date) == "2024-01-01" and str(about.last_date) == "2024-08-27"
    assert found["last_invoiced_at"] == reading.value("select max(invoiced_at) from marts.fct_invoices")
    # files are put into landing as of this second
    assert found["last_delivered_at"] == datetime(2023, 11, 14, 22, 13, 20)
    last = reading.row("select publication_id, published_at from quality.publications order by 1 desc limit 1")
    published_at = about.published_at.replace(tzinfo=None)
    assert (about.publication_id, published_at) == (last["publication_id"], last["published_at"])
    assert found["last_recorded_at"] is not None and found["last_recorded_at"] < published_at


def test_publications_tell_what_each_changed(reading: Reading) -> None:
    found = fetch_list(reading, SPECS["publications"], Filters())
    assert list(found["publication_id"]) == [2, 1]
    kept = reading.rows("select lines, customers, net_revenue from quality.publications order by publication_id")
    assert found["lines_change"].iloc[0] == kept[1]["lines"] - kept[0]["lines"] > 0
    assert found["customers_change"].iloc[0] == kept[1]["customers"] - kept[0]["customers"]
    assert found["net_revenue_change"].iloc[0] == pytest.approx(float(kept[1]["net_revenue"] - kept[0]["net_revenue"]))
    assert found.loc[1, ["lines_change", "customers_change", "net_revenue_change"]].isna().all()
    assert list(found["changed"]) == ["data", "first publication"]


def test_each_layer_shows_its_latest_run_alone_and_outcomes_add_up(reading: Reading) -> None:
    found = checks_by_layer(reading)
    assert list(found["layer"]) == ["raw", "staging", "marts", "ml", "reporting"]
    assert (found[OUTCOMES].sum(axis=1) == found["checks"]).all()
    for row in found.itertuples():
        results = reading.rows(
            "select recorded_at, run_id from quality.validation_results where layer = $layer", {"layer": row.layer}
        )
        latest = max(results, key=lambda one: one["recorded_at"])
        assert row.run_id == latest["run_id"]
        assert row.checks == sum(one["run_id"] == latest["run_id"] for one in results) < len(results)
    # the override for a segment that nobody has, and names that fit no shop where everybody comes often; the fits
    # that doubt themselves
    warned = dict(zip(found["layer"], found["warned"], strict=True))
    assert warned["reporting"] == 2 and warned["ml"] == 1
    assert found["failed"].sum() == found["could_not_run"].sum() == 0


def test_a_failure_a_warning_and_a_check_that_could_not_run_are_four_things_with_a_pass(
    published_small: Home, tmp_path: Path
) -> None:
    latest = "run_id = (select max_by(run_id, recorded_at) from quality.validation_results where layer = 'marts')"
    ranked = f"""
        (
            select check_name, row_number() over (order by check_name) as place
            from quality.validation_results where layer = 'marts' and {latest} and severity = 'error'
        )
    """

    def set_one(place: int, status: str) -> str:
        return f"""
            update quality.validation_results set status = '{status}'
            where layer = 'marts' and {latest}
                and check_name = (select check_name from {ranked} as ranked where place = {place})
        """

    with changed(published_small, tmp_path, set_one(1, "failed"), set_one(2, "error")) as reading:
        marts = checks_by_layer(reading).set_index("layer").loc["marts"]
        statuses = reading.rows(
            f"""
            select status, count(*) as n from quality.validation_results
            where layer = 'marts' and {latest} group by status
            """
        )
        counted = {row["status"]: row["n"] for row in statuses}
        assert marts["failed"] == counted["failed"] >= 1
        assert marts["could_not_run"] == counted["error"] >= 1
        assert marts["passed"] == counted["passed"]
        faults = open_checks(reading)
        assert list(dict.fromkeys(faults["outcome"])) == ["failed", "could not run", "warned"]
        assert len(faults) == checks_by_layer(reading)[["warned", "failed", "could_not_run"]].sum().sum()


def test_rows_and_money_add_up_from_the_files_to_the_sales_table(reading: Reading) -> None:
    found = row_accounting(reading)
    assert found.does_add_up
    assert found.delivered_rows == reading.value(
        "select sum(loaded_lines + unreadable_lines) from quality.load_ledger where status = 'loaded' "
        "and kind = 'transactions'"
    )
    set_aside = [line for line in found.lines if not line.is_kept]
    assert found.delivered_rows - sum(line.row_count for line in set_aside) == found.kept_rows
    assert found.delivered_amount - sum(line.gross_amount for line in set_aside) == found.kept_amount
    assert found.kept_rows == reading.value("select count(*) from marts.fct_invoice_lines")
    assert found.kept_amount == reading.value("select sum(gross_revenue + return_amount) from marts.fct_invoice_lines")
    assert sum(line.row_count for line in set_aside) == reading.value("select count(*) from marts.set_aside_lines")
    assert isinstance(found.kept_amount, Decimal)


def test_the_public_data_are_accounted_for_to_the_penny(published_real: Home) -> None:
    reader = SnapshotReader(published_real)
    with reader.reading() as opened:
        found = row_accounting(opened)
    reader.close()
    assert found.does_add_up
    assert found.delivered_rows == 541_909
    assert found.delivered_amount.quantize(Decimal("0.01")) == Decimal("9747747.93")
    rows = {line.disposition: line.row_count for line in found.lines}
    assert rows["duplicate"] == 5_268


@pytest.mark.parametrize(
    "loss",
    [
        "delete from marts.fct_invoice_lines where line_id = (select min(line_id) from marts.fct_invoice_lines)",
        "update marts.row_accounting set gross_amount = gross_amount + 0.0001 where disposition = 'sale'",
        "update marts.row_accounting set row_count = row_count + 1 where disposition = 'duplicate'",
    ],
)
def test_a_lost_line_or_a_ten_thousandth_does_not_add_up(published_small: Home, tmp_path: Path, loss: str) -> None:
    with changed(published_small, tmp_path, loss) as reading:
        assert not row_accounting(reading).does_add_up


def test_missing_files_are_those_whose_latest_delivery_is_not_in_use(published_small: Home, tmp_path: Path) -> None:
    with changed(
        published_small,
        tmp_path,
        delivery(9001, "new.csv", "rejected"),
        delivery(9002, "2024-01-02.csv", "rejected"),
        delivery(9003, "mended.csv", "rejected", superseded_by="9004"),
        delivery(9004, "mended.csv", "loaded"),
        # the version before was put back by hand: the refused one is over
        delivery(9005, "2024-01-03.csv", "rejected", superseded_by="3"),
        delivery(9006, "coming.csv", "in_transit"),
        delivery(9007, "taken away.csv", "rejected", is_in_landing=False),
    ) as reading:
        found = missing_files(reading)
        assert list(zip(found["file_name"], found["status"], found["has_former"], strict=True)) == [
            ("2024-01-02.csv", "rejected", True),
            ("new.csv", "rejected", False),
            ("coming.csv", "in_transit", False),
        ]
        assert found["problem"].iloc[0] == "it is cut short"
        by_status = load_summary(reading).set_index("status")
        assert list(by_status.index) == ["loaded", "superseded", "rejected", "in_transit"]
        assert by_status.loc["rejected", "deliveries"] == 5
        ledger = fetch_list(reading, SPECS["load_ledger"], Filters(), limit=5)
        assert list(ledger["load_id"]) == [9007, 9005, 9003, 9002, 9001]


def test_loads_are_counted_by_status(reading: Reading) -> None:
    found = load_summary(reading).set_index("status")
    # 4 March was delivered again without the customer who was taken back
    assert found.loc["superseded", "deliveries"] == 1
    counted = reading.row(
        "select count(*) as n, sum(delivered_lines) as lines from quality.load_ledger where status = 'loaded'"
    )
    assert found.loc["loaded", "deliveries"] == counted["n"]
    assert found.loc["loaded", "delivered_lines"] == counted["lines"]
    assert missing_files(reading).empty


def test_model_notes_put_warnings_first(reading: Reading) -> None:
    found = model_notes(reading)
    assert len(found) == reading.value("select count(*) from reporting.model_notes")
    assert list(found["has_warnings"]) == sorted(found["has_warnings"], reverse=True)
    assert found.loc[found["has_warnings"], "warnings"].notna().all() and found["has_warnings"].any()


# no order of this shop came in two files; tests/serving/test_told_of_exports.py has some
@pytest.mark.parametrize("name", sorted(SPECS.keys() - {"order_versions"}))
def test_lists_hold_their_table_whole_under_any_filter_and_page_without_overlap(reading: Reading, name: str) -> None:
    table = {
        "set_aside_lines": "marts.set_aside_lines",
        "set_aside_reasons": "marts.set_aside_reasons",
        "validation_results": "quality.validation_results",
        "load_ledger": "quality.load_ledger",
        "publications": "quality.publications",
    }[name]
    spec = SPECS[name]
    everything = reading.value(f"select count(*) from {table}")
    nobody = replace(Filters(), customer="nobody", countries=("Atlantis",))
    assert count_list(reading, spec, nobody) == count_list(reading, spec, Filters()) == everything > 0
    whole = fetch_list(reading, spec, Filters())
    half = everything // 2
    first = fetch_list(reading, spec, Filters(), limit=half)
    second = fetch_list(reading, spec, Filters(), offset=half, limit=everything)
    assert len(first) + len(second) == everything
    # a page without any value, or without any null, has other dtypes than the whole
    both, all_at_once = (
        frame.astype(object).where(frame.notna(), None)
        for frame in (pd.concat([first, second], ignore_index=True), whole)
    )
    pd.testing.assert_frame_equal(both, all_at_once)


def test_set_aside_lines_can_be_narrowed_to_one_reason(reading: Reading) -> None:
    request = ListRequest({"disposition": {"filterType": "text", "type": "equals", "filter": "unreadable"}}, ())
    rows = fetch_list(reading, SPECS["set_aside_lines"], Filters(), "", request)
    # four days of the history hold one each: numbers 5, 65, 125, 185, unless that day is a Saturday
    expected = reading.value("select row_count from marts.row_accounting where disposition = 'unreadable'")
    assert len(rows) == expected == 3
    assert rows["line_text"].str.contains("many").all() and rows["reason"].str.contains("many").all()


def test_status_and_page_tell_the_same_of_a_run_that_stopped(published_small: Home, tmp_path: Path) -> None:
    # a later run came as far as staging, where a check failed: of the other layers the run before is the latest
    stopped = """
        insert into quality.validation_results by name
        select * replace (
            'stopped' as run_id, timestamp '2100-01-01' as recorded_at,
            if(layer = 'staging' and check_name = (
                select min(check_name) from quality.validation_results where layer = 'staging' and severity = 'error'
            ), 'failed', 'passed') as status
        )
        from quality.validation_results
        where layer in ('raw', 'staging')
            and run_id = (select max_by(run_id, recorded_at) from quality.validation_results)
    """
    with changed(published_small, tmp_path, stopped) as reading:
        layers = checks_by_layer(reading)
    console = Console(file=io.StringIO(), width=500)
    print_status(console, Home(tmp_path / "changed"))
    told = console.file.getvalue()
    assert "staging: " in told
    for row in layers.itertuples():
        others = [
            f", {number} {outcome.replace('_', ' ')}" for outcome in OUTCOMES[1:] if (number := getattr(row, outcome))
        ]
        assert f"{row.layer}: {row.passed} passed{''.join(others)}" in told
    assert layers.set_index("layer").loc["staging", "failed"] == 1
