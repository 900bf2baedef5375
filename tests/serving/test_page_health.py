"""What /health shows: figures against SQL, faults that must catch the eye, hostile texts."""

import os
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import httpx
import pytest

from serving.api.health import Health, health
from serving.dashboard.pages.health import PAGE
from serving.dashboard.view import View
from serving.filters import Filters
from serving.lists import LISTS
from serving.queries.cards import summary_cards
from serving.snapshot import DamagedSnapshotError, NoSnapshotError, Reading, SnapshotReader
from tests.server import drawing_request, served
from tests.serving.changed import changed
from tests.serving.rendered import charts, figures, links, of_class, parts, text
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.stopped import StoppedRefresh, forget_stopped, note_stopped
from warehouse.wording import moment, money


def drawn_of(reading: Reading, theme: str = "light") -> object:
    return PAGE.render(View(reading, Filters(), theme))  # type: ignore[arg-type]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_figures_equal_sql(reading: Reading) -> None:
    shown = figures(drawn_of(reading))
    assert shown["last_date"] == "27 Aug 2024"
    published: datetime = reading.value("select max(published_at) from quality.publications")
    assert shown["published_date"] == f"{published.day} {published:%b %Y}"
    assert number(shown["lines_set_aside"]) == reading.value("select count(*) from marts.set_aside_lines")
    assert number(shown["files_loaded"]) == number(shown["deliveries_loaded"])
    assert number(shown["files_loaded"]) == reading.value(
        "select count(*) from quality.load_ledger where status = 'loaded'"
    )
    assert shown["files_rejected"] == "0"
    last_run = "run_id = (select max_by(run_id, recorded_at) from quality.validation_results)"
    passed, run = reading.row(
        f"""
        select count(*) filter (status = 'passed') as passed, count(*) as run
        from quality.validation_results where {last_run}
        """
    ).values()
    assert shown["checks_passed"] == f"{passed} of {run}"
    for row in reading.rows(
        f"""
        select layer, count(*) filter (status = 'failed') as n
        from quality.validation_results where {last_run} group by layer
        """
    ):
        # all failures of this shop are warnings
        assert number(shown[f"checks_{row['layer']}_warned"]) == row["n"]
        assert shown[f"checks_{row['layer']}_failed"] == shown[f"checks_{row['layer']}_could_not_run"] == "0"


def test_the_row_accounting_that_is_shown_adds_up(reading: Reading) -> None:
    shown = figures(drawn_of(reading))
    accounted = reading.rows("select disposition, is_kept, row_count, gross_amount from marts.row_accounting")
    for row in accounted:
        assert number(shown[f"rows_{row['disposition']}"]) == row["row_count"]
        assert shown[f"amount_{row['disposition']}"] == money(row["gross_amount"], "GBP", pence=True)
    set_aside = [row for row in accounted if not row["is_kept"]]
    assert number(shown["rows_delivered"]) - sum(row["row_count"] for row in set_aside) == number(shown["rows_kept"])

    def pounds(text: str) -> Decimal:
        return Decimal(text.replace("£", "").replace(",", "").replace("−", "-"))

    # this shop's prices have whole pennies, so what is shown adds up as it stands
    taken = sum((pounds(shown[f"amount_{row['disposition']}"]) for row in set_aside), Decimal(0))
    assert pounds(shown["amount_delivered"]) - taken == pounds(shown["amount_kept"])
    assert "Adds up." in text(drawn_of(reading))


def test_where_no_line_was_set_aside_the_axis_begins_at_zero(published_small: Home, tmp_path: Path) -> None:
    with changed(published_small, tmp_path, "update marts.row_accounting set row_count = 0 where not is_kept") as kept:
        drawn = drawn_of(kept)
    assert "The axis begins at 0." in text(drawn)
    assert charts(drawn)["health-waterfall-rows"].layout.xaxis.range[0] == 0


def test_the_waterfalls_go_from_delivered_to_kept(reading: Reading) -> None:
    drawn = charts(drawn_of(reading))
    assert set(drawn) == {"health-waterfall-rows", "health-waterfall-money"}
    for name, columns in (("rows", "row_count"), ("money", "gross_amount")):
        (trace,) = drawn[f"health-waterfall-{name}"].data
        totals = reading.row(
            f"select sum({columns}) as delivered, sum({columns}) filter (is_kept) as kept from marts.row_accounting"
        )
        steps = list(trace.x)
        assert steps[0] == pytest.approx(float(totals["delivered"]))
        assert sum(steps[:-1]) == pytest.approx(float(totals["kept"])) == pytest.approx(steps[-1])
        assert list(trace.measure) == ["absolute", *["relative"] * (len(steps) - 2), "total"]
        # a bar that begins off the axis can't be seen
        assert drawn[f"health-waterfall-{name}"].layout.xaxis.range[0] < min(steps[0], steps[-1])


def test_a_healthy_warehouse_raises_no_alarm(reading: Reading) -> None:
    assert not of_class(drawn_of(reading), "note-error")


def test_a_rejected_file_a_stopped_check_and_a_lost_line_catch_the_eye(published_small: Home, tmp_path: Path) -> None:
    with changed(
        published_small,
        tmp_path,
        """
        insert into quality.load_ledger (
            load_id, file_name, size_bytes, delivered_at, recorded_at, status, kind, problem, is_in_landing
        )
        values (9001, '<b>bad</b>.csv', 1, timestamp '2024-09-01', timestamp '2024-09-01', 'rejected', 'transactions',
            'No column for the <script>invoice</script>.', true)
        """,
        """
        update quality.validation_results set status = 'error', message = 'it broke'
        where layer = 'ml' and check_name = (select min(check_name) from quality.validation_results where layer = 'ml')
        """,
        "delete from marts.fct_invoice_lines where line_id = (select min(line_id) from marts.fct_invoice_lines)",
    ) as it:
        drawn = drawn_of(it, "dark")
    alarms = of_class(drawn, "note-error")
    assert [alarm.title for alarm in alarms] == [
        "1 delivered file could not be loaded",
        "1 check failed or could not run",
        "Lines don't add up",
    ]
    # as text, which React writes as it is
    assert "<b>bad</b>.csv" in text(alarms[0]) and "<script>invoice</script>" in text(alarms[0])
    assert "missing from every figure" in text(alarms[0])
    assert "Could not run: it broke" in text(alarms[1])
    shown = figures(drawn)
    assert shown["files_rejected"] == "1"
    assert shown["checks_ml_could_not_run"] == "1" and shown["checks_ml_failed"] == "0"
    assert "Does not add up." in text(drawn)
    # they stand before everything else
    (page,) = of_class(drawn, "page")[:1]
    assert page.children[: len(alarms)] == alarms


def test_a_refresh_that_was_stopped_is_told_though_it_published_nothing(published_small: Home, tmp_path: Path) -> None:
    stopped = StoppedRefresh(
        "0123456789abcdef",
        datetime(2024, 9, 2, 5, 3, tzinfo=UTC),
        ("staging.stg_transactions: check line_amount_is_plausible failed, 1 of 593, in 2024-09-01.csv.",),
        ("one <b>line</b> of a@example.com is too much. Do:\n[landing]\n",),
    )
    with changed(published_small, tmp_path) as before:
        assert health(before)["data"]["stopped"] is None
        home, etag = Home(tmp_path / "changed"), before.etag
    note_stopped(home, stopped)
    with SnapshotReader(home).reading() as it:
        [alarm] = of_class(drawn_of(it), "note-error")
        with served(home) as url:
            answered = httpx.get(f"{url}/api/v1/health").json()["data"]
        published = moment(it.about.published_at)
        # who kept an answer is not told that nothing changed
        assert it.etag != etag
    assert alarm.title == "The newest refresh was stopped on 2 Sep 2024, 05:03 UTC"
    told = text(alarm)
    assert f"It published nothing: what you see is the snapshot of {published}." in told
    assert "check line_amount_is_plausible failed, 1 of 593, in 2024-09-01.csv" in told
    assert "one <b>line</b> of (e-mail address) is too much" in told
    assert (answered["status"], answered["stopped"]["run_id"]) == ("failures", "0123456789abcdef")
    assert datetime.fromisoformat(answered["stopped"]["stopped_at"]) == stopped.stopped_at
    forget_stopped(home)
    with SnapshotReader(home).reading() as it:
        assert it.etag == etag
        assert not of_class(drawn_of(it), "note-error")


def test_a_damaged_snapshot_is_replaced_by_the_newest_that_can_be_read(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    home.published.unlink()
    home.published.write_bytes(b"no database")
    newest, before = sorted(home.snapshots.glob("*.duckdb"), reverse=True)[:2]
    reader = SnapshotReader(home)
    with reader.reading() as it:
        shown = it.about.publication_id
        [alarm] = of_class(drawn_of(it), "note-error")
        answered = Health.model_validate(health(it)["data"])
    assert shown == 2
    assert alarm.title == "The published snapshot is damaged"
    assert "not a valid DuckDB database file" in text(alarm) and "the newest that can be read" in text(alarm)
    assert answered.status == "failures" and "is damaged" in (answered.damaged or "")
    assert str(tmp_path) not in text(alarm) + str(answered)
    with served(home) as url:
        probed = httpx.get(f"{url}/readyz")
    assert (probed.status_code, probed.json()["detail"]) == (503, "What is published can't be read. Refresh.")

    newest.chmod(0o644)
    newest.write_bytes(b"no database either")
    # looked at again once the published file changes
    os.utime(home.published, (1, 1))
    with reader.reading() as it:
        assert it.about.publication_id == 1

    before.chmod(0o644)
    before.write_bytes(b"nor this")
    os.utime(home.published, (2, 2))
    with pytest.raises(RegularsError, match=r"no kept snapshot can be read\. Refresh, or restore a backup"):
        reader.reading().__enter__()
    reader.close()


def spoil(snapshot: Path, table: str) -> None:
    """Have a disk forget what a table holds: the file opens, and all else in it can be read."""
    with duckdb.connect(str(snapshot), read_only=True) as con:
        blocks = con.execute(
            f"select distinct block_id from pragma_storage_info('{table}') where block_id >= 0"
        ).fetchall()
        block_bytes = con.execute("select block_size from pragma_database_size()").fetchall()[0][0]
    snapshot.chmod(0o644)
    with snapshot.open("r+b") as file:
        for (block,) in blocks:
            # three headers of 4,096 bytes lie before the first block
            file.seek(3 * 4_096 + block * block_bytes + 100)
            file.write(b"\xff" * 1_000)


def test_damage_that_shows_while_it_is_read_is_told_once(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    newest = max(home.snapshots.glob("*.duckdb"))
    # as publishing leaves it: one file under two names
    home.published.unlink()
    os.link(newest, home.published)
    spoil(newest, "reporting.customer_360")
    with served(home) as url:
        assert httpx.get(f"{url}/api/v1/revenue/monthly").json()["snapshot"]["publication_id"] == 2
        first = httpx.get(f"{url}/api/v1/customers")
        assert (first.status_code, first.json()["type"]) == (503, "urn:regulars:problem:damaged-snapshot")
        assert "regulars.duckdb is damaged" in first.json()["detail"] and str(tmp_path) not in first.text
        again = httpx.get(f"{url}/api/v1/customers")
        assert again.json()["snapshot"]["publication_id"] == 1
        # of what can still be read nothing is shown either: two pages would be of two publications
        assert httpx.get(f"{url}/api/v1/revenue/monthly").json()["snapshot"]["publication_id"] == 1
        assert "regulars.duckdb is damaged" in httpx.get(f"{url}/api/v1/health").json()["data"]["damaged"]
    with served(home) as url:
        # a page asks again by itself
        drawn = httpx.post(f"{url}/_dash-update-component", json=drawing_request("/customers", "", "light")).text
    assert "Older snapshot" in drawn and "could not be drawn" not in drawn


@pytest.mark.parametrize(("made_by", "status"), [("an earlier one", 503), (None, 500)])
def test_who_upgrades_and_has_not_refreshed_is_told_so(
    published_small: Home, tmp_path: Path, made_by: str | None, status: int
) -> None:
    """The same of our own code is a fault, and says nothing of refreshing."""
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    home.published.chmod(0o644)
    with duckdb.connect(str(home.published)) as con:
        con.execute("alter table reporting.customer_360 drop column is_dormant")
        if made_by:
            con.execute("update quality.publications set code_fingerprint = ?", [made_by])
    with served(home) as url:
        asked = httpx.get(f"{url}/api/v1/summary")
        drawn = httpx.post(f"{url}/_dash-update-component", json=drawing_request("/customers", "", "light")).text
        # what needs nothing new is answered as ever
        assert httpx.get(f"{url}/api/v1/revenue/monthly").status_code == 200
    assert asked.status_code == status
    assert ("Run `regulars refresh`" in asked.json()["detail"]) is bool(made_by)
    assert ("An earlier version published these figures" in drawn) is bool(made_by)
    assert ("could not be drawn" in drawn) is not bool(made_by)


def test_after_an_upgrade_and_a_refresh_the_snapshot_before_is_not_compared_with(
    published_small: Home, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    before = home.snapshots / "regulars-000001.duckdb"
    before.chmod(0o644)
    with duckdb.connect(str(before)) as con:
        con.execute("alter table reporting.customer_360 drop column clv")
        con.execute("update quality.publications set code_fingerprint = 'an earlier one'")
    with SnapshotReader(home).reading() as it:
        assert it.before is not None
        [card] = [card for card in summary_cards(it, Filters()) if card.key == "clv_mean"]
    assert card.value is not None and card.before is None
    assert card.about.endswith("No change: the snapshot before expected nothing comparable.")


def test_a_publication_in_the_meantime_is_not_taken_for_the_damaged_file(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    sound = shutil.copy(home.published, tmp_path)
    spoil(home.published, "reporting.customer_360")
    reader = SnapshotReader(home)
    question = "select count(distinct customer_id) from reporting.customer_360"
    with pytest.raises(DamagedSnapshotError), reader.reading() as it:
        os.replace(sound, home.published)
        it.value(question)
    with reader.reading() as it:
        assert it.damaged is None
        assert it.value(question) > 0


def test_a_damaged_snapshot_of_before_is_compared_with_no_more(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    reader = SnapshotReader(home)
    question = "select count(distinct customer_id) from reporting.customer_360"
    with reader.reading() as it:
        shown = it.about.publication_id
        assert it.before is not None
        before = home.snapshots / f"regulars-{it.before.about.publication_id:06}.duckdb"
    reader.close()
    spoil(before, "reporting.customer_360")
    with pytest.raises(DamagedSnapshotError, match=before.name), reader.reading() as it:
        assert it.before is not None
        it.before.value(question)
    with reader.reading() as it:
        assert (it.about.publication_id, it.before, it.damaged) == (shown, None, None)
        assert it.value(question) > 0


def test_before_the_first_publication_it_is_told_why_there_is_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    note_stopped(home, StoppedRefresh("0123", datetime(2024, 9, 2, tzinfo=UTC), ("Step 'load files' failed.",), ()))
    with pytest.raises(NoSnapshotError, match="The newest refresh was stopped: Step 'load files' failed"):
        SnapshotReader(home).reading().__enter__()


def test_the_four_outcomes_differ_in_word_and_sign(reading: Reading) -> None:
    told = text(drawn_of(reading))
    for word in ("Passed", "Warned", "Failed", "Could not run"):
        assert word in told


def test_every_list_can_be_browsed_and_downloaded_whatever_is_filtered(reading: Reading) -> None:
    drawn = drawn_of(reading)
    named = {"set_aside_reasons", "set_aside_lines", "load_ledger", "validation_results", "publications"}
    assert named <= set(LISTS)
    for name in named:
        assert any(link.startswith(f"/download/{name}.csv") for link in links(drawn))
        assert any(link.startswith(f"/download/{name}.xlsx") for link in links(drawn))
    assert not PAGE.has_filters
    assert "/data-docs/index.html" in links(drawn)


def test_what_the_models_doubt_is_told_in_their_words(reading: Reading) -> None:
    told = text(of_class(drawn_of(reading), "note-warning"))
    warned = reading.rows("select warnings from reporting.model_notes where has_warnings")
    assert warned
    for row in warned:
        assert row["warnings"] in told


def test_money_that_is_rounded_for_display_is_said_to_add_up_before(published_small: Home, tmp_path: Path) -> None:
    # three amounts of a tenth of a penny: each shows as none, together as one penny less
    with changed(
        published_small,
        tmp_path,
        "update marts.row_accounting set gross_amount = gross_amount + 0.004 where not is_kept",
    ) as it:
        assert "add up before rounding" in text(drawn_of(it))


def test_an_empty_record_is_said_to_be_empty(published_small: Home, tmp_path: Path) -> None:
    with changed(
        published_small,
        tmp_path,
        "delete from quality.validation_results",
        "delete from quality.load_ledger",
        "update marts.row_accounting set row_count = 0, gross_amount = 0",
        "delete from reporting.model_notes",
    ) as it:
        told = text(of_class(drawn_of(it), "empty"))
    for message in ("No check was recorded", "No file was delivered", "No line was delivered", "No model was fitted"):
        assert message in told


def test_ids_on_the_page_are_unique(reading: Reading) -> None:
    ids = [str(one.id) for one in parts(drawn_of(reading)) if getattr(one, "id", None)]
    assert len(ids) == len(set(ids)) > 4
