"""Snapshots as of past days equal refreshes as of them, and nothing else is touched."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.backfill import days_of
from tests.command import regulars
from tests.homes import regulars_refresh
from tests.orchestration.conftest import differing_tables
from tests.tiny_shop import deliver, small_history
from warehouse.errors import HomeError
from warehouse.home import Home
from warehouse.whole_folders import held


@pytest.mark.parametrize(
    ("every", "days"),
    [
        ("day", [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]),
        ("week", [date(2024, 2, 28)]),
        ("month", [date(2024, 3, 1)]),
    ],
)
def test_both_ends_of_the_range_count(every, days) -> None:
    assert days_of(date(2024, 2, 28), date(2024, 3, 1), every) == days


def test_a_range_without_a_day_is_an_error() -> None:
    with pytest.raises(HomeError, match="no first day of a month"):
        days_of(date(2024, 3, 2), date(2024, 3, 31), "month")
    with pytest.raises(HomeError, match="no day"):
        days_of(date(2024, 3, 2), date(2024, 3, 1), "day")


def files_of(home: Home) -> dict[str, tuple[int, int]]:
    """All but the log of locks and of who did what."""
    return {
        str(path.relative_to(home.root)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in home.root.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".jsonl")
    }


def test_each_day_is_as_a_refresh_of_that_day_makes_it(published_home: Home, tmp_path: Path) -> None:
    into = tmp_path / "past"
    before = files_of(published_home)
    asked = ["backfill", "2024-01-01", "2024-02-15", "--every", "month", "--into", str(into)]
    first = regulars(*asked, home=published_home.root)
    # nothing was sold before the first of January
    assert first.returncode == 1
    assert "2024-01-01  could not be made." in first.stdout
    assert "1 day of 2 could not be made; the others are there." in first.stderr
    assert [path.name for path in into.iterdir()] == ["as_of_2024_02_01.duckdb"]
    assert files_of(published_home) == before

    expected = Home(tmp_path / "expected")
    deliver(expected.landing, small_history())
    regulars_refresh(expected, "--as-of", "2024-02-01")
    assert differing_tables(expected.published, into / "as_of_2024_02_01.duckdb") == []

    with held(into):
        refused = regulars(*asked, home=published_home.root)
    assert refused.returncode == 2
    assert "Another backfill writes to" in refused.stderr

    made = (into / "as_of_2024_02_01.duckdb").stat()
    again = regulars(*asked[:1], "2024-02-01", *asked[2:], home=published_home.root)
    assert again.returncode == 0, again.stderr
    assert "is there already" in again.stdout
    assert (into / "as_of_2024_02_01.duckdb").stat() == made
