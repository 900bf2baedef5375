"""Who may ask, and what a browser may do with the answer.

Belongs here: tokens and what each may, the cookie that one is exchanged for, refusal of foreign hosts and sites, and
the security headers with the content security policy. Does not belong here: limits on uploads
(:mod:`serving.classify`), which operations need more than to be let in (:mod:`serving.roles`).

On loopback everybody on the machine is trusted, as with any local tool; still only by a name of this
machine, because a web page elsewhere could point its own name at 127.0.0.1 (DNS rebinding).
Bound elsewhere, or with a token, every request needs one.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warehouse.errors import SettingsError
from warehouse.settings import Role, Serve

TOKEN_VARIABLE = "REGULARS_SERVE_TOKEN"  # noqa: S105 - the name, not the value
MIN_TOKEN_LENGTH = 16
COOKIE = "regulars_session"
LOGIN_PATH = "/login"
MAX_LOGIN_BYTES = 4_096
OPEN_PATHS = frozenset({LOGIN_PATH, "/assets/login.css", "/healthz", "/readyz"})
"""Answered without a token: the way in with its looks, and whether process and data are fit to be asked."""

EVERY_ROLE: frozenset[Role] = frozenset(get_args(Role))


@dataclass(frozen=True)
class Caller:
    """Who asks, as far as a token tells."""

    name: str
    """Of the token; it stands in the audit log."""
    roles: frozenset[Role]
    is_known: bool = True
    """False where no token is asked for, and nobody is told apart."""


LOCAL = Caller("this machine", EVERY_ROLE, is_known=False)
_CALLER = "regulars.caller"


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """Who sent the request; everybody on this machine where no token is asked for."""
    caller = scope.get(_CALLER, LOCAL)
    assert isinstance(caller, Caller)
    return caller


LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether an address is only reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def required_tokens(host: str, serve: Serve) -> dict[str, Caller]:
    """Tokens, one of which each request must carry, and whose they are; none on loopback without any.

    Raises
    ------
    SettingsError
        If the address is not loopback and no token is set, one that the settings name is missing, one is too short
        to be one, or two are the same.
    """
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    told = [(TOKEN_VARIABLE, token, Caller("owner", EVERY_ROLE))] if token else []
    for one in serve.tokens:
        value = os.environ.get(one.variable, "").strip()
        if not value:
            raise SettingsError(f"serve.tokens names {one.name!r}, and {one.variable} holds no token for it.")
        told.append((one.variable, value, Caller(one.name, one.roles | {"view"})))
    if not told:
        if is_loopback(host):
            return {}
        raise SettingsError(
            f"{host} can be reached from other machines, so a token is required: set {TOKEN_VARIABLE} to "
            f"{MIN_TOKEN_LENGTH} or more characters that nobody can guess, for example from "
            '`python3 -c "import secrets; print(secrets.token_urlsafe(32))"`.'
        )
    for variable, value, _ in told:
        if len(value) < MIN_TOKEN_LENGTH:
            raise SettingsError(f"{variable} has {len(value)} characters; at least {MIN_TOKEN_LENGTH} are needed.")
    callers = {value: caller for _, value, caller in told}
    if len(callers) < len(told):
        raise SettingsError("Two of the server's tokens are the same; each needs one of its own.")
    return callers


def content_security_policy(script_hashes: Sequence[str]) -> str:
    """What the pages may load and run: our own files and nothing else.

    Styles may stand in the page, because Plotly, Mantine and AG Grid write them there; scripts may not,
    but for those of the frame, which are named by their hashes.
    """
    scripts = " ".join(["'self'", *script_hashes])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )


DATA_DOCS_POLICY = (
    # Great Expectations' pages, as they are written here, have their styles inside and no script
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class SecurityHeaders:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, *, policy: str) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with headers added; one that a route set itself stays."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", self.policy)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
                # figures of a shop have no place in a shared cache
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ForeignSites:
    """Refuses what another site makes a visitor's browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse all but links that a page of another origin sends (Fetch Metadata, W3C).

        A picture or script there could not read the answer, and would still have the report made, or a file written.
        """
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            is_foreign = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
            is_link = scope["method"] in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
            if is_foreign and not is_link:
                await _problem(403, "Sent by a page of another site; only Regulars' own pages may.")(
                    scope, receive, send
                )
                return
        await self.app(scope, receive, send)


class ProbeBesidePage:
    """Answers programs that ask for ``/health`` as a probe; people who do get the page of that address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, to the probe where no page is asked for."""
        is_probe = scope["type"] == "http" and scope["path"] == "/health" and scope["method"] in ("GET", "HEAD")
        if is_probe and "text/html" not in Headers(scope=scope).get("accept", ""):
            scope.update(path="/readyz", raw_path=b"/readyz")
        await self.app(scope, receive, send)


class TokenGuard:
    """Lets in who carries a token: as ``Authorization: Bearer …``, or a cookie that the login page gave."""

    def __init__(self, app: ASGIApp, *, tokens: Mapping[str, Caller]) -> None:
        self.app = app
        self._callers = {token.encode(): caller for token, caller in tokens.items()}
        # the cookie is not the token: who reads it off a browser can't use it elsewhere in its stead
        self._sessions = {_session(token): caller for token, caller in self._callers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, show the login page, or refuse with 401."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        # the path that routes go by: that of the URL is put together from what the client says of the host,
        # and has lost its tabs and line ends
        path = scope["path"]
        if path == LOGIN_PATH:
            await (await self._login(request))(scope, receive, send)
        elif caller := self._caller(request):
            scope[_CALLER] = caller
            await self.app(scope, receive, send)
        elif path in OPEN_PATHS:
            await self.app(scope, receive, send)
        else:
            await self._refusal(request)(scope, receive, send)

    def _caller(self, request: Request) -> Caller | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (caller := _whose(given.strip().encode(), self._callers)):
            return caller
        return _whose(request.cookies.get(COOKIE, "").encode(), self._sessions)

    def _refusal(self, request: Request) -> Response:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{LOGIN_PATH}?next={quote(asked)}", status_code=303)
        return _problem(
            401,
            "A token is required: send it as `Authorization: Bearer …`.",
            {"WWW-Authenticate": 'Bearer realm="Regulars"'},
        )

    async def _login(self, request: Request) -> Response:
        target = _local_path(request.query_params.get("next", "/"))
        if request.method == "GET":
            return _login_page(target)
        if request.method != "POST":
            return _problem(405, "The login page takes GET and POST.", {"Allow": "GET, POST"})
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_LOGIN_BYTES:
                return _problem(413, "That is too long to be a token.")
        given = parse_qs(body.decode("utf-8", errors="replace")).get("token", [""])[0].strip().encode()
        if _whose(given, self._callers) is None:
            return _login_page(target, problem="That is not the token.", status=401)
        answer = RedirectResponse(target, status_code=303)
        answer.set_cookie(
            COOKIE,
            _session(given).decode(),
            httponly=True,
            samesite="strict",
            # as a proxy that speaks TLS says with X-Forwarded-Proto
            secure=request.url.scheme == "https",
            max_age=12 * 3600,
        )
        return answer


def _session(token: bytes) -> bytes:
    return hmac.new(token, b"regulars session", hashlib.sha256).hexdigest().encode()


def _whose(given: bytes, known: Mapping[bytes, Caller]) -> Caller | None:
    """Whose it is; each is compared, so that the time it takes tells of none of them."""
    found = [caller for one, caller in known.items() if hmac.compare_digest(given, one)]
    return found[0] if found else None


def _local_path(target: str) -> str:
    # "//elsewhere" and "/\elsewhere" name another host
    is_local = target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target
    return target if is_local else "/"


def _login_page(target: str, *, problem: str = "", status: int = 200) -> Response:
    told = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
    return HTMLResponse(
        f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Regulars</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/login.css"></head>
<body><main><h1>Regulars</h1>
<form method="post" action="{LOGIN_PATH}?next={quote(target)}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
{told}<button type="submit">Open</button></form>
<p>Whoever started this server knows the token (<code>{TOKEN_VARIABLE}</code>).</p></main></body></html>""",
        status_code=status,
    )


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    titles = {401: "Unauthorized", 403: "Forbidden", 405: "Method Not Allowed", 413: "Content Too Large"}
    return JSONResponse(
        {"type": "about:blank", "title": titles[status], "status": status, "detail": detail},
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )
