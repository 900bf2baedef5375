"""Posting a message to an address that a person named, with patience.

Belongs here: which addresses are taken, retries, and what an answer means. Does not belong here: what is in a
message (``serving/export/webhook.py``, ``orchestration/alerts``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from warehouse.errors import WebhookError
from warehouse.wording import plural


class _TryAgainError(Exception):
    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Patience:
    """How long a message is tried."""

    attempts: int = 6
    first_wait_seconds: float = 1.0
    """Waits are drawn between 0 and twice as much after each attempt, from this on."""
    max_wait_seconds: float = 60.0
    longest_retry_after_seconds: float = 300.0
    """A receiver that asks to wait longer is not waited for."""
    timeout_seconds: float = 15.0


def checked_address(url: str) -> httpx.URL:
    """The address, if a message may go there: encrypted, or to this machine.

    Raises
    ------
    WebhookError
        If it may not.
    """
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise WebhookError("The webhook's address is none that can be read.") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise WebhookError("A webhook's address begins with https://.")
    if address.scheme == "http" and not is_this_machine(address.host):
        raise WebhookError(f"{shown(address)} is not encrypted; a shop's data go out by https:// only.")
    return address


def is_this_machine(host: str) -> bool:
    """Whether what is sent there never leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown(address: httpx.URL) -> str:
    """The host, and nothing that may be a secret: user, password, query; in many services the path is one, too."""
    port = f":{address.port}" if address.port else ""
    return f"{address.scheme}://{address.host}{port}"


def post(
    client: httpx.Client,
    address: httpx.URL,
    body: bytes,
    headers: Callable[[], Mapping[str, str]],
    patience: Patience,
) -> None:
    """Post a JSON body until it is taken, or for as long as it is tried.

    Parameters
    ----------
    client
        One that follows no redirects.
    address
        One of :func:`checked_address`.
    headers
        Gives those of one attempt, beside the content's type.

    Raises
    ------
    WebhookError
        If the receiver refuses it, or did not take it in all attempts.
    """
    backoff = wait_random_exponential(multiplier=patience.first_wait_seconds, max=patience.max_wait_seconds)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, _TryAgainError) else None
        # never earlier than asked for, and still not all at one moment
        return backoff(state) if asked is None else asked + min(backoff(state), patience.first_wait_seconds)

    retrying = Retrying(
        retry=retry_if_exception_type(_TryAgainError),
        wait=wait,
        stop=stop_after_attempt(patience.attempts),
        reraise=True,
    )
    try:
        retrying(_attempt, client, address, body, headers, patience)
    except _TryAgainError as error:
        tried = plural(patience.attempts, "attempt")
        raise WebhookError(f"{shown(address)} did not take it in {tried}: {error}.") from error


def _attempt(
    client: httpx.Client,
    address: httpx.URL,
    body: bytes,
    headers: Callable[[], Mapping[str, str]],
    patience: Patience,
) -> None:
    told = {"content-type": "application/json", "user-agent": "regulars", **headers()}
    try:
        # only the head of the answer is read: its body is of no use, and may be endless
        with client.stream("POST", address, content=body, headers=told) as response:
            status, retry_after = response.status_code, response.headers.get("retry-after")
    except httpx.TimeoutException as error:
        raise _TryAgainError(f"no answer within {patience.timeout_seconds:g} s") from error
    except httpx.TransportError as error:
        raise _TryAgainError(f"no connection ({type(error).__name__})") from error
    if 200 <= status < 300:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS or status == httpx.codes.REQUEST_TIMEOUT or status >= 500:
        asked = _seconds(retry_after)
        if asked is not None and asked > patience.longest_retry_after_seconds:
            raise WebhookError(
                f"{shown(address)} answered {status} and asks to wait {plural(asked, 'second')}. Try again then."
            )
        raise _TryAgainError(f"it answered {status}", asked)
    if 300 <= status < 400:
        raise WebhookError(
            f"{shown(address)} answered {status}, a redirect. Messages go only to the address that you name: "
            "give its new one."
        )
    raise WebhookError(f"{shown(address)} refused the message with {status}.")


def _seconds(retry_after: str | None) -> float | None:
    """What ``Retry-After`` asks for: seconds, or a date; None if it says nothing that can be read."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(int(retry_after)))
    except ValueError:
        pass
    try:
        asked = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if asked.tzinfo is None:
        asked = asked.replace(tzinfo=UTC)
    return max(0.0, (asked - datetime.now(UTC)).total_seconds())
