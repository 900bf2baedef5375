"""How an alert gets to people: an incoming webhook, a mail server.

Belongs here: the two formats, and the secrets' variables. Does not belong here: what is told, and whether.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import sha256

from orchestration.alerts.record import Entry
from warehouse.errors import SettingsError
from warehouse.settings import AlertEmail, Alerts

URL_VARIABLE = "REGULARS_ALERTS_WEBHOOK_URL"
PASSWORD_VARIABLE = "REGULARS_ALERTS_EMAIL_PASSWORD"  # noqa: S105

_TIMEOUT_SECONDS = 5.0
"""A refresh waits for it, and the next look tries again."""

Channel = Callable[[Entry], None]
"""Sends one, or raises a RegularsError or OSError."""


def channels_of(alerts: Alerts) -> dict[str, Channel]:
    """The channels that the settings name, by their names."""
    channels: dict[str, Channel] = {}
    if alerts.webhook:
        channels["webhook"] = _post
    if (email := alerts.email) is not None:
        channels["email"] = lambda entry: _mail(entry, email)
    return channels


def _post(entry: Entry) -> None:
    # a fifth of a second to import, and only who sends needs it
    import httpx

    from warehouse.posting import Patience, checked_address, post

    url = os.environ.get(URL_VARIABLE)
    if not url:
        raise SettingsError(f"Set {URL_VARIABLE} to the address of the incoming webhook, or alerts.webhook to false.")
    # as Slack asks for: a file may be called <!channel>, and would ring on every phone
    text = entry.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    patience = Patience(
        attempts=3,
        first_wait_seconds=0.5,
        max_wait_seconds=2.0,
        longest_retry_after_seconds=5.0,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    with httpx.Client(follow_redirects=False, timeout=patience.timeout_seconds) as client:
        post(client, checked_address(url), body, lambda: {"idempotency-key": _id_of(entry)}, patience)


def _mail(entry: Entry, email: AlertEmail) -> None:
    message = EmailMessage()
    message["Subject"] = " ".join(entry.title.split())
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message["Date"] = formatdate(localtime=True)
    # a mail server that got it in the moment in which we died can tell that it is the same
    message["Message-ID"] = f"<{_id_of(entry)}@{email.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(entry.text)
    password = os.environ.get(PASSWORD_VARIABLE)
    if email.user and not password:
        raise SettingsError(f"Set {PASSWORD_VARIABLE} to the password of alerts.email.user, or leave the user out.")
    context = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(email.host, email.port, timeout=_TIMEOUT_SECONDS, context=context)
        if email.security == "tls"
        else smtplib.SMTP(email.host, email.port, timeout=_TIMEOUT_SECONDS)
    ) as server:
        if email.security == "starttls":
            server.starttls(context=context)
        if email.user and password:
            server.login(email.user, password)
        server.send_message(message)


def _id_of(entry: Entry) -> str:
    return sha256(f"{entry.key} {entry.found_at}".encode()).hexdigest()[:40]
