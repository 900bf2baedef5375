"""What removing a file from landing does: nothing to good ones, an end to the worry about bad ones."""

import json
from collections.abc import Sequence
from datetime import datetime

import pytest

from expectations.results import create_results_table
from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from warehouse.ledger import record_profiles
from warehouse.loading import scan_landing

FIRST = f"{HEADER}\n{LINE_A}\n"
SECOND = f"{HEADER}\n{LINE_B}\n"
SERIALS = f"{HEADER}\n" + "".join(LINE_A.replace("2010-12-01 08:26:00", f"day {n}") + "\n" for n in range(30))
BAD = "not,a,sales,file\n"

NOON = datetime(2024, 1, 1, 12)
ONE = datetime(2024, 1, 1, 13)
TWO = datetime(2024, 1, 1, 14)


def stop(shop: Shop, at: datetime, *files: str, severity: str = "error", run: str = "r1") -> None:
    """A refresh that a check stopped; the check names these files."""
    create_results_table(shop.con)
    examples = json.dumps([{"file_name": name, "lost_values": 30} for name in files] or [{"invoice_no": "1"}])
    shop.con.execute(
        "insert into quality.validation_results values "
        "(?, ?, 'staging', 's', 't', 'values_survive', 'e', null, ?, 'failed', null, 1, 1, ?, 'r', 'values lost')",
        [run, at, severity, examples],
    )


def publish(shop: Shop, at: datetime) -> None:
    shop.con.execute("create table if not exists quality.publications (published_at timestamp)")
    shop.con.execute("insert into quality.publications values (?)", [at])


def remove(shop: Shop, *names: str) -> None:
    for name in names:
        (shop.landing / name).unlink()


def held(shop: Shop) -> list[str]:
    return [row[0] for row in shop.rows("select distinct _file_name from raw.transactions order by 1")]


def statuses(shop: Shop) -> dict[str, tuple[str, bool]]:
    rows = shop.rows("select file_name, status, is_in_landing from quality.load_ledger order by load_id")
    return {name: (status, is_there) for name, status, is_there in rows}


def gone(shop: Shop, at: datetime = TWO) -> Sequence[str]:
    return shop.load(at).gone


def test_good_files_that_left_keep_their_lines_and_the_ledger_knows_that_they_left(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("b.csv", SECOND)
    shop.load(NOON)
    remove(shop, "a.csv")
    assert gone(shop) == []
    assert held(shop) == ["a.csv", "b.csv"]
    assert statuses(shop) == {"a.csv": ("loaded", False), "b.csv": ("loaded", True)}
    shop.deliver("a.csv", FIRST)
    shop.load(TWO)
    assert statuses(shop)["a.csv"] == ("loaded", True)


def test_a_file_that_could_not_be_read_and_is_gone_is_told_of_once(shop: Shop) -> None:
    shop.deliver("bad.csv", BAD)
    shop.deliver("good.csv", FIRST)
    shop.load(NOON)
    assert statuses(shop)["bad.csv"] == ("rejected", True)
    remove(shop, "bad.csv")
    assert gone(shop) == ["bad.csv: it could not be read and has left landing; nothing waits for it any more"]
    assert gone(shop) == []
    assert statuses(shop)["bad.csv"] == ("rejected", False)
    # the same bytes again are the same refusal
    shop.deliver("bad.csv", BAD)
    (outcome,) = [outcome for outcome in shop.load(TWO).files if outcome.file_name == "bad.csv"]
    assert (outcome.status, outcome.is_new) == ("rejected", False)
    assert statuses(shop)["bad.csv"] == ("rejected", True)


def test_of_several_versions_only_the_latest_lies_in_landing(shop: Shop) -> None:
    for content in (FIRST, BAD, SECOND):
        shop.deliver("a.csv", content)
        shop.load(NOON)
    assert shop.rows("select status, is_in_landing from quality.load_ledger order by load_id") == [
        ("superseded", False),
        ("rejected", False),
        ("loaded", True),
    ]


def test_a_bad_version_that_is_gone_while_a_good_one_is_in_use_is_no_news(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load(NOON)
    shop.deliver("a.csv", BAD)
    shop.load(NOON)
    remove(shop, "a.csv")
    assert gone(shop) == []
    assert held(shop) == ["a.csv"]


def test_a_file_that_stopped_the_refresh_is_taken_back_by_removing_it(shop: Shop) -> None:
    shop.deliver("bad.csv", FIRST)
    shop.deliver("good.csv", SECOND)
    shop.load(NOON)
    stop(shop, ONE, "bad.csv")
    # while it lies there it stays
    assert not shop.load(ONE).changed
    remove(shop, "bad.csv", "good.csv")
    report = shop.load(TWO)
    assert report.changed
    assert report.gone == [
        "bad.csv: it left landing before it was ever published, so its lines were taken out again (values lost); "
        "deliver it again if they count"
    ]
    # the good one beside it was tidied up only
    assert held(shop) == ["good.csv"]
    assert shop.rows("select _file_name from raw.deliveries") == [("good.csv",)]
    assert statuses(shop) == {"bad.csv": ("withdrawn", False), "good.csv": ("loaded", False)}
    assert shop.rows("select problem, superseded_at from quality.load_ledger where status = 'withdrawn'") == [
        (report.gone[0], TWO)
    ]
    # told once, and the same bytes can come again
    assert gone(shop) == []
    shop.deliver("bad.csv", FIRST)
    assert scan_landing(shop.con, shop.landing, shop.settings).changed == ("bad.csv",)
    assert shop.load(TWO).delivered_lines == 1
    assert held(shop) == ["bad.csv", "good.csv"]


def test_what_was_published_once_stays_whatever_is_said_of_it_later(shop: Shop) -> None:
    shop.deliver("a.csv", SERIALS)
    shop.load(NOON)
    publish(shop, ONE)
    stop(shop, TWO, "a.csv")
    remove(shop, "a.csv")
    assert gone(shop) == []
    assert held(shop) == ["a.csv"]


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_file_of_which_no_date_was_read_goes_with_its_file(shop: Shop, is_stopped: bool) -> None:
    shop.deliver("serials.csv", SERIALS)
    shop.deliver("good.csv", FIRST)
    shop.load(NOON)
    assert held(shop) == ["good.csv", "serials.csv"]
    if is_stopped:
        # a check names five files at the most: this one was the sixth
        stop(shop, ONE, "other.csv")
    remove(shop, "serials.csv")
    assert "none of its lines has a date that can be read" in gone(shop)[0]
    assert held(shop) == ["good.csv"]


def test_a_check_that_names_no_file_is_held_against_all_that_are_new(shop: Shop) -> None:
    shop.deliver("old.csv", FIRST)
    shop.load(NOON)
    publish(shop, ONE)
    shop.deliver("new.csv", SECOND)
    shop.load(ONE)
    stop(shop, TWO)
    remove(shop, "old.csv", "new.csv")
    assert [told.split(":")[0] for told in gone(shop)] == ["new.csv"]
    assert held(shop) == ["old.csv"]


@pytest.mark.parametrize(
    ("severity", "named", "stopped_at"),
    [("warning", "a.csv", ONE), ("error", "other.csv", ONE), ("error", "a.csv", datetime(2023, 1, 1))],
    ids=["only warned of", "another file", "before it came"],
)
def test_a_file_that_stopped_nothing_keeps_its_lines(
    shop: Shop, severity: str, named: str, stopped_at: datetime
) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load(NOON)
    stop(shop, stopped_at, named, severity=severity)
    remove(shop, "a.csv")
    assert gone(shop) == []
    assert held(shop) == ["a.csv"]


def test_only_the_last_run_counts(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load(NOON)
    stop(shop, ONE, "a.csv", run="r1")
    stop(shop, TWO, "b.csv", run="r2")
    remove(shop, "a.csv")
    assert gone(shop) == []


def test_lines_of_a_file_taken_back_move_to_a_twin_that_is_still_there(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("twin.csv", FIRST)
    shop.load(NOON)
    stop(shop, ONE, "a.csv")
    remove(shop, "a.csv")
    shop.load(TWO)
    assert held(shop) == ["twin.csv"]
    assert statuses(shop) == {"a.csv": ("withdrawn", False), "twin.csv": ("loaded", True)}
    assert not shop.load(TWO).changed


def test_customers_and_overrides_are_not_expected_to_have_dates(shop: Shop) -> None:
    shop.deliver("customers.csv", "Customer_ID\n17850\n")
    shop.deliver("empty.csv", f"{HEADER}\n")
    shop.load(NOON)
    remove(shop, "customers.csv", "empty.csv")
    assert gone(shop) == []
    assert shop.value("select count(*) from raw.customers") == 1


def test_profiles_are_kept_by_source_of_what_is_in_use(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("cd.csv", "Customer_ID,Transaction_Date,Amount\n42,1997-01-01,11.77\n")
    shop.deliver("customers.csv", "Customer_ID\n17850\n")
    shop.load(NOON)
    shop.con.execute("create schema marts")
    shop.con.execute(
        "create table marts.source_profiles as select * from (values ('invoice_lines', 'uci', 'all 5 …'), "
        "('transactions', 'plain', 'no letters'), ('customers', 'plain', 'x')) as t (source, profile, evidence)"
    )
    record_profiles(shop.con)
    record_profiles(shop.con)
    assert shop.rows("select file_name, source, profile, profile_evidence from quality.load_ledger order by 1") == [
        ("a.csv", "invoice_lines", "uci", "all 5 …"),
        ("cd.csv", "transactions", "plain", "no letters"),
        ("customers.csv", "customers", None, None),
    ]


def test_files_that_prove_their_order_speak_for_later_ones_of_their_source(shop: Shop) -> None:
    proof = "1,A,B,1,25/12/2010,1.00,1,UK"
    shop.deliver_lines("a.csv", proof)
    shop.load(NOON)
    # on its own it would be read with the month first
    shop.deliver_lines("b.csv", "2,A,B,1,05/12/2010,1.00,1,UK")
    shop.load(ONE)
    assert shop.rows("select invoiced_at from raw.transactions where invoice = '2'") == [(datetime(2010, 12, 5),)]


def test_no_sale_lies_after_the_day_on_which_its_bytes_first_came(shop: Shop) -> None:
    """However late they are read again: the order of day and month does not change with the calendar."""
    line = "1,A,B,1,12/11/2010,1.00,1,UK"
    # copied about, so that the file's own time says nothing
    shop.deliver("a.csv", f"{HEADER}\n{line}\n", modified=int(datetime(2023, 6, 1).timestamp()))
    shop.load(datetime(2010, 11, 28))
    first = shop.rows("select invoiced_at from raw.transactions")
    assert first == [(datetime(2010, 11, 12),)]
    shop.settings = shop.settings.model_copy(update={"shop": shop.settings.shop.model_copy(update={"timezone": "UTC"})})
    assert shop.load(datetime(2024, 1, 1)).changed
    assert shop.rows("select invoiced_at from raw.transactions") == first
