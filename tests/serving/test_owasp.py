"""What OWASP's lists name and no other test here tries; docs/security.md has the whole of both."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from serving.security import EVERY_ROLE, Caller
from serving.server import create_app
from tests.orchestration.conftest import copy_of
from warehouse.home import Home

TOKEN = "a-token-of-this-test-alone"


@pytest.fixture(scope="module")
def home(published_small: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """What a token does is written into its home."""
    return copy_of(published_small, tmp_path_factory.mktemp("owasp") / "home")


@pytest.fixture(scope="module")
def client(home: Home) -> TestClient:
    """Of one who may all, on the application as other machines reach it."""
    app = create_app(home, host="0.0.0.0", tokens={TOKEN: Caller("owner", EVERY_ROLE)})
    return TestClient(app, base_url="http://shop.example", headers={"Authorization": f"Bearer {TOKEN}"})


def test_no_other_origin_is_given_leave_to_read(client: TestClient) -> None:
    answer = client.get("/api/v1/segments", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert [name for name in answer.headers if name.startswith("access-control-")] == []
    asked_before = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert client.options("/api/v1/segments", headers=asked_before).status_code == 405


@pytest.mark.parametrize("path", ["/", "/api/v1/segments", "/download/customers.csv"])
def test_a_request_is_never_echoed(client: TestClient, path: str) -> None:
    answer = client.request("TRACE", path)
    assert answer.status_code == 405
    assert TOKEN not in answer.text


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-For"])
def test_no_header_takes_the_place_of_method_address_or_token(published_small: Home, header: str) -> None:
    app = create_app(published_small, host="0.0.0.0", tokens={TOKEN: Caller("owner", EVERY_ROLE)})
    stranger = TestClient(app, base_url="http://shop.example")
    for value in ("GET", "/healthz", "127.0.0.1"):
        assert stranger.get("/api/v1/segments", headers={header: value}).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/assets/..%2f..%2fsecurity.py",
        "/data-docs/..%2f..%2fwarehouse.duckdb",
        "/_dash-component-suites/dash/..%2f..%2fpyproject.toml",
        "/_dash-component-suites/os/environ",
    ],
)
def test_no_address_leads_to_a_file_of_the_machine(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("sales.php", b"<?php system('id'); ?>", 422),
        ("sales.csv.exe", b"MZ\x90\x00" + b"\x00" * 100, 415),
        ("sales.csv\x00.exe", b"a,b\n1,2\n", 422),
        ("../../../etc/cron.d/sales.csv", b"a,b\n1,2\n", 422),
        ("sales.svg", b"<svg onload=alert(1)>", 422),
    ],
)
def test_an_upload_is_told_by_its_bytes_and_leaves_nothing(
    client: TestClient, home: Home, name: str, content: bytes, status: int
) -> None:
    answer = client.post("/classify_customers", files={"file": (name, content, "text/csv")})
    assert answer.status_code == status
    assert "etc/cron.d" not in answer.json()["detail"]
    assert not list(home.scratch.glob("*/*"))


def test_two_lengths_in_one_request_are_refused(serve: Callable[[Home], str], published_small: Home) -> None:
    # by which a proxy and the server behind it may be made to see two different requests
    place = urlsplit(serve(published_small))
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(
            b"POST /api/v1/segments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
