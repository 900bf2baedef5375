"""A headless browser that notices what a person would not.

Belongs here: which Chromium to start and how, and a watch on what goes wrong in it. Does not
belong here: fixtures (``tests/conftest.py``), what is looked at.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request

CHROMIUM_VARIABLE = "REGULARS_CHROMIUM"
FLAGS = [
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LOCAL_SCHEMES = ("about", "blob", "chrome-error", "data")


def find_chromium() -> str | None:
    """The browser to start: ``$REGULARS_CHROMIUM``, else the first on PATH."""
    return os.environ.get(CHROMIUM_VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)


def is_loopback(url: str) -> bool:
    """Whether a request to this address stays on this machine."""
    parts = urlsplit(url)
    if parts.scheme in _LOCAL_SCHEMES:
        return True
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def fetched_bytes(browser: Browser, url: str) -> tuple[int, int]:
    """Bytes on the wire of a first visit and of a second.

    Returns
    -------
    tuple of int
        With an empty cache, and with what the first visit left in it.
    """
    context = browser.new_context()
    try:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        total = [0]
        session.on("Network.loadingFinished", lambda event: total.append(int(event["encodedDataLength"])))
        found = []
        for _ in range(2):
            del total[:]
            page.goto(url, wait_until="networkidle")
            page.wait_for_selector("h1.page-title")
            page.wait_for_load_state("networkidle")
            found.append(sum(total))
        return found[0], found[1]
    finally:
        context.close()


@dataclass
class Watch:
    """What went wrong on a page, but for what a test expects (:meth:`allow`)."""

    errors: list[str] = field(default_factory=list)
    """Console errors, exceptions that nobody caught, and requests that got no answer."""
    strangers: list[str] = field(default_factory=list)
    """Requests to other hosts than this machine. Never allowed."""
    allowed: list[str] = field(default_factory=list)

    def allow(self, part: str) -> None:
        """Expect errors whose text has ``part`` in it."""
        self.allowed.append(part)

    def follow(self, context: BrowserContext) -> None:
        """Keep what goes wrong on every page of this context from now on."""
        context.on("console", self._console)
        context.on("weberror", lambda caught: self.errors.append(f"exception: {caught.error}"))
        context.on("request", lambda request: self._address(request.url))
        context.on("requestfailed", self._failed)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._address(socket.url)))

    def problems(self) -> list[str]:
        """What is left when all that was expected is taken away."""
        unexpected = [error for error in self.errors if not any(part in error for part in self.allowed)]
        return [*unexpected, *(f"request to another host: {url}" for url in self.strangers)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        # a page that is left or downloads something aborts what it still waited for
        if request.failure != "net::ERR_ABORTED":
            self.errors.append(f"no answer: {request.method} {request.url} ({request.failure})")

    def _address(self, url: str) -> None:
        if not is_loopback(url):
            self.strangers.append(url)
