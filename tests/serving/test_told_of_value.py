"""What to keep in mind in customer value is the same wherever customer value is shown."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import httpx
import pytest
from rich.console import Console

from orchestration.summary import print_answers
from serving.dashboard.pages import customers, overview, playbooks, segments
from serving.dashboard.view import View
from serving.export.audiences import ExportRequest, export_audiences
from serving.filters import Filters
from serving.report.content import report_content
from serving.snapshot import Reading
from tests.serving.changed import changed
from tests.serving.rendered import text
from warehouse.home import Home

# the model that was taken, and the one that p_alive comes from; the losing fit bears on nothing that is shown
BEARING = {"bg_nbd", "gradient_boosting"}


@pytest.fixture(scope="module")
def warned(published_small: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Reading]]:
    folder = tmp_path_factory.mktemp("warned")
    with changed(
        published_small,
        folder,
        "update ml.model_runs set warnings = 'Warned by ' || algorithm || '.'",
        "update ml.customer_clv set model = 'gradient_boosting'",
        "update reporting.customer_360 set clv_model = 'gradient_boosting' where clv_model is not null",
        f"""
        update reporting.model_notes set
            warnings = 'Warned by ' || algorithm || '.',
            has_warnings = true,
            is_about_customer_value = model = 'customer_value' and algorithm in {tuple(sorted(BEARING))}
        """,
        "update reporting.segment_playbooks set clv_note = 'Warned by bg_nbd. Warned by gradient_boosting.'",
    ) as reading:
        yield Home(folder / "changed"), reading


def named(told: object) -> set[str]:
    """Fits of customer value whose warning is told."""
    return set(re.findall(r"Warned by (bg_nbd|gamma_gamma|gradient_boosting)\.", str(told)))


@pytest.mark.parametrize("page", [overview, customers, segments, playbooks], ids=lambda page: page.__name__)
def test_every_page_with_values_tells_it(warned: tuple[Home, Reading], page: object) -> None:
    assert named(text(page.PAGE.render(View(warned[1], Filters())))) == BEARING


def test_the_report_tells_it(warned: tuple[Home, Reading]) -> None:
    assert named(report_content(warned[1], Filters())["value_caveats"]) == BEARING


def test_the_interface_tells_it(warned: tuple[Home, Reading], serve: Callable[[Home], str]) -> None:
    with httpx.Client(base_url=serve(warned[0]) + "/api/v1", timeout=30) as api:
        summary, books = (api.get(path).json()["data"] for path in ("/summary", "/playbooks"))
    assert named(summary["value_caveats"]) == BEARING
    assert {frozenset(named(book["clv_note"])) for book in books} == {frozenset(BEARING)}


def test_an_export_tells_it(warned: tuple[Home, Reading], tmp_path: Path) -> None:
    exported = export_audiences(warned[1], ExportRequest(), tmp_path)
    manifest = json.loads((exported.folder / "manifest.json").read_text())
    assert named(exported.caveats) == named(manifest["caveats_of_customer_value"]) == BEARING


def test_the_closing_summary_tells_it(warned: tuple[Home, Reading]) -> None:
    console = Console(file=io.StringIO(), width=500)
    with duckdb.connect(str(warned[0].published), read_only=True) as connection:
        print_answers(console, connection)
    assert named(console.file.getvalue()) == BEARING
