"""Exports that overlap tell each order once, as the newest of them does.

Belongs here: "the last ninety days", exported every month, with refunds, payments and
cancellations that came later, in any order of arrival. Does not belong here: what one export
says (:mod:`tests.formats.test_one_history`).

That the newest export of every order is the whole truth is shown of the files themselves in
:mod:`tests.formats.test_writers`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.formats.conftest import Deliveries, Delivery, Workbench, published
from tests.formats.history import FIRST_DAY, LAST_NEWS, History, invented
from tests.formats.published_lines import expected_kept, kept
from tests.formats.writers import WRITERS
from tests.formats.writers.common import RETURN
from warehouse.home import Home

WINDOW_DAYS, APART_DAYS = 90, 30

TABLES = ("fct_invoice_lines", "fct_invoices", "fct_daily_revenue", "customer_rfm")


def days_of_export(first: date = FIRST_DAY + timedelta(days=APART_DAYS)) -> list[date]:
    """Every thirty days, until nothing happens any more."""
    days = [first]
    while days[-1] < LAST_NEWS:
        days.append(days[-1] + timedelta(days=APART_DAYS))
    return days


def exports(history: History, day: date, names: Sequence[str] = tuple(WRITERS)) -> Deliveries:
    """What each system exports on a day of the ninety days before it; nobody delivers a file without a line."""
    since = day - timedelta(days=WINDOW_DAYS - 1)
    return {
        f"{name}/{day}-{WRITERS[name].file_name}": Delivery(
            WRITERS[name].exported(history, since=since, exported_on=day), _evening(day)
        )
        for name in names
        if WRITERS[name].expected(history, since=since, exported_on=day)
    }


def export_at_the_end(history: History, day: date, names: Sequence[str] = tuple(WRITERS)) -> Deliveries:
    """What each system exports on the last day of all that ever was."""
    return {
        f"{name}/{WRITERS[name].file_name}": Delivery(WRITERS[name].exported(history, exported_on=day), _evening(day))
        for name in names
    }


def _evening(day: date) -> datetime:
    return datetime.combine(day, time(22), UTC)


def differing(left: Path, right: Path) -> list[str]:
    """Tables that are not equal, value for value, in two warehouses."""
    found = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as l (read_only)")
        connection.execute(f"attach '{right}' as r (read_only)")
        for table in TABLES:
            for one, other in (("l", "r"), ("r", "l")):
                rows = connection.execute(
                    f"select * from {one}.marts.{table} except all select * from {other}.marts.{table} limit 3"
                ).fetchall()
                if rows:
                    found.append(f"{table}, only {'before' if one == 'l' else 'after'}: {rows}")
    return found


@pytest.fixture(scope="module")
def at_the_end(history: History, workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One export of everything by each system."""
    last = days_of_export()[-1]
    return workbench.counted(tmp_path_factory.mktemp("end") / "warehouse", [export_at_the_end(history, last)])


def test_the_export_at_the_end_is_the_truth(at_the_end: Path, history: History) -> None:
    expected = expected_kept(line for writer in WRITERS.values() for line in writer.expected(history))
    with duckdb.connect(str(at_the_end), read_only=True) as connection:
        found = kept(connection)
    assert sorted((expected - found).elements()) == []
    assert sorted((found - expected).elements()) == []


class TestMonthlyExports:
    def test_delivered_one_after_the_other(
        self, history: History, at_the_end: Path, workbench: Workbench, tmp_path: Path
    ) -> None:
        batches = [exports(history, day) for day in days_of_export()]
        assert len(batches) > 12
        assert differing(at_the_end, workbench.counted(tmp_path / "monthly", batches)) == []

    def test_delivered_all_at_once(
        self, history: History, at_the_end: Path, workbench: Workbench, tmp_path: Path
    ) -> None:
        together = {name: one for day in days_of_export() for name, one in exports(history, day).items()}
        assert differing(at_the_end, workbench.counted(tmp_path / "together", [together])) == []

    def test_delivered_in_any_order_under_any_names(
        self, history: History, at_the_end: Path, workbench: Workbench, tmp_path: Path
    ) -> None:
        # only the time at which a file was written tells how new it is
        rng = random.Random(11)
        files = [file for day in days_of_export() for file in exports(history, day).items()]
        rng.shuffle(files)
        batches: list[dict[str, Delivery]] = [{}, {}, {}, {}]
        for number, (name, delivery) in enumerate(files):
            folder, _, file_name = name.partition("/")
            renamed = f"{folder}/{rng.randrange(10**6):06d}-{file_name.rpartition('-')[2]}"
            batches[number * len(batches) // len(files)][renamed] = delivery
        assert differing(at_the_end, workbench.counted(tmp_path / "shuffled", batches)) == []


@settings(
    # each with several loads of dozens of files
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_history_exported_on_any_days_in_any_order(
    workbench: Workbench, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    history = invented(seed=data.draw(st.integers(1, 10**6)), orders=100, customers=20)
    first = FIRST_DAY + timedelta(days=data.draw(st.integers(1, APART_DAYS)))
    days = days_of_export(first)
    # some export again in between
    days = sorted(
        {*days, *data.draw(st.lists(st.sampled_from(days).map(lambda day: day + timedelta(days=7)), max_size=3))}
    )
    batches: list[dict[str, Delivery]] = [{}, {}, {}]
    for day in days:
        batches[data.draw(st.integers(0, 2))].update(exports(history, day))
    folder = tmp_path_factory.mktemp("any")
    one = workbench.counted(folder / "one", [export_at_the_end(history, days[-1])])
    many = workbench.counted(folder / "many", [batch for batch in batches if batch])
    assert differing(one, many) == []


def test_a_refund_that_came_later_is_published(history: History, tmp_path: Path) -> None:
    """By whole refreshes, with every check on: all until one day, and the ninety days of a month later."""
    name, home = "shopify_orders", Home(tmp_path / "home")
    *_, before, last = (day for day in days_of_export() if day <= date(2025, 7, 31))
    published(home, export_at_the_end(history, before, [name]))
    snapshot = published(home, exports(history, last, [name]))

    truth = WRITERS[name].expected(history, exported_on=last)
    earlier = WRITERS[name].expected(history, exported_on=before)
    known = {line.invoice for line in earlier}
    returned_later = {line.invoice for line in truth if line.kind == RETURN} & known
    returned_later -= {line.invoice for line in earlier if line.kind == RETURN}
    assert returned_later, "something that was known came back in between"
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        found = kept(connection)
    assert sorted((expected_kept(truth) - found).elements()) == []
    assert sorted((found - expected_kept(truth)).elements()) == []
