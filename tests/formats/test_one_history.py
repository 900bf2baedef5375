"""One history, exported by eight shop systems, is read as one history.

Belongs here: what is published of each system's file against the history's own truth, and
systems against each other. Does not belong here: files that overlap
(:mod:`tests.formats.test_overlapping_exports`), the files themselves (:mod:`tests.formats.test_writers`).

All files lie in one landing folder. No two systems number their orders alike, so a line's
number says which of them told it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.formats.conftest import Deliveries, Delivery, Workbench
from tests.formats.history import History
from tests.formats.published_lines import (
    Told,
    expected_kept,
    expected_set_aside,
    folded,
    kept,
    of_invoices,
    set_aside,
)
from tests.formats.writers import WRITERS, Part, agreeing, comparable, expected_net
from tests.formats.writers.common import RETURN, SALE


@pytest.fixture(scope="module")
def snapshot(
    history: History, refreshed: Callable[[Deliveries], duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    """The history by all systems, published by one refresh without settings."""
    return refreshed({writer.file_name: Delivery(writer.exported(history)) for writer in WRITERS.values()})


@pytest.fixture(scope="module")
def lines(snapshot: duckdb.DuckDBPyConnection) -> Counter[Told]:
    return kept(snapshot)


def differences(found: Counter[Any], expected: Counter[Any]) -> dict[str, list[Any]]:
    """What is missing and what is too much, sorted so that a failure reads well."""
    return {
        "missing": sorted((expected - found).elements(), key=repr),
        "too much": sorted((found - expected).elements(), key=repr),
    }


NO_DIFFERENCE: dict[str, list[Any]] = {"missing": [], "too much": []}


@pytest.mark.parametrize("name", WRITERS)
class TestEachSystem:
    def test_its_file_is_known_without_any_setting(
        self, name: str, snapshot: duckdb.DuckDBPyConnection, history: History
    ) -> None:
        found = snapshot.execute(
            "select status, problem from quality.load_ledger where file_name = ?", [WRITERS[name].file_name]
        ).fetchall()
        assert found == [("loaded", None)]

    def test_its_sales_and_returns_are_published_line_by_line(
        self, name: str, lines: Counter[Told], history: History
    ) -> None:
        expected = WRITERS[name].expected(history)
        assert differences(of_invoices(lines, expected), expected_kept(expected)) == NO_DIFFERENCE

    def test_what_is_no_sale_or_no_product_is_set_aside_for_that(
        self, name: str, snapshot: duckdb.DuckDBPyConnection, history: History
    ) -> None:
        expected = expected_set_aside(WRITERS[name].expected(history))
        assert differences(set_aside(snapshot, WRITERS[name].file_name), expected) == NO_DIFFERENCE

    def test_net_by_day_and_customer(self, name: str, lines: Counter[Told], history: History) -> None:
        net: dict[tuple[date, str | None], Decimal] = defaultdict(Decimal)
        for line, count in of_invoices(lines, WRITERS[name].expected(history)).items():
            net[line.invoiced_at.date(), line.customer] += line.net * count
        expected = {
            (day, customer.casefold() if customer else None): money
            for (day, customer), money in expected_net(history, name).items()
            if money or net.get((day, customer.casefold() if customer else None)) is not None
        }
        assert dict(net) == expected


def test_nothing_else_is_published(lines: Counter[Told], history: History) -> None:
    known = {folded(line.invoice) for writer in WRITERS.values() for line in writer.expected(history)}
    assert sorted({line.invoice for line in lines} - known) == []


def test_products_are_called_as_the_systems_call_them(snapshot: duckdb.DuckDBPyConnection, history: History) -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for writer in WRITERS.values():
        for line in writer.expected(history):
            if line.stock_code and line.description:
                names[folded(line.stock_code)].add(folded(line.description))
    found = snapshot.execute("select stock_code, description from marts.dim_products").fetchall()
    wrong = [
        (code, description)
        for code, description in found
        # a variant may stand behind the name in more than one way
        if description
        and folded(code) in names
        and not any(folded(description).startswith(name.partition(" (")[0]) for name in names[folded(code)])
    ]
    assert wrong == []


class TestSystemsTogether:
    @pytest.mark.parametrize("part", Part)
    def test_they_agree_on_the_money_of_every_order_that_they_can_tell(
        self, part: Part, lines: Counter[Told], history: History
    ) -> None:
        kinds = (SALE,) if part is Part.SOLD else (SALE, RETURN)
        orders = comparable(history, part)
        told: dict[str, dict[int, Decimal]] = {}
        for name in agreeing(part):
            expected = WRITERS[name].expected(history)
            order_of = {folded(line.invoice): line.order for line in expected}
            money: dict[int, Decimal] = dict.fromkeys(orders, Decimal(0))
            for line, count in of_invoices(lines, expected).items():
                if line.kind in kinds and order_of[line.invoice] in orders:
                    money[order_of[line.invoice]] += line.net * count
            told[name] = money
        assert sum(told["woocommerce_items"].values()) > 5000
        for name, money in told.items():
            assert {n: (own, told["woocommerce_items"][n]) for n, own in money.items()} == {
                n: (other, other) for n, other in told["woocommerce_items"].items()
            }, name

    @pytest.mark.parametrize(
        ("names", "kinds", "part"),
        [
            # whoever knows customers knows whose a sale was
            ([name for name in WRITERS if WRITERS[name].can_tell_customers], (SALE,), Part.SOLD),
            # refunds without a day are dated as their order, and are its customer's
            (["shopify_orders", "woocommerce_items", "squarespace_orders"], (SALE, RETURN), Part.KEPT),
        ],
    )
    def test_they_agree_on_what_each_customer_spent_each_day(
        self, names: list[str], kinds: tuple[str, ...], part: Part, lines: Counter[Told], history: History
    ) -> None:
        orders = comparable(history, part)
        told = {}
        for name in names:
            writer = WRITERS[name]
            expected = writer.expected(history)
            order_of = {folded(line.invoice): line.order for line in expected}
            person_of = {str(writer.customer(one)).casefold(): one.number for one in history.customers}
            money: dict[tuple[date, int | None], Decimal] = defaultdict(Decimal)
            for line, count in of_invoices(lines, expected).items():
                if line.kind in kinds and order_of[line.invoice] in orders:
                    person = person_of[line.customer] if line.customer else None
                    money[line.invoiced_at.date(), person] += line.net * count
            told[name] = {key: net for key, net in money.items() if net}
        assert len({frozenset(money.items()) for money in told.values()}) == 1, {
            name: sum(money.values()) for name, money in told.items()
        }


QUIRKS: dict[str, dict[str, Any]] = {
    "shopify_orders": {"tax_on_top": True},
    "ebay_orders": {"british": True},
    "amazon_orders": {"encoding": "cp1252"},
    "squarespace_orders": {"subtotal_after_discount": True},
    "loyverse_receipts": {"dates": "iso", "money_places": 3, "is_marked": False},
    "woocommerce_items": {"allowances_on_lines": True},
}
"""Other ways in which the same system writes the same thing."""


@pytest.fixture(scope="module")
def quirky(history: History, workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {
        WRITERS[name].file_name: Delivery(WRITERS[name].exported(history, **quirks)) for name, quirks in QUIRKS.items()
    }
    return workbench.counted(tmp_path_factory.mktemp("quirky") / "warehouse", [files])


@pytest.mark.parametrize("name", QUIRKS)
def test_another_style_of_the_same_system_tells_the_same(name: str, quirky: Path, history: History) -> None:
    expected = WRITERS[name].expected(history, **QUIRKS[name])
    with duckdb.connect(str(quirky), read_only=True) as connection:
        found = of_invoices(kept(connection), expected)
    wanted = expected_kept(expected)
    # money given back for no unit of a product: how many units that is, nobody can say
    assert differences(_without_units_of_allowances(found), _without_units_of_allowances(wanted)) == NO_DIFFERENCE


def _without_units_of_allowances(lines: Counter[Told]) -> Counter[Told]:
    found: Counter[Told] = Counter()
    for line, count in lines.items():
        is_of_no_unit = line.kind == RETURN and line.quantity in (0, -1)
        found[line._replace(quantity=Decimal(0)) if is_of_no_unit else line] += count
    return found
