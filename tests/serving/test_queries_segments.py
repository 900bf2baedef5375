"""Questions about segments, against SQL on the snapshot that is written another way, and against arithmetic."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.filters import METHODS, SEGMENT_COLUMNS, Filters
from serving.queries.distributions import MEASURES, _bin_edges, box_statistics, distributions
from serving.queries.lists import ListSpec, count_list, fetch_list
from serving.queries.moves import NEW_CUSTOMER, SEGMENT_MOVES, flow_context, flow_months, segment_flows
from serving.queries.segments import (
    CATEGORY_AFFINITY,
    COHORTS,
    NO_SEGMENT,
    SEGMENTS,
    caveats,
    cluster_evidence,
    customer_points,
    rfm_grid,
    rfm_rules,
    segment_profiles,
    segment_sizes,
)
from serving.snapshot import Reading, SnapshotReader
from tests.serving.changed import changed
from warehouse.home import Home

FRANCE = Filters(countries=("France",))
NOBODY = Filters(customer="nobody-has-this")


# clusters have no playbooks
@pytest.mark.parametrize("method", ["rfm", "audience", "slipping"])
def test_sizes_equal_the_playbooks_of_the_same_method(reading: Reading, method: str) -> None:
    sizes = segment_sizes(reading, Filters(method=method)).set_index("segment")
    books = {
        row["segment_name"]: row
        for row in reading.rows("select * from reporting.segment_playbooks where method = $m", {"m": method})
    }
    assert set(sizes.index) == set(books)
    for name, row in books.items():
        assert sizes.loc[name, "customers"] == row["customers"]
        assert sizes.loc[name, "customers_pct"] == pytest.approx(row["customers_pct"])
        # scored by money net of returns here, so both speak of the same money
        assert sizes.loc[name, "monetary_net_sum"] == pytest.approx(float(row["monetary_sum"]))
        assert sizes.loc[name, "monetary_net_pct"] == pytest.approx(row["monetary_pct"])
        assert sizes.loc[name, "clv_sum"] == pytest.approx(float(row["clv_sum"]), abs=0.01)
    assert sizes["monetary_net_sum"].is_monotonic_decreasing


def test_sizes_of_a_country_hold_its_customers_only(reading: Reading) -> None:
    sizes = segment_sizes(reading, replace(FRANCE, method="kmeans"))
    told = reading.rows(
        """
        select s.kmeans_segment, count(*) as n, sum(r.monetary_net) as money
        from ml.customer_segments as s
        inner join marts.customer_rfm as r using (customer_id)
        inner join marts.dim_customers as d using (customer_id)
        where d.country = 'France'
        group by 1
        """
    )
    assert told
    assert {(row.segment, row.customers, round(row.monetary_net_sum, 4)) for row in sizes.itertuples()} == {
        (row["kmeans_segment"], row["n"], float(row["money"])) for row in told
    }
    assert sizes["customers_pct"].sum() == pytest.approx(100)


def test_a_segment_that_nobody_named_is_told_as_such(published_small: Home, tmp_path: Path) -> None:
    with changed(published_small, tmp_path, "update reporting.customer_360 set kmeans_segment = null") as opened:
        sizes = segment_sizes(opened, Filters(method="kmeans"))
        assert list(sizes["segment"]) == [NO_SEGMENT]
        assert sizes["customers"].sum() == opened.value("select count(*) from marts.customer_rfm")


def test_points_are_all_customers_where_they_are_few(reading: Reading) -> None:
    points = customer_points(reading, Filters())
    told = reading.rows(
        "select r.customer_id, r.recency_days, r.frequency, r.monetary, c.clv from marts.customer_rfm as r"
        " inner join ml.customer_clv as c using (customer_id) order by customer_id"
    )
    assert points.total == len(told) == len(points.rows)
    assert list(points.rows["customer_id"]) == [row["customer_id"] for row in told]
    assert list(points.rows["recency_days"]) == [row["recency_days"] for row in told]
    assert list(points.rows["frequency"]) == [row["frequency"] for row in told]
    np.testing.assert_allclose(points.rows["monetary"], [float(row["monetary"]) for row in told])
    np.testing.assert_allclose(points.rows["clv"], [row["clv"] for row in told], atol=0.0001)


def test_a_sample_is_the_same_however_the_table_is_ordered(published_small: Home, tmp_path: Path) -> None:
    turned = (
        "create or replace table reporting.customer_360 as select * from reporting.customer_360 order by recency_days"
    )
    reader = SnapshotReader(published_small)
    with reader.reading() as before, changed(published_small, tmp_path, turned) as after:
        one, other = (customer_points(opened, Filters(), limit=10) for opened in (before, after))
        assert one.total == before.value("select count(*) from marts.customer_rfm") > 10
        assert len(one.rows) == 10
        assert one.rows.equals(other.rows)
    reader.close()


@pytest.mark.parametrize("filters", [Filters(), Filters(method="rfm"), FRANCE], ids=["k-means", "rfm", "France"])
def test_boxes_equal_percentiles_of_the_customers(reading: Reading, filters: Filters) -> None:
    boxes = box_statistics(reading, filters)
    points = customer_points(reading, filters).rows
    assert len(boxes) == points["segment"].nunique() * 4
    for row in boxes.itertuples():
        values = points.loc[points["segment"] == row.segment, row.measure].astype(float)
        np.testing.assert_allclose(
            [row.low_whisker, row.q1, row.median, row.q3, row.high_whisker],
            np.percentile(values, [5, 25, 50, 75, 95]),
            rtol=1e-9,
        )
        assert row.mean == pytest.approx(values.mean(), abs=0.001)
        assert row.customers == len(values)


def test_every_customer_falls_into_one_bin_of_each_measure(reading: Reading) -> None:
    bins = distributions(reading, Filters())
    points = customer_points(reading, Filters()).rows
    for measure in MEASURES:
        theirs = bins[bins["measure"] == measure]
        assert theirs["customers"].sum() == len(points)
        for row in theirs.itertuples():
            values = points.loc[points["segment"] == row.segment, measure]
            assert row.customers == ((values >= row.bin_start) & (values < row.bin_end)).sum(), row
        edges = theirs[["bin_start", "bin_end"]].drop_duplicates()
        # no gap, and every segment has every bin
        assert list(edges["bin_start"][1:]) == list(edges["bin_end"][:-1])
        assert len(theirs) == len(edges) * points["segment"].nunique()


def test_bins_grow_with_the_value() -> None:
    assert _bin_edges("monetary", 0, 30) == [0, 1, 2, 5, 10, 20, 50]
    assert _bin_edges("monetary", -12.5, 0.5) == [-13, 1]
    assert _bin_edges("clv", 60, 200) == [50, 100, 200, 500]
    assert _bin_edges("frequency", 1, 9) == [1, 2, 3, 5, 7, 10]
    assert _bin_edges("recency_days", 1, 60) == [0, 7, 14, 21, 28, 35, 42, 49, 56, 63]


@given(
    measure=st.sampled_from(MEASURES),
    ends=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(sorted),
)
def test_bins_hold_the_lowest_and_the_highest_value(measure: str, ends: list[int]) -> None:
    low, high = ends
    edges = _bin_edges(measure, low, high)
    assert edges[0] <= low < edges[1] or measure == "recency_days"
    assert edges[-2] <= high < edges[-1]
    assert all(one < following and following.is_integer() for one, following in pairwise(edges))
    assert len(edges) <= 45


def test_profiles_compare_with_all_customers_whatever_the_filters(reading: Reading) -> None:
    profiles = segment_profiles(reading, FRANCE)
    everyone = profiles.iloc[-1]
    told = reading.row(
        """
        select count(*) as n, avg(r.recency_days) as recency, sum(r.monetary) as money, sum(r.invoice_count) as orders,
            count(*) filter (r.purchase_days = 1) as once, avg(c.clv) as clv
        from marts.customer_rfm as r inner join ml.customer_clv as c using (customer_id)
        """
    )
    assert bool(everyone["is_everyone"])
    assert everyone["customers"] == told["n"]
    assert everyone["recency_days_mean"] == pytest.approx(told["recency"])
    assert everyone["monetary_sum"] == pytest.approx(float(told["money"]))
    assert everyone["money_per_order"] == pytest.approx(float(told["money"]) / float(told["orders"]))
    assert everyone["one_time_pct"] == pytest.approx(100 * told["once"] / told["n"])
    assert everyone["clv_mean"] == pytest.approx(told["clv"], abs=0.001)
    french = reading.value("select count(*) from reporting.customer_360 where has_purchases and country = 'France'")
    assert profiles.loc[~profiles["is_everyone"], "customers"].sum() == french
    assert profiles["is_everyone"].sum() == 1


def test_affinity_is_a_share_against_the_share_of_all(reading: Reading) -> None:
    found = fetch_list(reading, CATEGORY_AFFINITY, Filters(method="rfm"))
    for _, theirs in found[found["share_pct"].notna()].groupby("segment"):
        assert theirs["share_pct"].sum() == pytest.approx(100)
    one = found[found["net_revenue"] > 0].iloc[0]
    told = reading.row(
        """
        with kept as (
            select r.customer_id, r.rfm_segment, p.category, greatest(sum(l.net_revenue), 0) as net_revenue
            from marts.fct_invoice_lines as l
            inner join marts.customer_rfm as r using (customer_id)
            inner join marts.dim_products as p using (stock_code)
            group by all
        )

        select
            sum(net_revenue) filter (rfm_segment = $segment and category = $category) as theirs_here,
            sum(net_revenue) filter (rfm_segment = $segment) as theirs,
            sum(net_revenue) filter (category = $category) as all_here,
            sum(net_revenue) as everything
        from kept
        """,
        {"segment": one["segment"], "category": one["category"]},
    )
    share, of_all = told["theirs_here"] / told["theirs"], told["all_here"] / told["everything"]
    assert one["net_revenue"] == pytest.approx(float(told["theirs_here"]))
    assert one["share_pct"] == pytest.approx(100 * float(share))
    assert one["index_to_all"] == pytest.approx(100 * float(share / of_all))


def test_affinity_knows_categories_that_a_segment_never_bought(published_small: Home, tmp_path: Path) -> None:
    # one customer buys all there is of a new category, so that all other segments have none of it
    moved = """
        update marts.customer_category_shares set category = 'Only Here'
        where customer_id = (select min(customer_id) from marts.customer_category_shares where net_revenue > 0)
            and category = (
                select min(category) from marts.customer_category_shares where net_revenue > 0 and customer_id = (
                    select min(customer_id) from marts.customer_category_shares where net_revenue > 0
                )
            )
        """
    with changed(published_small, tmp_path, moved) as opened:
        found = fetch_list(opened, CATEGORY_AFFINITY, Filters())
        there = found[found["category"] == "Only Here"]
        assert len(there) == found["segment"].nunique() > 1
        assert (there["index_to_all"] == 0).sum() == len(there) - 1


CAUSES = ("customers_by_purchase", "customers_by_silence", "customers_by_yardstick")


def test_flows_between_neighbouring_months_are_the_moves_of_the_mart(reading: Reading) -> None:
    months = flow_months(reading)
    assert months == sorted(months)
    assert len(months) >= 6
    for start, end in pairwise(months):
        told = reading.rows(
            "select from_segment, to_segment, customers, customers_by_purchase, customers_by_silence,"
            " customers_by_yardstick, monetary, monetary_before, is_move from marts.segment_moves"
            " where month_end = $end order by customers desc, from_segment, to_segment",
            {"end": end},
        )
        flows = segment_flows(reading, Filters(), start, end)
        assert [(row.from_segment, row.to_segment, row.customers, row.is_move) for row in flows.itertuples()] == [
            (row["from_segment"], row["to_segment"], row["customers"], row["is_move"]) for row in told
        ]
        for column in CAUSES:
            assert flows[column].tolist() == [row[column] for row in told]
        np.testing.assert_allclose(flows["monetary"], [float(row["monetary"]) for row in told])
        np.testing.assert_allclose(flows["monetary_before"], [float(row["monetary_before"]) for row in told])
    last = segment_flows(reading, Filters())
    assert last.equals(segment_flows(reading, Filters(), months[-2], months[-1]))


def test_flows_over_several_months_compare_both_ends(reading: Reading) -> None:
    months = flow_months(reading)
    start, end = months[1], months[-1]
    flows = segment_flows(reading, FRANCE, start, end)
    told = reading.row(
        """
        select
            count(*) as n,
            count(*) filter (before.rfm_segment <> after.rfm_segment) as moved,
            count(*) filter (before.customer_id is null) as new
        from marts.customer_rfm_monthly as after
        inner join marts.dim_customers as d on d.customer_id = after.customer_id and d.country = 'France'
        left join marts.customer_rfm_monthly as before
            on before.customer_id = after.customer_id and before.month_end = $start
        where after.month_end = $end
        """,
        {"start": start, "end": end},
    )
    assert flows["customers"].sum() == told["n"] > 0
    assert flows[[*CAUSES]].isna().all(axis=None)
    assert flows.loc[flows["is_move"], "customers"].sum() == told["moved"]
    assert flows.loc[flows["from_segment"] == NEW_CUSTOMER, "customers"].sum() == told["new"]


def test_flows_that_end_before_they_begin_are_refused(reading: Reading) -> None:
    with pytest.raises(ValueError, match="not before"):
        segment_flows(reading, Filters(), date(2024, 3, 31), date(2024, 3, 31))


def test_cohorts_are_those_of_the_mart_whatever_the_filters(reading: Reading) -> None:
    told = reading.rows("select * from marts.cohort_retention order by cohort_month, age_months")
    grid = fetch_list(reading, COHORTS, Filters())
    assert len(grid) == len(told) > 0
    np.testing.assert_allclose(grid["retention_pct"], [row["retention_pct"] for row in told])
    assert list(grid["is_complete_month"]) == [row["is_complete_month"] for row in told]


def test_evidence_names_the_number_of_clusters_and_rules_have_none(reading: Reading) -> None:
    kmeans = cluster_evidence(reading, "kmeans")
    assert kmeans["is_chosen"].sum() == 1
    assert list(kmeans["k"]) == sorted(kmeans["k"])
    assert kmeans.loc[kmeans["is_chosen"], "k"].item() == reading.value(
        "select count(distinct kmeans_segment) from ml.customer_segments"
    )
    assert cluster_evidence(reading, "rfm").empty


def test_rules_show_the_scores_of_each_segment(reading: Reading) -> None:
    rules = rfm_rules(reading).set_index("segment")
    for row in reading.rows(
        "select rfm_segment, min(r_score) as r, max(f_score) as f, count(*) as n from marts.customer_rfm group by 1"
    ):
        told = rules.loc[row["rfm_segment"]]
        assert (told["r_low"], told["f_high"], told["customers"]) == (row["r"], row["f"], row["n"])
    assert len(rules) == reading.value("select count(distinct rfm_segment) from marts.customer_rfm")


def test_the_grid_of_scores_holds_every_customer_once(reading: Reading) -> None:
    grid = rfm_grid(reading, Filters(countries=("France",)))
    assert not grid.duplicated(["r_score", "f_score"]).any()
    expected = reading.rows(
        """
        select rfm.r_score, rfm.f_score, count(*) as customers, sum(rfm.monetary_net)::double as spent,
            max(rfm.rfm_segment) as only_segment, count(distinct rfm.rfm_segment) as segments
        from marts.customer_rfm as rfm
        inner join marts.dim_customers as customers on rfm.customer_id = customers.customer_id
        where customers.country = 'France' group by 1, 2
        """
    )
    found = grid.set_index(["r_score", "f_score"])
    assert len(found) == len(expected)
    for row in expected:
        cell = found.loc[(row["r_score"], row["f_score"])]
        assert (cell["customers"], cell["monetary_net_sum"]) == (row["customers"], pytest.approx(row["spent"]))
        if row["segments"] == 1:
            assert (cell["rfm_segment"], cell["segment_customers"]) == (row["only_segment"], row["customers"])


def test_caveats_are_those_of_the_method(published_small: Home, tmp_path: Path) -> None:
    with changed(
        published_small,
        tmp_path,
        "update reporting.model_notes set warnings = model || '/' || algorithm, change_notes = 'changed ' || algorithm",
    ) as opened:
        found = caveats(opened, "kmeans")
        assert found.segments == "customer_segments/kmeans"
        assert found.changes == "changed kmeans"
        assert caveats(opened, "rfm").segments == ""


@pytest.mark.parametrize("spec", (SEGMENTS, SEGMENT_MOVES, COHORTS, CATEGORY_AFFINITY), ids=lambda spec: spec.name)
def test_lists_have_the_rows_of_their_question(reading: Reading, spec: ListSpec) -> None:
    asked = {
        "segments": lambda: (~segment_profiles(reading, FRANCE)["is_everyone"]).sum(),
        "segment_moves": lambda: len(segment_flows(reading, FRANCE)),
        "cohorts": lambda: len(fetch_list(reading, COHORTS, Filters())),
        "category_affinity": lambda: len(fetch_list(reading, CATEGORY_AFFINITY, FRANCE)),
    }
    rows = fetch_list(reading, spec, FRANCE)
    assert len(rows) == count_list(reading, spec, FRANCE) == asked[spec.name]() > 0
    # no column is there for nothing
    assert not rows.isna().all().any()
    pages = [fetch_list(reading, spec, FRANCE, offset=at, limit=1) for at in range(min(len(rows), 4))]
    key = [column.name for column in spec.columns]
    assert [tuple(page.iloc[0][key].astype(str)) for page in pages] == [
        tuple(rows.iloc[at][key].astype(str)) for at in range(len(pages))
    ]


def test_the_list_of_moves_takes_its_months_from_the_context(reading: Reading) -> None:
    months = flow_months(reading)
    spec = SEGMENT_MOVES
    rows = fetch_list(reading, spec, Filters(), flow_context(months[0], months[2]))
    assert set(rows["to_month_end"].dt.date) == {months[2]}
    assert set(rows["from_month_end"].dt.date) == {months[0]}
    for typed in ("", "x' or 1 = 1 --,", "2024-05-31,2024-01-31"):
        default = fetch_list(reading, spec, Filters(), typed)
        assert set(default["to_month_end"].dt.date) == {months[-1]}


def test_nobody_gives_empty_frames_and_no_error(reading: Reading) -> None:
    for frame in (
        segment_sizes(reading, NOBODY),
        customer_points(reading, NOBODY).rows,
        box_statistics(reading, NOBODY),
        distributions(reading, NOBODY),
        segment_profiles(reading, NOBODY),
        fetch_list(reading, CATEGORY_AFFINITY, NOBODY),
        segment_flows(reading, NOBODY),
    ):
        assert frame.empty
        assert len(frame.columns) > 3
    assert customer_points(reading, NOBODY).total == 0


@pytest.mark.parametrize("method", METHODS)
def test_segments_of_every_method_fit_their_filter(reading: Reading, method: str) -> None:
    first = segment_sizes(reading, Filters(method=method)).iloc[0]
    only = segment_sizes(reading, Filters(method=method, segments=(first["segment"],)))
    assert list(only["segment"]) == [first["segment"]]
    assert only["customers_pct"].item() == 100
    assert only["customers"].item() == reading.value(
        f"select count(*) from reporting.customer_360 where has_purchases and {SEGMENT_COLUMNS[method]} = $s",
        {"s": first["segment"]},
    )


def test_the_real_shop_adds_up(published_real: Home) -> None:
    # of 4,338 customers with a sale at a price, 4 bought no product
    reader = SnapshotReader(published_real)
    with reader.reading() as opened:
        # what came back of customers who bought is off their money, whether its purchase was found or not
        told = opened.value(
            """
            select sum(net_revenue) from marts.fct_invoice_lines
            where customer_id in (select customer_id from marts.fct_invoice_lines where line_type = 'sale')
            """
        )
        for method in METHODS:
            sizes = segment_sizes(opened, Filters(method=method))
            assert sizes["customers"].sum() == 4_334
            assert sizes["monetary_net_sum"].sum() == pytest.approx(float(told))
        points = customer_points(opened, Filters())
        assert (len(points.rows), points.total) == (4_000, 4_334)
    reader.close()
