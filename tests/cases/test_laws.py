"""Laws that hold for any shop: any style of number or date, any placeholder, any order of arrival.

Each example is a landing folder with many made-up files, loaded as a refresh does and typed by
the project's own SQL; the models' fits and the publication, which no law here speaks of, are
left out. What is right follows from how an example was made, never from the code.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.cases.shop import NOBODY, Case, Row, csv_text, line
from tests.dbt_project.conftest import Dbt, ask, dbt, explain  # noqa: F401
from warehouse.home import Home
from warehouse.loading import ensure_raw_schema, load_landing
from warehouse.pseudonyms import keep_key
from warehouse.settings import Settings, load_settings

LOADED_AT = datetime(2026, 1, 1)
TYPED = ("path:models/staging",)
COUNTED = ("path:models/staging", "+customer_rfm", "+fct_invoices")

a_few = settings(
    # each with dozens of files or hundreds of lines
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    # an example takes seconds, so that a failing one is shown as it is
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Bench:
    """Loads landing folders and runs the SQL on them; ``seeded`` is a warehouse with seeds and no line."""

    dbt: Dbt
    seeded: Path

    @contextmanager
    def run(self, batches: Sequence[Sequence[Case]], models: Sequence[str]) -> Iterator[Path]:
        """The warehouse after the batches of deliveries came one by one, each loaded before the next."""
        with tempfile.TemporaryDirectory(prefix="regulars-law-") as scratch:
            folder = Path(scratch)
            warehouse = folder / "warehouse.duckdb"
            warehouse.write_bytes(self.seeded.read_bytes())
            settings = _settings(folder, [case for batch in batches for case in batch])
            (folder / "landing").mkdir()
            with duckdb.connect(str(warehouse)) as con:
                con.execute("set TimeZone = 'UTC'")
                for number, batch in enumerate(batches):
                    for case in batch:
                        case.put(folder / "landing")
                    report = load_landing(
                        con,
                        folder / "landing",
                        settings,
                        loaded_at=LOADED_AT + timedelta(days=number),
                        scratch=folder / "scratch",
                    )
                    assert not report.with_status("rejected", "in_transit"), report.files
                keep_key(con, Home(folder))
            result = self.dbt.run("run", warehouse, models)
            assert result.success, explain(result)
            yield warehouse


def _settings(folder: Path, cases: Sequence[Case]) -> Settings:
    path = folder / "regulars.toml"
    # what a case says does not change from batch to batch
    path.write_text("\n".join({case.name: case.source for case in cases}.values()), encoding="utf-8")
    return load_settings(path)


@pytest.fixture(scope="module")
def bench(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Bench:  # noqa: F811
    seeded = tmp_path_factory.mktemp("seeded") / "warehouse.duckdb"
    with duckdb.connect(str(seeded)) as con:
        ensure_raw_schema(con)
    result = dbt.run("seed", seeded, ("path:seeds",))
    assert result.success, explain(result)
    return Bench(dbt, seeded)


# --- numbers ------------------------------------------------------------------------------

BLANKS = (" ", "\u00a0", "\u202f", "\u2009")
MARKS = [(".", thousands) for thousands in ("", ",", "'", "’", *BLANKS)]
MARKS += [(",", thousands) for thousands in ("", ".", "'", "’", *BLANKS)]
SIGNS: dict[str, Callable[[str], str]] = {
    "minus before": lambda text: "-" + text,
    "true minus": lambda text: "\u2212" + text,
    "minus behind": lambda text: text + "-",
    "brackets": lambda text: f"({text})",
}
MONEY: dict[str, Callable[[str], str]] = {
    "bare": lambda text: text,
    "£ before": lambda text: "£" + text,
    "£ and blank before": lambda text: "£ " + text,
    "£ behind": lambda text: text + " £",
    "code before": lambda text: "GBP " + text,
    "code behind": lambda text: text + "\u00a0GBP",
}


@st.composite
def number_styles(draw: st.DrawFn) -> tuple[tuple[str, str], str, str]:
    """Marks, sign and currency of one file; only one of sign and currency stands behind."""
    sign = draw(st.sampled_from(sorted(SIGNS)))
    money = draw(st.sampled_from([name for name in sorted(MONEY) if not (sign == "minus behind" and "behind" in name)]))
    return draw(st.sampled_from(MARKS)), sign, money


def _written(value: Decimal, style: tuple[tuple[str, str], str, str]) -> str:
    (decimal, thousands), sign, money = style
    whole, cents = f"{abs(value):,.2f}".split(".")
    text = MONEY[money](whole.replace(",", thousands) + decimal + cents)
    return SIGNS[sign](text) if value < 0 else text


AMOUNTS = st.integers(-2_000_000, 90_000_000).map(lambda cents: Decimal(cents) / 100)


@a_few
@given(data=st.data())
def test_an_amount_is_the_same_in_any_style(bench: Bench, data: st.DataObject) -> None:
    styles = data.draw(st.lists(number_styles(), min_size=40, max_size=40, unique=True))
    # small and large ones in each file, so that its marks can be told
    values = [*data.draw(st.lists(AMOUNTS, min_size=6, max_size=20)), Decimal("1234.50"), Decimal("0.99")]
    cases = []
    for number, style in enumerate(styles):
        rows = [
            line(1000 + n, "P07", "CAKE STAND", 1, "2024-03-01 10:00:00", _written(value, style), 9001)
            for n, value in enumerate(values)
        ]
        cases.append(Case(f"style-{number:02d}", {"n.csv": csv_text(rows, delimiter=";")}))
    with bench.run([cases], TYPED) as warehouse:
        read = ask(warehouse, "select source, row_number, signed_amount from staging.stg_transactions order by 1, 2")
    expected = [
        (f"style-{number:02d}", position + 2, value)
        for number in range(len(styles))
        for position, value in enumerate(values)
    ]
    wrong = [
        (styles[int(source[-2:])], _written(values[row - 2], styles[int(source[-2:])]), amount)
        for (source, row, amount), (_, _, value) in zip(read, expected, strict=True)
        if amount != value
    ]
    assert wrong == []


# --- days ---------------------------------------------------------------------------------

FORMATS = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d %H:%M"),
    *("%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M", "%d/%m/%y %H:%M", "%d.%m.%y %H:%M:%S"),
    *("%m/%d/%Y %H:%M", "%m-%d-%Y %H:%M", "%m/%d/%y %H:%M", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M:%S %p"),
    *("%d %B %Y %H:%M", "%d %b %Y %H:%M", "%d-%b-%Y %H:%M", "%B %d, %Y %H:%M", "%b %d %Y %H:%M", "%b %d, %Y %I:%M %p"),
    "serial",
)
MINUTES = st.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: datetime(2019, 1, 1) + timedelta(minutes=minutes))


def _dated(at: datetime, form: str) -> str:
    if form == "serial":
        return f"{(at - datetime(1899, 12, 30)) / timedelta(days=1):.6f}"
    return at.strftime(form)


@a_few
@given(times=st.lists(MINUTES, min_size=10, max_size=40))
def test_a_time_is_the_same_in_any_format(bench: Bench, times: list[datetime]) -> None:
    # one day beyond the 12th, without which day and month could be exchanged
    times = [*times, datetime(2023, 10, 25, 11, 30)]
    cases = [
        Case(
            f"format-{number:02d}",
            {
                "d.csv": csv_text(
                    [line(1000 + n, "P07", "MUG", 1, _dated(at, form), "1.00", 9001) for n, at in enumerate(times)],
                    delimiter=";",
                )
            },
        )
        for number, form in enumerate(FORMATS)
    ]
    with bench.run([cases], TYPED) as warehouse:
        read = ask(warehouse, "select source, row_number, invoiced_at from staging.stg_transactions")
    wrong = [
        (FORMATS[int(source[-2:])], _dated(times[row - 2], FORMATS[int(source[-2:])]), at)
        for source, row, at in read
        if at != times[row - 2]
    ]
    assert wrong == []


# --- customers ----------------------------------------------------------------------------

PADDING = st.sampled_from(["", " ", "\t", "\u00a0", "\u202f", "  "])
CASES: dict[str, Callable[[str], str]] = {"as it is": str, "upper": str.upper, "lower": str.lower, "title": str.title}
IDS = st.from_regex(r"\A[A-Z]{1,3}-?[0-9]{3,6}\Z") | st.from_regex(r"\A[a-z]{2,8}\.[a-z]{2,8}@[a-z]{3,8}\.org\Z")


@a_few
@given(
    words=st.lists(st.tuples(st.sampled_from(NOBODY), st.sampled_from(sorted(CASES)), PADDING, PADDING), min_size=150),
    ids=st.lists(st.tuples(IDS, st.sampled_from(sorted(CASES)), PADDING, PADDING), min_size=50),
)
def test_a_placeholder_is_nobody_and_an_id_somebody_however_they_are_written(
    bench: Bench, words: list[tuple[str, str, str, str]], ids: list[tuple[str, str, str, str]]
) -> None:
    spelled = [before + CASES[case](word) + after for word, case, before, after in [*words, *ids]]
    rows = [
        line(1000 + n, "P07", "CAKE STAND", 1, "2024-03-01 10:00:00", "14.00", customer)
        for n, customer in enumerate(spelled)
    ]
    with bench.run([[Case("ids", {"c.csv": csv_text(rows)})]], TYPED) as warehouse:
        read = dict(ask(warehouse, "select row_number - 2, customer_id from staging.stg_transactions"))
    assert [spelled[n] for n in range(len(words)) if read[n] is not None] == []
    found: dict[str, set[str | None]] = {}
    for n, (customer, _, _, _) in enumerate(ids, start=len(words)):
        found.setdefault(customer.casefold(), set()).add(read[n])
    # one key for all spellings of one id, and another for each id
    assert {customer: keys for customer, keys in found.items() if len(keys) != 1 or None in keys} == {}
    assert len({key for keys in found.values() for key in keys}) == len(found)


# --- orders -------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[datetime, int, int]]:
    """Orders of one till, in the order of time: when it began, whose it is, how many lines it has.

    Between nine and five, so that the next day is half a day away.
    """
    days = draw(st.integers(20, 60))
    orders = []
    for day in range(days):
        for _ in range(draw(st.integers(0, 3))):
            at = datetime(2023, 12, 1, 9) + timedelta(days=day, minutes=draw(st.integers(0, 8 * 60)))
            orders.append((at, draw(st.integers(1, 9)), draw(st.integers(1, 3))))
    orders.append((datetime(2023, 11, 30, 9), 1, 1))
    return sorted(set(orders))


NUMBERINGS: dict[str, Callable[[datetime], object]] = {
    "never anew": lambda at: None,
    "anew each year": lambda at: at.year,
    "anew each month": lambda at: (at.year, at.month),
    "anew each day": lambda at: at.date(),
}


@a_few
@given(data=st.data())
def test_an_order_is_counted_once_however_numbers_are_given(bench: Bench, data: st.DataObject) -> None:
    cases, expected = [], {}
    for place, (name, period) in enumerate([*NUMBERINGS.items()] * 2, start=11):
        history = data.draw(histories())
        given: Counter[object] = Counter()
        rows: list[Row] = []
        for at, customer, lines in history:
            given[period(at)] += 1
            for n in range(lines):
                rows.append(
                    line(
                        given[period(at)],
                        f"P{n:02d}",
                        "MUG",
                        1,
                        at + timedelta(minutes=n),
                        "2.00",
                        f"{place}000{customer}",
                    )
                )
            expected.setdefault(f"{place}000{customer}", [0, Decimal(0)])
            expected[f"{place}000{customer}"][0] += 1
            expected[f"{place}000{customer}"][1] += 2 * lines
        # each till is a store of its own, so that all may use the same numbers
        cases.append(
            Case(
                f"till-{place}-{name.replace(' ', '-')}",
                {"o.csv": csv_text(rows)},
                f'constants = {{ store = "{place}" }}',
            )
        )
    with bench.run([cases], COUNTED) as warehouse:
        read = ask(warehouse, "select customer_id, frequency, monetary_net from marts.customer_rfm")
        orders = ask(warehouse, "select count(*) from marts.fct_invoices")
    assert {customer: [frequency, money] for customer, frequency, money in read} == expected
    assert orders == [(sum(frequency for frequency, _ in expected.values()),)]


# --- returns ------------------------------------------------------------------------------


def _by_price(row: Row) -> Row:
    return {**row, "UnitPrice": "-" + row["UnitPrice"]}


def _by_total(row: Row, sign: str) -> Row:
    total = f"{sign}{int(row['Quantity']) * Decimal(row['UnitPrice']):.2f}"
    return {**{header: value for header, value in row.items() if header != "UnitPrice"}, "Total": total}


RETURNS: dict[str, tuple[Callable[[Row], Row], Callable[[Row], Row], str]] = {
    "quantity": (lambda row: row, lambda row: {**row, "Quantity": "-" + row["Quantity"]}, ""),
    "price": (lambda row: row, _by_price, ""),
    "total": (lambda row: _by_total(row, ""), lambda row: _by_total(row, "-"), 'columns = { line_amount = "Total" }'),
    "word": (
        lambda row: {**row, "Kind": "sale"},
        lambda row: {**row, "Kind": "Refund"},
        'columns = { kind = "Kind" }',
    ),
    "letter": (
        lambda row: row,
        lambda row: {**row, "InvoiceNo": "C" + row["InvoiceNo"], "Quantity": "-" + row["Quantity"]},
        "",
    ),
    "brackets": (lambda row: row, lambda row: {**row, "UnitPrice": f"({row['UnitPrice']})"}, ""),
}
"""How a shop writes a sale, how a return, and what its settings say."""

DEALS = st.lists(
    st.tuples(
        st.integers(1, 6),  # customer
        st.integers(0, 4),  # product
        st.integers(1, 9),  # units
        st.integers(1, 5000),  # price in pence
        st.booleans(),  # whether it comes back
    ),
    min_size=20,
    max_size=60,
)


@a_few
@given(data=st.data())
def test_what_a_customer_brought_back_is_taken_back_however_it_is_written(bench: Bench, data: st.DataObject) -> None:
    cases: list[Case] = []
    expected: dict[str, Decimal] = {}
    for place, (name, (sold, returned, mapping)) in enumerate(RETURNS.items(), start=11):
        rows = []
        for n, (customer, product, units, pence, is_back) in enumerate(data.draw(DEALS)):
            who, at = f"{place}000{customer}", datetime(2024, 1, 1, 10) + timedelta(days=n)
            row = line(5000 + n, f"P{product:02d}", "MUG", units, at, f"{Decimal(pence) / 100:.2f}", who)
            # everyone buys something first, so that everyone is a customer
            first = line(100 + customer, "P09", "BOWL", 1, "2023-12-31 10:00:00", "10.00", who)
            if who not in expected:
                expected[who] = Decimal("10.00")
                rows.append(sold(first))
            rows.append(returned(row) if is_back else sold(row))
            expected[who] += (-1 if is_back else 1) * units * Decimal(pence) / 100
        cases.append(Case(name, {"r.csv": csv_text(rows)}, mapping))
    with bench.run([cases], COUNTED) as warehouse:
        read = dict(ask(warehouse, "select customer_id, monetary_net from marts.customer_rfm"))
    assert read == expected


# --- repeats and edits --------------------------------------------------------------------


@a_few
@given(data=st.data())
def test_overlapping_exports_count_each_order_once_in_any_order_of_arrival(bench: Bench, data: st.DataObject) -> None:
    """Any windows of one history, any names, any order of arrival; equal lines within it stay so many."""
    batches: list[list[Case]] = [[], [], []]
    expected: dict[str, Decimal] = {}
    for place in range(11, 17):
        rows: list[Row] = []
        for n in range(40):
            at = datetime(2024, 1, 1, 10) + timedelta(days=n)
            who = f"{place}000{data.draw(st.integers(1, 5))}"
            times = data.draw(st.integers(1, 3))
            rows += [line(1000 + n, "P07", "MUG", 1, at, "3.00", who, Till=str(place))] * times
            expected[who] = expected.get(who, Decimal(0)) + 3 * times
        cuts = sorted(data.draw(st.lists(st.integers(5, 35), min_size=2, max_size=2)))
        spans = [(0, max(cuts[0], 10)), (max(cuts[0] - 8, 0), cuts[1] + 4), (max(cuts[1] - 8, 0), 40)]
        for (first, last), batch in zip(spans, data.draw(st.permutations(range(3))), strict=True):
            within = [row for row in rows if first <= int(row["InvoiceNo"]) - 1000 < last]
            name = f"{data.draw(st.sampled_from('abcdef'))}-{first}-{last}.csv"
            batches[batch].append(Case(f"shop-{place}", {name: csv_text(within)}, 'columns = { store = "Till" }'))
    with bench.run(batches, COUNTED) as warehouse:
        read = dict(ask(warehouse, "select customer_id, monetary_net from marts.customer_rfm"))
    assert read == expected


@a_few
@given(data=st.data())
def test_the_newest_state_of_an_order_counts_in_any_order_of_arrival(bench: Bench, data: st.DataObject) -> None:
    """A whole history exported monthly, its orders edited in between; the files come in any order."""
    batches: list[list[Case]] = [[], [], []]
    expected: dict[str, Decimal] = {}
    for place in range(11, 17):
        orders: dict[int, list[int]] = {}
        owner = {n: f"{place}000{1 + n % 5}" for n in range(40)}
        arrival = data.draw(st.permutations(range(3)))
        for month in range(3):
            for n in range(20 + 10 * (month - 1) if month else 0, 20 + 10 * month):
                orders[n] = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
            if month:
                for n in data.draw(st.lists(st.sampled_from(sorted(orders)), max_size=4, unique=True)):
                    orders[n] = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
            rows = [
                line(
                    1000 + n,
                    f"P{position:02d}",
                    "MUG",
                    units,
                    datetime(2024, 1, 1, 10) + timedelta(days=n),
                    "1.00",
                    owner[n],
                    Till=str(place),
                )
                for n, lines in orders.items()
                for position, units in enumerate(lines)
            ]
            name = f"{data.draw(st.sampled_from('abcdef'))}-{month}.csv"
            exported = datetime(2024, 1, 1, 12) + timedelta(days=max(orders) + 1)
            case = Case(f"shop-{place}", {name: csv_text(rows)}, 'columns = { store = "Till" }', {name: exported})
            batches[arrival[month]].append(case)
        for n, lines in orders.items():
            expected[owner[n]] = expected.get(owner[n], Decimal(0)) + sum(lines)
    with bench.run(batches, COUNTED) as warehouse:
        read = dict(ask(warehouse, "select customer_id, monetary_net from marts.customer_rfm"))
    assert read == expected
