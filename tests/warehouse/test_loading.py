"""What a delivery replaces, moves or leaves alone; a load is all or nothing."""

import itertools
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from warehouse.errors import RegularsError
from warehouse.ledger import Entry, Ledger, Seen, active_content_hashes, make_plan
from warehouse.loading import read_file, scan_landing
from warehouse.readers.errors import DiskFullError
from warehouse.settings import PROJECT_ROOT, Landing, Settings, SourceMapping

FIRST = f"{HEADER}\n{LINE_A}\n"
SECOND = f"{HEADER}\n{LINE_B}\n"
THIRD = f"{HEADER}\n{LINE_A}\n{LINE_B}\n"
BAD = "not,a,sales,file\n"


def statuses(shop: Shop) -> dict[str, str]:
    return {outcome.file_name: outcome.status for outcome in shop.load().files}


def held(shop: Shop) -> list[tuple[str, str]]:
    """Which file holds which invoice."""
    return shop.rows("select _file_name, invoice from raw.transactions order by 1, 2")  # type: ignore[return-value]


def test_the_raw_table_keeps_every_value_as_text_with_its_origin(shop: Shop) -> None:
    shop.deliver("2010/a.csv", THIRD)
    shop.load(datetime(2024, 1, 1, 12, tzinfo=UTC))
    first, second = LINE_A.split(","), LINE_B.split(",")
    not_delivered = (None,) * 7
    assert shop.raw() == [
        (
            *(2**32 + 1, 1, "2010/a.csv", None, 2, *first[:6], *not_delivered, *first[6:]),
            *(datetime(2010, 12, 1, 8, 26), None, None),
        ),
        (
            *(2**32 + 2, 1, "2010/a.csv", None, 3, *second[:6], *not_delivered, *second[6:]),
            *(datetime(2010, 12, 2, 9, 41), None, None),
        ),
    ]


def test_a_delivery_of_sales_says_what_typing_its_lines_needs(shop: Shop) -> None:
    shop.deliver("2010/a.csv", THIRD)
    shop.deliver("customers.csv", "Customer_ID\n17850\n")
    shop.load(datetime(2024, 1, 1, 12, tzinfo=UTC))
    assert shop.rows("from raw.deliveries") == [
        (
            *(1, "2010/a.csv", "invoice_lines", "invoice_lines", None, ".", ".", ".", ".", ".", None, None, None, None),
            *(False, False, False, None, None, datetime(2011, 3, 13, 7, 6, 40), datetime(2024, 1, 1, 12)),
            *(datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 2, 9, 41)),
        )
    ]


def test_the_ledger_describes_each_file(shop: Shop) -> None:
    shop.deliver("a.csv", THIRD)
    shop.load()
    assert shop.rows(
        "select kind, file_format, layout, encoding, delimiter, decimal_mark, date_style, delivered_lines, "
        "loaded_lines, "
        "unreadable_lines, first_invoiced_at, last_invoiced_at, problem, notes, epoch(delivered_at)::int, size_bytes "
        "from quality.load_ledger"
    ) == [
        (
            *("transactions", "csv", "invoice_lines", "UTF-8", ",", ".", "year-month-day", 2, 2, 0),
            *(datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 2, 9, 41), None, None, 1_300_000_000, len(THIRD)),
        )
    ]


def test_the_same_files_again_change_nothing(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("b.csv", SECOND)
    shop.deliver("bad.csv", BAD)
    assert shop.load().changed
    before, ledger = shop.raw(), shop.ledger()
    again = shop.load(datetime(2025, 1, 1))
    assert not again.changed
    assert {outcome.status for outcome in again.files} == {"unchanged", "rejected"}
    assert (shop.raw(), shop.ledger()) == (before, ledger)


def test_equal_bytes_under_several_names_load_once(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("copy of a.csv", FIRST)
    assert statuses(shop) == {"a.csv": "loaded", "copy of a.csv": "already_loaded"}
    shop.deliver("later copy.csv", FIRST)
    assert statuses(shop)["later copy.csv"] == "already_loaded"
    assert held(shop) == [("a.csv", "536365")]


def test_new_content_under_an_old_name_replaces_what_it_had_brought(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load()
    shop.deliver("a.csv", SECOND)
    report = shop.load()
    assert report.changed
    assert held(shop) == [("a.csv", "C536379")]
    assert shop.ledger() == [(1, "a.csv", "superseded", 2), (2, "a.csv", "loaded", None)]
    assert shop.value("select superseded_at from quality.load_ledger where load_id = 1") == datetime(2024, 1, 1)


def test_lines_move_to_another_name_that_still_has_the_bytes(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("b.csv", FIRST)
    shop.load()
    shop.deliver("a.csv", SECOND)
    shop.load()
    assert held(shop) == [("a.csv", "C536379"), ("b.csv", "536365")]
    assert shop.ledger() == [(1, "a.csv", "superseded", 3), (2, "b.csv", "loaded", None), (3, "a.csv", "loaded", None)]
    assert shop.rows("select _line_id, _load_id from raw.transactions order by 1") == [
        (2 * 2**32 + 1, 2),
        (3 * 2**32 + 1, 3),
    ]
    assert shop.value("select loaded_lines from quality.load_ledger where load_id = 2") == 1
    assert not shop.load().changed


def test_a_renamed_file_loads_nothing_and_a_correction_of_it_replaces_only_itself(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load()
    (shop.landing / "a.csv").rename(shop.landing / "renamed.csv")
    report = shop.load()
    assert [outcome.status for outcome in report.files] == ["already_loaded"]
    assert not report.changed
    assert held(shop) == [("a.csv", "536365")]


def test_former_content_that_comes_back_loads_again(shop: Shop) -> None:
    for content in (FIRST, SECOND, FIRST):
        shop.deliver("a.csv", content)
        assert statuses(shop) == {"a.csv": "loaded"}
    assert held(shop) == [("a.csv", "536365")]
    assert shop.ledger() == [
        (1, "a.csv", "superseded", 2),
        (2, "a.csv", "superseded", 3),
        (3, "a.csv", "loaded", None),
    ]


def test_two_names_that_swap_their_contents_keep_all_lines(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("b.csv", SECOND)
    shop.load()
    shop.deliver("a.csv", SECOND)
    shop.deliver("b.csv", FIRST)
    shop.load()
    assert held(shop) == [("a.csv", "C536379"), ("b.csv", "536365")]
    assert not shop.load().changed


def test_files_gone_from_landing_keep_their_lines(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load()
    (shop.landing / "a.csv").unlink()
    report = shop.load()
    assert (report.files, report.changed, report.transaction_lines) == ([], False, 1)
    shop.deliver("a.csv", FIRST)
    assert statuses(shop) == {"a.csv": "unchanged"}


def test_a_bad_new_version_leaves_the_good_one_in_place(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load()
    shop.deliver("a.csv", BAD)
    assert statuses(shop) == {"a.csv": "rejected"}
    assert held(shop) == [("a.csv", "536365")]
    assert statuses(shop) == {"a.csv": "rejected"}
    assert shop.ledger() == [(1, "a.csv", "loaded", None), (2, "a.csv", "rejected", None)]
    # the good version is put back: nothing to load, and the refusal is settled
    shop.deliver("a.csv", FIRST)
    report = shop.load()
    assert ([outcome.status for outcome in report.files], report.changed) == (["unchanged"], False)
    assert shop.ledger() == [(1, "a.csv", "loaded", None), (2, "a.csv", "rejected", 1)]
    # and if it goes bad again, that is a delivery of its own
    shop.deliver("a.csv", BAD)
    assert statuses(shop) == {"a.csv": "rejected"}
    assert len(shop.ledger()) == 3
    # a corrected version then replaces the good one and settles the refusal
    shop.deliver("a.csv", SECOND)
    assert statuses(shop) == {"a.csv": "loaded"}
    assert held(shop) == [("a.csv", "C536379")]
    assert shop.ledger()[-2:] == [(3, "a.csv", "rejected", 4), (4, "a.csv", "loaded", None)]


def test_a_rejected_file_is_tried_again_when_the_landing_settings_change(shop: Shop) -> None:
    shop.deliver("a.csv", "Bon,Artikel,Menge,Datum,Preis\n1,A,2,2010-12-01,3.50\n")
    assert statuses(shop) == {"a.csv": "rejected"}
    columns = {
        "invoice": "Bon",
        "stock_code": "Artikel",
        "quantity": "Menge",
        "invoice_date": "Datum",
        "unit_price": "Preis",
    }
    shop.settings = Settings(landing=Landing(sources=(SourceMapping(name="till", columns=columns),)))
    assert statuses(shop) == {"a.csv": "loaded"}
    assert shop.ledger() == [(1, "a.csv", "rejected", 2), (2, "a.csv", "loaded", None)]


def test_loaded_files_are_read_anew_when_the_landing_settings_change(shop: Shop) -> None:
    shop.deliver_lines("a.csv", "1,A,B,1,05/12/2010,1.00,1,UK")
    shop.deliver_lines("twin.csv", "1,A,B,1,05/12/2010,1.00,1,UK")
    shop.load()
    assert shop.value("select strftime(invoiced_at, '%Y-%m-%d') from raw.transactions") == "2010-05-12"
    mapping = SourceMapping(name="european", columns={"invoice": "InvoiceNo"}, date_format="%d/%m/%Y")
    shop.settings = Settings(landing=Landing(sources=(mapping,)))
    assert scan_landing(shop.con, shop.landing, shop.settings).changed == ("a.csv", "twin.csv")
    assert statuses(shop) == {"a.csv": "loaded", "twin.csv": "already_loaded"}
    assert shop.value("select strftime(invoiced_at, '%Y-%m-%d') from raw.transactions") == "2010-12-05"
    assert not shop.load().changed


def test_bytes_that_only_a_later_name_explains_load_under_that_name(shop: Shop) -> None:
    shop.deliver("a list.csv", "Customer_ID\n17850\n")
    shop.deliver("customers.csv", "Customer_ID\n17850\n")
    assert statuses(shop) == {"a list.csv": "rejected", "customers.csv": "loaded"}
    assert shop.rows("select _file_name, customer_id from raw.customers") == [("customers.csv", "17850")]


def test_the_order_of_deliveries_does_not_change_what_is_active(shop: Shop) -> None:
    contents = {"a.csv": FIRST, "b.csv": SECOND, "c.csv": THIRD, "d.csv": FIRST}
    for name, content in contents.items():
        shop.deliver(name, content)
        shop.load()
    hashes = active_content_hashes(shop.con)
    assert len(hashes) == 3
    assert hashes == sorted(hashes)
    values = (
        f"select {HEADER.replace('InvoiceNo', 'invoice').split(',')[0]}, unit_price from raw.transactions order by all"
    )
    one_by_one = shop.rows(values)
    other = shop.landing.parent / "other.duckdb"
    with duckdb.connect(str(other)) as con:
        at_once = Shop(con, shop.landing, shop.scratch)
        at_once.load()
        assert active_content_hashes(con) == hashes
        assert at_once.rows(values) == one_by_one


def test_every_history_ends_with_the_latest_readable_content_of_each_name(shop: Shop) -> None:
    """All 81 histories of two names over two loads, against the rule said in one line."""
    hashes = {"x": "1" * 64, "y": "2" * 64, "bad": "0" * 64}
    for choice in itertools.product(hashes, repeat=4):
        ledger = Ledger([])
        latest: dict[str, str] = {}
        held_by_load: dict[int, str] = {}
        for versions in (choice[:2], choice[2:]):
            entries, rejected, read = {}, [], {}
            for name, version in zip("ab", versions, strict=True):
                seen = Seen(name, hashes[version])
                if version != "bad":
                    latest[name] = version
                if ledger.judge(seen, "f") not in ("new", "reread"):
                    continue
                load_id = ledger.next_load_id + len(entries)
                entries[load_id] = seen
                if version == "bad":
                    rejected.append(load_id)
                elif not ledger.is_active(hashes[version], "f"):
                    read[hashes[version]] = 1
            plan = make_plan(ledger, entries, rejected, read)
            for load_id in plan.delete:
                del held_by_load[load_id]
            for old, new in plan.move.items():
                held_by_load[new] = held_by_load.pop(old)
            for load_id in plan.insert:
                held_by_load[load_id] = str(entries[load_id].content_hash)
            known = {
                load_id: Entry(
                    load_id, seen.file_name, seen.content_hash, None, None, plan.statuses[load_id], None, "f"
                )
                for load_id, seen in entries.items()
            } | {
                load_id: Entry(**{**vars(entry), "status": plan.statuses.get(load_id, entry.status)})
                for load_id, entry in ledger.by_id.items()
            }
            ledger = Ledger(known.values())
        expected = sorted({hashes[version] for version in latest.values()})
        assert sorted(held_by_load.values()) == expected, choice
        assert sorted(ledger.holders) == expected, choice
        assert {entry.load_id for entry in ledger.holders.values()} == set(held_by_load), choice


def test_a_scan_tells_what_a_load_would_do_and_writes_nothing(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.deliver("bad.csv", BAD)
    assert scan_landing(shop.con, shop.landing, shop.settings).new == ("a.csv", "bad.csv")
    shop.load()
    scan = scan_landing(shop.con, shop.landing, shop.settings)
    assert (scan.has_news, scan.unchanged, scan.known_bad) == (False, ("a.csv",), ("bad.csv",))
    shop.deliver("a.csv", SECOND)
    shop.deliver("b.csv", SECOND)
    shop.deliver("c.csv.part", SECOND)
    scan = scan_landing(shop.con, shop.landing, shop.settings)
    assert (scan.new, scan.changed, scan.in_transit) == (("b.csv",), ("a.csv",), ("c.csv.part",))
    assert len(shop.ledger()) == 2


def test_one_file_reads_into_tables_of_the_raw_shape_without_a_ledger(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "upload.csv"
    path.write_text(f"{THIRD}ragged\n")
    outcome = read_file(shop.con, path, shop.settings, scratch=shop.scratch, read_at=datetime(2024, 1, 1))
    assert (outcome.reading.loaded_lines, outcome.reading.unreadable_lines) == (2, 1)
    assert shop.rows(f"select invoice, _problem from {outcome.lines_table} order by _line_id") == [
        ("536365", None),
        ("C536379", None),
        (None, "line 4 has 1 field, the header has 8"),
    ]
    shop.deliver("a.csv", FIRST)
    shop.load()
    assert shop.rows("select column_name, column_type from (describe raw.transactions)") == shop.rows(
        "select column_name, column_type from (describe read_lines)"
    )


def test_one_file_that_cannot_be_read_raises_with_its_name(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "x.tmp"
    path.write_text(BAD)
    with pytest.raises(RegularsError, match=r"upload\.csv: no known header was found"):
        read_file(shop.con, path, shop.settings, scratch=shop.scratch, read_at=datetime(2024, 1, 1), name="upload.csv")


def test_no_temporary_tables_or_files_stay_behind(shop: Shop) -> None:
    shop.deliver("a.csv", THIRD.encode("utf-16"))
    shop.deliver_lines("ragged.csv", "1,2")
    shop.load()
    assert shop.rows("select table_name from duckdb_tables() where temporary") == []
    assert shop.rows("select view_name from duckdb_views() where temporary and not internal") == []
    assert list(shop.scratch.iterdir()) == []


def test_a_load_that_fails_while_writing_leaves_all_as_it_was(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load()
    before, ledger = shop.raw(), shop.ledger()
    # an unforeseen constraint makes the last statement of the load fail
    shop.con.execute("drop table quality.load_ledger; create table quality.load_ledger as select 1 as nothing")
    shop.deliver("b.csv", SECOND)
    with pytest.raises(duckdb.Error):
        shop.load()
    assert shop.raw() == before
    assert ledger
    assert shop.rows("select table_name from duckdb_tables() where temporary") == []


@pytest.mark.parametrize("seconds", [0.3, 0.6, 0.9, 1.2])
def test_a_killed_load_is_wholly_in_or_wholly_out(tmp_path: Path, seconds: float) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    for number in range(40):
        body = "\n".join([HEADER, *(LINE_A.replace("536365", f"{number}-{line}") for line in range(2000))])
        (landing / f"{number:02}.csv").write_text(body)
    program = (
        "import sys, duckdb, datetime, pathlib\n"
        "from warehouse.loading import load_landing\n"
        "from warehouse.settings import Settings\n"
        "con = duckdb.connect(sys.argv[1])\n"
        "print('started', flush=True)\n"
        "load_landing(con, pathlib.Path(sys.argv[2]), Settings(), loaded_at=datetime.datetime(2024, 1, 1), "
        "scratch=pathlib.Path(sys.argv[3]), settle_wait_seconds=0.01)\n"
    )
    warehouse = tmp_path / "w.duckdb"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(warehouse), str(landing), str(tmp_path / "scratch")],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    process.stdout.close()
    with duckdb.connect(str(warehouse)) as con:
        shop = Shop(con, landing, tmp_path / "scratch")
        lines = con.execute(
            "select coalesce(sum(estimated_size), 0) from duckdb_tables() where table_name = 'transactions'"
        ).fetchone()
        assert lines in [(0,), (80_000,)]
        shop.load(settle_wait_seconds=0.01)
        assert shop.value("select count(*) from raw.transactions") == 80_000
        assert shop.value("select count(distinct _line_id) from raw.transactions") == 80_000


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
def test_a_full_disk_keeps_nothing_and_says_so(shop: Shop) -> None:
    shop.deliver("a.csv", FIRST)
    shop.load()
    before = shop.raw()
    # Latin-1 is transcoded into scratch, and there is no room for that
    shop.scratch.mkdir(exist_ok=True)
    (shop.scratch / "text_1_0.csv").symlink_to("/dev/full")
    shop.deliver("b.csv", SECOND.replace("CAKESTAND", "CAFÉ").encode("latin-1"))
    shop.deliver("c.csv", THIRD)
    with pytest.raises(DiskFullError, match=r"no room left on the disk.*Nothing of this load was kept"):
        shop.load()
    assert shop.raw() == before
    assert len(shop.ledger()) == 1
    assert [outcome.status for outcome in shop.load().files] == ["unchanged", "loaded", "loaded"]
