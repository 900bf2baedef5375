"""The page of playbooks: figures and texts against the reporting tables, and its empty states."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import plotly
import pytest

from serving.dashboard.pages.playbooks import PAGE
from serving.dashboard.view import View
from serving.filters import CLUSTERINGS, Filters, Method
from serving.snapshot import Reading, SnapshotReader
from tests.serving.rendered import figures, links, of_class, parts, text
from warehouse.home import Home
from warehouse.wording import count, money, short_money


def drawn(reading: Reading, **filters: Any) -> Any:
    page = PAGE.render(View(reading, Filters(**filters)))
    json.dumps(page.to_plotly_json(), cls=plotly.utils.PlotlyJSONEncoder)
    return page


def of_method(reading: Reading, table: str, method: str) -> list[dict[str, Any]]:
    return reading.rows(f"select * from reporting.{table} where method = $method", {"method": method})


@pytest.mark.parametrize("method", ["rfm", "audience"])
def test_every_text_of_every_playbook_and_email_is_shown(reading: Reading, method: Method) -> None:
    page = drawn(reading, method=method)
    told = text(page)
    playbooks, emails = of_method(reading, "segment_playbooks", method), of_method(reading, "segment_emails", method)
    assert playbooks
    assert len(of_class(page, "playbook")) == len(playbooks)
    for row in playbooks:
        texts = ("summary", "who", "signals", "goal", "strategy", "channel", "offer", "measure", "measure_how")
        assert [name for name in texts if row[name] not in told] == []
        assert row["clv_note"] is None or row["clv_note"] in told
    for row in emails:
        assert [name for name in ("subject", "preheader", "body", "note_to_marketer") if row[name] not in told] == []


@pytest.mark.parametrize("method", CLUSTERINGS)
def test_clusters_have_no_playbook(reading: Reading, method: Method) -> None:
    assert "There is no playbook" in text(drawn(reading, method=method))


def test_what_a_name_says_too_much_is_told_with_its_playbook_and_its_email(reading: Reading) -> None:
    for row in of_method(reading, "segment_playbooks", "rfm"):
        claim = reading.row(
            "select is_true, claim from reporting.segment_claims where method = 'rfm' and segment_name = $name",
            {"name": row["segment_name"]},
        )
        note = reading.value(
            "select note_to_marketer from reporting.segment_emails where method = 'rfm' and segment_name = $name",
            {"name": row["segment_name"]},
        )
        assert (claim["claim"] in row["summary"], claim["claim"] in note) == (not claim["is_true"],) * 2


def test_what_frequency_counts_is_named(changed: Any) -> None:
    with changed("update quality.about set value = 'lines' where name = 'rfm_frequency'").reading() as reading:
        told = text(drawn(reading))
    assert "order lines each; " in told and "orders each; " not in told


def test_figures_are_those_of_the_customers(reading: Reading) -> None:
    shown = figures(drawn(reading))
    wanted = reading.rows(
        """
        select
            r.rfm_segment as segment, count(*) as customers, sum(r.monetary_net) as money, avg(v.clv) as clv
        from marts.customer_rfm as r
        inner join ml.customer_clv as v using (customer_id)
        group by r.rfm_segment
        """
    )
    for row in wanted:
        key = f"playbooks.{row['segment']}"
        assert shown[f"{key}.customers"] == count(row["customers"])
        assert shown[f"{key}.monetary_sum"] == short_money(row["money"], "GBP")
        assert shown[f"{key}.clv_mean"] == money(row["clv"], "GBP")
        moves = reading.row(
            """
            select
                count(*) filter (to_segment = $segment) as entered,
                count(*) filter (from_segment = $segment) as departed
            from reporting.audience_changes
            where method = 'rfm'
            """,
            {"segment": row["segment"]},
        )
        assert (shown[f"{key}.entered"], shown[f"{key}.left"]) == (count(moves["entered"]), count(moves["departed"]))


def test_segment_filter_narrows_to_its_playbook(reading: Reading) -> None:
    segments = sorted(row["segment_name"] for row in of_method(reading, "segment_playbooks", "rfm"))
    page = drawn(reading, method="rfm", segments=(segments[0],))
    assert len(of_class(page, "playbook")) == 1
    assert f"playbooks.{segments[0]}.customers" in figures(page)
    assert f"1 of {len(segments)} segments" in text(page)


def test_copied_email_is_the_email(reading: Reading) -> None:
    copied = [one.value for one in parts(drawn(reading)) if type(one).__name__ == "CopyButton"]
    for row in of_method(reading, "segment_emails", "rfm"):
        assert row["subject"] in copied
        assert row["preheader"] in copied
        assert row["body"] in copied
        assert f"Subject: {row['subject']}\nPreheader: {row['preheader']}\n\n{row['body']}" in copied


def test_downloads_hold_the_counted_customers_whatever_else_is_filtered(reading: Reading) -> None:
    segment = of_method(reading, "segment_playbooks", "rfm")[0]["segment_name"]
    page = drawn(reading, method="rfm", segments=(segment,), countries=("France",), min_frequency=2)
    (own,) = of_class(page, "playbook")
    files = [urlsplit(link) for link in links(own) if link.startswith("/download/")]
    assert [file.path for file in files] == ["/download/audience_changes.csv", "/download/audience_changes.xlsx"]
    assert all(parse_qs(file.query) == {"segment": [segment]} for file in files)


@pytest.fixture
def changed(published_small: Home, tmp_path: Path) -> Iterator[Any]:
    """A copy of the small shop that a test changes before it is read."""
    home = Home(tmp_path / "home")
    home.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, home.published)
    readers = []

    def change(*statements: str) -> SnapshotReader:
        with duckdb.connect(str(home.published)) as con:
            for statement in statements:
                con.execute(statement)
        readers.append(SnapshotReader(home))
        return readers[-1]

    yield change
    for reader in readers:
        reader.close()


def test_first_publication_says_that_nothing_is_compared(changed: Any) -> None:
    with changed("delete from reporting.audience_changes").reading() as reading:
        page = drawn(reading)
    assert "No change is recorded" in text(page)
    assert not any(link.startswith("/download/") for link in links(page))


def test_shop_without_segments_says_so(changed: Any) -> None:
    with changed("delete from reporting.segment_playbooks").reading() as reading:
        assert "There is no playbook yet." in text(drawn(reading))


def test_redraft_stands_above_the_draft_with_a_warning_and_as_text(changed: Any) -> None:
    reader = changed(
        """
        insert into reporting.segment_email_redrafts (method, segment_name, subject, body, model, status, problem)
        select 'rfm', min(segment_name), '<b>Hello</b>', '<script>x</script> Come back.', 'a-model',
            'redrafted', null
        from reporting.segment_emails where method = 'rfm'
        union all
        select 'rfm', max(segment_name), null, null, 'a-model', 'failed', 'no answer in 30 seconds'
        from reporting.segment_emails where method = 'rfm'
        """
    )
    with reader.reading() as reading:
        page = drawn(reading)
        first = min(row["segment_name"] for row in of_method(reading, "segment_emails", "rfm"))
    told = text(page)
    assert "Redraft by a-model" in told
    assert "read every word before it goes out" in told
    assert "<script>x</script> Come back." in told
    assert "a-model was asked for a redraft and failed: no answer in 30 seconds" in told
    (own,) = (one for one in of_class(page, "playbook") if f"playbooks.{first}.customers" in figures(one))
    assert [text(one).split(" ")[0] for one in of_class(own, "email")] == ["Redraft", "Draft"]
