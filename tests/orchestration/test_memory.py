"""Refresh after refresh with growing data: what is remembered, and what is told of it."""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.previous import previous_snapshot
from tests.orchestration.conftest import copy_of, differing_tables, refresh
from tests.tiny_shop import deliver, small_history
from warehouse.home import Home
from warehouse.publishing import current_publication, rollback
from warehouse.versions import RefreshVersion

Ask = Callable[..., list[tuple]]

AUDIENCES = """
    select coalesce(audience_segment, '-') as segment, count(*) as customers
    from reporting.customer_360 group by all order by all
"""

SIZES_AT_MONTH_END = """
    select rfm_segment, count(*) from marts.customer_rfm_monthly where month_end = ? group by 1 order by 1
"""


def deliver_real(source: Path, landing: Path, first: int, last: int) -> None:
    """Copy the daily files from number ``first`` up to ``last``, with the times they have."""
    landing.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.csv"))[first:last]:
        shutil.copy2(path, landing / path.name)
        os.utime(landing / path.name, (1_700_000_000, 1_700_000_000))


@pytest.fixture(scope="module")
def grown(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Snapshots after the first 200 real files, 50 more, and the rest."""
    home = Home(tmp_path_factory.mktemp("grown"))
    snapshots = []
    for first, last in ((0, 200), (200, 250), (250, 305)):
        deliver_real(real_data, home.landing, first, last)
        outcome = refresh(home)
        assert outcome.succeeded, outcome.problems
        kept = home.root / f"after_{last}.duckdb"
        shutil.copy(home.published, kept)
        snapshots.append(kept)
    return snapshots


def test_segments_keep_their_ids_as_data_grows_and_every_name_is_true(grown: list[Path], ask: Ask) -> None:
    sql = "select cluster_id from ml.segment_profiles where algorithm = 'kmeans' order by 1"
    ids = [ask(path, sql) for path in grown]
    assert ids[0] == ids[1] == ids[2]
    assert len(ids[0]) == 4
    for path in grown:
        told = ask(path, "select segment_name, true_pct from reporting.segment_claims where method <> 'audience'")
        assert len(told) > 11
        assert [one for one in told if one[1] is not None and one[1] < 80] == []


def test_each_fit_tells_how_far_it_is_from_the_one_before(grown: list[Path], ask: Ask) -> None:
    sql = """
        select data_version, previous_data_version, changes
        from ml.model_runs where model = 'customer_segments' and algorithm = 'kmeans'
    """
    (first,), (second,), (third,) = (ask(path, sql) for path in grown)
    assert first[1:] == (None, None)
    assert second[1] == first[0]
    assert third[1] == second[0]
    assert json.loads(second[2])
    assert second[2] != third[2]


def test_moves_add_up_so_that_everyone_who_was_somewhere_is_somewhere(grown: list[Path], ask: Ask) -> None:
    for path in grown:
        months = [row[0] for row in ask(path, "select distinct month_end from marts.segment_moves order by 1")]
        assert len(months) >= 7
        for before, now in itertools.pairwise(months):
            left = ask(
                path,
                "select from_segment, sum(customers) from marts.segment_moves "
                "where month_end = ? and from_segment <> 'New Customer' group by 1 order by 1",
                now,
            )
            were = ask(
                path,
                SIZES_AT_MONTH_END,
                before,
            )
            assert left == were
            arrived = ask(
                path,
                "select to_segment, sum(customers) from marts.segment_moves where month_end = ? group by 1 order by 1",
                now,
            )
            are = ask(
                path,
                SIZES_AT_MONTH_END,
                now,
            )
            assert arrived == are


def test_later_files_leave_earlier_months_as_they_were(grown: list[Path], ask: Ask) -> None:
    for earlier, later in itertools.pairwise(grown):
        (last,) = ask(earlier, "select max(month_end) from marts.customer_rfm_monthly")[0]
        sql = "select * from marts.customer_rfm_monthly where month_end <= ? order by month_end, customer_id"
        assert ask(earlier, sql, last) == ask(later, sql, last)
        sql = "select * from marts.segment_moves where month_end <= ? order by all"
        assert ask(earlier, sql, last) == ask(later, sql, last)


def test_who_entered_and_left_explains_the_new_sizes(grown: list[Path], ask: Ask) -> None:
    assert ask(grown[0], "select count(*) from reporting.audience_changes") == [(0,)]
    for earlier, later in itertools.pairwise(grown):
        sizes = dict(ask(earlier, AUDIENCES))
        for segment, change in ask(
            later,
            """
            select segment, sum(change) from (
                select to_segment as segment, count(*) as change
                from reporting.audience_changes where method = 'audience' group by 1
                union all
                select from_segment, -count(*)
                from reporting.audience_changes where method = 'audience' group by 1
            ) group by 1
            """,
        ):
            name = segment or "-"
            sizes[name] = sizes.get(name, 0) + change
        now = dict(ask(later, AUDIENCES))
        # customers with returns only have no segment, before and after
        assert {k: v for k, v in sizes.items() if k != "-"} == {k: v for k, v in now.items() if k != "-"}


def test_a_repeated_refresh_compares_with_what_the_first_one_did_and_nothing_with_what_was_taken_back(
    published_home: Home, tmp_path: Path, ask: Ask
) -> None:
    first = current_publication(published_home)
    assert first is not None
    deliver(published_home.landing, small_history(days=90))
    assert refresh(published_home).succeeded
    once = tmp_path / "once.duckdb"
    shutil.copy(published_home.published, once)
    assert ask(once, "select count(*) > 0 from reporting.audience_changes") == [(True,)]
    assert ask(once, "select distinct previous_publication_id from reporting.audience_changes") == [
        (first.publication_id,)
    ]

    taken_back = copy_of(published_home, tmp_path / "taken back")
    rollback(taken_back, at=datetime.now(UTC))
    found = previous_snapshot(taken_back, RefreshVersion("other", "settings", "code", None))
    assert found is not None
    assert found.publication_id == first.publication_id

    assert refresh(published_home, full=True).succeeded
    assert differing_tables(once, published_home.published, is_past_shared=True) == []


def test_with_nothing_published_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    assert previous_snapshot(Home(tmp_path), RefreshVersion("data", "settings", "code", None)) is None
