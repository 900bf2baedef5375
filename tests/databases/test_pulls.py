"""Pulls from real servers: what is new comes once, whole orders at a time, and a pull that breaks leaves nothing."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.databases.conftest import COLUMNS, FIRST_LINES, LiveShop
from warehouse.databases import state

MANY = 120_000


def test_the_first_pull_brings_every_line_exactly_and_no_column_that_nothing_uses(live: LiveShop) -> None:
    pull = live.pull()
    assert (pull.status, pull.delivered_orders, pull.delivered_lines) == ("delivered", 3, 5)
    assert live.files() == [pull.file_name]
    first = live.rows(pull)[0]
    assert first == {
        "order_no": "A1",
        "sku": "MUG",
        "name": "Möbius mug, 50 %",
        "quantity": "1",
        "price": "8.123456",
        "customer": "501",
        "ordered_at": "2024-07-01 12:00:00+00",
    }


def test_a_pull_goes_through_the_ledger_and_the_readers_as_any_delivery(live: LiveShop) -> None:
    pull = live.pull()
    report = live.load()
    assert [(file.file_name, file.status, file.lines) for file in report.files] == [(pull.file_name, "loaded", 5)]
    assert live.ask("select source, profile, unreadable_lines, problem from quality.load_ledger") == [
        ("till", None, 0, None)
    ]
    # the instants of the database are on the shop's clock now, and no price lost a digit
    assert live.ask(
        "select invoice, stock_code, quantity, unit_price, customer_id, invoiced_at::varchar from raw.transactions "
        "order by 1, 2"
    ) == [
        ("A1", "MUG", "1", "8.123456", "501", "2024-07-01 13:00:00"),
        ("A1", "TEA", "2", "3.950000", "501", "2024-07-01 13:00:00"),
        ("A2", "TEA", "1", "3.950000", "502", "2024-07-09 10:30:00"),
        ("A3", "JAR", "3", "1.005000", None, "2024-07-10 19:15:00"),
        ("A3", "MUG", "4", "8.123456", None, "2024-07-10 19:15:00"),
    ]
    assert live.load().changed is False


def test_a_pull_that_finds_nothing_new_delivers_nothing(live: LiveShop) -> None:
    first = live.pull()
    for _ in range(2):
        again = live.pull()
        # A2 and A3 were written within three days of the last line; A1 is not even asked for
        assert (again.status, again.pulled_lines, again.file_name) == ("nothing_new", 3, None)
    # written again with the same content
    live.server.run("update order_lines set updated_at = '2024-07-10 19:00:00' where order_no = 'A1'")
    assert live.pull().delivered_orders == 1
    assert live.pull().status == "nothing_new"
    assert live.files()[0] == first.file_name
    assert len(live.files()) == 2


def test_a_late_row_brings_its_whole_order_and_no_other(live: LiveShop) -> None:
    live.pull()
    live.add(("A2", "JAR", "Jar", 7, "1.005000", 502, "2024-07-09 09:30:00", "2024-07-08 00:00:00"))
    pull = live.pull()
    assert live.lines(pull) == [("A2", "JAR", "7"), ("A2", "TEA", "1")]
    assert pull.delivered_orders == 1


def test_how_far_to_look_back_is_how_late_a_row_may_be(live: LiveShop) -> None:
    live.said["look_back"] = 2
    live.pull()
    # the highest watermark is 2024-07-10 18:15: two days before is the last moment that is looked at
    live.add(("A8", "JAR", "Jar", 1, "1.005000", 7, "2024-07-08 18:00:00", "2024-07-08 18:14:59.999999"))
    assert live.pull().status == "nothing_new"
    live.add(("A9", "JAR", "Jar", 1, "1.005000", 7, "2024-07-08 18:00:00", "2024-07-08 18:15:00"))
    assert live.lines(live.pull()) == [("A9", "JAR", "1")]


def test_a_restated_row_brings_its_order_whole(live: LiveShop) -> None:
    live.pull()
    live.server.run(
        "update order_lines set quantity = 9, updated_at = '2024-07-11 08:00:00' where order_no = 'A1' and sku = 'TEA'"
    )
    pull = live.pull()
    # the line that stayed as it was comes along, ten days old: the order that comes again is complete
    assert live.lines(pull) == [("A1", "MUG", "1"), ("A1", "TEA", "9")]
    assert live.load().delivered_lines == 7
    assert live.pull().status == "nothing_new"


def test_a_line_that_left_an_order_leaves_it_with_the_next_change(live: LiveShop) -> None:
    live.pull()
    live.server.run("delete from order_lines where order_no = 'A3' and sku = 'JAR'")
    assert live.lines(live.pull()) == [("A3", "MUG", "4")]


def test_a_row_from_the_future_hides_nothing_that_comes_until_then(live: LiveShop) -> None:
    live.add(("A7", "TEA", "Tea caddy", 1, "3.95", 9, "2024-07-10 20:00:00", "2099-01-01 00:00:00"))
    assert "in the future" in (live.pull().notes or "")
    live.add(("A8", "TEA", "Tea caddy", 1, "3.95", 9, "2024-07-11 20:00:00", "2024-07-11 20:00:00"))
    assert live.lines(live.pull()) == [("A8", "TEA", "1")]


def test_rows_without_a_watermark_are_looked_at_each_time_and_come_when_they_change(live: LiveShop) -> None:
    live.add(("A7", "TEA", "Tea caddy", 1, "3.95", 9, "2024-01-10 20:00:00", None))
    pull = live.pull()
    assert pull.notes == "1 orders have rows without updated_at; they are looked at in every pull"
    assert live.pull().status == "nothing_new"
    live.server.run("update order_lines set quantity = 2 where order_no = 'A7'")
    assert live.lines(live.pull()) == [("A7", "TEA", "2")]


def test_rows_without_an_order_number_come_once(live: LiveShop) -> None:
    live.add((None, "TEA", "Tea caddy", 1, "3.95", 9, "2024-07-10 20:00:00", "2024-07-10 20:00:00"))
    pull = live.pull()
    assert (pull.delivered_lines, pull.notes) == (6, "1 rows have no order_no")
    assert live.pull().status == "nothing_new"


@pytest.mark.parametrize(
    ("column", "look_back", "seen"), [("line_id", 1, ["A3"]), ("day", 1, ["A2", "A3"])], ids=["number", "date"]
)
def test_a_whole_number_or_a_date_is_a_watermark_too(
    live: LiveShop, column: str, look_back: int, seen: list[str]
) -> None:
    live.said |= {
        "table": None,
        # a cast, a colon in a text, a percent sign and a semicolon are the query's own
        "query": "select o.*, cast(updated_at as date) as day, '12:30 :no %' as note from order_lines as o;",
        "watermark": column,
        "look_back": look_back,
    }
    assert live.pull().delivered_lines == 5
    again = live.pull()
    assert again.status == "nothing_new"
    assert again.pulled_lines == sum(line[0] in seen for line in FIRST_LINES)
    live.add(("B1", "TEA", "Tea caddy", 1, "3.95", 9, "2024-07-10 20:00:00", "2024-07-10 20:00:00"))
    assert live.lines(live.pull()) == [("B1", "TEA", "1")]


def test_all_of_it_again_on_request(live: LiveShop) -> None:
    live.pull()
    assert live.pull(full=True).delivered_lines == 5
    assert live.pull().status == "nothing_new"


def test_another_column_brings_all_again_and_puts_the_older_files_aside(live: LiveShop) -> None:
    live.said["columns"] = {name: header for name, header in COLUMNS.items() if name != "customer_id"}
    first = live.pull()
    live.load()
    live.said.clear()
    second = live.pull()
    assert second.delivered_lines == 5
    assert live.files() == [f"till/.replaced/{Path(first.file_name or '').name}", second.file_name]
    report = live.load()
    assert [file.problem for file in report.files] == [None]
    assert live.ask("select distinct customer_id from raw.transactions where _file_name like '%till-%' order by 1") == [
        ("501",),
        ("502",),
        (None,),
    ]


def sell_many(live: LiveShop) -> None:
    """Orders of three lines each, more than are fetched at once."""
    numbers = {
        "postgresql": f"generate_series(1, {MANY}) as n",
        "mariadb": f"(select seq as n from seq_1_to_{MANY}) as s",
    }
    live.server.run(
        "insert into order_lines (order_no, sku, name, quantity, price, ordered_at, updated_at) select "
        "concat('M', ceil(n / 3.0)), concat('S', n), 'A thing, in so many words that they fill a line or two', 1, 1, "
        f"'2024-07-12 10:00:00', '2024-07-12 10:00:00' from {numbers[live.server.scheme]}"
    )


def test_a_server_that_goes_half_way_leaves_nothing_and_the_next_pull_is_clean(live: LiveShop) -> None:
    first = live.pull()
    sell_many(live)
    known = live.ask("from databases.orders order by all")
    seen: list[str] = []

    def kill_when_rows_flow(told: str) -> None:
        if "rows pulled" in told and not seen:
            seen.append(told)
            live.server.kill()

    pull = live.pull(progress=kill_when_rows_flow)
    assert seen
    assert pull.status == "failed"
    assert "the connection was lost half-way" in (pull.problem or ""), pull.problem
    assert live.files() == [first.file_name]
    assert live.ask("from databases.orders order by all") == known
    assert not list((live.folder / "tmp").iterdir())
    down = live.pull()
    assert "can't be reached" in (down.problem or "")
    live.server.start()
    after = live.pull()
    assert (after.delivered_lines, after.delivered_orders) == (MANY, MANY // 3)
    assert live.pull().status == "nothing_new"


@pytest.mark.parametrize("moment", ["before the rename", "after the rename"])
def test_a_process_that_dies_around_the_rename_loses_nothing_and_brings_nothing_twice(
    live: LiveShop, moment: str
) -> None:
    def die_there() -> None:
        if moment == "before the rename":
            Path.rename = lambda self, target: os._exit(9)  # type: ignore[method-assign, assignment]
        else:
            state.finish = lambda con, pull_id: os._exit(9)
        live.pull()

    assert _in_a_process(die_there) == 9
    with live.state() as con:
        assert con.execute("select status from databases.pulls").fetchall() == [("landing",)]
    pull = live.pull()
    assert pull.status == ("delivered" if moment == "before the rename" else "nothing_new")
    assert len(live.files()) == 1
    assert live.load().delivered_lines == 5
    assert live.pull().status == "nothing_new"


KILLS = int(os.environ.get("REGULARS_KILLS", "4"))


def test_a_pull_that_is_killed_at_any_moment_loses_nothing_and_brings_nothing_twice(live: LiveShop) -> None:
    live.pull()
    sell_many(live)
    rng = random.Random(7)
    killed = 0
    for number in range(KILLS):
        told, tell = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=live.pull, kwargs={"progress": tell.send}, daemon=True
        )
        process.start()
        # by turns at each of its first words, and a random moment later
        for _ in range(1 + number % 3):
            told.recv()
        time.sleep(rng.uniform(0, 0.5))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        for name in live.files():
            if not Path(name).name.startswith("."):
                # nothing half has a name that is read
                assert pq.read_metadata(live.landing / name).num_rows > 0
    assert killed, "it was never killed while it pulled"
    live.pull()
    live.load()
    assert live.pull().status == "nothing_new"
    assert live.ask("select count(*), count(distinct (invoice, stock_code)) from raw.transactions") == [
        (MANY + 5, MANY + 5)
    ]
    assert not [name for name in live.files() if name.endswith(".partial")]


def _in_a_process(work: Callable[[], None]) -> int | None:
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    return process.exitcode


VALUES = {
    "postgresql": {
        # a blank makes an integer column a float one
        "17850::double precision": "17850",
        "0.1::double precision": "0.1",
        "'NaN'::double precision": None,
        "12345678901234567890.123456789012345::numeric": "12345678901234567890.123456789012345",
        "time '08:26:05'": "08:26:05",
        "date '2024-02-29'": "2024-02-29",
        "true": "true",
        "'0f0e0d0c-0b0a-4908-8706-050403020100'::uuid": "0f0e0d0c-0b0a-4908-8706-050403020100",
        "timestamp '2024-07-01 12:00:00.5'": "2024-07-01 12:00:00.500000",
        "timestamptz '2024-07-01 12:00:00+02'": "2024-07-01 10:00:00+00",
    },
    "mariadb": {
        "17850e0": "17850",
        "cast(1.123456789012345 as decimal(30, 15))": "1.123456789012345",
        "time '08:26:05'": "08:26:05",
        # a binary key: no two of them may read alike
        "unhex('FFFE00')": "fffe00",
        "timestamp '2024-07-01 12:00:00'": "2024-07-01 12:00:00",
        "cast('2024-07-01' as date)": "2024-07-01",
        # no date at all, and no reason to lose the line
        "cast('0000-00-00' as date)": "0000-00-00",
    },
}


def test_values_land_as_a_file_would_have_delivered_them(live: LiveShop) -> None:
    mapped = ("invoice", "stock_code", "unit_price", "invoice_date")
    live.said |= {"table": None, "columns": {**{name: COLUMNS[name] for name in mapped}, "description": "told"}}
    found = {}
    for expression in VALUES[live.server.scheme]:
        live.said["query"] = f"select o.*, {expression} as told from order_lines as o"
        (found[expression],) = {row["told"] for row in live.rows(live.pull())}
    assert found == VALUES[live.server.scheme]
