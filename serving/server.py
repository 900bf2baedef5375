"""One web application: the pages, the interface, and the files they link to.

Belongs here: putting the parts together and starting the server. Does not belong here: any of the
parts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import uvicorn
from a2wsgi import WSGIMiddleware
from dash.exceptions import DependencyException
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from serving.api import api_router, install_problem_handlers
from serving.api.classify import classify_router
from serving.api.requests import closed
from serving.classify import UploadLimits
from serving.dashboard.app import create_dashboard
from serving.files import files_router
from serving.listening import listen
from serving.metrics import Measured, Metrics, metrics_router, name_rule
from serving.security import (
    LOOPBACK_NAMES,
    Caller,
    ForeignSites,
    ProbeBesidePage,
    SecurityHeaders,
    TokenGuard,
    content_security_policy,
    is_loopback,
    required_tokens,
)
from serving.snapshot import SnapshotReader
from warehouse.home import Home
from warehouse.settings import load_settings

PAGE_REQUEST_BYTES = 100 * 1024**2
PAGE_THREADS = max(2, os.cpu_count() or 2)
"""Pages drawn at once; more than the cores only wait for each other, and make the rest wait as well."""


def create_app(
    home: Home,
    *,
    host: str = "127.0.0.1",
    tokens: Mapping[str, Caller] | None = None,
    limits: UploadLimits | None = None,
) -> FastAPI:
    """The whole application over a home's published snapshot.

    Parameters
    ----------
    host
        The address that it will be bound to; decides by which names it may be called.
    tokens
        One of them every request must carry, and whose each is; none let all in.
    """
    reader = SnapshotReader(home)
    app = FastAPI(
        title="Regulars",
        version="1",
        description="Customers, segments, playbooks, revenue and its anomalies, from the published snapshot.",
        docs_url=None,
        redoc_url=None,
        # FastAPI can report to OpenTelemetry if the environment says so; nothing here reports anywhere
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
    )
    install_problem_handlers(app)
    app.include_router(closed(classify_router(reader, limits or UploadLimits())))
    app.include_router(closed(files_router(reader)))
    app.include_router(api_router(reader))
    metrics = Metrics(reader)
    app.include_router(closed(metrics_router(metrics)))
    dashboard = create_dashboard(reader)
    # what a page sends: a few filters, or a file for the classify page as base64
    dashboard.server.config["MAX_CONTENT_LENGTH"] = PAGE_REQUEST_BYTES
    # a script that no page has is not there; Dash takes the address for a fault of the server
    dashboard.server.register_error_handler(DependencyException, lambda _: ("There is nothing at this address.", 404))
    dashboard.server.before_request(name_rule)
    # Dash on its own Flask, in threads: its FastAPI backend draws pages on the event loop, where one
    # slow page would hold up every other answer
    # an upload holds its thread until its process has answered, and must not hold up the pages
    workers = PAGE_THREADS + (limits or UploadLimits()).at_once
    pages: Any = WSGIMiddleware(dashboard.server, workers=workers)
    app.mount("/", pages)

    if tokens:
        app.add_middleware(TokenGuard, tokens=tokens)
    app.add_middleware(ProbeBesidePage)
    app.add_middleware(ForeignSites)
    if is_loopback(host):
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_NAMES))
    else:
        app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=5)
    app.add_middleware(SecurityHeaders, policy=content_security_policy(dashboard.csp_hashes()))
    # around all others, so that what they refuse counts, too
    app.add_middleware(Measured, requests=metrics.requests)
    return app


def serve(home: Home, *, host: str, port: int, on_start: Callable[[str], None] | None = None) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    on_start
        Told the address once it is ours.

    Raises
    ------
    SettingsError
        If the address is not loopback and there is no token, or one is missing or too short; if it can't be bound.
    """
    tokens = required_tokens(host, load_settings().serve)
    app = create_app(home, host=host, tokens=tokens)
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        date_header=True,
        timeout_keep_alive=30,
        # nothing here speaks them; one that is asked for is answered as a plain request
        ws="none",
    )
    listening = listen(host, port)
    if on_start:
        shown = f"[{host}]" if ":" in host else host
        on_start(f"http://{shown}:{port}")
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=listening)
