"""The sample history: believable, the same every time, and its truth a truth.

The rules of the design are written out here a second time, in plain Python, and
applied to the files as delivered. The truth was counted from what the generator
meant to write; where both agree, neither had to know the other.
"""

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import RegularsError
from warehouse.sample import SampleTruth, read_truth, truth_path, write_sample_history

NON_PRODUCT = re.compile(r"POST|DOT|M|D|S|C2|C3|B|BANK CHARGES|AMAZONFEE|CRUK|SP1002|GIFT.*|ADJUST.*|TEST.*")


@dataclass(frozen=True)
class Line:
    invoice: str
    stock_code: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str

    @property
    def amount(self) -> Decimal:
        return self.quantity * self.price


@dataclass(frozen=True)
class Sorted:
    """A landing folder under the design's rules."""

    delivered_lines: int
    by_disposition: dict[str, list[Line]]

    @property
    def sales(self) -> list[Line]:
        return self.by_disposition["sale"]

    @property
    def returns(self) -> list[Line]:
        return self.by_disposition["return"]

    @property
    def readable(self) -> list[Line]:
        return [line for lines in self.by_disposition.values() for line in lines]


def sort_by_the_rules(landing: Path) -> Sorted:
    found: dict[str, list[Line]] = defaultdict(list)
    delivered = 0
    seen: set[Line] = set()
    for path in sorted(landing.glob("2*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            for row in rows:
                delivered += 1
                line = read_line(row)
                if line is None:
                    found["unreadable"] = []
                    continue
                found[disposition(line, seen)].append(line)
                seen.add(line)
    return Sorted(delivered, found)


def read_line(row: list[str]) -> Line | None:
    if len(row) != 8:
        return None
    invoice, code, description, quantity, at, price, customer, country = row
    if not re.fullmatch(r"-?\d+", quantity) or not re.fullmatch(r"-?\d+(\.\d+)?", price):
        return None
    return Line(
        invoice,
        code.strip().upper(),
        description.strip(),
        int(quantity),
        datetime.fromisoformat(at),
        Decimal(price),
        customer.removesuffix(".0"),
        country,
    )


def disposition(line: Line, seen: set[Line]) -> str:
    if line in seen:
        return "duplicate"
    if line.invoice.startswith("A"):
        return "adjustment"
    if NON_PRODUCT.fullmatch(line.stock_code):
        return "non_product"
    if line.invoice.startswith("C"):
        return "return"
    if line.quantity <= 0:
        return "non_positive_quantity"
    return "sale" if line.price > 0 else "non_positive_price"


def match_by_the_rules(found: Sorted) -> dict[Line, list[tuple[Line, int]]]:
    """Each return, in order of time: the exact remaining quantity first, then newest first."""
    bought: dict[tuple[str, str, Decimal], list[Line]] = defaultdict(list)
    for line in found.sales:
        bought[line.customer, line.stock_code, line.price].append(line)
    remaining = {id(line): line.quantity for line in found.sales}
    matches: dict[Line, list[tuple[Line, int]]] = {}
    for back in sorted(found.returns, key=lambda line: (line.at, line.invoice, line.stock_code)):
        matches[back] = []
        open_units = -back.quantity
        if not back.customer:
            continue
        candidates = [
            line
            for line in bought[back.customer, back.stock_code, back.price]
            if line.at <= back.at and remaining[id(line)] > 0
        ]
        candidates.sort(key=lambda line: (remaining[id(line)] != open_units, -line.at.timestamp(), line.quantity))
        for line in candidates:
            units = min(open_units, remaining[id(line)])
            if units > 0:
                remaining[id(line)] -= units
                open_units -= units
                matches[back].append((line, units))
    return matches


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, SampleTruth, Sorted]]:
    landing = tmp_path_factory.mktemp("small") / "landing"
    truth = write_sample_history(landing, seed=11, days=240, scale=0.08)
    yield landing, truth, sort_by_the_rules(landing)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, SampleTruth, float]]:
    """The history that `make run` writes, as typed kept lines, and how long it took to write."""
    landing = tmp_path_factory.mktemp("full") / "landing"
    started = time.perf_counter()
    truth = write_sample_history(landing)
    took_seconds = time.perf_counter() - started
    con = duckdb.connect()
    con.execute(
        """
        create table kept as
        select distinct
            InvoiceNo as invoice, upper(trim(StockCode)) as stock_code, trim(coalesce(Description, '')) as description,
            cast(Quantity as bigint) as quantity, cast(InvoiceDate as timestamp) as sold_at,
            cast(UnitPrice as decimal(18, 4)) as price, split_part(CustomerID, '.', 1) as customer, Country as country
        from read_csv(
            $files, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', ignore_errors = true,
            columns = {
                InvoiceNo: 'varchar', StockCode: 'varchar', Description: 'varchar', Quantity: 'varchar',
                InvoiceDate: 'varchar', UnitPrice: 'varchar', CustomerID: 'varchar', Country: 'varchar'
            }
        )
        where try_cast(Quantity as bigint) is not null and try_cast(UnitPrice as decimal(18, 4)) is not null
            and InvoiceNo not like 'A%' and not regexp_full_match(upper(trim(StockCode)), $fees)
            and (InvoiceNo like 'C%' or (Quantity::bigint > 0 and UnitPrice::decimal(18, 4) > 0))
        """,
        {"files": str(landing / "2*.csv"), "fees": NON_PRODUCT.pattern},
    )
    yield con, truth, took_seconds
    con.close()


def folder_digest(landing: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(landing.iterdir()):
        digest.update(path.name.encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()


def test_every_line_falls_where_it_was_meant_to(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, found = small
    counts = {name: len(lines) for name, lines in found.by_disposition.items()}
    counts["unreadable"] = found.delivered_lines - sum(counts.values())
    assert counts == truth.line_counts
    assert found.delivered_lines == truth.delivered_lines == sum(truth.line_counts.values())
    assert all(count > 0 for count in counts.values())


def test_amounts_agree_to_the_penny(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, found = small
    amounts = {name: sum((line.amount for line in lines), Decimal(0)) for name, lines in found.by_disposition.items()}
    del amounts["unreadable"]
    assert amounts == truth.amounts
    assert truth.gross_amount == amounts["sale"]
    assert truth.net_amount == amounts["sale"] + amounts["return"]


def test_net_amounts_by_month_agree(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, found = small
    by_month: dict[str, Decimal] = defaultdict(Decimal)
    for line in found.sales + found.returns:
        by_month[f"{line.at:%Y-%m}"] += line.amount
    assert dict(by_month) == truth.net_amount_by_month


def test_counts_of_customers_invoices_and_codes_agree(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, found = small
    orders: dict[str, set[str]] = defaultdict(set)
    for line in found.sales:
        orders[line.customer].add(line.invoice)
    guests = orders.pop("")
    returners = {line.customer for line in found.returns} - {""}
    assert truth.customers_with_sales == len(orders)
    assert truth.one_time_customers == sum(len(invoices) == 1 for invoices in orders.values())
    assert truth.customers_with_returns_only == len(returners - set(orders))
    assert truth.customers == len({line.customer for line in found.readable} - {""})
    assert truth.sale_invoices == len(guests.union(*orders.values()))
    assert truth.invoices == len({line.invoice for line in found.readable})
    assert truth.lines_without_customer == sum(not line.customer for line in found.readable)
    assert truth.lines_without_description == sum(not line.description for line in found.readable)
    assert truth.stock_codes_sold == len({line.stock_code for line in found.sales})
    assert truth.countries == tuple(sorted({line.country for line in found.sales + found.returns}))
    assert set(truth.customers_gone) < set(orders)


def test_returns_match_as_they_were_meant_to(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, found = small
    matches = match_by_the_rules(found)
    matched_units = sum(units for reversed_lines in matches.values() for _, units in reversed_lines)
    returned_units = -sum(line.quantity for line in found.returns)
    assert truth.matched_units == matched_units
    assert truth.unmatched_units == returned_units - matched_units
    assert sum(case.matched_amount for case in truth.return_cases) == sum(
        units * line.price for reversed_lines in matches.values() for line, units in reversed_lines
    )
    assert sum(case.matched_amount + case.unmatched_amount for case in truth.return_cases) == -truth.return_amount
    assert sum(case.line_count for case in truth.return_cases) == truth.line_counts["return"]


def test_each_example_reverses_the_purchase_it_names(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, found = small
    by_key = {(back.invoice, back.stock_code): (back, found) for back, found in match_by_the_rules(found).items()}
    for example in truth.return_examples:
        back, reversed_lines = by_key[example.return_invoice, example.stock_code]
        assert (back.customer or None, back.price, -back.quantity) == (
            example.customer_id,
            example.unit_price,
            example.returned_units,
        ), example
        assert sum(units for _, units in reversed_lines) == example.matched_units, example
        assert tuple(line.invoice for line, _ in reversed_lines) == example.purchase_invoices, example


def test_every_case_of_return_occurs(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, _ = small
    cases = {case.case: case for case in truth.return_cases}
    in_full = {"full", "part", "returned_twice_first", "two_parts_first", "two_parts_rest", "exact_older"}
    in_full |= {"newest_first", "over_two_purchases", "cancelled_order", "cancelled_basket"}
    in_part = {"more_than_bought", "between_purchases"}
    not_at_all = {"returned_twice_again", "before_purchase", "before_history", "customer_with_returns_only"}
    not_at_all |= {"no_customer"}
    assert set(cases) == in_full | in_part | not_at_all
    assert all(cases[name].matched_units == cases[name].returned_units for name in in_full)
    assert all(0 < cases[name].matched_units < cases[name].returned_units for name in in_part)
    assert all(cases[name].matched_units == 0 for name in not_at_all)


def test_huge_orders_are_cancelled_within_minutes_and_leave_next_to_nothing(
    small: tuple[Path, SampleTruth, Sorted],
) -> None:
    _, truth, found = small
    assert len(truth.cancelled_orders) == 2
    for order in truth.cancelled_orders:
        bought = [line for line in found.sales if line.invoice == order.invoice]
        back = [line for line in found.returns if line.invoice == order.cancel_invoice]
        assert sum(line.amount for line in bought) == order.amount == -sum(line.amount for line in back)
        assert (back[0].at - bought[0].at).total_seconds() == 60 * order.minutes_later
        net = sum(line.amount for line in found.sales + found.returns if line.customer == order.customer_id)
        assert net == order.customer_net_amount < 5
    usual = truth.gross_amount / truth.trading_days
    assert min(order.amount for order in truth.cancelled_orders) > 3 * usual


def test_nothing_is_dated_on_a_closed_day(small: tuple[Path, SampleTruth, Sorted]) -> None:
    _, truth, found = small
    days = {line.at.date() for line in found.readable}
    assert all(day.weekday() != truth.closed_weekday for day in days)
    assert not days & set(truth.silent_dates)
    assert not days & {date(2023, 12, 25), date(2024, 1, 1), date(2024, 3, 29)}
    assert all(silent.weekday() < 4 for silent in truth.silent_dates)
    span = (truth.last_date - truth.first_date).days + 1
    assert truth.closed_days == span - len(days)
    assert truth.trading_days == len({line.at.date() for line in found.sales})


def test_a_days_file_repeats_the_end_of_the_day_before_once(small: tuple[Path, SampleTruth, Sorted]) -> None:
    landing, _, _ = small
    strays = Counter()
    for path in landing.glob("2*.csv"):
        strays.update(
            path.stem for line in path.read_text(encoding="utf-8").splitlines()[1:] if f",{path.stem} " not in line
        )
    # ragged lines have no date; the overlap is forty lines in one file
    assert [count for count in strays.values() if count > 5] == [40]


def test_the_usual_dirt_is_there(small: tuple[Path, SampleTruth, Sorted]) -> None:
    landing, truth, found = small
    text = "".join(path.read_text(encoding="utf-8") for path in landing.glob("2*.csv"))
    codes = {line.stock_code for line in found.readable}
    assert {"POST", "C2", "DOT", "M", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "ADJUST", "TEST001"} <= codes
    assert {"PADS", "DCGS0003"} <= {line.stock_code for line in found.sales}
    assert "GIFT_0001_20" in codes
    assert "GIFT VOUCHER £20.00" in text
    assert re.search(r",\d{5}[a-e],", text), "no lower-case stock code"
    assert re.search(r"[A-Z] ,-?\d+,", text), "no trailing space"
    assert ',"""' in text, "no quotes in a description"
    assert ",0.001," in text, "no price below a penny"
    assert any(line.quantity == 0 for line in found.by_disposition["non_positive_quantity"])
    assert any(line.customer for line in found.by_disposition["non_positive_price"])
    assert any(line.price < 0 for line in found.by_disposition["adjustment"])
    notes = {line.description for line in found.by_disposition["non_positive_quantity"]}
    assert {"thrown away", "?", ""} <= notes
    assert truth.near_repeats > 0
    assert all(truth.duplicates_of[name] > 0 for name in ("sale",))
    assert sum(truth.duplicates_of.values()) == truth.line_counts["duplicate"]


def test_landing_holds_delivered_files_only(small: tuple[Path, SampleTruth, Sorted]) -> None:
    landing, truth, _ = small
    names = [path.name for path in landing.iterdir()]
    daily = [name for name in names if re.fullmatch(r"20\d\d-\d\d-\d\d\.csv", name)]
    assert sorted(set(names) - set(daily)) == ["customers.csv"]
    assert len(daily) == truth.transaction_files
    assert sorted(path.name for path in landing.parent.iterdir()) == ["landing", "sample_truth.json"]
    assert not any(b"\r" in path.read_bytes() for path in landing.iterdir())


def test_the_customers_file_knows_every_buyer_and_no_name(small: tuple[Path, SampleTruth, Sorted]) -> None:
    landing, truth, found = small
    with (landing / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["Customer_ID", "Age", "Gender", "Location"]
    ids = [row["Customer_ID"] for row in rows]
    assert len(ids) == len(set(ids)) == truth.customer_file_lines
    assert {line.customer for line in found.readable} - {""} < set(ids)
    assert any(row["Age"] == "" for row in rows)
    assert all(18 <= int(row["Age"]) <= 92 for row in rows if row["Age"])


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name / "landing" for name in ("a", "b", "c"))
    truth = write_sample_history(first, seed=3, days=60, scale=0.02)
    assert write_sample_history(second, seed=3, days=60, scale=0.02) == truth
    write_sample_history(other, seed=4, days=60, scale=0.02)
    assert folder_digest(first) == folder_digest(second) != folder_digest(other)
    assert truth_path(first).read_bytes() == truth_path(second).read_bytes()


def test_the_bytes_are_those_of_other_machines(tmp_path: Path) -> None:
    # written down once; a change to the generator, or a numpy with other streams, changes it and should be noticed
    write_sample_history(tmp_path / "landing", seed=3, days=60, scale=0.02)
    assert folder_digest(tmp_path / "landing") == "ef16bbc91832132a3bf5b156d35db447136cc188aee38428ecdc813ca9b30303"


@pytest.mark.parametrize("seed", range(4))
def test_the_truth_holds_for_the_smallest_history_of_any_seed(tmp_path: Path, seed: int) -> None:
    landing = tmp_path / "landing"
    truth = write_sample_history(landing, seed=seed, days=60, scale=0.01)
    found = sort_by_the_rules(landing)
    counts = {name: len(lines) for name, lines in found.by_disposition.items() if name != "unreadable"}
    assert counts == {name: count for name, count in truth.line_counts.items() if name != "unreadable" and count}
    assert found.delivered_lines == truth.delivered_lines
    matched = match_by_the_rules(found)
    assert truth.matched_units == sum(units for lines in matched.values() for _, units in lines)


def test_the_truth_reads_back_as_it_was_written(small: tuple[Path, SampleTruth, Sorted]) -> None:
    landing, truth, _ = small
    assert read_truth(landing) == truth
    assert json.loads(truth_path(landing).read_text(encoding="utf-8"))["delivered_lines"] == truth.delivered_lines
    assert replace(truth, seed=12) != truth


def test_a_missing_or_damaged_truth_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(RegularsError, match="was not written as a sample history"):
        read_truth(tmp_path / "landing")
    truth_path(tmp_path / "landing").write_text('{"seed": 1}')
    with pytest.raises(RegularsError, match="is damaged"):
        read_truth(tmp_path / "landing")


def test_a_landing_with_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "till.csv").write_text("mine")
    with pytest.raises(RegularsError, match=r"already holds till\.csv"):
        write_sample_history(landing, days=60, scale=0.01)
    assert [path.name for path in tmp_path.iterdir()] == ["landing"]
    assert (landing / "till.csv").read_text() == "mine"


def test_an_empty_landing_and_the_rest_of_a_killed_run_are_no_obstacle(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    left_over = tmp_path / ".landing.partial"
    left_over.mkdir()
    (left_over / "2023-12-01.csv").write_text("half a li")
    truth = write_sample_history(landing, days=60, scale=0.01)
    assert not left_over.exists()
    assert len(list(landing.glob("2*.csv"))) == truth.transaction_files


def test_a_killed_run_leaves_no_half_sample(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    code = "import pathlib, sys, warehouse.sample as s; s.write_sample_history(pathlib.Path(sys.argv[1]), scale=0.1)"
    process = subprocess.Popen([sys.executable, "-c", code, str(landing)])
    partial = tmp_path / ".landing.partial"
    deadline = time.monotonic() + 60
    while not (partial.exists() and len(list(partial.glob("*.csv"))) > 20):
        assert process.poll() is None, "it was done before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not landing.exists()
    assert partial.exists()


def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegularsError, match="is a file"):
        write_sample_history(tmp_path / "file", days=60, scale=0.01)
    with pytest.raises(RegularsError, match="can't be written"):
        write_sample_history(tmp_path / "file" / "landing", days=60, scale=0.01)


@pytest.mark.parametrize(("days", "scale"), [(59, 1.0), (60, 0.0), (60, 1000.0)])
def test_sizes_out_of_range_are_refused(tmp_path: Path, days: int, scale: float) -> None:
    with pytest.raises(ValueError, match="sample history"):
        write_sample_history(tmp_path / "landing", days=days, scale=scale)
    assert list(tmp_path.iterdir()) == []


Full = tuple[duckdb.DuckDBPyConnection, SampleTruth, float]


def test_the_full_history_is_half_a_million_lines_in_two_years(full: Full) -> None:
    con, truth, took_seconds = full
    assert 450_000 < truth.delivered_lines < 600_000
    assert (truth.first_date, truth.last_date) == (date(2023, 12, 1), date(2025, 11, 30))
    assert con.execute("select count(*), sum(quantity * price) from kept").fetchone() == (
        truth.line_counts["sale"] + truth.line_counts["return"],
        truth.net_amount,
    )
    # 2.3 to 3 s here; the bound is for a machine with much else to do
    assert took_seconds < 20


def test_the_full_history_is_shaped_like_a_shop(full: Full) -> None:
    con, truth, _ = full
    assert 4_000 <= truth.customers_with_sales <= 5_000
    # the real shop: 35 % on one day only, UK about 84 % of net, 25 % of lines without customer
    assert 0.25 < truth.one_time_customers / truth.customers_with_sales < 0.45
    assert 0.15 < truth.lines_without_customer / truth.delivered_lines < 0.3
    assert len(truth.countries) >= 33
    assert {"EIRE", "RSA", "USA", "Unspecified", "Channel Islands"} <= set(truth.countries)
    home = con.execute("select sum(quantity * price) filter (country = 'United Kingdom') from kept").fetchone()
    assert home is not None
    assert Decimal("0.8") < home[0] / truth.net_amount < Decimal("0.93")
    assert 0.4 < len(truth.customers_gone) / truth.customers_with_sales < 0.75
    autumn = sum(truth.net_amount_by_month[month] for month in ("2025-09", "2025-10", "2025-11"))
    spring = sum(truth.net_amount_by_month[month] for month in ("2025-03", "2025-04", "2025-05"))
    assert autumn > Decimal("1.4") * spring


def test_injected_days_stand_out_and_cancelled_orders_do_not(full: Full) -> None:
    con, truth, _ = full
    daily = dict(con.execute("select sold_at::date, sum(quantity * price)::double from kept group by 1").fetchall())
    days = sorted(daily)

    def score(day: date) -> float:
        window = [daily[each] for each in days if each < day][-28:]
        mean = sum(window) / 28
        deviation = (sum((value - mean) ** 2 for value in window) / 27) ** 0.5
        return (daily[day] - mean) / deviation

    # drops sit lower than spikes: revenue can't fall below nothing, which is about three deviations away
    for event in truth.events:
        if event.direction == "spike":
            assert score(event.date) > 6, event.name
        elif event.direction == "drop":
            assert score(event.date) < -2.8, event.name
        else:
            assert event.date not in daily
    assert {event.direction for event in truth.events} == {"spike", "drop", "silence"}
    for order in truth.cancelled_orders:
        assert abs(score(order.date)) < 2


def test_events_are_made_of_the_lines_they_name(full: Full) -> None:
    con, truth, _ = full
    for event in truth.events:
        if event.name in ("bulk_order", "bulk_order_abroad", "craze", "export_burst"):
            assert con.execute(
                "select sum(quantity * price), count(distinct sold_at::date) from kept where invoice in $1",
                [list(event.invoices)],
            ).fetchone() == (event.gross_amount, 1), event.name
    craze = next(event for event in truth.events if event.name == "craze")
    assert len(craze.stock_codes) == 1
    burst = next(event for event in truth.events if event.name == "export_burst")
    assert burst.countries == ("Germany",)


def test_paired_products_are_bought_together(full: Full) -> None:
    con, truth, _ = full
    lifts = con.execute(
        """
        with baskets as (select distinct invoice, stock_code from kept where quantity > 0),
        size as (select count(distinct invoice) as baskets from baskets),
        sold as (select stock_code, count(*) as baskets from baskets group by all having count(*) > 100),
        pairs as (select unnest($1) as first, unnest($2) as second),
        together as (
            select pairs.first, pairs.second, count(*) as baskets
            from pairs
            join baskets as a on a.stock_code = pairs.first
            join baskets as b on b.stock_code = pairs.second and b.invoice = a.invoice
            group by all
        )
        select together.baskets * size.baskets / (a.baskets * b.baskets) as lift
        from together, size
        join sold as a on a.stock_code = together.first
        join sold as b on b.stock_code = together.second
        """,
        [[pair.stock_code for pair in truth.product_pairs], [p.companion_stock_code for p in truth.product_pairs]],
    ).fetchall()
    assert len(lifts) > 30
    # unrelated products of one taste come to a lift of about 2 to 4
    assert min(lift for (lift,) in lifts) > 5
