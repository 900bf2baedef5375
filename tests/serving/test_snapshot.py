"""Readers of the published snapshot: whole, at once, and never behind."""

import os
import re
import shutil
import threading
from pathlib import Path

import duckdb
import pytest

from serving.snapshot import NoSnapshotError, SnapshotReader
from warehouse.home import Home


@pytest.fixture
def home(published_small: Home, tmp_path: Path) -> Home:
    """A copy that a test may publish into."""
    copied = Home(tmp_path / "home")
    copied.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, copied.published)
    return copied


def publish_with(home: Home, publication_id: int) -> None:
    """Put a changed copy in place as a refresh does: written beside, then one rename."""
    beside = home.published.with_suffix(".partial")
    shutil.copy(home.published, beside)
    with duckdb.connect(str(beside)) as connection:
        connection.execute(
            f"update quality.publications set publication_id = {publication_id}"
            " where publication_id = (select max(publication_id) from quality.publications)"
        )
    beside.replace(home.published)


def test_with_nothing_published_the_error_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NoSnapshotError, match="make run"), SnapshotReader(Home(tmp_path)).reading():
        pass


def test_a_first_snapshot_is_noticed_by_a_reader_that_waited(home: Home, tmp_path: Path) -> None:
    later = Home(tmp_path / "later")
    reader = SnapshotReader(later)
    with pytest.raises(NoSnapshotError), reader.reading():
        pass
    later.published.parent.mkdir(parents=True)
    shutil.copy(home.published, later.published)
    with reader.reading() as reading:
        assert reading.value("select count(*) from marts.customer_rfm") > 0


def test_the_sample_is_read_until_the_shop_has_a_snapshot_of_its_own(home: Home, tmp_path: Path) -> None:
    shop = Home(tmp_path / "shop")
    shop.sample.published.parent.mkdir(parents=True)
    shutil.copy(home.published, shop.sample.published)
    reader = SnapshotReader(shop)
    with reader.reading() as reading:
        shown = reading.about.publication_id
    shop.published.parent.mkdir(parents=True)
    shutil.copy(home.published, shop.published)
    publish_with(shop, 77)
    with reader.reading() as reading:
        assert (shown, reading.about.publication_id) == (2, 77)


@pytest.mark.parametrize("left", ["origin.json", "warehouse.duckdb"])
def test_the_sample_hides_no_first_refresh_that_failed(home: Home, tmp_path: Path, left: str) -> None:
    shop = Home(tmp_path / "shop")
    shop.sample.published.parent.mkdir(parents=True)
    shutil.copy(home.published, shop.sample.published)
    (shop.root / left).touch()
    told = re.escape(f"Nothing is published in {shop.root} yet")
    with pytest.raises(NoSnapshotError, match=told), SnapshotReader(shop).reading():
        pass


def test_an_answer_keeps_its_snapshot_and_the_next_sees_the_new_one(home: Home) -> None:
    reader = SnapshotReader(home)
    last_id = "select max(publication_id) from quality.publications"
    with reader.reading() as before:
        publish_with(home, 50)
        with reader.reading() as after:
            assert (before.value(last_id), after.value(last_id)) == (2, 50)
            assert before.about.etag != after.about.etag
        assert before.value(last_id) == 2
    with reader.reading() as reading:
        assert reading.value(last_id) == 50


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
def test_an_answer_that_never_ends_holds_its_own_snapshot_and_no_other(home: Home) -> None:
    def held() -> set[int]:
        found = [path for path in Path("/proc/self/fd").iterdir() if os.path.lexists(path)]
        return {path.stat().st_ino for path in found if os.readlink(path).startswith(str(home.published.parent))}

    reader = SnapshotReader(home)
    with reader.reading() as endless:
        before = endless.about.publication_id
        of_one = len(held())
        for number in range(300, 308):
            publish_with(home, number)
            with reader.reading() as reading:
                assert reading.about.publication_id == number
            # its own, and those of the newest
            assert len(held()) <= 2 * of_one
        assert endless.value("select max(publication_id) from quality.publications") == before
    assert len(held()) <= of_one
    reader.close()
    assert held() == set()


def test_many_threads_read_while_snapshots_change(home: Home) -> None:
    reader = SnapshotReader(home)
    failures: list[BaseException] = []
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                with reader.reading() as reading:
                    told = reading.about.publication_id
                    found = reading.value("select max(publication_id) from quality.publications")
                    assert found == told
                    seen.add(told)
            except BaseException as error:  # noqa: BLE001
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(100, 110):
        publish_with(home, number)
    while 109 not in seen and not failures:
        done.wait(0.01)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert 109 in seen


def test_no_query_can_reach_another_file_or_change_the_snapshot(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with SnapshotReader(home).reading() as reading:
        for statement in (
            f"select * from read_csv('{secret}')",
            f"copy marts.customer_rfm to '{tmp_path / 'out.csv'}'",
            f"attach '{tmp_path / 'other.duckdb'}' as other",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error, match=r"(?i)disabled|lock|cannot"):
                reading.query(statement)
        with pytest.raises(duckdb.Error, match="read-only"):
            reading.query("delete from marts.customer_rfm")
    assert not (tmp_path / "out.csv").exists()


def test_whoever_changes_an_answer_changes_nobody_elses(home: Home) -> None:
    reader = SnapshotReader(home)
    question = "select customer_id, frequency from marts.customer_rfm order by customer_id"
    with reader.reading() as reading:
        frame, rows = reading.query(question), reading.rows(question)
        untouched = rows[0]["frequency"]
        frame.loc[:, "frequency"] = -1
        rows[0]["frequency"] = -1
        rows.clear()
    with reader.reading() as reading:
        assert int(reading.query(question)["frequency"].min()) > 0
        assert reading.rows(question)[0]["frequency"] == untouched


def test_equal_in_python_is_not_equal_in_sql(home: Home) -> None:
    with SnapshotReader(home).reading() as reading:
        answers = [reading.value("select typeof($value)", {"value": value}) for value in (1, 1.0, True, "1")]
    assert answers == ["INTEGER", "DOUBLE", "BOOLEAN", "VARCHAR"]
