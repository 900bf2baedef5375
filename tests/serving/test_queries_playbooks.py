"""Playbooks, emails, and who came and went, against the reporting tables and the rule that balances them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from serving.filters import CLUSTERINGS, METHODS, SEGMENT_COLUMNS, Filters, Method
from serving.queries.lists import count_list, fetch_list
from serving.queries.playbooks import (
    CHANGES,
    audience_changes,
    audience_flows,
    compared_publication,
    emails,
    playbooks,
)
from serving.snapshot import Reading, SnapshotReader
from warehouse.home import Home


@pytest.mark.parametrize("method", ["rfm", "audience"])
def test_every_segment_has_a_playbook_and_a_draft(reading: Reading, method: Method) -> None:
    column = SEGMENT_COLUMNS[method]
    wanted = {
        row["segment"]: (row["customers"], float(row["money"]))
        for row in reading.rows(
            f"""
            select {column} as segment, count(*) as customers, sum(monetary) as money
            from reporting.customer_360
            where {column} is not null
            group by {column}
            """
        )
    }
    frame = playbooks(reading, method)
    money = frame["monetary_sum"].tolist()
    assert money == sorted(money, reverse=True)
    assert set(frame["segment_name"]) == set(emails(reading, method)["segment_name"]) == set(wanted)
    for row in frame.itertuples():
        assert (row.customers, row.monetary_sum) == (
            wanted[row.segment_name][0],
            pytest.approx(wanted[row.segment_name][1]),
        )


@pytest.mark.parametrize("method", CLUSTERINGS)
def test_clusters_have_no_playbook(reading: Reading, method: Method) -> None:
    assert playbooks(reading, method).empty
    assert emails(reading, method).empty


@pytest.mark.parametrize("method", METHODS)
def test_before_plus_entered_less_left_is_now(reading: Reading, method: Method) -> None:
    column = SEGMENT_COLUMNS[method]
    now = {
        row["segment"]: row["customers"]
        for row in reading.rows(
            f"select {column} as segment, count(*) as customers from reporting.customer_360"
            f" where {column} is not null group by {column}"
        )
    }
    changes = reading.rows(
        "select from_segment, to_segment from reporting.audience_changes where method = $method", {"method": method}
    )
    assert changes
    frame = audience_changes(reading, method)
    assert set(now) <= set(frame["segment"])
    for row in frame.itertuples():
        entered = sum(change["to_segment"] == row.segment for change in changes)
        departed = sum(change["from_segment"] == row.segment for change in changes)
        assert (row.entered_customers, row.left_customers) == (entered, departed)
        assert row.customers_now == now.get(row.segment, 0)
        assert row.customers_before == row.customers_now - entered + departed >= 0
    assert audience_flows(reading, method)["customers"].sum() == len(changes)


def test_money_of_those_who_entered_is_theirs(reading: Reading) -> None:
    frame = audience_changes(reading, "rfm").set_index("segment")
    for segment in frame.index:
        wanted = reading.row(
            """
            select coalesce(sum(c.monetary_net), 0)::double as money, coalesce(sum(v.clv), 0) as clv
            from reporting.audience_changes as a
            inner join marts.customer_rfm as c using (customer_id)
            inner join ml.customer_clv as v using (customer_id)
            where a.method = 'rfm' and a.to_segment = $segment
            """,
            {"segment": segment},
        )
        assert frame.loc[segment, "entered_monetary"] == pytest.approx(wanted["money"], abs=0.005)
        assert frame.loc[segment, "entered_clv"] == pytest.approx(wanted["clv"], abs=0.01)


def test_list_of_changes_keeps_to_the_segment_at_either_end(reading: Reading) -> None:
    everyone = fetch_list(reading, CHANGES, Filters())
    assert len(everyone) == reading.value("select count(*) from reporting.audience_changes where method = 'rfm'")
    segment = audience_changes(reading, "rfm").sort_values("entered_customers").iloc[-1]["segment"]
    some = fetch_list(reading, CHANGES, Filters(segments=(segment,)))
    at_either_end = (everyone["from_segment"] == segment) | (everyone["to_segment"] == segment)
    assert set(some["customer_id"]) == set(everyone[at_either_end]["customer_id"])
    assert 0 < len(some) < len(everyone)


def test_list_of_changes_keeps_to_the_other_filters(reading: Reading) -> None:
    frame = fetch_list(reading, CHANGES, Filters(countries=("France",)))
    wanted = reading.value(
        """
        select count(*)
        from reporting.audience_changes as a inner join marts.dim_customers as d using (customer_id)
        where a.method = 'rfm' and d.country = 'France'
        """
    )
    assert set(frame["country"]) == {"France"}
    assert len(frame) == wanted


def test_customer_who_is_gone_is_listed_without_money(reading: Reading) -> None:
    frame = fetch_list(reading, CHANGES, Filters())
    gone = frame[frame["customer_id"] == "10999"]
    assert gone["change"].tolist() == ["gone"]
    assert gone["to_segment"].isna().all()
    assert gone["monetary"].isna().all()
    # the last row, so that money never seems to lead with one who brings none
    assert frame.iloc[-1]["customer_id"] == "10999"


def test_changes_say_which_publication_they_count_from(reading: Reading) -> None:
    since = compared_publication(reading, "rfm")
    first = reading.row(
        "select publication_id, snapshot_date from quality.publications order by publication_id limit 1"
    )
    assert since == first


@pytest.fixture
def without_changes(published_small: Home, tmp_path: Path) -> Iterator[Reading]:
    """The small shop as its first publication would be, with redrafts of two emails."""
    home = Home(tmp_path / "home")
    home.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, home.published)
    with duckdb.connect(str(home.published)) as con:
        con.execute("delete from reporting.audience_changes")
        con.execute(
            """
            insert into reporting.segment_email_redrafts
                (method, segment_name, subject, body, model, status, problem)
            select
                'rfm', segment_name, case when n = 1 then 'Hello again' end, case when n = 1 then 'Come back.' end,
                'a-model', case when n = 1 then 'redrafted' else 'failed' end, case when n > 1 then 'no answer' end
            from (
                select segment_name, row_number() over (order by segment_name) as n
                from reporting.segment_emails
                where method = 'rfm'
            )
            where n <= 2
            """
        )
    reader = SnapshotReader(home)
    with reader.reading() as opened:
        yield opened
    reader.close()


def test_first_publication_has_no_changes(without_changes: Reading) -> None:
    frame = audience_changes(without_changes, "rfm")
    assert frame["entered_customers"].sum() == frame["left_customers"].sum() == 0
    assert frame["customers_before"].tolist() == frame["customers_now"].tolist()
    assert audience_flows(without_changes, "rfm").empty
    assert compared_publication(without_changes, "rfm") is None
    assert count_list(without_changes, CHANGES, Filters()) == 0


def test_redrafts_stand_beside_their_drafts(without_changes: Reading) -> None:
    frame = emails(without_changes, "rfm")
    assert frame["segment_name"].tolist() == sorted(frame["segment_name"])
    assert frame["redraft_status"].tolist()[:2] == ["redrafted", "failed"]
    assert frame["redraft_status"].iloc[2:].isna().all()
    assert frame["redraft_subject"].iloc[0] == "Hello again"
    assert frame["redraft_problem"].iloc[1] == "no answer"
    # audiences have the same segments
    assert emails(without_changes, "audience")["redraft_status"].isna().all()
