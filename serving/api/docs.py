"""The page that explains the interface and tries it out: Swagger UI, served from this machine.

Belongs here: that page and its files. Does not belong here: the OpenAPI document (FastAPI writes it from the
operations).

FastAPI's own page loads from another host and runs a script that stands in the page; the content
security policy forbids both. Swagger UI's files come from the package fastapi-offline; what starts it is
a file of its own.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Regulars: HTTP interface</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="swagger-ui"></main>
<noscript>This page needs scripts; the description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_OWN = Path(__file__).parent / "static"
_SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js")


def docs_router() -> APIRouter:
    """``/docs`` and the files that it needs."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/docs", _page, methods=["GET", "HEAD"], response_class=HTMLResponse)
    router.add_api_route("/docs/{name}", _file, methods=["GET", "HEAD"], response_class=FileResponse)
    return router


def _page() -> HTMLResponse:
    return HTMLResponse(_PAGE)


def _file(name: str) -> FileResponse:
    if name == "start.js":
        return FileResponse(_OWN / name)
    if name not in _SWAGGER_UI:
        raise HTTPException(404)
    # a package that lies unpacked in a folder, so its files have paths
    return FileResponse(Path(str(resources.files("fastapi_offline"))) / "static" / name)
