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
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

_OWN = Path(__file__).parent / "static"
_SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js")


def docs_router() -> APIRouter:
    """``/docs`` and the files that it needs."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/docs", lambda: _file("docs.html"), methods=["GET", "HEAD"], response_class=FileResponse)
    router.add_api_route("/docs/{name}", _file, methods=["GET", "HEAD"], response_class=FileResponse)
    return router


def _file(name: str) -> FileResponse:
    if name in ("docs.html", "start.js"):
        return FileResponse(_OWN / name)
    if name not in _SWAGGER_UI:
        raise HTTPException(404)
    # a package that lies unpacked in a folder, so its files have paths
    return FileResponse(Path(str(resources.files("fastapi_offline"))) / "static" / name)
