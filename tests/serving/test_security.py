"""Who gets in, from where, and what a browser may do."""

import re
import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from serving.classify import UploadLimits
from serving.files import _PLACES, FILES_AT_ONCE
from serving.security import COOKIE, EVERY_ROLE, TOKEN_VARIABLE, Caller, is_loopback, required_tokens
from serving.server import create_app, serve
from warehouse.errors import SettingsError
from warehouse.home import Home
from warehouse.settings import Serve

TOKEN = "a-token-of-this-test-alone"
OWNER = Caller("owner", EVERY_ROLE)


@pytest.fixture(scope="module")
def guarded(published_small: Home) -> TestClient:
    """The application as it is when other machines can reach it."""
    app = create_app(published_small, host="0.0.0.0", tokens={TOKEN: OWNER})
    return TestClient(app, base_url="http://shop.example", follow_redirects=False)


@pytest.fixture(scope="module")
def local(published_small: Home) -> TestClient:
    """The application on loopback."""
    return TestClient(create_app(published_small), base_url="http://127.0.0.1:8050", follow_redirects=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert required_tokens(host, Serve()) == {}


def test_an_address_that_is_taken_is_said_before_the_server_is_said_to_be_there(tmp_path: Path) -> None:
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1 port {port} can't be bound .Address already in use"):
            serve(Home(tmp_path), host="127.0.0.1", port=port, on_start=told.append)
    assert told == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "shop.example", "127.0.0.1.example"])
def test_elsewhere_a_token_is_required_and_the_error_says_how(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(SettingsError, match=TOKEN_VARIABLE):
        required_tokens(host, Serve())


def test_a_short_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    with pytest.raises(SettingsError, match="6 characters"):
        required_tokens("0.0.0.0", Serve())


@pytest.mark.parametrize(
    "path", ["/", "/segments", "/api/v1/customers", "/download/customers.csv", "/report.pdf", "/data-docs/", "/docs"]
)
def test_without_the_token_nothing_is_told(guarded: TestClient, path: str) -> None:
    answer = guarded.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_a_wrong_token_is_refused(guarded: TestClient, given: str) -> None:
    assert guarded.get("/api/v1/segments", headers={"Authorization": given.encode()}).status_code == 401


def test_the_right_token_is_let_in(guarded: TestClient) -> None:
    answer = guarded.get("/api/v1/segments", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


def test_a_browser_is_led_to_the_login_and_back(guarded: TestClient) -> None:
    asked = guarded.get("/segments?method=rfm", headers={"Accept": "text/html"})
    assert asked.status_code == 303
    login = asked.headers["location"]
    assert login == "/login?next=/segments%3Fmethod%3Drfm"
    assert "<form" in guarded.get(login).text
    assert guarded.post(login, data={"token": "wrong"}).status_code == 401
    entered = guarded.post(login, data={"token": TOKEN})
    assert (entered.status_code, entered.headers["location"]) == (303, "/segments?method=rfm")
    cookie = entered.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict"))
    assert TOKEN not in cookie
    session = entered.cookies[COOKIE]
    guarded.cookies.clear()
    assert guarded.get("/api/v1/segments", headers={"Cookie": f"{COOKIE}={session}"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/%0Ahealthz", "/healthz%0D", "/heal%09thz", "/log%0Ain", "//login", "/login/x", "/LOGIN", "/healthz/"]
)
def test_what_only_looks_like_an_open_path_is_closed(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 401


@pytest.mark.parametrize("host", ["x/healthz?", "x/healthz#", "x\\healthz", "x:80@healthz"])
def test_a_host_that_is_made_up_opens_no_path(guarded: TestClient, host: str) -> None:
    assert guarded.get("/api/v1/segments", headers={"Host": host}).status_code == 401


def test_the_login_page_has_its_looks_without_the_token(guarded: TestClient) -> None:
    style = re.search(r'href="(/assets/[^"]+\.css)"', guarded.get("/login").text)
    assert style is not None
    answer = guarded.get(style[1])
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/css")


@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
def test_the_cookie_keeps_to_encrypted_connections_where_it_came_by_one(
    guarded: TestClient, scheme: str, is_secure: bool
) -> None:
    entered = guarded.post(f"{scheme}://shop.example/login", data={"token": TOKEN})
    assert ("Secure" in entered.headers["set-cookie"]) == is_secure
    guarded.cookies.clear()


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil"])
def test_the_login_leads_nowhere_else(guarded: TestClient, target: str) -> None:
    entered = guarded.post("/login", params={"next": target}, data={"token": TOKEN})
    assert entered.headers["location"] == "/"
    guarded.cookies.clear()


def test_a_login_as_long_as_a_book_is_refused(guarded: TestClient) -> None:
    assert guarded.post("/login", data={"token": "x" * 10_000}).status_code == 413


def test_on_loopback_a_foreign_name_is_refused(local: TestClient) -> None:
    # a page elsewhere that points its own name at 127.0.0.1
    assert local.get("/api/v1/segments", headers={"Host": "evil.example"}).status_code == 400
    assert local.get("/api/v1/segments").status_code == 200


def test_a_page_of_another_site_can_send_nothing(local: TestClient) -> None:
    upload = {"file": ("a.csv", b"x", "text/csv")}
    answer = local.post("/classify_customers", files=upload, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    own = local.post("/classify_customers", files=upload, headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code not in (403, 500)


@pytest.mark.parametrize("path", ["/report.pdf", "/download/customers.xlsx", "/api/v1/customers", "/"])
def test_a_page_of_another_site_can_link_here_and_have_nothing_made(local: TestClient, path: str) -> None:
    def answered(mode: str, site: str) -> int:
        return local.get(path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}).status_code

    assert answered("no-cors", "cross-site") == 403
    assert answered("cors", "same-site") == 403
    assert answered("navigate", "cross-site") == 200
    assert answered("no-cors", "same-origin") == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/segments", "/download/customers.csv", "/nowhere/at/all", "/assets/style.css"]
)
def test_every_answer_carries_the_security_headers(local: TestClient, path: str) -> None:
    headers = local.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


def test_data_docs_cannot_be_left(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    home.data_docs.mkdir()
    (home.data_docs / "index.html").write_text("<p>checks</p>")
    (home.root / "secret.txt").write_text("of the shop alone")
    client = TestClient(create_app(home), base_url="http://127.0.0.1:8050")
    assert "checks" in client.get("/data-docs/").text
    for path in ("/data-docs/..%2fsecret.txt", "/data-docs/%2e%2e/secret.txt", "/data-docs/%2fetc/passwd"):
        answer = client.get(path)
        assert "of the shop alone" not in answer.text
        assert "root:" not in answer.text
    for path in ("/data-docs/..%2fsecret.txt", "/data-docs/%00", f"/data-docs/{'a' * 3_000}"):
        assert client.get(path).status_code == 404


def test_without_data_docs_the_answer_says_what_writes_them(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(published_small.published.parent, home.published.parent)
    answer = TestClient(create_app(home), base_url="http://127.0.0.1:8050").get("/data-docs/")
    assert (answer.status_code, "refresh" in answer.text) == (404, True)


def test_a_list_that_is_downloaded_is_the_list_that_is_filtered(local: TestClient, published_small: Home) -> None:
    import csv
    import io
    import json

    import duckdb

    grid = {
        "filter": {"country": {"filterType": "text", "type": "equals", "filter": "United Kingdom"}},
        "sort": [{"colId": "customer_id", "sort": "desc"}],
    }
    answer = local.get("/download/customers.csv", params={"grid": json.dumps(grid), "min_frequency": 2})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published_small.published}' as p (read_only)")
        expected = connection.execute(
            "select customer_id from p.reporting.customer_360 where country = 'United Kingdom' and frequency >= 2"
            " order by customer_id desc"
        ).fetchall()
    position = rows[0].index("Customer")
    assert [row[position].removeprefix("'") for row in rows[1:]] == [customer for (customer,) in expected]


@pytest.mark.parametrize(
    "grid", ["{", "[]", '{"filter": {"nope": {"type": "equals", "filter": 1}}}', '{"sort": [{"colId": "1; drop"}]}']
)
def test_a_list_request_that_cannot_be_read_is_refused(local: TestClient, grid: str) -> None:
    answer = local.get("/download/customers.csv", params={"grid": grid})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_an_unknown_list_is_not_found(local: TestClient) -> None:
    assert local.get("/download/secrets.csv").status_code == 404
    assert local.get("/download/customers.exe").status_code in (404, 422)


def test_a_list_under_an_old_link_is_the_list_that_its_page_shows(local: TestClient) -> None:
    # a segment that the method doesn't have is left out and told on the page; the file must not be of nobody
    known, old = (local.get(f"/download/customers.csv?{query}").content for query in ("", "segment=No+Longer"))
    assert old == known
    assert old.count(b"\r\n") > 10


def test_files_are_made_two_at_a_time(local: TestClient) -> None:
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(local.get("/download/countries.csv").status_code))
    for _ in range(FILES_AT_ONCE):
        _PLACES.acquire()
    try:
        asking.start()
        asking.join(timeout=0.5)
        assert asking.is_alive()
    finally:
        for _ in range(FILES_AT_ONCE):
            _PLACES.release()
    asking.join(timeout=30)
    assert answers == [200]


def test_uploads_that_dawdle_leave_room_for_pages(published_small: Home, serve: Callable[[Home], str]) -> None:
    url = urlsplit(serve(published_small))
    head = (
        f"POST /_dash-update-component HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000000\r\n\r\n{"
    )
    with ExitStack() as slow:
        for _ in range(UploadLimits().at_once):
            sent = slow.enter_context(socket.create_connection((url.hostname, url.port or 80)))
            sent.sendall(head.encode())
        assert httpx.get(f"{url.geturl()}/segments", timeout=20).status_code == 200
