"""What /anomalies shows: figures against SQL, what the path asks for, empty states, hostile names."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from serving.dashboard.pages.anomalies import PAGE
from serving.dashboard.view import View
from serving.filters import Filters
from serving.snapshot import Reading
from tests.serving.changed import changed
from tests.serving.rendered import charts, figures, links, of_class, text
from warehouse.home import Home

Draw = Callable[..., Any]


@pytest.fixture
def draw(reading: Reading) -> Draw:
    return lambda argument="", filters=None, theme="light": PAGE.render(
        View(reading, filters or Filters(), theme, argument)
    )


def of_series(reading: Reading, series: str, grain: str) -> dict[str, int]:
    odd = reading.rows(
        """
        select direction, count(*) as n from ml.revenue_anomalies
        where series = $series and grain = $grain group by direction
        """,
        {"series": series, "grain": grain},
    )
    by_direction = {row["direction"]: row["n"] for row in odd}
    return {
        "scored_periods": reading.value(
            "select count(*) from ml.revenue_expectations where series = $series and grain = $grain",
            {"series": series, "grain": grain},
        ),
        "odd_periods": sum(by_direction.values()),
        "odd_spikes": by_direction.get("spike", 0),
        "odd_drops": by_direction.get("drop", 0),
        "odd_silences": by_direction.get("silence", 0),
    }


@pytest.mark.parametrize(
    ("argument", "series", "grain"),
    [
        ("", "total", "day"),
        ("total/week", "total", "week"),
        ("Ireland/week", "Ireland", "week"),
        ("Ireland", "Ireland", "week"),
        ("United Kingdom/day/2024-04-10", "United Kingdom", "day"),
        # not watched by day: shown by week, and said
        ("Ireland/day", "Ireland", "week"),
        ("Atlantis/day", "total", "day"),
        ("total/day/2024-99-99", "total", "day"),
        ("//", "total", "day"),
    ],
)
def test_figures_are_those_of_the_series_in_the_path(
    draw: Draw, reading: Reading, argument: str, series: str, grain: str
) -> None:
    shown = figures(draw(argument))
    assert {key: int(value) for key, value in shown.items()} == of_series(reading, series, grain)


@pytest.mark.parametrize("argument", ["Atlantis/day", "Ireland/day", "total/day/2024-99-99"])
def test_what_the_path_asks_for_in_vain_is_said(draw: Draw, argument: str) -> None:
    (told,) = of_class(draw(argument), "note-warning")[:1]
    assert any(word in text(told) for word in ("No revenue of “Atlantis”", "not watched by day", "“2024-99-99”"))


def test_spikes_drops_and_silences_differ_in_shape_too(draw: Draw) -> None:
    symbols = {}
    for argument in ("total/day", "Ireland/week", "United Kingdom/day"):
        (drawn,) = charts(draw(argument)).values()
        symbols |= {
            trace.name: trace.marker.symbol
            for trace in drawn.data
            if trace.mode == "markers" and trace.name != "Explained below"
        }
    assert symbols == {"Spike": "triangle-up", "Drop": "triangle-down", "Silence": "x"}


def test_an_odd_day_is_told_with_its_cause_and_what_drove_it(draw: Draw, reading: Reading) -> None:
    on = date(2024, 4, 10)
    drawn = draw("total/day/2024-04-10")
    cause = reading.value(
        "select cause from ml.revenue_anomalies where series = 'total' and grain = 'day' and date = $on", {"on": on}
    )
    (told,) = of_class(drawn, "odd-current")
    assert cause in text(told) and "10 Apr 2024" in text(told)
    customers = reading.rows(
        """
        select member from ml.anomaly_drivers
        where series = 'total' and grain = 'day' and date = $on and dimension = 'customer' and member <> '(none)'
        """,
        {"on": on},
    )
    assert len(customers) > 0
    for row in customers:
        # such as O'NEIL & SON/1
        assert f"/customers/{quote(row['member'], safe='')}" in links(drawn)


def test_without_a_date_in_the_path_the_latest_odd_day_is_told(draw: Draw, reading: Reading) -> None:
    latest = reading.value("select max(date) from ml.revenue_anomalies where series = 'total' and grain = 'day'")
    (told,) = of_class(draw(), "odd-current")
    assert f"{latest.day} {latest:%b %Y}" in text(told)


def test_a_day_that_was_not_odd_is_not_explained(draw: Draw) -> None:
    drawn = draw("total/day/2024-04-11")
    assert not of_class(drawn, "odd-current")
    assert "11 Apr 2024 is not among the unusual days shown" in text(drawn)


def test_links_keep_the_filters(draw: Draw) -> None:
    drawn = draw("", Filters(start=date(2024, 3, 1)))
    own = [link for link in links(drawn) if link.startswith(("/anomalies/", "/customers/"))]
    assert len(own) > 3
    assert all(link.endswith("?from=2024-03-01") for link in own)
    assert any(link.startswith("/anomalies/United%20Kingdom/day") for link in own)


def test_dates_and_countries_apply_and_customer_filters_are_said_not_to(draw: Draw, reading: Reading) -> None:
    march = figures(draw("", Filters(start=date(2024, 3, 1), end=date(2024, 3, 31))))
    assert int(march["scored_periods"]) == reading.value(
        """
        select count(*) from ml.revenue_expectations
        where series = 'total' and grain = 'day' and date between date '2024-03-01' and date '2024-03-31'
        """
    )
    french = draw("", Filters(countries=("France",)))
    assert "Revenue of France by week" in text(french)
    assert not [link for link in links(french) if link.startswith("/anomalies/total")]
    of_nobody = draw("", Filters(customer="nobody"))
    assert figures(of_nobody) == figures(draw())
    assert "change nothing on this page" in text(of_class(of_nobody, "note-info"))
    assert not of_class(draw(), "note-info")


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        (Filters(countries=("Atlantis",)), "No revenue of Atlantis is watched by itself"),
        (Filters(start=date(2030, 1, 1)), "No period of this series was scored in these dates"),
        (Filters(start=date(2024, 4, 12), end=date(2024, 4, 13)), "No day of this series was unusual in these dates"),
    ],
)
def test_nothing_to_show_is_said_with_its_reason(draw: Draw, filters: Filters, told: str) -> None:
    drawn = draw("", filters)
    assert told in text(of_class(drawn, "empty"))


def test_a_shop_with_too_little_history_is_told_so(published_small: Home, tmp_path: Path) -> None:
    with changed(
        published_small, tmp_path, "delete from ml.revenue_anomalies", "delete from ml.revenue_expectations"
    ) as it:
        drawn = PAGE.render(View(it, Filters()))
    assert "No day or week was scored yet" in text(of_class(drawn, "empty"))


def test_hostile_names_never_become_markup_and_open_by_their_address(published_small: Home, tmp_path: Path) -> None:
    hostile = 'Côte/<b>d</b> & "x"\''
    quoted = hostile.replace("'", "''")
    with changed(
        published_small,
        tmp_path,
        *(
            f"update ml.{table} set series = '{quoted}' where series = 'Ireland'"
            for table in ("revenue_expectations", "revenue_anomalies", "anomaly_drivers")
        ),
        f"update ml.revenue_anomalies set country = '{quoted}', cause = '<script>alert(1)</script> {quoted}' "
        f"where series = '{quoted}'",
    ) as it:
        # as the frame hands it over, unquoted
        drawn = PAGE.render(View(it, Filters(), "dark", f"{hostile}/week"))
        others = links(PAGE.render(View(it, Filters(), "dark", "total/week")))
    assert f"Revenue of {hostile} by week" in text(drawn)
    (figure,) = charts(drawn).values()
    hovers = [told for trace in figure.data for told in (trace.customdata if trace.customdata is not None else ())]
    assert any("&lt;script&gt;" in told for told in hovers)
    assert not any("<script" in told or "<b>d" in told for told in hovers)
    # from another series, its chip leads to an address that reads back as its name
    path = next(link for link in others if "C%C3%B4te" in link).split("?")[0]
    assert unquote(path.removeprefix("/anomalies/")) == f"{hostile}/week"
