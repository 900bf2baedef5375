"""Sending an export's audiences to an address, on request.

Belongs here: the messages, their signature, and the record of what was delivered. Does
not belong here: who is in an audience, and how a message is posted (:mod:`warehouse.posting`).

Messages follow Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks,
spec/standard-webhooks.md): headers ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature``, signed with HMAC-SHA256 over ``id.timestamp.body``. A message's id
is made from its body, so a repeated one can be told by its id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from serving.export.audiences import Exported, plain_rows
from warehouse.errors import WebhookError
from warehouse.posting import Patience, checked_address, post

SECRET_VARIABLE = "REGULARS_WEBHOOK_SECRET"  # noqa: S105
_PREFIX = "whsec_"
_MIN_KEY_BYTES, _MAX_KEY_BYTES = 24, 64
"""What the specification asks of a key."""


@dataclass(frozen=True)
class Policy(Patience):
    """How patient a delivery is."""

    batch_customers: int = 500
    """Customers in one message: some 200 KB, below what receivers commonly accept (1 MB)."""


@dataclass(frozen=True)
class Message:
    """One batch of one audience, ready to be sent."""

    message_id: str
    body: bytes


@dataclass(frozen=True)
class Delivery:
    """What was sent, and what had been before."""

    sent: int
    already_delivered: int
    customers: int


def signing_key(secret: str | None) -> bytes:
    """The key that a secret stands for: ``whsec_`` and base64, or any text.

    Raises
    ------
    WebhookError
        If there is none, it can't be read, or it is too short or too long to be a key.
    """
    if not secret:
        raise WebhookError(
            f"Set {SECRET_VARIABLE} to the key that the receiver verifies signatures with; "
            "audiences are not sent unsigned."
        )
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError) as error:
            raise WebhookError(f"{SECRET_VARIABLE} begins with {_PREFIX}, but what follows is not base64.") from error
    else:
        key = secret.encode()
    if not _MIN_KEY_BYTES <= len(key) <= _MAX_KEY_BYTES:
        raise WebhookError(
            f"{SECRET_VARIABLE} is a key of {len(key)} bytes; Standard Webhooks asks for {_MIN_KEY_BYTES} "
            f"to {_MAX_KEY_BYTES}."
        )
    return key


def check_receiver(url: str, secret: str | None) -> None:
    """See that a delivery could begin, before anything is written.

    Raises
    ------
    WebhookError
        If the address or the key can't be used.
    """
    signing_key(secret)
    checked_address(url)


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature`` for one attempt."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def messages(exported: Exported, batch_customers: int) -> Iterator[Message]:
    """The export in batches. Customers held out are not in them: the receiver might write to them."""
    about, request = exported.about, exported.request
    addressed = exported.members[~exported.members["is_holdout"].astype(bool)]
    for audience in exported.audiences:
        rows = plain_rows(addressed[addressed["segment"] == audience.segment].drop(columns="is_holdout"))
        # an empty audience is told too: the receiver has to empty its own
        batches = [rows[first : first + batch_customers] for first in range(0, len(rows), batch_customers)] or [[]]
        for number, batch in enumerate(batches, start=1):
            body = json.dumps(
                {
                    "type": "audience.members",
                    # of the event, which is the publication; the header has that of the attempt
                    "timestamp": about.published_at.isoformat(),
                    "data": {
                        "publication_id": about.publication_id,
                        "data_version": about.data_version,
                        "is_sample": about.is_sample,
                        "currency": about.currency,
                        "method": request.method,
                        "campaign": request.campaign.strip() or None,
                        "segment": audience.segment,
                        "customers": audience.customers,
                        "held_out": audience.held_out,
                        "batch": number,
                        "batches": len(batches),
                        "members": batch,
                    },
                },
                ensure_ascii=False,
                separators=(",", ":"),
                allow_nan=False,
            ).encode()
            yield Message("msg_" + hashlib.sha256(body).hexdigest()[:40], body)


def deliver(exported: Exported, url: str, *, secret: str | None, policy: Policy | None = None) -> Delivery:
    """Post every audience of the export, batch by batch; batches that arrived before are not sent again.

    Parameters
    ----------
    url
        Receiver. Without TLS only on this machine.
    secret
        See :func:`signing_key`.

    Raises
    ------
    WebhookError
        If the address or key can't be used, the receiver refuses, or does not answer in all attempts.
        What was delivered is remembered, so that a repeated call goes on from there.
    """
    policy = policy or Policy()
    key = signing_key(secret)
    address = checked_address(url)
    record = _Record(exported, address)
    sent = skipped = 0
    with httpx.Client(follow_redirects=False, timeout=policy.timeout_seconds) as client:
        for message in messages(exported, policy.batch_customers):
            if message.message_id in record.delivered:
                skipped += 1
                continue
            try:
                _send(client, address, key, message, policy)
            except WebhookError as error:
                raise WebhookError(
                    f"{error} {sent + skipped} of the messages have arrived; the same command goes on from there."
                ) from error
            record.add(message.message_id)
            sent += 1
    return Delivery(sent, skipped, sum(audience.in_campaign for audience in exported.audiences))


def _send(client: httpx.Client, address: httpx.URL, key: bytes, message: Message, policy: Policy) -> None:
    def headers() -> dict[str, str]:
        timestamp = int(time.time())
        return {
            "webhook-id": message.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(key, message.message_id, timestamp, message.body),
            "idempotency-key": message.message_id,
        }

    post(client, address, message.body, headers, policy)


class _Record:
    """Ids of the messages that one receiver has taken, kept beside the exports."""

    def __init__(self, exported: Exported, address: httpx.URL) -> None:
        # the address may hold a secret, and is kept as a hash
        receiver = hashlib.sha256(str(address).encode()).hexdigest()[:12]
        self.path = exported.folder.parent / ".deliveries" / f"{exported.folder.name}.{receiver}.txt"
        self.delivered = set(self.path.read_text().split()) if self.path.exists() else set()

    def add(self, message_id: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(message_id + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.delivered.add(message_id)
