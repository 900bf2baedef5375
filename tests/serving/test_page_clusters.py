"""What /clusters shows: evidence and spread of each clustering, values that a log scale has no place for."""

import math
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from serving.dashboard.look import Words
from serving.dashboard.pages.clusters import PAGE, _bin_words
from serving.dashboard.view import View
from serving.filters import CLUSTERINGS, METHODS, Filters
from serving.palette import segment_colour
from serving.snapshot import Reading
from tests.serving.changed import changed
from tests.serving.rendered import figures, links, of_class, parts, text
from warehouse.home import Home


def drawn_of(reading: Reading, query: str = "", theme: str = "light") -> Any:
    return PAGE.render(View(reading, Filters.from_query(query), theme))  # type: ignore[arg-type]


def charts(drawn: Any) -> dict[str, Any]:
    return {one.id: one.figure for one in parts(drawn) if getattr(one, "figure", None) is not None}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("method", METHODS)
def test_every_chart_is_one_that_plotly_knows(reading: Reading, method: str, theme: str) -> None:
    found = charts(drawn_of(reading, f"method={method}", theme))
    assert len(found) == 13
    for drawing in found.values():
        # raises on a property or a value that Plotly doesn't have
        go.Figure(drawing)


def test_rfm_segments_are_never_shown_as_clusters(reading: Reading) -> None:
    names = {row["name"] for row in reading.rows("select distinct rfm_segment as name from marts.customer_rfm")}
    clusters = {row["name"] for row in reading.rows("select distinct kmeans_segment as name from ml.customer_segments")}
    shown = {text(one).strip() for one in of_class(drawn_of(reading, "method=rfm"), "segment")}
    # a mark stands behind a name whose colour another has too
    assert {name.rstrip(" ◆■▲✕") for name in shown} == clusters
    assert not names & clusters


def test_each_name_stands_with_what_it_says_and_of_how_many_it_is_true(reading: Reading) -> None:
    shown = drawn_of(reading, "method=kmeans")
    told = figures(shown)
    for row in reading.rows("select * from reporting.segment_claims where method = 'kmeans'"):
        assert told[f"claims.{row['segment_name']}"] == f"{math.floor(row['true_pct'])}%"
        assert row["claim"] is None or row["claim"] in text(shown)


@pytest.mark.parametrize("query", ["customer=nobody-has-this", "min_clv=99999999"])
def test_filters_that_nobody_fits_leave_the_evidence(reading: Reading, query: str) -> None:
    drawn = drawn_of(reading, query)
    assert "No customer fits these filters." in text(drawn)
    assert charts(drawn).keys() == {"clusters-elbow", "clusters-silhouette"}


def test_without_evidence_the_page_says_so(published_small: Home, tmp_path: Path) -> None:
    with changed(published_small, tmp_path, "delete from ml.cluster_selection") as opened:
        assert "There is no evidence to show." in text(drawn_of(opened))


def test_one_number_of_clusters_alone_is_not_drawn(published_small: Home, tmp_path: Path) -> None:
    with changed(published_small, tmp_path, "delete from ml.cluster_selection where not is_chosen") as opened:
        assert not {"clusters-elbow", "clusters-silhouette"} & charts(drawn_of(opened)).keys()


def test_links_open_the_other_clusterings_with_the_filters_kept(reading: Reading) -> None:
    drawn = links(drawn_of(reading, "country=France&method=kmeans"))
    assert [link for link in drawn if "method" in link] == [
        f"/clusters?method={name}&country=France" for name in CLUSTERINGS if name != "kmeans"
    ]


def test_scatters_draw_each_customer_in_the_segments_colour(reading: Reading) -> None:
    drawing = charts(drawn_of(reading, "method=kmeans"))["clusters-money-clv"]
    assert sum(len(trace["x"]) for trace in drawing["data"]) == reading.value("select count(*) from marts.customer_rfm")
    for trace in drawing["data"]:
        assert trace["marker"]["color"] == segment_colour(trace["name"])
    assert drawing["layout"]["xaxis"]["type"] == drawing["layout"]["yaxis"]["type"] == "log"


def test_values_without_a_logarithm_are_drawn_at_the_edge_and_told(published_small: Home, tmp_path: Path) -> None:
    nothing = """
        update reporting.customer_360 set monetary = case when customer_id = '0042' then 0 else -5 end
        where customer_id in (select customer_id from reporting.customer_360 where has_purchases order by 1 limit 2)
        """
    with changed(published_small, tmp_path, nothing) as opened:
        drawn = drawn_of(opened)
        assert "2 customers with money under £1 are drawn at the edge." in text(drawn)
        for name in ("clusters-recency-money", "clusters-money-clv"):
            along = "y" if name == "clusters-recency-money" else "x"
            values = [value for trace in charts(drawn)[name]["data"] for value in trace[along]]
            assert min(values) == 1
            assert values.count(1) == 2


def test_without_values_the_page_says_so_and_shows_the_rest(published_small: Home, tmp_path: Path) -> None:
    with changed(published_small, tmp_path, "update reporting.customer_360 set clv = null") as opened:
        drawn = drawn_of(opened)
        assert "No customer's value could be forecast." in text(drawn)
        assert "Of no customer is the expected revenue known." in text(drawn)
        assert {"clusters-recency-money", "clusters-box-monetary"} <= charts(drawn).keys()


def test_the_number_of_clusters_is_told_with_its_reason(reading: Reading) -> None:
    for method in CLUSTERINGS:
        drawn = drawn_of(reading, f"method={method}")
        k, reason = reading.row(
            "select k, reason from ml.cluster_selection where algorithm = $m and is_chosen", {"m": method}
        ).values()
        assert figures(drawn)["evidence.k"] == str(k)
        assert reason[1:] in text(drawn)
        taken = [
            x
            for x, size in zip(
                charts(drawn)["clusters-elbow"]["data"][0]["x"],
                charts(drawn)["clusters-elbow"]["data"][0]["marker"]["size"],
                strict=True,
            )
            if size > 10
        ]
        assert taken == [k]


def test_caveats_stand_where_the_values_are(published_small: Home, tmp_path: Path) -> None:
    with changed(
        published_small,
        tmp_path,
        "update reporting.model_notes set warnings = 'Beware of ' || algorithm, change_notes = 'New ' || algorithm",
    ) as opened:
        shown = text(drawn_of(opened))
        assert "Beware of kmeans" in shown
        assert "New kmeans" in shown
        assert "Beware of mixture" not in shown


def test_one_is_not_written_as_many() -> None:
    words = Words("Frequency (order lines)", "order lines", "Money (net)", "GBP")
    assert [words.times(often) for often in (1.0, 2.4)] == ["1 order line", "2 order lines"]
    assert _bin_words(words, "recency_days", 1, 2) == ("1", "1 day")
    assert _bin_words(words, "recency_days", 2, 8) == ("2", "2 to 7 days")
    assert _bin_words(words, "frequency", 2, 3) == ("2", "2")
