"""Tables that took in what is new are those that are made anew, value for value.

Belongs here: random sequences of deliveries, run through the very SQL that dbt runs. Does not belong here: whether
a refresh takes in what is new or builds everything (:mod:`tests.orchestration.test_increments`).

dbt renders each model once either way; the SQL depends on no data, so that hundreds of sequences need no dbt:

    REGULARS_SEQUENCES=300 python -m pytest tests/dbt_project/test_increments.py
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import Dbt, explain
from tests.formats.history import invented
from tests.formats.test_overlapping_exports import exports
from tests.formats.writers.shopify import HEADERS
from warehouse.formats import export_formats
from warehouse.increments import begin_build, end_build
from warehouse.loading import ensure_raw_schema, load_landing
from warehouse.settings import Settings
from warehouse.versions import RefreshVersion

SEQUENCES = int(os.environ.get("REGULARS_SEQUENCES", "6"))
EVENTS = 5
VERSION = RefreshVersion("data", "settings", "code", None)
VARS: dict[str, Any] = {"export_formats": ["shopify_orders"], "customer_ids": "pseudonyms"}


@dataclass(frozen=True)
class Recorded:
    """What dbt runs for each model that takes in what is new, and for all that these descend from, in order."""

    anew: Mapping[str, str]
    """SQL by ``schema.model``."""
    increments: Mapping[str, str]
    seeds: Path
    """A warehouse with the seeds."""

    @property
    def growing(self) -> list[str]:
        """Models that take in what is new."""
        return [name for name, sql in self.increments.items() if "increments." in sql]


@pytest.fixture(scope="module")
def recorded(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    path = tmp_path_factory.mktemp("recorded") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        ensure_raw_schema(con)
        begin_build(con, VERSION, "recorded", full=False)
        end_build(con, "recorded")
        assert begin_build(con, VERSION, "recorded", full=False).is_increment
    select = ["path:seeds", *_lineage(dbt)]
    ways = []
    for increments in (False, True):
        result = dbt.run("build", path, select, {**VARS, "increments": increments})
        assert result.success, explain(result)
        made = [one.node for one in result.result if one.node.resource_type == "model"]
        ways.append({f"{node.schema}.{node.name}": _run_sql(dbt, node.original_file_path) for node in made})
    return Recorded(*ways, seeds=path)


def _lineage(dbt: Dbt) -> list[str]:
    """Models that take in what is new and all that they descend from, without exports that the vars don't name."""
    nodes = dbt.manifest.nodes
    left_out = {f"stg_{name}" for name in export_formats() if name not in VARS["export_formats"]}
    waiting = [key for key, node in nodes.items() if node.config.meta.get("increment")]
    found: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key.startswith("model.") and key not in found and nodes[key].name not in left_out:
            found.add(key)
            waiting += nodes[key].depends_on.nodes
    return [nodes[key].name for key in found]


def _run_sql(dbt: Dbt, file: str) -> str:
    return (dbt.scratch / "target" / "run" / "regulars" / file).read_text()


@contextmanager
def warehouse(recorded: Recorded) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory with the seeds and no line."""
    with duckdb.connect(config={"threads": "1"}) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{recorded.seeds}' as recorded (read_only)")
        con.execute("attach ':memory:' as warehouse")
        con.execute("use warehouse")
        ensure_raw_schema(con)
        con.execute("insert into raw.pseudonym_key values (repeat('0', 64))")
        for schema in ("seeds", "staging", "intermediate", "marts"):
            con.execute(f"create schema {schema}")
        for (table,) in con.execute(
            "select table_name from duckdb_tables() where database_name = 'recorded' and schema_name = 'seeds'"
        ).fetchall():
            con.execute(f"create table seeds.{table} as from recorded.seeds.{table}")
        yield con


def build(con: duckdb.DuckDBPyConnection, statements: Mapping[str, str]) -> None:
    """Run each model's SQL; dbt's own drops what was there."""
    there = {
        f"{schema}.{table}": kind
        for schema, table, kind in con.execute(
            "select schema_name, table_name, 'table' from duckdb_tables() where database_name = 'warehouse' "
            "union all select schema_name, view_name, 'view' from duckdb_views() where database_name = 'warehouse'"
        ).fetchall()
    }
    for name, sql in statements.items():
        # recorded on a warehouse that had no tables yet, or had them all
        drop = re.match(r'\s*drop (table|view) "warehouse"\."\w+"\."\w+";', sql)
        if drop is None and name in there and "increments." not in sql:
            con.execute(f"drop {there[name]} {name}")
        con.execute(sql)


def rows(con: duckdb.DuckDBPyConnection, table: str) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(repr(value) for value in row) for row in con.execute(f"from {table}").fetchall())


@dataclass
class Shop:
    """A landing folder in which everything happens that shops do to files; all of it hangs on the seed alone."""

    landing: Path
    seed: int
    rng: random.Random = field(init=False)
    files: dict[str, list[str]] = field(default_factory=dict)
    day: date = date(2011, 3, 1)
    invoice: int = 500

    HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country,Store"
    CUSTOMERS = (
        "17850",
        "17850.0",
        " 17850",
        "ab1",
        "AB1",
        "Ab1",
        "c@x.example",
        "C@x.example ",
        "0",
        "guest",
        "",
        "9",
    )
    CODES = ("85123A", "85123B", "22423", "POST", "M", "S", "21730", "")
    NAMES = ("Lantern", "LANTERN", "Postage", "Round post", "Manual", "Socks", "Samples", "")
    COUNTRIES = ("United Kingdom", "EIRE", "IE", "Unspecified", "")

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def order(self, day: date, number: str | None = None) -> list[str]:
        """The lines of an order; now and then one of another time, with a number that was used before."""
        rng = self.rng
        if number is None:
            self.invoice += 1
            number = str(self.invoice if rng.random() < 0.85 else rng.randint(500, self.invoice))
        if rng.random() < 0.2:
            number = f"C{number}"
        elif rng.random() < 0.03:
            number = f"A{number}"
        customer, country = rng.choice(self.CUSTOMERS), rng.choice(self.COUNTRIES)
        store = rng.choice(("", "", "", "North", "shopify_orders"))
        minute = rng.randint(0, 59)
        lines = []
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(self.CODES))
            name = self.NAMES[place if rng.random() < 0.6 else rng.randrange(len(self.NAMES))]
            code = self.CODES[place] if rng.random() < 0.95 else "C O"
            quantity = rng.choice((1, 2, 2, 3, 12)) * (-1 if number.startswith("C") and rng.random() < 0.97 else 1)
            price = rng.choice(("2.55", "2.55", "1.10", "0.00", "x"))
            time = f"{rng.choice((9, 9, 14, 23)):02}:{minute:02}"
            who = customer if rng.random() < 0.95 else rng.choice(self.CUSTOMERS)
            lines.append(f"{number},{code},{name},{quantity},{day} {time},{price},{who},{country},{store}")
            if rng.random() < 0.1:
                lines.append(lines[-1])
        return lines

    def write(self, name: str) -> None:
        (self.landing / name).write_text("\n".join([self.HEADER, *self.files[name]]) + "\n")

    def new_day(self, day: date | None = None) -> None:
        if day is None:
            self.day += timedelta(days=self.rng.choice((1, 1, 1, 30)))
            day = self.day
        name = f"{day}-{len(self.files)}.csv"
        self.files[name] = [line for _ in range(self.rng.randint(2, 8)) for line in self.order(day)]
        if self.files and self.rng.random() < 0.4:
            # some lines of another file once more
            other = self.files[self.rng.choice(list(self.files))]
            self.files[name] += self.rng.sample(other, self.rng.randint(1, len(other)))
        self.write(name)

    def late_day(self) -> None:
        self.new_day(self.day - timedelta(days=self.rng.randint(1, 40)))

    def copied(self) -> None:
        """Some lines of other files once more, and nothing else."""
        # which of equal lines is kept is decided by the names of files
        name = f"{self.rng.choice(('copy', '0-copy'))}-{len(self.files)}.csv"
        lines = [line for other in self.files.values() for line in other]
        self.files[name] = self.rng.sample(lines, min(len(lines), 12))
        self.write(name)

    def cut(self) -> None:
        """A file that tells of its last lines no more."""
        name = self.rng.choice(list(self.files))
        lines = self.files[name]
        del lines[max(1, len(lines) - self.rng.randint(1, 6)) :]
        self.write(name)

    def restated(self) -> None:
        name = self.rng.choice(list(self.files))
        lines = self.files[name]
        self.rng.shuffle(lines)
        del lines[: self.rng.randint(0, len(lines) // 2)]
        lines += self.order(self.day)
        self.write(name)

    def told_anew(self) -> None:
        """Orders of another file with other lines, as exports of orders tell them."""
        lines = [
            line for name in self.rng.sample(sorted(self.files), min(3, len(self.files))) for line in self.files[name]
        ]
        numbers = sorted({line.split(",")[0] for line in lines})
        kept = [line for line in lines if self.rng.random() < 0.9]
        day = lines[0].split(",")[4][:10]
        kept += [line for number in numbers[:3] for line in self.order(date.fromisoformat(day), number)]
        name = f"{self.rng.choice(('again', '0-again'))}-{len(self.files)}.csv"
        self.files[name] = kept or lines
        self.write(name)

    def renamed(self) -> None:
        name = self.rng.choice(list(self.files))
        other = f"renamed-{len(self.files)}-{name}"
        (self.landing / name).rename(self.landing / other)
        self.files[other] = self.files.pop(name)

    def exported(self) -> None:
        """The last ninety days of another shop's orders; overlaps with the export before."""
        last = date(2024, 3, 1) + timedelta(days=30 * len(list(self.landing.glob("shopify_orders/*"))))
        for name, delivery in exports(_HISTORY, last, ("shopify_orders",)).items():
            delivery.put(self.landing / name)

    def happen(self) -> str:
        event = self.rng.choice(
            (
                *(self.new_day, self.late_day, self.copied, self.cut, self.restated),
                *(self.told_anew, self.told_anew, self.renamed, self.exported),
            )
        )
        event()
        return event.__name__


_HISTORY = invented()


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_any_sequence_of_deliveries(recorded: Recorded, tmp_path: Path, seed: int) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    shop = Shop(landing, seed)
    for _ in range(4):
        shop.new_day()
    take_in(recorded, landing, (shop.happen for _ in range(EVENTS - 1)))


def line(invoice: str, code: str, minute: int, customer: str = "17850") -> str:
    return f"{invoice},{code},Lantern,1,2011-03-01 09:{minute:02},2.55,{customer},United Kingdom,"


# what sequences at random seldom bring about: each is taken in because of one table that changed and no other


def test_a_file_shows_that_others_tell_orders_anew(recorded: Recorded, tmp_path: Path) -> None:
    def orders(numbers: range, code: str) -> list[str]:
        return [line(str(number), code, number - 500) for number in numbers]

    # of seven orders that both files tell of one is told alike, so that they may as well be parts of a till's day
    one = orders(range(501, 508), "85123A") + orders(range(510, 520), "85123A")
    other = orders(range(501, 507), "22423") + orders(range(507, 508), "85123A") + orders(range(520, 530), "85123A")
    # until a third is an export of both
    deliver = Deliveries(tmp_path, {"a.csv": one}).then({"b.csv": other})
    deliver.then({"c.csv": orders(range(510, 531), "85123A")}).take_in(recorded)


def test_an_export_tells_that_an_id_is_a_telephone_number(recorded: Recorded, tmp_path: Path) -> None:
    number = "020 7946 0018"
    order = dict.fromkeys(HEADERS, "") | {
        "Name": "#1001",
        "Phone": number,
        "Created at": "2024-03-01 10:00:00 +0000",
        "Currency": "GBP",
        "Financial Status": "paid",
        "Subtotal": "2.55",
        "Total": "2.55",
        "Lineitem quantity": "1",
        "Lineitem name": "Lantern",
        "Lineitem price": "2.55",
    }
    export = [",".join(HEADERS), ",".join(order.values())]
    first = {
        "a.csv": [line("500", "85123A", 1, number)],
        "orders_export_1.csv": [*export[:1], export[1].replace(number, "")],
    }
    Deliveries(tmp_path, first).then(
        {"orders_export_2.csv": [*export[:1], export[1].replace("#1001", "#1002")]}
    ).take_in(recorded)


class Deliveries:
    """Files that come one after the other; what begins with no header of its own has that of plain lines."""

    def __init__(self, folder: Path, first: Mapping[str, list[str]]) -> None:
        self.landing = folder / "landing"
        self.landing.mkdir()
        self.later: list[Mapping[str, list[str]]] = []
        self._put(first)

    def then(self, files: Mapping[str, list[str]]) -> Deliveries:
        self.later.append(files)
        return self

    def take_in(self, recorded: Recorded) -> None:
        take_in(recorded, self.landing, (partial(self._put, files) for files in self.later))

    def _put(self, files: Mapping[str, list[str]]) -> str:
        for name, lines in files.items():
            header = [] if name.startswith("orders_export") else [Shop.HEADER]
            (self.landing / name).write_text("\n".join([*header, *lines]) + "\n")
        return " ".join(files)


def take_in(recorded: Recorded, landing: Path, events: Iterable[Callable[[], str]]) -> None:
    """Load what is there, then after each event what is new; every table is what it would be if made anew."""
    told: list[str] = []
    with warehouse(recorded) as con:
        for number, event in enumerate([None, *events]):
            if event is not None:
                told.append(event())
            loaded_at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
            load_landing(con, landing, Settings(), loaded_at=loaded_at, scratch=landing.parent / "scratch")
            plan = begin_build(con, VERSION, str(number), full=number == 0, most_touched=1.0)
            # the first export of a system is a new source
            assert plan.is_increment or number == 0 or told.count("exported") == 1, plan
            build(con, recorded.increments if plan.is_increment else recorded.anew)
            end_build(con, str(number))
            assert _differing(con, recorded) == {}, told


def _differing(con: duckdb.DuckDBPyConnection, recorded: Recorded) -> dict[str, tuple[Any, Any]]:
    """Rows that only a table that took in what is new has, and that only one made anew of the same lines has."""
    with warehouse(recorded) as other:
        for schema, table in con.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'warehouse' and schema_name = 'raw' and estimated_size > 0"
        ).fetchall():
            lines = con.sql(f"from {schema}.{table}").to_arrow_table()
            other.execute(f"delete from {schema}.{table}")
            other.register("lines", lines)
            other.execute(f"insert into {schema}.{table} by name from lines")
            other.unregister("lines")
        build(other, recorded.anew)
        return {
            name: (list((here - there).elements())[:2], list((there - here).elements())[:2])
            for name in recorded.growing
            if (here := rows(con, name)) != (there := rows(other, name))
        }
