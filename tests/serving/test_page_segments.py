"""What /segments shows: figures against SQL, empty states, values that a log scale has no place for, hostile names."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from dash import Dash

from serving.dashboard.look import Axis, Look, Scale, log_edge
from serving.dashboard.pages import segments as module
from serving.dashboard.pages.segments import PAGE
from serving.dashboard.segment_charts import _in_words, affinity_map, claims_table, treemap
from serving.dashboard.view import View
from serving.filters import METHODS, SEGMENT_COLUMNS, Filters
from serving.palette import segment_colour
from serving.queries.moves import flow_months
from serving.queries.segments import segment_sizes
from serving.snapshot import Reading, SnapshotReader
from tests.serving.changed import changed
from tests.serving.rendered import figures, links, parts, text
from warehouse.home import Home
from warehouse.wording import count, money, percent, round_money

SCRIPT = "<script>alert(1)</script>"


def drawn_of(reading: Reading, query: str = "", theme: str = "light") -> Any:
    return PAGE.render(View(reading, Filters.from_query(query), theme))  # type: ignore[arg-type]


def charts(drawn: Any) -> dict[str, Any]:
    return {one.id: one.figure for one in parts(drawn) if getattr(one, "figure", None) is not None}


@pytest.mark.parametrize("method", METHODS)
def test_figures_equal_sql(reading: Reading, method: str) -> None:
    shown = figures(drawn_of(reading, f"method={method}"))
    books = reading.rows(
        f"""
        select {SEGMENT_COLUMNS[method]} as segment_name, count(*) as customers, sum(monetary_net)::double as spent,
            sum(monetary) as monetary_sum, avg(monetary::double) as monetary_mean, sum(clv) as clv_sum
        from reporting.customer_360 where has_purchases and segment_name is not null group by 1
        """
    )
    assert books
    for row in books:
        assert shown[f"segments.{row['segment_name']}.customers"] == count(row["customers"])
        assert shown[f"segments.{row['segment_name']}.monetary_net_sum"] == money(row["spent"], "GBP")
        assert shown[f"segments.{row['segment_name']}.clv_sum"] == money(row["clv_sum"], "GBP")
    told = [key for key in shown if key.startswith("segments.") and key.endswith(".clv_sum")]
    assert len(told) == len(books) + (len(books) > 1)
    top = max(books, key=lambda row: row["monetary_sum"])
    assert shown[f"compare.{top['segment_name']}.monetary_mean"] == money(top["monetary_mean"], "GBP")
    overall = reading.value("select avg(monetary) from marts.customer_rfm")
    assert shown["compare.all.monetary_mean"] == money(overall, "GBP")


def test_moves_equal_the_mart_of_the_last_month(reading: Reading) -> None:
    shown = figures(drawn_of(reading))
    told = reading.row(
        """
        select
            sum(customers) filter (is_move) as moved,
            sum(monetary) filter (is_move) as moved_money,
            sum(customers) filter (from_segment = 'New Customer') as new,
            sum(customers) filter (from_segment = to_segment) as stayed
        from marts.segment_moves
        where month_end = (select max(month_end) from marts.segment_moves)
        """
    )
    assert shown["moves.moved"] == count(told["moved"])
    assert shown["moves.moved_money"] == money(told["moved_money"], "GBP")
    assert shown["moves.new"] == count(told["new"] or 0)
    assert shown["moves.stayed"] == count(told["stayed"])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("method", METHODS)
def test_every_chart_is_one_that_plotly_knows(reading: Reading, method: str, theme: str) -> None:
    drawn = drawn_of(reading, f"method={method}", theme)
    found = charts(drawn)
    assert len(found) == 6
    for drawing in found.values():
        # raises on a property or a value that Plotly doesn't have
        go.Figure(drawing)
        assert "scattergl" not in {trace["type"] for trace in drawing["data"]}
    described = [
        one.to_plotly_json()["props"]["aria-label"] for one in parts(drawn) if getattr(one, "className", "") == "chart"
    ]
    assert len(described) == len(found)
    # the finding in figures, not the kind of chart
    assert all(re.search(r"\d", one) for one in described), described
    identities = [str(one.id) for one in parts(drawn) if getattr(one, "id", None) is not None]
    assert len(identities) == len(set(identities))


def test_a_log_scale_begins_where_customers_are() -> None:
    # a few that are nearly nothing don't stretch it, many do
    assert log_edge(pd.Series([1e-7, *[50.0] * 20])) == 1
    assert log_edge(pd.Series([0.02] * 5 + [3.0] * 5)) == 0.01
    assert log_edge(pd.Series([0.0, -3.0])) == 1
    axis = Axis(Scale("CLV", "CLV", str, str), pd.Series([0.0, 0.5, 30.0, 40_000.0]))
    assert axis.layout()["tickvals"][0] <= 1
    assert axis.layout()["tickvals"][-1] >= 40_000


@pytest.mark.parametrize(
    ("value", "told"),
    [(1, "£1"), (20, "£20"), (5_000, "£5,000"), (10_000, "£10k"), (200_000, "£200k"), (5e6, "£5m"), (0.01, "£0.01")],
)
def test_round_amounts_have_no_decimals(value: float, told: str) -> None:
    assert round_money(value, "GBP") == told


@pytest.mark.parametrize("query", ["customer=nobody-has-this", "min_clv=99999999", "from=1999-01-01&to=1999-02-01"])
def test_filters_that_nobody_fits_leave_what_they_dont_apply_to(reading: Reading, query: str) -> None:
    drawn = drawn_of(reading, query)
    assert text(drawn).count("No customer fits these filters.") == 2
    assert "None of these customers had bought by" in text(drawn)
    assert charts(drawn).keys() == {"segments-cohorts"}


def test_a_shop_of_two_days_has_no_moves_and_no_cohorts_yet(published_small: Home, tmp_path: Path) -> None:
    young = (
        "delete from marts.customer_rfm_monthly",
        "delete from marts.cohort_retention where age_months > 0",
    )
    with changed(published_small, tmp_path, *young) as opened:
        drawn = drawn_of(opened)
        assert "There are no two month ends to compare yet." in text(drawn)
        assert "No month after a first purchase has begun yet." in text(drawn)
        assert "segments-treemap" in charts(drawn)


def test_silence_is_told_with_what_came_of_it(reading: Reading) -> None:
    told = reading.rows(
        """
        select silence_band, sum(customers) as customers, sum(came_back_customers) as came_back
        from marts.slipping_backtest where has_own_gap group by 1
        """
    )
    shown = text(drawn_of(reading))
    assert told
    for row in told:
        assert f"{row['silence_band']} gaps" in shown
        assert percent(100 * row["came_back"] / row["customers"], 0) in shown


def test_moves_tell_whose_doing_they_were(reading: Reading) -> None:
    bars = charts(drawn_of(reading))["segments-moves"]["data"]
    largest = reading.rows(
        """
        select customers, customers_by_purchase, customers_by_silence, customers_by_yardstick from marts.segment_moves
        where month_end = (select max(month_end) from marts.segment_moves)
            and (is_move or from_segment = 'New Customer')
        order by customers desc, from_segment, to_segment limit 10
        """
    )
    by_name = {bar["name"]: bar["x"] for bar in bars}
    for column, name in (
        ("customers_by_purchase", "By a purchase"),
        ("customers_by_silence", "By silence"),
        ("customers_by_yardstick", "Because others moved"),
    ):
        assert by_name.get(name, [0] * len(largest)) == [row[column] for row in largest]
    assert [sum(at) for at in zip(*by_name.values(), strict=True)] == [row["customers"] for row in largest]


def test_the_grid_of_scores_is_the_first_picture(reading: Reading) -> None:
    drawn = charts(drawn_of(reading))
    assert next(iter(drawn)) == "segments-rfm-grid"
    cells = [cell for line in drawn["segments-rfm-grid"]["data"][0]["text"] for cell in line if cell]
    told = sum(int(cell.partition("<br>")[0].replace(",", "")) for cell in cells)
    assert told == reading.value("select count(*) from marts.customer_rfm")


def test_cells_of_cohorts_have_their_figures(reading: Reading) -> None:
    grid = charts(drawn_of(reading))["segments-cohorts"]["data"][0]
    first = reading.value(
        "select retention_pct from marts.cohort_retention where age_months = 1 order by cohort_month limit 1"
    )
    assert grid["text"][0][0] == count(first)


def test_an_unfinished_month_is_ringed_in_the_cohorts(reading: Reading) -> None:
    drawing = charts(drawn_of(reading))["segments-cohorts"]
    told = reading.rows(
        "select age_months from marts.cohort_retention where not is_complete_month and age_months > 0 order by 1"
    )
    assert told
    grid, rings = drawing["data"]
    assert sorted(rings["x"]) == [row["age_months"] for row in told]
    assert len(grid["z"]) == len(grid["y"])


def test_names_of_segments_and_customers_never_become_markup(published_small: Home, tmp_path: Path) -> None:
    named = (
        f"update reporting.customer_360 set audience_segment = '{SCRIPT}' where customer_id in ('0042', '<B>10</B>')"
    )
    with changed(published_small, tmp_path, named) as opened:
        drawn = drawn_of(opened, "method=audience")
        # a text of the page's own, which the browser shows as it stands
        assert figures(drawn)[f"segments.{SCRIPT}.customers"] == "2"
        drawings = json.dumps(list(charts(drawn).values()), default=str)
        assert SCRIPT not in drawings
        assert "&lt;script&gt;" in drawings
        assert not [link for link in links(drawn) if "<" in link]


def test_segments_of_one_kind_share_a_colour_and_differ_in_mark() -> None:
    look = Look.of(pd.DataFrame({"segment": ["At Risk", "At Risk 2", "Lost"]}), "light")
    assert look.colours["At Risk"] == look.colours["At Risk 2"] == segment_colour("At Risk")
    assert look.symbols["At Risk"] != look.symbols["At Risk 2"]
    assert look.symbols["Lost"] == "circle"


def test_where_every_segment_buys_alike_nothing_is_said_to_stand_out(reading: Reading) -> None:
    view = View(reading, Filters())
    rows = [("Champions", 100.0, 60.0), ("Lost", 100.0, 60.0), ("Champions", 100.0, 40.0), ("Lost", 100.0, 40.0)]
    alike = pd.DataFrame(rows, columns=["segment", "index_to_all", "all_share_pct"]).assign(
        category=["Toys", "Toys", "Books", "Books"], customers=30, net_revenue=1.0, share_pct=[60.0, 60.0, 40.0, 40.0]
    )
    look = Look.of(alike.drop_duplicates("segment"), "light")
    assert "Nothing stands out" in text(affinity_map(view, alike, look))
    # a strong index of a handful
    few = alike.assign(customers=19, index_to_all=500.0)
    assert "Too little to say what stands out" in text(affinity_map(view, few, look))
    # a ripple
    alike.loc[0, ["index_to_all", "share_pct", "all_share_pct"]] = [109.0, 60.0, 55.0]
    assert "Nothing stands out" in text(affinity_map(view, alike, look))
    # 60 of 100 in toys, where all customers have 40
    alike.loc[0, ["index_to_all", "share_pct", "all_share_pct"]] = [150.0, 60.0, 40.0]
    assert "What stands out most: Champions spend 60.0% on Toys" in text(affinity_map(view, alike, look))


def test_what_is_true_of_less_than_four_in_five_is_never_shown_as_four_in_five(
    published_small: Home, tmp_path: Path
) -> None:
    with changed(published_small, tmp_path, "update reporting.segment_claims set true_pct = 79.6") as opened:
        shown = figures(claims_table(View(opened, Filters()), "rfm"))
    assert set(shown.values()) == {"79%"}


def test_a_name_opens_the_customers_of_its_segment_under_the_same_filters(reading: Reading) -> None:
    drawn = drawn_of(reading, "country=France&method=rfm")
    name = next(iter(segment_sizes(reading, Filters.from_query("country=France&method=rfm"))["segment"]))
    opened = [link for link in links(drawn) if link.startswith("/customers?")]
    assert next(Filters.from_query(link.partition("?")[2]) for link in opened) == Filters(
        method="rfm", countries=("France",), segments=(name,)
    )


def test_controls_answer_with_what_was_chosen(reading: Reading) -> None:
    view = View(reading, Filters(method="rfm"))
    everyone = list(segment_sizes(reading, view.filters)["segment"])
    compared = module._compared(view, everyone[:2])
    assert {key.split(".")[1] for key in figures(compared)} == {*everyone[:2], "all"}
    assert "No segment is chosen." in text(module._compared(view, []))
    months = flow_months(reading)
    first, last = months[0].isoformat(), months[-1].isoformat()
    far = module._moves(view, first, last, with_stayed=True)
    largest = reading.rows(
        """
        select count(*) as customers
        from marts.customer_rfm_monthly as later
        left join marts.customer_rfm_monthly as earlier
            on later.customer_id = earlier.customer_id and earlier.month_end = $start
        where later.month_end = $end
        group by earlier.rfm_segment, later.rfm_segment order by customers desc limit 10
        """,
        {"start": months[0], "end": months[-1]},
    )
    assert charts(far)["segments-moves"]["data"][0]["x"] == [row["customers"] for row in largest]
    assert "is not before" in text(module._moves(view, last, last, with_stayed=False))
    sizes = segment_sizes(reading, view.filters)
    by_customers = treemap(view, sizes, Look.of(sizes, "light"), "customers")
    assert charts(by_customers)["segments-treemap"]["data"][0]["values"] == list(sizes["customers"])


def test_every_control_has_its_callback(reading: Reading, published_small: Home) -> None:
    app = Dash("controls", suppress_callback_exceptions=True)
    reader = SnapshotReader(published_small)
    assert PAGE.register is not None
    PAGE.register(app, reader)
    identities = {one.id for one in parts(drawn_of(reading)) if isinstance(getattr(one, "id", None), str)}
    answered = {made["id"] for callback in app._callback_list for made in callback["inputs"]}
    drawn = {callback["output"].rpartition(".")[0] for callback in app._callback_list}
    assert answered == {
        "segments-size-by",
        "segments-compare",
        "segments-moves-from",
        "segments-moves-to",
        "segments-moves-stayed",
    }
    assert answered | drawn <= identities
    reader.close()


def test_who_came_back_is_not_told_of_a_handful() -> None:
    def cohort(first: str, customers: int, back: int) -> SimpleNamespace:
        month = date.fromisoformat(first)
        return SimpleNamespace(
            cohort_month=month, month_start=month + timedelta(days=31), age_months=1, is_complete_month=True,
            cohort_customers=customers, active_customers=back, retention_pct=100 * back / customers,
        )  # fmt: skip

    # 11 of 22; the one customer of March came back
    assert _in_words([cohort("2026-01-01", 20, 9), cohort("2026-03-01", 2, 2)]) == (
        "Of all new customers 50.0% bought again in the month after. "
        "Most came back of those from Jan 2026: 45.0% bought in Feb 2026."
    )
    assert "Most came back" not in _in_words([cohort("2026-03-01", 2, 2)])
