"""Files whose dates were guessed are read again once a file of their source proves its order."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.conftest import HEADER, Shop

DAYS = range(1, 21)


def deliver_day(shop: Shop, day: int) -> Path:
    """A day of December 2010, written day first: up to the 12th it reads both ways."""
    lines = [f"{1000 * day + n},A{n},MUG,1,{day:02}/12/2010 {9 + n:02}:15,2.50,{17000 + n},France" for n in range(4)]
    return shop.deliver(f"till {chr(97 + day)}.csv", "\n".join([HEADER, *lines]) + "\n")


def dates(shop: Shop) -> list[tuple]:
    return shop.rows("select invoice, invoiced_at from raw.transactions order by invoice, invoiced_at")


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Callable[[str], Shop]]:
    shops: list[Shop] = []

    def make(name: str) -> Shop:
        folder = tmp_path / name
        (folder / "landing").mkdir(parents=True)
        shops.append(Shop(duckdb.connect(str(folder / "warehouse.duckdb")), folder / "landing", folder / "scratch"))
        return shops[-1]

    yield make
    for shop in shops:
        shop.con.close()


@pytest.mark.parametrize(
    "order", [list(DAYS), list(reversed(DAYS)), [7, 20, 3, 13, *range(1, 3), 4, 5, 6, *range(8, 13)]]
)
def test_files_that_come_one_by_one_are_read_as_if_they_had_come_together(
    open_shop: Callable[[str], Shop], order: list[int]
) -> None:
    together, one_by_one = open_shop("together"), open_shop("one by one")
    for day in DAYS:
        deliver_day(together, day)
    together.load()
    for day in [*order, *(day for day in DAYS if day not in order)]:
        deliver_day(one_by_one, day)
        one_by_one.load()
    assert dates(one_by_one) == dates(together)
    assert {at.month for _, at in dates(together)} == {12}
    assert one_by_one.rows("select count(*) from quality.load_ledger where status = 'loaded'") == [(20,)]


def test_a_file_that_has_left_keeps_its_reading_and_its_lines(open_shop: Callable[[str], Shop]) -> None:
    shop = open_shop("left")
    path = deliver_day(shop, 5)
    shop.load()
    path.unlink()
    deliver_day(shop, 20)
    shop.load()
    assert len(dates(shop)) == 8
