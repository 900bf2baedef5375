"""The HTTP interface: the snapshot's answers as JSON, under ``/api/v1``.

Belongs here: putting the subjects together. Does not belong here: their fields and operations (one
module each), the one way of failing (:mod:`serving.api.problems`), any figure (:mod:`serving.queries`).
"""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException

from serving.api import accounting, anomalies, customers, health, playbooks, revenue, segments, summary
from serving.api.docs import docs_router
from serving.api.problems import install_problem_handlers
from serving.api.requests import ALL_METHODS, closed, provide
from serving.snapshot import SnapshotReader

__all__ = ["api_router", "install_problem_handlers"]

_SUBJECTS = (health, summary, revenue, customers, segments, playbooks, anomalies, accounting)


def api_router(reader: SnapshotReader) -> APIRouter:
    """Every operation, ``/healthz`` and ``/readyz``, ``/docs``, and the refusal of what is none of them.

    To be included after other routers and before anything that answers every path, such as the dashboard.
    """
    router = APIRouter()
    for subject in _SUBJECTS:
        router.include_router(closed(subject.router), dependencies=[Depends(provide(reader))])
    router.include_router(closed(health.probes), dependencies=[Depends(provide(reader))])
    router.include_router(docs_router())
    for path in ("/api", "/api/{rest:path}"):
        router.add_api_route(path, _nothing_here, methods=list(ALL_METHODS), include_in_schema=False)
    return router


def _nothing_here() -> None:
    raise HTTPException(404)
