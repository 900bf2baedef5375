"""A page that does wrong is noticed: errors, exceptions, missing files, requests to other hosts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.browser import Watch, is_loopback

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = {
    "/good": "<title>good</title><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
    "/error": "<script>console.error('spilt milk')</script>",
    "/exception": "<script>throw new Error('spilt tea')</script>",
    "/missing": "<img src='/no-such-picture.png'>",
    # a host that no name server knows: the request is seen and goes nowhere
    "/stranger": "<img src='http://stranger.invalid/pixel.png'>",
    "/socket": "<script>new WebSocket('ws://stranger.invalid/')</script>",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = "<link rel=icon href='data:,'>" + PAGES[self.path] if self.path in PAGES else None
        self.send_response(200 if page else 404)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "noticed"),
    [
        ("/error", "spilt milk"),
        ("/exception", "spilt tea"),
        ("/missing", "404"),
        ("/stranger", "request to another host: http://stranger.invalid/pixel.png"),
        ("/socket", "request to another host: ws://stranger.invalid/"),
    ],
)
def test_what_goes_wrong_is_noticed(browser: Browser, site: str, path: str, noticed: str) -> None:
    watch = Watch()
    with browser.new_context() as context:
        watch.follow(context)
        context.new_page().goto(site + path, wait_until="networkidle")
    assert noticed in " ".join(watch.problems())


def test_what_was_expected_is_no_problem(browser_page: Page, browser_watch: Watch, site: str) -> None:
    browser_watch.allow("no-such-picture.png")
    browser_page.goto(f"{site}/missing", wait_until="networkidle")
    assert browser_watch.errors != []


def test_a_good_page_passes(browser_page: Page, site: str) -> None:
    browser_page.goto(f"{site}/good", wait_until="networkidle")
    assert browser_page.title() == "good"


@pytest.mark.parametrize(
    ("url", "stays"),
    [
        ("http://127.0.0.1:8050/a", True),
        ("http://[::1]/", True),
        ("http://localhost/", True),
        ("data:,", True),
        ("http://127.0.0.1.example.com/", False),
        ("http://10.0.0.1/", False),
        ("https://example.com/?u=http://localhost", False),
    ],
)
def test_only_this_machine_is_no_stranger(url: str, stays: bool) -> None:
    assert is_loopback(url) is stays
