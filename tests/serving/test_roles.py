"""What a token may beyond looking, and what is remembered of who took something away."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serving.security import EVERY_ROLE, TOKEN_VARIABLE, Caller, required_tokens
from serving.server import create_app
from tests.orchestration.conftest import copy_of
from warehouse.errors import SettingsError
from warehouse.home import Home
from warehouse.settings import Serve, Token

TOKENS = {
    "token-of-the-owner": Caller("owner", EVERY_ROLE),
    "token-of-marketing": Caller("marketing", frozenset({"view", "export"})),
    "token-of-a-guest-1": Caller("guest", frozenset({"view"})),
    "token-of-the-admin": Caller("admin", frozenset({"view", "operate"})),
}
LABELS = b"Customer_ID,Transaction_Date,Amount\n10001,2024-05-01,12.50\n"


@pytest.fixture
def home(published_small: Home, tmp_path: Path) -> Home:
    return copy_of(published_small, tmp_path / "home")


def clients_of(home: Home) -> Callable[..., TestClient]:
    """Makes a client with somebody's token, of one application over the home."""
    app = create_app(home, host="0.0.0.0", tokens=TOKENS)

    def client(name: str) -> TestClient:
        token = next(token for token, caller in TOKENS.items() if caller.name == name)
        headers = {"Authorization": f"Bearer {token}"}
        return TestClient(app, base_url="http://shop.example", headers=headers, follow_redirects=False)

    return client


@pytest.fixture
def ask(home: Home) -> Callable[..., TestClient]:
    return clients_of(home)


@pytest.fixture(scope="module")
def ask_again(published_small: Home, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., TestClient]:
    """The same application for all tests that look at answers alone."""
    return clients_of(copy_of(published_small, tmp_path_factory.mktemp("roles") / "home"))


def audit_of(home: Home) -> list[dict[str, str]]:
    lines = [line for path in sorted(home.audit.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [{key: value for key, value in json.loads(line).items() if key != "at"} for line in lines]


@pytest.mark.parametrize(
    ("name", "download", "classify", "data_docs"),
    [("owner", 200, 200, 200), ("marketing", 200, 200, 403), ("guest", 403, 403, 403), ("admin", 403, 403, 200)],
)
def test_each_role_opens_what_is_its_own(
    ask_again: Callable[..., TestClient], name: str, download: int, classify: int, data_docs: int
) -> None:
    client = ask_again(name)
    assert client.get("/api/v1/segments").status_code == 200
    assert client.get("/segments").status_code == 200
    assert client.get("/download/customers.csv").status_code == download
    upload = client.post("/classify_customers", files={"file": ("sales.csv", LABELS, "text/csv")})
    assert upload.status_code == classify
    assert client.get("/data-docs/index.html").status_code == data_docs


def test_a_refusal_says_which_role_is_missing(ask_again: Callable[..., TestClient]) -> None:
    answer = ask_again("guest").get("/download/customers.xlsx")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "'guest' lacks the role 'export'; it has view" in answer.json()["detail"]
    assert "lacks the role 'operate'" in ask_again("marketing").get("/data-docs/").json()["detail"]


@pytest.mark.parametrize(
    "path", ["/download/customers.csv%0A", "/download//customers.csv", "//download/customers.csv", "/data-docs%0A"]
)
def test_no_other_spelling_of_an_address_gets_around_the_role(ask_again: Callable[..., TestClient], path: str) -> None:
    answer = ask_again("guest").get(path)
    assert b"10001" not in answer.content
    upload = ask_again("guest").post("/classify_customers%0A", files={"file": ("sales.csv", LABELS, "text/csv")})
    assert upload.status_code in (403, 404, 405)


def test_what_is_taken_away_or_refused_is_recorded_and_no_token_with_it(
    ask: Callable[..., TestClient], home: Home
) -> None:
    ask("marketing").get("/download/customers.csv?customer=10001")
    ask("guest").get("/download/customers.xlsx")
    ask("marketing").get("/download/shoes.csv")
    ask("marketing").post("/classify_customers?format=csv", files={"file": ("sales.csv", LABELS, "text/csv")})
    ask("marketing").get("/api/v1/customers")
    assert audit_of(home) == [
        {"who": "marketing", "action": "download", "what": "customers.csv", "outcome": "done"},
        {"who": "guest", "action": "download", "what": "customers.xlsx", "outcome": "refused: 403"},
        {"who": "marketing", "action": "download", "what": "shoes.csv", "outcome": "refused: 404"},
        {"who": "marketing", "action": "classify", "what": "classify_customers", "outcome": "done"},
    ]
    (written,) = home.audit.glob("*.jsonl")
    assert "token-of" not in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_what_cannot_be_recorded_is_not_given(ask: Callable[..., TestClient], home: Home) -> None:
    # a file where the folder would be: root, too, can write nothing there
    home.audit.write_text("")
    answer = ask("marketing").get("/download/customers.csv")
    assert answer.status_code == 503
    assert b"10001" not in answer.content
    assert "audit log" in answer.json()["detail"]


def test_the_page_that_labels_files_keeps_its_downloads_from_who_may_only_look(
    ask: Callable[..., TestClient], home: Home
) -> None:
    clicked = {
        "output": "classify-download.data",
        "outputs": {"id": "classify-download", "property": "data"},
        "inputs": [
            {"id": f"classify-{part}", "property": "n_clicks", "value": 1 if part == "customers-csv" else None}
            for part in ("customers-csv", "customers-xlsx", "set-aside-csv", "set-aside-xlsx")
        ],
        "changedPropIds": ["classify-customers-csv.n_clicks"],
        "state": [
            {"id": "classify-customers", "property": "virtualRowData", "value": [{"customer_id": "10001"}]},
            {"id": "classify-set-aside", "property": "virtualRowData", "value": []},
            {"id": "classify-texts", "property": "data", "value": {}},
        ],
    }
    assert ask("guest").post("/_dash-update-component", json=clicked).status_code == 403
    given = ask("marketing").post("/_dash-update-component", json=clicked)
    assert (given.status_code, "classified_customers.csv" in given.text) == (200, True)
    assert [(line["who"], line["outcome"]) for line in audit_of(home)] == [
        ("guest", "refused: 403"),
        ("marketing", "done"),
    ]


def test_without_tokens_everybody_on_this_machine_may_all_and_nothing_is_recorded(home: Home) -> None:
    client = TestClient(create_app(home), base_url="http://127.0.0.1:8050")
    assert client.get("/download/customers.csv").status_code == 200
    assert client.get("/data-docs/index.html").status_code == 200
    assert not home.audit.exists()


def test_tokens_come_from_the_environment_under_the_names_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    serve = Serve(tokens=(Token(name="marketing", roles=frozenset({"export"})), Token(name="guest")))
    monkeypatch.setenv("REGULARS_SERVE_TOKEN_MARKETING", "m" * 16)
    with pytest.raises(SettingsError, match="REGULARS_SERVE_TOKEN_GUEST holds no token"):
        required_tokens("127.0.0.1", serve)
    monkeypatch.setenv("REGULARS_SERVE_TOKEN_GUEST", "m" * 16)
    with pytest.raises(SettingsError, match="Two of the server's tokens are the same"):
        required_tokens("127.0.0.1", serve)
    monkeypatch.setenv("REGULARS_SERVE_TOKEN_GUEST", "g" * 15)
    with pytest.raises(SettingsError, match="REGULARS_SERVE_TOKEN_GUEST has 15 characters"):
        required_tokens("127.0.0.1", serve)
    monkeypatch.setenv("REGULARS_SERVE_TOKEN_GUEST", "g" * 16)
    monkeypatch.setenv(TOKEN_VARIABLE, "o" * 16)
    assert required_tokens("0.0.0.0", serve) == {
        "o" * 16: Caller("owner", EVERY_ROLE),
        "m" * 16: Caller("marketing", frozenset({"view", "export"})),
        "g" * 16: Caller("guest", frozenset({"view"})),
    }
