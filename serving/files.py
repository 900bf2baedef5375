"""Files that the pages link to: lists as CSV and XLSX, the report, Great Expectations' pages.

Belongs here: those three routes. Does not belong here: what is in the files.
"""

from __future__ import annotations

import json
import threading
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from serving.downloads import XLSX_MAX_ROWS, csv_bytes, xlsx_bytes
from serving.lists import LISTS
from serving.queries.choices import filters_of
from serving.queries.lists import EVERYTHING, ListRequest, UnknownColumnError, fetch_list
from serving.roles import OPERATING, takes_away
from serving.security import DATA_DOCS_POLICY
from serving.snapshot import SnapshotReader

_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

FILES_AT_ONCE = 2
_PLACES = threading.BoundedSemaphore(FILES_AT_ONCE)
"""A large list takes a processor for a minute and its rows a place in memory; further ones wait."""


def files_router(reader: SnapshotReader) -> APIRouter:
    """Routes that answer with a file; not part of the documented interface."""
    router = APIRouter(include_in_schema=False)

    @router.get("/download/{name}.{suffix}", dependencies=[takes_away("download", reader.home)])
    def download(
        name: str, suffix: Literal["csv", "xlsx"], request: Request, context: str = "", grid: str = ""
    ) -> Response:
        spec = LISTS.get(name)
        if spec is None:
            raise HTTPException(404, f"There is no list {name[:60]!r}.")
        asked = _list_request(grid)
        with _PLACES:
            with reader.reading() as reading:
                filters = filters_of(reading, request.url.query)
                # one more than fits tells that there are more, without reading them all
                limit = XLSX_MAX_ROWS + 1 if suffix == "xlsx" else None
                frame = fetch_list(reading, spec, filters, context, asked, limit=limit)
                publication = reading.about.publication_id
            frame.columns = [column.title for column in spec.columns]
            try:
                content = csv_bytes(frame) if suffix == "csv" else xlsx_bytes(frame, spec.title)
            except ValueError as error:
                raise HTTPException(413, str(error)) from error
        return Response(
            content,
            media_type=_MEDIA[suffix],
            headers={"Content-Disposition": f'attachment; filename="{spec.name}-{publication}.{suffix}"'},
        )

    @router.get("/report.pdf")
    def report(request: Request) -> Response:
        from serving.report import build_report

        with _PLACES, reader.reading() as reading:
            content = build_report(reading, filters_of(reading, request.url.query))
            publication = reading.about.publication_id
        return Response(
            content,
            media_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="regulars-{publication}.pdf"'},
        )

    @router.get("/data-docs", dependencies=[OPERATING])
    def data_docs_root() -> Response:
        return RedirectResponse("/data-docs/index.html")

    @router.get("/data-docs/{path:path}", dependencies=[OPERATING])
    def data_docs(path: str) -> Response:
        root = reader.home.to_read.data_docs.resolve()
        try:
            found = (root / (path or "index.html")).resolve()
            is_there = found.is_relative_to(root) and found.is_file()
        except (OSError, ValueError):
            # no name that a file can have: too long, or with a NUL
            is_there = False
        if not is_there:
            raise HTTPException(404, "No page of Great Expectations is there yet; a refresh writes them.")
        return FileResponse(found, headers={"Content-Security-Policy": DATA_DOCS_POLICY})

    return router


def _list_request(grid: str) -> ListRequest:
    if not grid:
        return EVERYTHING
    try:
        asked = json.loads(grid)
        return ListRequest(dict(asked.get("filter") or {}), list(asked.get("sort") or ()))
    except (ValueError, TypeError, AttributeError) as error:
        raise UnknownColumnError(f"The list's filter in the address can't be read: {error}.") from error
