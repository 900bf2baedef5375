"""What is told when a refresh is over: above all, what is known when it stopped.

Each test writes the few tables that a summary reads by hand, so that no pipeline runs.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from orchestration.refresh import RefreshOutcome
from orchestration.summary import print_outcome, print_status, where_to_look
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.loading import ensure_raw_schema

NO_LINES = "raw/sales_lines: raw.sales_lines: no lines at all"
BLOCK = """[[landing.sources]]
files = "orders_export.csv"
columns = { invoice = "Name", customer_id = "" }"""
PROBLEM = f"orders_export.csv: column missing: customer_id; paste this into regulars.toml and fill it in:\n{BLOCK}"

Deliver = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with an empty ledger and no line."""
    empty = Home(tmp_path)
    with duckdb.connect(str(empty.warehouse)) as connection:
        ensure_raw_schema(connection)
    return empty


@pytest.fixture
def deliver(home: Home) -> Deliver:
    """Write one row of the ledger."""
    given = 0

    def write(file_name: str, status: str = "loaded", **columns: object) -> None:
        nonlocal given
        given += 1
        row = {
            "load_id": given,
            "file_name": file_name,
            "recorded_at": "2024-09-01 10:00:00",
            "status": status,
            "kind": None if status == "rejected" else "transactions",
            "delivered_lines": 0 if status == "rejected" else 3,
        } | columns
        run(
            home,
            f"insert into quality.load_ledger ({', '.join(row)}) values ({', '.join(f'${name}' for name in row)})",
            row,
        )

    return write


def run(home: Home, sql: str, parameters: dict[str, object] | None = None) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(sql, parameters)


def told(tell: Callable[[Console], None], width: int = 200) -> str:
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, width=width)
    tell(console)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def refused(home: Home, *steps: str, problems: Sequence[str] = (NO_LINES,), width: int = 200) -> str:
    """What a run says that stopped in the last of these steps."""
    outcome = RefreshOutcome(
        run_id="0123456789",
        succeeded=False,
        nothing_new=False,
        seconds_by_step=dict.fromkeys(("load_landing_files", *steps), 1.0),
        problems=list(problems),
    )
    return told(lambda console: print_outcome(console, home, outcome), width)


def test_the_commands_that_follow_show_the_home_that_was_refreshed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path / "shop"))
    shop, tried = Home(tmp_path / "shop"), Home(tmp_path / "tried")
    assert "`make serve` (dashboard), `make ui` (" in where_to_look(shop)
    # which `make serve` does not show
    assert f"`.venv/bin/regulars serve --home {tried.root}` (dashboard)" in where_to_look(tried)
    shop.sample.published.parent.mkdir(parents=True)
    shop.sample.published.touch()
    assert "`make serve` (dashboard)" in where_to_look(shop.sample)


def test_a_refusal_names_the_file_and_what_to_type(home: Home, deliver: Deliver) -> None:
    deliver("orders_export.csv", "rejected", problem=PROBLEM)
    said = refused(home, "validate_raw")
    assert NO_LINES in said
    assert "1 rejected" in said
    # every line of the block as it is, so that it can be pasted, however narrow the terminal
    assert PROBLEM in said
    assert PROBLEM in refused(home, "validate_raw", width=40)


def test_a_file_whose_message_the_check_told_whole_is_not_told_twice(home: Home, deliver: Deliver) -> None:
    deliver("orders_export.csv", "rejected", problem=PROBLEM)
    deliver("other.csv", "rejected", problem="other.csv: the file is empty (0 bytes)")
    said = refused(home, "validate_raw", problems=[f"{NO_LINES}: {PROBLEM}"])
    assert said.count("[[landing.sources]]") == 1
    assert said.count("other.csv") == 1
    assert "2 rejected" in said


def test_a_refusal_for_want_of_sales_says_what_came_instead(home: Home, deliver: Deliver) -> None:
    deliver("customers.csv", kind="customers")
    assert "No file of sales was loaded, only 1 of customers (customers.csv)" in refused(home, "validate_raw")
    deliver("sales.csv")
    assert "No file of sales" not in refused(home, "validate_raw")


def test_files_are_told_one_by_one_and_a_block_that_fits_all_of_them_once(home: Home, deliver: Deliver) -> None:
    for number in range(23):
        deliver(
            f"day-{number:02}.csv", "rejected", problem=PROBLEM.replace("orders_export.csv", f"day-{number:02}.csv")
        )
    said = refused(home, "validate_raw")
    assert [f"day-{number:02}.csv: column missing: customer_id" in said for number in range(23)] == [True] * 20 + [
        False
    ] * 3
    assert "… and 3 more in quality.load_ledger" in said
    assert said.count("[[landing.sources]]") == 1
    assert said.count("the same lines as for day-00.csv, with the name of this file") == 19


def test_a_rejected_file_that_is_mended_or_gone_is_not_repeated(home: Home, deliver: Deliver) -> None:
    deliver("gone.csv", "rejected", problem="gone.csv: it is empty", is_in_landing=False)
    deliver("mended.csv", "rejected", problem="mended.csv: it is empty")
    deliver("mended.csv")
    said = refused(home, "validate_raw")
    assert "it is empty" not in said
    assert "rejected" not in said


def test_a_run_that_stopped_after_loading_tells_which_lines_no_reader_could_split(home: Home, deliver: Deliver) -> None:
    deliver("a.csv")
    run(
        home,
        """
        insert into raw.transactions (_line_id, _load_id, _file_name, _row_number, _problem)
        values (1, 1, 'a.csv', 2, null), (2, 1, 'a.csv', 3, 'found 3 fields, expected 8'),
            (3, 1, 'a.csv', 4, 'found 3 fields, expected 8'), (4, 2, 'b.csv', 9, 'found 3 fields, expected 8')
        """,
    )
    said = refused(home, "validate_raw", problems=["too many lines"])
    read, unreadable = (next(line for line in said.splitlines() if word in line) for word in (" read", "unreadable"))
    assert read.split()[0] == "1"
    assert unreadable.split()[0] == "3"
    assert "found 3 fields, expected 8; a.csv line 3, in 2 files" in unreadable


def test_a_run_that_stopped_after_typing_tells_what_would_not_read_and_the_amount_so_far(home: Home) -> None:
    run(
        home,
        """
        create schema staging;
        create table staging.stg_transactions as
        select * from (
            values
                (null, 12.50, 1, 'a.csv', 2), (null, 3.00, 1, 'a.csv', 3),
                ('quantity "many" is no number', null, 1, 'a.csv', 4)
        ) as lines (unreadable_reason, signed_amount, load_id, file_name, row_number)
        """,
    )
    lines = [line.split(maxsplit=2) for line in refused(home, "validate_raw", "validate_staging").splitlines()]
    assert ["2", "£15.50", "read"] in [[part.strip() for part in line] for line in lines]
    assert ["1", "–", 'unreadable: quantity "many" is no number; a.csv line 4'] in [
        [part.strip() for part in line] for line in lines
    ]


def accounted(home: Home) -> None:
    """Twelve lines, six of them kept; a fee, gifts and one amount that no number can be made of."""
    run(
        home,
        """
        create schema marts;
        create table marts.row_accounting as
        select * from (
            values ('sale', true, 5, 100.00, 0), ('return', true, 1, -10.00, 0), ('non_product', false, 3, 12.00, 0),
                ('non_positive_price', false, 2, 0.00, 0), ('unreadable', false, 1, 0.00, 0),
                ('duplicate', false, 0, 0.00, 0)
        ) as rows (disposition, is_kept, row_count, gross_amount, derived_row_count);
        create table marts.order_totals (
            source varchar, told_as varchar, order_count bigint, reconciled_order_count bigint
        );
        create table marts.order_versions (source varchar, invoice_no varchar, is_as_newest bool, is_replaced bool);
        create table marts.source_profiles as
        select 'transactions' as source, 'plain' as profile, 'no number begins with C' as evidence, 2 as file_count,
            12 as line_count;
        create table marts.set_aside_reasons as
        select * from (
            values
                ('unreadable', 'unit price is no number', 1, 0.00, 1, '12,50 kg', 0, 0, 1, 'a.csv', 7),
                ('non_product', 'postage', 3, 12.00, 0, null, 3, 1, 2, 'a.csv', 4),
                ('non_positive_price', 'given away', 2, 0.00, 0, null, 1, 0, 1, 'b.csv', 9)
        ) as rows (
            disposition, reason, line_count, amount, lines_without_amount, example_amount_text, customer_count,
            lost_customer_count, file_count, example_file_name, example_row_number
        )
        """,
    )


def test_a_run_that_stopped_after_the_marts_tells_where_every_line_went(home: Home, deliver: Deliver) -> None:
    deliver("a.csv", clock="UTC offset, converted to Europe/London")
    deliver("b.csv")
    accounted(home)
    said = refused(home, "validate_raw", "validate_staging", "validate_marts")
    lines = [" ".join(line.split()) for line in said.splitlines()]
    for line in ("sale 5 £100.00", "return 1 −£10.00", "set aside 6 £12.00", "delivered 12 £102.00"):
        assert line in lines
    # largest first, with the money, the customers who are nowhere else, and where to look
    at = lines.index("lines amount Set aside because")
    assert lines[at + 1 : at + 4] == [
        "3 £12.00 non product: postage; 3 customers, 1 of them with no line kept; a.csv line 4, in 2 files",
        "2 £0.00 non positive price: given away; 1 customer; b.csv line 9",
        "1 – unreadable: unit price is no number; no amount, such as “12,50 kg”; a.csv line 7",
    ]
    assert "Sources transactions: profile plain (no number begins with C); 2 files, 12 lines" in lines
    assert "Times UTC offset, converted to Europe/London (1 file)" in lines


def test_exports_tell_what_was_checked_what_came_again_and_what_none_of_them_knows(
    home: Home, deliver: Deliver
) -> None:
    deliver("orders_export.csv")
    accounted(home)
    # order 1 came in three files, twice with other lines than the newest has; 3 is in one newest file
    run(
        home,
        """
        update marts.row_accounting set derived_row_count = 1 where disposition = 'return';
        insert into marts.source_profiles values ('shopify_orders', 'plain', 'an export', 3, 9);
        insert into marts.order_totals values
            ('shopify_orders', 'Subtotal', 1200, 1199), ('ebay_orders', 'Sold For', 7, 7),
            ('ebay_orders', 'Total Price', 1, 1);
        insert into marts.order_versions values
            ('shopify_orders', '1', false, true), ('shopify_orders', '1', false, true),
            ('shopify_orders', '1', true, false), ('shopify_orders', '2', true, true),
            ('shopify_orders', '2', true, false), ('square_items', '9', true, true);
        insert into quality.source_limits values
            ('etsy_order_items', 'etsy_order_items', 'Etsy sold order items', 'times', 'No times.'),
            ('etsy_order_items', 'etsy_order_items', 'Etsy sold order items', 'refunds', 'No refunds.'),
            ('shopify_orders', 'shopify_orders', 'Shopify orders', 'refund_dates', 'No days.')
        """,
    )
    lines = [" ".join(line.split()) for line in refused(home, "validate_marts").splitlines()]
    at = lines.index(
        "Checked ebay_orders: 7 of 7 orders add up to their Sold For; 1 of 1 order adds up to its Total Price"
    )
    assert lines[at + 1 : at + 6] == [
        "shopify_orders: 1,199 of 1,200 orders add up to their Subtotal",
        "Came again shopify_orders: 2 orders came again in a newer file and were replaced, 1 of them with other lines",
        "square_items: 1 order came again in a newer file and was replaced, none with other lines",
        "Limits etsy_order_items doesn't show: refunds, times of day",
        "shopify_orders doesn't show: when a refund was made",
    ]
    assert "· 1 of these lines is not a row of a file: a refund in a column of the sale's row" in lines


def test_a_shop_without_exports_is_told_nothing_of_them(home: Home, deliver: Deliver) -> None:
    deliver("a.csv")
    accounted(home)
    said = refused(home, "validate_marts")
    for word in ("Checked", "Came again", "doesn't show", "not a row of a file"):
        assert word not in said


def test_marts_of_an_earlier_run_are_not_told_of_one_that_stopped_before_them(home: Home) -> None:
    accounted(home)
    assert "postage" not in refused(home, "validate_raw")


def test_reasons_that_are_too_many_are_added_up(home: Home) -> None:
    accounted(home)
    run(
        home,
        """
        insert into marts.set_aside_reasons
        select 'non_product', 'code ' || n, 1, 1.00, 0, null, 0, 0, 1, 'c.csv', n from range(20) as t (n)
        """,
    )
    said = refused(home, "validate_marts")
    # fifteen of 23 are told; what is left are 8 lines
    rest = next(line for line in said.splitlines() if "more reasons" in line)
    assert rest.split() == ["8", "8", "more", "reasons,", "in", "marts.set_aside_reasons"]


def test_a_file_that_another_process_took_is_one_more_thing_to_know(home: Home) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        said = refused(home, "validate_raw")
        # what waited for a refresh may have the file before its summary reads it; all is published the same
        published = told(
            lambda console: print_outcome(console, home, RefreshOutcome("run", succeeded=True, nothing_new=False))
        )
        assert f"PID {holder.pid}" in said
        assert f"PID {holder.pid}" in published
        holder.stdin.close()
    assert NO_LINES in said
    assert f"Published {home.published}" in published


def test_status_tells_of_rejected_files_even_before_anything_is_published(home: Home, deliver: Deliver) -> None:
    deliver("orders_export.csv", "rejected", problem=PROBLEM)

    def tell(console: Console) -> None:
        with pytest.raises(RegularsError, match="Nothing is published"):
            print_status(console, home)

    assert PROBLEM in told(tell)
