"""What a first visit costs, and what a chart's own buttons offer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from serving.dashboard.pages import all_pages
from serving.dashboard.view import View
from serving.filters import Filters
from serving.snapshot import Reading
from tests.browser import fetched_bytes
from tests.serving.rendered import charts
from warehouse.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MOST_BYTES = 1_500_000
"""On the wire. A phone on a slow line (1.6 Mbit/s) waits seven seconds for it."""
BUNDLE = Path(__file__).parents[2] / "serving" / "dashboard" / "plotly" / "entry.js"


def test_a_first_visit_fetches_little_and_a_second_one_next_to_nothing(
    browser: Browser, serve: Callable[[Home], str], published_small: Home
) -> None:
    first, second = fetched_bytes(browser, serve(published_small))
    # at least Plotly's charts came
    assert 400_000 < first < MOST_BYTES
    assert second < 100_000


@pytest.mark.parametrize("method", ["rfm", "kmeans"])
def test_the_bundle_has_every_kind_of_mark_that_pages_draw(reading: Reading, method: str) -> None:
    has = {"scatter", *re.findall(r"plotly\.js/lib/(\w+)", BUNDLE.read_text())}
    drawn = {
        trace.type
        for page in all_pages()
        if page.path != "/classify"
        for figure in charts(page.render(View(reading, Filters(method=method)))).values()  # type: ignore[arg-type]
        for trace in figure.data
    }
    assert {"bar", "heatmap", "choropleth"} <= drawn
    assert drawn <= has


def test_charts_offer_no_upload(browser_page: Page, serve: Callable[[Home], str], published_small: Home) -> None:
    browser_page.goto(f"{serve(published_small)}/")
    browser_page.hover("#overview-revenue-chart")
    offered = [
        button.get_attribute("data-title") or ""
        for button in browser_page.query_selector_all("#overview-revenue-chart .modebar-btn")
    ]
    assert any("Download" in name for name in offered), offered
    assert not [name for name in offered if "hare" in name or "loud" in name]
