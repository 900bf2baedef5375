"""The page about countries as it is drawn: on a map, by month, as a list, with and without the home country."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb

from serving.dashboard.pages import countries as module
from serving.dashboard.pages.countries import PAGE
from serving.dashboard.view import View
from serving.filters import Filters
from serving.lists import LISTS
from serving.queries.revenue import country_revenue
from serving.snapshot import Reading, SnapshotReader
from tests.serving.rendered import charts, links, of_class, parts, text
from warehouse.home import Home

CHARTS = {"countries-bars-chart", "countries-map", "countries-months"}


def test_every_chart_says_in_words_what_it_shows(reading: Reading) -> None:
    drawn = PAGE.render(View(reading, Filters()))
    assert set(charts(drawn)) == CHARTS
    described = [one.to_plotly_json()["props"]["aria-label"] for one in of_class(drawn, "chart")]
    assert len(described) == len(CHARTS)
    assert all(any(letter.isdigit() for letter in told) for told in described)


def test_the_colours_of_months_stand_below_one_row_as_below_twelve(reading: Reading) -> None:
    for query, countries in (("", 5), ("country=France", 1)):
        (graph,) = [one for one in parts(PAGE.render(View(reading, Filters.from_query(query)))) if _is_months(one)]
        margin = graph.figure["layout"]["margin"]
        # the scale's place is told in heights of the plot: of 24 pixels a row, what the margins leave
        assert graph.style["height"] == f"{24 * countries + margin['t'] + margin['b']}px"


def _is_months(part: object) -> bool:
    return getattr(part, "id", None) == "countries-months"


def test_countries_without_a_code_are_named_below_the_map(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, home.published)
    home.published.chmod(0o644)
    with duckdb.connect(str(home.published)) as connection:
        connection.execute("update marts.fct_invoices set country = '<b>Nowhere</b>' where country = 'Norway'")
        connection.execute(
            "update marts.dim_countries set country = '<b>Nowhere</b>', iso_alpha3 = null where country = 'Norway'"
        )
    reader = SnapshotReader(home)
    with reader.reading() as reading:
        drawn = PAGE.render(View(reading, Filters()))
    reader.close()
    assert "<b>Nowhere</b> (£" in text(drawn)
    drawn_charts = {name: figure.to_plotly_json() for name, figure in charts(drawn).items()}
    assert "NOR" not in drawn_charts["countries-map"]["data"][0]["locations"]
    # what Plotly would take for markup is escaped
    assert "<b>Nowhere" not in json.dumps(drawn_charts, default=str)
    assert "&lt;b&gt;Nowhere" in json.dumps(drawn_charts, default=str)


def test_the_list_of_countries_is_offered_for_download(reading: Reading) -> None:
    assert "countries" in LISTS
    assert "/download/countries.csv?country=France" in links(PAGE.render(View(reading, Filters(countries=("France",)))))


def test_the_world_without_home(reading: Reading) -> None:
    view = View(reading, Filters())
    abroad = module._country_bars(view, country_revenue(reading, view.filters), without_home=True)
    assert sorted(charts(abroad)["countries-bars-chart"].data[0].y) == ["France", "Germany", "Ireland", "Norway"]
    home = View(reading, Filters(countries=("United Kingdom",)))
    nothing = module._country_bars(home, country_revenue(reading, home.filters), without_home=True)
    assert "No sale fits these filters." in text(nothing)


def test_nobody_fits_is_said_and_nothing_is_drawn(reading: Reading) -> None:
    drawn = PAGE.render(View(reading, Filters(customer="nobody at all")))
    assert "No sale fits these filters." in text(drawn)
    assert charts(drawn) == {}
