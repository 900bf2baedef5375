"""Data Docs: pages that open without a network, of a bounded number of runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

from expectations.runner import run_layer

Build = Callable[..., Path]
RECORDED_AT = datetime(2011, 12, 10, 6, 0, tzinfo=UTC)


class Links(HTMLParser):
    """Collects what a page loads and links to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value or "" for name, value in attrs if name in {"href", "src"}]


def check(warehouse: Path, data_docs: Path, *, layer: str = "marts", run: int = 0) -> None:
    run_layer(
        layer,
        warehouse,
        run_id=f"run {run}",
        recorded_at=RECORDED_AT + timedelta(days=run),
        data_docs=data_docs,
    )


def test_pages_load_nothing_from_elsewhere_and_links_lead_somewhere(build: Build, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    warehouse = build()
    check(warehouse, docs)
    check(warehouse, docs, layer="staging")

    pages = sorted(docs.rglob("*.html"))
    assert len(pages) == 1 + 10 + 3  # the index, ten suites of marts, three of staging
    for page in pages:
        links = Links(page)
        assert "script" not in links.tags
        for target in links.targets:
            assert (page.parent / target).is_file(), f"{page.name} links to {target}"


def test_page_shows_claim_reason_and_offending_line(build: Build, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    check(
        build("update staging.stg_transactions set quantity_units = 5000000 where row_number = 3"),
        docs,
        layer="staging",
    )

    (page,) = docs.rglob("*staging.stg_transactions.html")
    text = page.read_text(encoding="utf-8")
    assert "quantity_units is within ±1,000,000" in text
    assert "The largest true quantity known is 80,995" in text
    assert "2011-03-04.csv" in text
    assert "5000000" in text
    assert "1 of 5 lines, e.g. 2011-03-04.csv line 3" in (docs / "index.html").read_text(encoding="utf-8")


def test_delivered_text_is_text_on_the_pages(build: Build, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    check(build("update marts.customer_category_shares set customer_id = '<script>alert(1)</script>'"), docs)

    for page in docs.rglob("*.html"):
        assert "<script" not in page.read_text(encoding="utf-8"), page
    (page,) = docs.rglob("*customer_category_shares.html")
    assert "&lt;script&gt;" in page.read_text(encoding="utf-8")


def test_check_that_could_not_run_says_so(build: Build, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    check(build("alter table marts.customer_rfm drop column r_score"), docs)

    assert "not evaluated" in (docs / "index.html").read_text(encoding="utf-8")


def test_only_the_last_ten_runs_are_kept(build: Build, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    warehouse = build()
    for run in range(12):
        check(warehouse, docs, layer="reporting", run=run)

    shown = re.findall(r"run run (\d+)", (docs / "index.html").read_text(encoding="utf-8"))
    assert shown == [str(run) for run in range(11, 1, -1)]
    assert len(list((docs / "runs").iterdir())) == 10


def test_layers_of_one_run_share_a_heading_whatever_their_times(build: Build, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    warehouse = build()
    for layer, minutes in (("raw", 0), ("staging", 3)):
        run_layer(
            layer,
            warehouse,
            run_id="run/1",
            recorded_at=RECORDED_AT + timedelta(minutes=minutes),
            data_docs=docs,
        )

    assert (docs / "index.html").read_text(encoding="utf-8").count("<h2>") == 1
