"""The whole application, served from a thread of the test process.

Belongs here: starting and stopping it, and what a browser sends it. Does not belong here: fixtures.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from warehouse.home import Home

if TYPE_CHECKING:
    from serving.security import Caller

START_SECONDS = 30


@contextmanager
def served(home: Home, tokens: Mapping[str, Caller] | None = None) -> Iterator[str]:
    """Serve a home's published snapshot on a free port of this machine; the address, without a slash at its end.

    Parameters
    ----------
    tokens
        One of them every request must carry; none let all in.

    Raises
    ------
    RuntimeError
        If the server does not start.
    """
    # imported only by who serves: it brings the dashboard
    from serving.server import create_app

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(home, tokens=tokens), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"The server of {home.root} did not start.")
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            # pages that are still being drawn are not waited for
            server.force_exit = True
            thread.join(timeout=10)


def drawing_request(path: str, query: str, theme: str) -> dict[str, Any]:
    """What a browser sends to ``/_dash-update-component`` when somebody opens a page, to have it drawn."""
    outputs = (
        "content.children",
        "menu.children",
        "filter-bar.style",
        "freshness.children",
        "shown.data",
        "title.data",
    )
    return {
        "output": f"..{'...'.join(outputs)}..",
        "outputs": [dict(zip(("id", "property"), one.split("."), strict=True)) for one in outputs],
        "inputs": [
            {"id": "url", "property": "pathname", "value": path},
            {"id": "url", "property": "search", "value": f"?{query}" if query else ""},
            {"id": "theme", "property": "data", "value": theme},
        ],
        "changedPropIds": ["url.pathname"],
    }
