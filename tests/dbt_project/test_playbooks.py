"""Playbooks, drafts and audiences, from the seeds to the tables, on shops made for it.

What the models find is written by hand: whose segment is what, and what it was before.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pytest

from tests.dbt_project.conftest import PROJECT, REPORTING, Dbt, ask, explain, line, write_raw
from warehouse.claims import claims

CLUSTERINGS = ("kmeans", "hierarchical", "mixture")
WITH_PLAYBOOKS = ("rfm", "audience", "slipping")
METHODS = (*CLUSTERINGS, *WITH_PLAYBOOKS)
CLUSTER_NAMES = [*claims("clusters"), "Group 3", "All Customers"]
CUSTOMERS = [f"K{number:02d}" for number in range(len(CLUSTER_NAMES))]
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# the hurry, the watching and the flattery that drafts are not to have
UNWELCOME = re.compile(
    r"\b(hurry|last chance|act now|don't miss|today only|limited time|exclusive\w*|we (have )?noticed|we saw|you spent"
    r"|valued customer|amazing|incredible)\b|!",
    re.IGNORECASE,
)


def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_models(path: Path, labels: Mapping[str, str], before: Mapping[str, str] | None = None) -> Path:
    """Tables of schemas ml and previous, in which every clustering says the same."""
    with duckdb.connect(str(path)) as con:
        con.execute("create schema if not exists ml; create schema if not exists previous")
        con.register("labels", con.from_arrow(_pairs(labels)) if labels else con.sql("select '' as a, '' as b limit 0"))
        con.execute(
            """
            create or replace table ml.customer_segments as
            select
                a as customer_id, 1 as kmeans_label, b as kmeans_segment, 1 as hierarchical_label,
                b as hierarchical_segment, 1 as mixture_label, b as mixture_segment, 0.9::double as mixture_probability,
                0.5::double as distance, 0.8::double as stability,
                true as has_positive_monetary, false as is_outlier_excluded
            from labels;
            create or replace table ml.segment_profiles as
            select distinct 'kmeans' as algorithm, 1 as cluster_id, b as segment_name from labels;
            create or replace table ml.customer_clv as
            select
                a as customer_id, 'gradient_boosting' as model, 180 as horizon_days, 1.0::double as p_alive,
                1.0::double as expected_purchases, 0.0::double as expected_purchases_low,
                2.0::double as expected_purchases_high, 10.0::double as expected_purchase_value, 10.0::double as clv,
                0.0::double as clv_low, 20.0::double as clv_high, 80.0::double as interval_pct
            from labels;
            create or replace table ml.model_runs as
            select
                'customer_value' as model, 'bg_nbd' as algorithm,
                'Drop-out cannot be told from this history.' as warnings, null::varchar as change_notes;
            """
        )
        con.unregister("labels")
        con.register("before", con.from_arrow(_pairs(before or {})))
        con.execute(
            """
            create or replace table previous.customer_segments as
            select
                3 as previous_publication_id, date '2011-01-01' as previous_snapshot_date, a as customer_id,
                b as kmeans_segment, b as hierarchical_segment, null::varchar as mixture_segment, b as rfm_segment,
                b as audience_segment, null::varchar as slipping_segment
            from before
            """
        )
        con.unregister("before")
    return path


def _pairs(values: Mapping[str, str]) -> object:
    import pyarrow as pa

    return pa.table({"a": pa.array(list(values), pa.string()), "b": pa.array(list(values.values()), pa.string())})


def build_reporting(dbt: Dbt, path: Path) -> None:
    tests = ("assert_texts_are_complete", "assert_segments_have_playbook_and_email")
    result = dbt.run("build", path, (*REPORTING, *tests))
    assert result.success, explain(result)


def override(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    with duckdb.connect(str(path)) as con:
        for number, (customer, segment) in enumerate(rows):
            con.execute(
                "insert into raw.segment_overrides "
                "(_line_id, _load_id, _file_name, _row_number, _loaded_at, customer_id, segment, reason, author, "
                "expires_on, expires_at) values (?, 2, 'segment_overrides.csv', ?, timestamp '2012-01-01', ?, ?, "
                "'contract', 'Ada', '2012-12-31', timestamp '2012-12-31')",
                [2**33 + number, number + 2, customer, segment],
            )


@pytest.fixture(scope="module")
def shop(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One customer for each name that a clustering may give; K00 is one whom a person calls Champion."""
    lines = [
        line(str(number), "MUG", number + 1, "2.00", customer, f"2011-01-{number + 1:02d} 10:00:00")
        for number, customer in enumerate(CUSTOMERS)
    ]
    path = write_raw(tmp_path_factory.mktemp("playbooks"), lines)
    override(path, [("K00", "Champions")])
    dbt.build(path)
    write_models(path, dict(zip(CUSTOMERS, CLUSTER_NAMES, strict=True)))
    build_reporting(dbt, path)
    return path


@pytest.mark.parametrize("name", ["segment_playbook_texts", "segment_email_templates"])
def test_every_segment_of_the_grid_has_a_row_of_its_own_and_nobody_else(name: str) -> None:
    kinds = {row["segment_kind"] for row in seed(name)}
    by_rule = {row["rfm_segment"] for row in seed("rfm_segments")}

    assert len(by_rule) == 11
    assert kinds == by_rule | set(claims("slipping")) | {"*"}
    assert all(text.strip() for row in seed(name) for text in row.values())


def test_what_customers_read_has_no_figure_no_hurry_and_no_watching() -> None:
    for row in seed("segment_email_templates"):
        read = f"{row['subject']}\n{row['preheader']}\n{row['body']}"
        assert set(PLACEHOLDER.findall(read)) <= {"{top_category}"}, row["segment_kind"]
        assert not UNWELCOME.findall(read), row["segment_kind"]
        assert not re.findall(r"\d", read), row["segment_kind"]
        assert row["body"].startswith("Hello [first name],\n\n")
        assert len(row["subject"]) <= 60
        assert len(row["preheader"]) <= 90


def test_every_name_of_the_grid_makes_a_claim_and_no_cluster_bears_one() -> None:
    by_rule = {row["rfm_segment"] for row in seed("rfm_segments")}

    assert set(claims("rfm")) == by_rule
    assert not by_rule & set(claims("clusters"))


def test_every_segment_that_has_customers_has_playbook_and_email_and_clusters_have_none(shop: Path) -> None:
    for table in ("segment_playbooks", "segment_emails", "segment_claims"):
        for method in METHODS if table == "segment_claims" else WITH_PLAYBOOKS:
            column = f"{method}_segment"
            told = ask(
                shop, f"select segment_name, customers from reporting.{table} where method = '{method}' order by 1"
            )
            counted = ask(shop, f"select {column}, count(*) from reporting.customer_360 group by 1 order by 1")
            assert told == counted, (table, method)


def test_no_placeholder_is_left_and_no_text_is_missing(shop: Path) -> None:
    for table in ("segment_playbooks", "segment_emails"):
        # of a name that is true there is nothing to note
        rows = ask(shop, f"select columns(lambda name: name <> 'name_note') from reporting.{table}")
        assert rows
        for row in rows:
            assert not [value for value in row if isinstance(value, str) and PLACEHOLDER.search(value)]
            assert None not in row


def test_an_override_moves_the_customer_in_audiences_only(shop: Path) -> None:
    ((by_scores, *told),) = ask(
        shop,
        "select rfm_segment, kmeans_segment, audience_segment, is_overridden, override_reason, override_author "
        "from reporting.customer_360 where customer_id = 'K00'",
    )
    assert told == [CLUSTER_NAMES[0], "Champions", True, "contract", "Ada"]
    assert by_scores != "Champions"
    assert ask(shop, "select count(*) from reporting.customer_360 where audience_segment <> rfm_segment") == [(1,)]


def test_the_warning_about_values_stands_where_values_are_read(shop: Path) -> None:
    warning = "Drop-out cannot be told from this history."

    assert ask(shop, "select warnings from reporting.model_notes where is_about_customer_value") == [(warning,)]
    assert ask(shop, "select distinct clv_note from reporting.segment_playbooks") == [(warning,)]


def test_after_the_first_publication_nobody_has_entered(shop: Path) -> None:
    assert ask(shop, "select count(*) from reporting.audience_changes") == [(0,)]


def test_a_typo_in_a_template_stops_the_build(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(shop.read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute("update seeds.segment_email_templates set note_to_marketer = 'For {custommers}.'")

    result = dbt.run("build", path, ("segment_emails", "assert_texts_are_complete"))

    assert not result.success
    assert "assert_texts_are_complete" in explain(result)


def test_a_segment_without_a_row_takes_the_general_one(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(shop.read_bytes())
    with duckdb.connect(str(path)) as con:
        first, second = (
            row[0]
            for row in con.execute("select distinct rfm_segment from marts.customer_rfm order by 1 limit 2").fetchall()
        )
        con.execute("delete from seeds.segment_playbook_texts where segment_kind = ?", [first])
        con.execute("update seeds.segment_playbook_texts set offer = ' ' where segment_kind = ?", [second])
        general = con.execute(
            "select strategy, offer from seeds.segment_playbook_texts where segment_kind = '*'"
        ).fetchone()
    assert general is not None

    result = dbt.run("build", path, ("segment_playbooks",))

    assert result.success, explain(result)
    told = "select has_own_playbook, strategy, offer from reporting.segment_playbooks where method = 'rfm' and "
    ((has_own, strategy, _),) = ask(path, told + f"segment_name = '{first}'")
    assert not has_own
    assert strategy.startswith(general[0].split("{")[0])
    assert f"Add a row for {first}" in strategy
    ((has_own, _, offer),) = ask(path, told + f"segment_name = '{second}'")
    assert has_own
    assert offer == general[1]


def test_changes_between_two_publications_add_up(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    """What was published first is what the second is compared with."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(shop.read_bytes())
    before = dict(zip(CUSTOMERS, CLUSTER_NAMES, strict=True))
    # one who is in no file any more, and one who was not there yet
    before["GONE"] = "Champions"
    before.pop("K05")
    now = dict(zip(CUSTOMERS, CLUSTER_NAMES, strict=True)) | {"K01": "Champions", "K02": "Champions"}
    write_models(path, now, before)

    build_reporting(dbt, path)

    changes = (
        "select customer_id, from_segment, to_segment, change from reporting.audience_changes where method = 'kmeans' "
    )
    assert ask(path, changes + "and to_segment = 'Champions' order by 1") == [
        ("K01", before["K01"], "Champions", "moved"),
        ("K02", before["K02"], "Champions", "moved"),
    ]
    assert ask(path, changes + "and from_segment = 'Champions'") == [("GONE", "Champions", None, "gone")]
    assert ask(path, changes + "and from_segment is null") == [("K05", None, now["K05"], "joined")]
    # the mixture and the slipping were not there before, so they say nothing of who came
    assert ask(path, "select distinct method from reporting.audience_changes order by 1") == [
        ("audience",),
        ("hierarchical",),
        ("kmeans",),
        ("rfm",),
    ]
    for method in ("kmeans", "hierarchical", "rfm", "audience"):
        column = f"{method}_segment"
        assert (
            ask(
                path,
                f"""
                with differences as (
                    select {column} as segment, 1 as difference from previous.customer_segments
                    union all
                    select to_segment, 1 from reporting.audience_changes where method = '{method}'
                    union all
                    select from_segment, -1 from reporting.audience_changes where method = '{method}'
                    union all
                    select {column}, -1 from reporting.customer_360
                )
                select segment from differences where segment is not null group by segment having sum(difference) <> 0
                """,
            )
            == []
        ), method
    # K00 was what the clusterings say before anybody put it elsewhere
    assert ask(
        path,
        "select from_segment, to_segment from reporting.audience_changes "
        "where customer_id = 'K00' and method = 'audience'",
    ) == [(before["K00"], "Champions")]
