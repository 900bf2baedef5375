"""A list's own sorting and filtering, as bound SQL."""

import pytest

from serving.filters import Clause, Filters
from serving.queries.lists import Column, ListRequest, ListSpec, UnknownColumnError, count_list, fetch_list
from serving.snapshot import SnapshotReader
from warehouse.home import Home

ROWS = """
    select * from (values
        (1, 'Mug', 5.5, date '2024-01-01'),
        (2, 'mug tree', -2.0, date '2024-01-02'),
        (3, '100% cotton', null, null),
        (4, '', 7.0, date '2024-01-31'),
        (5, null, 7.0, date '2024-02-01')
    ) as rows (id, name, price, sold_date)
"""
SPEC = ListSpec(
    "things",
    "Things",
    (
        Column("id", "Id", "count"),
        Column("name", "Name"),
        Column("price", "Price", "money"),
        Column("sold_date", "Sold", "date"),
    ),
    lambda filters, context: Clause(ROWS, {}),
    "id",
)


@pytest.fixture(scope="module")
def reader(published_small: Home) -> SnapshotReader:
    return SnapshotReader(published_small)


def ids(reader: SnapshotReader, filters: dict | None = None, sort: list | None = None, **page: int) -> list[int]:  # type: ignore[type-arg]
    request = ListRequest(filters or {}, sort or [])
    with reader.reading() as reading:
        found = [int(value) for value in fetch_list(reading, SPEC, Filters(), "", request, **page)["id"]]
        if not page:
            assert count_list(reading, SPEC, Filters(), "", request) == len(found)
    return found


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"type": "contains", "filter": "MUG"}, [1, 2]),
        ({"type": "notContains", "filter": "mug"}, [3, 4, 5]),
        ({"type": "equals", "filter": "mug"}, [1]),
        ({"type": "notEqual", "filter": "mug"}, [2, 3, 4, 5]),
        ({"type": "startsWith", "filter": "mug"}, [1, 2]),
        ({"type": "endsWith", "filter": "tree"}, [2]),
        ({"type": "contains", "filter": "%"}, [3]),
        ({"type": "contains", "filter": "_"}, []),
        ({"type": "blank"}, [4, 5]),
        ({"type": "notBlank"}, [1, 2, 3]),
        ({"operator": "OR", "conditions": [{"type": "equals", "filter": "mug"}, {"type": "blank"}]}, [1, 4, 5]),
        (
            {
                "operator": "AND",
                "conditions": [{"type": "contains", "filter": "mug"}, {"type": "endsWith", "filter": "e"}],
            },
            [2],
        ),
    ],
)
def test_text_is_filtered_as_letters_whatever_their_case(
    reader: SnapshotReader, model: dict, expected: list[int]
) -> None:  # type: ignore[type-arg]
    assert ids(reader, {"name": model}) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"type": "greaterThan", "filter": 5.5}, [4, 5]),
        ({"type": "greaterThanOrEqual", "filter": 5.5}, [1, 4, 5]),
        ({"type": "lessThan", "filter": 0}, [2]),
        ({"type": "inRange", "filter": -2, "filterTo": 5.5}, [1, 2]),
        ({"type": "equals", "filter": 7}, [4, 5]),
        ({"type": "notEqual", "filter": 7}, [1, 2, 3]),
        ({"type": "blank"}, [3]),
    ],
)
def test_numbers_are_compared_as_numbers(reader: SnapshotReader, model: dict, expected: list[int]) -> None:  # type: ignore[type-arg]
    assert ids(reader, {"price": model}) == expected


def test_days_are_compared_as_days(reader: SnapshotReader) -> None:
    january = {"type": "inRange", "dateFrom": "2024-01-02 00:00:00", "dateTo": "2024-01-31 00:00:00"}
    assert ids(reader, {"sold_date": january}) == [2, 4]


def test_equal_rows_keep_one_order_so_that_pages_never_overlap(reader: SnapshotReader) -> None:
    by_price = [{"colId": "price", "sort": "desc"}]
    assert ids(reader, sort=by_price) == [4, 5, 1, 2, 3]
    assert ids(reader, sort=by_price, offset=0, limit=2) + ids(reader, sort=by_price, offset=2, limit=3) == [
        4,
        5,
        1,
        2,
        3,
    ]


def test_what_has_no_value_comes_last_in_both_directions(reader: SnapshotReader) -> None:
    assert ids(reader, sort=[{"colId": "price", "sort": "asc"}])[-1] == 3
    assert ids(reader, sort=[{"colId": "price", "sort": "desc"}])[-1] == 3


@pytest.mark.parametrize(
    "filters",
    [
        {"nope": {"type": "equals", "filter": 1}},
        {'id" or 1=1 --': {"type": "equals", "filter": 1}},
        {"price": {"type": "equals", "filter": "lots"}},
        {"price": {"type": "; drop", "filter": 1}},
        {"name": {"type": "matches", "filter": "x"}},
        {"sold_date": {"type": "equals", "dateFrom": "yesterday"}},
        {"price": 5},
        {"name": {"operator": "OR", "conditions": [{"type": "contains", "filter": "x"}] * 51}},
        {"name": {"operator": "OR", "conditions": [{"type": "blank"}] * 51}},
        {"name": {"conditions": [{"conditions": [{"type": "blank"}]}]}},
        {"name": {"conditions": 5}},
        {"name": {"conditions": None}},
        {"name": {"type": "contains", "filter": "\ud800"}},
        {"price": {"type": "equals", "filter": 10**400}},
    ],
)
def test_what_the_list_does_not_know_is_refused(reader: SnapshotReader, filters: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(UnknownColumnError):
        ids(reader, filters)


def test_an_unknown_column_cannot_be_sorted_by(reader: SnapshotReader) -> None:
    with pytest.raises(UnknownColumnError):
        ids(reader, sort=[{"colId": "id desc; drop table x", "sort": "asc"}])


@pytest.mark.parametrize("sort", [["name"], [5], [{"colId": "name", "sort": "asc"}] * 1_000])
def test_a_sorting_that_no_table_asks_for_is_refused(reader: SnapshotReader, sort: list) -> None:  # type: ignore[type-arg]
    with pytest.raises(UnknownColumnError):
        ids(reader, sort=sort)


def test_values_are_bound(reader: SnapshotReader) -> None:
    assert ids(reader, {"name": {"type": "equals", "filter": "' or 1=1 --"}}) == []
