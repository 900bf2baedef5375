"""Data Docs: the checks of the last few runs as pages that open without a network.

Belongs here: Great Expectations' page renderer in a frame of our own, the index, and
how many runs are kept. Does not belong here: evaluating (see `expectations.runner`).
Importing this module imports Great Expectations.

What each page says comes from Great Expectations' own renderer. Its frame and its site
builder are not used: they load jQuery, Bootstrap, Vega, fonts and a logo from six hosts at
every view, the index is an empty table without them, delivered text enters pages
unescaped, rendering errors are only logged, and every build reads every stored run
again, so that it slows down run by run. Here a page is rendered once, when its layer
was checked, and the index is made from one small summary per run and layer.
"""

from __future__ import annotations

import copy
import hashlib
import html
import json
import re
import shutil
from collections.abc import Sequence
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

import great_expectations
from great_expectations import RunIdentifier
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context

from expectations.checks import LAYERS, Suite
from expectations.results import CheckResult, LayerReport
from warehouse.settings import load_settings

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
_SUITE_LINK = re.compile(r"<a\s[^>]*href=\"[^\"]*/expectations/[^\"]*\"[^>]*>(.*?)</a>", re.DOTALL)


class OfflinePageView(DefaultJinjaPageView):
    """Great Expectations' page view with our frame, and with delivered text escaped."""

    def __init__(self) -> None:
        super().__init__()
        self.env.loader = ChoiceLoader([FileSystemLoader(_TEMPLATES), self.env.loader])
        self.env.filters["render_content_block"] = self.render_content_block

    @pass_context
    def render_content_block(
        self,
        jinja_context: Any,
        content_block: Any,
        index: Any = None,
        content_block_id: Any = None,
        render_to_markdown: bool = False,
    ) -> Any:
        """Render a block; plain text in it, such as an offending value, is text and not markup."""
        if isinstance(content_block, str):
            # some blocks come with entities such as &mdash; of the renderer's own
            return html.escape(html.unescape(content_block))
        if isinstance(content_block, list):
            content_block = [
                html.escape(html.unescape(str(part))) if not _is_block(part) else part for part in content_block
            ]
        return super().render_content_block(
            jinja_context, content_block, index, content_block_id, render_to_markdown=render_to_markdown
        )


@cache
def _view() -> OfflinePageView:
    # it keeps its templates compiled, which takes longer than all pages of a layer
    return OfflinePageView()


def add_pages(data_docs: Path, report: LayerReport, validations: Sequence[tuple[Suite, Any]]) -> None:
    """Write a layer's pages and the index; drop the pages of runs too old to keep.

    A layer that is checked twice in one run has its later pages.

    Parameters
    ----------
    data_docs
        Folder of the site; ``index.html`` is its first page.
    report
        What :func:`expectations.runner.run_layer` found.
    validations
        Great Expectations' result of each suite.
    """
    folder = _run_folder(data_docs, report)
    folder.mkdir(parents=True, exist_ok=True)
    renderer = ValidationResultsPageRenderer(run_info_at_end=True)
    view = _view()
    for suite, validation in validations:
        _replace(folder / _page_name(suite), _page(renderer, view, report, suite, validation))
    _replace(folder / f"{report.layer}.json", json.dumps(_summary(report, [suite for suite, _ in validations])))
    _drop_old_runs(data_docs)
    _replace(data_docs / "index.html", _index(data_docs, view))


def _page(renderer: Any, view: OfflinePageView, report: LayerReport, suite: Suite, validation: Any) -> str:
    # rendering changes what it renders, and the caller may want to look at it
    shown = copy.deepcopy(validation)
    # the asset's query and our bookkeeping say nothing to a reader
    shown.meta = {
        "run_id": RunIdentifier(run_name=report.run_id, run_time=report.recorded_at),
        "active_batch_definition": {"data_asset_name": suite.table},
        "great_expectations_version": great_expectations.__version__,
    }
    page = view.render(
        renderer.render(shown),
        title=html.escape(f"{suite.table} after {report.layer}"),
        run_id=html.escape(report.run_id),
        layer=html.escape(report.layer),
        style=_STYLE,
    )
    # the renderer links to a page per suite, which would say the same once more
    return _SUITE_LINK.sub(r"\1", str(page))


def _summary(report: LayerReport, suites: Sequence[Suite]) -> dict[str, Any]:
    return {
        "run_id": report.run_id,
        "recorded_at": report.recorded_at.astimezone(UTC).isoformat(sep=" ", timespec="seconds"),
        "layer": report.layer,
        "suites": [
            {
                "name": suite.table,
                "page": _page_name(suite),
                "checks": len(results),
                "passed": sum(result.status == "passed" for result in results),
                "troubles": [_trouble(result) for result in results if result.status != "passed"],
            }
            for suite in suites
            for results in [[result for result in report.results if result.suite == suite.table]]
        ],
    }


def _trouble(result: CheckResult) -> dict[str, str]:
    if result.status == "error":
        return {"outcome": "error", "word": "not evaluated", "message": result.message}
    if result.is_blocking:
        return {"outcome": "failed", "word": "failed", "message": result.message}
    return {"outcome": "warned", "word": "warned", "message": result.message}


def _index(data_docs: Path, view: OfflinePageView) -> str:
    runs = []
    for folder in _runs(data_docs):
        layers = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
        layers.sort(key=lambda layer: (layer["recorded_at"], _position(layer["layer"])))
        runs.append(
            {
                "folder": folder.name,
                "run_id": layers[0]["run_id"],
                "recorded_at": layers[0]["recorded_at"],
                "layers": layers,
            }
        )
    return str(view.env.get_template("index.j2").render(runs=runs, kept_runs=_kept_runs(), style=_STYLE))


def _position(layer: str) -> int:
    return LAYERS.index(layer) if layer in LAYERS else len(LAYERS)


def _runs(data_docs: Path) -> list[Path]:
    # names start with the time, so that the newest is last
    folders = [path for path in (data_docs / "runs").iterdir() if path.is_dir() and any(path.glob("*.json"))]
    return sorted(folders, key=lambda path: path.name, reverse=True)


def _kept_runs() -> int:
    return load_settings().keep.data_docs_runs


def _drop_old_runs(data_docs: Path) -> None:
    for folder in _runs(data_docs)[_kept_runs() :]:
        shutil.rmtree(folder)


def _run_folder(data_docs: Path, report: LayerReport) -> Path:
    # a run id may hold anything; a hash keeps two alike ones apart, and finds the run's
    # folder again whatever the time of its next layer
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", report.run_id)[:40]
    digest = hashlib.sha256(report.run_id.encode()).hexdigest()[:12]
    for begun in (data_docs / "runs").glob(f"*-{digest}"):
        return begun
    return data_docs / "runs" / f"{report.recorded_at.astimezone(UTC):%Y%m%dT%H%M%S}-{readable}-{digest}"


def _page_name(suite: Suite) -> str:
    return f"{suite.layer}-{re.sub(r'[^A-Za-z0-9._-]+', '-', suite.table)}.html"


def _replace(path: Path, text: str) -> None:
    # a reader never sees half a page
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _is_block(part: Any) -> bool:
    return isinstance(part, dict) or hasattr(part, "content_block_type")
