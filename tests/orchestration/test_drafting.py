"""Redrafts by a language model, against a stand-in for its server on this machine."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import pytest

from orchestration.assets.drafting import redraft_emails
from orchestration.dbt import load_manifest
from orchestration.drafting import API_KEY_VARIABLE, COLUMNS, FIGURES, MIN_CUSTOMERS, Endpoint, redraft_all
from orchestration.resources import WarehouseResource
from warehouse.home import Home

KEY = "sk-secret-4711"
SUBJECT = "A first look"
BODY = "Hello [first name],\n\nThere is something new in Kitchen: [link].\n\n[shop name]"
REDRAFT = {"subject": "Be the first to see it", "body": "Hello [first name],\n\nNew in Kitchen: [link].\n\n[shop name]"}


@dataclass
class StandIn:
    """What the server received, and what it is to answer."""

    url: str
    answer: Callable[[BaseHTTPRequestHandler], None]
    received: list[tuple[str, Mapping[str, str], dict[str, Any]]] = field(default_factory=list)

    def says(self, content: Any) -> None:
        """Answer with this as the model's message."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.answers(200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}))

    def answers(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        """Answer with this status and body."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            payload = text.encode()
            handler.send_response(status)
            for name, value in {"content-length": str(len(payload)), **(headers or {})}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(payload)

        self.answer = send


def serve() -> Iterator[StandIn]:
    stand_in = StandIn("", lambda handler: None)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            stand_in.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            with contextlib.suppress(BrokenPipeError):  # the client has had enough
                stand_in.answer(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    stand_in.says(REDRAFT)
    yield stand_in
    server.shutdown()
    server.server_close()
    thread.join()


server = pytest.fixture(serve)
other_server = pytest.fixture(serve)


def draft(segment: str = "Champions", customers: int = 312, **other: Any) -> dict[str, Any]:
    return {
        "method": "rfm",
        "segment_name": segment,
        "subject": SUBJECT,
        "body": BODY,
        "goal": "Keep them.",
        "customers": customers,
        "customers_pct": 7.24,
        "monetary_pct": 41.0,
        "recency_days_mean": 12.37,
        "frequency_mean": 13.6,
        "monetary_mean": 7472.61,
        "money_per_order": float("nan"),
        "one_time_pct": 0.0,
        "top_category": "Kitchen",
        **other,
    }


def ask(
    url: str, *drafts: dict[str, Any], key: str | None = KEY, timeout_seconds: float = 5.0
) -> tuple[pd.DataFrame, list[str]]:
    told: list[str] = []
    frame = redraft_all(
        pd.DataFrame(drafts or (draft(),)), Endpoint(url, "tiny-model", timeout_seconds, key), warn=told.append
    )
    assert list(frame.columns) == list(COLUMNS)
    assert KEY not in frame.to_json()
    assert KEY not in "".join(told)
    return frame, told


def problem(frame: pd.DataFrame) -> str:
    """What the one row says went wrong; it has no text."""
    (row,) = frame.to_dict("records")
    assert row["status"] == "failed"
    assert pd.isna(row["subject"])
    assert pd.isna(row["body"])
    return str(row["problem"])


def test_a_redraft_is_taken(server: StandIn) -> None:
    frame, told = ask(server.url)

    (row,) = frame.to_dict("records")
    assert (row["subject"], row["body"]) == (REDRAFT["subject"], REDRAFT["body"])
    assert (row["method"], row["segment_name"], row["model"]) == ("rfm", "Champions", "tiny-model")
    assert row["status"] == "redrafted"
    assert pd.isna(row["problem"])
    assert told == []


def test_json_in_a_code_fence_is_understood(server: StandIn) -> None:
    server.says(f"```json\n{json.dumps(REDRAFT)}\n```")

    assert ask(server.url)[0]["status"].tolist() == ["redrafted"]


def test_only_totals_and_the_draft_go_out(server: StandIn) -> None:
    # columns that somebody may add to the drafts one day
    ask(server.url, draft(customer_id="17850", note_to_marketer="call Ada", clv_mean=1.0))

    ((path, headers, body),) = server.received
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert set(body) == {"model", "messages", "temperature", "stream"}
    assert body["model"] == "tiny-model"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert json.loads(body["messages"][1]["content"]) == {
        "segment": "Champions",
        "goal": "Keep them.",
        "figures": {
            "customers": 312,
            "customers_pct": 7.2,
            "monetary_pct": 41,
            "recency_days_mean": 12.4,
            "frequency_mean": 13.6,
            "monetary_mean": 7472.6,
            "money_per_order": None,
            "one_time_pct": 0,
            "top_category": "Kitchen",
        },
        "draft": {"subject": SUBJECT, "body": BODY},
    }


def test_without_a_key_none_is_sent(server: StandIn) -> None:
    ask(server.url, key=None)

    assert "authorization" not in server.received[0][1]


def test_totals_of_a_few_customers_stay_here(server: StandIn) -> None:
    frame, told = ask(server.url, draft("Champions", MIN_CUSTOMERS), draft("Lost", MIN_CUSTOMERS - 1))

    assert frame["status"].tolist() == ["redrafted", "not_asked"]
    assert len(server.received) == 1
    assert told == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("I would rather not.", "not the JSON"),
        ({"subject": "Hello"}, "(body)"),
        ({"subject": "", "body": "x"}, "(subject)"),
        ({"subject": 5, "body": BODY}, "(subject)"),
        ({"subject": "Two\nlines", "body": BODY}, "several lines"),
        ({"subject": SUBJECT, "body": BODY + " 20% off until 31 May"}, "numbers that the draft does not have: 20, 31"),
        ({"subject": "For our 312 best", "body": BODY}, "numbers that the draft does not have: 312"),
        ({"subject": SUBJECT, "body": BODY + " https://example.com"}, "links"),
        ({"subject": SUBJECT, "body": BODY + "<script>"}, "markup"),
        ({"subject": SUBJECT, "body": BODY + " {name}"}, "braces"),
        ({"subject": SUBJECT, "body": BODY.replace("[link]", "our shop")}, "placeholders: [link]"),
        ({"subject": SUBJECT, "body": BODY + " [phone]"}, "placeholders: [phone]"),
        ({"subject": SUBJECT, "body": BODY + "\x07"}, "control characters"),
        ({"subject": SUBJECT, "body": BODY + KEY}, "repeats the key"),
        ('{"subject": "\\ud800", "body": "x"}', "not the JSON"),
    ],
)
def test_an_answer_that_nobody_asked_for_is_refused(server: StandIn, content: Any, said: str) -> None:
    server.says(content)

    frame, (told,) = ask(server.url)

    assert said in problem(frame)
    assert said in told
    assert "The draft by rule stands." in told


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (500, f"failed for Bearer {KEY}", "status 500"),
        (401, "who are you", "status 401"),
        (200, "no json", "not answer with a chat completion"),
        (200, '{"choices": []}', "not answer with a chat completion"),
        (200, "[" * 100_000, "not answer with a chat completion"),
        (200, '{"choices": [{"message": {"content": null}}]}', "no text"),
        (200, '{"choices": [{"message": {"content": "\\ud800"}}]}', "no text"),
        (200, " " * 2_000_000, "longer than"),
    ],
)
def test_a_bad_answer_is_told_and_the_next_segment_asked(server: StandIn, status: int, text: str, said: str) -> None:
    server.answers(status, text)

    frame, told = ask(server.url, draft("Champions"), draft("Lost"))

    assert frame["status"].tolist() == ["failed", "failed"]
    assert frame["problem"].str.contains(said, regex=False).all()
    assert len(told) == len(server.received) == 2


def test_no_redirect_is_followed(server: StandIn, other_server: StandIn) -> None:
    server.answers(307, "", {"location": f"{other_server.url}/chat/completions"})

    frame, _ = ask(server.url)

    assert "status 307" in problem(frame)
    assert other_server.received == []


def test_a_dead_endpoint_is_asked_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        frame, told = ask(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", draft("Champions"), draft("Lost"))

    assert frame["status"].tolist() == ["failed", "not_asked"]
    assert "could not be asked (ConnectError)" in frame["problem"][0]
    assert "did not answer for Champions" in frame["problem"][1]
    assert len(told) == 1


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_slow_answer_is_not_waited_for(server: StandIn, drips: bool) -> None:
    free = threading.Event()

    def dawdle(handler: BaseHTTPRequestHandler) -> None:
        if drips:
            handler.send_response(200)
            handler.end_headers()
        while not free.wait(0.1):
            if drips:
                handler.wfile.write(b" ")

    server.answer = dawdle
    started = time.monotonic()

    frame, _ = ask(server.url, draft("Champions"), draft("Lost"), timeout_seconds=0.5)

    free.set()
    assert time.monotonic() - started < 5
    assert frame["status"].tolist() == ["failed", "not_asked"]
    assert frame["problem"][0] == "No whole answer within 0.5 seconds."


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999/v1", "https://no such host/v1", "http://"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    assert "could not be asked" in problem(ask(url)[0])


def test_a_key_that_no_header_can_carry_is_not_repeated(server: StandIn) -> None:
    frame, told = ask(server.url, key="geheim\nschlüssel")

    assert problem(frame) == f"{API_KEY_VARIABLE} holds characters that no key has."
    assert "geheim" not in told[0]
    assert server.received == []


def test_the_key_is_in_no_representation() -> None:
    endpoint = Endpoint("http://user:password@127.0.0.1/v1", "m", 1.0, KEY)

    assert KEY not in repr(endpoint)
    assert "password" not in repr(endpoint)


# ---- as a step of a run ------------------------------------------------------


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return load_manifest(Home(tmp_path_factory.mktemp("parsed")))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A shop with one k-means segment, and one of another method that has customers' names."""
    made = Home(tmp_path)
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute("create schema reporting")
        con.register("drafts", pd.DataFrame([draft(), draft("Big Bob", method="audience")]))
        con.execute(
            "create table reporting.segment_playbooks as "
            f"select method, segment_name, goal, {', '.join(FIGURES)} from drafts"
        )
        con.execute("create table reporting.segment_emails as select method, segment_name, subject, body from drafts")
    return made


def run_step(home: Home, manifest: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    done = dg.materialize(
        [redraft_emails(manifest)], resources={"warehouse": WarehouseResource(database=str(home.warehouse))}
    )
    assert done.success
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        assert con.execute("select subject, body from reporting.segment_emails").fetchall() == [(SUBJECT, BODY)] * 2
        return con.execute("select * from reporting.segment_email_redrafts order by 2").fetchall()


def test_without_an_endpoint_the_table_is_empty(home: Home, manifest: Mapping[str, Any]) -> None:
    assert run_step(home, manifest) == []


def test_the_step_writes_redrafts_beside_the_drafts(
    home: Home, manifest: Mapping[str, Any], server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_DRAFTING__ENDPOINT", server.url)
    monkeypatch.setenv("REGULARS_DRAFTING__MODEL", "tiny-model")
    monkeypatch.setenv(API_KEY_VARIABLE, f"{KEY}\n")

    assert run_step(home, manifest) == [
        ("rfm", "Champions", REDRAFT["subject"], REDRAFT["body"], "tiny-model", "redrafted", None)
    ]
    # one request, of the segments in force only
    assert len(server.received) == 1
    assert server.received[0][1]["authorization"] == f"Bearer {KEY}"
    assert "Bob" not in json.dumps(server.received[0][2])


def test_a_failing_endpoint_leaves_the_run_green_and_is_warned_of(
    home: Home,
    manifest: Mapping[str, Any],
    server: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.answers(500, f"failed for Bearer {KEY}")
    monkeypatch.setenv("REGULARS_DRAFTING__ENDPOINT", server.url)
    monkeypatch.setenv("REGULARS_DRAFTING__MODEL", "tiny-model")
    monkeypatch.setenv(API_KEY_VARIABLE, KEY)

    with caplog.at_level(logging.DEBUG):
        rows = run_step(home, manifest)

    assert rows == [("rfm", "Champions", None, None, "tiny-model", "failed", "The endpoint answered with status 500.")]
    shown = caplog.text + "".join(capfd.readouterr())
    assert "No redraft of the email to Champions" in shown
    assert KEY not in shown
    assert KEY.encode() not in home.warehouse.read_bytes()
