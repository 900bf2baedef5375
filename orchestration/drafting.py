"""Email redrafts by a language model, if a shop names one. Optional, and never in the way.

Belongs here: asking an OpenAI-compatible endpoint to rewrite the drafts that were made by
rule, and judging its answers. Does not belong here: the drafts themselves
(``dbt_project/``), and anything about one customer: what is sent are a segment's totals
and its draft. Nothing here raises because an endpoint is away, slow or wrong: the row of
that segment says so, and the rule's draft is there all the same.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

API_KEY_VARIABLE = "REGULARS_DRAFTING_API_KEY"

# The totals of a handful of customers tell of each of them.
MIN_CUSTOMERS = 10
# A subject and a few paragraphs; a thousand times that is no answer but a flood.
MAX_ANSWER_BYTES = 1_000_000

FIGURES = (
    "customers",
    "customers_pct",
    "monetary_pct",
    "recency_days_mean",
    "frequency_mean",
    "monetary_mean",
    "money_per_order",
    "one_time_pct",
    "top_category",
)
"""What is told of a segment: columns of ``reporting.segment_playbooks``."""
COLUMNS = ("method", "segment_name", "subject", "body", "model", "status", "problem")

Status = Literal["redrafted", "failed", "not_asked"]

_INSTRUCTION = (
    "You edit marketing emails for a shop. Rewrite the draft for the customer segment described. Plain, concrete, "
    "friendly and respectful; about the same length. No false urgency and no facts, offers, numbers or links that the "
    "draft does not have. The figures are for your understanding: never mention them, nor the segment's name. Keep "
    "every placeholder in square brackets exactly as it is. Answer with one JSON object of two texts, subject (one "
    "line) and body (plain text), and nothing else."
)
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(?P<inside>.*?)\n?```\s*\Z", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SLOT = re.compile(r"\[[^\[\]]+\]")
_MARKUP_OR_LINK = re.compile(r"<[a-zA-Z/!]|https?://|www\.|[{}]", re.IGNORECASE)
# line feeds and tabs are text, the others are not
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class _Answer(BaseModel):
    """What the model's message has to be, as JSON."""

    model_config = ConfigDict(strict=True, str_strip_whitespace=True)

    subject: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1, max_length=10_000)


class _UnusableError(Exception):
    """An answer, or none, that a redraft can't be made of; the message is for people."""

    def __init__(self, problem: str, *, is_away: bool = False) -> None:
        super().__init__(problem)
        self.is_away = is_away
        """Nobody answered at all, so asking for the next segment would only wait again."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible interface.

    Attributes
    ----------
    url
        Its base, such as ``http://127.0.0.1:1234/v1``.
    model
        Name of the model, as the endpoint knows it.
    timeout_seconds
        How long to wait for a connection, and then for the whole of one answer.
    api_key
        Sent as bearer token, and nowhere else; never in a representation.
    """

    url: str
    model: str
    timeout_seconds: float
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.host!r}, {self.model!r})"

    @property
    def host(self) -> str:
        """Where it is, without what may be secret in its address."""
        try:
            return urlsplit(self.url).hostname or "?"
        except ValueError:
            return "?"

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, where a company's proxy has no business."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def redraft_all(drafts: pd.DataFrame, endpoint: Endpoint, *, warn: Callable[[str], None]) -> pd.DataFrame:
    """Ask for a redraft of every draft, one after another.

    When nobody answers (refused, timed out), the remaining segments are not asked: a dead
    endpoint costs one time-out, not one a segment.

    Parameters
    ----------
    drafts : DataFrame, one row per segment
        ``method, segment_name, subject, body``, the columns of :data:`FIGURES`, and
        ``goal`` in the playbook's words.
    warn
        Told one line for each redraft that failed.

    Returns
    -------
    DataFrame with :data:`COLUMNS`, one row per row of ``drafts``
        ``subject`` and ``body`` are null unless ``status`` is ``redrafted``.
    """
    rows: list[dict[str, Any]] = []
    away: str | None = None
    for draft in drafts.sort_values(["method", "segment_name"]).to_dict("records"):
        name = str(draft["segment_name"])
        answer: _Answer | None = None
        status: Status
        problem: str | None
        if int(draft["customers"]) < MIN_CUSTOMERS:
            status, problem = "not_asked", f"Fewer than {MIN_CUSTOMERS} customers: totals would tell of each."
        elif away is not None:
            status, problem = "not_asked", f"The endpoint did not answer for {away}."
        else:
            try:
                answer = _redraft(endpoint, {str(key): value for key, value in draft.items()})
                status, problem = "redrafted", None
            except _UnusableError as error:
                status, problem = "failed", str(error)
                away = name if error.is_away else None
                warn(f"No redraft of the email to {name} by {endpoint.host}: {problem} The draft by rule stands.")
        rows.append(
            {
                "method": draft["method"],
                "segment_name": name,
                "subject": answer.subject if answer else None,
                "body": answer.body if answer else None,
                "model": endpoint.model,
                "status": status,
                "problem": problem,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


def describe_segment(draft: Mapping[str, Any]) -> str:
    """What is sent of a segment, and all that is: its totals, its aim and its draft, as JSON.

    Parameters
    ----------
    draft
        A row of the drafts, see :func:`redraft_all`.
    """
    return json.dumps(
        {
            "segment": draft["segment_name"],
            "goal": draft["goal"],
            "figures": {name: _plain(draft[name]) for name in FIGURES},
            "draft": {"subject": draft["subject"], "body": draft["body"]},
        },
        ensure_ascii=False,
    )


def _redraft(endpoint: Endpoint, draft: Mapping[str, Any]) -> _Answer:
    message = _ask(endpoint, describe_segment(draft))
    fenced = _FENCE.match(message)
    try:
        answer = _Answer.model_validate_json(fenced["inside"] if fenced else message)
    except ValidationError as error:
        faults = ", ".join(sorted({".".join(map(str, one["loc"])) or "the whole" for one in error.errors()}))
        raise _UnusableError(f"The answer is not the JSON that was asked for ({faults}).") from None
    _refuse_what_was_not_asked_for(answer, draft, endpoint)
    return answer


def _ask(endpoint: Endpoint, question: str) -> str:
    # few shops ask for redrafts, and each refresh would import its 60 modules
    import httpx

    headers = {}
    if endpoint.api_key:
        # httpx would say what a bad header held
        if not re.fullmatch(r"[!-~]+", endpoint.api_key):
            raise _UnusableError(f"{API_KEY_VARIABLE} holds characters that no key has.", is_away=True)
        headers["authorization"] = f"Bearer {endpoint.api_key}"
    body = {
        "model": endpoint.model,
        "messages": [{"role": "system", "content": _INSTRUCTION}, {"role": "user", "content": question}],
        "temperature": 0.3,
        "stream": False,
    }
    deadline = time.monotonic() + endpoint.timeout_seconds
    too_slow = f"No whole answer within {endpoint.timeout_seconds:g} seconds."
    try:
        url = f"{endpoint.url.rstrip('/')}/chat/completions"
        with (
            # redirects are not followed: they could carry the key, and the totals, to another host
            httpx.Client(
                follow_redirects=False, trust_env=not endpoint.is_local, timeout=endpoint.timeout_seconds
            ) as client,
            client.stream("POST", url, json=body, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                # not what the body says: it may repeat what was sent
                raise _UnusableError(f"The endpoint answered with status {response.status_code}.")
            received = bytearray()
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > MAX_ANSWER_BYTES:
                    raise _UnusableError(f"The answer is longer than {MAX_ANSWER_BYTES:,} bytes.")
                # httpx counts anew with every piece that arrives
                if time.monotonic() > deadline:
                    raise _UnusableError(too_slow, is_away=True)
    except httpx.TimeoutException:
        raise _UnusableError(too_slow, is_away=True) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # the last two are what httpx lets through of unreadable certificates, proxies and addresses
        raise _UnusableError(f"The endpoint could not be asked ({type(error).__name__}).", is_away=True) from None
    try:
        content = json.loads(received)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise _UnusableError("The endpoint did not answer with a chat completion.") from None
    # JSON can spell halves of characters, which no table can hold
    if not isinstance(content, str) or content != content.encode(errors="ignore").decode():
        raise _UnusableError("The endpoint answered with no text.")
    return content


def _refuse_what_was_not_asked_for(answer: _Answer, draft: Mapping[str, Any], endpoint: Endpoint) -> None:
    """Models invent discounts, links and facts; what a draft does not have is not for them to add."""
    before = f"{draft['subject']}\n{draft['body']}"
    after = f"{answer.subject}\n{answer.body}"
    if endpoint.api_key and endpoint.api_key in after:
        raise _UnusableError("The answer repeats the key.")
    if "\n" in answer.subject or _CONTROL.search(after):
        raise _UnusableError("The answer has control characters, or a subject of several lines.")
    if _MARKUP_OR_LINK.search(after):
        raise _UnusableError("The answer has markup, links or braces, which the draft does not have.")
    invented = sorted(set(_NUMBER.findall(after)) - set(_NUMBER.findall(before)))
    if invented:
        raise _UnusableError(f"The answer has numbers that the draft does not have: {', '.join(invented[:5])}.")
    slots, wanted = set(_SLOT.findall(after)), set(_SLOT.findall(before))
    if slots != wanted:
        changed = ", ".join(sorted(slots ^ wanted)[:5])
        raise _UnusableError(f"The answer lost or added placeholders: {changed}.")


def _plain(value: Any) -> Any:
    """A figure as JSON knows it, no more exact than anybody needs."""
    if value is None or value != value:
        return None
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() else round(number, 1)
