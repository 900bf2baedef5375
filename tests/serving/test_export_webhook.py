"""Deliveries, against a real server on this machine."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from serving.export import Exported, ExportRequest, WebhookError, deliver, export_audiences
from serving.export.webhook import Policy, signing_key
from serving.snapshot import SnapshotReader
from tests.receivers import Receiver, listening
from warehouse.home import Home

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
QUICK = Policy(batch_customers=10, attempts=4, first_wait_seconds=0.01, max_wait_seconds=0.02, timeout_seconds=0.5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening(Receiver()) as server:
        yield server


@pytest.fixture
def exported(published_small: Home, tmp_path: Path) -> Exported:
    with SnapshotReader(published_small).reading() as reading:
        return export_audiences(reading, ExportRequest(holdout_pct=20), tmp_path / "exports")


def test_every_customer_of_the_campaign_arrives_once_and_nobody_held_out(
    receiver: Receiver, exported: Exported
) -> None:
    done = deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    assert done.sent == len(receiver.requests)
    bodies = [json.loads(body) for *_, body in receiver.requests]
    arrived = [
        (body["data"]["segment"], member["customer_id"]) for body in bodies for member in body["data"]["members"]
    ]
    wanted = exported.members[~exported.members["is_holdout"]]
    assert sorted(arrived) == sorted(zip(wanted["segment"], wanted["customer_id"], strict=True))
    assert 0 < len(arrived) < len(exported.members)
    for body in bodies:
        assert body["type"] == "audience.members"
        assert len(body["data"]["members"]) <= 10
        assert 1 <= body["data"]["batch"] <= body["data"]["batches"]


def test_signatures_verify_by_the_specification(receiver: Receiver, exported: Exported) -> None:
    before = int(time.time())
    deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    for _, _, headers, body in receiver.requests:
        signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
        expected = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert before <= int(headers["webhook-timestamp"]) <= time.time()
        assert headers["content-type"] == "application/json"
    ids = [headers["webhook-id"] for _, _, headers, _ in receiver.requests]
    assert len(set(ids)) == len(ids)


def test_a_plain_secret_is_its_own_key() -> None:
    # the example of the specification's own test suite: github.com/standard-webhooks, libraries/python/tests
    assert signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signing_key("x" * 24) == b"x" * 24


@pytest.mark.parametrize("answer", [(503, {}), (500, {}), (429, {}), (408, {}), "hang"])
def test_a_passing_trouble_is_tried_again_as_the_same_message(
    receiver: Receiver, exported: Exported, answer: object
) -> None:
    receiver.script = [answer, answer]
    deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    first, second, third, fourth = (request[2]["webhook-id"] for request in receiver.requests[:4])
    assert first == second == third != fourth
    assert receiver.requests[0][3] == receiver.requests[2][3]


@pytest.mark.parametrize("in_words", [False, True])
def test_the_receivers_retry_after_is_waited_for(receiver: Receiver, exported: Exported, in_words: bool) -> None:
    # a date has whole seconds: two ahead is at least one to wait
    receiver.script = [(429, {"retry-after": formatdate(time.time() + 2, usegmt=True) if in_words else "1"})]
    deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    assert receiver.requests[1][0] - receiver.requests[0][0] >= 0.9


def test_a_receiver_that_asks_for_hours_is_not_waited_for(receiver: Receiver, exported: Exported) -> None:
    receiver.script = [(503, {"retry-after": "7200"})]
    with pytest.raises(WebhookError, match=r"asks to wait 7,200 seconds"):
        deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    assert len(receiver.requests) == 1


def test_giving_up_says_after_how_many_attempts_and_hides_the_token(receiver: Receiver, exported: Exported) -> None:
    receiver.script = [(503, {})] * 50
    with pytest.raises(WebhookError, match=r"in 4 attempts: it answered 503") as caught:
        deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    assert len(receiver.requests) == 4
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "says"), [(401, "refused the message with 401"), (410, "refused"), (422, "refused")]
)
def test_a_refusal_is_final(receiver: Receiver, exported: Exported, status: int, says: str) -> None:
    receiver.script = [(status, {})]
    with pytest.raises(WebhookError, match=says):
        deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    assert len(receiver.requests) == 1


def test_a_redirect_is_not_followed(receiver: Receiver, exported: Exported) -> None:
    receiver.script = [(307, {"location": receiver.url.replace("/in", "/elsewhere")})]
    with pytest.raises(WebhookError, match="a redirect"):
        deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    assert [path for _, path, _, _ in receiver.requests] == ["/in?token=hush"]


def test_a_repeated_command_goes_on_where_it_stopped(receiver: Receiver, exported: Exported) -> None:
    receiver.script = [(204, {}), (204, {}), (400, {})]
    with pytest.raises(WebhookError, match="2 of the messages have arrived"):
        deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    arrived = {request[2]["webhook-id"] for request in receiver.requests[:2]}
    receiver.requests.clear()
    again = deliver(exported, receiver.url, secret=SECRET, policy=QUICK)
    assert again.already_delivered == 2
    assert again.sent == len(receiver.requests) > 0
    assert not arrived & {request[2]["webhook-id"] for request in receiver.requests}
    receiver.requests.clear()
    assert deliver(exported, receiver.url, secret=SECRET, policy=QUICK).sent == 0
    assert not receiver.requests


def test_nobody_listening_is_said_in_words(exported: Exported) -> None:
    closed = Receiver()
    url = closed.url
    closed.server_close()
    with pytest.raises(WebhookError, match="no connection"):
        deliver(exported, url, secret=SECRET, policy=QUICK)


@pytest.mark.parametrize(
    ("url", "secret", "says"),
    [
        ("https://example.invalid/in", None, "Set REGULARS_WEBHOOK_SECRET"),
        ("https://example.invalid/in", "", "Set REGULARS_WEBHOOK_SECRET"),
        ("https://example.invalid/in", "short", "a key of 5 bytes"),
        ("https://example.invalid/in", "whsec_***", "not base64"),
        ("http://example.invalid/in", SECRET, "not encrypted"),
        ("ftp://example.invalid/in", SECRET, "begins with https://"),
        ("/in", SECRET, "begins with https://"),
    ],
)
def test_what_can_not_be_sent_safely_is_refused(exported: Exported, url: str, secret: str | None, says: str) -> None:
    with pytest.raises(WebhookError, match=says) as caught:
        deliver(exported, url, secret=secret, policy=QUICK)
    assert "short" not in str(caught.value)
